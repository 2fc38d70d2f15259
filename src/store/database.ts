import type { EntityManager, EntitySchema } from 'typeorm';
import type { Dialect } from './columns.js';

/** What one transaction or one read works with. */
export type Tx = EntityManager;

/** Whether a crash or a power cut may lose what was acknowledged. */
export interface Durability {
  readonly ok: boolean;
  readonly detail: string;
}

/** An open database. No transaction or read may be started inside another one of the same store. */
export interface Store {
  /** Commits what `work` did, or nothing of it. On PostgreSQL `work` may run again after a deadlock: no side effects. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Sees committed data only and cannot write. On a SQLite file each statement sees its own moment. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Excludes every other transaction that locks the same name until this one ends; SQLite has one writer anyway. */
  lock(tx: Tx, name: string): Promise<void>;
  readonly dialect: Dialect;
  durability(): Promise<Durability>;
  /** Fails with storage_unavailable when the database does not answer. */
  ping(): Promise<void>;
  /** Lets what runs finish; afterwards everything fails with storage_unavailable. */
  close(): Promise<void>;
}

/** What both databases need to know. */
export interface StoreShape {
  readonly entities: readonly EntitySchema[];
  readonly deadlineMilliseconds: number;
}
