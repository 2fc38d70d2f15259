import type { UnverifiedCredential, VerifiedCredential } from '../credential/credential.js';
import type { Fetch } from '../http/client.js';
import type { PassportAgent } from '../identity/identity.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { readBit } from './bitstring.js';
import { type StatusCode, StatusFault, statusCodes } from './codes.js';
import { listEntries, type ParsedEntry, parseEntry } from './entry.js';
import type { HeldList } from './list-cache.js';
import { ageOf, createListSource, type ListSource } from './list-source.js';

/** What one `credentialStatus` says. */
export interface StatusResult {
  readonly purpose: string;
  readonly index: string;
  readonly list: string;
  readonly outcome: 'pass' | 'fail' | 'indeterminate';
  readonly code: StatusCode;
  readonly detail: string;
  /** The specification's error type, where it has one. */
  readonly type?: string;
  /** How long ago the list was last fetched or confirmed. */
  readonly ageSeconds?: number;
}

/** Whose credential it is, and when and until when it is asked. */
export interface StatusContext {
  readonly issuer: string;
  readonly now: Date;
  readonly deadline: AbortSignal;
}

/** Reads status lists of others. */
export interface StatusChecker {
  /** One result for each entry of a *verified* credential; none when it has no status. Never throws for what it reads. */
  check(credential: JsonObject, context: StatusContext): Promise<StatusResult[]>;
}

/** What the checker needs. `mayFetch` keeps an issuer from sending us to other people's hosts. */
export interface StatusCheckerDependencies {
  readonly fetch: Fetch;
  readonly agent: PassportAgent;
  readonly verifyProof: (
    agent: PassportAgent,
    credential: UnverifiedCredential,
    options: { now: Date },
  ) => Promise<VerifiedCredential>;
  readonly mayFetch?: (url: string, issuer: string) => boolean;
}

/** What a set bit means; a purpose that is not here cannot be judged (Bitstring Status List 2.2 statusPurpose). */
const purposes: ReadonlyMap<string, StatusCode> = new Map([
  ['revocation', 'status_revoked'],
  ['suspension', 'status_suspended'],
  ['refresh', 'status_informational'],
]);

/** As everywhere, the clock of the issuer may be a minute ahead, and the end of validity has no grace. */
const clockSkewMilliseconds = 60_000;

/** A checker with its own cache of lists. */
export function createStatusChecker(deps: StatusCheckerDependencies): StatusChecker {
  const source = createListSource({
    fetch: deps.fetch,
    verifyProof: (credential, options) => deps.verifyProof(deps.agent, credential, options),
  });
  const mayFetch = deps.mayFetch ?? (() => true);
  return {
    async check(credential, context) {
      const entries = entriesOf(credential);
      if (entries instanceof StatusFault) return [toResult({}, entries.code)];
      return Promise.all(entries.map((entry) => checkEntry(source, mayFetch, entry, context)));
    },
  };
}

function entriesOf(credential: JsonObject): Json[] | StatusFault {
  try {
    return listEntries(credential);
  } catch (error) {
    if (error instanceof StatusFault) return error;
    throw error;
  }
}

async function checkEntry(
  source: ListSource,
  mayFetch: (url: string, issuer: string) => boolean,
  entry: Json,
  context: StatusContext,
): Promise<StatusResult> {
  let held: HeldList | undefined;
  try {
    const parsed = parseEntry(entry);
    if (!purposes.has(parsed.purpose)) throw new StatusFault('status_entry_unsupported');
    if (!mayFetch(parsed.list, context.issuer)) throw new StatusFault('status_fetch_not_allowed');
    const found = await source.find(parsed.list, context.issuer, context.now, context.deadline);
    held = found.held;
    return toResult(entry, judge(parsed, found, context.now), ageSeconds(held, context.now));
  } catch (error) {
    if (!(error instanceof StatusFault)) throw error;
    return toResult(entry, error.code, ageSeconds(held, context.now));
  }
}

/** Bitstring Status List 3.2, with the age of the copy: what was revoked stays so, however old the copy is. */
function judge(entry: ParsedEntry, { held, fault }: { held?: HeldList; fault?: StatusFault }, now: Date): StatusCode {
  if (!held) throw fault ?? new StatusFault('status_retrieval_failed');
  const code = readStatus(entry, held);
  if (code === 'status_revoked') return code;
  if (fault && ageOf(held, now) >= held.list.ttlMilliseconds) throw explain(fault);
  requireValid(held, now);
  return code;
}

/** A fetch that failed leaves a stale copy; a refused list (rolled back, badly signed) is said as what it is. */
function explain(fault: StatusFault): StatusFault {
  return fault.code === 'status_retrieval_failed' ? new StatusFault('status_stale', { cause: fault }) : fault;
}

function requireValid({ list }: HeldList, now: Date): void {
  const early = list.validFrom !== undefined && list.validFrom > now.getTime() + clockSkewMilliseconds;
  const late = list.validUntil !== undefined && list.validUntil <= now.getTime();
  if (early || late) throw new StatusFault('status_list_outside_validity');
}

function readStatus(entry: ParsedEntry, { list }: HeldList): StatusCode {
  if (!list.purposes.includes(entry.purpose)) throw new StatusFault('status_purpose_mismatch');
  if (entry.index >= BigInt(list.bits.length * 8)) throw new StatusFault('status_index_out_of_range');
  if (!readBit(list.bits, Number(entry.index))) return 'status_clear';
  return purposes.get(entry.purpose) ?? 'status_entry_unsupported';
}

function ageSeconds(held: HeldList | undefined, now: Date): number | undefined {
  return held && Math.round(ageOf(held, now) / 1000);
}

const maxEcho = 200;

function toResult(entry: Json, code: StatusCode, age?: number): StatusResult {
  const facts: { outcome: StatusResult['outcome']; detail: string; type?: string } = statusCodes[code];
  return {
    purpose: echo(entry, 'statusPurpose'),
    index: echo(entry, 'statusListIndex'),
    list: echo(entry, 'statusListCredential'),
    code,
    ...facts,
    ...(age === undefined ? {} : { ageSeconds: age }),
  };
}

function echo(entry: Json, member: string): string {
  const value = isJsonObject(entry) ? entry[member] : undefined;
  return typeof value === 'string' ? value.slice(0, maxEcho) : '';
}
