import { EntitySchema, IsNull, LessThanOrEqual } from 'typeorm';
import { columns, type Tx } from '../../store/store.js';

/**
 * open: waits for a wallet. answered: the result waits to be read. read: it was read, and is gone. lapsed: nobody read
 * it in time, and it is gone. declined: the wallet said no. failed: too many answers had to be refused.
 */
export type RequestState = 'open' | 'answered' | 'declined' | 'failed' | 'read' | 'lapsed' | 'expired';

/** One request for presentations. `id` is known to the verifier's side alone, `requestId` to whoever scans the code. */
export interface RequestRow {
  readonly id: string;
  readonly requestId: string;
  readonly clientId: string;
  readonly flow: 'same' | 'cross';
  readonly state: RequestState;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly fetchedAt: string | null;
  readonly closedAt: string | null;
  /** When the row itself is forgotten. */
  readonly keepUntil: string;
  readonly decision: string | null;
  readonly error: string | null;
  readonly refusals: number;
  readonly sessionDigest: string | null;
  readonly confirmed: boolean;
  readonly responseCodeDigest: string | null;
  readonly request: Buffer | null;
  readonly result: Buffer | null;
}

const nullableText = { ...columns.text, nullable: true } as const;
const nullableBlob = { ...columns.blob, nullable: true } as const;

const requestEntity = new EntitySchema<RequestRow>({
  name: 'VpRequest',
  tableName: 'vp_request',
  columns: {
    id: { ...columns.text, primary: true },
    requestId: { ...columns.text, name: 'request_id' },
    clientId: { ...columns.text, name: 'client_id' },
    flow: columns.text,
    state: columns.text,
    createdAt: { ...columns.text, name: 'created_at' },
    expiresAt: { ...columns.text, name: 'expires_at' },
    fetchedAt: { ...nullableText, name: 'fetched_at' },
    closedAt: { ...nullableText, name: 'closed_at' },
    keepUntil: { ...columns.text, name: 'keep_until' },
    decision: nullableText,
    error: nullableText,
    refusals: columns.integer,
    sessionDigest: { ...nullableText, name: 'session_digest' },
    confirmed: columns.boolean,
    responseCodeDigest: { ...nullableText, name: 'response_code_digest' },
    request: nullableBlob,
    result: nullableBlob,
  },
});

/** The tables of this room. */
export const oid4vpEntities = [requestEntity];

export function insertRequest(tx: Tx, row: RequestRow): Promise<unknown> {
  return tx.insert(requestEntity, row);
}

export function findRequest(tx: Tx, id: string): Promise<RequestRow | null> {
  return tx.findOneBy(requestEntity, { id });
}

export function findByRequestId(tx: Tx, requestId: string): Promise<RequestRow | null> {
  return tx.findOneBy(requestEntity, { requestId });
}

/** Changes a request that is still in this state; says whether it was. Of two answers at once, one gets `true`. */
export async function changeRequest(
  tx: Tx,
  { id, state }: Pick<RequestRow, 'id' | 'state'>,
  values: Partial<RequestRow>,
): Promise<boolean> {
  const result = await tx.update(requestEntity, { id, state }, values);
  return result.affected === 1;
}

/** Binds a request to the browser that opened its page first; says whether this one did. */
export async function claimSession(tx: Tx, id: string, sessionDigest: string): Promise<boolean> {
  const result = await tx.update(requestEntity, { id, sessionDigest: IsNull() }, { sessionDigest });
  return result.affected === 1;
}

/** Counts one more refused answer of an open request; the number of them, or nothing when it is not open. */
export async function countRefusal(tx: Tx, id: string): Promise<number | undefined> {
  const result = await tx.update(requestEntity, { id, state: 'open' }, { refusals: () => 'refusals + 1' });
  if (result.affected !== 1) return undefined;
  return (await findRequest(tx, id))?.refusals;
}

/** Ends what was not answered in time, and forgets the question. */
export async function expireOpen(tx: Tx, now: string): Promise<number> {
  const result = await tx.update(
    requestEntity,
    { state: 'open', expiresAt: LessThanOrEqual(now) },
    { state: 'expired', request: null },
  );
  return result.affected ?? 0;
}

/** Forgets results that nobody has read since then. */
export async function lapseUnread(tx: Tx, closedBefore: string): Promise<number> {
  const result = await tx.update(
    requestEntity,
    { state: 'answered', closedAt: LessThanOrEqual(closedBefore) },
    { state: 'lapsed', result: null },
  );
  return result.affected ?? 0;
}

export async function deleteForgotten(tx: Tx, now: string): Promise<number> {
  const result = await tx.delete(requestEntity, { keepUntil: LessThanOrEqual(now) });
  return result.affected ?? 0;
}
