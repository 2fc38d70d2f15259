import { jwsAlgorithmNames } from '../../jose/algorithms.js';
import type { JsonObject } from '../../json.js';

/** Authorization server metadata (RFC 8414; RFC 9126 5, RFC 9207 3, RFC 9396 10, RFC 9449 5.1, OpenID4VCI 1.0 12.3). */
export function describeAuthorizationServer(options: {
  issuer: string;
  grantTypes: readonly string[];
  configurationIds: readonly string[];
  authorizationCode: boolean;
}): JsonObject {
  const { issuer, grantTypes, configurationIds, authorizationCode } = options;
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    grant_types_supported: [...grantTypes],
    response_types_supported: authorizationCode ? ['code'] : [],
    token_endpoint_auth_methods_supported: ['none'],
    'pre-authorized_grant_anonymous_access_supported': true,
    dpop_signing_alg_values_supported: [...jwsAlgorithmNames],
    scopes_supported: [...configurationIds],
    authorization_details_types_supported: ['openid_credential'],
    ...(authorizationCode ? describeCodeFlow(issuer) : {}),
  };
}

function describeCodeFlow(issuer: string): JsonObject {
  return {
    authorization_endpoint: `${issuer}/authorize`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    require_pushed_authorization_requests: false,
    response_modes_supported: ['query'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}

/** Where it is looked for: RFC 8414 3.1 puts the well-known part between host and path; some wallets append it. */
export function metadataPaths(issuer: string): string[] {
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  return [...new Set(['/.well-known/oauth-authorization-server', `/.well-known/oauth-authorization-server${path}`])];
}
