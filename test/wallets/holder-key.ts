/** A key of a wallet whose library leaves keys to its callers, with the names that it can have in proofs. */
import { createHash, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { SignJWT } from 'jose';

export interface HolderKey {
  readonly alg: 'ES256' | 'EdDSA';
  readonly jwk: Readonly<Record<string, string>>;
  /** did:jwk, and the one verification method that it has. */
  readonly did: string;
  readonly kid: string;
  sign(header: Record<string, unknown>, payload: Record<string, unknown>): Promise<string>;
  /** Ed25519 only: for proofs that are no tokens. */
  signBytes(data: Uint8Array): Uint8Array;
}

export function createHolderKey(alg: 'ES256' | 'EdDSA' = 'ES256'): HolderKey {
  const { privateKey, publicKey } =
    alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const did = `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString('base64url')}`;
  return {
    alg,
    jwk,
    did,
    kid: `${did}#0`,
    sign: (header, payload) => signWith(privateKey, { ...header, alg }, payload),
    signBytes: (data) => new Uint8Array(signBytes(null, data, privateKey)),
  };
}

function signWith(
  key: KeyObject,
  header: Record<string, unknown> & { alg: string },
  payload: Record<string, unknown>,
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

/** Shows a whole SD-JWT VC: the key binding of RFC 9901 4.3, which the libraries leave to the wallet. */
export async function bindToKey(
  sdJwt: string,
  key: HolderKey,
  { audience, nonce }: { audience: string; nonce: string },
): Promise<string> {
  const digest = createHash('sha256').update(sdJwt).digest('base64url');
  const claims = { aud: audience, nonce, sd_hash: digest, iat: Math.floor(Date.now() / 1000) };
  return `${sdJwt}${await key.sign({ typ: 'kb+jwt' }, claims)}`;
}

/** Shows a VCDM 1.1 token: a presentation around it, signed by the holder (VCDM 1.1 6.3.1). */
export function wrapInToken(
  credential: string,
  key: HolderKey,
  { audience, nonce }: { audience: string; nonce: string },
): Promise<string> {
  const vp = {
    '@context': ['https://www.w3.org/2018/credentials/v1'],
    type: ['VerifiablePresentation'],
    verifiableCredential: [credential],
  };
  const claims = { iss: key.did, aud: audience, nonce, iat: Math.floor(Date.now() / 1000), vp };
  return key.sign({ typ: 'JWT', kid: key.kid }, claims);
}
