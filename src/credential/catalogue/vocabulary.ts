/** The programme's vocabulary: what every term of the contexts means, taken from the schemas, so that each term's IRI leads somewhere. */
import { isJsonObject, type JsonObject } from '../../json.js';
import { declaredMembers } from './schema-tree.js';

export interface VocabularyTerm {
  readonly name: string;
  readonly iri: string;
  readonly kind: 'Class' | 'Property';
  readonly title: string;
  readonly description: string;
}

interface Source {
  readonly schema: JsonObject;
  readonly context: JsonObject;
}

const withoutSchema = 'A term of the trust registry document.';

/** All terms in order of their names; the words are those of the first schema that uses the term. */
export function vocabularyOf(
  vocabulary: string,
  sources: readonly Source[],
  contexts: Iterable<JsonObject>,
): VocabularyTerm[] {
  const words = wordsOf(sources);
  const names = new Set([...contexts].flatMap((context) => ownTerms(context, vocabulary)));
  return [...names].sort().map((name) => {
    const { title, description } = words.get(name) ?? { title: name, description: withoutSchema };
    return { name, iri: `${vocabulary}#${name}`, kind: /^[A-Z]/.test(name) ? 'Class' : 'Property', title, description };
  });
}

function ownTerms(context: JsonObject, vocabulary: string): string[] {
  const terms = isJsonObject(context['@context']) ? context['@context'] : {};
  return Object.entries(terms)
    .filter(([name, definition]) => isJsonObject(definition) && definition['@id'] === `${vocabulary}#${name}`)
    .map(([name]) => name);
}

function wordsOf(sources: readonly Source[]): Map<string, { title: string; description: string }> {
  const words = new Map([
    [
      'StaffPassportEvidence',
      { title: 'Staff passport evidence', description: 'Where data comes from and how it was checked.' },
    ],
  ]);
  const add = (name: string, schema: JsonObject): void => {
    if (!words.has(name))
      words.set(name, { title: String(schema['title']), description: String(schema['description']) });
  };
  for (const { schema } of sources) {
    add(String(schema['$id']).split('/').at(-2) ?? '', schema);
    for (const { path, schema: member } of declaredMembers(schema)) add(path.at(-1) ?? '', member);
  }
  return words;
}

/** The vocabulary as JSON-LD (RDF Schema). */
export function vocabularyDocument(vocabulary: string, terms: readonly VocabularyTerm[]): JsonObject {
  return {
    '@context': {
      rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
      rdfs: 'http://www.w3.org/2000/01/rdf-schema#',
      label: 'rdfs:label',
      comment: 'rdfs:comment',
      isDefinedBy: { '@id': 'rdfs:isDefinedBy', '@type': '@id' },
    },
    '@graph': terms.map((term) => ({
      '@id': term.iri,
      '@type': term.kind === 'Class' ? 'rdfs:Class' : 'rdf:Property',
      label: term.title,
      comment: term.description,
      isDefinedBy: vocabulary,
    })),
  };
}
