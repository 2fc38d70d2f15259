/**
 * The one DID resolver, behind did-resolver's interface: did:web strictly and bounded, did:key and did:jwk from the
 * identifier itself. Documents are frozen and shared, so that keys made from them can be kept (verification-key.ts).
 * An old document is never served past its time: the key in it may have been withdrawn since.
 */
import type { DIDDocument, DIDResolutionResult, Resolvable } from 'did-resolver';
import { ServiceError } from '../errors.js';
import { type Fetch, FetchError, type FetchResult } from '../http/client.js';
import { didJwkDocument, didKeyDocument } from './did-key.js';
import { type DidWeb, didWebUrl, type Localhost, maxDidLength, parseDidWeb } from './did-web.js';
import { deepFreeze, didMediaTypes, ResolutionError, readDidDocument } from './resolution.js';

/** What the resolver is made of; `now` in milliseconds. */
export interface DidResolverOptions extends Localhost {
  readonly fetch: Fetch;
  readonly now: () => number;
  /** Which did:web identifiers may be fetched. A wrong yes lets a stranger choose where this service connects to. */
  readonly mayResolve?: (did: string) => boolean;
}

/** What the application adds once it is composed. */
export interface ResolverAttachment {
  readonly mayResolve?: (did: string) => boolean;
  /** Our own document, which needs no request to ourselves. */
  readonly ownDocument?: (did: string) => DIDDocument | undefined;
  /** DIDs that this organisation has given up. */
  readonly isFormer?: (did: string) => boolean;
}

/** A resolver that the application can attach its rules to. */
export interface PassportResolver extends Resolvable {
  attach(attachment: ResolverAttachment): void;
}

/** Five times the trusts. */
const maxCached = 1000;
const defaultSeconds = 60;
/** However long a document says it may be kept: a stolen key must stop working the same morning. */
const maxSeconds = 300;
const negativeSeconds = 15;

interface Entry {
  readonly outcome: DIDDocument | ResolutionError;
  readonly until: number;
  readonly etag?: string | undefined;
}

/** Makes the resolver. Never throws: failures are DID Resolution errors in the result. */
export function createDidResolver(options: DidResolverOptions): PassportResolver {
  const rules: { -readonly [Name in keyof ResolverAttachment]: ResolverAttachment[Name] } = {};
  const cache = createCache(options.now);
  const pending = new Map<string, Promise<DIDDocument>>();

  function fetched(did: string, web: DidWeb): Promise<DIDDocument> {
    const running = pending.get(did);
    if (running !== undefined) return running;
    const work = fetchDocument(did, web, options, cache).finally(() => pending.delete(did));
    pending.set(did, work);
    return work;
  }

  async function resolveWeb(did: string): Promise<DIDDocument> {
    const web = parseDidWeb(did);
    if (!web) throw new ResolutionError('invalidDid', 'The did:web identifier is not spelled canonically');
    const own = rules.ownDocument?.(did);
    if (own) return own;
    if (rules.isFormer?.(did)) throw new ResolutionError('deactivated', 'This organisation has given up this DID');
    const allowed = (rules.mayResolve ?? allowAll)(did) && (options.mayResolve ?? allowAll)(did);
    if (!allowed) throw new ResolutionError('internalError', 'This DID may not be fetched: nobody here relies on it');
    const entry = cache.fresh(did);
    if (!entry) return fetched(did, web);
    if (entry.outcome instanceof ResolutionError) throw entry.outcome;
    return entry.outcome;
  }

  async function resolveLocal(did: string, build: (did: string) => DIDDocument): Promise<DIDDocument> {
    const entry = cache.fresh(did);
    if (entry && !(entry.outcome instanceof ResolutionError)) return entry.outcome;
    const document = buildDocument(did, build);
    cache.put(did, { outcome: document, until: Number.POSITIVE_INFINITY });
    return document;
  }

  const methods: Readonly<Record<string, (did: string) => Promise<DIDDocument>>> = {
    web: resolveWeb,
    key: (did) => resolveLocal(did, didKeyDocument),
    jwk: (did) => resolveLocal(did, didJwkDocument),
  };

  return {
    attach(attachment) {
      Object.assign(rules, attachment);
    },
    async resolve(did) {
      try {
        return found(await methodOf(did, methods)(did));
      } catch (error) {
        return failed(error);
      }
    },
  };
}

function allowAll(): boolean {
  return true;
}

/** A DID and nothing more: no path, query, fragment or parameters (DID Core §3.2 is for dereferencing). */
function methodOf<T>(did: string, methods: Readonly<Record<string, T>>): T {
  const name = /^did:([a-z0-9]+):[A-Za-z0-9._:%-]+$/.exec(did)?.[1];
  if (name === undefined || did.length > maxDidLength) {
    throw new ResolutionError('invalidDid', 'This is not a DID, or more than a DID');
  }
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (!method) throw new ResolutionError('methodNotSupported', 'DIDs of this method are not resolved here');
  return method;
}

function buildDocument(did: string, build: (did: string) => DIDDocument): DIDDocument {
  try {
    return deepFreeze(build(did));
  } catch (cause) {
    throw new ResolutionError('invalidDid', 'The DID carries no key that we accept', { cause });
  }
}

type Cache = ReturnType<typeof createCache>;

async function fetchDocument(
  did: string,
  web: DidWeb,
  { fetch, now, ...localhost }: DidResolverOptions,
  cache: Cache,
): Promise<DIDDocument> {
  try {
    const url = didWebUrl(web, localhost);
    if (!url) throw new ResolutionError('invalidDid', 'localhost is for development only');
    const stale = cache.stale(did);
    const result = await request(fetch, url, stale?.etag);
    const document = documentFrom(did, result, stale);
    const seconds = Math.min(result.maxAgeSeconds ?? defaultSeconds, maxSeconds);
    cache.put(did, { outcome: document, until: now() + seconds * 1000, etag: result.etag ?? stale?.etag });
    return document;
  } catch (error) {
    const outcome = toResolutionError(error);
    const keep = outcome.error === 'deactivated' ? defaultSeconds : negativeSeconds;
    cache.put(did, { outcome, until: now() + keep * 1000 });
    throw outcome;
  }
}

function request(fetch: Fetch, url: string, etag: string | undefined): Promise<FetchResult> {
  return etag === undefined ? fetch(url) : fetch(url, { ifNoneMatch: etag });
}

function documentFrom(did: string, result: FetchResult, stale: Entry | undefined): DIDDocument {
  if (result.status === 304) {
    if (!stale || stale.outcome instanceof ResolutionError) {
      throw new ResolutionError('internalError', 'The server says that a document which we lack is unchanged');
    }
    return stale.outcome;
  }
  const type = result.contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!didMediaTypes.includes(type)) {
    throw new ResolutionError('representationNotSupported', 'The server does not call its answer a DID document');
  }
  return readDidDocument(did, result.body);
}

/** A host that answers 404 today may have been misconfigured this morning: not found out, rather than not there. */
function toResolutionError(error: unknown): ResolutionError {
  if (error instanceof ResolutionError) return error;
  if (error instanceof FetchError && error.reason === 'media_type') {
    return new ResolutionError('representationNotSupported', error.message, { cause: error });
  }
  // did:web, "Deactivate": the document is taken away. A 404 may be a mistake; 410 is a host's word that it is none.
  if (error instanceof FetchError && error.reason === 'gone') {
    return new ResolutionError('deactivated', 'The document of this DID was taken away for good', { cause: error });
  }
  const detail = error instanceof ServiceError ? error.message : 'The DID document could not be fetched';
  return new ResolutionError('internalError', detail, { cause: error });
}

function found(didDocument: DIDDocument): DIDResolutionResult {
  const contentType = didDocument['@context'] === undefined ? 'application/did+json' : 'application/did+ld+json';
  return { didResolutionMetadata: { contentType }, didDocument, didDocumentMetadata: {} };
}

function failed(error: unknown): DIDResolutionResult {
  const { error: name, message } = toResolutionError(error);
  if (name === 'deactivated') {
    return { didResolutionMetadata: {}, didDocument: null, didDocumentMetadata: { deactivated: true } };
  }
  return { didResolutionMetadata: { error: name, message }, didDocument: null, didDocumentMetadata: {} };
}

/** Least recently used goes first, so strangers' DIDs cannot grow it. */
function createCache(now: () => number) {
  const entries = new Map<string, Entry>();

  function touch(did: string): Entry | undefined {
    const entry = entries.get(did);
    if (!entry) return undefined;
    entries.delete(did);
    entries.set(did, entry);
    return entry;
  }

  return {
    fresh(did: string): Entry | undefined {
      const entry = touch(did);
      return entry && now() < entry.until ? entry : undefined;
    },
    /** An expired document, to ask whether it changed; a failure is never revalidated. */
    stale(did: string): Entry | undefined {
      const entry = entries.get(did);
      return entry && !(entry.outcome instanceof ResolutionError) ? entry : undefined;
    },
    put(did: string, entry: Entry): void {
      entries.delete(did);
      entries.set(did, entry);
      const oldest = entries.keys().next();
      if (entries.size > maxCached && !oldest.done) entries.delete(oldest.value);
    },
  };
}
