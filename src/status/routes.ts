import { Type } from 'typebox';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, sendDocument } from '../http/signed-document.js';
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
                'application/vc+jwt': { schema: Type.String({ description: 'Compact JWS' }) },
              },
            },
            304: notModified,
            ...problemResponses('not_found'),
          },
        },
      },
      async (request, reply) => sendDocument(request, reply, deps.lists.document(request.params.name)),
    );
  };
}
