/**
 * The authorization server of wallets (OpenID4VCI 1.0 on OAuth 2.0; decisions.md 8 keeps that of our own API apart): it
 * turns what HR offered into an access token for one wallet, by a pre-authorized code with its tx_code, or by a person's
 * sign-in and consent. Its issuer identifier is that of the credential issuer. The credential endpoints ask `authorise`.
 *
 * Nothing of a person is kept here: a session knows an offer and its documents by id. Secrets are known by digest.
 */
import type { SignIn } from '../../access/access.js';
import { OAuthError } from '../../http/oauth-errors.js';
import type { JsonObject } from '../../json.js';
import type { Store } from '../../store/store.js';
import type { Grant } from '../offers/offers.js';
import type { Parameters } from './authorization-request.js';
import { dpopChallenge, type ProofExpectation, useDpopProof } from './dpop.js';
import type { GrantSource, TypeOf } from './grant.js';
import {
  askForConsent,
  beginInteraction,
  type Consent,
  type Decision,
  decide,
  type InteractionDependencies,
  pushRequest,
  requestUriSeconds,
} from './interaction.js';
import { describeAuthorizationServer } from './metadata.js';
import { digestOf, isSameText } from './secrets.js';
import type { SessionAudit, TokenResponse } from './sessions.js';
import { findSessionByAccess, forgetExpired, type SessionRow } from './store.js';
import { answerTokenRequest, grantTypesOf, type TokenDependencies } from './token-requests.js';

export { AuthorizationRefusal, type Consent } from './interaction.js';
export { authorizationEntities } from './store.js';

/** What an access token stands for. */
export interface WalletAccess {
  /** One wallet that redeemed one grant; refreshing keeps it. */
  readonly sessionId: string;
  /** How often the session was refreshed. */
  readonly generation: number;
  readonly grant: Grant;
  /** The token response named credential_identifiers: then a wallet asks by those and by nothing else. */
  readonly identifiers: boolean;
  readonly clientId?: string;
  /** The thumbprint of the key that the session is bound to. */
  readonly jkt?: string;
}

/** A request as it reached a protected endpoint. */
export interface ProtectedRequest {
  readonly authorization: string | undefined;
  readonly dpop: string | undefined;
  readonly method: string;
  /** Our public address of it, with the query that came (`publicUrl` and `request.url`). */
  readonly url: string;
}

/** A form, with the DPoP header if there was one. */
export interface FormRequest {
  readonly parameters: Parameters;
  readonly dpop: string | undefined;
}

export interface Authorization {
  readonly issuer: string;
  readonly metadata: JsonObject;
  /** Whose token is this? Throws OAuthError invalid_token or invalid_dpop_proof with a challenge (401), or invalid_request. */
  authorise(request: ProtectedRequest): Promise<WalletAccess>;
  /** Throws OAuthError. */
  token(request: FormRequest): Promise<TokenResponse>;
  /** RFC 9126; throws OAuthError. */
  push(request: FormRequest): Promise<{ request_uri: string; expires_in: number }>;
  /** The browser arrives with a wallet's request; throws AuthorizationRefusal or OAuthError. */
  begin(parameters: Parameters): Promise<{ redirect: string; cookie: string }>;
  /** The browser comes back from the sign-in. */
  ask(cookie: string | undefined): Promise<Consent>;
  /** The person has answered; where the browser goes now. */
  decide(decision: Decision): Promise<string>;
  /** Forgets what is over; `start` has it done once a minute. */
  maintain(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface AuthorizationDependencies {
  readonly store: Store;
  readonly audit: SessionAudit;
  readonly offers: GrantSource;
  /** Absent where the organisation has no identity provider: then there is no authorization code flow. */
  readonly signIn?: Pick<SignIn, 'begin' | 'finish' | 'maintain'>;
  readonly publicUrl: string;
  /** The credential configurations that there are, in the order of the metadata, and the type that each issues. */
  readonly configurations: ReadonlyMap<string, string>;
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
  readonly newUuid: () => string;
  readonly onFault: (error: unknown) => void;
}

const maintenanceMilliseconds = 60_000;

export function createAuthorization(given: AuthorizationDependencies): Authorization {
  const { store, signIn, publicUrl: issuer, configurations, now } = given;
  const typeOf: TypeOf = (id) => configurations.get(id);
  const authorizationCode = signIn !== undefined;
  const deps: TokenDependencies = { ...given, issuer, typeOf, authorizationCode };
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  function interaction(): InteractionDependencies {
    if (signIn !== undefined) return { ...given, signIn, issuer, typeOf };
    throw new OAuthError('unauthorized_client', 'This organisation has no sign-in for wallets; use its offers.');
  }

  function keyOf(dpop: string | undefined, expected: ProofExpectation): Promise<string | undefined> {
    return dpop === undefined ? Promise.resolve(undefined) : useDpopProof({ store, now }, dpop, expected);
  }

  async function maintain(): Promise<void> {
    await store.transaction((tx) => forgetExpired(tx, now().toISOString()));
    await signIn?.maintain();
  }

  return {
    issuer,
    metadata: describeAuthorizationServer({
      issuer,
      grantTypes: grantTypesOf(deps),
      configurationIds: [...configurations.keys()],
      authorizationCode,
    }),
    authorise: (request) => authorise({ store, now }, request),
    async token({ parameters, dpop }) {
      const arrivedAt = now().toISOString();
      const jkt = await keyOf(dpop, { method: 'POST', url: `${issuer}/token` });
      return answerTokenRequest(deps, { parameters, jkt, arrivedAt });
    },
    async push({ parameters, dpop }) {
      const jkt = await keyOf(dpop, { method: 'POST', url: `${issuer}/par` });
      const bound = bindTo(parameters, jkt);
      return { request_uri: await pushRequest(interaction(), bound), expires_in: requestUriSeconds };
    },
    begin: async (parameters) => beginInteraction(interaction(), parameters),
    ask: async (cookie) => askForConsent(interaction(), cookie),
    decide: async (decision) => decide(interaction(), decision),
    maintain,
    start() {
      timer = setInterval(() => {
        round = round.then(maintain).catch(given.onFault);
      }, maintenanceMilliseconds);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

/** RFC 9449 10.1: a proof at the PAR endpoint binds the code as dpop_jkt does; both must name one key. */
function bindTo(parameters: Parameters, jkt: string | undefined): Parameters {
  if (jkt === undefined) return parameters;
  const { dpop_jkt: named } = parameters;
  if (named !== undefined && named !== jkt) {
    throw new OAuthError('invalid_dpop_proof', 'dpop_jkt and the DPoP proof name different keys.');
  }
  return { ...parameters, dpop_jkt: jkt };
}

interface Presented {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
}

async function authorise(
  deps: { readonly store: Store; readonly now: () => Date },
  request: ProtectedRequest,
): Promise<WalletAccess> {
  refuseTokenInQuery(request.url);
  const presented = readPresented(request.authorization);
  const session = await deps.store.read((tx) => findSessionByAccess(tx, digestOf(presented.token)));
  const isGood = session?.state === 'active' && session.accessExpiresAt > deps.now().toISOString();
  if (!isGood) throw refusedToken(presented.scheme);
  await checkBinding(deps, session, { request, presented });
  return toAccess(session);
}

/** RFC 6750 5.3, RFC 9700 4.3.2: addresses end up in logs and histories. */
function refuseTokenInQuery(url: string): void {
  if (!new URL(url).searchParams.has('access_token')) return;
  throw new OAuthError(
    'invalid_request',
    'An access token belongs into the Authorization header, never into an address.',
  );
}

/** RFC 6750 2.1, RFC 9449 7.1: the scheme in any case (RFC 9110 11.1), one space, the token. */
function readPresented(authorization: string | undefined): Presented {
  if (authorization === undefined) {
    // RFC 6750 3: who brought nothing is told the scheme and no error code.
    throw new OAuthError('invalid_token', 'This needs an access token.', { challenge: 'Bearer, DPoP' });
  }
  const [, scheme = '', token = ''] = /^(bearer|dpop) ([A-Za-z0-9._~+/-]{1,512}=*)$/i.exec(authorization) ?? [];
  if (token === '') throw refusedToken('bearer');
  return { scheme: scheme.toLowerCase() as Presented['scheme'], token };
}

/** RFC 9449 7.1, 7.2: a bound token is not a bearer token, and one that is not bound is no DPoP token. */
async function checkBinding(
  deps: { readonly store: Store; readonly now: () => Date },
  { jkt }: SessionRow,
  { request, presented }: { request: ProtectedRequest; presented: Presented },
): Promise<void> {
  const { scheme, token } = presented;
  if ((jkt === null) !== (scheme === 'bearer')) throw refusedToken(jkt === null ? 'bearer' : 'dpop');
  if (jkt === null) return;
  const { dpop, method, url } = request;
  if (dpop === undefined) throw refusedProof('The DPoP proof is missing: this access token is bound to a key.');
  const shown = await useDpopProof(deps, dpop, { method, url, accessToken: token }).catch((error: unknown) => {
    throw error instanceof OAuthError ? refusedProof(error.message, error) : error;
  });
  if (!isSameText(jkt, shown)) throw refusedToken('dpop');
}

const challenges = {
  bearer: 'Bearer error="invalid_token"',
  dpop: dpopChallenge('invalid_token'),
} as const;

/** One text for all reasons: what exactly was wrong with a token helps only those who make their own. */
function refusedToken(scheme: Presented['scheme']): OAuthError {
  const detail = 'The access token is not valid here: it may have expired.';
  return new OAuthError('invalid_token', detail, { challenge: challenges[scheme] });
}

function refusedProof(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_dpop_proof', detail, { cause, challenge: dpopChallenge('invalid_dpop_proof') });
}

function toAccess(session: SessionRow): WalletAccess {
  const { id, generation, identifiers, clientId, jkt } = session;
  return {
    sessionId: id,
    generation,
    grant: JSON.parse(session.granted) as Grant,
    identifiers,
    ...(clientId === null ? {} : { clientId }),
    ...(jkt === null ? {} : { jkt }),
  };
}
