/**
 * DPoP (RFC 9449): a wallet shows with each request that it holds the key that its tokens are bound to. It is the
 * wallet's choice whether to bind; once bound, the key is needed every time.
 */
import { createHash } from 'node:crypto';
import { ServiceError } from '../../errors.js';
import { OAuthError } from '../../http/oauth-errors.js';
import { jwsAlgorithmNames } from '../../jose/algorithms.js';
import { JoseError } from '../../jose/errors.js';
import { verifyJws } from '../../jose/jws.js';
import { checkTimeClaims, type ParsedJwt, parseJwt } from '../../jose/jwt.js';
import { importJwk, type VerificationKey } from '../../jose/keys.js';
import type { JsonObject } from '../../json.js';
import type { Store } from '../../store/store.js';
import { digestOf, isSameText } from './secrets.js';
import { insertProof } from './store.js';

/** RFC 9449 11.1: so old may a proof be, and so long is its jti remembered. Clocks of phones are seldom exact. */
const maxAgeSeconds = 300;
/** Replicas' clocks differ: one may still accept what another has long seen expire. */
const marginSeconds = 300;
/** A proof has about 600 bytes. */
const maxProofBytes = 8 * 1024;
const maxJtiLength = 256;

/** What a proof is checked against. `url` is our public address of the endpoint. */
export interface ProofExpectation {
  readonly method: string;
  readonly url: string;
  /** At a protected resource: the token that the proof must name (`ath`). */
  readonly accessToken?: string;
}

interface ProofDependencies {
  readonly store: Store;
  readonly now: () => Date;
}

/** Checks a proof and uses it up; answers the thumbprint of its key. Throws OAuthError invalid_dpop_proof. */
export async function useDpopProof(
  { store, now }: ProofDependencies,
  proof: string,
  expected: ProofExpectation,
): Promise<string> {
  const { thumbprint, jti } = verifyProof(proof, expected, now());
  const expiresAt = new Date(now().getTime() + (maxAgeSeconds + marginSeconds) * 1000).toISOString();
  const digest = digestOf(JSON.stringify([thumbprint, jti]));
  await store.transaction((tx) => insertProof(tx, { digest, expiresAt })).catch(refuseReplay);
  return thumbprint;
}

/** RFC 9449 4.3, in its order. */
function verifyProof(proof: string, expected: ProofExpectation, now: Date): { thumbprint: string; jti: string } {
  const jwt = refusingJose(() => parseProof(proof));
  const key = refusingJose(() => keyOf(jwt));
  const { claims } = jwt;
  if (claims.htm !== expected.method) throw refused('htm is not the method of this request.');
  if (normaliseHtu(claims.htu) !== normaliseHtu(expected.url)) throw refused('htu is not the address of this request.');
  refusingJose(() => checkTimeClaims(claims, now, { maxAgeSeconds }));
  checkAccessToken(claims, expected.accessToken);
  return { thumbprint: key.thumbprint, jti: readJti(claims) };
}

/** The header was once sent twice, or a list came: HTTP joins them with a comma, which no compact JWS holds. */
function parseProof(proof: string): ParsedJwt {
  return parseJwt(proof, { typ: ['dpop+jwt'], allowEmbeddedKey: true, maxBytes: maxProofBytes });
}

function keyOf(jwt: ParsedJwt): VerificationKey {
  const key = importJwk(jwt.header.jwk);
  verifyJws(jwt, key);
  return key;
}

/** RFC 9449 4.3, 9: without query and fragment, after the normalisation of RFC 3986 6.2.2 and 6.2.3. */
function normaliseHtu(htu: unknown): string | undefined {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return undefined;
  const { origin, pathname } = new URL(htu);
  return `${origin}${pathname}`;
}

function checkAccessToken({ ath }: JsonObject, accessToken: string | undefined): void {
  if (accessToken === undefined) return;
  const digest = createHash('sha256').update(accessToken, 'ascii').digest('base64url');
  if (typeof ath !== 'string' || !isSameText(ath, digest)) throw refused('ath is not the digest of the access token.');
}

function readJti({ jti }: JsonObject): string {
  if (typeof jti === 'string' && jti !== '' && jti.length <= maxJtiLength) return jti;
  throw refused(`jti is not a text of 1 to ${maxJtiLength} characters.`);
}

function refusingJose<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw refused(cause.message, cause);
  }
}

function refuseReplay(cause: unknown): never {
  if (!(cause instanceof ServiceError) || cause.code !== 'conflict') throw cause;
  throw refused('it was used before: each request needs a new one.', cause);
}

function refused(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_dpop_proof', `The DPoP proof is not acceptable: ${detail}`, { cause });
}

/** RFC 9449 7.1: at a protected resource the refusal is a challenge. */
export function dpopChallenge(error: string): string {
  return `DPoP error="${error}", algs="${jwsAlgorithmNames.join(' ')}"`;
}
