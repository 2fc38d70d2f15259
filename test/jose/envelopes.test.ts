/** SD-JWT (RFC 9901) and COSE_Sign1 (RFC 9052): one accepted case of each kind, then one refusal for each rule. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { decode, encode } from 'cborg';
import { parseCose, signCose } from '../../src/jose/cose.js';
import { JoseError, type JoseErrorCode } from '../../src/jose/errors.js';
import { createKeySigner, signJws, verifyJws } from '../../src/jose/jws.js';
import { importJwk } from '../../src/jose/keys.js';
import { parseSdJwt, signSdJwt, verifyKeyBinding } from '../../src/jose/sd-jwt.js';
import type { Json, JsonObject } from '../../src/json.js';

const now = new Date('2026-11-21T09:00:00Z');
const issuer = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const holder = createKeySigner(generateKeyPairSync('ed25519').privateKey);
const stranger = createKeySigner(generateKeyPairSync('ed25519').privateKey);
const key = importJwk(issuer.publicJwk);
const header = { alg: 'ES256', typ: 'vc+sd-jwt', kid: 'did:web:a.example#1' } as const;
const expectation = { typ: ['vc+sd-jwt'] };

const claims: JsonObject = {
  issuer: 'did:web:a.example',
  subject: { id: 'did:key:z1', name: 'Alex', address: { street: '1 High Street', town: 'Leeds' } },
  phones: [{ number: '1' }, { number: '2' }],
};
const paths = [
  ['subject', 'name'],
  ['subject', 'address'],
  ['subject', 'address', 'street'],
  ['phones', 1],
] as const;

function refusal(work: () => unknown): JoseErrorCode | 'accepted' {
  try {
    work();
  } catch (error) {
    if (error instanceof JoseError) return error.code;
    throw error;
  }
  return 'accepted';
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const digest = (encoded: string) => createHash('sha256').update(encoded).digest('base64url');
const signed = (payload: JsonObject) => signJws(header, payload, issuer.sign);
const conceal = (payload: JsonObject = claims) =>
  signSdJwt(header, payload, { paths, random: randomBytes, sign: issuer.sign });

describe('SD-JWT', () => {
  test('shows everything when all disclosures are attached, and proves it', async () => {
    const parsed = parseSdJwt(await conceal(), expectation);
    verifyJws(parsed, key);
    expect(parsed.claims).toEqual(claims);
    expect(JSON.stringify(parsed.concealed)).not.toMatch(/Alex|High Street|Leeds|"2"/);
  });

  test('shows what the holder discloses and nothing else; what is hidden inside something hidden needs both', async () => {
    const [jwt, ...disclosures] = (await conceal()).slice(0, -1).split('~');
    const named = (text: string) => disclosures.find((item) => Buffer.from(item, 'base64url').includes(text)) ?? '';
    expect(parseSdJwt(`${jwt}~`, expectation).claims).toEqual({
      issuer: 'did:web:a.example',
      subject: { id: 'did:key:z1' },
      phones: [{ number: '1' }],
    });
    const shown = parseSdJwt(`${jwt}~${named('"address"')}~${named('Alex')}~`, expectation).claims;
    expect(shown.subject).toEqual({ id: 'did:key:z1', name: 'Alex', address: { town: 'Leeds' } });
    expect(refusal(() => parseSdJwt(`${jwt}~${named('"street"')}~`, expectation))).toBe('disclosure_invalid');
  });

  const one = base64url(['salt', 'name', 'Alex']);
  const element = base64url(['salt', 'Alex']);
  const twice = { _sd: [digest(one)], inner: { _sd: [digest(one)] } };
  const cases: readonly (readonly [string, JsonObject, readonly string[], JoseErrorCode | 'accepted'])[] = [
    ['a claim', { _sd: [digest(one)] }, [one], 'accepted'],
    ['an element of an array', { list: [{ '...': digest(element) }] }, [element], 'accepted'],
    ['decoy digests', { _sd: ['decoy'], list: [{ '...': 'other decoy' }] }, [], 'accepted'],
    ['sha-384', { _sd_alg: 'sha-384' }, [], 'accepted'],
    ['a hash that nobody knows', { _sd_alg: 'md5' }, [], 'disclosure_invalid'],
    ['a hash that is no text', { _sd_alg: 256 }, [], 'disclosure_invalid'],
    ['an _sd_alg below the top', { inner: { _sd_alg: 'sha-256' } }, [], 'disclosure_invalid'],
    ['a disclosure that nothing asks for', { name: 'Alex' }, [one], 'disclosure_invalid'],
    ['a disclosure twice', { _sd: [digest(one)] }, [one, one], 'disclosure_invalid'],
    ['a digest twice', twice, [one], 'disclosure_invalid'],
    ['a decoy twice', { _sd: ['decoy', 'decoy'] }, [], 'disclosure_invalid'],
    ['a disclosure that overwrites a claim', { name: 'Sam', _sd: [digest(one)] }, [one], 'disclosure_invalid'],
    ['an array element for a claim', { _sd: [digest(element)] }, [element], 'disclosure_invalid'],
    ['a claim for an array element', { list: [{ '...': digest(one) }] }, [one], 'disclosure_invalid'],
    ['an _sd that is no array', { _sd: digest(one) }, [one], 'disclosure_invalid'],
    ['a digest that is no text', { _sd: [1] }, [], 'disclosure_invalid'],
    ['a digest of an element with company', { list: [{ '...': 'x', a: 1 }] }, [], 'disclosure_invalid'],
    ['a digest of an element outside an array', { list: { '...': 'x' } }, [], 'disclosure_invalid'],
    ['a disclosure that is no array', { _sd: [digest(base64url('x'))] }, [base64url('x')], 'disclosure_invalid'],
    ['a disclosure that is no JSON', {}, ['eyJ9'], 'payload_invalid'],
    ['a disclosure of base64 with padding', {}, [`${one}=`], 'malformed'],
  ];

  test.each(cases)('%s: judged by the rules', async (_name, payload, disclosures, expected) => {
    const text = `${[await signed(payload), ...disclosures].join('~')}~`;
    expect(refusal(() => parseSdJwt(text, expectation))).toBe(expected);
  });

  test.each(['_sd', '...', '__proto__'])('a disclosed claim called %s is refused', async (name) => {
    const encoded = base64url(['salt', name, 'x']);
    const text = `${await signed({ _sd: [digest(encoded)] })}~${encoded}~`;
    expect(refusal(() => parseSdJwt(text, expectation))).toBe('disclosure_invalid');
    if (name === '__proto__') return;
    await expect(conceal({ ...claims, [name]: 'x' })).rejects.toThrow(JoseError);
  });

  test('refuses disclosures that nest past the depth of strict JSON', async () => {
    const chain: string[] = [];
    let value: Json = 'end';
    for (let depth = 0; depth < 66; depth += 1) {
      const encoded = base64url(['salt', 'deeper', value]);
      chain.push(encoded);
      value = { _sd: [digest(encoded)] };
    }
    const text = `${[await signed(value as JsonObject), ...chain].join('~')}~`;
    expect(refusal(() => parseSdJwt(text, expectation))).toBe('disclosure_invalid');
  });

  test('takes 256 disclosures and not one more', async () => {
    const all = Array.from({ length: 257 }, (_, index) => base64url(['salt', `n${index}`, index]));
    const text = async (count: number) => {
      const shown = all.slice(0, count);
      return `${[await signed({ _sd: shown.map(digest) }), ...shown].join('~')}~`;
    };
    const [most, tooMany] = [await text(256), await text(257)];
    expect(refusal(() => parseSdJwt(most, expectation))).toBe('accepted');
    expect(refusal(() => parseSdJwt(tooMany, expectation))).toBe('too_large');
  });

  test('is no SD-JWT without a tilde, with another typ, or under a signature that does not hold', async () => {
    const text = await conceal();
    expect(refusal(() => parseSdJwt(text.split('~')[0] ?? '', expectation))).toBe('malformed');
    expect(refusal(() => parseSdJwt(text, { typ: ['vc+jwt'] }))).toBe('typ_not_allowed');
    expect(refusal(() => verifyJws(parseSdJwt(text, expectation), importJwk(holder.publicJwk)))).toBe(
      'key_alg_mismatch',
    );
  });

  test('conceals nothing at a path that leads nowhere', async () => {
    const options = { paths: [['subject', 'nothing']], random: randomBytes, sign: issuer.sign };
    await expect(signSdJwt(header, claims, options)).rejects.toThrow(/no claim/);
  });

  describe('key binding', () => {
    const bound: JsonObject = { ...claims, cnf: { jwk: { ...holder.publicJwk } } };
    const binding = { nonce: 'n', aud: 'https://v.example', iat: now.getTime() / 1000 };
    type Change = { claims?: JsonObject; typ?: string; signer?: typeof holder; issued?: JsonObject; cut?: boolean };

    async function present({ claims: changes, typ = 'kb+jwt', signer = holder, issued = bound, cut }: Change = {}) {
      const text = await conceal(issued);
      const content = { ...binding, sd_hash: digest(text), ...changes };
      const keyBinding = await signJws({ alg: 'EdDSA', typ }, content, signer.sign);
      return (cut ? `${text.split('~').slice(0, 2).join('~')}~` : text) + keyBinding;
    }

    const judge = (text: string, expected: object = {}) =>
      refusal(() => verifyKeyBinding(parseSdJwt(text, expectation), { now, ...expected }));

    test('holds for the request that it was made for, and only for that', async () => {
      const text = await present();
      expect(judge(text)).toBe('accepted');
      expect(judge(text, { nonce: 'n', aud: 'https://v.example' })).toBe('accepted');
      expect(judge(text, { nonce: 'other' })).toBe('key_binding_invalid');
      expect(judge(text, { aud: 'https://w.example' })).toBe('key_binding_invalid');
      expect(verifyKeyBinding(parseSdJwt(await conceal(), expectation), { now })).toBeUndefined();
    });

    test.each<[string, Change, JoseErrorCode]>([
      ['another typ', { typ: 'JWT' }, 'typ_not_allowed'],
      ['another set of disclosures', { cut: true }, 'disclosure_invalid'],
      ['no nonce', { claims: { nonce: 1 } }, 'claim_invalid'],
      ['no audience', { claims: { aud: ['https://v.example'] } }, 'claim_invalid'],
      ['another key', { signer: stranger }, 'key_binding_invalid'],
      ['no key that the issuer named', { issued: claims }, 'key_binding_invalid'],
      ['a time to come', { claims: { iat: now.getTime() / 1000 + 3600 } }, 'key_binding_invalid'],
    ])('%s is refused', async (_name, change, expected) => {
      expect(judge(await present(change))).toBe(expected);
    });
  });
});

describe('COSE_Sign1', () => {
  const expected = { typ: 'application/vc+cose', contentType: 'application/vc' };
  const good = new Map<unknown, unknown>([
    [1, -7],
    [3, 'application/vc'],
    [4, Buffer.from('did:web:a.example#1')],
    [16, 'application/vc+cose'],
  ]);
  const content = Buffer.from(JSON.stringify(claims));

  const without = (...labels: number[]) => new Map([...good].filter(([label]) => !labels.includes(label as number)));
  const withThese = (...entries: [unknown, unknown][]) => new Map([...good, ...entries]);

  /** A message with a good signature over whatever the parts are. */
  async function forge(parts: { header?: unknown; unprotected?: unknown; payload?: unknown; tag?: number } = {}) {
    const { header: map = good, unprotected = new Map(), payload = content, tag = 0xd2 } = parts;
    const protectedBytes = map instanceof Uint8Array ? map : encode(map);
    const data = encode(['Signature1', protectedBytes, new Uint8Array(), payload]);
    const signature = new Uint8Array(await issuer.sign(data));
    const message = encode([protectedBytes, unprotected, payload, signature]);
    return Buffer.concat([tag === 0 ? Buffer.alloc(0) : Buffer.of(tag), message]);
  }

  const judge = (bytes: Uint8Array) => refusal(() => verifyJws(parseCose(bytes, expected), key));

  test('is what we sign, with everything protected', async () => {
    const { alg } = header;
    const kid = 'did:web:a.example#1';
    const message = await signCose({ alg, kid, ...expected }, claims, issuer.sign);
    const parsed = parseCose(message, expected);
    verifyJws(parsed, key);
    expect(parsed.content).toEqual(claims);
    expect(parsed.header).toMatchObject({ alg: 'ES256', kid });
    const [protectedBytes] = decode(message.subarray(1), { useMaps: true }) as [Uint8Array];
    expect(decode(protectedBytes, { useMaps: true })).toEqual(
      new Map<number, unknown>([...good].map(([name, value]) => [name as number, asBytes(value)])),
    );
  });

  const asBytes = (value: unknown) => (value instanceof Uint8Array ? Uint8Array.from(value) : value);

  test('is accepted with or without its tag, with a kid in either header, and with unknown labels', async () => {
    const loose = await forge({ header: without(4), unprotected: new Map([[4, Buffer.from('did:web:a.example#1')]]) });
    for (const bytes of [await forge(), await forge({ tag: 0 }), loose, await forge({ header: withThese(['x', 1]) })]) {
      expect(judge(bytes)).toBe('accepted');
      expect(parseCose(bytes, expected).header.kid).toBe('did:web:a.example#1');
    }
    expect(judge(await forge({ header: new Map([...without(1), [1, -9]]) }))).toBe('accepted');
    expect(judge(await forge({ header: without(3) }))).toBe('accepted');
  });

  test('reads CWT claims of the protected header only', async () => {
    const protectedClaims = await forge({
      header: withThese([
        15,
        new Map<number, unknown>([
          [1, 'did:web:a.example'],
          [4, 5],
          [99, []],
        ]),
      ]),
    });
    expect(parseCose(protectedClaims, expected).claims).toEqual({ iss: 'did:web:a.example', exp: 5 });
    expect(judge(await forge({ unprotected: new Map([[15, new Map()]]) }))).toBe('header_invalid');
    expect(judge(await forge({ header: withThese([15, 'x']) }))).toBe('header_invalid');
    expect(judge(await forge({ header: withThese([15, new Map([[1, []]])]) }))).toBe('claim_invalid');
  });

  const duplicate = Buffer.concat([Buffer.of(0xa2, 0x01, 0x26, 0x01, 0x26)]);

  test.each<[string, Parameters<typeof forge>[0], JoseErrorCode]>([
    ['another tag', { tag: 0xd1 }, 'malformed'],
    ['a label twice in one header', { header: duplicate }, 'malformed'],
    ['a label in both headers', { unprotected: new Map([[4, Buffer.from('x')]]) }, 'header_invalid'],
    ['a header that is no map', { header: encode([1, -7]) }, 'header_invalid'],
    ['a header that is empty', { header: Buffer.alloc(0) }, 'malformed'],
    ['a label that is no label', { header: withThese([new Uint8Array(1), 1]) }, 'header_invalid'],
    ['no algorithm', { header: without(1) }, 'alg_not_allowed'],
    ['an algorithm outside the signature', { header: without(1), unprotected: new Map([[1, -7]]) }, 'header_invalid'],
    ['a MAC', { header: new Map([...without(1), [1, 5]]) }, 'alg_not_allowed'],
    ['the algorithm of another key', { header: new Map([...without(1), [1, -35]]) }, 'key_alg_mismatch'],
    ['an extension that must be understood', { header: withThese([2, [99]]) }, 'crit_not_supported'],
    ['a certificate chain', { header: withThese([33, Buffer.from('x')]) }, 'embedded_key'],
    ['the address of a certificate', { unprotected: new Map([[35, 'https://k.example']]) }, 'embedded_key'],
    ['no type', { header: without(16) }, 'typ_not_allowed'],
    [
      'the type of a presentation',
      { header: new Map([...without(16), [16, 'application/vp+cose']]) },
      'typ_not_allowed',
    ],
    ['another content type', { header: new Map([...without(3), [3, 'text/plain']]) }, 'typ_not_allowed'],
    [
      'a kid that is text',
      { header: new Map<unknown, unknown>([...without(4), [4, 'did:web:a.example#1']]) },
      'header_invalid',
    ],
    [
      'a kid that is no text',
      { header: new Map<unknown, unknown>([...without(4), [4, Buffer.of(0xff)]]) },
      'header_invalid',
    ],
    ['a detached payload', { payload: null }, 'malformed'],
    ['a payload that is no JSON', { payload: Buffer.from('x') }, 'payload_invalid'],
    ['a member of the payload twice', { payload: Buffer.from('{"a":1,"a":2}') }, 'payload_invalid'],
  ])('%s is refused', async (_name, parts, code) => {
    expect(judge(await forge(parts))).toBe(code);
  });

  test('refuses a changed signature, trailing bytes, indefinite lengths and what nests without end', async () => {
    const message = await forge();
    const changed = Buffer.from(message);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    expect(judge(changed)).toBe('signature_invalid');
    expect(judge(Buffer.concat([message, Buffer.of(0)]))).toBe('malformed');
    expect(judge(Buffer.of(0xd2, 0x9f, 0xff))).toBe('malformed');
    expect(judge(Buffer.alloc(200_000, 0x81))).toBe('malformed');
    expect(judge(Buffer.alloc(256 * 1024 + 1))).toBe('too_large');
  });

  test('refuses a signer that makes no signature of the algorithm', async () => {
    const options = { alg: 'ES256', kid: 'k', ...expected } as const;
    await expect(signCose(options, claims, async () => new Uint8Array(63))).rejects.toThrow(/ES256/);
  });
});
