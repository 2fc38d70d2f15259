/** Secrets that wallets and browsers hold: 256 random bits, of which only a digest is ever stored. */
import { createHash, timingSafeEqual } from 'node:crypto';

const secretBytes = 32;

/** A new secret, as text that fits into an address, a header and a cookie. */
export function newSecret(random: (size: number) => Buffer): string {
  return random(secretBytes).toString('base64url');
}

/** A plain hash is enough: what has 256 random bits is not found by trying (RFC 9700 has no demand beyond that). */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Compares in a time that says nothing about where two texts differ. */
export function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(digestOf(one)), Buffer.from(digestOf(other)));
}
