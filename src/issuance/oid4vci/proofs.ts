/**
 * Proofs of possession (OpenID4VCI 1.0 appendix F.1, proof type `jwt`): who asks holds the keys that the copies will be
 * bound to, and made the proof for us and now. Whether a proof was used before is the store's to say.
 */
import { createHash } from 'node:crypto';
import { OAuthError } from '../../http/oauth-errors.js';
import { findVerificationKey, KeyLookupError, type PassportAgent } from '../../identity/identity.js';
import type { JwsAlgorithm } from '../../jose/algorithms.js';
import { encodeBase64url } from '../../jose/base64url.js';
import { JoseError } from '../../jose/errors.js';
import { verifyJws } from '../../jose/jws.js';
import { checkTimeClaims, type ParsedJwt, parseJwt } from '../../jose/jwt.js';
import { importJwk, type PublicJwk, type VerificationKey } from '../../jose/keys.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../json.js';
import type { Nonces } from './nonce.js';

/** A key that a copy is bound to. */
export interface HolderKey {
  /** The subject of the credential: the DID that the wallet named, or the did:jwk of its key. */
  readonly did: string;
  readonly jwk: PublicJwk;
  /** The verification method, where the wallet named a DID. */
  readonly kid?: string;
}

/** A proof that holds. */
export interface KeyProof {
  readonly holder: HolderKey;
  readonly nonce: { readonly value: string; readonly expires: Date };
  /** What is remembered of it, so that it is not used again. */
  readonly digest: string;
}

export interface ProofDependencies {
  readonly issuer: string;
  readonly agent: Pick<PassportAgent, 'resolveDid'>;
  readonly nonces: Pick<Nonces, 'expiryOf'>;
  readonly now: () => Date;
}

/** Algorithms of holders' keys: what wallets have (protocols.md, decision 3). */
export const proofAlgorithms: readonly JwsAlgorithm[] = ['ES256', 'EdDSA'];

/** `batch_size`: as many copies as a wallet gets at once. */
export const batchSize = 10;

/** A proof has under 1 kB, unless a wallet adds attestations. */
const maxProofBytes = 16 * 1024;
const maxAgeSeconds = 300;

/** Reads the proofs of a credential request, `proofs` or the `proof` of the drafts, and verifies every one. */
export async function verifyProofs(
  deps: ProofDependencies,
  request: JsonObject,
  client: { readonly clientId?: string },
): Promise<readonly KeyProof[]> {
  const proofs = [];
  for (const jwt of jwtsOf(request)) proofs.push(await verifyProof(deps, jwt, client));
  const keys = new Set(proofs.map(({ thumbprint }) => thumbprint));
  if (keys.size < proofs.length) throw refused('Two proofs are made with the same key.');
  return proofs.map(({ thumbprint: _, ...proof }) => proof);
}

function jwtsOf({ proofs, proof }: JsonObject): string[] {
  if (proofs !== undefined && proof !== undefined) {
    throw new OAuthError('invalid_credential_request', 'The request has both proofs and proof.');
  }
  if (proof !== undefined) return [singleJwt(proof)];
  if (proofs === undefined) throw refused('The request has no proofs.');
  const names = isJsonObject(proofs) ? Object.keys(proofs) : [];
  const jwts = isJsonObject(proofs) && names.length === 1 ? proofs['jwt'] : undefined;
  if (!Array.isArray(jwts)) throw refused('The proofs are not an object with the one member jwt, an array.');
  if (jwts.length === 0 || jwts.length > batchSize) throw refused(`There must be 1 to ${batchSize} proofs.`);
  if (!jwts.every((jwt) => typeof jwt === 'string')) throw refused('A proof is not a JWT.');
  return jwts;
}

/** Drafts 11 to 15, which several wallets still speak. */
function singleJwt(proof: Json): string {
  const { proof_type: type, jwt } = isJsonObject(proof) ? proof : {};
  if (type !== 'jwt' || typeof jwt !== 'string') throw refused('The only proof_type here is jwt.');
  return jwt;
}

async function verifyProof(
  deps: ProofDependencies,
  jwt: string,
  client: { readonly clientId?: string },
): Promise<KeyProof & { readonly thumbprint: string }> {
  try {
    const parsed = parseJwt(jwt, {
      typ: ['openid4vci-proof+jwt'],
      algorithms: proofAlgorithms,
      allowEmbeddedKey: true,
      maxBytes: maxProofBytes,
    });
    const { key, ...bound } = await keyOf(deps, parsed);
    verifyJws(parsed, key);
    checkClaims(deps, parsed.claims, client);
    const digest = createHash('sha256').update(jwt).digest('base64url');
    const holder = { jwk: key.jwk, ...bound };
    return { holder, nonce: nonceOf(deps, parsed.claims), digest, thumbprint: key.thumbprint };
  } catch (cause) {
    if (!(cause instanceof JoseError || cause instanceof KeyLookupError)) throw cause;
    throw refused(`A proof is not acceptable: ${cause.message}`, cause);
  }
}

type NamedKey = Pick<HolderKey, 'did' | 'kid'> & { readonly key: VerificationKey };

/** Appendix F.1: exactly one of kid, jwk and x5c says which key it is; no holder of ours has a certificate. */
async function keyOf({ agent }: ProofDependencies, { header }: ParsedJwt): Promise<NamedKey> {
  const { kid, jwk } = header;
  if ((kid === undefined) === (jwk === undefined) || header['x5c'] !== undefined) {
    throw refused('A proof must name its key by kid or by jwk, and by one of them only.');
  }
  if (jwk !== undefined) {
    const key = importJwk(jwk);
    return { key, did: `did:jwk:${encodeBase64url(Buffer.from(canonicalJson({ ...key.jwk })))}` };
  }
  const [did = ''] = String(kid).split('#');
  // Both hold their key, so nothing is fetched for a stranger.
  if (!/^did:(key|jwk):/.test(did)) throw refused('The kid of a proof must be a DID URL of did:key or did:jwk.');
  const { didDocument } = await agent.resolveDid({ didUrl: did });
  const { key } = findVerificationKey(didDocument, String(kid), 'authentication');
  return { key, did, kid: String(kid) };
}

/** `iss` is compared where both sides have one: some wallets leave it out, some have no client_id (protocols.md, trap 10). */
function checkClaims(deps: ProofDependencies, claims: JsonObject, { clientId }: { clientId?: string }): void {
  if (claims['aud'] !== deps.issuer) throw refused('The aud of a proof is not this credential issuer.');
  const { iss } = claims;
  if (iss !== undefined && clientId !== undefined && iss !== clientId) {
    throw refused('The iss of a proof is not the client that asks.');
  }
  checkTimeClaims(claims, deps.now(), { maxAgeSeconds });
}

function nonceOf({ nonces }: ProofDependencies, { nonce }: JsonObject): KeyProof['nonce'] {
  // 8.3.1.2: a missing nonce is a fault of the proof, a wrong one asks for another.
  if (typeof nonce !== 'string') throw refused('A proof has no nonce.');
  const expires = nonces.expiryOf(nonce);
  if (expires === undefined) throw new OAuthError('invalid_nonce', 'The nonce of a proof is not one that is good now.');
  return { value: nonce, expires };
}

function refused(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_proof', detail, cause === undefined ? {} : { cause });
}
