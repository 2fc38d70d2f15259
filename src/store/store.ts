/**
 * The database (TypeORM 0.3 on sqlite3 or pg). Whatever changes state goes through `transaction`; whatever reads goes
 * through `read`. On SQLite TypeORM has one connection for everybody, so that a failing transaction would undo another
 * one that was acknowledged: here transactions queue, and the manager that `work` receives stops working when `work`
 * is over. One failed statement undoes its transaction, also when the work catches the error. Failures come out as
 * ServiceError: `conflict` for a unique constraint, else `storage_unavailable`. Anyone may use this folder; only a
 * slice's own store.ts names its tables. Beware: on SQLite TypeORM drops the rows of a raw `INSERT ... RETURNING`.
 */
import { existsSync } from 'node:fs';
import type { EntitySchema } from 'typeorm';
import type { ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import type { Store, StoreShape } from './database.js';
import { applyMigrations, listPendingMigrations } from './migrate.js';
import { migrations } from './migrations/index.js';
import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';

export { backup } from './backup.js';
export { columns, columnTypes } from './columns.js';
export type { Store, Tx } from './database.js';
export { claimDatabase } from './process-claim.js';

/** Where the data is; a memory database is for tests. */
export type DatabaseConfig = ServiceConfig['database'] | { type: 'sqlite'; file: ':memory:' };

/** How to open a store. */
export interface StoreOptions {
  readonly database: DatabaseConfig;
  readonly entities: readonly EntitySchema[];
  /** `refuse` neither creates a database nor changes one: it fails and names what is pending. */
  readonly migrate: 'run' | 'refuse';
  /** Longest time one transaction may take before it is rolled back; 30 s unless told. */
  readonly deadlineMilliseconds?: number;
}

/** Opens the database and brings its tables up to date, or refuses. */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.migrate === 'refuse' && !exists(options.database)) {
    // Opening would create an empty database where somebody mistyped a path or lost a disk.
    throw new ServiceError('configuration', 'The database file does not exist: run `init` or `migrate` first.');
  }
  const shape = { entities: options.entities, deadlineMilliseconds: options.deadlineMilliseconds ?? 30_000 };
  const store = await connect(options.database, shape);
  try {
    if (options.migrate === 'run') await applyMigrations(store, migrations);
    else await refusePending(store);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Names of the migrations that this database has not had; all of them where there is no database yet. */
export async function pendingMigrations(options: { database: DatabaseConfig }): Promise<string[]> {
  if (!exists(options.database)) return migrations.map((migration) => migration.name);
  const store = await connect(options.database, { entities: [], deadlineMilliseconds: 30_000 });
  try {
    return await listPendingMigrations(store, migrations);
  } finally {
    await store.close();
  }
}

function connect(database: DatabaseConfig, shape: StoreShape): Promise<Store> {
  return database.type === 'sqlite' ? openSqlite(database.file, shape) : openPostgres(database, shape);
}

function exists(database: DatabaseConfig): boolean {
  return database.type !== 'sqlite' || database.file === ':memory:' || existsSync(database.file);
}

async function refusePending(store: Store): Promise<void> {
  const pending = await listPendingMigrations(store, migrations);
  if (pending.length === 0) return;
  throw new ServiceError('configuration', `The database needs \`migrate\` first, pending: ${pending.join(', ')}.`);
}
