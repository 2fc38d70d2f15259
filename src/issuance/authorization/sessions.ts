/**
 * What a wallet holds after a grant: an access token for ten minutes, a refresh token that is exchanged at each use, and
 * behind both one session. Tokens are opaque and known by digest alone; whatever ends the session ends them at once.
 */
import { OAuthError } from '../../http/oauth-errors.js';
import type { JsonObject } from '../../json.js';
import type { Tx } from '../../store/store.js';
import type { Grant } from '../offers/offers.js';
import { writeAuthorizationDetails } from './authorization-details.js';
import { type Dataset, datasetsOf, type GrantSource, type TypeOf } from './grant.js';
import { digestOf, isSameText, newSecret } from './secrets.js';
import {
  findRefreshToken,
  findSession,
  insertRefreshToken,
  insertSession,
  revokeSession,
  type SessionRow,
  updateSession,
  useRefreshToken,
} from './store.js';

/** RFC 6749 5.1, OpenID4VCI 1.0 6.2. */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer' | 'DPoP';
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly scope?: string;
  readonly authorization_details?: JsonObject[];
}

/** The part of audit/ that is needed here; its Audit fits. */
export interface SessionAudit {
  record(
    tx: Tx,
    event: {
      action: string;
      actor: string;
      subject: string;
      outcome: 'success' | 'refused';
      data: Record<string, string | number | boolean>;
    },
  ): Promise<void>;
}

export interface SessionDependencies {
  readonly audit: SessionAudit;
  readonly offers: Pick<GrantSource, 'documents'>;
  readonly typeOf: TypeOf;
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
  readonly newUuid: () => string;
}

/** Who begins a session, and how. */
export interface Beginning {
  readonly grantType: 'pre-authorized_code' | 'authorization_code';
  readonly grant: Grant;
  readonly clientId: string | undefined;
  readonly jkt: string | undefined;
  /** The wallet used authorization_details, so it is answered with identifiers. */
  readonly details: boolean;
}

const accessTokenSeconds = 600;
const refreshTokenSeconds = 30 * 86_400;

/** Returned, not thrown, where something must be committed with the refusal. */
export type TokenOutcome = { readonly response: TokenResponse; readonly sessionId: string } | Refused;
interface Refused {
  readonly refused: OAuthError;
}

/** The first tokens of a new session, with its audit record. */
export async function beginSession(deps: SessionDependencies, tx: Tx, beginning: Beginning): Promise<TokenOutcome> {
  const { grant, grantType, clientId, jkt } = beginning;
  const datasets = datasetsOf(grant, await deps.offers.documents(tx, grant.documentIds), deps.typeOf);
  const identifiers = beginning.details || isAmbiguous(datasets);
  const { tokens, values } = newTokens(deps);
  const session: SessionRow = {
    id: deps.newUuid(),
    state: 'active',
    clientId: clientId ?? null,
    jkt: jkt ?? null,
    granted: JSON.stringify(grant),
    identifiers,
    generation: 0,
    ...values,
  };
  await insertSession(tx, session);
  await insertRefreshToken(tx, refreshRow(session, tokens.refresh_token));
  const data = { session: session.id, grant: grantType, documents: grant.documentIds.length, bound: jkt !== undefined };
  const event = {
    action: 'wallet.session_begun',
    actor: 'wallet',
    subject: grant.offerId,
    outcome: 'success',
  } as const;
  await deps.audit.record(tx, { ...event, data });
  return { response: describe(session, grant, { tokens, datasets }), sessionId: session.id };
}

/** Without identifiers a wallet could not say which of two documents of one configuration it means. */
function isAmbiguous(datasets: readonly Dataset[]): boolean {
  return new Set(datasets.map(({ configurationId }) => configurationId)).size < datasets.length;
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

function newTokens({ now, random }: SessionDependencies) {
  const after = (seconds: number) => new Date(now().getTime() + seconds * 1000).toISOString();
  const tokens: Tokens = { access_token: newSecret(random), refresh_token: newSecret(random) };
  const values = {
    accessDigest: digestOf(tokens.access_token),
    accessExpiresAt: after(accessTokenSeconds),
    expiresAt: after(refreshTokenSeconds),
  };
  return { tokens, values };
}

function refreshRow({ id, expiresAt }: Pick<SessionRow, 'id' | 'expiresAt'>, refreshToken: string) {
  return { digest: digestOf(refreshToken), sessionId: id, expiresAt };
}

function describe(
  session: Pick<SessionRow, 'jkt' | 'identifiers'>,
  grant: Grant,
  { tokens, datasets }: { tokens: Tokens; datasets: readonly Dataset[] },
): TokenResponse {
  return {
    ...tokens,
    token_type: session.jkt === null ? 'Bearer' : 'DPoP',
    expires_in: accessTokenSeconds,
    scope: grant.configurationIds.join(' '),
    ...(session.identifiers ? { authorization_details: writeAuthorizationDetails(datasets) } : {}),
  };
}

/** What is shown with a refresh token. */
export interface RefreshRequest {
  readonly refreshToken: string;
  readonly clientId: string | undefined;
  readonly jkt: string | undefined;
  readonly arrivedAt: string;
}

/** RFC 6749 6, RFC 9700 4.14.2: each refresh token works once; one that comes again ends everything made from it. */
export async function refreshSession(
  deps: SessionDependencies,
  tx: Tx,
  request: RefreshRequest,
): Promise<TokenOutcome> {
  const digest = digestOf(request.refreshToken);
  const now = deps.now().toISOString();
  const row = await findRefreshToken(tx, digest);
  const session = row && (await findSession(tx, row.sessionId));
  if (!row || !session || row.expiresAt <= now || session.state !== 'active') return refused();
  const mismatch = faultOfHolder(session, request);
  if (mismatch !== undefined) return { refused: mismatch };
  // One that was under way when the token was used is refused only: it may be the same wallet's second attempt.
  const isReplay = row.usedAt !== null && row.usedAt < request.arrivedAt;
  if (isReplay) return endSession(deps, tx, session.id, 'RefreshTokenReused');
  if (row.usedAt !== null || !(await useRefreshToken(tx, digest, now))) return refused();
  return renew(deps, tx, session);
}

async function renew(deps: SessionDependencies, tx: Tx, session: SessionRow): Promise<TokenOutcome> {
  const grant = JSON.parse(session.granted) as Grant;
  const { tokens, values } = newTokens(deps);
  const generation = session.generation + 1;
  await updateSession(tx, session.id, { ...values, generation });
  await insertRefreshToken(tx, refreshRow({ ...session, ...values }, tokens.refresh_token));
  const data = { session: session.id, generation };
  const event = {
    action: 'wallet.session_refreshed',
    actor: 'wallet',
    subject: grant.offerId,
    outcome: 'success',
  } as const;
  await deps.audit.record(tx, { ...event, data });
  const datasets = datasetsOf(grant, await deps.offers.documents(tx, grant.documentIds), deps.typeOf);
  return { response: describe(session, grant, { tokens, datasets }), sessionId: session.id };
}

/** RFC 9449 5: a public client's refresh token belongs to its key. A client_id may be left out, but not be another. */
function faultOfHolder(session: SessionRow, { clientId, jkt }: RefreshRequest): OAuthError | undefined {
  if (session.clientId !== null && clientId !== undefined && !isSameText(session.clientId, clientId)) {
    return new OAuthError('invalid_grant', 'The refresh token belongs to another client.');
  }
  if (session.jkt === null) return undefined;
  if (jkt === undefined)
    return new OAuthError('invalid_dpop_proof', 'This session is bound to a key: DPoP is missing.');
  return isSameText(session.jkt, jkt)
    ? undefined
    : new OAuthError('invalid_grant', 'The refresh token is bound to another key.');
}

/** Ends a session since something came a second time: one of the two who had it is a thief, and nobody knows which. */
export async function endSession(
  deps: Pick<SessionDependencies, 'audit'>,
  tx: Tx,
  sessionId: string,
  reason: 'RefreshTokenReused' | 'CodeReused',
): Promise<Refused> {
  const session = await findSession(tx, sessionId);
  if (session !== null && (await revokeSession(tx, sessionId))) {
    const { offerId } = JSON.parse(session.granted) as Grant;
    const event = { action: 'wallet.session_ended', actor: 'wallet', subject: offerId, outcome: 'refused' } as const;
    await deps.audit.record(tx, { ...event, data: { session: sessionId, reason } });
  }
  return refused();
}

/** One text for all reasons: which of them it was would help only those who guess. */
function refused(): Refused {
  return { refused: new OAuthError('invalid_grant', 'It is unknown, over, or was used before. Begin again.') };
}
