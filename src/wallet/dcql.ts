/** Which credentials answer a DCQL query (OpenID4VP 1.0 section 6): as few of them, and as little of each, as it asks for. */
import { ServiceError } from '../errors.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { claimsOf, valuesAt } from './held-credential.js';
import type { HeldCredential } from './wallet-file.js';

/** A path to a claim (section 7). */
export type Path = readonly (string | number | null)[];

/** One credential that answers one part of the query, with the claims that were asked for. */
export interface Answer {
  readonly queryId: string;
  readonly held: HeldCredential;
  readonly paths: readonly Path[];
}

/** Answers the whole query, or throws naming what this wallet lacks. */
export function answerQuery(query: JsonObject, credentials: readonly HeldCredential[]): readonly Answer[] {
  const parts = Array.isArray(query.credentials) ? query.credentials.filter(isJsonObject) : [];
  const found = new Map(parts.map((part) => [String(part.id), answersTo(part, credentials)]));
  const wanted = wantedIds(query, found);
  return wanted.flatMap((id) => found.get(id) ?? []);
}

/** Without credential_sets everything is wanted; with them, of each set the first option that can be answered (6.2). */
function wantedIds(query: JsonObject, found: ReadonlyMap<string, readonly Answer[]>): string[] {
  const has = (id: string) => (found.get(id)?.length ?? 0) > 0;
  const sets = Array.isArray(query.credential_sets) ? query.credential_sets.filter(isJsonObject) : undefined;
  if (sets === undefined) {
    const missing = [...found.keys()].filter((id) => !has(id));
    if (missing.length > 0) throw lacking(missing);
    return [...found.keys()];
  }
  const chosen = sets.flatMap((set) => {
    const options = Array.isArray(set.options) ? (set.options as string[][]) : [];
    const option = options.find((ids) => ids.every(has));
    if (option === undefined && set.required !== false) throw lacking(options.map((ids) => ids.join(' and ')));
    return option ?? [];
  });
  return [...new Set(chosen)];
}

function lacking(names: readonly string[]): ServiceError {
  return new ServiceError('invalid_request', `This wallet holds nothing for what is asked: ${names.join(', ')}.`);
}

/** `multiple` lets every credential answer; otherwise the one that was received last. */
function answersTo(part: JsonObject, credentials: readonly HeldCredential[]): readonly Answer[] {
  const matching = credentials.toReversed().flatMap((held): Answer[] => {
    const paths = held.format === part.format && isOfKind(part.meta, held) ? pathsAsked(part, held) : undefined;
    return paths === undefined ? [] : [{ queryId: String(part.id), held, paths }];
  });
  return part.multiple === true ? matching : matching.slice(0, 1);
}

function isOfKind(meta: Json | undefined, { credential }: HeldCredential): boolean {
  const { vct_values: kinds, type_values: sets } = isJsonObject(meta) ? meta : {};
  const claims = claimsOf(credential);
  if (Array.isArray(kinds)) return typeof claims.vct === 'string' && kinds.includes(claims.vct);
  if (!Array.isArray(sets)) return true;
  const types = Array.isArray(claims.type) ? claims.type : [claims.type];
  return sets.some((set) => Array.isArray(set) && set.every((name) => types.some((type) => isSameType(name, type))));
}

/** Queries name types in short or as expanded IRIs (appendix B.1.1). */
function isSameType(asked: Json, type: Json | undefined): boolean {
  return (
    typeof asked === 'string' && typeof type === 'string' && (asked === type || /[^#/]*$/.exec(asked)?.[0] === type)
  );
}

/** The paths to show; undefined when the credential lacks one. claim_sets: the first that it has (6.4.1). */
function pathsAsked(part: JsonObject, { credential }: HeldCredential): readonly Path[] | undefined {
  const asked = Array.isArray(part.claims) ? part.claims.filter(isJsonObject) : [];
  const claims = claimsOf(credential);
  const fulfilled = (claim: JsonObject) => {
    const values = valuesAt(claims, claim.path as Path);
    const accepted = Array.isArray(claim.values) ? claim.values : undefined;
    return values.some((value) => accepted === undefined || accepted.includes(value));
  };
  const sets = Array.isArray(part.claim_sets) ? (part.claim_sets as string[][]) : [asked.map(({ id }) => String(id))];
  if (!Array.isArray(part.claim_sets))
    return asked.every(fulfilled) ? asked.map(({ path }) => path as Path) : undefined;
  const chosen = sets
    .map((ids) => asked.filter(({ id }) => ids.includes(String(id))))
    .find((candidates) => candidates.every(fulfilled));
  return chosen?.map(({ path }) => path as Path);
}
