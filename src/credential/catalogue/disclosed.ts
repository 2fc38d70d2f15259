/**
 * Judging an SD-JWT VC by a schema that is written for whole credentials: what its holder has hidden must not count as
 * missing ("A Verifier MUST NOT treat absence of a selectively disclosable claim from a presentation as evidence that the
 * Issuer failed to include a mandatory claim", draft-ietf-oauth-sd-jwt-vc).
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.js';
import { tokenStatusType } from '../sd-jwt-vc.js';
import type { ClaimsPath } from './type-metadata.js';

/** What of the credential the schema may judge, and the members whose absence says nothing. */
export interface Disclosed {
  readonly credential: JsonObject;
  readonly pending: readonly string[];
}

/** The status has a form of its own in this format, which its own check judges. */
const judgedElsewhere = 'credentialStatus';

/**
 * A single entry of a Token Status List stands for every purpose, whatever the format (some wallets read no list of
 * entries in VCDM 1.1). The schemas know the two entries of Bitstring Status Lists only.
 */
export function withoutTokenStatus(credential: JsonObject): Disclosed {
  const { [judgedElsewhere]: status, ...rest } = credential;
  const single = isJsonObject(status) && status['type'] === tokenStatusType;
  return single ? { credential: rest, pending: [judgedElsewhere] } : { credential, pending: [] };
}

/** Leaves out lists of which no item is shown; an empty list would be too short. */
export function withoutHidden(credential: JsonObject, paths: readonly ClaimsPath[]): Disclosed {
  const { [judgedElsewhere]: _, ...rest } = credential;
  const subject = rest['credentialSubject'];
  if (!isJsonObject(subject)) return { credential: rest, pending: [judgedElsewhere] };
  const emptied = paths.filter((path) => path.at(-1) === null).map((path) => path.slice(0, -1));
  const hidden = paths.filter((path) => path.at(-1) !== null);
  const dropped = emptied.filter((path) => isEmptyList(valueAt(subject, path)));
  const credentialSubject = dropped.reduce<JsonObject>((value, path) => without(value, path), subject);
  const pending = [...hidden, ...dropped].map((path) => ['credentialSubject', ...path].join('/'));
  return { credential: { ...rest, credentialSubject }, pending: [judgedElsewhere, ...pending] };
}

function isEmptyList(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}

function valueAt(value: Json | undefined, path: ClaimsPath): Json | undefined {
  return path.reduce<Json | undefined>(
    (inner, name) => (isJsonObject(inner) && name !== null && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );
}

function without(object: JsonObject, [name, ...rest]: ClaimsPath): JsonObject {
  if (name === undefined || name === null) return object;
  const { [name]: member, ...others } = object;
  return rest.length === 0 || !isJsonObject(member) ? others : { ...object, [name]: without(member, rest) };
}
