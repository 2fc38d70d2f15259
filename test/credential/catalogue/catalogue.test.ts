import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from '../../../scripts/catalogue/generate.js';
import { type Catalogue, type CredentialType, loadCatalogue } from '../../../src/credential/catalogue/catalogue.js';
import { declaredMembers } from '../../../src/credential/catalogue/schema-tree.js';
import type { JsonObject } from '../../../src/json.js';
import { baseUrl, completeCredential, dataModels, put, root } from './credentials.js';

const catalogue: Catalogue = loadCatalogue({ baseUrl, root });

function typeCalled(name: string): CredentialType {
  const type = catalogue.find(`${name}Credential`);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

const firstRelease = [
  'StaffIdentity',
  'RightToWork',
  'DbsCheck',
  'ProfessionalRegistration',
  'EmploymentAssignment',
  'EmploymentHistory',
  'CoreSkill',
  'OccupationalHealthClearance',
  'ImmunisationStatus',
  'TemporaryPlacement',
  'TrainingProgramme',
  'TrainingPlacement',
];

describe('the published files', () => {
  test('are what the generator writes', () => {
    for (const [path, text] of generatedFiles())
      expect([path, readFileSync(join(root, path), 'utf8')]).toEqual([path, text]);
  });

  test('cover the first release', () => {
    expect(catalogue.types.map(({ type }) => type)).toEqual(firstRelease.map((name) => `${name}Credential`));
  });

  test('name the programme instead of the placeholder, and are pinned after that', () => {
    for (const { body } of catalogue.documents.values()) expect(body).not.toContain('programme.invalid');
    for (const type of catalogue.types) {
      expect(type.schemaId).toBe(`${baseUrl}/schemas/${type.type}/v1.json`);
      const published = catalogue.documents.get(`/schemas/${type.type}/v1.json`)?.body ?? '';
      expect(type.schemaDigestSri).toBe(`sha256-${createHash('sha256').update(published).digest('base64')}`);
      expect(JSON.parse(published)).toMatchObject({ $id: type.schemaId });
    }
  });

  test('are the same bytes for each agent of a programme', () => {
    const again = loadCatalogue({ baseUrl, root });
    expect([...again.documents]).toEqual([...catalogue.documents]);
  });

  test('define every term of the vocabulary with words for people', () => {
    expect(catalogue.vocabulary.length).toBeGreaterThan(100);
    for (const term of catalogue.vocabulary) expect(term).toMatchObject({ title: /\S/, description: /\S/ });
  });

  test('describe each member of each schema', () => {
    for (const type of catalogue.types) {
      for (const { schema } of declaredMembers(type.schema)) {
        expect(String(schema['title']).length).toBeGreaterThan(1);
        expect(String(schema['description'])).toMatch(/\.$/);
      }
    }
  });

  test('hold the 24 core skills, each level including the lower ones', () => {
    expect(catalogue.coreSkills.competencies).toHaveLength(24);
    expect(catalogue.coreSkills.find('cstf-resus-3-adult')?.subsumes).toContain('cstf-resus-2-adult');
    expect(catalogue.coreSkills.find('cstf-fire')?.renewalPeriod).toBe('P2Y');
  });
});

describe('looking a type up', () => {
  test('works by name, by schema and by the types of a credential', () => {
    const type = typeCalled('DbsCheck');
    expect(catalogue.bySchemaId(type.schemaId)).toBe(type);
    expect(catalogue.typeOf({ type: ['VerifiableCredential', 'DbsCheckCredential'] })).toBe(type);
  });

  test.each([
    [{}],
    [{ type: 'VerifiableCredential' }],
    [{ type: ['VerifiableCredential', 'constructor'] }],
    [{ type: ['DbsCheckCredential', 'CoreSkillCredential'] }],
    [{ type: [{ a: 1 }, 7] }],
  ])('finds nothing for %j', (credential) => {
    expect(catalogue.typeOf(credential as JsonObject)).toBeUndefined();
  });
});

describe.each(firstRelease)('%s', (name) => {
  const type = typeCalled(name);

  test.each(dataModels)('its example is valid in data model %s, with and without a proof', (dataModel) => {
    const credential = completeCredential(type, dataModel);
    expect(type.validate(credential)).toEqual([]);
    expect(type.validate({ ...credential, proof: { type: 'DataIntegrityProof' } })).toEqual([]);
  });

  test('its example leaves to the issuer what only the issuer decides', () => {
    expect(Object.keys(type.example)).not.toEqual(expect.arrayContaining(['issuer']));
    expect(type.example).not.toHaveProperty('credentialStatus');
    expect(type.example).not.toHaveProperty('proof');
  });

  test('a single entry of a Token Status List is a status, among others or of another type it is not', () => {
    const entry = {
      id: 'https://rxa.example/l#1',
      statusListIndex: '1',
      statusListCredential: 'https://rxa.example/l',
    };
    const token = { ...entry, type: 'TokenStatusListEntry' };
    const credential = completeCredential(type, '1.1');
    expect(type.validate({ ...credential, credentialStatus: token })).toEqual([]);
    for (const credentialStatus of [[token], [token, token], { ...entry, type: 'Other' }, {}]) {
      expect(type.validate({ ...credential, credentialStatus })[0]?.path).toMatch(/^\/credentialStatus/);
    }
  });

  test('a pending status is no fault, a missing one is', () => {
    const credential = put(completeCredential(type, '2.0'), '/credentialStatus', undefined);
    expect(type.validate(credential, { pending: ['credentialStatus'] })).toEqual([]);
    expect(type.validate(credential)).toEqual([{ path: '/credentialStatus', detail: 'is required' }]);
  });

  test('the validity of one data model is refused in the other', () => {
    const credential = put(completeCredential(type, '2.0'), '/issuanceDate', '2026-11-21T09:00:00Z');
    expect(type.validate(credential)).toEqual([{ path: '/issuanceDate', detail: 'is not allowed here' }]);
    const older = put(completeCredential(type, '1.1'), '/validFrom', '2026-11-21T09:00:00Z');
    expect(type.validate(older)).toEqual([{ path: '/validFrom', detail: 'is not allowed here' }]);
  });

  test.each([
    '',
    '/credentialSubject',
    '/issuer',
    '/evidence/0',
    '/evidence/0/provider',
    '/credentialStatus/0',
    '/credentialSchema',
  ])('an unknown member in %j is refused by its name', (place) => {
    const credential = put(completeCredential(type, '2.0'), `${place}/nhsNumber`, '9434765919');
    expect(type.validate(credential)).toEqual([
      { path: `${place}/nhsNumber`, detail: 'is not a member of this type of credential' },
    ]);
  });

  test('each required claim is missed, each claim of the wrong kind is found', () => {
    const members = [...declaredMembers(type.schema)].filter(
      ({ path }) => path[0] === 'credentialSubject' && path.length === 2,
    );
    for (const { path, required } of members) {
      const pointer = `/${path.join('/')}`;
      const without = type.validate(put(completeCredential(type, '2.0'), pointer, undefined));
      if (required) expect(without).toContainEqual({ path: pointer, detail: 'is required' });
      const wrong = type.validate(put(completeCredential(type, '2.0'), pointer, 42));
      expect(wrong.map((fault) => fault.path)).toContain(pointer);
    }
  });
});

describe('what the schemas refuse', () => {
  const subject = '/credentialSubject';
  test.each<[string, string, Record<string, unknown>, string]>([
    [
      'a GPG 45 profile of another form',
      'StaffIdentity',
      { [`${subject}/gpg45Profile`]: 'X9' },
      `${subject}/gpg45Profile`,
    ],
    ['a day that does not exist', 'StaffIdentity', { [`${subject}/birthDate`]: '1991-02-30' }, `${subject}/birthDate`],
    [
      'a photograph address without a digest',
      'StaffIdentity',
      { [`${subject}/photoUrl`]: 'https://trust.example/p', [`${subject}/photoDigest`]: undefined },
      `${subject}/photoDigest`,
    ],
    [
      'a time-limited permission without an end',
      'RightToWork',
      { [`${subject}/statutoryExcuseUntil`]: undefined },
      `${subject}/statutoryExcuseUntil`,
    ],
    [
      'an end for a List A document',
      'RightToWork',
      { [`${subject}/basis`]: 'ListA' },
      `${subject}/statutoryExcuseUntil`,
    ],
    [
      'barred lists below the level that has them',
      'DbsCheck',
      { [`${subject}/checkType`]: 'Enhanced' },
      `${subject}/adultsBarredListChecked`,
    ],
    [
      'the highest level without a barred list',
      'DbsCheck',
      { [`${subject}/adultsBarredListChecked`]: false, [`${subject}/childrensBarredListChecked`]: false },
      subject,
    ],
    [
      'another decision than Suitable',
      'DbsCheck',
      { [`${subject}/employerDecision`]: 'NotSuitable' },
      `${subject}/employerDecision`,
    ],
    [
      'new information from the Update Service',
      'DbsCheck',
      { [`${subject}/updateService/result`]: 'NewInformation' },
      `${subject}/updateService/result`,
    ],
    [
      'an NMC PIN of another form',
      'ProfessionalRegistration',
      { [`${subject}/registrationNumber`]: '1234567' },
      `${subject}/registrationNumber`,
    ],
    [
      'a licence to practise outside the GMC',
      'ProfessionalRegistration',
      { [`${subject}/registrationStatus`]: 'RegisteredWithLicence' },
      `${subject}/body`,
    ],
    [
      'a fixed term without an end',
      'EmploymentAssignment',
      { [`${subject}/assignmentCategory`]: 'FixedTermTemp' },
      `${subject}/fixedTermEndDate`,
    ],
    ['an employment that never lapses', 'EmploymentAssignment', { '/validUntil': undefined }, '/validUntil'],
    [
      'a restriction without a review',
      'OccupationalHealthClearance',
      { [`${subject}/outcome`]: 'TemporarilyRestricted', [`${subject}/reviewDate`]: undefined },
      `${subject}/reviewDate`,
    ],
    [
      'a licence to attend without its terms',
      'TemporaryPlacement',
      { [`${subject}/termsDigest`]: undefined },
      `${subject}/termsDigest`,
    ],
    ['a renewal period without an end', 'CoreSkill', { [`${subject}/dateTo`]: undefined }, `${subject}/dateTo`],
    [
      'a local code in the national framework',
      'CoreSkill',
      { [`${subject}/competencyCode`]: 'local-1' },
      `${subject}/competencyCode`,
    ],
    [
      'a status list without revocation',
      'CoreSkill',
      { '/credentialStatus/0/statusPurpose': 'suspension' },
      '/credentialStatus',
    ],
    ['an issuer that is not a did:web', 'CoreSkill', { '/issuer/id': 'did:key:z6Mk' }, '/issuer/id'],
    ['evidence of another type', 'CoreSkill', { '/evidence/0/type': ['DocumentVerification'] }, '/evidence/0/type/0'],
    ['a verifier that is no organisation', 'CoreSkill', { '/evidence/0/verifier': 'Somebody' }, '/evidence/0/verifier'],
    [
      'a further type',
      'CoreSkill',
      { '/type': ['VerifiableCredential', 'CoreSkillCredential', 'DbsCheckCredential'] },
      '/type',
    ],
    [
      'the schema of another type',
      'CoreSkill',
      { '/credentialSchema/id': `${baseUrl}/schemas/DbsCheckCredential/v1.json` },
      '/credentialSchema/id',
    ],
    [
      'a context that is not the type’s',
      'CoreSkill',
      { '/@context/1': 'https://elsewhere.example/context' },
      '/@context',
    ],
  ])('%s', (_what, name, changes, path) => {
    const credential = completeCredential(typeCalled(name), '2.0');
    for (const [pointer, value] of Object.entries(changes)) put(credential, pointer, value);
    const faults = typeCalled(name).validate(credential);
    expect(faults.map((fault) => fault.path)).toContain(path);
  });

  test.each<[string, string, string, boolean]>([
    ['GMC', 'the GMC', '0123456', true],
    ['GMC', 'the GMC', '123456', false],
    ['HCPC', 'the HCPC', 'PH123456', true],
    ['HCPC', 'the HCPC', 'P123456', false],
    ['GPhC', 'the GPhC', '2012345', true],
    ['GPhC', 'the GPhC', '1012345', false],
    ['GDC', 'the GDC', '12345', true],
    ['GOC', 'the GOC', '01-12345', true],
    ['GOC', 'the GOC', '0112345', false],
    ['SWE', 'a body without a form of its own', 'SW12345', true],
  ])('%s: whether %s numbers like %s are accepted is %s', (body, _words, number, accepted) => {
    const credential = completeCredential(typeCalled('ProfessionalRegistration'), '2.0');
    put(put(credential, '/credentialSubject/body', body), '/credentialSubject/registrationNumber', number);
    expect(typeCalled('ProfessionalRegistration').validate(credential)).toHaveLength(accepted ? 0 : 1);
  });
});

describe('rules between members', () => {
  const subject = '/credentialSubject';
  test.each<[string, string, Record<string, unknown>, string]>([
    ['the host is the issuer', 'TemporaryPlacement', { '/issuer/odsCode': 'RXA' }, `${subject}/host/odsCode`],
    [
      'the host is not the home employer',
      'TemporaryPlacement',
      { [`${subject}/homeEmployer/odsCode`]: 'RXB' },
      `${subject}/host/odsCode`,
    ],
    [
      'a placement does not end before it starts',
      'TemporaryPlacement',
      { [`${subject}/startDate`]: '2028-01-01' },
      `${subject}/startDate`,
    ],
    [
      'a credential ends with the placement',
      'TemporaryPlacement',
      { '/validUntil': '2027-12-06T00:00:00Z' },
      '/validUntil',
    ],
    ['a core skill credential ends with the skill', 'CoreSkill', { '/validUntil': undefined }, '/validUntil'],
    [
      'a competency is in the list',
      'CoreSkill',
      { [`${subject}/competencyCode`]: 'cstf-juggling' },
      `${subject}/competencyCode`,
    ],
    [
      'a competency has the level of the list',
      'CoreSkill',
      { [`${subject}/subjectLevel`]: '3' },
      `${subject}/subjectLevel`,
    ],
    [
      'a competency has the name of the list',
      'CoreSkill',
      { [`${subject}/competencyName`]: 'Resuscitation' },
      `${subject}/competencyName`,
    ],
    [
      'an employment does not end before it starts',
      'EmploymentHistory',
      { [`${subject}/periods/1/endDate`]: '2013-01-01' },
      `${subject}/periods/1/startDate`,
    ],
    [
      'a disease is listed once',
      'ImmunisationStatus',
      { [`${subject}/diseases/1/disease`]: 'HBV' },
      `${subject}/diseases/1/disease`,
    ],
  ])('%s', (_rule, name, changes, path) => {
    const credential = completeCredential(typeCalled(name), '2.0');
    for (const [pointer, value] of Object.entries(changes)) put(credential, pointer, value);
    const faults = typeCalled(name).validate(credential);
    expect(faults).toEqual([{ path, detail: expect.any(String) }]);
  });

  test('the end of validity is found in the older data model too', () => {
    const credential = put(
      completeCredential(typeCalled('TrainingPlacement'), '1.1'),
      '/expirationDate',
      '2027-08-04T00:00:00Z',
    );
    expect(
      typeCalled('TrainingPlacement')
        .validate(credential)
        .map(({ path }) => path),
    ).toEqual(['/expirationDate']);
  });

  test('a time zone does not stretch the last day', () => {
    const late = put(
      completeCredential(typeCalled('TrainingPlacement'), '2.0'),
      '/validUntil',
      '2027-08-03T23:59:59-05:00',
    );
    expect(typeCalled('TrainingPlacement').validate(late)).toHaveLength(1);
  });
});

describe('the texts of faults', () => {
  test('repeat nothing that was sent', () => {
    const secret = 'Zebedee-9434765919';
    for (const type of catalogue.types) {
      const members = [...declaredMembers(type.schema)].filter(
        ({ path }) => path.length < 3 && !path.includes('proof'),
      );
      for (const { path } of members) {
        const credential = put(completeCredential(type, '2.0'), `/${path.join('/')}`, secret);
        expect(JSON.stringify(type.validate(credential))).not.toContain(secret);
      }
    }
  });

  test('leave out a member name that no schema would use', () => {
    const type = typeCalled('CoreSkill');
    const credential = put(completeCredential(type, '2.0'), '/credentialSubject/Zebedee Quill 9434765919', true);
    expect(type.validate(credential)).toEqual([
      { path: '/credentialSubject', detail: 'is not a member of this type of credential' },
    ]);
  });

  test('are few even when everything is wrong', () => {
    const type = typeCalled('CoreSkill');
    const credential = completeCredential(type, '2.0');
    for (let index = 0; index < 5000; index += 1) credential[`extra${index}`] = index;
    expect(type.validate(credential).length).toBeLessThanOrEqual(50);
  });
});

describe('what wallets are told of a type', () => {
  const identity = typeCalled('StaffIdentity');
  const published = (type: CredentialType): JsonObject =>
    JSON.parse(catalogue.documents.get(`/vct/${type.type}/v1`)?.body ?? '{}') as JsonObject;

  test('stands in the document at vct, which is pinned by its digest', () => {
    for (const type of catalogue.types) {
      const { body, contentType } = catalogue.documents.get(new URL(type.sdJwtVc.vct).pathname) ?? { body: '' };
      expect(contentType).toBe('application/json');
      expect(type.sdJwtVc.integrity).toBe(`sha256-${createHash('sha256').update(body).digest('base64')}`);
      expect(JSON.parse(body)).toMatchObject({
        vct: type.sdJwtVc.vct,
        name: type.type,
        'schema_uri#integrity': type.schemaDigestSri,
        display: [{ locale: 'en-GB', name: type.title, description: type.description }],
      });
    }
  });

  test('names every claim by its path and title, and says which are hidden until they are shown', () => {
    const claims = published(identity)['claims'] as JsonObject[];
    const byPath = new Map(claims.map((claim) => [JSON.stringify(claim['path']), claim]));
    expect(byPath.get('["birthDate"]')).toMatchObject({ sd: 'always', mandatory: true });
    expect(byPath.get('["legalGender"]')).toMatchObject({ sd: 'always', mandatory: false });
    expect(byPath.get('["legalFamilyName"]')).toEqual({
      path: ['legalFamilyName'],
      display: [
        { locale: 'en-GB', label: 'Legal family name', description: 'The family name as on the identity document.' },
      ],
      mandatory: true,
      sd: 'never',
    });
    expect(byPath.has('["id"]')).toBe(false);
  });

  test('reaches into lists with null, where each item is hidden by itself', () => {
    const { claims } = typeCalled('ImmunisationStatus');
    const at = (path: unknown) => claims.find((claim) => JSON.stringify(claim.path) === JSON.stringify(path));
    expect(at(['diseases'])).toMatchObject({ mandatory: true, selectivelyDisclosable: false });
    expect(at(['diseases', null])).toMatchObject({ mandatory: false, selectivelyDisclosable: true });
    expect(at(['diseases', null, 'lastDate'])).toMatchObject({ mandatory: false, selectivelyDisclosable: false });
  });

  test('has words for every claim that a wallet lists, and a hidden claim for each that the catalogue names', () => {
    for (const { claims, sdJwtVc } of catalogue.types) {
      for (const { display } of claims) expect(display[0]?.label).toMatch(/\S/);
      expect(claims.filter((claim) => claim.selectivelyDisclosable)).toHaveLength(
        sdJwtVc.selectivelyDisclosable.length,
      );
    }
  });
});
