/**
 * Which contexts a document may name, and how it may be spelled (Data Integrity 1.0 2.4.1). Linked-data proofs cover
 * the graph and not the text, while a verdict reads the text: so one graph must have one text, and no word may be
 * another name for one that is read.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { CanonicalisationError, unknownContext } from './canonicalisation-error.js';

/** The contexts that are known, and whether a document may bring definitions of its own (open test instances only). */
export interface ContextRules {
  readonly documents: ReadonlyMap<string, JsonObject>;
  readonly inline: boolean;
}

/** The members of which each value may state contexts: a credential in a presentation, and a proof in a chain. */
const bearers: ReadonlySet<string> = new Set(['verifiableCredential', 'proof']);

/** Contexts stand at the root of a document or of a bearer, and nowhere else. */
export function checkContexts(document: JsonObject, rules: ContextRules): void {
  checkContext(document['@context'], rules);
  walk(document, (name, value, parent) => {
    if (name !== '@context') return;
    if (parent === undefined || !bearers.has(parent)) {
      throw new CanonicalisationError('context_unknown', 'A context stands at the root of a credential only.');
    }
    checkContext(value, rules);
  });
}

function checkContext(context: Json | undefined, rules: ContextRules): void {
  for (const item of Array.isArray(context) ? context : [context]) {
    if (typeof item === 'string' && !rules.documents.has(item)) throw unknownContext(item);
    if (typeof item === 'string') continue;
    if (!rules.inline || !isJsonObject(item)) {
      throw new CanonicalisationError('context_unknown', 'A context must be an address; contexts in line are refused.');
    }
    checkDefinitions(item);
  }
}

/** Vocabularies whose words a verdict reads: a second name for one of them would hide what is read. */
const reserved = [
  'https://www.w3.org/2018/credentials',
  'https://www.w3.org/ns/credentials/status',
  'https://w3id.org/security',
];

/**
 * What a context in line may say: new words with web addresses outside the reserved vocabularies. An address with two
 * slashes is never a compact one (JSON-LD 1.1 API 5.2.2), so a prefix cannot lead back into them.
 */
function checkDefinitions(context: JsonObject): void {
  for (const [name, definition] of Object.entries(context)) {
    if (name === '@context' && isJsonObject(definition)) checkDefinitions(definition);
    else if (!isHarmless(name, definition)) {
      const detail = `The definition of "${name.slice(0, 100)}" in a context in line is not accepted.`;
      throw new CanonicalisationError('context_unknown', detail);
    }
  }
}

function isHarmless(name: string, definition: Json): boolean {
  if (name === '@vocab') return definition === null || isForeignVocabulary(definition);
  if (name === '@version' || name === '@protected') return true;
  if (/[:@]/.test(name)) return false;
  if (!isJsonObject(definition)) return isForeign(definition);
  const { '@id': id, '@type': type, ...others } = definition;
  const coerced = type === undefined || type === '@id' || isForeign(type);
  return isForeign(id) && coerced && Object.keys(others).every((key) => key === '@protected');
}

function isForeign(address: Json | undefined): boolean {
  if (typeof address !== 'string' || !/^[a-z][a-z0-9+.-]*:\S+$/i.test(address)) return false;
  return !reserved.some((vocabulary) => address.startsWith(vocabulary)) && !isCompact(address);
}

function isCompact(address: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:\/\//i.test(address);
}

/** A vocabulary is put before a word: neither may it lead into a reserved one. */
function isForeignVocabulary(vocabulary: Json): boolean {
  if (!isForeign(vocabulary) || typeof vocabulary !== 'string' || !/[#/]$/.test(vocabulary)) return false;
  return !reserved.some((one) => one.startsWith(vocabulary));
}

const languageKeywords = new Set(['@value', '@language', '@direction']);

/**
 * Full IRIs and keywords as member names would let a stranger rename `credentialStatus` to its IRI without breaking
 * the proof, and null or an empty list vanishes from the graph; all are refused.
 */
export function checkSpelling(document: JsonObject): void {
  walk(document, (name, value) => {
    if (name === '@context') return;
    checkName(name);
    checkValue(name, value);
    if (Array.isArray(value)) for (const item of value) checkValue(name, item);
  });
}

function checkName(name: string): void {
  if (languageKeywords.has(name) || !/[:@]/.test(name)) return;
  throw new CanonicalisationError(
    'terms_undefined',
    `The member "${name.slice(0, 100)}" is not written as a term; keywords and full addresses are not accepted.`,
  );
}

function checkValue(name: string, value: Json): void {
  if (!isLost(name, value)) return;
  const what = 'holds null, an empty list, a list of lists, a number with too many digits or a blank node label';
  const detail = `The member "${name.slice(0, 100)}" ${what}, which no proof covers.`;
  throw new CanonicalisationError('terms_undefined', detail);
}

/**
 * Doubles keep 16 digits in the canonical form, and blank nodes get new labels: by a label an object could be moved
 * elsewhere in the text without a change in the graph. A presentation may say that it holds no credentials.
 */
function isLost(name: string, value: Json): boolean {
  if (value === null) return true;
  if (typeof value === 'string') return value.startsWith('_:') || value.startsWith('urn:bnid:');
  if (typeof value === 'number') return !Number.isSafeInteger(value) && Number(value.toExponential(15)) !== value;
  if (!Array.isArray(value)) return false;
  return (value.length === 0 && name !== 'verifiableCredential') || value.some(Array.isArray);
}

/** Nesting that strict JSON accepts. */
const maxDepth = 64;

/** The objects in a value, however deep the lists around them. */
function itemsOf(value: Json): JsonObject[] {
  const items: unknown[] = Array.isArray(value) ? (value as unknown[]).flat(maxDepth) : [value];
  return items.filter(isJsonObject);
}

type Visit = (name: string, value: Json, parent: string | undefined) => void;

/** Every member below the root's context, without recursion; a context's own members are not the document's. */
function walk(document: JsonObject, visit: Visit): void {
  const waiting = Object.entries(document)
    .filter(([name]) => name !== '@context')
    .map(([name, value]) => ({ name, value, parent: undefined as string | undefined }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { name, value, parent } = next;
    visit(name, value, parent);
    if (name === '@context') continue;
    for (const item of itemsOf(value)) {
      for (const [member, held] of Object.entries(item)) waiting.push({ name: member, value: held, parent: name });
    }
  }
}
