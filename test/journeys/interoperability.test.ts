/**
 * With libraries that are not ours: what the API issues is verified by jose and by Digital Bazaar's reference libraries,
 * from nothing but documents that the running service publishes; what those libraries present, the service accepts.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  verify as verifySignature,
} from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { contexts as credentialContexts } from '@digitalbazaar/credentials-context';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import dataIntegrityContexts from '@digitalbazaar/data-integrity-context';
import * as ecdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import { cryptosuite as ecdsaRdfc2019 } from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import { cryptosuite as eddsaRdfc2022 } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import multikeyContexts from '@digitalbazaar/multikey-context';
import * as vc from '@digitalbazaar/vc';
import { contexts as statusContexts } from '@digitalbazaar/vc-bitstring-status-list-context';
import { decode, encode, Tagged } from 'cborg';
import didContexts from 'did-context';
import { compactVerify, decodeProtectedHeader, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { exampleOf, setBits } from './client.js';
import { patience } from './deployment.js';
import { type Member, openProgramme, type Programme } from './programme.js';

let programme: Programme;
beforeAll(async () => {
  programme = await openProgramme();
}, 4 * patience);
afterAll(() => programme.close());

const types = readdirSync(join(import.meta.dirname, '../../schemas')).filter((name) => name.endsWith('Credential'));
/** A placement is issued by the host, everything else by the trust that employs. */
const issuerOf = (type: string): Member => (type === 'TemporaryPlacementCredential' ? programme.rxb : programme.rxa);

interface Credential {
  readonly id: string;
  readonly type: string[];
  readonly issuer: { readonly id: string };
  readonly credentialSubject: Record<string, unknown>;
  readonly credentialStatus: { statusPurpose: string; statusListIndex: string; statusListCredential: string }[];
}

/** Issues a credential of a type to somebody, with everything else as in the catalogue's example. */
async function issue(type: string, format: string, holder: string): Promise<unknown> {
  const example = exampleOf(type) as { credentialSubject: object };
  const credential = { ...example, credentialSubject: { ...example.credentialSubject, id: holder } };
  const { status, text, body } = await issuerOf(type).issue(credential, { format });
  if (status !== 201) throw new Error(`${type} as ${format}: ${status} ${text}`);
  return body.verifiableCredential;
}

interface Method {
  readonly id: string;
  readonly type: string;
  readonly controller: string;
  readonly publicKeyJwk?: JWK;
  readonly publicKeyMultibase?: string;
}
interface DidDocument {
  readonly '@context': string[];
  readonly id: string;
  readonly verificationMethod: Method[];
  readonly assertionMethod: string[];
}

/** As any verifier would fetch it; nothing of ours takes part. */
async function didDocumentOf(did: string): Promise<DidDocument> {
  const host = decodeURIComponent(did.replace('did:web:', ''));
  const response = await fetch(`http://${host}/.well-known/did.json`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/did+json']);
  const document = (await response.json()) as DidDocument;
  expect(document.id).toBe(did);
  return document;
}

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Multikey of an Ed25519 key (Controlled Identifiers 2.2.2), decoded by hand: 0xed 0x01 and 32 bytes. */
function ed25519OfMultikey(multibase: string): JWK {
  const number = [...multibase.slice(1)].reduce((sum, letter) => sum * 58n + BigInt(base58.indexOf(letter)), 0n);
  const bytes = Buffer.from(number.toString(16).padStart(68, '0'), 'hex');
  expect(bytes.subarray(0, 2).toString('hex')).toBe('ed01');
  return { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(2).toString('base64url') };
}

/** The key that a kid names, if it stands under assertionMethod of the issuer's document. */
async function keyOf(kid: string): Promise<JWK> {
  const document = await didDocumentOf(kid.split('#')[0] ?? '');
  const method = document.verificationMethod.find(({ id }) => id === kid);
  expect(document.assertionMethod).toContain(kid);
  return method?.publicKeyJwk ?? ed25519OfMultikey(method?.publicKeyMultibase ?? '');
}

function tokenOf(delivered: unknown): string {
  if (typeof delivered === 'string') return delivered;
  return (delivered as { id: string }).id.replace(/^data:[^,]+,/, '');
}

/** vc+jwt and jwt_vc by jose: header, key, signature and times; returns the credential of either data model. */
async function openToken(delivered: unknown): Promise<Credential> {
  const token = tokenOf(delivered);
  const { kid, alg } = decodeProtectedHeader(token);
  const { payload } = await jwtVerify(token, await importJWK(await keyOf(kid ?? ''), alg));
  expect(kid?.split('#')[0]).toBe(payload['iss'] ?? (payload as unknown as Credential).issuer.id);
  return (payload['vc'] ?? payload) as Credential;
}

/** vc+sd-jwt: the signature by jose, and every disclosure by its digest (RFC 9901 7.1). */
async function openSdJwt(delivered: unknown): Promise<Credential> {
  const [token = '', ...disclosures] = tokenOf(delivered).split('~');
  const { kid, alg } = decodeProtectedHeader(token);
  const { payload } = await compactVerify(token, await importJWK(await keyOf(kid ?? ''), alg));
  const text = Buffer.from(payload).toString('utf8');
  expect(disclosures.pop()).toBe('');
  for (const disclosure of disclosures) {
    const digest = createHash('sha256').update(disclosure).digest('base64url');
    expect(text.split(digest).length).toBe(2);
  }
  const claims = JSON.parse(text) as Credential & { credentialSubject: { _sd?: string[] } };
  const disclosed = disclosures.map((one) => JSON.parse(Buffer.from(one, 'base64url').toString('utf8')));
  const more = Object.fromEntries(disclosed.filter((one) => one.length === 3).map(([, name, value]) => [name, value]));
  const { _sd: _digests, ...subject } = claims.credentialSubject;
  return { ...claims, credentialSubject: { ...subject, ...more } };
}

/** vc+cose: COSE_Sign1 (RFC 9052 4.4), opened with cborg and node:crypto. */
async function openCose(delivered: unknown): Promise<Credential> {
  const [, media = '', data = ''] = /^data:([^;,]+)[^,]*,(.*)$/.exec((delivered as { id: string }).id) ?? [];
  expect(media).toBe('application/vc+cose');
  const untag = { 18: Tagged.decoder(18) };
  const { value } = decode(Buffer.from(data, 'base64'), { useMaps: true, tags: untag }) as { value: unknown[] };
  const [protectedBytes, , payload, signature] = value as [Uint8Array, unknown, Uint8Array, Uint8Array];
  const header = decode(protectedBytes, { useMaps: true }) as Map<number, number | Uint8Array>;
  const kid = Buffer.from(header.get(4) as Uint8Array).toString('utf8');
  const signed = encode(['Signature1', protectedBytes, new Uint8Array(), payload]);
  const key = createPublicKey({ key: (await keyOf(kid)) as never, format: 'jwk' });
  expect(verifySignature(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', signed, toIeee(key), signature)).toBe(
    true,
  );
  return JSON.parse(Buffer.from(payload).toString('utf8'));
}

function toIeee(key: KeyObject) {
  return { key, dsaEncoding: 'ieee-p1363' as const };
}

const library = new Map<string, object>(
  [
    credentialContexts,
    statusContexts,
    dataIntegrityContexts.contexts,
    multikeyContexts.contexts,
    didContexts.contexts,
  ].flatMap((contexts) => [...contexts]),
);

/** W3C's contexts from their packages; everything else from the running service. */
async function documentLoader(url: string) {
  return { contextUrl: null, documentUrl: url, document: library.get(url) ?? (await load(url)) };
}

async function load(url: string): Promise<object> {
  if (url.startsWith('did:key:')) return keyDocument(url);
  if (!url.startsWith('did:web:')) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return (await response.json()) as object;
  }
  const document = await didDocumentOf(url.split('#')[0] ?? '');
  if (!url.includes('#')) return document;
  const method = document.verificationMethod.find(({ id }) => id === url);
  if (method === undefined) throw new Error(`${url} is not published`);
  // The suites read a P-256 key as a Multikey; the document publishes it as a JWK.
  if (method.publicKeyJwk === undefined) return { '@context': multikey, ...method };
  return ecdsaMultikey.from(method).then((key) => key.export({ publicKey: true }));
}

const multikey = 'https://w3id.org/security/multikey/v1';

function keyDocument(url: string): object {
  const [did = '', fragment] = url.split('#');
  const publicKeyMultibase = did.slice('did:key:'.length);
  const id = `${did}#${publicKeyMultibase}`;
  const method = { '@context': multikey, id, type: 'Multikey', controller: did, publicKeyMultibase };
  if (fragment !== undefined) return method;
  const context = ['https://www.w3.org/ns/did/v1', multikey];
  return { '@context': context, id: did, verificationMethod: [method], assertionMethod: [id], authentication: [id] };
}

const verifyingSuites = [eddsaRdfc2022, ecdsaRdfc2019].map((cryptosuite) => new DataIntegrityProof({ cryptosuite }));

async function openIntegrity(delivered: unknown): Promise<Credential> {
  const { verified, error } = await vc.verifyCredential({
    credential: delivered,
    suite: verifyingSuites,
    documentLoader,
    // The list itself is a credential of the same library; its bit is read below.
    checkStatus: async () => ({ verified: true }),
  });
  expect([error?.errors?.map(String) ?? error, verified]).toEqual([undefined, true]);
  return delivered as Credential;
}

/** Who opens which format. A format without a row here has no independent witness, and the test says so. */
const openers: Readonly<Record<string, (delivered: unknown) => Promise<Credential>>> = {
  'vc+jwt': openToken,
  jwt_vc: openToken,
  'vc+sd-jwt': openSdJwt,
  'vc+cose': openCose,
  'eddsa-rdfc-2022': openIntegrity,
  'ecdsa-rdfc-2019': openIntegrity,
};

/** A holder of jose's: the key is the identifier (did:jwk). */
async function joseHolder(algorithm: 'ES256' | 'EdDSA') {
  const pair =
    algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const did = `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString('base64url')}`;
  return { did, kid: `${did}#0`, algorithm, privateKey: pair.privateKey };
}

/** The formats that the running service says it issues. */
async function formats(): Promise<string[]> {
  const { body } = await programme.rxa.get('/openapi.json');
  const { schema } = body.paths['/credentials/issue'].post.requestBody.content['application/json'];
  return schema.properties.options.properties.format.enum;
}

test(
  'every type of the catalogue in every format is verified by a library that is not ours',
  async () => {
    const { did } = await joseHolder('ES256');
    const offered = await formats();
    expect(Object.keys(openers)).toEqual(expect.arrayContaining(offered));
    expect(offered.length).toBeGreaterThanOrEqual(4);
    expect(types.length).toBeGreaterThanOrEqual(12);
    for (const type of types) {
      const { credentialSubject: claims } = exampleOf(type) as unknown as Credential;
      for (const format of offered) {
        const credential = await openers[format]?.(await issue(type, format, did));
        expect([type, format, credential?.type]).toEqual([type, format, ['VerifiableCredential', type]]);
        expect([format, credential?.credentialSubject]).toEqual([format, { ...claims, id: did }]);
        expect(credential?.issuer.id).toBe(issuerOf(type).did);
        expect(credential?.credentialStatus.map(({ statusPurpose }) => statusPurpose).sort()).toEqual([
          'revocation',
          'suspension',
        ]);
      }
    }
  },
  4 * patience,
);

test(
  'the witnesses look: each refuses a credential that carries the signature of another',
  async () => {
    const { did } = await joseHolder('ES256');
    for (const format of await formats()) {
      const one = await issue('CoreSkillCredential', format, did);
      const other = await issue('CoreSkillCredential', format, did);
      await expect(openers[format]?.(mix(one, other)) ?? Promise.resolve()).rejects.toThrow();
    }
  },
  patience,
);

/** The content of one credential under the signature of the other: the last 40 characters of a token, or the proof. */
function mix(one: unknown, other: unknown): unknown {
  if (typeof one === 'object' && one !== null && 'proof' in one) return { ...one, proof: (other as typeof one).proof };
  const [kept, taken] = [tokenOf(one), tokenOf(other)].map((token) => token.split('~'));
  const cut = (token = '') => token.length - 40;
  const mixed = [`${kept?.[0]?.slice(0, cut(kept[0]))}${taken?.[0]?.slice(cut(taken[0]))}`, ...(kept?.slice(1) ?? [])];
  const text = mixed.join('~');
  return typeof one === 'string'
    ? text
    : { ...(one as object), id: (one as { id: string }).id.replace(tokenOf(one), text) };
}

test(
  'the status lists are credentials that the same libraries verify, and the bit of a revoked credential is set in them',
  async () => {
    const { did } = await joseHolder('ES256');
    for (const format of ['vc+jwt', 'eddsa-rdfc-2022']) {
      const open = openers[format] ?? openToken;
      const example = exampleOf('CoreSkillCredential') as { credentialSubject: object };
      const request = { ...example, credentialSubject: { ...example.credentialSubject, id: did } };
      const { body } = await programme.rxa.issue(request, { format });
      const { credentialStatus } = await open(body.verifiableCredential);
      const entry = credentialStatus.find(({ statusPurpose }) => statusPurpose === 'revocation');
      const path = new URL(entry?.statusListCredential ?? '').pathname;
      const isSet = async () => (await setBits(programme.rxa, path)).includes(Number(entry?.statusListIndex));
      expect([format, await isSet()]).toEqual([format, false]);
      expect((await programme.rxa.revoke(body.credentialId)).status).toBe(200);
      expect([format, await isSet()]).toEqual([format, true]);
      const list = await programme.rxa.get(path);
      const listed = await (list.body === undefined ? openToken(list.text) : openIntegrity(list.body));
      expect(listed.credentialSubject).toMatchObject({ type: 'BitstringStatusList', statusPurpose: 'revocation' });
      expect(listed.issuer.id ?? listed.issuer).toBe(programme.rxa.did);
    }
  },
  patience,
);

interface Presented {
  readonly presentation: unknown;
  readonly challenge: string;
  readonly domain: string;
}

/** Accepted as it was made; refused for another challenge and for another domain. */
async function expectAccepted(
  what: string,
  { presentation, challenge, domain }: Presented,
  count: number,
): Promise<void> {
  const ask = async (options: object) => {
    const { status, body } = await programme.rxb.post('/verify', { verifiablePresentation: presentation, options });
    expect([what, status]).toEqual([what, 200]);
    return body;
  };
  const report = await ask({ challenge, domain });
  const findings = [report, ...report.credentials].flatMap((one: { checks: { outcome: string; code: string }[] }) =>
    one.checks.filter(({ outcome }) => outcome !== 'pass').map(({ code }) => code),
  );
  expect([what, report.decision, findings]).toEqual([what, 'valid', []]);
  expect([what, report.credentials.length]).toEqual([what, count]);
  expect((await ask({ challenge: 'another', domain })).decision).toBe('invalid');
  expect((await ask({ challenge, domain: 'another.example' })).decision).toBe('invalid');
}

const challenge = '4f3f2c1e-0d7a-4f57-9f0e-1f6d3b8a9c55';
const domain = 'rxb.example';

test.each(['ES256', 'EdDSA'] as const)(
  'a whole passport that jose presents with %s is accepted',
  async (algorithm) => {
    const holder = await joseHolder(algorithm);
    const present = (claims: Record<string, unknown>, typ: string) =>
      new SignJWT({ ...claims, nonce: challenge })
        .setProtectedHeader({ alg: algorithm, typ, kid: holder.kid })
        .setIssuer(holder.did)
        .setAudience(domain)
        .setIssuedAt()
        .setExpirationTime('2m')
        .sign(holder.privateKey);
    const passport = [];
    for (const type of types) passport.push(await issue(type, 'vc+jwt', holder.did));
    passport.push(await issue('CoreSkillCredential', 'eddsa-rdfc-2022', holder.did));
    const current = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder: holder.did,
      verifiableCredential: passport,
    };
    const presentation = await present(current, 'vp+jwt');
    await expectAccepted('vp+jwt', { presentation, challenge, domain }, passport.length);
    const old = {
      '@context': ['https://www.w3.org/2018/credentials/v1'],
      type: ['VerifiablePresentation'],
      verifiableCredential: [await issue('DbsCheckCredential', 'jwt_vc', holder.did)],
    };
    await expectAccepted('jwt_vp', { presentation: await present({ vp: old }, 'JWT'), challenge, domain }, 1);
  },
  patience,
);

test.each([
  ['eddsa-rdfc-2022', eddsaRdfc2022, () => ed25519Multikey.generate({})],
  ['ecdsa-rdfc-2019', ecdsaRdfc2019, () => ecdsaMultikey.generate({ curve: 'P-256' })],
] as const)(
  'what the reference library presents with %s is accepted, by a holder with did:key',
  async (format, cryptosuite, generate) => {
    const key = await generate();
    const did = `did:key:${key.publicKeyMultibase}`;
    Object.assign(key, { id: `${did}#${key.publicKeyMultibase}`, controller: did });
    const credentials = [];
    for (const type of ['StaffIdentityCredential', 'DbsCheckCredential'])
      credentials.push(await issue(type, format, did));
    const unsigned = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder: did,
      verifiableCredential: credentials,
    };
    const suite = new DataIntegrityProof({ signer: key.signer(), cryptosuite });
    const presentation = await vc.signPresentation({
      presentation: unsigned,
      suite,
      challenge,
      domain,
      documentLoader,
    });
    await expectAccepted(format, { presentation, challenge, domain }, 2);
  },
  patience,
);
