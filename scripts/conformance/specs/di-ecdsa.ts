/** Data Integrity ECDSA Cryptosuites v1.0: ecdsa-rdfc-2019 and ecdsa-jcs-2019 with P-256 and P-384. */
import { base58 } from '@scure/base';
import { plainCredential } from '../conversation.js';
import { issuersOf, verifyingWith } from '../endpoints.js';
import { credentialsV2 } from '../inputs/contexts.js';
import { type Cryptosuite, proofsOf, secure } from '../inputs/data-integrity.js';
import type { Document } from '../inputs/documents.js';
import { keyFacts, readDidKey } from '../inputs/keys.js';
import type { Test, Tests } from '../suite.js';
import {
  expectProofHolds,
  inBase64url,
  isDateTimeStamp,
  issuerTest,
  otherSignature,
  shortSignature,
  signatureBytes,
  signed,
  spoilt,
  tampered,
  together,
  verifierTest,
  withoutHeader,
} from './proof-cases.js';

const both: readonly Cryptosuite[] = ['ecdsa-rdfc-2019', 'ecdsa-jcs-2019'];
const name = { '@value': 'Diplôme für Łucja 证书 🩺' };

const otherMultibase = spoilt((proof) => {
  const multikey = String(proof['verificationMethod']).split('#')[1] ?? '';
  const other = `u${Buffer.from(base58.decode(multikey.slice(1))).toString('base64url')}`;
  return { ...proof, verificationMethod: `did:key:${other}#${other}` };
});

/** The signature as ASN.1 DER instead of IEEE P1363. */
const inDer = spoilt((proof) => {
  const bytes = base58.decode(String(proof['proofValue']).slice(1));
  const half = bytes.length / 2;
  const integers = Buffer.concat([derInteger(bytes.subarray(0, half)), derInteger(bytes.subarray(half))]);
  const der = Buffer.concat([Buffer.of(0x30, integers.length), integers]);
  return { ...proof, proofValue: `z${base58.encode(der)}` };
});

function derInteger(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = Buffer.from(bytes.subarray(Math.max(start, 0)));
  const positive = (digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
  return Buffer.concat([Buffer.of(0x02, positive.length), positive]);
}

/** Nameless subjects: RDFC-1.0 orders them by hash, so SHA-256 and SHA-384 give different canonical forms. */
const nameless = {
  '@context': [credentialsV2],
  credentialSubject: ['Alex', 'Kim', 'Sam', 'Robin', 'Jo', 'Max'].map((one) => ({ name: one })),
};

const wrongType = (suite: Cryptosuite): Test =>
  verifierTest([suite], {
    refuses: {
      'another proof type': signed({ type: 'EcdsaSecp256r1Signature2019' }),
      'another cryptosuite': signed({ cryptosuite: 'ecdsa-2019' }),
      'the cryptosuite of the other canonicalisation': signed({ cryptosuite: both.find((one) => one !== suite) }),
    },
  });

const configuration = (suite: Cryptosuite): Test =>
  together(
    issuerTest([suite], (talk, { proof, label }) => {
      talk.expect(proof['type'] === 'DataIntegrityProof', `${label}: type is ${proof['type']}`);
      talk.expect(proof['cryptosuite'] === suite, `${label}: cryptosuite is ${proof['cryptosuite']}`);
    }),
    verifierTest([suite], {
      refuses: {
        'a proof without type': signed({ type: undefined }),
        'a proof without cryptosuite': signed({ cryptosuite: undefined }),
      },
    }),
  );

const created = (suite: Cryptosuite): Test =>
  together(
    issuerTest([suite], (talk, { proof, label }) =>
      talk.expect(
        proof['created'] === undefined || isDateTimeStamp(proof['created']),
        `${label}: created is ${proof['created']}`,
      ),
    ),
    verifierTest([suite], {
      refuses: {
        'created in words': signed({ created: 'long ago' }),
        'created on a day that does not exist': signed({ created: '2024-02-30T00:00:00Z' }),
      },
    }),
  );

const encoding = (suite: Cryptosuite): Test =>
  together(
    issuerTest([suite], expectProofHolds, { name }),
    verifierTest([suite], { accepts: { 'a name in many scripts': signed({}, { name }) } }),
  );

export const diEcdsaTests: Tests = {
  'DIECDSA-1.2-2': verifierTest(both, {
    refuses: {
      'a signature of which one bit is another': otherSignature,
      'a signature that lacks a byte': shortSignature,
      'a credential changed after signing': tampered((wire) => ({ ...wire, validFrom: '2020-01-01T00:00:00Z' })),
    },
  }),
  'DIECDSA-2.1.1-1': together(
    issuerTest(both, (talk, { proof, label }) => {
      const method = String(proof['verificationMethod']);
      const keyType = method.startsWith('did:key:') ? readDidKey(method).keyType : 'P-256';
      talk.expect(keyType === 'P-256' || keyType === 'P-384', `${label}: the key is ${keyType}`);
    }),
    verifierTest(both, { refuses: { 'a key in base64url': otherMultibase } }),
  ),
  'DIECDSA-2.2.1-1': issuerTest(both, (talk, { proof, label }) =>
    talk.expect(proof['type'] === 'DataIntegrityProof', `${label}: type is ${proof['type']}`),
  ),
  'DIECDSA-2.2.1-2': together(
    issuerTest(both, (talk, { proof, label }) =>
      talk.expect(
        both.some((one) => one === proof['cryptosuite']),
        `${label}: cryptosuite is ${proof['cryptosuite']}`,
      ),
    ),
    verifierTest(both, { refuses: { 'an unknown cryptosuite': signed({ cryptosuite: 'ecdsa-2099' }) } }),
  ),
  'DIECDSA-3-1': together(
    issuerTest(both, async (talk, issued) => {
      const length = signatureBytes(issued.proof)?.length;
      const { keyType } = readDidKey(String(issued.proof['verificationMethod']));
      const expected = (keyFacts[keyType].size - 1) * 2;
      talk.expect(length === expected, `${issued.label}: the signature must have ${expected} bytes, not ${length}`);
      await expectProofHolds(talk, issued);
    }),
    verifierTest(both, {
      refuses: {
        'a signature in ASN.1 DER': inDer,
        'a proofValue without header': withoutHeader,
        'a proofValue in base64url': inBase64url,
      },
    }),
  ),
  'DIECDSA-3-2': hashOfCanonicalisation('P-256'),
  'DIECDSA-3-3': hashOfCanonicalisation('P-384'),
  'DIECDSA-3.2.3-2': encoding('ecdsa-rdfc-2019'),
  'DIECDSA-3.2.3-3': wrongType('ecdsa-rdfc-2019'),
  'DIECDSA-3.2.5-2': configuration('ecdsa-rdfc-2019'),
  'DIECDSA-3.2.5-3': created('ecdsa-rdfc-2019'),
  'DIECDSA-3.3.3-2': encoding('ecdsa-jcs-2019'),
  'DIECDSA-3.3.3-3': wrongType('ecdsa-jcs-2019'),
  'DIECDSA-3.3.5-2': configuration('ecdsa-jcs-2019'),
  'DIECDSA-3.3.5-3': created('ecdsa-jcs-2019'),
};

/** The hash inside RDFC-1.0 follows the key: what is signed with nameless subjects verifies only under that hash. */
function hashOfCanonicalisation(keyType: 'P-256' | 'P-384'): Test {
  const suite: Cryptosuite = 'ecdsa-rdfc-2019';
  return {
    lacks: (target) => {
      const issues = issuersOf(target, suite).some((one) => one.keyType === keyType);
      const verifies = verifyingWith(target, suite).some((one) => one.keyType === keyType);
      return issues || verifies
        ? undefined
        : `the target declares neither issuer nor verifier of ${suite} with ${keyType}`;
    },
    async run(talk) {
      for (const issuer of issuersOf(talk.target, suite).filter((one) => one.keyType === keyType)) {
        const credential = await talk.issued(issuer, plainCredential(issuer.issuer, nameless));
        for (const proof of credential ? proofsOf(credential) : []) {
          const fault = await talk.proofFault(credential as Document, proof);
          talk.expect(fault === undefined, `${suite} ${keyType}: the issued proof must verify: ${fault}`);
        }
      }
      for (const { verifier } of verifyingWith(talk.target, suite).filter((one) => one.keyType === keyType)) {
        const signer = talk.parties.issuer[keyType];
        const wire = await secure(plainCredential(signer.did, nameless), { signer, cryptosuite: suite });
        await talk.accepts(verifier, wire, `${suite} ${keyType}: nameless subjects`);
        const canonicalisedFor = keyType === 'P-256' ? 'P-384' : 'P-256';
        const plain = plainCredential(signer.did, nameless);
        const other = await secure(plain, { signer, cryptosuite: suite, canonicalisedFor });
        await talk.refuses(verifier, other, `${suite} ${keyType}: canonicalised with the hash of ${canonicalisedFor}`);
      }
    },
  };
}
