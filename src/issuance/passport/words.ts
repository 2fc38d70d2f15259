/** A document in plain words: titles and claims by the published schema of its type. Pure. */
import type { CredentialType } from '../../credential/credential.js';
import { dateInWords, momentInWords, typeInWords } from '../../http/page.js';
import { isJsonObject, type Json, type JsonObject } from '../../json.js';

/** A claim as people read it. */
export interface Fact {
  readonly term: string;
  readonly value: string;
}

export interface DocumentWords {
  readonly title: string;
  readonly description: string;
  readonly facts: readonly Fact[];
}

/** Deeper than any schema of the catalogue. */
const maximumDepth = 8;

/** Identifiers that mean nothing to a reader. */
const technical = new Set(['id', 'personBindingId', 'type']);

export function documentWords(type: CredentialType, credential: JsonObject | undefined): DocumentWords {
  const { title, description, schema } = type;
  if (credential === undefined) return { title, description, facts: [] };
  const { credentialSubject = null, validFrom, validUntil } = credential;
  const facts = [
    ...factsOf(memberSchema(schema, 'credentialSubject'), credentialSubject, { terms: [], depth: 0 }),
    ...dateFact('Valid from', validFrom),
    ...dateFact('Valid until', validUntil),
  ];
  return { title, description, facts };
}

function dateFact(term: string, value: Json | undefined): Fact[] {
  return typeof value === 'string' ? [{ term, value: dateInWords(value) }] : [];
}

interface Place {
  readonly terms: readonly string[];
  readonly depth: number;
}

/** In the order of the schema; what it does not declare was refused when the offer was made. */
function factsOf(schema: JsonObject, value: Json, { terms, depth }: Place): Fact[] {
  if (depth > maximumDepth) return [];
  if (Array.isArray(value)) return listFacts(schema, value, { terms, depth });
  if (!isJsonObject(value)) {
    return value === null ? [] : [{ term: terms.join(': '), value: inWords(schema, value) }];
  }
  const names = Object.keys(declared(schema)).filter((name) => name in value && !technical.has(name));
  return names.flatMap((name) => {
    const inner = memberSchema(schema, name);
    const title = typeof inner['title'] === 'string' ? inner['title'] : typeInWords(name);
    return factsOf(inner, value[name] ?? null, { terms: [...terms, title], depth: depth + 1 });
  });
}

function listFacts(schema: JsonObject, values: readonly Json[], { terms, depth }: Place): Fact[] {
  const items = isJsonObject(schema['items']) ? schema['items'] : {};
  if (values.every((value) => !isJsonObject(value) && !Array.isArray(value))) {
    const texts = values.map((value) => inWords(items, value));
    return texts.length === 0 ? [] : [{ term: terms.join(': '), value: texts.join(', ') }];
  }
  return values.flatMap((value, index) => {
    const numbered = values.length === 1 ? terms : [...terms.slice(0, -1), `${terms.at(-1) ?? ''} ${index + 1}`];
    return factsOf(items, value, { terms: numbered, depth: depth + 1 });
  });
}

/** The members of an object, also where the schema allows a text or an object. */
function declared(schema: JsonObject): JsonObject {
  if (isJsonObject(schema['properties'])) return schema['properties'];
  const alternatives = Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isJsonObject) : [];
  const found = alternatives.find((alternative) => isJsonObject(alternative['properties']));
  return found !== undefined && isJsonObject(found['properties']) ? found['properties'] : {};
}

function memberSchema(schema: JsonObject, name: string): JsonObject {
  const member = declared(schema)[name];
  return isJsonObject(member) ? member : {};
}

function inWords(schema: JsonObject, value: Json): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value !== 'string') return String(value);
  if (schema['format'] === 'date') return dateInWords(value);
  if (schema['format'] === 'date-time') return momentInWords(value);
  const period = /^P(\d+)([YM])$/.exec(value);
  if (period !== null) return periodInWords(Number(period[1]), period[2] === 'Y' ? 'year' : 'month');
  // Codes such as HoursLimit; what people wrote themselves is left as it is.
  return Array.isArray(schema['enum']) && /^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(value) ? typeInWords(value) : value;
}

function periodInWords(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}

/**
 * A title for each document. Where several are of one type, what tells them apart stands behind it: a passport may hold
 * two dozen core skills, and none of our code knows what a core skill is.
 */
export function titlesOf(documents: readonly DocumentWords[]): readonly string[] {
  return documents.map((document) => {
    const alike = documents.filter(({ title }) => title === document.title);
    const telling = alike.length < 2 ? [] : tellingApart(document, alike);
    return [document.title, ...telling].join(': ');
  });
}

/** The first claim in words that differs among them, and one that differs from all where that does not suffice. */
function tellingApart({ facts }: DocumentWords, alike: readonly DocumentWords[]): string[] {
  const differing = ({ term }: Fact) =>
    new Set(alike.map((words) => words.facts.find((fact) => fact.term === term)?.value)).size;
  // A code is shorter than a name and says less.
  const named = facts.find((fact) => differing(fact) > 1 && /\p{L} +\p{L}/u.test(fact.value));
  if (named !== undefined && differing(named) === alike.length) return [named.value];
  const unique = facts.find((fact) => differing(fact) === alike.length);
  return [named, unique].filter((fact) => fact !== undefined).map(({ value }) => value);
}
