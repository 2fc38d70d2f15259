import { ServiceError } from '../errors.js';
import type { Store, Tx } from '../store/store.js';
import { type StatusEntry, type StatusPurpose, statusPurposes } from './model.js';
import { createPermutation, type Permutation } from './permutation.js';
import { addList, listUrl, type Publishing } from './publishing.js';
import {
  findListInState,
  findTokenListInState,
  insertEntries,
  type StatusListRow,
  type TokenStatusListRow,
  takePosition,
  takeTokenPosition,
  updateListState,
  updateTokenListState,
} from './store.js';
import { addTokenList } from './token-publishing.js';

/** What is allocated for one issued copy; `kind` chooses the address whose securing the copy's readers understand. */
export interface AllocationRequest {
  readonly recordId: string;
  readonly kind: 'jwt' | 'data-integrity' | 'token';
  /** Every purpose when absent; a Token Status List always speaks of all of them. */
  readonly purposes?: readonly StatusPurpose[];
}

/** What allocating takes. */
export interface Allocation {
  readonly store: Pick<Store, 'lock'>;
  readonly publishing: Publishing;
  readonly permutationOf: (list: Pick<StatusListRow, 'id' | 'length'>) => Permutation;
}

const suffixes = { jwt: '.jwt', 'data-integrity': '' } as const;

/** Keyed by list, so that the index in one list says nothing about the index in another. */
export function createPermutations(deriveKey: (label: string, length: number) => Buffer): Allocation['permutationOf'] {
  const known = new Map<string, Permutation>();
  return (list) => {
    const permutation = known.get(list.id) ?? createPermutation(deriveKey(`status-list:${list.id}`, 32), list.length);
    known.set(list.id, permutation);
    return permutation;
  };
}

/** One entry for each purpose, in their order. A counter that was taken by a transaction that fails is simply never used. */
export async function allocate(allocation: Allocation, tx: Tx, request: AllocationRequest): Promise<StatusEntry[]> {
  const { kind } = request;
  return kind === 'token' ? allocateToken(allocation, tx, request) : allocateBits(allocation, tx, request, kind);
}

async function allocateBits(
  allocation: Allocation,
  tx: Tx,
  request: AllocationRequest,
  kind: keyof typeof suffixes,
): Promise<StatusEntry[]> {
  const taken = [];
  for (const purpose of request.purposes ?? statusPurposes) taken.push(await takeIndex(allocation, tx, purpose));
  const changedAt = allocation.publishing.now().toISOString();
  const rows = taken.map(({ list, index }) => ({
    listId: list.id,
    listIndex: index,
    recordId: request.recordId,
    purpose: list.purpose,
    isSet: false,
    changedAt,
  }));
  await insertEntries(tx, rows);
  return taken.map(({ list, index }) => {
    const statusListCredential = listUrl(allocation.publishing, `${list.id}${suffixes[kind]}`);
    return {
      id: `${statusListCredential}#${index}`,
      type: 'BitstringStatusListEntry',
      statusPurpose: list.purpose,
      statusListIndex: String(index),
      statusListCredential,
    };
  });
}

/** The copy has the same index in both lists of bits, and so in the list that is drawn from them. */
async function allocateToken(allocation: Allocation, tx: Tx, { recordId }: AllocationRequest): Promise<StatusEntry[]> {
  const { list, position } = (await takeTokenPosition(tx)) ?? (await openNextToken(allocation, tx));
  const listIndex = allocation.permutationOf(list).permute(position);
  const changedAt = allocation.publishing.now().toISOString();
  const lists = { revocation: list.revocationListId, suspension: list.suspensionListId };
  const rows = statusPurposes.map((purpose) => ({
    listId: lists[purpose],
    listIndex,
    recordId,
    purpose,
    isSet: false,
    changedAt,
  }));
  await insertEntries(tx, rows);
  const statusListCredential = listUrl(allocation.publishing, list.id);
  const statusListIndex = String(listIndex);
  const id = `${statusListCredential}#${statusListIndex}`;
  return [{ id, type: 'TokenStatusListEntry', statusListIndex, statusListCredential }];
}

async function takeIndex(
  allocation: Allocation,
  tx: Tx,
  purpose: StatusPurpose,
): Promise<{ list: StatusListRow; index: number }> {
  const taken = (await takePosition(tx, purpose)) ?? (await openNext(allocation, tx, purpose));
  return { list: taken.list, index: allocation.permutationOf(taken.list).permute(taken.position) };
}

/**
 * The open list is full: the next one, which every process has published since the last one was opened, takes its
 * place, and a new one is published for the time when that is full. Whoever waited for the lock finds it done.
 */
async function openNext(
  allocation: Allocation,
  tx: Tx,
  purpose: StatusPurpose,
): Promise<{ list: StatusListRow; position: number }> {
  await allocation.store.lock(tx, `status-list:${purpose}`);
  const done = await takePosition(tx, purpose);
  if (done) return done;
  const [full, next] = [await findListInState(tx, purpose, 'open'), await findListInState(tx, purpose, 'next')];
  if (!next) throw new ServiceError('storage_unavailable', 'There is no status list to allocate from.');
  if (full) await updateListState(tx, full.id, 'closed');
  await updateListState(tx, next.id, 'open');
  await addList(allocation.publishing, tx, purpose, 'next');
  const taken = await takePosition(tx, purpose);
  if (!taken) throw new ServiceError('storage_unavailable', 'There is no status list to allocate from.');
  return taken;
}

/** As openNext, for Token Status Lists. */
async function openNextToken(allocation: Allocation, tx: Tx): Promise<{ list: TokenStatusListRow; position: number }> {
  await allocation.store.lock(tx, tokenLock);
  const done = await takeTokenPosition(tx);
  if (done) return done;
  const [full, next] = [await findTokenListInState(tx, 'open'), await findTokenListInState(tx, 'next')];
  if (!next) throw new ServiceError('storage_unavailable', 'There is no status list to allocate from.');
  if (full) await updateTokenListState(tx, full.id, 'closed');
  await updateTokenListState(tx, next.id, 'open');
  await addTokenList(allocation.publishing, tx, 'next');
  const taken = await takeTokenPosition(tx);
  if (!taken) throw new ServiceError('storage_unavailable', 'There is no status list to allocate from.');
  return taken;
}

const tokenLock = 'status-list:token';

/** At the first start there is no list yet: one is opened and one waits. */
export async function ensureLists(
  { store, publishing }: Pick<Allocation, 'store' | 'publishing'>,
  tx: Tx,
): Promise<void> {
  for (const purpose of statusPurposes) {
    await store.lock(tx, `status-list:${purpose}`);
    if (await findListInState(tx, purpose, 'open')) continue;
    await addList(publishing, tx, purpose, 'open');
    await addList(publishing, tx, purpose, 'next');
  }
  await store.lock(tx, tokenLock);
  if (await findTokenListInState(tx, 'open')) return;
  await addTokenList(publishing, tx, 'open');
  await addTokenList(publishing, tx, 'next');
}

/**
 * After a restore nobody knows which indexes were given out since the backup was taken, also of the list that waited:
 * both are closed, so that no index can be given out twice.
 */
export async function replaceLists(
  { store, publishing }: Pick<Allocation, 'store' | 'publishing'>,
  tx: Tx,
): Promise<void> {
  for (const purpose of statusPurposes) {
    await store.lock(tx, `status-list:${purpose}`);
    for (const state of ['open', 'next'] as const) {
      const list = await findListInState(tx, purpose, state);
      if (list) await updateListState(tx, list.id, 'closed');
      await addList(publishing, tx, purpose, state);
    }
  }
  await store.lock(tx, tokenLock);
  for (const state of ['open', 'next'] as const) {
    const list = await findTokenListInState(tx, state);
    if (list) await updateTokenListState(tx, list.id, 'closed');
    await addTokenList(publishing, tx, state);
  }
}
