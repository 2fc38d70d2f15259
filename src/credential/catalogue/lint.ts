/**
 * What every published schema, context and example must keep to (domain: data minimisation; decisions 14 and 15). A catalogue
 * that breaks a rule does not load, so a service never publishes or signs under it. Each rule answers with sentences.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.js';
import { patternProblem } from './linear-pattern.js';
import { declaredMembers, namesIn, objectsIn } from './schema-tree.js';

/** Names that must not appear: `contains` anywhere in a name, `equals` as the whole name. */
export interface ForbiddenNames {
  readonly contains: readonly string[];
  readonly equals: readonly string[];
}

export interface ContextRules {
  readonly vocabulary: string;
  /** Terms of the W3C contexts that this context is used with. */
  readonly reserved: ReadonlySet<string>;
}

/** Lower case without separators: nhsNumber, NHS_number and nhs-number are one name. */
export function normalisedName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function isForbidden(name: string, forbidden: ForbiddenNames): boolean {
  const normalised = normalisedName(name);
  return forbidden.equals.includes(normalised) || forbidden.contains.some((part) => normalised.includes(part));
}

/** Names that a schema, a context or an example must not use. */
export function forbiddenNames(names: Iterable<string>, forbidden: ForbiddenNames): string[] {
  const found = [...new Set(names)].filter((name) => isForbidden(name, forbidden));
  return found.map((name) => `${name} must not be in a credential`);
}

/** Every member name of a JSON value, at any depth. */
export function* memberNames(value: Json): Generator<string> {
  for (const node of objectsIn(value)) yield* Object.keys(node);
}

/** A schema: closed, titled, bounded, linear, and complete in one file. */
export function schemaProblems(schema: JsonObject, forbidden: ForbiddenNames): string[] {
  return [
    ...forbiddenNames(namesIn(schema), forbidden),
    ...[...patternsIn(schema)].flatMap((pattern) => problemOf(pattern, patternProblem(pattern))),
    ...[...referencesIn(schema)].map((reference) => `$ref ${reference} leaves the file`),
    ...objectProblems('the credential', schema),
    ...[...declaredMembers(schema)].flatMap(({ path, schema: member }) => memberProblems(path.join('/'), member)),
  ];
}

function problemOf(subject: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${subject} ${problem}`];
}

function* patternsIn(schema: JsonObject): Generator<string> {
  for (const node of objectsIn(schema)) {
    if (typeof node['pattern'] === 'string') yield node['pattern'];
    if (isJsonObject(node['patternProperties'])) yield* Object.keys(node['patternProperties']);
  }
}

function* referencesIn(schema: JsonObject): Generator<string> {
  for (const node of objectsIn(schema)) {
    for (const keyword of ['$ref', '$dynamicRef']) {
      const reference = node[keyword];
      if (typeof reference === 'string' && !reference.startsWith('#')) yield reference;
    }
  }
}

function memberProblems(path: string, schema: JsonObject): string[] {
  const texts = ['title', 'description'].filter(
    (keyword) => typeof schema[keyword] !== 'string' || schema[keyword] === '',
  );
  const items = isJsonObject(schema['items']) ? objectProblems(`${path} item`, schema['items']) : [];
  return [
    ...texts.map((keyword) => `${path} has no ${keyword}`),
    ...objectProblems(path, schema),
    ...items,
    ...boundProblems(path, schema),
  ];
}

// A Data Integrity proof is not ours to close: its suite decides its members, and verification reads it strictly.
const openMembers: ReadonlySet<string> = new Set(['proof']);

function objectProblems(path: string, schema: JsonObject): string[] {
  if (openMembers.has(path)) return [];
  const types = [schema['type']].flat();
  const isClosed = schema['unevaluatedProperties'] === false || schema['additionalProperties'] === false;
  return types.includes('object') && !isClosed ? [`${path} is an open object`] : [];
}

function boundProblems(path: string, schema: JsonObject): string[] {
  const unbounded: string[] = [];
  if (schema['type'] === 'string' && !isBoundedString(schema))
    unbounded.push(`${path} is a text without a greatest length`);
  if (schema['type'] === 'array' && typeof schema['maxItems'] !== 'number')
    unbounded.push(`${path} is a list without a greatest length`);
  return unbounded;
}

function isBoundedString(schema: JsonObject): boolean {
  if (typeof schema['maxLength'] === 'number' || 'enum' in schema || 'const' in schema) return true;
  const pattern = schema['pattern'];
  return (
    typeof pattern === 'string' &&
    pattern.endsWith('$') &&
    !/[*+]|\{\d+,\}/.test(pattern.replace(/\\.|\[[^\]]*\]/g, 'x'))
  );
}

const contextKeywords: Readonly<Record<string, Json>> = { '@version': 1.1, '@protected': true };

/** A context: flat, protected, in our own vocabulary, and silent about what the W3C contexts define. */
export function contextProblems(context: JsonObject, rules: ContextRules): string[] {
  const body = context['@context'];
  if (!isJsonObject(body)) return ['the context is not one flat object'];
  const missing = Object.entries(contextKeywords).filter(([keyword, value]) => body[keyword] !== value);
  const terms = Object.entries(body).filter(([name]) => !(name in contextKeywords));
  return [
    ...missing.map(([keyword]) => `the context lacks ${keyword}`),
    ...terms.flatMap(([name, definition]) => termProblems(name, definition, rules)),
  ];
}

const termKeywords: ReadonlySet<string> = new Set(['@id', '@type']);

function termProblems(name: string, definition: Json, rules: ContextRules): string[] {
  if (name.startsWith('@')) return [`the context uses ${name}`];
  if (rules.reserved.has(name)) return [`the context defines ${name}, which is a term of a W3C context`];
  if (!isJsonObject(definition)) return [`${name} is not defined by an object`];
  const foreign = Object.keys(definition).filter((keyword) => !termKeywords.has(keyword));
  if (foreign.length > 0) return [`${name} uses ${foreign.join(', ')}`];
  return definition['@id'] === `${rules.vocabulary}#${name}` ? [] : [`${name} is not a term of the vocabulary`];
}

const xsdTypes: Readonly<Record<string, string>> = {
  date: 'http://www.w3.org/2001/XMLSchema#date',
  'date-time': 'http://www.w3.org/2001/XMLSchema#dateTime',
};
const dataModelTerms: ReadonlySet<string> = new Set(['id', 'type', 'name']);

/** Each claim and each evidence member needs a term, else JSON-LD canonicalisation would leave it unsigned. */
export function termGaps(schema: JsonObject, context: JsonObject): string[] {
  const terms = isJsonObject(context['@context']) ? context['@context'] : {};
  return [...declaredMembers(schema)]
    .filter(({ path }) => path.length > 1 && (path[0] === 'credentialSubject' || path[0] === 'evidence'))
    .flatMap(({ path, schema: member }) => termGap(path.at(-1) ?? '', member, terms));
}

function termGap(name: string, member: JsonObject, terms: JsonObject): string[] {
  if (dataModelTerms.has(name)) return [];
  const definition = terms[name];
  if (!isJsonObject(definition)) return [`${name} is not a term of the context`];
  const expected = xsdTypes[String(member['format'])];
  return expected !== undefined && definition['@type'] !== expected ? [`${name} is not typed as ${expected}`] : [];
}

/** One name, one meaning: a term must be defined alike in every context of the catalogue. */
export function differingTerms(contexts: ReadonlyMap<string, JsonObject>): string[] {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const [type, context] of contexts) {
    for (const [name, definition] of Object.entries(isJsonObject(context['@context']) ? context['@context'] : {})) {
      const text = JSON.stringify(definition);
      if ((seen.get(name) ?? text) !== text) problems.push(`${type} defines ${name} otherwise than another context`);
      seen.set(name, text);
    }
  }
  return problems;
}
