/** The byte array of a Token Status List (draft-ietf-oauth-status-list, "Compressed Byte Array"). */
import { deflateSync, inflateSync } from 'node:zlib';
import { decodeBase64url, encodeBase64url } from '../jose/base64url.js';
import { BitstringError } from './bitstring.js';

/** Status types of the draft: "VALID", "INVALID" and "SUSPENDED". */
export const tokenStatuses = { valid: 0, invalid: 1, suspended: 2 } as const;

/** SUSPENDED does not fit into one bit. */
export const publishedBits = 2;

/** As for bitstrings; 4 million tokens of two bits need a megabyte. */
const maximumBytes = 2 * 1024 * 1024;

/** A list of `length` tokens of two bits each: what is revoked is INVALID, whether or not it is suspended as well. */
export function createTokenList(
  length: number,
  set: { readonly revoked: Iterable<number>; readonly suspended: Iterable<number> },
): Buffer {
  const bytes = Buffer.alloc(Math.ceil((length * publishedBits) / 8));
  for (const index of set.suspended) write(bytes, index, tokenStatuses.suspended);
  for (const index of set.revoked) write(bytes, index, tokenStatuses.invalid);
  return bytes;
}

/** Packed "from the least significant bit to the most significant bit", unlike bitstrings. */
function write(bytes: Buffer, index: number, status: number): void {
  const shift = (index % 4) * publishedBits;
  bytes[index >>> 2] = ((bytes[index >>> 2] ?? 0) & ~(0b11 << shift)) | (status << shift);
}

/** The status at an index; the caller has checked the range. `bits` is 1, 2, 4 or 8, so no status crosses a byte. */
export function readTokenStatus(bytes: Buffer, index: number, bits: number): number {
  const perByte = 8 / bits;
  const shift = (index % perByte) * bits;
  return ((bytes[Math.floor(index / perByte)] ?? 0) >>> shift) & (2 ** bits - 1);
}

/** ZLIB (RFC 1950), base64url; the draft recommends the highest level. */
export function encodeTokenList(bytes: Buffer): string {
  return encodeBase64url(deflateSync(bytes, { level: 9 }));
}

/** The reverse, bounded, and of one ZLIB stream alone: what stands after it others may not see. */
export function decodeTokenList(lst: string): Buffer {
  const stream = decodeText(lst);
  try {
    // With `info` the answer also carries the engine, whose bytesWritten is what it took of its input.
    const answer: unknown = inflateSync(stream, { maxOutputLength: maximumBytes, info: true });
    const { buffer, engine } = answer as { buffer: Buffer; engine: { bytesWritten: number } };
    if (engine.bytesWritten === stream.length) return buffer;
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    if (tooLarge) throw new BitstringError('too_large', 'lst expands beyond 2 MiB', { cause });
    throw new BitstringError('malformed', 'lst is not a ZLIB stream', { cause });
  }
  throw new BitstringError('malformed', 'lst is not exactly one ZLIB stream');
}

function decodeText(lst: string): Buffer {
  // Deflate stores what it cannot shrink, so a list of the largest size never needs much more than its own bytes.
  if (lst.length > maximumBytes * 1.5) throw new BitstringError('too_large', 'lst is too long');
  try {
    return decodeBase64url(lst);
  } catch (cause) {
    throw new BitstringError('malformed', 'lst is not base64url', { cause });
  }
}
