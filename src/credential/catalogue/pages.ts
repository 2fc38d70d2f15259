/** The catalogue's pages: the view of presentation.ts in tables. */
import { html, type TableRow, table } from '../../http/page.js';
import type { CatalogueView, ClaimView, TypeView } from './presentation.js';
import type { VocabularyTerm } from './vocabulary.js';

/** What a reliance mode asks of a receiver. */
const relianceWords: Readonly<Record<string, string>> = {
  ACCEPT: 'A receiver may rely on it.',
  ACCEPT_REDATED: 'A receiver may rely on it and applies its own renewal period.',
  EVIDENCE: 'It counts when the conditions of the post are met; a named person confirms.',
  RECHECK: 'It shortens the check; the receiver must still make its own.',
  INFORMATION: 'It never counts by itself.',
};

export function cataloguePage(view: CatalogueView, basePath: string): string {
  const types = view.types.map(
    (type) => html`<li><h2><a href="${basePath}/catalogue/${type.type}">${type.title}</a></h2>
<p>${type.description}</p><p class="hint"><code>${type.type}</code>, version ${type.version}, ${type.status}</p></li>
`,
  );
  return html`<p>The types of credential that this programme issues, each with its claims, rules and an example.
Programs get the same list as JSON from this address.</p>
<ul class="cards">!${types}</ul>
<h2>Used by them</h2>
<ul><li><a href="${view.coreSkills}">Core skills</a>: codes, levels and renewal periods</li>
<li><a href="${view.vocabulary}">Vocabulary</a>: the meaning of every term</li></ul>`;
}

export function typePage(type: TypeView): string {
  return html`<p>${type.description}</p>
<dl class="facts"><dt>Name</dt><dd><code>${type.type}</code></dd>
<dt>Version</dt><dd>${type.version}, ${type.status}</dd>
<dt>Reliance</dt><dd>${type.relianceMode}: ${relianceWords[type.relianceMode] ?? ''}</dd>
<dt>Schema</dt><dd><a href="${type.schema.id}">${type.schema.id}</a></dd>
<dt>Schema digest</dt><dd><code>${type.schema.digestSRI}</code></dd>
<dt>Contexts, data model 2.0</dt><dd>!${type.contexts['2.0'].map((url) => html`<code>${url}</code><br>`)}</dd>
<dt>Contexts, data model 1.1</dt><dd>!${type.contexts['1.1'].map((url) => html`<code>${url}</code><br>`)}</dd></dl>
!${table({ caption: 'Claims', headings: ['Claim', 'Meaning', 'Form', 'Required'], rows: type.claims.map(claimRow) })}
!${rulesSection(type.rules)}
<h2>Example</h2>
<p>What an API client posts as <code>credential</code>. Every person and organisation in it is invented.</p>
<pre><code>${JSON.stringify(type.example, null, 2)}</code></pre>`;
}

function claimRow(claim: ClaimView): TableRow {
  const unsaid = claim.selectivelyDisclosable && !claim.description.includes('only on request');
  const disclosure = unsaid ? ' Disclosed only on request.' : '';
  return {
    header: html`${claim.title}<br><code>${claim.name}</code>`,
    cells: [html`${claim.description}${disclosure}`, html`${claim.form}`, claim.required ? 'yes' : 'no'],
  };
}

function rulesSection(rules: readonly string[]): string {
  if (rules.length === 0) return '';
  return html`<h2>Rules between claims</h2><p>Besides those of the schema:</p>
<ul>!${rules.map((rule) => html`<li>${rule}</li>`)}</ul>`;
}

export function vocabularyPage(terms: readonly VocabularyTerm[]): string {
  const rows = terms.map((term) => ({
    id: term.name,
    header: html`<code>${term.name}</code>`,
    cells: [term.kind === 'Class' ? 'class' : 'property', html`${term.title}`, html`${term.description}`],
  }));
  return html`<p>The meaning of every term that the programme's contexts define. Programs get it as JSON-LD from this address.</p>
!${table({ caption: 'Terms', headings: ['Term', 'Kind', 'Title', 'Meaning'], rows })}`;
}
