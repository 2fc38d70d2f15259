/**
 * The audit trail (decisions.md 17). `record` writes a row in the transaction of the change that it tells of, so that
 * there is never one without the other. A sealer then numbers and hash-chains the rows in the order in which they were
 * committed: SHA-256 over the RFC 8785 form of a record that holds the hash before it. `verifyChain` finds a sealed row
 * that was changed, removed, put in or moved. What it cannot find: a row that whoever owns the database added before
 * the seal, and a chain rewritten from some row to its head; against that, keep copies of the head elsewhere.
 * Any slice may record. Ids and codes only: no claims, no names, no free text.
 */
import { isJsonObject, type JsonObject } from '../json.js';
import type { Store, Tx } from '../store/store.js';
import { genesisHash, hashRecord } from './chain.js';
import { type AuditEvent, checkEvent } from './event.js';
import {
  advanceHead,
  insertRecord,
  lockHead,
  readHead,
  readSealed,
  readUnsealed,
  type SealedRecord,
  seal as storeSeals,
} from './store.js';

export type { AuditEvent } from './event.js';
export { auditEntities } from './store.js';

/** What verifyChain found; `brokenAt` is the sequence number where the chain first fails. */
export interface ChainReport {
  readonly ok: boolean;
  readonly length: number;
  readonly brokenAt?: number;
}

/** A record with its place in the chain; ids and codes only. */
export type AuditRecord = Omit<SealedRecord, 'entry' | 'data'> & { readonly data: JsonObject | null };

/** Records in the order of the chain. */
export interface AuditPage {
  readonly records: readonly AuditRecord[];
  readonly next?: number;
}

/** The audit trail of one service. */
export interface Audit {
  /** Part of the caller's transaction: if this fails, so must the change. */
  record(tx: Tx, event: AuditEvent): Promise<void>;
  /** Chains what was committed; answers how many records. Safe in several processes at once. */
  seal(): Promise<number>;
  verifyChain(): Promise<ChainReport>;
  /** A page of the chain after a place in it; `next` is where the following page begins, absent at the end. */
  read(page: { readonly after: number; readonly limit: number }): Promise<AuditPage>;
  /** Seals again and again, within a second of each record. */
  start(): void;
  /** Seals once more and ends. */
  stop(): Promise<void>;
}

/** What the audit trail needs; `onError` hears of a seal that failed (it is tried again). */
export interface AuditDependencies {
  readonly store: Store;
  readonly now: () => Date;
  readonly sealMilliseconds?: number;
  readonly onError?: (error: unknown) => void;
}

/** Records of one sealing transaction, and of one page of verification. */
const batch = 500;

/** Creates the audit trail; nothing runs before `start`. */
export function createAudit({ store, now, sealMilliseconds = 500, onError }: AuditDependencies): Audit {
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();
  let stopped = true;

  async function record(tx: Tx, event: AuditEvent): Promise<void> {
    checkEvent(event);
    await insertRecord(tx, event, now());
  }

  async function seal(): Promise<number> {
    let total = 0;
    for (let sealed = batch; sealed === batch; total += sealed)
      sealed = await store.transaction((tx) => sealBatch(store, tx));
    return total;
  }

  function start(): void {
    stopped = false;
    schedule();
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = sealQuietly().finally(() => {
        if (!stopped) schedule();
      });
    }, sealMilliseconds);
    timer.unref();
  }

  /** A database that is away now will be back; the rows wait. */
  async function sealQuietly(): Promise<void> {
    try {
      await seal();
    } catch (error) {
      onError?.(error);
    }
  }

  async function stop(): Promise<void> {
    if (stopped) return;
    stopped = true;
    clearTimeout(timer);
    await round;
    await sealQuietly();
  }

  return { record, seal, verifyChain: () => verifyChain(store), read: (page) => readPage(store, page), start, stop };
}

/** Under the lock everything is read anew, so that two sealers go on from the same head one after the other. */
async function sealBatch(store: Store, tx: Tx): Promise<number> {
  await store.lock(tx, 'audit-seal');
  const head = await lockHead(tx);
  const records = await readUnsealed(tx, batch);
  let { sequence, hash } = head;
  const seals = records.map((unsealed) => {
    const previous = hash;
    sequence += 1;
    hash = hashRecord(unsealed, sequence, previous);
    return { entry: unsealed.entry, sequence, previous, hash };
  });
  await storeSeals(tx, seals);
  if (seals.length > 0) await advanceHead(tx, { sequence, hash });
  return seals.length;
}

async function verifyChain(store: Store): Promise<ChainReport> {
  const head = await store.read(readHead);
  const length = head.sequence;
  if (head.highest > length) return { ok: false, length, brokenAt: length + 1 };
  let previous = genesisHash;
  for (let from = 1; from <= length; from += batch) {
    const upTo = Math.min(length, from + batch - 1);
    const records = await store.read((tx) => readSealed(tx, from, upTo));
    for (let sequence = from; sequence <= upTo; sequence += 1) {
      const sealed = records[sequence - from];
      if (!sealed || !continues(sealed, sequence, previous)) return { ok: false, length, brokenAt: sequence };
      previous = sealed.hash;
    }
  }
  return previous === head.hash ? { ok: true, length } : { ok: false, length, brokenAt: length };
}

/** By places, not by count: where somebody removed a record, the page is shorter and the chain says that it is broken. */
async function readPage(store: Store, { after, limit }: { after: number; limit: number }): Promise<AuditPage> {
  const upTo = after + limit;
  return store.read(async (tx) => {
    const { sequence } = await readHead(tx);
    const records = (await readSealed(tx, after + 1, upTo)).map(toRecord);
    return upTo < sequence ? { records, next: upTo } : { records };
  });
}

function toRecord({ entry: _, data, ...record }: SealedRecord): AuditRecord {
  return { ...record, data: isJsonObject(data) ? data : null };
}

/** Whether a record stands where it says, after the record that it says, and says what it said when it was sealed. */
function continues(sealed: SealedRecord, sequence: number, previous: string): boolean {
  if (sealed.sequence !== sequence || sealed.previous !== previous) return false;
  return hashRecord(sealed, sequence, previous) === sealed.hash;
}
