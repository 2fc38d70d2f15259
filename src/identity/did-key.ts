/**
 * did:key and did:jwk, for holders: the key is the identifier, so nothing is fetched. Both must be spelled in the one
 * canonical way, or a holder would have several names.
 */
import { base58 } from '@scure/base';
import type { DIDDocument, VerificationMethod } from 'did-resolver';
import { decodeBase64url } from '../jose/base64url.js';
import { importJwk, importMultikey, toMultikey } from '../jose/keys.js';
import { canonicalJson, isJsonObject, type JsonObject, parseJson } from '../json.js';
import { maxDidLength } from './did-web.js';

/** A public key has six members and no more than lists of texts in them (RFC 7517 4). */
const jwkLimits = { maxDepth: 4, maxKeys: 32 } as const;

/** Multicodec jwk_jcs-pub, 0xeb51 as an unsigned varint. */
const jwkJcsPrefix = [0xd1, 0xd6, 0x03] as const;

/** The document of a did:key (Ed25519, P-256, P-384, jwk_jcs-pub); throws when it is none. */
export function didKeyDocument(did: string): DIDDocument {
  const multibase = did.slice('did:key:'.length);
  if (did.length > maxDidLength || !/^z[1-9A-HJ-NP-Za-km-z]+$/.test(multibase)) throw new Error('not a did:key');
  const id = `${did}#${multibase}`;
  const bytes = base58.decode(multibase.slice(1));
  if (jwkJcsPrefix.every((byte, index) => bytes[index] === byte)) {
    const publicKeyJwk = readJwk(Buffer.from(bytes.subarray(jwkJcsPrefix.length)), 'canonical');
    return documentOf(did, { id, type: 'JsonWebKey', controller: did, publicKeyJwk });
  }
  if (toMultikey(importMultikey(multibase)) !== multibase) throw new Error('not spelled canonically');
  return documentOf(did, { id, type: 'Multikey', controller: did, publicKeyMultibase: multibase });
}

/** The document of a did:jwk; throws when it is none. `use` decides the relationships, as the method says. */
export function didJwkDocument(did: string): DIDDocument {
  if (did.length > maxDidLength) throw new Error('too long');
  const publicKeyJwk = readJwk(decodeBase64url(did.slice('did:jwk:'.length)));
  const method = { id: `${did}#0`, type: 'JsonWebKey', controller: did, publicKeyJwk };
  return documentOf(did, method, publicKeyJwk.use === undefined ? ['keyAgreement'] : []);
}

/** False for a did:key or did:jwk that holds no key. Of other methods nothing can be said without asking. */
export function mayBeHolder(did: string): boolean {
  const read = did.startsWith('did:key:') ? didKeyDocument : did.startsWith('did:jwk:') ? didJwkDocument : undefined;
  try {
    read?.(did);
    return true;
  } catch {
    return false;
  }
}

function readJwk(bytes: Buffer, spelling?: 'canonical'): JsonObject & { kty: string } {
  const jwk = parseJson(bytes, jwkLimits);
  importJwk(jwk);
  if (!isJsonObject(jwk)) throw new Error('not a JWK');
  if (spelling && canonicalJson(jwk) !== bytes.toString('utf8')) throw new Error('not spelled canonically');
  return jwk as JsonObject & { kty: string };
}

const signing = ['assertionMethod', 'authentication', 'capabilityInvocation', 'capabilityDelegation'] as const;

function documentOf(did: string, method: VerificationMethod, more: readonly 'keyAgreement'[] = []): DIDDocument {
  const suite = method.type === 'Multikey' ? 'multikey' : 'jwk';
  return {
    '@context': ['https://www.w3.org/ns/did/v1', `https://w3id.org/security/${suite}/v1`],
    id: did,
    verificationMethod: [method],
    ...Object.fromEntries([...signing, ...more].map((name) => [name, [method.id]])),
  };
}
