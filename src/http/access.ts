/**
 * Who may call a route. Every route declares it in `config.access`; one that does not is refused at start, so that
 * nothing is open by oversight. The check itself (tokens, scopes) is access/'s and comes in as a function.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.js';
import type { DeniedLimit } from './limits.js';

/** A client that was authenticated, with what it was granted. */
export interface Caller {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Checks an Authorization header; throws ServiceError unauthorized | forbidden. A wrong answer opens the route. */
export type Authorise = (authorization: string | undefined, scope: string) => Promise<Caller>;

/** Open to all, for holders of a scope, or (`open`) for all while a token that is sent must still be good. */
export type RouteAccess = 'public' | { readonly scope: string; readonly open?: boolean };

/** Checks the declaration of one route; called for each route as it is added. */
export function requireDeclaredAccess(route: { method: string | string[]; url: string; config?: unknown }): void {
  const access = (route.config as { access?: unknown } | undefined)?.access;
  if (access === 'public') return;
  const scope = typeof access === 'object' && access !== null ? (access as { scope?: unknown }).scope : undefined;
  if (typeof scope === 'string' && scope.length > 0) return;
  throw new Error(`The route ${String(route.method)} ${route.url} does not declare config.access.`);
}

/** Adds the hook that sets request.caller or refuses the request before its body is read. */
export function addAccessControl(server: FastifyInstance, authorise: Authorise, denied: DeniedLimit): void {
  server.decorateRequest('caller');
  server.addHook('onRequest', async function checkAccess(request, reply) {
    // The not-found handler has no declaration and tells nothing.
    if (request.is404) return;
    const access = request.routeOptions.config.access as RouteAccess | undefined;
    if (access === 'public') return;
    if (access === undefined) throw new ServiceError('forbidden', 'This route declares no access.');
    if (access.open && request.headers.authorization === undefined) return;
    await authoriseCaller(request, reply, access.scope);
  });

  async function authoriseCaller(request: FastifyRequest, reply: FastifyReply, scope: string): Promise<void> {
    await denied.refuseWhenExhausted(request);
    try {
      request.caller = await authorise(request.headers.authorization, scope);
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'unauthorized') await denied.count(request);
      reply.header('www-authenticate', challenge(error, scope, request.headers.authorization));
      throw error;
    }
  }
}

/** RFC 6750 §3: a challenge without an error when no token came, with one otherwise. */
function challenge(error: unknown, scope: string, authorization: string | undefined): string {
  const realm = 'Bearer realm="staff-passport"';
  if (!(error instanceof ServiceError) || authorization === undefined) return `${realm}, scope="${scope}"`;
  const name = error.code === 'forbidden' ? 'insufficient_scope' : 'invalid_token';
  return `${realm}, error="${name}", scope="${scope}"`;
}
