/**
 * An authorization request, pushed (RFC 9126) or in the browser's address: OpenID4VCI 1.0 5.1 on RFC 6749 4.1.1, with
 * PKCE (RFC 7636). What passes is a precise value; what does not is an OAuthError, which may go back to the wallet only
 * when the redirect_uri has been found good.
 */
import { OAuthError } from '../../http/oauth-errors.js';
import { readAuthorizationDetails } from './authorization-details.js';
import type { TypeOf } from './grant.js';
import { faultOfRedirectUri } from './redirect-uri.js';

/** Parameters as they came: each once, unknown ones among them (RFC 6749 3.1). */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** A request that may be put before a person. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly state?: string;
  readonly issuerState?: string;
  /** The configurations that were asked for; everything that is offered where absent. */
  readonly configurationIds?: readonly string[];
  /** Asked for by authorization_details, so that the answer names identifiers. */
  readonly details: boolean;
  readonly dpopJkt?: string;
}

/** Free text as far as we know a public client: but short, and nothing that a page or a log would stumble over. */
const clientIdPattern = /^[\x20-\x7e]{1,512}$/;
const clientIdRule = 'client_id is missing, or is no text of 1 to 512 printable characters.';
const challengePattern = /^[A-Za-z0-9_-]{43}$/;
const maxStateLength = 1024;
const maxScopeLength = 8192;
const maxScopes = 64;

/** RFC 6749 3.1 and 3.2: a parameter without a value was not sent. */
export function withoutEmpty(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''));
}

/** Throws OAuthError invalid_request. */
export function checkClientId(clientId: string | undefined): asserts clientId is string {
  if (clientId === undefined || !clientIdPattern.test(clientId)) throw new OAuthError('invalid_request', clientIdRule);
}

/** Where the answer goes; throws what must be told to the person, for nobody else may be told. */
export function readRedirect(parameters: Parameters): { clientId: string; redirectUri: string; state?: string } {
  const { client_id: clientId, redirect_uri: redirectUri, state } = parameters;
  checkClientId(clientId);
  const fault = faultOfRedirectUri(redirectUri);
  if (fault !== undefined) throw new OAuthError('invalid_request', fault);
  if (state !== undefined && !isText(state, maxStateLength)) {
    throw new OAuthError('invalid_request', `state is longer than ${maxStateLength} characters.`);
  }
  return { clientId, redirectUri: redirectUri ?? '', ...(state === undefined ? {} : { state }) };
}

/** Everything else. */
export function readAuthorizationRequest(
  parameters: Parameters,
  known: { typeOf: TypeOf; issuer: string },
): AuthorizationRequest {
  const redirect = readRedirect(parameters);
  refuseUnsupported(parameters);
  const { issuer_state: issuerState, dpop_jkt: dpopJkt, authorization_details: details } = parameters;
  if (issuerState !== undefined && !isText(issuerState, maxStateLength)) {
    throw new OAuthError('invalid_request', 'issuer_state is not one of ours.');
  }
  if (dpopJkt !== undefined && !challengePattern.test(dpopJkt)) {
    throw new OAuthError('invalid_request', 'dpop_jkt is not a SHA-256 thumbprint (RFC 9449 section 10).');
  }
  const configurationIds = readWanted(parameters, known);
  return {
    ...redirect,
    codeChallenge: readChallenge(parameters),
    details: details !== undefined,
    ...(issuerState === undefined ? {} : { issuerState }),
    ...(configurationIds === undefined ? {} : { configurationIds }),
    ...(dpopJkt === undefined ? {} : { dpopJkt }),
  };
}

function isText(value: string, maxLength: number): boolean {
  return value !== '' && value.length <= maxLength && value.isWellFormed();
}

function refuseUnsupported({ response_type, response_mode, request, prompt }: Parameters): void {
  if (response_type === undefined) throw new OAuthError('invalid_request', 'response_type is missing.');
  if (response_type !== 'code') {
    throw new OAuthError('unsupported_response_type', 'The only response_type here is code.');
  }
  if (response_mode !== undefined && response_mode !== 'query') {
    throw new OAuthError('invalid_request', 'The only response_mode here is query.');
  }
  if (request !== undefined)
    throw new OAuthError('invalid_request', 'Request objects are not supported; push it (PAR).');
  // OpenID Connect Core 3.1.2.1: nothing may be shown, but somebody has to sign in.
  if (prompt?.split(' ').includes('none')) throw new OAuthError('login_required', 'Somebody has to sign in here.');
}

/** RFC 9700 2.1.1: PKCE always, and `plain` never; a missing method would mean plain. */
function readChallenge({ code_challenge: challenge, code_challenge_method: method }: Parameters): string {
  if (challenge === undefined) throw new OAuthError('invalid_request', 'code_challenge is missing: PKCE is required.');
  if (method !== 'S256') throw new OAuthError('invalid_request', 'code_challenge_method must be S256.');
  if (!challengePattern.test(challenge))
    throw new OAuthError('invalid_request', 'code_challenge is no SHA-256 digest.');
  return challenge;
}

/** OpenID4VCI 1.0 5.1.1, 5.1.2: both parameters count, and unknown scope values do not. */
function readWanted(parameters: Parameters, known: { typeOf: TypeOf; issuer: string }): readonly string[] | undefined {
  const { scope, authorization_details: details } = parameters;
  const byDetails = readAuthorizationDetails(details, known);
  const byScope = scope === undefined ? undefined : readScope(scope, known.typeOf);
  if (byDetails === undefined && byScope?.length === 0) {
    throw new OAuthError('invalid_scope', 'No scope is one of the credential issuer metadata.');
  }
  if (byDetails === undefined) return byScope;
  return [...new Set([...byDetails, ...(byScope ?? [])])];
}

function readScope(scope: string, typeOf: TypeOf): readonly string[] {
  const values = scope.length <= maxScopeLength ? scope.split(' ').filter((value) => value !== '') : [];
  if (values.length === 0 || values.length > maxScopes) {
    throw new OAuthError('invalid_scope', `scope must be 1 to ${maxScopes} values with single spaces between them.`);
  }
  return [...new Set(values.filter((value) => typeOf(value) !== undefined))];
}
