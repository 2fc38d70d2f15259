/**
 * The trust's identity provider as OpenID Connect describes it, through openid-client: discovery, PKCE, state, nonce,
 * `iss`, and the ID token with its signature. It is asked only through the `exchange` that comes in.
 */
import { createPrivateKey, subtle } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as openid from 'openid-client';
import { ServiceError } from '../../errors.js';
import type { Exchange } from '../../http/client.js';
import { OAuthError } from '../../http/oauth-errors.js';

/** What an answer is checked against. */
export interface SignInChecks {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** The two things that are asked of it. */
export interface IdentityProvider {
  /** Where the browser goes. Throws OAuthError temporarily_unavailable. */
  authorizationUrl(checks: SignInChecks): Promise<string>;
  /** Who it was, by the claim that the configuration names. Throws OAuthError access_denied, temporarily_unavailable. */
  readAnswer(answer: SignInChecks & { readonly query: string }): Promise<string>;
}

/** How we are known there. */
export interface ProviderConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly subjectClaim: string;
  /** One of the two; without either we are a public client there. */
  readonly clientSecretFile?: string;
  readonly privateKeyFile?: string;
  /** The development switch. */
  readonly allowHttp: boolean;
}

interface ProviderDependencies {
  readonly config: ProviderConfig;
  readonly exchange: Exchange;
  readonly now: () => Date;
}

/** Metadata and keys change seldom; a provider that moved is seen after this. */
const metadataMilliseconds = 600_000;

const maxSubjectLength = 255;

/** Reads our secret or key there at once; the provider itself is asked at the first sign-in. */
export function createIdentityProvider({ config, exchange, now }: ProviderDependencies): IdentityProvider {
  const authentication = authenticationOf(config);
  const execute = [openid.enableNonRepudiationChecks, ...(config.allowHttp ? [openid.allowInsecureRequests] : [])];
  const customFetch = toFetch(exchange);
  let known: { metadata: openid.ServerMetadata; until: number } | undefined;

  async function metadata(): Promise<openid.ServerMetadata> {
    if (known !== undefined && known.until > now().getTime()) return known.metadata;
    const { issuer, clientId } = config;
    const discovered = await openid.discovery(new URL(issuer), clientId, undefined, undefined, {
      execute,
      [openid.customFetch]: customFetch,
    });
    known = { metadata: { ...discovered.serverMetadata() }, until: now().getTime() + metadataMilliseconds };
    return known.metadata;
  }

  /** The library reads the time by itself; it is told how far ours is from that. */
  async function configuration(): Promise<openid.Configuration> {
    // biome-ignore lint/plugin: the difference to the clock that the library reads is what is wanted here.
    const skew = Math.round((now().getTime() - Date.now()) / 1000);
    const client = { [openid.clockSkew]: skew };
    const configured = new openid.Configuration(await metadata(), config.clientId, client, await authentication());
    configured[openid.customFetch] = customFetch;
    for (const extend of execute) extend(configured);
    return configured;
  }

  return {
    async authorizationUrl({ redirectUri, state, nonce, codeVerifier }) {
      const configured = await configuration().catch(refuseUnreachable);
      return openid.buildAuthorizationUrl(configured, {
        redirect_uri: redirectUri,
        scope: config.scopes.join(' '),
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      }).href;
    },
    async readAnswer({ query, redirectUri, state, nonce, codeVerifier }) {
      const configured = await configuration().catch(refuseUnreachable);
      const url = new URL(`${redirectUri}?${query}`);
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
      const tokens = await openid.authorizationCodeGrant(configured, url, checks).catch(refuseAnswer);
      return subjectOf(tokens.claims()?.[config.subjectClaim]);
    },
  };
}

function subjectOf(claim: unknown): string {
  if (typeof claim === 'string' && claim !== '' && claim.length <= maxSubjectLength) return claim;
  throw new OAuthError('access_denied', 'The identity provider did not say who signed in.');
}

function refuseUnreachable(cause: unknown): never {
  const detail = 'The sign-in service of this organisation cannot be reached at the moment.';
  throw new OAuthError('temporarily_unavailable', detail, { cause });
}

/** What exactly was wrong with an answer is for the log, not for the browser that may have forged it. */
function refuseAnswer(cause: unknown): never {
  if (cause instanceof openid.AuthorizationResponseError && cause.error === 'access_denied') {
    throw new OAuthError('access_denied', 'The sign-in was cancelled.', { cause });
  }
  if (causesOf(cause).some((error) => error instanceof ServiceError)) refuseUnreachable(cause);
  throw new OAuthError('access_denied', 'The sign-in could not be confirmed.', { cause });
}

/** The library wraps what our exchange throws. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let next = error; next !== undefined && causes.length < 8; next = (next as { cause?: unknown } | null)?.cause) {
    causes.push(next);
  }
  return causes;
}

function toFetch(exchange: Exchange): openid.CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    const answer = await exchange({
      method: method === 'POST' ? 'POST' : 'GET',
      url,
      headers: Object.fromEntries(new Headers(headers)),
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return new Response(Uint8Array.from(answer.body), { status: answer.status, headers: answer.headers });
  };
}

/** RFC 7523 authentication where there is a key (NHS CIS2 asks for it), else a secret, else none. Files are read at once. */
function authenticationOf({ privateKeyFile, clientSecretFile }: ProviderConfig): () => Promise<openid.ClientAuth> {
  if (privateKeyFile !== undefined) {
    const { bytes, kind } = readKey(privateKeyFile);
    return async () => openid.PrivateKeyJwt(await subtle.importKey('pkcs8', bytes, kind, false, ['sign']));
  }
  const authentication =
    clientSecretFile === undefined
      ? openid.None()
      : openid.ClientSecretPost(readSecret(clientSecretFile).toString('utf8').trim());
  return async () => authentication;
}

function readSecret(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ServiceError('configuration', '/service/signIn: its secret or key file cannot be read', { cause });
  }
}

const ecKey = { name: 'ECDSA', namedCurve: 'P-256' };
const rsaKey = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

function readKey(file: string) {
  const pem = readSecret(file);
  try {
    const key = createPrivateKey(pem);
    const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    if (!isP256 && key.asymmetricKeyType !== 'rsa') throw new TypeError('neither P-256 nor RSA');
    return { bytes: key.export({ type: 'pkcs8', format: 'der' }), kind: isP256 ? ecKey : rsaKey };
  } catch (cause) {
    throw new ServiceError('configuration', '/service/signIn/privateKeyFile: is no P-256 or RSA key in PEM', { cause });
  }
}
