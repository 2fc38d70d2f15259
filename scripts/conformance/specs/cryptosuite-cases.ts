/** What the EdDSA and the ECDSA cryptosuites say in the same words, each of its two canonicalisations. */
import { base58 } from '@scure/base';
import type { Cryptosuite } from '../inputs/data-integrity.js';
import type { Test, Tests } from '../suite.js';
import {
  expectProofHolds,
  isDateTimeStamp,
  issuerTest,
  otherSignature,
  shortSignature,
  signed,
  spoilt,
  tampered,
  together,
  verifierTest,
} from './proof-cases.js';

/** The two suites of a specification, and names that no longer or never were any. */
export interface SuiteFamily {
  /** What its statements are called: DIEDDSA, DIECDSA. */
  readonly prefix: string;
  readonly rdfc: Cryptosuite;
  readonly jcs: Cryptosuite;
  readonly retiredType: string;
  readonly retiredCryptosuite: string;
  readonly unknownCryptosuite: string;
}

/** Written in letters of two, three and four bytes: another encoding gives another hash. */
const nameInManyScripts = { '@value': 'Diplôme für Łucja 证书 🩺' };

/** The same public key under the header of base64url, which Multikey does not allow. */
export const otherMultibase = spoilt((proof) => {
  const multikey = String(proof['verificationMethod']).split('#')[1] ?? '';
  const other = `u${Buffer.from(base58.decode(multikey.slice(1))).toString('base64url')}`;
  return { ...proof, verificationMethod: `did:key:${other}#${other}` };
});

function wrongType(suite: Cryptosuite, family: SuiteFamily): Test {
  return verifierTest([suite], {
    refuses: {
      'another proof type': signed({ type: family.retiredType }),
      'another cryptosuite': signed({ cryptosuite: family.retiredCryptosuite }),
      'the cryptosuite of the other canonicalisation': signed({
        cryptosuite: suite === family.rdfc ? family.jcs : family.rdfc,
      }),
    },
  });
}

function configuration(suite: Cryptosuite): Test {
  return together(
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
}

function created(suite: Cryptosuite): Test {
  return together(
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
}

function encoding(suite: Cryptosuite): Test {
  const name = nameInManyScripts;
  return together(
    issuerTest([suite], expectProofHolds, { name }),
    verifierTest([suite], { accepts: { 'a name in many scripts': signed({}, { name }) } }),
  );
}

/** The statements that both specifications make, under the ids of one of them. */
export function familyTests(family: SuiteFamily): Tests {
  const { prefix, rdfc, jcs, unknownCryptosuite } = family;
  const both = [rdfc, jcs];
  const perSuite = ([suite, section]: readonly [Cryptosuite, string]) => [
    [`${prefix}-${section}.3-2`, encoding(suite)],
    [`${prefix}-${section}.3-3`, wrongType(suite, family)],
    [`${prefix}-${section}.5-2`, configuration(suite)],
    [`${prefix}-${section}.5-3`, created(suite)],
  ];
  const sections = [[rdfc, '3.2'] as const, [jcs, '3.3'] as const];
  return {
    [`${prefix}-1.2-2`]: verifierTest(both, {
      refuses: {
        'a signature of which one bit is another': otherSignature,
        'a signature that lacks a byte': shortSignature,
        'a credential changed after signing': tampered((wire) => ({ ...wire, validFrom: '2020-01-01T00:00:00Z' })),
      },
    }),
    [`${prefix}-2.2.1-1`]: issuerTest(both, (talk, { proof, label }) =>
      talk.expect(proof['type'] === 'DataIntegrityProof', `${label}: type is ${proof['type']}`),
    ),
    [`${prefix}-2.2.1-2`]: together(
      issuerTest(both, (talk, { proof, label }) =>
        talk.expect(
          both.some((one) => one === proof['cryptosuite']),
          `${label}: cryptosuite is ${proof['cryptosuite']}`,
        ),
      ),
      verifierTest(both, { refuses: { 'an unknown cryptosuite': signed({ cryptosuite: unknownCryptosuite }) } }),
    ),
    ...Object.fromEntries(sections.flatMap(perSuite)),
  };
}
