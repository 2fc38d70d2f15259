/**
 * Data Integrity 1.0 proofs: reading the proofs of a document, alone, as a set or as a chain (2.1), and checking what
 * they state. What differs between suites is a row of cryptosuites.ts.
 */
import type { Fault } from '../errors.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { type ProofSuite, suiteOf } from './cryptosuites.js';
import { asArray, checkDataModel, checkPresentationModel, dataModelOf, idOf, isAbsoluteUrl } from './data-model.js';
import { parseDateTime } from './dates.js';
import type { DataModelVersion } from './formats.js';
import { didOf, type KeyPurpose } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';
import { refuseFaults } from './token.js';

/** A proof of a suite that is spoken here; nothing in it is believed yet. */
export interface IntegrityProof {
  readonly suite: ProofSuite;
  readonly verificationMethod: string;
  /** The DID that the verification method belongs to. */
  readonly controller: string;
  readonly created?: Date;
  readonly expires?: Date;
  readonly challenge: Json | undefined;
  readonly domain: Json | undefined;
  readonly proofPurpose: Json | undefined;
  readonly proofValue: Json | undefined;
  /** The ids of the proofs that this one covers, too. */
  readonly previousProof: readonly string[];
  /** The proof as it stands, and without its value. */
  readonly proof: JsonObject;
  readonly stated: JsonObject;
}

/** A document taken apart. */
export interface SecuredDocument {
  readonly unsecured: JsonObject;
  /** At least one; each must verify. */
  readonly proofs: readonly IntegrityProof[];
  readonly dataModel: DataModelVersion;
}

type ModelCheck = (document: JsonObject, version: DataModelVersion) => Fault[];

/** Reads a credential with its proofs; throws CredentialRefusal. */
export function readSecuredCredential(document: JsonObject): SecuredDocument {
  return takeApart(document, checkDataModel);
}

/** Reads a presentation with its proofs; throws CredentialRefusal. */
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
  return { unsecured, proofs: readProofs(proof), dataModel };
}

/** Each proof costs a signature check and perhaps a canonical form; nobody has a reason for more than a few. */
export const maxProofs = 8;

function readProofs(proof: Json | undefined): IntegrityProof[] {
  if (proof === null) throw malformed('proof', 'must be an object');
  const stated = asArray(proof);
  if (stated.length === 0 || stated.length > maxProofs) {
    throw new CredentialRefusal('proof_count', `From one to ${maxProofs} proofs are accepted.`);
  }
  const proofs = stated.map((one, index) => readProof(one, stated.length === 1 ? 'proof' : `proof/${index}`));
  const ids = proofs.map(({ proof: { id } }) => id).filter((id) => id !== undefined);
  if (new Set(ids).size < ids.length) throw malformed('proof', 'must not give two proofs the same id');
  return proofs;
}

/** Shape first, then suite, then the name of the key: the order in which a verdict reports its checks. */
function readProof(proof: Json, path: string): IntegrityProof {
  if (!isJsonObject(proof)) throw malformed(path, 'must be an object');
  const { proofValue, ...stated } = proof;
  const times = { ...readTime(stated, path, 'created'), ...readTime(stated, path, 'expires') };
  const previousProof = readPrevious(stated['previousProof'], path);
  const { id } = stated;
  if (id !== undefined && !isAbsoluteUrl(id)) throw malformed(`${path}/id`, 'must be an absolute URL');
  const { type, cryptosuite, verificationMethod, proofPurpose, challenge, domain } = stated;
  const suite = suiteOf(type, cryptosuite);
  if (suite === undefined) {
    throw new CredentialRefusal('cryptosuite_unknown', 'The proof is not of a cryptosuite that is spoken here.');
  }
  const named = { suite, verificationMethod: verificationMethod as string, controller: didOf(verificationMethod) };
  return { ...named, ...times, challenge, domain, proofPurpose, proofValue, previousProof, proof, stated };
}

/**
 * Data Integrity 1.0 2.1: a dateTimeStamp; one that was written without an offset may be taken as UTC. The date is
 * signed as it stands, so this gives nobody a choice.
 */
function readTime(proof: JsonObject, path: string, name: 'created' | 'expires'): { created?: Date; expires?: Date } {
  const text = proof[name];
  if (text === undefined) return {};
  const date = parseDateTime(text) ?? parseDateTime(`${String(text)}Z`);
  if (date === undefined) throw malformed(`${path}/${name}`, 'must be a date and time such as 2026-11-21T09:00:00Z');
  return { [name]: date };
}

function readPrevious(previous: Json | undefined, path: string): readonly string[] {
  const ids = asArray(previous);
  const texts = ids.filter((id) => typeof id === 'string');
  if (texts.length === ids.length && texts.length <= maxProofs) return texts;
  throw malformed(`${path}/previousProof`, 'must hold ids of proofs');
}

function malformed(path: string, detail: string): CredentialRefusal {
  return new CredentialRefusal('proof_malformed', `/${path} ${detail}.`, { faults: [{ path: `/${path}`, detail }] });
}

/** The proof that counts for a DID: its own, if there is one among them. */
export function primaryProof(proofs: readonly IntegrityProof[], did: string | undefined): IntegrityProof {
  const [first] = proofs;
  const primary = proofs.find(({ controller }) => controller === did) ?? first;
  if (primary === undefined) throw new CredentialRefusal('proof_count', 'There is no proof.');
  return primary;
}

/** What a proof covers: the document, with the proofs that it names as previous ones (Data Integrity 1.0 4.5). */
export function documentUnder(
  { previousProof }: Pick<IntegrityProof, 'previousProof'>,
  { unsecured, proofs }: Pick<SecuredDocument, 'unsecured' | 'proofs'>,
): JsonObject {
  if (previousProof.length === 0) return unsecured;
  const known = new Set(proofs.map(({ proof: { id } }) => id));
  if (!previousProof.every((id) => known.has(id))) {
    throw new CredentialRefusal('previous_proof_unknown', 'A proof names a previous proof that is not there.');
  }
  const previous = proofs.filter(({ proof: { id } }) => typeof id === 'string' && previousProof.includes(id));
  return { ...unsecured, proof: previous.map(({ proof }) => proof) };
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
