/** Publishes the DID document where did:web looks for it. */
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { ServiceError } from '../errors.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, sendDocument } from '../http/signed-document.js';
import { didWebPath, parseDidWeb } from './did-web.js';
import type { Identity } from './identity.js';
import {
  answerResolution,
  didOfPath,
  documentTypes,
  negotiate,
  type ResolutionAnswer,
  resolutionError,
  resolutionResultType,
} from './resolution-http.js';

const didDocument = Type.Object(
  {
    '@context': Type.Array(Type.String()),
    id: Type.String(),
    verificationMethod: Type.Array(Type.Object({ id: Type.String(), type: Type.String(), controller: Type.String() })),
    assertionMethod: Type.Array(Type.String()),
    authentication: Type.Optional(Type.Array(Type.String())),
  },
  { description: 'A DID document (DID Core 1.0)' },
);

export interface IdentityRoutesDependencies {
  readonly identity: Pick<Identity, 'did' | 'published'>;
  /** Identifiers below our address that were given up. */
  readonly formerDids?: readonly string[];
}

/** did:web, "Deactivate": the document is taken away; 410 tells readers that it is not by mistake. */
function addFormer(server: HttpServer, did: string): void {
  server.get(
    routePath(did, server.basePath),
    {
      config: { access: 'public' },
      schema: {
        tags: ['identity'],
        operationId: `formerDid_${did.replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
        summary: `${did} was given up`,
        response: problemResponses('gone'),
      },
    },
    async () => {
      throw new ServiceError('gone', `${did} was given up by this organisation.`);
    },
  );
}

/** GET of the DID document: bytes from memory, no database. */
export function identityRoutes({ identity, formerDids = [] }: IdentityRoutesDependencies) {
  return async (server: HttpServer): Promise<void> => {
    for (const did of formerDids) addFormer(server, did);
    server.get(
      routePath(identity.did, server.basePath),
      {
        config: { access: 'public' },
        schema: {
          tags: ['identity'],
          operationId: 'didDocument',
          summary: 'The DID document of this organisation',
          description: 'The public keys that credentials of this organisation are proven with.',
          response: {
            200: {
              description: 'The DID document',
              content: { 'application/did+json': { schema: didDocument } },
            },
            304: notModified,
            ...problemResponses('not_found'),
          },
        },
      },
      async (request, reply) => sendDocument(request, reply, identity.published()),
    );
  };
}

/** did:web:host:a looks at /a/did.json; a service published below /a sees that as /did.json. */
function routePath(did: string, basePath: string): string {
  const web = parseDidWeb(did);
  const path = didWebPath({ path: web?.path ?? [] });
  return basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
}

const resolutionResult = Type.Object(
  {
    didResolutionMetadata: Type.Object({
      contentType: Type.Optional(Type.String()),
      error: Type.Optional(Type.Object({ type: Type.String(), title: Type.String(), detail: Type.String() })),
    }),
    didDocument: Type.Union([Type.Object({ id: Type.String() }), Type.Null()]),
    didDocumentMetadata: Type.Object({ deactivated: Type.Optional(Type.Boolean()) }),
  },
  { description: 'A DID resolution result (DID Resolution 1.0); in errors without a document' },
);

const bareDocument = Type.Object({ id: Type.String() }, { description: 'The DID document alone' });
const resolutionErrors = [400, 404, 406, 410, 500, 501] as const;

/** What the resolver over HTTP is made of. */
export interface ResolutionRoutesDependencies {
  readonly identity: Pick<Identity, 'agent' | 'did'>;
  /** Which did:web identifiers may be fetched. A wrong yes lets strangers choose where this service connects to. */
  readonly mayResolve: (did: string) => boolean;
}

/** DID Resolution over HTTP for did:key, did:jwk, our own did:web and those that the registry lists. */
export function resolutionRoutes(deps: ResolutionRoutesDependencies): (server: HttpServer) => Promise<void> {
  return async (server) => {
    server.get(
      `${resolutionPrefix}*`,
      {
        config: { access: 'public', limit: 'verify' },
        schema: {
          tags: ['identity'],
          operationId: 'resolveDid',
          summary: 'Resolve a DID (DID Resolution 1.0, HTTP binding)',
          description:
            'Accept application/did-resolution for a whole result, application/did, application/did+ld+json or application/did+json for the document alone. The DID is appended as it is, or percent-encoded as a whole.',
          params: Type.Object({
            '*': Type.String({ description: 'The DID', examples: [deps.identity.did] }),
          }),
          response: {
            200: {
              description: 'The result, or the document alone',
              content: {
                [resolutionResultType]: { schema: resolutionResult },
                ...Object.fromEntries(documentTypes.map((type) => [type, { schema: bareDocument }])),
              },
            },
            ...Object.fromEntries(
              resolutionErrors.map((status) => [
                status,
                {
                  description: 'A result without a document, with the error of DID Resolution',
                  content: { [resolutionResultType]: { schema: resolutionResult } },
                },
              ]),
            ),
          },
        },
      },
      async (request, reply) => {
        return sendAnswer(reply as unknown as FastifyReply, await resolve(deps, request));
      },
    );
  };
}

const resolutionPrefix = '/1.0/identifiers/';

/** Whose DIDs somebody asks for is not for caches to keep; the answer itself is public. */
function sendAnswer(reply: FastifyReply, { status, contentType, body }: ResolutionAnswer): FastifyReply {
  reply.header('cache-control', 'no-store').header('access-control-allow-origin', '*');
  return reply
    .code(status)
    .type(contentType)
    .send(Buffer.from(JSON.stringify(body)));
}

async function resolve(
  { identity, mayResolve }: ResolutionRoutesDependencies,
  request: { url: string; headers: { accept?: string | undefined } },
): Promise<ResolutionAnswer> {
  const contentType = negotiate(request.headers.accept);
  const [path = '', query] = request.url.split('?', 2);
  const did = didOfPath(path.slice(resolutionPrefix.length));
  if (query !== undefined && query !== '') {
    return resolutionError('FEATURE_NOT_SUPPORTED', 'No resolution option but accept is supported here.');
  }
  if (contentType === undefined) {
    return resolutionError(
      'REPRESENTATION_NOT_SUPPORTED',
      `Accept one of ${[resolutionResultType, ...documentTypes].join(', ')}.`,
    );
  }
  if (parseDidWeb(did) !== undefined && did !== identity.did && !mayResolve(did)) {
    return resolutionError('NOT_FOUND', 'Only DIDs of organisations that the trust registry lists are resolved here.');
  }
  return answerResolution(await identity.agent.resolveDid({ didUrl: did }), contentType);
}
