/**
 * How many requests are under way at once: a slow host must take neither all connections nor an endless queue with it.
 */
import { FetchError } from './client-errors.js';

/** Bounds of the gate. */
export interface GateLimits {
  readonly perHost: number;
  readonly total: number;
  readonly queue: number;
  readonly waitMilliseconds: number;
}

/** Six connections as browsers have; ten hosts at once; what waits longer would miss the verdict of 5 s. */
export const defaultGateLimits: GateLimits = { perHost: 6, total: 64, queue: 512, waitMilliseconds: 1500 };

/** Lets work through while there is room. */
export interface Gate {
  run<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

interface Waiting {
  readonly host: string;
  start(): void;
}

export function createGate(limits: GateLimits): Gate {
  const active = new Map<string, number>();
  const queue: Waiting[] = [];
  let total = 0;

  const hasRoom = (host: string) => total < limits.total && (active.get(host) ?? 0) < limits.perHost;

  function enter(host: string): void {
    total += 1;
    active.set(host, (active.get(host) ?? 0) + 1);
  }

  function leave(host: string): void {
    total -= 1;
    const left = (active.get(host) ?? 1) - 1;
    if (left > 0) active.set(host, left);
    else active.delete(host);
    const next = queue.findIndex((waiting) => hasRoom(waiting.host));
    if (next >= 0) queue.splice(next, 1)[0]?.start();
  }

  function wait(host: string, signal: AbortSignal): Promise<void> {
    if (queue.length >= limits.queue) throw new FetchError('queue_full', `Too many requests wait for ${host}.`);
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        const position = queue.indexOf(entry);
        if (position >= 0) queue.splice(position, 1);
        finish();
        reject(new FetchError('queue_full', `No connection to ${host} became free in time.`));
      };
      const timer = setTimeout(giveUp, limits.waitMilliseconds);
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      };
      const entry: Waiting = {
        host,
        start() {
          finish();
          enter(host);
          resolve();
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      queue.push(entry);
    });
  }

  return {
    async run(host, signal, work) {
      if (hasRoom(host)) enter(host);
      else await wait(host, signal);
      try {
        return await work();
      } finally {
        leave(host);
      }
    },
  };
}
