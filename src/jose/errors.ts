/** Why a token or key was refused: a closed list, so that callers can map every reason. */
export type JoseErrorCode =
  | 'malformed'
  | 'not_canonical'
  | 'too_large'
  | 'header_invalid'
  | 'payload_invalid'
  | 'alg_not_allowed'
  | 'typ_not_allowed'
  | 'crit_not_supported'
  | 'embedded_key'
  | 'key_invalid'
  | 'key_alg_mismatch'
  | 'signature_invalid'
  | 'claim_invalid'
  | 'disclosure_invalid'
  | 'key_binding_invalid'
  | 'expired'
  | 'not_yet_valid'
  | 'too_old';

/** A refused token or key. The text says which part was wrong and never quotes it. */
export class JoseError extends Error {
  readonly code: JoseErrorCode;

  constructor(code: JoseErrorCode, detail: string, options: { cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'JoseError';
    this.code = code;
  }
}
