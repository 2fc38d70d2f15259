import { QueryFailedError } from 'typeorm';
import { ServiceError } from '../errors.js';

/** SQLSTATE 23505, and SQLite's two spellings of the same. */
const uniqueViolation = /^(23505|SQLITE_CONSTRAINT(: UNIQUE constraint failed|: PRIMARY KEY))/;

/** Serialisation failure and deadlock: the transaction was undone and may succeed when it runs again. */
const transient: ReadonlySet<string> = new Set(['40001', '40P01']);

/** Whether the same work may simply be run again. */
export function isTransient(error: unknown): boolean {
  return error instanceof ServiceError && transient.has((error.cause as Error | undefined)?.message ?? '');
}

/** Whether another process holds SQLite's write lock. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_BUSY';
}

/**
 * What a caller may know of a failure of the database. TypeORM's error carries the statement with its values, and a
 * driver's text may quote a row, so neither goes on: only the code and the name of the constraint do.
 */
export function storageError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = new Error(nameOf(error));
  if (uniqueViolation.test(cause.message)) return new ServiceError('conflict', 'This already exists.', { cause });
  return new ServiceError('storage_unavailable', 'The database could not do this. Try again later.', { cause });
}

function codeOf(error: unknown): string {
  const inner = error instanceof QueryFailedError ? error.driverError : error;
  const code: unknown = (inner as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

function nameOf(error: unknown): string {
  const inner = error instanceof QueryFailedError ? error.driverError : error;
  const { code, constraint, message } = (inner ?? {}) as { code?: unknown; constraint?: unknown; message?: unknown };
  // SQLite's texts about constraints name tables and columns, never values.
  if (code === 'SQLITE_CONSTRAINT') return String(message);
  if (typeof code === 'string') return typeof constraint === 'string' ? `${code} ${constraint}` : code;
  return inner instanceof Error ? inner.name : 'unknown failure';
}
