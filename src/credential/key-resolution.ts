/**
 * From the verification method that a proof names to the key: resolves the DID through the agent and looks the
 * method up under the one relationship that the proof needs (Data Integrity 1.0 4.4, Controlled Identifiers 3.3).
 */
import type { IAgentContext, IResolver } from '@veramo/core-types';
import { findVerificationKey, type KeyLookupCode, KeyLookupError, type ResolvedKey } from '../identity/identity.js';
import { CredentialRefusal, type RefusalCode } from './refusals.js';

/** An agent that can resolve DIDs. */
export type ResolverContext = IAgentContext<IResolver>;

/** What the key is to be used for: assertionMethod for credentials, authentication for presentations. */
export type KeyPurpose = 'assertionMethod' | 'authentication';

/** DID Resolution's errors. What is not known here could not be found out, and that is not a "no". */
const resolutionRefusals: Readonly<Record<string, RefusalCode>> = {
  invalidDid: 'did_invalid',
  invalidDidDocument: 'did_invalid',
  notFound: 'did_not_found',
  methodNotSupported: 'did_method_not_supported',
  unsupportedDidMethod: 'did_method_not_supported',
};

const lookupRefusals: Readonly<Record<KeyLookupCode, RefusalCode>> = {
  document_unusable: 'did_invalid',
  method_not_found: 'key_not_found',
  controller_mismatch: 'key_not_authorised',
  purpose_not_allowed: 'key_not_authorised',
  method_revoked: 'key_revoked',
  method_expired: 'key_expired',
  key_not_supported: 'key_invalid',
  key_invalid: 'key_invalid',
};

/** The DID of an absolute DID URL with a fragment; throws kid_invalid when it is none. */
export function didOf(verificationMethod: unknown): string {
  const did = typeof verificationMethod === 'string' ? didUrl.exec(verificationMethod)?.[1] : undefined;
  if (did !== undefined) return did;
  throw new CredentialRefusal(
    'kid_invalid',
    'The key is not named by an absolute DID URL such as did:web:a.example#key.',
  );
}

const didUrl = /^(did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,2000})#[A-Za-z0-9._:%~!$&'()*+,;=@/?-]{1,2000}$/;
const did = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,2000}$/;

/** Whether a text is a DID and nothing more. */
export function isDid(text: string | undefined): text is string {
  return text !== undefined && did.test(text);
}

/** The DIDs that are keys themselves: resolving them asks nobody. */
export function isSelfContainedDid(did: string): boolean {
  return did.startsWith('did:key:') || did.startsWith('did:jwk:');
}

/** The key that a proof names, if its controller lists it for the purpose; otherwise a refusal. */
export async function resolveKey(
  context: ResolverContext,
  verificationMethod: string,
  options: { purpose: KeyPurpose; now: Date },
): Promise<ResolvedKey> {
  const controller = didOf(verificationMethod);
  const { didDocument, didDocumentMetadata, didResolutionMetadata } = await context.agent.resolveDid({
    didUrl: controller,
  });
  const { error } = didResolutionMetadata;
  if (didDocumentMetadata?.deactivated === true) {
    throw new CredentialRefusal('did_deactivated', `The DID ${controller} was deactivated by its controller.`);
  }
  if (error !== undefined || !didDocument) {
    const code =
      (Object.hasOwn(resolutionRefusals, error ?? '') && resolutionRefusals[error ?? '']) || 'did_unresolved';
    throw new CredentialRefusal(code, `The DID ${controller} did not resolve (${error ?? 'no document'}).`);
  }
  if (didDocument.id !== controller) {
    throw new CredentialRefusal('did_invalid', `The DID ${controller} resolved to the document of another DID.`);
  }
  return lookUp(didDocument, verificationMethod, options);
}

function lookUp(
  document: object,
  verificationMethod: string,
  { purpose, now }: { purpose: KeyPurpose; now: Date },
): ResolvedKey {
  try {
    return findVerificationKey(document, verificationMethod, purpose, now);
  } catch (cause) {
    if (!(cause instanceof KeyLookupError)) throw cause;
    throw new CredentialRefusal(lookupRefusals[cause.code], `${cause.message}: ${verificationMethod}.`, { cause });
  }
}
