/**
 * What a case is compared with: node:crypto alone, signing or verifying the same bytes with the same algorithm. The
 * fastest form of the call counts: a KeyObject that is there already, and DER signatures, since the form of JOSE
 * (r || s) costs an options object (src/jose/ecdsa-form.ts).
 */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { JwsAlgorithm } from '../../src/jose/algorithms.js';
import { toDer } from '../../src/jose/ecdsa-form.js';

/** A signature as it was made, the bytes under it, and the key to check it with. */
export interface SignedBytes {
  readonly algorithm: JwsAlgorithm;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: KeyObject;
}

const hashes: Readonly<Partial<Record<JwsAlgorithm, 'sha256' | null>>> = { ES256: 'sha256', EdDSA: null };

function hashOf(algorithm: JwsAlgorithm): 'sha256' | null {
  const hash = hashes[algorithm];
  if (hash === undefined) throw new Error(`no floor for ${algorithm}`);
  return hash;
}

/** Verifies all the signatures; throws when one does not hold. */
export function verifyFloor(signed: readonly SignedBytes[]): () => void {
  const checks = signed.map(({ algorithm, bytes, signature, publicKey }) => {
    const form = algorithm === 'EdDSA' ? signature : toDer(signature);
    return () => verify(hashOf(algorithm), bytes, publicKey, form);
  });
  return () => {
    for (const check of checks) if (!check()) throw new Error('node:crypto refuses the signature of a floor');
  };
}

/** Signs the same bytes with another key of the same kind; the agent's own private keys stay where they are. */
export function signFloor({ algorithm, bytes }: SignedBytes): () => void {
  const { privateKey } =
    algorithm === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const hash = hashOf(algorithm);
  return () => void sign(hash, bytes, privateKey);
}
