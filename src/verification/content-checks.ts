/** What a signed credential says: its times, its schema and the rules of its type. Nothing here touches the network. */
import type { Catalogue, CredentialType, VerifiedCredential } from '../credential/credential.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { typesOf } from './issuer-check.js';
import { type Check, finding } from './report.js';

/** decisions.md 6: clocks differ, so a start may lie this far ahead; an end has no grace. */
const startGraceMilliseconds = 60_000;

/** More faults than this help nobody. */
const maxFaults = 20;

export function checkValidity(verified: VerifiedCredential, now: Date): Check {
  const { validFrom, validUntil } = verified;
  const evidence = { validFrom: validFrom?.toISOString(), validUntil: validUntil?.toISOString() };
  if (validFrom !== undefined && validUntil !== undefined && validUntil < validFrom) {
    return finding('validity_inverted', evidence);
  }
  const start = Math.max(...[validFrom, verified.signedAt, verified.issuedAt].map((date) => date?.getTime() ?? 0));
  if (start > now.getTime() + startGraceMilliseconds) return finding('not_yet_valid', evidence);
  if (validUntil !== undefined && validUntil <= now) return finding('expired', evidence);
  return finding('within_validity', evidence);
}

/** The one type of our catalogue that the credential claims, if it claims exactly one. */
export function catalogueTypes(catalogue: Catalogue, credential: JsonObject): CredentialType[] {
  const types = typesOf(credential).map((type) => catalogue.find(type));
  return types.filter((type): type is CredentialType => type !== undefined);
}

function checkReference(credential: JsonObject, type: CredentialType): Check | undefined {
  const reference = credential.credentialSchema;
  if (reference === undefined) return finding('schema_missing');
  if (!isJsonObject(reference)) return finding('schema_mismatch');
  if (reference.id !== type.schemaId || reference.type !== 'JsonSchema') {
    return finding('schema_mismatch', { expected: type.schemaId });
  }
  const digest = reference.digestSRI;
  return digest === undefined || digest === type.schemaDigestSri ? undefined : finding('schema_digest_mismatch');
}

/** The schema comes from the local catalogue, by the type and by digest; the address in the credential is only compared. */
export function checkSchema(
  catalogue: Catalogue,
  { credential, format }: Pick<VerifiedCredential, 'credential' | 'format'>,
): Check {
  const [type, ...others] = catalogueTypes(catalogue, credential);
  if (type === undefined) return finding('schema_unknown_type', { types: typesOf(credential).slice(0, 10) });
  if (others.length > 0) return finding('schema_ambiguous_type');
  const wrongReference = checkReference(credential, type);
  if (wrongReference !== undefined) return wrongReference;
  const faults = type.validate(credential, { disclosed: format === 'dc+sd-jwt' });
  if (faults.length > 0) {
    const told = faults.slice(0, maxFaults).map(({ path, detail }) => ({ path, detail }));
    return finding('schema_violation', { type: type.type, faults: told });
  }
  return finding('schema_satisfied', { type: type.type, schema: type.schemaId });
}

function subjectIds(credential: JsonObject): (string | undefined)[] {
  const subject = credential.credentialSubject;
  const subjects = Array.isArray(subject) ? subject : [subject];
  return subjects.map((item) => (isJsonObject(item) && typeof item.id === 'string' ? item.id : undefined));
}

/** decisions.md 3: every credential of a presentation must be about the presenter; a colleague's is refused. */
export function checkHolder(credential: JsonObject, holder: string): Check {
  const ids = subjectIds(credential);
  if (ids.length === 0 || ids.includes(undefined)) return finding('holder_subject_missing');
  return ids.every((id) => id === holder) ? finding('holder_is_subject') : finding('holder_not_subject');
}
