/**
 * The W3C projections of a report (VCALM 1.0, verifier service): `verified` means that no error was found in the
 * sense of that specification; status and validity are warnings there, so a revoked credential is "verified" and
 * says so in problemDetails. Callers who want one decision use POST /verify.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { type CodeRow, type VerifyCode, verifyCodes } from './codes.js';
import type { Check, CredentialReport, PresentationReport } from './report.js';

/** An error or warning (RFC 9457 members, as VCALM uses them). */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly detail: string;
}

export interface CredentialOptions {
  readonly returnResults?: boolean;
  readonly returnProblemDetails?: boolean;
  readonly returnCredential?: boolean;
}

export interface PresentationOptions {
  readonly challenge?: string;
  readonly domain?: string;
  readonly returnResults?: boolean;
  readonly returnProblemDetails?: boolean;
  readonly returnPresentation?: boolean;
}

/** For whom a projection is made. */
export interface ProjectionRules {
  /** Where the codes are explained. */
  readonly base: string;
  /**
   * What it is when a credential is about somebody else than its presenter: an error (decisions.md 3), unless the caller
   * of a service instance has business rules of their own (VCALM 1.0) and is only told.
   */
  readonly foreignSubject?: 'error' | 'warning';
}

const foreignSubjectCodes: ReadonlySet<VerifyCode> = new Set(['holder_not_subject', 'holder_subject_missing']);

/** Without a proof that held nothing is verified, whatever else is only a warning. */
const proofCheck = 'proof';

/** What the registry does not say of an issuer, in contrast to what it says against one (suspended, withdrawn). */
const unrecognisedCodes: ReadonlySet<VerifyCode> = new Set(['issuer_not_listed', 'issuer_not_authorised_for_type']);

/**
 * decisions.md 5: an issuer outside the registry is a warning where its key needs no fetch (did:key, did:jwk), which
 * is the case exactly when the proof could be checked all the same. So is a listed one for a type that is not listed.
 */
function weight(line: Check, checks: readonly Check[], rules: Weighing): CodeRow['projection'] {
  if (foreignSubjectCodes.has(line.code)) return rules.foreignSubject ?? 'error';
  if (unrecognisedCodes.has(line.code) && proofPassed(checks)) return 'warning';
  // The list of an issuer whom the registry does not vouch for is not fetched: "verified" must not hide it.
  if (line.code === 'status_not_reached' && proofPassed(checks)) return 'warning';
  return verifyCodes[line.code].projection;
}

type Weighing = Pick<ProjectionRules, 'foreignSubject'>;

function proofPassed(checks: readonly Check[]): boolean {
  return checks.some((line) => line.check === proofCheck && line.outcome === 'pass');
}

/** VCALM 1.0 lets a presentation come without any proof; the credentials in it have theirs. */
function proofDue(checks: readonly Check[]): boolean {
  return !checks.some((line) => line.code === 'presentation_unsigned');
}

export function isVerified(checks: readonly Check[], rules: Weighing = {}): boolean {
  return (proofPassed(checks) || !proofDue(checks)) && checks.every((line) => weight(line, checks, rules) !== 'error');
}

/** Where a code is explained when no specification has a type for it. */
function problemType(code: VerifyCode, base: string): string {
  return verifyCodes[code].problem ?? `${base}/verify/codes#${code}`;
}

export function problemDetails(checks: readonly Check[], rules: ProjectionRules): ProblemDetails[] {
  const told = checks.filter((line) => weight(line, checks, rules) !== 'none');
  return told.map((line) => ({ type: problemType(line.code, rules.base), title: line.code, detail: line.detail }));
}

function outcomeOf(checks: readonly Check[], name: Check['check']): boolean {
  return checks.some((line) => line.check === name && line.outcome === 'pass');
}

function listOf(value: Json | undefined): JsonObject[] {
  const items = Array.isArray(value) ? value : [value];
  return items.filter((item): item is JsonObject => isJsonObject(item));
}

function proofInputs(input: unknown): JsonObject[] {
  return isJsonObject(input) ? listOf(input.proof) : [];
}

function credentialResults(report: CredentialReport, input: unknown): JsonObject {
  const { checks, credential } = report;
  const validity = outcomeOf(checks, 'validity');
  const results: JsonObject = {};
  for (const name of ['validFrom', 'validUntil'] as const) {
    const value = credential?.[name];
    if (typeof value === 'string') results[name] = { verified: validity, input: value };
  }
  const verdict = (name: Check['check']) => (item: JsonObject) => ({ verified: outcomeOf(checks, name), input: item });
  results.credentialSchema = listOf(credential?.credentialSchema).map(verdict('schema'));
  results.credentialStatus = listOf(credential?.credentialStatus).map(verdict('status'));
  results.proof = proofInputs(input).map(verdict('proof'));
  return results;
}

/** The answer of POST /credentials/verify; closed: only the members that VCALM names. */
export function projectCredential(
  report: CredentialReport,
  input: unknown,
  options: CredentialOptions,
  rules: ProjectionRules,
) {
  const verified = isVerified(report.checks, rules);
  return {
    verified,
    // Only what was signed, and only when asked for: "in the form in which it was verified".
    ...(options.returnCredential && verified && isJsonObject(input) && { credential: input }),
    ...(options.returnProblemDetails !== false && { problemDetails: problemDetails(report.checks, rules) }),
    ...(options.returnResults && { results: credentialResults(report, input) }),
  };
}

function presentationResults(
  report: PresentationReport,
  input: unknown,
  options: PresentationOptions,
  rules: ProjectionRules,
) {
  const { checks } = report;
  const proof = proofInputs(input).map((item) => ({ verified: outcomeOf(checks, 'proof'), input: item }));
  const presentation = {
    ...(options.challenge !== undefined && {
      challenge: { verified: outcomeOf(checks, 'challenge'), input: options.challenge },
    }),
    ...(options.domain !== undefined && {
      domain: { verified: outcomeOf(checks, 'domain'), input: options.domain },
    }),
    ...(report.holder !== undefined && { holder: { verified: true, input: report.holder } }),
    proof,
  };
  return { presentation, credentials: report.credentials.map((one) => projectCredential(one, undefined, {}, rules)) };
}

/** The answer of POST /presentations/verify. */
export function projectPresentation(
  report: PresentationReport,
  input: unknown,
  options: PresentationOptions,
  rules: ProjectionRules,
) {
  const embedded = report.credentials.every((one) => isVerified(one.checks, rules));
  const verified = isVerified(report.checks, rules) && embedded;
  const lines = [report.checks, ...report.credentials.map((one) => one.checks)];
  return {
    verified,
    ...(options.returnPresentation && verified && isJsonObject(input) && { verifiablePresentation: input }),
    ...(options.returnProblemDetails !== false && {
      problemDetails: lines.flatMap((checks) => problemDetails(checks, rules)),
    }),
    ...(options.returnResults && { results: presentationResults(report, input, options, rules) }),
  };
}
