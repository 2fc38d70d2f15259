import type { Audit } from '../audit/audit.js';
import type { SecuredCredential, SecureOptions, SigningKey } from '../credential/credential.js';
import { type Fault, ServiceError } from '../errors.js';
import { type SignedDocument, signedDocument } from '../http/signed-document.js';
import { type PassportAgent, parseDidWeb } from '../identity/identity.js';
import { decodeBase64url } from '../jose/base64url.js';
import { canonicalJson, type Json, type JsonObject } from '../json.js';
import type { Store, Tx } from '../store/store.js';
import { buildList, type Publisher, readList, type Snapshot } from './list-document.js';
import {
  findFaults,
  maxOrganisations,
  type Organisation,
  type OrganisationInput,
  readOrganisationsFile,
  timeFaults,
  withStatus,
} from './organisation.js';
import {
  findOrganisation,
  findPublication,
  type PublicationRow,
  readOrganisations,
  readSequence,
  saveOrganisation,
  savePublication,
} from './store.js';
import { beginningAt, endAt, isMoment } from './times.js';

/** Why an organisation is suspended or reinstated, and since when; now if it is not said. */
export interface SuspensionRequest {
  readonly reason: string;
  readonly from?: string;
}

/** Keeps the organisations and publishes the one signed list of them. */
export interface RegistryAuthority {
  /** Adds the organisations of a parsed file that are not known yet; never changes one that is. */
  seed(file: unknown, actor: string): Promise<{ added: number }>;
  organisations(): Promise<Organisation[]>;
  put(
    odsCode: string,
    input: OrganisationInput,
    actor: string,
  ): Promise<{ organisation: Organisation; created: boolean }>;
  suspend(odsCode: string, request: SuspensionRequest, actor: string): Promise<Organisation>;
  reinstate(odsCode: string, request: SuspensionRequest, actor: string): Promise<Organisation>;
  /** After a restore: goes on with a number beyond all that may have been published since the backup was taken. */
  leap(actor: string): Promise<void>;
  /** The signed list, from memory only. */
  document(): SignedDocument | undefined;
  /** The same as a token, for the registry client of this process. */
  jwt(): string | undefined;
  /** What the list says, for the page. */
  snapshot(): Snapshot | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Loads what another process published. */
  refresh(): Promise<void>;
}

/** What the authority is made from. */
export interface RegistryAuthorityDependencies {
  readonly store: Store;
  readonly audit: Pick<Audit, 'record'>;
  readonly agent: PassportAgent;
  readonly identity: {
    readonly did: string;
    document(): JsonObject;
    signingKey(algorithm: 'ES256'): Promise<SigningKey>;
  };
  readonly secure: (agent: PassportAgent, options: SecureOptions) => Promise<SecuredCredential>;
  readonly config: {
    readonly name: string;
    readonly odsCode: string;
    readonly publicUrl: string;
    readonly programme: { readonly baseUrl: string };
    readonly registryAuthority: { readonly nextUpdateSeconds: number; readonly reissueSeconds: number };
  };
  readonly now: () => Date;
  /** How soon this process sees what another one published; 500 ms unless told. */
  readonly reloadMilliseconds?: number;
  readonly onFault?: (error: unknown) => void;
}

interface Published {
  readonly row: PublicationRow;
  readonly document: SignedDocument;
  readonly snapshot: Snapshot;
}

/** No cache between us and a verifier keeps the list for longer; verifiers poll with its ETag. */
const maxAgeSeconds = 60;

const reissuePauseMilliseconds = 30_000;

/** The authority of a programme, whichever of its processes this is. */
export function createRegistryAuthority(deps: RegistryAuthorityDependencies): RegistryAuthority {
  let published: Published | undefined;
  let refreshing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    const row = await deps.store.read(async (tx) => {
      const sequence = await readSequence(tx);
      return sequence === published?.row.sequence ? undefined : findPublication(tx);
    });
    if (row) published = toPublished(row, deps.config.registryAuthority.nextUpdateSeconds);
  }

  /** Queued, so that what was committed before the call is in memory after it. */
  function refresh(): Promise<void> {
    const next = refreshing.then(load);
    refreshing = next.catch(() => undefined);
    return next;
  }

  async function commit<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await deps.store.transaction(async (tx) => {
      await deps.store.lock(tx, 'registry');
      return work(tx);
    });
    await refresh();
    return result;
  }

  async function reissueIf(due: typeof isDue): Promise<void> {
    if (!due(deps, published?.row)) return;
    await commit(async (tx) => {
      if (due(deps, (await findPublication(tx)) ?? undefined)) await publish(deps, tx);
    });
  }

  const reissueInTurn = pausingAfterFailure(deps.now, () => reissueIf(isDue));

  function schedule(): void {
    timer = setTimeout(() => {
      refresh()
        .then(reissueInTurn)
        .catch((error: unknown) => deps.onFault?.(error))
        .finally(() => timer && schedule());
    }, deps.reloadMilliseconds ?? 500);
    timer.unref();
  }

  return {
    seed: (file, actor) => commit((tx) => seed(deps, tx, file, actor)),
    organisations: () => deps.store.read(readOrganisations),
    put: (odsCode, input, actor) => commit((tx) => put(deps, tx, { odsCode, input, actor })),
    suspend: (odsCode, request, actor) => commit((tx) => suspend(deps, tx, { odsCode, request, actor })),
    reinstate: (odsCode, request, actor) => commit((tx) => reinstate(deps, tx, { odsCode, request, actor })),
    leap: (actor) => commit((tx) => leap(deps, tx, actor)),
    document: () => published?.document,
    jwt: () => published?.row.jwt,
    snapshot: () => published?.snapshot,
    refresh,
    async start() {
      await refresh();
      await reissueIf(isOutdated);
      schedule();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await refreshing;
    },
  };
}

/** A key that cannot sign now is not asked again twice a second. */
function pausingAfterFailure(now: () => Date, work: () => Promise<void>): () => Promise<void> {
  let failedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const time = now().getTime();
    if (Math.abs(time - failedAt) < reissuePauseMilliseconds) return;
    await work().catch((error: unknown) => {
      failedAt = time;
      throw error;
    });
  };
}

function toPublished(row: PublicationRow, nextUpdateSeconds: number): Published {
  const options = { maxAgeSeconds: Math.min(maxAgeSeconds, nextUpdateSeconds), lastModified: new Date(row.issued) };
  const document = signedDocument(row.jwt, { contentType: 'application/vc+jwt', ...options });
  return { row, document, snapshot: readList(decodeBase64url(row.jwt.split('.')[1] ?? '')) };
}

function publisherOf({ identity, config }: RegistryAuthorityDependencies): Publisher {
  const { name, odsCode, publicUrl, programme } = config;
  return { did: identity.did, name, odsCode, publicUrl, programmeBaseUrl: programme.baseUrl };
}

/** Whoever changes the authority's name, address or times publishes anew. */
function signedFor(deps: RegistryAuthorityDependencies): string {
  return canonicalJson({ ...publisherOf(deps), nextUpdateSeconds: deps.config.registryAuthority.nextUpdateSeconds });
}

/** Old, or signed with a key that is published no longer since it was stolen: no verifier takes such a list. */
function isDue(deps: RegistryAuthorityDependencies, row: PublicationRow | undefined): boolean {
  if (!row) return true;
  const age = deps.now().getTime() - Date.parse(row.issued);
  return age >= deps.config.registryAuthority.reissueSeconds * 1000 || !isSignedByPublishedKey(deps, row);
}

function isSignedByPublishedKey({ identity }: RegistryAuthorityDependencies, { jwt }: PublicationRow): boolean {
  const { kid } = JSON.parse(decodeBase64url(jwt.slice(0, jwt.indexOf('.'))).toString()) as { kid: string };
  const { assertionMethod } = identity.document();
  return Array.isArray(assertionMethod) && assertionMethod.includes(kid);
}

/** Asked at the start only: processes of two configurations must not publish against each other for ever. */
function isOutdated(deps: RegistryAuthorityDependencies, row: PublicationRow | undefined): boolean {
  return isDue(deps, row) || row?.signedFor !== signedFor(deps);
}

/** More than any authority publishes between two backups. */
const leapLength = 1_000_000;

/** Verifiers refuse a number that they have seen, with another content or at all: a restored list would be a rollback. */
async function leap(deps: RegistryAuthorityDependencies, tx: Tx, actor: string): Promise<void> {
  await publish(deps, tx, leapLength);
  await deps.audit.record(tx, { action: 'registry.leap', actor, outcome: 'success', data: { by: leapLength } });
}

/** Signs what the table says, under the next sequence, in the transaction that changed the table. */
async function publish(deps: RegistryAuthorityDependencies, tx: Tx, step = 1): Promise<void> {
  const previous = await findPublication(tx);
  const now = deps.now();
  const nextUpdate = new Date(now.getTime() + deps.config.registryAuthority.nextUpdateSeconds * 1000);
  const snapshot = {
    sequence: (previous?.sequence ?? 0) + step,
    issued: beginningAt(now),
    nextUpdate: endAt(nextUpdate),
    organisations: await readOrganisations(tx),
  };
  const credential = buildList(publisherOf(deps), snapshot);
  // What no verifier could read must not be published: better that this one change fails than that all of them do.
  readList(Buffer.from(JSON.stringify(credential)));
  const key = await deps.identity.signingKey('ES256');
  const { compact } = await deps.secure(deps.agent, { credential, format: 'vc+jwt', key, now });
  if (compact === undefined) throw new Error('vc+jwt came back without its compact form');
  const { sequence, issued } = snapshot;
  await savePublication(tx, {
    id: 1,
    sequence,
    issued,
    nextUpdate: snapshot.nextUpdate,
    signedFor: signedFor(deps),
    jwt: compact,
  });
}

async function seed(
  deps: RegistryAuthorityDependencies,
  tx: Tx,
  file: unknown,
  actor: string,
): Promise<{ added: number }> {
  const { organisations } = readOrganisationsFile(file);
  const known = await readOrganisations(tx);
  const codes = new Set(known.map(({ odsCode }) => odsCode));
  const fresh = organisations.filter(({ odsCode }) => !codes.has(odsCode));
  for (const organisation of fresh) requirePossible(organisation);
  requireConsistent([...known, ...fresh]);
  for (const organisation of fresh) {
    await saveOrganisation(tx, organisation, deps.now());
    await deps.audit.record(tx, { action: 'registry.seed', actor, subject: organisation.odsCode, outcome: 'success' });
  }
  if (fresh.length > 0) await publish(deps, tx);
  return { added: fresh.length };
}

interface Put {
  readonly odsCode: string;
  readonly input: OrganisationInput;
  readonly actor: string;
}

/** A PUT of what is there already changes nothing and publishes nothing. */
async function put(
  deps: RegistryAuthorityDependencies,
  tx: Tx,
  { odsCode, input, actor }: Put,
): Promise<{ organisation: Organisation; created: boolean }> {
  const known = await findOrganisation(tx, odsCode);
  const organisation = withStatus({ odsCode, ...input, suspensions: known?.suspensions ?? [] });
  if (known && canonicalJson(known as unknown as Json) === canonicalJson(organisation as unknown as Json)) {
    return { organisation, created: false };
  }
  requirePossible(organisation);
  const others = (await readOrganisations(tx)).filter((other) => other.odsCode !== odsCode);
  requireConsistent([...others, organisation]);
  await record(deps, tx, organisation, { action: 'registry.put', actor });
  return { organisation, created: known === undefined };
}

function requirePossible(organisation: Organisation): void {
  const times = timeFaults(organisation);
  if (times.length > 0) {
    throw new ServiceError('invalid_request', 'The organisation has impossible times.', { faults: times });
  }
  const spellings = spellingFaults(organisation);
  if (spellings.length > 0) {
    const detail = 'A DID is not a did:web in its one canonical spelling.';
    throw new ServiceError('invalid_request', detail, { faults: spellings });
  }
}

/** Verifiers compare DIDs letter by letter and resolve nothing but this spelling: any other would be a dead entry. */
function spellingFaults({ dids }: Organisation): Fault[] {
  return dids.flatMap(({ did }, index) =>
    parseDidWeb(did) === undefined ? [{ path: `/dids/${index}/did`, detail: 'is not a canonical did:web' }] : [],
  );
}

function requireConsistent(organisations: readonly Organisation[]): void {
  const faults = findFaults(organisations, '');
  if (faults.length > 0) {
    throw new ServiceError('conflict', 'A DID or ODS code belongs to another organisation already.', { faults });
  }
  if (organisations.length > maxOrganisations) {
    throw new ServiceError('conflict', `The registry holds at most ${maxOrganisations} organisations.`);
  }
}

interface SuspensionChange {
  readonly odsCode: string;
  readonly request: SuspensionRequest;
  readonly actor: string;
}

/** The clock of whoever asks may be a minute ahead; a suspension further ahead is a plan, and not offered. */
const clockSkewMilliseconds = 60_000;
/** What verifiers accept for one organisation (organisation.ts). */
const maxSuspensions = 256;

async function suspend(deps: RegistryAuthorityDependencies, tx: Tx, change: SuspensionChange): Promise<Organisation> {
  const known = await requireOrganisation(tx, change.odsCode);
  if (known.suspensions.some(({ until }) => until === undefined)) {
    throw new ServiceError('conflict', `${known.odsCode} is suspended already.`);
  }
  if (known.suspensions.length >= maxSuspensions)
    throw new ServiceError('conflict', 'Too many suspensions are recorded.');
  const from = change.request.from ?? beginningNow(known, deps.now());
  requirePast(deps, from);
  if (known.suspensions.some(({ until }) => until !== undefined && until > from)) {
    throw new ServiceError('invalid_request', 'The suspension would begin before an earlier one ended.');
  }
  const { reason } = change.request;
  const organisation = withStatus({ ...known, suspensions: [...known.suspensions, { from, reason }] });
  await record(deps, tx, organisation, { action: 'registry.suspend', actor: change.actor, data: { from } });
  return organisation;
}

/** Suspended again within the second in which the last suspension ends: it goes on where that one ended. */
function beginningNow({ suspensions }: Organisation, now: Date): string {
  const ends = suspensions.map(({ until }) => until ?? '');
  return [beginningAt(now), ...ends].sort().at(-1) ?? beginningAt(now);
}

async function reinstate(deps: RegistryAuthorityDependencies, tx: Tx, change: SuspensionChange): Promise<Organisation> {
  const known = await requireOrganisation(tx, change.odsCode);
  const open = known.suspensions.find((suspension) => suspension.until === undefined);
  if (!open) throw new ServiceError('conflict', `${known.odsCode} is not suspended.`);
  // Suspended and reinstated within one second: the suspension still has to cover that second.
  const earliest = Date.parse(open.from) + 1000;
  if (change.request.from !== undefined) requirePast(deps, change.request.from);
  const until = change.request.from ?? endAt(new Date(Math.max(deps.now().getTime(), earliest)));
  if (Date.parse(until) < earliest)
    throw new ServiceError('invalid_request', 'The suspension would end before it began.');
  const ended = { ...open, until, endReason: change.request.reason };
  const closed = known.suspensions.map((suspension) => (suspension === open ? ended : suspension));
  const organisation = withStatus({ ...known, suspensions: closed });
  await record(deps, tx, organisation, { action: 'registry.reinstate', actor: change.actor, data: { until } });
  return organisation;
}

async function requireOrganisation(tx: Tx, odsCode: string): Promise<Organisation> {
  const known = await findOrganisation(tx, odsCode);
  if (!known) throw new ServiceError('not_found', 'The registry has no organisation of this ODS code.');
  return known;
}

function requirePast(deps: RegistryAuthorityDependencies, moment: string): void {
  if (!isMoment(moment)) throw new ServiceError('invalid_request', '"from" names a moment that does not exist.');
  if (Date.parse(moment) <= deps.now().getTime() + clockSkewMilliseconds) return;
  throw new ServiceError('invalid_request', '"from" lies in the future; suspend and reinstate when the time comes.');
}

/** The change, its audit record and the list that says it: all of them, or none. */
async function record(
  deps: RegistryAuthorityDependencies,
  tx: Tx,
  organisation: Organisation,
  event: { action: string; actor: string; data?: Record<string, string> },
): Promise<void> {
  await saveOrganisation(tx, organisation, deps.now());
  await deps.audit.record(tx, { ...event, subject: organisation.odsCode, outcome: 'success' });
  await publish(deps, tx);
}
