/** The stylesheet, and the pages that explain each kind of problem (the `type` of RFC 9457 leads there). */
import { html } from 'ghtml';
import { Type } from 'typebox';
import { type ErrorCode, errorCodes, ServiceError } from '../errors.js';
import type { HttpServer } from './http-server.js';
import { errorPageSchema, sendPage, stylesheet, stylesheetPath } from './page.js';
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

function problemsBody(basePath: string): string {
  const rows = errorCodes.map(
    (code) =>
      html`<tr><td><a href="${basePath}/problems/${code}"><code>${code}</code></a></td><td>${problemKinds[code].status}</td><td>${problemKinds[code].title}</td></tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Kinds of problem"><table>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>
<tbody>!${rows}</tbody></table></div>`;
}

function problemBody(code: ErrorCode): string {
  const { status, remedy } = problemKinds[code];
  return html`<dl><dt>Code</dt><dd><code>${code}</code></dd><dt>HTTP status</dt><dd>${status}</dd></dl>
<h2>What to do</h2><p>${remedy}</p>`;
}
