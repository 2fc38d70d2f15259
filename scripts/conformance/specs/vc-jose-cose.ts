/** Securing Verifiable Credentials using JOSE and COSE: vc+jwt, vp+jwt, vc+sd-jwt and vc+cose in their envelopes. */
import { createHash } from 'node:crypto';
import { compactVerify, decodeProtectedHeader } from 'jose';
import {
  type Conversation,
  isRefusal,
  plainCredential,
  plainPresentation,
  presentable,
  presentationOptions,
  presentationProof,
  presenter,
  signerFor,
} from '../conversation.js';
import { issuersOf, needs, verifiersOf } from '../endpoints.js';
import { type CoseOptions, coseSign1, type Labelled } from '../inputs/cose.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import type { Signer } from '../inputs/keys.js';
import { envelope, secureWith, token } from '../inputs/securing.js';
import type { Test, Tests } from '../suite.js';
import type { Securing, Target, VerifierEndpoint } from '../target.js';
import { together } from './proof-cases.js';

type Enveloping = 'vc+jwt' | 'vc+sd-jwt' | 'vc+cose';

interface TokenCase {
  readonly header?: Document;
  readonly claims?: Document;
  readonly change?: (compact: string) => string;
  readonly credential?: Document;
}

function enveloped(mediaType: string, compact: string): Document {
  return envelope('Credential', `application/${mediaType}`, compact);
}

function jwt(signer: Signer, { header, claims = {}, change = (one) => one, credential }: TokenCase): Document {
  const payload = credential ?? plainCredential(signer.did);
  const compact = token(payload, { header: { typ: 'vc+jwt', cty: 'vc', ...header }, claims, signer });
  return enveloped('vc+jwt', change(compact));
}

/** Questions to a verifier of vc+jwt. */
function jwtTest(cases: {
  readonly accepts?: Readonly<Record<string, TokenCase>>;
  readonly refuses?: Readonly<Record<string, TokenCase>>;
}): Test {
  return {
    lacks: needs.verifying('vc+jwt'),
    async run(talk) {
      const verifier = find(talk, 'vc+jwt');
      const signer = signerFor(talk.parties, 'vc+jwt');
      await talk.accepts(verifier, jwt(signer, {}), 'a credential as vc+jwt');
      await talk.refuses(verifier, jwt(signer, { change: otherSignature }), 'a credential whose signature was changed');
      for (const [what, one] of Object.entries(cases.accepts ?? {}))
        await talk.accepts(verifier, jwt(signer, one), what);
      for (const [what, one] of Object.entries(cases.refuses ?? {}))
        await talk.refuses(verifier, jwt(signer, one), what);
    },
  };
}

function find(talk: Conversation, securing: Securing): VerifierEndpoint {
  const [verifier] = verifiersOf(talk.target, securing);
  if (!verifier) throw new Error(`nobody verifies ${securing}`);
  return verifier;
}

const segments = (change: (parts: string[]) => string[]) => (compact: string) => change(compact.split('.')).join('.');
const unsecured = segments(([, payload = '']) => {
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'vc+jwt' })).toString('base64url');
  return [header, payload, ''];
});
const unsigned = segments(([header = '', payload = '']) => [header, payload, '']);
const otherSignature = segments(([header = '', payload = '', signature = '']) => {
  const bytes = Buffer.from(signature, 'base64url');
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  return [header, payload, bytes.toString('base64url')];
});
const otherPayload = segments(([header = '', payload = '', signature = '']) => {
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Document;
  const other = Buffer.from(JSON.stringify({ ...claims, validFrom: '2019-01-01T00:00:00Z' })).toString('base64url');
  return [header, other, signature];
});

/** What an issuer of this mechanism gives out, taken from its envelope. */
function issuedTest(
  securing: Enveloping,
  look: (talk: Conversation, data: string, credential: Document, issuer: string) => Promise<void> | void,
): Test {
  return {
    lacks: needs.issuing(securing),
    async run(talk) {
      for (const issuer of issuersOf(talk.target, securing)) {
        const credential = await talk.issued(issuer, plainCredential(issuer.issuer));
        if (!credential) continue;
        const id = String(credential['id']);
        const prefix = new RegExp(`^data:application/${securing.replace('+', '\\+')}(;base64)?,`).exec(id)?.[0];
        talk.expect(prefix, `what is issued must be a data: URL of application/${securing}, not ${id.slice(0, 60)}`);
        const isEnveloped = asList(credential['type']).includes('EnvelopedVerifiableCredential');
        talk.expect(isEnveloped, `the type of what is issued is ${credential['type']}`);
        await look(talk, id.slice((prefix ?? '').length), credential, issuer.issuer);
      }
    },
  };
}

async function verifiedPayload(talk: Conversation, compact: string): Promise<Document | undefined> {
  try {
    const { kid = '' } = decodeProtectedHeader(compact);
    const { payload } = await compactVerify(compact, (await talk.findKey(kid)).publicKey);
    return JSON.parse(Buffer.from(payload).toString()) as Document;
  } catch (error) {
    talk.expect(false, `the JWS must verify: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function expectCredential(talk: Conversation, payload: Document | undefined, issuer: string): void {
  const subject: unknown = payload?.['credentialSubject'];
  const whole = Array.isArray(payload?.['@context']) && payload['issuer'] === issuer && isDocument(subject);
  talk.expect(whole, 'the payload must be the unsecured credential');
}

/** SD-JWT (RFC 9901) with one disclosure. */
function sdJwt(signer: Signer, change: (parts: { disclosure: string; compact: string }) => string): Document {
  const disclosure = Buffer.from(JSON.stringify(['c2FsdHNhbHRzYWx0', 'name', 'Alex Example'])).toString('base64url');
  const digest = createHash('sha256').update(disclosure).digest('base64url');
  const credentialSubject = { id: 'did:example:subject', _sd: [digest] };
  const payload = { ...plainCredential(signer.did, { credentialSubject }), _sd_alg: 'sha-256' };
  const compact = token(payload, { header: { typ: 'vc+sd-jwt', cty: 'vc' }, signer });
  return enveloped('vc+sd-jwt', change({ disclosure, compact }));
}

const sdJwtTest: Test = {
  lacks: needs.verifying('vc+sd-jwt'),
  async run(talk) {
    const verifier = find(talk, 'vc+sd-jwt');
    const signer = signerFor(talk.parties, 'vc+sd-jwt');
    const make = (change: Parameters<typeof sdJwt>[1]) => sdJwt(signer, change);
    const good = make(({ compact, disclosure }) => `${compact}~${disclosure}~`);
    await talk.accepts(verifier, good, 'an SD-JWT with its disclosure');
    const other = Buffer.from(JSON.stringify(['c2FsdHNhbHRzYWx0', 'name', 'Kim Example'])).toString('base64url');
    const swapped = make(({ compact }) => `${compact}~${other}~`);
    await talk.refuses(verifier, swapped, 'a disclosure that the issuer did not sign');
    const twice = make(({ compact, disclosure }) => `${compact}~${disclosure}~${disclosure}~`);
    await talk.refuses(verifier, twice, 'the same disclosure twice');
    const spoilt = make(({ compact, disclosure }) => `${otherSignature(compact)}~${disclosure}~`);
    await talk.refuses(verifier, spoilt, 'an SD-JWT whose signature was changed');
  },
};

type CoseVariant = Partial<Omit<CoseOptions, 'signer' | 'typ'>>;

function cose(document: Document, signer: Signer, options: CoseVariant = {}): Document {
  const data = coseSign1(document, { signer, typ: 'application/vc+cose', ...options }).toString('base64');
  return enveloped('vc+cose;base64', data);
}

const coseTest: Test = {
  lacks: needs.verifying('vc+cose'),
  async run(talk) {
    const verifier = find(talk, 'vc+cose');
    const signer = signerFor(talk.parties, 'vc+cose');
    await talk.accepts(verifier, cose(plainCredential(signer.did), signer), 'a COSE_Sign1');
    const forged = cose(plainCredential(signer.did), signer, { forged: true });
    await talk.refuses(verifier, forged, 'a COSE_Sign1 whose signature is over another payload');
    const { privateKey } = talk.parties.strangers[signer.keyType];
    const stranger = cose(plainCredential(signer.did), { ...signer, privateKey });
    await talk.refuses(verifier, stranger, 'a COSE_Sign1 by another key than it names');
    await talk.refuses(verifier, enveloped('vc+cose;base64', 'gEBA'), 'CBOR that is no COSE_Sign1');
  },
};

function presentationVerifier(talk: Conversation, securing: Enveloping): VerifierEndpoint {
  const verifier = talk.target.presentationVerifiers.find((one) => one.securing.includes(securing));
  if (!verifier) throw new Error(`nobody verifies presentations in ${securing}`);
  return verifier;
}

const verifiesPresentations =
  (securing: Enveloping): Test['lacks'] =>
  (target) =>
    target.presentationVerifiers.some((one) => one.securing.includes(securing))
      ? undefined
      : `the target declares no verifier of presentations in ${securing.replace('vc', 'vp')}`;

/** The members of a presentation to replace; some of them have to be made in the mechanism of the test. */
type Changes = Document | ((talk: Conversation, holder: Signer, credential: Document) => Promise<Document> | Document);

/** Questions to a verifier of presentations in this mechanism; each must be refused. */
function presentationTest(securing: Enveloping, refuses: Readonly<Record<string, Changes>>): Test {
  return {
    lacks: verifiesPresentations(securing),
    async run(talk) {
      const verifier = presentationVerifier(talk, securing);
      const holder = presenter(talk.parties, securing);
      const credential = await presentable(talk.parties, securing);
      const make = async (changes: Document) => {
        const document = plainPresentation(holder.did, [credential], changes);
        return (await secureWith(securing, document, holder, presentationProof)).wire;
      };
      await talk.acceptsPresentation(verifier, await make({}), 'a presentation of one credential');
      for (const [what, changes] of Object.entries(refuses)) {
        const found = typeof changes === 'function' ? await changes(talk, holder, credential) : changes;
        await talk.refusesPresentation(verifier, await make(found), what);
      }
    },
  };
}

/** A verifier of this mechanism notices a signature over something else and a signature by somebody else. */
function presentationSignatureTest(securing: Enveloping): Test {
  return {
    lacks: verifiesPresentations(securing),
    async run(talk) {
      const verifier = presentationVerifier(talk, securing);
      const holder = presenter(talk.parties, securing);
      const document = plainPresentation(holder.did, [await presentable(talk.parties, securing)]);
      const { wire } = await secureWith(securing, document, holder, presentationProof);
      await talk.acceptsPresentation(verifier, wire, 'a presentation');
      const spoilt = { ...wire, id: spoilers[securing](String(wire['id'])) };
      await talk.refusesPresentation(verifier, spoilt, 'a presentation whose signature was changed');
      const { privateKey } = talk.parties.strangers[holder.keyType];
      const stranger = await secureWith(securing, document, { ...holder, privateKey }, presentationProof);
      await talk.refusesPresentation(verifier, stranger.wire, 'a presentation by another key than it names');
    },
  };
}

/** The last byte of a COSE_Sign1 is the last of its signature. */
function otherLastByte(dataUrl: string): string {
  const [head = '', data = ''] = dataUrl.split(',');
  const bytes = Buffer.from(data, 'base64');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return `${head},${bytes.toString('base64')}`;
}

const spoilers: Readonly<Record<Enveloping, (dataUrl: string) => string>> = {
  'vc+jwt': otherSignature,
  'vc+sd-jwt': (dataUrl) => `${otherSignature(dataUrl.replace(/~$/, ''))}~`,
  'vc+cose': otherLastByte,
};

const dataOf = ({ id }: Document) => String(id).split(',').at(-1) ?? '';

/** VCDM 2.0 4.13.1: a credential in another format stands in its envelope, never alone. */
const bareCredential: Readonly<Record<string, Changes>> = {
  'a credential without its envelope': (_talk, _holder, credential) => ({ verifiableCredential: [dataOf(credential)] }),
};

const unsecuredCredential: Readonly<Record<string, Changes>> = {
  'an unsecured credential in a presentation': { verifiableCredential: [plainCredential('did:example:nobody')] },
};

/** What would be a presentation inside a presentation, in every form but that of an envelope. */
function barePresentations(securing: Enveloping): Readonly<Record<string, Changes>> {
  const inner = (holder: Signer, credential: Document) => plainPresentation(holder.did, [credential]);
  return {
    'an unsecured presentation in a presentation': (_talk, holder, credential) => ({
      verifiableCredential: [inner(holder, credential)],
    }),
    'a presentation with an embedded proof in a presentation': async ({ parties }, _holder, credential) => {
      const document = inner(parties.holder, credential);
      const { wire } = await secureWith('eddsa-jcs-2022', document, parties.holder, presentationProof);
      return { verifiableCredential: [wire] };
    },
    'a presentation without its envelope in a presentation': async (_talk, holder, credential) => {
      const secured = await secureWith(securing, inner(holder, credential), holder, presentationProof);
      return { verifiableCredential: [secured.compact] };
    },
  };
}

const jose: Tests = {
  'VJC-1.1.2.1-1': jwtTest({ refuses: { 'a token whose alg is none': { change: unsecured } } }),
  'VJC-1.1.2.1-2': jwtTest({
    refuses: {
      'a token without signature': { change: unsigned },
      'a token that says that it is unsecured': { change: unsecured },
    },
  }),
  'VJC-1.1.2.1-3': jwtTest({
    refuses: {
      'a credential with the claim vc': { claims: { vc: { type: ['VerifiableCredential'] } } },
      'a credential with the claim vp': { claims: { vp: { type: ['VerifiablePresentation'] } } },
    },
  }),
  'VJC-3-1': together(
    issuedTest('vc+jwt', (talk, data) => talk.expect(data.split('.').length === 3, 'vc+jwt must be a compact JWS')),
    issuedTest('vc+sd-jwt', (talk, data) => talk.expect(data.includes('~'), 'vc+sd-jwt must be an SD-JWT')),
    issuedTest('vc+cose', (talk, data) =>
      talk.expect(Buffer.from(data, 'base64')[0] === 0xd2, 'vc+cose must be a tagged COSE_Sign1'),
    ),
  ),
  'VJC-3.1.1-1': issuedTest('vc+jwt', async (talk, data, _credential, issuer) => {
    expectCredential(talk, await verifiedPayload(talk, data), issuer);
  }),
  'VJC-3.1.1-2': jwtTest({
    refuses: {
      'a token whose signature was changed': { change: otherSignature },
      'a token whose payload was changed': { change: otherPayload },
    },
  }),
  'VJC-3.1.2-2': presentationSignatureTest('vc+jwt'),
  'VJC-3.1.2-3': presentationTest('vc+jwt', bareCredential),
  'VJC-3.1.2-4': presentationTest('vc+jwt', barePresentations('vc+jwt')),
  'VJC-3.1.2-5': presentationTest('vc+jwt', unsecuredCredential),
  'VJC-3.1.2-6': together(
    jwtTest({}),
    issuedTest('vc+jwt', (talk, data) =>
      talk.expect(/^[\w-]+\.[\w-]+\.[\w-]+$/.test(data), 'what is issued must be in compact serialisation'),
    ),
  ),
  'VJC-3.1.3-1': jwtTest({
    refuses: { 'a credential inside the claim vc': { claims: { vc: plainCredential('did:example:nobody') } } },
  }),
  'VJC-3.1.3-2': jwtTest({
    accepts: { 'a header parameter that nobody knows': { header: { 'x-checker': 'unknown' } } },
  }),
};

const sdAndCose: Tests = {
  'VJC-3.2.1-1': issuedTest('vc+sd-jwt', async (talk, data) => {
    const [compact = ''] = data.split('~');
    const payload = await verifiedPayload(talk, compact);
    talk.expect(Array.isArray(payload?.['@context']), 'the payload of the SD-JWT must be the credential');
    talk.expect(data.endsWith('~'), 'an SD-JWT without key binding ends in a tilde');
  }),
  'VJC-3.2.1-2': sdJwtTest,
  'VJC-3.2.2-2': presentationSignatureTest('vc+sd-jwt'),
  'VJC-3.2.2-3': presentationTest('vc+sd-jwt', bareCredential),
  'VJC-3.2.2-4': presentationTest('vc+sd-jwt', barePresentations('vc+sd-jwt')),
  'VJC-3.2.2-5': presentationTest('vc+sd-jwt', unsecuredCredential),
  'VJC-3.2.2-6': {
    lacks: needs.verifying('vc+sd-jwt'),
    async run(talk) {
      const verifier = find(talk, 'vc+sd-jwt');
      const signer = signerFor(talk.parties, 'vc+sd-jwt');
      const compact = sdJwt(signer, (one) => `${one.compact}~${one.disclosure}~`);
      await talk.accepts(verifier, compact, 'an SD-JWT in compact serialisation');
      const broken = sdJwt(signer, (one) => `${one.compact}~${one.disclosure}`);
      await talk.refuses(verifier, broken, 'an SD-JWT that ends in what is no key binding');
    },
  },
  'VJC-3.3.1-1': issuedTest('vc+cose', (talk, data, credential, issuer) => {
    const bytes = Buffer.from(data, 'base64');
    talk.expect(bytes[0] === 0xd2 && bytes[1] === 0x84, 'what is issued must be a COSE_Sign1 of four elements');
    talk.expect(bytes.includes(Buffer.from(`"issuer":"${issuer}"`)), 'the payload must be the unsecured credential');
    talk.expect(String(credential['id']).includes(';base64,'), 'the data: URL of COSE must be base64');
  }),
  'VJC-3.3.1-2': coseTest,
  'VJC-3.3.1-3': issuedTest('vc+cose', (talk, _data, credential) =>
    talk.expect(/^data:application\/vc\+cose;base64,/.test(String(credential['id'])), 'the data: URL must be base64'),
  ),
};

/** A question about the key that an issuer of vc+jwt publishes; only one with a document of its own is asked. */
function methodTest(fault: (method: Document) => string | undefined): Test {
  const documented = (target: Target) =>
    issuersOf(target, 'vc+jwt').filter(({ issuer }) => issuer.startsWith('did:web:'));
  return {
    lacks: (target) =>
      documented(target).length > 0 ? undefined : 'the target declares no issuer of vc+jwt by did:web',
    async run(talk) {
      for (const issuer of documented(talk.target)) {
        const credential = await talk.issued(issuer, plainCredential(issuer.issuer));
        const { kid = '' } = credential ? decodeProtectedHeader(dataOf(credential)) : {};
        const found = fault(await talk.findMethod(kid));
        talk.expect(found === undefined, found ?? '');
      }
    },
  };
}

/** A label and a claim for private use (RFC 9052 11.1, RFC 8392 9.1), which nobody else knows. */
const unknownLabels: Labelled = { [-70_001]: 'unknown' };

const cosePresentations: Tests = {
  'VJC-3.3.2-2': presentationSignatureTest('vc+cose'),
  'VJC-3.3.2-3': presentationTest('vc+cose', bareCredential),
  'VJC-3.3.2-4': presentationTest('vc+cose', barePresentations('vc+cose')),
  'VJC-3.3.2-5': presentationTest('vc+cose', unsecuredCredential),
  'VJC-3.3.3-1': {
    lacks: needs.verifying('vc+cose'),
    async run(talk) {
      const verifier = find(talk, 'vc+cose');
      const signer = signerFor(talk.parties, 'vc+cose');
      const make = (options: CoseVariant) => cose(plainCredential(signer.did), signer, options);
      await talk.accepts(verifier, make({ parameters: unknownLabels }), 'a header parameter that nobody knows');
      await talk.accepts(verifier, make({ claims: unknownLabels }), 'a CWT Claim that nobody knows');
      const forged = make({ parameters: unknownLabels, forged: true });
      await talk.refuses(verifier, forged, 'a forged COSE_Sign1 with a header parameter that nobody knows');
    },
  },
};

const keys: Tests = {
  'VJC-4.1.1-1': together(
    issuedTest('vc+jwt', (talk, data, _credential, issuer) => {
      const { kid } = decodeProtectedHeader(data);
      talk.expect(String(kid).startsWith(`${issuer}#`), `kid must be a DID URL of the issuer, is ${kid}`);
    }),
    jwtTest({ refuses: { 'a token without kid': { header: { kid: undefined } } } }),
  ),
  'VJC-4.1.2-1': {
    lacks: needs.verifying('vc+jwt'),
    async run(talk) {
      const verifier = find(talk, 'vc+jwt');
      const signer = signerFor(talk.parties, 'vc+jwt');
      const same = jwt(signer, { claims: { iss: signer.did } });
      await talk.accepts(verifier, same, 'a token whose iss is the issuer');
      const other = jwt(signer, { claims: { iss: talk.parties.strangers.Ed25519.did } });
      await talk.refuses(verifier, other, 'a token whose iss is somebody else');
      const credential = plainCredential({ id: signer.did, name: 'Example Trust' });
      const inside = jwt(signer, { credential, claims: { iss: talk.parties.strangers.Ed25519.did } });
      await talk.refuses(verifier, inside, 'a token whose iss is not the id of the issuer');
    },
  },
  'VJC-4.3-1': methodTest(({ type }) => (type === 'JsonWebKey' ? undefined : `the type of the key is ${type}`)),
  'VJC-4.3-2': methodTest(({ publicKeyJwk }) =>
    isDocument(publicKeyJwk) && typeof publicKeyJwk['kty'] === 'string' ? undefined : 'the key is no publicKeyJwk',
  ),
  'VJC-4.3-3': jwtTest({
    refuses: {
      'a kid that is a fragment': { header: { kid: '#key-1' } },
      'a kid that is no URL': { header: { kid: 'key-1' } },
    },
  }),
  'VJC-4.3-4': {
    lacks: verifiesPresentations('vc+jwt'),
    async run(talk) {
      const verifier = presentationVerifier(talk, 'vc+jwt');
      const holder = presenter(talk.parties, 'vc+jwt');
      const document = plainPresentation(holder.did, [await presentable(talk.parties, 'vc+jwt')]);
      const make = (kid: string) => {
        const claims = { nonce: presentationOptions.challenge, aud: presentationOptions.domain };
        const compact = token(document, { header: { typ: 'vp+jwt', cty: 'vp', kid }, claims, signer: holder });
        return envelope('Presentation', 'application/vp+jwt', compact);
      };
      await talk.acceptsPresentation(verifier, make(holder.verificationMethod), 'a kid that is an absolute URL');
      await talk.refusesPresentation(verifier, make('#key-1'), 'a kid that is a fragment');
    },
  },
};

const algorithms: Tests = {
  'VJC-5-1': {
    lacks: needs.verifying('vc+jwt'),
    async run(talk) {
      const verifier = find(talk, 'vc+jwt');
      const signer = signerFor(talk.parties, 'vc+jwt');
      await talk.accepts(verifier, jwt(signer, {}), 'a credential as vc+jwt');
      for (const claims of [{ exp: 1_600_000_000 }, { nbf: 4_800_000_000 }]) {
        const reply = await talk.post(verifier.url, { verifiableCredential: jwt(signer, { claims }) });
        const told = isDocument(reply.json) ? asList<Document>(reply.json['problemDetails']) : [];
        const noticed = isRefusal(reply) || told.some((one) => /expired|not_yet|valid/i.test(JSON.stringify(one)));
        talk.expect(noticed, `${JSON.stringify(claims)} must be evaluated`);
      }
    },
  },
  'VJC-5-2': jwtTest({
    refuses: { 'a payload that is no JSON-LD document': { claims: { '@context': undefined } } },
  }),
  'VJC-5-3': jwtTest({
    accepts: {
      'a schema of a type that nobody knows': {
        claims: {
          credentialSchema: { id: 'https://example.org/schema', type: 'https://example.org/vocabulary#Schema' },
        },
      },
    },
  }),
  'VJC-5-4': jwtTest({
    accepts: {
      'a status of a type that nobody knows': {
        claims: {
          credentialStatus: { id: 'https://example.org/status', type: 'https://example.org/vocabulary#Status' },
        },
      },
    },
  }),
};

export const vcJoseCoseTests: Tests = { ...jose, ...sdAndCose, ...cosePresentations, ...keys, ...algorithms };
