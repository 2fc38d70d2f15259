/**
 * Runs a describe block on every database that the product supports. Use:
 *
 *   describeDialects('issuance', (database) => {
 *     let store: Store;
 *     beforeAll(async () => { store = await openStore({ database: database(), entities: issuanceEntities, migrate: 'run' }); });
 *     afterAll(() => store.close());
 *     test('...', ...);
 *   });
 *
 * `database()` answers inside hooks and tests only. All calls within one block name the same database, so opening two
 * stores gives two replicas of one service (not for `sqlite memory`: leave it out by the third argument where the test
 * needs two). The database is new for each block and removed after it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatabaseConfig } from '../../src/store/store.js';
import { dropPostgres, postgresUrl } from './postgres.js';

export type DatabaseKind = 'sqlite memory' | 'sqlite file' | 'postgres';

const every: readonly DatabaseKind[] = ['sqlite memory', 'sqlite file', 'postgres'];

/** Describes the same behaviour on each kind of database. */
export function describeDialects(
  title: string,
  block: (database: () => DatabaseConfig, kind: DatabaseKind) => void,
  kinds: readonly DatabaseKind[] = every,
): void {
  describe.each(kinds.map((kind) => [kind]))(`${title} on %s`, (kind) => {
    let prepared: Prepared | undefined;

    beforeAll(async () => {
      prepared = await prepare[kind]();
    }, 60_000);

    afterAll(() => prepared?.remove());

    block(() => {
      if (prepared === undefined) throw new Error('database() answers inside hooks and tests only.');
      return prepared.database;
    }, kind);
  });
}

interface Prepared {
  readonly database: DatabaseConfig;
  remove(): Promise<void>;
}

const prepare: Readonly<Record<DatabaseKind, () => Promise<Prepared>>> = {
  'sqlite memory': async () => ({ database: { type: 'sqlite', file: ':memory:' }, remove: async () => undefined }),
  'sqlite file': prepareFile,
  postgres: preparePostgres,
};

async function prepareFile(): Promise<Prepared> {
  const folder = await mkdtemp(path.join(tmpdir(), 'staff-passport-store-'));
  return {
    database: { type: 'sqlite', file: path.join(folder, 'service.sqlite') },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function preparePostgres(): Promise<Prepared> {
  const url = await postgresUrl();
  const urlEnvironment = `PG_${new URL(url).pathname.slice(1).toUpperCase()}`;
  process.env[urlEnvironment] = url;
  return {
    database: { type: 'postgres', urlEnvironment, poolSize: 10 },
    remove: () => dropPostgres(url),
  };
}
