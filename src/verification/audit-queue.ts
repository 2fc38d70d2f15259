/**
 * Verifications by known callers, audited in batches (decisions.md 17). The answer never waits for it, so the queue
 * is bounded; what did not fit is counted and the count is audited, so that a gap is never silent.
 */
import type { Audit, AuditEvent } from '../audit/audit.js';
import type { Store } from '../store/store.js';

const batchSize = 200;
/** Ten seconds of the largest load while the database is away; more would cost the memory. */
const maxQueued = 10_000;

export interface AuditQueue {
  add(event: AuditEvent): void;
  flush(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface AuditQueueDeps {
  readonly store: Pick<Store, 'transaction'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly flushMilliseconds: number;
  readonly onFault: (error: unknown) => void;
}

export function createAuditQueue(deps: AuditQueueDeps): AuditQueue {
  const queued: AuditEvent[] = [];
  let dropped = 0;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function writeBatch(): Promise<void> {
    const batch = queued.slice(0, batchSize);
    const lost = dropped;
    await deps.store.transaction(async (tx) => {
      for (const event of batch) await deps.audit.record(tx, event);
      if (lost > 0) await deps.audit.record(tx, droppedEvent(lost));
    });
    // Only now: a batch that could not be written stays queued and is tried again.
    queued.splice(0, batch.length);
    dropped -= lost;
  }

  async function writeAll(): Promise<void> {
    while (queued.length > 0 || dropped > 0) await writeBatch();
  }

  function flush(): Promise<void> {
    running = running.then(writeAll, writeAll);
    return running;
  }

  return {
    add(event) {
      if (queued.length < maxQueued) queued.push(event);
      else dropped += 1;
    },
    flush,
    start() {
      timer ??= setInterval(() => flush().catch(deps.onFault), deps.flushMilliseconds).unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await flush();
    },
  };
}

function droppedEvent(count: number): AuditEvent {
  return { action: 'verification.audit_overflow', actor: 'system', outcome: 'failure', data: { count } };
}
