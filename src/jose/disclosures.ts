/**
 * The disclosures of an SD-JWT (RFC 9901): hiding claims behind digests, and putting back those that a holder shows.
 * A digest that stands twice, a disclosure that nothing asks for, or a name that overwrites another is a forgery in
 * the making and is refused (RFC 9901 7.1).
 */
import { createHash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { JoseError } from './errors.js';
import { parsePart } from './jws.js';

/** One claim, or one element of an array, as its holder shows it. */
export interface Disclosure {
  readonly encoded: string;
  /** Absent for an element of an array. */
  readonly name?: string;
  readonly value: Json;
}

/** A path to a claim: names of members and places in arrays. */
export type ClaimPath = readonly (string | number)[];

/** A claim set with digests, and what belongs to them. */
export interface Concealed {
  readonly claims: JsonObject;
  readonly disclosures: readonly string[];
}

/** RFC 9901 4.1.1: names of the IANA registry of Named Information Hash Algorithms. MD5 and its like have no row. */
const hashes: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-384': 'sha384', 'sha-512': 'sha512' };

/** Node's name of the hash that `_sd_alg` names; sha-256 where it is absent. */
export function disclosureHash(claims: JsonObject): string {
  const name = claims._sd_alg ?? 'sha-256';
  const hash = typeof name === 'string' && Object.hasOwn(hashes, name) ? hashes[name] : undefined;
  if (hash === undefined) throw refused('The _sd_alg is not one that is accepted here.');
  return hash;
}

/** The digest of a disclosure is that of its text, not of what it says (RFC 9901 4.2.3). */
export function digestOf(encoded: string, hash: string): string {
  return createHash(hash).update(encoded, 'ascii').digest('base64url');
}

/** Nesting that strict JSON accepts: disclosures inside disclosures must not get past it. */
const maxDepth = 64;

/** RFC 9901 5.1 and 5.2: names that mean something to SD-JWT; as a claim's name they would be read as such. */
const reservedNames: ReadonlySet<string> = new Set(['_sd', '...', '__proto__']);

/** Reads one disclosure: base64url of [salt, name, value] or [salt, value]. */
export function parseDisclosure(encoded: string): Disclosure {
  const content = parsePart(decodeBase64url(encoded), { code: 'payload_invalid', part: 'disclosure' });
  if (!Array.isArray(content) || typeof content[0] !== 'string') throw refused('A disclosure is not a salted claim.');
  const [, nameOrValue, value] = content;
  if (content.length === 2) return { encoded, value: nameOrValue as Json };
  if (content.length !== 3 || typeof nameOrValue !== 'string' || reservedNames.has(nameOrValue)) {
    throw refused('A disclosure does not name a claim.');
  }
  return { encoded, name: nameOrValue, value: value as Json };
}

interface Revealing {
  readonly byDigest: Map<string, Disclosure>;
  readonly seen: Set<string>;
}

/** The claims as the issuer stated them, as far as they are shown (RFC 9901 7.1 step 3 to 5). */
export function revealClaims(claims: JsonObject, disclosures: readonly Disclosure[]): JsonObject {
  const hash = disclosureHash(claims);
  const byDigest = new Map(disclosures.map((disclosure) => [digestOf(disclosure.encoded, hash), disclosure]));
  if (byDigest.size < disclosures.length) throw refused('A disclosure stands there twice.');
  const state: Revealing = { byDigest, seen: new Set() };
  const { _sd_alg: _, ...hidden } = claims;
  const revealed = reveal(hidden, state, 0);
  if (byDigest.size > 0) throw refused('A disclosure belongs to no digest of the token.');
  return revealed as JsonObject;
}

function reveal(value: Json, state: Revealing, depth: number): Json {
  if (depth > maxDepth) throw refused('The disclosures nest too deeply.');
  if (Array.isArray(value)) return value.flatMap((item) => revealItem(item, state, depth));
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, '_sd_alg')) throw refused('An _sd_alg stands where none belongs.');
  const { _sd: digests, ...plain } = value;
  const members = Object.entries(plain).map(([name, member]): [string, Json] => {
    if (reservedNames.has(name)) throw refused('A digest of an array element stands outside an array.');
    return [name, reveal(member, state, depth + 1)];
  });
  const revealed = Object.fromEntries(members);
  for (const [name, member] of disclosedMembers(digests, state, depth)) {
    if (Object.hasOwn(revealed, name)) throw refused('A disclosure overwrites a claim.');
    revealed[name] = member;
  }
  return revealed;
}

function disclosedMembers(digests: Json | undefined, state: Revealing, depth: number): [string, Json][] {
  if (digests === undefined) return [];
  if (!Array.isArray(digests)) throw refused('The _sd of an object is not an array.');
  return digests.flatMap((digest) => {
    const disclosure = take(digest, state);
    if (disclosure === undefined) return [];
    if (disclosure.name === undefined) throw refused('A disclosure of an array element stands for a claim.');
    return [[disclosure.name, reveal(disclosure.value, state, depth + 1)] as [string, Json]];
  });
}

function revealItem(item: Json, state: Revealing, depth: number): Json[] {
  if (!isJsonObject(item) || !Object.hasOwn(item, '...')) return [reveal(item, state, depth + 1)];
  if (Object.keys(item).length !== 1) throw refused('A digest of an array element has company.');
  const disclosure = take(item['...'], state);
  if (disclosure === undefined) return [];
  if (disclosure.name !== undefined) throw refused('A disclosure of a claim stands for an array element.');
  return [reveal(disclosure.value, state, depth + 1)];
}

/** RFC 9901 7.1 step 4: a digest that is met twice, whether anything belongs to it or not, condemns the token. */
function take(digest: Json | undefined, { byDigest, seen }: Revealing): Disclosure | undefined {
  if (typeof digest !== 'string') throw refused('A digest is not a text.');
  if (seen.has(digest)) throw refused('A digest stands in the token twice.');
  seen.add(digest);
  const disclosure = byDigest.get(digest);
  byDigest.delete(digest);
  return disclosure;
}

/** RFC 9901 4.2.1: 128 bits at least. */
const saltBytes = 16;

/** The digests of an object or array are filled up, so that their number does not tell how many claims there are. */
export interface Decoys {
  readonly at: ClaimPath;
  /** So many digests, or a multiple of it where there are more. */
  readonly total: number;
}

/**
 * Replaces the claims at the paths by digests; throws JoseError where a path leads nowhere. Longer paths first, so
 * that what is hidden inside something hidden needs both disclosures (RFC 9901 6.3).
 */
export function concealClaims(
  claims: JsonObject,
  paths: readonly ClaimPath[],
  random: (bytes: number) => Uint8Array,
  decoys: readonly Decoys[] = [],
): Concealed {
  refuseReserved(claims);
  const copy = structuredClone(claims);
  const disclosures: string[] = [];
  const conceal = (content: Json[]): string => {
    const salt = encodeBase64url(random(saltBytes));
    const encoded = encodeBase64url(Buffer.from(JSON.stringify([salt, ...content])));
    disclosures.push(encoded);
    return digestOf(encoded, 'sha256');
  };
  // RFC 9901 4.2.5: "created by hashing over a cryptographically secure random number".
  const invent = (): string => digestOf(encodeBase64url(random(2 * saltBytes)), 'sha256');
  const steps = [
    ...paths.map((path) => ({ depth: path.length, run: () => concealAt(copy, path, conceal) })),
    // After what is inside the object or array, and before that is hidden itself.
    ...decoys.map(({ at, total }) => ({ depth: at.length + 0.5, run: () => fillUp(valueAt(copy, at), total, invent) })),
  ];
  for (const { run } of steps.sort((one, other) => other.depth - one.depth)) run();
  return { claims: { ...copy, _sd_alg: 'sha-256' }, disclosures };
}

function valueAt(claims: JsonObject, path: ClaimPath): Json | undefined {
  return path.reduce<Json | undefined>((value, step) => memberOf(value, step), claims);
}

function fillUp(container: Json | undefined, total: number, invent: () => string): void {
  const missing = (present: number) => Math.max(1, Math.ceil(present / total)) * total - present;
  const invented = (present: number) => Array.from({ length: missing(present) }, invent);
  if (Array.isArray(container)) {
    container.push(...invented(container.length).map((digest) => ({ '...': digest })));
    return;
  }
  if (!isJsonObject(container)) throw refused('There is nothing at a path that decoys are asked for.');
  const digests = Array.isArray(container._sd) ? container._sd : [];
  container._sd = [...digests, ...invented(digests.length)].sort();
}

function concealAt(claims: JsonObject, path: ClaimPath, conceal: (content: Json[]) => string): void {
  const parent = valueAt(claims, path.slice(0, -1));
  const last = path.at(-1);
  const value = last === undefined ? undefined : memberOf(parent, last);
  if (value === undefined) throw refused('There is no claim at a path that is to be concealed.');
  if (Array.isArray(parent) && typeof last === 'number') {
    parent[last] = { '...': conceal([value]) };
    return;
  }
  if (!isJsonObject(parent) || typeof last !== 'string') return;
  delete parent[last];
  const digests = Array.isArray(parent._sd) ? parent._sd : [];
  // Sorted, so that the order of the digests says nothing about that of the claims (RFC 9901 4.2.4.1).
  parent._sd = [...digests, conceal([last, value])].sort();
}

function memberOf(value: Json | undefined, step: string | number): Json | undefined {
  if (typeof step === 'number') return Array.isArray(value) ? value[step] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

/** RFC 9901 4.1: what an issuer states may not look like a digest. */
function refuseReserved(value: Json): void {
  if (Array.isArray(value)) for (const item of value) refuseReserved(item);
  if (!isJsonObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === '_sd_alg' || reservedNames.has(name)) throw refused('A claim has a name that SD-JWT reserves.');
    refuseReserved(member);
  }
}

function refused(detail: string): JoseError {
  return new JoseError('disclosure_invalid', detail);
}
