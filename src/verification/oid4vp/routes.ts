/** The addresses of OpenID4VP: for the verifier's own systems, for wallets, and the page of a request (protocols.md 6). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { isLoopbackHost } from '../../config.js';
import { type Fault, ServiceError } from '../../errors.js';
import { readCookie, writeCookie } from '../../http/cookies.js';
import { errorPageSchema, prefersPage, sendPage } from '../../http/page.js';
import { problemResponses } from '../../http/problems.js';
import { qrSvg } from '../../http/qr-code.js';
import type { HttpServer } from '../../http/server.js';
import { type DcqlQuery, type QueryFormat, queryFaults } from './dcql.js';
import { requestPage, walletAddressPage } from './pages.js';
import { requestObjectType } from './request-object.js';
import type { PresentationRequests, RequestOrder } from './requests.js';
import { type Template, TemplateSchema, templateQuery } from './templates.js';
import {
  CreateAnswer,
  CreateBody,
  FetchForm,
  PageQuery,
  RequestParams,
  ResponseAnswer,
  ResponseFormBody,
  ResultAnswer,
  ResultQuery,
  StateAnswer,
} from './wire.js';

export interface Oid4vpRoutesDependencies {
  readonly requests: Omit<PresentationRequests, 'start' | 'stop'>;
  readonly templates: readonly Template[];
  /** programme.baseUrl, below which types have their IRIs. */
  readonly baseUrl: string;
  /** Whether an IRI is of a type that we know. */
  readonly isKnownType: (iri: string) => boolean;
  /** Browsers may be led to http addresses on loopback. */
  readonly loopback: boolean;
}

export function oid4vpRoutes(deps: Oid4vpRoutesDependencies): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addCreate(server, deps);
    addReading(server, deps);
    addTemplates(server, deps);
    addWalletRoutes(server, deps);
    addPage(server, deps);
  };
}

const access = { scope: 'vp:request' } as const;
const tags = ['presentations'];

function clientOf(request: FastifyRequest): string {
  if (request.caller === undefined) throw new ServiceError('unauthorized', 'This operation needs a client.');
  return request.caller.clientId;
}

function addCreate(server: HttpServer, deps: Oid4vpRoutesDependencies): void {
  server.post(
    '/vp/requests',
    {
      config: { access },
      schema: {
        tags,
        operationId: 'requestPresentations',
        summary: 'Ask a wallet for presentations (OpenID4VP 1.0)',
        body: CreateBody,
        response: { 201: CreateAnswer, ...problemResponses('invalid_request', 'malformed_json', 'key_unavailable') },
      },
    },
    async (request, reply) => {
      const order = toOrder(request.body, deps);
      const { id, link, expiresAt } = await deps.requests.create(order, clientOf(request));
      const statusUrl = `${server.publicUrl}/vp/requests/${id}`;
      const code =
        order.flow === 'cross' ? { qrSvg: qrSvg(link, 'QR code of this request, for a wallet to scan') } : {};
      reply.code(201).header('cache-control', 'no-store').header('location', statusUrl);
      return { id, uri: link, deepLink: link, ...code, pageUrl: pageUrl(server, id), statusUrl, expiresAt };
    },
  );
}

function pageUrl({ publicUrl }: HttpServer, id: string): string {
  return `${publicUrl}/vp/page/${id}`;
}

type Body = Static<typeof CreateBody>;

/** Everything that is refused is refused here, before anything exists. */
function toOrder(body: Body, deps: Oid4vpRoutesDependencies): RequestOrder {
  const { query, title, purpose } = questionOf(body, deps);
  const faults = [
    ...queryFaults(query, deps.isKnownType).map(({ path, detail }) => ({ path: `/dcql${path}`, detail })),
    ...redirectFaults(body, deps.loopback),
  ];
  if (faults.length > 0) refuse(faults);
  const order = {
    query,
    title,
    purpose: body.purpose ?? purpose,
    flow: body.flow,
    clientIdScheme: body.clientIdScheme ?? 'decentralized_identifier',
    responseMode: body.responseMode ?? 'direct_post',
    requestUriMethod: body.requestUriMethod ?? 'get',
    wallet: body.wallet ?? 'openid4vp://',
    expiresInSeconds: body.expiresInSeconds ?? 600,
    ...(body.x509 === undefined ? {} : { x509: body.x509 }),
    ...(body.redirectUri === undefined ? {} : { redirectUri: body.redirectUri }),
  } as const;
  refuseLongLink(order);
  return order;
}

function refuse(faults: readonly Fault[]): never {
  const [first] = faults;
  throw new ServiceError('invalid_request', `The body is not valid at ${first?.path}: ${first?.detail}.`, { faults });
}

const standardFormats: readonly QueryFormat[] = ['dc+sd-jwt', 'jwt_vc_json'];

function questionOf(
  { template: name, dcql, formats }: Body,
  { templates, baseUrl }: Oid4vpRoutesDependencies,
): { query: DcqlQuery; title: string; purpose: string } {
  if ((name === undefined) === (dcql === undefined)) refuse([{ path: '/template', detail: 'or dcql, exactly one' }]);
  if (dcql !== undefined) {
    if (formats !== undefined) refuse([{ path: '/formats', detail: 'belongs to a template' }]);
    return { query: dcql, title: 'Show your documents', purpose: 'The organisation asks to see documents of yours.' };
  }
  const template = templates.find((known) => known.name === name);
  if (template === undefined) refuse([{ path: '/template', detail: 'is not one of those at /vp/templates' }]);
  const query = templateQuery(template, formats ?? standardFormats, baseUrl);
  return { query, title: template.title, purpose: template.purpose };
}

function redirectFaults({ redirectUri, flow }: Body, loopback: boolean): Fault[] {
  if (redirectUri === undefined) return [];
  const at = (detail: string) => [{ path: '/redirectUri', detail }];
  if (flow === 'cross') return at('belongs to the same-device flow: the wallet is on another device');
  const url = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback && isLoopbackHost(url.hostname));
  if (url === undefined || !secure) return at('must be an https address');
  return url.hash === '' && url.username === '' && url.password === '' ? [] : at('must have no fragment and no user');
}

/** What fits a QR code of medium error correction, with room for the rest of the link. */
const maxQueryInLink = 700;

/** Requests of redirect_uri are unsigned, so that they travel in their link as a whole (section 5.9.3). */
function refuseLongLink({ clientIdScheme, flow, query }: RequestOrder): void {
  if (clientIdScheme !== 'redirect_uri' || flow === 'same') return;
  if (encodeURIComponent(JSON.stringify(query)).length <= maxQueryInLink) return;
  const detail = 'redirect_uri puts the whole question into the code, and this one is too long; use another scheme';
  refuse([{ path: '/clientIdScheme', detail }]);
}

function addReading(server: HttpServer, { requests }: Oid4vpRoutesDependencies): void {
  server.get(
    '/vp/requests/:id',
    {
      config: { access },
      schema: {
        tags,
        operationId: 'readPresentationRequest',
        summary: 'How a request for presentations stands',
        params: RequestParams,
        response: { 200: StateAnswer, ...problemResponses('invalid_request', 'not_found') },
      },
    },
    async (request, reply) => {
      const view = await requests.view(request.params.id, clientOf(request));
      return reply.header('cache-control', 'no-store').send(view as Static<typeof StateAnswer>);
    },
  );
  server.get(
    '/vp/requests/:id/result',
    {
      config: { access },
      schema: {
        tags,
        operationId: 'readPresentationResult',
        summary: 'The reports on what was presented; read once, then deleted',
        params: RequestParams,
        querystring: ResultQuery,
        response: {
          200: ResultAnswer,
          ...problemResponses('invalid_request', 'not_found', 'conflict', 'gone', 'forbidden', 'key_unavailable'),
        },
      },
    },
    async (request, reply) => {
      const caller = { clientId: clientOf(request), responseCode: request.query.response_code };
      const result = await requests.result(request.params.id, caller);
      return reply.header('cache-control', 'no-store').send(result as unknown as Static<typeof ResultAnswer>);
    },
  );
}

function addTemplates(server: HttpServer, { templates }: Oid4vpRoutesDependencies): void {
  server.get(
    '/vp/templates',
    {
      config: { access: 'public' },
      schema: {
        tags,
        operationId: 'listPresentationTemplates',
        summary: 'What may be asked for by name',
        response: {
          200: Type.Object({ templates: Type.Array(TemplateSchema) }, { description: 'The templates by name.' }),
        },
      },
    },
    async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').send({ templates: templates as Template[] }),
  );
}

const walletConfig = { access: 'public', errors: 'oauth', limit: 'wallet' } as const;

const requestObjectAnswer = {
  description: 'The request object (RFC 9101), signed',
  content: { [`application/${requestObjectType}`]: { schema: Type.String() } },
};

const oauthRefusal = {
  description: 'OAuth error',
  content: {
    'application/json': { schema: Type.Object({ error: Type.String(), error_description: Type.String() }) },
  },
};
const refusals = { 400: oauthRefusal, 404: oauthRefusal, 410: oauthRefusal };

function addWalletRoutes(server: HttpServer, { requests }: Oid4vpRoutesDependencies): void {
  server.get(
    '/vp/request/:id',
    {
      config: walletConfig,
      schema: {
        tags,
        operationId: 'fetchRequestObject',
        summary: 'The question, for a wallet (request_uri)',
        params: RequestParams,
        response: { 200: requestObjectAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      // A person who opens the address of a code in a browser is told what it is.
      if (prefersPage(request.headers.accept)) return sendPage(reply, walletAddressPage());
      return sendRequestObject(reply, await requests.requestObject(request.params.id));
    },
  );
  server.post(
    '/vp/request/:id',
    {
      config: { ...walletConfig, bodyTypes: ['form'] },
      schema: {
        tags,
        operationId: 'fetchRequestObjectWithNonce',
        summary: 'The question, for a wallet that sends a nonce (request_uri_method post)',
        consumes: ['application/x-www-form-urlencoded'],
        params: RequestParams,
        body: FetchForm,
        response: { 200: requestObjectAnswer, ...refusals },
      },
      // Every parameter is optional, so that a wallet may send none, and then no body at all.
      preValidation: async (request) => {
        request.body ??= {};
      },
    },
    async (request, reply) =>
      sendRequestObject(reply, await requests.requestObject(request.params.id, request.body.wallet_nonce)),
  );
  addResponse(server, requests);
}

function sendRequestObject(reply: FastifyReply, jwt: string): FastifyReply {
  // As bytes: to a string Fastify adds a charset, which the media type does not have.
  return reply
    .header('cache-control', 'no-store')
    .type(`application/${requestObjectType}`)
    .send(Buffer.from(jwt, 'latin1'));
}

function addResponse(server: HttpServer, requests: Oid4vpRoutesDependencies['requests']): void {
  const counter = server.metrics.counter({
    name: 'wallet_responses_total',
    help: 'Responses of wallets to requests for presentations',
    labels: ['outcome'],
  });
  server.post(
    '/vp/response/:id',
    {
      config: { ...walletConfig, bodyTypes: ['form'] },
      schema: {
        tags,
        operationId: 'postPresentations',
        summary: 'The answer of a wallet (response_uri); one for each request',
        consumes: ['application/x-www-form-urlencoded'],
        params: RequestParams,
        body: ResponseFormBody,
        response: { 200: ResponseAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      try {
        const answer = await requests.answer(request.params.id, request.body);
        counter.inc({ outcome: 'taken' });
        return reply.header('cache-control', 'no-store').send(answer);
      } catch (error) {
        counter.inc({ outcome: 'refused' });
        throw error;
      }
    },
  );
}

/** An hour at most to answer, and an hour to look at what came of it. */
const sessionSeconds = 7200;

function addPage(server: HttpServer, { requests }: Oid4vpRoutesDependencies): void {
  const { publicUrl, basePath: base } = server;
  server.get(
    '/vp/page/:id',
    {
      // A HEAD, perhaps of a preview, must not take the place of the browser.
      exposeHeadRoute: false,
      config: { access: 'public', errors: 'page', limit: 'wallet' },
      schema: {
        tags: ['pages'],
        operationId: 'presentationRequestPage',
        summary: 'The page of a request: code or link, state, and the verdict in words',
        params: RequestParams,
        querystring: PageQuery,
        response: {
          200: { description: 'A page', content: { 'text/html': { schema: Type.String() } } },
          404: errorPageSchema,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const name = `vp-${id}`;
      const session = readCookie(request.headers.cookie, { name, publicUrl });
      const view = await requests.page(id, { session, responseCode: request.query.response_code });
      if (view.session !== undefined) {
        reply.header(
          'set-cookie',
          writeCookie({ name, value: view.session, maxAgeSeconds: sessionSeconds, publicUrl }),
        );
      }
      // The code has done its work; the address that stays in the browser shall not carry it.
      if (view.confirmed) return reply.header('cache-control', 'no-store').redirect(pageUrl(server, id), 303);
      return sendPage(reply, requestPage(view, { page: pageUrl(server, id), base }));
    },
  );
}
