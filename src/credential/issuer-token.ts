/** JWTs that an issuer signs beside its credentials, such as a Status List Token: the key is one that asserts in its DID. */
import type { PassportAgent } from '../identity/identity.js';
import { verifyJws } from '../jose/jws.js';
import { type ParsedJwt, parseJwt } from '../jose/jwt.js';
import type { JsonObject } from '../json.js';
import { refuseJose } from './faults.js';
import { securingFormats } from './formats.js';
import { didOf, type ResolverContext, resolveKey } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';

/** A well-formed token. Nothing in it may be believed before verifyIssuerToken. */
export interface IssuerToken {
  readonly jwt: ParsedJwt;
  /** Whose key it names. */
  readonly issuer: string;
  readonly verificationMethod: string;
  readonly claims: JsonObject;
}

/** Reads a token of one type; throws CredentialRefusal. Where it says who issued it, that must be who signed it. */
export function readIssuerToken(text: string, { typ, maxBytes }: { typ: string; maxBytes: number }): IssuerToken {
  const { algorithms } = securingFormats['vc+jwt'];
  const jwt = refuseJose(() => parseJwt(text, { typ: [typ], algorithms, maxBytes }));
  const { claims, header } = jwt;
  const issuer = didOf(header['kid']);
  if (claims['iss'] !== undefined && claims['iss'] !== issuer) {
    throw new CredentialRefusal('issuer_mismatch', 'The key that signed belongs to another DID than the issuer.');
  }
  return { jwt, issuer, verificationMethod: String(header['kid']), claims };
}

/** Proves key and signature; throws CredentialRefusal. Its claims, dates too, are the caller's business. */
export async function verifyIssuerToken(agent: PassportAgent, token: IssuerToken, now: Date): Promise<void> {
  const context = { agent } as unknown as ResolverContext;
  const { key } = await resolveKey(context, token.verificationMethod, { purpose: 'assertionMethod', now });
  refuseJose(() => verifyJws(token.jwt, key));
}
