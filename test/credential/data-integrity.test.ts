import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import * as ecdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import { cryptosuite as ecdsaRdfc2019 } from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import { cryptosuite as eddsaRdfc2022 } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import { createCanonicalise } from '../../src/credential/canonicalisation.js';
import { createCanonicaliser } from '../../src/credential/canonicaliser.js';
import { pinContexts } from '../../src/credential/contexts.js';
import {
  createContexts,
  readCredential,
  readPresentation,
  secureCredential,
  securePresentation,
  verifyPresentationProof,
  verifyProof,
} from '../../src/credential/credential.js';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.js';
import { baseUrl, createAgent, now, type TestAgent, trust } from './agent.js';
import { catalogue, credential20, plainCredential, presentation20 } from './examples.js';

let t: TestAgent;
beforeAll(async () => {
  t = await createAgent();
});
afterAll(() => t.close());

const suites = {
  'eddsa-rdfc-2022': { cryptosuite: eddsaRdfc2022, key: () => t.ed25519 },
  'ecdsa-rdfc-2019': { cryptosuite: ecdsaRdfc2019, key: () => t.es256 },
} as const;
type Suite = keyof typeof suites;
const suiteNames = Object.keys(suites) as Suite[];

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
  const keys = [t.es256, t.ed25519, t.holder.key].filter((key) => key.kid.startsWith(`${did}#`));
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
  const key = suites[format].key();
  return (await secureCredential(t.agent, { credential, format, key, now })).verifiableCredential as JsonObject;
}

const verify = async (input: unknown, on = t) => verifyProof(on.agent, readCredential(input), { now });

describe('both directions with the reference libraries', () => {
  test.each(suiteNames)('what we sign with %s they verify', async (format) => {
    for (const make of [plainCredential, credential20]) {
      const credential = await secure(make(t.holder.did), format);
      const suite = new DataIntegrityProof({ cryptosuite: suites[format].cryptosuite });
      const outcome = await vc.verifyCredential({ credential, suite, documentLoader: documentLoader(), now });
      expect(outcome.error?.errors ?? outcome.error).toBeUndefined();
      expect(outcome.verified).toBe(true);
      const forged = { ...credential, validUntil: '2030-01-01T00:00:00Z' };
      const refused = await vc.verifyCredential({ credential: forged, suite, documentLoader: documentLoader(), now });
      expect(refused.verified).toBe(false);
    }
  });

  test.each(suiteNames)('what they sign with %s we verify', async (format) => {
    const did = `did:web:reference-${format.slice(0, 5)}.example`;
    const options = { id: `${did}#k1`, controller: did };
    const key =
      format === 'ecdsa-rdfc-2019'
        ? await ecdsaMultikey.generate({ ...options, curve: 'P-256' })
        : await ed25519Multikey.generate(options);
    const method = { id: options.id, type: 'Multikey', controller: did, publicKeyMultibase: key.publicKeyMultibase };
    t.documents.set(did, { id: did, verificationMethod: [method], assertionMethod: [options.id] });
    const suite = new DataIntegrityProof({ signer: key.signer(), cryptosuite: suites[format].cryptosuite, date: now });
    const credential = credential20(t.holder.did, { issuer: did });
    const issued = await vc.issue({ credential, suite, documentLoader: documentLoader(), now });
    await expect(verify(issued)).resolves.toMatchObject({ issuer: did, format, verificationMethod: options.id });
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
    const suite = suiteNames.map((name) => new DataIntegrityProof({ cryptosuite: suites[name].cryptosuite }));
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
