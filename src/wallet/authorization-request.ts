/**
 * What a verifier asks: a request object that its DID signed (OpenID4VP 1.0 section 5, client identifier prefix
 * decentralized_identifier). A request that nobody signed says nothing about who gets the answer, and is refused.
 */
import { ServiceError } from '../errors.js';
import type { Incoming } from '../http/client.js';
import { JoseError } from '../jose/errors.js';
import { verifyJws } from '../jose/jws.js';
import { type ParsedJwt, parseJwt } from '../jose/jwt.js';
import { importJwk, importMultikey, type VerificationKey } from '../jose/keys.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { form, objectOf, refusedBy, type Send, textOf } from './exchange.js';

/** A request whose signature holds. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly nonce: string;
  readonly state?: string;
  readonly responseMode: 'direct_post' | 'direct_post.jwt';
  readonly responseUri: string;
  readonly query: JsonObject;
  readonly clientMetadata: JsonObject;
}

const prefix = 'decentralized_identifier:';
const mediaType = 'application/oauth-authz-req+jwt';

/** Fetches and proves the request behind a link; throws when it may not be answered. */
export async function readRequest(
  deps: { readonly send: Send; readonly nonce: () => string },
  link: string,
): Promise<AuthorizationRequest> {
  if (!URL.canParse(link)) throw refused('This is no link to a request.');
  const { searchParams } = new URL(link);
  const [clientId, uri] = [searchParams.get('client_id'), searchParams.get('request_uri')];
  if (clientId === null || uri === null) throw refused('The link names no signed request.');
  const walletNonce = searchParams.get('request_uri_method') === 'post' ? deps.nonce() : undefined;
  const answer = await fetchRequest(deps.send, uri, walletNonce);
  const { claims } = await provedRequest(deps.send, answer, { clientId, uri });
  // Section 5.10: the request was made for this question, not kept from another one.
  if (walletNonce !== undefined && claims.wallet_nonce !== walletNonce) throw refused('The request is an old one.');
  return toRequest(claims, clientId);
}

function fetchRequest(send: Send, uri: string, walletNonce: string | undefined): Promise<Incoming> {
  if (walletNonce === undefined) return send({ method: 'GET', url: uri, headers: { accept: mediaType } });
  const posted = form(uri, { wallet_nonce: walletNonce });
  return send({ ...posted, headers: { ...posted.headers, accept: mediaType } });
}

async function provedRequest(send: Send, answer: Incoming, { clientId, uri }: { clientId: string; uri: string }) {
  if (answer.status !== 200) throw refusedBy(answer, 'The request');
  try {
    const jwt = parseJwt(answer.body.toString('latin1'), { typ: ['oauth-authz-req+jwt'] });
    if (jwt.claims.client_id !== clientId) throw refused('The request is that of another verifier.');
    verifyJws(jwt, await keyOf(send, jwt, clientId, uri));
    return jwt;
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw refused(`The request does not hold: ${cause.message}`, cause);
  }
}

/** The key that the kid names in the verifier's own DID document (5.9.3). */
async function keyOf(send: Send, { header }: ParsedJwt, clientId: string, uri: string): Promise<VerificationKey> {
  const did = clientId.startsWith(prefix) ? clientId.slice(prefix.length) : '';
  const kid = header.kid;
  if (typeof kid !== 'string' || !kid.startsWith(`${did}#`) || !did.startsWith('did:web:')) {
    throw refused('Only requests that a did:web signed are answered.');
  }
  const url = documentUrl(did, uri);
  const document = objectOf(
    await send({ method: 'GET', url, headers: { accept: 'application/did+json' } }),
    'The DID document',
  );
  if (document.id !== did) throw refused('The DID document is that of another DID.');
  const methods = Array.isArray(document.verificationMethod) ? document.verificationMethod.filter(isJsonObject) : [];
  const method = methods.find(({ id }) => id === kid);
  if (method === undefined) throw refused('The DID document has no such key.');
  if (typeof method.publicKeyMultibase === 'string') return importMultikey(method.publicKeyMultibase);
  return importJwk(method.publicKeyJwk);
}

/** did:web method, "Read": https, but by http where a demonstration on this machine asks by http. */
function documentUrl(did: string, uri: string): string {
  const [host = '', ...path] = did.slice('did:web:'.length).split(':').map(decodeURIComponent);
  const { protocol, hostname } = new URL(uri);
  const scheme =
    protocol === 'http:' && hostname === 'localhost' && host.split(':')[0] === 'localhost' ? 'http' : 'https';
  return `${scheme}://${host}${path.length === 0 ? '/.well-known' : `/${path.join('/')}`}/did.json`;
}

function toRequest(claims: JsonObject, clientId: string): AuthorizationRequest {
  const { response_mode: mode, dcql_query: query, state, client_metadata: metadata } = claims;
  if (mode !== 'direct_post' && mode !== 'direct_post.jwt')
    throw refused('The request wants its answer in a way that is not known.');
  if (!isJsonObject(query)) throw refused('The request has no DCQL query.');
  // 8.4: a wallet that does not understand a transaction must not confirm it.
  if (claims.transaction_data !== undefined)
    throw refused('The request asks to confirm a transaction, which this wallet cannot do.');
  return {
    clientId,
    nonce: textOf(claims, 'nonce', 'The request'),
    ...(typeof state === 'string' ? { state } : {}),
    responseMode: mode,
    responseUri: textOf(claims, 'response_uri', 'The request'),
    query,
    clientMetadata: isJsonObject(metadata) ? metadata : {},
  };
}

function refused(detail: string, cause?: unknown): ServiceError {
  return new ServiceError('invalid_request', detail, { cause });
}
