import { AsyncLocalStorage } from 'node:async_hooks';
import { ServiceError } from '../errors.js';

/** The door of a store: what came in is finished before it closes, and nothing comes in from inside. */
export interface Intake {
  accept<T>(work: () => Promise<T>): Promise<T>;
  /** True the first time: the caller then closes the connections. */
  close(): Promise<boolean>;
}

/**
 * Work inside work is refused: on SQLite the inner transaction would wait for the outer one for ever, on PostgreSQL it
 * would do so as soon as the pool is empty. What outlives its transaction (a timer set inside it) may come in again.
 */
export function createIntake(): Intake {
  const around = new AsyncLocalStorage<{ open: boolean }>();
  const running = new Set<Promise<unknown>>();
  let closed = false;

  async function runOutermost<T>(work: () => Promise<T>): Promise<T> {
    const place = { open: true };
    try {
      return await around.run(place, work);
    } finally {
      place.open = false;
    }
  }

  function accept<T>(work: () => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(new ServiceError('storage_unavailable', 'The database is closed.'));
    if (around.getStore()?.open) {
      return Promise.reject(new Error('A transaction or read was started inside another one: pass tx on instead.'));
    }
    const result = runOutermost(work);
    const settled = result.then(nothing, nothing).finally(() => leave(settled));
    running.add(settled);
    return result;
  }

  /** Before Node 24 an AsyncLocalStorage in use slows down every promise of the process, so it rests between works. */
  function leave(settled: Promise<unknown>): void {
    running.delete(settled);
    if (running.size === 0) around.disable();
  }

  async function close(): Promise<boolean> {
    const first = !closed;
    closed = true;
    await Promise.all(running);
    return first;
  }

  return { accept, close };
}

function nothing(): void {}
