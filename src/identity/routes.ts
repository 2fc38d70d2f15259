/** Publishes the DID document where did:web looks for it. */
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { ServiceError } from '../errors.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, sendDocument } from '../http/signed-document.js';
import type { JsonObject } from '../json.js';
import { dereference, readOptions, unanswerable } from './dereferencing.js';
import { parseDidUrl, parseParameters } from './did-url.js';
import { didWebPath, parseDidWeb } from './did-web.js';
import type { Identity } from './identity.js';
import {
  acceptedTypes,
  addressType,
  answerDereferencing,
  answerFailure,
  answerResolution,
  dereferencingResultType,
  documentTypes,
  type ResolutionAnswer,
  type ResolutionRequest,
  readRequest,
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
    service: Type.Optional(
      Type.Array(Type.Object({ id: Type.String(), type: Type.String(), serviceEndpoint: Type.String() })),
    ),
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

const dereferencingResult = Type.Object(
  {
    dereferencingMetadata: resolutionResult.properties.didResolutionMetadata,
    contentStream: Type.Union([Type.Object({ id: Type.String() }), Type.Null()]),
    contentMetadata: resolutionResult.properties.didDocumentMetadata,
  },
  { description: 'A DID URL dereferencing result (DID Resolution 1.0); in errors without content' },
);

const bareDocument = Type.Object({ id: Type.String() }, { description: 'The DID document or the part of it alone' });
const resolutionErrors = [400, 404, 406, 410, 500, 501] as const;
const results = {
  [resolutionResultType]: { schema: resolutionResult },
  [dereferencingResultType]: { schema: dereferencingResult },
};

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
          summary: 'Resolve a DID or dereference a DID URL (DID Resolution 1.0, HTTP binding)',
          description:
            'Accept application/did-resolution or application/did-url-dereferencing for a whole result; application/did, application/did+ld+json or application/did+json for the document, or the part of it, alone; text/uri-list to be sent on to the address of a service. The DID or DID URL is appended as it is, or percent-encoded as a whole; options, of which there is verificationRelationship, follow as the query of one that is percent-encoded.',
          params: Type.Object({
            '*': Type.String({ description: 'The DID or DID URL', examples: [deps.identity.did] }),
          }),
          response: {
            200: {
              description: 'The result, or the document or part of it alone',
              content: {
                ...results,
                ...Object.fromEntries(documentTypes.map((type) => [type, { schema: bareDocument }])),
              },
            },
            303: Type.Null({ description: 'The address of a service' }),
            ...Object.fromEntries(
              resolutionErrors.map((status) => [
                status,
                { description: 'A result without content, with the error of DID Resolution', content: results },
              ]),
            ),
          },
        },
      },
      async (request, reply) => {
        return sendAnswer(reply as unknown as FastifyReply, await answer(deps, request));
      },
    );
  };
}

const resolutionPrefix = '/1.0/identifiers/';

/** Whose DIDs somebody asks for is not for caches to keep; the answer itself is public. */
function sendAnswer(reply: FastifyReply, sent: ResolutionAnswer): FastifyReply {
  reply.header('cache-control', 'no-store').header('access-control-allow-origin', '*').code(sent.status);
  if ('location' in sent) return reply.header('location', sent.location).send();
  return reply.type(sent.contentType).send(Buffer.from(JSON.stringify(sent.body)));
}

async function answer(
  deps: ResolutionRoutesDependencies,
  { url, headers }: { url: string; headers: { accept?: string | undefined } },
): Promise<ResolutionAnswer> {
  const request = readRequest(url.slice(resolutionPrefix.length), headers.accept);
  return request.result === resolutionResultType ? resolve(deps, request) : dereferenceUrl(deps, request);
}

async function resolve(
  deps: ResolutionRoutesDependencies,
  { identifier: did, options, accept }: ResolutionRequest,
): Promise<ResolutionAnswer> {
  if (options !== '') {
    return resolutionError('FEATURE_NOT_SUPPORTED', 'No resolution option but accept is supported here.');
  }
  if (accept === undefined) return notAcceptable(resolutionResultType);
  if (!isOurs(deps, did)) return resolutionError('NOT_FOUND', notOurs);
  return answerResolution(await deps.identity.agent.resolveDid({ didUrl: did }), accept);
}

/** DID Resolution 5.4, in its order but that nothing is fetched for what no document can answer. */
async function dereferenceUrl(
  deps: ResolutionRoutesDependencies,
  { identifier, options: query, accept }: ResolutionRequest,
): Promise<ResolutionAnswer> {
  const url = parseDidUrl(identifier);
  if (!url) {
    const detail = 'A DID URL is appended as it is or percent-encoded as a whole, and says no parameter twice.';
    return resolutionError('INVALID_DID_URL', detail, dereferencingResultType);
  }
  const options = readOptions(parseParameters(query));
  if ('error' in options) return resolutionError(options.error, options.detail, dereferencingResultType);
  if (accept === undefined) return notAcceptable(dereferencingResultType);
  const refused = unanswerable(url);
  if (refused) return resolutionError(refused.error, refused.detail, dereferencingResultType);
  if (!isOurs(deps, url.did)) return resolutionError('NOT_FOUND', notOurs, dereferencingResultType);
  const result = await deps.identity.agent.resolveDid({ didUrl: url.did });
  const failure = answerFailure(result, dereferencingResultType);
  if (failure) return failure;
  const wanted = accept === addressType ? accept : 'document';
  const found = dereference(result.didDocument as unknown as JsonObject, url, wanted, options);
  return answerDereferencing(found, result, accept);
}

const notOurs = 'Only DIDs of organisations that the trust registry lists are resolved here.';

function isOurs({ identity, mayResolve }: ResolutionRoutesDependencies, did: string): boolean {
  return parseDidWeb(did) === undefined || did === identity.did || mayResolve(did);
}

function notAcceptable(result: ResolutionRequest['result']): ResolutionAnswer {
  return resolutionError('REPRESENTATION_NOT_SUPPORTED', `Accept one of ${acceptedTypes.join(', ')}.`, result);
}
