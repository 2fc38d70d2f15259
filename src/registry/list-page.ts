import { html } from '../http/page.js';
import type { Snapshot } from './list-document.js';
import type { Organisation } from './organisation.js';

/** The list in words and rows, ready to be placed. */
export interface ListPageModel {
  readonly summary: string;
  readonly rows: readonly {
    name: string;
    odsCode: string;
    status: string;
    tone: 'good' | 'bad' | 'unsure';
    types: string;
  }[];
}

const tones = { active: 'good', suspended: 'bad', withdrawn: 'unsure' } as const;

/** Turns a list into words for people; pure, so that every wording is tested. */
export function listPageModel(snapshot: Snapshot | undefined): ListPageModel {
  if (!snapshot) return { summary: 'The list has not been published yet.', rows: [] };
  const { sequence, issued, nextUpdate, organisations } = snapshot;
  const summary = `List number ${sequence}, issued ${inWords(issued)}. The next one follows by ${inWords(nextUpdate)}.`;
  const rows = organisations.map((organisation) => ({
    name: organisation.name,
    odsCode: organisation.odsCode,
    status: statusInWords(organisation),
    tone: tones[organisation.status],
    types: organisation.issue.map(typeInWords).join(', ') || 'None',
  }));
  return { summary, rows: rows.sort((a, b) => a.name.localeCompare(b.name, 'en')) };
}

function statusInWords({ status, suspensions, withdrawnFrom }: Organisation): string {
  if (status === 'withdrawn') return `Left the programme on ${inWords(withdrawnFrom ?? '')}`;
  const last = suspensions.at(-1);
  if (status === 'suspended') return `Suspended since ${inWords(last?.from ?? '')}`;
  return last?.until ? `Recognised; last suspended until ${inWords(last.until)}` : 'Recognised';
}

function typeInWords({ type, until }: Organisation['issue'][number]): string {
  const words = type.replace(/Credential$/, '').replace(/([a-z0-9])([A-Z])/g, '$1 $2');
  return until === undefined ? words : `${words} (until ${inWords(until)})`;
}

const months = 'January February March April May June July August September October November December'.split(' ');

/** "21 November 2026 at 09:30 UTC"; not by Intl, whose texts differ between versions of Node. */
function inWords(moment: string): string {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return 'an unknown time';
  const clock = time.toISOString().slice(11, 16);
  return `${time.getUTCDate()} ${months[time.getUTCMonth()]} ${time.getUTCFullYear()} at ${clock} UTC`;
}

/** The body of the page. */
export function listPageBody(model: ListPageModel, basePath: string): string {
  const rows = model.rows.map(
    (row) =>
      html`<tr><th scope="row">${row.name}</th><td><code>${row.odsCode}</code></td><td><strong class="${row.tone}">${row.status}</strong></td><td>${row.types}</td></tr>`,
  );
  return html`<p>${model.summary}</p>
<p>This page shows what the <a href="${basePath}/registry/list">signed list</a> says. Verifiers rely on the list, not on this page.</p>
!${
    model.rows.length === 0
      ? html`<p>No organisation is listed.</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Recognised organisations"><table>
<caption>Organisations</caption>
<thead><tr><th scope="col">Name</th><th scope="col">ODS code</th><th scope="col">Status</th><th scope="col">May issue</th></tr></thead>
<tbody>!${rows}</tbody></table></div>`
  }`;
}
