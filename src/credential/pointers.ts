/**
 * What JSON Pointers (RFC 6901) select of a document (vc-di-ecdsa 3.4.10 to 3.4.13): the values they name, and of
 * every object on the way its id and type, without which a value would hang in the air.
 */
import { ServiceError } from '../errors.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';

/** A credential has a few dozen members; more pointers than this only cost time. */
const maxPointers = 256;
/** Sixty-four levels of names of sixteen characters. */
const maxPointerLength = 1_024;

/** The parts of a tree that are wanted; an empty one stands for everything below. */
interface Wanted {
  readonly parts: Map<string, Wanted>;
  whole: boolean;
}

/**
 * The selected part with the document's context, or undefined without any pointer. With `singles`, a pointer into
 * the document as it was written is followed in its compacted form.
 */
export function selectMembers(
  document: JsonObject,
  pointers: readonly string[],
  { singles }: { singles: boolean } = { singles: false },
): JsonObject | undefined {
  if (pointers.length === 0) return undefined;
  if (pointers.length > maxPointers) throw refuse('', `more than ${maxPointers} pointers are not accepted`);
  const wanted: Wanted = { parts: new Map(), whole: false };
  for (const pointer of pointers) want(wanted, document, { pointer, singles });
  const selected = select(document, wanted) as JsonObject;
  return { '@context': document['@context'] ?? [], ...selected };
}

function want(root: Wanted, document: JsonObject, { pointer, singles }: { pointer: string; singles: boolean }): void {
  let [at, value] = [root, document as Json];
  for (const token of tokensOf(pointer)) {
    if (singles && isCompacted(token, value)) continue;
    const next = memberOf(value, token);
    if (next === undefined) throw refuse(pointer, 'does not match the document');
    value = next;
    const known = at.parts.get(token) ?? { parts: new Map(), whole: false };
    at.parts.set(token, known);
    at = known;
  }
  at.whole = true;
}

/** Compaction takes a list of one for its only item, and an object with nothing but an id for that id. */
function isCompacted(token: string, value: Json): boolean {
  return token === '0' ? !Array.isArray(value) : token === 'id' && typeof value === 'string';
}

function tokensOf(pointer: string): string[] {
  const wellFormed = typeof pointer === 'string' && pointer.length <= maxPointerLength;
  if (!wellFormed || !/^(?:\/(?:[^~/]|~[01])*)*$/.test(pointer)) throw refuse(pointer, 'is not a JSON Pointer');
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function memberOf(value: Json, token: string): Json | undefined {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d{0,5})$/.test(token) ? value[Number(token)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

function select(value: Json, { parts, whole }: Wanted): Json {
  if (whole) return value;
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const wanted = parts.get(String(index));
      return wanted ? [select(item, wanted)] : [];
    });
  }
  const members = Object.entries(value as JsonObject).flatMap(([name, member]) => {
    if (isIdentity(name, member)) return [[name, member] as const];
    const wanted = parts.get(name);
    return wanted ? [[name, select(member, wanted)] as const] : [];
  });
  return Object.fromEntries(members);
}

/** vc-di-ecdsa 3.4.11: a node keeps its type, and its id unless that is a blank node's label. */
function isIdentity(name: string, member: Json): boolean {
  return name === 'type' || (name === 'id' && typeof member === 'string' && !member.startsWith('_:'));
}

function refuse(pointer: string, detail: string): ServiceError {
  const shown = String(pointer).slice(0, 100);
  return new ServiceError('invalid_request', `The pointer "${shown}" ${detail}.`, {
    faults: [{ path: shown, detail }],
  });
}
