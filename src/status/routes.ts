import { Type } from 'typebox';
import { ServiceError } from '../errors.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, type SignedDocument, sendDocument } from '../http/signed-document.js';
import type { StatusLists } from './status.js';

const list = Type.Unsafe<Buffer>({ type: 'object', description: 'A BitstringStatusListCredential' });
const tokenList = 'application/statuslist+jwt';

/** The published lists. One address for both securings; nothing is signed, zipped or read from the store here. */
export function statusRoutes(deps: { lists: Pick<StatusLists, 'document'> }): (server: HttpServer) => Promise<void> {
  return async (server) => {
    server.get(
      '/status-lists/:name',
      {
        config: { access: 'public' },
        schema: {
          tags: ['status'],
          operationId: 'getStatusList',
          summary: 'A status list: {id} as Data Integrity JSON or Status List Token, {id}.jwt as vc+jwt',
          params: Type.Object({
            name: Type.String({
              maxLength: 64,
              description: 'Last part of the statusListCredential of a credential, or of the uri in status.status_list',
              examples: ['Xc3nUu7nPzB2hYwA', 'Xc3nUu7nPzB2hYwA.jwt'],
            }),
          }),
          response: {
            200: {
              description: 'The signed list, with a strong ETag; Cache-Control says the same as its ttl',
              content: {
                'application/vc': { schema: list },
                'application/ld+json': { schema: list },
                'application/json': { schema: list },
                'application/vc+jwt': { schema: Type.String({ description: 'Compact JWS' }) },
                [tokenList]: { schema: Type.String({ description: 'Compact JWS (Token Status List)' }) },
              },
            },
            304: notModified,
            ...problemResponses('not_found', 'not_acceptable'),
          },
        },
      },
      async (request, reply) => {
        reply.header('vary', 'accept');
        return sendDocument(request, reply, named(deps.lists.document(request.params.name), request.headers.accept));
      },
    );
  };
}

/** Token Status List, "Status List Request": who can read CWTs only must not take a JWT for one. */
function acceptable(document: SignedDocument, accept: string | undefined): SignedDocument {
  const types = (accept ?? '*/*').split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  if ([tokenList, 'application/*', '*/*'].some((type) => types.includes(type))) return document;
  throw new ServiceError('not_acceptable', `This status list is published as ${tokenList}.`);
}

/** What a credential with a proof may be called too: it is JSON-LD, and that is JSON (VCDM 2.0 6.2, C.1). */
const otherNames = ['application/ld+json', 'application/json'] as const;

/** Clients of before VCDM 2.0 read only what is called JSON, and say so: they get the same bytes under that name. */
function named(document: SignedDocument | undefined, accept: string | undefined): SignedDocument | undefined {
  if (document?.contentType === tokenList) return acceptable(document, accept);
  if (document === undefined || document.contentType !== 'application/vc' || accept === undefined) return document;
  const types = accept.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  if (['application/vc', 'application/*', '*/*'].some((type) => types.includes(type))) return document;
  const contentType = otherNames.find((type) => types.includes(type));
  return contentType === undefined ? document : { ...document, contentType };
}
