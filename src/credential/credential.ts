/**
 * What a W3C credential is, how it is read, proved and secured, and which types of it exist.
 * Reading needs no key and believes nothing; proving answers what a signature vouches for (VCDM 2.0 and 1.1,
 * VC-JOSE-COSE, Data Integrity 1.0); securing signs what issuance prepared. All of it goes through the Veramo
 * agent: there is no side door to a provider or a key. Callers: status/, registry/, issuance/, verification/.
 */

export type { Catalogue, CredentialType } from './catalogue/catalogue.js';
export { loadCatalogue } from './catalogue/catalogue.js';
export type { ClaimMetadata, ClaimsPath, SdJwtVcType, TypeDisplay } from './catalogue/type-metadata.js';
export type { Contexts } from './contexts.js';
export { createContexts } from './contexts.js';
export { CoseProvider } from './cose-provider.js';
export { DataIntegrityProvider } from './data-integrity-provider.js';
export { checkDataModel, checkPresentationModel } from './data-model.js';
export { deriveCredential } from './deriving.js';
export type { DataModelVersion, PresentationFormat, SecuringFormat, SecuringFormatFacts } from './formats.js';
export { securingFormats } from './formats.js';
export type { ExistingProof } from './further-proof.js';
export { checkExistingProof, takesFurtherProofs } from './further-proof.js';
export type { GivenKeyTask } from './given-key.js';
export { secureWithKey, verifyWithKey } from './given-key.js';
export { type IssuerToken, readIssuerToken, verifyIssuerToken } from './issuer-token.js';
export { Jwt11Provider } from './jwt11-provider.js';
export type {
  SecuredCredential,
  SecuredPresentation,
  SigningKey,
  UnverifiedCredential,
  UnverifiedPresentation,
  VerifiedCredential,
  VerifiedPresentation,
} from './model.js';
export { StaffPassportCredentialPlugin } from './plugin.js';
export { selectMembers } from './pointers.js';
export type { PresentationExpectation, ProofOptions } from './proving.js';
export { verifyPresentationProof, verifyProof } from './proving.js';
export { readCredential, readPresentation, readUnsignedPresentation } from './reading.js';
export type { CheckName, RefusalCode, RefusalOutcome } from './refusals.js';
export { CredentialRefusal, refusals } from './refusals.js';
export type { SchemaOutcome, SchemaQuestion, SchemaResult } from './schema-validation.js';
export { validateAgainstSchema } from './schema-validation.js';
export { SdJwtProvider } from './sd-jwt-provider.js';
export { SdJwtVcProvider } from './sd-jwt-vc-provider.js';
export type { SecureOptions, SecurePresentationOptions } from './securing.js';
export { secureCredential, securePresentation } from './securing.js';
export { checkTerms } from './terms.js';
export { VcJoseProvider } from './vc-jose-provider.js';
