/**
 * Revocation and suspension. Lists are asked only after signature and registry passed (decisions.md 5); what an entry
 * itself gets wrong is told for every credential whose signature held.
 */
import { isJsonObject, type JsonObject } from '../json.js';
import { findEntryFaults, purposesOf, type StatusChecker, type StatusResult } from '../status/status.js';
import { type Deadline, DeadlineExceeded } from './deadline.js';
import { type Check, finding } from './report.js';

/** What an issuer of the programme must let us ask about; without it nobody could withdraw the credential. */
const requiredPurposes = ['revocation', 'suspension'] as const;

function coveredPurposes(credential: JsonObject): Set<unknown> {
  const status = credential.credentialStatus;
  const entries = Array.isArray(status) ? status : [status];
  return new Set(entries.flatMap((entry) => (isJsonObject(entry) ? purposesOf(entry) : [])));
}

function evidenceOf(result: StatusResult): JsonObject {
  const { purpose, index, list, outcome, code, detail, type, status, message, ageSeconds } = result;
  return {
    ...{ purpose, index, list, outcome, code, detail },
    ...(type !== undefined && { type }),
    ...(status !== undefined && { status }),
    ...(message !== undefined && { message }),
    ...(ageSeconds !== undefined && { ageSeconds }),
  };
}

/** Revoked is final and therefore told before suspended; a failure before what is open, that before a mere notice. */
function gravest(results: readonly StatusResult[]): StatusResult | undefined {
  const failed = results.filter((result) => result.outcome === 'fail');
  return (
    failed.find((result) => result.purpose === 'revocation') ??
    failed[0] ??
    results.find((result) => result.outcome === 'indeterminate') ??
    results.find((result) => result.code === 'status_informational') ??
    results[0]
  );
}

export interface StatusQuestion {
  readonly credential: JsonObject;
  readonly issuer: string;
  readonly now: Date;
  readonly deadline: Deadline;
}

/** The status of an issuer whose lists are not asked for: the faults of the entries, else that nobody asked. */
export function checkStatusForm(credential: JsonObject): Check[] {
  if (credential.credentialStatus === undefined) return [];
  const results = findEntryFaults(credential);
  const decisive = gravest(results);
  if (decisive === undefined) return [finding('status_not_fetched')];
  return [finding(decisive.code, { entries: results.map(evidenceOf) })];
}

export async function checkStatus(checker: StatusChecker, question: StatusQuestion): Promise<Check> {
  const { credential, issuer, now, deadline } = question;
  const broken = findEntryFaults(credential).filter(({ outcome }) => outcome === 'fail');
  if (broken[0] !== undefined) return finding(broken[0].code, { entries: broken.map(evidenceOf) });
  const purposes = coveredPurposes(credential);
  const missing = requiredPurposes.filter((purpose) => !purposes.has(purpose));
  if (missing.length > 0) return finding('status_missing', { missing });
  try {
    const results = await deadline.race(checker.check(credential, { issuer, now, deadline: deadline.signal }));
    const decisive = gravest(results);
    if (decisive === undefined) return finding('status_missing');
    return finding(decisive.code, { entries: results.map(evidenceOf) });
  } catch (error) {
    if (error instanceof DeadlineExceeded) return finding('status_timed_out');
    throw error;
  }
}
