/** The organisation's own identifier: its keys through their lives, and the document that publishes them. */
import type { IIdentifier, ManagedKeyInfo } from '@veramo/core-types';
import type { DIDDocument } from 'did-resolver';
import { ServiceError } from '../errors.js';
import { type SignedDocument, signedDocument } from '../http/signed-document.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { verifyBytes } from '../jose/jws.js';
import type { JsonObject } from '../json.js';
import type { AgentParts, PassportAgent } from './agent.js';
import {
  buildDidDocument,
  type DidService,
  type KeyState,
  keyTypeFor,
  type ManagedKey,
  toManagedKey,
  walletMethodId,
} from './did-document.js';
import type { PassportResolver } from './did-resolver.js';
import { parseDidWeb } from './did-web.js';
import type { DeriveKey, KeyEncryptionKey } from './key-encryption.js';
import { deepFreeze } from './resolution.js';
import type { ProofPurpose } from './verification-key.js';

/** What createIdentity is made of. */
export interface IdentityOptions {
  readonly agent: PassportAgent;
  readonly did: string;
  /** Identifiers that this organisation has given up: nobody may rely on their keys any more. */
  readonly formerDids?: readonly string[];
  /** What the document says beside the keys. */
  readonly services?: readonly DidService[];
  readonly now: () => Date;
  /** What loadAgent returned; without it keys cannot be rewrapped or change state, and the resolver is left alone. */
  readonly parts?: AgentParts;
  /** What secrets are derived with where the agent file seals no private keys, since they lie in hardware, say. */
  readonly deriveKey?: DeriveKey;
  /** How often the keys are read again, since another process may have changed them. */
  readonly reloadSeconds?: number;
  /** How long a new key is published before it signs: longer than any cache keeps the document. */
  readonly publishSeconds?: number;
}

/** The key that signs now; `kid` is the absolute id that proofs name. */
export interface SigningKeyReference {
  readonly keyRef: string;
  readonly kid: string;
  /** The same key by the id that wallets read, where that is another one. */
  readonly walletKid?: string;
  readonly algorithm: JwsAlgorithm;
  readonly thumbprint: string;
}

/** A key as operators see it. */
export interface KeySummary {
  readonly kid: string;
  readonly algorithm: JwsAlgorithm;
  readonly purpose: ProofPurpose;
  readonly state: KeyState;
  readonly thumbprint: string;
  readonly created: string;
  readonly signsFrom: string;
}

/** One organisation's identifier and keys. */
export interface Identity {
  readonly agent: PassportAgent;
  readonly did: string;
  /** The DID document, frozen. Throws `key_unavailable` before the first refresh, and when there is no DID yet. */
  document(): JsonObject;
  /** The same as bytes to publish; undefined before the first refresh. */
  published(): SignedDocument | undefined;
  /** The active key of this algorithm for a purpose: assertionMethod when absent. */
  signingKey(algorithm: JwsAlgorithm, purpose?: ProofPurpose): Promise<SigningKeyReference>;
  /**
   * Creates the DID with its first keys: ES256 and EdDSA for assertionMethod, which alone is wanted when nothing is said,
   * ES256 for authentication. Refuses when it has them; finishes what was broken off.
   */
  initialise(purposes?: readonly ProofPurpose[]): Promise<void>;
  addKey(algorithm: JwsAlgorithm, purpose?: ProofPurpose): Promise<KeySummary>;
  changeKeyState(kid: string, state: KeyState): Promise<void>;
  listKeys(): Promise<KeySummary[]>;
  /** Seals the private keys with another key-encryption key; returns how many. */
  rewrap(next: KeyEncryptionKey): Promise<number>;
  /** Derives a secret of this organisation, the same on every replica and after a rewrap; after `initialise` only. */
  readonly deriveKey: DeriveKey;
  /** Signs and verifies with every active key; throws `key_unavailable`, above all for a wrong key-encryption key. */
  selfTest(): Promise<void>;
  /** Which did:web identifiers the resolver may fetch from now on; false when the agent's resolver takes no rules. */
  restrictResolution(mayResolve: (did: string) => boolean): boolean;
  refresh(): Promise<void>;
  start(): Promise<void>;
  stop(): void;
}

interface InitialKey {
  readonly algorithm: JwsAlgorithm;
  readonly purpose: ProofPurpose;
}

const initialKeys: readonly InitialKey[] = [
  { algorithm: 'ES256', purpose: 'assertionMethod' },
  { algorithm: 'EdDSA', purpose: 'assertionMethod' },
  // Signs requests to wallets (OpenID4VP 1.0 5.9.3), as whoever asks.
  { algorithm: 'ES256', purpose: 'authentication' },
];
const documentMaxAgeSeconds = 60;
const defaultReloadSeconds = 5;
/** Our resolver keeps a document five minutes at most, and so may others; the rest is for slow clocks. */
const defaultPublishSeconds = 360;

interface State {
  readonly keys: readonly ManagedKey[];
  readonly document: JsonObject;
  readonly published: SignedDocument;
  readonly readAt: number;
}

interface Context {
  readonly options: IdentityOptions;
  readonly reloadMilliseconds: number;
  state: State | undefined;
  reading: Promise<State> | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Makes the identity; reads nothing yet. */
export function createIdentity(options: IdentityOptions): Identity {
  if (!parseDidWeb(options.did)) throw new ServiceError('configuration', 'did: is not a canonical did:web identifier');
  const { agent, did } = options;
  const reloadMilliseconds = (options.reloadSeconds ?? defaultReloadSeconds) * 1000;
  const context: Context = { options, reloadMilliseconds, state: undefined, reading: undefined, timer: undefined };
  resolverOf(context)?.attach({
    ownDocument: (asked) => (asked === did ? (context.state?.document as DIDDocument | undefined) : undefined),
    isFormer: (asked) => options.formerDids?.includes(asked) ?? false,
  });
  return {
    agent,
    did,
    document: () => known(context).document,
    published: () => context.state?.published,
    signingKey: (algorithm, purpose = 'assertionMethod') => signingKey(context, algorithm, purpose),
    initialise: (purposes = ['assertionMethod']) => initialise(context, purposes),
    addKey: (algorithm, purpose = 'assertionMethod') => addKey(context, algorithm, purpose),
    changeKeyState: (kid, state) => changeKeyState(context, kid, state),
    listKeys: async () => (await read(context)).keys.map(summarise),
    rewrap: async (next) => privateKeysOf(context).rewrap(next),
    deriveKey: (label, length) => deriveKey(context, label, length),
    selfTest: () => selfTest(context),
    restrictResolution: (mayResolve) => restrictResolution(context, mayResolve),
    refresh: async () => void (await read(context)),
    start: () => start(context),
    stop: () => clearInterval(context.timer),
  };
}

function known({ state, options }: Context): State {
  if (!state) throw new ServiceError('key_unavailable', `${options.did} has no keys yet: run staff-passport init`);
  return state;
}

/** Reads once for all who ask at the same time. */
function read(context: Context): Promise<State> {
  context.reading ??= readKeys(context).finally(() => {
    context.reading = undefined;
  });
  return context.reading;
}

async function readKeys(context: Context): Promise<State> {
  const { did, now, services } = context.options;
  const readAt = now().getTime();
  const identifier = await findIdentifier(context);
  if (!identifier) throw new ServiceError('key_unavailable', `${did} has no keys yet: run staff-passport init`);
  const keys = identifier.keys.map(toManagedKey);
  const built = buildDidDocument(did, keys, services);
  const bytes = JSON.stringify(built, null, 2);
  const same = context.state?.published.bytes.toString() === bytes ? context.state : undefined;
  // An unchanged document stays the same object, so that keys made from it stay cached.
  const document = same?.document ?? deepFreeze(built);
  const published = same?.published ?? toPublished(bytes, context.options.publishSeconds);
  context.state = { keys, document, published, readAt };
  return context.state;
}

/** Nobody may keep a document for longer than a new key is published before it signs. */
function toPublished(bytes: string, publishSeconds = defaultPublishSeconds): SignedDocument {
  const maxAgeSeconds = Math.min(documentMaxAgeSeconds, publishSeconds);
  return signedDocument(bytes, { contentType: 'application/did+json', maxAgeSeconds });
}

/** Veramo throws the same error for "not there" and "cannot look"; asking for a list tells them apart. */
async function findIdentifier({ options: { agent, did } }: Context): Promise<IIdentifier | undefined> {
  try {
    const found = await agent.didManagerFind({ provider: 'did:web' });
    return found.find((one) => one.did === did);
  } catch (cause) {
    throw new ServiceError('storage_unavailable', 'The keys of this organisation cannot be read', { cause });
  }
}

async function signingKey(
  context: Context,
  algorithm: JwsAlgorithm,
  purpose: ProofPurpose,
): Promise<SigningKeyReference> {
  const now = context.options.now().getTime();
  const { state } = context;
  const current = state && now - state.readAt < context.reloadMilliseconds ? state : await read(context);
  const candidates = current.keys
    .filter((key) => key.algorithm === algorithm && key.purpose === purpose && key.state === 'active')
    .filter((key) => key.signsFrom.getTime() <= now)
    .sort((a, b) => b.signsFrom.getTime() - a.signsFrom.getTime());
  const [key] = candidates;
  if (!key) {
    throw new ServiceError('key_unavailable', `This organisation has no active ${algorithm} key for ${purpose}`);
  }
  const { did } = context.options;
  const kid = `${did}#${key.kid}`;
  const walletKid = walletMethodId(did, key);
  const names = walletKid === kid ? { kid } : { kid, walletKid };
  return { keyRef: key.kid, ...names, algorithm, thumbprint: key.key.thumbprint };
}

async function initialise(context: Context, purposes: readonly ProofPurpose[]): Promise<void> {
  const { did, now } = context.options;
  await privateKeyStoreOf(context)?.initialise();
  const existing = await findIdentifier(context);
  const present = (existing?.keys ?? []).map(toManagedKey);
  const isPresent = (wanted: InitialKey) =>
    present.some(({ algorithm, purpose }) => algorithm === wanted.algorithm && purpose === wanted.purpose);
  const missing = initialKeys.filter((wanted) => purposes.includes(wanted.purpose) && !isPresent(wanted));
  if (missing.length === 0) throw new ServiceError('conflict', `${did} has its keys already; nothing was changed`);
  for (const { algorithm, purpose } of missing) await createKey(context, algorithm, purpose, now());
  await read(context);
}

async function addKey(context: Context, algorithm: JwsAlgorithm, purpose: ProofPurpose): Promise<KeySummary> {
  const { did, now, publishSeconds = defaultPublishSeconds } = context.options;
  if (!(await findIdentifier(context))) {
    throw new ServiceError('key_unavailable', `${did} has no keys yet: run staff-passport init`);
  }
  const signsFrom = new Date(now().getTime() + publishSeconds * 1000);
  const row = await createKey(context, algorithm, purpose, signsFrom);
  await read(context);
  return summarise(toManagedKey(row));
}

async function createKey(context: Context, algorithm: JwsAlgorithm, purpose: ProofPurpose, signsFrom: Date) {
  const { agent, did, now } = context.options;
  const type = keyTypeFor(algorithm);
  if (!type) throw new ServiceError('invalid_request', `Own keys do not sign with ${algorithm}`);
  const [kms] = await agent.keyManagerGetKeyManagementSystems();
  if (!kms) throw new ServiceError('configuration', 'The agent has no key management system');
  const meta = { purpose, state: 'active', created: now().toISOString(), signsFrom: signsFrom.toISOString() };
  const key = await agent.keyManagerCreate({ kms, type, meta });
  if (await findIdentifier(context)) await agent.didManagerAddKey({ did, key });
  else {
    const alias = did.slice('did:web:'.length);
    await agent.didManagerCreate({ alias, provider: 'did:web', options: { keyRef: key.kid } });
  }
  return key;
}

const transitions: Readonly<Record<KeyState, readonly KeyState[]>> = {
  staged: ['active', 'retired', 'compromised'],
  active: ['retired', 'compromised'],
  retired: ['expired', 'compromised'],
  expired: ['compromised'],
  compromised: [],
};

async function changeKeyState(context: Context, kid: string, state: KeyState): Promise<void> {
  const { agent, now, parts } = context.options;
  const store = parts?.part('/keyStore') as { importKey?: (key: ManagedKeyInfo) => Promise<boolean> } | undefined;
  if (!store?.importKey) throw new ServiceError('configuration', 'The agent file has no key store at /keyStore');
  const identifier = await findIdentifier(context);
  const row = identifier?.keys.find((key) => key.kid === kid);
  if (!row) throw new ServiceError('not_found', `There is no key ${kid}`);
  const current = toManagedKey(row).state;
  if (!transitions[current].includes(state)) {
    throw new ServiceError('conflict', `A key that is ${current} cannot become ${state}`);
  }
  const key = await agent.keyManagerGet({ kid });
  await store.importKey({ ...key, meta: { ...key.meta, state, changed: now().toISOString() } });
  await read(context);
}

async function selfTest(context: Context): Promise<void> {
  await privateKeyStoreOf(context)?.check();
  const { agent } = context.options;
  const { keys } = await read(context);
  const data = new TextEncoder().encode(`staff-passport self-test ${context.options.now().toISOString()}`);
  for (const { kid, algorithm, key } of keys.filter((one) => one.state === 'active' || one.state === 'staged')) {
    // keyManagerSign takes bytes as they are; its type knows strings only.
    const signature = await agent.keyManagerSign({ keyRef: kid, algorithm, data: data as unknown as string });
    if (!verifyBytes(key, data, Buffer.from(signature, 'base64url'))) {
      throw new ServiceError('key_unavailable', `Key ${kid} does not match its published public key`);
    }
  }
}

async function start(context: Context): Promise<void> {
  await read(context);
  clearInterval(context.timer);
  context.timer = setInterval(() => {
    // The last good document stays published; the next tick tries again, and /health shows the database.
    read(context).catch(() => undefined);
  }, context.reloadMilliseconds);
  context.timer.unref();
}

function deriveKey(context: Context, label: string, length: number): Buffer {
  const derive = privateKeyStoreOf(context)?.deriveKey ?? context.options.deriveKey;
  if (!derive) throw new ServiceError('configuration', 'The agent file has no private key store at /privateKeys');
  return derive(label, length);
}

interface RewrappableKeys {
  readonly deriveKey: DeriveKey;
  initialise(): Promise<void>;
  check(): Promise<void>;
  rewrap(next: KeyEncryptionKey): Promise<number>;
}

/** Another key management (a hardware module) has no private key store, hence nothing to check or rewrap. */
function privateKeyStoreOf({ options }: Context): RewrappableKeys | undefined {
  const store = options.parts?.part('/privateKeys') as Partial<RewrappableKeys> | undefined;
  const { initialise, check, rewrap, deriveKey } = store ?? {};
  if (!initialise || !check || !rewrap || !deriveKey) return undefined;
  return {
    initialise: initialise.bind(store),
    check: check.bind(store),
    rewrap: rewrap.bind(store),
    deriveKey: deriveKey.bind(store),
  };
}

function privateKeysOf(context: Context): RewrappableKeys {
  const store = privateKeyStoreOf(context);
  if (!store) throw new ServiceError('configuration', 'The agent file has no private key store at /privateKeys');
  return store;
}

function resolverOf({ options }: Context): PassportResolver | undefined {
  const resolver = options.parts?.part('/resolver') as Partial<PassportResolver> | undefined;
  return resolver?.attach ? (resolver as PassportResolver) : undefined;
}

function restrictResolution(context: Context, mayResolve: (did: string) => boolean): boolean {
  const resolver = resolverOf(context);
  resolver?.attach({ mayResolve });
  return resolver !== undefined;
}

function summarise({ kid, algorithm, purpose, state, key, created, signsFrom }: ManagedKey): KeySummary {
  const dates = { created: created.toISOString(), signsFrom: signsFrom.toISOString() };
  return { kid, algorithm, purpose, state, thumbprint: key.thumbprint, ...dates };
}
