/** The three ways to tell an error: a problem document, an OAuth error, a page. A route chooses by `config.errors`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { html } from 'ghtml';
import type { ServiceError } from '../errors.js';
import { describeError } from './logger.js';
import { OAuthError, toOAuthError } from './oauth-errors.js';
import { prefersPage, sendPage } from './page.js';
import { type Problem, problemKinds, toProblem, toServiceError } from './problems.js';

/** How a route tells its errors; the last two ask Accept whether a page is wanted, or else what stands in their names. */
export type ErrorStyle = keyof typeof presenters | 'negotiated' | 'negotiatedOauth';

type Presenter = (error: ServiceError, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

const presenters = {
  problem: (error, request, reply) => {
    const problem = problemOf(error, request);
    // As bytes: to a string Fastify adds a charset, which JSON media types do not have (RFC 8259 §11).
    return reply
      .code(problem.status)
      .type('application/problem+json')
      .send(Buffer.from(JSON.stringify(problem)));
  },
  oauth: (error, _request, reply) => {
    const { status, body } = toOAuthError(error);
    return reply.code(status).type('application/json').send(JSON.stringify(body));
  },
  page: (error, request, reply) => {
    const problem = problemOf(error, request);
    const { title, remedy } = toldToPeople(error, problem);
    const body = problemPageBody(problem, remedy, request.server.basePath);
    return sendPage(reply.code(problem.status), { title, body });
  },
} as const satisfies Record<string, Presenter>;

/** Answers any error that was thrown while a request was served. */
export function presentError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = toServiceError(error);
  const kind = problemKinds[fault.code];
  request.problemCode = fault.code;
  if (kind.status === 500) request.log.error({ code: fault.code, error: describeError(fault.cause ?? fault) }, 'fault');
  reply.header('cache-control', 'no-store');
  if (kind.retryAfter !== undefined && !reply.hasHeader('retry-after')) reply.header('retry-after', kind.retryAfter);
  const challenge = fault instanceof OAuthError ? fault.challenge : undefined;
  if ((kind.status === 401 || challenge !== undefined) && !reply.hasHeader('www-authenticate')) {
    reply.header('www-authenticate', challenge ?? 'Bearer');
  }
  return presenters[styleOf(request)](fault, request, reply);
}

/** Nobody declared anything for an unknown address; a browser is answered with a page there too. */
function styleOf(request: FastifyRequest): keyof typeof presenters {
  const declared = request.routeOptions?.config?.errors ?? (request.is404 ? 'negotiated' : 'problem');
  if (declared !== 'negotiated' && declared !== 'negotiatedOauth') return declared;
  if (prefersPage(request.headers.accept)) return 'page';
  return declared === 'negotiated' ? 'problem' : 'oauth';
}

function problemOf(error: ServiceError, request: FastifyRequest): Problem {
  return toProblem(error, { base: request.server.publicUrl, instance: `urn:uuid:${request.id}` });
}

/** Where OAuth's errors meet a person, it is one on the way between a wallet and us, and no client of our API. */
function toldToPeople(error: ServiceError, { code, status, title }: Problem): { title: string; remedy: string } {
  if (!(error instanceof OAuthError) || status >= 500) return { title, remedy: problemKinds[code].remedy };
  return {
    title: 'This cannot go on',
    remedy: 'Go back to your wallet, or to the link that you were sent, and begin again there.',
  };
}

function problemPageBody(problem: Problem, remedy: string, basePath: string): string {
  const faults = (problem.errors ?? []).map((fault) => html`<li><code>${fault.path}</code>: ${fault.detail}</li>`);
  return html`<div class="notice bad" role="alert"><p>${problem.detail}</p>!${faults.length > 0 ? html`<ul>!${faults}</ul>` : ''}</div>
<h2>What to do next</h2>
<p>${remedy}</p>
<p><a href="${basePath}/">Go to the start page</a></p>
<p class="hint">If you ask for help, give this reference: <code>${problem.instance ?? ''}</code></p>`;
}
