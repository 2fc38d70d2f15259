/**
 * Data Integrity proofs as VC-DI-EDDSA 1.0 and VC-DI-ECDSA 1.0 describe them, from jsonld, node:crypto and nothing of
 * the product. The checker signs what it sends with this, also what no library would sign, and checks what it receives.
 */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { base58 } from '@scure/base';
import jsonld from 'jsonld';
import { dataIntegrityV2, documentLoader, ed25519Signature2020V1 } from './contexts.js';
import { asList, canonicalJson, type Document, isDocument } from './documents.js';
import { type KeyType, keyFacts, type Signer } from './keys.js';

export type Cryptosuite =
  | 'eddsa-rdfc-2022'
  | 'eddsa-jcs-2022'
  | 'ecdsa-rdfc-2019'
  | 'ecdsa-jcs-2019'
  | 'Ed25519Signature2020';

interface SuiteFacts {
  readonly keyTypes: readonly KeyType[];
  readonly canonicalisation: 'rdfc' | 'jcs';
  /** What the proof says of itself. */
  readonly names: Document;
}

const named = (cryptosuite: string): Document => ({ type: 'DataIntegrityProof', cryptosuite });
const elliptic: readonly KeyType[] = ['P-256', 'P-384'];

export const cryptosuites: Readonly<Record<Cryptosuite, SuiteFacts>> = {
  'eddsa-rdfc-2022': { keyTypes: ['Ed25519'], canonicalisation: 'rdfc', names: named('eddsa-rdfc-2022') },
  'eddsa-jcs-2022': { keyTypes: ['Ed25519'], canonicalisation: 'jcs', names: named('eddsa-jcs-2022') },
  'ecdsa-rdfc-2019': { keyTypes: elliptic, canonicalisation: 'rdfc', names: named('ecdsa-rdfc-2019') },
  'ecdsa-jcs-2019': { keyTypes: elliptic, canonicalisation: 'jcs', names: named('ecdsa-jcs-2019') },
  Ed25519Signature2020: { keyTypes: ['Ed25519'], canonicalisation: 'rdfc', names: { type: 'Ed25519Signature2020' } },
};

export function isCryptosuite(name: string): name is Cryptosuite {
  return Object.hasOwn(cryptosuites, name);
}

export interface ProofOptions {
  readonly signer: Signer;
  readonly cryptosuite: Cryptosuite;
  /** Members of the proof to add or replace before signing; undefined removes one. */
  readonly proof?: Document;
  /** false signs also what JSON-LD would drop or resolve: only a broken verifier accepts it. */
  readonly safe?: boolean;
  /** Resolves relative IRIs, as no conforming processor may. */
  readonly base?: string;
  /** Canonicalises as if the key were of another type, as no conforming processor may. */
  readonly canonicalisedFor?: KeyType;
}

interface Canonicalisation {
  readonly facts: SuiteFacts;
  readonly keyType: KeyType;
  readonly safe?: boolean;
  readonly base?: string;
  readonly canonicalisedFor?: KeyType;
}

async function canonical(document: Document, how: Canonicalisation): Promise<string> {
  const { facts, safe = true, base, canonicalisedFor: keyType = how.keyType } = how;
  if (facts.canonicalisation === 'jcs') return canonicalJson(document);
  const options = {
    format: 'application/n-quads',
    base: base ?? null,
    safe,
    documentLoader,
    // The hash inside RDFC-1.0 follows the key (VC-DI-ECDSA 3); with nameless subjects it decides their order.
    canonizeOptions: { algorithm: 'RDFC-1.0', messageDigestAlgorithm: keyFacts[keyType].hash },
  };
  const key = canonicalJson([document, keyType, safe, base ?? null]);
  const known = canonicalForms.get(key);
  if (known !== undefined) return known;
  const form = (await jsonld.canonize(document, options as object)) as unknown as string;
  if (canonicalForms.size < maxKept) canonicalForms.set(key, form);
  return form;
}

/** Many tests send the same document in another wrapping, and a self-test sends everything many times. */
const canonicalForms = new Map<string, string>();

/** hash(proof configuration) || hash(document), the bytes that are signed. */
async function hashData(document: Document, configuration: Document, how: Canonicalisation): Promise<Buffer> {
  const digest = (text: string) => createHash(keyFacts[how.keyType].hash).update(text).digest();
  const proofHash = digest(await canonical(configuration, how));
  return Buffer.concat([proofHash, digest(await canonical(document, how))]);
}

const legacyContext = (facts: SuiteFacts) => (facts.names['cryptosuite'] ? dataIntegrityV2 : ed25519Signature2020V1);

/** VCDM 1.1 documents do not define the terms of a proof: the context that does is appended. */
function withProofTerms(document: Document, facts: SuiteFacts): Document {
  const contexts = asList(document['@context']);
  const defines =
    facts.canonicalisation === 'jcs' ||
    contexts.some((one) => /ns\/credentials\/v2|data-integrity|ed25519-2020/.test(one));
  const defined = defines && (facts.names['cryptosuite'] || contexts.includes(ed25519Signature2020V1));
  if (defined || contexts.length === 0) return document;
  return { ...document, '@context': [...contexts, legacyContext(facts)] };
}

function configured(document: Document, options: ProofOptions, facts: SuiteFacts): Document {
  const { signer, proof = {} } = options;
  const members: Document = {
    ...facts.names,
    created: '2026-01-01T00:00:00Z',
    verificationMethod: signer.verificationMethod,
    proofPurpose: 'assertionMethod',
    // "If unsecuredDocument.@context is present, set proof.@context to it" (3.3.1 of both specifications).
    ...(facts.canonicalisation === 'jcs' && document['@context'] !== undefined && { '@context': document['@context'] }),
    ...proof,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function signBytes(data: Buffer, { keyType, privateKey }: Signer): Buffer {
  if (keyType === 'Ed25519') return sign(null, data, privateKey);
  return sign(keyFacts[keyType].hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

/** The proof over a document; with `secure` it stands in the document. */
export async function createProof(document: Document, options: ProofOptions): Promise<Document> {
  const facts = cryptosuites[options.cryptosuite];
  const { proof: _existing, ...unsecured } = document;
  const proof = configured(unsecured, options, facts);
  const covered = unsecuredWith(document, proof);
  const { signer, safe = true, base = null, canonicalisedFor = null } = options;
  const key = canonicalJson([
    covered,
    proof,
    signer.publicKeyMultibase,
    keyNumber(signer.privateKey),
    safe,
    base,
    canonicalisedFor,
  ]);
  const known = proofValues.get(key);
  if (known !== undefined) return { ...proof, proofValue: known };
  const how = { ...options, facts, keyType: signer.keyType };
  const signed = await hashData(covered, { ...proofContext(unsecured, facts), ...proof }, how);
  const proofValue = `z${base58.encode(signBytes(signed, signer))}`;
  if (proofValues.size < maxKept) proofValues.set(key, proofValue);
  return { ...proof, proofValue };
}

/** A self-test makes everything many times over; what was signed once need not be signed again. */
const proofValues = new Map<string, string>();
const maxKept = 5000;

/** Tells private keys apart that claim to be of one public key, as a forger's do. */
const keyNumbers = new WeakMap<KeyObject, number>();
let keys = 0;
function keyNumber(key: KeyObject): number {
  const number = keyNumbers.get(key) ?? ++keys;
  keyNumbers.set(key, number);
  return number;
}

const proofContext = (document: Document, facts: SuiteFacts): Document =>
  facts.canonicalisation === 'rdfc' ? { '@context': document['@context'] } : {};

/** Proof chains (VC-DATA-INTEGRITY 4.5): a proof covers the proofs that it names as previous; others are no part of it. */
function unsecuredWith(document: Document, proof: Document): Document {
  const { proof: existing, ...unsecured } = document;
  const previous = asList<string>(proof['previousProof']);
  if (previous.length === 0) return unsecured;
  const matching = asList<Document>(existing).filter((one) => previous.includes(one['id']));
  return { ...unsecured, proof: matching };
}

/** Secures a document; an existing proof makes a set of proofs. */
export async function secure(document: Document, options: ProofOptions): Promise<Document> {
  const complete = withProofTerms(document, cryptosuites[options.cryptosuite]);
  const proof = await createProof(complete, options);
  const existing = asList<Document>(complete['proof']);
  return { ...complete, proof: existing.length === 0 ? proof : [...existing, proof] };
}

export interface FoundKey {
  readonly keyType: KeyType;
  readonly publicKey: KeyObject;
}

/** Why a proof does not hold, or undefined when it does. */
export async function proofFault(
  document: Document,
  proof: Document,
  findKey: (verificationMethod: string) => FoundKey | Promise<FoundKey>,
): Promise<string | undefined> {
  const name = proof['type'] === 'DataIntegrityProof' ? proof['cryptosuite'] : proof['type'];
  if (typeof name !== 'string' || !isCryptosuite(name)) return `the proof names no cryptosuite that is known: ${name}`;
  const facts = cryptosuites[name];
  if (typeof proof['proofValue'] !== 'string' || !proof['proofValue'].startsWith('z'))
    return 'proofValue is no base58btc';
  try {
    const { keyType, publicKey } = await findKey(String(proof['verificationMethod']));
    if (!facts.keyTypes.includes(keyType)) return `${name} does not go with a ${keyType} key`;
    const { proofValue, ...configuration } = proof;
    const unsecured = unsecuredWith(document, proof);
    const data = await hashData(unsecured, { ...proofContext(unsecured, facts), ...configuration }, { facts, keyType });
    const signature = base58.decode(proofValue.slice(1));
    const holds =
      keyType === 'Ed25519'
        ? verify(null, data, publicKey, signature)
        : verify(keyFacts[keyType].hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    return holds ? undefined : 'the signature does not verify';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The proofs of a document as a list of objects. */
export function proofsOf(document: Document): Document[] {
  return asList<unknown>(document['proof']).filter(isDocument);
}
