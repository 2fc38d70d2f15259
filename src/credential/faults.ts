/** Translates what lower ranks refuse into our own closed list of refusals. */
import { JoseError, type JoseErrorCode } from '../jose/errors.js';
import { CanonicalisationError } from './canonicalisation-error.js';
import { CredentialRefusal, type RefusalCode } from './refusals.js';

const joseRefusals: Readonly<Record<JoseErrorCode, RefusalCode>> = {
  malformed: 'token_malformed',
  not_canonical: 'token_malformed',
  too_large: 'input_too_large',
  header_invalid: 'token_malformed',
  payload_invalid: 'token_malformed',
  alg_not_allowed: 'alg_not_allowed',
  typ_not_allowed: 'typ_unknown',
  crit_not_supported: 'header_not_allowed',
  embedded_key: 'header_not_allowed',
  key_invalid: 'key_invalid',
  key_alg_mismatch: 'key_type_mismatch',
  signature_invalid: 'signature_invalid',
  claim_invalid: 'claims_inconsistent',
  disclosure_invalid: 'disclosures_invalid',
  key_binding_invalid: 'key_binding_invalid',
  expired: 'presentation_expired',
  not_yet_valid: 'presentation_not_yet_valid',
  too_old: 'presentation_expired',
};

/** Runs a step of the jose module; its errors become refusals, anything else is a fault of ours. */
export function refuseJose<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw new CredentialRefusal(joseRefusals[cause.code], cause.message, { cause });
  }
}

/** Waits for a canonical form; why there is none is a refusal. */
export async function refuseCanonicalisation<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    if (!(cause instanceof CanonicalisationError)) throw cause;
    throw new CredentialRefusal(cause.code, cause.message, { cause });
  }
}
