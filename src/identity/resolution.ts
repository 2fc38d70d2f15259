/** What a fetched DID document must look like before anybody relies on it (DID Core §5, did:web "Read"). */
import type { DIDDocument } from 'did-resolver';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.js';

/**
 * Error names of DID Resolution §5; invalidDidDocument: what came is no document of this DID. A DID that was deactivated
 * is no error there but metadata; here it is one more way of having no document.
 */
export type ResolutionErrorName =
  | 'deactivated'
  | 'invalidDid'
  | 'methodNotSupported'
  | 'representationNotSupported'
  | 'invalidDidDocument'
  | 'internalError';

/** A DID that was not resolved; internalError is a refusal by our own policy or a fetch that failed. */
export class ResolutionError extends Error {
  readonly error: ResolutionErrorName;

  constructor(error: ResolutionErrorName, detail: string, options: { cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ResolutionError';
    this.error = error;
  }
}

/** Media types that a DID document may be served with (DID Core §6, DID 1.1, and plain JSON as static servers do). */
export const didMediaTypes: readonly string[] = [
  'application/did+json',
  'application/did+ld+json',
  'application/did',
  'application/json',
];

/** Keys of two algorithms, rotated every quarter, over eight years. */
const maxMethods = 64;
const relationships = [
  'assertionMethod',
  'authentication',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
];
/** Members that carry a private key in one suite or another; who publishes one has lost it. */
const privateMember = /^(private|secret)Key/i;
const privateJwkMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Parses and checks the document that was served for `did`; the result is frozen throughout. */
export function readDidDocument(did: string, body: Buffer): DIDDocument {
  const document = parseDocument(body);
  if (document.id !== did) throw invalid('The document served has another id than the DID');
  const methods = [
    ...list(document, 'verificationMethod'),
    ...relationships.flatMap((name) => embedded(document, name)),
  ];
  if (methods.length > maxMethods) throw invalid('The document has too many verification methods');
  const ids = methods.map((method) => checkMethod(did, method));
  if (new Set(ids).size !== ids.length) throw invalid('Two verification methods have the same id');
  for (const name of relationships) checkReferences(list(document, name));
  return deepFreeze(document) as unknown as DIDDocument;
}

function parseDocument(body: Buffer): JsonObject {
  let document: Json;
  try {
    document = parseJson(body);
  } catch (cause) {
    throw new ResolutionError('invalidDidDocument', 'What was served is not strict JSON', { cause });
  }
  if (!isJsonObject(document)) throw invalid('What was served is not an object');
  return document;
}

function list(document: JsonObject, name: string): Json[] {
  const value = document[name];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  if (value.length > maxMethods) throw invalid(`${name} is too long`);
  return value;
}

function embedded(document: JsonObject, name: string): Json[] {
  return list(document, name).filter((entry) => typeof entry !== 'string');
}

/** did:web demands absolute DID URLs: a relative one means another key in every document it is copied to. */
function checkMethod(did: string, method: Json): string {
  if (!isJsonObject(method)) throw invalid('A verification method is not an object');
  const { id, type, controller, publicKeyJwk } = method;
  if (typeof id !== 'string' || !isAbsolute(id)) throw invalid('The id of a verification method is not absolute');
  if (!id.startsWith(`${did}#`)) throw invalid("A verification method is not one of this DID's own");
  if (typeof type !== 'string') throw invalid('A verification method has no type');
  if (typeof controller !== 'string' || !controller.startsWith('did:')) {
    throw invalid('The controller of a verification method is not a DID');
  }
  if (Object.keys(method).some((name) => privateMember.test(name)) || exposes(publicKeyJwk)) {
    throw invalid('A verification method shows its private key');
  }
  return id;
}

function exposes(jwk: Json | undefined): boolean {
  return isJsonObject(jwk) && privateJwkMembers.some((name) => Object.hasOwn(jwk, name));
}

function checkReferences(entries: readonly Json[]): void {
  if (entries.some((entry) => typeof entry === 'string' && !isAbsolute(entry))) {
    throw invalid('A verification relationship names a method by a relative id');
  }
}

function isAbsolute(id: string): boolean {
  return /^did:[a-z0-9]+:[^#\s]+#[^#\s]+$/.test(id) && id.length <= 2048;
}

function invalid(detail: string): ResolutionError {
  return new ResolutionError('invalidDidDocument', detail);
}

/** Depth is bounded by the parser. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
