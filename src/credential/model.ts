/** The types that pass between reading, proving and whoever asked for it. */

import type { JwsAlgorithm } from '../jose/algorithms.js';
import type { JsonObject } from '../json.js';
import type { CredentialFormat, DataModelVersion, PresentationFormat, SecuringFormat } from './formats.js';

/** What can be read before any key is known. Nothing in it may be believed or reported. */
export interface UnverifiedCredential {
  readonly kind: 'credential';
  readonly format: CredentialFormat;
  readonly dataModel: DataModelVersion;
  readonly claimedIssuer: string;
  readonly claimedTypes: readonly string[];
  readonly verificationMethod: string;
  /** The compact token, taken out of its envelope, or the object with its proof. */
  readonly input: string | JsonObject;
}

/** A presentation before any key is known; its credentials are not read yet: give each to readCredential. */
export interface UnverifiedPresentation {
  readonly kind: 'presentation';
  readonly format: PresentationFormat;
  readonly claimedHolder?: string;
  readonly verificationMethod: string;
  readonly credentials: readonly unknown[];
  readonly input: string | JsonObject;
}

/** What a good signature vouches for. Whether it is still valid, or its issuer trusted, is not said here. */
export interface VerifiedCredential {
  /** The VCDM object as it was signed, without proof and without the JWT's own claims. */
  readonly credential: JsonObject;
  readonly format: CredentialFormat;
  readonly dataModel: DataModelVersion;
  readonly issuer: string;
  readonly verificationMethod: string;
  readonly algorithm: JwsAlgorithm;
  readonly keyThumbprint: string;
  /** The earliest time claim: validFrom, issuanceDate, nbf, iat, proof.created; `now` when there is none. */
  readonly issuedAt: Date;
  /** When it says that it was signed (iat, proof.created); validFrom may have been set back or ahead of it. */
  readonly signedAt?: Date;
  /** The latest of validFrom, issuanceDate and nbf. */
  readonly validFrom?: Date;
  /** The earliest of validUntil, expirationDate and exp. */
  readonly validUntil?: Date;
  /** SHA-256 in base64url of the compact token, or of the JCS form of the object with its proof. */
  readonly digest: string;
  /**
   * Whether the holder's key binding (SD-JWT, RFC 9901) was compared with a challenge and domain; absent where there is
   * none. What was compared with nothing may be a copy.
   */
  readonly keyBinding?: 'compared' | 'uncompared';
}

/** A presentation whose proof, challenge and domain were checked. Its credentials are not. */
export interface VerifiedPresentation {
  readonly presentation: JsonObject;
  readonly format: PresentationFormat;
  readonly holder: string;
  readonly verificationMethod: string;
  readonly algorithm: JwsAlgorithm;
  readonly keyThumbprint: string;
  readonly credentials: readonly unknown[];
}

/** The key that signs: where the key management system holds it, and the absolute DID URL that others know it by. */
export interface SigningKey {
  readonly keyRef: string;
  readonly kid: string;
  readonly algorithm: JwsAlgorithm;
}

/** A credential as it leaves the house. */
export interface SecuredCredential {
  readonly format: SecuringFormat;
  /** Compact string for jwt_vc, EnvelopedVerifiableCredential for vc+jwt, object with proof for Data Integrity. */
  readonly verifiableCredential: string | JsonObject;
  /** As in VerifiedCredential. */
  readonly digest: string;
  readonly compact?: string;
}

/** A presentation as a wallet would send it. */
export interface SecuredPresentation {
  readonly format: PresentationFormat;
  readonly verifiablePresentation: string | JsonObject;
  readonly compact?: string;
}
