/** The purposes that this product publishes (Bitstring Status List 2.1); others are only read. */
export type StatusPurpose = 'revocation' | 'suspension';

/** In this order lists are locked, so that two transactions never wait for each other. */
export const statusPurposes: readonly StatusPurpose[] = ['revocation', 'suspension'];

/** One `credentialStatus` of a credential (Bitstring Status List 2.1). */
export interface BitstringStatusEntry {
  readonly id: string;
  readonly type: 'BitstringStatusListEntry';
  readonly statusPurpose: StatusPurpose;
  readonly statusListIndex: string;
  readonly statusListCredential: string;
}

/** `status.status_list` of an SD-JWT VC (Token Status List, "Referenced Token"); one entry speaks of both purposes. */
export interface TokenStatusEntry {
  readonly id: string;
  readonly type: 'TokenStatusListEntry';
  readonly statusListIndex: string;
  readonly statusListCredential: string;
}

/** What a copy is allocated. */
export type StatusEntry = BitstringStatusEntry | TokenStatusEntry;

/** What an entry says whether it is so. */
export function purposesOf(entry: { readonly type?: unknown; readonly statusPurpose?: unknown }): readonly unknown[] {
  return entry.type === 'TokenStatusListEntry' ? statusPurposes : [entry.statusPurpose];
}
