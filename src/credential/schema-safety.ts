/**
 * Whether a JSON Schema of somebody else's can be run here: in one piece, without references out of it, with regular
 * expressions of linear time only, and with an amount of work that reading it bounds. What cannot be run leaves a
 * credential undecided (VC JSON Schema 4.2), so refusing is safe.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { patternProblem } from './catalogue/linear-pattern.js';

/** Keywords whose value is data and not a schema: what looks like a keyword in there is none. */
const dataKeywords: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);
/** Keywords whose value maps names of the author's choice to schemas. */
const nameKeywords: ReadonlySet<string> = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
]);
/** References that are resolved while validating; what they may lead to cannot be bounded by reading. */
const dynamicKeywords = ['$dynamicRef', '$recursiveRef'] as const;

/** Subschemas that one value may meet, all references followed. The catalogue's largest has some 200. */
const maxExpansion = 2_000;

/** Why a schema cannot be run here, or undefined. */
export function schemaHazard(schema: JsonObject): string | undefined {
  for (const node of subschemas(schema)) {
    const hazard = nodeHazard(node, schema);
    if (hazard !== undefined) return hazard;
  }
  return expansionHazard(schema);
}

function nodeHazard(node: JsonObject, root: JsonObject): string | undefined {
  if (node !== root && typeof node['$id'] === 'string') return 'names a second schema inside itself';
  if (dynamicKeywords.some((keyword) => Object.hasOwn(node, keyword))) return 'uses a dynamic reference';
  const { $ref: reference, pattern, patternProperties: patterns } = node;
  if (reference !== undefined && referenced(root, reference) === undefined) return 'refers to something outside itself';
  const all = [
    ...(typeof pattern === 'string' ? [pattern] : []),
    ...(isJsonObject(patterns) ? Object.keys(patterns) : []),
  ];
  return all.some((text) => patternProblem(text) !== undefined)
    ? 'uses a regular expression that may be slow'
    : undefined;
}

/** A schema and every schema in it. Depth is bounded by strict JSON. */
function* subschemas(node: JsonObject): Generator<JsonObject> {
  yield node;
  for (const child of childrenOf(node)) yield* subschemas(child);
}

function childrenOf(node: JsonObject): JsonObject[] {
  return Object.entries(node).flatMap(([keyword, value]) => {
    if (dataKeywords.has(keyword)) return [];
    const values = nameKeywords.has(keyword) && isJsonObject(value) ? Object.values(value) : [value].flat();
    return values.filter(isJsonObject);
  });
}

/** Only JSON Pointers into the same file (RFC 6901 6). */
function referenced(root: JsonObject, reference: Json): JsonObject | undefined {
  if (reference === '#') return root;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  const steps = reference.slice(2).split('/').map(unescapeStep);
  const target = steps.reduce<Json | undefined>((value, step) => memberAt(value, step), root);
  return isJsonObject(target) ? target : undefined;
}

function unescapeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

function memberAt(value: Json | undefined, step: string): Json | undefined {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d{0,4})$/.test(step) ? value[Number(step)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

/**
 * References can double at every step, and a circle of them multiplies with the depth of the data. The number of
 * subschemas with all references written out says how often a value can be looked at; circles are not run.
 */
function expansionHazard(root: JsonObject): string | undefined {
  const sizes = new Map<JsonObject, number>();
  const open = new Set<JsonObject>();
  function sizeOf(node: JsonObject): number {
    const known = sizes.get(node);
    if (known !== undefined) return known;
    if (open.has(node)) return Number.POSITIVE_INFINITY;
    open.add(node);
    const target = node['$ref'] === undefined ? undefined : referenced(root, node['$ref']);
    const parts = target === undefined ? childrenOf(node) : [...childrenOf(node), target];
    const size = parts.reduce((sum, part) => sum + sizeOf(part), 1);
    open.delete(node);
    sizes.set(node, size);
    return size;
  }
  const size = sizeOf(root);
  if (size === Number.POSITIVE_INFINITY) return 'refers to itself in a circle';
  return size > maxExpansion ? 'grows too large when its references are followed' : undefined;
}
