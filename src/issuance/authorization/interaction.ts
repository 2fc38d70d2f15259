/**
 * The authorization endpoint: a wallet's request meets a person. Sign in, see what would go where, allow or not; then
 * the browser goes back to the wallet with a code or an error (RFC 6749 4.1, RFC 9207).
 */
import { type SignIn, SignInRefusal } from '../../access/access.js';
import { readCookie, writeCookie } from '../../http/cookies.js';
import { OAuthError, type OAuthErrorCode, toOAuthError } from '../../http/oauth-errors.js';
import type { Store, Tx } from '../../store/store.js';
import type { Grant, Redeemed } from '../offers/offers.js';
import {
  type AuthorizationRequest,
  type Parameters,
  readAuthorizationRequest,
  readRedirect,
} from './authorization-request.js';
import { datasetsOf, type GrantSource, type TypeOf } from './grant.js';
import { withParameters } from './redirect-uri.js';
import { digestOf, isSameText, newSecret } from './secrets.js';
import type { SessionAudit } from './sessions.js';
import {
  advanceRequest,
  deleteRequest,
  findRequest,
  findRequestBySecret,
  insertRequest,
  type RequestRow,
} from './store.js';

export interface InteractionDependencies {
  readonly store: Store;
  readonly audit: SessionAudit;
  readonly offers: Pick<GrantSource, 'documents' | 'grantForIssuerState' | 'grantForPerson'>;
  readonly signIn: Pick<SignIn, 'begin' | 'finish'>;
  readonly typeOf: TypeOf;
  readonly issuer: string;
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
  readonly newUuid: () => string;
}

/** A refusal that the wallet may be told of, for its redirect_uri is known to be good. */
export class AuthorizationRefusal extends OAuthError {
  readonly redirectUri: string;
  /** The whole address of the error response. */
  readonly location: string;

  constructor(fault: OAuthError, redirectUri: string, location: string) {
    super(fault.error, fault.message, { cause: fault });
    this.name = 'AuthorizationRefusal';
    this.redirectUri = redirectUri;
    this.location = location;
  }
}

/** What a person is asked. */
export interface Consent {
  readonly clientId: string;
  readonly redirectUri: string;
  /** The types of the documents that would be received. */
  readonly types: readonly string[];
  /** Comes back with the form: only a page of ours can know it. */
  readonly formToken: string;
  /** A Set-Cookie header. */
  readonly cookie: string;
}

/** The path of the route where the sign-in ends. */
export const consentPath = '/authorize/consent';

export const requestUriSeconds = 60;
const signInSeconds = 900;
const consentSeconds = 600;
/** RFC 6749 4.1.2 recommends ten minutes at most; wallets come at once. */
const codeSeconds = 60;

const cookieName = 'authorize';
const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:';
const requestUriPattern = /^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/;

function after(now: Date, seconds: number): { expiresAt: string; keepUntil: string } {
  const moment = new Date(now.getTime() + seconds * 1000).toISOString();
  return { expiresAt: moment, keepUntil: moment };
}

/** RFC 9126: keeps a request for a minute; it can be used once. */
export async function pushRequest(deps: InteractionDependencies, parameters: Parameters): Promise<string> {
  if (parameters.request_uri !== undefined) {
    throw new OAuthError('invalid_request', 'request_uri must not be pushed (RFC 9126 section 2.1).');
  }
  const request = readAuthorizationRequest(parameters, deps);
  const handle = newSecret(deps.random);
  await insert(deps, request, {
    state: 'pushed',
    secretDigest: digestOf(handle),
    ...after(deps.now(), requestUriSeconds),
  });
  return `${requestUriPrefix}${handle}`;
}

function insert(
  deps: InteractionDependencies,
  request: AuthorizationRequest,
  values: Pick<RequestRow, 'state' | 'secretDigest' | 'expiresAt' | 'keepUntil'>,
): Promise<string> {
  const id = deps.newUuid();
  const row = { id, parameters: JSON.stringify(request), granted: null, sessionId: null, ...values };
  return deps.store.transaction((tx) => insertRequest(tx, row)).then(() => id);
}

/** Takes the request and sends the person to sign in. */
export async function beginInteraction(
  deps: InteractionDependencies,
  parameters: Parameters,
): Promise<{ redirect: string; cookie: string }> {
  const id = await (parameters.request_uri === undefined ? takeDirect(deps, parameters) : takePushed(deps, parameters));
  return deps.signIn.begin({ state: { request: id }, returnTo: consentPath });
}

/** RFC 9126 4: whatever else stands in the address does not count. */
async function takePushed(deps: InteractionDependencies, parameters: Parameters): Promise<string> {
  const { request_uri: requestUri = '', client_id: clientId } = parameters;
  if (!requestUriPattern.test(requestUri)) throw unknownRequestUri();
  const handle = requestUri.slice(requestUriPrefix.length);
  const now = deps.now();
  return deps.store.transaction(async (tx) => {
    const row = await findRequestBySecret(tx, digestOf(handle));
    if (row?.state !== 'pushed') throw unknownRequestUri();
    if (requestOf(row).clientId !== clientId) {
      throw new OAuthError('invalid_request', 'client_id is not that of the pushed request.');
    }
    const values = { state: 'started', secretDigest: null, ...after(now, signInSeconds) } as const;
    const taken = await advanceRequest(tx, { id: row.id, from: 'pushed', now: now.toISOString() }, values);
    if (!taken) throw unknownRequestUri();
    return row.id;
  });
}

function unknownRequestUri(): OAuthError {
  return new OAuthError('invalid_request_uri', 'This request is over or was used before. Begin again in your wallet.');
}

async function takeDirect(deps: InteractionDependencies, parameters: Parameters): Promise<string> {
  const redirect = readRedirect(parameters);
  const request = answeringTo(deps, redirect, () => readAuthorizationRequest(parameters, deps));
  return insert(deps, request, { state: 'started', secretDigest: null, ...after(deps.now(), signInSeconds) });
}

type Redirect = Pick<AuthorizationRequest, 'redirectUri' | 'state'>;

function answeringTo<T>(deps: InteractionDependencies, redirect: Redirect, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof OAuthError) throw refusalOf(deps, redirect, error);
    throw error;
  }
}

function refusalOf({ issuer }: Pick<InteractionDependencies, 'issuer'>, redirect: Redirect, fault: OAuthError) {
  const { redirectUri, state } = redirect;
  const { error_description } = toOAuthError(fault).body;
  const parameters = { error: errorNameOf(fault), error_description, state, iss: issuer };
  return new AuthorizationRefusal(fault, redirectUri, withParameters(redirectUri, parameters));
}

/** RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6, RFC 9396 5: the names that an authorization response may carry. */
const responseErrors: ReadonlySet<OAuthErrorCode> = new Set([
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'login_required',
  'invalid_authorization_details',
] as const);

function errorNameOf({ error }: OAuthError): OAuthErrorCode {
  return responseErrors.has(error) ? error : 'access_denied';
}

/** After the sign-in: what this person would be giving to which wallet. */
export async function askForConsent(deps: InteractionDependencies, cookie: string | undefined): Promise<Consent> {
  const { subject, state } = await deps.signIn.finish({ cookie }).catch((error: unknown) => passOn(deps, error));
  const secret = newSecret(deps.random);
  const outcome = await deps.store.transaction((tx) => ask(deps, tx, { id: state.request, subject, secret }));
  if ('refused' in outcome) throw refusalOf(deps, outcome.request, outcome.refused);
  const { clientId, redirectUri } = outcome.request;
  const name = { name: cookieName, publicUrl: deps.issuer };
  const setCookie = writeCookie({ ...name, value: secret, maxAgeSeconds: consentSeconds });
  return { clientId, redirectUri, types: outcome.types, formToken: formTokenOf(secret), cookie: setCookie };
}

/** Who cancelled the sign-in, or could not sign in, has the wallet told so. */
async function passOn(deps: InteractionDependencies, error: unknown): Promise<never> {
  if (!(error instanceof SignInRefusal) || typeof error.state?.request !== 'string') throw error;
  const { request: id } = error.state;
  const row = await deps.store.read((tx) => findRequest(tx, id));
  if (row === null) throw error;
  throw refusalOf(deps, requestOf(row), error);
}

type Asked =
  | { readonly request: AuthorizationRequest; readonly types: readonly string[] }
  | { readonly request: AuthorizationRequest; readonly refused: OAuthError };

async function ask(
  deps: InteractionDependencies,
  tx: Tx,
  { id, subject, secret }: { id: unknown; subject: string; secret: string },
): Promise<Asked> {
  const row = typeof id === 'string' ? await findRequest(tx, id) : null;
  if (row === null) throw over();
  const request = requestOf(row);
  const found = await grantFor(deps, tx, request, subject);
  if ('refused' in found) return { request, refused: found.refused };
  const now = deps.now();
  const granted = JSON.stringify(found.grant);
  const values = { state: 'asked', secretDigest: digestOf(secret), granted, ...after(now, consentSeconds) } as const;
  if (!(await advanceRequest(tx, { id: row.id, from: 'started', now: now.toISOString() }, values))) throw over();
  return { request, types: found.types };
}

/** Only what was asked for and is this person's; nothing at all is a refusal. */
async function grantFor(
  { offers, typeOf }: InteractionDependencies,
  tx: Tx,
  { issuerState, configurationIds }: AuthorizationRequest,
  subject: string,
): Promise<{ grant: Grant; types: readonly string[] } | { refused: OAuthError }> {
  const redeemed: Redeemed =
    issuerState === undefined
      ? await offers.grantForPerson(tx, { subject, ...(configurationIds === undefined ? {} : { configurationIds }) })
      : await offers.grantForIssuerState(tx, { issuerState, subject });
  if ('refused' in redeemed) return redeemed;
  const wanted = redeemed.grant.configurationIds.filter((id) => configurationIds?.includes(id) ?? true);
  const documents = await offers.documents(tx, redeemed.grant.documentIds);
  const datasets = datasetsOf({ ...redeemed.grant, configurationIds: wanted }, documents, typeOf);
  const documentIds = [...new Set(datasets.map(({ documentId }) => documentId))];
  if (documentIds.length === 0) {
    return { refused: new OAuthError('access_denied', 'Nothing of what was asked for is waiting for this person.') };
  }
  const types = documents.filter(({ id }) => documentIds.includes(id)).map(({ type }) => type);
  return { grant: { ...redeemed.grant, configurationIds: wanted, documentIds }, types };
}

/** What the person answered. */
export interface Decision {
  /** The browser's Cookie header. */
  readonly cookie: string | undefined;
  readonly formToken: string;
  readonly allow: boolean;
}

/** Answers with the address of the wallet, with a code or an error in it. */
export async function decide(deps: InteractionDependencies, { cookie, formToken, allow }: Decision): Promise<string> {
  const secret = readCookie(cookie, { name: cookieName, publicUrl: deps.issuer });
  if (secret === undefined || !isSameText(formToken, formTokenOf(secret))) throw over();
  const code = newSecret(deps.random);
  const { redirectUri, state } = await deps.store.transaction((tx) =>
    (allow ? approve : decline)(deps, tx, { secret, code }),
  );
  const answer = allow ? { code } : { error: 'access_denied', error_description: 'The person did not allow it.' };
  return withParameters(redirectUri, { ...answer, state, iss: deps.issuer });
}

async function approve(
  deps: InteractionDependencies,
  tx: Tx,
  { secret, code }: { secret: string; code: string },
): Promise<AuthorizationRequest> {
  const now = deps.now();
  const row = await findAsked(deps, tx, secret);
  const values = { state: 'approved', secretDigest: digestOf(code), ...after(now, codeSeconds) } as const;
  if (!(await advanceRequest(tx, { id: row.id, from: 'asked', now: now.toISOString() }, values))) throw over();
  await recordDecision(deps, tx, row, 'wallet.allowed');
  return requestOf(row);
}

async function decline(
  deps: InteractionDependencies,
  tx: Tx,
  { secret }: { secret: string },
): Promise<AuthorizationRequest> {
  const row = await findAsked(deps, tx, secret);
  await deleteRequest(tx, row.id);
  await recordDecision(deps, tx, row, 'wallet.not_allowed');
  return requestOf(row);
}

async function findAsked({ now }: InteractionDependencies, tx: Tx, secret: string): Promise<RequestRow> {
  const row = await findRequestBySecret(tx, digestOf(secret));
  if (row?.state !== 'asked' || row.expiresAt <= now().toISOString()) throw over();
  return row;
}

function recordDecision(deps: InteractionDependencies, tx: Tx, row: RequestRow, action: string): Promise<void> {
  const { offerId, documentIds } = JSON.parse(row.granted ?? '') as Grant;
  const event = { action, actor: 'person', subject: offerId, outcome: 'success' } as const;
  return deps.audit.record(tx, { ...event, data: { documents: documentIds.length } });
}

function requestOf({ parameters }: RequestRow): AuthorizationRequest {
  return JSON.parse(parameters) as AuthorizationRequest;
}

/** Follows from the cookie, which other sites cannot read: so they cannot make up a form of ours. */
function formTokenOf(secret: string): string {
  return digestOf(`consent ${secret}`);
}

function over(): OAuthError {
  return new OAuthError('invalid_request', 'This page is over or was answered before. Begin again in your wallet.');
}
