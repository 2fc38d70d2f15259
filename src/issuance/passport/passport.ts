/**
 * The person's side of an offer: the link, the code or the sign-in, the choice, and the credential offers for the wallet.
 * The link alone shows how many documents there are and nothing else. A visit lasts a quarter of an hour in one browser.
 * Called by the pages of this room; works on the tables of offers/ by the functions of that room.
 */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../json.js';
import type { Tx } from '../../store/store.js';
import { tryCode } from '../offers/codes.js';
import { earlierOf, holder, hoursAfter } from '../offers/context.js';
import { openContent } from '../offers/documents.js';
import { isTakeable, lifeOf, type OfferLife } from '../offers/life.js';
import { type MintedOffer, type Minting, mint, readMinted } from '../offers/minting.js';
import type { OffersContext } from '../offers/offers.js';
import type { DeclineReason } from '../offers/reasons.js';
import { isSameDigest } from '../offers/secrets.js';
import {
  type DocumentRow,
  findContents,
  findDocuments,
  findOfferByLink,
  forgetCredentialOffersOfSession,
  lockOffer,
  type OfferRow,
  updateDocuments,
} from '../offers/store.js';
import {
  deleteExpiredSessions,
  deleteSession,
  findSession,
  insertSession,
  type PassportSessionRow,
  updateSession,
} from './store.js';
import { findWallet, type Wallet } from './wallets.js';

export { passportEntities } from './store.js';

/** What anybody who has the link may see. */
export interface Look {
  readonly life: OfferLife;
  readonly documents: number;
  readonly asksCode: boolean;
  readonly offersSignIn: boolean;
}

/** How opening went: the cookie's value, or why there is none. */
export type Entered =
  | { readonly session: string }
  | { readonly refused: 'over' | 'somebody_else' }
  | { readonly refused: 'wrong_code'; readonly triesLeft: number };

export interface VisitedDocument {
  readonly id: string;
  readonly type: string;
  readonly state: DocumentRow['state'];
  /** ready: can be taken now; signIn: after a sign-in; later: HR is preparing it; over: in a wallet, or not offered. */
  readonly standing: 'ready' | 'signIn' | 'later' | 'over';
  /** It went into a wallet before; taking it again ends that copy. */
  readonly again: boolean;
  /** What it says, while that is kept. */
  readonly credential: JsonObject | undefined;
}

export interface Visit {
  readonly life: OfferLife;
  readonly signedIn: boolean;
  readonly offersSignIn: boolean;
  /** Stands in every form: what another site sends has the cookie, but not this. */
  readonly csrf: string;
  readonly documents: readonly VisitedDocument[];
  readonly wallet: Wallet | undefined;
  readonly minted: readonly MintedOffer[];
  readonly expiresAt: string;
}

/** What the person decided; documents that are named nowhere are left for later. */
export interface Choice {
  readonly wallet: Wallet;
  readonly take: readonly string[];
  readonly decline: ReadonlyMap<string, DeclineReason>;
}

export interface Passport {
  /** Undefined where the link is not known. */
  look(link: string): Promise<Look | undefined>;
  enter(link: string, code: string): Promise<Entered>;
  /** `subject` is who signed in. */
  enterSignedIn(link: string, subject: string): Promise<Entered>;
  /** Undefined where the cookie opens nothing here: it is over, or of another link. */
  visit(link: string, session: string | undefined): Promise<Visit | undefined>;
  /** False where the visit is over. */
  choose(link: string, session: string | undefined, choice: Choice): Promise<boolean>;
  leave(session: string | undefined): Promise<void>;
}

/** Long enough to read 64 documents, short enough for a computer on a ward. */
const visitHours = 0.25;
const sessionBytes = 32;

export interface PassportDependencies {
  readonly context: OffersContext;
  readonly random: (size: number) => Buffer;
}

interface Opened {
  readonly offer: OfferRow;
  readonly documents: readonly Omit<DocumentRow, 'content'>[];
  readonly life: OfferLife;
  readonly session: PassportSessionRow;
}

export function createPassport({ context, random }: PassportDependencies): Passport {
  const { store } = context;
  const within = <T>(work: (tx: Tx) => Promise<T>) => store.transaction(work);
  return {
    look: (link) => store.read((tx) => look(context, tx, link)),
    enter: (link, code) =>
      within(async (tx) => {
        const found = await lockByLink(context, tx, link);
        if (found?.life !== 'open' || found.offer.codeDigest === null) return { refused: 'over' };
        const outcome = await tryCode(context, tx, found.offer, { code, place: 'page' });
        if (!outcome.right) return { refused: 'wrong_code', triesLeft: outcome.triesLeft };
        return open(context, tx, found.offer, { signedIn: false, session: random(sessionBytes).toString('base64url') });
      }),
    enterSignedIn: (link, subject) =>
      within(async (tx) => {
        const found = await lockByLink(context, tx, link);
        if (found?.life !== 'open') return { refused: 'over' };
        const person = context.secrets.personDigest(subject);
        if (!isSameDigest(person, found.offer.personDigest ?? '')) return refuseStranger(context, tx, found.offer);
        return open(context, tx, found.offer, { signedIn: true, session: random(sessionBytes).toString('base64url') });
      }),
    visit: (link, session) => store.read((tx) => readVisit(context, tx, { link, session })),
    choose: (link, session, choice) => within((tx) => choose(context, tx, { link, session, choice })),
    leave: (session) => within((tx) => leave(context, tx, session)),
  };
}

async function look(context: OffersContext, tx: Tx, link: string): Promise<Look | undefined> {
  const offer = await findOfferByLink(tx, context.secrets.digest(link));
  if (offer === null) return undefined;
  const documents = await findDocuments(tx, offer.id);
  return {
    life: lifeOf(offer, documents, context.now()),
    documents: documents.filter((document) => isTakeable(document, offer)).length,
    asksCode: offer.codeDigest !== null,
    offersSignIn: offersSignIn(context, offer),
  };
}

function offersSignIn({ canSignIn }: OffersContext, { personDigest }: OfferRow): boolean {
  return canSignIn && personDigest !== null;
}

async function lockByLink(context: OffersContext, tx: Tx, link: string) {
  const found = await findOfferByLink(tx, context.secrets.digest(link));
  const offer = found === null ? null : await lockOffer(tx, found.id);
  // A resend may have replaced the link while we waited for the lock.
  if (offer === null || offer.linkDigest !== found?.linkDigest) return undefined;
  const documents = await findDocuments(tx, offer.id);
  return { offer, documents, life: lifeOf(offer, documents, context.now()) };
}

async function open(
  context: OffersContext,
  tx: Tx,
  offer: OfferRow,
  { signedIn, session }: { signedIn: boolean; session: string },
): Promise<Entered> {
  const now = context.now();
  await deleteExpiredSessions(tx, now.toISOString());
  await insertSession(tx, {
    digest: context.secrets.digest(session),
    offerId: offer.id,
    generation: offer.generation,
    signedIn,
    wallet: null,
    expiresAt: earlierOf(hoursAfter(now, visitHours), offer.expiresAt),
  });
  const event = { action: 'offer.opened', actor: holder, subject: offer.id, data: { signedIn } } as const;
  await context.audit.record(tx, { ...event, outcome: 'success' });
  return { session };
}

async function refuseStranger(context: OffersContext, tx: Tx, { id }: OfferRow): Promise<Entered> {
  const event = { action: 'offer.person_refused', actor: holder, subject: id, outcome: 'refused' } as const;
  await context.audit.record(tx, event);
  return { refused: 'somebody_else' };
}

interface Visiting {
  readonly link: string;
  readonly session: string | undefined;
}

/** The visit that a cookie stands for, if it is one of this very link, of its present generation, and not over. */
async function findVisit(context: OffersContext, tx: Tx, { link, session }: Visiting): Promise<Opened | undefined> {
  if (session === undefined) return undefined;
  const row = await findSession(tx, context.secrets.digest(session));
  const offer = await findOfferByLink(tx, context.secrets.digest(link));
  if (row === null || offer === null || row.expiresAt <= context.now().toISOString()) return undefined;
  if (row.offerId !== offer.id || row.generation !== offer.generation) return undefined;
  const documents = await findDocuments(tx, offer.id);
  const life = lifeOf(offer, documents, context.now());
  // What was used can still be looked at to see that everything arrived.
  return life === 'open' || life === 'used' ? { offer, documents, life, session: row } : undefined;
}

function csrfOf(session: string): string {
  return createHash('sha256').update(`csrf\n${session}`).digest('base64url');
}

function standingOf(document: Omit<DocumentRow, 'content'>, { offer, session }: Opened): VisitedDocument['standing'] {
  if (!isTakeable(document, offer)) return 'over';
  if (document.state === 'pending') return 'later';
  return document.signInRequired && !session.signedIn ? 'signIn' : 'ready';
}

async function readVisit(context: OffersContext, tx: Tx, visiting: Visiting): Promise<Visit | undefined> {
  const opened = await findVisit(context, tx, visiting);
  if (opened === undefined || visiting.session === undefined) return undefined;
  const { offer, documents, life, session } = opened;
  const shown = documents.filter(({ state }) => state !== 'withdrawn');
  const rows = await findContents(
    tx,
    shown.map(({ id }) => id),
  );
  return {
    life,
    signedIn: session.signedIn,
    offersSignIn: offersSignIn(context, offer),
    csrf: csrfOf(visiting.session),
    documents: rows.map((row) => ({
      id: row.id,
      type: row.type,
      state: row.state,
      standing: standingOf(row, opened),
      again: row.state === 'issued',
      // Without sign-in only that it exists: the code came by another way, but it is no proof of who reads.
      credential: visible(row, opened) ? openContent(context, row) : undefined,
    })),
    wallet: findWallet(session.wallet),
    minted: inOrderOf(documents, await readMinted(context, tx, session.digest)),
    expiresAt: session.expiresAt,
  };
}

/** As the person saw them: HR's order. */
function inOrderOf(documents: Opened['documents'], minted: readonly MintedOffer[]): MintedOffer[] {
  const places = new Map(documents.map(({ id, place }) => [id, place]));
  const placeOf = ({ documentIds }: MintedOffer) => places.get(documentIds[0] ?? '') ?? 0;
  return minted.toSorted((one, other) => placeOf(one) - placeOf(other));
}

function visible(row: DocumentRow, opened: Opened): boolean {
  return (
    row.content !== null && standingOf(row, opened) !== 'signIn' && (!row.signInRequired || opened.session.signedIn)
  );
}

async function choose(
  context: OffersContext,
  tx: Tx,
  { link, session, choice }: Visiting & { choice: Choice },
): Promise<boolean> {
  await lockByLink(context, tx, link);
  const opened = await findVisit(context, tx, { link, session });
  if (opened === undefined) return false;
  const { offer, documents } = opened;
  const ready = documents.filter((document) => standingOf(document, opened) === 'ready');
  for (const document of ready) {
    const reason = choice.decline.get(document.id);
    // What is in a wallet already is not declined by leaving it out here.
    if (reason !== undefined && document.state !== 'issued') await decline(context, tx, document.id, reason);
  }
  const taken = ready.filter(({ id }) => choice.take.includes(id) && !choice.decline.has(id));
  // The QR codes of an earlier choice must not stay open beside those of this one.
  await forgetCredentialOffersOfSession(tx, opened.session.digest);
  await updateSession(tx, opened.session.digest, { wallet: choice.wallet.id });
  if (taken.length === 0) return true;
  const minted = await mint(context, tx, offer, mintingsFor(taken, choice.wallet, opened.session));
  const data = { documents: taken.length, offers: minted.length, signedIn: opened.session.signedIn };
  const event = { action: 'offer.chosen', actor: holder, subject: offer.id, data } as const;
  await context.audit.record(tx, { ...event, outcome: 'success' });
  return true;
}

function mintingsFor(
  taken: readonly Omit<DocumentRow, 'content'>[],
  wallet: Wallet,
  { signedIn, digest }: PassportSessionRow,
): Minting[] {
  const rest = { walletFormats: [wallet.walletFormat], signedIn, sessionDigest: digest };
  const groups = wallet.takes === 'all' ? [taken] : taken.map((document) => [document]);
  return groups.map((documents) => ({ documents, grantType: 'pre-authorized_code', ...rest }));
}

async function decline(context: OffersContext, tx: Tx, documentId: string, reason: DeclineReason): Promise<void> {
  const changedAt = context.now().toISOString();
  // Its content is not needed any more, whatever was wrong with it.
  await updateDocuments(tx, [documentId], { state: 'declined', reason, changedAt, content: null, keepUntil: null });
  const event = { action: 'offer.document_declined', actor: holder, subject: documentId, data: { reason } } as const;
  await context.audit.record(tx, { ...event, outcome: 'success' });
}

async function leave(context: OffersContext, tx: Tx, session: string | undefined): Promise<void> {
  if (session === undefined) return;
  const digest = context.secrets.digest(session);
  await forgetCredentialOffersOfSession(tx, digest);
  await deleteSession(tx, digest);
}
