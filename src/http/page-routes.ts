/** The start page, the stylesheet, and the pages that explain each kind of problem (the `type` of RFC 9457 leads there). */
import { html } from 'ghtml';
import { Type } from 'typebox';
import { type ErrorCode, errorCodes, ServiceError } from '../errors.js';
import type { HttpServer } from './http-server.js';
import { errorPageSchema, sendPage, stylesheet, stylesheetPath, table } from './page.js';
import { problemKinds } from './problems.js';
import { notModified, sendDocument } from './signed-document.js';

const pageResponse = { description: 'A page', content: { 'text/html': { schema: Type.String() } } };

/** Registered by createServer itself. */
export async function pageRoutes(server: HttpServer): Promise<void> {
  server.get(
    stylesheetPath,
    {
      config: { access: 'public' },
      schema: {
        tags: ['operation'],
        operationId: 'stylesheet',
        summary: 'The stylesheet of the pages',
        response: {
          200: { description: 'A stylesheet', content: { 'text/css': { schema: Type.String() } } },
          304: notModified,
        },
      },
    },
    async (request, reply) => sendDocument(request, reply, stylesheet),
  );
  server.get(
    '/',
    {
      config: { access: 'public', errors: 'page' },
      schema: {
        tags: ['pages'],
        operationId: 'startPage',
        summary: 'What this service offers, as a page',
        response: { 200: pageResponse },
      },
    },
    async (_request, reply) => sendPage(reply, { title: server.serviceName, body: homeBody(server) }),
  );
  server.get(
    '/problems',
    {
      config: { access: 'public', errors: 'page' },
      schema: {
        tags: ['operation'],
        operationId: 'problems',
        summary: 'All kinds of problem, as a page',
        response: { 200: pageResponse },
      },
    },
    async (_request, reply) => sendPage(reply, { title: 'Kinds of problem', body: problemsBody(server.basePath) }),
  );
  addProblemRoute(server);
}

function addProblemRoute(server: HttpServer): void {
  server.get(
    '/problems/:code',
    {
      config: { access: 'public', errors: 'page' },
      schema: {
        tags: ['operation'],
        operationId: 'problem',
        summary: 'What a kind of problem means and what to do about it, as a page',
        params: Type.Object({ code: Type.String({ maxLength: 100, examples: ['invalid_request'] }) }),
        response: { 200: pageResponse, 404: errorPageSchema },
      },
    },
    async (request, reply) => {
      const code = errorCodes.find((known) => known === request.params.code);
      if (code === undefined) throw new ServiceError('not_found', 'There is no problem of this name.');
      return sendPage(reply, { title: problemKinds[code].title, body: problemBody(code) });
    },
  );
}

function homeBody({ basePath, publicUrl, routeTable }: HttpServer): string {
  const links = routeTable
    .homeLinks()
    .map(({ path, title, about }) => html`<li><h2><a href="${basePath}${path}">${title}</a></h2><p>${about}</p></li>`);
  return html`<p>This is the staff passport service of this organisation, at <code>${publicUrl}</code>.</p>
<ul class="cards">!${links}
<li><h2><a href="${basePath}/docs">API description</a></h2><p>For developers: every operation, with examples.</p></li></ul>`;
}

function problemsBody(basePath: string): string {
  const rows = errorCodes.map((code) => ({
    header: html`<a href="${basePath}/problems/${code}">${problemKinds[code].title}</a>`,
    cells: [html`<code>${code}</code>`, String(problemKinds[code].status)],
  }));
  return html`<p>When a request cannot be served, the answer carries one of these codes.</p>
!${table({ caption: 'Codes', headings: ['Problem', 'Code', 'HTTP status'], rows })}`;
}

function problemBody(code: ErrorCode): string {
  const { status, remedy } = problemKinds[code];
  return html`<h2>What to do next</h2><p>${remedy}</p>
<dl class="facts"><dt>Code</dt><dd><code>${code}</code></dd><dt>HTTP status</dt><dd>${status}</dd></dl>`;
}
