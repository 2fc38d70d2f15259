/** The key that this wallet's credentials are bound to: P-256, which every issuer takes, named as a did:jwk. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { ServiceError } from '../errors.js';
import { createKeySigner, type Signer } from '../jose/jws.js';
import type { PublicJwk } from '../jose/keys.js';
import type { JsonObject } from '../json.js';

/** The holder, able to sign. */
export interface Holder {
  readonly did: string;
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly sign: Signer;
}

/** A new private key, as a JWK. */
export function createHolderKey(): JsonObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as JsonObject;
}

/** Opens the stored private key; throws `configuration` when it is none. */
export function openHolderKey(privateJwk: JsonObject): Holder {
  try {
    const { algorithm, publicJwk, sign } = createKeySigner(
      createPrivateKey({ key: privateJwk as { kty: string }, format: 'jwk' }),
    );
    if (algorithm !== 'ES256') throw new Error('not a P-256 key');
    const did = `did:jwk:${Buffer.from(JSON.stringify(publicJwk)).toString('base64url')}`;
    return { did, kid: `${did}#0`, publicJwk, sign };
  } catch (cause) {
    throw new ServiceError('configuration', 'The wallet file holds no usable key.', { cause });
  }
}
