/**
 * Whether what was presented is what was asked for. The wallet has applied the query already, but it is not ours:
 * OpenID4VP 1.0 section 14.9 demands that the verifier checks every constraint itself, on content whose proof held.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.js';
import type { ClaimPath, ClaimsQuery, CredentialQuery, DcqlQuery, ExpandType } from './dcql.js';

/** A credential whose proof held, in the form that a query speaks of. */
export interface PresentedCredential {
  /** The Credential Format Identifier; undefined where OpenID4VP has none for it. */
  readonly format: string | undefined;
  /** What claim paths start at: the W3C credential, or the claims of an SD-JWT VC. */
  readonly root: JsonObject;
}

/** Why an answer is not what was asked for; none of them says anything about the person. */
export type Mismatch =
  | 'not_asked'
  | 'not_one'
  | 'empty'
  | 'repeated'
  | 'set_not_satisfied'
  | 'credential_missing'
  | 'format_differs'
  | 'type_differs'
  | 'claim_missing'
  | 'value_differs';

/** Section 7.1.1; undefined where the pointer leads nowhere, or meets another kind of value than it expects. */
export function selectClaims(root: JsonObject, path: ClaimPath): Json[] | undefined {
  let selected: Json[] = [root];
  for (const element of path) {
    const next = selectNext(selected, element);
    if (next === undefined || next.length === 0) return undefined;
    selected = next;
  }
  return selected;
}

function selectNext(selected: readonly Json[], element: string | number | null): Json[] | undefined {
  if (typeof element === 'string') {
    if (!selected.every(isJsonObject)) return undefined;
    return selected.flatMap((object) => (Object.hasOwn(object, element) ? [object[element] as Json] : []));
  }
  if (!selected.every(Array.isArray)) return undefined;
  const arrays = selected as readonly Json[][];
  return element === null
    ? arrays.flat(1)
    : arrays.flatMap((array) => (element < array.length ? [array[element] as Json] : []));
}

/** The first constraint of a Credential Query that a credential breaks. */
export function mismatchOf(
  query: CredentialQuery,
  credential: PresentedCredential,
  expand: ExpandType,
): Mismatch | undefined {
  if (credential.format !== query.format) return 'format_differs';
  if (!typeMatches(query, credential.root, expand)) return 'type_differs';
  return claimsMismatch(query, credential.root);
}

function typeMatches({ meta }: CredentialQuery, root: JsonObject, expand: ExpandType): boolean {
  if (meta.vct_values !== undefined) return meta.vct_values.includes(root['vct'] as string);
  const types = [root['type']].flat().filter((type) => typeof type === 'string');
  const known = new Set([...types, ...types.map(expand).filter((iri) => iri !== undefined)]);
  return (meta.type_values ?? []).some((wanted) => wanted.every((type) => known.has(type)));
}

/** Section 6.4.1: all claims, or all of one of the claim_sets. */
function claimsMismatch({ claims, claim_sets: sets }: CredentialQuery, root: JsonObject): Mismatch | undefined {
  if (claims === undefined) return undefined;
  if (sets === undefined) return firstMismatch(claims, root);
  const found = sets.map((set) =>
    firstMismatch(
      claims.filter(({ id }) => id !== undefined && set.includes(id)),
      root,
    ),
  );
  return found.includes(undefined) ? undefined : found[0];
}

function firstMismatch(claims: readonly ClaimsQuery[], root: JsonObject): Mismatch | undefined {
  return claims.map((claim) => claimMismatch(claim, root)).find((mismatch) => mismatch !== undefined);
}

/** Section 6.3: type and value must match exactly for one of the values. */
function claimMismatch({ path, values }: ClaimsQuery, root: JsonObject): Mismatch | undefined {
  const selected = selectClaims(root, path);
  if (selected === undefined) return 'claim_missing';
  if (values === undefined) return undefined;
  return selected.some((value) => values.includes(value as string)) ? undefined : 'value_differs';
}

/** As large as a passport may be, and twice: more than one copy of each. */
const maxPresentations = 64;

/** A vp_token that has the shape of an answer to the query (section 8.1). */
export type VpToken = Readonly<Record<string, readonly (string | JsonObject)[]>>;

/** What is wrong with the vp_token as a whole, and with which Credential Query. */
export interface TokenFault {
  readonly mismatch: Mismatch | 'malformed';
  readonly query?: string;
}

/** Checks what needs no key: exactly the ids that were asked for, and enough of them. */
export function readVpToken(query: DcqlQuery, value: unknown): { vpToken: VpToken } | { fault: TokenFault } {
  if (!isJsonObject(value)) return { fault: { mismatch: 'malformed' } };
  const entries = Object.entries(value);
  for (const [id, presentations] of entries) {
    const asked = query.credentials.find((credential) => credential.id === id);
    // Not repeated to the sender: the id is his own text.
    if (asked === undefined) return { fault: { mismatch: 'not_asked' } };
    const mismatch = entryMismatch(asked, presentations);
    if (mismatch !== undefined) return { fault: { mismatch, query: id } };
  }
  const vpToken = value as VpToken;
  if (Object.values(vpToken).flat().length > maxPresentations) return { fault: { mismatch: 'malformed' } };
  const fault = completenessFault(query, Object.keys(vpToken));
  return fault === undefined ? { vpToken } : { fault };
}

function entryMismatch(query: CredentialQuery, presentations: Json | undefined): Mismatch | 'malformed' | undefined {
  if (!Array.isArray(presentations)) return 'malformed';
  if (presentations.length === 0) return 'empty';
  // Section 8.1: an array with one Presentation unless `multiple` is true.
  if (presentations.length > 1 && query.multiple !== true) return 'not_one';
  const right = query.format === 'ldp_vc' ? isJsonObject : (item: Json) => typeof item === 'string';
  if (!presentations.every(right)) return 'format_differs';
  const texts = presentations.map((item) => JSON.stringify(item));
  return new Set(texts).size === texts.length ? undefined : 'repeated';
}

function completenessFault(
  { credentials, credential_sets: sets }: DcqlQuery,
  given: readonly string[],
): TokenFault | undefined {
  if (sets === undefined) {
    const missing = credentials.find(({ id }) => !given.includes(id));
    return missing && { mismatch: 'credential_missing', query: missing.id };
  }
  const satisfied = (option: readonly string[]) => option.every((id) => given.includes(id));
  const unsatisfied = sets.some(({ options, required }) => required !== false && !options.some(satisfied));
  if (unsatisfied) return { mismatch: 'set_not_satisfied' };
  // What belongs to no option that is complete was not asked for.
  const wanted = new Set(sets.flatMap(({ options }) => options.filter(satisfied).flat()));
  const extra = given.find((id) => !wanted.has(id));
  return extra === undefined ? undefined : { mismatch: 'not_asked', query: extra };
}
