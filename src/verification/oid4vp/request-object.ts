/** The Authorization Request (OpenID4VP 1.0 section 5): as a signed Request Object, or by value where nothing signs it. */
import { contentEncryptions, keyAgreement } from '../../jose/jwe.js';
import { signJws } from '../../jose/jws.js';
import type { JsonObject } from '../../json.js';
import type { ClientIdentity, RequestSigner } from './client-identity.js';
import type { DcqlQuery, QueryFormat } from './dcql.js';

/** Section 5.8: the audience where the wallet is not known. */
const anyWallet = 'https://self-issued.me/v2';

export const requestObjectType = 'oauth-authz-req+jwt';

/** What is asked, whichever way it travels. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly responseUri: string;
  readonly responseMode: 'direct_post' | 'direct_post.jwt';
  readonly nonce: string;
  readonly state: string;
  readonly query: DcqlQuery;
  /** The public key for the answer, where it is to be encrypted. */
  readonly encryptionKey?: JsonObject;
}

/** No `iss`: wallets exist that then want it to be the DID of the key (section 5 lets it be ignored). */
function parametersOf(request: AuthorizationRequest): JsonObject {
  return {
    response_type: 'vp_token',
    client_id: request.clientId,
    response_mode: request.responseMode,
    response_uri: request.responseUri,
    nonce: request.nonce,
    state: request.state,
    dcql_query: request.query as unknown as JsonObject,
    client_metadata: clientMetadata(request),
  };
}

const joseAlgorithms = ['ES256', 'ES384', 'EdDSA'];

/**
 * Appendix B: what we verify, by format. The optional cryptosuite_values of ldp_vc stays out: Sphereon 0.20.1 refuses a
 * request that has it (did-auth-siop, schema of vp_formats_supported).
 */
const formatMetadata: Readonly<Record<QueryFormat, JsonObject>> = {
  'dc+sd-jwt': { 'sd-jwt_alg_values': joseAlgorithms, 'kb-jwt_alg_values': joseAlgorithms },
  jwt_vc_json: { alg_values: joseAlgorithms },
  ldp_vc: { proof_type_values: ['DataIntegrityProof'] },
};

/** Formats that the query does not use are left out: a wallet exists that refuses members of those it does not know. */
function clientMetadata({ query, encryptionKey }: AuthorizationRequest): JsonObject {
  const used = [...new Set(query.credentials.map(({ format }) => format))];
  const formats = Object.fromEntries(used.map((format) => [format, formatMetadata[format]]));
  const metadata = { vp_formats_supported: formats };
  if (encryptionKey === undefined) return metadata;
  return {
    ...metadata,
    jwks: { keys: [{ ...encryptionKey, use: 'enc', alg: keyAgreement }] },
    encrypted_response_enc_values_supported: [...contentEncryptions],
  };
}

/** The signed Request Object (RFC 9101), made anew for each fetch. */
export function signRequestObject(
  request: AuthorizationRequest,
  signer: RequestSigner,
  { now, expiresAt, walletNonce }: { now: Date; expiresAt: Date; walletNonce: string | undefined },
): Promise<string> {
  const claims = {
    ...parametersOf(request),
    aud: anyWallet,
    iat: Math.floor(now.getTime() / 1000),
    exp: Math.ceil(expiresAt.getTime() / 1000),
    ...(walletNonce === undefined ? {} : { wallet_nonce: walletNonce }),
  };
  return signJws({ alg: signer.algorithm, typ: requestObjectType, ...signer.header }, claims, signer.sign);
}

/** The address that opens a wallet. Objects travel as JSON texts (section 5.1). */
export function requestLink(
  wallet: string,
  identity: ClientIdentity,
  source: { requestUri: string; method: 'get' | 'post' } | { request: AuthorizationRequest },
): string {
  const parameters: Record<string, unknown> =
    'request' in source
      ? parametersOf(source.request)
      : {
          client_id: identity.clientId,
          request_uri: source.requestUri,
          ...(source.method === 'post' ? { request_uri_method: 'post' } : {}),
        };
  const pairs = Object.entries(parameters).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
  });
  return `${wallet}${wallet.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}
