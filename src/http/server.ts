/**
 * The HTTP server: one Fastify instance with everything that every route shares. A slice adds its routes so:
 *
 *   // issuance/routes.ts
 *   export function issuanceRoutes(deps: { issue: Issue }): (server: HttpServer) => Promise<void> {
 *     return async (server) => {
 *       server.post('/credentials/issue', {
 *         config: { access: { scope: 'vc:issue' } },            // refused at start when missing
 *         schema: {
 *           tags: ['issuing'], operationId: 'issueCredential', summary: 'Issue a credential',
 *           body: Type.Object({ … }, { additionalProperties: false, examples: [ … ] }),
 *           response: { 201: IssuedCredential, ...problemResponses('unknown_credential_type', 'schema_violation') },
 *         },
 *       }, async (request, reply) => reply.code(201).send(await deps.issue(request.body, request.caller)));
 *     };
 *   }
 *   // app.ts: await server.register(issuanceRoutes({ issue }));
 *
 * Errors are thrown as ServiceError and never sent. What all routes may answer (401, 403, 413, 415, 429, 500, 503) is
 * added to the API description here. Handlers never read Host or X-Forwarded-*: public URLs come from configuration.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import ipaddr from 'ipaddr.js';
import { type ErrorCode, ServiceError } from '../errors.js';
import { type Authorise, addAccessControl, requireDeclaredAccess } from './access.js';
import { addBodyParsers } from './body.js';
import type { HttpServer } from './http-server.js';
import { addLimits, addPressureRelief, defaultLimits, defaultPressure, type Limits, type Pressure } from './limits.js';
import { type LogLevel, type LogStream, loggerOptions } from './logger.js';
import type { Metrics } from './metrics.js';
import { addApiDescription, describeDocsRoute } from './openapi.js';
import { pageRoutes } from './page-routes.js';
import { presentError } from './presenters.js';
import { problemKinds, problemSchema, toProblem, toServiceError } from './problems.js';
import { createRouteTable } from './route-table.js';
import { discardRest } from './unread-body.js';
import { schemaCompilers } from './validation.js';

export type { Authorise, Caller, RouteAccess } from './access.js';
export type { HttpServer } from './http-server.js';

/** What app.ts decides about the server. */
export interface ServerOptions {
  readonly publicUrl: string;
  readonly serviceName: string;
  readonly version: string;
  readonly authorise: Authorise;
  readonly metrics: Metrics;
  readonly logger?: { readonly level: LogLevel; readonly stream?: LogStream };
  /** TLS by ourselves, as PEM. */
  readonly tls?: { readonly certificate: string | Buffer; readonly key: string | Buffer };
  /** A declared TLS proxy stands before us: the client's address is the one it reports. */
  readonly behindProxy?: boolean;
  readonly limits?: Partial<Limits>;
  readonly pressure?: Partial<Pressure>;
  readonly timeouts?: Partial<Timeouts>;
  /** An answer that breaks its schema becomes a fault: for tests. */
  readonly checkResponses?: boolean;
  readonly now: () => Date;
  /** Identifies a request in logs and problem documents; a UUID that nobody can guess. */
  readonly newId: () => string;
}

/** Milliseconds. */
export interface Timeouts {
  readonly request: number;
  readonly handler: number;
  readonly keepAlive: number;
}

/** Body of a request unless a route says otherwise (decisions.md 7). */
const bodyLimitBytes = 256 * 1024;
// A did:web with a path, percent-encoded, is a legal path parameter and longer than Fastify's 100 characters.
const maxParamLength = 2048;
/** 256 kB at 20 kB a second; a handler has its own deadline of 5 s; kept open for a page and its next. */
const defaultTimeouts: Timeouts = { request: 15_000, handler: 20_000, keepAlive: 10_000 };

/** What a request is refused for before its body was read to its end. */
const refusedUnread: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['payload_too_large', 'unauthorized']);

/** Creates the server; routes are registered on it, then it listens. */
export async function createServer(options: ServerOptions): Promise<HttpServer> {
  const server = fastify(fastifyOptions(options)).withTypeProvider<TypeBoxTypeProvider>();
  // Node takes the shorter of the two for the headers and the longer for the whole: they must be equal.
  server.server.headersTimeout = server.server.requestTimeout;
  decorate(server, options);
  // Before any route: a route keeps the error handler that it finds when it is added.
  server.setErrorHandler(async (error, request, reply) => {
    if (refusedUnread.has(toServiceError(error).code)) await discardRest(request.raw);
    return presentError(error, request, reply);
  });
  server.setNotFoundHandler(answerUnknownAddress);
  server.addSchema(problemSchema);
  server.addHook('onRequest', refuseWhileClosing);
  server.addHook('preClose', async () => {
    server.lifecycle.closing = true;
  });
  server.addHook('onSend', async (_request, reply) => {
    const { draining, closing } = server.lifecycle;
    // A connection that is kept would be cut at the stop, perhaps just when the next request is on its way.
    if (draining || closing) reply.header('connection', 'close');
  });
  addObservation(server);
  await addSecurityHeaders(server);
  const pressure = { ...defaultPressure, ...options.pressure };
  await addPressureRelief(server as unknown as FastifyInstance, pressure);
  await addRoutesPolicy(server, options);
  await addBodyParsers(server);
  await server.register(pageRoutes);
  return server;
}

function fastifyOptions(options: ServerOptions): FastifyServerOptions {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const { certificate, key } = options.tls ?? {};
  // Node looks for late requests every 30 s by default, which would double the time that a slow sender may take.
  const nodeOptions = { connectionsCheckingInterval: Math.min(1000, timeouts.request) };
  return {
    ...(options.tls
      ? { https: { ...nodeOptions, cert: certificate, key, minVersion: 'TLSv1.2' } }
      : { http: nodeOptions }),
    logger: loggerOptions({ level: 'silent', ...options.logger, now: options.now }),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => options.newId(),
    requestIdHeader: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: timeouts.request,
    handlerTimeout: timeouts.handler,
    keepAliveTimeout: timeouts.keepAlive,
    routerOptions: { maxParamLength },
    // Fastify's own 503 is no problem document; refuseWhileClosing answers in its place.
    return503OnClosing: false,
    trustProxy: options.behindProxy === true ? isNearbyProxy : false,
    schemaController: schemaCompilers(options.checkResponses === true),
    frameworkErrors: (error, request, reply) => presentError(error, request, reply as unknown as FastifyReply),
    clientErrorHandler: answerBrokenRequest,
    rewriteUrl: stripBasePath(basePathOf(options.publicUrl)),
  } as FastifyServerOptions;
}

/** Only the hop next to us is believed, and only from an address that cannot be the open internet's. */
function isNearbyProxy(address: string, hop: number): boolean {
  if (hop > 0 || !ipaddr.isValid(address)) return false;
  return ['loopback', 'private', 'uniqueLocal', 'linkLocal'].includes(ipaddr.process(address).range());
}

function basePathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, '');
}

/** A service published below a path answers there whether or not the proxy takes the path away. */
function stripBasePath(basePath: string): (request: IncomingMessage) => string {
  return ({ url = '/' }) => {
    if (basePath === '' || !url.startsWith(basePath)) return url;
    const rest = url.slice(basePath.length);
    return rest === '' || rest.startsWith('?') ? `/${rest}` : rest.startsWith('/') ? rest : url;
  };
}

function decorate(server: HttpServer, options: ServerOptions): void {
  server.decorate('publicUrl', options.publicUrl);
  server.decorate('basePath', basePathOf(options.publicUrl));
  server.decorate('serviceName', options.serviceName);
  server.decorate('metrics', options.metrics);
  server.decorate('routeTable', createRouteTable());
  server.decorate('lifecycle', { draining: false, closing: false });
  server.decorateRequest('problemCode', '');
}

async function refuseWhileClosing(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('x-request-id', request.id);
  if (!request.server.lifecycle.closing) return;
  reply.header('connection', 'close');
  throw new ServiceError('overloaded', 'The service is stopping.');
}

/** One line and one measurement for each request, by route pattern: an address may hold a record's id. */
function addObservation(server: HttpServer): void {
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const { method } = request;
    const status = reply.statusCode;
    server.metrics.observeRequest({ method, route, status, seconds: reply.elapsedTime / 1000 });
    const milliseconds = Math.round(reply.elapsedTime * 10) / 10;
    const code = request.problemCode === '' ? {} : { code: request.problemCode };
    request.log.info({ method, route, status, milliseconds, ...code }, 'request');
  });
}

/** Fixed headers for all answers; pages and the API description widen the policy for themselves. */
async function addSecurityHeaders(server: HttpServer): Promise<void> {
  const secure = server.publicUrl.startsWith('https:');
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"] },
    },
    // Another service below the same domain is not ours to bind to https.
    hsts: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    crossOriginEmbedderPolicy: false,
    originAgentCluster: false,
    dnsPrefetchControl: false,
    ieNoOpen: false,
    permittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
}

async function addRoutesPolicy(server: HttpServer, options: ServerOptions): Promise<void> {
  server.addHook('onRoute', (route) => {
    describeDocsRoute(route);
    requireDeclaredAccess(route);
    server.routeTable.add(route);
  });
  const denied = await addLimits(server as unknown as FastifyInstance, { ...defaultLimits, ...options.limits });
  addAccessControl(server as unknown as FastifyInstance, options.authorise, denied);
  await addApiDescription(server, { title: options.serviceName, version: options.version });
}

function answerUnknownAddress(request: FastifyRequest, reply: FastifyReply): never {
  const methods = request.server.routeTable.methodsAt(request.url);
  // A route that was found may still have nothing to serve: a file that is missing.
  if (methods.length === 0 || methods.includes(request.method))
    throw new ServiceError('not_found', 'There is nothing at this address.');
  reply.header('allow', methods.join(', '));
  throw new ServiceError('method_not_allowed', `Here you may use ${methods.join(', ')}.`);
}

const brokenRequests: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not arrive in time.' },
};

/** What Node's parser refuses never becomes a Fastify request, so the answer is written by hand. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = brokenRequests[error.code ?? ''] ?? { status: 400, detail: 'This is not a HTTP request.' };
  const problem = { ...toProblem(new ServiceError('invalid_request', detail)), status };
  const body = JSON.stringify({ ...problem, title: problemKinds.invalid_request.title });
  const head = [
    `HTTP/1.1 ${status} ${status === 431 ? 'Request Header Fields Too Large' : status === 408 ? 'Request Timeout' : 'Bad Request'}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
