import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { fromDer, toDer } from '../../src/jose/ecdsa-form.js';

const curves = [
  { namedCurve: 'P-256', hash: 'sha256', length: 64 },
  { namedCurve: 'P-384', hash: 'sha384', length: 96 },
  { namedCurve: 'P-521', hash: 'sha512', length: 132 },
] as const;

/** r || s whose halves begin with these bytes and end in a one. */
function signatureWith(length: number, r: readonly number[], s: readonly number[]): Buffer {
  const half = (start: readonly number[]) =>
    Buffer.concat([Buffer.from(start), Buffer.alloc(length / 2 - start.length, 1)]);
  return Buffer.concat([half(r), half(s)]);
}

describe.each(curves)('an ECDSA signature of $namedCurve', ({ namedCurve, hash, length }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });

  test('is the same signature to OpenSSL in both forms, whatever zeros its numbers begin with', () => {
    for (let count = 0; count < 300; count += 1) {
      const data = Buffer.from(`message ${count}`);
      const der = sign(hash, data, privateKey);
      const joined = fromDer(der, length);
      expect(verify(hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, joined)).toBe(true);
      expect(toDer(joined).toString('hex')).toBe(der.toString('hex'));
      const made = sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verify(hash, data, publicKey, toDer(made))).toBe(true);
    }
  });

  test.each<[string, readonly number[], readonly number[]]>([
    ['that begin with zeros', [0, 0, 7], [0]],
    ['whose first bit is set', [0xff], [0x80]],
    ['with a zero before a set first bit', [0, 0x80], [0, 0, 0xff]],
  ])('keeps numbers %s', (_, r, s) => {
    const joined = signatureWith(length, r, s);
    expect(fromDer(toDer(joined), length).equals(joined)).toBe(true);
  });

  test('of zeros, of numbers that are too large or of noise is refused and does not throw', () => {
    for (const byte of [0x00, 0x01, 0xff]) {
      const joined = Buffer.alloc(length, byte);
      expect(verify(hash, Buffer.from('message'), publicKey, toDer(joined))).toBe(false);
    }
  });
});
