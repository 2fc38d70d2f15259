import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue } from '../../../src/credential/catalogue/catalogue.js';
import { patternProblem } from '../../../src/credential/catalogue/linear-pattern.js';
import { forbiddenNames, normalisedName } from '../../../src/credential/catalogue/lint.js';
import { ServiceError } from '../../../src/errors.js';
import { baseUrl, put, root } from './credentials.js';

/** A private copy of the catalogue; each test puts back what it changed. */
const folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
const parts = ['schemas', 'contexts'];
for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
const touched = new Set<string>();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const path of touched) cpSync(join(root, path), join(folder, path));
  touched.clear();
});

function overwrite(path: string, text: string): void {
  touched.add(path);
  writeFileSync(join(folder, path), text);
}

function sabotage(path: string, pointer: string, value: unknown): void {
  const current = JSON.parse(readFileSync(join(folder, path), 'utf8'));
  overwrite(path, JSON.stringify(put(current, pointer, value)));
}

function problems(): string[] {
  try {
    loadCatalogue({ baseUrl, root: folder });
    return [];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect(error.code).toBe('configuration');
    return error.faults.map((fault) => fault.detail);
  }
}

const schema = 'schemas/DbsCheckCredential/v1.json';
const context = 'contexts/DbsCheckCredential/v1.json';
const subject = '/properties/credentialSubject/properties';
const text = { type: 'string', title: 'A title', description: 'A description.', maxLength: 10 };

describe('a catalogue does not load', () => {
  test('unless nothing is wrong with it', () => expect(problems()).toEqual([]));

  test.each<[string, string, string, unknown, string]>([
    ['with a patient number', schema, `${subject}/nhsNumber`, text, 'nhsNumber must not be in a credential'],
    [
      'with one in other spelling',
      schema,
      `${subject}/updateService/properties/NHS_Number`,
      text,
      'NHS_Number must not be in a credential',
    ],
    [
      'with what a certificate disclosed',
      schema,
      `${subject}/informationDisclosed`,
      text,
      'informationDisclosed must not be in a credential',
    ],
    ['with free text', schema, `${subject}/notes`, text, 'notes must not be in a credential'],
    [
      'with a forbidden name inside a condition',
      schema,
      '/properties/credentialSubject/allOf/0/then',
      { properties: { religion: { const: 'x' } } },
      'religion must not be in a credential',
    ],
    [
      'with what its own type forbids',
      'schemas/ImmunisationStatusCredential/v1.json',
      `${subject}/diseases/items/properties/result`,
      text,
      'result must not be in a credential',
    ],
    [
      'with a forbidden member in an example',
      'schemas/DbsCheckCredential/example.json',
      '/credentialSubject/homePhone',
      '0',
      'homePhone must not be in a credential',
    ],
    [
      'with a forbidden term',
      context,
      '/@context/ethnicity',
      { '@id': `${baseUrl}/vocabulary#ethnicity` },
      'ethnicity must not be in a credential',
    ],
    [
      'with a repeated group in a pattern',
      schema,
      `${subject}/certificateNumber/pattern`,
      '^(a+)+$',
      '^(a+)+$ repeats a group',
    ],
    [
      'with an open object',
      schema,
      '/properties/credentialSubject/unevaluatedProperties',
      undefined,
      'credentialSubject is an open object',
    ],
    [
      'with an open object in a list',
      schema,
      '/properties/evidence/items/unevaluatedProperties',
      true,
      'evidence item is an open object',
    ],
    ['with an open root', schema, '/unevaluatedProperties', undefined, 'the credential is an open object'],
    [
      'with a member without title',
      schema,
      `${subject}/checkType/title`,
      undefined,
      'credentialSubject/checkType has no title',
    ],
    [
      'with a member without description',
      schema,
      '/properties/evidence/items/properties/origin/description',
      '',
      'evidence/origin has no description',
    ],
    [
      'with a text of any length',
      schema,
      `${subject}/registeredBodyName/maxLength`,
      undefined,
      'credentialSubject/registeredBodyName is a text without a greatest length',
    ],
    [
      'with a list of any length',
      schema,
      '/properties/evidence/maxItems',
      undefined,
      'evidence is a list without a greatest length',
    ],
    [
      'with a schema in pieces',
      schema,
      `${subject}/checkType/$ref`,
      'https://elsewhere.example/x.json',
      '$ref https://elsewhere.example/x.json leaves the file',
    ],
    [
      'with a claim that is no term',
      context,
      '/@context/checkType',
      undefined,
      'checkType is not a term of the context',
    ],
    [
      'with a date that is not typed',
      context,
      '/@context/disclosureIssueDate/@type',
      undefined,
      'disclosureIssueDate is not typed as http://www.w3.org/2001/XMLSchema#date',
    ],
    [
      'with a term of W3C defined anew',
      context,
      '/@context/verificationMethod',
      { '@id': `${baseUrl}/vocabulary#verificationMethod` },
      'the context defines verificationMethod, which is a term of a W3C context',
    ],
    [
      'with a name that W3C defines deep inside',
      context,
      '/@context/status',
      { '@id': `${baseUrl}/vocabulary#status` },
      'the context defines status, which is a term of a W3C context',
    ],
    ['with a default vocabulary', context, '/@context/@vocab', `${baseUrl}/vocabulary#`, 'the context uses @vocab'],
    ['with an unprotected context', context, '/@context/@protected', false, 'the context lacks @protected'],
    ['with a scoped context', context, '/@context/checkType/@context', {}, 'checkType uses @context'],
    [
      'with a term elsewhere',
      context,
      '/@context/checkType/@id',
      'https://elsewhere.example/checkType',
      'checkType is not a term of the vocabulary',
    ],
    [
      'with a rule that nobody knows',
      'schemas/catalogue.json',
      '/types/0/rules/0/rule',
      'sometimes',
      'sometimes is not a rule',
    ],
  ])('%s', (_what, path, pointer, value, problem) => {
    sabotage(path, pointer, value);
    expect(problems()).toContain(problem);
  });

  test('when a term means two things', () => {
    sabotage(context, '/@context/checkMethod/@type', 'http://www.w3.org/2001/XMLSchema#date');
    expect(problems().join()).toContain('defines checkMethod otherwise than another context');
  });

  test('when a file is missing, and says which', () => {
    touched.add(context);
    rmSync(join(folder, context));
    expect(problems().join()).toContain('DbsCheckCredential');
  });

  test('when a file has a member twice', () => {
    overwrite('schemas/catalogue.json', '{"types": [], "types": []}');
    expect(problems()).toHaveLength(1);
  });

  test('when a schema is no JSON Schema', () => {
    sabotage(schema, `${subject}/checkType/minimun`, 3);
    expect(problems().join()).toContain('minimun');
  });

  test('when a core skill is there twice or leads nowhere', () => {
    sabotage('schemas/core-skills/v1.json', '/competencies/0/code', 'cstf-edhr');
    expect(problems().join()).toContain('twice');
    sabotage('schemas/core-skills/v1.json', '/competencies/0/code', 'cstf-other');
    sabotage('schemas/core-skills/v1.json', '/competencies/1/subsumes', ['cstf-nowhere']);
    expect(problems().join()).toContain('cstf-nowhere');
  });
});

describe('the list of forbidden names', () => {
  const { contains, equals } = JSON.parse(readFileSync(join(root, 'schemas/forbidden-properties.json'), 'utf8'));
  const forbidden = { contains: Object.keys(contains), equals: Object.keys(equals) };

  test.each([
    'nhsNumber',
    'nhs-number',
    'NHS_NUMBER',
    'patientNhsNumber',
    'ethnicity',
    'ethnicOrigin',
    'race',
    'religion',
    'religiousBelief',
    'belief',
    'sexualOrientation',
    'sexual_orientation',
    'disability',
    'disabilities',
    'pay',
    'payBand',
    'payBandOrScale',
    'salary',
    'conviction',
    'convictions',
    'criminalRecord',
    'informationDisclosed',
    'notes',
    'freeText',
    'comments',
    'niNumber',
    'NINO',
    'nationalInsuranceNumber',
    'shareCode',
    'rtw_share_code',
    'homePhone',
    'homeTelephone',
    'bank',
    'bankAccountNumber',
    'sortCode',
    'iban',
    'diagnosis',
    'adjustmentDetail',
  ])('has %s', (name) => expect(forbiddenNames([name], forbidden)).toHaveLength(1));

  test.each([
    'assignmentCategory',
    'payload',
    'employer',
    'notAfter',
    'tracer',
    'bankHolidayPattern',
    'phone',
    'registrationNumber',
    'outcome',
  ])('does not catch %s', (name) => expect(forbiddenNames([name], forbidden)).toEqual([]));

  test('is written as names are compared', () => {
    for (const name of [...forbidden.contains, ...forbidden.equals]) expect(normalisedName(name)).toBe(name);
  });
});

describe('a pattern', () => {
  test.each([
    '^\\d{7}$',
    '^[A-Z]{1,2}\\d[A-Z\\d]? \\d[A-Z]{2}$',
    '^https://[^\\s"<>]+$',
    '^P(\\d{1,2}Y|\\d{1,3}M)$',
    '^[^\\u0000-\\u001F]+$',
    '^a\\+b\\*$',
  ])('%s takes linear time', (pattern) => expect(patternProblem(pattern)).toBeUndefined());

  test.each([
    '\\d{7}$',
    '^(a|aa)+$',
    '^(a*)*b$',
    '^(?=a)a$',
    '^(a)\\1$',
    '^a*a*$',
    '^\\s+.*$',
    '^([a-z]{1,9}){2,9}$',
    '^a{1,99}a{1,99}b{1,99}$',
    '^(?<n>a)\\k<n>$',
  ])('%s is refused', (pattern) => expect(patternProblem(pattern)).toEqual(expect.any(String)));
});
