import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CoreSkill, ExportError, readCompetences } from '../../scripts/demo/competence-export.js';
import { type Claims, type Mapping, readHomeCredentials, readHostCredentials } from '../../scripts/demo/passport.js';
import { loadCatalogue } from '../../src/credential/catalogue/catalogue.js';
import type { JsonObject } from '../../src/json.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = join(root, 'demo');
const now = new Date('2026-11-21T09:00:00Z');
const catalogue = loadCatalogue({ baseUrl: 'https://authority.example', root });

/** The 11 core skills of a registered nurse who moves to a ward for a time. */
const wardNurseSkills = [
  'cstf-conflict-resolution',
  'cstf-edhr',
  'cstf-fire',
  'cstf-hsw',
  'cstf-igds',
  'cstf-ipc-2',
  'cstf-mh-2',
  'cstf-prevent-basic',
  'cstf-resus-2-adult',
  'cstf-safeguarding-adults-2',
  'cstf-safeguarding-children-2',
];

function faultsOf(draft: Claims, odsCode: string) {
  const credential = draft as JsonObject;
  const type = catalogue.typeOf(credential);
  if (type === undefined) throw new Error('not a type of the catalogue');
  const complete: JsonObject = {
    ...credential,
    '@context': [...type.contexts['2.0']],
    id: 'urn:uuid:3f0f6b52-98a1-4a35-8a0e-2f9c2a1d6b77',
    issuer: { id: 'did:web:trust.example', name: 'A trust', odsCode },
    validFrom: now.toISOString(),
    credentialSchema: { id: type.schemaId, type: 'JsonSchema' },
  };
  return type.validate(complete, { pending: ['credentialStatus'] });
}

test('the example of an offer holds what HR may offer', () => {
  const { credentials } = JSON.parse(readFileSync(join(data, 'offer.json'), 'utf8')) as {
    credentials: { credential: Claims & { credentialSubject: Claims } }[];
  };
  for (const { credential } of credentials) {
    expect(credential.credentialSubject).not.toHaveProperty('id');
    const held = { ...credential, credentialSubject: { ...credential.credentialSubject, id: 'did:example:holder' } };
    expect(faultsOf(held, 'RXA')).toEqual([]);
  }
});

function subjectOf(item: { credential: Claims }): Claims {
  return item.credential['credentialSubject'] as Claims;
}

describe('the files of the demonstration', () => {
  test('give credentials that the catalogue accepts', async () => {
    const home = await readHomeCredentials(data, 'RXA', now);
    const host = await readHostCredentials(data, 'RXB');
    for (const { title, credential } of home) expect([title, faultsOf(credential, 'RXA')]).toEqual([title, []]);
    for (const { title, credential } of host) expect([title, faultsOf(credential, 'RXB')]).toEqual([title, []]);
  });

  test('give every type that a temporary mover needs, and every skill of a ward nurse', async () => {
    const items = [...(await readHomeCredentials(data, 'RXA', now)), ...(await readHostCredentials(data, 'RXB'))];
    const types = new Set(items.map(({ credential }) => (credential['type'] as string[])[1]));
    expect([...types].sort()).toEqual([
      'CoreSkillCredential',
      'DbsCheckCredential',
      'EmploymentAssignmentCredential',
      'EmploymentHistoryCredential',
      'ImmunisationStatusCredential',
      'OccupationalHealthClearanceCredential',
      'ProfessionalRegistrationCredential',
      'RightToWorkCredential',
      'StaffIdentityCredential',
      'TemporaryPlacementCredential',
    ]);
    const codes = items.map((item) => subjectOf(item)['competencyCode']);
    expect(codes).toEqual(expect.arrayContaining(wardNurseSkills));
  });

  test('are all about one holder, under one identifier for each issuer', async () => {
    const home = (await readHomeCredentials(data, 'RXA', now)).map(subjectOf);
    const host = (await readHostCredentials(data, 'RXB')).map(subjectOf);
    expect(new Set([...home, ...host].map(({ id }) => id)).size).toBe(1);
    expect(new Set(home.map(({ personBindingId }) => personBindingId)).size).toBe(1);
    expect(host[0]?.['personBindingId']).not.toBe(home[0]?.['personBindingId']);
  });

  test('leave out what has expired', async () => {
    const later = await readHomeCredentials(data, 'RXA', new Date('2027-10-20T00:00:00Z'));
    expect(later.map((item) => subjectOf(item)['competencyCode'])).not.toContain('cstf-resus-2-adult');
  });
});

describe('a newcomer edits a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo-'));
    cpSync(data, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function edit(file: string, change: (text: string) => string): void {
    const path = join(folder, file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }

  test('and it is what gets issued', async () => {
    edit('rxa/staff-record.json', (text) => text.replaceAll('Quillfeather', 'Marlowe'));
    const [identity] = await readHomeCredentials(folder, 'RXA', now);
    expect(subjectOf(identity!)['legalFamilyName']).toBe('Marlowe');
  });

  test('and the licence to attend is bound by its text', async () => {
    const [before] = await readHostCredentials(folder, 'RXB');
    edit('rxb/licence-to-attend.txt', (text) => `${text}6. A further clause.\n`);
    const [after] = await readHostCredentials(folder, 'RXB');
    expect(subjectOf(after!)['termsDigest']).not.toBe(subjectOf(before!)['termsDigest']);
  });

  test('and a check that nobody knows is named', async () => {
    edit('rxa/staff-record.json', (text) => text.replace('"dbs":', '"horoscope":'));
    await expect(readHomeCredentials(folder, 'RXA', now)).rejects.toThrow('checks.horoscope');
  });

  test('and a broken file is named', async () => {
    edit('rxa/staff-record.json', (text) => text.slice(0, 100));
    await expect(readHomeCredentials(folder, 'RXA', now)).rejects.toThrow('staff-record.json is not JSON');
    edit('rxa/staff-record.json', () => readFileSync(join(data, 'rxa/staff-record.json'), 'utf8'));
    edit('rxa/competence-export.csv', (text) => text.replace('14-May-2026', '14-Mai-2026'));
    await expect(readHomeCredentials(folder, 'RXA', now)).rejects.toThrow(/competence-export\.csv.*\n.*line 2:/);
  });
});

describe('a competence export', () => {
  const mapping = (JSON.parse(readFileSync(join(data, 'mapping.json'), 'utf8')) as Mapping).competenceExport;
  const { competencies } = JSON.parse(readFileSync(join(root, 'schemas/core-skills/v1.json'), 'utf8')) as {
    competencies: CoreSkill[];
  };
  const text = readFileSync(join(data, 'rxa/competence-export.csv'), 'utf8');
  const header = text.split('\n')[0] ?? '';
  const fire =
    'NHS|CSTF|Fire Safety - 2 Years|,Assessed,,Yes,09-Sep-2028,GREEN,Fire,09-Sep-2024,09-Sep-2026,Ms,OLM,457';

  function read(file: string | Buffer) {
    return readCompetences(Buffer.from(file), { mapping, coreSkills: competencies, today: '2026-11-21' });
  }

  function problemsOf(file: string | Buffer): readonly { line: number; detail: string }[] {
    try {
      read(file);
    } catch (error) {
      if (error instanceof ExportError) return error.problems;
      throw error;
    }
    return [];
  }

  test('has the header of a real one', () => {
    expect(header).toBe(
      'Competency Name,Competence Level,Min Requirement,Essential,Expiry Date,Compliance Status,Description,Date Start,Date Last Awarded,Title,Last Updated By,VPD',
    );
  });

  test('is read with both of its date formats, quoted line breaks and names with pipes', () => {
    const { competences, skipped } = read(text);
    expect(competences).toHaveLength(12);
    expect(competences.find(({ skill }) => skill.code === 'cstf-mh-2')).toMatchObject({
      awarded: '2026-06-18',
      expires: '2028-06-18',
      proficiency: 'Assessed',
    });
    expect(competences.find(({ skill }) => skill.framework === 'LOCAL')).not.toHaveProperty('expires');
    expect(skipped).toEqual([{ line: 14, reason: 'not compliant' }]);
  });

  test.each<[string, (file: string) => string | Buffer]>([
    ['with a byte order mark', (file) => `\uFEFF${file}`],
    ['with CRLF', (file) => file.replaceAll('\n', '\r\n')],
    ['in code page 1252', (file) => Buffer.from(file.replace('HARRIS', 'HARRÉS'), 'latin1')],
    ['with empty lines at its end', (file) => `${file}\n\n`],
  ])('is read the same %s', (_form, change) => {
    expect(read(change(text)).competences).toHaveLength(12);
  });

  test.each(['=1+1', '+44', '-1', '@SUM(A1)', '"=cmd|calc"'])('is refused with the cell %s', (cell) => {
    expect(problemsOf(`${header}\n${fire.replace(',Fire,', `,${cell},`)}`)).toEqual([
      { line: 2, detail: 'cell 7 begins like a formula' },
    ]);
  });

  test('has all its problems told by line', () => {
    const lines = [
      fire,
      fire.replace('Fire Safety', 'Juggling'),
      fire.replace('09-Sep-2026', '31-Feb-2026'),
      fire.replace('09-Sep-2028', 'soon'),
      fire.replace('09-Sep-2026', '09-Sep-2027'),
      fire,
    ];
    expect(problemsOf([header, ...lines].join('\n'))).toEqual([
      { line: 3, detail: 'the mapping does not know this competence name' },
      { line: 4, detail: 'the date last awarded is in none of the date formats' },
      { line: 5, detail: 'the expiry date is in none of the date formats' },
      { line: 6, detail: 'the date last awarded lies in the future' },
      { line: 7, detail: 'the same competence and date are on line 2' },
    ]);
  });

  test.each<[string, string | Buffer, number, RegExp]>([
    ['a column is missing', text.replace('Expiry Date', 'Ends'), 1, /no column Expiry Date/],
    ['a line is too short', `${header}\n${fire}\nonly,two`, 3, /CSV_RECORD_INCONSISTENT/],
    ['a quotation mark stays open', `${header}\n${fire}\n"${fire}`, 3, /CSV_QUOTE_NOT_CLOSED/],
    ['it has too many lines', [header, ...Array.from({ length: 2002 }, () => fire)].join('\n'), 2002, /too many/],
    ['it is too large', Buffer.alloc(2 * 1024 * 1024 + 1, 'a'), 1, /2 MB/],
    ['it is empty', '', 1, /no column/],
  ])('is refused when %s', (_what, file, line, detail) => {
    const [problem] = problemsOf(file);
    expect(problem).toEqual({ line, detail: expect.stringMatching(detail) });
  });

  test('an expired line is passed over and said so', () => {
    const { competences, skipped } = read(
      `${header}\n${fire.replace('09-Sep-2028', '09-Sep-2025').replace('09-Sep-2026', '09-Sep-2023')}`,
    );
    expect([competences, skipped]).toEqual([[], [{ line: 2, reason: 'expired' }]]);
  });
});
