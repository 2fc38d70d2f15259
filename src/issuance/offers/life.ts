/** How an offer stands: the rules by which links open and documents can be taken. Pure; rows and a time in, words out. */
import type { DocumentRow, OfferRow } from './store.js';

/** open: something can be taken. used: everything was. locked: too many wrong codes, until HR sends it again. */
export type OfferLife = 'open' | 'used' | 'locked' | 'expired' | 'withdrawn';

type Facts = Omit<DocumentRow, 'content'>;

/**
 * Whether a document can go into a wallet: what is ready or being prepared, and what went into one before HR sent the
 * offer again. One that was issued since cannot be taken twice by the same link.
 */
export function isTakeable(document: Facts, { generation }: Pick<OfferRow, 'generation'>): boolean {
  // Without keepUntil its content is forgotten.
  if (document.keepUntil === null) return false;
  if (document.state === 'issued') return (document.issuedGeneration ?? 0) < generation;
  return document.state === 'offered' || document.state === 'pending';
}

export function lifeOf(offer: OfferRow, documents: readonly Facts[], now: Date): OfferLife {
  const left = documents.filter(({ state }) => state !== 'withdrawn');
  if (offer.state === 'withdrawn' || left.length === 0) return 'withdrawn';
  if (offer.expiresAt <= now.toISOString()) return 'expired';
  if (offer.triesLeft === 0) return 'locked';
  return documents.some((document) => isTakeable(document, offer)) ? 'open' : 'used';
}
