/** JSON documents as the checker reads and writes them; nothing here knows the product. */

// biome-ignore lint/suspicious/noExplicitAny: what a foreign server answers is read by member name, and each test checks what it reads
export type Document = Record<string, any>;

export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One value or several, as JSON-LD writes a set: always as a list. */
export function asList<T>(value: T | readonly T[] | undefined): T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? [...value] : [value as T];
}

/** A copy with members replaced; `undefined` removes a member, which is how a test leaves one out. */
export function changed(document: Document, changes: Document): Document {
  const copy = structuredClone(document);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete copy[name];
    else copy[name] = structuredClone(value);
  }
  return copy;
}

/** JSON Canonicalization Scheme (RFC 8785): names in UTF-16 order, numbers and strings as ECMAScript writes them. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isDocument(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`;
}
