import {
  CredentialRefusal,
  type IssuerToken,
  readCredential,
  readIssuerToken,
  type UnverifiedCredential,
  type VerifiedCredential,
} from '../credential/credential.js';
import type { Fetch, FetchResult } from '../http/client.js';
import { parseJson } from '../json.js';
import { StatusFault } from './codes.js';
import { createListCache, type HeldList, remember } from './list-cache.js';
import { readStatusList, type StatusList } from './status-list.js';
import { readTokenStatusList } from './token-status-list.js';

/** Fetching and proving; the proof is the agent's, bound in by whoever builds the checker. */
export interface ListSourceDependencies {
  readonly fetch: Fetch;
  readonly verifyProof: (credential: UnverifiedCredential, options: { now: Date }) => Promise<VerifiedCredential>;
  readonly verifyToken: (token: IssuerToken, options: { now: Date }) => Promise<void>;
  /** Whether a list of one issuer may speak about credentials of another one. */
  readonly speaksFor: (listIssuer: string, issuer: string) => boolean;
}

/** Lists by issuer and address, fetched once however many ask. */
export interface ListSource {
  /** The list, refreshed if need be; `fault` says why it could not be. */
  find(
    url: string,
    issuer: string,
    now: Date,
    deadline: AbortSignal,
  ): Promise<{ held?: HeldList; fault?: StatusFault }>;
}

/** Addresses whose last failure is remembered. */
const maxFailures = 2000;
/** Whatever ttl an issuer promises, a revocation is seen within this time (security.md 3.3); a 304 costs next to nothing. */
const refreshMilliseconds = 900_000;
/** After a failure nobody asks again for so long, else each verification waits for a dead host. */
const failureMilliseconds = 2_000;

/** A bounded source of lists. */
export function createListSource(deps: ListSourceDependencies): ListSource {
  const cache = createListCache();
  const failures = new Map<string, { fault: StatusFault; at: number }>();
  const running = new Map<string, Promise<HeldList>>();

  async function load(key: string, url: string, issuer: string, now: Date): Promise<HeldList> {
    const known = cache.get(key);
    const result = await fetchList(deps.fetch, url, known?.etag);
    if (result.status === 304) {
      if (!known) throw new StatusFault('status_retrieval_failed');
      return { ...known, fetchedAt: now.getTime() };
    }
    const list = await readList(deps, { result, url, issuer, now });
    if (!cache.isNewest(key, list)) throw new StatusFault('status_list_rolled_back');
    return { list, fetchedAt: now.getTime(), ...(result.etag === undefined ? {} : { etag: result.etag }) };
  }

  /** One fetch for all who ask meanwhile; it has the client's own limits, not the deadline of the one who came first. */
  function refresh(key: string, url: string, issuer: string, now: Date): Promise<HeldList> {
    const current = running.get(key);
    if (current !== undefined) return current;
    const next = load(key, url, issuer, now)
      .then((held) => {
        failures.delete(key);
        cache.hold(key, held);
        return held;
      })
      .catch((error: unknown) => {
        const fault = toFault(error);
        remember(failures, key, { fault, at: now.getTime() }, maxFailures);
        throw fault;
      })
      .finally(() => running.delete(key));
    running.set(key, next);
    return next;
  }

  return {
    async find(url, issuer, now, deadline) {
      const key = `${issuer} ${url}`;
      const held = cache.get(key);
      if (held && ageOf(held, now) < Math.min(held.list.ttlMilliseconds, refreshMilliseconds)) {
        return { held };
      }
      const known = held ? { held } : {};
      const failure = failures.get(key);
      if (failure && Math.abs(now.getTime() - failure.at) < failureMilliseconds)
        return { ...known, fault: failure.fault };
      try {
        return { held: await withDeadline(refresh(key, url, issuer, now), deadline) };
      } catch (error) {
        return { ...known, fault: toFault(error) };
      }
    },
  };
}

/** How long ago the issuer's server last vouched for this copy. */
export function ageOf(held: HeldList, now: Date): number {
  return Math.max(0, now.getTime() - held.fetchedAt);
}

async function fetchList(fetch: Fetch, url: string, etag: string | undefined): Promise<FetchResult> {
  try {
    return await fetch(url, etag === undefined ? {} : { ifNoneMatch: etag });
  } catch (cause) {
    throw new StatusFault('status_retrieval_failed', { cause });
  }
}

/** The securings that lists come in; VCDM 2.0 media types, and plain JSON as most servers have it; and Status List Tokens. */
const mediaTypes: Readonly<Record<string, 'jwt' | 'json' | 'token'>> = {
  'application/statuslist+jwt': 'token',
  'application/vc+jwt': 'jwt',
  'application/vc': 'json',
  'application/vc+ld+json': 'json',
  'application/json': 'json',
};

interface Fetched {
  readonly result: FetchResult;
  readonly url: string;
  readonly issuer: string;
  readonly now: Date;
}

async function readList(deps: ListSourceDependencies, fetched: Fetched): Promise<StatusList> {
  const { result, url } = fetched;
  const form = mediaTypes[result.contentType.split(';')[0]?.trim().toLowerCase() ?? ''];
  if (!form) throw new StatusFault('status_media_type');
  if (form !== 'token') return readStatusList(await prove(deps, form, fetched), url);
  return readTokenStatusList(await proveToken(deps, fetched), url);
}

async function proveToken(deps: ListSourceDependencies, { result: { body }, issuer, now }: Fetched) {
  const token = readUnverifiedToken(body);
  if (!deps.speaksFor(token.issuer, issuer)) throw new StatusFault('status_list_issuer_mismatch');
  await refusing(() => deps.verifyToken(token, { now }));
  return token;
}

function readUnverifiedToken(body: Buffer): IssuerToken {
  try {
    return readIssuerToken(body.toString('latin1').trim(), { typ: 'statuslist+jwt', maxBytes: body.length });
  } catch (cause) {
    throw new StatusFault('status_list_malformed', { cause });
  }
}

async function prove(deps: ListSourceDependencies, form: 'jwt' | 'json', { result, issuer, now }: Fetched) {
  const unverified = readUnverified(result.body, form);
  // Asked before the proof, so that no list can make us resolve the DID of a stranger.
  if (!deps.speaksFor(unverified.claimedIssuer, issuer)) throw new StatusFault('status_list_issuer_mismatch');
  const verified = await refusing(() => deps.verifyProof(unverified, { now }));
  if (verified.issuer !== unverified.claimedIssuer) throw new StatusFault('status_list_issuer_mismatch');
  return verified;
}

/** decisions.md 7: what the client let in is within the policy of its purpose, larger than an inbound body may be. */
function readUnverified(body: Buffer, form: 'jwt' | 'json'): UnverifiedCredential {
  const bounds = { maxBytes: body.length };
  try {
    return readCredential(form === 'jwt' ? body.toString('latin1').trim() : parseJson(body, bounds), bounds);
  } catch (cause) {
    throw new StatusFault('status_list_malformed', { cause });
  }
}

/** A proof that does not hold, or that could not be checked now, is said as the fault of a list. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof CredentialRefusal)) throw cause;
    const unfinished = cause.outcome === 'indeterminate';
    throw new StatusFault(unfinished ? 'status_retrieval_failed' : 'status_list_proof_invalid', { cause });
  }
}

function withDeadline<T>(work: Promise<T>, deadline: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new StatusFault('status_retrieval_failed', { cause: deadline.reason }));
    if (deadline.aborted) expire();
    deadline.addEventListener('abort', expire, { once: true });
    work.then(resolve, reject).finally(() => deadline.removeEventListener('abort', expire));
  });
}

/** An unexpected error of our own is a status that could not be read, too: it must not look like a pass. */
function toFault(error: unknown): StatusFault {
  return error instanceof StatusFault ? error : new StatusFault('status_retrieval_failed', { cause: error });
}
