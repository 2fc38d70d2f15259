/** Verifiable Credential Data Integrity 1.0: the statements about proofs that hold for every cryptosuite. */
import {
  type Conversation,
  plainCredential,
  plainPresentation,
  presentable,
  presentationOptions,
  presentationProof,
} from '../conversation.js';
import { issuersOf, needs, verifyingWith } from '../endpoints.js';
import { credentialsV2 } from '../inputs/contexts.js';
import { type Cryptosuite, createProof, secure } from '../inputs/data-integrity.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import type { Test, Tests } from '../suite.js';
import type { VerifierEndpoint } from '../target.js';
import {
  expectProofHolds,
  inBase64url,
  isDateTimeStamp,
  issuerTest,
  type Make,
  signed,
  spoilt,
  tampered,
  together,
  verifierTest,
  withoutHeader,
} from './proof-cases.js';

const suites: readonly Cryptosuite[] = ['eddsa-rdfc-2022', 'eddsa-jcs-2022', 'ecdsa-rdfc-2019', 'ecdsa-jcs-2019'];
const rdfcSuites: readonly Cryptosuite[] = ['eddsa-rdfc-2022', 'ecdsa-rdfc-2019'];
const subject = { id: 'did:example:subject', name: 'Alex Example' };
const first = 'urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544';
const second = 'urn:uuid:8cc9022b-6b14-4cf3-8571-74972c5feb54';

const removed = (name: string): Make => signed({ [name]: undefined });
const nullProof = tampered((wire) => ({ ...wire, proof: null }));

/** A chain: a stranger's proof first, then the issuer's, which covers it (4.5). */
function chain(previous: unknown, change: (proofs: Document[]) => Document[] = (proofs) => proofs): Make {
  return async ({ signer, cryptosuite, credential, talk }) => {
    const stranger = talk.parties.strangers[signer.keyType];
    const earlier = await createProof(credential, { signer: stranger, cryptosuite, proof: { id: first } });
    const chained = { ...credential, proof: [earlier] };
    const proof = { id: second, previousProof: previous };
    const later = await createProof(chained, { signer, cryptosuite, proof });
    return { ...credential, proof: change([earlier, later]) };
  };
}

/** Changes what the first proof of a chain claims, so that it no longer verifies. */
const spoilFirst = ([earlier, later]: Document[]): Document[] => [
  { ...earlier, created: '2025-12-31T00:00:00Z' },
  ...(later ? [later] : []),
];

interface PresentationCase {
  readonly proof?: Document;
  readonly options?: Document;
}

/** Questions about proofs on presentations, for every cryptosuite that a presentation verifier takes. */
function presentationProofTest(cases: {
  readonly accepts?: Readonly<Record<string, PresentationCase>>;
  readonly refuses?: Readonly<Record<string, PresentationCase>>;
}): Test {
  const verifiersOf = (target: Conversation['target']) =>
    suites.flatMap((cryptosuite) => {
      const verifier = target.presentationVerifiers.find(({ securing }) => securing.includes(cryptosuite));
      return verifier ? [{ cryptosuite, verifier }] : [];
    });
  return {
    lacks: (target) =>
      verifiersOf(target).length > 0 ? undefined : 'the target declares no verifier of presentations with proofs',
    async run(talk) {
      for (const { cryptosuite, verifier } of verifiersOf(talk.target)) {
        const ask = (one: PresentationCase) => presentationCase(talk, cryptosuite, one);
        for (const [what, one] of Object.entries(cases.accepts ?? {})) {
          await talk.acceptsPresentation(verifier, await ask(one), `${cryptosuite}: ${what}`, one.options);
        }
        for (const [what, one] of Object.entries(cases.refuses ?? {})) {
          await talk.refusesPresentation(verifier, await ask(one), `${cryptosuite}: ${what}`, one.options);
        }
      }
    },
  };
}

async function presentationCase(talk: Conversation, cryptosuite: Cryptosuite, { proof }: PresentationCase) {
  const elliptic = cryptosuite.startsWith('ecdsa');
  const signer = elliptic ? talk.parties.issuer['P-256'] : talk.parties.holder;
  const document = plainPresentation(signer.did, [await presentable(talk.parties, cryptosuite)]);
  return secure(document, { signer, cryptosuite, proof: { ...presentationProof, ...proof } });
}

const proofs: Tests = {
  'DI-1.3-1': verifierTest(suites, {
    refuses: {
      'a proof that is null': nullProof,
      'an empty set of proofs': tampered((wire) => ({ ...wire, proof: [] })),
      'an empty proof': tampered((wire) => ({ ...wire, proof: {} })),
    },
  }),
  'DI-2.1-1': verifierTest(suites, {
    accepts: { 'a set of one proof': spoilt((proof) => [proof]) },
    refuses: {
      'a proof that is a string': spoilt((proof) => JSON.stringify(proof)),
      'a set with a string': spoilt((proof) => [proof, 'a proof']),
      'a proof under another name': tampered(({ proof, ...rest }) => ({ ...rest, proofs: proof })),
    },
  }),
  'DI-2.1-2': verifierTest(suites, {
    accepts: { 'a proof with an id': signed({ id: first }) },
    refuses: {
      'a proof whose id is no URL': signed({ id: 'not-a-url' }),
      'a proof whose id is a number': spoilt((proof) => ({ ...proof, id: 5 })),
    },
  }),
  'DI-2.1-3': verifierTest(suites, {
    refuses: {
      'a proof without type': removed('type'),
      'a proof of an unknown type': signed({ type: 'UnknownProofType' }),
      'a proof whose type is a number': spoilt((proof) => ({ ...proof, type: 5 })),
    },
  }),
  'DI-2.1-4': verifierTest(suites, {
    refuses: {
      'a proof without proofPurpose': removed('proofPurpose'),
      'a proof with an unknown purpose': signed({ proofPurpose: 'invalidPurpose' }),
      'a proof whose purpose is a number': spoilt((proof) => ({ ...proof, proofPurpose: 5 })),
    },
  }),
  'DI-2.1-5': verifierTest(suites, {
    refuses: {
      'a verificationMethod that is no URL': signed({ verificationMethod: 'not-a-url' }),
      'a verificationMethod that is a number': spoilt((proof) => ({ ...proof, verificationMethod: 5 })),
      'a verificationMethod that is an object': spoilt((proof) => ({ ...proof, verificationMethod: { id: first } })),
    },
  }),
  'DI-2.1-6': verifierTest(suites, { refuses: { 'a proof without cryptosuite': removed('cryptosuite') } }),
  'DI-2.1-7': verifierTest(suites, {
    refuses: {
      'a cryptosuite that is a number': spoilt((proof) => ({ ...proof, cryptosuite: 5 })),
      'a cryptosuite that is a list': spoilt((proof) => ({ ...proof, cryptosuite: [proof['cryptosuite']] })),
      'an unknown cryptosuite': signed({ cryptosuite: 'unknown-cryptosuite' }),
    },
  }),
  'DI-2.1-8': together(
    issuerTest(suites, (talk, { proof, label }) => {
      const created: unknown = proof['created'];
      talk.expect(created === undefined || isDateTimeStamp(created), `${label}: created is ${created}`);
    }),
    verifierTest(suites, {
      accepts: {
        'created with an offset': signed({ created: '2024-01-01T00:00:00+01:00' }),
        'a proof without created': signed({ created: undefined }),
      },
      refuses: {
        'created in words': signed({ created: 'yesterday' }),
        'created that is a date alone': signed({ created: '2024-01-01' }),
        'created that is a number': signed({ created: 1704067200 }),
      },
    }),
  ),
  'DI-2.1-9': verifierTest(suites, {
    accepts: { 'a proof that expires in a hundred years': signed({ expires: '2124-01-01T00:00:00Z' }) },
    refuses: {
      'expires in words': signed({ expires: 'tomorrow' }),
      'expires that is a date alone': signed({ expires: '2124-01-01' }),
      'expires that is a number': signed({ expires: 4860000000 }),
    },
  }),
  'DI-2.1-10': presentationProofTest({
    accepts: { 'a domain that is a set of one': { proof: { domain: [presentationOptions.domain] } } },
    refuses: {
      'a domain that is a number': { proof: { domain: 5 } },
      'a domain with a number in the set': { proof: { domain: [presentationOptions.domain, 5] } },
    },
  }),
  'DI-2.1-11': verifierTest(suites, {
    refuses: {
      'a proofValue without its header': withoutHeader,
      'a proofValue in another base': inBase64url,
      'a proofValue that is null': spoilt((proof) => ({ ...proof, proofValue: null })),
      'a proof without proofValue': spoilt(({ proofValue: _value, ...proof }) => proof),
      'an empty proofValue': spoilt((proof) => ({ ...proof, proofValue: 'z' })),
      'a proofValue with letters that base58 does not have': spoilt((proof) => ({
        ...proof,
        proofValue: `z0OIl${String(proof['proofValue']).slice(5)}`,
      })),
    },
  }),
  'DI-2.1-12': verifierTest(suites, {
    accepts: { 'a chain of two proofs': chain(first), 'a chain by a list of one': chain([first]) },
    refuses: {
      'a chain whose first proof does not verify': chain(first, spoilFirst),
      'a previousProof that is a number': chain(5),
    },
  }),
  'DI-2.3-1': verifierTest(suites, {
    refuses: {
      'a digestMultibase that is a number': signed({}, related({ digestMultibase: 5 })),
      'a digestMultibase that is an object': signed({}, related({ digestMultibase: { sha: 'x' } })),
      'a digestMultibase in no known base': signed({}, related({ digestMultibase: '!!!' })),
    },
  }),
};

function related(digest: Document): Document {
  return { relatedResource: [{ id: 'https://example.org/thing', ...digest }] };
}

const contexts: Tests = {
  'DI-2.4.1-1': verifierTest(suites, {
    refuses: {
      'a context that the verifier does not know': contextOf('https://unknown.example/contexts/v1'),
      'a context that gives a known term another meaning': contextOf({ name: 'https://example.org/vocabulary#other' }),
    },
  }),
  'DI-2.4.3-1': together(
    verifierTest(rdfcSuites, {
      refuses: {
        'a claim that canonicalisation drops': signed(
          {},
          { credentialSubject: { ...subject, undefinedClaim: 'lost' } },
        ),
        'a member that canonicalisation drops': signed({}, { undefinedMember: 'lost' }),
        'a claim added to a signed credential that canonicalisation drops': tampered((wire) => ({
          ...wire,
          undefinedMember: 'added',
        })),
      },
    }),
    {
      lacks: needs.oneOf(...rdfcSuites.map((one) => needs.issuing(one))),
      async run(talk) {
        for (const issuer of rdfcSuites.flatMap((one) => issuersOf(talk.target, one))) {
          const lossy = plainCredential(issuer.issuer, { credentialSubject: { ...subject, undefinedClaim: 'lost' } });
          await talk.refusesToIssue(issuer, lossy, `${issuer.securing}: a claim that canonicalisation drops`);
        }
      },
    },
  ),
  'DI-2.4.3-2': verifierTest(rdfcSuites, {
    refuses: {
      'a relative type, signed under a base URL': ({ signer, cryptosuite, credential }) =>
        secure(
          { ...credential, type: ['VerifiableCredential', 'relative-type'] },
          { signer, cryptosuite, base: 'https://example.org/base/', safe: false },
        ),
    },
  }),
};

/** JCS signs what jsonld would refuse; an RDFC proof is then made over the credential without that context. */
function contextOf(context: unknown): Make {
  return async ({ signer, cryptosuite, credential }) => {
    const other = { ...credential, '@context': [credentialsV2, context] };
    if (cryptosuite.includes('jcs')) return secure(other, { signer, cryptosuite });
    const wire = await secure(credential, { signer, cryptosuite });
    return { ...wire, '@context': other['@context'] };
  };
}

const form: Tests = {
  'DI-3.1-1': issuerTest(suites, (talk, { proof, label }) =>
    talk.expect(proof['type'] === 'DataIntegrityProof', `${label}: the proof's type is ${proof['type']}`),
  ),
  'DI-3.1-2': issuerTest(suites, (talk, { proof, label }) => {
    const expected = label.split(' ')[0];
    talk.expect(proof['cryptosuite'] === expected, `${label}: cryptosuite is ${proof['cryptosuite']}`);
  }),
  'DI-3.1-4': issuerTest(suites, (talk, { proof, label }) => {
    const value: unknown = proof['proofValue'];
    talk.expect(typeof value === 'string' && value.startsWith('z'), `${label}: proofValue is ${value}`);
    talk.expect(proof['jws'] === undefined, `${label}: the proof has jws`);
  }),
};

const algorithms: Tests = {
  'DI-4.2-1': issuerTest(suites, expectProofHolds, {
    name: { '@value': 'Diplôme für Ärztin Łucja 证书 🩺', '@language': 'fr' },
  }),
  'DI-4.2-3': issuerTest(suites, (talk, { proof, label }) => {
    for (const name of ['type', 'verificationMethod', 'proofPurpose']) {
      talk.expect(typeof proof[name] === 'string', `${label}: the proof must have ${name}`);
    }
    talk.expect(proof['proofPurpose'] === 'assertionMethod', `${label}: proofPurpose is ${proof['proofPurpose']}`);
  }),
  'DI-4.4-1': {
    lacks: needs.oneOf(...suites.map((one) => needs.verifying(one))),
    async run(talk) {
      for (const { verifier, cryptosuite, keyType } of suites.flatMap((one) => verifyingWith(talk.target, one))) {
        const signer = talk.parties.issuer[keyType];
        const wire = await secure(plainCredential(signer.did), { signer, cryptosuite });
        const other = { ...wire, name: 'Added' };
        const { status, json } = await talk.refuses(verifier, other, `${cryptosuite} ${keyType}: an added name`);
        const told = isDocument(json) ? json : {};
        if (status === 200) talk.expect(told['verified'] === false, `${cryptosuite}: verified must be false`);
        const errors = [...asList(told['problemDetails']), ...asList(told['errors']), ...asList(told['type'])];
        talk.expect(errors.length > 0, `${cryptosuite} ${keyType}: the list of errors must not be empty`);
      }
    },
  },
  'DI-4.4-2': {
    lacks: needs.oneOf(...suites.map((one) => needs.verifying(one))),
    async run(talk) {
      const asked = new Set<VerifierEndpoint>();
      for (const { verifier, cryptosuite, keyType } of suites.flatMap((one) => verifyingWith(talk.target, one))) {
        if (asked.has(verifier)) continue;
        asked.add(verifier);
        const signer = talk.parties.issuer[keyType];
        const wire = await secure(plainCredential(signer.did), { signer, cryptosuite });
        await talk.refuses(verifier, JSON.stringify(wire), 'a secured document that is a JSON string');
        await talk.refuses(verifier, [wire], 'a secured document that is a list');
        await talk.refuses(verifier, 5, 'a secured document that is a number');
        await talk.refuses(verifier, null, 'a secured document that is null');
        await talk.refuses(verifier, { ...wire, proof: 'a proof' }, 'a proof that is no map');
      }
    },
  },
  'DI-4.4-3': verifierTest(suites, {
    refuses: {
      'a proof without type': removed('type'),
      'a proof without verificationMethod': removed('verificationMethod'),
      'a proof without proofPurpose': removed('proofPurpose'),
    },
  }),
  'DI-4.4-4': verifierTest(suites, {
    refuses: {
      'a credential proved for authentication': signed({ proofPurpose: 'authentication' }),
      'a credential proved for keyAgreement': signed({ proofPurpose: 'keyAgreement' }),
    },
  }),
  'DI-4.4-5': presentationProofTest({
    refuses: {
      'a domain that was not asked for': { proof: { domain: 'attacker.example' } },
      'a proof without domain': { proof: { domain: undefined } },
      'a domain and another one': { proof: { domain: [presentationOptions.domain, 'attacker.example'] } },
      'the question of another domain': { options: { domain: 'other.example' } },
    },
  }),
  'DI-4.4-6': presentationProofTest({
    refuses: {
      'a challenge that was not asked': { proof: { challenge: 'an older challenge' } },
      'a proof without challenge': { proof: { challenge: undefined } },
      'the question of another challenge': { options: { challenge: 'a newer challenge' } },
    },
  }),
  'DI-4.5-1': verifierTest(suites, {
    refuses: {
      'a previousProof that no proof has as its id': signed({ id: second, previousProof: first }),
      'a chain whose first proof was taken out': chain(first, ([, later]) => (later ? [later] : [])),
    },
  }),
  'DI-4.5-2': verifierTest(suites, {
    accepts: { 'a previousProof list that is complete': chain([first]) },
    refuses: {
      'a list of which one proof is missing': chain([first, 'urn:uuid:00000000-0000-4000-8000-000000000000']),
    },
  }),
  'DI-4.7-1': presentationProofTypes(),
};

const processingErrors = [
  'PROOF_GENERATION_ERROR',
  'PROOF_VERIFICATION_ERROR',
  'PROOF_TRANSFORMATION_ERROR',
  'INVALID_DOMAIN_ERROR',
  'INVALID_CHALLENGE_ERROR',
];

/** Whoever names one of the specification's errors must name it by the specification's URL. */
function presentationProofTypes(): Test {
  const prefix = 'https://w3id.org/security#';
  return {
    lacks: needs.presentationVerifier,
    async run(talk) {
      const verifier = talk.target.presentationVerifiers.find(({ securing }) =>
        suites.some((one) => securing.includes(one)),
      );
      const cryptosuite = suites.find((one) => verifier?.securing.includes(one));
      if (!verifier || !cryptosuite) return;
      const wire = await presentationCase(talk, cryptosuite, { proof: { challenge: 'an older challenge' } });
      const { json } = await talk.refusesPresentation(verifier, wire, 'a challenge that was not asked');
      const told = isDocument(json) ? json : {};
      const problems = [told, ...asList(told['problemDetails']), ...asList(told['errors'])].filter(isDocument);
      for (const type of problems.map((one) => one['type']).filter((one) => typeof one === 'string')) {
        const code = processingErrors.find((one) => String(type).endsWith(one));
        talk.expect(!code || type === `${prefix}${code}`, `${code} is named ${type}, not ${prefix}${code}`);
        if (!String(type).startsWith(prefix)) continue;
        talk.expect(code, `${type} is no error of the specification`);
      }
    },
  };
}

export const dataIntegrityTests: Tests = { ...proofs, ...contexts, ...form, ...algorithms };
