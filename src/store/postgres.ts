import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import type { ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { forDialect } from './columns.js';
import type { Durability, Store, StoreShape, Tx } from './database.js';
import { isTransient, storageError } from './failure.js';
import { createIntake } from './intake.js';
import { createSession, presentFailure, runWork, type Session } from './session.js';

type PostgresConfig = Extract<ServiceConfig['database'], { type: 'postgres' }>;

/** Times of waiting, in milliseconds: for a connection, a statement, a lock, and a client that went silent. */
const limits = { connect: 5_000, statement: 15_000, lock: 5_000, idleTransaction: 60_000 };

/** How often a transaction runs before a deadlock or serialisation failure is reported. */
const attempts = 5;

/** Opens a pool of connections. */
export async function openPostgres(config: PostgresConfig, shape: StoreShape): Promise<Store> {
  const source = await openPool(config, shape);
  const intake = createIntake();

  function read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return intake.accept(() => runOnce(source, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work, shape));
  }

  async function close(): Promise<void> {
    if (await intake.close()) await source.destroy();
  }

  return {
    dialect: 'postgres',
    transaction: (work) => intake.accept(() => runAgain(source, work, shape)),
    read,
    lock: lockName,
    durability: () => read(readDurability),
    ping: () => read(async (tx) => void (await tx.query('SELECT 1'))),
    close,
  };
}

async function openPool(config: PostgresConfig, shape: StoreShape): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    url: readUrl(config),
    poolSize: config.poolSize,
    connectTimeoutMS: limits.connect,
    applicationName: 'staff-passport',
    installExtensions: false,
    entities: shape.entities.map((schema) => forDialect(schema, 'postgres')),
    logging: false,
    // An idle connection that breaks is replaced at the next use, which reports it if that fails too.
    poolErrorHandler: () => undefined,
    extra: {
      statement_timeout: limits.statement,
      lock_timeout: limits.lock,
      idle_in_transaction_session_timeout: limits.idleTransaction,
    },
  });
  try {
    return await source.initialize();
  } catch (error) {
    throw storageError(error);
  }
}

function readUrl(config: PostgresConfig): string {
  const url = config.urlFile ? readSecret(config.urlFile) : process.env[config.urlEnvironment ?? ''];
  if (!url) throw new ServiceError('configuration', 'The URL of the PostgreSQL database is not set.');
  return url;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new ServiceError('configuration', 'The file with the URL of the PostgreSQL database cannot be read.');
  }
}

/** A deadlock undoes one of its parties, which then finds the way free. */
async function runAgain<T>(source: DataSource, work: (tx: Tx) => Promise<T>, shape: StoreShape): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(source, 'BEGIN', work, shape);
    } catch (error) {
      if (!isTransient(error) || attempt === attempts) throw error;
      await wait(attempt * 20);
    }
  }
}

async function runOnce<T>(
  source: DataSource,
  begin: string,
  work: (tx: Tx) => Promise<T>,
  shape: StoreShape,
): Promise<T> {
  const session = createSession(source.createQueryRunner());
  try {
    await executeOwn(session, begin);
    const result = await runWork(session, work, shape.deadlineMilliseconds);
    await executeOwn(session, 'COMMIT');
    await session.runner.release();
    return result;
  } catch (error) {
    await giveBack(session);
    throw presentFailure(session, error);
  }
}

/** After a failed COMMIT nobody knows the outcome, so it is reported and never tried again unless PostgreSQL undid it. */
async function executeOwn(session: Session, sql: string): Promise<void> {
  await session.execute(sql).catch((error: unknown) => {
    throw storageError(error);
  });
}

/** Rolls back; a connection that cannot do even that is not used again. */
async function giveBack(session: Session): Promise<void> {
  try {
    await session.execute('ROLLBACK');
    await session.runner.release();
  } catch {
    const broken = session.runner as { releasePostgresConnection?: (error: Error) => Promise<void> };
    await broken.releasePostgresConnection?.(new Error('rollback failed'));
  }
}

/** Names become 64-bit numbers, PostgreSQL's key for advisory locks. */
async function lockName(tx: Tx, name: string): Promise<void> {
  const key = createHash('sha256').update(`staff-passport:${name}`).digest().readBigInt64BE(0);
  await tx.query('SELECT pg_advisory_xact_lock($1)', [key.toString()]);
}

async function readDurability(tx: Tx): Promise<Durability> {
  const settings: Record<string, string> = {};
  for (const name of ['synchronous_commit', 'fsync', 'full_page_writes']) {
    const [row] = await tx.query<[Record<string, string>]>(`SHOW ${name}`);
    settings[name] = row[name] ?? 'unknown';
  }
  const ok = settings.synchronous_commit !== 'off' && settings.fsync === 'on' && settings.full_page_writes === 'on';
  const list = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return { ok, detail: `PostgreSQL ${list.join(', ')}.` };
}
