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
  /** Where a form of the page may lead beside our own addresses: browsers hold redirects that follow a form to this too. */
  readonly formTargets?: readonly string[];
}

/**
 * Whether a caller wants a page rather than data (RFC 9110 §12.5.1). API clients send no Accept or a wildcard, and get
 * data; browsers name text/html.
 */
export function prefersPage(accept: string | undefined): boolean {
  const weights = new Map((accept ?? '').slice(0, 1000).split(',').map(weightOf));
  const page = weights.get('text/html') ?? 0;
  const data = Math.max(weights.get('application/json') ?? 0, weights.get('application/ld+json') ?? 0);
  return page > 0 && page >= data;
}

function weightOf(range: string): [string, number] {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return [type, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
}

/** How an error page stands in the API description. */
export const errorPageSchema = {
  description: 'A page that says what went wrong and what to do next',
  content: { 'text/html': { schema: Type.String() } },
};

/** Where the stylesheet is served, below the base path. */
export const stylesheetPath = '/assets/page.css';

/** Nothing but our own stylesheet, images and forms: even a page that let markup through could run no script. */
function pageSecurityPolicy(formTargets: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ["form-action 'self'", ...formTargets].join(' '),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

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
<header class="band"><div class="inner"><p class="service"><a href="${base}/">${service}</a></p><p class="product">Staff Passport</p></div></header>
<main id="main" tabindex="-1">
<h1>${content.title}</h1>
!${content.body}
</main>
<footer class="foot"><div class="inner"><p><a href="${base}/">Start page</a> <a href="${base}/problems">Kinds of problem</a> <a href="${base}/docs">API description</a></p></div></footer>
</body>
</html>
`;
}

/** What a message means at a glance: told by a word and a sign, and by colour besides. */
export type Tone = 'good' | 'bad' | 'unsure';

const signs: Readonly<Record<Tone, string>> = {
  good: '<path d="M8 21l8 8 16-17"/>',
  bad: '<path d="M11 11l18 18M29 11l-18 18"/>',
  unsure: '<path d="M14 15c0-8 12-8 12 0 0 5-6 5-6 10M20 31v1"/>',
};

/** A message in a coloured panel; `body` is HTML made with html`…`. */
export function panel({ tone, title, body }: { tone: Tone; title: string; body: string }): string {
  return html`<div class="panel ${tone}" role="status">
<svg class="sign" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true" focusable="false">!${signs[tone]}</svg>
<div><h2>${title}</h2>!${body}</div></div>`;
}

/** A row of a table; `header` and `cells` are HTML made with html`…`. */
export interface TableRow {
  readonly id?: string;
  readonly header: string;
  readonly cells: readonly string[];
}

/**
 * A table below its heading, which becomes a list of blocks on a narrow screen. The roles are said again, since browsers forget what a
 * table is when its parts are displayed as blocks.
 */
export function table(options: { caption: string; headings: readonly string[]; rows: readonly TableRow[] }): string {
  const { caption, headings, rows } = options;
  const [first = '', ...others] = headings;
  const heads = [first, ...others].map((heading) => html`<th role="columnheader" scope="col">${heading}</th>`);
  const cellOf = (cell: string, index: number) =>
    html`<td role="cell" data-label="${others[index] ?? ''}"><div>!${cell}</div></td>`;
  const lines = rows.map(({ id, header, cells }) => {
    const name = id === undefined ? '' : html`id="${id}" `;
    return html`<tr !${name}role="row"><th role="rowheader" scope="row">!${header}</th>!${cells.map(cellOf)}</tr>
`;
  });
  const labelId = `table-${caption.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  return html`<h2 id="${labelId}">${caption}</h2>
<table class="stack" role="table" aria-labelledby="${labelId}">
<thead role="rowgroup"><tr role="row">!${heads}</tr></thead>
<tbody role="rowgroup">!${lines}</tbody></table>`;
}

const months = 'January February March April May June July August September October November December'.split(' ');

/** "21 November 2026"; not by Intl, whose texts differ between versions of Node. */
export function dateInWords(date: string): string {
  const time = new Date(date);
  if (Number.isNaN(time.getTime())) return 'an unknown date';
  return `${time.getUTCDate()} ${months[time.getUTCMonth()]} ${time.getUTCFullYear()}`;
}

/** "DBS check" of DbsCheckCredential: the name of a type as people say it. */
export function typeInWords(type: string): string {
  const split = type.replace(/Credential$/, '').replace(/([a-z0-9])([A-Z])/g, '$1 $2');
  return `${split.charAt(0)}${split.slice(1).toLowerCase()}`.replace(/^Dbs\b/, 'DBS');
}

/** "21 November 2026 at 09:30 UTC". */
export function momentInWords(moment: string): string {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return 'an unknown time';
  return `${dateInWords(moment)} at ${time.toISOString().slice(11, 16)} UTC`;
}

/** Sends a page with the headers that pages need. */
export function sendPage(reply: FastifyReply, content: PageContent): FastifyReply {
  const { basePath, serviceName } = reply.server;
  reply.header('content-security-policy', pageSecurityPolicy(content.formTargets));
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  return reply.type('text/html; charset=utf-8').send(page({ basePath, service: serviceName, ...content }));
}

// Contrast of every pair is at least 4.5:1 on its ground (WCAG 1.4.3); focus is visible by shape and colour (2.4.7, 2.4.13).
const stylesheetText = `:root{--ink:#1c2330;--quiet:#48525f;--ground:#fff;--band:#f1f4f8;--line:#aab4c0;--accent:#10487f;--good:#0b5d33;--bad:#9b1c1c;--unsure:#6b4500}
*{box-sizing:border-box}
html{font:100%/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:var(--ink);background:var(--ground);-webkit-text-size-adjust:100%}
body{margin:0}
.inner,main{padding:.75rem 1rem;max-width:62rem;margin:0 auto}
.band{background:var(--accent);color:#fff}
.band .inner{display:flex;flex-wrap:wrap;gap:0 1.5rem;justify-content:space-between;align-items:baseline}
.band a{color:#fff}
.band a:focus-visible{outline-color:#fff;box-shadow:none}
.service{margin:0;font-weight:700;font-size:1.1rem}
.product{margin:0}
.foot{background:var(--band);border-top:1px solid var(--line);margin-top:3rem}
.foot p{max-width:none}
.foot a{margin-right:1.25rem;display:inline-block;padding:.25rem 0}
h1{font-size:1.75rem;line-height:1.25;margin:1.25rem 0 1rem}
h2{font-size:1.3rem;line-height:1.3;margin:2rem 0 .5rem}
h3{font-size:1.1rem;margin:1.5rem 0 .25rem}
p,ul,ol{max-width:44rem}
li{margin:.25rem 0}
a{color:var(--accent);text-underline-offset:.15em}
a:hover{text-decoration-thickness:.15em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;box-shadow:0 0 0 2px #fff}
main:focus{outline:none}
.skip{position:absolute;left:-999em;top:0;background:var(--ground);padding:.75rem 1rem}
.skip:focus{left:0;z-index:1}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.6rem 1rem .6rem 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}
dl{margin:.5rem 0 1rem}
dt{font-weight:700}
dd{margin:0 0 .75rem;overflow-wrap:anywhere}
dd p,td p{margin:0}
code,pre,textarea.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9rem}
code{overflow-wrap:anywhere}
pre{background:var(--band);border:1px solid var(--line);padding:.75rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
label{display:block;font-weight:700;margin:1rem 0 .25rem}
.hint{color:var(--quiet);margin:0 0 .25rem}
td .hint{font-size:.9rem}
input:not([type=checkbox],[type=radio]),select,textarea{display:block;font:inherit;color:inherit;background:#fff;border:2px solid #5b6672;padding:.5rem;width:100%;max-width:44rem}
textarea{min-height:12rem}
input.short{max-width:12rem}
fieldset{border:0;margin:0;padding:0;min-width:0}
legend{padding:0}
.choices,.offers{list-style:none;padding:0;max-width:44rem}
.choices>li{border-top:1px solid var(--line);padding:.5rem 0;margin:0}
.choices>li>.hint,.choices>li>details{margin:0 0 .5rem 2.75rem}
.choice{display:flex;gap:.75rem;align-items:flex-start}
.choice input{flex:none;width:2rem;height:2rem;margin:.25rem 0;accent-color:var(--accent)}
.choice label{margin:0;padding:.45rem 0;min-width:0;overflow-wrap:anywhere}
.offers>li{border-top:1px solid var(--line);padding:0 0 1rem}
.offers h2,.panel li,summary{overflow-wrap:anywhere}
.qr{display:block;width:100%;max-width:20rem;height:auto}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
button.quiet{color:var(--accent);background:#fff;box-shadow:inset 0 0 0 2px var(--accent)}
button,.button{display:inline-block;font:inherit;font-weight:700;color:#fff;background:var(--accent);border:0;padding:.75rem 1.25rem;margin:1rem 0;min-height:2.75rem;cursor:pointer;text-decoration:none}
.notice{border-left:.4rem solid var(--accent);background:var(--band);padding:.25rem 1rem;margin:1rem 0}
.notice h2{margin-top:.75rem}
.notice.bad{border-color:var(--bad)}
.fault{border-left:.4rem solid var(--bad);padding-left:1rem}
.panel{display:flex;gap:1rem;align-items:flex-start;color:#fff;background:var(--accent);padding:1.25rem;margin:1rem 0}
.panel h2{font-size:1.75rem;margin:0 0 .25rem}
.panel p,.panel ul{margin:.25rem 0;font-size:1.1rem}
.panel.good{background:var(--good)}
.panel.bad{background:var(--bad)}
.panel.unsure{background:var(--unsure)}
.sign{flex:none;fill:none;stroke:#fff;stroke-width:5;stroke-linecap:round;stroke-linejoin:round;margin-top:.1rem}
strong.good{color:var(--good)}
strong.bad{color:var(--bad)}
strong.unsure{color:var(--unsure)}
strong.quiet{color:var(--quiet)}
details{margin:1.5rem 0}
summary{color:var(--accent);text-decoration:underline;cursor:pointer;padding:.5rem 0}
.cards{list-style:none;padding:0;max-width:none}
.cards li{border-top:1px solid var(--line);padding:.75rem 0;margin:0}
.cards p{margin:.25rem 0}
.cards h2,.cards h3{margin:0}
@media (min-width:40rem){.inner,main{padding-left:2rem;padding-right:2rem}h1{font-size:2.1rem}dl.facts{display:grid;grid-template-columns:minmax(10rem,16rem) 1fr;max-width:none}dl.facts dt,dl.facts dd{padding:.5rem 1rem .5rem 0;margin:0;border-bottom:1px solid var(--line)}}
@media (max-width:39.99rem){.stack,.stack tbody,.stack tr,.stack th,.stack td{display:block}.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.stack tr{border-bottom:1px solid var(--line);padding:.75rem 0}.stack th,.stack td{border:0;padding:.1rem 0}.stack td{display:flex;gap:.5rem}.stack td::before{content:attr(data-label);flex:none;width:6.5rem;color:var(--quiet)}.stack td>div{min-width:0}}
@media print{.skip,.foot,button,.button{display:none}.panel{border:3px solid;color:#000;background:none}.sign{stroke:#000}}
`;

/** The stylesheet as it is served: by ETag, for an hour, so that an upgrade is seen the same day. */
export const stylesheet: SignedDocument = signedDocument(stylesheetText, {
  contentType: 'text/css; charset=utf-8',
  maxAgeSeconds: 3600,
});
