/**
 * What links, codes and credential offers are made of. The database holds digests only; the credential offers that a
 * wallet fetches are derived from the ids of their rows, so that a page can show them again and a copy of the database,
 * without the root secret, redeems nothing.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A link opens for as long as days, so nobody may find one by trying: 128 bits. */
const linkBytes = 16;
const codeDigits = 6;
const codes = 10 ** codeDigits;
/** The largest multiple of a million below 2^32: what is above would make some codes likelier than others. */
const fairBound = Math.floor(2 ** 32 / codes) * codes;

export interface OfferSecrets {
  newLink(): string;
  newCode(): string;
  /** Of a link, or of anything else that has its own 128 random bits. */
  digest(secret: string): string;
  /** Six digits are found by trying wherever they stand under a plain hash, so this one has a key. */
  codeDigest(code: string, of: { readonly offerId: string; readonly generation: number }): string;
  personDigest(subject: string): string;
  /** Under which a wallet fetches the credential offer of a row. */
  credentialOfferId(rowId: string): string;
  /** The pre-authorized code or the issuer state in it. */
  credentialOfferSecret(rowId: string): string;
}

export function createOfferSecrets(key: Buffer, random: (size: number) => Buffer): OfferSecrets {
  const keyed = (purpose: string, text: string) => createHmac('sha256', key).update(`${purpose}\n${text}`).digest();
  return {
    newLink: () => random(linkBytes).toString('base64url'),
    newCode: () => drawCode(random),
    digest: (secret) => createHash('sha256').update(secret).digest('base64url'),
    codeDigest: (code, { offerId, generation }) =>
      keyed('code', `${offerId}\n${generation}\n${code}`).toString('base64url'),
    personDigest: (subject) => keyed('person', subject).toString('base64url'),
    credentialOfferId: (rowId) => keyed('credential-offer', rowId).subarray(0, linkBytes).toString('base64url'),
    credentialOfferSecret: (rowId) => keyed('credential-offer-secret', rowId).toString('base64url'),
  };
}

function drawCode(random: (size: number) => Buffer): string {
  for (;;) {
    const drawn = random(4).readUInt32BE();
    if (drawn < fairBound) return String(drawn % codes).padStart(codeDigits, '0');
  }
}

/** Digests of equal length, compared in a time that says nothing about where they differ. */
export function isSameDigest(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
