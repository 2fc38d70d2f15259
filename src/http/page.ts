/**
 * Pages for people: one accessible layout (WCAG 2.2 AA), one stylesheet from our own address, no scripts.
 * Values put into html`…` are escaped; `!${…}` marks text that is HTML already.
 */
import type { FastifyReply } from 'fastify';
import { html } from 'ghtml';
import { Type } from 'typebox';
import { type SignedDocument, signedDocument } from './signed-document.js';

export { html };

/** What a page consists of; `body` is HTML made with html`…`. */
export interface PageContent {
  readonly title: string;
  readonly body: string;
  /** Path of the service's public URL, '' at the root of a host. */
  readonly basePath?: string;
  /** Name shown at the top of every page. */
  readonly service?: string;
}

/** How an error page stands in the API description. */
export const errorPageSchema = {
  description: 'A page that says what went wrong and what to do next',
  content: { 'text/html': { schema: Type.String() } },
};

/** Where the stylesheet is served, below the base path. */
export const stylesheetPath = '/assets/page.css';

/** Nothing but our own stylesheet, images and forms: even a page that let markup through could run no script. */
const pageSecurityPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The whole HTML document of a page. */
function page(content: PageContent): string {
  const base = content.basePath ?? '';
  const service = content.service ?? 'Staff Passport';
  return html`<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>${content.title} - ${service}</title>
<link rel="stylesheet" href="${base}${stylesheetPath}">
</head>
<body>
<a class="skip" href="#main">Skip to main content</a>
<header class="top"><p class="service"><a href="${base}/">${service}</a></p></header>
<main id="main" tabindex="-1">
<h1>${content.title}</h1>
!${content.body}
</main>
<footer class="foot"><p><a href="${base}/docs">API description</a></p></footer>
</body>
</html>
`;
}

/** Sends a page with the headers that pages need. */
export function sendPage(reply: FastifyReply, content: PageContent): FastifyReply {
  const { basePath, serviceName } = reply.server;
  reply.header('content-security-policy', pageSecurityPolicy);
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  return reply.type('text/html; charset=utf-8').send(page({ basePath, service: serviceName, ...content }));
}

// Contrast of every pair is at least 4.5:1 on its ground (WCAG 1.4.3); focus is visible by shape and colour (2.4.7, 2.4.13).
const stylesheetText = `:root{--ink:#1c2330;--quiet:#48525f;--ground:#fff;--band:#f1f4f8;--line:#aab4c0;--accent:#10487f;--good:#0b5d33;--bad:#9b1c1c;--unsure:#6b4500}
*{box-sizing:border-box}
html{font:100%/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:var(--ink);background:var(--ground);-webkit-text-size-adjust:100%}
body{margin:0}
.top,main,.foot{padding:.75rem 1rem;max-width:62rem;margin:0 auto}
.top{border-bottom:3px solid var(--accent)}
.service{margin:0;font-weight:700}
.foot{border-top:1px solid var(--line);color:var(--quiet);margin-top:3rem}
h1{font-size:1.75rem;line-height:1.25;margin:1.25rem 0 1rem}
h2{font-size:1.3rem;line-height:1.3;margin:2rem 0 .5rem}
h3{font-size:1.1rem;margin:1.5rem 0 .5rem}
p,ul,ol,dl{max-width:44rem}
a{color:var(--accent);text-underline-offset:.15em}
a:hover{text-decoration-thickness:.15em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;box-shadow:0 0 0 2px #fff}
main:focus{outline:none}
.skip{position:absolute;left:-999em;top:0;background:var(--ground);padding:.75rem 1rem}
.skip:focus{left:0;z-index:1}
table{border-collapse:collapse;width:100%}
.scroll{overflow-x:auto}
caption{text-align:left;font-weight:700;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line)}
dt{font-weight:700}
dd{margin:0 0 .75rem}
code,pre,textarea.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9rem}
code{overflow-wrap:anywhere}
pre{background:var(--band);border:1px solid var(--line);padding:.75rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
label{display:block;font-weight:700;margin:1rem 0 .25rem}
.hint{color:var(--quiet);margin:0 0 .25rem}
input,select,textarea{font:inherit;color:inherit;background:#fff;border:2px solid #5b6672;padding:.5rem;width:100%;max-width:44rem}
textarea{min-height:12rem}
button{font:inherit;font-weight:700;color:#fff;background:var(--accent);border:0;padding:.75rem 1.25rem;margin:1rem 0;min-height:2.75rem;cursor:pointer}
.notice{border-left:.4rem solid var(--accent);background:var(--band);padding:.75rem 1rem;margin:1rem 0}
.notice.bad{border-color:var(--bad)}
.notice.good{border-color:var(--good)}
.notice.unsure{border-color:var(--unsure)}
.good strong,strong.good{color:var(--good)}
.bad strong,strong.bad{color:var(--bad)}
.unsure strong,strong.unsure{color:var(--unsure)}
@media (min-width:40rem){.top,main,.foot{padding-left:2rem;padding-right:2rem}h1{font-size:2.1rem}}
@media print{.skip,.foot,button{display:none}}
`;

/** The stylesheet as it is served: by ETag, for an hour, so that an upgrade is seen the same day. */
export const stylesheet: SignedDocument = signedDocument(stylesheetText, {
  contentType: 'text/css; charset=utf-8',
  maxAgeSeconds: 3600,
});
