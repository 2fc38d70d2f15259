/** Walks a JSON Schema as a document: which members it declares, and which names and patterns it uses anywhere. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js';

/** A member that a schema declares, with the path of property names that leads to it. */
export interface DeclaredMember {
  readonly path: readonly string[];
  readonly schema: JsonObject;
  readonly required: boolean;
}

/** Every declared member at any depth, through objects and arrays; conditions and alternatives declare nothing. */
export function* declaredMembers(schema: JsonObject, path: readonly string[] = []): Generator<DeclaredMember> {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  for (const [name, member] of Object.entries(properties)) {
    if (!isJsonObject(member)) continue;
    const memberPath = [...path, name];
    yield { path: memberPath, schema: member, required: required.includes(name) };
    yield* declaredMembers(member, memberPath);
  }
  for (const inner of innerSchemas(schema)) yield* declaredMembers(inner, path);
}

/** Items of arrays, and alternatives that are objects of their own (a string or an organisation, say). */
function innerSchemas(schema: JsonObject): JsonObject[] {
  const alternatives = Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isJsonObject) : [];
  const objects = alternatives.filter((alternative) => alternative['type'] === 'object');
  return isJsonObject(schema['items']) ? [schema['items'], ...objects] : objects;
}

/** Every JSON object inside a value, itself included. */
export function* objectsIn(value: Json): Generator<JsonObject> {
  if (Array.isArray(value)) for (const item of value) yield* objectsIn(item);
  if (!isJsonObject(value)) return;
  yield value;
  for (const member of Object.values(value)) yield* objectsIn(member);
}

/** Every property name that a schema mentions, in whatever keyword. */
export function* namesIn(schema: JsonObject): Generator<string> {
  for (const node of objectsIn(schema)) {
    for (const keyword of ['properties', 'patternProperties', 'dependentRequired', 'dependentSchemas']) {
      if (isJsonObject(node[keyword])) yield* Object.keys(node[keyword]);
    }
    if (Array.isArray(node['required'])) yield* node['required'].filter((name) => typeof name === 'string');
  }
}
