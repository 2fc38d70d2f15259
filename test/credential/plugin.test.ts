/** What the stock CredentialPlugin gets wrong, shown to be right for our agent (Veramo 7.0.1), and what it must still do. */
import type { VerifiableCredential } from '@veramo/core-types';
import { readCredential, secureCredential, securingFormats, verifyProof } from '../../src/credential/credential.js';
import type { Json, JsonObject } from '../../src/json.js';
import { createAgent, didDocument, makeKey, now, type TestAgent, trust } from './agent.js';
import { credential11, credential20, plainCredential, presentation20 } from './examples.js';

const status = {
  id: 'https://rxa.example/s#1',
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '1',
  statusListCredential: 'https://rxa.example/s',
};

let t: TestAgent;
let statusAnswer: object = { revoked: false };
let statusAsked: VerifiableCredential[] = [];
beforeAll(async () => {
  const checkCredentialStatus = async ({ credential }: { credential: VerifiableCredential }) => {
    statusAsked.push(credential);
    return statusAnswer;
  };
  t = await createAgent({ plugins: [{ methods: { checkCredentialStatus } }] });
});
beforeEach(() => {
  statusAnswer = { revoked: false };
  statusAsked = [];
});
afterAll(() => t.close());

const formats = ['vc+jwt', 'jwt_vc', 'eddsa-rdfc-2022', 'ecdsa-rdfc-2019'] as const;
type Format = (typeof formats)[number];

async function sign(format: Format, changes: JsonObject = {}): Promise<Json> {
  const key = format === 'eddsa-rdfc-2022' ? t.ed25519 : t.es256;
  const credential = format === 'jwt_vc' ? credential11(t.holder.did, changes) : credential20(t.holder.did, changes);
  const { verifiableCredential, compact } = await secureCredential(t.agent, { credential, format, key, now });
  return compact ?? verifiableCredential;
}

const verify = (credential: unknown, policies: object = {}) =>
  t.agent.verifyCredential({ credential: credential as string, policies });
const expected = { challenge: 'c1', domain: 'https://v.example' };
const refusal = (code: string) => ({ verified: false, error: { errorCode: code } });

async function present(credentials: Json[], proofFormat = 'vp+jwt') {
  const presentation = presentation20(t.holder.did, credentials.map(envelope));
  return t.agent.createVerifiablePresentation({ presentation: presentation as never, proofFormat, ...expected, now });
}

function envelope(credential: Json): Json {
  if (typeof credential !== 'string') return credential;
  const id = `data:application/vc+jwt,${credential}`;
  return { '@context': 'https://www.w3.org/ns/credentials/v2', id, type: 'EnvelopedVerifiableCredential' };
}

describe('holes of the stock plugin (veramo.md 3)', () => {
  test('1: a token of anybody with the name of a trust beside its iss is refused', async () => {
    const evil = 'did:web:evil.example';
    const key = makeKey('ES256', () => `${evil}#k1`);
    t.documents.set(evil, didDocument(evil, [key]));
    const vc = credential11(t.holder.did, { issuer: evil });
    const forged = { ...credential11(t.holder.did), issuer: { id: trust } };
    for (const claims of [
      { iss: evil, issuer: trust, vc },
      { iss: evil, issuer: { id: trust }, vc },
      { iss: evil, vc: forged },
      { vc: forged },
    ]) {
      const token = await key.token(claims as JsonObject, { typ: 'JWT', cty: undefined as never });
      const result = await verify(token);
      expect(result.verified).toBe(false);
      expect(JSON.stringify(result['verifiableCredential'] ?? '')).not.toContain(trust);
    }
    for (const claims of [{ ...plainCredential(t.holder.did), iss: evil }, plainCredential(t.holder.did)]) {
      expect(await verify(await key.token(claims))).toMatchObject(refusal('issuer_mismatch'));
    }
  });

  test.each(formats)(
    '2: the status of a %s credential is looked for in what was signed, whatever form it came in',
    async (format) => {
      const signed = await sign(format, { credentialStatus: status });
      expect(await verify(signed)).toMatchObject({ verified: true });
      expect(statusAsked).toEqual([expect.objectContaining({ credentialStatus: status })]);
      statusAnswer = { revoked: true };
      expect(await verify(signed)).toMatchObject(refusal('status_failed'));
      expect(await verify(signed, { credentialStatus: false })).toMatchObject({ verified: true });
      for (const answer of [{ verified: false }, {}, { revoked: false, verified: false }]) {
        statusAnswer = answer;
        expect(await verify(signed)).toMatchObject(refusal('status_failed'));
      }
    },
  );

  test('2: no status is asked about, and nothing resolved, for a credential that is not proved', async () => {
    const signed = (await sign('eddsa-rdfc-2022', { credentialStatus: status })) as JsonObject;
    expect(await verify({ ...signed, validUntil: '2035-01-01T00:00:00Z' })).toMatchObject(refusal('signature_invalid'));
    expect(statusAsked).toEqual([]);
  });

  test('3: an object around a token must be what the token says', async () => {
    const credential = credential20(t.holder.did);
    const arguments_ = { proofFormat: 'vc+jwt', keyRef: t.es256.keyRef, now };
    const decoded = await t.agent.createVerifiableCredential({ credential: credential as never, ...arguments_ });
    expect(await verify(decoded)).toMatchObject({ verified: true, issuer: trust });
    for (const forged of [
      { ...decoded, credentialSubject: { id: 'did:web:evil.example' } },
      { ...decoded, proof: { ...decoded.proof, type: 'X' } },
      {
        ...decoded,
        credentialSubject: { id: 'did:web:evil.example' },
        proof: { type: 'X', jwt: decoded.proof['jwt'] },
      },
      { proof: decoded.proof },
    ]) {
      expect(await verify(forged)).toMatchObject({ verified: false });
    }
    expect(() => readCredential(decoded)).toThrow();
  });

  test('4: the credentials of a presentation are verified, and a challenge and a domain are demanded', async () => {
    const good = await sign('vc+jwt');
    const made = await present([good]);
    const presentation = made.proof['jwt'] as string;
    expect(await t.agent.verifyPresentation({ presentation, ...expected })).toMatchObject({
      verified: true,
      holder: t.holder.did,
      credentials: [{ verified: true }],
    });
    expect(await t.agent.verifyPresentation({ presentation })).toMatchObject(refusal('challenge_missing'));
    expect(await t.agent.verifyPresentation({ presentation, challenge: 'c1' })).toMatchObject(
      refusal('domain_missing'),
    );
    const forged = await t.ed25519.token(credential20(t.holder.did), { kid: t.es256.kid });
    for (const bad of [forged, await sign('vc+jwt', { validUntil: '2026-11-02T00:00:00Z' })]) {
      const mixed = (await present([good, bad])).proof['jwt'] as string;
      expect(await t.agent.verifyPresentation({ presentation: mixed, ...expected })).toMatchObject({
        ...refusal('credential_refused'),
        credentials: [{ verified: true }, { verified: false }],
      });
    }
    const diPresentation = await present([await sign('eddsa-rdfc-2022')], 'eddsa-rdfc-2022');
    expect(await t.agent.verifyPresentation({ presentation: diPresentation, ...expected })).toMatchObject({
      verified: true,
    });
    const tampered = { ...diPresentation, verifiableCredential: [] };
    expect(await t.agent.verifyPresentation({ presentation: tampered, ...expected })).toMatchObject(
      refusal('signature_invalid'),
    );
  });

  test("4: a colleague's credential in my presentation is refused", async () => {
    const colleague = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`);
    const credential = credential20(colleague.kid.split('#')[0] ?? '');
    const { verifiableCredential } = await secureCredential(t.agent, {
      credential,
      format: 'vc+jwt',
      key: t.es256,
      now,
    });
    const presentation = (await present([await sign('vc+jwt'), verifiableCredential])).proof['jwt'] as string;
    expect(await t.agent.verifyPresentation({ presentation, ...expected })).toMatchObject(refusal('holder_mismatch'));
    expect(await t.agent.verifyPresentation({ presentation, ...expected, policies: { holder: false } })).toMatchObject({
      verified: true,
    });
  });

  test('5: only a key under assertionMethod is accepted', async () => {
    const key = makeKey('ES256', () => 'did:web:five.example#k1');
    const token = await key.token(plainCredential(t.holder.did, { issuer: 'did:web:five.example' }));
    for (const [relationships, code] of [
      [{ assertionMethod: undefined }, 'key_not_authorised'],
      [{ assertionMethod: [], authentication: [key.kid] }, 'key_not_authorised'],
    ] as const) {
      const fresh = await createAgent();
      fresh.documents.set('did:web:five.example', didDocument('did:web:five.example', [key], relationships));
      expect(await fresh.agent.verifyCredential({ credential: token })).toMatchObject(refusal(code));
      await fresh.close();
    }
  });

  test('6: an end has no grace, a start has a minute, and validUntil counts', async () => {
    const endsNow = await sign('vc+jwt', { validUntil: '2026-11-21T09:00:00Z' });
    expect(await verify(endsNow)).toMatchObject(refusal('expired'));
    expect(await verify(endsNow, { now: now.getTime() / 1000 - 1 })).toMatchObject({ verified: true });
    for (const format of ['vc+jwt', 'ecdsa-rdfc-2019'] as const) {
      expect(await verify(await sign(format, { validFrom: '2026-11-21T09:01:00Z' }))).toMatchObject({ verified: true });
      expect(await verify(await sign(format, { validFrom: '2026-11-21T09:01:01Z' }))).toMatchObject(
        refusal('not_yet_valid'),
      );
      expect(await verify(await sign(format, { validUntil: '2026-11-21T08:59:59Z' }))).toMatchObject(
        refusal('expired'),
      );
    }
    expect(await verify(await sign('jwt_vc', { expirationDate: '2026-11-21T08:59:59Z' }))).toMatchObject(
      refusal('expired'),
    );
    const signed = await t.es256.token({ ...plainCredential(t.holder.did), exp: now.getTime() / 1000 - 1 });
    expect(await verify(signed)).toMatchObject(refusal('expired'));
    expect(await verify(signed, { expirationDate: false })).toMatchObject({ verified: true });
  });

  test("7: the caller's objects are left alone", async () => {
    for (const format of formats) {
      const credential = format === 'jwt_vc' ? credential11(t.holder.did) : credential20(t.holder.did);
      const untouched = structuredClone(credential);
      const key = format === 'eddsa-rdfc-2022' ? t.ed25519 : t.es256;
      const { verifiableCredential } = await secureCredential(t.agent, {
        credential: deepFreeze(credential),
        format,
        key,
        now,
      });
      expect(credential).toEqual(untouched);
      const verified = await verifyProof(t.agent, readCredential(deepFreeze(verifiableCredential)), { now });
      expect(verified.credential).toEqual(untouched);
    }
    const presentation = deepFreeze(presentation20(t.holder.did, []));
    await t.agent.createVerifiablePresentation({
      presentation: presentation as never,
      proofFormat: 'vp+jwt',
      ...expected,
    });
  });

  test('9: several subjects, a list of statuses and a subject with an id alone are no reason to refuse', async () => {
    const other = { ...status, id: 'https://rxa.example/s#2', statusPurpose: 'suspension' };
    const subjects = [{ id: t.holder.did }, { id: 'did:web:a.example' }];
    for (const changes of [
      { credentialSubject: subjects },
      { credentialStatus: [status, other] },
      { credentialSubject: { id: t.holder.did } },
    ]) {
      for (const format of formats) expect(await verify(await sign(format, changes))).toMatchObject({ verified: true });
    }
  });
});

describe('any other Veramo caller', () => {
  test('finds the key in the DID document when it names none', async () => {
    for (const [proofFormat, kid] of [
      ['vc+jwt', t.es256.kid],
      ['ecdsa-rdfc-2019', t.es256.kid],
      ['eddsa-rdfc-2022', t.ed25519.kid],
    ] as const) {
      const credential = credential20(t.holder.did) as never;
      const made = await t.agent.createVerifiableCredential({ credential, proofFormat });
      expect(await verify(made)).toMatchObject({ verified: true, proved: { verificationMethod: kid } });
    }
    const credential = credential20(t.holder.did) as never;
    const made = await t.agent.createVerifiableCredential({
      credential,
      proofFormat: 'vc+jwt',
      keyRef: t.ed25519.keyRef,
    });
    expect(await verify(made)).toMatchObject({ proved: { verificationMethod: t.ed25519.kid, algorithm: 'EdDSA' } });
  });

  test('learns which formats its keys can make', async () => {
    const identifier = await t.agent.didManagerGet({ did: trust });
    const usable = await t.agent.listUsableProofFormats(identifier);
    expect([...new Set(usable)].sort()).toEqual([...Object.keys(securingFormats), 'jwt'].sort());
  });

  test('is told what is wrong with what it wants signed', async () => {
    const create = (credential: object, options: object = {}) =>
      t.agent.createVerifiableCredential({
        credential: credential as never,
        proofFormat: 'eddsa-rdfc-2022',
        ...options,
      });
    await expect(create({})).rejects.toMatchObject({ code: 'invalid_credential' });
    await expect(create(plainCredential(t.holder.did, { ward: '7' }))).rejects.toMatchObject({
      code: 'invalid_credential',
    });
    await expect(create(plainCredential(t.holder.did, { issuer: 'did:web:other.example' }))).rejects.toMatchObject({
      code: 'key_unavailable',
    });
    await expect(create(plainCredential(t.holder.did), { keyRef: t.es256.keyRef })).rejects.toMatchObject({
      code: 'key_unavailable',
    });
    await expect(
      create(plainCredential(t.holder.did), { verificationMethod: 'did:web:a.example#b2' }),
    ).rejects.toMatchObject({ code: 'key_unavailable' });
    await expect(create(plainCredential(t.holder.did), { proofFormat: 'lds' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const proved = (await sign('eddsa-rdfc-2022')) as JsonObject;
    await expect(create(proved)).rejects.toMatchObject({ faults: [{ path: '/proof' }] });
    const presentation = presentation20(t.holder.did, []) as never;
    await expect(t.agent.createVerifiablePresentation({ presentation, proofFormat: 'vp+jwt' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  test('gets a refusal and no exception for whatever it wants verified', async () => {
    for (const nonsense of [
      '',
      'x',
      'a.b.c',
      '🙂',
      {},
      { proof: null },
      { proof: {} },
      { proof: [] },
      { proof: 'x', type: 1 },
      [],
      null,
      7,
    ]) {
      expect(await verify(nonsense)).toMatchObject({ verified: false });
      expect(await t.agent.verifyPresentation({ presentation: nonsense as never, ...expected })).toMatchObject({
        verified: false,
      });
    }
    const signed = (await sign('ecdsa-rdfc-2019')) as JsonObject;
    const proof = signed['proof'] as JsonObject;
    const values: Json[] = [null, 1, '', [], {}, true, ['x'], { id: 'x' }, 'z', 'u123', '\u0000'];
    for (const member of Object.keys(proof)) {
      for (const value of values) {
        expect(await verify({ ...signed, proof: { ...proof, [member]: value } })).toMatchObject({ verified: false });
      }
    }
    for (const member of Object.keys(signed)) {
      for (const value of values)
        expect(await verify({ ...signed, [member]: value })).toMatchObject({ verified: false });
    }
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
