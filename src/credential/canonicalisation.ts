/**
 * JSON-LD to canonical N-Quads: jsonld in safe mode with base null, then RDFC-1.0 with a bounded amount of work.
 * Whatever the transformation would lose is refused, for what is lost is not signed (Data Integrity 1.0 2.4.2 and
 * 5.2). Runs on the main thread for small documents and in canonicalisation-worker.ts for large ones.
 */
import jsonld from 'jsonld';
import ContextResolver from 'jsonld/lib/ContextResolver.js';
import { canonize } from 'rdf-canonize';
import { isJsonObject, type Json, type JsonObject } from '../json.js';

/** Why there is no canonical form. */
export type CanonicalisationFault =
  | 'context_unknown'
  | 'terms_undefined'
  | 'canonicalisation_refused'
  | 'canonicalisation_unfinished';

/** Says why, and never what the document holds: the detail names members and addresses only. */
export class CanonicalisationError extends Error {
  readonly code: CanonicalisationFault;

  constructor(code: CanonicalisationFault, detail: string, options: { cause?: unknown } = {}) {
    super(detail, options);
    this.name = 'CanonicalisationError';
    this.code = code;
  }
}

/** Turns a document into its canonical form. */
export type Canonicalise = (document: JsonObject) => Promise<string>;

/**
 * rdf-canonize's default work factor passes what occurs in practice and refuses the poison graphs of the test suite
 * within milliseconds; the time limit is for what nobody has thought of.
 */
const workFactor = 1;
const milliseconds = 500;

/** Contexts are parsed once: the shared cache is this function's own, so two sets of contexts never mix. */
export function createCanonicalise(documents: ReadonlyMap<string, JsonObject>): Canonicalise {
  const sharedCache = new Map<string, unknown>();
  const documentLoader = async (url: string) => {
    const document = documents.get(url);
    if (document === undefined) throw unknownContext(url);
    return { contextUrl: undefined, documentUrl: url, document, tag: 'static' };
  };
  return async (document) => {
    checkPlain(document, documents);
    // The options are jsonld's own; its types do not know safe mode, nor a null base.
    const options = { base: null, safe: true, documentLoader, contextResolver: new ContextResolver({ sharedCache }) };
    const dataset = await toDataset(document, options as object);
    return canonicalise(dataset);
  };
}

async function toDataset(document: JsonObject, options: object): Promise<object> {
  try {
    const expanded = await jsonld.expand(document, options);
    checkTypes(expanded as Json);
    return (await jsonld.toRDF(expanded, { ...options, skipExpansion: true } as object)) as object;
  } catch (cause) {
    if (cause instanceof CanonicalisationError) throw cause;
    throw new CanonicalisationError('terms_undefined', describe(cause), { cause });
  }
}

async function canonicalise(dataset: object): Promise<string> {
  const signal = AbortSignal.timeout(milliseconds);
  try {
    return await canonize(dataset, { algorithm: 'RDFC-1.0', maxWorkFactor: workFactor, signal });
  } catch (cause) {
    const code = signal.aborted ? 'canonicalisation_unfinished' : 'canonicalisation_refused';
    throw new CanonicalisationError(code, 'The document is too intricate to be canonicalised.', { cause });
  }
}

function unknownContext(url: string): CanonicalisationError {
  const shown = url.length > 200 ? `${url.slice(0, 200)}...` : url;
  return new CanonicalisationError('context_unknown', `The context ${shown} is not one that this service knows.`);
}

/** Safe mode names the word that would be dropped. A word is not a claim's value. */
function describe(cause: unknown): string {
  const event = (cause as { details?: { event?: { code?: string; details?: { property?: unknown } } } }).details?.event;
  const property = event?.details?.property;
  if (typeof property !== 'string')
    return `The document is not JSON-LD that can be signed whole${because(event?.code)}.`;
  return `The member "${property.slice(0, 100)}" is not defined by the contexts, so no proof can cover it.`;
}

function because(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}

const languageKeywords = new Set(['@value', '@language', '@direction']);

/**
 * A proof covers the graph and not the text, so one graph must have one text. Full IRIs and keywords as member names
 * would let a stranger rename `credentialStatus` to its IRI without breaking the proof, and null or an empty list
 * vanishes from the graph; all are refused. Contexts are plain addresses, at the root of a document or of a
 * credential within a presentation and nowhere else (Data Integrity 1.0 2.4.1).
 */
function checkPlain(document: JsonObject, documents: ReadonlyMap<string, JsonObject>): void {
  checkContext(document['@context'], documents);
  const waiting = Object.entries(document).filter(([name]) => name !== '@context');
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, value] = next;
    checkName(name);
    checkValue(name, value);
    waiting.push(...membersOf(name, value, documents));
  }
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
  if (typeof value === 'string') return value.startsWith('_:');
  if (typeof value === 'number') return !Number.isSafeInteger(value) && Number(value.toExponential(15)) !== value;
  if (!Array.isArray(value)) return false;
  return (value.length === 0 && name !== 'verifiableCredential') || value.some(Array.isArray);
}

function membersOf(name: string, value: Json, documents: ReadonlyMap<string, JsonObject>): [string, Json][] {
  if (Array.isArray(value)) return value.flatMap((item) => membersOfItem(name, item, documents));
  return membersOfItem(name, value, documents);
}

function membersOfItem(name: string, item: Json, documents: ReadonlyMap<string, JsonObject>): [string, Json][] {
  checkValue(name, item);
  if (!isJsonObject(item)) return [];
  if (name !== 'verifiableCredential' || item['@context'] === undefined) return Object.entries(item);
  checkContext(item['@context'], documents);
  return Object.entries(item).filter(([member]) => member !== '@context');
}

function checkContext(context: Json | undefined, documents: ReadonlyMap<string, JsonObject>): void {
  for (const item of Array.isArray(context) ? context : [context]) {
    if (typeof item !== 'string') {
      throw new CanonicalisationError('context_unknown', 'A context must be an address; contexts in line are refused.');
    }
    if (!documents.has(item)) throw unknownContext(item);
  }
}

const absoluteIri = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/;

/** jsonld lets "https ://not-a-url" pass as a type: it has a colon. */
function checkTypes(expanded: Json): void {
  if (Array.isArray(expanded)) for (const item of expanded) checkTypes(item);
  if (!isJsonObject(expanded)) return;
  for (const type of [expanded['@type'] ?? []].flat()) {
    if (typeof type !== 'string' || !absoluteIri.test(type)) {
      throw new CanonicalisationError('terms_undefined', 'A type is not defined by the contexts as an absolute IRI.');
    }
  }
  for (const member of Object.values(expanded)) checkTypes(member);
}
