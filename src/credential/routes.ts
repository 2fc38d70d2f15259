/** What the catalogue publishes: schemas, contexts, core skills, vocabulary and their pages. Fixed bytes, open to all. */
import { Type } from 'typebox';
import { ServiceError } from '../errors.js';
import { prefersPage, sendPage } from '../http/page.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, type SignedDocument, sendDocument, signedDocument } from '../http/signed-document.js';
import type { Catalogue } from './catalogue/catalogue.js';
import { cataloguePage, typePage, vocabularyPage } from './catalogue/pages.js';
import { type TypeView, viewCatalogue } from './catalogue/presentation.js';

const yearSeconds = 365 * 24 * 3600;
/** An upgrade may add a type or mend a description: the lists are looked at again within the hour. */
const listSeconds = 3600;

const anyObject = Type.Object({}, { additionalProperties: true });
const pageContent = {
  'text/html': { schema: Type.String({ description: 'The same as a page, when Accept names text/html' }) },
};

function typeParameter(example: string) {
  return Type.Object({ type: Type.String({ maxLength: 64, examples: [example] }) });
}

/** The routes of the catalogue; `baseUrl` is programme.baseUrl. */
export function catalogueRoutes(deps: {
  catalogue: Catalogue;
  baseUrl: string;
}): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addDocumentRoutes(server, publishedDocuments(deps.catalogue));
    addCatalogueRoutes(server, deps);
    addVocabularyRoute(server, deps.catalogue);
  };
}

function publishedDocuments(catalogue: Catalogue): Map<string, SignedDocument> {
  return new Map(
    [...catalogue.documents].map(([path, { body, contentType }]) => [
      path,
      signedDocument(body, { contentType, maxAgeSeconds: yearSeconds, immutable: true }),
    ]),
  );
}

function jsonDocument(value: object): SignedDocument {
  return signedDocument(`${JSON.stringify(value, null, 2)}\n`, {
    contentType: 'application/json',
    maxAgeSeconds: listSeconds,
  });
}

function addDocumentRoutes(server: HttpServer, documents: ReadonlyMap<string, SignedDocument>): void {
  server.get(
    '/schemas/:type/v1.json',
    {
      config: { access: 'public' },
      schema: {
        tags: ['catalogue'],
        operationId: 'getSchema',
        summary: 'The JSON Schema of a credential type, or the list of core skills (core-skills)',
        params: typeParameter('DbsCheckCredential'),
        response: {
          200: {
            description: 'Immutable, with a strong ETag',
            content: { 'application/schema+json': { schema: anyObject }, 'application/json': { schema: anyObject } },
          },
          304: notModified,
          ...problemResponses('not_found'),
        },
      },
    },
    async (request, reply) => sendDocument(request, reply, documents.get(`/schemas/${request.params.type}/v1.json`)),
  );
  server.get(
    '/contexts/:type/v1.json',
    {
      config: { access: 'public' },
      schema: {
        tags: ['catalogue'],
        operationId: 'getContext',
        summary: 'The JSON-LD context of a credential type',
        params: typeParameter('DbsCheckCredential'),
        response: {
          200: {
            description: 'Immutable, with a strong ETag',
            content: { 'application/ld+json': { schema: anyObject } },
          },
          304: notModified,
          ...problemResponses('not_found'),
        },
      },
    },
    async (request, reply) => sendDocument(request, reply, documents.get(`/contexts/${request.params.type}/v1.json`)),
  );
  addTypeMetadataRoute(server, documents);
}

function addTypeMetadataRoute(server: HttpServer, documents: ReadonlyMap<string, SignedDocument>): void {
  server.get(
    '/vct/:type/v1',
    {
      config: { access: 'public' },
      schema: {
        tags: ['catalogue'],
        operationId: 'getTypeMetadata',
        summary: 'SD-JWT VC type metadata of a credential type; its address is the vct of credentials',
        params: typeParameter('DbsCheckCredential'),
        response: {
          200: {
            description: 'Immutable, with a strong ETag; credentials pin it by vct#integrity',
            content: { 'application/json': { schema: anyObject } },
          },
          304: notModified,
          ...problemResponses('not_found'),
        },
      },
    },
    async (request, reply) => sendDocument(request, reply, documents.get(`/vct/${request.params.type}/v1`)),
  );
}

function addCatalogueRoutes(
  server: HttpServer,
  { catalogue, baseUrl }: { catalogue: Catalogue; baseUrl: string },
): void {
  const view = viewCatalogue(catalogue, baseUrl);
  const list = jsonDocument(view);
  const types = new Map(view.types.map((type) => [type.type, { view: type, document: jsonDocument(type) }]));
  server.get(
    '/catalogue',
    {
      config: {
        access: 'public',
        errors: 'negotiated',
        home: {
          title: 'Credential catalogue',
          about: 'Read what each type of credential says, and how it is checked.',
        },
      },
      schema: {
        tags: ['catalogue'],
        operationId: 'getCatalogue',
        summary: 'All credential types, with schema, claims, rules and example',
        response: {
          200: {
            description: 'The catalogue',
            content: { 'application/json': { schema: CatalogueSchema }, ...pageContent },
          },
          304: notModified,
        },
      },
    },
    async (request, reply) => {
      reply.header('vary', 'accept');
      if (!prefersPage(request.headers.accept)) return sendDocument(request, reply, list);
      return sendPage(reply, { title: 'Credential catalogue', body: cataloguePage(view, server.basePath) });
    },
  );
  addTypeRoute(server, types);
}

function addTypeRoute(
  server: HttpServer,
  types: ReadonlyMap<string, { view: TypeView; document: SignedDocument }>,
): void {
  server.get(
    '/catalogue/:type',
    {
      config: { access: 'public', errors: 'negotiated' },
      schema: {
        tags: ['catalogue'],
        operationId: 'getCredentialType',
        summary: 'One credential type, with schema, claims, rules and example',
        params: typeParameter('CoreSkillCredential'),
        response: {
          200: { description: 'The type', content: { 'application/json': { schema: TypeSchema }, ...pageContent } },
          304: notModified,
          ...problemResponses('not_found'),
        },
      },
    },
    async (request, reply) => {
      const type = types.get(request.params.type);
      if (type === undefined) throw new ServiceError('not_found', 'There is no such credential type.');
      reply.header('vary', 'accept');
      if (!prefersPage(request.headers.accept)) return sendDocument(request, reply, type.document);
      return sendPage(reply, { title: type.view.title, body: typePage(type.view) });
    },
  );
}

function addVocabularyRoute(server: HttpServer, catalogue: Catalogue): void {
  const body = catalogue.documents.get('/vocabulary')?.body ?? '';
  const document = signedDocument(body, { contentType: 'application/ld+json', maxAgeSeconds: listSeconds });
  server.get(
    '/vocabulary',
    {
      config: { access: 'public', errors: 'negotiated' },
      schema: {
        tags: ['catalogue'],
        operationId: 'getVocabulary',
        summary: 'The meaning of every term of the contexts',
        response: {
          200: {
            description: 'The vocabulary',
            content: { 'application/ld+json': { schema: anyObject }, ...pageContent },
          },
          304: notModified,
        },
      },
    },
    async (request, reply) => {
      reply.header('vary', 'accept');
      if (!prefersPage(request.headers.accept)) return sendDocument(request, reply, document);
      return sendPage(reply, { title: 'Vocabulary', body: vocabularyPage(catalogue.vocabulary) });
    },
  );
}

const text = Type.String();
const TypeSchema = Type.Object({
  type: text,
  title: text,
  description: text,
  version: Type.Integer(),
  status: text,
  issuerKinds: Type.Array(text),
  relianceMode: text,
  schema: Type.Object({ id: text, digestSRI: text }),
  contexts: Type.Object({ '2.0': Type.Array(text), '1.1': Type.Array(text) }),
  claims: Type.Array(
    Type.Object({
      name: text,
      title: text,
      description: text,
      form: text,
      required: Type.Boolean(),
      selectivelyDisclosable: Type.Boolean(),
    }),
  ),
  rules: Type.Array(text),
  example: anyObject,
});
const CatalogueSchema = Type.Object({ types: Type.Array(TypeSchema), coreSkills: text, vocabulary: text });
