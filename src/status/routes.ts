import { Type } from 'typebox';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, type SignedDocument, sendDocument } from '../http/signed-document.js';
import type { StatusLists } from './status.js';

const list = Type.Unsafe<Buffer>({ type: 'object', description: 'A BitstringStatusListCredential' });

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
          summary: 'A status list: {id} as Data Integrity JSON, {id}.jwt as vc+jwt',
          params: Type.Object({
            name: Type.String({
              maxLength: 64,
              description: 'Last part of the statusListCredential of a credential',
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
              },
            },
            304: notModified,
            ...problemResponses('not_found'),
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

/** What a credential with a proof may be called too: it is JSON-LD, and that is JSON (VCDM 2.0 6.2, C.1). */
const otherNames = ['application/ld+json', 'application/json'] as const;

/** Clients of before VCDM 2.0 read only what is called JSON, and say so: they get the same bytes under that name. */
function named(document: SignedDocument | undefined, accept: string | undefined): SignedDocument | undefined {
  if (document === undefined || document.contentType !== 'application/vc' || accept === undefined) return document;
  const types = accept.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  if (['application/vc', 'application/*', '*/*'].some((type) => types.includes(type))) return document;
  const contentType = otherNames.find((type) => types.includes(type));
  return contentType === undefined ? document : { ...document, contentType };
}
