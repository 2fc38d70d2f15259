import { type TSchema, Type } from 'typebox';
import type { HttpServer } from '../http/server.js';
import { notModified, type SignedDocument, sendDocument, signedDocument } from '../http/signed-document.js';
import type { Access } from './access.js';
import { assertionType, maxAssertionBytes } from './client-assertion.js';
import { metadataPaths } from './metadata.js';
import { TokenRefusal } from './refusal.js';

/** Metadata and key may be kept for this long; both change only with the configuration and the key-encryption key. */
const documentSeconds = 300;

/** An assertion and a handful of short parameters. */
const maxFormBytes = 2 * maxAssertionBytes;

const tokenRequest = Type.Object(
  {
    grant_type: Type.String({ maxLength: 100, examples: ['client_credentials'] }),
    client_assertion_type: Type.Optional(Type.String({ maxLength: 200, examples: [assertionType] })),
    client_assertion: Type.Optional(Type.String({ maxLength: maxAssertionBytes, description: 'RFC 7523 section 2.2' })),
    client_id: Type.Optional(Type.String({ maxLength: 128 })),
    client_secret: Type.Optional(Type.String({ maxLength: 1024, description: 'Refused: there are no secrets' })),
    scope: Type.Optional(Type.String({ maxLength: 1024, examples: ['vc:issue vc:read'] })),
  },
  {
    // RFC 6749 section 3.2: parameters that are not known are ignored.
    additionalProperties: true,
    examples: [
      {
        grant_type: 'client_credentials',
        client_assertion_type: assertionType,
        // A new one for each request, signed by the client's key; cut off here.
        client_assertion: 'eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJociJ9.c2lnbmF0dXJl',
      },
    ],
  },
);

const tokenResponse = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer(),
    scope: Type.String(),
  },
  { description: 'An access token (RFC 6749 section 5.1)' },
);

const metadataResponse = Type.Object(
  { issuer: Type.String(), token_endpoint: Type.String(), jwks_uri: Type.String() },
  { description: 'Where and how a token is to be had; more members as RFC 8414 names them' },
);

const keysResponse = Type.Object(
  { keys: Type.Array(Type.Object({ kty: Type.String(), kid: Type.String() })) },
  { description: 'A JWK Set' },
);

/** The endpoints of the authorization server. */
export function accessRoutes(access: Access): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addTokenRoute(server, access);
    const metadata = jsonDocument(access.metadata);
    for (const [index, url] of metadataPaths(access.issuer).entries()) {
      const operationId = index === 0 ? 'oauthMetadata' : `oauthMetadata${index + 1}`;
      const summary = 'Authorization server metadata (RFC 8414)';
      addDocumentRoute(server, url, metadata, { operationId, summary, response: metadataResponse });
    }
    const summary = 'Public key of the access tokens (RFC 7517)';
    const described = { operationId: 'oauthKeys', summary, response: keysResponse };
    addDocumentRoute(server, '/oauth/jwks', jsonDocument(access.jwks), described);
  };
}

function addTokenRoute(server: HttpServer, access: Access): void {
  const refusals = server.metrics.counter({
    name: 'oauth_token_refusals_total',
    help: 'Token requests that were refused, by reason',
    labels: ['reason'],
  });
  server.post(
    '/oauth/token',
    {
      config: { access: 'public', errors: 'oauth', limit: 'token', bodyTypes: ['form'] },
      bodyLimit: maxFormBytes,
      schema: {
        tags: ['access'],
        operationId: 'token',
        summary: 'Get an access token (client credentials, private_key_jwt)',
        consumes: ['application/x-www-form-urlencoded'],
        body: tokenRequest,
        response: { 200: tokenResponse },
      },
      // RFC 6749 section 5.2: the challenge only to those who used the Authorization header.
      onSend: async (request, reply) => {
        if (request.headers.authorization === undefined) reply.removeHeader('www-authenticate');
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
      try {
        if (request.headers.authorization !== undefined) {
          reply.header('www-authenticate', challengeFor(request.headers.authorization));
          access.countRefusal('client');
          throw new TokenRefusal('client', 'Clients authenticate with a client_assertion, not with a header.');
        }
        return await access.token(request.body);
      } catch (error) {
        if (error instanceof TokenRefusal) refusals.inc({ reason: error.reason });
        throw error;
      }
    },
  );
}

/** RFC 6749 section 5.2: in the scheme that the client used. */
function challengeFor(authorization: string): string {
  return /^basic /i.test(authorization) ? 'Basic realm="staff-passport"' : 'Bearer realm="staff-passport"';
}

function addDocumentRoute(
  server: HttpServer,
  url: string,
  document: SignedDocument,
  { operationId, summary, response }: { operationId: string; summary: string; response: TSchema },
): void {
  const success = { description: summary, content: { 'application/json': { schema: response } } };
  server.get(
    url,
    {
      config: { access: 'public' },
      schema: { tags: ['access'], operationId, summary, response: { 200: success, 304: notModified } },
    },
    async (request, reply) => sendDocument(request, reply, document),
  );
}

function jsonDocument(content: Access['metadata']): SignedDocument {
  return signedDocument(JSON.stringify(content), { contentType: 'application/json', maxAgeSeconds: documentSeconds });
}
