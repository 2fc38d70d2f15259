/**
 * Who may use the API: a small OAuth 2.0 authorization server for clients of this one service (RFC 6749 section 4.4
 * with RFC 7523 authentication, RFC 8414 metadata, RFC 9068 tokens), and the check that routes ask. Clients stand in
 * the configuration with their public keys; there are no passwords and no secrets to store.
 *
 * Tokens that were issued are audited one by one. Refusals are not, for a stranger can cause any number of them: they
 * are counted (metrics), and the counts go into the audit trail once a minute, so a flood costs one row a minute.
 */
import type { ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import type { Authorise } from '../http/server.js';
import type { JsonObject } from '../json.js';
import type { Store, Tx } from '../store/store.js';
import { createAccessTokens } from './access-token.js';
import { authoriseAnybody, createAuthorise } from './authorise.js';
import { assertionType, type ClientProof, verifyClientAssertion } from './client-assertion.js';
import { type Client, loadClients } from './clients.js';
import { describeServer } from './metadata.js';
import { TokenRefusal } from './refusal.js';
import { parseScope } from './scopes.js';
import { signInEntities } from './sign-in/store.js';
import { accessEntities as clientEntities, useAssertion } from './store.js';
import { type AccessAudit, createUpkeep, type Upkeep } from './upkeep.js';

export { type AssertionRequest, assertionType, signClientAssertion } from './client-assertion.js';
export { scopeNames } from './scopes.js';
export { createDevelopmentProvider, developmentClient } from './sign-in/development-provider.js';
export { createIdentityProvider } from './sign-in/identity-provider.js';
export { createSignIn, type SignIn, SignInRefusal } from './sign-in/sign-in.js';
export type { AccessAudit, Upkeep } from './upkeep.js';

/** The tables of this slice, for openStore. */
export const accessEntities = [...clientEntities, ...signInEntities];

/** The parameters of a token request (RFC 6749 section 4.4.2, RFC 7523 section 2.2). */
export interface TokenRequest {
  readonly grant_type: string;
  readonly client_assertion_type?: string;
  readonly client_assertion?: string;
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly scope?: string;
}

/** RFC 6749 section 5.1. */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
}

/** The authorization server and the check. */
export interface Access extends Upkeep {
  readonly authorise: Authorise;
  /** The issuer identifier, for metadata and for the `aud` of client assertions. */
  readonly issuer: string;
  /** RFC 8414 metadata. */
  readonly metadata: JsonObject;
  /** The public key of our access tokens (RFC 7517). */
  readonly jwks: JsonObject;
  /** Answers a token request; throws TokenRefusal. */
  token(request: TokenRequest): Promise<TokenResponse>;
}

/** What access needs. */
export interface AccessDependencies {
  readonly store: Store;
  readonly audit: AccessAudit;
  readonly now: () => Date;
  readonly config: Pick<ServiceConfig, 'publicUrl' | 'access'>;
  /** HKDF over the key-encryption key: whoever has it can make tokens. */
  readonly deriveKey: (label: string, length: number) => Buffer;
  readonly random: (bytes: number) => Uint8Array;
  /** Hears of maintenance that failed; it is tried again. */
  readonly onError?: (error: unknown) => void;
}

/** Reads the clients' keys and creates the authorization server; throws ServiceError `configuration`. */
export function createAccess(deps: AccessDependencies): Access {
  const { config, store, audit, now } = deps;
  const issuer = `${config.publicUrl}/oauth`;
  const clients = loadClients(config.access.clients);
  const seed = deps.deriveKey('staff-passport/access-token/ed25519/v1', 32);
  const tokens = createAccessTokens({ seed, issuer, audience: config.publicUrl });
  const upkeep = createUpkeep(deps);

  async function token(request: TokenRequest): Promise<TokenResponse> {
    try {
      return await grantToken(request);
    } catch (error) {
      if (error instanceof TokenRefusal) upkeep.countRefusal(error.reason);
      throw error;
    }
  }

  async function grantToken(request: TokenRequest): Promise<TokenResponse> {
    const proof = verifyClientAssertion(readAssertion(request), { clients, issuer, now: now() });
    if (request.client_id !== undefined && request.client_id !== proof.client.id) {
      throw new TokenRefusal('claims', 'client_id and the client assertion name different clients.');
    }
    const granted = chooseScopes(proof.client, request.scope);
    const jti = Buffer.from(deps.random(16)).toString('base64url');
    await store.transaction((tx) => recordUse(tx, proof, granted, jti)).catch(refuseReplay);
    if (granted === undefined) throw new TokenRefusal('scope', 'The client may not have this scope.');
    const seconds = config.access.tokenSeconds;
    const grant = { clientId: proof.client.id, scopes: granted };
    const accessToken = await tokens.issue(grant, { now: now(), seconds, jti });
    return { access_token: accessToken, token_type: 'Bearer', expires_in: seconds, scope: granted.join(' ') };
  }

  /** An assertion is used up by a request with a wrong scope as well: nobody gets to try again with a stolen one. */
  async function recordUse(
    tx: Tx,
    proof: ClientProof,
    granted: readonly string[] | undefined,
    jti: string,
  ): Promise<void> {
    await useAssertion(tx, { clientId: proof.client.id, jti: proof.jti, expiresAt: proof.expiresAt });
    if (granted === undefined) return;
    const data = { scope: granted.join(' '), jti };
    await audit.record(tx, { action: 'access.token_issued', actor: proof.client.id, outcome: 'success', data });
  }

  return {
    authorise: config.access.enabled ? createAuthorise({ tokens, clients, now }) : authoriseAnybody,
    issuer,
    metadata: describeServer(issuer),
    jwks: { keys: [{ ...tokens.publicJwk, kid: tokens.kid, alg: 'EdDSA', use: 'sig' }] },
    token,
    ...upkeep,
  };
}

/** RFC 6749 section 2.3: exactly one method of authentication, and the one that there is. */
function readAssertion(request: TokenRequest): string {
  if (request.grant_type !== 'client_credentials') {
    throw new TokenRefusal('grant', 'The only grant_type here is client_credentials.');
  }
  if (request.client_secret !== undefined) {
    throw new TokenRefusal('request', 'Clients authenticate with a client_assertion; there are no client secrets.');
  }
  if (request.client_assertion === undefined || request.client_assertion_type !== assertionType) {
    throw new TokenRefusal('assertion', `Needed: client_assertion, and client_assertion_type ${assertionType}.`);
  }
  return request.client_assertion;
}

/** All that the client may have where it asks for nothing (RFC 6749 section 3.3); undefined where it asks for more. */
function chooseScopes(client: Client, requested: string | undefined): readonly string[] | undefined {
  if (requested === undefined) return client.scopes;
  const wanted = parseScope(requested);
  return wanted?.every((scope) => client.scopes.includes(scope)) ? wanted : undefined;
}

function refuseReplay(error: unknown): never {
  if (!(error instanceof ServiceError) || error.code !== 'conflict') throw error;
  throw new TokenRefusal('replay', 'This client assertion was used before: make a new one, with a new jti.', {
    cause: error,
  });
}
