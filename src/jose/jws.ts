/**
 * JWS in compact serialization (RFC 7515), as strict as security.md 2.3 asks: one text for one signed thing, the
 * algorithm bound to the key, no key, URL or extension taken from the token. Every JWT of the product passes here.
 */
import { createPublicKey, sign as cryptoSign, verify as cryptoVerify, type KeyObject } from 'node:crypto';
import { isJsonObject, JsonError, type JsonErrorCode, type JsonObject, parseJson } from '../json.js';
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithmNames, jwsAlgorithms } from './algorithms.js';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { fromDer, toDer } from './ecdsa-form.js';
import { JoseError, type JoseErrorCode } from './errors.js';
import { importJwk, type PublicJwk, type VerificationKey } from './keys.js';

/** A protected header whose algorithm is one of ours. */
export type JwsHeader = JsonObject & { alg: JwsAlgorithm };

/** A well-formed JWS. Nothing in it may be believed before verifyJws. */
export interface ParsedJws {
  readonly header: JwsHeader;
  readonly payload: Buffer;
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/** What the reader of a JWS expects of its header. */
export interface JwsExpectation {
  /** Accepted `typ` values; undefined stands for an absent one. Compared without "application/" and without case. */
  readonly typ: readonly (string | undefined)[];
  /** Accepted algorithms; all of ours where absent. */
  readonly algorithms?: readonly JwsAlgorithm[];
  /** Lets the header carry `jwk` or `x5c`, for proofs of possession. `jku` and `x5u` stay refused: nothing fetches them. */
  readonly allowEmbeddedKey?: boolean;
  /** The largest token, 256 kB where absent. */
  readonly maxBytes?: number;
}

/** As large as the largest inbound body (decisions.md 7). */
const maxTokenBytes = 256 * 1024;

/** Room for an x5c chain of three certificates; a header of ours has under 300 bytes. */
const headerLimits = { maxBytes: 8 * 1024, maxDepth: 8, maxKeys: 64 } as const;

/** Parses and checks everything that needs no key; throws JoseError. */
export function parseJws(compact: string, expect: JwsExpectation): ParsedJws {
  const [header, payload, signature] = splitCompact(compact, expect.maxBytes ?? maxTokenBytes);
  const parsedHeader = parseHeader(header);
  checkHeader(parsedHeader, expect);
  return {
    header: parsedHeader as JwsHeader,
    payload: decodeBase64url(payload),
    signingInput: Buffer.from(compact.slice(0, header.length + 1 + payload.length), 'latin1'),
    signature: decodeBase64url(signature),
  };
}

function splitCompact(compact: string, maxBytes: number): [string, string, string] {
  if (typeof compact !== 'string') throw new JoseError('malformed', 'The token is not a string.');
  if (compact.length > maxBytes) throw new JoseError('too_large', `The token is larger than ${maxBytes} bytes.`);
  // One part more than there may be is enough to know that there are too many.
  const [header, payload, signature, ...more] = compact.split('.', 4);
  if (!header || !payload || !signature || more.length > 0) {
    throw new JoseError('malformed', 'The token does not have three parts that are not empty.');
  }
  return [header, payload, signature];
}

function parseHeader(part: string): JsonObject {
  const bytes = decodeBase64url(part);
  const header = parsePart(bytes, { code: 'header_invalid', part: 'header' }, headerLimits);
  if (!isJsonObject(header)) throw new JoseError('header_invalid', 'The header is not a JSON object.');
  return header;
}

/** Parses a JSON part of a token; a JsonError becomes a JoseError with the code given. */
export function parsePart(
  bytes: Buffer,
  { code, part }: { code: JoseErrorCode; part: string },
  limits: Parameters<typeof parseJson>[1] = {},
): ReturnType<typeof parseJson> {
  try {
    return parseJson(bytes, limits);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    const reason: JsonErrorCode = cause.code;
    throw new JoseError(code, `The ${part} is not acceptable JSON (${reason}).`, { cause });
  }
}

function checkHeader(header: JsonObject, expect: JwsExpectation): void {
  checkExtensions(header);
  checkAlgorithm(header, expect);
  checkEmbeddedKeys(header, expect);
  for (const member of ['kid', 'typ', 'cty'] as const) {
    const value = header[member];
    if (value !== undefined && typeof value !== 'string')
      throw new JoseError('header_invalid', `${member} is not a string.`);
  }
  const typ = normaliseTyp(header.typ as string | undefined);
  if (!expect.typ.some((accepted) => normaliseTyp(accepted) === typ)) {
    throw new JoseError('typ_not_allowed', 'The typ of the token is not one that is accepted here.');
  }
}

/** RFC 7515 4.1.11: extensions that are not understood must be refused, and none is. b64 (RFC 7797) is one of them. */
function checkExtensions(header: JsonObject): void {
  if (Object.hasOwn(header, 'crit'))
    throw new JoseError('crit_not_supported', 'The header has crit; no extension is supported.');
  if (Object.hasOwn(header, 'b64'))
    throw new JoseError('crit_not_supported', 'The header has b64, which is not supported.');
}

function checkAlgorithm(header: JsonObject, expect: JwsExpectation): void {
  const allowed: readonly JwsAlgorithm[] = expect.algorithms ?? jwsAlgorithmNames;
  if (!isJwsAlgorithm(header.alg) || !allowed.includes(header.alg)) {
    throw new JoseError('alg_not_allowed', `The alg of the token is not one of ${allowed.join(', ')}.`);
  }
}

function checkEmbeddedKeys(header: JsonObject, expect: JwsExpectation): void {
  const refused = expect.allowEmbeddedKey === true ? ['jku', 'x5u'] : ['jku', 'x5u', 'jwk', 'x5c'];
  const found = refused.find((member) => Object.hasOwn(header, member));
  if (found !== undefined) throw new JoseError('embedded_key', `The header brings its own key (${found}).`);
}

/** RFC 7515 4.1.9: "application/" is left out unless another slash appears; media types have no case. */
function normaliseTyp(typ: string | undefined): string | undefined {
  const lower = typ?.toLowerCase();
  if (!lower?.startsWith('application/')) return lower;
  const subtype = lower.slice('application/'.length);
  return subtype.includes('/') ? lower : subtype;
}

/** Checks the signature; throws JoseError key_alg_mismatch or signature_invalid. */
export function verifyJws(jws: ParsedJws, key: VerificationKey): void {
  if (jws.header.alg !== key.algorithm) {
    throw new JoseError('key_alg_mismatch', `The key is for ${key.algorithm}, the token says ${jws.header.alg}.`);
  }
  if (!verifyBytes(key, jws.signingInput, jws.signature)) {
    throw new JoseError('signature_invalid', 'The signature does not belong to this content and key.');
  }
}

/** Whether a raw signature (r || s, or Ed25519) of exactly the right length belongs to the data. */
export function verifyBytes(key: VerificationKey, data: Uint8Array, signature: Uint8Array): boolean {
  const { hash, signatureLength } = jwsAlgorithms[key.algorithm];
  if (signature.length !== signatureLength) return false;
  return cryptoVerify(hash, data, key.keyObject, hash === null ? signature : toDer(signature));
}

/** Makes a raw signature; the key may be far away. */
export type Signer = (data: Uint8Array) => Promise<Uint8Array>;

/** Builds and signs a compact JWS. A signer that answers with a signature of the wrong length is an error. */
export async function signJws(header: JwsHeader, payload: JsonObject | Uint8Array, sign: Signer): Promise<string> {
  const content = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  const signingInput = `${encodeBase64url(Buffer.from(JSON.stringify(header)))}.${encodeBase64url(content)}`;
  const signature = await sign(Buffer.from(signingInput, 'latin1'));
  if (signature.length !== jwsAlgorithms[header.alg].signatureLength) {
    throw new JoseError('signature_invalid', `The signer did not make an ${header.alg} signature.`);
  }
  return `${signingInput}.${encodeBase64url(signature)}`;
}

/** A signer over a private KeyObject, with the algorithm that its curve has and its public part. */
export function createKeySigner(privateKey: KeyObject): {
  algorithm: JwsAlgorithm;
  publicJwk: PublicJwk;
  sign: Signer;
} {
  const publicKey = publicPartOf(privateKey);
  const { hash, signatureLength } = jwsAlgorithms[publicKey.algorithm];
  return {
    algorithm: publicKey.algorithm,
    publicJwk: publicKey.jwk,
    sign: async (data) => {
      const signature = cryptoSign(hash, data, privateKey);
      return hash === null ? signature : fromDer(signature, signatureLength);
    },
  };
}

function publicPartOf(privateKey: KeyObject): VerificationKey {
  if (privateKey.type !== 'private') throw new JoseError('key_invalid', 'A signer needs a private key.');
  return importJwk(createPublicKey(privateKey).export({ format: 'jwk' }));
}
