/**
 * The closed list of reasons for which a credential or presentation is refused. A row names the check that the
 * code belongs to and whether the check failed or could not be run; the text of a refusal names the input at
 * fault and never carries a claim's value.
 */
import type { Fault } from '../errors.js';

/** The checks of a verdict, in the order in which they are made. */
export type CheckName =
  | 'format'
  | 'algorithm'
  | 'issuer'
  | 'key'
  | 'proof'
  | 'validity'
  | 'schema'
  | 'status'
  | 'holder'
  | 'challenge'
  | 'domain'
  | 'presentation';

/** A refusal is a failed check or one that could not be completed; neither is ever "valid". */
export type RefusalOutcome = 'fail' | 'indeterminate';

const fail = (check: CheckName) => ({ check, outcome: 'fail' }) as const;
const indeterminate = (check: CheckName) => ({ check, outcome: 'indeterminate' }) as const;

/** Code to check and outcome. verification/ adds the sentence for people: cause and remedy. */
export const refusals = {
  input_not_recognised: fail('format'),
  input_too_large: fail('format'),
  token_malformed: fail('format'),
  typ_unknown: fail('format'),
  media_type_unknown: fail('format'),
  envelope_malformed: fail('format'),
  header_not_allowed: fail('format'),
  claims_inconsistent: fail('format'),
  disclosures_invalid: fail('format'),
  data_model_invalid: fail('format'),
  proof_malformed: fail('format'),
  proof_count: fail('format'),
  alg_not_allowed: fail('algorithm'),
  cryptosuite_unknown: fail('algorithm'),
  key_type_mismatch: fail('algorithm'),
  issuer_not_did: fail('issuer'),
  issuer_mismatch: fail('issuer'),
  kid_invalid: fail('key'),
  did_invalid: fail('key'),
  did_not_found: fail('key'),
  did_deactivated: fail('key'),
  did_method_not_supported: fail('key'),
  did_unresolved: indeterminate('key'),
  controller_not_accepted: fail('key'),
  key_not_found: fail('key'),
  key_not_authorised: fail('key'),
  key_invalid: fail('key'),
  key_expired: fail('key'),
  key_revoked: fail('key'),
  signature_invalid: fail('proof'),
  key_binding_invalid: fail('proof'),
  proof_value_malformed: fail('proof'),
  proof_not_derived: fail('proof'),
  previous_proof_unknown: fail('proof'),
  proof_purpose: fail('proof'),
  proof_not_yet_valid: fail('proof'),
  proof_expired: fail('proof'),
  context_unknown: fail('proof'),
  terms_undefined: fail('proof'),
  canonicalisation_refused: fail('proof'),
  canonicalisation_unfinished: indeterminate('proof'),
  not_yet_valid: fail('validity'),
  expired: fail('validity'),
  status_failed: fail('status'),
  status_unchecked: indeterminate('status'),
  key_binding_missing: fail('holder'),
  holder_not_did: fail('holder'),
  holder_mismatch: fail('holder'),
  holder_not_accepted: fail('holder'),
  challenge_missing: fail('challenge'),
  challenge_mismatch: fail('challenge'),
  domain_missing: fail('domain'),
  domain_mismatch: fail('domain'),
  presentation_not_yet_valid: fail('presentation'),
  presentation_expired: fail('presentation'),
  presentation_too_many_credentials: fail('presentation'),
  credential_refused: fail('presentation'),
  credential_unfinished: indeterminate('presentation'),
} as const satisfies Record<string, { check: CheckName; outcome: RefusalOutcome }>;

/** One of the codes above. */
export type RefusalCode = keyof typeof refusals;

/** Why a credential or presentation is not accepted. An answer with reasons, never a 500. */
export class CredentialRefusal extends Error {
  readonly code: RefusalCode;
  readonly check: CheckName;
  readonly outcome: RefusalOutcome;
  readonly faults: readonly Fault[];
  /** Further checks of the same round that failed too (challenge and domain are checked together). */
  readonly further: readonly CredentialRefusal[];

  constructor(
    code: RefusalCode,
    detail: string,
    options: { faults?: readonly Fault[]; further?: readonly CredentialRefusal[]; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CredentialRefusal';
    this.code = code;
    this.check = refusals[code].check;
    this.outcome = refusals[code].outcome;
    this.faults = options.faults ?? [];
    this.further = options.further ?? [];
  }
}
