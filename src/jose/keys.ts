/**
 * Public keys as they come from strangers: JWK (RFC 7517, RFC 8037) and Multikey (Controlled Identifiers 1.0
 * section 2.2.2). Everything is checked once, here; a VerificationKey that exists is safe to verify with.
 */
import { createHash, createPublicKey, ECDH, type KeyObject } from 'node:crypto';
import { base58 } from '@scure/base';
import { isJsonObject, type JsonObject } from '../json.js';
import { type AlgorithmFacts, type JwsAlgorithm, jwsAlgorithmNames, jwsAlgorithms } from './algorithms.js';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { faultOfEd25519Point } from './ed25519-points.js';
import { JoseError } from './errors.js';

/** The required members of a public JWK, in the order of RFC 7638, and nothing else. */
export type PublicJwk =
  | { readonly crv: 'P-256' | 'P-384' | 'P-521'; readonly kty: 'EC'; readonly x: string; readonly y: string }
  | { readonly crv: 'Ed25519'; readonly kty: 'OKP'; readonly x: string };

/** A public key that passed every import check. */
export interface VerificationKey {
  readonly algorithm: JwsAlgorithm;
  readonly keyObject: KeyObject;
  /** RFC 7638 with SHA-256, base64url: equal keys have equal thumbprints whatever form they were published in. */
  readonly thumbprint: string;
  readonly jwk: PublicJwk;
}

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4: members that only a private or symmetric key has. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** Imports a public JWK; throws JoseError key_invalid. Unknown members are ignored (RFC 7517 section 4). */
export function importJwk(jwk: unknown): VerificationKey {
  if (!isJsonObject(jwk)) throw invalid('The key is not a JWK object.');
  const exposed = privateMembers.find((member) => Object.hasOwn(jwk, member));
  // Who publishes the private part has lost the key: whatever it signed may be anybody's.
  if (exposed !== undefined) throw invalid('The JWK contains its private part.');
  const algorithm = jwsAlgorithmNames.find((name) => jwsAlgorithms[name].crv === jwk.crv);
  if (algorithm === undefined) throw invalid('The JWK has no curve that is accepted (P-256, P-384, P-521, Ed25519).');
  const facts = jwsAlgorithms[algorithm];
  if (jwk.kty !== facts.kty) throw invalid('The kty and crv of the JWK do not belong together.');
  checkIntendedUse(jwk, facts);
  return verificationKey(algorithm, publicMembers(jwk, facts));
}

/** RFC 7517 sections 4.2 to 4.4: a key that says what it is for is used for nothing else. */
function checkIntendedUse(jwk: JsonObject, facts: AlgorithmFacts): void {
  const { use, key_ops: operations, alg, kid } = jwk;
  if (use !== undefined && use !== 'sig') throw invalid('The use of the JWK is not sig.');
  if (operations !== undefined && !allowsVerify(operations))
    throw invalid('The key_ops of the JWK do not allow verify.');
  if (alg !== undefined && !facts.jwkAlgorithms.includes(alg as string)) {
    throw invalid('The alg of the JWK does not belong to its curve.');
  }
  if (kid !== undefined && typeof kid !== 'string') throw invalid('The kid of the JWK is not a string.');
}

function allowsVerify(operations: unknown): boolean {
  if (!Array.isArray(operations)) return false;
  return new Set(operations).size === operations.length && operations.includes('verify');
}

function publicMembers(jwk: JsonObject, facts: AlgorithmFacts): PublicJwk {
  const x = coordinate(jwk.x, facts);
  if (facts.crv === 'Ed25519') return { crv: facts.crv, kty: 'OKP', x };
  return { crv: facts.crv, kty: 'EC', x, y: coordinate(jwk.y, facts) };
}

/** RFC 7518 section 6.2.1.2: the full size of the field, leading zeros included, so that one point has one text. */
function coordinate(value: unknown, facts: AlgorithmFacts): string {
  if (typeof value !== 'string') throw invalid('The JWK lacks a coordinate.');
  if (decodePart(value).length !== facts.coordinateLength)
    throw invalid('A coordinate of the JWK has the wrong length.');
  return value;
}

function decodePart(text: string): Buffer {
  try {
    return decodeBase64url(text);
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw new JoseError('key_invalid', 'A coordinate of the JWK is not canonical base64url.', { cause });
  }
}

function verificationKey(algorithm: JwsAlgorithm, jwk: PublicJwk): VerificationKey {
  if (jwk.kty === 'OKP') {
    const fault = faultOfEd25519Point(decodePart(jwk.x));
    if (fault !== undefined) throw invalid(`The Ed25519 public key ${fault}.`);
  }
  const frozen = Object.freeze({ ...jwk });
  return Object.freeze({ algorithm, keyObject: keyObjectOf(frozen), thumbprint: thumbprintOf(frozen), jwk: frozen });
}

/** OpenSSL refuses an EC point that is not on its curve, or has a coordinate outside the field. */
function keyObjectOf(jwk: PublicJwk): KeyObject {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch (cause) {
    throw new JoseError('key_invalid', 'The public key is not a point on its curve.', { cause });
  }
}

/** RFC 7638 section 3: the required members in lexicographic order, which is the order PublicJwk is built in. */
function thumbprintOf(jwk: PublicJwk): string {
  const { crv, kty, x } = jwk;
  const members = jwk.kty === 'EC' ? { crv, kty, x, y: jwk.y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

/** The longest Multikey here is that of P-521, 69 bytes; base58 decoding is quadratic, so longer input is not tried. */
const maxMultikeyLength = 100;

/** Imports a publicKeyMultibase of a Multikey, base58btc (`z`) only; throws JoseError key_invalid. */
export function importMultikey(publicKeyMultibase: string): VerificationKey {
  const bytes = decodeMultibase(publicKeyMultibase);
  const algorithm = jwsAlgorithmNames.find((name) => {
    const [first, second] = jwsAlgorithms[name].multicodec;
    return bytes[0] === first && bytes[1] === second;
  });
  if (algorithm === undefined) throw invalid('The Multikey has no accepted type (P-256, P-384, P-521, Ed25519).');
  return verificationKey(algorithm, expandPoint(bytes.subarray(2), jwsAlgorithms[algorithm]));
}

function decodeMultibase(text: unknown): Uint8Array {
  if (typeof text !== 'string' || !text.startsWith('z') || text.length > maxMultikeyLength) {
    throw invalid('The Multikey is not base58btc (z...) of a public key.');
  }
  try {
    return base58.decode(text.slice(1));
  } catch (cause) {
    throw new JoseError('key_invalid', 'The Multikey is not base58btc.', { cause });
  }
}

function expandPoint(bytes: Uint8Array, facts: AlgorithmFacts): PublicJwk {
  if (facts.crv === 'Ed25519') {
    if (bytes.length !== facts.coordinateLength) throw invalid('The Multikey has the wrong length.');
    return { crv: facts.crv, kty: 'OKP', x: encodeBase64url(bytes) };
  }
  // SEC 1 section 2.3.3: 02 or 03 and the x coordinate. Uncompressed points are not Multikeys.
  const compressed = bytes[0] === 0x02 || bytes[0] === 0x03;
  if (!compressed || bytes.length !== facts.coordinateLength + 1) throw invalid('The Multikey is no compressed point.');
  const point = convertPoint(bytes, facts, 'uncompressed');
  return {
    crv: facts.crv,
    kty: 'EC',
    x: encodeBase64url(point.subarray(1, 1 + facts.coordinateLength)),
    y: encodeBase64url(point.subarray(1 + facts.coordinateLength)),
  };
}

function convertPoint(point: Uint8Array, facts: AlgorithmFacts, form: 'compressed' | 'uncompressed'): Buffer {
  try {
    return ECDH.convertKey(point, facts.curve, undefined, undefined, form) as Buffer;
  } catch (cause) {
    throw new JoseError('key_invalid', 'The public key is not a point on its curve.', { cause });
  }
}

/** The publicKeyMultibase of a key. */
export function toMultikey(key: VerificationKey): string {
  const facts = jwsAlgorithms[key.algorithm];
  return `z${base58.encode(Buffer.concat([Buffer.from(facts.multicodec), compressPoint(key.jwk, facts)]))}`;
}

function compressPoint(jwk: PublicJwk, facts: AlgorithmFacts): Buffer {
  const x = decodePart(jwk.x);
  if (jwk.kty === 'OKP') return x;
  return convertPoint(Buffer.concat([Buffer.of(0x04), x, decodePart(jwk.y)]), facts, 'compressed');
}

function invalid(detail: string): JoseError {
  return new JoseError('key_invalid', detail);
}
