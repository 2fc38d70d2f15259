/** HR's side of offers in memory: a clock that tests move, and whoever may sign in. */
import { randomBytes, randomUUID } from 'node:crypto';
import { auditEntities, createAudit } from '../../../src/audit/audit.js';
import { issuanceEntities } from '../../../src/issuance/issuance.js';
import {
  createOffers,
  type Offers,
  type OffersDependencies,
  offersEntities,
} from '../../../src/issuance/offers/offers.js';
import { passportEntities } from '../../../src/issuance/passport/passport.js';
import type { JsonObject } from '../../../src/json.js';
import { statusEntities } from '../../../src/status/status.js';
import { type DatabaseConfig, openStore, type Store } from '../../../src/store/store.js';
import { catalogue } from '../../credential/examples.js';
import { caller, keyMaterial, openProgramme, type Programme, publicUrl } from '../../verification/programme.js';

export const nurse = 'oidc-subject-of-a-nurse';
export const hour = 3_600_000;

/** The example of a type as HR offers it: without a holder. */
export function offered(type: string, changes: JsonObject = {}): JsonObject {
  const { type: types, credentialSubject, evidence, validUntil } = structuredClone(catalogue.find(type)?.example ?? {});
  const { id: _holder, ...subject } = credentialSubject as JsonObject;
  const given = { evidence, validUntil };
  const rest = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as JsonObject;
  return { type: types ?? [], credentialSubject: subject, ...rest, ...changes };
}

export interface Desk {
  readonly store: Store;
  readonly programme: Programme;
  offers(changes?: Partial<OffersDependencies>): Offers;
  /** Moves the clock. */
  pass(milliseconds: number): void;
  close(): Promise<void>;
}

export async function openDesk(database?: DatabaseConfig): Promise<Desk> {
  const programme = await openProgramme();
  // Tests of offers let weeks pass.
  programme.registry.nextUpdate = '2036-01-01T00:00:00Z';
  const entities = [...auditEntities, ...statusEntities, ...issuanceEntities, ...offersEntities, ...passportEntities];
  const store = await openStore({
    database: database ?? { type: 'sqlite', file: ':memory:' },
    entities,
    migrate: 'run',
  });
  const now = () => programme.clock.now;
  const audit = createAudit({ store, now });
  const { checkUnheld } = programme.issuance();
  return {
    store,
    programme,
    offers: (changes = {}) =>
      createOffers({
        store,
        audit,
        checkUnheld,
        publicUrl,
        config: { signInTypes: ['RightToWorkCredential', 'DbsCheckCredential'], idempotencyHours: 24 },
        canSignIn: true,
        deriveKey: keyMaterial,
        random: randomBytes,
        newId: randomUUID,
        now,
        ...changes,
      }),
    pass(milliseconds) {
      programme.clock.now = new Date(programme.clock.now.getTime() + milliseconds);
    },
    async close() {
      await store.close();
      await programme.close();
    },
  };
}

export { caller };
