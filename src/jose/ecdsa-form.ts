/**
 * The two forms of an ECDSA signature: r || s, as JOSE and COSE have it (RFC 7518 3.4), and DER, as OpenSSL has it
 * (RFC 3279 2.2.3). node:crypto converts too, but only for a key inside an options object, and taking a key out of
 * such an object costs Node 24 more than a third of a verification.
 */

/** Writes r || s as DER. Whether the numbers are any good is for OpenSSL to say. */
export function toDer(signature: Uint8Array): Buffer {
  const half = signature.length / 2;
  const body = Buffer.concat([toInteger(signature.subarray(0, half)), toInteger(signature.subarray(half))]);
  // Of P-521 the body is longer than 127 bytes, which takes the long form of a length.
  const header = body.length < 0x80 ? [0x30, body.length] : [0x30, 0x81, body.length];
  return Buffer.concat([Buffer.from(header), body]);
}

/** INTEGER: the shortest form, with a zero before a first bit that would make it negative. */
function toInteger(number: Uint8Array): Buffer {
  const first = number.findIndex((byte) => byte !== 0);
  const digits = number.subarray(first === -1 ? number.length - 1 : first);
  const padding = (digits[0] ?? 0) < 0x80 ? [] : [0];
  return Buffer.concat([Buffer.from([0x02, padding.length + digits.length, ...padding]), digits]);
}

/** Writes a DER signature that OpenSSL has just made as r || s of the given length. */
export function fromDer(der: Uint8Array, length: number): Buffer {
  const signature = Buffer.alloc(length);
  const start = der[1] === 0x81 ? 3 : 2;
  const secondAt = start + 2 + (der[start + 1] ?? 0);
  copyInteger(der, start, signature.subarray(0, length / 2));
  copyInteger(der, secondAt, signature.subarray(length / 2));
  return signature;
}

function copyInteger(der: Uint8Array, at: number, target: Buffer): void {
  const end = at + 2 + (der[at + 1] ?? 0);
  const digits = der.subarray(Math.max(at + 2, end - target.length), end);
  target.set(digits, target.length - digits.length);
}
