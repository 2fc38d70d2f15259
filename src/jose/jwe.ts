/**
 * JWE in compact serialization (RFC 7516) as far as encrypted answers of wallets need it: ECDH-ES on P-256 with AES-GCM,
 * to a key that is made for one request and lies sealed until the answer (OpenID4VP 1.0 section 8.3, HAIP 5).
 */
import { createECDH } from 'node:crypto';
import { compactDecrypt, type JWK } from 'jose';
import { isJsonObject, type JsonObject } from '../json.js';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { JoseError } from './errors.js';
import { parsePart } from './jws.js';

/** What the other side may encrypt with; published as encrypted_response_enc_values_supported. */
export const contentEncryptions = ['A128GCM', 'A256GCM'] as const;

/** The one way of agreeing on a key. */
export const keyAgreement = 'ECDH-ES';

/** A key pair for one message. */
export interface EncryptionKey {
  /** What the other side is sent, without `kid`, `use` and `alg`. */
  readonly publicJwk: JsonObject;
  readonly privateJwk: JsonObject;
}

const scalarLength = 32;

/** Makes a key pair on P-256. */
export function createEncryptionKey(random: (size: number) => Uint8Array): EncryptionKey {
  const pair = createECDH('prime256v1');
  const scalar = random(scalarLength);
  // Zero or not below the order of the group, once in 2^32: OpenSSL refuses it, so another one is taken.
  try {
    pair.setPrivateKey(scalar);
  } catch {
    return createEncryptionKey(random);
  }
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 1 + scalarLength), point.subarray(1 + scalarLength)].map(encodeBase64url);
  const publicJwk = { kty: 'EC', crv: 'P-256', x: x as string, y: y as string };
  return { publicJwk, privateJwk: { ...publicJwk, d: encodeBase64url(scalar) } };
}

const headerLimits = { maxBytes: 8 * 1024, maxDepth: 8, maxKeys: 64 } as const;

/** Opens a message that was encrypted to the key; throws JoseError. Nothing in it is authenticated by that. */
export async function openJwe(compact: string, key: { privateJwk: JsonObject; kid: string }): Promise<Buffer> {
  checkHeader(parseHeader(compact), key.kid);
  try {
    const { plaintext } = await compactDecrypt(compact, key.privateJwk as unknown as JWK, {
      keyManagementAlgorithms: [keyAgreement],
      contentEncryptionAlgorithms: [...contentEncryptions],
      maxDecompressedLength: 0,
    });
    return Buffer.from(plaintext);
  } catch (cause) {
    throw new JoseError('payload_invalid', 'The message does not open with the key of this request.', { cause });
  }
}

function parseHeader(compact: string): JsonObject {
  const parts = compact.split('.', 6);
  if (parts.length !== 5) throw new JoseError('malformed', 'The message does not have five parts.');
  const bytes = decodeBase64url(parts[0] ?? '');
  const header = parsePart(bytes, { code: 'header_invalid', part: 'header' }, headerLimits);
  if (!isJsonObject(header)) throw new JoseError('header_invalid', 'The header is not a JSON object.');
  return header;
}

/** One algorithm, our key, and no extension: compression would let a small message grow without bound. */
function checkHeader(header: JsonObject, kid: string): void {
  const { alg, enc } = header;
  if (alg !== keyAgreement) throw new JoseError('alg_not_allowed', `The alg of the message is not ${keyAgreement}.`);
  if (!contentEncryptions.some((name) => name === enc)) {
    throw new JoseError('alg_not_allowed', `The enc of the message is not one of ${contentEncryptions.join(', ')}.`);
  }
  const strange = ['crit', 'zip', 'jwk', 'jku', 'x5u', 'x5c'].find((name) => Object.hasOwn(header, name));
  if (strange !== undefined) throw new JoseError('header_invalid', `The header has ${strange}.`);
  // OpenID4VP 1.0 8.3 demands the kid; wallets that leave it out had one key to choose from all the same.
  if (header['kid'] !== undefined && header['kid'] !== kid) {
    throw new JoseError('header_invalid', 'The message is encrypted to another key.');
  }
}
