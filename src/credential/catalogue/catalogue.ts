/**
 * The catalogue of credential types: what each may claim (JSON Schema), what its terms mean (JSON-LD), and what a receiver may
 * make of it. Types are files below schemas/ and contexts/; nothing here knows one by name. `loadCatalogue` reads and lints
 * them once at start; after that a catalogue is constant. Callers: issuance/, verification/, app.ts through credential.ts.
 */
import { createHash } from 'node:crypto';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type Fault, ServiceError } from '../../errors.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import { baseContexts, type DataModelVersion } from '../formats.js';
import { type CoreSkills, readCoreSkills } from './core-skills.js';
import { withoutHidden, withoutTokenStatus } from './disclosed.js';
import { toFaults } from './faults.js';
import { type CatalogueFile, type CatalogueFiles, openFiles } from './files.js';
import {
  contextProblems,
  differingTerms,
  type ForbiddenNames,
  forbiddenNames,
  memberNames,
  normalisedName,
  schemaProblems,
  termGaps,
} from './lint.js';
import { checkRules, type Rule, ruleNames } from './rules.js';
import { namesIn } from './schema-tree.js';
import {
  type ClaimMetadata,
  claimsOf,
  displayOf,
  type SdJwtVcType,
  type TypeDisplay,
  toClaimsPath,
  typeMetadata,
} from './type-metadata.js';
import { type VocabularyTerm, vocabularyDocument, vocabularyOf } from './vocabulary.js';

/** How far a receiver may rely on a type: domain, reliance modes. */
export type RelianceMode = 'ACCEPT' | 'ACCEPT_REDATED' | 'EVIDENCE' | 'RECHECK' | 'INFORMATION';

export interface ValidateOptions {
  /** Members of the credential that issuing adds later: that they are absent is no fault. */
  readonly pending?: readonly string[];
  /** An SD-JWT VC as its holder shows it: claims that are selectively disclosable may be hidden. False where absent. */
  readonly disclosed?: boolean;
}

export interface CredentialType {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly version: number;
  /** How settled the type is, in words for people. */
  readonly status: string;
  readonly schemaId: string;
  readonly schemaDigestSri: string;
  readonly schema: JsonObject;
  readonly contextId: string;
  /** The whole `@context` of a credential of this type. */
  readonly contexts: Readonly<Record<DataModelVersion, readonly string[]>>;
  /** Who usually issues it. It only warns: the registry decides. */
  readonly issuerKinds: readonly string[];
  readonly relianceMode: RelianceMode;
  readonly selectivelyDisclosable: readonly string[];
  /** What wallets call it, and its claims, by language. */
  readonly display: readonly TypeDisplay[];
  readonly claims: readonly ClaimMetadata[];
  readonly sdJwtVc: SdJwtVcType;
  readonly rules: readonly Rule[];
  /** What an API client posts as `credential`; issuing adds the rest. */
  readonly example: JsonObject;
  /** The faults of a whole credential, of either data model; none when it is fine. */
  validate(credential: JsonObject, options?: ValidateOptions): Fault[];
}

/** Exact text to publish; it never changes once released. */
export interface PublishedDocument {
  readonly body: string;
  readonly contentType: string;
}

export interface Catalogue {
  readonly types: readonly CredentialType[];
  readonly coreSkills: CoreSkills;
  readonly vocabulary: readonly VocabularyTerm[];
  /** Everything that is published, by path. */
  readonly documents: ReadonlyMap<string, PublishedDocument>;
  /** Our own contexts, by URL, for the pinned document loader. */
  readonly contextDocuments: ReadonlyMap<string, JsonObject>;
  find(type: string): CredentialType | undefined;
  typeOf(credential: JsonObject): CredentialType | undefined;
  bySchemaId(id: string): CredentialType | undefined;
}

/** One row of schemas/catalogue.json. */
interface TypeRow {
  readonly type: string;
  readonly version: number;
  readonly status: string;
  readonly issuerKinds: readonly string[];
  readonly relianceMode: RelianceMode;
  readonly selectivelyDisclosable: readonly string[];
  readonly forbidden: readonly string[];
  readonly rules: readonly Rule[];
}

interface LoadedType {
  readonly row: TypeRow;
  readonly schema: CatalogueFile;
  readonly context: CatalogueFile;
  readonly example: CatalogueFile;
}

/** A type, and the texts that are published of it. */
interface CreatedType {
  readonly type: CredentialType;
  readonly schema: string;
  readonly metadata: string;
}

const statusContext = 'https://www.w3.org/ns/credentials/status/v1';
const dataModel11 = 'DataModel11';

/** Reads, lints and compiles the catalogue; throws `configuration` with every problem, so that nothing half-right is published. */
export function loadCatalogue(options: { baseUrl: string; root: string }): Catalogue {
  const files = openFiles(options);
  try {
    return readCatalogue(options.baseUrl, files);
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause;
    throw new ServiceError('configuration', 'The catalogue of credential types cannot be read.', {
      faults: [{ path: '', detail: cause instanceof Error ? cause.message : 'unknown problem' }],
      cause,
    });
  }
}

function readCatalogue(baseUrl: string, files: CatalogueFiles): Catalogue {
  const rows = files.read('schemas/catalogue.json').json['types'] as unknown as readonly TypeRow[];
  const loaded = rows.map((row) => loadType(row, files));
  const contexts = loadContexts(files);
  const coreSkillsFile = files.read('schemas/core-skills/v1.json');
  refuseProblems(lintAll(baseUrl, files, loaded, contexts));
  const coreSkills = readCoreSkills(coreSkillsFile.json);
  const ajv = addFormats.default(
    new Ajv2020({
      strict: true,
      strictRequired: false,
      strictTuples: false,
      allowUnionTypes: true,
      allErrors: true,
      // Optimising the source of validators takes as long as compiling it and gains nothing that can be measured.
      code: { optimize: false },
    }),
  );
  const created = loaded.map((type) => createType(baseUrl, type, ajv.compile(type.schema.json), coreSkills));
  const types = created.map(({ type }) => type);
  const vocabularyIri = `${baseUrl}/vocabulary`;
  const sources = loaded.map(({ schema, context }) => ({ schema: schema.json, context: context.json }));
  const vocabulary = vocabularyOf(
    vocabularyIri,
    sources,
    [...contexts.values()].map((file) => file.json),
  );
  const documents = publish(created, contexts, coreSkillsFile, vocabularyDocument(vocabularyIri, vocabulary));
  const contextDocuments = new Map(
    [...contexts].map(([name, file]) => [`${baseUrl}/contexts/${name}/v1.json`, file.json]),
  );
  return Object.freeze({ types, coreSkills, vocabulary, documents, contextDocuments, ...lookups(types) });
}

function loadType(row: TypeRow, files: CatalogueFiles): LoadedType {
  return {
    row,
    schema: files.read(`schemas/${row.type}/v${row.version}.json`),
    context: files.read(`contexts/${row.type}/v${row.version}.json`),
    example: files.read(`schemas/${row.type}/example.json`),
  };
}

function loadContexts(files: CatalogueFiles): Map<string, CatalogueFile> {
  return new Map(files.folders('contexts').map((name) => [name, files.read(`contexts/${name}/v1.json`)]));
}

function refuseProblems(problems: readonly Fault[]): void {
  if (problems.length === 0) return;
  const [first] = problems;
  const detail = `The catalogue of credential types breaks its own rules, first in ${first?.path}: ${first?.detail}.`;
  throw new ServiceError('configuration', detail, { faults: problems });
}

function lintAll(
  baseUrl: string,
  files: CatalogueFiles,
  types: readonly LoadedType[],
  contexts: ReadonlyMap<string, CatalogueFile>,
): Fault[] {
  const forbidden = readForbidden(files);
  const reservedFor = readReserved(files);
  const contextJson = new Map([...contexts].map(([name, file]) => [name, file.json]));
  const ownContexts = [...contextJson].filter(([name]) => name !== dataModel11);
  return [
    ...types.flatMap((type) => lintType(type, forbidden)),
    ...ownContexts.flatMap(([name, json]) =>
      located(`contexts/${name}`, [
        ...contextProblems(json, { vocabulary: `${baseUrl}/vocabulary`, reserved: reservedFor(name) }),
        ...forbiddenNames(memberNames(json), forbidden),
      ]),
    ),
    ...located('contexts', differingTerms(contextJson)),
  ];
}

function lintType({ row, schema, context, example }: LoadedType, forbidden: ForbiddenNames): Fault[] {
  const ownForbidden = { contains: [], equals: row.forbidden.map(normalisedName) };
  const unknownRules = row.rules
    .filter((rule) => !ruleNames.has(rule.rule))
    .map((rule) => `${rule.rule} is not a rule`);
  return [
    ...located(`schemas/${row.type}`, [
      ...schemaProblems(schema.json, forbidden),
      ...forbiddenNames(namesIn(schema.json), ownForbidden),
      ...termGaps(schema.json, context.json),
    ]),
    ...located(`schemas/${row.type}/example.json`, forbiddenNames(memberNames(example.json), forbidden)),
    ...located('schemas/catalogue.json', unknownRules),
  ];
}

function located(path: string, details: readonly string[]): Fault[] {
  return details.map((detail) => ({ path, detail }));
}

function readForbidden(files: CatalogueFiles): ForbiddenNames {
  const { contains, equals } = files.read('schemas/forbidden-properties.json').json;
  if (!isJsonObject(contains) || !isJsonObject(equals))
    throw new Error('schemas/forbidden-properties.json has no lists');
  return { contains: Object.keys(contains), equals: Object.keys(equals) };
}

interface ReservedFile {
  readonly contexts: Readonly<Record<string, readonly string[]>>;
  readonly exceptions: Readonly<Record<string, { readonly allowed: readonly string[] }>>;
}

function readReserved(files: CatalogueFiles): (context: string) => ReadonlySet<string> {
  const { contexts, exceptions } = files.read('contexts/reserved-terms.json').json as unknown as ReservedFile;
  const all = Object.values(contexts).flat();
  return (context) => new Set(all.filter((name) => !exceptions[context]?.allowed.includes(name)));
}

function createType(
  baseUrl: string,
  loaded: LoadedType,
  matches: ValidateFunction,
  coreSkills: CoreSkills,
): CreatedType {
  const { row, schema, example } = loaded;
  const contextId = `${baseUrl}/contexts/${row.type}/v${row.version}.json`;
  const schemaDigestSri = `sha256-${createHash('sha256').update(schema.text, 'utf8').digest('base64')}`;
  const shown = describeType(baseUrl, loaded, schemaDigestSri);
  const type: CredentialType = Object.freeze({
    type: row.type,
    title: String(schema.json['title']),
    description: String(schema.json['description']),
    version: row.version,
    status: row.status,
    schemaId: String(schema.json['$id']),
    schemaDigestSri,
    schema: schema.json,
    contextId,
    contexts: {
      '2.0': [baseContexts['2.0'], contextId],
      '1.1': [baseContexts['1.1'], statusContext, `${baseUrl}/contexts/${dataModel11}/v1.json`, contextId],
    },
    issuerKinds: row.issuerKinds,
    relianceMode: row.relianceMode,
    selectivelyDisclosable: row.selectivelyDisclosable,
    ...shown.members,
    rules: row.rules,
    example: example.json,
    validate: (given: JsonObject, options: ValidateOptions = {}) => {
      const { credential, pending: hidden } = options.disclosed
        ? withoutHidden(given, type.sdJwtVc.selectivelyDisclosable)
        : withoutTokenStatus(given);
      const faults = matches(credential) ? [] : toFaults(matches.errors ?? [], credential);
      const pending = new Set([...(options.pending ?? []), ...hidden].map((member) => `/${member}`));
      const open = faults.filter((fault) => !(pending.has(fault.path) && fault.detail === 'is required'));
      return [...open, ...checkRules(row.rules, credential, coreSkills)];
    },
  });
  return { type, schema: schema.text, metadata: shown.metadata };
}

/** What wallets are told of a type, in the catalogue and in the document at its `vct`. */
function describeType(baseUrl: string, { row, schema }: LoadedType, digestSri: string) {
  const vct = `${baseUrl}/vct/${row.type}/v${row.version}`;
  const selectivelyDisclosable = row.selectivelyDisclosable.map(toClaimsPath);
  const display = displayOf(schema.json);
  const claims = claimsOf(schema.json, selectivelyDisclosable);
  const facts = { vct, type: row.type, display, claims, schema: { id: String(schema.json['$id']), digestSri } };
  const { text, digest } = typeMetadata(facts);
  const sdJwtVc = { vct, integrity: digest, selectivelyDisclosable };
  return { members: { display, claims, sdJwtVc }, metadata: text };
}

function publish(
  types: readonly CreatedType[],
  contexts: ReadonlyMap<string, CatalogueFile>,
  coreSkills: CatalogueFile,
  vocabulary: JsonObject,
): Map<string, PublishedDocument> {
  const documents = new Map<string, PublishedDocument>();
  for (const { type, schema, metadata } of types) {
    const name = `${type.type}/v${type.version}`;
    documents.set(`/schemas/${name}.json`, { body: schema, contentType: 'application/schema+json' });
    documents.set(`/vct/${name}`, { body: metadata, contentType: 'application/json' });
  }
  for (const [name, file] of contexts) {
    documents.set(`/contexts/${name}/v1.json`, { body: file.text, contentType: 'application/ld+json' });
  }
  documents.set('/schemas/core-skills/v1.json', { body: coreSkills.text, contentType: 'application/json' });
  documents.set('/vocabulary', {
    body: `${JSON.stringify(vocabulary, null, 2)}\n`,
    contentType: 'application/ld+json',
  });
  return documents;
}

function lookups(types: readonly CredentialType[]): Pick<Catalogue, 'find' | 'typeOf' | 'bySchemaId'> {
  const byName = new Map(types.map((type) => [type.type, type]));
  const bySchema = new Map(types.map((type) => [type.schemaId, type]));
  return {
    find: (type) => byName.get(type),
    bySchemaId: (id) => bySchema.get(id),
    typeOf(credential) {
      const named = [credential['type']].flat().map((name) => byName.get(String(name)));
      const known = named.filter((type) => type !== undefined);
      return known.length === 1 ? known[0] : undefined;
    },
  };
}
