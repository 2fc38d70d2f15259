import { ServiceError } from '../errors.js';

/** Runs one piece of work at a time, in the order of arrival. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * More than this many waiting transactions would take SQLite longer than any client waits, so newcomers are told at
 * once (2,000 durable transactions a second were measured).
 */
const mostWaiting = 10_000;

/** A queue with a bounded length; each piece of work must itself be bounded in time. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  return function run(work) {
    if (waiting >= mostWaiting) {
      return Promise.reject(new ServiceError('overloaded', 'Too much is waiting for the database.'));
    }
    waiting += 1;
    const result = last.then(work);
    last = result.then(leave, leave);
    return result;
  };

  function leave(): void {
    waiting -= 1;
  }
}
