import { setMaxListeners } from 'node:events';

/** One total time for a verification (security.md R7): whatever hangs, the caller gets an answer that says so. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** The promise's result, or a DeadlineExceeded when the time is up first. */
  race<T>(work: Promise<T>): Promise<T>;
  close(): void;
}

/** The time for the whole verification is used up. */
export class DeadlineExceeded extends Error {
  constructor() {
    super('The time for the whole verification is used up');
    this.name = 'DeadlineExceeded';
  }
}

/** Starts the clock; close() must be called, or the timer keeps running. */
export function startDeadline(milliseconds: number): Deadline {
  const controller = new AbortController();
  // Every status entry of every credential of a presentation waits for it; Node warns of more than ten as of a leak.
  setMaxListeners(0, controller.signal);
  const timer = setTimeout(() => controller.abort(new DeadlineExceeded()), milliseconds);
  const expired = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(new DeadlineExceeded()), { once: true });
  });
  expired.catch(() => undefined); // nobody may be waiting when it fires
  return {
    signal: controller.signal,
    race(work) {
      work.catch(() => undefined); // it may still fail long after the answer was given
      return Promise.race([work, expired]);
    },
    close: () => clearTimeout(timer),
  };
}
