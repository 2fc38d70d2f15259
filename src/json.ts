/**
 * Strict JSON for everything that comes from outside, and RFC 8785 for everything that is hashed.
 *
 * `JSON.parse` silently keeps the last of two equal members, turns 9007199254740993 into ...992 and 1e400 into
 * Infinity, and gives half a surrogate pair back as a string. Two programs that read one signed text differently
 * are a forgery waiting to happen (OWASP ASVS 5.0 1.5.3, RFC 7493), so such texts are refused. The text is
 * scanned once, without recursion, before `JSON.parse` builds the value.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** How large a text may be, how deep it may nest and how many members all its objects may have together. */
export interface JsonLimits {
  maxBytes: number;
  maxDepth: number;
  maxKeys: number;
}

/**
 * 256 kB is the largest inbound body (decisions.md 7); 64 levels leave room for any real presentation and keep every
 * recursive reader downstream off the end of its stack; a passport of 30 credentials has about 2,000 members.
 */
const defaultJsonLimits: JsonLimits = Object.freeze({ maxBytes: 256 * 1024, maxDepth: 64, maxKeys: 10_000 });

/** Why a text was refused. */
export type JsonErrorCode =
  | 'syntax'
  | 'duplicate_key'
  | 'too_deep'
  | 'too_many_keys'
  | 'too_large'
  | 'lone_surrogate'
  | 'unsafe_number'
  | 'forbidden_key';

/** A text that is no JSON, or JSON that two readers could understand differently. Never quotes the text. */
export class JsonError extends Error {
  readonly code: JsonErrorCode;

  constructor(code: JsonErrorCode, detail: string) {
    super(detail);
    this.name = 'JsonError';
    this.code = code;
  }
}

/** Whether a value is a JSON object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a text strictly; throws JsonError. */
export function parseJson(text: string | Buffer, limits: Partial<JsonLimits> = {}): Json {
  const bounds = { ...defaultJsonLimits, ...limits };
  const bytes = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  if (bytes > bounds.maxBytes)
    throw new JsonError('too_large', `The JSON text is larger than ${bounds.maxBytes} bytes.`);
  const source = typeof text === 'string' ? text : decodeUtf8(text);
  if (!source.isWellFormed()) throw new JsonError('lone_surrogate', 'The JSON text contains half a surrogate pair.');
  scanText({ text: source, at: 0, keys: 0, limits: bounds, open: [] });
  return JSON.parse(source) as Json;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new JsonError('syntax', 'The JSON text is not valid UTF-8.');
  }
}

/** Where the scanner stands: the names seen so far in every open object, null for an open array. */
interface Scan {
  readonly text: string;
  at: number;
  keys: number;
  readonly limits: JsonLimits;
  readonly open: (Set<string> | null)[];
}

type Expectation = 'value' | 'value or ]' | 'name' | 'name or }' | 'comma or end' | 'nothing more';

const steps: Readonly<Record<Expectation, (scan: Scan, character: string) => Expectation>> = {
  value: scanValue,
  'value or ]': (scan, character) => (character === ']' ? close(scan) : scanValue(scan, character)),
  name: scanName,
  'name or }': (scan, character) => (character === '}' ? close(scan) : scanName(scan, character)),
  'comma or end': scanComma,
  'nothing more': (scan) => {
    throw syntax(scan);
  },
};

function scanText(scan: Scan): void {
  let expectation: Expectation = 'value';
  skipSpace(scan);
  while (scan.at < scan.text.length) {
    expectation = steps[expectation](scan, scan.text.charAt(scan.at));
    skipSpace(scan);
  }
  if (expectation !== 'nothing more') throw syntax(scan);
}

function scanValue(scan: Scan, character: string): Expectation {
  switch (character) {
    case '"':
      scanString(scan);
      return afterValue(scan);
    case '{':
      open(scan, new Set());
      return 'name or }';
    case '[':
      open(scan, null);
      return 'value or ]';
    default:
      scanPrimitive(scan, character);
      return afterValue(scan);
  }
}

function scanName(scan: Scan, character: string): Expectation {
  if (character !== '"') throw syntax(scan);
  const name = scanString(scan);
  const names = scan.open.at(-1);
  // Names are compared after unescaping: "a" and "\u0061" are the same member.
  if (names?.has(name)) throw new JsonError('duplicate_key', `A member name occurs twice, at offset ${scan.at}.`);
  names?.add(name);
  // An own member called __proto__ survives JSON.parse, and becomes a prototype in the next Object.assign.
  if (name === '__proto__') throw new JsonError('forbidden_key', 'A member is called __proto__.');
  scan.keys += 1;
  if (scan.keys > scan.limits.maxKeys)
    throw new JsonError('too_many_keys', `More than ${scan.limits.maxKeys} members.`);
  skipSpace(scan);
  if (scan.text.charAt(scan.at) !== ':') throw syntax(scan);
  scan.at += 1;
  return 'value';
}

function scanComma(scan: Scan, character: string): Expectation {
  const inArray = scan.open.at(-1) === null;
  if (character === (inArray ? ']' : '}')) return close(scan);
  if (character !== ',') throw syntax(scan);
  scan.at += 1;
  return inArray ? 'value' : 'name';
}

function open(scan: Scan, names: Set<string> | null): void {
  if (scan.open.length >= scan.limits.maxDepth) {
    throw new JsonError('too_deep', `The JSON text nests deeper than ${scan.limits.maxDepth} levels.`);
  }
  scan.open.push(names);
  scan.at += 1;
}

function close(scan: Scan): Expectation {
  scan.open.pop();
  scan.at += 1;
  return afterValue(scan);
}

function afterValue(scan: Scan): Expectation {
  return scan.open.length === 0 ? 'nothing more' : 'comma or end';
}

/** RFC 8259 section 2: only these four are white space. */
function skipSpace(scan: Scan): void {
  for (; scan.at < scan.text.length; scan.at += 1) {
    const code = scan.text.charCodeAt(scan.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** Moves past a string and returns its value. Every character is looked at once; an escape is two characters here. */
function scanString(scan: Scan): string {
  const start = scan.at;
  let escaped = false;
  for (let at = start + 1; at < scan.text.length; at += 1) {
    const code = scan.text.charCodeAt(at);
    if (code === quote) {
      scan.at = at + 1;
      return escaped ? unescapeString(scan, start) : scan.text.slice(start + 1, at);
    }
    if (code < 0x20) throw syntax(scan);
    if (code === backslash) {
      escaped = true;
      at += 1;
    }
  }
  throw syntax(scan);
}

function unescapeString(scan: Scan, start: number): string {
  let value: string;
  try {
    value = JSON.parse(scan.text.slice(start, scan.at)) as string;
  } catch {
    // Without a cause: V8's messages quote the text.
    throw syntax(scan);
  }
  if (!value.isWellFormed()) throw new JsonError('lone_surrogate', 'A string contains half a surrogate pair.');
  return value;
}

const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };

function scanPrimitive(scan: Scan, character: string): void {
  const literal = literals[character];
  if (literal === undefined) {
    scanNumber(scan);
    return;
  }
  if (!scan.text.startsWith(literal, scan.at)) throw syntax(scan);
  scan.at += literal.length;
}

/** RFC 8259 section 6, each part of it matched by a run of digits, so that matching is linear. */
const numberPattern = /-?(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?/y;

/** Any decimal of up to 15 significant digits comes back unchanged from an IEEE 754 double. */
const alwaysExactLength = 15;

function scanNumber(scan: Scan): void {
  numberPattern.lastIndex = scan.at;
  const match = numberPattern.exec(scan.text);
  if (match === null) throw syntax(scan);
  const [token, integer = '', fraction = '', exponent] = match;
  scan.at += token.length;
  if (token.length <= alwaysExactLength && exponent === undefined && !token.startsWith('-0')) return;
  const value = Number(token);
  // -0 loses its sign in every writer (RFC 8785 3.2.2.3 writes 0), so what was read is not what would be signed.
  const roundTrips =
    Number.isFinite(value) && !Object.is(value, -0) && sameDecimal(value, { integer, fraction, exponent });
  if (!roundTrips)
    throw new JsonError('unsafe_number', `A number at offset ${scan.at} would change its value when read.`);
}

interface Decimal {
  readonly integer: string;
  readonly fraction: string;
  readonly exponent: string | undefined;
}

/**
 * A number round-trips when the shortest decimal that ECMAScript (and so RFC 8785) writes for it denotes the very
 * value that was sent. 4.50 and 1E30 do; 9007199254740993, 333333333.33333329 and 1e-400 do not: the reader would
 * report, and re-sign, another number.
 */
function sameDecimal(value: number, sent: Decimal): boolean {
  // Guards the exponent below: with a value that is neither zero nor infinite it is about as long as the digits.
  if (value === 0) return !/[1-9]/.test(sent.integer + sent.fraction);
  const [coefficient = '', exponent] = Math.abs(value).toString().split('e');
  const [integer = '', fraction = ''] = coefficient.split('.');
  return decimalKey({ integer, fraction, exponent }) === decimalKey(sent);
}

/** One spelling for each decimal value: significant digits without zeros at either end, and the exponent of the last. */
function decimalKey({ integer, fraction, exponent = '0' }: Decimal): string {
  const digits = integer + fraction;
  let first = 0;
  let end = digits.length;
  while (first < end && digits.charAt(first) === '0') first += 1;
  while (end > first && digits.charAt(end - 1) === '0') end -= 1;
  return `${digits.slice(first, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

function syntax(scan: Scan): JsonError {
  return new JsonError('syntax', `The text is not JSON (RFC 8259), near offset ${scan.at}.`);
}

/** Documents of ours are a parsed text plus a few levels that we put around it. */
const maxCanonicalDepth = 2 * defaultJsonLimits.maxDepth;

/** The RFC 8785 canonical form. Throws JsonError for what RFC 7493 does not allow, and for undefined. */
export function canonicalJson(value: Json): string {
  return canonicalise(value, 0);
}

function canonicalise(value: Json, depth: number): string {
  if (depth > maxCanonicalDepth)
    throw new JsonError('too_deep', `A value nests deeper than ${maxCanonicalDepth} levels.`);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalise(item, depth + 1)).join(',')}]`;
  if (isJsonObject(value)) {
    // RFC 8785 3.2.3 orders names by UTF-16 code units, as sort() does without a comparison function.
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${canonicalPrimitive(name)}:${canonicalise(value[name] as Json, depth + 1)}`).join(',')}}`;
  }
  return canonicalPrimitive(value);
}

function canonicalPrimitive(value: null | boolean | number | string): string {
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new JsonError('lone_surrogate', 'A string contains half a surrogate pair.');
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new JsonError('unsafe_number', 'A number is not finite.');
  const text: string | undefined = JSON.stringify(value);
  // undefined would vanish from what is signed while the caller still sees the member.
  if (text === undefined) throw new JsonError('syntax', 'A value has no JSON form.');
  return text;
}
