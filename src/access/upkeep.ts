import type { Store, Tx } from '../store/store.js';
import type { RefusalReason } from './refusal.js';
import { forgetExpired } from './store.js';

/** The part of audit/ that is needed here; its Audit fits. */
export interface AccessAudit {
  record(
    tx: Tx,
    event: { action: string; actor: string; outcome: 'success' | 'refused'; data: Record<string, string | number> },
  ): Promise<void>;
}

/** What happens beside the requests. */
export interface Upkeep {
  /** Counts a refusal for the minute's record. */
  countRefusal(reason: RefusalReason): void;
  /** Forgets expired assertions and writes the counts of refusals; `start` runs it once a minute. */
  maintain(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

interface UpkeepDependencies {
  readonly store: Store;
  readonly audit: AccessAudit;
  readonly now: () => Date;
  readonly onError?: ((error: unknown) => void) | undefined;
}

const maintenanceMilliseconds = 60_000;

/** Creates the upkeep; nothing runs before `start`. */
export function createUpkeep({ store, audit, now, onError }: UpkeepDependencies): Upkeep {
  let refusals: Partial<Record<RefusalReason, number>> = {};
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  function countRefusal(reason: RefusalReason): void {
    refusals[reason] = (refusals[reason] ?? 0) + 1;
  }

  async function maintain(): Promise<void> {
    const counts = refusals;
    refusals = {};
    try {
      await store.transaction((tx) => writeRound(tx, counts));
    } catch (error) {
      for (const [reason, count] of entriesOf(counts)) refusals[reason] = (refusals[reason] ?? 0) + count;
      throw error;
    }
  }

  async function writeRound(tx: Tx, counts: Partial<Record<RefusalReason, number>>): Promise<void> {
    await forgetExpired(tx, now());
    const data = Object.fromEntries(entriesOf(counts));
    if (Object.keys(data).length === 0) return;
    await audit.record(tx, { action: 'access.token_refused', actor: 'oauth', outcome: 'refused', data });
  }

  async function maintainQuietly(): Promise<void> {
    try {
      await maintain();
    } catch (error) {
      onError?.(error);
    }
  }

  function start(): void {
    timer = setInterval(() => {
      round = round.then(maintainQuietly);
    }, maintenanceMilliseconds);
    timer.unref();
  }

  async function stop(): Promise<void> {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    await round;
    await maintainQuietly();
  }

  return { countRefusal, maintain, start, stop };
}

function entriesOf(counts: Partial<Record<RefusalReason, number>>): [RefusalReason, number][] {
  return Object.entries(counts) as [RefusalReason, number][];
}
