import { ServiceError } from '../errors.js';
import { type SignedDocument, signedDocument } from '../http/signed-document.js';
import type { Store, Tx } from '../store/store.js';
import { type AllocationRequest, allocate, createPermutations, ensureLists, replaceLists } from './allocation.js';
import type { StatusEntry, StatusPurpose } from './model.js';
import {
  type Due,
  isDue,
  isOutdated,
  type PublicationFacts,
  type Publishing,
  publish,
  renew,
  signersOf,
} from './publishing.js';
import {
  findEntry,
  lockPublication,
  readPublication,
  readTokenPublication,
  readTokenVersions,
  readVersions,
  type StatusPublicationRow,
  type TokenStatusPublicationRow,
  updateEntry,
} from './store.js';
import { publishTokenListOf, renewTokenList, signerOf, tokenListType } from './token-publishing.js';

/** What is asked of one bit. */
export interface StatusChange {
  readonly recordId: string;
  readonly purpose: StatusPurpose;
  readonly value: boolean;
}

/** The issuer's status lists. */
export interface StatusLists {
  /** Gives one issued copy an index in a list of each purpose, within the transaction that records the copy. */
  allocate(tx: Tx, request: AllocationRequest): Promise<StatusEntry[]>;
  /** Sets or clears a bit and signs its list, all in the caller's transaction. After the commit, call refresh(). */
  change(tx: Tx, request: StatusChange): Promise<{ changed: boolean }>;
  /** Closes every list that indexes are taken from and opens new ones: for a database that was put back. */
  replace(tx: Tx): Promise<void>;
  /** The list called `{id}` or `{id}.jwt`, from memory only; a Token Status List has one address. */
  document(name: string): SignedDocument | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Loads what changed in the store, whichever process changed it. */
  refresh(): Promise<void>;
}

/** What the lists are made from. */
export interface StatusListsDependencies extends Omit<Publishing, 'config'> {
  readonly store: Store;
  readonly config: Publishing['config'] & { readonly reloadMilliseconds: number };
  readonly deriveKey: (label: string, length: number) => Buffer;
  /** Told when a reload or a renewal failed; it is tried again, and what is in memory is served meanwhile. */
  readonly onFault?: (error: unknown) => void;
}

type Version = Pick<StatusPublicationRow, 'listId' | 'version'>;

type Loaded = PublicationFacts &
  Version & {
    readonly documents: ReadonlyMap<string, SignedDocument>;
    readonly sign: (publishing: Publishing, tx: Tx, listId: string, due: Due) => Promise<void>;
  };

const renewalPauseMilliseconds = 30_000;

/** The lists of one issuer, whichever of its processes this is. */
export function createStatusLists(deps: StatusListsDependencies): StatusLists {
  const allocation = { store: deps.store, publishing: deps, permutationOf: createPermutations(deps.deriveKey) };
  const loaded = new Map<string, Loaded>();
  let refreshing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<void> {
    const changed = await deps.store.read(async (tx) => {
      const isOutdatedHere = ({ listId, version }: Version) => loaded.get(listId)?.version !== version;
      const bits = (await readVersions(tx)).filter(isOutdatedHere);
      const tokens = (await readTokenVersions(tx)).filter(isOutdatedHere);
      return [...(await readAll(tx, bits)), ...(await readAllTokens(tx, tokens))];
    });
    for (const publication of changed) loaded.set(publication.listId, toLoaded(publication, deps.config.ttlSeconds));
  }

  /** Queued: whoever calls after a commit must not be given a reload that began before it. */
  function refresh(): Promise<void> {
    const next = refreshing.then(load);
    refreshing = next.catch(() => undefined);
    return next;
  }

  async function renewIf(due: Due): Promise<void> {
    const chosen = [...loaded.values()].filter((publication) => due(deps, publication));
    for (const { listId, sign } of chosen) await deps.store.transaction((tx) => sign(deps, tx, listId, due));
    if (chosen.length > 0) await refresh();
  }

  /** A key that cannot sign now is not asked again twice a second. */
  async function renewInTurn(): Promise<void> {
    const time = deps.now().getTime();
    if (Math.abs(time - failedAt) < renewalPauseMilliseconds) return;
    await renewIf(isDue).catch((error: unknown) => {
      failedAt = time;
      throw error;
    });
  }

  function schedule(): void {
    timer = setTimeout(() => {
      refresh()
        .then(renewInTurn)
        .catch((error: unknown) => deps.onFault?.(error))
        .finally(() => timer && schedule());
    }, deps.config.reloadMilliseconds);
    timer.unref();
  }

  return {
    allocate: (tx, request) => allocate(allocation, tx, request),
    change: (tx, request) => change(deps, tx, request),
    replace: (tx) => replaceLists(allocation, tx),
    document: (name) => loaded.get(name.replace(/\.jwt$/, ''))?.documents.get(name),
    refresh,
    async start() {
      await deps.store.transaction((tx) => ensureLists(allocation, tx));
      await refresh();
      await renewIf(isOutdated);
      schedule();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await refreshing;
    },
  };
}

async function readAll(tx: Tx, versions: readonly Version[]): Promise<StatusPublicationRow[]> {
  const rows = [];
  for (const { listId } of versions) rows.push(await readPublication(tx, listId));
  return rows;
}

async function readAllTokens(tx: Tx, versions: readonly Version[]): Promise<TokenStatusPublicationRow[]> {
  const rows = [];
  for (const { listId } of versions) rows.push(await readTokenPublication(tx, listId));
  return rows;
}

function toLoaded(publication: StatusPublicationRow | TokenStatusPublicationRow, ttlSeconds: number): Loaded {
  // Cache-Control and ttl say the same (Bitstring Status List 2.2): nobody keeps a list longer than it promises.
  const options = { maxAgeSeconds: ttlSeconds, lastModified: new Date(publication.validFrom) };
  if (!('dataIntegrity' in publication)) {
    const { jwt, ...facts } = publication;
    const document = signedDocument(jwt, { contentType: `application/${tokenListType}`, ...options });
    const documents = new Map([[facts.listId, document]]);
    return { ...facts, signers: [signerOf(jwt)], documents, sign: renewTokenList };
  }
  const { dataIntegrity, jwt, ...facts } = publication;
  const documents = new Map([
    [facts.listId, signedDocument(dataIntegrity, { contentType: 'application/vc', ...options })],
    [`${facts.listId}.jwt`, signedDocument(jwt, { contentType: 'application/vc+jwt', ...options })],
  ]);
  return { ...facts, signers: signersOf({ dataIntegrity, jwt }), documents, sign: renew };
}

/**
 * The lock of the published list comes first, so that two changes of one list follow each other and the later one
 * reads the bit of the earlier one; then the rows are the truth and the list is signed from them. A revocation is
 * final (Bitstring Status List 2.1: revocation is not reversible).
 */
async function change(deps: StatusListsDependencies, tx: Tx, request: StatusChange): Promise<{ changed: boolean }> {
  const found = await findEntry(tx, request.recordId, request.purpose);
  if (!found) throw new ServiceError('not_found', 'This credential has no status of this purpose.');
  const publication = await lockPublication(tx, found.listId);
  const entry = (await findEntry(tx, request.recordId, request.purpose)) ?? found;
  if (entry.isSet === request.value) return { changed: false };
  if (request.purpose === 'revocation' && !request.value) {
    throw new ServiceError('status_irreversible', 'A revoked credential stays revoked; issue a new one instead.');
  }
  await updateEntry(tx, { ...entry, isSet: request.value, changedAt: deps.now().toISOString() });
  await publish(deps, tx, publication);
  await publishTokenListOf(deps, tx, publication.listId);
  return { changed: true };
}
