/**
 * Errors of OAuth 2.0 endpoints (RFC 6749 §5.2), for routes that declare `config: { errors: 'oauth' }`.
 * A wallet or client library reads `error`; it knows nothing of problem documents.
 */
import { type ErrorCode, ServiceError } from '../errors.js';
import { problemKinds, toServiceError } from './problems.js';

/** The error values of RFC 6749 §5.2, and the two of §4.1.2.1 that a busy or broken server needs. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'temporarily_unavailable'
  | 'server_error';

const serviceCodes: Readonly<Record<OAuthErrorCode, ErrorCode>> = {
  invalid_request: 'invalid_request',
  invalid_client: 'unauthorized',
  invalid_grant: 'invalid_request',
  unauthorized_client: 'invalid_request',
  unsupported_grant_type: 'invalid_request',
  invalid_scope: 'invalid_request',
  temporarily_unavailable: 'overloaded',
  server_error: 'internal',
};

/** A refusal that has a name of its own in OAuth. */
export class OAuthError extends ServiceError {
  readonly error: OAuthErrorCode;

  constructor(error: OAuthErrorCode, detail: string, options: { cause?: unknown } = {}) {
    super(serviceCodes[error], detail, options);
    this.name = 'OAuthError';
    this.error = error;
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
