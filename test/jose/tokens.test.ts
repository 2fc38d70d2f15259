import { createHmac, sign as cryptoSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactVerify, importJWK, SignJWT } from 'jose';
import { type JwsAlgorithm, jwsAlgorithmNames, jwsAlgorithms } from '../../src/jose/algorithms.js';
import { decodeBase64url, encodeBase64url } from '../../src/jose/base64url.js';
import { JoseError, type JoseErrorCode } from '../../src/jose/errors.js';
import { createKeySigner, type JwsExpectation, parseJws, signJws, verifyBytes, verifyJws } from '../../src/jose/jws.js';
import { checkTimeClaims, parseJwt } from '../../src/jose/jwt.js';
import { importJwk, type VerificationKey } from '../../src/jose/keys.js';
import type { JsonObject } from '../../src/json.js';

const privateKeys: Record<JwsAlgorithm, KeyObject> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
};
const signers = {
  ES256: createKeySigner(privateKeys.ES256),
  ES384: createKeySigner(privateKeys.ES384),
  ES512: createKeySigner(privateKeys.ES512),
  EdDSA: createKeySigner(privateKeys.EdDSA),
};
const key = importJwk(signers.ES256.publicJwk);
const expectation: JwsExpectation = { typ: ['vc+jwt'] };
const goodHeader = { alg: 'ES256', typ: 'vc+jwt', kid: 'did:web:a.example#1' } as const;
const goodClaims = { iss: 'did:web:a.example', iat: 1_700_000_000 };

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** A token with a good signature over whatever the parts are: only what is wrong with the parts can be refused. */
function forge(header: unknown, payload: unknown = goodClaims, algorithm: JwsAlgorithm = 'ES256'): string {
  return signParts(encode(header), encode(payload), algorithm);
}

function signParts(header: string, payload: string, algorithm: JwsAlgorithm = 'ES256'): string {
  const input = `${header}.${payload}`;
  const { hash } = jwsAlgorithms[algorithm];
  const signature = cryptoSign(hash, Buffer.from(input), {
    key: privateKeys[algorithm],
    dsaEncoding: 'ieee-p1363',
  });
  return `${input}.${signature.toString('base64url')}`;
}

function refusal(work: () => unknown): JoseErrorCode | 'accepted' {
  try {
    work();
  } catch (error) {
    if (error instanceof JoseError) return error.code;
    throw error;
  }
  return 'accepted';
}

function judge(
  token: string,
  expect: JwsExpectation = expectation,
  by: VerificationKey = key,
): JoseErrorCode | 'accepted' {
  return refusal(() => verifyJws(parseJwt(token, expect), by));
}

const good = forge(goodHeader);
const [goodHeaderPart = '', goodPayloadPart = '', goodSignaturePart = ''] = good.split('.');

/** The last character of a part with a stray bit set: another text for the same bytes, which Node decodes happily. */
function withStrayBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(part.at(-1) ?? '');
  const changed = `${part.slice(0, -1)}${alphabet.charAt(last + 1)}`;
  if (!Buffer.from(changed, 'base64url').equals(Buffer.from(part, 'base64url'))) throw new Error('no stray bits');
  return changed;
}

/** JSON padded with spaces until its base64url has stray bits in the last character. */
function padded(value: unknown): string {
  let text = JSON.stringify(value);
  while (Buffer.byteLength(text) % 3 === 0) text += ' ';
  return encode(text);
}

// biome-ignore format: one forgery a line
const forgeries: readonly (readonly [reason: string, token: string | (() => string), code: JoseErrorCode])[] = [
  ['alg none without a signature', `${encode({ ...goodHeader, alg: 'none' })}.${goodPayloadPart}.`, 'malformed'],
  ['alg none with a signature', forge({ ...goodHeader, alg: 'none' }), 'alg_not_allowed'],
  ['alg None', forge({ ...goodHeader, alg: 'None' }), 'alg_not_allowed'],
  ['alg in lower case', forge({ ...goodHeader, alg: 'es256' }), 'alg_not_allowed'],
  ['no alg', forge({ typ: 'vc+jwt' }), 'alg_not_allowed'],
  ['alg that is a list', forge({ ...goodHeader, alg: ['ES256'] }), 'alg_not_allowed'],
  ['alg called like a member of every object', forge({ ...goodHeader, alg: 'toString' }), 'alg_not_allowed'],
  ['alg RS256', forge({ ...goodHeader, alg: 'RS256' }), 'alg_not_allowed'],
  ['alg ES256K', forge({ ...goodHeader, alg: 'ES256K' }), 'alg_not_allowed'],
  ['HS256 keyed with the public key', hmacForgery, 'alg_not_allowed'],
  ['alg of another key type', forge({ ...goodHeader, alg: 'EdDSA' }), 'key_alg_mismatch'],
  ['alg of another curve', forge({ ...goodHeader, alg: 'ES384' }), 'key_alg_mismatch'],
  ['signed with another key', forge({ ...goodHeader, alg: 'EdDSA' }, goodClaims, 'EdDSA'), 'key_alg_mismatch'],
  ['crit of an unknown extension', forge({ ...goodHeader, crit: ['x'], x: 1 }), 'crit_not_supported'],
  ['crit of a known parameter', forge({ ...goodHeader, crit: ['alg'] }), 'crit_not_supported'],
  ['an empty crit', forge({ ...goodHeader, crit: [] }), 'crit_not_supported'],
  ['crit null', forge({ ...goodHeader, crit: null }), 'crit_not_supported'],
  ['b64 false, critical', forge({ ...goodHeader, b64: false, crit: ['b64'] }), 'crit_not_supported'],
  ['b64 false, not critical', forge({ ...goodHeader, b64: false }), 'crit_not_supported'],
  ['no typ', forge({ alg: 'ES256' }), 'typ_not_allowed'],
  ['the typ of another profile', forge({ ...goodHeader, typ: 'JWT' }), 'typ_not_allowed'],
  ['an empty typ', forge({ ...goodHeader, typ: '' }), 'typ_not_allowed'],
  ['a typ with a foreign type', forge({ ...goodHeader, typ: 'text/vc+jwt' }), 'typ_not_allowed'],
  ['a typ that is a list', forge({ ...goodHeader, typ: ['vc+jwt'] }), 'header_invalid'],
  ['a kid that is a number', forge({ ...goodHeader, kid: 1 }), 'header_invalid'],
  ['a cty that is null', forge({ ...goodHeader, cty: null }), 'header_invalid'],
  ['an embedded jwk', forge({ ...goodHeader, jwk: signers.ES256.publicJwk }), 'embedded_key'],
  ['a jku', forge({ ...goodHeader, jku: 'https://a.example/jwks' }), 'embedded_key'],
  ['an x5c', forge({ ...goodHeader, x5c: ['MII='] }), 'embedded_key'],
  ['an x5u', forge({ ...goodHeader, x5u: 'https://a.example/x5u' }), 'embedded_key'],
  ['duplicate header members', forge('{"alg":"ES256","alg":"ES256","typ":"vc+jwt"}'), 'header_invalid'],
  ['duplicate header members, one escaped', forge('{"alg":"ES256","\\u0061lg":"none","typ":"vc+jwt"}'), 'header_invalid'],
  ['a header that is a list', forge(['ES256']), 'header_invalid'],
  ['a header that is null', forge(null), 'header_invalid'],
  ['a header that is no JSON', forge('{"alg":'), 'header_invalid'],
  ['a header that is no UTF-8', signParts(Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url'), goodPayloadPart), 'header_invalid'],
  ['a header with __proto__', forge('{"alg":"ES256","typ":"vc+jwt","__proto__":{"kid":"x"}}'), 'header_invalid'],
  ['a header of more than 8 kB', forge({ ...goodHeader, x: 'x'.repeat(8 * 1024) }), 'header_invalid'],
  ['a header that nests deeply', forge(`{"alg":"ES256","typ":"vc+jwt","x":${'['.repeat(9)}${']'.repeat(9)}}`), 'header_invalid'],
  ['a token of more than 256 kB', forge(goodHeader, { x: 'x'.repeat(256 * 1024) }), 'too_large'],
  ['a payload that is a list', forge(goodHeader, [goodClaims]), 'payload_invalid'],
  ['a payload that is a string', forge(goodHeader, '"claims"'), 'payload_invalid'],
  ['a payload that is no JSON', forge(goodHeader, 'claims'), 'payload_invalid'],
  ['duplicate claims', forge(goodHeader, '{"iss":"a","iss":"b"}'), 'payload_invalid'],
  ['a claim that changes when it is read', forge(goodHeader, '{"iat":9007199254740993}'), 'payload_invalid'],
  ['a payload nested 5,000 deep', forge(goodHeader, `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`), 'payload_invalid'],
  ['two parts', `${goodHeaderPart}.${goodPayloadPart}`, 'malformed'],
  ['four parts', `${good}.${goodSignaturePart}`, 'malformed'],
  ['five parts, as a JWE has', `${good}.a.b`, 'malformed'],
  ['a hundred thousand parts', '.'.repeat(100_000), 'malformed'],
  ['an empty header', `.${goodPayloadPart}.${goodSignaturePart}`, 'malformed'],
  ['an empty payload', `${goodHeaderPart}..${goodSignaturePart}`, 'malformed'],
  ['an empty signature', `${goodHeaderPart}.${goodPayloadPart}.`, 'malformed'],
  ['an empty text', '', 'malformed'],
  ['a disclosure behind it, as an SD-JWT has', `${good}~`, 'malformed'],
  ['a leading space', ` ${good}`, 'malformed'],
  ['a trailing newline', `${good}\n`, 'malformed'],
  ['a space within the signature', `${goodHeaderPart}.${goodPayloadPart}.${goodSignaturePart.slice(0, 9)} ${goodSignaturePart.slice(9)}`, 'malformed'],
  ['a newline within the payload', `${goodHeaderPart}.${goodPayloadPart.slice(0, 8)}\n${goodPayloadPart.slice(8)}.${goodSignaturePart}`, 'malformed'],
  ['padding', `${good}==`, 'malformed'],
  ['base64 instead of base64url', `${goodHeaderPart}.${goodPayloadPart}.${'+/'.repeat(43)}`, 'malformed'],
  ['a part of impossible length', `${goodHeaderPart}.${goodPayloadPart}.${'A'.repeat(85)}`, 'malformed'],
  ['characters that are not ASCII', `${goodHeaderPart}.${goodPayloadPart}.${'é'.repeat(86)}`, 'malformed'],
  ['stray bits at the end of the header', () => signParts(withStrayBits(padded(goodHeader)), goodPayloadPart), 'not_canonical'],
  ['stray bits at the end of the payload', () => signParts(goodHeaderPart, withStrayBits(padded(goodClaims))), 'not_canonical'],
  ['stray bits at the end of the signature', () => `${goodHeaderPart}.${goodPayloadPart}.${withStrayBits(goodSignaturePart)}`, 'not_canonical'],
  ['a changed payload', `${goodHeaderPart}.${encode({ ...goodClaims, iss: 'did:web:b.example' })}.${goodSignaturePart}`, 'signature_invalid'],
  ['a changed header', `${encode({ ...goodHeader, kid: 'x' })}.${goodPayloadPart}.${goodSignaturePart}`, 'signature_invalid'],
  ['a signature of zeros', `${goodHeaderPart}.${goodPayloadPart}.${encodeBase64url(Buffer.alloc(64))}`, 'signature_invalid'],
  ['a signature in DER', () => derForgery(), 'signature_invalid'],
  ['a signature that is too short', `${goodHeaderPart}.${goodPayloadPart}.${encodeBase64url(Buffer.alloc(63, 1))}`, 'signature_invalid'],
  ['a signature with one byte behind it', () => `${goodHeaderPart}.${goodPayloadPart}.${encodeBase64url(Buffer.concat([decodeBase64url(goodSignaturePart), Buffer.of(0)]))}`, 'signature_invalid'],
];

function hmacForgery(): string {
  const input = `${encode({ ...goodHeader, alg: 'HS256' })}.${goodPayloadPart}`;
  const publicKey = key.keyObject.export({ type: 'spki', format: 'pem' });
  return `${input}.${createHmac('sha256', publicKey).update(input).digest('base64url')}`;
}

function derForgery(): string {
  const input = `${goodHeaderPart}.${goodPayloadPart}`;
  return `${input}.${cryptoSign('sha256', Buffer.from(input), privateKeys.ES256).toString('base64url')}`;
}

describe('a strict JWS', () => {
  test.each(jwsAlgorithmNames)('signed with %s is accepted, and by jose as well', async (alg) => {
    const { sign, publicJwk } = signers[alg];
    const token = await signJws({ alg, typ: 'vc+jwt', kid: 'x' }, goodClaims, sign);
    const parsed = parseJwt(token, expectation);
    expect(parsed.claims).toEqual(goodClaims);
    expect(parsed.header).toEqual({ alg, typ: 'vc+jwt', kid: 'x' });
    expect(judge(token, expectation, importJwk(publicJwk))).toBe('accepted');
    const { payload } = await compactVerify(token, await importJWK({ ...publicJwk }, alg));
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(goodClaims);
  });

  test.each(jwsAlgorithmNames)('made by jose with %s is accepted', async (alg) => {
    const token = await new SignJWT(goodClaims).setProtectedHeader({ alg, typ: 'vc+jwt' }).sign(privateKeys[alg]);
    expect(judge(token, expectation, importJwk(signers[alg].publicJwk))).toBe('accepted');
  });

  test.each(jwsAlgorithmNames)('with one bit changed anywhere is refused (%s)', async (alg) => {
    const verificationKey = importJwk(signers[alg].publicJwk);
    const token = await signJws({ alg, typ: 'vc+jwt' }, goodClaims, signers[alg].sign);
    const accepted: number[] = [];
    for (let at = 0; at < token.length; at += 1) {
      const changed = Buffer.from(token);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      if (judge(changed.toString('latin1'), expectation, verificationKey) === 'accepted') accepted.push(at);
    }
    expect(accepted).toEqual([]);
  });

  test.each(forgeries)('is refused: %s', (_, token, code) => {
    expect(judge(typeof token === 'string' ? token : token())).toBe(code);
  });

  test('what is no string is refused', () => {
    for (const value of [undefined, null, 1, {}, ['a.b.c']]) {
      expect(refusal(() => parseJws(value as unknown as string, expectation))).toBe('malformed');
    }
  });

  test('reads typ without "application/" and without case, and no further', () => {
    const accept = (typ: string, accepted: readonly (string | undefined)[]) =>
      judge(forge({ alg: 'ES256', typ }), { typ: accepted });
    expect(accept('application/vc+jwt', ['vc+jwt'])).toBe('accepted');
    expect(accept('VC+JWT', ['vc+jwt'])).toBe('accepted');
    expect(accept('vc+jwt', ['application/vc+jwt', 'JWT'])).toBe('accepted');
    expect(accept('application/a/b', ['a/b'])).toBe('typ_not_allowed');
    expect(accept('vc+jwt', [undefined])).toBe('typ_not_allowed');
    expect(judge(forge({ alg: 'ES256' }), { typ: ['JWT', undefined] })).toBe('accepted');
  });

  test('honours a smaller list of algorithms, a smaller size and an allowed embedded key', () => {
    expect(judge(good, { ...expectation, algorithms: ['EdDSA'] })).toBe('alg_not_allowed');
    expect(judge(good, { ...expectation, maxBytes: 100 })).toBe('too_large');
    const embedded = forge({ ...goodHeader, jwk: signers.ES256.publicJwk });
    expect(judge(embedded, { ...expectation, allowEmbeddedKey: true })).toBe('accepted');
    const byReference = forge({ ...goodHeader, jku: 'https://a.example/jwks' });
    expect(judge(byReference, { ...expectation, allowEmbeddedKey: true })).toBe('embedded_key');
  });

  test('never quotes the token in an error', () => {
    const secret = 'QQ123456C';
    for (const token of [forge({ ...goodHeader, typ: secret }), forge({ ...goodHeader, alg: secret }), `${secret}.a`]) {
      expect(() => parseJwt(token, expectation)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) }),
      );
    }
  });

  test('is not made with a signature of the wrong length', async () => {
    const sign = async () => Buffer.alloc(70);
    await expect(signJws({ alg: 'ES256' }, goodClaims, sign)).rejects.toMatchObject({ code: 'signature_invalid' });
  });

  test('carries bytes that are no JSON where the caller wants a plain JWS', async () => {
    const token = await signJws({ alg: 'EdDSA' }, Buffer.from([0, 1, 2]), signers.EdDSA.sign);
    const parsed = parseJws(token, { typ: [undefined] });
    verifyJws(parsed, importJwk(signers.EdDSA.publicJwk));
    expect([...parsed.payload]).toEqual([0, 1, 2]);
  });

  test('raw bytes are verified with the same table', async () => {
    const data = Buffer.from('hash');
    for (const alg of jwsAlgorithmNames) {
      const signature = await signers[alg].sign(data);
      const verificationKey = importJwk(signers[alg].publicJwk);
      expect(verifyBytes(verificationKey, data, signature)).toBe(true);
      expect(verifyBytes(verificationKey, Buffer.from('Hash'), signature)).toBe(false);
      expect(verifyBytes(verificationKey, data, signature.subarray(1))).toBe(false);
    }
  });
});

describe('the dates of a JWT', () => {
  const now = new Date('2026-11-21T12:00:00.500Z');
  const second = Math.floor(now.getTime() / 1000);
  const check = (claims: JsonObject, options?: Parameters<typeof checkTimeClaims>[2]) =>
    refusal(() => checkTimeClaims(claims, now, options));

  test('are whole seconds', () => {
    const wrong = [String(second), second + 0.5, -1, null, true, [second], { s: 1 }, 1e15, Number.NaN];
    for (const name of ['exp', 'nbf', 'iat']) {
      for (const value of wrong)
        expect([name, value, check({ [name]: value })]).toEqual([name, value, 'claim_invalid']);
    }
  });

  test('have no grace at the end and 60 s at the start', () => {
    expect(check({ exp: second + 1 })).toBe('accepted');
    expect(check({ exp: second })).toBe('expired');
    expect(check({ nbf: second + 60 })).toBe('accepted');
    expect(check({ nbf: second + 61 })).toBe('not_yet_valid');
    expect(check({ iat: second + 60 })).toBe('accepted');
    expect(check({ iat: second + 61 })).toBe('not_yet_valid');
    expect(check({ iat: second + 61 }, { leewaySeconds: 120 })).toBe('accepted');
    expect(check({ nbf: second + 1 }, { leewaySeconds: 0 })).toBe('not_yet_valid');
    expect(check({})).toBe('accepted');
  });

  test('can be demanded, and aged', () => {
    expect(check({}, { requireExp: true })).toBe('claim_invalid');
    expect(check({}, { maxAgeSeconds: 10 })).toBe('claim_invalid');
    expect(check({ iat: second - 9 }, { maxAgeSeconds: 10 })).toBe('accepted');
    expect(check({ iat: second - 10 }, { maxAgeSeconds: 10 })).toBe('too_old');
  });
});
