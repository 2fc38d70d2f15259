/**
 * Which 32 bytes are acceptable as an Ed25519 public key (RFC 8032 section 5.1). node:crypto imports any 32 bytes;
 * with the identity as the key and 01 00... as the signature it verifies every message.
 */

/** The field and the curve constant of RFC 8032 section 5.1: -x^2 + y^2 = 1 + d x^2 y^2. */
const p = 2n ** 255n - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** What is wrong with an encoded point, or undefined when nothing is. */
export function faultOfEd25519Point(encoded: Uint8Array): string | undefined {
  if (encoded.length !== 32) return 'is not 32 bytes long';
  const y = yCoordinate(encoded);
  if (y >= p) return 'is not canonical: its y coordinate is not reduced';
  if (hasLowOrder(y)) return 'is a point of low order';
  return isOnCurve(y) ? undefined : 'is not a point on the curve';
}

/** Little-endian, without the top bit, which is the sign of x. */
function yCoordinate(encoded: Uint8Array): bigint {
  const bigEndian = Buffer.from(encoded).reverse();
  return BigInt(`0x${bigEndian.toString('hex')}`) & (2n ** 255n - 1n);
}

/**
 * The eight points whose order divides 8: y = 1 (identity), -1 (order 2), 0 (order 4), and the points of order 8,
 * whose double has y = 0, that is x^2 = -y^2, which in the curve equation leaves d y^4 + 2 y^2 - 1 = 0.
 */
function hasLowOrder(y: bigint): boolean {
  const square = (y * y) % p;
  return y === 0n || square === 1n || (d * square * square + 2n * square - 1n) % p === 0n;
}

/** A point with this y exists when x^2 = (y^2 - 1) / (d y^2 + 1) has a root; numerator times denominator has one, too. */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % p;
  return jacobi(((square - 1n) * (d * square + 1n)) % p, p) === 1;
}

/** The Jacobi symbol (a/n) for odd n: 1 for a square modulo a prime. Public values only, so time may vary. */
function jacobi(a: bigint, n: bigint): -1 | 0 | 1 {
  let [numerator, denominator, sign] = [((a % n) + n) % n, n, 1];
  while (numerator !== 0n) {
    while ((numerator & 1n) === 0n) {
      numerator >>= 1n;
      const residue = denominator & 7n;
      if (residue === 3n || residue === 5n) sign = -sign;
    }
    if ((numerator & 3n) === 3n && (denominator & 3n) === 3n) sign = -sign;
    [numerator, denominator] = [denominator % numerator, numerator];
  }
  if (denominator !== 1n) return 0;
  return sign === 1 ? 1 : -1;
}
