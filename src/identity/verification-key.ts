/**
 * From a DID document to the one key that a proof names (DID Core §5.2, §5.3; Controlled Identifiers §3.3): the
 * method must be in the document, belong to its subject and be listed for the purpose. Anything less is refused.
 */
import type { DIDDocument, VerificationMethod } from 'did-resolver';
import { importJwk, importMultikey, type VerificationKey } from '../jose/keys.js';

/** The two relationships that credentials (assertionMethod) and presentations (authentication) are proven with. */
export type ProofPurpose = 'assertionMethod' | 'authentication';

/** Why a document gives no key. */
export type KeyLookupCode =
  | 'document_unusable'
  | 'method_not_found'
  | 'controller_mismatch'
  | 'purpose_not_allowed'
  | 'method_revoked'
  | 'method_expired'
  | 'key_not_supported'
  | 'key_invalid';

/** A document without a usable key for the purpose. */
export class KeyLookupError extends Error {
  readonly code: KeyLookupCode;

  constructor(code: KeyLookupCode, detail: string, options: { cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KeyLookupError';
    this.code = code;
  }
}

/** A key that the DID's controller lists for the purpose. */
export interface ResolvedKey {
  readonly key: VerificationKey;
  readonly verificationMethod: string;
  readonly controller: string;
  /** After this moment the key must not be relied on (Controlled Identifiers §2.2). */
  readonly expires?: Date;
}

/** Keys by document: documents are frozen and cached by the resolver, so a KeyObject is made once per document. */
const resolved = new WeakMap<object, Map<string, ResolvedKey>>();

/**
 * Finds the key that a proof names by its absolute id. With `now` a method past its `expires` is refused as well;
 * a `revoked` one always is, whatever its date, since a thief would date his proofs before it.
 */
export function findVerificationKey(
  document: unknown,
  verificationMethodId: string,
  purpose: ProofPurpose,
  now?: Date,
): ResolvedKey {
  if (!isDocument(document)) throw new KeyLookupError('document_unusable', 'There is no DID document to look in');
  const known = Object.isFrozen(document) ? resolved.get(document) : undefined;
  const name = `${purpose} ${verificationMethodId}`;
  const found = known?.get(name) ?? lookUp(document, verificationMethodId, purpose);
  if (!known?.has(name)) remember(document, name, found);
  if (now && found.expires && found.expires <= now) {
    throw new KeyLookupError('method_expired', 'The verification method has expired');
  }
  return found;
}

function remember(document: DIDDocument, name: string, found: ResolvedKey): void {
  if (!Object.isFrozen(document)) return;
  const keys = resolved.get(document) ?? new Map<string, ResolvedKey>();
  keys.set(name, found);
  resolved.set(document, keys);
}

function lookUp(document: DIDDocument, id: string, purpose: ProofPurpose): ResolvedKey {
  // Exactly one '#', and before it the subject: "did:web:a#k" never names a method of "did:web:b".
  const [subject, fragment, ...rest] = id.split('#');
  if (subject !== document.id || !fragment || rest.length > 0) {
    throw new KeyLookupError('method_not_found', "The verification method is not one of this DID's own");
  }
  const method = listed(document, purpose).find((one) => one.id === id);
  if (!method) throw absent(document, id, purpose);
  if (method.controller !== document.id) {
    throw new KeyLookupError('controller_mismatch', 'The verification method has another controller than the DID');
  }
  const { expires, revoked } = method as VerificationMethod & { expires?: unknown; revoked?: unknown };
  if (revoked !== undefined) throw new KeyLookupError('method_revoked', 'The verification method was revoked');
  const key = importMethod(method);
  const common = { key, verificationMethod: id, controller: method.controller };
  return Object.freeze(expires === undefined ? common : { ...common, expires: readDate(expires) });
}

/** Methods of one relationship: named by reference, or embedded for this relationship alone. */
function listed(document: DIDDocument, purpose: ProofPurpose): VerificationMethod[] {
  const entries = document[purpose];
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => {
    if (typeof entry !== 'string') return [entry];
    return (document.verificationMethod ?? []).filter((method) => method.id === entry);
  });
}

function absent(document: DIDDocument, id: string, purpose: ProofPurpose): KeyLookupError {
  const method = (document.verificationMethod ?? []).find((one) => one.id === id);
  if (!method) return new KeyLookupError('method_not_found', 'The DID document has no such verification method');
  // Whoever revokes a key lists it nowhere any more; that it was revoked is what readers must hear.
  if ('revoked' in method) return new KeyLookupError('method_revoked', 'The verification method was revoked');
  return new KeyLookupError('purpose_not_allowed', `The verification method is not listed under ${purpose}`);
}

type Importer = (method: VerificationMethod) => VerificationKey;

/** Suites before Multikey and JsonWebKey that did:web documents still name; the key material reads the same. */
const importers: Readonly<Record<string, Importer>> = {
  Multikey: (method) => importMultikey(method.publicKeyMultibase ?? ''),
  Ed25519VerificationKey2020: (method) => importMultikey(method.publicKeyMultibase ?? ''),
  JsonWebKey: (method) => importJwk(method.publicKeyJwk),
  JsonWebKey2020: (method) => importJwk(method.publicKeyJwk),
};

function importMethod(method: VerificationMethod): VerificationKey {
  const importer = Object.hasOwn(importers, method.type) ? importers[method.type] : undefined;
  if (!importer) throw new KeyLookupError('key_not_supported', 'The verification method is of a type we do not read');
  try {
    return importer(method);
  } catch (cause) {
    throw new KeyLookupError('key_invalid', 'The verification method holds no usable public key', { cause });
  }
}

function readDate(value: unknown): Date {
  const date = typeof value === 'string' ? new Date(value) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime())) throw new KeyLookupError('document_unusable', 'A date of the method is unreadable');
  return date;
}

function isDocument(value: unknown): value is DIDDocument {
  return typeof value === 'object' && value !== null && typeof (value as { id?: unknown }).id === 'string';
}
