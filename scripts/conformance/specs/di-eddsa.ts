/** Data Integrity EdDSA Cryptosuites v1.0: eddsa-rdfc-2022, eddsa-jcs-2022 and the legacy Ed25519Signature2020. */
import { base58 } from '@scure/base';
import type { Cryptosuite } from '../inputs/data-integrity.js';
import { readDidKey } from '../inputs/keys.js';
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

const both: readonly Cryptosuite[] = ['eddsa-rdfc-2022', 'eddsa-jcs-2022'];
const legacy: readonly Cryptosuite[] = ['Ed25519Signature2020'];
const name = { '@value': 'Diplôme für Łucja 证书 🩺' };

/** The same public key under the header of base64url, which Multikey does not allow. */
const otherMultibase = spoilt((proof) => {
  const multikey = String(proof['verificationMethod']).split('#')[1] ?? '';
  const other = `u${Buffer.from(base58.decode(multikey.slice(1))).toString('base64url')}`;
  return { ...proof, verificationMethod: `did:key:${other}#${other}` };
});

const wrongType = (suite: Cryptosuite): Test =>
  verifierTest([suite], {
    refuses: {
      'another proof type': signed({ type: 'Ed25519Signature2018' }),
      'another cryptosuite': signed({ cryptosuite: 'eddsa-2022' }),
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

/** The name is written in letters of two, three and four bytes: another encoding gives another hash. */
const encoding = (suite: Cryptosuite): Test =>
  together(
    issuerTest([suite], expectProofHolds, { name }),
    verifierTest([suite], { accepts: { 'a name in many scripts': signed({}, { name }) } }),
  );

export const diEddsaTests: Tests = {
  'DIEDDSA-1.2-2': verifierTest(both, {
    refuses: {
      'a signature of which one bit is another': otherSignature,
      'a signature that lacks a byte': shortSignature,
      'a credential changed after signing': tampered((wire) => ({ ...wire, validFrom: '2020-01-01T00:00:00Z' })),
    },
  }),
  'DIEDDSA-2.1.1-1': together(
    issuerTest(both, (talk, { proof, label }) => {
      const method = String(proof['verificationMethod']);
      const { keyType } = method.startsWith('did:key:') ? readDidKey(method) : { keyType: 'Ed25519' };
      talk.expect(keyType === 'Ed25519', `${label}: the key is ${keyType}`);
    }),
    verifierTest(both, { refuses: { 'a key in base64url': otherMultibase } }),
  ),
  'DIEDDSA-2.2.1-1': issuerTest(both, (talk, { proof, label }) =>
    talk.expect(proof['type'] === 'DataIntegrityProof', `${label}: type is ${proof['type']}`),
  ),
  'DIEDDSA-2.2.1-2': together(
    issuerTest(both, (talk, { proof, label }) =>
      talk.expect(
        both.some((one) => one === proof['cryptosuite']),
        `${label}: cryptosuite is ${proof['cryptosuite']}`,
      ),
    ),
    verifierTest(both, { refuses: { 'an unknown cryptosuite': signed({ cryptosuite: 'eddsa-2099' }) } }),
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
  'DIEDDSA-3.2.3-2': encoding('eddsa-rdfc-2022'),
  'DIEDDSA-3.2.3-3': wrongType('eddsa-rdfc-2022'),
  'DIEDDSA-3.2.5-2': configuration('eddsa-rdfc-2022'),
  'DIEDDSA-3.2.5-3': created('eddsa-rdfc-2022'),
  'DIEDDSA-3.3.3-2': encoding('eddsa-jcs-2022'),
  'DIEDDSA-3.3.3-3': wrongType('eddsa-jcs-2022'),
  'DIEDDSA-3.3.5-2': configuration('eddsa-jcs-2022'),
  'DIEDDSA-3.3.5-3': created('eddsa-jcs-2022'),
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
