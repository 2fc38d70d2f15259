/**
 * Who this organisation is: its Veramo agent, its keys, its did:web document, and how other DIDs are resolved.
 * DID Core 1.0, did:web, DID Resolution, Controlled Identifiers 1.0 for the states of keys. Called by every slice
 * above; keys are used through the agent alone, and only commands/ creates or changes them.
 */
export type { AgentParts, LoadedAgent, PassportAgent } from './agent.js';
export { type LoadAgentOptions, loadAgent } from './agent-config.js';
export type { KeyState } from './did-document.js';
export { mayBeHolder } from './did-key.js';
export { type KeyIdentity, openKeyIdentity } from './did-key-identity.js';
export {
  createDidResolver,
  type DidResolverOptions,
  type PassportResolver,
  type ResolverAttachment,
} from './did-resolver.js';
export { didDocumentUrl, parseDidWeb } from './did-web.js';
export {
  createKeyEncryptionKeyFile,
  type DeriveKey,
  type KeyEncryptionKey,
  type KeyEncryptionSource,
  readKeyEncryptionKey,
} from './key-encryption.js';
export {
  createIdentity,
  type Identity,
  type IdentityOptions,
  type KeySummary,
  type SigningKeyReference,
} from './organisation.js';
export { createProofSecrets, type ProofSecrets } from './proof-secrets.js';
export type { ResolutionErrorName } from './resolution.js';
export { createSelfSignedCertificate, type SelfSignedCertificate } from './self-signed-certificate.js';
export {
  type IdentityDatabaseLocation,
  identityFile,
  migrateIdentityDatabase,
} from './store.js';
export {
  findVerificationKey,
  type KeyLookupCode,
  KeyLookupError,
  type ProofPurpose,
  type ResolvedKey,
} from './verification-key.js';
