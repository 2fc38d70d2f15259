/** The credential issuer's addresses (OpenID4VCI 1.0 sections 7 to 12). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type ErrorCode, ServiceError } from '../../errors.js';
import { OAuthError, type OAuthErrorCode } from '../../http/oauth-errors.js';
import { problemResponses, toServiceError } from '../../http/problems.js';
import type { HttpServer } from '../../http/server.js';
import { notModified, sendDocument } from '../../http/signed-document.js';
import type { CredentialIssuer, LiveCredential, WalletAccess } from './credential-issuer.js';
import type { DocumentRevocation } from './revoking.js';
import {
  CredentialAnswer,
  CredentialRequest,
  DeferredAnswer,
  DeferredCopies,
  DeferredRequest,
  LiveCredentials,
  NonceAnswer,
  NotificationRequest,
  OfferParams,
  RevocationAnswer,
  RevocationBody,
  StillDeferred,
} from './wire.js';

/** A request as far as an access token is checked with it. */
export interface PresentedToken {
  readonly authorization: string | undefined;
  readonly dpop: string | undefined;
  readonly method: string;
  /** Our public address of it, with the query that came. */
  readonly url: string;
}

export interface CredentialIssuerRoutesDependencies {
  readonly issuer: CredentialIssuer;
  /** Throws OAuthError; a wrong answer gives somebody's documents away. */
  readonly authorise: (presented: PresentedToken) => Promise<WalletAccess>;
  /** For HR's systems. */
  readonly revocation?: DocumentRevocation;
}

const tags = ['wallets'];
const publicly = { access: 'public', errors: 'oauth' } as const;

export function credentialIssuerRoutes(
  deps: CredentialIssuerRoutesDependencies,
): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addMetadata(server, deps.issuer);
    addKeySet(server, deps.issuer);
    addNonce(server, deps.issuer);
    addLiveCredentials(server, deps.issuer);
    if (deps.revocation) addRevocation(server, deps.revocation);
    await server.register(async (scope) => addCredential(named(scope, 'invalid_credential_request'), deps));
    await server.register(async (scope) => addDeferred(named(scope, 'invalid_credential_request'), deps));
    await server.register(async (scope) => addNotification(named(scope, 'invalid_notification_request'), deps));
  };
}

function addRevocation(server: HttpServer, revocation: DocumentRevocation): void {
  server.post(
    '/admin/offers/:id/revoke',
    {
      config: { access: { scope: 'vc:revoke' } },
      schema: {
        tags: ['offers'],
        operationId: 'revokeDocuments',
        summary: 'Revoke documents of an offer, with every copy that went into a wallet',
        description: 'Nothing more of them goes into a wallet either. A repeated call revokes nothing more.',
        params: OfferParams,
        body: RevocationBody,
        response: {
          200: RevocationAnswer,
          ...problemResponses('invalid_request', 'malformed_json', 'not_found', 'conflict'),
        },
      },
    },
    async (request, reply) => {
      if (request.caller === undefined) throw new ServiceError('unauthorized', 'This operation needs a client.');
      const given = { offerId: request.params.id, ...request.body };
      return reply.header('cache-control', 'no-store').send(await revocation.revoke(given, request.caller));
    },
  );
}

/** 8.3.1.2, 11.3: an unreadable request has a name of its own at each endpoint. */
function named(scope: HttpServer, error: OAuthErrorCode): HttpServer {
  const present = scope.errorHandler;
  const names: Partial<Record<ErrorCode, OAuthErrorCode>> = {
    malformed_json: error,
    invalid_request: error,
    unsupported_media_type: error,
    // Somebody else finished or changed the same first: whoever asks again finds out.
    conflict: 'temporarily_unavailable',
  };
  scope.setErrorHandler((cause, request, reply) => {
    const fault = toServiceError(cause);
    const name = fault instanceof OAuthError ? undefined : names[fault.code];
    return present.call(scope, name ? new OAuthError(name, fault.message, { cause }) : fault, request, reply);
  });
  return scope;
}

/** Inserted before the path, as the specification says, and appended after it, as some wallets look for it (trap 4). */
function addMetadata(server: HttpServer, issuer: CredentialIssuer): void {
  const wellKnown = '/.well-known/openid-credential-issuer';
  const addresses = [wellKnown, ...(server.basePath === '' ? [] : [`${wellKnown}${server.basePath}`])];
  for (const [index, url] of addresses.entries()) {
    server.get(
      url,
      {
        config: { access: 'public' },
        schema: {
          tags,
          operationId: index === 0 ? 'readCredentialIssuerMetadata' : 'readCredentialIssuerMetadataByPath',
          summary: 'What wallets may get here: credential issuer metadata (OpenID4VCI)',
          description: 'As JSON, or signed for `Accept: application/jwt`.',
          response: {
            200: {
              description: 'The metadata',
              content: {
                'application/json': { schema: Type.Object({}, { additionalProperties: true }) },
                'application/jwt': { schema: Type.String() },
              },
            },
            304: notModified,
          },
        },
      },
      async (request, reply) =>
        sendDocument(request, reply.header('vary', 'accept'), issuer.metadata(request.headers.accept)),
    );
  }
}

function addKeySet(server: HttpServer, issuer: CredentialIssuer): void {
  const keys = Type.Array(Type.Object({ kty: Type.String(), kid: Type.String() }, { additionalProperties: true }));
  const schema = Type.Object({ keys }, { additionalProperties: false });
  server.get(
    '/jwks',
    {
      config: { access: 'public' },
      schema: {
        tags,
        operationId: 'readKeySet',
        summary: 'The keys that sign credentials, as in the DID document',
        response: {
          200: { description: 'A JWK Set', content: { 'application/jwk-set+json': { schema } } },
          304: notModified,
        },
      },
    },
    async (request, reply) => sendDocument(request, reply, issuer.keySet()),
  );
}

function addNonce(server: HttpServer, issuer: CredentialIssuer): void {
  server.post(
    '/nonce',
    {
      // Some wallets send an empty body and call it JSON or a form, others {} (trap 9).
      config: { ...publicly, limit: 'wallet', emptyBody: true, bodyTypes: ['json', 'form'] },
      schema: {
        tags,
        operationId: 'makeNonce',
        summary: 'A fresh c_nonce for proofs of possession',
        response: { 200: NonceAnswer },
      },
    },
    async (_request, reply) => reply.header('cache-control', 'no-store').send(issuer.nonce()),
  );
}

type Authorised = (request: FastifyRequest) => WalletAccess;

/** Checks the token after the limits and before the body is read; answers what reads its result. */
function authorising(scope: HttpServer, { authorise }: CredentialIssuerRoutesDependencies): Authorised {
  const known = new WeakMap<FastifyRequest, WalletAccess>();
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    refuseEncryptedBody(request);
  });
  scope.addHook('preParsing', async (request) => {
    const { authorization, dpop } = request.headers;
    const presented = {
      authorization,
      dpop: single(dpop),
      method: request.method,
      url: `${scope.publicUrl}${request.url}`,
    };
    known.set(request, await authorise(presented));
  });
  return (request) => {
    const access = known.get(request);
    if (access === undefined) throw new ServiceError('internal', 'A request was not authorised.');
    return access;
  };
}

/** RFC 9449 4.3: one DPoP header; Node joins several with a comma, which no proof contains. */
function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

/** Section 10: the metadata of this profile has no key to encrypt to. */
function refuseEncryptedBody(request: FastifyRequest): void {
  if (!/^application\/jwt\b/i.test(request.headers['content-type'] ?? '')) return;
  throw new OAuthError('invalid_encryption_parameters', 'This credential issuer takes no encrypted requests.');
}

const walletRoute = { ...publicly, limit: 'wallet' } as const;

function addCredential(scope: HttpServer, deps: CredentialIssuerRoutesDependencies): void {
  const accessOf = authorising(scope, deps);
  scope.post(
    '/credential',
    {
      config: walletRoute,
      schema: {
        tags,
        operationId: 'requestCredential',
        summary: 'Issue a document to a wallet, one copy for each key',
        body: CredentialRequest,
        response: { 200: CredentialAnswer, 202: DeferredAnswer },
      },
    },
    async (request, reply) => send(reply, await deps.issuer.credential(accessOf(request), request.body)),
  );
}

/** 8.3 and 9.2: 202 for what is still to come. */
function send(reply: FastifyReply, answer: object): FastifyReply {
  return reply.code('transaction_id' in answer ? 202 : 200).send(answer);
}

function addDeferred(scope: HttpServer, deps: CredentialIssuerRoutesDependencies): void {
  const accessOf = authorising(scope, deps);
  scope.post(
    '/deferred_credential',
    {
      config: walletRoute,
      schema: {
        tags,
        operationId: 'requestDeferredCredential',
        summary: 'Ask again for a document that was not released yet',
        body: DeferredRequest,
        response: { 200: DeferredCopies, 202: StillDeferred },
      },
    },
    async (request, reply) => send(reply, await deps.issuer.deferredCredential(accessOf(request), request.body)),
  );
}

function addNotification(scope: HttpServer, deps: CredentialIssuerRoutesDependencies): void {
  const accessOf = authorising(scope, deps);
  scope.post(
    '/notification',
    {
      config: walletRoute,
      schema: {
        tags,
        operationId: 'notifyIssuer',
        summary: 'What became of the copies that a wallet received',
        body: NotificationRequest,
        response: { 204: { type: 'null', description: 'Noted' } },
      },
    },
    async (request, reply) => {
      await deps.issuer.notification(accessOf(request), request.body);
      return reply.code(204).send(null);
    },
  );
}

/** A wallet is given what only HR's system may end again, so that system has to learn by which id. */
function addLiveCredentials(server: HttpServer, issuer: CredentialIssuer): void {
  server.get(
    '/admin/offers/:id/credentials',
    {
      config: { access: { scope: 'vc:offer' } },
      schema: {
        tags: ['offers'],
        operationId: 'readOfferedCredentials',
        summary: 'Which credentials of an offer are live in wallets',
        description: 'To end one, send its id to POST /credentials/status.',
        params: OfferParams,
        response: { 200: LiveCredentials, ...problemResponses('invalid_request', 'not_found') },
      },
    },
    async (request, reply) => {
      const credentials = await issuer.liveCredentials(request.params.id);
      return reply.header('cache-control', 'no-store').send({ credentials: credentials.map(toWire) });
    },
  );
}

/** The state is stored as text; only these two are live. */
function toWire(live: LiveCredential) {
  return { ...live, state: live.state as 'issued' | 'suspended' };
}
