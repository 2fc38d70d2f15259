/**
 * The schema that a credential of a type outside our catalogue names (VC JSON Schema), from hosts that the operator
 * allows and nowhere else; asked only after signature and registry passed (decisions.md 5). A type of the catalogue
 * is held to the catalogue's schema, whatever the credential names (content-checks.ts).
 */
import { type SchemaOutcome, validateAgainstSchema } from '../credential/credential.js';
import { ServiceError } from '../errors.js';
import type { Fetch, FetchResult } from '../http/client.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { VerifyCode } from './codes.js';
import { type Deadline, DeadlineExceeded } from './deadline.js';
import { type Check, finding } from './report.js';

/** Where schemas may be fetched from. */
export interface SchemaSource {
  readonly hosts: readonly string[];
  /** https only where absent; on loopback http too. */
  readonly schemes?: readonly string[];
  readonly fetch: Fetch;
}

export interface NamedSchemaQuestion {
  readonly credential: JsonObject;
  readonly deadline: Deadline;
  /** Answers the schema credential that was fetched as it was signed, or nothing. A wrong answer is a forged schema. */
  readonly prove: (fetched: FetchResult) => Promise<Buffer | undefined>;
}

/** More schemas for one credential than this help nobody. */
const maxSchemas = 4;

const codes: Readonly<Record<SchemaOutcome, VerifyCode>> = {
  success: 'schema_named_satisfied',
  failure: 'schema_violation',
  indeterminate: 'schema_not_run',
};

/** What the named schemas say, or nothing where the credential names none that may be fetched: then the type is unknown. */
export async function checkNamedSchema(
  source: SchemaSource,
  question: NamedSchemaQuestion,
): Promise<Check | undefined> {
  const { credential } = question;
  const references = [credential.credentialSchema ?? []].flat().filter(isJsonObject).filter(isUnderstood);
  const urls = references.map(({ id }) => allowedUrl(id, source));
  if (urls.length === 0 || urls.length > maxSchemas || urls.includes(undefined)) return undefined;
  const checks: Check[] = [];
  for (const reference of references) checks.push(await checkOne(source, reference, question));
  return (
    checks.find(({ outcome }) => outcome === 'fail') ?? checks.find(({ outcome }) => outcome !== 'pass') ?? checks[0]
  );
}

/** VC-JOSE-COSE 5: a credentialSchema of a type that is not understood is ignored. Then nothing is fetched for it. */
function isUnderstood({ type }: JsonObject): boolean {
  return type === 'JsonSchema' || type === 'JsonSchemaCredential';
}

function allowedUrl(id: unknown, { hosts, schemes = ['https:'] }: SchemaSource): string | undefined {
  if (typeof id !== 'string' || !URL.canParse(id)) return undefined;
  const { protocol, host } = new URL(id);
  return schemes.includes(protocol) && hosts.includes(host) ? id : undefined;
}

async function checkOne(
  source: SchemaSource,
  reference: JsonObject,
  { credential, deadline, prove }: NamedSchemaQuestion,
): Promise<Check> {
  try {
    const url = String(reference.id);
    const fetched = await deadline.race(source.fetch(url, { signal: deadline.signal }));
    // A schema credential vouches for its schema by its own proof (VC JSON Schema 4.1), unless the issuer gave a digest.
    const signed = reference.type === 'JsonSchemaCredential' && reference.digestSRI === undefined;
    const schema = signed ? await deadline.race(prove(fetched)) : fetched.body;
    if (schema === undefined) return finding('schema_not_run', { schema: url });
    const { outcome, faults } = validateAgainstSchema({ credential, reference, schema });
    const told = faults.slice(0, 20).map(({ path, detail }) => ({ path, detail }));
    return finding(codes[outcome], { schema: url, ...(told.length > 0 && { faults: told }) });
  } catch (error) {
    if (error instanceof DeadlineExceeded || error instanceof ServiceError) return finding('schema_not_fetched');
    throw error;
  }
}
