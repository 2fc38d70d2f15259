import type { Cryptosuite } from '../inputs/data-integrity.js';
import { readDidKey } from '../inputs/keys.js';
import type { Tests } from '../suite.js';
import { familyTests, otherMultibase, type SuiteFamily } from './cryptosuite-cases.js';
import {
  expectProofHolds,
  inBase64url,
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

const both: readonly Cryptosuite[] = ['eddsa-rdfc-2022', 'eddsa-jcs-2022'];
const legacy: readonly Cryptosuite[] = ['Ed25519Signature2020'];

const family: SuiteFamily = {
  prefix: 'DIEDDSA',
  rdfc: 'eddsa-rdfc-2022',
  jcs: 'eddsa-jcs-2022',
  retiredType: 'Ed25519Signature2018',
  retiredCryptosuite: 'eddsa-2022',
  unknownCryptosuite: 'eddsa-2099',
};

export const diEddsaTests: Tests = {
  ...familyTests(family),
  'DIEDDSA-2.1.1-1': together(
    issuerTest(both, (talk, { proof, label }) => {
      const method = String(proof['verificationMethod']);
      const { keyType } = method.startsWith('did:key:') ? readDidKey(method) : { keyType: 'Ed25519' };
      talk.expect(keyType === 'Ed25519', `${label}: the key is ${keyType}`);
    }),
    verifierTest(both, { refuses: { 'a key in base64url': otherMultibase } }),
  ),
  'DIEDDSA-2.2.1-3': together(
    issuerTest(both, async (talk, issued) => {
      const length = signatureBytes(issued.proof)?.length;
      talk.expect(length === 64, `${issued.label}: proofValue must be 64 bytes in base58btc, not ${length}`);
      await expectProofHolds(talk, issued);
    }),
    verifierTest(both, {
      refuses: {
        'a proofValue without header': withoutHeader,
        'a proofValue in base64url': inBase64url,
        'a signature that lacks a byte': shortSignature,
      },
    }),
  ),
  'DIEDDSA-A.1.2.1-1': verifierTest(legacy, {
    refuses: {
      'a verificationMethod that is no URL': signed({ verificationMethod: 'not-a-url' }),
      'a proof without verificationMethod': signed({ verificationMethod: undefined }),
    },
  }),
  'DIEDDSA-A.1.2.1-2': verifierTest(legacy, {
    refuses: { 'another proof type': signed({ type: 'Ed25519Signature2099' }) },
  }),
  'DIEDDSA-A.1.2.1-3': verifierTest(legacy, {
    refuses: { 'created in words': signed({ created: 'long ago' }), 'a proof without created': spoilt(withoutCreated) },
  }),
  'DIEDDSA-A.1.2.1-4': verifierTest(legacy, {
    refuses: {
      'a proof without proofPurpose': signed({ proofPurpose: undefined }),
      'a purpose for which the key is not listed': signed({ proofPurpose: 'keyAgreement' }),
      'a purpose that is a number': spoilt((proof) => ({ ...proof, proofPurpose: 5 })),
    },
  }),
  'DIEDDSA-A.1.2.1-5': verifierTest(legacy, {
    refuses: {
      'a proofValue without header': withoutHeader,
      'a proofValue in base64url': inBase64url,
      'a signature of which one bit is another': otherSignature,
    },
  }),
  'DIEDDSA-A.2.1.2-1': verifierTest(legacy, {
    refuses: { 'a credential changed after signing': tampered((wire) => ({ ...wire, name: 'Added' })) },
  }),
};

function withoutCreated({ created: _created, ...proof }: Record<string, unknown>) {
  return proof;
}
