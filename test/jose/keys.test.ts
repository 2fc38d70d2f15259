import { createPublicKey, verify as cryptoVerify, generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { type JwsAlgorithm, jwsAlgorithmNames } from '../../src/jose/algorithms.js';
import { decodeBase64url, encodeBase64url } from '../../src/jose/base64url.js';
import { JoseError } from '../../src/jose/errors.js';
import { createKeySigner, verifyBytes } from '../../src/jose/jws.js';
import { importJwk, importMultikey, type PublicJwk, toMultikey } from '../../src/jose/keys.js';

const privateKeys = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
};
const jwks = {
  ES256: createKeySigner(privateKeys.ES256).publicJwk as PublicJwk & { kty: 'EC' },
  ES384: createKeySigner(privateKeys.ES384).publicJwk as PublicJwk & { kty: 'EC' },
  ES512: createKeySigner(privateKeys.ES512).publicJwk as PublicJwk & { kty: 'EC' },
  EdDSA: createKeySigner(privateKeys.EdDSA).publicJwk,
} satisfies Record<JwsAlgorithm, PublicJwk>;

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof JoseError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Points of an Edwards curve with BigInt, to find the low-order ones independently of the code under test. */
const p = 2n ** 255n - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
type Point = readonly [x: bigint, y: bigint];

function modulo(a: bigint): bigint {
  return ((a % p) + p) % p;
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, modulo(base)];
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = modulo(d * x1 * x2 * y1 * y2);
  const inverse = (a: bigint) => power(modulo(a), p - 2n);
  return [modulo((x1 * y2 + x2 * y1) * inverse(1n + product)), modulo((y1 * y2 + x1 * x2) * inverse(1n - product))];
}

/** RFC 8032 5.1.3; undefined where no point has this y. */
function pointOf(y: bigint): Point | undefined {
  const ratio = modulo((y * y - 1n) * power(d * y * y + 1n, p - 2n));
  const candidate = power(ratio, (p + 3n) / 8n);
  const root = [candidate, modulo(candidate * power(2n, (p - 1n) / 4n))].find((x) => modulo(x * x) === ratio);
  return root === undefined ? undefined : [root, y];
}

function timesPrimeOrder(point: Point): Point {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let [result, square]: [Point, Point] = [[0n, 1n], point];
  for (let e = order; e > 0n; e >>= 1n) {
    if (e & 1n) result = add(result, square);
    square = add(square, square);
  }
  return result;
}

/** The subgroup of order 8: any point times the prime order lands in it. */
function lowOrderPoints(): Point[] {
  for (let y = 2n; ; y += 1n) {
    const point = pointOf(y);
    const generator = point === undefined ? undefined : timesPrimeOrder(point);
    if (generator === undefined) continue;
    const points: Point[] = [generator];
    while (points.at(-1)?.[1] !== 1n) points.push(add(points.at(-1) as Point, generator));
    if (points.length === 8) return points;
  }
}

function encodePoint(y: bigint, sign: bigint): Buffer {
  return Buffer.from((y | (sign << 255n)).toString(16).padStart(64, '0'), 'hex').reverse();
}

function ed25519Jwk(bytes: Uint8Array): Record<string, string> {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) };
}

describe('a public JWK', () => {
  test.each(jwsAlgorithmNames)('of %s is imported with the thumbprint that jose gives it', async (alg) => {
    const key = importJwk({ ...jwks[alg], kid: 'x', use: 'sig', key_ops: ['verify'], alg, extra: { a: 1 } });
    expect(key.algorithm).toBe(alg);
    expect(key.jwk).toEqual(jwks[alg]);
    expect(key.thumbprint).toBe(await calculateJwkThumbprint({ ...jwks[alg] }));
    expect(Object.isFrozen(key) && Object.isFrozen(key.jwk)).toBe(true);
  });

  const { ES256, ES384, EdDSA } = jwks;
  const refused: readonly (readonly [string, unknown])[] = [
    ['null', null],
    ['a string', 'jwk'],
    ['a list', [ES256]],
    ['a published private part', { ...ES256, d: 'AA' }],
    ['a published private part that is null', { ...EdDSA, d: null }],
    ['the members of a symmetric key', { ...ES256, k: 'AA' }],
    ['an RSA key', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
    ['secp256k1', { ...ES256, crv: 'secp256k1' }],
    ['X25519', { ...EdDSA, crv: 'X25519' }],
    ['a kty of another curve', { ...ES256, kty: 'OKP' }],
    ['no kty', { ...ES256, kty: undefined }],
    ['a key for encryption', { ...ES256, use: 'enc' }],
    ['key_ops without verify', { ...ES256, key_ops: ['sign'] }],
    ['key_ops twice the same', { ...ES256, key_ops: ['verify', 'verify'] }],
    ['key_ops that is no list', { ...ES256, key_ops: 'verify' }],
    ['an alg of another curve', { ...ES256, alg: 'ES384' }],
    ['an alg that is a list', { ...ES256, alg: ['ES256'] }],
    ['a kid that is a number', { ...ES256, kid: 1 }],
    ['no y', { ...ES256, y: undefined }],
    ['the coordinates of another curve', { ...ES384, crv: 'P-256' }],
    [
      'a coordinate with a leading zero too many',
      { ...ES256, x: encodeBase64url(Buffer.concat([Buffer.of(0), decodeBase64url(ES256.x)])) },
    ],
    ['a coordinate without its leading zeros', { ...ES256, x: encodeBase64url(decodeBase64url(ES256.x).subarray(1)) }],
    ['a padded coordinate', { ...ES256, x: `${ES256.x}=` }],
    ['a coordinate with stray bits', { ...ES256, x: `${ES256.x.slice(0, -1)}${strayLast(ES256.x)}` }],
    ['a point off the curve', { ...ES256, y: ES256.x }],
    ['the point (0, 0)', { ...ES256, x: encodeBase64url(Buffer.alloc(32)), y: encodeBase64url(Buffer.alloc(32)) }],
    ['a coordinate outside the field', { ...ES256, x: encodeBase64url(Buffer.alloc(32, 0xff)) }],
    ['a P-384 point off the curve', { ...ES384, y: ES384.x }],
    ['an Ed25519 key of 31 bytes', ed25519Jwk(Buffer.alloc(31, 1))],
    ['an Ed25519 y that is on no point', ed25519Jwk(encodePoint(yWithoutPoint(), 0n))],
  ];

  test.each(refused)('is refused: %s', (_, jwk) => {
    expect(refusal(() => importJwk(jwk))).toBe('key_invalid');
  });

  test('takes the name that RFC 9864 gives to EdDSA on Ed25519', () => {
    expect(importJwk({ ...EdDSA, alg: 'Ed25519' }).algorithm).toBe('EdDSA');
  });
});

function strayLast(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet.charAt(alphabet.indexOf(part.at(-1) ?? '') + 1);
}

function yWithoutPoint(): bigint {
  for (let y = 2n; ; y += 1n) if (pointOf(y) === undefined) return y;
}

describe('an Ed25519 public key', () => {
  const points = lowOrderPoints();

  test('of low order is refused: all eight points, in all fourteen encodings', () => {
    const canonical = points.map(([x, y]) => encodePoint(y, x & 1n));
    // y + p fits into 255 bits only for y below 19, and x = 0 has two signs where there should be one.
    const unreduced = points
      .filter(([, y]) => y < 19n)
      .flatMap(([, y]) => [encodePoint(y + p, 0n), encodePoint(y + p, 1n)]);
    const signedZero = points.filter(([x]) => x === 0n).map(([, y]) => encodePoint(y, 1n));
    const encodings = new Set([...canonical, ...unreduced, ...signedZero].map((bytes) => bytes.toString('hex')));
    expect(points).toHaveLength(8);
    expect(encodings.size).toBe(14);
    for (const hex of encodings) {
      const bytes = Buffer.from(hex, 'hex');
      expect([hex, refusal(() => importJwk(ed25519Jwk(bytes)))]).toEqual([hex, 'key_invalid']);
    }
  });

  test('of low order would have verified any message, had node:crypto before Node 24 been asked', () => {
    const identity = createPublicKey({ key: ed25519Jwk(encodePoint(1n, 0n)), format: 'jwk' });
    const signature = Buffer.concat([encodePoint(1n, 0n), Buffer.alloc(32)]);
    const isBeforeNode24 = Number.parseInt(process.versions.node, 10) < 24;
    expect(cryptoVerify(null, Buffer.from('anything'), identity, signature)).toBe(isBeforeNode24);
  });

  test('that is not reduced is refused, whatever point it means', () => {
    for (let y = p; y < 2n ** 255n; y += 1n) {
      for (const sign of [0n, 1n])
        expect(refusal(() => importJwk(ed25519Jwk(encodePoint(y, sign))))).toBe('key_invalid');
    }
  });

  test('is judged on or off the curve as RFC 8032 decompresses it', () => {
    for (let y = 2n; y < 150n; y += 1n) {
      const outcome = refusal(() => importJwk(ed25519Jwk(encodePoint(y, 0n))));
      expect([y, outcome]).toEqual([y, pointOf(y) === undefined ? 'key_invalid' : 'accepted']);
    }
  });
});

describe('a Multikey', () => {
  test.each(jwsAlgorithmNames)('of %s is the same key as its JWK', (alg) => {
    const multikey = toMultikey(importJwk(jwks[alg]));
    const key = importMultikey(multikey);
    expect(multikey).toMatch({ ES256: /^zDn/, ES384: /^z82/, ES512: /^z2J9/, EdDSA: /^z6Mk/ }[alg]);
    expect(key.thumbprint).toBe(importJwk(jwks[alg]).thumbprint);
    expect(key.algorithm).toBe(alg);
  });

  test('verifies what its private key signed, for both signs of y', async () => {
    const data = Buffer.from('data');
    for (let index = 0; index < 8; index += 1) {
      const { publicJwk, sign } = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
      const key = importMultikey(toMultikey(importJwk(publicJwk)));
      expect(verifyBytes(key, data, await sign(data))).toBe(true);
    }
  });

  test('takes the published examples', () => {
    // The did:key method's Ed25519 example, and the keys of the examples of Data Integrity ECDSA 1.0.
    const examples = {
      z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK: 'EdDSA',
      zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP: 'ES256',
      z82LkuBieyGShVBhvtE2zoiD6Kma4tJGFtkAhxR5pfkp5QPw4LutoYWhvQCnGjdVn14kujQ: 'ES384',
    };
    for (const [multikey, algorithm] of Object.entries(examples)) {
      const key = importMultikey(multikey);
      expect(key.algorithm).toBe(algorithm);
      expect(toMultikey(key)).toBe(multikey);
    }
  });

  const good = toMultikey(importJwk(jwks.ES256));
  const refused: readonly (readonly [string, unknown])[] = [
    ['nothing', ''],
    ['no string', 1],
    ['z alone', 'z'],
    ['base64url', `u${encodeBase64url(Buffer.from('8024'.padEnd(70, '0'), 'hex'))}`],
    ['a character that base58 has not', `${good.slice(0, -1)}0`],
    ['a space', ` ${good}`],
    ['one character less', good.slice(0, -1)],
    ['one character more', `${good}1`],
    ['a leading zero byte', `z1${good.slice(1)}`],
    ['a million characters', `z${'1'.repeat(1_000_000)}`],
    ['secp256k1', 'zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'],
    ['X25519', 'z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc'],
  ];

  test.each(refused)('is refused: %s', (_, multikey) => {
    expect(refusal(() => importMultikey(multikey as string))).toBe('key_invalid');
  });

  test('of a point off the curve, or with another first byte, is refused', async () => {
    const { base58 } = await import('@scure/base');
    const bytes = base58.decode(good.slice(1));
    const outcomes = new Set<string>();
    for (const first of [0x00, 0x01, 0x04, 0x05, 0x06, 0x07]) {
      outcomes.add(
        refusal(() => importMultikey(`z${base58.encode(Uint8Array.from(bytes, (b, at) => (at === 2 ? first : b)))}`)),
      );
    }
    outcomes.add(
      refusal(() => importMultikey(`z${base58.encode(Uint8Array.from(bytes, (b, at) => (at > 2 ? 0xff : b)))}`)),
    );
    expect([...outcomes]).toEqual(['key_invalid']);
  });
});

describe('a signer', () => {
  test('is made from private keys of accepted curves only', () => {
    const refused = [
      createPublicKey(privateKeys.ES256),
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
      generateKeyPairSync('x25519').privateKey,
    ];
    for (const key of refused) expect(refusal(() => createKeySigner(key))).toBe('key_invalid');
  });

  test('shows its public part only', () => {
    for (const alg of jwsAlgorithmNames)
      expect(Object.keys(createKeySigner(privateKeys[alg]).publicJwk)).not.toContain('d');
  });
});
