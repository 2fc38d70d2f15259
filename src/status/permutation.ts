import { createHmac } from 'node:crypto';

/**
 * A keyed permutation of 0 .. size-1, so that a counter yields indexes which look random and never repeat.
 *
 * Ten rounds, as NIST SP 800-38G takes for FF1: with the small domains of status lists (17 bits) the proofs for
 * four rounds end at about 2^8 known pairs, and a trust publishes more than that. The halves have a bit more or
 * less where the number of bits is odd, so a list of 2^17 entries needs no walking at all.
 */
export interface Permutation {
  readonly size: number;
  permute(position: number): number;
}

const rounds = 10;

interface Halves {
  readonly leftBits: number;
  readonly rightBits: number;
}

/** A permutation of `size` positions under a key of 32 bytes. */
export function createPermutation(key: Buffer, size: number): Permutation {
  if (!Number.isSafeInteger(size) || size < 2 || size > 2 ** 30) throw new RangeError('size of a permutation');
  const bits = Math.ceil(Math.log2(size));
  const halves = { leftBits: Math.floor(bits / 2), rightBits: Math.ceil(bits / 2) };
  return { size, permute: (position) => walk(key, halves, size, position) };
}

/** Cycle walking: what falls outside the list goes round again; it ends, for the cycle leads back to `position`. */
function walk(key: Buffer, halves: Halves, size: number, position: number): number {
  if (!Number.isSafeInteger(position) || position < 0 || position >= size) throw new RangeError('position in a list');
  let value = encipher(key, halves, position);
  while (value >= size) value = encipher(key, halves, value);
  return value;
}

function encipher(key: Buffer, { leftBits, rightBits }: Halves, value: number): number {
  let left = Math.floor(value / 2 ** rightBits);
  let right = value % 2 ** rightBits;
  for (let round = 0; round < rounds; round += 1) {
    // The halves swap places with their widths; after an even number of rounds each has its own width again.
    const mask = 2 ** (round % 2 === 0 ? leftBits : rightBits) - 1;
    [left, right] = [right, (left ^ (roundFunction(key, round, right) & mask)) >>> 0];
  }
  return left * 2 ** rightBits + right;
}

function roundFunction(key: Buffer, round: number, half: number): number {
  const input = Buffer.alloc(5);
  input.writeUInt8(round, 0);
  input.writeUInt32BE(half, 1);
  return createHmac('sha256', key).update(input).digest().readUInt32BE(0);
}
