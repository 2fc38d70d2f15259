/**
 * What an agent file may require: `staff-passport/plugins`, for our own agents and for any other Veramo 7 agent.
 * Everything here is made from configuration alone; clock, randomness, environment and network are bound here, as app.ts does
 * for the rest.
 */
import { randomBytes } from 'node:crypto';
import { SdJwtProvider, SdJwtVcProvider, StaffPassportCredentialPlugin } from './credential/credential.js';
import { createHttpClient, type Network } from './http/client.js';
import { CachedDidStore, CachedKeyStore } from './identity/cached-stores.js';
import { createDidResolver, type PassportResolver } from './identity/did-resolver.js';
import { parseDidWeb } from './identity/did-web.js';
import { type KeyEncryptionKey, type KeyEncryptionSource, readKeyEncryptionKey } from './identity/key-encryption.js';
import {
  type IdentityDatabase,
  type IdentityDatabaseLocation,
  openIdentityDatabase as openDatabase,
} from './identity/store.js';

export {
  CoseProvider,
  createContexts,
  DataIntegrityProvider,
  Jwt11Provider,
  StaffPassportCredentialPlugin,
  VcJoseProvider,
} from './credential/credential.js';
export { DidKeyProvider } from './identity/did-key-identity.js';
export { NodeKeyManagementSystem } from './identity/key-management-system.js';
export { openEnvelopePrivateKeyStore } from './identity/private-key-store.js';
export { QuietAgent } from './identity/quiet-agent.js';

/** Opens the database of identifiers and keys: a file beside the main one, or a schema of its own on PostgreSQL. */
export function openIdentityDatabase(location: IdentityDatabaseLocation): Promise<IdentityDatabase> {
  return openDatabase(location, process.env);
}

/** Reads the key that private keys are sealed with, from a file or the environment. */
export function openKeyEncryptionKey(source: KeyEncryptionSource): KeyEncryptionKey {
  return readKeyEncryptionKey(source, process.env);
}

/** A key store that answers from memory for some seconds. */
export function createCachedKeyStore(
  options: Omit<ConstructorParameters<typeof CachedKeyStore>[0], 'now'>,
): CachedKeyStore {
  return new CachedKeyStore({ ...options, now: Date.now });
}

/** An identifier store that answers from memory for some seconds. */
export function createCachedDidStore(
  options: Omit<ConstructorParameters<typeof CachedDidStore>[0], 'now'>,
): CachedDidStore {
  return new CachedDidStore({ ...options, now: Date.now });
}

/** Values of the `service:` section that decide where DID documents may lie. */
interface ResolverArguments {
  readonly loopback: boolean;
  /** Under the development switch did:web:localhost is asked by the scheme of this address; http when absent. */
  readonly publicUrl?: string;
  readonly network?: Network;
}

type ClosableResolver = PassportResolver & { close(): Promise<void> };

/**
 * The strict resolver of did:web, did:key and did:jwk, with a way out of its own. A did:web with a port of its own is
 * fetched only once the application has said whom it relies on: else strangers could have us knock at any port.
 */
export function createResolver({ loopback, publicUrl, network = {} }: ResolverArguments): ClosableResolver {
  let restricted = loopback;
  const client = createHttpClient({
    loopback,
    now: systemClock,
    policies: { did: { ports: 'any' } },
    network,
  });
  const mayResolve = (did: string) => restricted || [undefined, 443].includes(parseDidWeb(did)?.port);
  const localhost = { loopback, ...(publicUrl === undefined ? {} : { publicUrl }) };
  const resolver = createDidResolver({ fetch: client.forPurpose('did'), ...localhost, now: Date.now, mayResolve });
  return {
    resolve: resolver.resolve,
    attach(attachment) {
      restricted ||= attachment.mayResolve !== undefined;
      resolver.attach(attachment);
    },
    close: () => client.close(),
  };
}

/** The provider of SD-JWT, with salts from the system. */
export function createSdJwtProvider(): SdJwtProvider {
  return new SdJwtProvider({ random: (bytes) => randomBytes(bytes) });
}

/** The provider of SD-JWT VC, likewise. */
export function createSdJwtVcProvider(): SdJwtVcProvider {
  return new SdJwtVcProvider({ random: (bytes) => randomBytes(bytes) });
}

/** The credential plugin over its providers, in the order in which they are asked. */
export function createCredentialPlugin(
  providers: ConstructorParameters<typeof StaffPassportCredentialPlugin>[0],
): StaffPassportCredentialPlugin {
  return new StaffPassportCredentialPlugin(providers, { now: systemClock });
}

function systemClock(): Date {
  return new Date();
}
