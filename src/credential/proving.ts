import type { PassportAgent } from '../identity/identity.js';
import type { UnverifiedCredential, UnverifiedPresentation, VerifiedCredential, VerifiedPresentation } from './model.js';

/** When, and how much grace a proof's own `expires` has (0 s unless an instance's configuration says otherwise). */
export interface ProofOptions {
  readonly now: Date;
  readonly proofGraceSeconds?: number;
}

/** What the verifier asked for: the presentation must have been made for this challenge and this domain. */
export interface PresentationExpectation extends ProofOptions {
  readonly challenge: string;
  readonly domain: string;
  /** Which holder DIDs may be resolved. Without it did:key and did:jwk only, which need no network. */
  readonly acceptHolder?: (did: string) => boolean;
}

/** Proves issuer, algorithm, key and signature; leaves time, schema, status and trust to verification/. Throws CredentialRefusal. */
export declare function verifyProof(agent: PassportAgent, credential: UnverifiedCredential, options: ProofOptions): Promise<VerifiedCredential>;

/** Proves the presenter, then the challenge and domain. Throws CredentialRefusal; the refusal of challenge and domain comes after the proof held. */
export declare function verifyPresentationProof(agent: PassportAgent, presentation: UnverifiedPresentation, options: PresentationExpectation): Promise<VerifiedPresentation>;
