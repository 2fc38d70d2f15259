import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import * as ecdsaJcs from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as ecdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import { cryptosuite as ecdsaRdfc2019 } from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as ecdsaSd from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import * as ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as eddsaJcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import { cryptosuite as eddsaRdfc2022 } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import { encode } from 'cborg';
import { createCanonicalise, createTransformations } from '../../src/credential/canonicalisation.js';
import { createCanonicaliser } from '../../src/credential/canonicaliser.js';
import { pinContexts } from '../../src/credential/contexts.js';
import {
  createContexts,
  deriveCredential,
  type ExistingProof,
  readCredential,
  readPresentation,
  type SecuringFormat,
  secureCredential,
  securePresentation,
  verifyPresentationProof,
  verifyProof,
} from '../../src/credential/credential.js';
import type { Cryptosuite } from '../../src/credential/cryptosuites.js';
import { procedures } from '../../src/credential/proof-procedures.js';
import {
  parseBaseProofValue,
  parseDisclosureProofValue,
  serializeDisclosureProofValue,
} from '../../src/credential/sd-proof-value.js';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.js';
import { baseUrl, createAgent, makeKey, now, type TestAgent, type TestKey, trust } from './agent.js';
import { catalogue, credential20, plainCredential, presentation20 } from './examples.js';

let t: TestAgent;
beforeAll(async () => {
  t = await createAgent();
});
afterAll(() => t.close());

type Curve = 'P-256' | 'P-384' | 'Ed25519';
interface SuiteRow {
  readonly format: Cryptosuite;
  readonly curve: Curve;
  /** The reference suites; one that signs and one that verifies, where they are two. */
  readonly signing: object;
  readonly verifying: object;
}
const suites = {
  'eddsa-rdfc-2022': suiteRow('eddsa-rdfc-2022', 'Ed25519', eddsaRdfc2022),
  'eddsa-jcs-2022': suiteRow('eddsa-jcs-2022', 'Ed25519', eddsaJcs.createSignCryptosuite(), eddsaJcs),
  'ecdsa-rdfc-2019': suiteRow('ecdsa-rdfc-2019', 'P-256', ecdsaRdfc2019),
  'ecdsa-rdfc-2019 with P-384': suiteRow('ecdsa-rdfc-2019', 'P-384', ecdsaRdfc2019),
  'ecdsa-jcs-2019': suiteRow('ecdsa-jcs-2019', 'P-256', ecdsaJcs.createSignCryptosuite(), ecdsaJcs),
  'ecdsa-jcs-2019 with P-384': suiteRow('ecdsa-jcs-2019', 'P-384', ecdsaJcs.createSignCryptosuite(), ecdsaJcs),
} as const;
type Suite = keyof typeof suites;
const suiteNames = Object.keys(suites) as Suite[];

function suiteRow(
  format: Cryptosuite,
  curve: Curve,
  signing: object,
  verifier?: { createVerifyCryptosuite(): object },
): SuiteRow {
  return { format, curve, signing, verifying: verifier?.createVerifyCryptosuite() ?? signing };
}

const keyOf = (curve: Curve) => ({ 'P-256': t.es256, 'P-384': t.es384, Ed25519: t.ed25519 })[curve];

/** The reference libraries' loader: our pinned contexts, and the trust's and the holder's documents as Multikeys. */
function documentLoader(extra: ReadonlyMap<string, object> = new Map()) {
  return async (url: string) => {
    const document = extra.get(url) ?? t.contexts.documents.get(url) ?? controllerDocument(url);
    if (document === undefined) throw new Error(`no document ${url}`);
    return { contextUrl: null, documentUrl: url, document };
  };
}

function controllerDocument(url: string): object | undefined {
  const [did, fragment] = url.split('#');
  const keys = [t.es256, t.es384, t.ed25519, t.holder.key].filter((key) => key.kid.startsWith(`${did}#`));
  const methods = keys.map(({ kid, publicKeyMultibase }) => ({
    '@context': 'https://w3id.org/security/multikey/v1',
    id: kid,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase,
  }));
  if (fragment !== undefined) return methods.find((method) => method.id === url);
  const ids = methods.map((method) => method.id);
  const contexts = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'];
  return { '@context': contexts, id: did, verificationMethod: methods, assertionMethod: ids, authentication: ids };
}

async function secure(credential: JsonObject, format: Suite): Promise<JsonObject> {
  const row = suites[format];
  const options = { credential, format: row.format, key: keyOf(row.curve), now };
  return (await secureCredential(t.agent, options)).verifiableCredential as JsonObject;
}

/** VCDM 1.1, which says nothing of Data Integrity: the context that does is added when it is signed. */
function plain11(holder: string): JsonObject {
  const { validFrom, name: _name, ...rest } = plainCredential(holder);
  const { name: _subjectName, ...credentialSubject } = rest['credentialSubject'] as JsonObject;
  const context = ['https://www.w3.org/2018/credentials/v1'];
  return { ...rest, '@context': context, credentialSubject, issuanceDate: validFrom ?? '' };
}

const verify = async (input: unknown, on = t) => verifyProof(on.agent, readCredential(input), { now });

describe('both directions with the reference libraries', () => {
  test.each(suiteNames)('what we sign with %s they verify', async (format) => {
    for (const make of [plainCredential, credential20, plain11]) {
      const credential = await secure(make(t.holder.did), format);
      const suite = new DataIntegrityProof({ cryptosuite: suites[format].verifying });
      const outcome = await vc.verifyCredential({ credential, suite, documentLoader: documentLoader(), now });
      expect(outcome.error?.errors ?? outcome.error).toBeUndefined();
      expect(outcome.verified).toBe(true);
      await expect(verify(credential)).resolves.toMatchObject({ issuer: trust, format: suites[format].format });
      const forged = { ...credential, id: 'urn:uuid:6f2c1b0e-7a57-4b7a-9d0b-3f0a5c2f6d13' };
      const refused = await vc.verifyCredential({ credential: forged, suite, documentLoader: documentLoader(), now });
      expect(refused.verified).toBe(false);
    }
  });

  test.each(suiteNames)('what they sign with %s we verify', async (format) => {
    const { curve, signing } = suites[format];
    const did = `did:web:reference-${suiteNames.indexOf(format)}.example`;
    const options = { id: `${did}#k1`, controller: did };
    const key =
      curve === 'Ed25519'
        ? await ed25519Multikey.generate(options)
        : await ecdsaMultikey.generate({ ...options, curve });
    const method = { id: options.id, type: 'Multikey', controller: did, publicKeyMultibase: key.publicKeyMultibase };
    t.documents.set(did, { id: did, verificationMethod: [method], assertionMethod: [options.id] });
    const suite = new DataIntegrityProof({ signer: key.signer(), cryptosuite: signing, date: now });
    const credential = credential20(t.holder.did, { issuer: did });
    const issued = await vc.issue({ credential, suite, documentLoader: documentLoader(), now });
    await expect(verify(issued)).resolves.toMatchObject({
      issuer: did,
      format: suites[format].format,
      verificationMethod: options.id,
    });
    await expect(verify({ ...issued, validUntil: '2030-01-01T00:00:00Z' })).rejects.toMatchObject({
      code: 'signature_invalid',
    });
  });

  test('presentations with a challenge and a domain go both ways', async () => {
    const credential = await secure(credential20(t.holder.did), 'ecdsa-rdfc-2019');
    const { verifiablePresentation } = await securePresentation(t.agent, {
      presentation: presentation20(t.holder.did, [credential]),
      format: 'eddsa-rdfc-2022',
      key: t.holder.key,
      challenge: 'c1',
      domain: 'https://v.example',
      now,
    });
    const both = [eddsaRdfc2022, ecdsaRdfc2019];
    const suite = both.map((cryptosuite) => new DataIntegrityProof({ cryptosuite }));
    const options = { challenge: 'c1', domain: 'https://v.example', suite, documentLoader: documentLoader(), now };
    const outcome = await vc.verify({ presentation: verifiablePresentation, ...options });
    expect(outcome.error).toBeUndefined();
    expect(outcome.verified).toBe(true);

    const key = await ed25519Multikey.generate({});
    const did = `did:key:${key.publicKeyMultibase}`;
    const signer = { ...key.signer(), id: `${did}#${key.publicKeyMultibase}` };
    const presented = await vc.signPresentation({
      presentation: presentation20(did, [credential]),
      suite: new DataIntegrityProof({ signer, cryptosuite: eddsaRdfc2022, date: now }),
      challenge: 'c2',
      domain: 'https://v.example',
      documentLoader: documentLoader(),
    });
    const expected = { challenge: 'c2', domain: 'https://v.example', now };
    const verified = await verifyPresentationProof(t.agent, readPresentation(presented), expected);
    expect(verified).toMatchObject({ holder: did, credentials: [credential] });
  });

  test('every type of the catalogue is signed whole and verified by them', async () => {
    for (const type of catalogue.types) {
      const { validFrom: _from, validUntil: _until, ...example } = structuredClone(type.example);
      const credential = {
        '@context': ['https://www.w3.org/ns/credentials/v2', type.contextId],
        type: ['VerifiableCredential', type.type],
        issuer: trust,
        validFrom: '2026-11-01T00:00:00Z',
        ...example,
      };
      const secured = await secure(credential, 'eddsa-rdfc-2022');
      const suite = new DataIntegrityProof({ cryptosuite: eddsaRdfc2022 });
      const outcome = await vc.verifyCredential({ credential: secured, suite, documentLoader: documentLoader(), now });
      expect({ type: type.type, verified: outcome.verified }).toEqual({ type: type.type, verified: true });
    }
  });
});

describe('selective disclosure', () => {
  const status = {
    id: 'https://rxa.example/s#1',
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '1',
    statusListCredential: 'https://rxa.example/s',
  };
  const subject = (): JsonObject => ({ id: t.holder.did, name: 'Alex Example', description: ['one'] });
  const make = () =>
    plainCredential(t.holder.did, { credentialStatus: status, credentialSubject: subject(), description: 'two' });
  async function base(mandatoryPointers?: string[]): Promise<JsonObject> {
    const options = { credential: make(), format: 'ecdsa-sd-2023', key: t.es256, now } as const;
    const pointers = mandatoryPointers === undefined ? {} : { mandatoryPointers };
    return (await secureCredential(t.agent, { ...options, ...pointers })).verifiableCredential as JsonObject;
  }
  const derive = async (credential: JsonObject, ...selectivePointers: string[]) =>
    deriveCredential(t.agent, { credential, selectivePointers });
  const proofOf = (document: JsonObject) => document['proof'] as JsonObject;
  const withValue = (document: JsonObject, proofValue: string) => ({
    ...document,
    proof: { ...proofOf(document), proofValue },
  });
  const disclosureOf = (document: JsonObject) => parseDisclosureProofValue(proofOf(document)['proofValue']);

  test('what is chosen is shown, with all that nobody may leave out, and verifies', async () => {
    const derived = await derive(await base(), '/credentialSubject/name');
    const { proof: _proof, ...shown } = derived;
    const { name: _name, description: _description, ...kept } = make();
    expect(shown).toEqual({ ...kept, credentialSubject: { id: t.holder.did, name: 'Alex Example' } });
    await expect(verify(derived)).resolves.toMatchObject({ format: 'ecdsa-sd-2023', credential: shown });
  });

  test('mandatory pointers are always shown, and a list of one can be pointed into', async () => {
    const derived = await derive(await base(['/description']), '/credentialSubject/description/0');
    expect(derived).toMatchObject({ description: 'two', credentialSubject: { description: ['one'] } });
    await expect(verify(derived)).resolves.toMatchObject({ issuer: trust });
    const least = await derive(await base(['/description']));
    expect(least['credentialSubject']).toEqual({ id: t.holder.did });
    await expect(verify(least)).resolves.toMatchObject({ issuer: trust });
  });

  test('a node is shown with all of its types, and one that has nothing but an id can be pointed at', async () => {
    const credential = plainCredential(t.holder.did, {
      credentialSubject: [{ id: t.holder.did }],
      issuer: { id: trust },
    });
    const options = { credential, format: 'ecdsa-sd-2023', key: t.es256, now } as const;
    const secured = (await secureCredential(t.agent, options)).verifiableCredential as JsonObject;
    const derived = await derive(secured, '/issuer/id', '/type/0');
    expect(derived).toMatchObject({ credentialSubject: [{ id: t.holder.did }], issuer: { id: trust } });
    await expect(verify(derived)).resolves.toMatchObject({ issuer: trust });
  });

  test('a pointer that leads nowhere is refused, at issuing and at deriving', async () => {
    for (const pointer of [
      '/credentialSubject/ward',
      'name',
      '/name/~2',
      '/credentialSubject/description/1',
      '/__proto__',
    ]) {
      await expect(base([pointer])).rejects.toMatchObject({ code: 'invalid_request', faults: [{ path: pointer }] });
      await expect(derive(await base(), pointer)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    const known = (await base()) as JsonObject;
    const { mandatoryPointers } = parseBaseProofValue(proofOf(known)['proofValue']);
    const chosen = Array(256 - mandatoryPointers.length).fill('/name');
    await expect(derive(known, ...chosen)).resolves.toBeDefined();
    await expect(derive(known, ...chosen, '/name')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(derive(await secure(make(), 'eddsa-rdfc-2022'), '/name')).rejects.toMatchObject({
      code: 'invalid_credential',
    });
  });

  test('nothing can be altered, added, dropped or taken from another credential', async () => {
    const one = await derive(await base(), '/name');
    const credential = { ...make(), id: 'urn:uuid:7f2c1b0e-7a57-4b7a-9d0b-3f0a5c2f6d14' };
    const options = { credential, format: 'ecdsa-sd-2023', key: t.es256, now } as const;
    const other = (await secureCredential(t.agent, options)).verifiableCredential as JsonObject;
    const two = await derive(other, '/name');
    const { credentialStatus: _status, ...withoutStatus } = one;
    const { name: _name, ...withoutName } = one;
    const forgeries: JsonObject[] = [
      { ...one, name: { '@value': 'Diploma', '@language': 'cy' } },
      { ...one, description: 'two' },
      withoutStatus,
      withoutName,
      { ...one, proof: { ...proofOf(one), created: '2026-11-20T09:00:00Z' } },
      withValue(one, String(proofOf(two)['proofValue'])),
    ];
    const [mine, yours] = [disclosureOf(one), disclosureOf(two)];
    const values = [
      { ...mine, signatures: mine.signatures.slice(1) },
      { ...mine, signatures: yours.signatures },
      { ...mine, publicKey: yours.publicKey, signatures: yours.signatures },
      { ...mine, mandatoryIndexes: mine.mandatoryIndexes.slice(1) },
      { ...mine, mandatoryIndexes: [...mine.mandatoryIndexes, 999] },
      { ...mine, mandatoryIndexes: [...mine.mandatoryIndexes, ...mine.mandatoryIndexes] },
    ];
    forgeries.push(...values.map((value) => withValue(one, serializeDisclosureProofValue(value))));
    for (const forgery of forgeries) {
      await expect(verify(forgery)).rejects.toMatchObject({
        code: expect.stringMatching(/^(signature_invalid|proof_value_malformed)$/),
      });
    }
  });

  test('two nodes are never merged by giving them one label', async () => {
    const { id: _id, ...unnamed } = plainCredential(t.holder.did, { credentialSubject: { name: 'Alex Example' } });
    const options = { credential: unnamed, format: 'ecdsa-sd-2023', key: t.es256, now } as const;
    const secured = (await secureCredential(t.agent, options)).verifiableCredential as JsonObject;
    const derived = await derive(secured, '/credentialSubject/name');
    const value = disclosureOf(derived);
    expect([...value.labels.keys()].sort()).toEqual(['c14n0', 'c14n1']);
    await expect(verify(derived)).resolves.toMatchObject({ issuer: trust });
    const label = `u${Buffer.alloc(32, 7).toString('base64url')}`;
    const merged = serializeDisclosureProofValue({
      ...value,
      labels: new Map([
        ['c14n0', label],
        ['c14n1', label],
      ]),
    });
    await expect(verify(withValue(derived, merged))).rejects.toMatchObject({ code: 'proof_value_malformed' });
  });

  test('a proof value has one spelling, and is CBOR of its five parts without tags', async () => {
    const derived = await derive(await base(), '/name');
    const text = String(proofOf(derived)['proofValue']);
    const bytes = Buffer.from(text.slice(1), 'base64url');
    const { baseSignature, publicKey, signatures, mandatoryIndexes } = disclosureOf(derived);
    const encoded = (parts: unknown, header = [0xd9, 0x5d, 0x01]) =>
      `u${Buffer.concat([Buffer.from(header), encode(parts)]).toString('base64url')}`;
    const labels = new Map<number, Uint8Array>();
    const malformed = [
      text.slice(1),
      `z${text.slice(1)}`,
      `${text}=`,
      `u${bytes.subarray(3).toString('base64url')}`,
      `u${Buffer.concat([bytes, Buffer.of(0)]).toString('base64url')}`,
      `u${Buffer.concat([bytes.subarray(0, 3), Buffer.of(0xc0), bytes.subarray(3)]).toString('base64url')}`,
      `u${'A'.repeat(200_000)}`,
      encoded([baseSignature, publicKey, signatures, labels]),
      encoded([baseSignature, publicKey, signatures, labels, mandatoryIndexes, 1]),
      encoded([baseSignature.subarray(1), publicKey, signatures, labels, mandatoryIndexes]),
      encoded([baseSignature, publicKey, ['x'], labels, mandatoryIndexes]),
      encoded([baseSignature, publicKey, signatures, new Map([['0', Buffer.alloc(32)]]), mandatoryIndexes]),
      encoded([baseSignature, publicKey, signatures, new Map([[0, Buffer.alloc(31)]]), mandatoryIndexes]),
      encoded([baseSignature, publicKey, signatures, labels, ['0']]),
      encoded([baseSignature, Buffer.alloc(35), signatures, labels, mandatoryIndexes]),
      encoded({ baseSignature }),
    ];
    for (const value of malformed) {
      await expect(verify(withValue(derived, value))).rejects.toMatchObject({ code: 'proof_value_malformed' });
    }
    await expect(verify(derived)).resolves.toMatchObject({ issuer: trust });
  });

  test('both directions with the reference library', async () => {
    const documents = documentLoader();
    const verifier = new DataIntegrityProof({ cryptosuite: ecdsaSd.createVerifyCryptosuite() });
    const asked = { documentLoader: documents, checkStatus: async () => ({ verified: true }) };
    const ours = await derive(await base(['/description']), '/credentialSubject/name');
    const outcome = await vc.verifyCredential({ credential: ours, suite: verifier, ...asked, now });
    expect(outcome.error?.errors ?? outcome.error).toBeUndefined();
    const disclose = (selectivePointers: string[]) =>
      new DataIntegrityProof({ cryptosuite: ecdsaSd.createDiscloseCryptosuite({ selectivePointers }) });
    const suite = disclose(['/name']);
    const derivedByThem = await vc.derive({ verifiableCredential: await base(), suite, documentLoader: documents });
    await expect(verify(derivedByThem)).resolves.toMatchObject({ issuer: trust });

    const did = 'did:web:reference-sd.example';
    const options = { id: `${did}#k1`, controller: did };
    const key = await ecdsaMultikey.generate({ ...options, curve: 'P-256' });
    const method = { id: options.id, type: 'Multikey', controller: did, publicKeyMultibase: key.publicKeyMultibase };
    t.documents.set(did, { id: did, verificationMethod: [method], assertionMethod: [options.id] });
    const signing = ecdsaSd.createSignCryptosuite({ mandatoryPointers: ['/issuer', '/validFrom'] });
    const issued = await vc.issue({
      credential: { ...make(), issuer: did },
      suite: new DataIntegrityProof({ signer: key.signer(), cryptosuite: signing, date: now }),
      documentLoader: documents,
      now,
    });
    const derived = await derive(issued as JsonObject, '/credentialSubject/name');
    await expect(verify(derived)).resolves.toMatchObject({ issuer: did });
  });
});

describe('sets and chains of proofs', () => {
  const proofsOf = (document: JsonObject) => [document['proof']].flat() as JsonObject[];
  const stranger = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`);

  /** A proof by anybody over anything, as no issuer of ours would make it. */
  async function proofBy(key: TestKey, document: JsonObject, members: JsonObject = {}): Promise<JsonObject> {
    const stated = {
      type: 'DataIntegrityProof',
      cryptosuite: 'eddsa-rdfc-2022',
      created: '2026-11-20T09:00:00Z',
      verificationMethod: key.kid,
      proofPurpose: 'assertionMethod',
      ...members,
    };
    const transformations = createCanonicaliser(t.contexts);
    const configured = procedures.rdfc.configure(stated, document);
    const proofValue = await procedures.rdfc.prove(transformations, {
      ...configured,
      algorithm: 'EdDSA',
      sign: key.sign,
    });
    await transformations.close();
    return { ...stated, proofValue };
  }

  test('a set is accepted when the issuer and everybody else signed the document', async () => {
    const document = plainCredential(t.holder.did);
    const [mine, theirs] = [await proofBy(t.ed25519, document), await proofBy(stranger, document)];
    for (const proof of [[mine, theirs], [theirs, mine], [mine]]) {
      await expect(verify({ ...document, proof })).resolves.toMatchObject({
        issuer: trust,
        verificationMethod: t.ed25519.kid,
        credential: document,
      });
    }
    await expect(verify({ ...document, proof: [theirs] })).rejects.toMatchObject({ code: 'issuer_mismatch' });
    await expect(verify({ ...document, proof: [theirs, theirs] })).rejects.toMatchObject({ code: 'issuer_mismatch' });
  });

  test('one proof that fails, is unknown or is for another purpose refuses the whole', async () => {
    const document = plainCredential(t.holder.did);
    const mine = await proofBy(t.ed25519, document);
    const others: [string, JsonObject][] = [
      ['signature_invalid', { ...(await proofBy(stranger, document)), created: '2026-11-19T09:00:00Z' }],
      ['signature_invalid', await proofBy(stranger, { ...document, id: 'urn:a:b' })],
      ['proof_purpose', await proofBy(stranger, document, { proofPurpose: 'authentication' })],
      ['proof_expired', await proofBy(stranger, document, { expires: '2026-11-20T10:00:00Z' })],
      ['proof_not_yet_valid', await proofBy(stranger, document, { created: '2026-11-21T10:00:00Z' })],
      ['cryptosuite_unknown', { ...mine, cryptosuite: 'bbs-2023' }],
      ['proof_malformed', { ...mine, created: 'yesterday' }],
      ['proof_malformed', { ...mine, id: 'mine' }],
    ];
    for (const [code, other] of others) {
      await expect(verify({ ...document, proof: [mine, other] })).rejects.toMatchObject({ code });
    }
  });

  test('in a chain each proof covers those that it names, so that none can be left out', async () => {
    const document = plainCredential(t.holder.did);
    const first = await proofBy(stranger, document, { id: 'urn:uuid:first' });
    const second = await proofBy(t.ed25519, { ...document, proof: [first] }, { previousProof: 'urn:uuid:first' });
    const chain = { ...document, proof: [first, second] };
    await expect(verify(chain)).resolves.toMatchObject({ issuer: trust, credential: document });
    await expect(verify({ ...document, proof: [second, first] })).resolves.toMatchObject({ issuer: trust });
    await expect(verify({ ...document, proof: [second] })).rejects.toMatchObject({ code: 'previous_proof_unknown' });
    const another = await proofBy(stranger, document, { id: 'urn:uuid:first', created: '2026-11-19T09:00:00Z' });
    await expect(verify({ ...document, proof: [another, second] })).rejects.toMatchObject({
      code: 'signature_invalid',
    });
    const { previousProof: _previous, ...alone } = second;
    await expect(verify({ ...document, proof: [first, alone] })).rejects.toMatchObject({ code: 'signature_invalid' });
    const itself = { ...second, id: 'urn:uuid:itself', previousProof: 'urn:uuid:itself' };
    await expect(verify({ ...document, proof: [itself] })).rejects.toMatchObject({ code: 'signature_invalid' });
    await expect(verify({ ...document, proof: [first, first, second] })).rejects.toMatchObject({
      code: 'proof_malformed',
    });
    expect(proofsOf(chain)).toHaveLength(2);
  });

  test('a further proof is made where it is asked for, by suites that others can stand beside', async () => {
    const document = plainCredential(t.holder.did);
    const credential = { ...document, proof: await proofBy(stranger, document, { id: 'urn:uuid:first' }) };
    const further = (format: SecuringFormat, existingProof?: ExistingProof) => {
      const key = format.startsWith('eddsa') ? t.ed25519 : t.es256;
      const more = existingProof === undefined ? {} : { existingProof };
      return secureCredential(t.agent, { credential, format, key, now, ...more });
    };
    const before = structuredClone(credential);
    for (const [existingProof, previousProof] of [['set'], ['chain', 'urn:uuid:first']] as const) {
      const { verifiableCredential } = await further('eddsa-rdfc-2022', existingProof);
      expect(proofsOf(verifiableCredential as JsonObject)).toHaveLength(2);
      expect(proofsOf(verifiableCredential as JsonObject).at(-1)?.['previousProof']).toBe(previousProof);
      await expect(verify(verifiableCredential as JsonObject)).resolves.toMatchObject({ credential: document });
    }
    expect(credential).toEqual(before);
    const refused = { code: 'invalid_credential', faults: [{ path: '/proof' }] };
    await expect(further('eddsa-rdfc-2022')).rejects.toMatchObject(refused);
    await expect(further('ecdsa-sd-2023', 'set')).rejects.toMatchObject(refused);
    await expect(further('vc+jwt', 'chain')).rejects.toMatchObject(refused);
  });

  test('eight proofs are accepted and nine are not', async () => {
    const document = plainCredential(t.holder.did);
    const proofs = await Promise.all(Array.from({ length: 9 }, () => proofBy(t.ed25519, document)));
    await expect(verify({ ...document, proof: proofs.slice(1) })).resolves.toMatchObject({ issuer: trust });
    await expect(verify({ ...document, proof: proofs })).rejects.toMatchObject({ code: 'proof_count' });
    await expect(verify({ ...document, proof: [] })).rejects.toMatchObject({ code: 'proof_count' });
  });

  test('nothing is fetched for whoever signs beside the issuer', async () => {
    const document = plainCredential(t.holder.did);
    const mine = await proofBy(t.ed25519, document);
    const outsider = makeKey('EdDSA', () => 'did:web:outsider.example#k1');
    const proof = [mine, await proofBy(outsider, document)];
    const before = t.resolved.length;
    await expect(verify({ ...document, proof })).rejects.toMatchObject({ code: 'controller_not_accepted' });
    expect(t.resolved.slice(before)).not.toContain('did:web:outsider.example');
  });

  test('a date without an offset counts as UTC', async () => {
    const document = plainCredential(t.holder.did);
    const expires = await proofBy(t.ed25519, document, { expires: '2026-11-21T09:00:01' });
    await expect(verify({ ...document, proof: expires })).resolves.toMatchObject({ issuer: trust });
    const expired = await proofBy(t.ed25519, document, { expires: '2026-11-21T08:56:00' });
    await expect(verify({ ...document, proof: expired })).rejects.toMatchObject({ code: 'proof_expired' });
    await expect(
      verifyProof(t.agent, readCredential({ ...document, proof: expired }), { now, proofGraceSeconds: 300 }),
    ).resolves.toMatchObject({ issuer: trust });
  });
});

describe('Ed25519Signature2020', () => {
  const suiteContext = 'https://w3id.org/security/suites/ed25519-2020/v1';

  async function signed(document: JsonObject, members: JsonObject = {}): Promise<JsonObject> {
    const stated = {
      type: 'Ed25519Signature2020',
      created: '2026-11-20T09:00:00Z',
      verificationMethod: t.ed25519.kid,
      proofPurpose: 'assertionMethod',
      ...members,
    };
    const transformations = createCanonicaliser(t.contexts);
    const configured = procedures.rdfc.configure(stated, document);
    const signing = { ...configured, algorithm: 'EdDSA', sign: t.ed25519.sign } as const;
    const proofValue = await procedures.rdfc.prove(transformations, signing);
    await transformations.close();
    return { ...document, proof: { ...stated, proofValue } };
  }
  const withSuite = (document: JsonObject): JsonObject => ({
    ...document,
    '@context': [...(document['@context'] as Json[]), suiteContext],
  });

  test('is verified in both data models, and no longer made', async () => {
    for (const document of [withSuite(plainCredential(t.holder.did)), withSuite(plain11(t.holder.did))]) {
      const credential = await signed(document);
      await expect(verify(credential)).resolves.toMatchObject({ format: 'Ed25519Signature2020', issuer: trust });
      await expect(verify({ ...credential, id: 'urn:a:b' })).rejects.toMatchObject({ code: 'signature_invalid' });
      const { created: _created, ...undated } = credential['proof'] as JsonObject;
      await expect(verify({ ...credential, proof: undated })).rejects.toMatchObject({ code: 'signature_invalid' });
    }
    const options = { credential: plainCredential(t.holder.did), key: t.ed25519, now };
    const made = secureCredential(t.agent, { ...options, format: 'Ed25519Signature2020' as never });
    await expect(made).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test('names no cryptosuite, and its type is defined by a context', async () => {
    const credential = await signed(withSuite(plainCredential(t.holder.did)));
    const proof = { ...(credential['proof'] as JsonObject), cryptosuite: 'eddsa-rdfc-2022' };
    await expect(verify({ ...credential, proof })).rejects.toMatchObject({ code: 'cryptosuite_unknown' });
    const bare = { ...plainCredential(t.holder.did), proof: credential['proof'] as Json };
    await expect(verify(bare)).rejects.toMatchObject({ code: 'terms_undefined' });
  });
});

test('the direction of a text is signed', async () => {
  const name = { '@value': 'شهادة', '@language': 'ar', '@direction': 'rtl' };
  for (const format of suiteNames) {
    const credential = await secure(plainCredential(t.holder.did, { name }), format);
    await expect(verify(credential)).resolves.toMatchObject({ credential: { name } });
    const turned = { ...credential, name: { ...name, '@direction': 'ltr' } };
    await expect(verify(turned)).rejects.toMatchObject({ code: 'signature_invalid' });
  }
});

describe('the contexts of a JCS proof', () => {
  test('lead those of the document, and what was added later is not part of what was proved', async () => {
    const document = plainCredential(t.holder.did);
    const signed = await secure(document, 'eddsa-jcs-2022');
    const later = 'https://www.w3.org/ns/credentials/status/v1';
    const extended = { ...signed, '@context': [...(signed['@context'] as Json[]), later] };
    await expect(verify(extended)).resolves.toMatchObject({ credential: { '@context': document['@context'] } });
    const first = { ...signed, '@context': ['https://www.w3.org/ns/credentials/v2', later] };
    const proof = { ...(signed['proof'] as JsonObject), '@context': [later] };
    await expect(verify({ ...first, proof })).rejects.toMatchObject({ code: 'proof_malformed' });
    const unknown = plainCredential(t.holder.did, { '@context': ['https://www.w3.org/ns/credentials/v2', 'urn:a:b'] });
    await expect(secure(unknown, 'eddsa-jcs-2022')).rejects.toMatchObject({ code: 'invalid_credential' });
  });

  test('define every word, even though the text is signed', async () => {
    for (const changes of [
      { ward: '7' },
      { type: ['VerifiableCredential', 'Nowhere'] },
      { credentialSubject: { id: t.holder.did, '@context': ['https://www.w3.org/ns/credentials/v2'] } },
    ]) {
      await expect(secure(plainCredential(t.holder.did, changes), 'ecdsa-jcs-2019')).rejects.toMatchObject({
        code: 'invalid_credential',
      });
    }
  });
});

describe('contexts in line', () => {
  const words = (context: Json): JsonObject =>
    plainCredential(t.holder.did, { '@context': ['https://www.w3.org/ns/credentials/v2', context] });
  const open = pinContexts(new Map(), { inline: true });
  const cred = 'https://www.w3.org/2018/credentials#';

  test('are refused unless an open test instance allows them', async () => {
    const secured = secure(words({ ward: 'https://x.example/ward' }), 'eddsa-rdfc-2022');
    await expect(secured).rejects.toMatchObject({ code: 'invalid_credential' });
    const { canonicalise } = createTransformations(open);
    const document = { ...words({ ward: 'https://x.example/ward' }), ward: '7' };
    await expect(canonicalise({ document })).resolves.toContain('https://x.example/ward');
  });

  test.each<[string, JsonObject]>([
    ['another name for a member that is read', { withdrawn: `${cred}credentialStatus` }],
    ['the same in an object', { withdrawn: { '@id': `${cred}credentialStatus` } }],
    ['a prefix of it', { c: 'https://x.example/', withdrawn: 'c:credentialStatus' }],
    ['a vocabulary that holds it', { '@vocab': cred }],
    ['a vocabulary that a word completes', { '@vocab': 'https://www.w3.org/2018/' }],
    ['another name for a keyword', { identity: '@id' }],
    ['the same in an object', { identity: { '@id': '@type' } }],
    ['a reversed property', { about: { '@reverse': 'https://x.example/about' } }],
    ['a nested member', { box: '@nest' }],
    ['a context of its own', { box: { '@id': 'https://x.example/box', '@context': {} } }],
    ['a container', { box: { '@id': 'https://x.example/box', '@container': '@graph' } }],
    ['an import', { '@import': 'https://www.w3.org/ns/credentials/v2' }],
    ['a base', { '@base': 'https://x.example/' }],
    ['a default language', { '@language': 'en' }],
  ])('%s is refused even then', async (_name, context) => {
    const { canonicalise } = createTransformations(open);
    await expect(canonicalise({ document: words(context) })).rejects.toMatchObject({ code: 'context_unknown' });
  });
});

describe('one graph has one text', () => {
  const status = {
    id: 'https://rxa.example/s#1',
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '1',
    statusListCredential: 'https://rxa.example/s',
  };
  const iri = (term: string) => `https://www.w3.org/2018/credentials#${term}`;
  let signed: JsonObject;
  beforeAll(async () => {
    signed = await secure(credential20(t.holder.did, { credentialStatus: status }), 'eddsa-rdfc-2022');
  });
  const { stringify } = JSON;

  const rewritten: readonly [string, (signed: JsonObject) => JsonObject][] = [
    [
      'a member named by its full address',
      ({ credentialStatus, ...rest }) => ({ ...rest, [iri('credentialStatus')]: credentialStatus as Json }),
    ],
    ['a keyword in place of its term', ({ id, ...rest }) => ({ ...rest, '@id': id as Json })],
    ['an included block', ({ credentialStatus: _status, ...rest }) => ({ ...rest, '@included': [status] })],
    ['a reversed property', (all) => ({ ...all, '@reverse': {} })],
    ['null', (all) => ({ ...all, refreshDate: null })],
    ['an empty list', (all) => ({ ...all, credentialSchemas: [] })],
    ['an undefined word', (all) => ({ ...all, ward: '7' })],
    [
      'an undefined word deep inside',
      (all) => ({ ...all, credentialSubject: { ...(all['credentialSubject'] as JsonObject), ward: '7' } }),
    ],
    [
      'a blank node label',
      (all) => ({ ...all, evidence: { id: 'urn:a:b', type: 'StaffPassportEvidence', verifier: '_:c' } }),
    ],
    [
      'a context in line',
      (all) => ({ ...all, '@context': [...(all['@context'] as Json[]), { ward: 'https://x.example/ward' }] }),
    ],
    [
      'a context below the root',
      (all) => ({
        ...all,
        credentialSubject: {
          ...(all['credentialSubject'] as JsonObject),
          '@context': 'https://www.w3.org/ns/credentials/v2',
        },
      }),
    ],
  ];

  test.each(rewritten)('%s is refused', async (_name, rewrite) => {
    const document = rewrite(signed);
    expect(stringify(document)).not.toBe(stringify(signed));
    await expect(verify(document)).rejects.toMatchObject({ check: expect.stringMatching(/^(proof|format)$/) });
    await expect(verify(document)).rejects.not.toMatchObject({ code: 'signature_invalid' });
  });

  test('the original is accepted, in any order of members', async () => {
    await expect(verify(signed)).resolves.toMatchObject({ credential: { credentialStatus: status } });
    await expect(verify(Object.fromEntries(Object.entries(signed).reverse()))).resolves.toMatchObject({
      issuer: trust,
    });
  });

  test('a type that is not an absolute address is refused, even with a colon in it', async () => {
    await expect(
      secure(plainCredential(t.holder.did, { type: ['VerifiableCredential', 'Nowhere'] }), 'eddsa-rdfc-2022'),
    ).rejects.toMatchObject({ code: 'invalid_credential' });
    const document = { ...signed, type: [...(signed['type'] as string[]), 'https ://x'] };
    await expect(verify(document)).rejects.toMatchObject({ code: 'data_model_invalid' });
  });

  test('no word of the pinned contexts is another name for one of the credentials context', () => {
    const names = new Map<string, Set<string>>();
    for (const document of t.contexts.documents.values()) collectTerms(document['@context'], names);
    for (const iriOfCredential of [
      'credentialStatus',
      'credentialSubject',
      'issuer',
      'validUntil',
      'credentialSchema',
      'expirationDate',
    ]) {
      expect([...(names.get(iri(iriOfCredential)) ?? [])]).toEqual([iriOfCredential]);
    }
  });
});

/** Every term of a context, however deep, by the address that it stands for. */
function collectTerms(context: Json | undefined, names: Map<string, Set<string>>): void {
  const terms = [context]
    .flat()
    .filter(isJsonObject)
    .flatMap((item) => Object.entries(item));
  for (const [term, definition] of terms) {
    const id = isJsonObject(definition) ? definition['@id'] : definition;
    const address = String(id).replace(/^cred:/, 'https://www.w3.org/2018/credentials#');
    if (!term.startsWith('@')) names.set(address, (names.get(address) ?? new Set()).add(term));
    if (isJsonObject(definition)) collectTerms(definition['@context'], names);
  }
}

describe('contexts', () => {
  test('are those of W3C and of the catalogue, and none is loaded from anywhere else', async () => {
    const { documents, digests } = createContexts({ baseUrl });
    expect([...documents.keys()].filter((url) => url.startsWith(baseUrl)).length).toBe(catalogue.contextDocuments.size);
    expect(digests.get('https://www.w3.org/ns/credentials/v2')).toBe('tGPI1qBmIUEj3dmCexNeG1Dh_HMyLMUqmxKk8fx9hs8');
    expect(
      [...documents.values()].every((document) => Object.isFrozen(document) && Object.isFrozen(document['@context'])),
    ).toBe(true);
  });

  test('one under the address of W3C is refused', () => {
    const taken = new Map([['https://www.w3.org/ns/credentials/v2', { '@context': {} }]]);
    expect(() => pinContexts(taken)).toThrow('under an address of W3C');
  });

  test('one of the catalogue with @vocab is refused', () => {
    const root = mkdtempSync(join(tmpdir(), 'contexts-'));
    for (const folder of ['schemas', 'contexts']) cpSync(folder, join(root, folder), { recursive: true });
    const file = join(root, 'contexts/DbsCheckCredential/v1.json');
    const document = JSON.parse(readFileSync(file, 'utf8')) as { '@context': object };
    expect(() => createContexts({ baseUrl, root })).not.toThrow();
    const loose = { ...document, '@context': { ...document['@context'], '@vocab': 'https://x.example/#' } };
    writeFileSync(file, JSON.stringify(loose));
    expect(() => createContexts({ baseUrl, root })).toThrow('@vocab');
    rmSync(root, { recursive: true });
  });

  test('contexts of others are for a programme on loopback only', () => {
    const open = { documents: {}, inline: true };
    expect(() => createContexts({ baseUrl: 'https://programme.example', open })).toThrow('loopback');
    expect(createContexts({ baseUrl: 'https://localhost:8443', open }).inline).toBe(true);
  });
});

describe('large documents', () => {
  test('are canonicalised in a thread with the same result, errors included', async () => {
    const inline = createCanonicalise(t.contexts.documents);
    const threaded = createCanonicaliser(t.contexts, { inlineValues: 0 });
    const credential = credential20(t.holder.did);
    const [one, two] = await Promise.all([
      threaded.canonicalise({ document: credential }),
      threaded.canonicalise({ document: plainCredential('did:web:a') }),
    ]);
    expect(one).toBe(await inline(credential));
    expect(two).toBe(await inline(plainCredential('did:web:a')));
    await expect(threaded.canonicalise({ document: { ...credential, ward: '7' } })).rejects.toMatchObject({
      code: 'terms_undefined',
    });
    const request = { document: credential, hmacKey: Buffer.alloc(32), groups: { some: ['/issuer', '/validFrom'] } };
    expect(await threaded.groupStatements(request)).toEqual(
      await createTransformations(t.contexts).groupStatements(request),
    );
    await expect(threaded.groupStatements({ ...request, groups: { some: ['/ward'] } })).rejects.toMatchObject({
      code: 'terms_undefined',
    });
    await expect(threaded.checkTerms({ ...credential, ward: '7' })).rejects.toMatchObject({ code: 'terms_undefined' });
    await threaded.close();
  });

  test('that take too long are given up, and the next document gets a new thread', async () => {
    const threaded = createCanonicaliser(t.contexts, { inlineValues: 0, milliseconds: 1_500 });
    const evidence = Array.from({ length: 60_000 }, (_, index) => ({
      id: `urn:x:${index}`,
      type: 'StaffPassportEvidence',
    }));
    const heavy = threaded.canonicalise({ document: credential20(t.holder.did, { evidence }) });
    await expect(heavy).rejects.toMatchObject({ code: 'canonicalisation_unfinished' });
    await expect(
      threaded.canonicalise({
        document: { '@context': ['https://www.w3.org/ns/credentials/v2'], id: 'urn:a:b', name: 'x' },
      }),
    ).resolves.toContain('urn:a:b');
    await threaded.close();
  });

  test('close refuses what still waits', async () => {
    const threaded = createCanonicaliser(t.contexts, { inlineValues: 0 });
    const waiting = expect(threaded.canonicalise({ document: credential20(t.holder.did) })).rejects;
    await Promise.all([waiting.toMatchObject({ code: 'canonicalisation_unfinished' }), threaded.close()]);
  });
});
