/** Organisations with real agents, keys in memory, and a resolver that knows only the organisations of the test. */
import { Agent } from '@veramo/core';
import { DIDManager, MemoryDIDStore } from '@veramo/did-manager';
import { WebDIDProvider } from '@veramo/did-provider-web';
import { DIDResolverPlugin } from '@veramo/did-resolver';
import { KeyManager, MemoryKeyStore, MemoryPrivateKeyStore } from '@veramo/key-manager';
import {
  createContexts,
  DataIntegrityProvider,
  StaffPassportCredentialPlugin,
  VcJoseProvider,
} from '../../src/credential/credential.js';
import { createIdentity, type Identity, type PassportAgent } from '../../src/identity/identity.js';
import { NodeKeyManagementSystem } from '../../src/identity/key-management-system.js';

export interface Issuer {
  readonly agent: PassportAgent;
  readonly identity: Identity;
  readonly did: string;
}

/** DID documents by DID; tests take entries out or exchange them. */
export type Directory = Map<string, () => object>;

const contexts = createContexts({ baseUrl: 'https://programme.example' });

export async function createIssuer(did: string, directory: Directory, now: () => Date): Promise<Issuer> {
  const agent = new Agent({
    schemaValidation: false,
    plugins: [
      new KeyManager({
        store: new MemoryKeyStore(),
        kms: { node: new NodeKeyManagementSystem({ privateKeys: new MemoryPrivateKeyStore() }) },
      }),
      new DIDManager({
        store: new MemoryDIDStore(),
        defaultProvider: 'did:web',
        providers: { 'did:web': new WebDIDProvider({ defaultKms: 'node' }) },
      }),
      new DIDResolverPlugin({ resolver: { resolve: async (url: string) => resolve(directory, url) } } as never),
      new StaffPassportCredentialPlugin([new VcJoseProvider(), new DataIntegrityProvider({ contexts })], { now }),
    ],
  }) as unknown as PassportAgent;
  const identity = createIdentity({ agent, did, now, publishSeconds: 0 });
  await identity.initialise();
  await identity.refresh();
  directory.set(did, () => identity.document());
  return { agent, identity, did };
}

function resolve(directory: Directory, url: string) {
  const document = directory.get(url.split('#')[0] ?? '')?.();
  const didResolutionMetadata = document ? {} : { error: 'notFound' };
  return { didDocument: document ?? null, didResolutionMetadata, didDocumentMetadata: {} };
}
