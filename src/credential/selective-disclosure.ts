/**
 * ecdsa-sd-2023 (vc-di-ecdsa 3.4 and 3.5): the issuer signs the mandatory statements together and each other one by
 * itself, with a key made for this proof; the holder passes on what they choose. Blank nodes are labelled by HMAC, so
 * that a verifier cannot tell from a label how many statements were withheld.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { base58 } from '@scure/base';
import { ServiceError } from '../errors.js';
import { createProofSecrets, type ProofSecrets } from '../identity/identity.js';
import { JoseError } from '../jose/errors.js';
import { verifyBytes } from '../jose/jws.js';
import { importMultikey, type VerificationKey } from '../jose/keys.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { Transformations } from './canonicalisation.js';
import { asArray } from './data-model.js';
import { refuseCanonicalisation } from './faults.js';
import { selectMembers } from './pointers.js';
import type { ProveRequest, VerifyRequest } from './proof-request.js';
import { CredentialRefusal } from './refusals.js';
import {
  type BaseProofValue,
  maxStatements,
  parseBaseProofValue,
  parseDisclosureProofValue,
  serializeBaseProofValue,
  serializeDisclosureProofValue,
} from './sd-proof-value.js';

/** What is signed: the mandatory statements by the issuer's key, the others one by one. */
export interface SignedParts {
  readonly proofHash: Buffer;
  readonly mandatoryHash: Buffer;
  readonly mandatory: readonly string[];
  readonly nonMandatory: readonly string[];
}

export async function signedPartsOf(
  transformations: Transformations,
  options: JsonObject,
  { statements, mandatoryIndexes }: { statements: readonly string[]; mandatoryIndexes: readonly number[] },
): Promise<SignedParts> {
  const chosen = new Set(mandatoryIndexes);
  const mandatory = statements.filter((_statement, index) => chosen.has(index));
  const nonMandatory = statements.filter((_statement, index) => !chosen.has(index));
  const proofHash = sha256(await refuseCanonicalisation(transformations.canonicalise({ document: options })));
  return { proofHash, mandatoryHash: sha256(mandatory.join('')), mandatory, nonMandatory };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** vc-di-ecdsa 3.5.1: proof configuration, the proof's own key, mandatory statements. */
function baseData({ proofHash, mandatoryHash }: SignedParts, publicKey: Uint8Array): Buffer {
  return Buffer.concat([proofHash, publicKey, mandatoryHash]);
}

/** Answers with the base proof, which the holder derives others from. */
export async function proveSelectively(
  transformations: Transformations,
  request: Omit<ProveRequest, 'algorithm'>,
  secrets: ProofSecrets = createProofSecrets(),
): Promise<string> {
  const { document, mandatoryPointers = [] } = request;
  const pointers = [...new Set([...mandatoryPointers, ...indispensable(document)])];
  return serializeBaseProofValue(
    await createBaseProof(transformations, { ...request, mandatoryPointers: pointers }, secrets),
  );
}

/** vc-di-ecdsa 3.6.1 to 3.6.5, with these pointers and no others. */
export async function createBaseProof(
  transformations: Transformations,
  { document, options, sign, mandatoryPointers }: Omit<ProveRequest, 'algorithm'> & { mandatoryPointers: string[] },
  secrets: ProofSecrets,
): Promise<BaseProofValue> {
  selectMembers(document, mandatoryPointers);
  const { hmacKey, publicKey } = secrets;
  const groups = { mandatory: mandatoryPointers };
  const grouped = await refuseCanonicalisation(transformations.groupStatements({ document, hmacKey, groups }));
  const mandatoryIndexes = grouped.groups['mandatory']?.indexes ?? [];
  const parts = await signedPartsOf(transformations, options, { statements: grouped.statements, mandatoryIndexes });
  if (grouped.statements.length > maxStatements) {
    throw new ServiceError('invalid_credential', `A credential of this suite has ${maxStatements} statements at most.`);
  }
  const signatures: Uint8Array[] = [];
  for (const [index, statement] of parts.nonMandatory.entries()) {
    await breathe(index);
    signatures.push(await secrets.sign(Buffer.from(statement)));
  }
  return { baseSignature: await sign(baseData(parts, publicKey)), publicKey, hmacKey, signatures, mandatoryPointers };
}

/** Signatures in one go; about 5 ms. */
const atOnce = 32;

/** Lets others have their turn. */
async function breathe(index: number): Promise<void> {
  if (index % atOnce === atOnce - 1) await setImmediate();
}

/** Members without which a disclosure would say more than the credential does, for it might have been withdrawn. */
const alwaysShown = [
  'issuer',
  'validFrom',
  'validUntil',
  'issuanceDate',
  'expirationDate',
  'credentialStatus',
  'credentialSchema',
  'termsOfUse',
] as const;

/** What a holder may not leave out, in every credential: above all its end, its status, and whom it is about. */
function indispensable(document: JsonObject): string[] {
  const members = alwaysShown.filter((name) => document[name] !== undefined).map((name) => `/${name}`);
  const { credentialSubject: subject } = document;
  const subjects = asArray(subject).flatMap((one, index) => {
    const path = Array.isArray(subject) ? `/credentialSubject/${index}` : '/credentialSubject';
    return isJsonObject(one) && one['id'] !== undefined ? [`${path}/id`] : [];
  });
  return [...members, ...subjects];
}

/** The credential with what was chosen of it and what is mandatory, under a derived proof (vc-di-ecdsa 3.6.6). */
export async function deriveDocument(
  transformations: Transformations,
  {
    document,
    proof,
    selectivePointers,
  }: { document: JsonObject; proof: JsonObject; selectivePointers: readonly string[] },
): Promise<JsonObject> {
  const { proofValue, ...stated } = proof;
  const { disclosed, value } = await discloseProof(transformations, {
    document,
    base: parseBaseProofValue(proofValue),
    selectivePointers,
  });
  return { ...disclosed, proof: { ...stated, proofValue: serializeDisclosureProofValue(value) } };
}

/** vc-di-ecdsa 3.5.6. */
export async function discloseProof(
  transformations: Transformations,
  {
    document,
    base,
    selectivePointers,
  }: { document: JsonObject; base: BaseProofValue; selectivePointers: readonly string[] },
) {
  const combined = [...base.mandatoryPointers, ...selectivePointers];
  const disclosed = selectMembers(document, combined);
  if (disclosed === undefined)
    throw new ServiceError('invalid_request', 'Nothing was chosen and nothing is mandatory.');
  const { hmacKey } = base;
  const groups = { mandatory: base.mandatoryPointers, selective: selectivePointers, combined };
  const grouped = await refuseCanonicalisation(transformations.groupStatements({ document, hmacKey, groups }));
  const indexes = (name: string) => grouped.groups[name]?.indexes ?? [];
  const [mandatory, selective] = [new Set(indexes('mandatory')), new Set(indexes('selective'))];
  const nonMandatory = grouped.statements.map((_statement, index) => index).filter((index) => !mandatory.has(index));
  if (nonMandatory.length !== base.signatures.length) {
    throw new CredentialRefusal('proof_value_malformed', 'The base proof does not belong to this credential.');
  }
  const value = {
    baseSignature: base.baseSignature,
    publicKey: base.publicKey,
    signatures: base.signatures.filter((_signature, place) => selective.has(nonMandatory[place] ?? -1)),
    labels: grouped.groups['combined']?.labels ?? new Map<string, string>(),
    mandatoryIndexes: indexes('combined').flatMap((index, place) => (mandatory.has(index) ? [place] : [])),
  };
  return { disclosed, value, grouped };
}

/** Whether the issuer signed all that is disclosed; a base proof is refused, for it discloses how to derive others. */
export async function verifySelectively(
  transformations: Transformations,
  { document, options, key, proofValue }: VerifyRequest,
): Promise<boolean> {
  const value = parseDisclosureProofValue(proofValue);
  const own = importProofKey(value.publicKey);
  const { labels, mandatoryIndexes, signatures } = value;
  const statements = await refuseCanonicalisation(transformations.relabelStatements({ document, labels }));
  if (mandatoryIndexes.some((index) => index >= statements.length)) {
    throw new CredentialRefusal('proof_value_malformed', 'The proofValue names a statement that is not there.');
  }
  const parts = await signedPartsOf(transformations, options, { statements, mandatoryIndexes });
  if (parts.nonMandatory.length !== signatures.length) {
    const detail = 'The number of signatures is not that of the statements that are not mandatory.';
    throw new CredentialRefusal('proof_value_malformed', detail);
  }
  if (!verifyBytes(key, baseData(parts, value.publicKey), value.baseSignature)) return false;
  for (const [index, statement] of parts.nonMandatory.entries()) {
    await breathe(index);
    if (!verifyBytes(own, Buffer.from(statement), signatures[index] ?? new Uint8Array())) return false;
  }
  return true;
}

function importProofKey(multikey: Uint8Array): VerificationKey {
  try {
    const key = importMultikey(`z${base58.encode(multikey)}`);
    if (key.algorithm === 'ES256') return key;
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
  }
  throw new CredentialRefusal('proof_value_malformed', 'The proofValue holds no P-256 key.');
}
