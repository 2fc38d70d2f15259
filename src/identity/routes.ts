/** Publishes the DID document where did:web looks for it. */
import { Type } from 'typebox';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { sendDocument } from '../http/signed-document.js';
import { didWebPath, parseDidWeb } from './did-web.js';
import type { Identity } from './identity.js';

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

/** GET of the DID document: bytes from memory, no database. */
export function identityRoutes({ identity }: { identity: Pick<Identity, 'did' | 'published'> }) {
  return async (server: HttpServer): Promise<void> => {
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
