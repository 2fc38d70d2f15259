/** The catalogue as JSON for programs: the view of each type, made once. The pages for people are made from the same view. */
import { isJsonObject, type JsonObject } from '../../json.js';
import type { Catalogue, CredentialType } from './catalogue.js';
import { declaredMembers } from './schema-tree.js';

/** One claim as a reader wants to see it. */
export interface ClaimView {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly form: string;
  readonly required: boolean;
  readonly selectivelyDisclosable: boolean;
}

export interface TypeView {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly version: number;
  readonly status: string;
  readonly issuerKinds: readonly string[];
  readonly relianceMode: string;
  readonly schema: { readonly id: string; readonly digestSRI: string };
  readonly contexts: CredentialType['contexts'];
  readonly claims: readonly ClaimView[];
  readonly rules: readonly string[];
  readonly example: JsonObject;
}

export interface CatalogueView {
  readonly types: readonly TypeView[];
  readonly coreSkills: string;
  readonly vocabulary: string;
}

export function viewCatalogue(catalogue: Catalogue, baseUrl: string): CatalogueView {
  return {
    types: catalogue.types.map(viewType),
    coreSkills: `${baseUrl}/schemas/core-skills/v1.json`,
    vocabulary: `${baseUrl}/vocabulary`,
  };
}

function viewType(type: CredentialType): TypeView {
  return {
    type: type.type,
    title: type.title,
    description: type.description,
    version: type.version,
    status: type.status,
    issuerKinds: type.issuerKinds,
    relianceMode: type.relianceMode,
    schema: { id: type.schemaId, digestSRI: type.schemaDigestSri },
    contexts: type.contexts,
    claims: claimsOf(type),
    rules: type.rules.map((rule) => rule.text),
    example: type.example,
  };
}

function claimsOf(type: CredentialType): ClaimView[] {
  const disclosable = new Set(type.selectivelyDisclosable.map((path) => path.replaceAll('[*]', '')));
  return [...declaredMembers(type.schema)]
    .filter(({ path }) => path[0] === 'credentialSubject' && path.length > 1)
    .map(({ path, schema, required }) => ({
      name: path.slice(1).join('.'),
      title: String(schema['title']),
      description: String(schema['description']),
      form: formOf(schema),
      required,
      selectivelyDisclosable: disclosable.has(path[1] ?? ''),
    }));
}

const forms: readonly (readonly [keyword: string, words: (value: unknown) => string])[] = [
  ['const', (value) => `always ${String(value)}`],
  ['enum', (value) => `one of ${Array.isArray(value) ? value.join(', ') : ''}`],
  ['format', (value) => String(value)],
  ['pattern', (value) => `text of the form ${String(value)}`],
];

const typeForms: Readonly<Record<string, string>> = { boolean: 'true or false', object: 'group of members' };

/** How a value looks, in words; the exact rule is in the schema. */
function formOf(schema: JsonObject): string {
  if (isJsonObject(schema['items'])) return `list of up to ${String(schema['maxItems'])}: ${formOf(schema['items'])}`;
  if (typeof schema['maxLength'] === 'number' && schema['format'] === undefined) {
    return `text of up to ${schema['maxLength']} characters`;
  }
  const row = forms.find(([keyword]) => schema[keyword] !== undefined);
  return row ? row[1](schema[row[0]]) : (typeForms[String(schema['type'])] ?? 'text');
}
