/**
 * The API description (OpenAPI 3.1), made from the schemas that validate, at /openapi.json, and a viewer at /docs.
 * What the server itself answers on every route is added here, so that route files name only what is theirs.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifySchema, RouteOptions } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type { ErrorCode } from '../errors.js';
import type { HttpServer } from './http-server.js';
import { errorPageSchema } from './page.js';
import { addProblem, problemKinds } from './problems.js';
import { notModified, type SignedDocument, sendDocument, signedDocument } from './signed-document.js';

const docsPath = '/docs';

/** The viewer's own scripts and styles; nothing from elsewhere. Its icons are data URLs inside the stylesheet. */
const docsSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Route = RouteOptions & { path?: string };

/** The viewer's plugin knows nothing of our declarations, so its routes get them here; only its page is described. */
export function describeDocsRoute(route: Route): void {
  if (route.url !== docsPath && !route.url.startsWith(`${docsPath}/`)) return;
  route.config = { ...route.config, access: 'public', limit: 'none' };
  route.schema = route.url === docsPath ? docsPageSchema : { hide: true };
}

const docsPageSchema: FastifySchema = {
  tags: ['operation'],
  operationId: 'apiDescriptionPage',
  summary: 'The API description as a page',
  response: { 200: { description: 'A page', content: { 'text/html': { schema: Type.String() } } } },
};

/** Registers the generator, the document and the viewer. Must come before the routes that it describes. */
export async function addApiDescription(server: HttpServer, info: { title: string; version: string }): Promise<void> {
  server.addHook('onRoute', createDescriptionCheck());
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: info.title,
        version: info.version,
        description: 'Issues, verifies, revokes and publishes staff credentials (W3C Verifiable Credentials).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string },
      },
      servers: [{ url: server.publicUrl }],
      components: { securitySchemes: { oauth2: securityScheme(server.publicUrl) } },
    },
    stripBasePath: false,
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`) },
    transform: ({ schema, url, route }) => ({
      schema: describe(schema ?? {}, route as Route),
      // One route object stands for both spellings of the viewer's address.
      url: url === `${docsPath}/` ? docsPath : url,
    }),
    transformObject: (document) => withTags(withScopes((document as { openapiObject: ApiDocument }).openapiObject)),
  } as Parameters<typeof swagger>[1]);
  await server.register(swaggerUi, {
    routePrefix: docsPath,
    ...(server.basePath === '' ? {} : { indexPrefix: server.basePath }),
    staticCSP: docsSecurityPolicy,
    // The other layout has a bar with a logo, and the logo a style that our policy refuses.
    uiConfig: { docExpansion: 'list', deepLinking: true, layout: 'BaseLayout' },
    theme: { title: info.title },
  });
  addDocumentRoute(server);
}

/** In the order in which a newcomer wants to read; a tag without a row follows at the end. */
const tagDescriptions: Readonly<Record<string, string>> = {
  issuing: 'Issue credentials, read their records, change their status',
  verifying: 'Verify credentials and presentations, with reasons',
  registry: 'Who may issue which credentials',
  status: 'Status lists: what is revoked or suspended',
  catalogue: 'The types of credential, their schemas and contexts',
  identity: 'The DID document of this organisation',
  access: 'Access tokens for clients',
  pages: 'Pages for people',
  operation: 'For those who run the service',
};

/** Names the tags that are used, so that the viewer shows them in this order. */
function withTags(document: ApiDocument): ApiDocument {
  const operations = Object.values(document.paths ?? {}).flatMap((path) => Object.values(path));
  const used = new Set(operations.flatMap(({ tags = [] }) => tags));
  const known = Object.keys(tagDescriptions).filter((name) => used.has(name));
  const others = [...used].filter((name) => !(name in tagDescriptions)).sort();
  document.tags = [...known, ...others].map((name) => ({ name, description: tagDescriptions[name] ?? name }));
  return document;
}

interface ApiDocument {
  tags?: { name: string; description: string }[];
  paths?: Record<string, Record<string, { tags?: string[]; security?: Record<string, string[]>[] }>>;
  components?: { securitySchemes?: { oauth2?: ReturnType<typeof securityScheme> } };
}

/** OpenAPI wants every scope that an operation needs named in the scheme; both come from config.access. */
function withScopes(document: ApiDocument): ApiDocument {
  const scheme = document.components?.securitySchemes?.oauth2;
  if (!scheme) return document;
  const operations = Object.values(document.paths ?? {}).flatMap((path) => Object.values(path));
  const scopes = operations.flatMap(({ security = [] }) => security.flatMap((needed) => needed['oauth2'] ?? []));
  const names = [...new Set(scopes)].sort();
  scheme.flows.clientCredentials.scopes = Object.fromEntries(names.map((name) => [name, `Permits ${name}`]));
  return document;
}

function securityScheme(publicUrl: string) {
  return {
    type: 'oauth2' as const,
    description: 'Client credentials with private_key_jwt (RFC 7523).',
    flows: { clientCredentials: { tokenUrl: `${publicUrl}/oauth/token`, scopes: {} as Record<string, string> } },
  };
}

/** Refuses a route that the description could not show properly: no tag, no summary, an operationId used twice. */
function createDescriptionCheck(): (route: Route) => void {
  const known = new Set<string>();
  return (route) => {
    if (route.schema?.hide || [route.method].flat().every((method) => method === 'HEAD')) return;
    const { tags = [], operationId, summary } = route.schema ?? {};
    const name = `${String(route.method)} ${route.url}`;
    if (tags.length === 0 || !operationId || !summary) {
      throw new Error(`The route ${name} needs schema.tags, schema.operationId and schema.summary.`);
    }
    if (known.has(operationId)) throw new Error(`The operationId ${operationId} of ${name} is used twice.`);
    known.add(operationId);
    requireClosedObject(route.schema?.body, `${name}: body`);
    requireClosedObject(route.schema?.querystring, `${name}: querystring`);
  };
}

/** Says on purpose whether unknown members are refused: the default of JSON Schema is to let them through. */
function requireClosedObject(schema: unknown, where: string): void {
  const object = schema as
    | { type?: unknown; additionalProperties?: unknown; unevaluatedProperties?: unknown }
    | undefined;
  if (object?.type !== 'object') return;
  if (object.additionalProperties !== undefined || object.unevaluatedProperties !== undefined) return;
  throw new Error(`${where} must state additionalProperties.`);
}

function addDocumentRoute(server: HttpServer): void {
  let document: SignedDocument | undefined;
  server.get(
    '/openapi.json',
    {
      config: { access: 'public' },
      schema: {
        tags: ['operation'],
        operationId: 'apiDescription',
        summary: 'This description, as OpenAPI 3.1',
        response: {
          200: {
            description: 'OpenAPI document',
            content: { 'application/json': { schema: Type.Object({}, { additionalProperties: true }) } },
          },
          304: notModified,
        },
      },
    },
    async (request, reply) => {
      document ??= signedDocument(JSON.stringify(server.swagger()), {
        contentType: 'application/json',
        maxAgeSeconds: 300,
      });
      return sendDocument(request, reply, document);
    },
  );
}

function describe(schema: FastifySchema, route: Route): FastifySchema {
  if (schema.hide) return schema;
  const described: FastifySchema = { ...schema, response: withSharedResponses(schema, route) };
  const access = route.config?.access;
  if (typeof access === 'object') {
    const needed = { oauth2: [access.scope] };
    described.security = access.open ? [needed, {}] : [needed];
  }
  const types = route.config?.bodyTypes;
  if (schema.body && types) described.consumes = types.map((type) => bodyMediaTypes[type]);
  return described;
}

const bodyMediaTypes = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;

/** Codes that the server answers by itself, by what a route has. */
function sharedCodes(schema: FastifySchema, route: Route): ErrorCode[] {
  const { access, limit } = route.config ?? {};
  const reads = route.method === 'GET';
  const codes: ErrorCode[] = ['internal', 'overloaded'];
  if (schema.body) codes.push('invalid_request', 'malformed_json', 'payload_too_large', 'unsupported_media_type');
  if (schema.params || schema.querystring) codes.push('invalid_request');
  if (typeof access === 'object') codes.push('unauthorized', 'forbidden');
  if (limit !== 'none' && !(reads && access === 'public')) codes.push('rate_limited');
  return codes;
}

function withSharedResponses(schema: FastifySchema, route: Route): Record<string, unknown> {
  const own = structuredClone((schema.response ?? {}) as Record<string, never>);
  const style = route.config?.errors ?? 'problem';
  if (style === 'oauth') return { ...oauthResponses, ...own };
  if (style === 'negotiatedOauth') return { ...negotiatedResponses, ...own };
  const codes = sharedCodes(schema, route);
  if (style === 'page') return { ...errorPages(codes), ...own };
  for (const code of codes) addProblem(own, code);
  return own;
}

function errorPages(codes: readonly ErrorCode[]): Record<string, unknown> {
  return Object.fromEntries(codes.map((code) => [problemKinds[code].status, errorPageSchema]));
}

const oauthError: TSchema = Type.Object({ error: Type.String(), error_description: Type.Optional(Type.String()) });

function oauthResponse(description: string, error: string) {
  const example = { error, error_description: description };
  return { description, content: { 'application/json': { schema: oauthError, example } } };
}

const oauthResponses: Readonly<Record<number, ReturnType<typeof oauthResponse>>> = {
  400: oauthResponse('The request is not valid', 'invalid_request'),
  401: oauthResponse('The client could not be authenticated', 'invalid_client'),
  413: oauthResponse('The body is too large', 'invalid_request'),
  415: oauthResponse('The body is no form', 'invalid_request'),
  429: oauthResponse('Too many requests', 'temporarily_unavailable'),
  500: oauthResponse('An unexpected fault', 'server_error'),
  503: oauthResponse('Too busy or stopping', 'temporarily_unavailable'),
};

/** The same as JSON, or as a page to whom Accept prefers one. */
const negotiatedResponses: Record<number, unknown> = Object.fromEntries(
  Object.entries(oauthResponses).map(([status, { description, content }]) => [
    status,
    { description, content: { ...content, ...errorPageSchema.content } },
  ]),
);
