/** The documents of an offer, for those who issue them and those who follow them. */
import { ServiceError } from '../../errors.js';
import { isJsonObject, type JsonObject, parseJson } from '../../json.js';
import type { Tx } from '../../store/store.js';
import { contentPlace, keepUntil, laterOf, type OffersContext } from './context.js';
import {
  type DocumentRow,
  type DocumentState,
  findContents,
  findDocumentsById,
  lockOffer,
  updateDocuments,
} from './store.js';

/** A document of somebody's passport; the id is its credential_identifier. */
export interface OfferedDocument {
  readonly id: string;
  readonly offerId: string;
  readonly type: string;
  readonly state: DocumentState;
  readonly signInRequired: boolean;
}

/** What HR's system reads of a document: never its claims. */
export interface DocumentView {
  readonly id: string;
  readonly type: string;
  readonly state: DocumentState;
  readonly signInRequired: boolean;
  readonly reason?: string;
  readonly issuedAt?: string;
}

export function toView(row: Omit<DocumentRow, 'content'>): DocumentView {
  const { id, type, state, signInRequired, reason, issuedAt } = row;
  return {
    id,
    type,
    state,
    signInRequired,
    ...(reason !== null && { reason }),
    ...(issuedAt !== null && { issuedAt }),
  };
}

export async function readDocuments(tx: Tx, ids: readonly string[]): Promise<OfferedDocument[]> {
  const rows = await findDocumentsById(tx, ids);
  return rows.map(({ id, offerId, type, state, signInRequired }) => ({ id, offerId, type, state, signInRequired }));
}

/** Opens a sealed content; what is forgotten is gone. */
export function openContent({ box }: Pick<OffersContext, 'box'>, { id, content }: DocumentRow): JsonObject {
  if (content === null) throw new ServiceError('gone', 'The content of this document is not kept any more.');
  const credential = parseJson(box.open(content, contentPlace(id)));
  if (!isJsonObject(credential)) throw new ServiceError('internal', 'A sealed content is no credential.');
  return credential;
}

export async function readContent(context: OffersContext, tx: Tx, documentId: string): Promise<JsonObject> {
  const [row] = await findContents(tx, [documentId]);
  if (row === undefined) throw new ServiceError('not_found', 'There is no such document.');
  return openContent(context, row);
}

/** The caller records it: the credential's id belongs into that record, and is not known here. */
export async function markIssued(
  context: OffersContext,
  tx: Tx,
  { documentId, generation }: { documentId: string; generation: number },
): Promise<void> {
  const [row] = await findDocumentsById(tx, [documentId]);
  const offer = row === undefined ? null : await lockOffer(tx, row.offerId);
  const [document] = await findDocumentsById(tx, [documentId]);
  if (document === undefined || offer === null) throw new ServiceError('not_found', 'There is no such document.');
  if (document.state === 'declined' || document.state === 'withdrawn') {
    throw new ServiceError('conflict', `The document was ${document.state} meanwhile.`);
  }
  const now = context.now().toISOString();
  const kept = keepUntil(now);
  await updateDocuments(tx, [documentId], {
    state: 'issued',
    reason: null,
    changedAt: now,
    issuedAt: now,
    // A wallet of before a resend that renews what it has does not use up what was sent again.
    issuedGeneration: Math.max(document.issuedGeneration ?? 0, generation),
    // What was forgotten does not come back.
    ...(document.keepUntil !== null && { keepUntil: laterOf(kept, document.keepUntil) }),
  });
}
