/** The token endpoint: one row for each grant (RFC 6749 4.1.3 and 6, OpenID4VCI 1.0 6.1). */
import { createHash } from 'node:crypto';
import { OAuthError } from '../../http/oauth-errors.js';
import type { Store, Tx } from '../../store/store.js';
import type { Grant } from '../offers/offers.js';
import { readAuthorizationDetails } from './authorization-details.js';
import { type AuthorizationRequest, checkClientId, type Parameters } from './authorization-request.js';
import type { GrantSource } from './grant.js';
import { digestOf, isSameText } from './secrets.js';
import {
  beginSession,
  endSession,
  refreshSession,
  type SessionDependencies,
  type TokenOutcome,
  type TokenResponse,
} from './sessions.js';
import { advanceRequest, findRequestBySecret, type RequestRow } from './store.js';

export interface TokenDependencies extends SessionDependencies {
  readonly store: Store;
  readonly offers: Pick<GrantSource, 'documents' | 'redeemPreAuthorizedCode'>;
  readonly issuer: string;
  readonly authorizationCode: boolean;
}

/** What a wallet sent: its form, the key that its DPoP proof showed, and when it came. */
export interface TokenRequest {
  readonly parameters: Parameters;
  readonly jkt: string | undefined;
  readonly arrivedAt: string;
}

type GrantHandler = (deps: TokenDependencies, tx: Tx, request: TokenRequest) => Promise<TokenOutcome>;

/** OpenID4VCI 1.0 4.1.1. */
export const preAuthorizedGrant = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';

const grants: Readonly<Record<string, GrantHandler>> = {
  [preAuthorizedGrant]: redeemPreAuthorizedCode,
  authorization_code: redeemAuthorizationCode,
  refresh_token: redeemRefreshToken,
};

/** How long a used code is remembered, to see that it comes again. */
const usedCodeMilliseconds = 86_400_000;

const verifierPattern = /^[A-Za-z0-9._~-]{43,128}$/;

/** The grant types of the metadata. */
export function grantTypesOf({ authorizationCode }: Pick<TokenDependencies, 'authorizationCode'>): string[] {
  return Object.keys(grants).filter((name) => authorizationCode || name !== 'authorization_code');
}

/** Answers a token request in one transaction; throws OAuthError. A refusal that counts is committed before it is told. */
export async function answerTokenRequest(deps: TokenDependencies, request: TokenRequest): Promise<TokenResponse> {
  const { grant_type: name } = request.parameters;
  if (name === undefined) throw new OAuthError('invalid_request', 'grant_type is missing.');
  const handler = grantTypesOf(deps).includes(name) ? grants[name] : undefined;
  if (handler === undefined) throw new OAuthError('unsupported_grant_type', 'This grant_type is not offered here.');
  const outcome = await deps.store.transaction((tx) => handler(deps, tx, request));
  if ('refused' in outcome) throw outcome.refused;
  return outcome.response;
}

async function redeemPreAuthorizedCode(
  deps: TokenDependencies,
  tx: Tx,
  { parameters, jkt }: TokenRequest,
): Promise<TokenOutcome> {
  const code = required(parameters, 'pre-authorized_code');
  if (parameters.client_id !== undefined) checkClientId(parameters.client_id);
  const wanted = readAuthorizationDetails(parameters.authorization_details, deps);
  // Credo sends the name of draft 11 beside the present one; some older wallets send it alone.
  const txCode = parameters.tx_code ?? parameters.user_pin;
  const redeemed = await deps.offers.redeemPreAuthorizedCode(tx, { code, txCode });
  if ('refused' in redeemed) return redeemed;
  const grant = narrow(redeemed.grant, wanted);
  const beginning = { grantType: 'pre-authorized_code', clientId: parameters.client_id, jkt } as const;
  return beginSession(deps, tx, { ...beginning, grant, details: wanted !== undefined });
}

/** OpenID4VCI 1.0 6.1: less than was offered may be asked for, more may not. Thrown, so that the code is not used up. */
function narrow(grant: Grant, wanted: readonly string[] | undefined): Grant {
  if (wanted === undefined) return grant;
  if (!wanted.every((id) => grant.configurationIds.includes(id))) {
    throw new OAuthError('invalid_authorization_details', 'authorization_details asks for more than was granted.');
  }
  return { ...grant, configurationIds: wanted };
}

async function redeemAuthorizationCode(
  deps: TokenDependencies,
  tx: Tx,
  { parameters, jkt, arrivedAt }: TokenRequest,
): Promise<TokenOutcome> {
  const code = required(parameters, 'code');
  const wanted = readAuthorizationDetails(parameters.authorization_details, deps);
  const row = await findRequestBySecret(tx, digestOf(code));
  // One that was under way when the code was redeemed is refused only: it may be the same wallet's second attempt.
  const isReplay = row?.state === 'redeemed' && row.expiresAt < arrivedAt;
  if (isReplay) return endSession(deps, tx, row.sessionId ?? '', 'CodeReused');
  if (row?.state !== 'approved' || row.expiresAt <= deps.now().toISOString() || row.granted === null) {
    throw unknownCode();
  }
  const asked = JSON.parse(row.parameters) as AuthorizationRequest;
  checkRedeemer(asked, parameters, jkt);
  return redeem(deps, tx, { row, asked, wanted, jkt });
}

/** RFC 6749 4.1.3, RFC 7636 4.6, RFC 9449 10. */
function checkRedeemer(asked: AuthorizationRequest, parameters: Parameters, jkt: string | undefined): void {
  const { redirect_uri: redirectUri } = parameters;
  const clientId = required(parameters, 'client_id');
  const verifier = required(parameters, 'code_verifier');
  const challenge = createHash('sha256').update(verifier, 'ascii').digest('base64url');
  const checks: readonly (readonly [boolean, string])[] = [
    [clientId !== asked.clientId, 'The code belongs to another client.'],
    [redirectUri !== asked.redirectUri, 'redirect_uri is not that of the authorization request.'],
    [!verifierPattern.test(verifier), 'code_verifier is no text of 43 to 128 unreserved characters.'],
    [!isSameText(challenge, asked.codeChallenge), 'code_verifier does not belong to the code_challenge.'],
    [asked.dpopJkt !== undefined && asked.dpopJkt !== jkt, 'The code is bound to another key (dpop_jkt).'],
  ];
  const failed = checks.find(([wrong]) => wrong);
  if (failed !== undefined) throw new OAuthError('invalid_grant', failed[1]);
}

async function redeem(deps: TokenDependencies, tx: Tx, { row, asked, wanted, jkt }: Redemption): Promise<TokenOutcome> {
  const grant = narrow(JSON.parse(row.granted ?? '') as Grant, wanted);
  const details = asked.details || wanted !== undefined;
  const beginning = { grantType: 'authorization_code', clientId: asked.clientId, jkt, grant, details } as const;
  const outcome = await beginSession(deps, tx, beginning);
  if ('refused' in outcome) return outcome;
  const now = deps.now();
  const used = {
    state: 'redeemed',
    sessionId: outcome.sessionId,
    expiresAt: now.toISOString(),
    keepUntil: new Date(now.getTime() + usedCodeMilliseconds).toISOString(),
  } as const;
  const won = await advanceRequest(tx, { id: row.id, from: 'approved', now: used.expiresAt }, used);
  if (!won) throw unknownCode();
  return outcome;
}

interface Redemption {
  readonly row: RequestRow;
  readonly asked: AuthorizationRequest;
  readonly wanted: readonly string[] | undefined;
  readonly jkt: string | undefined;
}

function redeemRefreshToken(deps: TokenDependencies, tx: Tx, request: TokenRequest): Promise<TokenOutcome> {
  const { parameters, jkt, arrivedAt } = request;
  const refreshToken = required(parameters, 'refresh_token');
  return refreshSession(deps, tx, { refreshToken, clientId: parameters.client_id, jkt, arrivedAt });
}

function required(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (value === undefined || value === '') throw new OAuthError('invalid_request', `${name} is missing.`);
  return value;
}

function unknownCode(): OAuthError {
  return new OAuthError('invalid_grant', 'The code is unknown, over, or was used before. Begin again.');
}
