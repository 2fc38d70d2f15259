import { JoseError } from '../jose/errors.js';
import { type ParsedJws, parseJws, verifyJws } from '../jose/jws.js';
import type { VerificationKey } from '../jose/keys.js';
import { ListError, maxListBytes, readList, type Snapshot } from './list-document.js';

/** Why a published list is not accepted. */
export type ListRefusalCode =
  | 'list_fetch_failed'
  | 'list_key_unavailable'
  | 'list_malformed'
  | 'list_issuer_foreign'
  | 'list_key_not_pinned'
  | 'list_signature_invalid'
  | 'list_expired'
  | 'list_not_yet_valid'
  | 'list_rolled_back'
  | 'list_equivocation'
  | 'list_copy_unusable';

/** A list that is not accepted; the copy that is held stays. */
export class ListRefusal extends Error {
  readonly code: ListRefusalCode;

  constructor(code: ListRefusalCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'ListRefusal';
    this.code = code;
  }
}

/** The authority as it was told to us out of band. */
export interface Pins {
  readonly authorityDid: string;
  readonly keyThumbprints: readonly string[];
}

/** A list whose signature, issuer and key are the pinned authority's. */
export type ProvedList = Snapshot & { readonly digest: string };

/** Reads a compact list and the DID URL of the key that is said to have signed it, which must be the authority's. */
export function parseList(jwt: string, pins: Pins): { jws: ParsedJws; kid: string } {
  const jws = orRefuse(() => parseJws(jwt, { typ: ['vc+jwt'], maxBytes: maxListBytes }));
  const kid = jws.header['kid'];
  if (typeof kid !== 'string' || !kid.startsWith(`${pins.authorityDid}#`)) {
    throw new ListRefusal('list_issuer_foreign', 'The list is not signed by a key of the pinned authority.');
  }
  return { jws, kid };
}

/**
 * Whoever takes over the authority's domain can publish another DID document there, but not sign with the pinned key:
 * both pins must hold. The same function proves a fresh list and the copy on disk.
 */
export function proveList(jws: ParsedJws, key: VerificationKey, pins: Pins): ProvedList {
  if (!pins.keyThumbprints.includes(key.thumbprint)) {
    throw new ListRefusal('list_key_not_pinned', 'The list is signed by a key that is not pinned.');
  }
  orRefuse(() => verifyJws(jws, key));
  const list = orRefuse(() => readList(jws.payload));
  if (list.issuer !== pins.authorityDid) {
    throw new ListRefusal('list_issuer_foreign', 'The list names another issuer than the pinned authority.');
  }
  return list;
}

const clockSkewMilliseconds = 60_000;

/** Whether a proved list may take the place of the one held: valid now, and newer or the very same. */
export function requireSuccessor(list: ProvedList, held: ProvedList | undefined, now: Date): void {
  if (Date.parse(list.issued) > now.getTime() + clockSkewMilliseconds) {
    throw new ListRefusal('list_not_yet_valid', 'The list is dated in the future: one of the clocks is wrong.');
  }
  if (Date.parse(list.nextUpdate) <= now.getTime()) {
    throw new ListRefusal('list_expired', 'The list is past its nextUpdate.');
  }
  if (held && list.sequence < held.sequence) {
    throw new ListRefusal(
      'list_rolled_back',
      `The list has sequence ${list.sequence}, ${held.sequence} was seen before.`,
    );
  }
  if (held && list.sequence === held.sequence && list.digest !== held.digest) {
    throw new ListRefusal('list_equivocation', `There are two different lists of sequence ${list.sequence}.`);
  }
}

function orRefuse<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ListError) throw new ListRefusal('list_malformed', cause.message, { cause });
    if (!(cause instanceof JoseError)) throw cause;
    const forged = cause.code === 'signature_invalid' || cause.code === 'key_alg_mismatch';
    if (forged) throw new ListRefusal('list_signature_invalid', 'The signature of the list does not hold.', { cause });
    throw new ListRefusal('list_malformed', `The list is no acceptable token: ${cause.message}`, { cause });
  }
}
