/**
 * Digests of resources: digestSRI (Subresource Integrity 3.5) and digestMultibase (Data Integrity 1.0 2.6), as VCDM
 * 2.0 5.3 lets a credential state them for what it refers to.
 */
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../json.js';

interface StatedDigest {
  readonly hash: HashName;
  readonly bytes: Buffer;
}

type HashName = 'sha256' | 'sha384' | 'sha512';

/** SRI's algorithms, weakest first, with their lengths; anything weaker does not count (SRI 3.2). */
const lengths: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };
const strength = Object.keys(lengths);

/** The prefix of a multihash: function and length. */
const multihashes: Readonly<Record<string, HashName>> = { '1220': 'sha256', '2030': 'sha384', '1340': 'sha512' };

/** Three algorithms are known; more expressions than this only cost time. */
const maxExpressions = 16;
const sriExpression = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/;

/** What an SRI text asks for: one of its strongest digests (SRI 3.3.5); undefined where an expression is none. */
function readSri(text: string): readonly StatedDigest[] | undefined {
  const expressions = text.trim().split(/[\t\n\f\r ]+/, maxExpressions + 1);
  const digests = expressions.map(readExpression).filter((digest) => digest !== undefined);
  if (digests.length !== expressions.length || digests.length > maxExpressions) return undefined;
  const strongest = Math.max(...digests.map(({ hash }) => strength.indexOf(hash)));
  return digests.filter(({ hash }) => strength.indexOf(hash) === strongest);
}

function readExpression(expression: string): StatedDigest | undefined {
  const [, name, value = ''] = sriExpression.exec(expression) ?? [];
  const hash = name as HashName | undefined;
  const bytes = Buffer.from(value, 'base64');
  return hash !== undefined && bytes.length === lengths[hash] ? { hash, bytes } : undefined;
}

/** base64url (`u`) of a multihash; a bare SHA-256 without its prefix is what W3C's own suite states. */
function readMultibase(text: string): readonly StatedDigest[] | undefined {
  if (!/^u[A-Za-z0-9_-]{43,90}$/.test(text)) return undefined;
  const bytes = Buffer.from(text.slice(1), 'base64url');
  if (bytes.length === lengths.sha256) return [{ hash: 'sha256', bytes }];
  const hash = multihashes[bytes.subarray(0, 2).toString('hex')];
  const digest = bytes.subarray(2);
  return hash !== undefined && digest.length === lengths[hash] ? [{ hash, bytes: digest }] : undefined;
}

const readers = { digestSRI: readSri, digestMultibase: readMultibase } as const;

/** The members of an object that are to be digests and are none. */
export function malformedDigests(object: JsonObject): string[] {
  return Object.entries(readers).flatMap(([name, read]) => {
    const malformed = listed(object[name]).some((value) => typeof value !== 'string' || read(value) === undefined);
    return malformed ? [name] : [];
  });
}

/** The members that state another digest than the resource has, which `hashOf` tells. */
function contradicted(object: JsonObject, hashOf: (hash: HashName) => Buffer): string[] {
  return Object.entries(readers).flatMap(([name, read]) => {
    const groups = listed(object[name]).map((value) => (typeof value === 'string' ? read(value) : undefined));
    const held = groups.every((group) => group?.some(({ hash, bytes }) => hashOf(hash).equals(bytes)));
    return held ? [] : [name];
  });
}

/** Whether every digest that an object states is that of the resource. An object that states none is not contradicted. */
export function digestsMatch(object: JsonObject, resource: Uint8Array): boolean {
  return contradicted(object, (hash) => createHash(hash).update(resource).digest()).length === 0;
}

/**
 * The SHA-512, SHA-384 and SHA-256 of the texts that W3C has published at an address. credentials/v2 was changed once
 * between Candidate Recommendation (20 July 2024) and Recommendation (24 February 2025); what was stated of the older
 * text is true of it. Proofs are checked under the newer one alone (contexts.ts).
 */
const published: Readonly<Record<string, readonly Readonly<Record<HashName, string>>[]>> = {
  'https://www.w3.org/ns/credentials/v2': [
    {
      sha256: '59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734',
      sha384: '97f1eb8e5042356c805fdd61afa2c557663785e0794dcafa21e138fd38def18cb360133c221aa31d6896a6bf3e65b614',
      sha512:
        '5d55452bd2dcf8a29f5a290473eb242b1c5fb77d4e68f1a0aa87baa4dba2694852d65ec63d48ac04a99d956f9f7153b9406f84d2d04c74869b02c239a1d81305',
    },
    {
      sha256: '24a18c90e9856d526111f29376e302d970b2bd10182e33959995b0207d7043b9',
      sha384: '35239c36999d2155312091af194a1edb61634d6ad789a5e5b19f2aebdd762dd9d1dcaada40eda7ef921c6b8c0ae107a0',
      sha512:
        'cb1336dfa8670d80d03344b3b0cc25faf4d45201823c35f39bb1afe5a9f911f615ff4ec80ec5f2f89e33d14e96bec8be78e38df35b918c9cd5f3b3449bd6c88f',
    },
  ],
  'https://www.w3.org/2018/credentials/v1': [
    {
      sha256: 'ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc',
      sha384: '82c3b3eab863754bbfd2b9f17d8d6db9f61169f301cbf0b05e1fc4beb5f5c51dd4d2e888c274f49c3fbb2408f61faed1',
      sha512:
        '536a40b390dda94a9e39196c00090f62668e8184fe3c8c02c4a22c85666e68bf6e85d3dc7f2dba85b2b62ef95d97de24132568d8504db43f2c9c82d2e88418d2',
    },
  ],
};

/**
 * VCDM 2.0 5.3: the members of a relatedResource object that contradict the resource, where it is one that we hold.
 * Others are made no use of here, so nothing is said about them.
 */
export function contradictedDigests(object: JsonObject): string[] {
  const id = object['id'];
  const texts = typeof id === 'string' && Object.hasOwn(published, id) ? (published[id] ?? []) : [];
  const verdicts = texts.map((text) => contradicted(object, (hash) => Buffer.from(text[hash], 'hex')));
  return verdicts.some((names) => names.length === 0) ? [] : (verdicts[0] ?? []);
}

function listed(value: Json | undefined): readonly Json[] {
  return value === undefined ? [] : [value].flat();
}
