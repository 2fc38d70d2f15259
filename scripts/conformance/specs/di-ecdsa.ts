/** Data Integrity ECDSA Cryptosuites v1.0: ecdsa-rdfc-2019 and ecdsa-jcs-2019 with P-256 and P-384. */
import { base58 } from '@scure/base';
import { plainCredential } from '../conversation.js';
import { issuersOf, verifyingWith } from '../endpoints.js';
import { credentialsV2 } from '../inputs/contexts.js';
import { type Cryptosuite, proofsOf, secure } from '../inputs/data-integrity.js';
import type { Document } from '../inputs/documents.js';
import { keyFacts, readDidKey } from '../inputs/keys.js';
import type { Test, Tests } from '../suite.js';
import { familyTests, otherMultibase, type SuiteFamily } from './cryptosuite-cases.js';
import {
  expectProofHolds,
  inBase64url,
  issuerTest,
  signatureBytes,
  spoilt,
  together,
  verifierTest,
  withoutHeader,
} from './proof-cases.js';

const both: readonly Cryptosuite[] = ['ecdsa-rdfc-2019', 'ecdsa-jcs-2019'];

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

const family: SuiteFamily = {
  prefix: 'DIECDSA',
  rdfc: 'ecdsa-rdfc-2019',
  jcs: 'ecdsa-jcs-2019',
  retiredType: 'EcdsaSecp256r1Signature2019',
  retiredCryptosuite: 'ecdsa-2019',
  unknownCryptosuite: 'ecdsa-2099',
};

export const diEcdsaTests: Tests = {
  ...familyTests(family),
  'DIECDSA-2.1.1-1': together(
    issuerTest(both, (talk, { proof, label }) => {
      const method = String(proof['verificationMethod']);
      const keyType = method.startsWith('did:key:') ? readDidKey(method).keyType : 'P-256';
      talk.expect(keyType === 'P-256' || keyType === 'P-384', `${label}: the key is ${keyType}`);
    }),
    verifierTest(both, { refuses: { 'a key in base64url': otherMultibase } }),
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
