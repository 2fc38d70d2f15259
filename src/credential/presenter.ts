/** Who presents, and for whom: the checks of a presentation that are the same in every format. */
import type { Json } from '../json.js';
import { didOf, isDid, isSelfContainedDid } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';

/** What the verifier asked for; what it did not ask for is not compared. */
export interface Expectation {
  readonly challenge: string | undefined;
  readonly domain: string | undefined;
  readonly acceptHolder?: (did: string) => boolean;
}

/** The holder, who must own the key; a presentation that names none is presented by the key's controller. */
export function checkHolder(
  claimed: string | undefined,
  verificationMethod: string,
  accept: (did: string) => boolean = isSelfContainedDid,
): string {
  const presenter = didOf(verificationMethod);
  const holder = claimed ?? presenter;
  if (!isDid(holder)) throw new CredentialRefusal('holder_not_did', 'The holder of the presentation is not a DID.');
  if (holder !== presenter) {
    throw new CredentialRefusal('holder_mismatch', 'The key that signed belongs to another DID than the holder.');
  }
  if (accept(holder)) return holder;
  throw new CredentialRefusal('holder_not_accepted', 'Holders of this kind of DID are not accepted here.');
}

/**
 * Data Integrity 1.0 4.4 and OpenID4VP: the challenge is the one we gave, and the domain is ours and nobody else's.
 * Both are checked, and both reported.
 */
export function checkBinding(
  signed: { challenge: Json | undefined; domain: Json | undefined },
  expected: Expectation,
): void {
  const failed: CredentialRefusal[] = [];
  const { challenge, domain } = expected;
  if (challenge !== undefined && signed.challenge !== challenge) {
    failed.push(new CredentialRefusal('challenge_mismatch', 'The presentation was not made for this challenge.'));
  }
  // Compared as sets, of which ours has one item: a presentation for others as well is not for us alone.
  const domains = new Set([signed.domain].flat());
  if (domain !== undefined && (domains.size !== 1 || !domains.has(domain))) {
    failed.push(new CredentialRefusal('domain_mismatch', 'The presentation was not made for this domain alone.'));
  }
  const [first, ...further] = failed;
  if (first) throw new CredentialRefusal(first.code, first.message, { further });
}
