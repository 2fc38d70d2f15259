import { JoseError } from './errors.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const onlyAlphabet = /^[A-Za-z0-9_-]*$/;

/** Bits of the last character that carry no data, by length modulo 4. A length of 4n+1 encodes nothing. */
const unusedBits = [0, undefined, 0b1111, 0b11] as const;

/**
 * Decodes base64url without padding (RFC 7515 section 2), one text for one value: Node's decoder skips foreign
 * characters and ignores the unused bits of the last one, which makes a second token out of a signed one.
 */
export function decodeBase64url(text: string): Buffer {
  const unused = unusedBits[text.length % 4];
  if (unused === undefined || !onlyAlphabet.test(text)) throw new JoseError('malformed', 'A part is not base64url.');
  if ((alphabet.indexOf(text.charAt(text.length - 1)) & unused) !== 0) {
    throw new JoseError('not_canonical', 'A part is base64url whose last character carries stray bits.');
  }
  return Buffer.from(text, 'base64url');
}

/** Encodes base64url without padding. */
export function encodeBase64url(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64url');
}
