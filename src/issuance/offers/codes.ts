/** The one code of an offer, and the few tries that there are for it: the page and the token endpoint count together. */
import type { Tx } from '../../store/store.js';
import { holder, type OffersContext } from './context.js';
import { isSameDigest } from './secrets.js';
import { type OfferRow, updateOffer } from './store.js';

/** Where a code was tried. */
export type CodePlace = 'page' | 'token';

/** How a try ended; `triesLeft` 0 means that the offer is locked now. */
export type CodeTry = { readonly right: true } | { readonly right: false; readonly triesLeft: number };

/** Tries a code on an offer that this transaction has locked and that is open; a wrong one is counted, so commit. */
export async function tryCode(
  context: OffersContext,
  tx: Tx,
  offer: OfferRow,
  attempt: { readonly code: string; readonly place: CodePlace },
): Promise<CodeTry> {
  const { id, generation, codeDigest } = offer;
  const given = context.secrets.codeDigest(attempt.code, { offerId: id, generation });
  if (codeDigest !== null && isSameDigest(given, codeDigest)) return { right: true };
  const triesLeft = Math.max(0, offer.triesLeft - 1);
  await updateOffer(tx, id, { triesLeft, changedAt: context.now().toISOString() });
  await context.audit.record(tx, {
    action: triesLeft === 0 ? 'offer.locked' : 'offer.code_refused',
    actor: holder,
    subject: id,
    outcome: 'refused',
    data: { place: attempt.place, triesLeft },
  });
  return { right: false, triesLeft };
}
