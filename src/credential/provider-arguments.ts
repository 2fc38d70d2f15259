/** Veramo's arguments are open records; these are the members that our providers read from them. */
import type { VerificationPolicies } from '@veramo/core-types';
import { ServiceError } from '../errors.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import type { JsonObject } from '../json.js';
import type { SdJwtVcType } from './catalogue/type-metadata.js';
import type { ExistingProof } from './further-proof.js';
import type { UnverifiedCredential, UnverifiedPresentation } from './model.js';

/** Which key signs. Without `verificationMethod` it is looked up in the signer's DID document. */
interface SigningArgs {
  readonly proofFormat: string;
  readonly keyRef?: string;
  readonly verificationMethod?: string;
  readonly algorithm?: JwsAlgorithm;
  readonly now?: Date | number;
  /** SD-JWT only: paths of claims that the holder may leave out, such as `credentialSubject.name`. */
  readonly selectivelyDisclosable?: readonly string[];
  /** SD-JWT VC only: the type in the catalogue, and the DID URL that its holder is named by. */
  readonly sdJwtVc?: SdJwtVcType;
  readonly holderKid?: string;
  /** ecdsa-sd-2023 only: what every disclosure must show, as JSON Pointers. */
  readonly mandatoryPointers?: readonly string[];
}

/** A credential with a base proof, and what of it is to be shown besides what is mandatory. */
export interface DeriveArgs {
  readonly credential: JsonObject;
  /** JSON Pointers. */
  readonly selectivePointers: readonly string[];
}

export interface PassportCredentialArgs extends SigningArgs {
  readonly credential: JsonObject;
  /** What becomes of a credential that has a proof already; `error` where absent. */
  readonly existingProof?: ExistingProof;
}

export interface PassportPresentationArgs extends SigningArgs {
  readonly presentation: JsonObject;
  readonly challenge?: string;
  readonly domain?: string;
}

/** `false` switches a check off that the caller makes itself. */
export interface PassportPolicies extends VerificationPolicies {
  /** Seconds since 1970, fractions allowed. */
  readonly now?: number;
  /** How long after `expires` a Data Integrity proof still counts; 0 where absent. */
  readonly proofGraceSeconds?: number;
  /** Prove a credential whose issuer is no DID by a did:key or did:jwk that nothing ties to the issuer. */
  readonly unboundIssuer?: boolean;
  /** `false`: a presentation may be verified without a challenge or domain to compare it with. */
  readonly binding?: boolean;
  /** Verify the credentials of a presentation. */
  readonly credentials?: boolean;
  /** Demand that the presenter is the subject of every credential. */
  readonly holder?: boolean;
}

/** What the holder of a credential was asked to sign. */
export interface KeyBindingQuestion {
  readonly challenge: string;
  readonly domain: string;
}

export interface PassportVerifyArgs {
  readonly credential: string | JsonObject;
  /** Demands a key binding for this challenge and domain, whatever the credential is secured with. */
  readonly keyBinding?: KeyBindingQuestion;
  /** What readCredential made of this very credential; spares parsing it again. */
  readonly reading?: UnverifiedCredential;
  readonly policies?: PassportPolicies;
}

export interface PassportVerifyPresentationArgs {
  readonly presentation: string | JsonObject;
  readonly reading?: UnverifiedPresentation;
  readonly challenge: string | undefined;
  readonly domain: string | undefined;
  readonly acceptHolder?: (did: string) => boolean;
  readonly policies?: PassportPolicies;
}

/** The time that a caller gives as Veramo does: a Date, or seconds since 1970. The plugin always gives one. */
export function timeOf(options: object | undefined): Date {
  const now = (options as { now?: unknown } | undefined)?.now;
  if (now instanceof Date) return now;
  if (typeof now === 'number' && Number.isFinite(now)) return new Date(now * 1000);
  throw new ServiceError(
    'configuration',
    'This provider is used with StaffPassportCredentialPlugin, which has the clock.',
  );
}
