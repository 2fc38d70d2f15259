/** Compact tokens against jose in both directions, and what their claims may not say. */
import { decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import {
  readCredential,
  readPresentation,
  secureCredential,
  securePresentation,
  verifyPresentationProof,
  verifyProof,
} from '../../src/credential/credential.js';
import type { Json, JsonObject } from '../../src/json.js';
import { createAgent, didDocument, makeKey, now, type TestAgent, type TestKey, trust } from './agent.js';
import { credential11, credential20, plainCredential, presentation11, presentation20 } from './examples.js';

let t: TestAgent;
beforeAll(async () => {
  t = await createAgent();
});
afterAll(() => t.close());

const seconds = (date: string) => Date.parse(date) / 1000;
const verify = async (input: unknown) => verifyProof(t.agent, readCredential(input), { now });
const joseKey = (key: TestKey) => importJWK(key.jwk as JWK, key.algorithm);
const keys = () => [t.es256, t.ed25519];

describe('vc+jwt (VCDM 2.0)', () => {
  test('is a token that jose accepts, in an envelope', async () => {
    for (const key of keys()) {
      const credential = credential20(t.holder.did);
      const secured = await secureCredential(t.agent, { credential, format: 'vc+jwt', key, now });
      const envelope = secured.verifiableCredential as JsonObject;
      expect(envelope).toEqual({
        '@context': 'https://www.w3.org/ns/credentials/v2',
        id: `data:application/vc+jwt,${secured.compact}`,
        type: 'EnvelopedVerifiableCredential',
      });
      const verified = await jwtVerify(String(secured.compact), await joseKey(key), {
        currentDate: now,
        issuer: trust,
      });
      expect(verified.protectedHeader).toEqual({ alg: key.algorithm, typ: 'vc+jwt', cty: 'vc', kid: key.kid });
      expect(verified.payload).toEqual({
        ...credential,
        iss: trust,
        sub: t.holder.did,
        jti: credential['id'],
        iat: seconds('2026-11-21T09:00:00Z'),
        nbf: seconds('2026-11-01T00:00:00Z'),
        exp: seconds('2027-11-01T00:00:00Z'),
      });
    }
  });

  test('made by jose is verified, with or without claims of its own', async () => {
    for (const key of keys()) {
      const did = `did:web:jose-${key.algorithm.toLowerCase()}.example`;
      const own = makeKey(key.algorithm as 'ES256', () => `${did}#k1`);
      t.documents.set(did, didDocument(did, [own]));
      const credential = credential20(t.holder.did, { issuer: did });
      const bare = await own.token(credential, { typ: 'application/VC+JWT', cty: 'application/vc' });
      await expect(verify(bare)).resolves.toMatchObject({ credential, issuer: did, format: 'vc+jwt' });
    }
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const did = 'did:web:jose.example';
    const method = { id: `${did}#k1`, type: 'JsonWebKey', controller: did, publicKeyJwk: await exportJWK(publicKey) };
    t.documents.set(did, { id: did, verificationMethod: [method], assertionMethod: [method.id] });
    const credential = plainCredential(t.holder.did, { issuer: did });
    const token = await new SignJWT(credential)
      .setProtectedHeader({ alg: 'ES256', typ: 'vc+jwt', cty: 'vc', kid: method.id })
      .setIssuer(did)
      .setIssuedAt(now)
      .setExpirationTime('30d')
      .sign(privateKey);
    const verified = await verify(token);
    expect(verified).toMatchObject({ credential, issuer: did, algorithm: 'ES256' });
    expect(verified.validUntil).toBeInstanceOf(Date);
  });

  test('dates of the token narrow those of the credential and never widen them', async () => {
    const credential = plainCredential(t.holder.did, { validUntil: '2026-12-01T00:00:00Z' });
    const narrow = { nbf: seconds('2026-11-10T00:00:00Z'), exp: seconds('2026-11-30T00:00:00Z') };
    const wide = { nbf: seconds('2026-01-01T00:00:00Z'), exp: seconds('2030-01-01T00:00:00Z') };
    await expect(verify(await t.es256.token({ ...credential, ...narrow }))).resolves.toMatchObject({
      validFrom: new Date('2026-11-10T00:00:00Z'),
      validUntil: new Date('2026-11-30T00:00:00Z'),
      issuedAt: new Date('2026-11-01T00:00:00Z'),
    });
    await expect(verify(await t.es256.token({ ...credential, ...wide }))).resolves.toMatchObject({
      validFrom: new Date('2026-11-01T00:00:00Z'),
      validUntil: new Date('2026-12-01T00:00:00Z'),
      issuedAt: new Date('2026-01-01T00:00:00Z'),
    });
  });

  test.each<[string, JsonObject, string]>([
    ['another iss', { iss: 'did:web:evil.example' }, 'issuer_mismatch'],
    ['an iss that is no text', { iss: 7 }, 'issuer_mismatch'],
    ['another sub', { sub: 'did:web:evil.example' }, 'claims_inconsistent'],
    ['another jti', { jti: 'urn:uuid:other' }, 'claims_inconsistent'],
    ['an exp in words', { exp: '2030-01-01T00:00:00Z' }, 'claims_inconsistent'],
    ['a fractional nbf', { nbf: 1.5 }, 'claims_inconsistent'],
    ['a claim vc', { vc: {} }, 'claims_inconsistent'],
    ['a claim vp', { vp: {} }, 'claims_inconsistent'],
    ['dates of VCDM 1.1', { expirationDate: '2020-01-01T00:00:00Z' }, 'data_model_invalid'],
  ])('with %s is refused', async (_name, claims, code) => {
    await expect(verify(await t.es256.token({ ...plainCredential(t.holder.did), ...claims }))).rejects.toMatchObject({
      code,
    });
  });

  test.each<[string, JsonObject, string]>([
    ['typ JWT', { typ: 'JWT' }, 'claims_inconsistent'],
    ['no typ', { typ: undefined as never }, 'typ_unknown'],
    ['an unknown typ', { typ: 'at+jwt' }, 'typ_unknown'],
    ['the typ of an SD-JWT VC', { typ: 'dc+sd-jwt' }, 'token_malformed'],
    ['the typ of an SD-JWT', { typ: 'vc+sd-jwt' }, 'token_malformed'],
    ['the typ of a presentation', { typ: 'vp+jwt' }, 'typ_unknown'],
    ['cty vp', { cty: 'vp' }, 'typ_unknown'],
    ['no kid', { kid: undefined as never }, 'kid_invalid'],
    ['a kid without a DID', { kid: 'a1' }, 'kid_invalid'],
    ['a kid without a fragment', { kid: trust }, 'kid_invalid'],
    ['its own key', { jwk: {} }, 'header_not_allowed'],
    ['an address of a key', { x5u: 'https://evil.example' }, 'header_not_allowed'],
  ])('with %s in its header is refused', async (_name, header, code) => {
    const token = await t.es256.token(plainCredential(t.holder.did), header);
    await expect(verify(token)).rejects.toMatchObject({ code });
  });

  test('with a second spelling of the same bytes is refused', async () => {
    const token = await t.es256.token(plainCredential(t.holder.did));
    for (const spelling of [`${token}=`, `${token} `, ` ${token}`, `${token}\n`, `${token}.`]) {
      await expect(verify(spelling)).rejects.toMatchObject({ code: 'token_malformed' });
    }
  });

  test('with a member stated twice is refused', async () => {
    const key = t.es256;
    const text = JSON.stringify(plainCredential(t.holder.did)).replace('{', '{"issuer":"did:web:evil.example",');
    const [header] = (await key.token({})).split('.');
    const input = `${header}.${Buffer.from(text).toString('base64url')}`;
    const signature = Buffer.from(await key.sign(Buffer.from(input))).toString('base64url');
    await expect(verify(`${input}.${signature}`)).rejects.toMatchObject({ code: 'token_malformed' });
  });
});

describe('jwt_vc (VCDM 1.1)', () => {
  test('is a token that jose accepts, with the claims of section 6.3.1', async () => {
    for (const key of keys()) {
      const credential = credential11(t.holder.did);
      const secured = await secureCredential(t.agent, { credential, format: 'jwt_vc', key, now });
      expect(secured.verifiableCredential).toBe(secured.compact);
      const { payload } = await jwtVerify(String(secured.compact), await joseKey(key), {
        currentDate: now,
        typ: 'JWT',
      });
      expect(payload).toEqual({
        iss: trust,
        sub: t.holder.did,
        jti: credential['id'],
        iat: seconds('2026-11-21T09:00:00Z'),
        nbf: seconds('2026-11-01T00:00:00Z'),
        exp: seconds('2027-11-01T00:00:00Z'),
        vc: credential,
      });
      expect(decodeProtectedHeader(String(secured.compact))).toEqual({ alg: key.algorithm, typ: 'JWT', kid: key.kid });
      await expect(verify(secured.compact)).resolves.toMatchObject({ credential, digest: secured.digest });
    }
  });

  test('takes from the claims what the credential leaves out', async () => {
    const { id, issuer: _issuer, issuanceDate: _from, expirationDate: _until, ...vc } = credential11(t.holder.did);
    const { id: sub, ...subject } = vc['credentialSubject'] as JsonObject;
    const dates = { nbf: seconds('2026-11-01T00:00:00Z'), exp: seconds('2027-11-01T00:00:00Z') };
    const claims = {
      iss: trust,
      sub: sub as Json,
      jti: id as Json,
      ...dates,
      vc: { ...vc, credentialSubject: subject },
    };
    const token = await t.es256.token(claims as JsonObject, { typ: 'JWT', cty: undefined as never });
    await expect(verify(token)).resolves.toMatchObject({
      credential: { ...credential11(t.holder.did), issuer: trust },
    });
  });

  test.each<[string, (claims: JsonObject) => JsonObject, string]>([
    ['another issuer in vc than iss', (claims) => ({ ...claims, iss: 'did:web:evil.example' }), 'issuer_mismatch'],
    ['an issuer beside vc', (claims) => ({ ...claims, issuer: trust }), 'claims_inconsistent'],
    ['a subject beside vc', (claims) => ({ ...claims, credentialSubject: {} }), 'claims_inconsistent'],
    ['another sub', (claims) => ({ ...claims, sub: 'did:web:evil.example' }), 'claims_inconsistent'],
    ['another jti', (claims) => ({ ...claims, jti: 'urn:uuid:other' }), 'claims_inconsistent'],
    [
      'an exp after expirationDate',
      (claims) => ({ ...claims, exp: seconds('2030-01-01T00:00:00Z') }),
      'claims_inconsistent',
    ],
    [
      'an nbf before issuanceDate',
      (claims) => ({ ...claims, nbf: seconds('2020-01-01T00:00:00Z') }),
      'claims_inconsistent',
    ],
    ['no vc', ({ vc: _vc, ...claims }) => claims, 'claims_inconsistent'],
    ['a vc of VCDM 2.0', (claims) => ({ ...claims, vc: plainCredential(t.holder.did) }), 'data_model_invalid'],
  ])('with %s is refused', async (_name, change, code) => {
    const claims = change({ iss: trust, vc: credential11(t.holder.did) });
    const token = await t.es256.token(claims, { typ: 'JWT', cty: undefined as never });
    await expect(verify(token)).rejects.toMatchObject({ code });
  });
});

describe('presentations', () => {
  const expected = { challenge: 'c1', domain: 'https://v.example', now };
  const present = async (input: unknown) => verifyPresentationProof(t.agent, readPresentation(input), expected);
  const claims = { nonce: 'c1', aud: 'https://v.example' };

  test('are tokens that jose accepts, and hold the credentials as they were signed', async () => {
    const credential = credential20(t.holder.did);
    const secured = await secureCredential(t.agent, { credential, format: 'vc+jwt', key: t.es256, now });
    const jwtVc = await secureCredential(t.agent, {
      credential: credential11(t.holder.did),
      format: 'jwt_vc',
      key: t.es256,
      now,
    });
    const options = { key: t.holder.key, challenge: 'c1', domain: 'https://v.example', now };
    const vp20 = {
      presentation: presentation20(t.holder.did, [secured.compact as string]),
      format: 'vp+jwt',
      ...options,
    } as const;
    const vp11 = {
      presentation: presentation11(t.holder.did, [jwtVc.compact as string]),
      format: 'jwt_vp',
      ...options,
    } as const;
    for (const [made, embedded] of [
      [await securePresentation(t.agent, vp20), secured.verifiableCredential],
      [await securePresentation(t.agent, vp11), jwtVc.compact],
    ] as const) {
      const key = await joseKey(t.holder.key);
      const { payload } = await jwtVerify(String(made.compact), key, {
        currentDate: now,
        audience: 'https://v.example',
      });
      expect(payload).toMatchObject({ ...claims, iss: t.holder.did });
      const verified = await present(made.verifiablePresentation);
      expect(verified).toMatchObject({ holder: t.holder.did, format: made.format, credentials: [embedded] });
      await expect(verify(verified.credentials[0])).resolves.toMatchObject({ issuer: trust });
    }
  });

  test('in an envelope are read as well', async () => {
    const token = await t.holder.key.token(
      { ...presentation20(t.holder.did, []), ...claims },
      { typ: 'vp+jwt', cty: 'vp' },
    );
    const envelope = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      id: `data:application/vp+jwt,${token}`,
      type: ['EnvelopedVerifiablePresentation'],
    };
    await expect(present(envelope)).resolves.toMatchObject({ holder: t.holder.did });
    await expect(present({ ...envelope, id: `data:application/jwt,${token}` })).rejects.toMatchObject({
      code: 'typ_unknown',
    });
  });

  test('of a did:jwk holder, or without a holder, are presented by the controller of the key', async () => {
    const key = makeKey('ES256', () => 'did:jwk:x#0');
    const did = `did:jwk:${Buffer.from(JSON.stringify(key.jwk)).toString('base64url')}`;
    const { holder: _holder, ...anonymous } = presentation20(did, []);
    for (const presentation of [presentation20(did, []), anonymous]) {
      const token = await key.token({ ...presentation, ...claims }, { typ: 'vp+jwt', cty: 'vp', kid: `${did}#0` });
      await expect(present(token)).resolves.toMatchObject({ holder: did, algorithm: 'ES256' });
    }
  });

  test('of a did:web holder need leave, and the key must be listed under authentication', async () => {
    const token = await t.es256.token({ ...presentation20(trust, []), ...claims }, { typ: 'vp+jwt', cty: 'vp' });
    const allowed = { ...expected, acceptHolder: () => true };
    const reading = readPresentation(token);
    await expect(verifyPresentationProof(t.agent, reading, allowed)).rejects.toMatchObject({
      code: 'key_not_authorised',
    });
    const key = makeKey('ES256', () => 'did:web:staff.example#k1');
    const document = didDocument('did:web:staff.example', [key], { assertionMethod: [], authentication: [key.kid] });
    t.documents.set('did:web:staff.example', document);
    const own = await key.token(
      { ...presentation20('did:web:staff.example', []), ...claims },
      { typ: 'vp+jwt', cty: 'vp' },
    );
    await expect(present(own)).rejects.toMatchObject({ code: 'holder_not_accepted' });
    await expect(verifyPresentationProof(t.agent, readPresentation(own), allowed)).resolves.toMatchObject({
      holder: 'did:web:staff.example',
    });
  });

  test('for several audiences are refused, and both wrong answers are reported', async () => {
    const two = { nonce: 'c1', aud: ['https://v.example', 'https://w.example'] };
    const token = (members: object) =>
      t.holder.key.token({ ...presentation20(t.holder.did, []), ...members }, { typ: 'vp+jwt', cty: 'vp' });
    await expect(present(await token(two))).rejects.toMatchObject({ code: 'domain_mismatch' });
    await expect(present(await token({ ...claims, aud: ['https://v.example'] }))).resolves.toMatchObject({
      holder: t.holder.did,
    });
    await expect(present(await token({}))).rejects.toMatchObject({
      code: 'challenge_mismatch',
      further: [expect.objectContaining({ code: 'domain_mismatch' })],
    });
  });

  test('of VCDM 2.0 hold no bare tokens, and a colleague cannot present with his key', async () => {
    const bare = { ...presentation20(t.holder.did, ['a.b.c']), ...claims };
    const token = await t.holder.key.token(bare, { typ: 'vp+jwt', cty: 'vp' });
    await expect(present(token)).rejects.toMatchObject({ code: 'data_model_invalid' });
    const colleague = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`);
    const stolen = await colleague.token(
      { ...presentation20(t.holder.did, []), ...claims },
      { typ: 'vp+jwt', cty: 'vp' },
    );
    await expect(present(stolen)).rejects.toMatchObject({ code: 'holder_mismatch' });
    const copied = await colleague.token(
      { ...presentation20(t.holder.did, []), ...claims },
      { typ: 'vp+jwt', cty: 'vp', kid: t.holder.key.kid },
    );
    await expect(present(copied)).rejects.toMatchObject({ code: 'signature_invalid' });
  });
});

describe('reading', () => {
  test('needs no key, no network and believes nothing', async () => {
    const before = t.resolved.length;
    const token = await t.es256.token(plainCredential('did:web:x', { issuer: 'https://anybody.example' }), {
      kid: 'did:web:y#z',
    });
    expect(readCredential(token)).toEqual({
      kind: 'credential',
      format: 'vc+jwt',
      dataModel: '2.0',
      claimedIssuer: 'https://anybody.example',
      claimedTypes: ['VerifiableCredential'],
      verificationMethod: 'did:web:y#z',
      input: token,
    });
    expect(t.resolved.length).toBe(before);
  });

  test('bounds depth and size of objects', () => {
    let deep: Json = 'x';
    for (let level = 0; level < 80; level += 1) deep = [deep];
    expect(() => readCredential({ proof: {}, deep })).toThrow('More than 64 levels');
    expect(() => readCredential({ proof: {}, wide: Array(10_001).fill(0) })).toThrow('10000 values');
    expect(() => readPresentation({ proof: {}, wide: Array(10_001).fill(0) })).toThrow('10000 values');
  });
});
