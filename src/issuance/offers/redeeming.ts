/**
 * From what a wallet holds to what it may have (OpenID4VCI 1.0 6). Refusals are returned, not thrown, so that a counted
 * try is committed. Whatever is wrong with the code itself is said before a transaction code is looked at: otherwise a
 * burnt or foreign code could be used to count somebody's tries down.
 */
import { OAuthError, type OAuthErrorCode } from '../../http/oauth-errors.js';
import type { Tx } from '../../store/store.js';
import { tryCode } from './codes.js';
import { holder, type OffersContext } from './context.js';
import { isTakeable, lifeOf, type OfferLife } from './life.js';
import { isCodeNeeded, isLive, takeableOf } from './minting.js';
import { isSameDigest } from './secrets.js';
import {
  type CredentialOfferRow,
  type DocumentRow,
  findCredentialOffer,
  findDocuments,
  findOffersOfPerson,
  lockOffer,
  type OfferRow,
  useCredentialOffer,
} from './store.js';
import { configurationIdOf, typeOfConfiguration, walletFormatNames } from './wallet-formats.js';

/** The documents of one offer, and the configurations that a wallet may receive them in. */
export interface Grant {
  readonly offerId: string;
  readonly documentIds: readonly string[];
  readonly configurationIds: readonly string[];
  readonly signedIn: boolean;
  /** Of the offer when this was granted; a resend counts it up. */
  readonly generation: number;
}

export type Redeemed = { readonly grant: Grant } | { readonly refused: OAuthError };

type Facts = Omit<DocumentRow, 'content'>;

function refuse(error: OAuthErrorCode, detail: string): Redeemed {
  return { refused: new OAuthError(error, detail) };
}

/** A credential offer with the offer that it was made of, which is locked now. */
interface Found {
  readonly row: CredentialOfferRow;
  readonly offer: OfferRow;
  readonly documents: readonly Facts[];
  readonly life: OfferLife;
}

async function find(
  context: OffersContext,
  tx: Tx,
  secret: string,
  grantType: CredentialOfferRow['grantType'],
): Promise<Found | undefined> {
  const by = { secretDigest: context.secrets.digest(secret) };
  const unlocked = await findCredentialOffer(tx, by);
  const offer = unlocked === null ? null : await lockOffer(tx, unlocked.offerId);
  // Read again: whoever had the lock before us may have used it.
  const row = await findCredentialOffer(tx, by);
  if (row === null || offer === null || row.grantType !== grantType) return undefined;
  const documents = await findDocuments(tx, offer.id);
  return { row, offer, documents, life: lifeOf(offer, documents, context.now()) };
}

/** Why nothing can be had of a credential offer any more, in words for a wallet. */
function overOf(context: OffersContext, found: Found | undefined): string | undefined {
  if (found === undefined) return 'The code is not known here.';
  const { row, offer, documents, life } = found;
  if (row.usedAt !== null) return 'The code was used already.';
  if (life === 'locked') return 'There were too many wrong codes: ask for the passport to be sent again.';
  if (!isLive(context, row, offer) || life !== 'open') return 'The code is not valid any more.';
  return takeableOf(row, offer, documents).length === 0 ? 'Nothing of this offer can be taken any more.' : undefined;
}

export async function redeemPreAuthorizedCode(
  context: OffersContext,
  tx: Tx,
  { code, txCode }: { code: string; txCode: string | undefined },
): Promise<Redeemed> {
  const found = await find(context, tx, code, 'pre-authorized_code');
  const over = overOf(context, found);
  if (found === undefined || over !== undefined) return refuse('invalid_grant', over ?? 'The code is not known here.');
  const refused = await checkTxCode(context, tx, found, txCode);
  if (refused !== undefined) return refused;
  const now = context.now().toISOString();
  if (!(await useCredentialOffer(tx, found.row.id, now))) return refuse('invalid_grant', 'The code was used already.');
  return { grant: await toGrant(context, tx, found, 'offer.redeemed') };
}

/** OpenID4VCI 1.0 6.3: a code that is missing, or that nobody asked for, is no try. */
async function checkTxCode(
  context: OffersContext,
  tx: Tx,
  { row, offer }: Found,
  txCode: string | undefined,
): Promise<Redeemed | undefined> {
  if (!isCodeNeeded(row)) {
    return txCode === undefined ? undefined : refuse('invalid_request', 'No tx_code belongs to this code.');
  }
  if (txCode === undefined) return refuse('invalid_request', 'The tx_code is missing.');
  const outcome = await tryCode(context, tx, offer, { code: txCode, place: 'token' });
  if (outcome.right) return undefined;
  const left = outcome.triesLeft === 0 ? 'none is left' : `${outcome.triesLeft} more may follow`;
  return refuse('invalid_grant', `The tx_code is wrong; of all tries ${left}.`);
}

async function toGrant(context: OffersContext, tx: Tx, found: Found, action: string): Promise<Grant> {
  const { row, offer, documents } = found;
  const taken = takeableOf(row, offer, documents);
  const types = new Set(taken.map(({ type }) => type));
  const offered = JSON.parse(row.configurationIds) as string[];
  const grant: Grant = {
    offerId: offer.id,
    documentIds: taken.map(({ id }) => id),
    configurationIds: offered.filter((id) => types.has(typeOfConfiguration(id) ?? '')),
    signedIn: row.signedIn || row.grantType === 'authorization_code',
    generation: offer.generation,
  };
  await recordGrant(context, tx, grant, action);
  return grant;
}

function recordGrant(context: OffersContext, tx: Tx, grant: Grant, action: string): Promise<void> {
  const data = { documents: grant.documentIds.length, signedIn: grant.signedIn };
  return context.audit.record(tx, { action, actor: holder, subject: grant.offerId, outcome: 'success', data });
}

/** The authorization code flow that one of our credential offers began; the person has signed in. */
export async function grantForIssuerState(
  context: OffersContext,
  tx: Tx,
  { issuerState, subject }: { issuerState: string; subject: string },
): Promise<Redeemed> {
  const found = await find(context, tx, issuerState, 'authorization_code');
  const over = overOf(context, found);
  if (found === undefined || over !== undefined) {
    return refuse('access_denied', 'The offer that this began with is over or not known here.');
  }
  const person = context.secrets.personDigest(subject);
  if (!isSameDigest(person, found.offer.personDigest ?? '')) {
    return refuse('access_denied', 'What was offered is for somebody else than the person who signed in.');
  }
  return { grant: await toGrant(context, tx, found, 'offer.granted') };
}

/** More offers for one person at a time are a fault; those that end first are served first. */
const mostOffers = 16;

/** A wallet that began by itself: what the person who signed in may have of what is asked for. */
export async function grantForPerson(
  context: OffersContext,
  tx: Tx,
  { subject, configurationIds }: { subject: string; configurationIds?: readonly string[] },
): Promise<Redeemed> {
  const now = context.now();
  const person = context.secrets.personDigest(subject);
  for (const { id } of await findOffersOfPerson(tx, person, now.toISOString(), mostOffers)) {
    const offer = await lockOffer(tx, id);
    if (offer === null) continue;
    const documents = await findDocuments(tx, id);
    const grant = grantOf(offer, documents, { configurationIds, now });
    if (grant === undefined) continue;
    await recordGrant(context, tx, grant, 'offer.granted');
    return { grant };
  }
  return refuse('access_denied', 'Nothing of what is asked for is offered to the person who signed in.');
}

/** Who signed in may take a document again, for a new wallet; the copies in the old one are revoked. */
function grantOf(
  offer: OfferRow,
  documents: readonly Facts[],
  { configurationIds, now }: { configurationIds: readonly string[] | undefined; now: Date },
): Grant | undefined {
  const life = lifeOf(offer, documents, now);
  if (life !== 'open' && life !== 'used') return undefined;
  const wanted = configurationIds && new Set(configurationIds);
  const available = documents.filter(
    (document) => isTakeable(document, offer) || (document.state === 'issued' && document.keepUntil !== null),
  );
  const types = [...new Set(available.map(({ type }) => type))];
  const all = types.flatMap((type) => walletFormatNames.map((format) => configurationIdOf(type, format)));
  const granted = wanted === undefined ? all : all.filter((id) => wanted.has(id));
  if (granted.length === 0) return undefined;
  const grantedTypes = new Set(granted.map(typeOfConfiguration));
  const documentIds = available.filter(({ type }) => grantedTypes.has(type)).map(({ id }) => id);
  const { id: offerId, generation } = offer;
  return { offerId, documentIds, configurationIds: granted, signedIn: true, generation };
}
