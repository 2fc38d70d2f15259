/** What a run found, statement by statement: docs/conformance.json for programs, docs/conformance.md for people. */
import type { Specification } from './statements.js';
import type { Finding, Outcome } from './suite.js';

export interface Counts {
  readonly listed: number;
  readonly tested: number;
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
  readonly notTested: number;
}

export interface SpecificationReport extends Pick<Specification, 'short' | 'title' | 'url' | 'read'> {
  readonly counts: Counts;
  readonly findings: readonly Finding[];
}

export interface Report {
  readonly target: string;
  readonly date: string;
  readonly counts: Counts;
  readonly specifications: readonly SpecificationReport[];
}

export function count(findings: readonly Finding[]): Counts {
  const number = (wanted: Outcome) => findings.filter(({ outcome }) => outcome === wanted).length;
  const passed = number('passed');
  const failed = number('failed');
  return {
    listed: findings.length,
    tested: passed + failed,
    passed,
    failed,
    notApplicable: number('not applicable'),
    notTested: number('not tested'),
  };
}

export function makeReport(
  target: string,
  date: string,
  found: readonly (readonly [Specification, readonly Finding[]])[],
): Report {
  const specifications = found.map(([{ short, title, url, read }, findings]) => ({
    short,
    title,
    url,
    read,
    counts: count(findings),
    findings,
  }));
  return { target, date, counts: count(found.flatMap(([, findings]) => findings)), specifications };
}

const row = (name: string, { listed, tested, passed, failed, notApplicable, notTested }: Counts) =>
  `| ${name} | ${listed} | ${tested} | ${passed} | ${failed} | ${notApplicable} | ${notTested} |`;

const safe = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replace(/\s+/g, ' ');

function statementRow({ id, text, outcome, reason, failures = [] }: Finding): string {
  const more = failures.length > 3 ? [`and ${failures.length - 3} more`] : [];
  const why = reason ?? [...failures.slice(0, 3), ...more].join('; ');
  return `| ${id} | ${safe(text)} | ${outcome}${why === '' ? '' : `: ${safe(why)}`} |`;
}

function specificationText({ title, url, read, counts, findings }: SpecificationReport): string[] {
  const lines = [
    `## ${title}`,
    '',
    `<${url}>, read in ${read}. ${counts.listed} statements listed, ${counts.tested} tested: ${counts.passed} passed, ${counts.failed} failed; ${counts.notApplicable} not applicable, ${counts.notTested} not tested.`,
  ];
  let section = '';
  for (const finding of findings) {
    if (finding.section !== section) {
      section = finding.section;
      lines.push('', `### ${section}`, '', '| id | statement | result |', '|---|---|---|');
    }
    lines.push(statementRow(finding));
  }
  return [...lines, ''];
}

/** The part of docs/conformance.md that a run writes. */
export function reportText({ target, date, counts, specifications }: Report): string {
  return [
    `Run against ${target} on ${date} by \`npm run conformance\`. Each statement below is one MUST of its specification, in our own words, numbered within its section. *Not applicable* says why no black-box test decides it; *not tested* means that we have no test yet.`,
    '',
    '| specification | listed | tested | passed | failed | not applicable | not tested |',
    '|---|---|---|---|---|---|---|',
    ...specifications.map(({ title, counts: one }) => row(title, one)),
    row('**all**', counts),
    '',
    ...specifications.flatMap(specificationText),
  ].join('\n');
}

const begin = '<!-- npm run conformance: begin -->';
const end = '<!-- npm run conformance: end -->';
const opening = `# Conformance

\`npm run conformance\` asks a running service, as a stranger would, whether it keeps the normative statements of the specifications. The tests are our own (scripts/conformance/), written from the texts; what they send is made without any code of the product.
Without arguments it starts agents/conformance.yml in a temporary folder and writes this file and conformance.json. \`-- --target server.json\` asks another server:

\`\`\`json
{
  "name": "Example",
  "headers": { "authorization": "Bearer ..." },
  "selfSigned": true,
  "issuers": [{ "url": "https://example.org/credentials/issue", "issuer": "did:key:z6Mk...", "securing": "eddsa-rdfc-2022", "keyType": "Ed25519" }],
  "verifiers": [{ "url": "https://example.org/credentials/verify", "securing": ["eddsa-rdfc-2022"], "style": "400" }],
  "presentationVerifiers": [{ "url": "https://example.org/presentations/verify", "securing": ["eddsa-rdfc-2022"] }],
  "resolvers": [{ "url": "https://example.org/1.0/identifiers/", "resolvable": ["did:key:z6Mk..."] }]
}
\`\`\`

test/conformance proves the checker: each test goes red for at least one planted fault, and for every single answer that is turned into its opposite.
`;

/** Replaces what an earlier run wrote and leaves the rest of the document alone. */
export function placeText(document: string | undefined, text: string): string {
  const written = `${begin}\n${text}\n${end}`;
  if (document === undefined) return `${opening}\n${written}\n`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n${written}\n`;
  return `${document.slice(0, from)}${written}${document.slice(to + end.length)}`;
}
