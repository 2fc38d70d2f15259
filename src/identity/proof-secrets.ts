/** Keys that live for one proof (vc-di-ecdsa 3.6.5): made here, since this slice alone makes keys, and kept nowhere. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { base58 } from '@scure/base';
import { createKeySigner, type Signer } from '../jose/jws.js';
import { importJwk, toMultikey } from '../jose/keys.js';

/** The HMAC key goes to the holder; of the P-256 key pair only the public half leaves this process. */
export interface ProofSecrets {
  readonly hmacKey: Uint8Array;
  /** A Multikey, raw. */
  readonly publicKey: Uint8Array;
  readonly sign: Signer;
}

/** SHA-256 is the digest of the suite, so its HMAC key has 32 bytes. */
const hmacLength = 32;

export function createProofSecrets(): ProofSecrets {
  const { publicJwk, sign } = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const publicKey = base58.decode(toMultikey(importJwk(publicJwk)).slice(1));
  return { hmacKey: randomBytes(hmacLength), publicKey, sign };
}
