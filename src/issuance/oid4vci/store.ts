import { EntitySchema, In, IsNull, LessThanOrEqual } from 'typeorm';
import { columns, type Tx } from '../../store/store.js';

/** Whose a nonce is: the session that used it first. */
interface NonceRow {
  readonly digest: string;
  readonly sessionId: string;
  readonly expiresAt: string;
}

/** A proof that was used for a document in a configuration. */
interface ProofRow {
  readonly digest: string;
  readonly requestId: string;
  readonly expiresAt: string;
}

/** One credential that was made of a document; whether it lives is told by its record. */
export interface CopyRow {
  readonly credentialId: string;
  readonly documentId: string;
  readonly configurationId: string;
  readonly sessionId: string;
  readonly generation: number;
  /** The session that got the document after this one, or got this configuration anew. */
  readonly supersededBy: string | null;
}

/** What was delivered under one notification_id, and what the wallet told of it. */
export interface DeliveryRow {
  readonly digest: string;
  readonly documentId: string;
  readonly sessionId: string;
  /** Events with a space between, each once. */
  readonly events: string;
  readonly expiresAt: string;
}

/** A request for a document that HR has not released yet, under its transaction_id. */
export interface DeferralRow {
  readonly digest: string;
  readonly documentId: string;
  readonly configurationId: string;
  readonly sessionId: string;
  /** The keys that were proven, as JSON. */
  readonly holders: string;
  readonly expiresAt: string;
}

const expiresAt = { ...columns.text, name: 'expires_at' } as const;
const sessionId = { ...columns.text, name: 'session_id' } as const;
const documentId = { ...columns.text, name: 'document_id' } as const;
const configurationId = { ...columns.text, name: 'configuration_id' } as const;
const digest = { ...columns.text, primary: true } as const;

const nonceEntity = new EntitySchema<NonceRow>({
  name: 'WalletNonce',
  tableName: 'wallet_nonce',
  columns: { digest, sessionId, expiresAt },
});

const proofEntity = new EntitySchema<ProofRow>({
  name: 'WalletProof',
  tableName: 'wallet_proof',
  columns: { digest, requestId: { ...columns.text, name: 'request_id' }, expiresAt },
});

const copyEntity = new EntitySchema<CopyRow>({
  name: 'WalletCopy',
  tableName: 'wallet_copy',
  columns: {
    credentialId: { ...columns.text, name: 'credential_id', primary: true },
    documentId,
    configurationId,
    sessionId,
    generation: columns.integer,
    supersededBy: { ...columns.text, name: 'superseded_by', nullable: true },
  },
});

const deliveryEntity = new EntitySchema<DeliveryRow>({
  name: 'WalletDelivery',
  tableName: 'wallet_delivery',
  columns: { digest, documentId, sessionId, events: columns.text, expiresAt },
});

const deferralEntity = new EntitySchema<DeferralRow>({
  name: 'WalletDeferral',
  tableName: 'wallet_deferral',
  columns: { digest, documentId, configurationId, sessionId, holders: columns.text, expiresAt },
});

/** The tables of this room. */
export const credentialIssuerEntities = [nonceEntity, proofEntity, copyEntity, deliveryEntity, deferralEntity];

/** Gives a nonce to a session if nobody has it; whether it is that session's now. */
export async function bindNonce(tx: Tx, row: NonceRow): Promise<boolean> {
  await tx.createQueryBuilder().insert().into(nonceEntity).values(row).orIgnore().updateEntity(false).execute();
  const bound = await tx.findOneByOrFail(nonceEntity, { digest: row.digest });
  return bound.sessionId === row.sessionId;
}

/** Uses a proof up; false when another request did before. */
export async function useProof(tx: Tx, row: ProofRow): Promise<boolean> {
  await tx.createQueryBuilder().insert().into(proofEntity).values(row).orIgnore().updateEntity(false).execute();
  const used = await tx.findOneByOrFail(proofEntity, { digest: row.digest });
  return used.requestId === row.requestId;
}

export function insertCopies(tx: Tx, rows: readonly CopyRow[]): Promise<unknown> {
  return tx.insert(copyEntity, [...rows]);
}

/** Every copy of a document, dead ones too. */
export function findCopies(tx: Tx, document: string): Promise<CopyRow[]> {
  return tx.findBy(copyEntity, { documentId: document });
}

/** The copies that nobody has taken the place of; some of them may be revoked or burnt. */
export function findCurrentCopies(tx: Tx, documents: readonly string[]): Promise<CopyRow[]> {
  return tx.findBy(copyEntity, { documentId: In([...documents]), supersededBy: IsNull() });
}

export function supersede(tx: Tx, credentialIds: readonly string[], session: string): Promise<unknown> {
  return tx.update(copyEntity, { credentialId: In([...credentialIds]) }, { supersededBy: session });
}

export function insertDelivery(tx: Tx, row: DeliveryRow): Promise<unknown> {
  return tx.insert(deliveryEntity, row);
}

/** Locks the row on both databases by an update that changes nothing. */
export async function lockDelivery(tx: Tx, digestOfId: string): Promise<DeliveryRow | null> {
  await tx.update(deliveryEntity, { digest: digestOfId }, { events: () => 'events' });
  return tx.findOneBy(deliveryEntity, { digest: digestOfId });
}

export function updateEvents(tx: Tx, digestOfId: string, events: string): Promise<unknown> {
  return tx.update(deliveryEntity, { digest: digestOfId }, { events });
}

/** A wallet that asks again for what it waits for waits once. */
export async function replaceDeferral(tx: Tx, row: DeferralRow): Promise<void> {
  const { documentId, configurationId, sessionId } = row;
  await tx.delete(deferralEntity, { documentId, configurationId, sessionId });
  await tx.insert(deferralEntity, row);
}

export function findDeferral(tx: Tx, digestOfId: string): Promise<DeferralRow | null> {
  return tx.findOneBy(deferralEntity, { digest: digestOfId });
}

/** False when it is gone already. */
export async function removeDeferral(tx: Tx, digestOfId: string): Promise<boolean> {
  const result = await tx.delete(deferralEntity, { digest: digestOfId });
  return result.affected === 1;
}

/** Forgets what is no longer good for anything. */
export async function forgetExpired(tx: Tx, now: string): Promise<void> {
  for (const entity of [nonceEntity, proofEntity, deliveryEntity, deferralEntity]) {
    await tx.delete(entity, { expiresAt: LessThanOrEqual(now) });
  }
}
