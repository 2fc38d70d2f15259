/** Asks the agent whether a proof holds. Time, schema, status and trust in the issuer are verification/'s business. */
import type { PassportAgent } from '../identity/identity.js';
import type {
  UnverifiedCredential,
  UnverifiedPresentation,
  VerifiedCredential,
  VerifiedPresentation,
} from './model.js';
import type { KeyBindingQuestion, PassportPolicies } from './provider-arguments.js';
import { CredentialRefusal } from './refusals.js';
import type { CredentialVerdict, PresentationVerdict } from './verdict.js';

/** When, and how much grace a proof's own `expires` has (0 s unless an instance's configuration says otherwise). */
export interface ProofOptions {
  readonly now: Date;
  readonly proofGraceSeconds?: number;
  /** The caller will say that the issuer, which is no DID, is not bound to the key; otherwise that is a refusal. */
  readonly unboundIssuer?: boolean;
}

/**
 * What the verifier asked for: the presentation must have been made for this challenge and this domain. Whoever gives
 * `undefined` for one of them accepts a copy, or what was made for somebody else, and must say so.
 */
export interface PresentationExpectation extends ProofOptions {
  readonly challenge: string | undefined;
  readonly domain: string | undefined;
  /** Which holder DIDs may be resolved. Without it did:key and did:jwk only, which need no network. */
  readonly acceptHolder?: (did: string) => boolean;
}

/** Of a credential that is presented by itself: the key binding that must come with it, if any is asked for. */
export interface CredentialProofOptions extends ProofOptions {
  readonly keyBinding?: KeyBindingQuestion;
}

/**
 * Proves issuer, algorithm, key and signature, then the key binding that was asked for; throws CredentialRefusal. A
 * refusal of holder, challenge or domain means that everything before it held.
 */
export async function verifyProof(
  agent: PassportAgent,
  credential: UnverifiedCredential,
  options: CredentialProofOptions,
): Promise<VerifiedCredential> {
  const { keyBinding } = options;
  const verdict: CredentialVerdict = await agent.verifyCredential({
    credential: credential.input as string,
    reading: credential,
    ...(keyBinding === undefined ? {} : { keyBinding }),
    policies: policiesOf(options),
  });
  return provedBy(verdict);
}

/**
 * Proves holder, algorithm, key and signature, then challenge and domain; throws CredentialRefusal. A refusal of
 * challenge or domain means that everything before it held; the other of the two, if it failed too, is in `further`.
 */
export async function verifyPresentationProof(
  agent: PassportAgent,
  presentation: UnverifiedPresentation,
  options: PresentationExpectation,
): Promise<VerifiedPresentation> {
  const { challenge, domain, acceptHolder } = options;
  const verdict: PresentationVerdict = await agent.verifyPresentation({
    presentation: presentation.input as string,
    reading: presentation,
    ...(challenge === undefined ? {} : { challenge }),
    ...(domain === undefined ? {} : { domain }),
    ...(acceptHolder === undefined ? {} : { acceptHolder }),
    policies: { ...policiesOf(options), binding: challenge !== undefined && domain !== undefined },
  });
  return provedBy(verdict);
}

function policiesOf({ now, proofGraceSeconds, unboundIssuer }: ProofOptions): PassportPolicies {
  return {
    now: now.getTime() / 1000,
    issuanceDate: false,
    expirationDate: false,
    credentialStatus: false,
    credentials: false,
    holder: false,
    ...(proofGraceSeconds === undefined ? {} : { proofGraceSeconds }),
    ...(unboundIssuer === undefined ? {} : { unboundIssuer }),
  };
}

/** Fails closed: another plugin's "verified" without our proof of it counts for nothing. */
function provedBy<T>(verdict: { verified: boolean; proved?: T; refusal?: CredentialRefusal }): T {
  if (verdict.verified && verdict.proved) return verdict.proved;
  throw verdict.refusal ?? new CredentialRefusal('input_not_recognised', 'The agent could not verify this document.');
}
