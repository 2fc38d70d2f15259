/**
 * One organisation in a folder of its own, built from the repository's agent.yml as `staff-passport init` would build
 * it: its agent, keys and status lists, and the verifier of another organisation that holds its registry entry, its DID
 * document and its status lists in memory.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { base58 } from '@scure/base';
import type { AbstractDIDStore } from '@veramo/did-manager';
import { auditEntities, createAudit } from '../../src/audit/audit.js';
import { loadConfig } from '../../src/config.js';
import {
  type Catalogue,
  loadCatalogue,
  type SigningKey,
  secureCredential,
  verifyProof,
} from '../../src/credential/credential.js';
import type { Fetch } from '../../src/http/client.js';
import {
  createIdentity,
  createKeyEncryptionKeyFile,
  type Identity,
  loadAgent,
  type PassportAgent,
} from '../../src/identity/identity.js';
import { createIssuance, type Issuance, issuanceEntities } from '../../src/issuance/issuance.js';
import type { Organisation } from '../../src/registry/organisation.js';
import { createView, hold } from '../../src/registry/view.js';
import { createStatusChecker, createStatusLists, type StatusLists, statusEntities } from '../../src/status/status.js';
import { openStore } from '../../src/store/store.js';
import { createVerification, type Verification } from '../../src/verification/verification.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const publicUrl = 'http://localhost:8491';
export const organisationName = 'Rexford Acute NHS Trust (invented)';

/** A stranger to the registry; `es256` is a second identifier, for suites that want P-256. */
export interface Holder {
  readonly did: string;
  readonly key: SigningKey;
  es256(): Promise<{ readonly did: string; readonly key: SigningKey }>;
}

/** What the cases work with. */
export interface BenchOrganisation {
  readonly agent: PassportAgent;
  readonly identity: Identity;
  readonly catalogue: Catalogue;
  readonly issuance: Issuance;
  readonly verification: Verification;
  /** A member of staff: did:key (Ed25519), whose key happens to live in the same key management. */
  readonly holder: Holder;
  readonly now: () => Date;
  close(): Promise<void>;
}

/** Opens it; everything is gone again after `close`. */
export async function openOrganisation(): Promise<BenchOrganisation> {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-bench-'));
  const now = () => new Date();
  const { config, tree, baseFolder } = loadConfig(writeDeployment(folder));
  createKeyEncryptionKeyFile(config.keys.keyEncryptionKeyFile ?? '');
  const modules = { 'staff-passport/plugins': () => import('../../src/plugins.js') };
  const loaded = await loadAgent(tree, { baseFolder, modules });
  const { agent } = loaded;
  const identity = createIdentity({ agent, did: config.did, now, parts: loaded, publishSeconds: 0 });
  await identity.initialise();
  const entities = [...auditEntities, ...statusEntities, ...issuanceEntities];
  const store = await openStore({ database: { type: 'sqlite', file: ':memory:' }, entities, migrate: 'run' });
  const audit = createAudit({ store, now });
  const catalogue = loadCatalogue({ baseUrl: config.programme.baseUrl, root });
  const registry = createRegistryView(catalogue, config.did, now);
  const signing = { agent, identity, secure: secureCredential };
  const { deriveKey } = identity;
  const shared = { ...signing, store, deriveKey, now, random: randomBytes };
  const statusLists = createStatusLists({ ...shared, publicUrl, config: config.status });
  await statusLists.start();
  const organisation = { did: config.did, name: organisationName, odsCode: 'RXA' };
  return {
    agent,
    identity,
    catalogue,
    issuance: createIssuance({
      ...shared,
      audit,
      statusLists,
      catalogue,
      registry,
      organisation,
      config: config.issuing,
    }),
    verification: createVerification({
      agent,
      registry,
      catalogue,
      statusChecker: createStatusChecker({ agent, fetch: serveLists(statusLists), verifyProof }),
      store,
      audit,
      config: config.verification,
      now,
    }),
    holder: await createHolder(agent, loaded.part('/didStore') as AbstractDIDStore),
    now,
    async close() {
      await statusLists.stop();
      identity.stop();
      await loaded.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** JSON is YAML. */
function writeDeployment(folder: string): string {
  const file = join(folder, 'bench.yml');
  const service = {
    name: organisationName,
    odsCode: 'RXA',
    did: 'did:web:localhost%3A8491',
    publicUrl,
    development: { loopback: true },
    stateFolder: folder,
    tls: { mode: 'none' },
    programme: { baseUrl: publicUrl },
    registry: { url: `${publicUrl}/registry/list`, pinFile: 'registry-pin.json' },
  };
  writeFileSync(file, JSON.stringify({ extends: join(root, 'agent.yml'), service }));
  return file;
}

/** The registry as a verifier holds it: fresh, and this organisation may issue everything. */
function createRegistryView(catalogue: Catalogue, did: string, now: () => Date) {
  const since = '2025-01-01T00:00:00Z';
  const organisation: Organisation = {
    odsCode: 'RXA',
    name: organisationName,
    kind: 'nhs-trust',
    status: 'active',
    dids: [{ did }],
    issue: catalogue.types.map(({ type }) => ({ type, from: since })),
    suspensions: [],
  };
  const issued = now().toISOString();
  const nextUpdate = new Date(now().getTime() + 86_400_000).toISOString();
  const held = hold({ sequence: 1, issued, nextUpdate, organisations: [organisation] } as never, now());
  return createView({ held: () => held, problem: () => undefined, now, maxOfflineSeconds: 604_800 });
}

/** The lists as another organisation would fetch them, without the network between. */
function serveLists(lists: StatusLists): Fetch {
  return async (url) => {
    const document = lists.document(url.split('/').at(-1) ?? '');
    if (document === undefined) throw new Error(`There is no status list at ${url}.`);
    return { status: 200, body: document.bytes, contentType: document.contentType, etag: document.etag };
  };
}

/** Multicodec ed25519-pub and p256-pub, as did:key spells them. */
const keyTypes = {
  Ed25519: { prefix: [0xed, 0x01], algorithm: 'EdDSA' },
  Secp256r1: { prefix: [0x80, 0x24], algorithm: 'ES256' },
} as const;

async function createHolder(agent: PassportAgent, store: AbstractDIDStore): Promise<BenchOrganisation['holder']> {
  const holder = await createDidKey(agent, store, 'Ed25519');
  return { ...holder, es256: () => createDidKey(agent, store, 'Secp256r1') };
}

async function createDidKey(agent: PassportAgent, store: AbstractDIDStore, type: keyof typeof keyTypes) {
  const { prefix, algorithm } = keyTypes[type];
  const managed = await agent.keyManagerCreate({ kms: 'node', type });
  const publicKey = compressed(Buffer.from(managed.publicKeyHex, 'hex'));
  const multikey = `z${base58.encode(Uint8Array.from([...prefix, ...publicKey]))}`;
  const did = `did:key:${multikey}`;
  await store.importDID({ did, provider: 'did:key', keys: [managed], services: [] });
  return { did, key: { keyRef: managed.kid, kid: `${did}#${multikey}`, algorithm } };
}

/** SEC 1 2.3.3: of an uncompressed point, x and whether y is odd. */
function compressed(point: Buffer): Buffer {
  if (point.length !== 65) return point;
  return Buffer.concat([Buffer.from([2 + ((point[64] ?? 0) & 1)]), point.subarray(1, 33)]);
}
