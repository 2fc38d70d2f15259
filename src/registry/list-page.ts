import { html, momentInWords, table, typeInWords } from '../http/page.js';
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
  const summary = `List number ${sequence}, issued ${momentInWords(issued)}. The next one follows by ${momentInWords(nextUpdate)}.`;
  const rows = organisations.map((organisation) => ({
    name: organisation.name,
    odsCode: organisation.odsCode,
    status: statusInWords(organisation),
    tone: tones[organisation.status],
    types: organisation.issue.map(entryInWords).join(', ') || 'None',
  }));
  return { summary, rows: rows.sort((a, b) => a.name.localeCompare(b.name, 'en')) };
}

function statusInWords({ status, suspensions, withdrawnFrom }: Organisation): string {
  if (status === 'withdrawn') return `Left the programme on ${momentInWords(withdrawnFrom ?? '')}`;
  const last = suspensions.at(-1);
  if (status === 'suspended') return `Suspended since ${momentInWords(last?.from ?? '')}`;
  return last?.until ? `Recognised; last suspended until ${momentInWords(last.until)}` : 'Recognised';
}

function entryInWords({ type, until }: Organisation['issue'][number]): string {
  return until === undefined ? typeInWords(type) : `${typeInWords(type)} (until ${momentInWords(until)})`;
}

/** The body of the page. */
export function listPageBody(model: ListPageModel, basePath: string): string {
  const rows = model.rows.map((row) => ({
    header: html`${row.name}`,
    cells: [
      html`<code>${row.odsCode}</code>`,
      html`<strong class="${row.tone}">${row.status}</strong>`,
      html`${row.types}`,
    ],
  }));
  return html`<p>Credentials of these organisations are accepted throughout the programme, each for the types that it may issue.</p>
<p>${model.summary} This page shows what the <a href="${basePath}/registry/list">signed list</a> says; verifiers rely on the list, not on this page.</p>
!${
    rows.length === 0
      ? html`<p>No organisation is listed.</p>`
      : table({ caption: 'Organisations', headings: ['Name', 'ODS code', 'Status', 'May issue'], rows })
  }`;
}
