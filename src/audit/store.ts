import { Between, EntitySchema, IsNull } from 'typeorm';
import { canonicalJson, type Json, parseJson } from '../json.js';
import { columns, type Tx } from '../store/store.js';
import { genesisHash, type HashedRecord } from './chain.js';
import type { AuditEvent } from './event.js';

interface RecordRow {
  entry: string;
  recordedAt: string;
  action: string;
  actor: string;
  subject: string | null;
  outcome: string;
  data: string;
  sequence: string | null;
  previousHash: string | null;
  hash: string | null;
}

interface HeadRow {
  id: number;
  sequence: string;
  hash: string;
}

const recordSchema = new EntitySchema<RecordRow>({
  name: 'AuditRecord',
  tableName: 'audit_record',
  columns: {
    entry: columns.identity,
    recordedAt: { ...columns.text, name: 'recorded_at' },
    action: columns.text,
    actor: columns.text,
    subject: { ...columns.text, nullable: true },
    outcome: columns.text,
    data: columns.text,
    sequence: { ...columns.bigint, nullable: true },
    previousHash: { ...columns.text, name: 'previous_hash', nullable: true },
    hash: { ...columns.text, nullable: true },
  },
});

const headSchema = new EntitySchema<HeadRow>({
  name: 'AuditHead',
  tableName: 'audit_head',
  columns: { id: { ...columns.integer, primary: true }, sequence: columns.bigint, hash: columns.text },
});

/** The tables of the audit trail, for openStore. */
export const auditEntities: readonly EntitySchema[] = [recordSchema, headSchema];

/** A record as it was read back. */
export interface UnsealedRecord extends HashedRecord {
  readonly entry: string;
}

/** A record with its place in the chain. */
export interface SealedRecord extends UnsealedRecord {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
}

/** The end of the chain. */
export interface Head {
  readonly sequence: number;
  readonly hash: string;
}

/** Adds a record to the caller's transaction. */
export async function insertRecord(tx: Tx, event: AuditEvent, at: Date): Promise<void> {
  await tx.insert(recordSchema, {
    recordedAt: at.toISOString(),
    action: event.action,
    actor: event.actor,
    subject: event.subject ?? null,
    outcome: event.outcome,
    data: canonicalJson({ ...event.data }),
  });
}

/** The head as it is under the sealer's lock. */
export async function lockHead(tx: Tx): Promise<Head> {
  const row = await tx.findOneBy(headSchema, { id: 1 });
  return row === null ? { sequence: 0, hash: genesisHash } : { sequence: Number(row.sequence), hash: row.hash };
}

/** The head and the highest number of any record, from one statement and so from one moment. */
export async function readHead(tx: Tx): Promise<Head & { highest: number }> {
  const [row] = await tx.query<[{ sequence: unknown; hash: string | null; highest: unknown }]>(
    `SELECT (SELECT sequence FROM audit_head WHERE id = 1) AS sequence,
            (SELECT hash FROM audit_head WHERE id = 1) AS hash,
            (SELECT MAX(sequence) FROM audit_record) AS highest`,
  );
  return { sequence: Number(row.sequence ?? 0), hash: row.hash ?? genesisHash, highest: Number(row.highest ?? 0) };
}

/** Committed records that have no place yet, oldest first. */
export async function readUnsealed(tx: Tx, most: number): Promise<UnsealedRecord[]> {
  const rows = await tx.find(recordSchema, { where: { sequence: IsNull() }, order: { entry: 'ASC' }, take: most });
  return rows.map(toUnsealed);
}

/** Records of the chain from one number to another. */
export async function readSealed(tx: Tx, from: number, upTo: number): Promise<SealedRecord[]> {
  const where = { sequence: Between(String(from), String(upTo)) };
  const rows = await tx.find(recordSchema, { where, order: { sequence: 'ASC' } });
  return rows.map((row) => ({
    ...toUnsealed(row),
    sequence: Number(row.sequence),
    previous: row.previousHash ?? '',
    hash: row.hash ?? '',
  }));
}

/** Writes all places of a batch with one statement; the values are numbers and hashes of ours. */
export async function seal(tx: Tx, seals: readonly (Head & { entry: string; previous: string })[]): Promise<void> {
  if (seals.length === 0) return;
  const rows = seals.map(
    ({ entry, sequence, previous, hash }) => `(${BigInt(entry)}, ${sequence}, '${previous}', '${hash}')`,
  );
  await tx.query(`UPDATE audit_record
    SET sequence = place.column2, previous_hash = place.column3, hash = place.column4
    FROM (VALUES ${rows.join(', ')}) AS place
    WHERE audit_record.entry = place.column1 AND audit_record.sequence IS NULL`);
}

/** Moves the end of the chain. */
export async function advanceHead(tx: Tx, head: Head): Promise<void> {
  await tx.upsert(headSchema, { id: 1, sequence: String(head.sequence), hash: head.hash }, ['id']);
}

function toUnsealed(row: RecordRow): UnsealedRecord {
  const { entry, recordedAt, action, actor, subject, outcome } = row;
  return { entry, recordedAt, action, actor, subject, outcome, data: readData(row.data) };
}

/** Only the very text that was written counts; null, which no record has, makes any other text break the chain. */
function readData(text: string): Json {
  try {
    const data = parseJson(text);
    return canonicalJson(data) === text ? data : null;
  } catch {
    return null;
  }
}
