/**
 * Reads a "Compliance & Competency" export as a trust has it. The columns, date formats and competence names differ from trust
 * to trust, so they are a mapping (demo/mapping.json); what this file knows is CSV. Problems are told by line, all at once.
 */
import { CsvError, type Options, parse } from 'csv-parse/sync';

/** One entry of the programme's published list of core skills. */
export interface CoreSkill {
  readonly code: string;
  readonly framework: string;
  readonly subjectName: string;
  readonly competencyName: string;
  readonly subjectLevel: string;
  readonly renewalPeriod?: string;
}

/** How to read a trust's export. */
export interface ExportMapping {
  readonly columns: Readonly<Record<'competence' | 'proficiency' | 'expires' | 'compliance' | 'awarded', string>>;
  readonly dateFormats: readonly string[];
  readonly noExpiry: readonly string[];
  readonly compliant: readonly string[];
  readonly proficiencies: Readonly<Record<string, string>>;
  readonly competences: Readonly<Record<string, { readonly code: string } & Partial<CoreSkill>>>;
}

/** A competence that may be issued. */
export interface Competence {
  readonly line: number;
  readonly skill: CoreSkill;
  readonly proficiency?: string;
  readonly awarded: string;
  readonly expires?: string;
}

/** A line that is fine but gives no credential, and why. */
export interface Skipped {
  readonly line: number;
  readonly reason: string;
}

export interface Problem {
  readonly line: number;
  readonly detail: string;
}

/** The export cannot be used; every problem is named. */
export class ExportError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(({ line, detail }) => `line ${line}: ${detail}`).join('\n'));
    this.name = 'ExportError';
    this.problems = problems;
  }
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}
type Cells = Readonly<Record<keyof ExportMapping['columns'], string>>;

/** Two megabytes and two thousand rows: many times what one person has. */
const maximumBytes = 2 * 1024 * 1024;
const maximumRows = 2000;

export interface ReadOptions {
  readonly mapping: ExportMapping;
  readonly coreSkills: readonly CoreSkill[];
  /** What has run out on this day is skipped. */
  readonly today: string;
}

export function readCompetences(file: Buffer, options: ReadOptions): { competences: Competence[]; skipped: Skipped[] } {
  const [header, ...rows] = readRows(file);
  const pick = columnPicker(header, options.mapping);
  const problems: Problem[] = rows.flatMap((row) => refuseFormulas(row));
  const competences: Competence[] = [];
  const skipped: Skipped[] = [];
  for (const row of rows) {
    const result = readRow(row.line, pick(row), options);
    if ('detail' in result) problems.push(result);
    else if ('reason' in result) skipped.push(result);
    else competences.push(result);
  }
  problems.push(...duplicates(competences));
  if (problems.length > 0) throw new ExportError(problems.sort((a, b) => a.line - b.line));
  return { competences, skipped };
}

const csvOptions: Options = {
  bom: true,
  info: true,
  skip_empty_lines: true,
  max_record_size: 64 * 1024,
  to: maximumRows + 2,
};

function readRows(file: Buffer): Row[] {
  if (file.length > maximumBytes) throw new ExportError([{ line: 1, detail: 'the file is larger than 2 MB' }]);
  try {
    const records = parse(decode(file), csvOptions) as unknown as { record: string[]; info: { lines: number } }[];
    if (records.length > maximumRows + 1)
      throw new ExportError([{ line: maximumRows + 2, detail: 'there are too many lines' }]);
    return records.map(({ record, info }) => ({ line: info.lines, cells: record.map((cell) => cell.trim()) }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new ExportError([{ line: Number(cause['lines'] ?? 1), detail: `the line is not good CSV (${cause.code})` }]);
  }
}

/** Exports come in UTF-8 or in Windows' code page 1252; what is not good UTF-8 is the latter. */
function decode(file: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    return new TextDecoder('windows-1252').decode(file);
  }
}

function columnPicker(header: Row | undefined, mapping: ExportMapping): (row: Row) => Cells {
  const names = header?.cells ?? [];
  const missing = Object.values(mapping.columns).filter((column) => !names.includes(column));
  if (missing.length > 0) throw new ExportError([{ line: 1, detail: `there is no column ${missing.join(', ')}` }]);
  const positions = Object.entries(mapping.columns).map(([key, column]) => [key, names.indexOf(column)] as const);
  return (row) => Object.fromEntries(positions.map(([key, at]) => [key, row.cells[at] ?? ''])) as Cells;
}

/** A spreadsheet would run such a cell as a program when somebody opens the file again. */
function refuseFormulas(row: Row): Problem[] {
  const found = row.cells.findIndex((cell) => /^[=+\-@]/.test(cell));
  return found < 0 ? [] : [{ line: row.line, detail: `cell ${found + 1} begins like a formula` }];
}

function readRow(line: number, cells: Cells, options: ReadOptions): Competence | Skipped | Problem {
  const { mapping, today } = options;
  const skill = skillOf(cells.competence, options);
  if (typeof skill === 'string') return { line, detail: skill };
  const awarded = readDate(cells.awarded, mapping.dateFormats);
  if (awarded === undefined) return { line, detail: 'the date last awarded is in none of the date formats' };
  const endless = mapping.noExpiry.includes(cells.expires);
  const expires = endless ? undefined : readDate(cells.expires, mapping.dateFormats);
  if (!endless && expires === undefined) return { line, detail: 'the expiry date is in none of the date formats' };
  if (awarded > today) return { line, detail: 'the date last awarded lies in the future' };
  if (!mapping.compliant.includes(cells.compliance)) return { line, reason: 'not compliant' };
  if (expires !== undefined && expires < today) return { line, reason: 'expired' };
  const proficiency = mapping.proficiencies[cells.proficiency];
  return { line, skill, awarded, ...(expires ? { expires } : {}), ...(proficiency ? { proficiency } : {}) };
}

/** The competence behind a name of the export, or what is wrong. A local competency brings its own words. */
function skillOf(name: string, { mapping, coreSkills }: ReadOptions): CoreSkill | string {
  const mapped = Object.hasOwn(mapping.competences, name) ? mapping.competences[name] : undefined;
  if (mapped === undefined) return 'the mapping does not know this competence name';
  const known = coreSkills.find((skill) => skill.code === mapped.code);
  const { code, subjectName, competencyName, subjectLevel } = { ...known, ...mapped };
  if (!subjectName || !competencyName || !subjectLevel) return `the mapping says too little about ${code}`;
  const framework = known?.framework ?? (code.startsWith('mand-') ? 'MAND' : 'LOCAL');
  const renewalPeriod = mapped.renewalPeriod ?? known?.renewalPeriod;
  return { code, framework, subjectName, competencyName, subjectLevel, ...(renewalPeriod ? { renewalPeriod } : {}) };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The date formats that a mapping may name, each with the day that it finds in a text. */
const dateReaders: Readonly<Record<string, (text: string) => string | undefined>> = {
  'DD-Mon-YYYY': (text) => {
    const [, day, month, year] = /^(\d{2})-([A-Za-z]{3})-(\d{4})$/.exec(text) ?? [];
    return isoDay(year, months.indexOf(month ?? '') + 1, day);
  },
  'YYYY/MM/DD HH:mm:ss': (text) => {
    const [, year, month, day] = /^(\d{4})\/(\d{2})\/(\d{2}) \d{2}:\d{2}:\d{2}$/.exec(text) ?? [];
    return isoDay(year, Number(month), day);
  },
  'YYYY-MM-DD': (text) => {
    const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
    return isoDay(year, Number(month), day);
  },
};

/** A day that exists: 31 February does not. */
function isoDay(year: string | undefined, month: number, day: string | undefined): string | undefined {
  const iso = `${year}-${String(month).padStart(2, '0')}-${day}`;
  const time = Date.parse(`${iso}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso) ? iso : undefined;
}

function readDate(text: string, formats: readonly string[]): string | undefined {
  for (const format of formats) {
    const day = dateReaders[format]?.(text);
    if (day !== undefined) return day;
  }
  return undefined;
}

function duplicates(competences: readonly Competence[]): Problem[] {
  const seen = new Map<string, number>();
  return competences.flatMap(({ line, skill, awarded }) => {
    const key = `${skill.code} ${awarded}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, line);
    return first === undefined ? [] : [{ line, detail: `the same competence and date are on line ${first}` }];
  });
}
