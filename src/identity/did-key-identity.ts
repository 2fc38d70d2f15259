/**
 * Own identifiers of the method did:key: a key of the key management system that is its own identifier. For service
 * instances that issue under no organisation's name; whoever loses such a key loses the identifier with it.
 */
import type { IAgentContext, IIdentifier, IKey, IKeyManager } from '@veramo/core-types';
import { AbstractIdentifierProvider } from '@veramo/did-manager';
import { ServiceError } from '../errors.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { importJwk, toMultikey, type VerificationKey } from '../jose/keys.js';
import type { PassportAgent } from './agent.js';
import { keyTypeFor } from './did-document.js';
import { publicKeyOf } from './key-management-system.js';
import type { SigningKeyReference } from './organisation.js';

/** The method's name as Veramo knows providers. */
const provider = 'did:key';

type Context = IAgentContext<IKeyManager>;

/** Creates did:key identifiers from managed keys; their documents never change, so nothing can be added to one. */
export class DidKeyProvider extends AbstractIdentifierProvider {
  readonly #defaultKms: string;

  constructor({ defaultKms }: { defaultKms: string }) {
    super();
    this.#defaultKms = defaultKms;
  }

  async createIdentifier(
    { kms, options }: { kms?: string; alias?: string; options?: { keyType?: string } },
    context: Context,
  ): Promise<Omit<IIdentifier, 'provider'>> {
    const type = options?.keyType ?? 'Ed25519';
    const key = await context.agent.keyManagerCreate({ kms: kms ?? this.#defaultKms, type: type as IKey['type'] });
    return { did: didOf(verificationKeyOf(key)), controllerKeyId: key.kid, keys: [key], services: [] };
  }

  async deleteIdentifier({ keys }: IIdentifier, context: Context): Promise<boolean> {
    for (const { kid } of keys) await context.agent.keyManagerDelete({ kid });
    return true;
  }

  async updateIdentifier(): Promise<IIdentifier> {
    throw immutable();
  }

  async addKey(): Promise<never> {
    throw immutable();
  }

  async removeKey(): Promise<never> {
    throw immutable();
  }

  async addService(): Promise<never> {
    throw immutable();
  }

  async removeService(): Promise<never> {
    throw immutable();
  }
}

function immutable(): ServiceError {
  return new ServiceError('invalid_request', 'The document of a did:key follows from its key and never changes');
}

function verificationKeyOf({ type, publicKeyHex }: Pick<IKey, 'type' | 'publicKeyHex'>): VerificationKey {
  return importJwk(publicKeyOf(type, publicKeyHex).export({ format: 'jwk' }));
}

function didOf(key: VerificationKey): string {
  return `did:key:${toMultikey(key)}`;
}

/** An own did:key and its only key. */
export interface KeyIdentity {
  readonly did: string;
  readonly key: SigningKeyReference;
}

/** The did:key of this name and algorithm; made, with its key, when it is asked for the first time. */
export async function openKeyIdentity(
  agent: PassportAgent,
  { name, algorithm }: { name: string; algorithm: JwsAlgorithm },
): Promise<KeyIdentity> {
  const alias = `${name} ${algorithm}`;
  const identifier = (await find(agent, alias)) ?? (await create(agent, alias, algorithm));
  const [managed] = identifier.keys;
  if (!managed) throw new ServiceError('key_unavailable', `The identifier ${identifier.did} has no key here`);
  const key = verificationKeyOf(managed);
  const did = didOf(key);
  if (did !== identifier.did || key.algorithm !== algorithm) {
    throw new ServiceError('key_unavailable', `The key kept for ${identifier.did} is another one`);
  }
  const kid = `${did}#${did.slice('did:key:'.length)}`;
  return { did, key: { keyRef: managed.kid, kid, algorithm, thumbprint: key.thumbprint } };
}

async function find(agent: PassportAgent, alias: string): Promise<IIdentifier | undefined> {
  try {
    const found = await agent.didManagerFind({ provider, alias });
    return found.find((one) => one.alias === alias);
  } catch (cause) {
    throw new ServiceError('storage_unavailable', 'The identifiers of this service cannot be read', { cause });
  }
}

async function create(agent: PassportAgent, alias: string, algorithm: JwsAlgorithm): Promise<IIdentifier> {
  const keyType = keyTypeFor(algorithm);
  if (!keyType) throw new ServiceError('configuration', `Own keys do not sign with ${algorithm}`);
  try {
    return await agent.didManagerCreate({ alias, provider, options: { keyType } });
  } catch (cause) {
    // Another process of this service may have been first.
    const found = await find(agent, alias);
    if (found) return found;
    throw new ServiceError('key_unavailable', 'No identifier could be made for a service instance', { cause });
  }
}
