/** SD-JWT VC (dc+sd-jwt) against @sd-jwt/core and jose, in both directions; and each way in which one may be wrong. */
import { createHash, randomBytes } from 'node:crypto';
import { SDJwtInstance } from '@sd-jwt/core';
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs';
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import {
  type CredentialRefusal,
  readCredential,
  readPresentation,
  type SecureOptions,
  secureCredential,
  securePresentation,
  verifyPresentationProof,
  verifyProof,
} from '../../src/credential/credential.js';
import { ServiceError } from '../../src/errors.js';
import { signJws } from '../../src/jose/jws.js';
import { signSdJwt } from '../../src/jose/sd-jwt.js';
import type { JsonObject } from '../../src/json.js';
import { createAgent, makeKey, now, type TestAgent, type TestKey, trust } from './agent.js';
import { catalogue } from './examples.js';

let t: TestAgent;
let holder: { key: TestKey; did: string };
beforeAll(async () => {
  t = await createAgent();
  const key = makeKey('ES256', () => 'unused');
  holder = { key, did: didJwk(key.jwk) };
});
afterAll(() => t.close());

const iat = now.getTime() / 1000;
const domain = 'decentralized_identifier:did:web:rxb.example';
const challenge = 'n-0S6_WzA2Mj';

function didJwk(jwk: object): string {
  const { crv, kty, x, y } = jwk as Record<string, string>;
  return `did:jwk:${Buffer.from(JSON.stringify(y === undefined ? { crv, kty, x } : { crv, kty, x, y })).toString('base64url')}`;
}

function typeCalled(name: string) {
  const type = catalogue.find(`${name}Credential`);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

const status = {
  id: 'https://rxa.example/status-lists/abc#1234',
  type: 'TokenStatusListEntry',
  statusListIndex: '1234',
  statusListCredential: 'https://rxa.example/status-lists/abc',
};

function credentialOf(name: string, changes: JsonObject = {}): JsonObject {
  const type = typeCalled(name);
  const { validUntil, credentialSubject, ...example } = structuredClone(type.example);
  return {
    ...example,
    '@context': [...type.contexts['2.0']],
    id: 'urn:uuid:3f0f6b52-98a1-4a35-8a0e-2f9c2a1d6b77',
    issuer: { id: trust, name: 'Rexford Acute NHS Trust (invented)', odsCode: 'RXA' },
    validFrom: '2026-11-21T00:00:00Z',
    ...(validUntil === undefined ? {} : { validUntil }),
    credentialSubject: { ...(credentialSubject as JsonObject), id: holder.did },
    credentialStatus: status,
    credentialSchema: { id: type.schemaId, type: 'JsonSchema', digestSRI: type.schemaDigestSri },
    ...changes,
  };
}

async function issue(credential: JsonObject, options: Partial<SecureOptions> = {}, name = 'StaffIdentity') {
  const { sdJwtVc } = typeCalled(name);
  const base = { credential, format: 'dc+sd-jwt', key: t.es256, now, sdJwtVc } as const;
  return String((await secureCredential(t.agent, { ...base, ...options })).verifiableCredential);
}

const issueOf = (name: string) => issue(credentialOf(name), {}, name);
const jwtOf = (text: string) => text.split('~')[0] ?? '';
const verify = (text: string, options = {}) => verifyProof(t.agent, readCredential(text), { now, ...options });

/** What the issuer might sign by another program: any claims, any paths. */
function sign(claims: JsonObject, { paths = [], header = {} }: { paths?: string[][]; header?: JsonObject } = {}) {
  const full = { alg: 'ES256', typ: 'dc+sd-jwt', kid: t.es256.kid, ...header } as const;
  return signSdJwt(full as never, claims, { paths, random: randomBytes, sign: t.es256.sign });
}

/** The claims of a good token without its digests: what others would sign. */
async function claimsOf(name = 'CoreSkill'): Promise<JsonObject> {
  const { _sd_alg: _, ...claims } = decodeJwt(jwtOf(await issueOf(name))) as JsonObject;
  return claims;
}

async function present(text: string, changes: { claims?: JsonObject; header?: JsonObject; key?: TestKey } = {}) {
  const sdHash = createHash('sha256').update(text).digest('base64url');
  const claims = { iat, aud: domain, nonce: challenge, sd_hash: sdHash, ...changes.claims };
  const key = changes.key ?? holder.key;
  const header = { alg: key.algorithm, typ: 'kb+jwt', ...changes.header };
  return text + (await signJws(header as never, JSON.parse(JSON.stringify(claims)) as JsonObject, key.sign));
}

const prove = (text: string, asked: JsonObject = {}) =>
  verifyPresentationProof(t.agent, readPresentation(text), { now, challenge, domain, ...asked });

async function codeOf(work: () => unknown): Promise<string> {
  const error = await (async () => work())().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return (error as CredentialRefusal | undefined)?.code ?? 'accepted';
}

describe('issued to a wallet', () => {
  test('is what @sd-jwt/core and jose read: type, key binding, status, and claims about the person', async () => {
    const credential = credentialOf('StaffIdentity');
    const text = await issue(credential);
    const verifier = async (data: string, signature: string) => {
      await compactVerify(`${data}.${signature}`, await importJWK(t.es256.jwk as JWK, 'ES256'));
      return true;
    };
    const theirs = new SDJwtInstance({ verifier, hasher: digest, hashAlg: 'sha-256' });
    const { payload, header } = await theirs.verify(text, { currentDate: iat });
    const { sdJwtVc } = typeCalled('StaffIdentity');
    const { id: _, ...about } = credential['credentialSubject'] as JsonObject;
    expect(header).toEqual({ alg: 'ES256', typ: 'dc+sd-jwt', kid: `${trust}#a1` });
    expect(payload).toEqual({
      iss: trust,
      vct: sdJwtVc.vct,
      'vct#integrity': sdJwtVc.integrity,
      jti: credential['id'],
      iat,
      nbf: Date.parse('2026-11-21T00:00:00Z') / 1000,
      ...(credential['validUntil'] === undefined ? {} : { exp: Date.parse(String(credential['validUntil'])) / 1000 }),
      cnf: { jwk: holder.key.jwk },
      status: { status_list: { idx: 1234, uri: 'https://rxa.example/status-lists/abc' } },
      issuer: { name: 'Rexford Acute NHS Trust (invented)', odsCode: 'RXA' },
      evidence: credential['evidence'],
      ...about,
    });
  });

  test.each(catalogue.types.map(({ type }) => type.replace(/Credential$/, '')))(
    '%s reads back as the credential that was signed, whole and with nothing shown',
    async (name) => {
      const credential = credentialOf(name);
      const text = await issue(credential, {}, name);
      const { digestSRI: _, ...schema } = credential['credentialSchema'] as JsonObject;
      const { credential: read, issuer, format, validUntil } = await verify(text);
      expect(read).toEqual({ ...credential, credentialSchema: schema });
      expect([issuer, format]).toEqual([trust, 'dc+sd-jwt']);
      expect(validUntil?.getTime()).toBe(
        credential['validUntil'] === undefined ? undefined : Date.parse(String(credential['validUntil'])),
      );
      const hidden = (await verify(`${jwtOf(text)}~`)).credential;
      expect(hidden).toMatchObject({ type: credential['type'], credentialStatus: status });
    },
  );

  test('is what an agent verifies in the form that it made', async () => {
    const credential = credentialOf('CoreSkill') as never;
    const { sdJwtVc } = typeCalled('CoreSkill');
    const made = await t.agent.createVerifiableCredential({ credential, proofFormat: 'dc+sd-jwt', sdJwtVc });
    const policies = { credentialStatus: false };
    expect(await t.agent.verifyCredential({ credential: made, policies })).toMatchObject({ verified: true });
    const altered = { ...made, evidence: [] } as never;
    expect(await t.agent.verifyCredential({ credential: altered, policies })).toMatchObject({
      verified: false,
      error: { errorCode: 'claims_inconsistent' },
    });
  });

  test('hides exactly the claims that the catalogue names, with salts of its own in every copy', async () => {
    const copies = [await issueOf('StaffIdentity'), await issueOf('StaffIdentity')];
    const [one, other] = copies.map((text) => text.split('~').slice(1, -1).map(opened));
    expect(one?.map(([, name]) => name).sort()).toEqual(['address', 'birthDate', 'legalGender', 'nationality']);
    expect(one?.filter(([salt]) => other?.some(([same]) => same === salt))).toEqual([]);
    const claims = decodeJwt(jwtOf(copies[0] ?? ''));
    for (const name of ['address', 'birthDate', 'legalGender', 'nationality']) expect(claims).not.toHaveProperty(name);
    const { birthDate: _, ...shown } = (await verify(`${jwtOf(copies[0] ?? '')}~`)).credential['credentialSubject'] as {
      birthDate?: string;
    };
    expect(shown).toHaveProperty('legalFamilyName');
  });

  test('keeps the number of hidden claims to itself: absent ones, and items of a list, have decoys', async () => {
    const {
      legalGender: _,
      nationality: _n,
      ...less
    } = credentialOf('StaffIdentity')['credentialSubject'] as JsonObject;
    const few = decodeJwt(jwtOf(await issue(credentialOf('StaffIdentity', { credentialSubject: less }))));
    const many = decodeJwt(jwtOf(await issueOf('StaffIdentity')));
    expect((few['_sd'] as string[]).length).toBe((many['_sd'] as string[]).length);
    expect(few['_sd']).toEqual([...(few['_sd'] as string[])].sort());
    const { diseases } = decodeJwt(jwtOf(await issueOf('ImmunisationStatus'))) as { diseases: JsonObject[] };
    expect(diseases).toHaveLength(16);
    for (const item of diseases) expect(Object.keys(item)).toEqual(['...']);
  });

  test('has neither digests nor disclosures where the type hides nothing', async () => {
    const text = await issueOf('CoreSkill');
    expect(text.split('~')).toHaveLength(2);
    expect(decodeJwt(jwtOf(text))).not.toHaveProperty('_sd');
  });

  test('names a holder that is known by a DID by the URL of its key', async () => {
    const named = await issue(credentialOf('StaffIdentity'), { holderKid: `${holder.did}#0` });
    expect(decodeJwt(jwtOf(named))['cnf']).toEqual({ kid: `${holder.did}#0` });
    const subject = { ...(credentialOf('StaffIdentity')['credentialSubject'] as JsonObject), id: t.holder.did };
    const byKey = await issue(credentialOf('StaffIdentity', { credentialSubject: subject }));
    expect(decodeJwt(jwtOf(byKey))['cnf']).toEqual({ kid: t.holder.key.kid });
    expect((await verify(byKey)).credential['credentialSubject']).toMatchObject({ id: t.holder.did });
  });

  const unfit: [string, () => Promise<unknown>][] = [
    [
      'a second subject',
      () => issue(credentialOf('StaffIdentity', { credentialSubject: [{ id: 'urn:a' }, { id: 'urn:b' }] })),
    ],
    ['terms of use', () => issue(credentialOf('StaffIdentity', { termsOfUse: { type: 'X' } }))],
    [
      'a Bitstring status',
      () =>
        issue(
          credentialOf('StaffIdentity', {
            credentialStatus: { ...status, type: 'BitstringStatusListEntry', statusPurpose: 'revocation' },
          }),
        ),
    ],
    ['two statuses', () => issue(credentialOf('StaffIdentity', { credentialStatus: [status, status] }))],
    ['another type than its vct', () => issue(credentialOf('CoreSkill'))],
    [
      'a claim by the name of a claim of the token',
      () => {
        const subject = { ...(credentialOf('StaffIdentity')['credentialSubject'] as JsonObject), exp: 1 };
        return issue(credentialOf('StaffIdentity', { credentialSubject: subject }));
      },
    ],
    [
      'a claim that would be taken for the status',
      () => {
        const subject = { ...(credentialOf('StaffIdentity')['credentialSubject'] as JsonObject), status: 'ok' };
        return issue(credentialOf('StaffIdentity', { credentialSubject: subject }));
      },
    ],
    [
      'a holder whose key nobody named',
      () => {
        const subject = {
          ...(credentialOf('StaffIdentity')['credentialSubject'] as JsonObject),
          id: 'did:web:holder.example',
        };
        return issue(credentialOf('StaffIdentity', { credentialSubject: subject }));
      },
    ],
    ['the key of somebody else', () => issue(credentialOf('StaffIdentity'), { holderKid: t.holder.key.kid })],
    [
      'no type metadata',
      async () => {
        const credential = credentialOf('StaffIdentity');
        return secureCredential(t.agent, { credential, format: 'dc+sd-jwt', key: t.es256, now });
      },
    ],
  ];
  test.each(unfit)('is not signed with %s', async (_name, work) => {
    const error = await work().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).code).toBe('invalid_credential');
  });

  test('is not presented by us: only its wallet knows what is to be shown', async () => {
    const presentation = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder: t.holder.did,
    };
    const base = { presentation, key: t.holder.key, challenge, domain, now };
    await expect(securePresentation(t.agent, { ...base, format: 'dc+sd-jwt' })).rejects.toThrow(/by the wallet/);
  });
});

const opened = (disclosure: string) =>
  JSON.parse(Buffer.from(disclosure, 'base64url').toString()) as [string, string, unknown];

describe('a token made by others', () => {
  test('is verified, with disclosures of @sd-jwt/core', async () => {
    const signer = async (data: string) => Buffer.from(await t.es256.sign(Buffer.from(data))).toString('base64url');
    const theirs = new SDJwtInstance({
      signer,
      signAlg: 'ES256',
      hasher: digest,
      hashAlg: 'sha-256',
      saltGenerator: generateSalt,
    });
    const claims = { iss: trust, vct: 'urn:example:badge', colour: 'blue', size: 3, cnf: { jwk: holder.key.jwk } };
    const frame = { _sd: ['colour', 'size'], _sd_decoy: 2 };
    const issued = await theirs.issue(claims, frame as never, { header: { typ: 'dc+sd-jwt', kid: t.es256.kid } });
    const shown = await theirs.present(issued, { colour: true } as never);
    const { credential } = await verify(shown);
    expect(credential).toEqual({
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiableCredential', 'urn:example:badge'],
      issuer: trust,
      credentialSubject: { id: holder.did, colour: 'blue' },
    });
  });

  const wrong: [string, string, (claims: JsonObject) => Promise<string>][] = [
    ['another typ', 'typ_unknown', (claims) => sign(claims, { header: { typ: 'sd-jwt' } })],
    ['no kid', 'kid_invalid', (claims) => sign(claims, { header: { kid: undefined as never } })],
    ['no vct', 'claims_inconsistent', ({ vct: _, ...claims }) => sign(claims)],
    ['a vct that is no text', 'claims_inconsistent', (claims) => sign({ ...claims, vct: 1 })],
    ['no iss', 'claims_inconsistent', ({ iss: _, ...claims }) => sign(claims)],
    [
      'an issuer beside iss',
      'claims_inconsistent',
      (claims) => sign({ ...claims, issuer: { id: 'did:web:x.example' } }),
    ],
    ['an id of a subject', 'claims_inconsistent', (claims) => sign({ ...claims, id: 'did:web:x.example' })],
    ['a W3C credential inside', 'claims_inconsistent', (claims) => sign({ ...claims, vc: {} })],
    ['a credentialSubject', 'claims_inconsistent', (claims) => sign({ ...claims, credentialSubject: {} })],
    ['a date that is none', 'claims_inconsistent', (claims) => sign({ ...claims, exp: 'tomorrow' })],
    ['a jti that is no URL', 'data_model_invalid', (claims) => sign({ ...claims, jti: 'a b' })],
    ['a key in cnf that is none', 'key_binding_invalid', (claims) => sign({ ...claims, cnf: { jwk: { kty: 'oct' } } })],
    [
      'a private key in cnf',
      'key_binding_invalid',
      (claims) => sign({ ...claims, cnf: { jwk: { ...holder.key.jwk, d: 'AAAA' } } }),
    ],
    ['a kid in cnf that is no DID URL', 'kid_invalid', (claims) => sign({ ...claims, cnf: { kid: 'key-1' } })],
    ['an issuer that is no DID', 'issuer_not_did', (claims) => sign({ ...claims, iss: 'https://rxa.example' })],
    ['the name of another issuer', 'issuer_mismatch', (claims) => sign({ ...claims, iss: 'did:web:other.example' })],
    ...['iss', 'nbf', 'cnf', 'vct', 'vct#integrity', 'status', 'issuer'].map(
      (name): [string, string, (claims: JsonObject) => Promise<string>] => [
        `a hidden ${name}`,
        'disclosures_invalid',
        (claims) => sign(claims, { paths: [[name]] }),
      ],
    ),
    ['a hidden exp', 'disclosures_invalid', (claims) => sign({ ...claims, exp: iat + 60 }, { paths: [['exp']] })],
    [
      'something hidden in status',
      'disclosures_invalid',
      (claims) => sign(claims, { paths: [['status', 'status_list']] }),
    ],
    ['something hidden in cnf', 'disclosures_invalid', (claims) => sign(claims, { paths: [['cnf', 'jwk']] })],
  ];
  test.each(wrong)('with %s is refused (%s)', async (_name, code, make) => {
    const text = await make(await claimsOf());
    expect(await codeOf(() => verify(text))).toBe(code);
  });

  test('whose status is hidden is refused also while its holder does not show it', async () => {
    const text = await sign(await claimsOf(), { paths: [['status', 'status_list']] });
    expect(await codeOf(() => verify(`${jwtOf(text)}~`))).toBe('disclosures_invalid');
  });

  test('that was altered is refused', async () => {
    const text = await issueOf('CoreSkill');
    const [header, payload, signature] = jwtOf(text).split('.');
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as JsonObject;
    const altered = Buffer.from(JSON.stringify({ ...claims, proficiency: 'Expert' })).toString('base64url');
    expect(await codeOf(() => verify(`${header}.${altered}.${signature}~`))).toBe('signature_invalid');
    expect(await codeOf(() => verify(jwtOf(text)))).toBe('token_malformed');
    expect(decodeProtectedHeader(jwtOf(text)).typ).toBe('dc+sd-jwt');
  });

  test.each([
    ['an index that is a text', { status_list: { idx: '12', uri: 'https://rxa.example/l' } }, ''],
    ['a negative index', { status_list: { idx: -1, uri: 'https://rxa.example/l' } }, '-1'],
    ['a broken index', { status_list: { idx: 1.5, uri: 'https://rxa.example/l' } }, ''],
    ['no list', {}, ''],
    ['a status that is a text', 'valid', ''],
  ])('with %s keeps a status that cannot pass', async (_name, stated, index) => {
    const { credential } = await verify(await sign({ ...(await claimsOf()), status: stated as JsonObject }));
    expect(credential['credentialStatus']).toMatchObject({ type: 'TokenStatusListEntry', statusListIndex: index });
  });

  test('with another status mechanism keeps it, so that it is not taken for one without status', async () => {
    const { credential } = await verify(await sign({ ...(await claimsOf()), status: { identifier_list: {} } }));
    expect(credential['credentialStatus']).toEqual([{ type: 'identifier_list' }]);
  });
});

describe('presented with a key binding', () => {
  let text: string;
  beforeAll(async () => {
    text = await issueOf('StaffIdentity');
  });

  test('is a presentation by the key that the issuer named, holding the credential as shown', async () => {
    const shown = `${text.split('~').slice(0, 2).join('~')}~`;
    const { holder: did, credentials, format, algorithm } = await prove(await present(shown));
    expect([did, format, algorithm]).toEqual([holder.did, 'dc+sd-jwt', 'ES256']);
    expect(credentials).toEqual([shown]);
  });

  test('by the key of a DID is a presentation of that DID', async () => {
    const subject = { ...(credentialOf('StaffIdentity')['credentialSubject'] as JsonObject), id: t.holder.did };
    const bound = await issue(credentialOf('StaffIdentity', { credentialSubject: subject }));
    const presented = await present(bound, { key: t.holder.key });
    expect((await prove(presented)).holder).toBe(t.holder.did);
    expect((await verify(presented, { keyBinding: { challenge, domain } })).keyBinding).toBe('compared');
    const stolen = await present(bound, { key: holder.key });
    expect(await codeOf(() => prove(stolen))).toBe('key_type_mismatch');
    expect(await codeOf(() => verify(stolen, { keyBinding: { challenge, domain } }))).toBe('key_binding_invalid');
  });

  test('is accepted until it is too old, and from when it is made', async () => {
    for (const at of [iat - 300, iat + 60])
      expect(await codeOf(async () => prove(await present(text, { claims: { iat: at } })))).toBe('accepted');
  });

  const bindings: [string, string, () => Promise<string>][] = [
    ['for another request', 'challenge_mismatch', () => present(text, { claims: { nonce: 'other' } })],
    ['for another verifier', 'domain_mismatch', () => present(text, { claims: { aud: 'https://other.example' } })],
    ['for several verifiers', 'claims_inconsistent', () => present(text, { claims: { aud: [domain] } })],
    ['too long ago', 'presentation_expired', () => present(text, { claims: { iat: iat - 301 } })],
    ['in the future', 'presentation_not_yet_valid', () => present(text, { claims: { iat: iat + 61 } })],
    ['that has expired by itself', 'presentation_expired', () => present(text, { claims: { exp: iat } })],
    ['without iat', 'claims_inconsistent', () => present(text, { claims: { iat: undefined as never } })],
    ['without nonce', 'claims_inconsistent', () => present(text, { claims: { nonce: undefined as never } })],
    ['without sd_hash', 'disclosures_invalid', () => present(text, { claims: { sd_hash: undefined as never } })],
    [
      'for other disclosures',
      'disclosures_invalid',
      async () => {
        const bound = await present(text);
        return bound.replace(`~${text.split('~')[1]}~`, '~');
      },
    ],
    ['of another typ', 'typ_unknown', () => present(text, { header: { typ: 'JWT' } })],
    ['by another key', 'signature_invalid', () => present(text, { key: makeKey('ES256', () => 'x') })],
    ['by a key of another kind', 'key_type_mismatch', () => present(text, { key: t.holder.key })],
    [
      'that brings its own key',
      'header_not_allowed',
      () => present(text, { header: { jwk: holder.key.jwk as JsonObject } }),
    ],
    ['that is missing', 'key_binding_missing', async () => text],
    [
      'of a token that names no key',
      'key_binding_invalid',
      async () => {
        const { cnf: _, ...claims } = await claimsOf();
        return present(await sign(claims));
      },
    ],
  ];
  test.each(bindings)('%s is refused (%s)', async (_name, code, make) => {
    const presented = await make();
    expect(await codeOf(() => prove(presented))).toBe(code);
  });

  test('made for us is refused where nothing was asked, and where a kind of holder is not accepted', async () => {
    const presented = await present(text);
    expect(await codeOf(() => prove(presented, { acceptHolder: (() => false) as never }))).toBe('holder_not_accepted');
  });
});
