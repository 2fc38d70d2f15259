/** Verifiable Credentials Data Model v2.0: one test for each statement of statements/vcdm.json that a server can break. */
import { type Cases, credentialTest, forged, presentationTest, theIssuer } from '../cases.js';
import {
  type Conversation,
  plainCredential,
  plainPresentation,
  presentable,
  presentationProof,
  presenter,
  signerFor,
} from '../conversation.js';
import { anIssuer, aPresentationVerifier, aVerifier, forgeable, issuersOf, needs } from '../endpoints.js';
import { credentialsV2 } from '../inputs/contexts.js';
import { proofsOf } from '../inputs/data-integrity.js';
import { asList, changed, type Document, isDocument } from '../inputs/documents.js';
import { secureWith } from '../inputs/securing.js';
import type { Tests } from '../suite.js';

const subject = { id: 'did:example:subject', name: 'Alex Example' };
const example = 'https://example.org/vocabulary#';
const url = 'https://example.org/thing';

/** Every wrong form of a value that must be one URL. */
const noUrl = (place: (value: unknown) => Document) => ({
  'an id that is no URL': place('not-a-url'),
  'an id that is a number': place(5),
  'an id that is null': place(null),
  'an id that is an object': place({ url }),
  'a list of ids': place([url, `${url}/2`]),
});

/** Every wrong form of what must be one object or several. */
const noObject = (name: string) => ({
  [`${name} that is a string`]: { [name]: 'a string' },
  [`${name} that is a number`]: { [name]: 5 },
  [`${name} with a string among objects`]: { [name]: [{ id: url, type: 'Unimportant' }, 'a string'] },
});

const status = {
  id: `${url}#94567`,
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '94567',
  statusListCredential: 'https://lists.example/status/3',
};

/** A property whose values are objects with a type, defined inline so that every server can expand it. */
const typed = (name: string, value: Document) => ({ [name]: value });

const untyped = (name: string): Cases => ({ refuses: { [`${name} without type`]: typed(name, { id: url }) } });

const languageCases = (name: string): Cases => ({
  accepts: {
    [`${name} as a string`]: { [name]: 'A credential' },
    [`${name} as a language value object`]: { [name]: { '@value': 'Tystysgrif', '@language': 'cy' } },
  },
  refuses: {
    [`${name} that is a number`]: { [name]: 5 },
    [`${name} as an object without @value`]: { [name]: { '@language': 'cy' } },
    [`${name} as an object with a foreign key`]: { [name]: { '@value': 'x', '@language': 'en', url } },
    [`${name} as a list with a number`]: { [name]: ['A credential', 5] },
  },
});

const signedPlain = async (talk: Conversation, changes: Document = {}) => {
  const verifier = aVerifier(talk.target);
  const securing = forgeable(verifier);
  const signer = signerFor(talk.parties, securing);
  return { verifier, securing, signer, wire: await forged(securing, plainCredential(signer.did, changes), signer) };
};

const conformance: Tests = {
  'VCDM-1.3-2': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, wire } = await signedPlain(talk, { type: ['VerifiablePresentation'] });
      await talk.refuses(verifier, wire, 'what is neither a credential nor has the type of one');
    },
  },
  'VCDM-1.3-3': {
    lacks: needs.verifier,
    async run(talk) {
      const verifier = aVerifier(talk.target);
      const bare = plainCredential(talk.parties.strangers.Ed25519.did);
      await talk.refuses(verifier, bare, 'a credential without any securing mechanism');
      await talk.refuses(verifier, { ...bare, proof: [] }, 'a credential with an empty set of proofs');
    },
  },
  'VCDM-1.3-4': {
    lacks: needs.issuer,
    async run(talk) {
      const issuer = anIssuer(talk.target);
      const sent = plainCredential(issuer.issuer);
      const credential = await talk.issued(issuer, sent);
      if (!credential) return;
      for (const name of ['@context', 'type', 'issuer', 'credentialSubject', 'validFrom']) {
        const kept = JSON.stringify(credential[name]) === JSON.stringify(sent[name]);
        talk.expect(kept, `the issued credential must have ${name} as it was asked for`);
      }
      const foreign = Object.keys(credential).filter((name) => !(name in sent));
      const allowed = ['proof', 'id', 'credentialStatus', 'credentialSchema'];
      talk.expect(
        foreign.every((name) => allowed.includes(name)),
        `the issuer added ${foreign.join(', ')}`,
      );
    },
  },
  'VCDM-1.3-5': {
    lacks: needs.issuer,
    async run(talk) {
      const issuer = anIssuer(talk.target);
      const credential = await talk.issued(issuer, plainCredential(issuer.issuer));
      if (!credential) return;
      const proofs = proofsOf(credential);
      const enveloped = String(credential['id'] ?? '').startsWith('data:');
      talk.expect(proofs.length > 0 || enveloped, 'the issued credential must be secured');
      for (const proof of proofs) {
        const fault = await talk.proofFault(credential, proof);
        talk.expect(fault === undefined, `the proof of the issued credential must hold: ${fault}`);
      }
    },
  },
  'VCDM-1.3-6': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, securing, signer, wire } = await signedPlain(talk);
      await talk.accepts(verifier, wire, 'an unchanged credential');
      const tampered = isDocument(wire['proof'])
        ? changed(wire, { credentialSubject: { ...subject, name: 'Somebody Else' } })
        : tamperedEnvelope(wire);
      await talk.refuses(verifier, tampered, 'a credential whose subject was changed after signing');
      const { privateKey } = talk.parties.strangers[signer.keyType];
      const forgery = await forged(securing, plainCredential(signer.did), { ...signer, privateKey });
      await talk.refuses(verifier, forgery, 'a credential signed by another key than it names');
    },
  },
  'VCDM-1.3-7': credentialTest({
    roles: ['verifier'],
    refuses: {
      'a credential without @context': { '@context': undefined },
      'a credential without type': { type: undefined },
      'a credential without issuer': { issuer: undefined },
      'a credential without credentialSubject': { credentialSubject: undefined },
    },
  }),
  'VCDM-1.3-8': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, wire } = await signedPlain(talk, { issuer: 'not-a-url' });
      const reply = await talk.refuses(verifier, wire, 'a credential whose issuer is no URL');
      const told = isDocument(reply.json) ? reply.json : {};
      const errors = [told['problemDetails'], told['errors'], told['type'], told['detail'], told['message']];
      const some = errors.some((one) => (Array.isArray(one) ? one.length > 0 : one !== undefined));
      talk.expect(some, 'a refusal must say what the error is');
    },
  },
};

function tamperedEnvelope(wire: Document): Document {
  const [head = '', payload = '', signature = ''] = String(wire['id']).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Document;
  const other = { ...claims, credentialSubject: { ...subject, name: 'Somebody Else' } };
  const segment = Buffer.from(JSON.stringify(other)).toString('base64url');
  return { ...wire, id: `${head}.${segment}.${signature}` };
}

const basics: Tests = {
  'VCDM-4.3-1': credentialTest({ refuses: { 'a credential without @context': { '@context': undefined } } }),
  'VCDM-4.3-2': presentationTest({ refuses: { 'a presentation without @context': { '@context': undefined } } }),
  'VCDM-4.3-3': credentialTest({
    refuses: {
      'a context that nobody knows': { '@context': [credentialsV2, 'https://unknown.example/contexts/v1'] },
      'a URL that is no context': { '@context': [credentialsV2, 'https://example.com'] },
    },
  }),
  'VCDM-4.3-4': credentialTest({
    refuses: {
      'a context that is one string': { '@context': credentialsV2 },
      'a context that is an object': { '@context': { '@vocab': example } },
      'a context that is a number': { '@context': 5 },
      'a context that is null': { '@context': null },
      'an empty list of contexts': { '@context': [] },
    },
  }),
  'VCDM-4.3-5': credentialTest({
    refuses: {
      'the base context in second place': { '@context': [{ other: `${example}other` }, credentialsV2] },
      'another context alone': { '@context': ['https://w3id.org/security/data-integrity/v2'] },
      'the base context with another spelling': { '@context': ['https://www.w3.org/ns/credentials/v2/'] },
    },
  }),
  'VCDM-4.3-6': presentationTest({
    refuses: {
      'a presentation with the base context in second place': {
        '@context': [{ other: `${example}other` }, credentialsV2],
      },
      'a presentation with another context alone': { '@context': ['https://w3id.org/security/data-integrity/v2'] },
    },
  }),
  'VCDM-4.3-7': credentialTest({
    refuses: {
      'a number among the contexts': { '@context': [credentialsV2, 5] },
      'a boolean among the contexts': { '@context': [credentialsV2, true] },
      'an object that is no context': { '@context': [credentialsV2, { foo: true }] },
      'a string that is no URL among the contexts': { '@context': [credentialsV2, 'not-a-url'] },
    },
  }),
  'VCDM-4.4-1': credentialTest({
    accepts: {
      'an id that is a UUID as a URN': { id: 'urn:uuid:3f2b1d4c-58a1-4f5e-9b58-2a6b9f3c7e10' },
      'an id that is an https URL': { id: 'https://issuer.example/credentials/3732' },
    },
    refuses: noUrl((id) => ({ id })),
  }),
  'VCDM-4.4-2': credentialTest({ refuses: noUrl((id) => ({ credentialSubject: { ...subject, id } })) }),
  'VCDM-4.5-1': credentialTest({
    refuses: { 'a credential without type': { type: undefined }, 'an empty list of types': { type: [] } },
  }),
  'VCDM-4.5-2': presentationTest({ refuses: { 'a presentation without type': { type: undefined } } }),
  'VCDM-4.5-3': credentialTest({
    accepts: { 'an absolute URL as a type': { type: ['VerifiableCredential', `${example}Membership`] } },
    refuses: {
      'a type that no context defines': { type: ['VerifiableCredential', 'UndefinedType'] },
      'a type that is a number': { type: ['VerifiableCredential', 5] },
      'a type that is an object': { type: ['VerifiableCredential', { id: url }] },
      'a type that a context maps to no absolute URL': {
        '@context': [credentialsV2, { Membership: 'https ://not-a-url' }],
        type: ['VerifiableCredential', 'Membership'],
      },
    },
  }),
  'VCDM-4.5-4': credentialTest({
    refuses: { 'a credential of another type alone': { type: [`${example}Membership`] } },
  }),
  'VCDM-4.6-1': credentialTest(languageCases('name')),
  'VCDM-4.6-2': credentialTest(languageCases('description')),
  'VCDM-4.7-1': credentialTest({ refuses: { 'a credential without issuer': { issuer: undefined } } }),
  'VCDM-4.7-2': credentialTest({
    accepts: { 'an issuer that is an object with an id': { issuer: { id: theIssuer, name: 'Example Trust' } } },
    refuses: {
      'an issuer that is no URL': { issuer: 'not-a-url' },
      'an issuer that is null': { issuer: null },
      'an issuer that is a number': { issuer: 5 },
      'a list of issuers': { issuer: [theIssuer] },
      'an issuer without id': { issuer: { name: 'Example Trust' } },
      'an issuer whose id is null': { issuer: { id: null } },
      'an issuer whose id is no URL': { issuer: { id: 'not-a-url' } },
    },
  }),
  'VCDM-4.8-1': credentialTest({
    refuses: {
      'a credential without credentialSubject': { credentialSubject: undefined },
      'a credentialSubject that is null': { credentialSubject: null },
    },
  }),
  'VCDM-4.8-2': credentialTest({
    accepts: {
      'two subjects': { credentialSubject: [subject, { id: 'did:example:other', name: 'Kim Example' }] },
      'a subject without id': { credentialSubject: { name: 'Alex Example' } },
    },
    refuses: {
      'a subject without claims': { credentialSubject: {} },
      'an empty list of subjects': { credentialSubject: [] },
      'an empty subject among others': { credentialSubject: [subject, {}] },
      'a subject that is a string': { credentialSubject: 'did:example:subject' },
      'a string among subjects': { credentialSubject: [subject, 'did:example:subject'] },
    },
  }),
  'VCDM-4.9-1': credentialTest({
    accepts: {
      'validFrom with an offset': { validFrom: '2024-01-01T00:00:00+01:00' },
      'validFrom with a fraction of a second': { validFrom: '2024-01-01T00:00:00.123Z' },
    },
    refuses: {
      'validFrom that is a date alone': { validFrom: '2024-01-01' },
      'validFrom in words': { validFrom: 'yesterday' },
      'validFrom that is a number': { validFrom: 1704067200 },
      'validFrom on a day that does not exist': { validFrom: '2024-02-30T00:00:00Z' },
      'two values of validFrom': { validFrom: ['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z'] },
    },
  }),
  'VCDM-4.9-2': credentialTest({
    accepts: {
      'validFrom before validUntil': { validFrom: '2024-01-01T00:00:00Z', validUntil: '2124-01-01T00:00:00Z' },
    },
    refuses: {
      'validFrom after validUntil': { validFrom: '2124-01-02T00:00:00Z', validUntil: '2124-01-01T00:00:00Z' },
      'validFrom after validUntil only when offsets are heeded': {
        validFrom: '2024-01-01T00:30:00Z',
        validUntil: '2024-01-01T01:00:00+01:00',
      },
    },
  }),
  'VCDM-4.9-3': credentialTest({
    accepts: { 'validUntil with an offset': { validUntil: '2124-01-01T00:00:00-08:00' } },
    refuses: {
      'validUntil that is a date alone': { validUntil: '2124-01-01' },
      'validUntil in words': { validUntil: 'tomorrow' },
      'validUntil that is a number': { validUntil: 4860000000 },
    },
  }),
  'VCDM-4.9-4': credentialTest({
    roles: ['issuer'],
    accepts: {
      'validUntil in the past': { validFrom: '2020-01-01T00:00:00Z', validUntil: '2021-01-01T00:00:00Z' },
      'validUntil equal to validFrom': { validFrom: '2124-01-01T00:00:00Z', validUntil: '2124-01-01T00:00:00Z' },
    },
    refuses: {
      'validUntil before validFrom': { validFrom: '2021-01-01T00:00:00Z', validUntil: '2020-01-01T00:00:00Z' },
    },
  }),
  'VCDM-4.10-1': credentialTest({ refuses: noUrl((id) => ({ credentialStatus: { ...status, id } })) }),
  'VCDM-4.10-2': credentialTest({
    refuses: {
      'a status without type': { credentialStatus: { id: url } },
      'a status without type among others': { credentialStatus: [status, { id: url }] },
      'a status that is a string': { credentialStatus: url },
    },
  }),
  'VCDM-4.10-3': credentialTest({
    refuses: {
      'a status whose type is a number': { credentialStatus: { ...status, type: 5 } },
      'a status whose type no context defines': { credentialStatus: { id: url, type: 'UndefinedStatus' } },
    },
  }),
  'VCDM-4.11-1': credentialTest({ refuses: noObject('credentialSchema') }),
  'VCDM-4.11-2': credentialTest(untyped('credentialSchema')),
  'VCDM-4.11-3': credentialTest({
    refuses: {
      'a schema without id': { credentialSchema: { type: 'JsonSchema' } },
      'a schema whose id is no URL': { credentialSchema: { id: 'not-a-url', type: 'JsonSchema' } },
      'a schema whose id is a number': { credentialSchema: { id: 5, type: 'JsonSchema' } },
    },
  }),
};

const presentations: Tests = {
  'VCDM-4.13-1': presentationTest({
    accepts: { 'a presentation with an id': { id: 'urn:uuid:313801ba-24b7-11ee-be02-ff560265cf9b' } },
    refuses: noUrl((id) => ({ id })),
  }),
  'VCDM-4.13-2': presentationTest({ refuses: { 'a presentation without type': { type: undefined } } }),
  'VCDM-4.13-3': presentationTest({
    refuses: {
      'a presentation of another type alone': { type: [`${example}Passport`] },
      'a presentation that calls itself a credential': { type: ['VerifiableCredential'] },
    },
  }),
  'VCDM-4.13-4': presentationTest({
    refuses: {
      'a presentation with a type that no context defines': { type: ['VerifiablePresentation', 'Undefined'] },
    },
  }),
  'VCDM-4.13-5': presentationTest({
    refuses: {
      'a URL instead of a credential': { verifiableCredential: [url] },
      'a number instead of a credential': { verifiableCredential: [5] },
      'null instead of a credential': { verifiableCredential: [null] },
    },
  }),
  'VCDM-4.13-6': presentationTest({
    refuses: {
      'an unsecured credential in a presentation': {
        verifiableCredential: [plainCredential('did:example:nobody')],
      },
    },
  }),
  'VCDM-4.13-7': {
    lacks: needs.presentationVerifier,
    async run(talk) {
      const verifier = aPresentationVerifier(talk.target);
      const securing = forgeable(verifier);
      const holder = presenter(talk.parties, securing);
      const credential = await presentable(talk.parties, securing);
      const make = (presenting: unknown) =>
        forged(securing, plainPresentation(presenting, [credential]), holder, presentationProof);
      await talk.acceptsPresentation(verifier, await make({ id: holder.did }), 'a holder that is an object with an id');
      for (const wrong of ['not-a-url', 5, null, { name: 'Alex' }, { id: 'not-a-url' }]) {
        await talk.refusesPresentation(verifier, await make(wrong), `the holder ${JSON.stringify(wrong)}`);
      }
    },
  },
  'VCDM-4.13.1-1': envelopedCredentialTest({
    'an enveloped credential without @context': { '@context': undefined },
    'an enveloped credential with a context that does not define it': {
      '@context': 'https://w3id.org/security/data-integrity/v2',
    },
  }),
  'VCDM-4.13.1-2': envelopedCredentialTest({
    'an enveloped credential whose id is no data: URL': { id: url },
    'an enveloped credential without id': { id: undefined },
    'an enveloped credential whose data: URL secures nothing': { id: 'data:application/vc+jwt,e30' },
  }),
  'VCDM-4.13.1-3': envelopedCredentialTest({
    'an enveloped credential without type': { type: undefined },
    'an enveloped credential with the type of a presentation': { type: 'EnvelopedVerifiablePresentation' },
  }),
  'VCDM-4.13.2-1': envelopedPresentationTest({
    'an enveloped presentation without @context': { '@context': undefined },
  }),
  'VCDM-4.13.2-2': envelopedPresentationTest({
    'an enveloped presentation whose id is no data: URL': { id: url },
    'an enveloped presentation without id': { id: undefined },
  }),
  'VCDM-4.13.2-3': envelopedPresentationTest({
    'an enveloped presentation without type': { type: undefined },
    'an enveloped presentation with an unknown type': { type: 'UndefinedPresentation' },
  }),
  'VCDM-4.13.4-1': {
    lacks: needs.presentationVerifier,
    async run(talk) {
      const verifier = aPresentationVerifier(talk.target);
      const securing = forgeable(verifier);
      const holder = presenter(talk.parties, securing);
      const selfAsserted = plainCredential(holder.did, { credentialSubject: { id: holder.did, name: 'Alex' } });
      const document = plainPresentation(holder.did, [selfAsserted], { holder: undefined });
      const wire = await forged(securing, document, holder, presentationProof);
      await talk.refusesPresentation(verifier, wire, 'a self-asserted credential in a presentation without holder');
    },
  },
};

function envelopedCredentialTest(variants: Readonly<Record<string, Document>>) {
  return {
    lacks: needs.verifying('vc+jwt'),
    async run(talk: Conversation) {
      const verifier = talk.target.verifiers.find(({ securing }) => securing.includes('vc+jwt'));
      if (!verifier) throw new Error('no verifier of vc+jwt');
      const signer = signerFor(talk.parties, 'vc+jwt');
      const { wire } = await secureWith('vc+jwt', plainCredential(signer.did), signer);
      await talk.accepts(verifier, wire, 'an enveloped credential');
      for (const [what, changes] of Object.entries(variants))
        await talk.refuses(verifier, changed(wire, changes), what);
    },
  };
}

function envelopedPresentationTest(variants: Readonly<Record<string, Document>>) {
  const find = (talk: Conversation) =>
    talk.target.presentationVerifiers.find(({ securing }) => securing.includes('vc+jwt'));
  return {
    lacks: (target: Conversation['target']) =>
      target.presentationVerifiers.some(({ securing }) => securing.includes('vc+jwt'))
        ? undefined
        : 'the target declares no verifier of enveloped presentations',
    async run(talk: Conversation) {
      const verifier = find(talk);
      if (!verifier) throw new Error('no verifier of vp+jwt');
      const holder = presenter(talk.parties, 'vc+jwt');
      const document = plainPresentation(holder.did, [await presentable(talk.parties, 'vc+jwt')]);
      const { wire } = await secureWith('vc+jwt', document, holder, presentationProof);
      await talk.acceptsPresentation(verifier, wire, 'an enveloped presentation');
      for (const [what, changes] of Object.entries(variants)) {
        await talk.refusesPresentation(verifier, changed(wire, changes), what);
      }
    },
  };
}

const advanced: Tests = {
  'VCDM-5.2.1-4': credentialTest({
    refuses: {
      'a claim that no context defines': { credentialSubject: { ...subject, undefinedClaim: 'lost' } },
      'a member that no context defines': { undefinedMember: 'lost' },
    },
  }),
  'VCDM-5.3-1': credentialTest({
    refuses: {
      'relatedResource that is a string': { relatedResource: url },
      'a string among related resources': { relatedResource: [{ id: url, digestSRI: sri('a') }, url] },
    },
  }),
  'VCDM-5.3-2': credentialTest({
    accepts: { 'a related resource with id and digest': { relatedResource: { id: url, digestSRI: sri('a') } } },
    refuses: {
      'a related resource without id': { relatedResource: [{ digestSRI: sri('a') }] },
      'a related resource whose id is no URL': { relatedResource: [{ id: 'not-a-url', digestSRI: sri('a') }] },
    },
  }),
  'VCDM-5.3-3': credentialTest({
    refuses: {
      'the same related resource twice': {
        relatedResource: [
          { id: url, digestSRI: sri('a') },
          { id: url, digestSRI: sri('b') },
        ],
      },
    },
  }),
  'VCDM-5.3-4': credentialTest({
    refuses: { 'a related resource without digest': { relatedResource: [{ id: url }] } },
  }),
  'VCDM-5.3-5': credentialTest({
    roles: ['verifier'],
    refuses: {
      'a digest that the base context does not have': {
        relatedResource: [{ id: credentialsV2, digestSRI: sri('something else') }],
      },
    },
  }),
  'VCDM-5.4-1': credentialTest({ refuses: noObject('refreshService') }),
  'VCDM-5.4-2': credentialTest(untyped('refreshService')),
  'VCDM-5.5-1': credentialTest({ refuses: noObject('termsOfUse') }),
  'VCDM-5.5-2': credentialTest(untyped('termsOfUse')),
  'VCDM-5.6-1': credentialTest({ refuses: noObject('evidence') }),
  'VCDM-5.6-2': credentialTest({ refuses: noUrl((id) => ({ evidence: [{ id, type: `${example}Evidence` }] })) }),
  'VCDM-5.6-3': credentialTest(untyped('evidence')),
  'VCDM-5.10-1': credentialTest({
    refuses: { ...untyped('renderMethod').refuses, ...untyped('confidenceMethod').refuses },
  }),
  'VCDM-6.1.2-1': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, wire } = await signedPlain(talk);
      const expanded = {
        '@type': ['https://www.w3.org/2018/credentials#VerifiableCredential'],
        'https://www.w3.org/2018/credentials#issuer': [{ '@id': wire['issuer'] ?? talk.parties.strangers.Ed25519.did }],
      };
      await talk.refuses(verifier, [expanded], 'a credential in expanded form');
    },
  },
};

function sri(text: string): string {
  const digests: Readonly<Record<string, string>> = {
    a: 'sha384-VKWe5FlgFqDjXQQKnkUnKx0ooF9mnI9UI7SnHjTh5jXZnrsnkWVKfnTRqHkI4EYa',
  };
  return digests[text] ?? 'sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC';
}

const algorithms: Tests = {
  'VCDM-7.1-1': {
    lacks: needs.all(needs.issuer, needs.verifier),
    async run(talk) {
      for (const issuer of issuersOf(talk.target)) {
        const verifier = talk.target.verifiers.find(({ securing }) => securing.includes(issuer.securing));
        if (!verifier || issuer.securing === 'ecdsa-sd-2023') continue;
        const credential = await talk.issued(issuer, plainCredential(issuer.issuer));
        if (!credential) continue;
        await talk.accepts(verifier, credential, `what the issuer of ${issuer.securing} issued`);
        const other = credential['proof']
          ? changed(credential, { validFrom: '2019-01-01T00:00:00Z' })
          : { ...credential, id: withAnotherSignature(String(credential['id'])) };
        await talk.refuses(verifier, other, `what the issuer of ${issuer.securing} issued, changed`);
      }
    },
  },
  'VCDM-7.2-1': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, wire } = await signedPlain(talk, { issuer: 'not-a-url' });
      const { json } = await talk.refuses(verifier, wire, 'a credential whose issuer is no URL');
      const told = isDocument(json) ? json : {};
      const problems = [...asList<unknown>(told['problemDetails']), ...asList<unknown>(told['errors'])];
      if (problems.length === 0) problems.push(told);
      for (const problem of problems) {
        const type: unknown = isDocument(problem) ? problem['type'] : undefined;
        talk.expect(typeof type === 'string' && URL.canParse(type), `the type of a problem must be a URL, not ${type}`);
      }
    },
  },
  'VCDM-11.1-1': credentialTest({
    accepts: {
      'a name with value and language': { name: { '@value': 'شهادة', '@language': 'ar' } },
      'an issuer with names in two languages': {
        issuer: {
          id: theIssuer,
          name: [
            { '@value': 'Trust', '@language': 'en' },
            { '@value': 'Ymddiriedolaeth', '@language': 'cy' },
          ],
        },
      },
    },
    refuses: {
      'a language value object without @value': { name: { '@language': 'en' } },
      'a language value object whose @value is a number': { name: { '@value': 5 } },
    },
  }),
  'VCDM-11.1-2': credentialTest({
    refuses: {
      'a name with another key': { name: { '@value': 'x', '@language': 'en', '@type': 'Name' } },
      'a description with another key': { description: { '@value': 'x', '@language': 'en', url } },
      "an issuer's name with another key": { issuer: { id: theIssuer, name: { '@value': 'x', url } } },
    },
  }),
  'VCDM-B.1-2': credentialTest({
    refuses: {
      'a context that redefines a protected term': {
        '@context': [credentialsV2, { VerifiableCredential: `${example}Other` }],
      },
    },
  }),
};

function withAnotherSignature(dataUrl: string): string {
  const cut = dataUrl.lastIndexOf('.') + 1;
  const first = dataUrl[cut] === 'A' ? 'B' : 'A';
  return `${dataUrl.slice(0, cut)}${first}${dataUrl.slice(cut + 1)}`;
}

export const vcdmTests: Tests = { ...conformance, ...basics, ...presentations, ...advanced, ...algorithms };
