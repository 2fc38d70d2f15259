import { DataSource } from 'typeorm';
import { ServiceError } from '../errors.js';
import { isBusy, storageError } from './failure.js';
import { createPrivateFile } from './sqlite.js';

/** Held until released, or until the process ends in whatever way: the operating system takes the lock back. */
export interface DatabaseClaim {
  release(): Promise<void>;
}

const unclaimed: DatabaseClaim = { release: () => Promise.resolve() };

/**
 * Claims a SQLite file for the one process that serves it. Two would each take the other's unfinished work for that of
 * a process which is gone. Commands beside the service need no claim. The lock is SQLite's own, on a file of its own:
 * on the database itself it would keep everybody from writing.
 */
export async function claimDatabase(database: {
  readonly type: string;
  readonly file?: string;
}): Promise<DatabaseClaim> {
  if (database.type !== 'sqlite' || database.file === undefined || database.file === ':memory:') return unclaimed;
  const file = `${database.file}.lock`;
  await createPrivateFile(file);
  const source = new DataSource({ type: 'sqlite', database: file, logging: false });
  try {
    await source.initialize();
    await source.query('BEGIN EXCLUSIVE');
  } catch (error) {
    if (source.isInitialized) await source.destroy();
    if (!isBusy(error)) throw storageError(error);
    const detail = `database: another process serves ${database.file} already; stop it first, for a SQLite file has one.`;
    throw new ServiceError('configuration', detail, { cause: error });
  }
  return { release: () => source.destroy() };
}
