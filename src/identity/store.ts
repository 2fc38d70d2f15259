/**
 * Veramo's tables (identifiers, keys, sealed private keys) in a DataSource of their own: its migrations are not ours to
 * change, and a fault in one must never reach the other. Adds one table, which tells one key-encryption key from another.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Entities, migrations, PrivateKey } from '@veramo/data-store';
import {
  DataSource,
  type DataSourceOptions,
  type EntityManager,
  EntitySchema,
  type MigrationInterface,
  type QueryRunner,
  Table,
} from 'typeorm';
import { ServiceError } from '../errors.js';

/** The database of identifiers and keys, opened. */
export type IdentityDatabase = DataSource;

/** The main database of the service; identifiers and keys are put beside it. */
export type IdentityDatabaseLocation =
  | { readonly type: 'sqlite'; readonly file: string }
  | {
      readonly type: 'postgres';
      readonly urlFile?: string | undefined;
      readonly urlEnvironment?: string | undefined;
      readonly url?: string | undefined;
    };

/** A sealed private key as it lies in Veramo's `private-key` table. */
export interface SealedKeyRow {
  readonly alias: string;
  readonly type: string;
  readonly envelope: string;
}

/** The key-encryption key that rows are sealed with; to open the root secret is the proof of having it. */
export interface KeyEncryptionRow {
  id: string;
  rootSecret: string;
}

const schemaName = 'identity';
/** Keys are read seldom and cached; more connections than this would only take them from the main pool. */
const poolSize = 2;
const busyTimeoutMilliseconds = 5000;
const connectTimeoutMilliseconds = 5000;

const KeyEncryption = new EntitySchema<KeyEncryptionRow>({
  name: 'key-encryption-key',
  columns: { id: { type: 'varchar', primary: true }, rootSecret: { type: 'text' } },
});

class CreateKeyEncryptionKey1790000000001 implements MigrationInterface {
  name = 'CreateKeyEncryptionKey1790000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'key-encryption-key',
        columns: [
          { name: 'id', type: 'varchar', isPrimary: true },
          { name: 'rootSecret', type: 'text' },
        ],
      }),
    );
  }

  async down(): Promise<void> {
    throw new ServiceError('configuration', 'Migrations are append-only');
  }
}

const allMigrations = [...migrations, CreateKeyEncryptionKey1790000000001];

/**
 * Opens the tables, ready for use. SQLite migrates itself, since one file belongs to one service; on PostgreSQL
 * replicas share the tables, so pending migrations are refused here and run by `migrate` (migrateIdentityDatabase).
 */
export async function openIdentityDatabase(
  location: IdentityDatabaseLocation,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<IdentityDatabase> {
  const database = await connect(location, environment);
  if (location.type === 'sqlite') {
    await database.runMigrations({ transaction: 'each' });
    return database;
  }
  const pending = await pendingNames(database);
  if (pending.length === 0) return database;
  await database.destroy();
  throw new ServiceError('configuration', `The identity tables lack ${pending.join(', ')}: run staff-passport migrate`);
}

/** Names of the migrations of the identity tables that have not run yet. */
export async function pendingIdentityMigrations(
  location: IdentityDatabaseLocation,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const database = await connect(location, environment);
  try {
    return await pendingNames(database);
  } finally {
    await database.destroy();
  }
}

/** Creates or updates the identity tables; returns the names of the migrations that ran. */
export async function migrateIdentityDatabase(
  location: IdentityDatabaseLocation,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const database = await connect(location, environment, 'create schema');
  try {
    const run = await database.runMigrations({ transaction: 'each' });
    return run.map((migration) => migration.name);
  } finally {
    await database.destroy();
  }
}

/** The SQLite file of the identity tables, next to the main one: a backup must take both. */
export function identityFile(mainFile: string): string {
  return mainFile === ':memory:' ? mainFile : join(dirname(mainFile), 'identity.sqlite');
}

async function connect(
  location: IdentityDatabaseLocation,
  environment: Readonly<Record<string, string | undefined>>,
  prepare?: 'create schema',
): Promise<DataSource> {
  let database: DataSource | undefined;
  try {
    const options = location.type === 'sqlite' ? sqlite(location.file) : postgres(connectionUrl(location, environment));
    database = new DataSource({ ...options, ...common } as DataSourceOptions);
    // Veramo initialises lazily and twice at once when first used by two callers; here it is done before anyone asks.
    await database.initialize();
    if (location.type === 'sqlite') await database.query('PRAGMA synchronous = FULL');
    else if (prepare) await database.query(`CREATE SCHEMA IF NOT EXISTS "${schemaName}"`);
    return database;
  } catch (cause) {
    if (database?.isInitialized) await database.destroy();
    if (cause instanceof ServiceError) throw cause;
    throw new ServiceError('storage_unavailable', 'The database of identifiers and keys cannot be opened', { cause });
  }
}

const common = { entities: [...Entities, KeyEncryption], migrations: allMigrations, logging: false };

function sqlite(file: string) {
  const database = identityFile(file);
  // SQLite would create it, and its log, readable by everyone.
  if (database !== ':memory:') closeSync(openSync(database, 'a', 0o600));
  return { type: 'sqlite', database, enableWAL: database !== ':memory:', busyTimeout: busyTimeoutMilliseconds };
}

/** The schema is set by search_path, since Veramo's migrations name their tables without one. */
function postgres(url: string) {
  return {
    type: 'postgres',
    url,
    poolSize,
    connectTimeoutMS: connectTimeoutMilliseconds,
    extra: { options: `-c search_path=${schemaName}` },
  };
}

function connectionUrl(
  location: Exclude<IdentityDatabaseLocation, { type: 'sqlite' }>,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (location.url !== undefined) return location.url;
  const url = location.urlFile
    ? readFileSync(location.urlFile, 'utf8').trim()
    : environment[location.urlEnvironment ?? ''];
  if (!url) throw new ServiceError('configuration', 'database: the connection URL is neither in a file nor set');
  return url;
}

async function pendingNames(database: DataSource): Promise<string[]> {
  const runner = database.createQueryRunner();
  try {
    const known = database.migrations.map((migration) => migration.name ?? migration.constructor.name);
    if (!(await runner.hasTable('migrations'))) return known;
    const rows = (await runner.query('SELECT "name" FROM "migrations"')) as { name: string }[];
    const done = new Set(rows.map((row) => row.name));
    return known.filter((name) => !done.has(name));
  } finally {
    await runner.release();
  }
}

/** The sealed private key with this id, or undefined. */
export async function findSealedKey(database: IdentityDatabase, alias: string): Promise<SealedKeyRow | undefined> {
  const row = await database.getRepository(PrivateKey).findOneBy({ alias });
  return row ? toSealedKey(row) : undefined;
}

/** Every sealed private key. */
export async function listSealedKeys(database: IdentityDatabase): Promise<SealedKeyRow[]> {
  return (await database.getRepository(PrivateKey).find()).map(toSealedKey);
}

/** Adds a sealed private key; fails when the id is taken. */
export async function insertSealedKey(database: IdentityDatabase, row: SealedKeyRow): Promise<void> {
  await database.getRepository(PrivateKey).insert({ alias: row.alias, type: row.type, privateKeyHex: row.envelope });
}

/** Removes a sealed private key; false when there was none. */
export async function deleteSealedKey(database: IdentityDatabase, alias: string): Promise<boolean> {
  return ((await database.getRepository(PrivateKey).delete({ alias })).affected ?? 0) > 0;
}

/** The key-encryption keys that these tables know; empty before `init`. */
export async function listKeyEncryption(database: IdentityDatabase): Promise<KeyEncryptionRow[]> {
  return database.getRepository(KeyEncryption).find();
}

/** Records the key-encryption key of an empty table. */
export async function insertKeyEncryption(database: IdentityDatabase, row: KeyEncryptionRow): Promise<void> {
  await database.getRepository(KeyEncryption).insert(row);
}

/** Replaces every envelope and the record of the key-encryption key, all or nothing. */
export async function replaceEnvelopes(
  database: IdentityDatabase,
  reseal: (row: SealedKeyRow) => string,
  next: KeyEncryptionRow,
): Promise<number> {
  return database.transaction(async (tx: EntityManager) => {
    const rows = await tx.getRepository(PrivateKey).find();
    for (const row of rows) {
      await tx.getRepository(PrivateKey).update({ alias: row.alias }, { privateKeyHex: reseal(toSealedKey(row)) });
    }
    await tx.getRepository(KeyEncryption).clear();
    await tx.getRepository(KeyEncryption).insert(next);
    return rows.length;
  });
}

function toSealedKey(row: PrivateKey): SealedKeyRow {
  return { alias: row.alias, type: row.type, envelope: row.privateKeyHex };
}
