/**
 * What the linked-data cryptosuites do with a document: JSON-LD in safe mode with base null, then RDFC-1.0 with a
 * bounded amount of work. Whatever the transformation would lose is refused, for what is lost is not signed (Data
 * Integrity 1.0 2.4.2 and 5.2). Runs on the main thread for small documents and in canonicalisation-worker.ts for
 * large ones, so every task takes and gives what can be sent to a thread.
 */
import { createHmac } from 'node:crypto';
import jsonld from 'jsonld';
import ContextResolver from 'jsonld/lib/ContextResolver.js';
import { canonize, NQuads, type Quad } from 'rdf-canonize';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { deskolemise, relabel, skolemise } from './blank-nodes.js';
import { CanonicalisationError, unknownContext } from './canonicalisation-error.js';
import { type ContextRules, checkContexts, checkSpelling } from './context-rules.js';
import { selectMembers } from './pointers.js';

/** A document, and the hash that RDFC-1.0 tells blank nodes apart with: SHA-256, unless the key is larger. */
export interface CanonicalRequest {
  readonly document: JsonObject;
  readonly hash?: string;
}

/** What ecdsa-sd-2023 asks for when it makes or derives a proof: the statements of a document, and which belong to what. */
export interface StatementRequest {
  readonly document: JsonObject;
  readonly hmacKey: Uint8Array;
  /** JSON Pointers by the name of a group. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

/** One group of statements: their places among all, and what a verifier who sees only them will call blank nodes. */
export interface StatementGroup {
  readonly indexes: readonly number[];
  /** From the label that canonicalising the group alone gives to the label by HMAC. */
  readonly labels: ReadonlyMap<string, string>;
}

/** All statements of a document in order, blank nodes labelled by HMAC. */
export interface GroupedStatements {
  readonly statements: readonly string[];
  readonly groups: Readonly<Record<string, StatementGroup>>;
}

/** A disclosed document and what its blank nodes are called in the signatures. */
export interface RelabelRequest {
  readonly document: JsonObject;
  readonly labels: ReadonlyMap<string, string>;
}

/** The tasks by name: what is asked and what is answered. */
export interface Transformations {
  readonly canonicalise: (request: CanonicalRequest) => Promise<string>;
  /** Only checks that every member means something: for suites that sign the text (vc-di-ecdsa 3.3). */
  readonly checkTerms: (document: JsonObject) => Promise<null>;
  readonly groupStatements: (request: StatementRequest) => Promise<GroupedStatements>;
  readonly relabelStatements: (request: RelabelRequest) => Promise<readonly string[]>;
}

/**
 * rdf-canonize's default work factor passes what occurs in practice and refuses the poison graphs of the test suite
 * within milliseconds; the time limit is for what nobody has thought of.
 */
const workFactor = 1;
const milliseconds = 500;

/** Contexts are parsed once: the shared cache is this function's own, so two sets of contexts never mix. */
export function createTransformations(rules: ContextRules): Transformations {
  const options = jsonLdOptions(rules.documents);
  async function toDataset(document: JsonObject): Promise<Quad[]> {
    checkContexts(document, rules);
    checkSpelling(document);
    return datasetOf(await expand(document, options()), options());
  }
  return {
    canonicalise: async ({ document, hash }) => (await canonicalForm(await toDataset(document), hash)).text,
    checkTerms: async (document) => {
      checkContexts(document, rules);
      await expand(document, options());
      return null;
    },
    groupStatements: async ({ document, hmacKey, groups }) => {
      checkContexts(document, rules);
      checkSpelling(document);
      return groupStatements(document, { hmacKey, groups }, options);
    },
    relabelStatements: async ({ document, labels }) => {
      const { dataset, names } = await canonicalForm(await toDataset(document));
      return serialise(relabel(relabel(dataset, names), labels));
    },
  };
}

/** The canonical form alone, for callers that sign nothing. */
export function createCanonicalise(
  documents: ReadonlyMap<string, JsonObject>,
): (document: JsonObject) => Promise<string> {
  const { canonicalise } = createTransformations({ documents, inline: false });
  return (document) => canonicalise({ document });
}

/** Options of jsonld, whose types do not know safe mode, a null base nor a context resolver. */
type JsonLdOptions = () => object;

function jsonLdOptions(documents: ReadonlyMap<string, JsonObject>): JsonLdOptions {
  const sharedCache = new Map<string, unknown>();
  const documentLoader = async (url: string) => {
    const document = documents.get(url);
    if (document === undefined) throw unknownContext(url);
    return { contextUrl: undefined, documentUrl: url, document, tag: 'static' };
  };
  return () => ({
    base: null,
    safe: true,
    // A text's direction would be lost otherwise, and what is lost is not signed (JSON-LD 1.1 API 8.3).
    rdfDirection: 'i18n-datatype',
    documentLoader,
    contextResolver: new ContextResolver({ sharedCache }),
  });
}

async function expand(document: JsonObject, options: object): Promise<Json> {
  return refuseLoss(async () => {
    const expanded = (await jsonld.expand(document, options)) as Json;
    checkTypes(expanded);
    return expanded;
  });
}

async function datasetOf(expanded: Json, options: object): Promise<Quad[]> {
  return refuseLoss(async () => {
    const dataset = await jsonld.toRDF(expanded as object, { ...options, skipExpansion: true } as object);
    return dataset as unknown as Quad[];
  });
}

async function refuseLoss<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (cause instanceof CanonicalisationError) throw cause;
    throw new CanonicalisationError('terms_undefined', describe(cause), { cause });
  }
}

interface CanonicalForm {
  readonly text: string;
  readonly dataset: readonly Quad[];
  /** From the dataset's own labels to the canonical ones. */
  readonly names: ReadonlyMap<string, string>;
}

async function canonicalForm(dataset: readonly Quad[], hash = 'sha256'): Promise<CanonicalForm> {
  const signal = AbortSignal.timeout(milliseconds);
  const names = new Map<string, string>();
  const bounds = { maxWorkFactor: workFactor, signal };
  const options = { algorithm: 'RDFC-1.0', messageDigestAlgorithm: hash, canonicalIdMap: names, ...bounds } as const;
  try {
    return { text: await canonize(dataset, options), dataset, names };
  } catch (cause) {
    const code = signal.aborted ? 'canonicalisation_unfinished' : 'canonicalisation_refused';
    throw new CanonicalisationError(code, 'The document is too intricate to be canonicalised.', { cause });
  }
}

/** vc-di-ecdsa 3.4.7 and 3.4.15: lines in order, each once. */
function serialise(dataset: readonly Quad[]): string[] {
  return [...new Set(dataset.map((quad) => NQuads.serializeQuad(quad)))].sort();
}

/**
 * vc-di-ecdsa 3.4.16. Blank nodes get names for the time being, so that a node is the same one in the document and in
 * what a pointer selects of it; in the statements they are labelled by HMAC, which tells a verifier nothing.
 */
async function groupStatements(
  document: JsonObject,
  { hmacKey, groups }: Omit<StatementRequest, 'document'>,
  options: JsonLdOptions,
): Promise<GroupedStatements> {
  const named = skolemise(await expand(document, options()));
  const compact = await refuseLoss(async () => {
    const settings = { ...options(), skipExpansion: true } as object;
    return (await jsonld.compact(named as object, document['@context'] as never, settings)) as unknown as JsonObject;
  });
  const { dataset, names } = await canonicalForm(deskolemise(await datasetOf(named, options())));
  const labels = new Map([...names].map(([name, canonical]) => [name, labelByHmac(hmacKey, canonical)]));
  const statements = serialise(relabel(dataset, labels));
  const places = new Map(statements.map((statement, index) => [statement, index]));
  const found: Record<string, StatementGroup> = {};
  for (const [name, pointers] of Object.entries(groups)) {
    const selection = await refuseLoss(async () => selectMembers(compact, pointers, { singles: true }));
    const selected = selection ? deskolemise(await datasetOf(await expand(selection, options()), options())) : [];
    found[name] = await describeGroup(selected, { labels, places });
  }
  return { statements, groups: found };
}

async function describeGroup(
  selected: readonly Quad[],
  { labels, places }: { labels: ReadonlyMap<string, string>; places: ReadonlyMap<string, number> },
): Promise<StatementGroup> {
  const indexes = serialise(relabel(selected, labels)).map((statement) => places.get(statement) ?? -1);
  if (indexes.includes(-1)) {
    throw new CanonicalisationError('terms_undefined', 'What the pointers select is not part of the document.');
  }
  const { names } = await canonicalForm(selected);
  const toHmac = [...names].map(([name, canonical]) => [canonical, labels.get(name) ?? ''] as const);
  return { indexes: indexes.sort((one, other) => one - other), labels: new Map(toHmac) };
}

/** vc-di-ecdsa 3.5.5: the canonical label says where a node stands among the others; its HMAC does not. */
function labelByHmac(key: Uint8Array, canonical: string): string {
  return `u${createHmac('sha256', key).update(canonical).digest('base64url')}`;
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

const absoluteIri = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/;

/** jsonld lets "https ://not-a-url" pass as a type: it has a colon. */
function checkTypes(expanded: Json): void {
  if (Array.isArray(expanded)) for (const item of expanded) checkTypes(item);
  // A JSON literal (JSON-LD 1.1 4.2.2) is signed as it stands; no member of it is a type.
  if (!isJsonObject(expanded) || expanded['@type'] === '@json') return;
  for (const type of [expanded['@type'] ?? []].flat()) {
    if (typeof type !== 'string' || !absoluteIri.test(type)) {
      throw new CanonicalisationError('terms_undefined', 'A type is not defined by the contexts as an absolute IRI.');
    }
  }
  for (const member of Object.values(expanded)) checkTypes(member);
}
