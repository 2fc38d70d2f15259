/** The verdict in words, for people (WCAG 2.2 AA; works without JavaScript). Pure: report in, HTML out. */
import { dateInWords, html, momentInWords, panel, type TableRow, type Tone, table, typeInWords } from '../http/page.js';
import { isJsonObject, JsonError, parseJson } from '../json.js';
import { type CheckOutcome, verifyCodes } from './codes.js';
import type { Check, Decision, SingleReport } from './report.js';

interface VerdictWords {
  readonly title: string;
  readonly tone: Tone;
  readonly sentence: string;
}

const verdicts: Readonly<Record<Decision, VerdictWords>> = {
  valid: { title: 'Valid', tone: 'good', sentence: 'Every check passed. You can rely on what this credential says.' },
  invalid: { title: 'Not valid', tone: 'bad', sentence: 'Do not rely on this credential.' },
  indeterminate: {
    title: 'Cannot be decided',
    tone: 'unsure',
    sentence: 'Nothing failed, but something could not be checked. Do not rely on this credential until it could.',
  },
};

const outcomeWords: Readonly<Record<CheckOutcome, { word: string; className: Tone | 'quiet'; sign: string }>> = {
  pass: { word: 'Passed', className: 'good', sign: '✓' },
  fail: { word: 'Failed', className: 'bad', sign: '✗' },
  indeterminate: { word: 'Could not be checked', className: 'unsure', sign: '?' },
  skipped: { word: 'Not checked', className: 'quiet', sign: '–' },
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
    fault === undefined ? '' : html`<p id="credential-error"><strong class="bad">Error: ${fault}</strong></p>`;
  const described = fault === undefined ? 'credential-hint' : 'credential-hint credential-error';
  const group = fault === undefined ? '' : 'fault';
  return html`!${summary}
<p>Paste a staff credential to see whether it can be relied on: whether the signature is good, the issuer recognised, and nothing revoked or out of date. Nothing you paste is kept.</p>
<form method="post" action="${base}/verify/page" novalidate>
<div class="${group}"><label for="credential">Credential</label>
<p id="credential-hint" class="hint">The long text that begins with “eyJ”, or the JSON text that begins with “{”. Paste all of it.</p>
!${beside}
<textarea id="credential" name="credential" class="code" required spellcheck="false" autocomplete="off" aria-describedby="${described}"></textarea></div>
<button type="submit">Verify</button>
</form>
<p><a href="${base}/verify/codes">What every answer means and what mends it</a></p>`;
}

/** Where verification needs a token, a browser form cannot send one. */
export function closedBody(base: string): string {
  return html`<div class="notice"><p>This organisation verifies for known systems only. Systems send a token of the scope <code>vc:verify</code> to <code>POST ${base}/verify</code>.</p></div>
<p><a href="${base}/verify/codes">What every answer means and what mends it</a></p>`;
}

/** What decided: a check that failed, or else a required one that came to no result. */
function decisiveChecks({ decision, checks }: SingleReport): Check[] {
  if (decision === 'valid') return [];
  const outcome: CheckOutcome = decision === 'invalid' ? 'fail' : 'indeterminate';
  return checks.filter((line) => line.outcome === outcome && verifyCodes[line.code].required);
}

/** What the reader should do now; sentences of the table of codes, each once. */
function nextSteps(report: SingleReport): string[] {
  if (report.decision === 'valid') {
    return [
      'Make sure that it is about the person in front of you: this page checked the credential, not who sent it.',
      'If you need proof that it is theirs, ask the person to present it from their wallet.',
    ];
  }
  return [...new Set(decisiveChecks(report).map((line) => verifyCodes[line.code].remedy))];
}

function list(sentences: readonly string[]): string {
  return html`<ul>!${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

function checkRow(line: Check): TableRow {
  const { word, className, sign } = outcomeWords[line.outcome];
  return {
    header: html`${checkNames[line.check] ?? line.check}`,
    cells: [
      html`<strong class="${className}"><span aria-hidden="true">${sign}</span> ${word}</strong>`,
      html`<p>${line.detail}</p><p class="hint"><code>${line.code}</code></p>`,
    ],
  };
}

function namesOf(report: SingleReport): string | undefined {
  const type = report.credential?.type;
  const names = Array.isArray(type) ? type.filter((name) => name !== 'VerifiableCredential') : [];
  return names.length === 0 ? undefined : names.map((name) => typeInWords(String(name))).join(', ');
}

/** Either data model's member, as a date; what is no text was refused before. */
function dateOf(report: SingleReport, ...members: readonly string[]): string | undefined {
  const value = members.map((member) => report.credential?.[member]).find((found) => typeof found === 'string');
  return typeof value === 'string' ? dateInWords(value) : undefined;
}

type Fact = readonly [term: string, value: string | undefined];

/** Claims are not shown: whoever may read them has them already. */
function facts(report: SingleReport): string {
  const { issuer } = report;
  const organisation = issuer?.name === undefined ? issuer?.id : `${issuer.name} (${issuer.odsCode})`;
  return definitions([
    ['Kind of credential', namesOf(report)],
    ['Issued by', organisation],
    ['Valid from', dateOf(report, 'validFrom', 'issuanceDate')],
    ['Valid until', dateOf(report, 'validUntil', 'expirationDate')],
    ['Checked', momentInWords(report.checkedAt)],
  ]);
}

/** For whoever is called for help. */
function technicalFacts(report: SingleReport): string {
  const { issuer, registry } = report;
  return definitions([
    ['Format', report.format],
    ['Type', namesOf(report) === undefined ? undefined : String(report.credential?.type)],
    ['Issuer', issuer?.id],
    ['Trust registry', `${freshnessWords[registry.freshness]}, version ${registry.sequence} of ${registry.issued}`],
    ['Checked at', report.checkedAt],
  ]);
}

function definitions(rows: readonly Fact[]): string {
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined);
  return html`<dl class="facts">!${known.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`;
}

/** The verdict: decision and reasons first, what to do next, then the facts and every check. */
export function verdictBody(report: SingleReport, base: string): string {
  const { title, tone, sentence } = verdicts[report.decision];
  const reasons = [...new Set(decisiveChecks(report).map((line) => line.detail))];
  const body = html`<p>${sentence}</p>!${reasons.length === 0 ? '' : list(reasons)}`;
  const rows = report.checks.map(checkRow);
  return html`!${panel({ tone, title, body })}
<h2>What to do next</h2>
!${list(nextSteps(report))}
<p><a class="button" href="${base}/verify">Verify another credential</a></p>
<h2>The credential</h2>
!${facts(report)}
!${table({ caption: 'Every check', headings: ['Check', 'Outcome', 'In words'], rows })}
<details><summary>For technical support</summary>!${technicalFacts(report)}</details>`;
}

/** Every code, so that the type of a problem and the code of a check lead somewhere. */
export function codesBody(): string {
  const rows = Object.entries(verifyCodes).map(([code, row]) => ({
    id: code,
    header: html`${row.sentence}<br><code>${code}</code>`,
    cells: [
      html`${checkNames[row.check] ?? row.check}`,
      html`${outcomeWords[row.outcome].word}`,
      html`${row.cause}`,
      html`${row.remedy}`,
    ],
  }));
  const headings = ['Meaning', 'Check', 'Outcome', 'Cause', 'What mends it'];
  return html`<p>Each line of a verification report carries one of these codes.</p>
!${table({ caption: 'Codes', headings, rows })}`;
}
