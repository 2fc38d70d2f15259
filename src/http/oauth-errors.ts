/**
 * Errors of OAuth 2.0 endpoints and of the wallet protocols, for routes that declare `config: { errors: 'oauth' }`.
 * A wallet or client library reads `error`; it knows nothing of problem documents.
 */
import { type ErrorCode, ServiceError } from '../errors.js';
import { problemKinds, toServiceError } from './problems.js';

/** Every error that is named to a client, and the kind of problem that it is, which has the status. */
const serviceCodes = {
  // RFC 6749 5.2, and the two of 4.1.2.1 that a busy or broken server needs.
  invalid_request: 'invalid_request',
  invalid_client: 'unauthorized',
  invalid_grant: 'invalid_request',
  unauthorized_client: 'invalid_request',
  unsupported_grant_type: 'invalid_request',
  invalid_scope: 'invalid_request',
  temporarily_unavailable: 'overloaded',
  server_error: 'internal',
  // RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6: what an authorization endpoint answers.
  access_denied: 'forbidden',
  unsupported_response_type: 'invalid_request',
  login_required: 'forbidden',
  // RFC 9396 5, RFC 9101 6.
  invalid_authorization_details: 'invalid_request',
  invalid_request_uri: 'invalid_request',
  // RFC 6750 3.1, RFC 9449 5 and 8.
  invalid_token: 'unauthorized',
  insufficient_scope: 'forbidden',
  invalid_dpop_proof: 'invalid_request',
  use_dpop_nonce: 'invalid_request',
  // OpenID4VCI 1.0 8.3.1.2: the credential endpoint; 9.3: deferred; 11.3: notification.
  invalid_credential_request: 'invalid_request',
  unknown_credential_configuration: 'invalid_request',
  unknown_credential_identifier: 'invalid_request',
  invalid_proof: 'invalid_request',
  invalid_nonce: 'invalid_request',
  invalid_encryption_parameters: 'invalid_request',
  credential_request_denied: 'invalid_request',
  invalid_transaction_id: 'invalid_request',
  invalid_notification_id: 'invalid_request',
  invalid_notification_request: 'invalid_request',
} as const satisfies Readonly<Record<string, ErrorCode>>;

/** One of the names above. */
export type OAuthErrorCode = keyof typeof serviceCodes;

/** A refusal that has a name of its own in OAuth. */
export class OAuthError extends ServiceError {
  readonly error: OAuthErrorCode;
  /** What WWW-Authenticate says (RFC 6750 3, RFC 9449 7.1). A request refused with it has the status 401, or 403. */
  readonly challenge: string | undefined;

  constructor(error: OAuthErrorCode, detail: string, options: { cause?: unknown; challenge?: string } = {}) {
    const code = serviceCodes[error];
    super(options.challenge === undefined || code === 'forbidden' ? code : 'unauthorized', detail, options);
    this.name = 'OAuthError';
    this.error = error;
    this.challenge = options.challenge;
  }
}

/** What the client reads. */
export interface OAuthErrorBody {
  error: OAuthErrorCode;
  error_description: string;
}

const byStatus: Readonly<Record<number, OAuthErrorCode>> = {
  401: 'invalid_client',
  403: 'unauthorized_client',
  429: 'temporarily_unavailable',
  503: 'temporarily_unavailable',
};

/** RFC 6749 §5.2 permits only these characters in error_description. */
const notDescribable = /[^\x20-\x21\x23-\x5B\x5D-\x7E]/g;

/** Status and body of anything thrown on an OAuth route. */
export function toOAuthError(error: unknown): { status: number; body: OAuthErrorBody } {
  const fault = toServiceError(error);
  const { status, remedy } = problemKinds[fault.code];
  const detail = status === 500 ? remedy : fault.message;
  const name = fault instanceof OAuthError ? fault.error : (byStatus[status] ?? fallbackName(status));
  return { status, body: { error: name, error_description: detail.replace(notDescribable, "'") } };
}

function fallbackName(status: number): OAuthErrorCode {
  return status >= 500 ? 'server_error' : 'invalid_request';
}
