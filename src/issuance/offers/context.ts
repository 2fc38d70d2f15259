/** What every file of this room works with. */
import type { Audit } from '../../audit/audit.js';
import type { SealedBox } from '../../store/sealed-box.js';
import type { Store } from '../../store/store.js';
import type { OfferSecrets } from './secrets.js';

export interface OffersContext {
  readonly store: Store;
  readonly audit: Pick<Audit, 'record'>;
  readonly secrets: OfferSecrets;
  readonly box: SealedBox;
  readonly publicUrl: string;
  /** Types whose documents are given only to a person who signed in. */
  readonly signInTypes: readonly string[];
  /** Whether people can sign in here at all. */
  readonly canSignIn: boolean;
  readonly idempotencyMilliseconds: number;
  readonly newId: () => string;
  readonly now: () => Date;
}

/** Wrong codes in all, on the page and at the token endpoint together. */
export const allowedTries = 5;

/** How long an offer lives when nobody says otherwise. */
export const defaultHours = 168;

/**
 * Contents outlive the offer by as long as a wallet may refresh what it holds (refresh tokens live 30 days), so that it
 * can, and that HR can send an expired offer again.
 */
const keepDays = 30;

/** The person, in the audit trail: who it is stands in HR's own records. */
export const holder = 'holder';

export function hoursAfter(date: Date, hours: number): string {
  return new Date(date.getTime() + hours * 3_600_000).toISOString();
}

/** Times of ours are text that sorts as time does. */
export function laterOf(...times: readonly [string, string]): string {
  return times.toSorted()[1] ?? '';
}

export function earlierOf(...times: readonly [string, string]): string {
  return times.toSorted()[0] ?? '';
}

/** Until when contents are kept that may be wanted until `lastUse`. */
export function keepUntil(lastUse: string): string {
  return hoursAfter(new Date(lastUse), keepDays * 24);
}

/** Where a document's content is sealed. */
export function contentPlace(documentId: string): string {
  return `offer_document/content/${documentId}`;
}
