/**
 * The trust registry, both sides. The authority keeps organisations (who they are, which DIDs they use, what they may
 * issue from when until when, when they were suspended) and publishes one signed, numbered list of them (W3C VC
 * Recognized Entities 1.0, secured as vc+jwt). The client of issuers and verifiers pins the authority's DID and keys,
 * refuses older and contradicting lists, keeps the last good one on disk and says how fresh it is; recogniseIssuer
 * asks for the time of issue and for now. Callers: issuance/, verification/, commands/, app.ts.
 */
export type { RegistryAuthority, RegistryAuthorityDependencies, SuspensionRequest } from './authority.js';
export { createRegistryAuthority } from './authority.js';
export type { RegistryClient, RegistryClientConfig, RegistryClientDependencies } from './client.js';
export { createRegistryClient } from './client.js';
export { createListTrust, type ListTrust } from './list-trust.js';
export { type Organisation, readOrganisationsFile } from './organisation.js';
export type { Recognition, RecognitionCode } from './recognition.js';
export { recogniseIssuer } from './recognition.js';
export { registryEntities } from './store.js';
export type { Freshness, RegistryState, RegistryView } from './view.js';
