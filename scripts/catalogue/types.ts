/**
 * The claims of the first-release credential types: names and rules of the domain's catalogue. A sensitive claim is left out
 * rather than made optional. Which organisation may issue a type, how far a receiver may rely on it, and rules across members
 * are data for the running service: schemas/catalogue.json.
 */
import {
  type Claims,
  choice,
  code,
  constant,
  contact,
  date,
  flag,
  type JsonObject,
  list,
  organisation,
  record,
  required,
  text,
  webAddress,
} from './claims.js';

export interface TypeSource {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly claims: Claims;
  /** JSON Schema keywords of credentialSubject that span several claims. */
  readonly rules?: JsonObject;
  readonly validUntilRequired?: true;
}

const checkDate = required(date('Date of check', 'The day on which the check was made.'));
const startDate = required(date('Start date', 'The first day.'));
const endDate = required(date('End date', 'The last day.'));

function when(member: string, values: readonly string[], consequence: JsonObject): JsonObject {
  // biome-ignore lint/suspicious/noThenProperty: `then` is a JSON Schema keyword
  return { if: { properties: { [member]: { enum: [...values] } }, required: [member] }, then: consequence };
}

const address = record('Home address', 'The address shown to the checker. Disclosed only on request.', {
  addressLines: required(
    list(
      'Address lines',
      'Building and street, one line each.',
      text('Address line', 'One line of the address.', 100),
      5,
    ),
  ),
  town: text('Town or city', 'The post town.', 100),
  postcode: required(
    code('Postcode', 'A United Kingdom postcode with one space.', '^[A-Z]{1,2}\\d[A-Z\\d]? \\d[A-Z]{2}$'),
  ),
});

const staffIdentity: TypeSource = {
  type: 'StaffIdentityCredential',
  title: 'Staff identity',
  description: 'Who the person is, and how strongly that was proved (Good Practice Guide 45).',
  claims: {
    legalGivenName: required(text('Legal given name', 'The first given name as on the identity document.', 100)),
    middleNames: text('Middle names', 'Further given names as on the identity document.', 150),
    legalFamilyName: required(text('Legal family name', 'The family name as on the identity document.', 100)),
    preferredName: text('Preferred name', 'The name that the person goes by at work.', 100),
    birthDate: required(
      date('Date of birth', 'Used once, to link the person with a record; disclosed only on request.'),
    ),
    legalGender: choice('Legal gender', 'As on the identity document. Disclosed only on request.', [
      'Male',
      'Female',
      'NotSpecified',
      'NotKnown',
    ]),
    nationality: code(
      'Nationality',
      'ISO 3166-1 alpha-3 code of the identity document. Disclosed only on request.',
      '^[A-Z]{3}$',
    ),
    address,
    gpg45Profile: required(
      code(
        'GPG 45 profile',
        'The identity profile that was met, for example H1A: level of confidence, then profile.',
        '^[LMHV][1-3][A-Z]$',
      ),
    ),
    verifiedBy: required(text('Verified by', 'The organisation or the role that made the check.')),
    checkDate,
    documentType: choice('Document type', 'The main document that was seen.', [
      'Passport',
      'DrivingLicence',
      'BiometricResidencePermit',
      'NationalIdentityCard',
      'InPersonDocuments',
    ]),
    documentExpiryDate: date('Document expiry date', 'The last day on which the main document is valid.'),
    photoDigest: code(
      'Photograph digest',
      'Multibase digest of the photograph; the image itself is never in a credential.',
      '^[uz][A-Za-z0-9_-]{40,100}$',
    ),
    photoUrl: webAddress('Photograph address', 'Where the photograph can be fetched by those who are allowed to.'),
  },
  rules: { dependentRequired: { photoUrl: ['photoDigest'] } },
};

const rightToWork: TypeSource = {
  type: 'RightToWorkCredential',
  title: 'Right to work',
  description:
    'That the issuing employer checked the right to work. A new employer must make its own check to have a statutory excuse.',
  claims: {
    basis: required(
      choice(
        'Basis of the check',
        'The kind of check: List A, List B group 1 or 2, online, identity service, or Employer Checking Service notice.',
        ['ListA', 'ListB1', 'ListB2', 'OnlineShareCode', 'IdvtIdsp', 'EcsPvn'],
      ),
    ),
    checkDate,
    statutoryExcuseUntil: date(
      'Statutory excuse until',
      'The last day that this check covers; required whenever the permission is limited in time.',
    ),
    workRestrictions: required(
      choice('Work restrictions', 'Whether the permission limits the work that may be done.', [
        'None',
        'HoursLimit',
        'EmployerTied',
        'Other',
      ]),
    ),
    sponsorRequired: flag('Sponsor required', 'True when the permission depends on a sponsoring employer.'),
    identityDocumentExpiryDate: date(
      'Identity document expiry date',
      'The last day on which the document that was seen is valid.',
    ),
    gpg45Profile: code(
      'GPG 45 profile',
      'The identity profile that was met, when an identity service made the check.',
      '^[LMHV][1-3][A-Z]$',
    ),
    evidenceCheckedBy: text('Evidence checked by', 'The organisation or the role that looked at the evidence.'),
    documentImageDigest: code(
      'Document image digest',
      'Multibase digest of the copy that the issuer keeps; the image itself is never in a credential.',
      '^[uz][A-Za-z0-9_-]{40,100}$',
    ),
  },
  rules: {
    allOf: [
      when('basis', ['ListB1', 'ListB2', 'EcsPvn'], { required: ['statutoryExcuseUntil'] }),
      when('basis', ['ListA'], { properties: { statutoryExcuseUntil: false } }),
      when('workRestrictions', ['HoursLimit', 'EmployerTied'], { required: ['statutoryExcuseUntil'] }),
      when('basis', ['IdvtIdsp'], { required: ['gpg45Profile'] }),
    ],
  },
};

const barredListRules: JsonObject = {
  allOf: [
    when('checkType', ['EnhancedWithBarredLists'], {
      anyOf: [
        { properties: { adultsBarredListChecked: { const: true } } },
        { properties: { childrensBarredListChecked: { const: true } } },
      ],
    }),
    when('checkType', ['Basic', 'Standard', 'Enhanced'], {
      properties: { adultsBarredListChecked: { const: false }, childrensBarredListChecked: { const: false } },
    }),
  ],
};

const dbsCheck: TypeSource = {
  type: 'DbsCheckCredential',
  title: 'DBS check',
  description:
    'That a Disclosure and Barring Service check was made and the employer decided: suitable. It never carries what a certificate disclosed.',
  claims: {
    checkType: required(
      choice('Level of check', 'The level of the DBS check.', [
        'Basic',
        'Standard',
        'Enhanced',
        'EnhancedWithBarredLists',
      ]),
    ),
    workforceType: required(
      choice('Workforce', 'The workforce that the check was made for.', ['Child', 'Adult', 'ChildAndAdult', 'Other']),
    ),
    adultsBarredListChecked: required(
      flag("Adults' barred list checked", "True when the adults' barred list was part of the check."),
    ),
    childrensBarredListChecked: required(
      flag("Children's barred list checked", "True when the children's barred list was part of the check."),
    ),
    disclosureIssueDate: required(date('Certificate issue date', 'The day on which the certificate was issued.')),
    certificateNumber: code('Certificate number', 'Twelve digits. Disclosed only on request.', '^\\d{12}$'),
    registeredBodyNumber: code('Registered body number', 'Eleven digits. Disclosed only on request.', '^\\d{11}$'),
    registeredBodyName: text('Registered body name', 'The body that applied for the check.'),
    employerDecision: required(
      constant('Employer decision', 'Always Suitable: no credential is issued after any other decision.', 'Suitable'),
    ),
    updateService: record('Update Service', 'The last look at the DBS Update Service.', {
      subscribed: required(flag('Subscribed', 'True when the person subscribes to the Update Service.')),
      lastStatusCheckDate: date('Last status check', 'The day of the last status check.'),
      result: constant('Result', 'Always NoNewInformation: any other result needs a new check.', 'NoNewInformation'),
    }),
  },
  rules: barredListRules,
};

/** Registration numbers by body. A body that is not listed gets the general form of the property itself. */
const registrationNumbers: Readonly<Record<string, string>> = {
  GMC: '^\\d{7}$',
  NMC: '^\\d{2}[A-Z]\\d{4}[A-Z]$',
  HCPC: '^[A-Z]{2}\\d{1,6}$',
  GPhC: '^2\\d{6}$',
  GDC: '^\\d{4,6}$',
  GOC: '^\\d{2}-\\d{5}$',
};

const professionalRegistration: TypeSource = {
  type: 'ProfessionalRegistrationCredential',
  title: 'Professional registration',
  description:
    'That the person was on the register of a regulator on a given day. Every employer must look at the live register itself.',
  claims: {
    body: required(
      choice('Regulator', 'The body that keeps the register.', [
        'GMC',
        'NMC',
        'HCPC',
        'GPhC',
        'GDC',
        'GOC',
        'GOsC',
        'GCC',
        'SWE',
        'PSNI',
        'PSA-AR',
      ]),
    ),
    registrationNumber: required(
      code(
        'Registration number',
        'The number or PIN on the register, with its leading zeros.',
        '^[A-Za-z0-9/-]{1,20}$',
      ),
    ),
    registrationStatus: required(
      choice('Registration status', 'What the register said on the day of the check.', [
        'Registered',
        'RegisteredWithLicence',
        'RegisteredWithoutLicence',
        'Provisional',
        'Temporary',
        'Suspended',
        'NotRegistered',
      ]),
    ),
    registerParts: list(
      'Parts of the register',
      'For example RN-Adult for the NMC, or Specialist Register for the GMC.',
      text('Part', 'One part of the register.', 80),
      20,
    ),
    registrationDate: date('Registration date', 'The first day of the registration.'),
    expiryDate: date('Expiry date', 'The last day of the registration as the register shows it.'),
    revalidationDate: date('Revalidation date', 'The day by which the person must revalidate.'),
    registrationCheckDate: required(
      date('Date of register check', 'The day on which the issuer looked at the register.'),
    ),
    conditionsPresent: flag(
      'Conditions present',
      'True when the register shows conditions; which ones is never said. Disclosed only on request.',
    ),
  },
  rules: {
    allOf: [
      ...Object.entries(registrationNumbers).map(([body, pattern]) =>
        when('body', [body], { properties: { registrationNumber: { type: 'string', pattern } } }),
      ),
      when('registrationStatus', ['RegisteredWithLicence', 'RegisteredWithoutLicence'], {
        properties: { body: { const: 'GMC' } },
      }),
    ],
  },
};

const employmentAssignment: TypeSource = {
  type: 'EmploymentAssignmentCredential',
  title: 'Employment assignment',
  description: 'That the person is employed by an organisation in a post.',
  claims: {
    employer: required(organisation('Employer', 'The organisation that employs the person.')),
    department: text('Department', 'The department or the ward.'),
    areaOfWork: text('Area of work', 'The area of work, for example Adult critical care.'),
    staffGroup: required(
      choice('Staff group', 'One of the ten staff groups of the NHS workforce.', [
        'Additional Clinical Services',
        'Additional Professional Scientific and Technical',
        'Administrative and Clerical',
        'Allied Health Professionals',
        'Estates and Ancillary',
        'Healthcare Scientists',
        'Medical and Dental',
        'Nursing and Midwifery Registered',
        'Students – non-medical',
        'Students (medical undergraduate)',
      ]),
    ),
    jobRole: text('Job role', 'The role, for example Staff Nurse.', 100),
    jobTitle: text('Job title', 'The title that the employer uses.', 100),
    assignmentCategory: choice('Assignment category', 'The kind of contract.', [
      'Permanent',
      'FixedTermTemp',
      'Bank',
      'Honorary',
      'Locum',
      'NonExecutive',
    ]),
    assignmentStatus: required(
      choice('Assignment status', 'Whether the assignment is being worked.', [
        'Active',
        'Inactive',
        'Suspended',
        'Terminated',
      ]),
    ),
    effectiveStartDate: required(date('Effective start date', 'The first day of the assignment.')),
    fixedTermEndDate: date('Fixed term end date', 'The last day of a fixed term contract.'),
    occupationCode: code('Occupation code', 'The NHS occupation code, for example N6A.', '^[A-Z0-9]{2,4}$'),
    esrAssignmentNumber: code(
      'ESR assignment number',
      'Eight digits, with the number of the assignment. Disclosed only on request.',
      '^\\d{8}(-\\d{1,3})?$',
    ),
    esrVpd: code('ESR VPD', 'The three digits that identify the employer in ESR.', '^\\d{3}$'),
  },
  rules: when('assignmentCategory', ['FixedTermTemp'], { required: ['fixedTermEndDate'] }),
  validUntilRequired: true,
};

const employmentHistory: TypeSource = {
  type: 'EmploymentHistoryCredential',
  title: 'Employment history',
  description: 'Where the person worked before, as far as the issuer verified it.',
  claims: {
    periods: required(
      list(
        'Periods',
        'One item for each employment, newest first.',
        record('Period', 'One employment.', {
          employerName: required(text('Employer name', 'The name of the employer.')),
          odsCode: code(
            'ODS code',
            'The Organisation Data Service code of the organisation, for example RXA.',
            '^[A-Z0-9]{3,10}$',
          ),
          roleTitle: required(text('Role', 'The title of the role.', 100)),
          startDate,
          endDate: date('End date', 'The last day; absent while the employment lasts.'),
          reasonForLeavingCode: choice('Reason for leaving', 'Why the employment ended, by code only.', [
            'EndOfFixedTerm',
            'VoluntaryResignation',
            'Transfer',
            'Redundancy',
            'Retirement',
            'Other',
          ]),
        }),
        50,
      ),
    ),
    verifiedPeriodFrom: required(date('Verified from', 'The first day of the time that the issuer verified.')),
    verifiedPeriodTo: required(date('Verified to', 'The last day of the time that the issuer verified.')),
    gapsExplained: required(flag('Gaps explained', 'True when every gap within the verified time was explained.')),
  },
};

const coreSkill: TypeSource = {
  type: 'CoreSkillCredential',
  title: 'Core skill',
  description:
    'That the person achieved one competency of the Core Skills Training Framework, or a mandatory or local one.',
  claims: {
    framework: required(
      choice(
        'Framework',
        'CSTF for the Core Skills Training Framework, MAND for other mandatory training, LOCAL for a local competency.',
        ['CSTF', 'MAND', 'LOCAL'],
      ),
    ),
    competencyCode: required(
      code(
        'Competency code',
        'The code of the competency in the published list of core skills.',
        '^(cstf|mand|local)-[a-z0-9-]{1,60}$',
      ),
    ),
    subjectName: required(text('Subject', 'The subject, for example Resuscitation.', 120)),
    competencyName: required(
      text('Competency', 'The competency, for example Resuscitation Adult Basic Life Support.', 160),
    ),
    subjectLevel: required(code('Level', 'The level within the subject.', '^[1-5]$')),
    attainmentStatus: required(
      constant('Attainment', 'Always ACHIEVED: no credential is issued otherwise.', 'ACHIEVED'),
    ),
    proficiency: choice('Proficiency', 'Whether the learning was assessed.', ['Assessed', 'NotAssessed']),
    learningMethod: choice('Learning method', 'How it was learned.', [
      'ELearning',
      'FaceToFace',
      'Blended',
      'Assessment',
    ]),
    awardingOrganisation: required(
      organisation('Awarding organisation', 'The organisation that awarded the competency.'),
    ),
    dateLastAwarded: required(date('Date last awarded', 'The day on which the competency was last achieved.')),
    renewalPeriod: code(
      'Renewal period',
      'ISO 8601 duration after which the issuer asks for a refresh; a receiver applies its own.',
      '^P(\\d{1,2}Y|\\d{1,3}M)$',
    ),
    dateTo: date('Valid to', "The last day by the issuer's own renewal period."),
  },
  rules: {
    dependentRequired: { renewalPeriod: ['dateTo'] },
    allOf: [
      when('framework', ['CSTF'], { properties: { competencyCode: { type: 'string', pattern: '^cstf-' } } }),
      when('framework', ['MAND'], { properties: { competencyCode: { type: 'string', pattern: '^mand-' } } }),
      when('framework', ['LOCAL'], { properties: { competencyCode: { type: 'string', pattern: '^local-' } } }),
    ],
  },
};

const occupationalHealthClearance: TypeSource = {
  type: 'OccupationalHealthClearanceCredential',
  title: 'Occupational health clearance',
  description:
    'That occupational health cleared the person for a role. It never carries a reason, an adjustment or a clinical detail.',
  claims: {
    outcome: required(
      choice('Outcome', 'The outcome alone.', ['FitForRole', 'FitWithAdjustments', 'TemporarilyRestricted']),
    ),
    roleCategory: choice('Role category', 'The kind of role that the clearance is for.', [
      'ClinicalPatientContact',
      'NonClinicalPatientContact',
      'Laboratory',
      'NoPatientContact',
    ]),
    eppClearance: required(
      choice('EPP clearance', 'Clearance for exposure prone procedures.', [
        'NotAssessed',
        'StandardCleared',
        'EppCleared',
      ]),
    ),
    clearanceDate: required(date('Clearance date', 'The day of the clearance.')),
    reviewDate: date('Review date', 'The last day before occupational health wants to see the person again.'),
    tbScreen: choice('Tuberculosis screen', 'Whether the screen is done; never its finding.', [
      'Complete',
      'NotRequired',
    ]),
  },
  rules: when('outcome', ['TemporarilyRestricted'], { required: ['reviewDate'] }),
};

const immunisationStatus: TypeSource = {
  type: 'ImmunisationStatusCredential',
  title: 'Immunisation status',
  description:
    'For each disease whether the person meets the guidance for healthcare workers. It never carries a test or its finding.',
  claims: {
    diseases: required(
      list(
        'Diseases',
        'One item for each disease. Each is disclosed only on request.',
        record('Disease', 'The status for one disease.', {
          disease: required(
            choice('Disease', 'The disease.', [
              'HBV',
              'MEASLES',
              'MUMPS',
              'RUBELLA',
              'VZV',
              'TB',
              'DTP',
              'PERTUSSIS',
              'INFLUENZA',
              'COVID19',
            ]),
          ),
          immunisationStatus: required(
            choice('Immunisation status', 'The status alone.', [
              'Complete',
              'Immune',
              'InProgress',
              'NotRequired',
              'SeekOhAdvice',
            ]),
          ),
          lastDate: date('Last date', 'The day of the last dose or review.'),
        }),
        10,
      ),
    ),
  },
};

const temporaryPlacement: TypeSource = {
  type: 'TemporaryPlacementCredential',
  title: 'Temporary placement',
  description: 'That a host takes in a person who stays employed by the home employer. Only the host issues it.',
  claims: {
    positionTitle: required(text('Position title', 'The title of the position at the host.', 100)),
    positionNumber: text('Position number', 'The number of the position at the host.', 40),
    workPattern: required(text('Work pattern', 'Days and hours that were agreed.', 500)),
    startDate,
    endDate,
    homeEmployer: required(organisation('Home employer', 'The organisation that goes on employing the person.')),
    host: required(
      organisation('Host', 'The organisation where the person works meanwhile; the issuer of this credential.'),
    ),
    department: required(text('Department', 'The department or the ward.')),
    deptContact: contact('Department contact', 'Whom to ask in the department. Disclosed only on request.'),
    hrContact: required(contact('HR contact', "Whom to ask in the host's human resources team.")),
    approvedBy: required(text('Approved by', 'The role that approved the placement for the host.')),
    licenceToAttend: required(
      flag(
        'Licence to attend',
        'True when the worker, the home employer and the host all accepted a licence to attend.',
      ),
    ),
    termsVersion: text('Terms version', 'The version of the licence to attend that was accepted.', 40),
    termsDigest: code(
      'Terms digest',
      'SHA-256 of the accepted text, in the form of a subresource integrity value.',
      '^sha256-[A-Za-z0-9+/]{43}=$',
    ),
  },
  rules: {
    if: { properties: { licenceToAttend: { const: true } }, required: ['licenceToAttend'] },
    // biome-ignore lint/suspicious/noThenProperty: `then` is a JSON Schema keyword
    then: { required: ['termsVersion', 'termsDigest'] },
  },
  validUntilRequired: true,
};

const trainingProgramme: TypeSource = {
  type: 'TrainingProgrammeCredential',
  title: 'Training programme',
  description: 'That a postgraduate doctor or dentist is in a training programme.',
  claims: {
    programmeName: required(text('Programme', 'The name of the programme.')),
    startDate,
    endDate,
  },
  validUntilRequired: true,
};

const trainingPlacement: TypeSource = {
  type: 'TrainingPlacementCredential',
  title: 'Training placement',
  description: 'That a postgraduate doctor or dentist is placed at a site for a part of the programme.',
  claims: {
    specialty: required(text('Specialty', 'The specialty, for example Emergency medicine.', 120)),
    grade: required(text('Grade', 'The grade, for example ST3.', 40)),
    nationalPostNumber: code('National post number', 'For example YHD/RXA01/021/STR/003.', '^[A-Za-z0-9/ .-]{1,60}$'),
    employingBody: required(
      organisation('Employing body', 'The organisation that employs the person during the placement.'),
    ),
    site: required(text('Site', 'Where the placement is.')),
    startDate,
    endDate,
  },
  validUntilRequired: true,
};

export const typeSources: readonly TypeSource[] = [
  staffIdentity,
  rightToWork,
  dbsCheck,
  professionalRegistration,
  employmentAssignment,
  employmentHistory,
  coreSkill,
  occupationalHealthClearance,
  immunisationStatus,
  temporaryPlacement,
  trainingProgramme,
  trainingPlacement,
];
