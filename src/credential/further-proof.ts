/**
 * A proof for a document that may have some already (Data Integrity 1.0 4.3): in a set it stands beside them, in a chain
 * it covers those that no other covers yet. Whether they hold is for whoever verifies the whole: one that does not
 * refuses it.
 */
import { createHash } from 'node:crypto';
import type { Fault } from '../errors.js';
import { canonicalJson, type JsonObject } from '../json.js';
import { isCryptosuite, proofSuites } from './cryptosuites.js';
import { documentUnder, maxProofs, readSecuredCredential, type SecuredDocument } from './integrity-proof.js';
import { CredentialRefusal } from './refusals.js';

/** What becomes of a credential that has a proof already (VCALM 1.0, issue credential). */
export type ExistingProof = 'error' | 'set' | 'chain';

/** Where a new proof stands. */
export interface ProofPlace {
  readonly unsecured: JsonObject;
  readonly before: readonly JsonObject[];
  /** What the new proof covers: the document, in a chain with the proofs before. */
  readonly covered: JsonObject;
  /** What it says of its place. */
  readonly members: JsonObject;
}

/** Whether credentials of this format carry proofs that others can stand beside; a base proof is only for its holder. */
export function takesFurtherProofs(format: string): boolean {
  return isCryptosuite(format) && proofSuites[format].transformation !== 'selective';
}

/** Why a credential cannot be given a proof, if it has one: every fault. */
export function checkExistingProof(credential: JsonObject, existingProof: ExistingProof): readonly Fault[] {
  try {
    placeProof(credential, existingProof);
    return [];
  } catch (error) {
    if (!(error instanceof CredentialRefusal)) throw error;
    const detail = `takes no further proof: ${error.message.replace(/\.$/, '')}`;
    return error.faults.length > 0 ? error.faults : [{ path: '/proof', detail }];
  }
}

/** The place of a new proof; throws CredentialRefusal for proofs that it cannot be added to. */
export function placeProof(credential: JsonObject, existingProof: ExistingProof): ProofPlace {
  const chained = existingProof === 'chain';
  if (credential['proof'] === undefined) {
    const members = chained ? { id: idOver(credential) } : {};
    return { unsecured: credential, before: [], covered: credential, members };
  }
  if (existingProof === 'error') throw malformed('must not be there before signing');
  const secured = readSecuredCredential(credential);
  const { unsecured, proofs } = secured;
  if (proofs.length >= maxProofs) {
    throw new CredentialRefusal('proof_count', `No more than ${maxProofs} proofs are accepted.`);
  }
  const before = proofs.map(({ proof }) => proof);
  if (!chained) return { unsecured, before, covered: unsecured, members: {} };
  const previous = endsOf(secured);
  const covered = documentUnder({ previousProof: previous }, secured);
  const previousProof = previous.length === 1 ? (previous[0] ?? '') : [...previous];
  return { unsecured, before, covered, members: { id: idOver(covered), previousProof } };
}

/** The proofs that no other names as a previous one: through them a new proof covers all. */
function endsOf({ proofs }: Pick<SecuredDocument, 'proofs'>): readonly string[] {
  const named = new Set(proofs.flatMap(({ previousProof }) => previousProof));
  const ends = proofs.map(({ proof: { id } }) => id).filter((id) => typeof id !== 'string' || !named.has(id));
  const ids = ends.filter((id) => typeof id === 'string');
  if (ids.length === ends.length && ids.length > 0) return ids;
  throw malformed(ids.length < ends.length ? 'must have an id, by which a chain names it' : 'must not form a circle');
}

function malformed(detail: string): CredentialRefusal {
  return new CredentialRefusal('proof_malformed', `/proof ${detail}.`, { faults: [{ path: '/proof', detail }] });
}

/** By what the next proof will name this one: a UUID of version 8 (RFC 9562 5.8), unlike all over other proofs. */
function idOver(covered: JsonObject): string {
  const hex = createHash('sha256').update(canonicalJson(covered)).digest().subarray(0, 16);
  hex[6] = ((hex[6] ?? 0) & 0x0f) | 0x80;
  hex[8] = ((hex[8] ?? 0) & 0x3f) | 0x80;
  return `urn:uuid:${hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
}
