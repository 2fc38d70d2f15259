import type { EntityManager, QueryRunner } from 'typeorm';
import { ServiceError } from '../errors.js';
import { storageError } from './failure.js';

/**
 * One use of a connection. TypeORM's managers stay usable after their transaction has ended, and a `Promise.all` that
 * fails leaves statements behind that would be written into whatever transaction comes next. So every statement is
 * counted, the end waits for the last one, and no statement begins after the end.
 */
export interface Session {
  readonly tx: EntityManager;
  readonly runner: QueryRunner;
  /** Whether an error came from the database rather than from the work. */
  isOwn(error: unknown): boolean;
  /** Throws when a statement failed, even if the work went on: PostgreSQL answers COMMIT with a silent rollback then. */
  checkStatements(): void;
  /** Refuses new statements of the work and waits for those that run. */
  end(): Promise<void>;
  /** Runs a statement of the store itself, also after the end. */
  execute(sql: string): Promise<unknown>;
}

type Query = QueryRunner['query'];

/** Takes charge of a query runner that nobody else uses. */
export function createSession(runner: QueryRunner): Session {
  const query = runner.query.bind(runner) as Query;
  const running = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  let ended = false;

  function guarded(...call: Parameters<Query>): Promise<unknown> {
    if (ended)
      return Promise.reject(new Error('This transaction has ended: every statement must be awaited inside it.'));
    const statement = query(...call).finally(() => running.delete(statement));
    running.add(statement);
    statement.catch((error: unknown) => failures.push(error));
    return statement;
  }

  runner.query = guarded as Query;
  runner.startTransaction = refuseNested;
  // TypeORM's save() opens a transaction of its own unless it believes that one is open.
  (runner as { isTransactionActive: boolean }).isTransactionActive = true;
  return {
    tx: runner.manager,
    runner,
    isOwn: (error) => failures.includes(error),
    checkStatements() {
      if (failures.length > 0) throw failures[0];
    },
    execute: (sql) => query(sql),
    async end() {
      ended = true;
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

function refuseNested(): Promise<void> {
  return Promise.reject(new Error('A transaction inside a transaction is not possible: pass tx on instead.'));
}

/** Runs the work within its time limit and ends the session. */
export async function runWork<T>(
  session: Session,
  work: (tx: EntityManager) => Promise<T>,
  deadlineMilliseconds: number,
): Promise<T> {
  const deadline = startDeadline(deadlineMilliseconds);
  try {
    const result = await Promise.race([work(session.tx), deadline.passed]);
    await session.end();
    session.checkStatements();
    return result;
  } finally {
    deadline.stop();
    await session.end();
  }
}

function startDeadline(milliseconds: number): { passed: Promise<never>; stop: () => void } {
  const detail = `The database work took longer than ${milliseconds} ms and was undone.`;
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ServiceError('storage_unavailable', detail)), milliseconds);
  });
  return { passed, stop: () => clearTimeout(timer) };
}

/** What leaves the store when a session failed: the work's own error untouched, the database's without its contents. */
export function presentFailure(session: Session, error: unknown): unknown {
  return session.isOwn(error) ? storageError(error) : error;
}
