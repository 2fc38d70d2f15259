/**
 * The key that a credential or presentation is signed with: held by the agent's key management, belonging to the
 * DID that issues or presents, and named by the absolute DID URL that others will look it up by.
 */
import { base58 } from '@scure/base';
import type { IIdentifier, IKey, IssuerAgentContext } from '@veramo/core-types';
import { ServiceError } from '../errors.js';
import { findVerificationKey } from '../identity/identity.js';
import { type JwsAlgorithm, jwsAlgorithms } from '../jose/algorithms.js';
import { decodeBase64url } from '../jose/base64url.js';
import type { Signer } from '../jose/jws.js';
import { importMultikey } from '../jose/keys.js';
import { didOf, type KeyPurpose } from './key-resolution.js';

/** An agent that manages DIDs and keys. */
export type SigningContext = IssuerAgentContext;

/** What a caller may say about the key; Veramo's own callers say nothing or `keyRef`. */
export interface SignerRequest {
  readonly did: string;
  readonly purpose: KeyPurpose;
  readonly algorithms: readonly JwsAlgorithm[];
  readonly keyRef?: string;
  readonly verificationMethod?: string;
}

/** A key ready to sign, and its public name. */
export interface ResolvedSigner {
  readonly algorithm: JwsAlgorithm;
  readonly kid: string;
  readonly sign: Signer;
}

/** Veramo's key types that sign. */
const algorithmByKeyType: Readonly<Record<string, JwsAlgorithm>> = {
  Ed25519: 'EdDSA',
  Secp256r1: 'ES256',
  Secp384r1: 'ES384',
};

/** The algorithm that a managed key signs with, if it is one of ours. */
export function algorithmOf(key: { readonly type: string }): JwsAlgorithm | undefined {
  return Object.hasOwn(algorithmByKeyType, key.type) ? algorithmByKeyType[key.type] : undefined;
}

/** Finds the key; throws ServiceError key_unavailable when the agent has none that fits. */
export async function resolveSigner(context: SigningContext, request: SignerRequest): Promise<ResolvedSigner> {
  const identifier = await managed(context, request.did);
  const fitting = identifier.keys.filter((key) => fits(key, request));
  const { verificationMethod: kid } = request;
  const found = kid === undefined ? await publishedKey(context, fitting, request) : named(fitting[0], kid);
  const algorithm = found && algorithmOf(found.key);
  if (!found || !algorithm || didOf(found.kid) !== request.did) {
    throw new ServiceError('key_unavailable', `${request.did} has no key here that signs with this format.`);
  }
  return { algorithm, kid: found.kid, sign: (data) => sign(context, found.key.kid, algorithm, data) };
}

async function managed(context: SigningContext, did: string): Promise<IIdentifier> {
  try {
    return await context.agent.didManagerGet({ did });
  } catch (cause) {
    throw new ServiceError('key_unavailable', `${did} is not managed by this agent.`, { cause });
  }
}

function fits(key: IKey, { algorithms, keyRef }: SignerRequest): boolean {
  const algorithm = algorithmOf(key);
  return algorithm !== undefined && algorithms.includes(algorithm) && (keyRef === undefined || key.kid === keyRef);
}

interface NamedKey {
  readonly key: IKey;
  readonly kid: string;
}

function named(key: IKey | undefined, kid: string): NamedKey | undefined {
  return key && { key, kid };
}

/** Without a name for the key, the DID document says which of the managed keys others will accept for the purpose. */
async function publishedKey(
  context: SigningContext,
  keys: readonly IKey[],
  { did, purpose }: SignerRequest,
): Promise<NamedKey | undefined> {
  const { didDocument } = await context.agent.resolveDid({ didUrl: did });
  if (!didDocument) return undefined;
  for (const entry of didDocument[purpose] ?? []) {
    const verificationMethod = typeof entry === 'string' ? entry : entry.id;
    const { thumbprint } = findVerificationKey(didDocument, verificationMethod, purpose).key;
    const key = keys.find((candidate) => thumbprintOf(candidate) === thumbprint);
    if (key) return { key, kid: verificationMethod };
  }
  return undefined;
}

function thumbprintOf(key: IKey): string | undefined {
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) return undefined;
  const bytes = [...jwsAlgorithms[algorithm].multicodec, ...Buffer.from(key.publicKeyHex, 'hex')];
  return importMultikey(`z${base58.encode(Uint8Array.from(bytes))}`).thumbprint;
}

/** keyManagerSign's type says string, but bytes pass through untouched; a string would be decoded as UTF-8. */
async function sign(context: SigningContext, keyRef: string, algorithm: string, data: Uint8Array): Promise<Buffer> {
  const signature = await context.agent.keyManagerSign({ keyRef, algorithm, data: data as unknown as string });
  return decodeBase64url(signature);
}
