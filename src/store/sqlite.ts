import { chmod, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { ServiceError } from '../errors.js';
import type { Durability, Store, StoreShape, Tx } from './database.js';
import { isBusy, storageError } from './failure.js';
import { createIntake } from './intake.js';
import { createQueue } from './queue.js';
import { createSession, presentFailure, runWork, type Session } from './session.js';

/** How long one attempt waits for another process; it holds a thread of libuv's pool meanwhile, hence short. */
const busyMilliseconds = 1_000;

/** Attempts to get the write lock: with the waits about ten seconds, past any transaction of ours that is healthy. */
const lockAttempts = 8;

/** Opens a SQLite file (created readable by its owner only), or a database in memory. */
export async function openSqlite(file: string, shape: StoreShape): Promise<Store> {
  const inMemory = file === ':memory:';
  if (!inMemory) await createPrivateFile(file);
  const writer = await openConnection(file, shape);
  const reader = inMemory ? writer : await openConnection(file, shape);
  if (!inMemory) await reader.query('PRAGMA query_only = ON');
  const intake = createIntake();
  const queue = createQueue();

  function read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (inMemory) return intake.accept(() => queue(() => readInMemory(writer, work, shape)));
    return intake.accept(() => readCommitted(reader, work, shape));
  }

  async function close(): Promise<void> {
    if (!(await intake.close())) return;
    if (!inMemory) await reader.destroy();
    await writer.destroy();
  }

  return {
    dialect: 'sqlite',
    transaction: (work) => intake.accept(() => queue(() => transact(writer, work, shape))),
    read,
    lock: () => Promise.resolve(),
    durability: () => read((tx) => readDurability(tx, inMemory)),
    ping: () => read(async (tx) => void (await tx.query('SELECT 1'))),
    close,
  };
}

/** SQLite gives the files beside it (-wal, -shm) the mode of the database file. */
export async function createPrivateFile(file: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'a', 0o600);
    await handle.close();
    await chmod(file, 0o600);
  } catch (error) {
    const cause = new Error(String((error as NodeJS.ErrnoException).code));
    throw new ServiceError('configuration', 'The database file cannot be opened for writing.', { cause });
  }
}

async function openConnection(file: string, shape: StoreShape): Promise<DataSource> {
  const source = new DataSource({
    type: 'sqlite',
    database: file,
    entities: [...shape.entities],
    enableWAL: file !== ':memory:',
    busyTimeout: busyMilliseconds,
    logging: false,
  });
  try {
    await source.initialize();
    // NORMAL would be 2.7 times as fast and lose the last commits in a power cut.
    await source.query('PRAGMA synchronous = FULL');
    return source;
  } catch (error) {
    throw storageError(error);
  }
}

/** Every use gets a query runner of its own, for TypeORM would give the same one to all. */
function openSession(source: DataSource): Session {
  const driver = source.driver as { queryRunner?: unknown };
  driver.queryRunner = undefined;
  const session = createSession(source.createQueryRunner());
  driver.queryRunner = undefined;
  return session;
}

async function transact<T>(source: DataSource, work: (tx: Tx) => Promise<T>, shape: StoreShape): Promise<T> {
  const session = openSession(source);
  await begin(session);
  try {
    const result = await runWork(session, work, shape.deadlineMilliseconds);
    await session.execute('COMMIT').catch((error: unknown) => {
      throw storageError(error);
    });
    return result;
  } catch (error) {
    await rollBack(session);
    throw presentFailure(session, error);
  }
}

/**
 * The write lock comes first: a transaction that reads and writes later fails with SQLITE_BUSY_SNAPSHOT when another
 * process wrote in between, and no waiting mends that.
 */
async function begin(session: Session): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await session.execute('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === lockAttempts) throw storageError(error);
      await wait(attempt * 10);
    }
  }
}

/** SQLite has often rolled back by itself (disk full, I/O error); then there is nothing left to undo. */
async function rollBack(session: Session): Promise<void> {
  await session.execute('ROLLBACK').catch(() => undefined);
}

async function readCommitted<T>(source: DataSource, work: (tx: Tx) => Promise<T>, shape: StoreShape): Promise<T> {
  return runRead(openSession(source), work, shape);
}

/** With one connection only, a read must wait for the transaction that runs, and must be kept from writing. */
async function readInMemory<T>(source: DataSource, work: (tx: Tx) => Promise<T>, shape: StoreShape): Promise<T> {
  const session = openSession(source);
  await session.execute('PRAGMA query_only = ON');
  try {
    return await runRead(session, work, shape);
  } finally {
    await session.execute('PRAGMA query_only = OFF');
  }
}

async function runRead<T>(session: Session, work: (tx: Tx) => Promise<T>, shape: StoreShape): Promise<T> {
  try {
    return await runWork(session, work, shape.deadlineMilliseconds);
  } catch (error) {
    throw presentFailure(session, error);
  }
}

async function readDurability(tx: Tx, inMemory: boolean): Promise<Durability> {
  if (inMemory) return { ok: false, detail: 'The database is in memory and is lost when the program ends.' };
  const [journal] = await tx.query<[{ journal_mode: string }]>('PRAGMA journal_mode');
  const [level] = await tx.query<[{ synchronous: number }]>('PRAGMA synchronous');
  const ok = journal.journal_mode === 'wal' && level.synchronous >= 2;
  return { ok, detail: `SQLite journal_mode=${journal.journal_mode}, synchronous=${level.synchronous} (2 is FULL).` };
}
