/** The purposes that this product publishes (Bitstring Status List 2.1); others are only read. */
export type StatusPurpose = 'revocation' | 'suspension';

/** In this order lists are locked, so that two transactions never wait for each other. */
export const statusPurposes: readonly StatusPurpose[] = ['revocation', 'suspension'];

/** One `credentialStatus` of a credential (Bitstring Status List 2.1). */
export interface StatusEntry {
  readonly id: string;
  readonly type: 'BitstringStatusListEntry';
  readonly statusPurpose: StatusPurpose;
  readonly statusListIndex: string;
  readonly statusListCredential: string;
}
