/**
 * What wallets show of a type and its claims, from the published schema, and the same as SD-JWT VC type metadata
 * (draft-ietf-oauth-sd-jwt-vc, "Type Metadata"): the document at `vct`, which credentials pin by its digest.
 */
import { createHash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../../json.js';

/** A claims path pointer: names of members, and null for every item of a list. */
export type ClaimsPath = readonly (string | null)[];

/** A type in one language. */
export interface TypeDisplay {
  readonly locale: string;
  readonly name: string;
  readonly description: string;
}

/** A claim about the person, in the order of the schema. */
export interface ClaimMetadata {
  /** Below credentialSubject. */
  readonly path: ClaimsPath;
  readonly display: readonly { readonly locale: string; readonly label: string; readonly description: string }[];
  /** Whether every credential of the type has it. */
  readonly mandatory: boolean;
  /** Whether SD-JWT hides this very claim until its holder shows it. */
  readonly selectivelyDisclosable: boolean;
}

/** What a credential of the type needs beside its content to be secured as SD-JWT VC. */
export interface SdJwtVcType {
  readonly vct: string;
  readonly integrity: string;
  /** Paths below credentialSubject. */
  readonly selectivelyDisclosable: readonly ClaimsPath[];
}

/** The language of the schemas. */
const locale = 'en-GB';

/** The type in every language that its schema has words in. */
export function displayOf(schema: JsonObject): TypeDisplay[] {
  return [{ locale, name: String(schema['title']), description: String(schema['description']) }];
}

/** `diseases[*]` in the catalogue is every item of the list. */
export function toClaimsPath(path: string): ClaimsPath {
  return path.split('.').flatMap((part) => (part.endsWith('[*]') ? [part.slice(0, -3), null] : [part]));
}

/** The claims of a type; the id of its subject is the holder's key and no claim to be shown. */
export function claimsOf(schema: JsonObject, selectivelyDisclosable: readonly ClaimsPath[]): ClaimMetadata[] {
  const hidden = new Set(selectivelyDisclosable.map((path) => JSON.stringify(path)));
  const subject = isJsonObject(schema['properties']) ? schema['properties']['credentialSubject'] : undefined;
  return describe(subject, [], true).flatMap(({ path, schema: claim, mandatory }) => {
    if (path.length === 1 && path[0] === 'id') return [];
    const words = { locale, label: String(claim['title']), description: String(claim['description']) };
    return [{ path, display: [words], mandatory, selectivelyDisclosable: hidden.has(JSON.stringify(path)) }];
  });
}

interface Described {
  readonly path: ClaimsPath;
  readonly schema: JsonObject;
  readonly mandatory: boolean;
}

/**
 * Objects and lists are walked; alternatives are not, for a path that meets a text where it expects an object makes
 * the whole document unusable (draft-ietf-oauth-sd-jwt-vc, "Processing of path").
 */
function describe(schema: Json | undefined, path: ClaimsPath, mandatory: boolean): Described[] {
  if (!isJsonObject(schema)) return [];
  const { properties, items, required, title } = schema;
  if (isJsonObject(items)) {
    const each = [...path, null];
    const item = typeof items['title'] === 'string' ? items : { title: title ?? '', description: '' };
    return [{ path: each, schema: item, mandatory: false }, ...describe(items, each, false)];
  }
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, member]) => {
    if (!isJsonObject(member)) return [];
    const here = [...path, name];
    const needed = mandatory && Array.isArray(required) && required.includes(name);
    return [{ path: here, schema: member, mandatory: needed }, ...describe(member, here, needed)];
  });
}

/** The parts of a type that its metadata is made of. */
export interface MetadataFacts {
  readonly vct: string;
  readonly type: string;
  readonly display: readonly TypeDisplay[];
  readonly claims: readonly ClaimMetadata[];
  readonly schema: { readonly id: string; readonly digestSri: string };
}

/** The document at `vct`. It names the schema with its digest, so that whoever pins the one has pinned the other. */
export function typeMetadata({ vct, type, display, claims, schema }: MetadataFacts): { text: string; digest: string } {
  const [first] = display;
  const document = {
    vct,
    name: type,
    description: first?.description ?? '',
    schema_uri: schema.id,
    'schema_uri#integrity': schema.digestSri,
    display,
    claims: claims.map(({ selectivelyDisclosable, ...claim }) => ({
      ...claim,
      sd: selectivelyDisclosable ? 'always' : 'never',
    })),
  };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  return { text, digest: `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}` };
}
