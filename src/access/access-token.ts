/** Access tokens: `at+jwt` (RFC 9068), signed with a key that all replicas derive from the key-encryption key. */
import { createPrivateKey } from 'node:crypto';
import { JoseError } from '../jose/errors.js';
import { createKeySigner, signJws, verifyJws } from '../jose/jws.js';
import { checkTimeClaims, type ParsedJwt, parseJwt } from '../jose/jwt.js';
import { importJwk, type PublicJwk } from '../jose/keys.js';
import type { JsonObject } from '../json.js';

/** Ours have about 600 bytes. */
const maxTokenBytes = 4 * 1024;

/** RFC 8410: the fixed beginning of an Ed25519 private key in PKCS #8; 32 bytes of seed follow. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** What a token grants. */
export interface Grant {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Issues and verifies tokens of one service. */
export interface AccessTokens {
  readonly publicJwk: PublicJwk;
  readonly kid: string;
  issue(grant: Grant, options: { now: Date; seconds: number; jti: string }): Promise<string>;
  /** Throws JoseError when the token is not one of ours, for us and of now. */
  verify(token: string, now: Date): Grant;
}

/** Creates them over an Ed25519 seed of 32 bytes. */
export function createAccessTokens(options: { seed: Buffer; issuer: string; audience: string }): AccessTokens {
  const { seed, issuer, audience } = options;
  if (seed.length !== 32) throw new RangeError('An Ed25519 seed has 32 bytes.');
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const signer = createKeySigner(privateKey);
  const key = importJwk(signer.publicJwk);
  const kid = key.thumbprint;

  function issue(grant: Grant, { now, seconds, jti }: { now: Date; seconds: number; jti: string }): Promise<string> {
    const { clientId } = grant;
    const iat = Math.floor(now.getTime() / 1000);
    const claims = { iss: issuer, aud: audience, sub: clientId, client_id: clientId, scope: grant.scopes.join(' ') };
    return signJws({ alg: 'EdDSA', typ: 'at+jwt', kid }, { ...claims, jti, iat, exp: iat + seconds }, signer.sign);
  }

  function verify(token: string, now: Date): Grant {
    const jwt = parseJwt(token, { typ: ['at+jwt'], algorithms: ['EdDSA'], maxBytes: maxTokenBytes });
    if (jwt.header.kid !== kid) throw new JoseError('key_invalid', 'The token names a key that is not ours.');
    verifyJws(jwt, key);
    checkTimeClaims(jwt.claims, now, { requireExp: true });
    return readGrant(jwt);
  }

  /** RFC 9068 section 4: iss and aud exactly; the other claims are ours, so anything odd about them is a refusal. */
  function readGrant({ claims }: ParsedJwt): Grant {
    const { iss, aud, sub, client_id: clientId, scope } = claims as JsonObject;
    if (iss !== issuer) throw new JoseError('claim_invalid', 'iss is not this service.');
    if (aud !== audience) throw new JoseError('claim_invalid', 'aud is not this service.');
    if (typeof clientId !== 'string' || sub !== clientId || typeof scope !== 'string') {
      throw new JoseError('claim_invalid', 'The token names no client or no scope.');
    }
    return { clientId, scopes: scope.split(' ') };
  }

  return { publicJwk: signer.publicJwk, kid, issue, verify };
}
