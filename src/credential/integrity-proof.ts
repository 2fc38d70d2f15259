/**
 * Data Integrity 1.0 proofs of the cryptosuites eddsa-rdfc-2022 (vc-di-eddsa 3.2) and ecdsa-rdfc-2019 (vc-di-ecdsa
 * 3.2): reading a proof, and the bytes that are signed. What differs between suites is a row.
 */
import { createHash } from 'node:crypto';
import { base58 } from '@scure/base';
import type { Fault } from '../errors.js';
import { type JwsAlgorithm, jwsAlgorithms } from '../jose/algorithms.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { Canonicalise } from './canonicalisation.js';
import { checkDataModel, checkPresentationModel, dataModelOf, idOf } from './data-model.js';
import { parseDateTime } from './dates.js';
import { refuseCanonicalisation } from './faults.js';
import type { DataModelVersion } from './formats.js';
import { didOf, type KeyPurpose } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';
import { refuseFaults } from './token.js';

/** The cryptosuites, by the name that a proof gives. The hash is that of document and proof configuration. */
export type Cryptosuite = 'eddsa-rdfc-2022' | 'ecdsa-rdfc-2019';

export const cryptosuites: Readonly<
  Record<Cryptosuite, { readonly algorithms: readonly JwsAlgorithm[]; readonly hash: 'sha256' }>
> = {
  'eddsa-rdfc-2022': { algorithms: ['EdDSA'], hash: 'sha256' },
  'ecdsa-rdfc-2019': { algorithms: ['ES256'], hash: 'sha256' },
};

/** Whether a name is that of a cryptosuite which is spoken here. */
export function isCryptosuite(name: unknown): name is Cryptosuite {
  return typeof name === 'string' && Object.hasOwn(cryptosuites, name);
}

/** A proof of a suite that is spoken here; nothing in it is believed yet. */
export interface IntegrityProof {
  readonly cryptosuite: Cryptosuite;
  readonly verificationMethod: string;
  readonly created?: Date;
  readonly expires?: Date;
  readonly challenge: Json | undefined;
  readonly domain: Json | undefined;
  readonly proofPurpose: Json | undefined;
  readonly proofValue: Json | undefined;
  /** The proof without its value: what is hashed together with the document. */
  readonly options: JsonObject;
}

/** A document taken apart. */
export interface SecuredDocument {
  readonly unsecured: JsonObject;
  readonly proof: IntegrityProof;
  readonly dataModel: DataModelVersion;
}

type ModelCheck = (document: JsonObject, version: DataModelVersion) => Fault[];

/** Reads a credential with its proof; throws CredentialRefusal. */
export function readSecuredCredential(document: JsonObject): SecuredDocument {
  return takeApart(document, checkDataModel);
}

/** Reads a presentation with its proof; throws CredentialRefusal. */
export function readSecuredPresentation(document: JsonObject): SecuredDocument & { readonly holder?: string } {
  const parts = takeApart(document, checkPresentationModel);
  const holder = idOf(parts.unsecured['holder']);
  return { ...parts, ...(holder === undefined ? {} : { holder }) };
}

function takeApart(document: JsonObject, check: ModelCheck): SecuredDocument {
  const { proof, ...unsecured } = document;
  const dataModel = dataModelOf(document);
  if (dataModel === undefined) {
    const fault = { path: '/@context/0', detail: 'must be the base context of a version that is spoken here' };
    throw new CredentialRefusal('data_model_invalid', `${fault.path} ${fault.detail}.`, { faults: [fault] });
  }
  refuseFaults(check(unsecured, dataModel));
  return { unsecured, proof: readProof(single(proof), unsecured), dataModel };
}

/** Proof sets and chains (Data Integrity 2.1) are not verified here: accepting one proof of several proves too little. */
function single(proof: Json | undefined): JsonObject {
  const proofs = Array.isArray(proof) ? proof : [proof];
  if (proofs.length !== 1) throw new CredentialRefusal('proof_count', 'Exactly one proof is accepted.');
  const [only] = proofs;
  if (!isJsonObject(only)) throw malformed('proof', 'must be an object');
  if (only['previousProof'] !== undefined) throw new CredentialRefusal('proof_count', 'Proof chains are not accepted.');
  return only;
}

/** Shape first, then suite, then the name of the key: the order in which a verdict reports its checks. */
function readProof(proof: JsonObject, document: JsonObject): IntegrityProof {
  const { proofValue, ...stated } = proof;
  const times = { ...readTime(stated, 'created'), ...readTime(stated, 'expires') };
  const options = proofOptions(stated, document);
  const { type, cryptosuite, verificationMethod, proofPurpose, challenge, domain } = stated;
  if (type !== 'DataIntegrityProof' || !isCryptosuite(cryptosuite)) {
    throw new CredentialRefusal('cryptosuite_unknown', 'The proof is not of a cryptosuite that is spoken here.');
  }
  didOf(verificationMethod);
  const named = { cryptosuite, verificationMethod: verificationMethod as string };
  return { ...named, ...times, challenge, domain, proofPurpose, proofValue, options };
}

function readTime(proof: JsonObject, name: 'created' | 'expires'): { created?: Date; expires?: Date } {
  if (proof[name] === undefined) return {};
  const date = parseDateTime(proof[name]);
  if (date === undefined) throw malformed(`proof/${name}`, 'must be a date and time with an offset');
  return { [name]: date };
}

/** vc-di-eddsa 3.2.5: the configuration is canonicalised under the document's own contexts. */
function proofOptions(stated: JsonObject, document: JsonObject): JsonObject {
  const { '@context': own, ...options } = stated;
  if (own !== undefined && JSON.stringify(own) !== JSON.stringify(document['@context'])) {
    throw malformed('proof/@context', 'must be that of the document');
  }
  return { '@context': document['@context'] ?? [], ...options };
}

/** Multibase base58btc of exactly the suite's signature; the length is checked before the costly decoding. */
export function readProofValue(value: Json | undefined, cryptosuite: Cryptosuite): Uint8Array {
  const lengths = cryptosuites[cryptosuite].algorithms.map((algorithm) => jwsAlgorithms[algorithm].signatureLength);
  const longest = Math.max(...lengths) * 2;
  if (typeof value === 'string' && value.length <= longest && /^z[1-9A-HJ-NP-Za-km-z]+$/.test(value)) {
    const signature = base58.decode(value.slice(1));
    if (lengths.includes(signature.length)) return signature;
  }
  const detail = 'The proofValue is not a signature of the suite in base58btc (z...).';
  throw new CredentialRefusal('proof_value_malformed', detail);
}

function malformed(path: string, detail: string): CredentialRefusal {
  return new CredentialRefusal('proof_malformed', `/${path} ${detail}.`, { faults: [{ path: `/${path}`, detail }] });
}

/** Writes a signature as a proofValue. */
export function toProofValue(signature: Uint8Array): string {
  return `z${base58.encode(signature)}`;
}

/** What a suite signs: hash of the proof configuration, then hash of the document (vc-di-eddsa 3.2.4). */
export async function hashData(
  canonicalise: Canonicalise,
  { cryptosuite, options, unsecured }: { cryptosuite: Cryptosuite; options: JsonObject; unsecured: JsonObject },
): Promise<Buffer> {
  const { hash } = cryptosuites[cryptosuite];
  const configuration = await refuseCanonicalisation(canonicalise(options));
  const document = await refuseCanonicalisation(canonicalise(unsecured));
  return Buffer.concat([configuration, document].map((text) => createHash(hash).update(text).digest()));
}

const aheadMilliseconds = 60_000;

/** Data Integrity 4.4: made for this purpose, at most a minute ahead of our clock, and not past its end. */
export function checkProofOptions(
  proof: IntegrityProof,
  { purpose, now, graceSeconds }: { purpose: KeyPurpose; now: Date; graceSeconds: number },
): void {
  if (proof.proofPurpose !== purpose) {
    throw new CredentialRefusal('proof_purpose', `The proof must be made for ${purpose}.`);
  }
  if (proof.created && proof.created.getTime() > now.getTime() + aheadMilliseconds) {
    throw new CredentialRefusal('proof_not_yet_valid', 'The proof was created in the future.');
  }
  if (proof.expires && proof.expires.getTime() + graceSeconds * 1000 <= now.getTime()) {
    throw new CredentialRefusal('proof_expired', 'The proof has expired.');
  }
}
