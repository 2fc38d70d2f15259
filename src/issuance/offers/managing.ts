/** What HR does with an offer that exists: read, release, withdraw, send again, and hand it to a wallet themselves. */
import { ServiceError } from '../../errors.js';
import type { Tx } from '../../store/store.js';
import { allowedTries, defaultHours, hoursAfter, keepUntil, type OffersContext } from './context.js';
import { type DocumentView, toView } from './documents.js';
import { isTakeable, lifeOf, type OfferLife } from './life.js';
import { type GrantType, type MintedOffer, mint } from './minting.js';
import type { WithdrawReason } from './reasons.js';
import {
  type DocumentRow,
  findDocuments,
  findOffer,
  lockOffer,
  type OfferRow,
  prolongDocuments,
  updateDocuments,
  updateOffer,
} from './store.js';
import type { WalletFormat } from './wallet-formats.js';

type Facts = Omit<DocumentRow, 'content'>;

/** What HR's system reads of an offer. */
export interface OfferView {
  readonly offerId: string;
  readonly state: OfferLife;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly triesLeft: number;
  readonly documents: readonly DocumentView[];
}

/** The new link and code, once. */
export interface ResentOffer {
  readonly offerId: string;
  readonly link: string;
  readonly txCode?: string;
  readonly expiresAt: string;
}

/** Who asks. */
export interface Actor {
  readonly clientId: string;
}

export interface MintRequest {
  readonly offerId: string;
  /** All that can be taken, when absent. */
  readonly documentIds?: readonly string[];
  readonly walletFormats?: readonly WalletFormat[];
  readonly grantType: GrantType;
}

interface Locked {
  readonly offer: OfferRow;
  readonly documents: readonly Facts[];
  readonly life: OfferLife;
}

function noSuchOffer(): ServiceError {
  return new ServiceError('not_found', 'There is no such offer.');
}

async function lock(context: OffersContext, tx: Tx, offerId: string): Promise<Locked> {
  const offer = await lockOffer(tx, offerId);
  if (offer === null) throw noSuchOffer();
  const documents = await findDocuments(tx, offerId);
  return { offer, documents, life: lifeOf(offer, documents, context.now()) };
}

/** The named documents, or all of them; a name that is none of this offer's is a mistake. */
function choose(documents: readonly Facts[], ids: readonly string[] | undefined): readonly Facts[] {
  if (ids === undefined) return documents;
  const known = new Set(documents.map(({ id }) => id));
  const unknown = ids.findIndex((id) => !known.has(id));
  if (unknown < 0) return documents.filter(({ id }) => ids.includes(id));
  const fault = { path: `/documentIds/${unknown}`, detail: 'is no document of this offer' };
  throw new ServiceError('invalid_request', `The body is not valid at ${fault.path}: ${fault.detail}.`, {
    faults: [fault],
  });
}

function view(context: OffersContext, offer: OfferRow, documents: readonly Facts[]): OfferView {
  const { id, createdAt, expiresAt, triesLeft } = offer;
  const state = lifeOf(offer, documents, context.now());
  return { offerId: id, state, createdAt, expiresAt, triesLeft, documents: documents.map(toView) };
}

export async function readOffer(context: OffersContext, offerId: string): Promise<OfferView> {
  return context.store.read((tx) => viewOf(context, tx, offerId));
}

async function viewOf(context: OffersContext, tx: Tx, offerId: string): Promise<OfferView> {
  const offer = await findOffer(tx, offerId);
  if (offer === null) throw noSuchOffer();
  return view(context, offer, await findDocuments(tx, offerId));
}

/** Which documents, all of them when they are not named, and why. */
export interface WithdrawRequest {
  readonly offerId: string;
  readonly documentIds?: readonly string[];
  readonly reason: WithdrawReason;
}

export async function withdrawOffer(
  context: OffersContext,
  request: WithdrawRequest,
  actor: Actor,
): Promise<OfferView> {
  return context.store.transaction(async (tx) => {
    await withdrawIn(context, tx, request, actor);
    return viewOf(context, tx, request.offerId);
  });
}

/** What cannot be withdrawn is passed over where the whole offer is meant, and a conflict where it was named. */
export async function withdrawIn(
  context: OffersContext,
  tx: Tx,
  { offerId, documentIds, reason }: WithdrawRequest,
  { clientId }: Actor,
): Promise<void> {
  const { offer, documents } = await lock(context, tx, offerId);
  const chosen = choose(documents, documentIds).filter(({ state }) => state !== 'withdrawn');
  const over = chosen.filter(({ state }) => state === 'declined');
  if (documentIds !== undefined && over.length > 0) throw new ServiceError('conflict', 'The person declined it.');
  const ids = chosen.filter(({ state }) => state !== 'declined').map(({ id }) => id);
  const done = documentIds !== undefined || offer.state === 'withdrawn';
  if (ids.length === 0 && done) return;
  const changedAt = context.now().toISOString();
  await updateDocuments(tx, ids, { state: 'withdrawn', reason, changedAt, content: null, keepUntil: null });
  const whole = documentIds === undefined ? ({ state: 'withdrawn' } as const) : {};
  // A repeated request to create must not hand out a link to what is withdrawn.
  await updateOffer(tx, offerId, { ...whole, changedAt, answer: null });
  const data = { documents: ids.length, reason, whole: documentIds === undefined };
  const event = { action: 'offer.withdrawn', actor: clientId, subject: offerId, data } as const;
  await context.audit.record(tx, { ...event, outcome: 'success' });
}

/** A new link, a new code and five new tries; whatever of the old ones is out there opens nothing any more. */
export async function resendOffer(
  context: OffersContext,
  { offerId, expiresInHours = defaultHours }: { offerId: string; expiresInHours?: number },
  { clientId }: Actor,
): Promise<ResentOffer> {
  const { secrets, publicUrl } = context;
  return context.store.transaction(async (tx) => {
    const { offer, documents } = await lock(context, tx, offerId);
    const generation = offer.generation + 1;
    if (offer.state === 'withdrawn' || !documents.some((document) => isTakeable(document, { generation }))) {
      throw new ServiceError('conflict', 'Nothing of this offer is left to send; make a new one.');
    }
    const link = secrets.newLink();
    const txCode = offer.codeDigest === null ? undefined : secrets.newCode();
    const now = context.now();
    const expiresAt = hoursAfter(now, expiresInHours);
    await updateOffer(tx, offerId, {
      generation,
      changedAt: now.toISOString(),
      expiresAt,
      linkDigest: secrets.digest(link),
      codeDigest: txCode === undefined ? null : secrets.codeDigest(txCode, { offerId, generation }),
      triesLeft: allowedTries,
      answer: null,
    });
    await prolongDocuments(tx, offerId, keepUntil(expiresAt));
    const data = { generation };
    const event = { action: 'offer.resent', actor: clientId, subject: offerId, data } as const;
    await context.audit.record(tx, { ...event, outcome: 'success' });
    return { offerId, link: `${publicUrl}/passport/${link}`, ...(txCode !== undefined && { txCode }), expiresAt };
  });
}

/** What was not ready is: wallets that wait receive it, pages show it. A repeated call changes nothing. */
export async function releaseDocuments(
  context: OffersContext,
  { offerId, documentIds }: { offerId: string; documentIds: readonly string[] },
  { clientId }: Actor,
): Promise<OfferView> {
  return context.store.transaction(async (tx) => {
    const { offer, documents } = await lock(context, tx, offerId);
    const chosen = choose(documents, documentIds);
    const over = chosen.some(({ state }) => state === 'declined' || state === 'withdrawn');
    if (offer.state === 'withdrawn' || over) throw new ServiceError('conflict', 'A document is not offered any more.');
    const ids = chosen.filter(({ state }) => state === 'pending').map(({ id }) => id);
    if (ids.length > 0) {
      await updateDocuments(tx, ids, { state: 'offered', changedAt: context.now().toISOString() });
      const data = { documents: ids.length };
      const event = { action: 'offer.released', actor: clientId, subject: offerId, data } as const;
      await context.audit.record(tx, { ...event, outcome: 'success' });
    }
    return viewOf(context, tx, offerId);
  });
}

/** One credential offer for several documents, for a system that speaks to a wallet itself. */
export async function mintForSystem(
  context: OffersContext,
  request: MintRequest,
  { clientId }: Actor,
): Promise<MintedOffer> {
  const { offerId, documentIds, grantType, walletFormats = ['sd_jwt'] } = request;
  return context.store.transaction(async (tx) => {
    const { offer, documents, life } = await lock(context, tx, offerId);
    if (life !== 'open') throw new ServiceError('conflict', `The offer is ${life}.`);
    const taken = choose(documents, documentIds).filter(
      (document) => documentIds !== undefined || mayBeMinted(document, offer, grantType),
    );
    refuseUnmintable(taken, offer, grantType);
    const [minted] = await mint(context, tx, offer, [{ documents: taken, walletFormats, grantType, signedIn: false }]);
    if (minted === undefined) throw new ServiceError('internal', 'Nothing was made.');
    const data = { documents: taken.length, grantType };
    const event = { action: 'offer.minted', actor: clientId, subject: offerId, data } as const;
    await context.audit.record(tx, { ...event, outcome: 'success' });
    return minted;
  });
}

function mayBeMinted(document: Facts, offer: OfferRow, grantType: GrantType): boolean {
  return isTakeable(document, offer) && (grantType === 'authorization_code' || !document.signInRequired);
}

/** Without a code or a sign-in, whoever sees the QR code would have the documents. */
function refuseUnmintable(documents: readonly Facts[], offer: OfferRow, grantType: GrantType): void {
  if (documents.length === 0) throw new ServiceError('conflict', 'Nothing of this offer can be taken in this way.');
  if (documents.some((document) => !isTakeable(document, offer)))
    throw new ServiceError('conflict', 'A document can not be taken any more.');
  if (grantType === 'authorization_code') {
    if (offer.personDigest !== null) return;
    throw new ServiceError('conflict', 'The offer does not say who would have to sign in.');
  }
  if (offer.codeDigest === null)
    throw new ServiceError('conflict', 'This offer has no code; use the grant authorization_code.');
  if (documents.some(({ signInRequired }) => signInRequired))
    throw new ServiceError('conflict', 'A document requires sign-in; use the grant authorization_code for it.');
}
