/**
 * Credential offers (OpenID4VCI 1.0 4.1): what a wallet fetches and redeems, for a quarter of an hour. They are made of
 * an offer at the last moment, since whoever sees a QR code could take it; the offer's own link lives for days.
 */
import { ServiceError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { Tx } from '../../store/store.js';
import { earlierOf, hoursAfter, type OffersContext } from './context.js';
import { isTakeable, lifeOf } from './life.js';
import {
  type CredentialOfferRow,
  countLiveCredentialOffers,
  type DocumentRow,
  findCredentialOffer,
  findCredentialOffersOfSession,
  findDocuments,
  findOffer,
  insertCredentialOffers,
  type OfferRow,
} from './store.js';
import { configurationIdOf, type WalletFormat } from './wallet-formats.js';

export type GrantType = CredentialOfferRow['grantType'];

type Facts = Omit<DocumentRow, 'content'>;

/** A credential offer to make: these documents in these formats. */
export interface Minting {
  readonly documents: readonly Facts[];
  readonly walletFormats: readonly WalletFormat[];
  readonly grantType: GrantType;
  /** The person signed in at a page of ours, so the wallet need not ask for the code. */
  readonly signedIn: boolean;
  readonly sessionDigest?: string;
}

/** A credential offer as it is handed over. */
export interface MintedOffer {
  readonly credentialOfferId: string;
  readonly documentIds: readonly string[];
  /** The link for a wallet on this device, and the content of the QR code for one on another. */
  readonly uri: string;
  readonly uriByValue: string;
  readonly credentialOffer: JsonObject;
  readonly expiresAt: string;
  readonly usedAt: string | null;
}

const liveHours = 0.25;

/** A passport has 64 documents at most; more offers than a few times that at once are a fault or an attack. */
const mostLive = 256;

/** OpenID4VCI 1.0 4.1.1: a wallet shows this beside the field (at most 300 characters). */
const codeDescription = 'The six digits that you were given for this passport, apart from the link.';

/** Makes credential offers of an offer that this transaction has locked. */
export async function mint(
  context: OffersContext,
  tx: Tx,
  offer: OfferRow,
  mintings: readonly Minting[],
): Promise<MintedOffer[]> {
  const now = context.now();
  const live = await countLiveCredentialOffers(tx, offer.id, now.toISOString());
  if (live + mintings.length > mostLive) {
    throw new ServiceError('conflict', 'Too many credential offers of this offer are open; they end within minutes.');
  }
  const rows = mintings.map((minting) => toRow(context, offer, minting));
  await insertCredentialOffers(tx, rows);
  return rows.map((row) => present(context, row));
}

function toRow(context: OffersContext, offer: OfferRow, minting: Minting): CredentialOfferRow {
  const { secrets, newId } = context;
  const id = newId();
  const now = context.now();
  const types = [...new Set(minting.documents.map(({ type }) => type))];
  const configurationIds = types.flatMap((type) =>
    minting.walletFormats.map((format) => configurationIdOf(type, format)),
  );
  return {
    id,
    idDigest: secrets.digest(secrets.credentialOfferId(id)),
    secretDigest: secrets.digest(secrets.credentialOfferSecret(id)),
    offerId: offer.id,
    generation: offer.generation,
    grantType: minting.grantType,
    documentIds: JSON.stringify(minting.documents.map((document) => document.id)),
    configurationIds: JSON.stringify(configurationIds),
    signedIn: minting.signedIn,
    sessionDigest: minting.sessionDigest ?? null,
    createdAt: now.toISOString(),
    expiresAt: earlierOf(hoursAfter(now, liveHours), offer.expiresAt),
    usedAt: null,
  };
}

/** Whether redeeming needs the code: not where the person signed in for it. */
export function isCodeNeeded(row: CredentialOfferRow): boolean {
  return row.grantType === 'pre-authorized_code' && !row.signedIn;
}

function present(context: OffersContext, row: CredentialOfferRow): MintedOffer {
  const { secrets, publicUrl } = context;
  const credentialOfferId = secrets.credentialOfferId(row.id);
  const credentialOffer = toCredentialOffer(context, row);
  // encodeURIComponent, never a form's encoding: a wallet takes `+` for what it is (protocols.md, trap 20).
  const link = (name: string, value: string) => `openid-credential-offer://?${name}=${encodeURIComponent(value)}`;
  return {
    credentialOfferId,
    documentIds: JSON.parse(row.documentIds) as string[],
    uri: link('credential_offer_uri', `${publicUrl}/offers/${credentialOfferId}`),
    uriByValue: link('credential_offer', JSON.stringify(credentialOffer)),
    credentialOffer,
    expiresAt: row.expiresAt,
    usedAt: row.usedAt,
  };
}

function toCredentialOffer({ secrets, publicUrl }: OffersContext, row: CredentialOfferRow): JsonObject {
  const secret = secrets.credentialOfferSecret(row.id);
  const grants: JsonObject =
    row.grantType === 'authorization_code'
      ? { authorization_code: { issuer_state: secret } }
      : {
          'urn:ietf:params:oauth:grant-type:pre-authorized_code': {
            'pre-authorized_code': secret,
            ...(isCodeNeeded(row) && {
              tx_code: { input_mode: 'numeric', length: 6, description: codeDescription },
            }),
          },
        };
  return {
    credential_issuer: publicUrl,
    credential_configuration_ids: JSON.parse(row.configurationIds) as string[],
    grants,
  };
}

/** What the page of a session made and that lives still, redeemed or not. */
export async function readMinted(context: OffersContext, tx: Tx, sessionDigest: string): Promise<MintedOffer[]> {
  const rows = await findCredentialOffersOfSession(tx, sessionDigest, context.now().toISOString());
  return rows.map((row) => present(context, row));
}

/** The credential offer that a wallet fetches. What is over is gone, and says nothing more. */
export async function readCredentialOffer(context: OffersContext, id: string): Promise<JsonObject> {
  const { row, live } = await context.store.read((tx) => look(context, tx, id));
  if (row === null) throw new ServiceError('not_found', 'There is no such credential offer.');
  if (!live) throw new ServiceError('gone', 'This credential offer is over: it was used, withdrawn, or took too long.');
  return toCredentialOffer(context, row);
}

async function look(context: OffersContext, tx: Tx, id: string) {
  const row = await findCredentialOffer(tx, { idDigest: context.secrets.digest(id) });
  const offer = row === null ? null : await findOffer(tx, row.offerId);
  if (row === null || offer === null) return { row: null, live: false };
  const documents = await findDocuments(tx, offer.id);
  const live = row.usedAt === null && isLive(context, row, offer) && takeableOf(row, offer, documents).length > 0;
  return { row, live: live && lifeOf(offer, documents, context.now()) === 'open' };
}

/** Neither too late nor of a link that HR replaced. */
export function isLive({ now }: OffersContext, row: CredentialOfferRow, offer: OfferRow): boolean {
  return row.expiresAt > now().toISOString() && row.generation === offer.generation;
}

/** Those of its documents that can still be taken. */
export function takeableOf(row: CredentialOfferRow, offer: OfferRow, documents: readonly Facts[]): Facts[] {
  const ids = new Set(JSON.parse(row.documentIds) as string[]);
  return documents.filter((document) => ids.has(document.id) && isTakeable(document, offer));
}
