/** Data Integrity ECDSA Cryptosuites v1.0, the part about selective disclosure: ecdsa-sd-2023. */
import { type Conversation, issuedCredential, plainCredential } from '../conversation.js';
import { issuersOf, needs, verifiersOf } from '../endpoints.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import {
  createSdIssuer,
  disclose,
  disclosureFault,
  type ProofValue,
  readProofValue,
  writeProofValue,
} from '../inputs/selective-disclosure.js';
import type { Test, Tests } from '../suite.js';
import type { Target } from '../target.js';
import { together } from './proof-cases.js';

const suite = 'ecdsa-sd-2023';
const name = { '@value': 'Diplôme für Łucja 证书 🩺' };
const id = 'urn:uuid:6d1f0c8e-3b0a-4b52-9a57-6f2d6f9c1e21';

type Material = Awaited<ReturnType<typeof makeMaterial>>;
let material: Promise<Material> | undefined;

/** A base proof and one derived from it, made once for a run. */
async function makeMaterial() {
  const issuer = await createSdIssuer();
  const credential = plainCredential(issuer.did, { id, name, description: 'Kept to herself' });
  const base = await issuer.sign(credential);
  return { credential, base, derived: await disclose(base, ['/name', '/credentialSubject/name']) };
}

function given(): Promise<Material> {
  material ??= makeMaterial();
  return material;
}

const proofValueOf = (document: Document) => String(document['proof']?.['proofValue']);
const withProof = (document: Document, change: Document): Document => ({
  ...document,
  proof: { ...document['proof'], ...change },
});
const withComponents = (document: Document, change: (value: ProofValue) => ProofValue): Document =>
  withProof(document, { proofValue: writeProofValue(change(readProofValue(proofValueOf(document)))) });

/** Derived credentials that were changed in one respect, put to the verifier. */
function verifierTest(refuses: Readonly<Record<string, (material: Material) => Document>>): Test {
  return {
    lacks: needs.verifying(suite),
    async run(talk) {
      const [verifier] = verifiersOf(talk.target, suite);
      if (!verifier) return;
      const made = await given();
      await talk.accepts(verifier, made.derived, 'a derived credential');
      for (const [what, make] of Object.entries(refuses)) await talk.refuses(verifier, make(made), what);
    },
  };
}

const deriver = (target: Target) => target.issuers.find(({ derive }) => derive)?.derive;

/** Questions to the endpoint that derives. */
function deriverTest(
  look: (
    talk: Conversation,
    ask: (credential: Document, selectivePointers: readonly string[]) => ReturnType<Conversation['post']>,
    made: Material,
  ) => Promise<void>,
): Test {
  return {
    lacks: (target) => (deriver(target) ? undefined : 'the target declares no endpoint that derives'),
    async run(talk) {
      const url = deriver(talk.target) ?? '';
      const ask = (verifiableCredential: Document, selectivePointers: readonly string[]) =>
        talk.post(url, { verifiableCredential, options: { selectivePointers } });
      await look(talk, ask, await given());
    },
  };
}

/** A question about what the endpoint derives from a good base proof. */
const derivedTest = (look: (talk: Conversation, derived: Document, made: Material) => void | Promise<void>): Test =>
  deriverTest(async (talk, ask, made) => {
    const derived = issuedCredential(await ask(made.base, ['/credentialSubject/name']));
    talk.expect(derived, 'a good base proof must be derived from');
    if (derived) await look(talk, derived, made);
  });

/** What must not be derived from, after what can be. */
const refusesToDerive = (variants: Readonly<Record<string, (made: Material) => Document>>, pointer = '/name'): Test =>
  deriverTest(async (talk, ask, made) => {
    talk.expect(issuedCredential(await ask(made.base, ['/name'])), 'a good base proof must be derived from');
    for (const [what, make] of Object.entries(variants)) {
      const { status } = await ask(make(made), [pointer]);
      talk.expect(status === 400 || status === 422, `${what} must be an error, was answered ${status}`);
    }
  });

/** A question about the base proofs of the issuers. */
function issuedTest(look: (talk: Conversation, credential: Document) => void | Promise<void>): Test {
  return {
    lacks: needs.issuing(suite),
    async run(talk) {
      for (const issuer of issuersOf(talk.target, suite)) {
        const credential = await talk.issued(issuer, plainCredential(issuer.issuer, { id, name }));
        if (credential) await look(talk, credential);
      }
    },
  };
}

function expectComponents(talk: Conversation, value: string, header: string): unknown[] {
  talk.expect(value.startsWith('u'), `the proofValue starts with ${value[0]}, not u`);
  try {
    const read = readProofValue(value);
    talk.expect(read.header === header, `the header of the proofValue is ${read.header}, not ${header}`);
    talk.expect(Array.isArray(read.components) && read.components.length === 5, 'there must be five components');
    return read.components;
  } catch (error) {
    talk.expect(false, `the components are no CBOR without tags: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

const size = (value: unknown) => (value instanceof Uint8Array ? value.length : undefined);

export const diEcdsaSdTests: Tests = {
  'DIECDSA-3.4.11-1': derivedTest((talk, derived, { credential }) => {
    talk.expect(derived['id'] === id, `the derived credential has the id ${derived['id']}`);
    const subject: unknown = derived['credentialSubject'];
    const same = isDocument(subject) && subject['id'] === credential['credentialSubject']['id'];
    talk.expect(same, 'the subject of the derived credential must keep its id');
    talk.expect(derived['description'] === undefined, 'what was not selected must stay hidden');
  }),
  'DIECDSA-3.4.11-2': derivedTest((talk, derived) =>
    talk.expect(
      asList<string>(derived['type']).includes('VerifiableCredential'),
      `the derived credential has the type ${JSON.stringify(derived['type'])}`,
    ),
  ),
  'DIECDSA-3.4.12-1': together(
    refusesToDerive({ 'a pointer to nothing': ({ base }) => base }, '/credentialSubject/nothing'),
    {
      lacks: needs.issuing(suite),
      async run(talk) {
        for (const issuer of issuersOf(talk.target, suite)) {
          const options = { mandatoryPointers: ['/credentialSubject/nothing'] };
          await talk.refusesToIssue(issuer, plainCredential(issuer.issuer), 'a mandatory pointer to nothing', options);
        }
      },
    },
  ),
  'DIECDSA-3.5.2-1': issuedTest((talk, credential) => {
    const [signature, publicKey, , signatures] = expectComponents(talk, proofValueOf(credential), 'd95d00');
    talk.expect(size(signature) === 64 && size(publicKey) === 35, 'the base signature or public key has another size');
    talk.expect(
      asList<unknown>(signatures as unknown[]).every((one) => size(one) === 64),
      'each signature must have 64 bytes',
    );
  }),
  'DIECDSA-3.5.3-1': refusesToDerive({
    'a base proof value in base58': ({ base }) => withProof(base, { proofValue: `z${proofValueOf(base).slice(1)}` }),
  }),
  'DIECDSA-3.5.3-2': refusesToDerive({
    'a derived proof': ({ derived }) => derived,
    'a base proof with another header': ({ base }) => withComponents(base, (one) => ({ ...one, header: 'd95d02' })),
  }),
  'DIECDSA-3.5.7-1': derivedTest(async (talk, derived) => {
    expectComponents(talk, proofValueOf(derived), 'd95d01');
    const fault = await disclosureFault(derived);
    talk.expect(fault === undefined, `what was derived must verify: ${fault}`);
  }),
  'DIECDSA-3.5.8-1': verifierTest({
    'a derived proof value in base58': ({ derived }) =>
      withProof(derived, { proofValue: `z${proofValueOf(derived).slice(1)}` }),
  }),
  'DIECDSA-3.5.8-2': verifierTest({
    'a base proof': ({ base }) => base,
    'a derived proof with another header': ({ derived }) =>
      withComponents(derived, (one) => ({ ...one, header: 'd95d03' })),
  }),
  'DIECDSA-3.5.8-3': verifierTest({
    'four components': ({ derived }) =>
      withComponents(derived, (one) => ({ ...one, components: one.components.slice(0, 4) })),
    'components that are a map': ({ derived }) =>
      withComponents(derived, (one) => ({ ...one, components: { 0: one.components } as unknown as unknown[] })),
    'a short signature': ({ derived }) =>
      withComponents(derived, ({ header, components: [first, ...rest] }) => ({
        header,
        components: [(first as Uint8Array).subarray(1), ...rest],
      })),
    'mandatory indexes that are strings': ({ derived }) =>
      withComponents(derived, ({ header, components }) => ({ header, components: [...components.slice(0, 4), ['0']] })),
  }),
  'DIECDSA-3.6.2-3': together(
    verifierTest({
      'a name of another spelling': ({ derived }) => ({ ...derived, name: { '@value': 'Diplome fur Lucja' } }),
    }),
    issuedTest(async (talk, credential) => {
      const fault = await disclosureFault(await disclose(credential, ['/name']));
      talk.expect(fault === undefined, `what is derived from the issued credential must verify: ${fault}`);
    }),
  ),
  'DIECDSA-3.6.2-4': issuedTest((talk, credential) => {
    const [, , hmacKey] = expectComponents(talk, proofValueOf(credential), 'd95d00');
    talk.expect(size(hmacKey) === 32, `the HMAC key has ${size(hmacKey)} bytes, not 32`);
  }),
  'DIECDSA-3.6.4-2': together(
    verifierTest({
      'another type of proof': ({ derived }) => withProof(derived, { type: 'EcdsaSignature' }),
      'another cryptosuite': ({ derived }) => withProof(derived, { cryptosuite: 'ecdsa-sd-2099' }),
    }),
    issuedTest((talk, { proof }) => {
      talk.expect(proof?.['type'] === 'DataIntegrityProof', `the type of the proof is ${proof?.['type']}`);
      talk.expect(proof?.['cryptosuite'] === suite, `the cryptosuite of the proof is ${proof?.['cryptosuite']}`);
    }),
  ),
  'DIECDSA-3.6.4-3': verifierTest({
    'created in words': ({ derived }) => withProof(derived, { created: 'long ago' }),
  }),
  'DIECDSA-3.6.7-1': verifierTest({
    'a signature too few': ({ derived }) =>
      withComponents(derived, ({ header, components: [first, key, signatures, ...rest] }) => ({
        header,
        components: [first, key, (signatures as unknown[]).slice(1), ...rest],
      })),
    'a signature too many': ({ derived }) =>
      withComponents(derived, ({ header, components: [first, key, signatures, ...rest] }) => ({
        header,
        components: [first, key, [...(signatures as unknown[]), (signatures as unknown[])[0]], ...rest],
      })),
  }),
};
