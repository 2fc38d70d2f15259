/**
 * Verifiable Credentials JSON Schema: whether a credential follows the schema that it names, as JSON Schema or inside
 * a credential, with one of three results (section 4.2). The schema is handed in: nothing is fetched here.
 */
import { createHash } from 'node:crypto';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Fault } from '../errors.js';
import { canonicalJson, isJsonObject, JsonError, type JsonObject, parseJson } from '../json.js';
import { asArray, isAbsoluteUrl } from './data-model.js';
import { digestsMatch } from './resource-digests.js';
import { schemaHazard } from './schema-safety.js';

/** Section 4.2: indeterminate where the schema is none that can be run here, never as another word for success. */
export type SchemaOutcome = 'success' | 'failure' | 'indeterminate';

export interface SchemaResult {
  readonly outcome: SchemaOutcome;
  /** Why it is not success: about the schema, or about the credential, by JSON Pointer. */
  readonly faults: readonly Fault[];
}

/** The types of credentialSchema that are understood (sections 2.1 and 2.2). */
export type SchemaType = 'JsonSchema' | 'JsonSchemaCredential';

/** What validating a credential takes. */
export interface SchemaQuestion {
  readonly credential: JsonObject;
  /** The member of credentialSchema in question. */
  readonly reference: JsonObject;
  /** What its id led to, byte for byte. */
  readonly schema: Buffer;
}

/**
 * Schemas and credentials beyond these are not run: both are read on the event loop. Compiling is what costs, some
 * 40 ms for 800 members and once for each schema; the catalogue's schemas have fewer.
 */
const schemaLimits = { maxBytes: 64 * 1024, maxDepth: 48, maxKeys: 800 } as const;
/** A credential of the catalogue has 80 values; schemas may look at each of them many times. */
const maxCredentialValues = 1_000;

/** Section 2.2: a schema credential names this schema. The first is where it stands today, the second where it stood. */
const metaSchemas: readonly string[] = [
  'https://www.w3.org/ns/credentials/json-schema/v2.json',
  'https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json',
];
const metaSchemaDigest = 'sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW';

type Draft = '2020-12' | '2019-09' | 'draft-07';

/** Section 3, by `$schema` without its scheme and empty fragment. */
const drafts: Readonly<Record<string, Draft>> = {
  'json-schema.org/draft/2020-12/schema': '2020-12',
  'json-schema.org/draft/2019-09/schema': '2019-09',
  'json-schema.org/draft-07/schema': 'draft-07',
};

/** Unknown keywords are annotations (JSON Schema 2020-12 4.3.1); `format` asserts, as section 4.2's examples do. */
const options = {
  logger: false,
  strict: false,
  allErrors: false,
  // Done by isSchema, whose validators are compiled once; a new one for each schema took 50 ms of its own.
  validateSchema: false,
  code: { optimize: false },
} as const;
const validators: Readonly<Record<Draft, () => Ajv>> = {
  '2020-12': () => addFormats.default(new Ajv2020(options)),
  '2019-09': () => addFormats.default(new Ajv2019(options)),
  'draft-07': () => addFormats.default(new Ajv(options)),
};

/** By draft, what says whether something is a schema of it. Registers nothing, so schemas of strangers never meet. */
const metaValidators = new Map<Draft, Ajv>();

function isSchema(schema: JsonObject, draft: Draft): boolean {
  const known = metaValidators.get(draft) ?? validators[draft]();
  metaValidators.set(draft, known);
  return known.validateSchema(schema) === true;
}

const success: SchemaResult = { outcome: 'success', faults: [] };

function failure(path: string, detail: string): SchemaResult {
  return { outcome: 'failure', faults: [{ path, detail }] };
}

function indeterminate(detail: string): SchemaResult {
  return { outcome: 'indeterminate', faults: [{ path: '/credentialSchema', detail }] };
}

/** Whether a credential follows the schema that it names. */
export function validateAgainstSchema({ credential, reference, schema }: SchemaQuestion): SchemaResult {
  const { id, type } = reference;
  if (!isAbsoluteUrl(id)) return failure('/credentialSchema/id', 'must be an absolute URL');
  const find = typeof type === 'string' && Object.hasOwn(finders, type) ? finders[type as SchemaType] : undefined;
  if (find === undefined) return failure('/credentialSchema/type', 'must be JsonSchema or JsonSchemaCredential');
  if (!digestsMatch(reference, schema)) return failure('/credentialSchema', 'has a digest of another schema');
  const document = readSchema(schema);
  if (document === undefined) return indeterminate('cannot be read as JSON');
  const found = find(document, id);
  return 'outcome' in found ? found : run(found.schema, credential);
}

type Finder = (document: JsonObject, id: string) => SchemaResult | { readonly schema: JsonObject };

/** Where the schema stands, and the rules that it must keep before anything is validated. */
const finders: Readonly<Record<SchemaType, Finder>> = {
  JsonSchema: (document, id) => {
    if (document['$id'] !== id) return failure('/credentialSchema/id', 'must be the $id of the schema');
    return { schema: document };
  },
  JsonSchemaCredential: (document, id) => {
    const subject = document['credentialSubject'];
    if (!asArray(document['type']).includes('JsonSchemaCredential') || document['id'] !== id) {
      return failure('/credentialSchema/id', 'must lead to a JsonSchemaCredential of that id');
    }
    if (!isMetaSchema(document['credentialSchema']))
      return failure('/credentialSchema', 'names no proper schema credential');
    if (!isJsonObject(subject) || subject['type'] !== 'JsonSchema' || !isJsonObject(subject['jsonSchema'])) {
      return failure('/credentialSchema', 'leads to a credential that holds no JsonSchema');
    }
    const { jsonSchema: schema } = subject;
    const named = isAbsoluteUrl(schema['$id']) && (subject['id'] ?? schema['$id']) === schema['$id'];
    return named ? { schema } : failure('/credentialSchema', 'leads to a schema whose $id is not that of its subject');
  },
};

function isMetaSchema(reference: unknown): boolean {
  if (!isJsonObject(reference)) return false;
  const { id, type, digestSRI } = reference;
  return metaSchemas.includes(String(id)) && type === 'JsonSchema' && digestSRI === metaSchemaDigest;
}

function readSchema(bytes: Buffer): JsonObject | undefined {
  try {
    const document = parseJson(bytes, schemaLimits);
    return isJsonObject(document) ? document : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function run(schema: JsonObject, credential: JsonObject): SchemaResult {
  const { $schema: dialect } = schema;
  // Section 4: schemas without $schema "are not considered valid and MUST NOT be processed".
  if (typeof dialect !== 'string') return failure('/credentialSchema', 'leads to a schema without $schema');
  const draft = drafts[dialect.replace(/^https?:\/\//, '').replace(/#$/, '')];
  if (draft === undefined) return indeterminate('is written in a version of JSON Schema that is not supported');
  const hazard = schemaHazard(schema);
  if (hazard !== undefined) return indeterminate(`leads to a schema that ${hazard}`);
  if (!isSmall(credential)) return indeterminate('belongs to a credential too large to be validated');
  return judge(schema, draft, credential);
}

function judge(schema: JsonObject, draft: Draft, credential: JsonObject): SchemaResult {
  try {
    const matches = compile(schema, draft);
    return matches(credential) ? success : { outcome: 'failure', faults: (matches.errors ?? []).map(toFault) };
  } catch {
    // Ajv throws for what is no schema of its draft; that says nothing about the credential.
    return indeterminate('leads to something that is no schema of its version');
  }
}

/** Ajv's own messages name what the schema wants and never what the credential holds. */
function toFault({ instancePath, message = 'is not valid' }: ErrorObject): Fault {
  return { path: instancePath, detail: message };
}

/** Compiling takes a hundred times as long as validating; a host serves few schemas. */
const maxCompiled = 64;
const compiled = new Map<string, ValidateFunction>();

function compile(schema: JsonObject, draft: Draft): ValidateFunction {
  const key = createHash('sha256').update(draft).update(canonicalJson(schema)).digest('base64url');
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const { $schema: _, ...rest } = schema;
  // The spelling of $schema was judged above; Ajv knows each draft by one spelling only.
  if (!isSchema(rest, draft)) throw new Error('no schema of its draft');
  const fresh = validators[draft]().compile(rest);
  const [oldest] = compiled.keys();
  if (compiled.size >= maxCompiled && oldest !== undefined) compiled.delete(oldest);
  compiled.set(key, fresh);
  return fresh;
}

/** Level by level, without recursion. */
function isSmall(credential: JsonObject): boolean {
  let values = 0;
  let level: unknown[] = [credential];
  while (level.length > 0 && values <= maxCredentialValues) {
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
    values += level.length;
  }
  return values <= maxCredentialValues;
}
