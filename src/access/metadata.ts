import { jwsAlgorithmNames } from '../jose/algorithms.js';
import type { JsonObject } from '../json.js';
import { scopeNames } from './scopes.js';

/** Authorization server metadata (RFC 8414 section 2). */
export function describeServer(issuer: string): JsonObject {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    scopes_supported: [...scopeNames],
    // Required by section 2, although nothing here has an authorization endpoint.
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: [...jwsAlgorithmNames],
  };
}

/**
 * Where metadata of an issuer with a path is looked for: RFC 8414 section 3.1 puts the well-known part between host
 * and path; some clients append it as OpenID Connect Discovery does.
 */
export function metadataPaths(issuer: string): string[] {
  const { pathname } = new URL(issuer);
  const inserted = `/.well-known/oauth-authorization-server${pathname}`;
  return [
    ...new Set([
      inserted,
      '/.well-known/oauth-authorization-server/oauth',
      '/oauth/.well-known/oauth-authorization-server',
    ]),
  ];
}
