/**
 * What verifiers usually ask for, as published files below presentation-requests/: documents by their type in the
 * catalogue, and of each no more claims than the decision needs. A template becomes a DCQL query for the formats that
 * a wallet may hold the documents in. Released files do not change; a new version is a new file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Catalogue } from '../../credential/credential.js';
import { ServiceError } from '../../errors.js';
import { isJsonObject, type JsonObject, parseJson } from '../../json.js';
import type { CredentialQuery, DcqlQuery, QueryFormat } from './dcql.js';

const closed = { additionalProperties: false } as const;
const name = { pattern: '^[A-Za-z][A-Za-z0-9-]{0,39}$' };

const Document = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]{0,39}$' }),
    type: Type.String(name),
    claims: Type.Array(Type.String(name), { minItems: 1, maxItems: 64 }),
    required: Type.Boolean(),
    multiple: Type.Boolean(),
  },
  closed,
);

export const TemplateSchema = Type.Object(
  {
    name: Type.String(name),
    version: Type.Literal(1),
    title: Type.String({ maxLength: 200 }),
    purpose: Type.String({ maxLength: 200 }),
    documents: Type.Array(Document, { minItems: 1, maxItems: 16 }),
  },
  { ...closed, title: 'Presentation request' },
);

/** One published template. */
export type Template = Static<typeof TemplateSchema>;

/** Reads every template; throws `configuration` for one that asks for what the catalogue does not have. */
export function loadTemplates({ root, catalogue }: { root: string; catalogue: Catalogue }): readonly Template[] {
  const folder = join(root, 'presentation-requests');
  return readdirSync(folder)
    .sort()
    .map((entry) => readTemplate(join(folder, entry, 'v1.json'), entry, catalogue));
}

function readTemplate(file: string, entry: string, catalogue: Catalogue): Template {
  const value = parseJson(readFileSync(file));
  if (!Check(TemplateSchema, value)) throw wrong(file, 'is not a presentation request');
  if (value.name !== entry) throw wrong(file, 'is called otherwise than its folder');
  for (const { type, claims } of value.documents) {
    const known = claimsOf(catalogue, type);
    const strange = claims.find((claim) => !known.includes(claim));
    if (strange !== undefined) throw wrong(file, `asks for ${type}.${strange}, which is not in the catalogue`);
  }
  if (!value.documents.some(({ required }) => required)) throw wrong(file, 'requires nothing');
  return value;
}

function wrong(file: string, detail: string): ServiceError {
  return new ServiceError('configuration', `${file} ${detail}`);
}

function claimsOf(catalogue: Catalogue, type: string): string[] {
  const properties = catalogue.find(type)?.schema['properties'];
  const subject = isJsonObject(properties) ? properties['credentialSubject'] : undefined;
  const claims = isJsonObject(subject) ? subject['properties'] : undefined;
  return isJsonObject(claims) ? Object.keys(claims as JsonObject) : [];
}

/** How types and claims are named in one format. */
interface FormatNames {
  /** What tells the alternatives of one document apart. */
  readonly suffix: string;
  readonly meta: (type: string) => CredentialQuery['meta'];
  readonly path: (claim: string) => string[];
}

/** Types in SD-JWT VCs and JSON-LD are IRIs below the programme's base URL; JWTs without JSON-LD use their short names. */
function namesIn(baseUrl: string): Readonly<Record<QueryFormat, FormatNames>> {
  const inSubject = (claim: string) => ['credentialSubject', claim];
  return {
    'dc+sd-jwt': {
      suffix: 'sd_jwt',
      meta: (type) => ({ vct_values: [`${baseUrl}/vct/${type}/v1`] }),
      path: (claim) => [claim],
    },
    jwt_vc_json: { suffix: 'jwt_vc', meta: (type) => ({ type_values: [[type]] }), path: inSubject },
    ldp_vc: { suffix: 'ldp', meta: (type) => ({ type_values: [[`${baseUrl}/vocabulary#${type}`]] }), path: inSubject },
  };
}

/** The query of a template for the formats given, the most wanted first. */
export function templateQuery(template: Template, formats: readonly QueryFormat[], baseUrl: string): DcqlQuery {
  const names = namesIn(baseUrl);
  const [only, ...others] = formats;
  const single = others.length === 0;
  const idOf = (id: string, format: QueryFormat) => (single ? id : `${id}-${names[format].suffix}`);
  const credentials = template.documents.flatMap(({ id, type, claims, multiple }) =>
    formats.map((format) => ({
      id: idOf(id, format),
      format,
      meta: names[format].meta(type),
      ...(multiple ? { multiple } : {}),
      claims: claims.map((claim) => ({ path: names[format].path(claim) })),
    })),
  );
  if (only === undefined || (single && template.documents.every(({ required }) => required))) return { credentials };
  const sets = template.documents.map(({ id, required }) => ({
    options: formats.map((format) => [idOf(id, format)]),
    ...(required ? {} : { required }),
  }));
  return { credentials, credential_sets: sets };
}
