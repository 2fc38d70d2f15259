/** The verdict in words, for people (WCAG 2.2 AA; works without JavaScript). Pure: report in, HTML out. */
import { html } from '../http/page.js';
import { isJsonObject, JsonError, parseJson } from '../json.js';
import { type CheckOutcome, verifyCodes } from './codes.js';
import type { Check, Decision, SingleReport } from './report.js';

const verdicts: Readonly<Record<Decision, { title: string; className: string; sentence: string }>> = {
  valid: {
    title: 'Valid',
    className: 'good',
    sentence: 'Every check passed. This says what was certified, not who sent it to you.',
  },
  invalid: {
    title: 'Not valid',
    className: 'bad',
    sentence: 'At least one check failed. Do not rely on this credential.',
  },
  indeterminate: {
    title: 'Cannot be decided',
    className: 'unsure',
    sentence: 'Nothing failed, but something could not be checked. Do not rely on it until it could.',
  },
};

const outcomeWords: Readonly<Record<CheckOutcome, { word: string; className: string }>> = {
  pass: { word: 'Passed', className: 'good' },
  fail: { word: 'Failed', className: 'bad' },
  indeterminate: { word: 'Could not be checked', className: 'unsure' },
  skipped: { word: 'Not checked', className: 'unsure' },
};

const checkNames: Readonly<Record<string, string>> = {
  format: 'Form',
  algorithm: 'Signature method',
  issuer: 'Issuing organisation',
  key: 'Key',
  proof: 'Signature',
  validity: 'Dates',
  schema: 'Content',
  status: 'Revoked or suspended',
  holder: 'Belongs to the presenter',
};

const freshnessWords: Readonly<Record<SingleReport['registry']['freshness'], string>> = {
  fresh: 'up to date',
  stale: 'due for an update, still usable',
  expired: 'too old to decide with',
  absent: 'not available',
};

/** What was pasted: a compact token, or JSON. A whole answer of the issuing API is unwrapped. Throws JsonError. */
export function readPasted(text: string): unknown {
  const trimmed = text.trim();
  if (!/^[{"[]/.test(trimmed)) return trimmed;
  const value = parseJson(trimmed);
  const wrapped = isJsonObject(value) && !('@context' in value) && 'verifiableCredential' in value;
  return wrapped ? value.verifiableCredential : value;
}

/** A sentence about what is wrong with the pasted text, or nothing. */
export function pastedFault(error: unknown): string | undefined {
  return error instanceof JsonError ? `What you pasted is not readable JSON: ${error.message}` : undefined;
}

/** The form; with a fault it is told on top and beside the field. */
export function formBody(base: string, fault?: string): string {
  const summary =
    fault === undefined
      ? ''
      : html`<div class="notice bad" role="alert"><h2>There is a problem</h2><p><a href="#credential">${fault}</a></p></div>`;
  const beside =
    fault === undefined ? '' : html`<p id="credential-error" class="bad"><strong>Error: ${fault}</strong></p>`;
  const described = fault === undefined ? 'credential-hint' : 'credential-hint credential-error';
  return html`!${summary}
<p>Paste a staff credential to see whether it can be relied on. Nothing you paste is kept.</p>
<form method="post" action="${base}/verify/page" novalidate>
<label for="credential">Credential</label>
<p id="credential-hint" class="hint">The compact token that begins with “eyJ”, or the JSON object that begins with “{”.</p>
!${beside}
<textarea id="credential" name="credential" class="code" required spellcheck="false" autocomplete="off" aria-describedby="${described}"></textarea>
<button type="submit">Verify</button>
</form>
<p><a href="${base}/verify/codes">What every answer means and what mends it</a></p>`;
}

/** Where verification needs a token, a browser form cannot send one. */
export function closedBody(base: string): string {
  return html`<div class="notice"><p>This organisation verifies for known systems only. Systems send a token of the scope <code>vc:verify</code> to <code>POST ${base}/verify</code>.</p></div>
<p><a href="${base}/verify/codes">What every answer means and what mends it</a></p>`;
}

function checkRow(line: Check): string {
  const { word, className } = outcomeWords[line.outcome];
  const row = verifyCodes[line.code];
  const remedy = line.outcome === 'pass' || !row.required ? '' : html`<br><span class="hint">${row.remedy}</span>`;
  return html`<tr><th scope="row">${checkNames[line.check] ?? line.check}</th><td class="${className}"><strong>${word}</strong></td><td>${line.detail}!${remedy}<br><code>${line.code}</code></td></tr>`;
}

function typeOf(report: SingleReport): string | undefined {
  const type = report.credential?.type;
  const names = Array.isArray(type) ? type.filter((name) => name !== 'VerifiableCredential') : [];
  return names.length === 0 ? undefined : names.join(', ');
}

function facts(report: SingleReport): string {
  const { issuer, registry } = report;
  const organisation = issuer?.name === undefined ? issuer?.id : `${issuer.name} (${issuer.odsCode}), ${issuer.id}`;
  const rows: [string, string | undefined][] = [
    ['Type', typeOf(report)],
    ['Format', report.format],
    ['Issued by', organisation],
    ['Trust registry', `${freshnessWords[registry.freshness]}, version ${registry.sequence} of ${registry.issued}`],
    ['Checked at', report.checkedAt],
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined);
  return known.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`).join('');
}

/** The verdict: decision first, then the facts, then every check. Claims are not shown. */
export function verdictBody(report: SingleReport, base: string): string {
  const { title, className, sentence } = verdicts[report.decision];
  return html`<div class="notice ${className}" role="status"><h2>${title}</h2><p>${sentence}</p></div>
<dl>!${facts(report)}</dl>
<div class="scroll"><table><caption>Checks</caption>
<thead><tr><th scope="col">Check</th><th scope="col">Outcome</th><th scope="col">In words</th></tr></thead>
<tbody>!${report.checks.map(checkRow).join('')}</tbody></table></div>
<p><a href="${base}/verify">Verify another credential</a></p>`;
}

/** Every code, so that the type of a problem and the code of a check lead somewhere. */
export function codesBody(): string {
  const rows = Object.entries(verifyCodes).map(
    ([code, row]) =>
      html`<tr id="${code}"><th scope="row"><code>${code}</code></th><td>${row.check}</td><td>${outcomeWords[row.outcome].word}</td><td>${row.sentence}</td><td>${row.cause}</td><td>${row.remedy}</td></tr>`,
  );
  return html`<p>Each line of a verification report carries one of these codes.</p>
<div class="scroll" role="region" aria-label="Codes" tabindex="0"><table><caption>Codes</caption>
<thead><tr><th scope="col">Code</th><th scope="col">Check</th><th scope="col">Outcome</th><th scope="col">Meaning</th><th scope="col">Cause</th><th scope="col">What mends it</th></tr></thead>
<tbody>!${rows.join('')}</tbody></table></div>`;
}
