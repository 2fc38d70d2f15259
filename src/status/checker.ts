import { type UnverifiedCredential, type VerifiedCredential, verifyIssuerToken } from '../credential/credential.js';
import type { Fetch } from '../http/client.js';
import type { PassportAgent } from '../identity/identity.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { minimumEntries, readBits } from './bitstring.js';
import { type StatusCode, StatusFault, statusCodes } from './codes.js';
import {
  isTokenEntry,
  listEntries,
  type ParsedEntry,
  type ParsedTokenEntry,
  parseEntry,
  parseTokenEntry,
} from './entry.js';
import type { HeldList } from './list-cache.js';
import { ageOf, createListSource, type ListSource } from './list-source.js';
import { statusPurposes } from './model.js';
import type { StatusList } from './status-list.js';
import { readTokenStatus, tokenStatuses } from './token-list.js';

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
  /** The value in the list, in hexadecimal, when it could be read. */
  readonly status?: string;
  /** What the issuer says that this value means; for developers, not for people (2.1 statusMessage). */
  readonly message?: string;
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

/**
 * What the checker needs. `mayFetch` keeps an issuer from sending us to other people's hosts. `speaksForOthers` says
 * whether the list of somebody else than the issuer counts (2.2 allows it, a verifier must trust them); nobody's does
 * when it is absent.
 */
export interface StatusCheckerDependencies {
  readonly fetch: Fetch;
  readonly agent: PassportAgent;
  readonly verifyProof: (
    agent: PassportAgent,
    credential: UnverifiedCredential,
    options: { now: Date },
  ) => Promise<VerifiedCredential>;
  readonly mayFetch?: (url: string, issuer: string) => boolean;
  readonly speaksForOthers?: (listIssuer: string) => boolean;
}

/**
 * What a value other than 0 means; a purpose that is not here cannot be judged (Bitstring Status List 2.2
 * statusPurpose). A refresh that can be had, or a message, ends no validity.
 */
const purposes: ReadonlyMap<string, StatusCode> = new Map([
  ['revocation', 'status_revoked'],
  ['suspension', 'status_suspended'],
  ['refresh', 'status_informational'],
  ['message', 'status_informational'],
]);

/** Token Status List, "Status Types Values"; what an application means by other values only it knows. */
const tokenMeanings: ReadonlyMap<bigint, StatusCode> = new Map([
  [BigInt(tokenStatuses.invalid), 'status_revoked'],
  [BigInt(tokenStatuses.suspended), 'status_suspended'],
]);

/** As everywhere, the clock of the issuer may be a minute ahead, and the end of validity has no grace. */
const clockSkewMilliseconds = 60_000;

/** A checker with its own cache of lists. */
export function createStatusChecker(deps: StatusCheckerDependencies): StatusChecker {
  const { mayFetch = () => true, speaksForOthers = () => false } = deps;
  const speaksFor: Rules['speaksFor'] = (listIssuer, issuer) => listIssuer === issuer || speaksForOthers(listIssuer);
  const source = createListSource({
    fetch: deps.fetch,
    verifyProof: (credential, options) => deps.verifyProof(deps.agent, credential, options),
    verifyToken: (token, options) => verifyIssuerToken(deps.agent, token, options.now),
    speaksFor,
  });
  return {
    async check(credential, context) {
      const entries = entriesOf(credential);
      if (entries instanceof StatusFault) return [toResult({}, entries.code)];
      return Promise.all(entries.map((entry) => checkEntry({ source, mayFetch, speaksFor }, entry, context)));
    },
  };
}

/**
 * What can be said of the entries without any list: which of them break the grammar of 2.1, or cannot be judged here.
 * Nothing is fetched, so it may be asked whoever the issuer is.
 */
export function findEntryFaults(credential: JsonObject): StatusResult[] {
  const entries = entriesOf(credential);
  if (entries instanceof StatusFault) return [toResult({}, entries.code)];
  return entries.flatMap((entry) => {
    try {
      readEntry(entry);
      return [];
    } catch (error) {
      if (!(error instanceof StatusFault)) throw error;
      return [toResult(entry, error.code)];
    }
  });
}

type Entry = ParsedEntry | ParsedTokenEntry;

function readEntry(entry: Json): Entry {
  if (isTokenEntry(entry)) return parseTokenEntry(entry);
  const parsed = parseEntry(entry);
  if (!purposes.has(parsed.purpose)) throw new StatusFault('status_entry_unsupported');
  return parsed;
}

function entriesOf(credential: JsonObject): Json[] | StatusFault {
  try {
    return listEntries(credential);
  } catch (error) {
    if (error instanceof StatusFault) return error;
    throw error;
  }
}

interface Rules {
  readonly source: ListSource;
  readonly mayFetch: (url: string, issuer: string) => boolean;
  readonly speaksFor: (listIssuer: string, issuer: string) => boolean;
}

async function checkEntry(rules: Rules, entry: Json, context: StatusContext): Promise<StatusResult> {
  const { issuer, now, deadline } = context;
  let held: HeldList | undefined;
  try {
    const parsed = readEntry(entry);
    if (!rules.mayFetch(parsed.list, issuer)) throw new StatusFault('status_fetch_not_allowed');
    const found = await rules.source.find(parsed.list, issuer, now, deadline);
    held = found.held;
    // Asked of a copy, too: whoever spoke for others may have lost the right since it was fetched.
    if (held && !rules.speaksFor(held.list.issuer, issuer)) throw new StatusFault('status_list_issuer_mismatch');
    const status = judge(parsed, found, now);
    return { ...toResult(entry, codeOf(parsed, status), ageSeconds(held, now)), ...tellStatus(parsed, status) };
  } catch (error) {
    if (!(error instanceof StatusFault)) throw error;
    return toResult(entry, error.code, ageSeconds(held, now));
  }
}

/** 3.2 step 11: the value, and the message that belongs to it. */
function tellStatus(entry: Entry, status: bigint): Pick<StatusResult, 'status' | 'message'> {
  if (entry.kind === 'token') return { status: `0x${status.toString(16)}` };
  const { purpose, messages } = entry;
  const unnamed = purpose === 'message' ? (status === 0n ? 'unset' : 'set') : undefined;
  const message = messages?.get(status) ?? unnamed;
  const told = { status: `0x${status.toString(16)}` };
  return message === undefined ? told : { ...told, message: message.slice(0, maxEcho) };
}

/** Bitstring Status List 3.2, with the age of the copy: what was revoked stays so, however old the copy is. */
function judge(entry: Entry, { held, fault }: { held?: HeldList; fault?: StatusFault }, now: Date): bigint {
  if (!held) throw fault ?? new StatusFault('status_retrieval_failed');
  const status = readStatus(entry, held);
  if (codeOf(entry, status) === 'status_revoked') return status;
  if (fault && ageOf(held, now) >= held.list.ttlMilliseconds) throw explain(fault);
  requireValid(held, now);
  return status;
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

function readStatus(entry: Entry, { list }: HeldList): bigint {
  if (entry.kind !== list.kind) throw new StatusFault('status_list_malformed');
  return entry.kind === 'token' ? readToken(entry, list) : readBitstring(entry, list);
}

/** Token Status List, "Validation Rules" step 6: "out of bounds of the Status List" must be rejected. */
function readToken({ index }: ParsedTokenEntry, { bits, statusBits = 1 }: StatusList): bigint {
  if (index >= BigInt((bits.length * 8) / statusBits)) throw new StatusFault('status_index_out_of_range');
  return BigInt(readTokenStatus(bits, Number(index), statusBits));
}

/** Steps 5 to 10. The length that hides one holder among many counts entries, not bits. */
function readBitstring({ purpose, index, size }: ParsedEntry, list: StatusList): bigint {
  if (!list.purposes.includes(purpose)) throw new StatusFault('status_purpose_mismatch');
  const length = list.bits.length * 8;
  if (length / size < minimumEntries) throw new StatusFault('status_list_too_short');
  // An entry whose last bits lie past the end is outside as well.
  if ((index + 1n) * BigInt(size) > BigInt(length)) throw new StatusFault('status_index_out_of_range');
  return readBits(list.bits, Number(index) * size, size);
}

function codeOf(entry: Entry, status: bigint): StatusCode {
  if (status === 0n) return 'status_clear';
  const meaning = entry.kind === 'token' ? tokenMeanings.get(status) : purposes.get(entry.purpose);
  return meaning ?? 'status_entry_unsupported';
}

function ageSeconds(held: HeldList | undefined, now: Date): number | undefined {
  return held && Math.round(ageOf(held, now) / 1000);
}

/** Enough of a stranger's text to find it by. */
const maxEcho = 200;

function toResult(entry: Json, code: StatusCode, age?: number): StatusResult {
  const facts: { outcome: StatusResult['outcome']; detail: string; type?: string } = statusCodes[code];
  return {
    purpose: isTokenEntry(entry) ? statusPurposes.join(' ') : echo(entry, 'statusPurpose'),
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
