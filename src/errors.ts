/**
 * The closed list of things that can go wrong for a caller. http/problems.ts holds one row for each code;
 * a code without a row does not compile. No text in here may carry a secret or somebody's personal data.
 */
export const errorCodes = [
  'invalid_request',
  'malformed_json',
  'unsupported_media_type',
  'not_acceptable',
  'payload_too_large',
  'uri_too_long',
  'unknown_option',
  'unauthorized',
  'forbidden',
  'not_found',
  'gone',
  'method_not_allowed',
  'conflict',
  'idempotency_conflict',
  'invalid_credential',
  'unknown_credential_type',
  'schema_violation',
  'issuer_not_recognised',
  'status_irreversible',
  'registry_unavailable',
  'key_unavailable',
  'storage_unavailable',
  'rate_limited',
  'overloaded',
  'fetch_refused',
  'fetch_failed',
  'configuration',
  'internal',
] as const;

/** One of the codes above. */
export type ErrorCode = (typeof errorCodes)[number];

/** A single fault inside an input, by JSON Pointer (RFC 6901) into what the caller sent. */
export interface Fault {
  readonly path: string;
  readonly detail: string;
}

/** The one error that the product throws on purpose; only http/ turns it into a status code. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];

  constructor(code: ErrorCode, detail: string, options: { faults?: readonly Fault[]; cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ServiceError';
    this.code = code;
    this.faults = options.faults ?? [];
  }
}
