import { open, rm } from 'node:fs/promises';
import { DataSource } from 'typeorm';
import type { ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { storageError } from './failure.js';

/**
 * Copies a SQLite database that may be in use into a new file, whole and as of one moment, and checks the copy.
 * Copying the file itself would miss what is still in the write-ahead log.
 */
export async function backup(database: ServiceConfig['database'], target: string): Promise<void> {
  if (database.type === 'postgres') {
    throw new ServiceError('configuration', 'Use pg_dump (or your continuous archiving) for a PostgreSQL database.');
  }
  await createTarget(target);
  try {
    await withConnection(database.file, (source) => source.query('VACUUM INTO ?', [target]));
    await withConnection(target, checkIntegrity);
    await flush(target);
  } catch (error) {
    await rm(target, { force: true });
    throw storageError(error);
  }
}

/** SQLite writes into an empty file; made here first, so that nobody else can ever read it. */
async function createTarget(target: string): Promise<void> {
  try {
    const handle = await open(target, 'wx', 0o600);
    await handle.close();
  } catch (error) {
    const cause = new Error(String((error as NodeJS.ErrnoException).code));
    throw new ServiceError('configuration', 'The backup file exists already or cannot be created.', { cause });
  }
}

async function withConnection(file: string, work: (source: DataSource) => Promise<unknown>): Promise<void> {
  const source = new DataSource({ type: 'sqlite', database: file, busyTimeout: 10_000, logging: false });
  await source.initialize();
  try {
    await work(source);
  } finally {
    await source.destroy();
  }
}

async function checkIntegrity(source: DataSource): Promise<void> {
  const [row] = await source.query<[{ integrity_check: string }]>('PRAGMA integrity_check');
  if (row.integrity_check === 'ok') return;
  throw new ServiceError('storage_unavailable', 'The backup is damaged, so the database may be too: run `doctor`.');
}

async function flush(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.sync();
  await handle.close();
}
