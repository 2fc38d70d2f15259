import { EntitySchema, In, IsNull, LessThanOrEqual, Not } from 'typeorm';
import { columns, type Tx } from '../store/store.js';

/** reserved: the intent is stored, nothing signed may be believed yet. burnt: given up for good, never delivered. */
export type IssuanceState = 'reserved' | 'issued' | 'suspended' | 'revoked' | 'burnt';

/** One credential, without its claims: those exist only sealed, and only for as long as a retry may ask for them. */
export interface IssuanceRow {
  readonly id: string;
  readonly type: string;
  readonly format: string;
  readonly algorithm: string;
  readonly clientId: string;
  readonly state: IssuanceState;
  readonly reservedAt: string;
  readonly issuedAt: string | null;
  readonly changedAt: string;
  readonly reason: string | null;
  readonly validFrom: string;
  readonly validUntil: string | null;
  readonly digest: string | null;
  readonly statusEntries: string;
  /** The process that is signing, and until when nobody else may. */
  readonly owner: string;
  readonly leaseUntil: string;
  readonly idempotencyKey: string | null;
  readonly bodyDigest: string | null;
  readonly keepUntil: string;
  readonly prepared: Buffer | null;
  readonly signed: Buffer | null;
  /** The service instance that issued it in its own name; null for the catalogue's. */
  readonly instance: string | null;
  /** By what the instance's caller names it: see nameDigestOf. */
  readonly nameDigest: string | null;
}

const nullableText = { ...columns.text, nullable: true } as const;

const issuanceEntity = new EntitySchema<IssuanceRow>({
  name: 'Issuance',
  tableName: 'issuance',
  columns: {
    id: { ...columns.text, primary: true },
    type: columns.text,
    format: columns.text,
    algorithm: columns.text,
    clientId: { ...columns.text, name: 'client_id' },
    state: columns.text,
    reservedAt: { ...columns.text, name: 'reserved_at' },
    issuedAt: { ...nullableText, name: 'issued_at' },
    changedAt: { ...columns.text, name: 'changed_at' },
    reason: nullableText,
    validFrom: { ...columns.text, name: 'valid_from' },
    validUntil: { ...nullableText, name: 'valid_until' },
    digest: nullableText,
    statusEntries: { ...columns.text, name: 'status_entries' },
    owner: columns.text,
    leaseUntil: { ...columns.text, name: 'lease_until' },
    idempotencyKey: { ...nullableText, name: 'idempotency_key' },
    bodyDigest: { ...nullableText, name: 'body_digest' },
    keepUntil: { ...columns.text, name: 'keep_until' },
    prepared: { ...columns.blob, nullable: true },
    signed: { ...columns.blob, nullable: true },
    instance: nullableText,
    nameDigest: { ...nullableText, name: 'name_digest' },
  },
});

/** The tables of this slice. */
export const issuanceEntities = [issuanceEntity];

export function findIssuance(tx: Tx, id: string): Promise<IssuanceRow | null> {
  return tx.findOneBy(issuanceEntity, { id });
}

/** Those of the credentials that verifiers may still accept one day: neither revoked nor burnt, and finished. */
export function findLive(tx: Tx, ids: readonly string[]): Promise<IssuanceRow[]> {
  return tx.findBy(issuanceEntity, { id: In([...ids]), state: In(['issued', 'suspended']) });
}

/** Whether one of the credentials is revoked or suspended. */
export function isAnyStopped(tx: Tx, ids: readonly string[]): Promise<boolean> {
  return tx.existsBy(issuanceEntity, { id: In([...ids]), state: In(['revoked', 'suspended']) });
}

export function findByIdempotencyKey(tx: Tx, clientId: string, idempotencyKey: string): Promise<IssuanceRow | null> {
  return tx.findOneBy(issuanceEntity, { clientId, idempotencyKey });
}

export function findByName(tx: Tx, nameDigest: string): Promise<IssuanceRow | null> {
  return tx.findOneBy(issuanceEntity, { nameDigest });
}

export function insertIssuance(tx: Tx, row: IssuanceRow): Promise<unknown> {
  return tx.insert(issuanceEntity, row);
}

/** Locks the row on both databases by an update that changes nothing; SQLite knows no SELECT ... FOR UPDATE. */
export async function lockIssuance(tx: Tx, id: string): Promise<IssuanceRow | null> {
  await tx.update(issuanceEntity, { id }, { state: () => 'state' });
  return findIssuance(tx, id);
}

export function updateIssuance(tx: Tx, id: string, values: Partial<IssuanceRow>): Promise<unknown> {
  return tx.update(issuanceEntity, { id }, values);
}

/** Changes a reserved row, if this process still holds it; says whether it did. */
export async function updateHeld(tx: Tx, id: string, owner: string, values: Partial<IssuanceRow>): Promise<boolean> {
  const result = await tx.update(issuanceEntity, { id, owner, state: 'reserved' }, values);
  return result.affected === 1;
}

/**
 * Reserved rows whose lease is over, or that belong to a process that cannot live any more. Whoever tried a row has moved
 * its lease, so the one that was left alone for longest comes first, and rows that always fail keep no other waiting.
 */
export function findAbandoned(tx: Tx, options: { now: string; owner: string; ignoreLeases: boolean; limit: number }) {
  const held = options.ignoreLeases ? { owner: Not(options.owner) } : { leaseUntil: LessThanOrEqual(options.now) };
  return tx.find(issuanceEntity, {
    select: { id: true },
    where: { state: 'reserved', ...held },
    order: { leaseUntil: 'ASC', reservedAt: 'ASC' },
    take: options.limit,
  });
}

/** Rows whose retry window is over and that still hold a payload or a key. */
export async function findPurgeable(tx: Tx, now: string, limit: number): Promise<string[]> {
  const over = { keepUntil: LessThanOrEqual(now), state: Not('reserved' as const) };
  const rows = await tx.find(issuanceEntity, {
    select: { id: true },
    where: [
      { ...over, idempotencyKey: Not(IsNull()) },
      { ...over, signed: Not(IsNull()) },
      { ...over, prepared: Not(IsNull()) },
    ],
    take: limit,
  });
  return rows.map((row) => row.id);
}

/** Forgets what only a retry needs; the digest stays. */
export function purgePayloads(tx: Tx, ids: readonly string[]): Promise<unknown> {
  const forgotten = { prepared: null, signed: null, idempotencyKey: null, bodyDigest: null };
  return tx.update(issuanceEntity, { id: In([...ids]) }, forgotten);
}
