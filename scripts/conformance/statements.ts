/** The normative statements of each specification, in our own words, by section (statements/<spec>.json). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One MUST of a specification. */
export interface Statement {
  /** Short name of the specification, section, number within the section. */
  readonly id: string;
  readonly text: string;
  /** Why no black-box test can decide it, or why it addresses somebody else than a server. */
  readonly notApplicable?: string;
}

export interface Specification {
  readonly short: string;
  readonly title: string;
  readonly url: string;
  /** Repository, commit and date of the text that was read. */
  readonly read: string;
  readonly sections: readonly { readonly section: string; readonly statements: readonly Statement[] }[];
}

const folder = join(import.meta.dirname, 'statements');

/** In the order of the report; what stands in the folder and not here is forgotten by nobody: listFaults says so. */
const order = [
  'vcdm',
  'data-integrity',
  'di-eddsa',
  'di-ecdsa',
  'bitstring',
  'vc-jose-cose',
  'vc-json-schema',
  'vcalm',
  'did-resolution',
  'did-key',
  'did-web',
];

export function loadSpecifications(): Specification[] {
  return order.map((name) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Specification);
}

function forgottenFiles(): string[] {
  return readdirSync(folder).filter((name) => !order.includes(name.replace(/\.json$/, '')));
}

export function statementsOf(specification: Specification): Statement[] {
  return specification.sections.flatMap(({ statements }) => statements);
}

/** What is wrong with the lists: an id twice, an id outside its section, a test for no statement or for a closed one. */
export function listFaults(
  specifications: readonly Specification[],
  tests: Readonly<Record<string, unknown>>,
): string[] {
  const listed = specifications.flatMap(({ short, sections }) =>
    sections.flatMap(({ section, statements }) =>
      statements.map((statement) => ({ statement, prefix: `${short}-${section.split(' ')[0]}-` })),
    ),
  );
  const ids = listed.map(({ statement }) => statement.id);
  const misplaced = listed.filter(({ statement, prefix }) => !statement.id.startsWith(prefix));
  const closed = listed.filter(({ statement }) => statement.notApplicable !== undefined && statement.id in tests);
  return [
    ...forgottenFiles().map((name) => `${name}: is not in the order of the report`),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: listed twice`),
    ...misplaced.map(({ statement }) => `${statement.id}: stands in another section`),
    ...closed.map(({ statement }) => `${statement.id}: there is a test but the statement is listed as not applicable`),
    ...Object.keys(tests)
      .filter((id) => !ids.includes(id))
      .map((id) => `${id}: there is a test but no statement`),
  ];
}
