import { EntitySchema, In, IsNull, LessThanOrEqual, MoreThan, Not } from 'typeorm';
import { columns, type Tx } from '../../store/store.js';

/** What HR prepared for one person. A resend counts the generation up: links, codes and sessions of before are dead. */
export interface OfferRow {
  readonly id: string;
  readonly clientId: string;
  readonly state: 'open' | 'withdrawn';
  readonly generation: number;
  readonly createdAt: string;
  readonly changedAt: string;
  readonly expiresAt: string;
  readonly linkDigest: string;
  /** Null where the person can only sign in. */
  readonly codeDigest: string | null;
  readonly triesLeft: number;
  readonly personDigest: string | null;
  readonly idempotencyKey: string | null;
  readonly bodyDigest: string | null;
  /** The sealed first answer, with link and code, for as long as the request may be repeated. */
  readonly answer: Buffer | null;
  readonly answerUntil: string | null;
}

/** pending: not ready yet; offered; issued: into a wallet; declined by the person; withdrawn by HR. */
export type DocumentState = 'pending' | 'offered' | 'issued' | 'declined' | 'withdrawn';

export interface DocumentRow {
  readonly id: string;
  readonly offerId: string;
  readonly place: number;
  readonly type: string;
  readonly state: DocumentState;
  readonly signInRequired: boolean;
  readonly reason: string | null;
  readonly changedAt: string;
  readonly issuedAt: string | null;
  /** The generation of the offer in which it was last issued. */
  readonly issuedGeneration: number | null;
  readonly keepUntil: string | null;
  readonly content: Buffer | null;
}

/** A credential offer of OpenID4VCI (4.1). What the wallet fetches it by and redeems is derived from its id. */
export interface CredentialOfferRow {
  readonly id: string;
  readonly idDigest: string;
  readonly secretDigest: string;
  readonly offerId: string;
  readonly generation: number;
  readonly grantType: 'pre-authorized_code' | 'authorization_code';
  readonly documentIds: string;
  readonly configurationIds: string;
  readonly signedIn: boolean;
  readonly sessionDigest: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly usedAt: string | null;
}

const nullableText = { ...columns.text, nullable: true } as const;

const offerEntity = new EntitySchema<OfferRow>({
  name: 'Offer',
  tableName: 'offer',
  columns: {
    id: { ...columns.text, primary: true },
    clientId: { ...columns.text, name: 'client_id' },
    state: columns.text,
    generation: columns.integer,
    createdAt: { ...columns.text, name: 'created_at' },
    changedAt: { ...columns.text, name: 'changed_at' },
    expiresAt: { ...columns.text, name: 'expires_at' },
    linkDigest: { ...columns.text, name: 'link_digest' },
    codeDigest: { ...nullableText, name: 'code_digest' },
    triesLeft: { ...columns.integer, name: 'tries_left' },
    personDigest: { ...nullableText, name: 'person_digest' },
    idempotencyKey: { ...nullableText, name: 'idempotency_key' },
    bodyDigest: { ...nullableText, name: 'body_digest' },
    answer: { ...columns.blob, nullable: true },
    answerUntil: { ...nullableText, name: 'answer_until' },
  },
});

const documentEntity = new EntitySchema<DocumentRow>({
  name: 'OfferDocument',
  tableName: 'offer_document',
  columns: {
    id: { ...columns.text, primary: true },
    offerId: { ...columns.text, name: 'offer_id' },
    place: columns.integer,
    type: columns.text,
    state: columns.text,
    signInRequired: { ...columns.boolean, name: 'sign_in_required' },
    reason: nullableText,
    changedAt: { ...columns.text, name: 'changed_at' },
    issuedAt: { ...nullableText, name: 'issued_at' },
    issuedGeneration: { ...columns.integer, name: 'issued_generation', nullable: true },
    keepUntil: { ...nullableText, name: 'keep_until' },
    content: { ...columns.blob, nullable: true },
  },
});

const credentialOfferEntity = new EntitySchema<CredentialOfferRow>({
  name: 'CredentialOffer',
  tableName: 'credential_offer',
  columns: {
    id: { ...columns.text, primary: true },
    idDigest: { ...columns.text, name: 'id_digest' },
    secretDigest: { ...columns.text, name: 'secret_digest' },
    offerId: { ...columns.text, name: 'offer_id' },
    generation: columns.integer,
    grantType: { ...columns.text, name: 'grant_type' },
    documentIds: { ...columns.text, name: 'document_ids' },
    configurationIds: { ...columns.text, name: 'configuration_ids' },
    signedIn: { ...columns.boolean, name: 'signed_in' },
    sessionDigest: { ...nullableText, name: 'session_digest' },
    createdAt: { ...columns.text, name: 'created_at' },
    expiresAt: { ...columns.text, name: 'expires_at' },
    usedAt: { ...nullableText, name: 'used_at' },
  },
});

/** The tables of this room. */
export const offersEntities = [offerEntity, documentEntity, credentialOfferEntity];

export function insertOffer(tx: Tx, row: OfferRow): Promise<unknown> {
  return tx.insert(offerEntity, row);
}

export function findOffer(tx: Tx, id: string): Promise<OfferRow | null> {
  return tx.findOneBy(offerEntity, { id });
}

export function findOfferByLink(tx: Tx, linkDigest: string): Promise<OfferRow | null> {
  return tx.findOneBy(offerEntity, { linkDigest });
}

export function findOfferByIdempotencyKey(tx: Tx, clientId: string, idempotencyKey: string): Promise<OfferRow | null> {
  return tx.findOneBy(offerEntity, { clientId, idempotencyKey });
}

/** Open offers of a person that have not expired; the one that ends first comes first. */
export function findOffersOfPerson(tx: Tx, personDigest: string, now: string, limit: number): Promise<OfferRow[]> {
  const where = { personDigest, state: 'open' as const, expiresAt: MoreThan(now) };
  return tx.find(offerEntity, { where, order: { expiresAt: 'ASC', id: 'ASC' }, take: limit });
}

/**
 * Whatever counts tries or changes documents locks the offer first, by an update that changes nothing: SQLite knows no
 * SELECT ... FOR UPDATE.
 */
export async function lockOffer(tx: Tx, id: string): Promise<OfferRow | null> {
  await tx.update(offerEntity, { id }, { state: () => 'state' });
  return findOffer(tx, id);
}

export function updateOffer(tx: Tx, id: string, values: Partial<OfferRow>): Promise<unknown> {
  return tx.update(offerEntity, { id }, values);
}

export function insertDocuments(tx: Tx, rows: readonly DocumentRow[]): Promise<unknown> {
  return tx.insert(documentEntity, [...rows]);
}

type DocumentFacts = Omit<DocumentRow, 'content'>;

/** Everything but the contents, which are large and wanted by few. */
const facts = Object.fromEntries(
  Object.keys(documentEntity.options.columns).map((name) => [name, name !== 'content']),
) as Record<keyof DocumentRow, boolean>;

/** The documents of an offer in HR's order. */
export function findDocuments(tx: Tx, offerId: string): Promise<DocumentFacts[]> {
  return tx.find(documentEntity, { select: facts, where: { offerId }, order: { place: 'ASC' } });
}

export function findDocumentsById(tx: Tx, ids: readonly string[]): Promise<DocumentFacts[]> {
  return tx.find(documentEntity, {
    select: facts,
    where: { id: In([...ids]) },
    order: { offerId: 'ASC', place: 'ASC' },
  });
}

/** With their contents. */
export function findContents(tx: Tx, ids: readonly string[]): Promise<DocumentRow[]> {
  return tx.find(documentEntity, { where: { id: In([...ids]) }, order: { place: 'ASC' } });
}

export function updateDocuments(tx: Tx, ids: readonly string[], values: Partial<DocumentRow>): Promise<unknown> {
  return tx.update(documentEntity, { id: In([...ids]) }, values);
}

/** Contents that are still there live on with the offer. */
export function prolongDocuments(tx: Tx, offerId: string, keepUntil: string): Promise<unknown> {
  return tx.update(documentEntity, { offerId, content: Not(IsNull()) }, { keepUntil });
}

export function insertCredentialOffers(tx: Tx, rows: readonly CredentialOfferRow[]): Promise<unknown> {
  return tx.insert(credentialOfferEntity, [...rows]);
}

export function findCredentialOffer(
  tx: Tx,
  by: { readonly idDigest: string } | { readonly secretDigest: string },
): Promise<CredentialOfferRow | null> {
  return tx.findOneBy(credentialOfferEntity, by);
}

export function findCredentialOffersOfSession(tx: Tx, sessionDigest: string, now: string) {
  const where = { sessionDigest, expiresAt: MoreThan(now) };
  return tx.find(credentialOfferEntity, { where, order: { createdAt: 'ASC', id: 'ASC' } });
}

/** How many wallets could redeem something of this offer now. */
export function countLiveCredentialOffers(tx: Tx, offerId: string, now: string): Promise<number> {
  return tx.countBy(credentialOfferEntity, { offerId, usedAt: IsNull(), expiresAt: MoreThan(now) });
}

/** Burns it; says whether it was still there to burn. */
export async function useCredentialOffer(tx: Tx, id: string, usedAt: string): Promise<boolean> {
  const { affected } = await tx.update(credentialOfferEntity, { id, usedAt: IsNull() }, { usedAt });
  return affected === 1;
}

export function forgetCredentialOffersOfSession(tx: Tx, sessionDigest: string): Promise<unknown> {
  return tx.delete(credentialOfferEntity, { sessionDigest, usedAt: IsNull() });
}

/** Forgets contents and answers whose time is over, and credential offers that have long expired. */
export async function purgeOffers(tx: Tx, now: string, longExpired: string): Promise<number> {
  const over = LessThanOrEqual(now);
  const results = [
    await tx.update(documentEntity, { keepUntil: over }, { content: null, keepUntil: null }),
    await tx.update(
      offerEntity,
      { answerUntil: over },
      { answer: null, answerUntil: null, idempotencyKey: null, bodyDigest: null },
    ),
    await tx.delete(credentialOfferEntity, { expiresAt: LessThanOrEqual(longExpired) }),
  ];
  return results.reduce((sum, { affected }) => sum + (affected ?? 0), 0);
}
