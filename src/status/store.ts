import { EntitySchema } from 'typeorm';
import { columns, type Tx } from '../store/store.js';
import type { StatusPurpose } from './model.js';

/** `next` is published but not used yet, `open` hands out indexes, `closed` only changes bits. */
export type ListState = 'next' | 'open' | 'closed';

/** One status list; its bits are the rows of StatusEntryRow, its counter is `allocated`. */
export interface StatusListRow {
  readonly id: string;
  readonly purpose: StatusPurpose;
  readonly length: number;
  readonly allocated: number;
  readonly state: ListState;
  readonly createdAt: string;
}

/** One index of one list, given to one record. `isSet` is the truth about the bit. */
export interface StatusEntryRow {
  readonly listId: string;
  readonly listIndex: number;
  readonly recordId: string;
  readonly purpose: StatusPurpose;
  readonly isSet: boolean;
  readonly changedAt: string;
}

/** The signed list, exactly as it is served. `signedFor` tells whom and what address it was signed for. */
export interface StatusPublicationRow {
  readonly listId: string;
  readonly version: number;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly signedFor: string;
  readonly dataIntegrity: string;
  readonly jwt: string;
}

const listEntity = new EntitySchema<StatusListRow>({
  name: 'StatusList',
  tableName: 'status_list',
  columns: {
    id: { ...columns.text, primary: true },
    purpose: columns.text,
    length: columns.integer,
    allocated: columns.integer,
    state: columns.text,
    createdAt: { ...columns.text, name: 'created_at' },
  },
});

const entryEntity = new EntitySchema<StatusEntryRow>({
  name: 'StatusEntry',
  tableName: 'status_entry',
  columns: {
    listId: { ...columns.text, name: 'list_id', primary: true },
    listIndex: { ...columns.integer, name: 'list_index', primary: true },
    recordId: { ...columns.text, name: 'record_id' },
    purpose: columns.text,
    isSet: { ...columns.boolean, name: 'is_set' },
    changedAt: { ...columns.text, name: 'changed_at' },
  },
});

const publicationEntity = new EntitySchema<StatusPublicationRow>({
  name: 'StatusPublication',
  tableName: 'status_publication',
  columns: {
    listId: { ...columns.text, name: 'list_id', primary: true },
    version: columns.integer,
    validFrom: { ...columns.text, name: 'valid_from' },
    validUntil: { ...columns.text, name: 'valid_until' },
    signedFor: { ...columns.text, name: 'signed_for' },
    dataIntegrity: { ...columns.text, name: 'data_integrity' },
    jwt: columns.text,
  },
});

/**
 * Counts the open list of a purpose up by one, unless it is full or there is none. The update keeps the row locked
 * until the transaction ends, so the value read after it is this transaction's own on both databases.
 */
export async function takePosition(
  tx: Tx,
  purpose: StatusPurpose,
): Promise<{ list: StatusListRow; position: number } | undefined> {
  const result = await tx
    .createQueryBuilder()
    .update(listEntity)
    .set({ allocated: () => 'allocated + 1' })
    .where('purpose = :purpose AND state = :state AND allocated < length', { purpose, state: 'open' })
    .execute();
  if (result.affected !== 1) return undefined;
  const list = await tx.findOneByOrFail(listEntity, { purpose, state: 'open' });
  return { list, position: list.allocated - 1 };
}

export function insertEntries(tx: Tx, entries: readonly StatusEntryRow[]): Promise<unknown> {
  return tx.insert(entryEntity, [...entries]);
}

export function findEntry(tx: Tx, recordId: string, purpose: StatusPurpose): Promise<StatusEntryRow | null> {
  return tx.findOneBy(entryEntity, { recordId, purpose });
}

export function updateEntry(tx: Tx, entry: StatusEntryRow): Promise<unknown> {
  const { listId, listIndex, isSet, changedAt } = entry;
  return tx.update(entryEntity, { listId, listIndex }, { isSet, changedAt });
}

/** The indexes whose bit is set; from the rows, never from an earlier list. */
export async function readSetIndexes(tx: Tx, listId: string): Promise<number[]> {
  const rows = await tx
    .createQueryBuilder(entryEntity, 'entry')
    .select('entry.list_index', 'index')
    .where('entry.list_id = :listId AND entry.is_set = 1', { listId })
    .getRawMany<{ index: number }>();
  return rows.map((row) => row.index);
}

export function findListInState(tx: Tx, purpose: StatusPurpose, state: ListState): Promise<StatusListRow | null> {
  return tx.findOneBy(listEntity, { purpose, state });
}

export function findList(tx: Tx, id: string): Promise<StatusListRow> {
  return tx.findOneByOrFail(listEntity, { id });
}

export function insertList(tx: Tx, list: StatusListRow): Promise<unknown> {
  return tx.insert(listEntity, list);
}

export function updateListState(tx: Tx, id: string, state: ListState): Promise<unknown> {
  return tx.update(listEntity, { id }, { state });
}

export function insertPublication(tx: Tx, publication: StatusPublicationRow): Promise<unknown> {
  return tx.insert(publicationEntity, publication);
}

/** An update that changes nothing locks the row on both databases; SQLite knows no SELECT ... FOR UPDATE. */
export async function lockPublication(tx: Tx, listId: string): Promise<StatusPublicationRow> {
  await tx.update(publicationEntity, { listId }, { version: () => 'version' });
  return tx.findOneByOrFail(publicationEntity, { listId });
}

export function updatePublication(tx: Tx, publication: StatusPublicationRow): Promise<unknown> {
  const { listId, ...values } = publication;
  return tx.update(publicationEntity, { listId }, values);
}

/** What a process needs to know in order to see which lists it must load again. */
export function readVersions(tx: Tx): Promise<Pick<StatusPublicationRow, 'listId' | 'version'>[]> {
  return tx.find(publicationEntity, { select: { listId: true, version: true } });
}

export function readPublication(tx: Tx, listId: string): Promise<StatusPublicationRow> {
  return tx.findOneByOrFail(publicationEntity, { listId });
}

/** A Token Status List: the two lists of bits that it is drawn from, and the counter that hands out their indexes. */
export interface TokenStatusListRow {
  readonly id: string;
  readonly revocationListId: string;
  readonly suspensionListId: string;
  readonly length: number;
  readonly allocated: number;
  readonly state: ListState;
  readonly createdAt: string;
}

/** The signed list, exactly as it is served. */
export interface TokenStatusPublicationRow {
  readonly listId: string;
  readonly version: number;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly signedFor: string;
  readonly jwt: string;
}

const tokenListEntity = new EntitySchema<TokenStatusListRow>({
  name: 'TokenStatusList',
  tableName: 'token_status_list',
  columns: {
    id: { ...columns.text, primary: true },
    revocationListId: { ...columns.text, name: 'revocation_list_id' },
    suspensionListId: { ...columns.text, name: 'suspension_list_id' },
    length: columns.integer,
    allocated: columns.integer,
    state: columns.text,
    createdAt: { ...columns.text, name: 'created_at' },
  },
});

const tokenPublicationEntity = new EntitySchema<TokenStatusPublicationRow>({
  name: 'TokenStatusPublication',
  tableName: 'token_status_publication',
  columns: {
    listId: { ...columns.text, name: 'list_id', primary: true },
    version: columns.integer,
    validFrom: { ...columns.text, name: 'valid_from' },
    validUntil: { ...columns.text, name: 'valid_until' },
    signedFor: { ...columns.text, name: 'signed_for' },
    jwt: columns.text,
  },
});

/** The tables of this slice. */
export const statusEntities = [listEntity, entryEntity, publicationEntity, tokenListEntity, tokenPublicationEntity];

/** As takePosition, of the open Token Status List. */
export async function takeTokenPosition(tx: Tx): Promise<{ list: TokenStatusListRow; position: number } | undefined> {
  const result = await tx
    .createQueryBuilder()
    .update(tokenListEntity)
    .set({ allocated: () => 'allocated + 1' })
    .where('state = :state AND allocated < length', { state: 'open' })
    .execute();
  if (result.affected !== 1) return undefined;
  const list = await tx.findOneByOrFail(tokenListEntity, { state: 'open' });
  return { list, position: list.allocated - 1 };
}

export function findTokenListInState(tx: Tx, state: ListState): Promise<TokenStatusListRow | null> {
  return tx.findOneBy(tokenListEntity, { state });
}

/** The Token Status List that a list of bits belongs to, if it belongs to one. */
export function findTokenListOf(tx: Tx, listId: string): Promise<TokenStatusListRow | null> {
  return tx.findOne(tokenListEntity, { where: [{ revocationListId: listId }, { suspensionListId: listId }] });
}

export function findTokenList(tx: Tx, id: string): Promise<TokenStatusListRow> {
  return tx.findOneByOrFail(tokenListEntity, { id });
}

export function insertTokenList(tx: Tx, list: TokenStatusListRow): Promise<unknown> {
  return tx.insert(tokenListEntity, list);
}

export function updateTokenListState(tx: Tx, id: string, state: ListState): Promise<unknown> {
  return tx.update(tokenListEntity, { id }, { state });
}

export function insertTokenPublication(tx: Tx, publication: TokenStatusPublicationRow): Promise<unknown> {
  return tx.insert(tokenPublicationEntity, publication);
}

/** As lockPublication. */
export async function lockTokenPublication(tx: Tx, listId: string): Promise<TokenStatusPublicationRow> {
  await tx.update(tokenPublicationEntity, { listId }, { version: () => 'version' });
  return tx.findOneByOrFail(tokenPublicationEntity, { listId });
}

export function updateTokenPublication(tx: Tx, publication: TokenStatusPublicationRow): Promise<unknown> {
  const { listId, ...values } = publication;
  return tx.update(tokenPublicationEntity, { listId }, values);
}

export function readTokenVersions(tx: Tx): Promise<Pick<TokenStatusPublicationRow, 'listId' | 'version'>[]> {
  return tx.find(tokenPublicationEntity, { select: { listId: true, version: true } });
}

export function readTokenPublication(tx: Tx, listId: string): Promise<TokenStatusPublicationRow> {
  return tx.findOneByOrFail(tokenPublicationEntity, { listId });
}
