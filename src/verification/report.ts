/** What a verification answers (design.md §5): every check with its outcome, and the decision that follows from them. */
import type { CheckName } from '../credential/credential.js';
import type { Json, JsonObject } from '../json.js';
import type { RegistryState } from '../registry/registry.js';
import { type CheckOutcome, type VerifyCode, verifyCodes } from './codes.js';

export type Decision = 'valid' | 'invalid' | 'indeterminate';

/** One line of a report. */
export interface Check {
  readonly check: CheckName;
  readonly outcome: CheckOutcome;
  readonly code: VerifyCode;
  readonly detail: string;
  readonly evidence?: JsonObject;
}

/** The organisation that the registry names for the issuer's DID. */
export interface ReportedIssuer {
  readonly id: string;
  readonly name?: string;
  readonly odsCode?: string;
}

/** The verdict on one credential. */
export interface CredentialReport {
  readonly decision: Decision;
  readonly checks: readonly Check[];
  readonly format?: string;
  /** Only what was signed; absent unless the proof passed. */
  readonly credential?: JsonObject;
  readonly issuer?: ReportedIssuer;
}

interface Times {
  readonly asOf: string;
  readonly checkedAt: string;
  /** Which copy of the registry the decision rests on. */
  readonly registry: RegistryState;
}

/** The answer for a bare credential. */
export type SingleReport = CredentialReport & Times;

/** The answer for a presentation. */
export interface PresentationReport extends Times {
  readonly decision: Decision;
  readonly checks: readonly Check[];
  /** The presenter's DID; absent unless the presentation's proof passed. */
  readonly holder?: string;
  readonly credentials: readonly CredentialReport[];
}

/** Makes a line of a report; check, outcome and sentence stand in the table, so that they cannot differ between places. */
export function finding(code: VerifyCode, evidence?: Readonly<Record<string, Json | undefined>>): Check {
  const row = verifyCodes[code];
  const known = Object.entries(evidence ?? {}).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  const line = { check: row.check, outcome: row.outcome, code, detail: row.sentence };
  return known.length === 0 ? line : { ...line, evidence: Object.fromEntries(known) };
}

const skipped: Readonly<Record<CheckName, VerifyCode>> = {
  format: 'format_not_reached',
  algorithm: 'algorithm_not_reached',
  issuer: 'issuer_not_reached',
  key: 'key_not_reached',
  proof: 'proof_not_reached',
  validity: 'validity_not_reached',
  schema: 'schema_not_reached',
  status: 'status_not_reached',
  holder: 'holder_not_reached',
  challenge: 'challenge_not_reached',
  domain: 'domain_not_reached',
  presentation: 'presentation_not_reached',
};

/** The report's lines in the order of the checks; what has no finding could not run and says so. */
export function completeChecks(order: readonly CheckName[], findings: readonly Check[]): Check[] {
  return order.map((name) => findings.findLast((line) => line.check === name) ?? finding(skipped[name]));
}

/**
 * invalid: some check failed. indeterminate: none failed, but a required one did not run or came to no result.
 * valid: every required check passed. A check that could not run never makes anything valid.
 */
export function decide(checks: readonly Check[]): Decision {
  if (checks.some((line) => line.outcome === 'fail')) return 'invalid';
  const open = checks.some((line) => line.outcome !== 'pass' && verifyCodes[line.code].required);
  return open || checks.length === 0 ? 'indeterminate' : 'valid';
}

/** The decision on several things that must all be valid. */
export function worst(decisions: readonly Decision[]): Decision {
  if (decisions.includes('invalid')) return 'invalid';
  return decisions.includes('indeterminate') || decisions.length === 0 ? 'indeterminate' : 'valid';
}
