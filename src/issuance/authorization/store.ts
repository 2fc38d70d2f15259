import { EntitySchema, LessThan, MoreThan } from 'typeorm';
import { columns, type Tx } from '../../store/store.js';

/**
 * pushed: by PAR, its secret is the request_uri. started: at the sign-in, no secret is out. asked: the secret is the
 * browser's cookie. approved: it is the code. redeemed: it was the code, kept to see it come again.
 */
export type RequestState = 'pushed' | 'started' | 'asked' | 'approved' | 'redeemed';

/** One authorization request, from the wallet's first word until a day after its code was redeemed. */
export interface RequestRow {
  readonly id: string;
  readonly state: RequestState;
  readonly secretDigest: string | null;
  readonly parameters: string;
  readonly granted: string | null;
  readonly sessionId: string | null;
  readonly expiresAt: string;
  readonly keepUntil: string;
}

/** What a wallet was granted, with its present access token. */
export interface SessionRow {
  readonly id: string;
  readonly state: 'active' | 'revoked';
  readonly clientId: string | null;
  readonly jkt: string | null;
  readonly granted: string;
  readonly identifiers: boolean;
  readonly generation: number;
  readonly accessDigest: string;
  readonly accessExpiresAt: string;
  readonly expiresAt: string;
}

interface RefreshTokenRow {
  readonly digest: string;
  readonly sessionId: string;
  readonly usedAt: string | null;
  readonly expiresAt: string;
}

interface ProofRow {
  readonly digest: string;
  readonly expiresAt: string;
}

const nullableText = { ...columns.text, nullable: true } as const;
const expiresAt = { ...columns.text, name: 'expires_at' } as const;

const requestEntity = new EntitySchema<RequestRow>({
  name: 'WalletRequest',
  tableName: 'wallet_request',
  columns: {
    id: { ...columns.text, primary: true },
    state: columns.text,
    secretDigest: { ...nullableText, name: 'secret_digest' },
    parameters: columns.text,
    granted: nullableText,
    sessionId: { ...nullableText, name: 'session_id' },
    expiresAt,
    keepUntil: { ...columns.text, name: 'keep_until' },
  },
});

const sessionEntity = new EntitySchema<SessionRow>({
  name: 'WalletSession',
  tableName: 'wallet_session',
  columns: {
    id: { ...columns.text, primary: true },
    state: columns.text,
    clientId: { ...nullableText, name: 'client_id' },
    jkt: nullableText,
    granted: columns.text,
    identifiers: columns.boolean,
    generation: columns.integer,
    accessDigest: { ...columns.text, name: 'access_digest' },
    accessExpiresAt: { ...columns.text, name: 'access_expires_at' },
    expiresAt,
  },
});

const refreshTokenEntity = new EntitySchema<RefreshTokenRow>({
  name: 'WalletRefreshToken',
  tableName: 'wallet_refresh_token',
  columns: {
    digest: { ...columns.text, primary: true },
    sessionId: { ...columns.text, name: 'session_id' },
    usedAt: { ...nullableText, name: 'used_at' },
    expiresAt,
  },
});

const proofEntity = new EntitySchema<ProofRow>({
  name: 'WalletDpopProof',
  tableName: 'wallet_dpop_proof',
  columns: { digest: { ...columns.text, primary: true }, expiresAt },
});

/** The tables of this room. */
export const authorizationEntities = [requestEntity, sessionEntity, refreshTokenEntity, proofEntity];

export function insertRequest(tx: Tx, row: RequestRow): Promise<unknown> {
  return tx.insert(requestEntity, row);
}

export function findRequestBySecret(tx: Tx, secretDigest: string): Promise<RequestRow | null> {
  return tx.findOneBy(requestEntity, { secretDigest });
}

export function findRequest(tx: Tx, id: string): Promise<RequestRow | null> {
  return tx.findOneBy(requestEntity, { id });
}

/** Moves a request on; of several that try the same step one succeeds, and none after its time. */
export async function advanceRequest(
  tx: Tx,
  { id, from, now }: { id: string; from: RequestState; now: string },
  values: Partial<RequestRow> & { state: RequestState },
): Promise<boolean> {
  const result = await tx.update(requestEntity, { id, state: from, expiresAt: MoreThan(now) }, values);
  return result.affected === 1;
}

export function deleteRequest(tx: Tx, id: string): Promise<unknown> {
  return tx.delete(requestEntity, { id });
}

export function insertSession(tx: Tx, row: SessionRow): Promise<unknown> {
  return tx.insert(sessionEntity, row);
}

export function findSession(tx: Tx, id: string): Promise<SessionRow | null> {
  return tx.findOneBy(sessionEntity, { id });
}

export function findSessionByAccess(tx: Tx, accessDigest: string): Promise<SessionRow | null> {
  return tx.findOneBy(sessionEntity, { accessDigest });
}

export function updateSession(tx: Tx, id: string, values: Partial<SessionRow>): Promise<unknown> {
  return tx.update(sessionEntity, { id }, values);
}

/** Ends a session with all its tokens; says whether it was still active. */
export async function revokeSession(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.update(sessionEntity, { id, state: 'active' }, { state: 'revoked' });
  return result.affected === 1;
}

export function insertRefreshToken(tx: Tx, row: Omit<RefreshTokenRow, 'usedAt'>): Promise<unknown> {
  return tx.insert(refreshTokenEntity, { ...row, usedAt: null });
}

export function findRefreshToken(tx: Tx, digest: string): Promise<RefreshTokenRow | null> {
  return tx.findOneBy(refreshTokenEntity, { digest });
}

/** Uses a refresh token up; of several that try one succeeds. */
export async function useRefreshToken(tx: Tx, digest: string, now: string): Promise<boolean> {
  const result = await tx
    .createQueryBuilder()
    .update(refreshTokenEntity)
    .set({ usedAt: now })
    .where('digest = :digest AND used_at IS NULL', { digest })
    .execute();
  return result.affected === 1;
}

/** The transaction fails with `conflict` when this proof was seen before, on whatever replica. */
export function insertProof(tx: Tx, row: ProofRow): Promise<unknown> {
  return tx.insert(proofEntity, row);
}

/** Forgets what nobody can use, replay or ask about any more. */
export async function forgetExpired(tx: Tx, now: string): Promise<void> {
  await tx.delete(requestEntity, { keepUntil: LessThan(now) });
  await tx.delete(sessionEntity, { expiresAt: LessThan(now) });
  await tx.delete(refreshTokenEntity, { expiresAt: LessThan(now) });
  await tx.delete(proofEntity, { expiresAt: LessThan(now) });
}
