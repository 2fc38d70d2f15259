import { ServiceError } from '../errors.js';
import type { Store, Tx } from '../store/store.js';
import { type StatusEntry, type StatusPurpose, statusPurposes } from './model.js';
import { createPermutation, type Permutation } from './permutation.js';
import { addList, listUrl, type Publishing } from './publishing.js';
import { findListInState, insertEntries, type StatusListRow, takePosition, updateListState } from './store.js';

/** What is allocated for one issued copy; `kind` chooses the address whose securing the copy's readers understand. */
export interface AllocationRequest {
  readonly recordId: string;
  readonly kind: 'jwt' | 'data-integrity';
  /** Every purpose when absent. */
  readonly purposes?: readonly StatusPurpose[];
}

/** What allocating takes. */
export interface Allocation {
  readonly store: Pick<Store, 'lock'>;
  readonly publishing: Publishing;
  readonly permutationOf: (list: StatusListRow) => Permutation;
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
    const statusListCredential = listUrl(allocation.publishing, `${list.id}${suffixes[request.kind]}`);
    return {
      id: `${statusListCredential}#${index}`,
      type: 'BitstringStatusListEntry',
      statusPurpose: list.purpose,
      statusListIndex: String(index),
      statusListCredential,
    };
  });
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
}
