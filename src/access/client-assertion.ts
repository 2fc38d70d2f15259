/**
 * Client authentication with private_key_jwt (RFC 7523; audience as in rfc7523bis: the issuer, never the token URL,
 * for a token meant for another server must not pass here).
 */
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { JoseError } from '../jose/errors.js';
import { type Signer, signJws, verifyJws } from '../jose/jws.js';
import { checkTimeClaims, type ParsedJwt, parseJwt } from '../jose/jwt.js';
import type { VerificationKey } from '../jose/keys.js';
import type { JsonObject } from '../json.js';
import type { Client } from './clients.js';
import { TokenRefusal } from './refusal.js';

/** RFC 7523 section 2.2. */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** An assertion lives five minutes at most: so long must its jti be remembered. */
const maxLifetimeSeconds = 300;

/** An assertion has about 400 bytes; with long ids twice that. */
export const maxAssertionBytes = 8 * 1024;

/** A UUID has 36 characters; each is stored until its assertion has ended. */
const maxJtiLength = 256;

/** An authenticated client; the jti still has to be used up. */
export interface ClientProof {
  readonly client: Client;
  readonly jti: string;
  readonly expiresAt: Date;
}

/** What an assertion is checked against. */
export interface AssertionExpectation {
  readonly clients: ReadonlyMap<string, Client>;
  readonly issuer: string;
  readonly now: Date;
}

/** Checks everything about an assertion except whether it was used before; throws TokenRefusal. */
export function verifyClientAssertion(compact: string, expect: AssertionExpectation): ClientProof {
  const jwt = parseAssertion(compact);
  const client = authenticate(jwt, expect.clients);
  const { claims } = jwt;
  checkAudience(claims, expect.issuer);
  const expiresAt = checkTimes(claims, expect.now);
  return { client, jti: readJti(claims), expiresAt };
}

function parseAssertion(compact: string): ParsedJwt {
  try {
    return parseJwt(compact, { typ: [undefined, 'JWT', 'client-authentication+jwt'], maxBytes: maxAssertionBytes });
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw new TokenRefusal('assertion', `The client assertion is not acceptable: ${cause.message}`, { cause });
  }
}

/** An unknown client, an unknown key and a wrong signature get one answer: it tells nobody which clients exist. */
function authenticate(jwt: ParsedJwt, clients: ReadonlyMap<string, Client>): Client {
  const { iss, sub } = jwt.claims;
  if (typeof iss !== 'string' || iss !== sub) {
    throw new TokenRefusal('assertion', 'iss and sub of the client assertion must both be the client_id.');
  }
  const client = clients.get(iss);
  const key = client && chooseKey(client, jwt);
  if (!client || !key || !isSignedBy(jwt, key)) {
    throw new TokenRefusal('client', 'The client is not known here, or this is not the signature of one of its keys.');
  }
  return client;
}

/** Without a kid there must be no choice. */
function chooseKey(client: Client, jwt: ParsedJwt): VerificationKey | undefined {
  const { kid } = jwt.header;
  if (typeof kid === 'string') return client.keys.get(kid);
  return client.keys.size === 1 ? client.keys.values().next().value : undefined;
}

function isSignedBy(jwt: ParsedJwt, key: VerificationKey): boolean {
  try {
    verifyJws(jwt, key);
    return true;
  } catch (error) {
    if (error instanceof JoseError) return false;
    throw error;
  }
}

function checkAudience({ aud }: JsonObject, issuer: string): void {
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (audience !== issuer)
    throw new TokenRefusal('claims', `aud of the client assertion must be ${issuer} and nothing else.`);
}

function checkTimes(claims: JsonObject, now: Date): Date {
  try {
    checkTimeClaims(claims, now, { requireExp: true });
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw new TokenRefusal('claims', `The client assertion is not valid now: ${cause.message}`, { cause });
  }
  const expiresAt = new Date((claims.exp as number) * 1000);
  if (expiresAt.getTime() > now.getTime() + maxLifetimeSeconds * 1000) {
    throw new TokenRefusal('claims', `exp of the client assertion is more than ${maxLifetimeSeconds} s ahead.`);
  }
  return expiresAt;
}

function readJti({ jti }: JsonObject): string {
  if (typeof jti === 'string' && jti !== '' && jti.length <= maxJtiLength) return jti;
  throw new TokenRefusal('claims', `The client assertion needs a jti of 1 to ${maxJtiLength} characters.`);
}

/** What a client needs to authenticate. */
export interface AssertionRequest {
  readonly clientId: string;
  /** The authorization server's issuer, as its metadata says. */
  readonly issuer: string;
  readonly signer: { readonly algorithm: JwsAlgorithm; readonly sign: Signer };
  readonly kid?: string;
  readonly now: Date;
  readonly jti: string;
}

/** Makes an assertion that is good for a minute, once. */
export function signClientAssertion(request: AssertionRequest): Promise<string> {
  const { clientId, issuer, signer, kid, jti } = request;
  const iat = Math.floor(request.now.getTime() / 1000);
  const header = { alg: signer.algorithm, typ: 'client-authentication+jwt', ...(kid === undefined ? {} : { kid }) };
  return signJws(header, { iss: clientId, sub: clientId, aud: issuer, jti, iat, exp: iat + 60 }, signer.sign);
}
