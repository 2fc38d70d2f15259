/** VCDM 2.0 as SD-JWT and as COSE_Sign1, the older JWT in an envelope, and what envelopes may not be. */
import { createHash, randomBytes } from 'node:crypto';
import {
  checkPresentationModel,
  readCredential,
  readPresentation,
  secureCredential,
  securePresentation,
  verifyPresentationProof,
  verifyProof,
} from '../../src/credential/credential.js';
import { decodeBase64, openText } from '../../src/credential/envelopes.js';
import { parsePath } from '../../src/credential/sd-jwt-provider.js';
import { signCose } from '../../src/jose/cose.js';
import { signSdJwt } from '../../src/jose/sd-jwt.js';
import type { Json, JsonObject } from '../../src/json.js';
import { createAgent, makeKey, now, type TestAgent, type TestKey, trust } from './agent.js';
import { credential20, plainCredential, presentation20 } from './examples.js';

let t: TestAgent;
beforeAll(async () => {
  t = await createAgent();
});
afterAll(() => t.close());

const v2 = 'https://www.w3.org/ns/credentials/v2';
const challenge = 'c1';
const domain = 'https://v.example';
const verify = async (input: unknown) => verifyProof(t.agent, readCredential(input), { now });
const envelope = (id: string, type = 'EnvelopedVerifiableCredential'): JsonObject => ({ '@context': v2, id, type });
const textIn = (enveloped: Json) => String((enveloped as JsonObject)['id']);

type Enveloping = 'vc+jwt' | 'vc+sd-jwt' | 'vc+cose';

async function issue(format: Enveloping, credential: JsonObject, paths: string[] = []) {
  const options = { credential, format, key: t.es256, now, selectivelyDisclosable: paths };
  return secureCredential(t.agent, options);
}

describe.each(['vc+sd-jwt', 'vc+cose'] as const)('%s', (format) => {
  test('is issued in an envelope and proved, with every key', async () => {
    for (const key of [t.es256, t.ed25519]) {
      const credential = credential20(t.holder.did);
      const { verifiableCredential, digest } = await secureCredential(t.agent, { credential, format, key, now });
      expect(verifiableCredential).toMatchObject({ '@context': v2, type: 'EnvelopedVerifiableCredential' });
      expect(textIn(verifiableCredential as Json)).toMatch(`data:application/${format}`);
      await expect(verify(verifiableCredential)).resolves.toMatchObject({
        ...{ credential, format, digest, issuer: trust, algorithm: key.algorithm, verificationMethod: key.kid },
        signedAt: now,
      });
      const asVeramo = await t.agent.verifyCredential({ credential: verifiableCredential as never });
      expect(asVeramo).toMatchObject({ verified: true, issuer: trust });
    }
  });

  test("is refused when its key is not the issuer's", async () => {
    const foreign = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`);
    const text =
      format === 'vc+sd-jwt'
        ? `${await foreign.token(plainCredential(t.holder.did), { typ: format })}~`
        : textIn((await issue(format, plainCredential(t.holder.did))).verifiableCredential as Json);
    const expected = format === 'vc+sd-jwt' ? 'issuer_mismatch' : 'signature_invalid';
    const forged = format === 'vc+sd-jwt' ? text : tamper(text);
    await expect(verify(forged)).rejects.toMatchObject({ code: expected });
  });

  test('makes presentations for one challenge and one domain', async () => {
    const { verifiableCredential } = await issue(format, plainCredential(t.holder.did));
    const made = await securePresentation(t.agent, {
      ...{ presentation: presentation20(t.holder.did, [verifiableCredential as Json]), key: t.holder.key },
      ...{ format: format === 'vc+cose' ? 'vp+cose' : 'vp+sd-jwt', challenge, domain, now },
    });
    const read = () => readPresentation(made.verifiablePresentation);
    const present = (changes: object = {}) =>
      verifyPresentationProof(t.agent, read(), { challenge, domain, now, ...changes });
    await expect(present()).resolves.toMatchObject({ holder: t.holder.did, credentials: [verifiableCredential] });
    await expect(present({ challenge: 'c2' })).rejects.toMatchObject({ code: 'challenge_mismatch' });
    await expect(present({ domain: 'https://w.example' })).rejects.toMatchObject({ code: 'domain_mismatch' });
    const later = new Date(now.getTime() + 301_000);
    await expect(present({ now: later })).rejects.toMatchObject({ code: 'presentation_expired' });
    const asVeramo = await t.agent.verifyPresentation({
      ...{ presentation: made.verifiablePresentation as never, challenge, domain },
    });
    expect(asVeramo).toMatchObject({ verified: true });
  });

  test('is presented by the controller of the key, who is the holder it names', async () => {
    const present = async (presentation: JsonObject, key = t.holder.key, cty = 'vp') => {
      const claims = { nonce: challenge, aud: domain };
      const text = await presentByHand(format, { presentation, claims, key, cty });
      return verifyPresentationProof(t.agent, readPresentation(text), { challenge, domain, now });
    };
    const own = presentation20(t.holder.did, []);
    await expect(present(own)).resolves.toMatchObject({ holder: t.holder.did });
    const { holder: _, ...anonymous } = own;
    await expect(present(anonymous)).resolves.toMatchObject({ holder: t.holder.did });
    await expect(present({ ...own, holder: 'did:example:other' })).rejects.toMatchObject({ code: 'holder_mismatch' });
    await expect(present(presentation20(trust, []), t.es256)).rejects.toMatchObject({ code: 'holder_not_accepted' });
    const stolen = { ...makeKey('EdDSA', () => t.holder.key.kid), kid: t.holder.key.kid };
    await expect(present(own, stolen)).rejects.toMatchObject({ code: 'signature_invalid' });
    await expect(present(own, t.holder.key, 'vc')).rejects.toMatchObject({ code: 'typ_unknown' });
  });

  test('may not carry the claims of the older JWT', async () => {
    const credential = { ...plainCredential(t.holder.did), vc: {} };
    const { verifiableCredential } = await issue(format, credential);
    await expect(verify(verifiableCredential)).rejects.toMatchObject({ code: 'claims_inconsistent' });
  });
});

interface ByHand {
  readonly presentation: JsonObject;
  readonly claims: { readonly nonce: string; readonly aud: string };
  readonly key: TestKey;
  readonly cty: string;
}

/** A presentation that our own holder would not make, in its envelope. */
async function presentByHand(format: 'vc+sd-jwt' | 'vc+cose', { presentation, claims, key, cty }: ByHand) {
  const medium = format.replace('vc', 'vp');
  if (format === 'vc+sd-jwt') {
    const text = `${await key.token({ ...presentation, ...claims }, { typ: medium, cty })}~`;
    return envelope(`data:application/${medium},${text}`, 'EnvelopedVerifiablePresentation');
  }
  const types = { typ: `application/${medium}`, contentType: `application/${cty}` };
  const message = await signCose({ alg: key.algorithm, kid: key.kid, claims, ...types }, presentation, key.sign);
  return envelope(`data:application/${medium};base64,${message.toString('base64')}`, 'EnvelopedVerifiablePresentation');
}

/** Changes the last byte of the signature. */
function tamper(url: string): string {
  const bytes = decodeBase64(openText(url).text);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return `data:application/vc+cose;base64,${bytes.toString('base64')}`;
}

describe('SD-JWT', () => {
  test('lets the holder leave out what the issuer named, and says nothing of it elsewhere', async () => {
    const credential = plainCredential(t.holder.did, {
      credentialSubject: { id: t.holder.did, name: 'Alex Example', role: 'F1' },
    });
    const { compact = '' } = await issue('vc+sd-jwt', credential, [
      'credentialSubject.name',
      'id',
      'credentialSubject.id',
    ]);
    const [jwt, ...disclosures] = compact.split('~');
    expect(disclosures).toHaveLength(4);
    const bare = await verify(`${jwt}~`);
    const { id: _, ...shown } = credential;
    expect(bare.credential).toEqual({ ...shown, credentialSubject: { role: 'F1' } });
    expect(Buffer.from(jwt?.split('.')[1] ?? '', 'base64url').toString()).not.toMatch(/Alex|5f2c1b0e|did:key/);
    const name = disclosures.find((text) => Buffer.from(text, 'base64url').includes('Alex'));
    expect((await verify(`${jwt}~${name}~`)).credential['credentialSubject']).toEqual({
      ...{ name: 'Alex Example', role: 'F1' },
    });
    expect((await verify(compact)).credential).toEqual(credential);
  });

  test.each(['@context', 'type', 'issuer', 'validUntil', 'credentialStatus', 'credentialSchema', 'issuer.name'])(
    'is not issued with %s selectively disclosable',
    async (path) => {
      const credential = credential20(t.holder.did, { issuer: { id: trust, name: 'A' } });
      await expect(issue('vc+sd-jwt', credential, [path])).rejects.toMatchObject({ code: 'invalid_credential' });
    },
  );

  test.each(['credentialSubject.nothing', 'credentialSubject..name', '', 'a[x]'])(
    'is not issued with a path that leads nowhere (%p)',
    async (path) => {
      const issued = issue('vc+sd-jwt', plainCredential(t.holder.did), [path]);
      await expect(issued).rejects.toMatchObject({ code: 'invalid_credential' });
    },
  );

  test('reads paths as they are written', () => {
    expect(parsePath('credentialSubject.phones[0][1].number')).toEqual(['credentialSubject', 'phones', 0, 1, 'number']);
  });

  describe('with a key binding', () => {
    const seconds = now.getTime() / 1000;
    const credential = () => plainCredential(t.holder.did);
    const asked = { challenge, domain };

    async function issueBound(): Promise<string> {
      const header = { alg: 'ES256', typ: 'vc+sd-jwt', cty: 'vc', kid: t.es256.kid } as const;
      const claims = { ...credential(), cnf: { jwk: { ...(t.holder.key.jwk as JsonObject) } } };
      return signSdJwt(header, claims, { paths: [], random: randomBytes, sign: t.es256.sign });
    }
    async function bind(issued: string, changes: JsonObject = {}, key = t.holder.key): Promise<string> {
      const hash = createHash('sha256').update(issued).digest('base64url');
      const claims = { nonce: challenge, aud: domain, iat: seconds, sd_hash: hash, ...changes };
      return issued + (await key.token(claims, { typ: 'kb+jwt', cty: undefined as never }));
    }
    const verifyBound = async (text: string, keyBinding = asked, when = now) =>
      verifyProof(t.agent, readCredential(text), { now: when, keyBinding });

    test('proves the holder where the issuer named a key and the holder used it', async () => {
      const issued = await issueBound();
      const bound = await bind(issued);
      const proved = { credential: credential(), format: 'vc+sd-jwt' };
      await expect(verifyBound(bound)).resolves.toMatchObject({ ...proved, keyBinding: 'compared' });
      await expect(verify(bound)).resolves.toMatchObject({ ...proved, keyBinding: 'uncompared' });
      expect(await verify(issued)).not.toHaveProperty('keyBinding');
    });

    test('is refused when it was made for another set of disclosures, or by another key', async () => {
      const issued = await issueBound();
      const stale = await bind(issued, { sd_hash: 'x' });
      const foreign = await bind(issued, {}, t.ed25519);
      for (const check of [verify, verifyBound]) {
        await expect(check(stale)).rejects.toMatchObject({ code: 'disclosures_invalid' });
        await expect(check(foreign)).rejects.toMatchObject({ code: 'key_binding_invalid' });
      }
    });

    test('is refused when it answers another challenge or is for another domain, and tells both', async () => {
      const bound = await bind(await issueBound());
      await expect(verifyBound(bound, { ...asked, challenge: 'c2' })).rejects.toMatchObject({
        ...{ code: 'challenge_mismatch', further: [] },
      });
      await expect(verifyBound(bound, { ...asked, domain: 'https://w.example' })).rejects.toMatchObject({
        ...{ code: 'domain_mismatch', further: [] },
      });
      await expect(verifyBound(bound, { challenge: 'c2', domain: 'https://w.example' })).rejects.toMatchObject({
        ...{ code: 'challenge_mismatch', further: [{ code: 'domain_mismatch' }] },
      });
    });

    test('may be five minutes old and a minute ahead, where it is asked for', async () => {
      const bound = await bind(await issueBound());
      const later = (more: number) => new Date(now.getTime() + more * 1000);
      await expect(verifyBound(bound, asked, later(300))).resolves.toMatchObject({ keyBinding: 'compared' });
      await expect(verifyBound(bound, asked, later(301))).rejects.toMatchObject({ code: 'key_binding_invalid' });
      await expect(verifyBound(bound, asked, later(-60))).resolves.toMatchObject({ keyBinding: 'compared' });
      await expect(verifyBound(bound, asked, later(-61))).rejects.toMatchObject({ code: 'key_binding_invalid' });
    });

    test('is demanded of every format where it is asked for', async () => {
      await expect(verifyBound(await issueBound())).rejects.toMatchObject({ code: 'key_binding_missing' });
      for (const format of ['vc+jwt', 'vc+cose'] as const) {
        const { verifiableCredential } = await issue(format, credential());
        const checked = verifyProof(t.agent, readCredential(verifiableCredential), { now, keyBinding: asked });
        await expect(checked).rejects.toMatchObject({ code: 'key_binding_missing' });
      }
    });
  });
});

describe('the older JWT in an envelope', () => {
  const credential = (changes: JsonObject = {}) => plainCredential(t.holder.did, changes);
  const token = (claims: JsonObject, header: JsonObject = {}) =>
    t.es256.token(claims, { typ: 'JWT', cty: undefined as never, ...header });
  const enveloped = async (claims: JsonObject, header?: JsonObject) =>
    envelope(`data:application/jwt,${await token(claims, header)}`);

  test('may carry VCDM 2.0, with or without typ, and is the same credential bare or not', async () => {
    const claims = { iss: trust, sub: t.holder.did, vc: credential() };
    for (const header of [{}, { typ: undefined as never }]) {
      const read = await enveloped(claims, header);
      const proved = { format: 'jwt_vc', dataModel: '2.0', credential: credential() };
      await expect(verify(read)).resolves.toMatchObject(proved);
      expect(await t.agent.verifyCredential({ credential: read as never })).toMatchObject({ verified: true });
    }
    await expect(verify(await token(claims))).rejects.toMatchObject({ code: 'data_model_invalid' });
    await expect(verify(await token(claims, { typ: undefined as never }))).rejects.toMatchObject({
      code: 'typ_unknown',
    });
  });

  test.each<[string, JsonObject, JsonObject, string]>([
    ['another issuer', { iss: 'did:web:other.example' }, {}, 'issuer_mismatch'],
    ['another start', { nbf: 1 }, {}, 'claims_inconsistent'],
    ['no vc', { vc: undefined as never }, {}, 'claims_inconsistent'],
    ['the typ of VC-JOSE-COSE', {}, { typ: 'vc+jwt' }, 'typ_unknown'],
  ])('is refused with %s', async (_name, claims, header, code) => {
    const read = await enveloped({ iss: trust, vc: credential(), ...claims }, header);
    await expect(verify(read)).rejects.toMatchObject({ code });
  });
});

describe('an envelope', () => {
  const cases: readonly (readonly [string, (good: JsonObject) => JsonObject, string])[] = [
    ['another media type', (good) => ({ ...good, id: 'data:text/plain,x' }), 'media_type_unknown'],
    [
      'the media type of a presentation',
      (good) => ({ ...good, id: 'data:application/vp+jwt,x' }),
      'media_type_unknown',
    ],
    ['a token in base64', (good) => ({ ...good, id: 'data:application/vc+jwt;base64,eA==' }), 'media_type_unknown'],
    ['COSE that is not in base64', (good) => ({ ...good, id: 'data:application/vc+cose,x' }), 'media_type_unknown'],
    ['COSE in half a base64', (good) => ({ ...good, id: 'data:application/vc+cose;base64,x_-' }), 'token_malformed'],
    ['no comma', (good) => ({ ...good, id: 'data:application/vc+jwt' }), 'media_type_unknown'],
    ['no data: URL', (good) => ({ ...good, id: 'https://rxa.example/vc' }), 'envelope_malformed'],
    ['another type inside', (good) => relabel(good, 'vc+sd-jwt'), 'token_malformed'],
    ['no context', (good) => ({ ...good, '@context': [] }), 'envelope_malformed'],
    [
      'another context',
      (good) => ({ ...good, '@context': 'https://www.w3.org/ns/credentials/examples/v2' }),
      'envelope_malformed',
    ],
    [
      'a second type',
      (good) => ({ ...good, type: [String(good['type']), 'VerifiableCredential'] }),
      'envelope_malformed',
    ],
    ['a member beside', (good) => ({ ...good, issuer: trust }), 'envelope_malformed'],
  ];

  function relabel(good: JsonObject, medium: string): JsonObject {
    return { ...good, id: textIn(good).replace('vc+jwt', medium) };
  }

  test.each(cases)('with %s is refused', async (_name, change, code) => {
    const { verifiableCredential } = await issue('vc+jwt', plainCredential(t.holder.did));
    await expect(verify(verifiableCredential)).resolves.toBeDefined();
    await expect(verify(change(verifiableCredential as JsonObject))).rejects.toMatchObject({ code });
  });

  test('may have line breaks and no padding in its base64, and is the same credential', async () => {
    const { verifiableCredential, digest } = await issue('vc+cose', plainCredential(t.holder.did));
    const url = textIn(verifiableCredential as Json).replace(/=+$/, '');
    await expect(verify(envelope(`${url}\n`))).resolves.toMatchObject({ digest });
  });

  test('in a presentation is looked at when the presentation is made', () => {
    const faults = (id: string) =>
      checkPresentationModel(presentation20(t.holder.did, [envelope(id)]), '2.0').map(({ path }) => path);
    expect(faults('data:application/vc+jwt,a.b.c')).toEqual([]);
    expect(faults('not-a-credential')).toEqual(['/verifiableCredential/0/id']);
    expect(faults('data:text/plain,x')).toEqual(['/verifiableCredential/0/id']);
  });
});
