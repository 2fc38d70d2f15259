/**
 * Validation at the boundary by JSON Schema 2020-12, the dialect of OpenAPI 3.1 and of our published schemas.
 * Nothing is coerced, filled in or taken away: what a caller sent is judged as it came.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import type { FastifyServerOptions } from 'fastify';

// The package is CommonJS with both a default export and module.exports.
const addFormats = addFormatsModule.default;

function createAjv(externalSchemas: unknown): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allowUnionTypes: true,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
    // Collecting every fault of a hostile body costs memory that the caller chooses.
    allErrors: false,
    logger: false,
  });
  addFormats(ajv);
  ajv.addKeyword('example');
  for (const schema of Object.values((externalSchemas ?? {}) as Record<string, object>)) ajv.addSchema(schema);
  return ajv;
}

function compile(ajv: Ajv2020, schema: object): ValidateFunction {
  const id = (schema as { $id?: string }).$id;
  return (id === undefined ? undefined : ajv.getSchema(id)) ?? ajv.compile(schema);
}

/**
 * Compilers for Fastify. Answers are written with JSON.stringify, since fast-json-stringify leaves out silently what a
 * schema does not name. With `checkResponses` an answer that breaks its schema is a fault (500): tests switch it on.
 */
export function schemaCompilers(checkResponses: boolean): NonNullable<FastifyServerOptions['schemaController']> {
  const compilersFactory = {
    buildValidator: (externalSchemas: unknown) => {
      const ajv = createAjv(externalSchemas);
      return ({ schema }: RouteSchema) => compile(ajv, schema);
    },
    buildSerializer: (externalSchemas: unknown) => {
      const ajv = checkResponses ? createAjv(externalSchemas) : undefined;
      return (route: RouteSchema) => (ajv ? checkedSerializer(ajv, route) : JSON.stringify);
    },
  };
  return { compilersFactory } as unknown as NonNullable<FastifyServerOptions['schemaController']>;
}

interface RouteSchema {
  schema: object;
  url?: string;
  method?: string;
}

function checkedSerializer(ajv: Ajv2020, { schema, url, method }: RouteSchema): (data: unknown) => string {
  const check = compile(ajv, schema);
  return (data) => {
    const text = JSON.stringify(data);
    if (!check(JSON.parse(text))) {
      throw new Error(`The answer of ${method} ${url} breaks its schema: ${ajv.errorsText(check.errors)}`);
    }
    return text;
  };
}
