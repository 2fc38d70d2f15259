/**
 * Offers: the whole passport that HR prepared for one person (OpenID4VCI 1.0 4 and 6). HR's system makes, withdraws and
 * resends them; the person opens the link at the pages of passport/; wallets redeem what is made of them there. Contents
 * are sealed and forgotten when the offer is over. Callers: authorization/, oid4vci/ and passport/ in this slice, app.ts.
 */
import type { Audit } from '../../audit/audit.js';
import type { JsonObject } from '../../json.js';
import { createSealedBox } from '../../store/sealed-box.js';
import type { Store, Tx } from '../../store/store.js';
import { hoursAfter, type OffersContext } from './context.js';
import {
  type CreatingContext,
  createOffer,
  type OfferAnswer,
  type OfferCaller,
  type OfferRequest,
} from './creating.js';
import { markIssued, type OfferedDocument, readContent, readDocuments } from './documents.js';
import {
  type Actor,
  type MintRequest,
  mintForSystem,
  type OfferView,
  type ResentOffer,
  readOffer,
  releaseDocuments,
  resendOffer,
  type WithdrawRequest,
  withdrawIn,
  withdrawOffer,
} from './managing.js';
import { type MintedOffer, readCredentialOffer } from './minting.js';
import {
  type Grant,
  grantForIssuerState,
  grantForPerson,
  type Redeemed,
  redeemPreAuthorizedCode,
} from './redeeming.js';
import { createOfferSecrets } from './secrets.js';
import { findOffer, purgeOffers } from './store.js';

export type { OffersContext } from './context.js';
export type { OfferAnswer, OfferCaller, OfferRequest } from './creating.js';
export type { OfferedDocument } from './documents.js';
export type { MintRequest, OfferView, ResentOffer } from './managing.js';
export type { MintedOffer } from './minting.js';
export type { Grant, Redeemed } from './redeeming.js';
export { offersEntities } from './store.js';

export interface Offers {
  /** For HR's systems. */
  create(request: OfferRequest, caller: OfferCaller): Promise<OfferAnswer>;
  read(offerId: string): Promise<OfferView>;
  withdraw(request: WithdrawRequest, actor: Actor): Promise<OfferView>;
  /** The same in a transaction of the caller's, who ends more than the offer. */
  withdrawIn(tx: Tx, request: WithdrawRequest, actor: Actor): Promise<void>;
  resend(request: { offerId: string; expiresInHours?: number }, actor: Actor): Promise<ResentOffer>;
  release(request: { offerId: string; documentIds: readonly string[] }, actor: Actor): Promise<OfferView>;
  mint(request: MintRequest, actor: Actor): Promise<MintedOffer>;

  /** For wallets. An unknown, used or expired code is refused before a tx_code is counted; the right one burns the code. */
  redeemPreAuthorizedCode(tx: Tx, request: { code: string; txCode: string | undefined }): Promise<Redeemed>;
  /** `subject` is who signed in; it must be the offer's person. */
  grantForIssuerState(tx: Tx, request: { issuerState: string; subject: string }): Promise<Redeemed>;
  /** For a wallet that began by itself. */
  grantForPerson(tx: Tx, request: { subject: string; configurationIds?: readonly string[] }): Promise<Redeemed>;
  /** What a wallet fetches by reference. */
  credentialOffer(id: string): Promise<JsonObject>;

  /** For issuing. */
  documents(tx: Tx, ids: readonly string[]): Promise<readonly OfferedDocument[]>;
  /** The sealed credential, opened: the form of the catalogue without the holder. `gone` when it is forgotten. */
  content(tx: Tx, documentId: string): Promise<JsonObject>;
  /** Whether nothing was sent again since it was granted. */
  isCurrent(tx: Tx, grant: Pick<Grant, 'offerId' | 'generation'>): Promise<boolean>;
  /** Under a grant of this generation, with the caller's audit record; `conflict` when it was declined or withdrawn. */
  markIssued(tx: Tx, issued: { documentId: string; generation: number }): Promise<void>;

  /** What the pages of passport/ work with. */
  readonly context: OffersContext;
  /** Forgets what nobody may ask for any more; says how many rows it touched. */
  purge(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

export interface OffersDependencies {
  readonly store: Store;
  readonly audit: Pick<Audit, 'record'>;
  readonly checkUnheld: CreatingContext['checkUnheld'];
  readonly publicUrl: string;
  readonly config: { readonly signInTypes: readonly string[]; readonly idempotencyHours: number };
  /** Whether an identity provider is configured. */
  readonly canSignIn: boolean;
  readonly deriveKey: (label: string, length: number) => Buffer;
  readonly random: (size: number) => Buffer;
  readonly newId: () => string;
  readonly now: () => Date;
  /** Told of a purge that failed and will be tried again. */
  readonly onFault?: (error: unknown) => void;
}

const purgeEveryMilliseconds = 600_000;

/** A wallet that comes late is told that its offer is over, for a day; then nobody knows it any more. */
const rememberedHours = 24;

function toContext(given: OffersDependencies): CreatingContext {
  const { store, audit, checkUnheld, publicUrl, config, canSignIn, deriveKey, random, newId, now } = given;
  return {
    store,
    audit,
    checkUnheld,
    publicUrl,
    canSignIn,
    newId,
    now,
    signInTypes: config.signInTypes,
    idempotencyMilliseconds: config.idempotencyHours * 3_600_000,
    secrets: createOfferSecrets(deriveKey('offer-secrets', 32), random),
    box: createSealedBox(deriveKey('offer-content', 32), random),
  };
}

export function createOffers(given: OffersDependencies): Offers {
  const context = toContext(given);
  const onFault = given.onFault ?? (() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  return {
    context,
    create: (request, caller) => createOffer(context, request, caller),
    read: (offerId) => readOffer(context, offerId),
    withdraw: (request, actor) => withdrawOffer(context, request, actor),
    withdrawIn: (tx, request, actor) => withdrawIn(context, tx, request, actor),
    resend: (request, actor) => resendOffer(context, request, actor),
    release: (request, actor) => releaseDocuments(context, request, actor),
    mint: (request, actor) => mintForSystem(context, request, actor),
    redeemPreAuthorizedCode: (tx, request) => redeemPreAuthorizedCode(context, tx, request),
    grantForIssuerState: (tx, request) => grantForIssuerState(context, tx, request),
    grantForPerson: (tx, request) => grantForPerson(context, tx, request),
    credentialOffer: (id) => readCredentialOffer(context, id),
    documents: (tx, ids) => readDocuments(tx, ids),
    content: (tx, documentId) => readContent(context, tx, documentId),
    isCurrent: async (tx, { offerId, generation }) => (await findOffer(tx, offerId))?.generation === generation,
    markIssued: (tx, issued) => markIssued(context, tx, issued),
    purge: () => purge(context),
    start() {
      const inTurn = () => {
        running = running.then(() => purge(context)).catch(onFault);
      };
      timer = setInterval(inTurn, purgeEveryMilliseconds).unref();
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

function purge({ store, now }: OffersContext): Promise<number> {
  const longExpired = hoursAfter(now(), -rememberedHours);
  return store.transaction((tx) => purgeOffers(tx, now().toISOString(), longExpired));
}
