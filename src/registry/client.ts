import { readFile } from 'node:fs/promises';
import { ServiceError } from '../errors.js';
import type { Fetch, FetchResult } from '../http/client.js';
import { findVerificationKey, type PassportAgent } from '../identity/identity.js';
import { decodeBase64url } from '../jose/base64url.js';
import { importJwk, type VerificationKey } from '../jose/keys.js';
import { isJsonObject, type JsonObject, parseJson } from '../json.js';
import { type ListCopy, readCopy, writeCopy } from './copy-file.js';
import { maxListBytes, readList } from './list-document.js';
import { readOrganisationsFile } from './organisation.js';
import { ListRefusal, type Pins, type ProvedList, parseList, proveList, requireSuccessor } from './signed-list.js';
import { createView, type HeldSnapshot, hold, type RegistryState, type RegistryView } from './view.js';

/** A view that keeps itself up to date. */
export interface RegistryClient extends RegistryView {
  /** Reads the copy on disk, tries once to refresh it, then polls. Without a network it starts with the copy. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Whether this is the pinned authority, whose DID document may be fetched before there is any list. */
  isAuthority(did: string): boolean;
  /** Asks the source once; never throws: what went wrong is in state().problem. */
  refresh(): Promise<void>;
}

/** Where the registry comes from, and what is known of its authority. */
export interface RegistryClientConfig {
  readonly source: 'url' | 'file' | 'self';
  readonly url?: string;
  readonly file?: string;
  readonly authorityDid?: string;
  readonly keyThumbprints: readonly string[];
  readonly pinFile?: string;
  readonly pollSeconds: number;
  readonly cacheFile: string;
  readonly maxOfflineSeconds: number;
}

/** What the client needs. `self` gives the list that this very process publishes. */
export interface RegistryClientDependencies {
  readonly config: RegistryClientConfig;
  readonly fetch: Fetch;
  readonly agent: Pick<PassportAgent, 'resolveDid'>;
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
  readonly self?: () => string | undefined;
}

type Source = () => Promise<HeldSnapshot | undefined>;

/** After a failure the source is asked again sooner than usual. */
const retrySeconds = 30;

/** A client of one source; the sources differ in nothing but how a snapshot is come by. */
export function createRegistryClient(deps: RegistryClientDependencies): RegistryClient {
  const { config } = deps;
  let held: HeldSnapshot | undefined;
  let problem: RegistryState['problem'];
  let refreshing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const sources = { url: createUrlSource, file: createFileSource, self: createSelfSource };
  const source = sources[config.source](deps);

  async function ask(load: Source): Promise<void> {
    try {
      held = (await load()) ?? held;
      problem = undefined;
    } catch (error) {
      problem = describe(error);
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= ask(source.load).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  function schedule(): void {
    const seconds = problem ? Math.min(config.pollSeconds, retrySeconds) : config.pollSeconds;
    // Between nine and eleven tenths, or all verifiers of the country would ask in the same second.
    const jitter = 0.9 + (0.2 * (deps.random(1)[0] ?? 0)) / 255;
    timer = setTimeout(() => void refresh().finally(() => timer && schedule()), seconds * jitter * 1000);
    timer.unref();
  }

  const view = createView({
    held: source.current ?? (() => held),
    problem: () => problem,
    authority: () => source.authority?.(),
    now: deps.now,
    maxOfflineSeconds: config.maxOfflineSeconds,
  });

  return {
    ...view,
    get programmeBaseUrl() {
      return view.programmeBaseUrl;
    },
    refresh,
    isAuthority: (did) => did === source.authority?.(),
    async start() {
      await source.prepare?.();
      if (source.restore) await ask(source.restore);
      await refresh();
      schedule();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await refreshing;
    },
  };
}

function describe(error: unknown): RegistryState['problem'] {
  if (error instanceof ListRefusal) return { code: error.code, detail: error.message };
  if (error instanceof ServiceError) return { code: error.code, detail: error.message };
  return { code: 'internal', detail: 'The registry could not be read.' };
}

interface SourceOfSnapshots {
  readonly load: Source;
  /** Refuses to start on a configuration that cannot work. */
  readonly prepare?: () => Promise<void>;
  readonly restore?: Source;
  /** DID of the pinned authority. */
  readonly authority?: () => string | undefined;
  /** For a source that is in this process: always what it publishes at this moment. */
  readonly current?: () => HeldSnapshot | undefined;
}

/** The signed list of an authority, over the network. */
function createUrlSource(deps: RegistryClientDependencies): SourceOfSnapshots {
  const { config, now } = deps;
  let pins: Pins | undefined;
  let last: { list: ProvedList; copy: ListCopy; etag?: string } | undefined;

  async function requirePins(): Promise<Pins> {
    pins ??= await readPins(config);
    return pins;
  }

  async function accept(copy: ListCopy, list: ProvedList, etag?: string): Promise<HeldSnapshot> {
    last = { list, copy, ...(etag === undefined ? {} : { etag }) };
    return hold(list, new Date(copy.refreshedAt), (await requirePins()).authorityDid);
  }

  async function restore(): Promise<HeldSnapshot | undefined> {
    const pinned = await requirePins();
    const copy = await readCopy(config.cacheFile).catch(refuseCopy);
    if (!copy) return undefined;
    const key = importCopyKey(copy);
    return accept(copy, proveList(parseList(copy.jwt, pinned).jws, key, pinned));
  }

  async function load(): Promise<HeldSnapshot> {
    const pinned = await requirePins();
    const result = await fetchList(deps.fetch, config.url ?? '', last?.etag);
    const refreshedAt = now().toISOString();
    if (result.status === 304) {
      if (!last)
        throw new ListRefusal('list_fetch_failed', 'The registry says that nothing has changed, but there is no copy.');
      requireSuccessor(last.list, last.list, now());
      return keep({ ...last.copy, refreshedAt }, last.list, last.etag);
    }
    if (result.body.length > maxListBytes)
      throw new ListRefusal('list_malformed', 'The list is larger than is accepted.');
    const jwt = result.body.toString('latin1').trim();
    const { jws, kid } = parseList(jwt, pinned);
    const key = await findKey(deps.agent, pinned.authorityDid, kid);
    const list = proveList(jws, key, pinned);
    requireSuccessor(list, last?.list, now());
    return keep({ jwt, jwk: { ...key.jwk } as JsonObject, refreshedAt }, list, result.etag);
  }

  /** On disk first: a list that was relied on must still be known after a crash, or a rollback would pass unseen. */
  async function keep(copy: ListCopy, list: ProvedList, etag: string | undefined): Promise<HeldSnapshot> {
    await writeCopy(config.cacheFile, copy);
    return accept(copy, list, etag);
  }

  const prepare = async () => void (await requirePins());
  return { load, restore, prepare, authority: () => pins?.authorityDid };
}

function refuseCopy(cause: unknown): never {
  throw new ListRefusal('list_copy_unusable', 'The copy of the registry on disk cannot be read.', { cause });
}

function importCopyKey(copy: ListCopy): VerificationKey {
  try {
    return importJwk(copy.jwk);
  } catch (cause) {
    return refuseCopy(cause);
  }
}

async function fetchList(fetch: Fetch, url: string, etag: string | undefined): Promise<FetchResult> {
  try {
    return await fetch(url, etag === undefined ? {} : { ifNoneMatch: etag });
  } catch (cause) {
    const reason = cause instanceof ServiceError ? cause.message : 'unknown failure';
    throw new ListRefusal('list_fetch_failed', `The registry could not be fetched: ${reason}`, { cause });
  }
}

async function findKey(agent: Pick<PassportAgent, 'resolveDid'>, did: string, kid: string): Promise<VerificationKey> {
  try {
    const { didDocument } = await agent.resolveDid({ didUrl: did });
    return findVerificationKey(didDocument, kid, 'assertionMethod').key;
  } catch (cause) {
    throw new ListRefusal('list_key_unavailable', "The authority's DID document does not give the key of the list.", {
      cause,
    });
  }
}

/** Pins stand in the configuration, or in a file that arrived out of band: {did, keyThumbprints}. */
async function readPins(config: RegistryClientConfig): Promise<Pins> {
  const value = config.pinFile === undefined ? config : { ...config, ...(await readPinFile(config.pinFile)) };
  const { authorityDid, keyThumbprints } = value;
  if (!config.url || !authorityDid || keyThumbprints.length === 0) {
    throw new ServiceError(
      'configuration',
      'The registry needs url, and the DID and key thumbprints of its authority.',
    );
  }
  return { authorityDid, keyThumbprints };
}

async function readPinFile(file: string): Promise<Pins> {
  const unusable = (cause?: unknown) =>
    new ServiceError('configuration', `${file} must hold {did, keyThumbprints}.`, { cause });
  const value = await readFile(file)
    .then((text) => parseJson(text))
    .catch((error: unknown) => Promise.reject(unusable(error)));
  if (!isJsonObject(value) || typeof value['did'] !== 'string' || !Array.isArray(value['keyThumbprints']))
    throw unusable();
  const thumbprints = value['keyThumbprints'].filter((text) => typeof text === 'string');
  if (thumbprints.length !== value['keyThumbprints'].length) throw unusable();
  return { authorityDid: value['did'], keyThumbprints: thumbprints };
}

/** An operator's own, unsigned file: for conformance tests and for two trusts without an authority. */
function createFileSource({ config, now }: RegistryClientDependencies): SourceOfSnapshots {
  let last: { text: string; sequence: number; issued: string } | undefined;

  async function load(): Promise<HeldSnapshot> {
    const text = (await readFile(config.file ?? '')).toString('utf8');
    const { organisations, programmeBaseUrl } = readOrganisationsFile(
      parseJson(text, { maxBytes: maxListBytes, maxKeys: 500_000 }),
    );
    const time = now();
    if (last?.text !== text) last = { text, sequence: (last?.sequence ?? 0) + 1, issued: wholeSeconds(time) };
    const nextUpdate = wholeSeconds(new Date(time.getTime() + config.maxOfflineSeconds * 1000 + 1000));
    const { sequence, issued } = last;
    return hold(
      { sequence, issued, nextUpdate, organisations, ...(programmeBaseUrl ? { programmeBaseUrl } : {}) },
      time,
    );
  }

  return { load };
}

function wholeSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** The list that this process publishes itself; read without proof, for it never left the process. */
function createSelfSource({ config, self, now }: RegistryClientDependencies): SourceOfSnapshots {
  let last: { jwt: string; held: HeldSnapshot } | undefined;

  function current(): HeldSnapshot | undefined {
    const jwt = self?.();
    if (jwt === undefined) return last?.held;
    if (last?.jwt !== jwt)
      last = { jwt, held: hold(readList(decodeBase64url(jwt.split('.')[1] ?? '')), now(), config.authorityDid) };
    return { ...last.held, refreshedAt: now() };
  }

  return { load: async () => current(), current };
}
