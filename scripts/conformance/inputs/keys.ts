/** Keys of the checker's own issuers and holders, each with its did:key (the did:key method and CID Multikey, by hand). */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { base58 } from '@scure/base';
import type { Document } from './documents.js';

export type KeyType = 'Ed25519' | 'P-256' | 'P-384';

/** Somebody who can sign. */
export interface Signer {
  readonly did: string;
  readonly verificationMethod: string;
  readonly keyType: KeyType;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicKeyMultibase: string;
}

interface KeyFacts {
  /** The multicodec of the public key as an unsigned varint. */
  readonly multicodec: readonly [number, number];
  readonly size: number;
  readonly hash: 'sha256' | 'sha384';
  readonly algorithm: 'EdDSA' | 'ES256' | 'ES384';
}

export const keyFacts: Readonly<Record<KeyType, KeyFacts>> = {
  Ed25519: { multicodec: [0xed, 0x01], size: 32, hash: 'sha256', algorithm: 'EdDSA' },
  'P-256': { multicodec: [0x80, 0x24], size: 33, hash: 'sha256', algorithm: 'ES256' },
  'P-384': { multicodec: [0x81, 0x24], size: 49, hash: 'sha384', algorithm: 'ES384' },
};

/** The type of key that a mechanism is tried with when nothing asks for another. */
export function keyTypeOf(securing: string): KeyType {
  return securing.startsWith('ecdsa') || securing.startsWith('vc+') ? 'P-256' : 'Ed25519';
}

function generate(keyType: KeyType): { privateKey: KeyObject; publicKey: KeyObject } {
  if (keyType === 'Ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: keyType });
}

/** SEC 1 compressed point, or the 32 bytes of an Ed25519 key. */
function rawPublicKey(key: KeyObject): Uint8Array {
  const { kty, x = '', y = '' } = key.export({ format: 'jwk' });
  const abscissa = Buffer.from(x, 'base64url');
  if (kty === 'OKP') return abscissa;
  const odd = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  return Buffer.concat([Buffer.of(odd ? 3 : 2), abscissa]);
}

export function multikeyOf(keyType: KeyType, publicKey: KeyObject): string {
  const bytes = Buffer.concat([Buffer.from(keyFacts[keyType].multicodec), rawPublicKey(publicKey)]);
  return `z${base58.encode(bytes)}`;
}

/** A new key with its did:key. */
export function createSigner(keyType: KeyType): Signer {
  const { privateKey, publicKey } = generate(keyType);
  const publicKeyMultibase = multikeyOf(keyType, publicKey);
  const did = `did:key:${publicKeyMultibase}`;
  return {
    did,
    verificationMethod: `${did}#${publicKeyMultibase}`,
    keyType,
    privateKey,
    publicKey,
    publicKeyMultibase,
  };
}

const subjectPublicKeyInfo: Readonly<Record<KeyType, string>> = {
  Ed25519: '302a300506032b6570032100',
  'P-256': '3039301306072a8648ce3d020106082a8648ce3d030107032200',
  'P-384': '3046301006072a8648ce3d020106052b81040022033200',
};

/** The public key in a Multikey value; throws when it is none. */
export function readMultikey(multikey: string): { keyType: KeyType; publicKey: KeyObject } {
  if (!multikey.startsWith('z')) throw new Error('a Multikey starts with z (base58btc)');
  const bytes = base58.decode(multikey.slice(1));
  for (const [name, facts] of Object.entries(keyFacts)) {
    if (bytes[0] !== facts.multicodec[0] || bytes[1] !== facts.multicodec[1]) continue;
    const raw = bytes.subarray(2);
    if (raw.length !== facts.size) throw new Error(`a ${name} Multikey has ${facts.size} bytes, not ${raw.length}`);
    const der = Buffer.concat([Buffer.from(subjectPublicKeyInfo[name as KeyType], 'hex'), raw]);
    return { keyType: name as KeyType, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
  }
  throw new Error('the Multikey names no key type that the checker knows');
}

/** The key of a verification method as a DID document has it: a Multikey or a JSON Web Key; throws when it is none. */
export function readMethodKey({ publicKeyMultibase, publicKeyJwk }: Document): {
  keyType: KeyType;
  publicKey: KeyObject;
} {
  if (publicKeyJwk === undefined) return readMultikey(String(publicKeyMultibase));
  const keyType = publicKeyJwk['crv'] as KeyType;
  if (!Object.hasOwn(keyFacts, keyType)) throw new Error(`the curve ${keyType} is none that the checker knows`);
  return { keyType, publicKey: createPublicKey({ key: publicKeyJwk, format: 'jwk' }) };
}

/** The key that a did:key verification method stands for; the fragment must repeat the identifier. */
export function readDidKey(verificationMethod: string): { did: string; keyType: KeyType; publicKey: KeyObject } {
  const match = /^(did:key:(z[1-9A-HJ-NP-Za-km-z]+))#\2$/.exec(verificationMethod);
  if (!match?.[1] || !match[2]) throw new Error(`${verificationMethod} is no verification method of a did:key`);
  return { did: match[1], ...readMultikey(match[2]) };
}
