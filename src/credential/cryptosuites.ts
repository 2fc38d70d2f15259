/**
 * The facts about every kind of Data Integrity proof, as rows: vc-di-eddsa 3, vc-di-ecdsa 3. Nothing downstream
 * switches on a suite's name; how a transformation works is in proof-procedures.ts.
 */
import { type JwsAlgorithm, jwsAlgorithms } from '../jose/algorithms.js';

/** What becomes of a document before it is signed: its graph, its text, or statements that are signed one by one. */
export type Transformation = 'rdfc' | 'jcs' | 'selective';

export interface SuiteFacts {
  /** The `type` of the proof; a DataIntegrityProof names its suite in `cryptosuite`. */
  readonly type: 'DataIntegrityProof' | 'Ed25519Signature2020';
  readonly algorithms: readonly JwsAlgorithm[];
  readonly transformation: Transformation;
}

/** The suites that sign and verify, by the name that a proof gives in `cryptosuite`. */
export const cryptosuites = {
  'eddsa-rdfc-2022': { type: 'DataIntegrityProof', algorithms: ['EdDSA'], transformation: 'rdfc' },
  'eddsa-jcs-2022': { type: 'DataIntegrityProof', algorithms: ['EdDSA'], transformation: 'jcs' },
  'ecdsa-rdfc-2019': { type: 'DataIntegrityProof', algorithms: ['ES256', 'ES384'], transformation: 'rdfc' },
  'ecdsa-jcs-2019': { type: 'DataIntegrityProof', algorithms: ['ES256', 'ES384'], transformation: 'jcs' },
  'ecdsa-sd-2023': { type: 'DataIntegrityProof', algorithms: ['ES256'], transformation: 'selective' },
} as const satisfies Record<string, SuiteFacts>;

/** The suites that are verified and no longer made, by the `type` of the proof. */
export const retiredSuites = {
  Ed25519Signature2020: { type: 'Ed25519Signature2020', algorithms: ['EdDSA'], transformation: 'rdfc' },
} as const satisfies Record<string, SuiteFacts>;

export type Cryptosuite = keyof typeof cryptosuites;
export type RetiredSuite = keyof typeof retiredSuites;
export type ProofSuite = Cryptosuite | RetiredSuite;

export const proofSuites: Readonly<Record<ProofSuite, SuiteFacts>> = { ...cryptosuites, ...retiredSuites };

/** Whether a name is that of a cryptosuite that proofs are made with. */
export function isCryptosuite(name: unknown): name is Cryptosuite {
  return typeof name === 'string' && Object.hasOwn(cryptosuites, name);
}

/** The suite of a proof with this `type` and `cryptosuite`, if it is one of ours. */
export function suiteOf(type: unknown, cryptosuite: unknown): ProofSuite | undefined {
  if (type === 'DataIntegrityProof') return isCryptosuite(cryptosuite) ? cryptosuite : undefined;
  const retired = typeof type === 'string' && Object.hasOwn(retiredSuites, type) && cryptosuite === undefined;
  return retired ? (type as RetiredSuite) : undefined;
}

/** vc-di-ecdsa 3.2.4: P-384 hashes with SHA-384; Ed25519, which has no hash of its own before signing, with SHA-256. */
export function hashOf(algorithm: JwsAlgorithm): string {
  return jwsAlgorithms[algorithm].hash ?? 'sha256';
}
