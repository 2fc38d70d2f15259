/** Says in a caller's terms what a schema found wrong. No text repeats a value: values in credentials are personal data. */
import type { ErrorObject } from 'ajv';
import type { Fault } from '../../errors.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import { dataModelOf } from './data-model-of.js';

/** More than this nobody reads, and an answer must stay small. */
const maximumFaults = 50;
const memberName = /^[@A-Za-z][A-Za-z0-9_-]{0,63}$/;

type Params = Readonly<Record<string, unknown>>;

/** Each sentence takes its words from the schema only. A keyword without a row gets Ajv's own message, which names no value. */
const sentences: Readonly<Record<string, (params: Params) => string>> = {
  required: () => 'is required',
  dependentRequired: () => 'is required here',
  unevaluatedProperties: () => 'is not a member of this type of credential',
  'false schema': () => 'is not allowed here',
  const: (params) => `must be ${JSON.stringify(params['allowedValue'])}`,
  enum: (params) => `must be one of ${listed(params['allowedValues'])}`,
  pattern: (params) => `does not have the form ${String(params['pattern'])}`,
  format: (params) => `is not a valid ${String(params['format'])}`,
  anyOf: () => 'fits none of the allowed forms',
  contains: () => 'lacks an item that must be there',
  uniqueItems: () => 'has the same item twice',
};

function listed(values: unknown): string {
  return Array.isArray(values) ? values.join(', ') : '';
}

/** The faults of a credential, by JSON Pointer. */
export function toFaults(errors: readonly ErrorObject[], credential: JsonObject): Fault[] {
  const otherModel = `#/anyOf/${dataModelOf(credential) === '1.1' ? 0 : 1}/`;
  const collapsed = errors.filter((error) => error.keyword === 'anyOf' && error.schemaPath !== '#/anyOf');
  const relevant = errors.filter(
    (error) =>
      error.keyword !== 'if' &&
      error.schemaPath !== '#/anyOf' &&
      !error.schemaPath.startsWith(otherModel) &&
      !collapsed.some((parent) => error.schemaPath.startsWith(`${parent.schemaPath}/`)),
  );
  return distinct(relevant.map(toFault)).slice(0, maximumFaults);
}

function toFault(error: ErrorObject): Fault {
  const params = isJsonObject(error.params) ? (error.params as Params) : {};
  const sentence = sentences[error.keyword]?.(params) ?? error.message ?? 'is not valid';
  return { path: error.instancePath + memberOf(params), detail: sentence };
}

/** The member that is missing or in excess. A name that no schema would use is left out: it may be anything. */
function memberOf(params: Params): string {
  const name = params['missingProperty'] ?? params['unevaluatedProperty'];
  return typeof name === 'string' && memberName.test(name) ? `/${name}` : '';
}

function distinct(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [`${fault.path} ${fault.detail}`, fault])).values()];
}
