/** A small programme in memory: one trust that issues and verifies, a registry that tests may change, a clock. */
import { createHash, randomBytes } from 'node:crypto';
import type { EntitySchema } from 'typeorm';
import { type Audit, auditEntities, createAudit } from '../../src/audit/audit.js';
import { secureCredential, verifyProof } from '../../src/credential/credential.js';
import type { Fetch } from '../../src/http/client.js';
import {
  createIssuance,
  type Issuance,
  type IssuanceDependencies,
  issuanceEntities,
} from '../../src/issuance/issuance.js';
import type { Organisation } from '../../src/registry/organisation.js';
import type { RegistryView } from '../../src/registry/registry.js';
import { createView, hold } from '../../src/registry/view.js';
import { createStatusChecker, createStatusLists, type StatusLists, statusEntities } from '../../src/status/status.js';
import { type DatabaseConfig, openStore, type Store } from '../../src/store/store.js';
import {
  createVerification,
  type Verification,
  type VerificationDependencies,
} from '../../src/verification/verification.js';
import { createAgent, now as start, type TestAgent, trust } from '../credential/agent.js';
import { catalogue } from '../credential/examples.js';

export const publicUrl = 'https://rxa.example';
export const caller = { clientId: 'hr-system' };

export interface Clock {
  now: Date;
}

/** An organisation that may issue every type of the catalogue. */
export function organisation(changes: Partial<Organisation> = {}): Organisation {
  return {
    odsCode: 'RXA',
    name: 'Rexford Acute NHS Trust (invented)',
    kind: 'nhs-trust',
    dids: [{ did: trust }],
    issue: catalogue.types.map(({ type }) => ({ type, from: '2025-01-01T00:00:00Z' })),
    suspensions: [],
    ...changes,
  } as Organisation;
}

/** A registry whose organisations and freshness a test decides. */
export class TestRegistry {
  organisations: Organisation[] = [organisation()];
  nextUpdate = '2026-12-31T00:00:00Z';
  present = true;
  readonly view: RegistryView;

  constructor(clock: Clock) {
    const held = () =>
      this.present
        ? hold(
            {
              sequence: 7,
              issued: '2026-11-20T00:00:00Z',
              nextUpdate: this.nextUpdate,
              organisations: this.organisations,
            } as never,
            clock.now,
          )
        : undefined;
    this.view = createView({ held, problem: () => undefined, now: () => clock.now, maxOfflineSeconds: 604_800 });
  }
}

export interface Programme {
  readonly clock: Clock;
  readonly agent: TestAgent;
  readonly registry: TestRegistry;
  readonly store: Store;
  readonly audit: Audit;
  readonly lists: StatusLists;
  /** What the verifier's status fetches do; tests replace it. */
  status: { fetch: Fetch; readonly asked: string[] };
  readonly faults: unknown[];
  issuance(changes?: Partial<IssuanceDependencies>): Issuance;
  verification(changes?: Partial<VerificationDependencies>): Verification;
  close(): Promise<void>;
}

export const keyMaterial = (label: string, length: number) =>
  createHash('sha512').update(`test ${label}`).digest().subarray(0, length);

export async function openProgramme(
  database: DatabaseConfig = { type: 'sqlite', file: ':memory:' },
  more: readonly EntitySchema[] = [],
): Promise<Programme> {
  const clock: Clock = { now: start };
  const now = () => clock.now;
  const agent = await createAgent();
  const registry = new TestRegistry(clock);
  const entities = [...auditEntities, ...statusEntities, ...issuanceEntities, ...more];
  const store = await openStore({ database, entities, migrate: 'run' });
  const audit = createAudit({ store, now });
  const keys = { ES256: agent.es256, EdDSA: agent.ed25519 };
  const identity = {
    did: trust,
    document: () => ({ assertionMethod: [agent.es256.kid, agent.ed25519.kid] }),
    signingKey: async (algorithm: string) => {
      const { keyRef, kid } = keys[algorithm as keyof typeof keys];
      return { keyRef, kid, algorithm: algorithm as 'ES256', thumbprint: '' };
    },
  };
  const signing = { agent: agent.agent, identity, secure: secureCredential };
  const lists = createStatusLists({
    ...signing,
    store,
    publicUrl,
    config: { ttlSeconds: 300, listLength: 131_072, validSeconds: 604_800, reloadMilliseconds: 10_000 },
    deriveKey: keyMaterial,
    now,
    random: randomBytes,
  });
  await lists.start();
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const programme: Programme = {
    clock,
    agent,
    registry,
    store,
    audit,
    lists,
    faults,
    status: serveLists(lists),
    issuance: (changes = {}) =>
      createIssuance({
        ...signing,
        store,
        audit,
        catalogue,
        registry: registry.view,
        statusLists: lists,
        organisation: { did: trust, name: organisation().name, odsCode: 'RXA' },
        config: { defaultFormat: 'vc+jwt', idempotencyHours: 24 },
        deriveKey: keyMaterial,
        random: randomBytes,
        now,
        onFault,
        ...changes,
      }),
    verification: (changes = {}) =>
      createVerification({
        agent: agent.agent,
        registry: registry.view,
        catalogue,
        statusChecker: createStatusChecker({
          agent: agent.agent,
          fetch: (url, options) => programme.status.fetch(url, options),
          verifyProof,
        }),
        store,
        audit,
        config: { deadlineMilliseconds: 1000, holderHosts: [] },
        now,
        onFault,
        ...changes,
      }),
    async close() {
      await lists.stop();
      await store.close();
      await agent.close();
    },
  };
  return programme;
}

/** The status lists as another organisation would fetch them; every address that was asked for is noted. */
function serveLists(lists: StatusLists): Programme['status'] {
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    asked.push(url);
    const document = lists.document(url.split('/').at(-1) ?? '');
    if (document === undefined) throw new Error('not found');
    return { status: 200, body: document.bytes, contentType: document.contentType, etag: document.etag };
  };
  return { asked, fetch };
}
