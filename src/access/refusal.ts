import { OAuthError, type OAuthErrorCode } from '../http/oauth-errors.js';

/** Why no token was given, for the counters: a closed list, so that no stranger can invent a label. */
export type RefusalReason = 'request' | 'grant' | 'assertion' | 'client' | 'claims' | 'replay' | 'scope';

const errorOf: Readonly<Record<RefusalReason, OAuthErrorCode>> = {
  request: 'invalid_request',
  grant: 'unsupported_grant_type',
  assertion: 'invalid_client',
  client: 'invalid_client',
  claims: 'invalid_client',
  replay: 'invalid_client',
  scope: 'invalid_scope',
};

/** A refused token request: the OAuth error of RFC 6749 section 5.2, and our reason. */
export class TokenRefusal extends OAuthError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string, options: { cause?: unknown } = {}) {
    super(errorOf[reason], detail, options);
    this.name = 'TokenRefusal';
    this.reason = reason;
  }
}
