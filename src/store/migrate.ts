import { createHash } from 'node:crypto';
import { ServiceError } from '../errors.js';
import type { Dialect } from './columns.js';
import type { Store, Tx } from './database.js';
import type { Migration } from './migration.js';

interface Applied {
  readonly name: string;
  readonly checksum: string;
}

/** Names of what is still to be applied; refuses a database whose history differs from ours. */
export async function listPendingMigrations(store: Store, migrations: readonly Migration[]): Promise<string[]> {
  const applied = await store.read((tx) => readApplied(tx, store.dialect));
  checkHistory(applied, migrations, store.dialect);
  return migrations.slice(applied.length).map((migration) => migration.name);
}

/** Applies what is pending, each migration in one transaction; several starters wait for one another. */
export async function applyMigrations(store: Store, migrations: readonly Migration[]): Promise<void> {
  let pending = true;
  while (pending) pending = await store.transaction((tx) => applyNext(store, tx, migrations));
}

/** Applies one migration. Everything is read anew under the lock: another starter may have been here meanwhile. */
async function applyNext(store: Store, tx: Tx, migrations: readonly Migration[]): Promise<boolean> {
  // The others wait for whole migrations here, longer than an ordinary lock may be waited for.
  if (store.dialect === 'postgres') await tx.query(`SET LOCAL lock_timeout = '60s'`);
  await store.lock(tx, 'migrations');
  const applied = await readApplied(tx, store.dialect);
  checkHistory(applied, migrations, store.dialect);
  const next = migrations[applied.length];
  if (next === undefined) return false;
  if (applied.length === 0) await createHistory(tx);
  for (const statement of next.up(store.dialect)) await tx.query(statement);
  await recordApplied(tx, next, store.dialect);
  return true;
}

async function createHistory(tx: Tx): Promise<void> {
  await tx.query(`CREATE TABLE schema_migration (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    checksum TEXT NOT NULL
  )`);
}

async function recordApplied(tx: Tx, migration: Migration, dialect: Dialect): Promise<void> {
  const [number] = migration.name.split('-');
  // Both parts are ours (name and hexadecimal digest), and the two databases spell parameters differently.
  const values = `${Number(number)}, '${migration.name}', '${checksum(migration, dialect)}'`;
  await tx.query(`INSERT INTO schema_migration (position, name, checksum) VALUES (${values})`);
}

async function readApplied(tx: Tx, dialect: Dialect): Promise<Applied[]> {
  const exists = {
    sqlite: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'",
    postgres: "SELECT 1 AS found WHERE to_regclass('schema_migration') IS NOT NULL",
  };
  const found = await tx.query<unknown[]>(exists[dialect]);
  if (found.length === 0) return [];
  return tx.query<Applied[]>('SELECT name, checksum FROM schema_migration ORDER BY position');
}

/** What was applied must be exactly the beginning of our list: else program and tables do not belong together. */
function checkHistory(applied: readonly Applied[], migrations: readonly Migration[], dialect: Dialect): void {
  for (const [index, { name, checksum: recorded }] of applied.entries()) {
    const ours = migrations[index];
    if (ours?.name !== name) {
      throw new ServiceError(
        'configuration',
        `The database has had migration ${name}, which this version does not have here.`,
      );
    }
    if (checksum(ours, dialect) !== recorded) {
      throw new ServiceError('configuration', `Migration ${name} is not the one that the database has had.`);
    }
  }
}

function checksum(migration: Migration, dialect: Dialect): string {
  return createHash('sha256')
    .update(JSON.stringify(migration.up(dialect)))
    .digest('hex');
}
