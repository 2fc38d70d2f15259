/** What a status check may answer. `type` is the specification's error type, where it has one (section 3.2). */
export interface StatusCodeFacts {
  readonly outcome: 'pass' | 'fail' | 'indeterminate';
  readonly type?: string;
  readonly detail: string;
}

const listError = (name: string) => `https://www.w3.org/ns/credentials/status-list#${name}`;
/** Bitstring Status List 3 takes these two over from the data model (VCDM 2.0 7.2). */
const modelError = (name: string) => `https://www.w3.org/TR/vc-data-model#${name}`;
const rangeError = modelError('RANGE_ERROR');
const retrieval = { outcome: 'indeterminate', type: listError('STATUS_RETRIEVAL_ERROR') } as const;
const verification = { outcome: 'indeterminate', type: listError('STATUS_VERIFICATION_ERROR') } as const;
const malformedList = { outcome: 'indeterminate', type: modelError('MALFORMED_VALUE_ERROR') } as const;

/**
 * Faults of the entry are faults of the signed credential, so they fail. Faults of the list leave the status unknown,
 * and an unknown status is never a pass.
 */
export const statusCodes = {
  status_clear: { outcome: 'pass', detail: 'The status list does not mark this credential.' },
  status_informational: {
    outcome: 'pass',
    detail: 'The status list marks this credential for a purpose that does not end its validity.',
  },
  status_revoked: { outcome: 'fail', detail: 'The issuer has revoked this credential.' },
  status_suspended: { outcome: 'fail', detail: 'The issuer has suspended this credential.' },
  status_entry_malformed: {
    outcome: 'fail',
    type: modelError('MALFORMED_VALUE_ERROR'),
    detail: 'The credentialStatus of this credential is malformed.',
  },
  status_index_out_of_range: {
    outcome: 'fail',
    type: rangeError,
    detail: 'The statusListIndex lies past the end of the list.',
  },
  status_purpose_mismatch: {
    outcome: 'fail',
    type: listError('STATUS_VERIFICATION_ERROR'),
    detail: 'The list was published for another statusPurpose than the credential names.',
  },
  status_entry_unsupported: {
    outcome: 'indeterminate',
    detail: 'The credentialStatus is of a type, purpose or value that is not supported.',
  },
  status_retrieval_failed: { ...retrieval, detail: 'The status list could not be fetched.' },
  status_fetch_not_allowed: {
    ...retrieval,
    detail: 'The status list lies where this issuer has no business to keep it.',
  },
  status_stale: {
    ...retrieval,
    detail: 'The copy of the status list is older than its ttl and could not be refreshed.',
  },
  status_media_type: { ...verification, detail: 'The status list has an unknown media type.' },
  status_list_malformed: { ...malformedList, detail: 'The status list is malformed.' },
  status_list_too_large: { ...malformedList, detail: 'The status list is larger than is accepted.' },
  status_list_too_short: {
    outcome: 'indeterminate',
    type: listError('STATUS_LIST_LENGTH_ERROR'),
    detail: 'The status list has fewer than 131,072 entries.',
  },
  status_list_proof_invalid: { ...verification, detail: 'The signature of the status list does not hold.' },
  status_list_issuer_mismatch: {
    ...verification,
    detail: 'The status list was issued by somebody who may not speak for the issuer of the credential.',
  },
  status_list_id_mismatch: {
    ...verification,
    detail: 'The status list names another address than the one it was fetched from.',
  },
  status_list_outside_validity: { ...verification, detail: 'The status list is not valid now.' },
  status_list_rolled_back: { ...verification, detail: 'The status list is older than one that was seen before.' },
} as const satisfies Record<string, StatusCodeFacts>;

/** One of the codes above. */
export type StatusCode = keyof typeof statusCodes;

/** Why a list or an entry cannot be used; ends in a StatusResult, never in front of a caller. */
export class StatusFault extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, options?: ErrorOptions) {
    super(statusCodes[code].detail, options);
    this.name = 'StatusFault';
    this.code = code;
  }
}
