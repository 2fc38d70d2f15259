/**
 * Turns what a trust has on file into the credentials that it asks its agent to issue. Everything said about the person comes
 * from the files below demo/; in here is only which of a trust's words becomes which claim of the catalogue.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type Competence,
  type CoreSkill,
  ExportError,
  type ExportMapping,
  readCompetences,
} from './competence-export.js';

export type Claims = Record<string, unknown>;

/** One credential as the API takes it. */
export interface ToIssue {
  readonly title: string;
  readonly credential: Claims;
}

interface Organisation {
  readonly name: string;
  readonly odsCode?: string;
}

/** Person and trust that the credentials are about, and when the data was read. */
interface Source {
  readonly holder: string;
  readonly personBindingId: string;
  readonly organisation: Organisation;
  readonly extractedAt: string;
}

/** A trust's staff record: the shape of demo/rxa/staff-record.json. */
export interface StaffRecord extends Source {
  readonly competenceExportedAt: string;
  readonly person: Claims;
  readonly employment: Claims;
  readonly checks: Readonly<Record<string, unknown>>;
}

/** A host's placement: the shape of demo/rxb/placement.json. */
export interface Placement {
  readonly holder: string;
  readonly personBindingId: string;
  readonly approvedAt: string;
  readonly host: Organisation;
  readonly homeEmployer: Organisation;
  readonly position: { readonly title: string; readonly number: string };
  readonly licenceToAttend: { readonly version: string; readonly file: string };
  readonly endDate: string;
  readonly [member: string]: unknown;
}

export interface Mapping {
  readonly competenceExport: ExportMapping;
  /** Where data comes from and how it is checked, by credential type. */
  readonly provenance: Readonly<Record<string, Claims>>;
}

/** Claims without the members that the files leave out. */
function claims(members: Claims): Claims {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** A fact that holds to the end of a day ends with that day, in UTC. */
function endOfDay(day: unknown): string | undefined {
  return typeof day === 'string' ? `${day}T23:59:59Z` : undefined;
}

function oneYearAfter(instant: string): string {
  const date = new Date(instant);
  date.setUTCFullYear(date.getUTCFullYear() + 1);
  return date.toISOString().slice(0, 10);
}

interface Draft {
  readonly type: string;
  readonly title: string;
  readonly claims: Claims;
  readonly lastDay?: unknown;
  readonly provider?: Organisation;
  readonly lastRefresh?: string;
}

function toIssue(draft: Draft, source: Source, mapping: Mapping): ToIssue {
  const provenance = mapping.provenance[draft.type];
  if (provenance === undefined) throw new Error(`the mapping has no provenance for ${draft.type}`);
  const evidence = {
    type: ['StaffPassportEvidence'],
    ...provenance,
    provider: draft.provider ?? source.organisation,
    lastRefresh: draft.lastRefresh ?? source.extractedAt,
  };
  const credential = claims({
    type: ['VerifiableCredential', draft.type],
    validUntil: endOfDay(draft.lastDay),
    credentialSubject: { id: source.holder, personBindingId: source.personBindingId, ...claims(draft.claims) },
    evidence: [evidence],
  });
  return { title: draft.title, credential };
}

type Check = (check: Claims, record: StaffRecord) => Draft;

/** Which check of a staff record becomes which credential. */
const checks: Readonly<Record<string, Check>> = {
  identity: (check, { person, organisation }) => ({
    type: 'StaffIdentityCredential',
    title: 'Staff identity',
    lastDay: check['documentExpiryDate'],
    claims: {
      legalGivenName: person['givenName'],
      middleNames: person['middleNames'],
      legalFamilyName: person['familyName'],
      preferredName: person['preferredName'],
      birthDate: person['dateOfBirth'],
      nationality: person['nationality'],
      gpg45Profile: check['gpg45Profile'],
      verifiedBy: `${organisation.name}, ${String(check['checkedBy'])}`,
      checkDate: check['checkedOn'],
      documentType: check['documentType'],
      documentExpiryDate: check['documentExpiryDate'],
    },
  }),
  rightToWork: (check, { organisation }) => ({
    type: 'RightToWorkCredential',
    title: 'Right to work',
    lastDay: check['excuseUntil'],
    claims: {
      basis: check['basis'],
      checkDate: check['checkedOn'],
      statutoryExcuseUntil: check['excuseUntil'],
      workRestrictions: check['workRestrictions'],
      sponsorRequired: check['sponsorRequired'],
      gpg45Profile: check['gpg45Profile'],
      evidenceCheckedBy: `${organisation.name}, ${String(check['checkedBy'])}`,
    },
  }),
  dbs: (check) => ({
    type: 'DbsCheckCredential',
    title: 'DBS check',
    claims: {
      checkType: check['level'],
      workforceType: check['workforce'],
      adultsBarredListChecked: check['adultsBarredList'],
      childrensBarredListChecked: check['childrensBarredList'],
      disclosureIssueDate: check['certificateIssuedOn'],
      certificateNumber: check['certificateNumber'],
      registeredBodyNumber: check['registeredBodyNumber'],
      employerDecision: check['decision'],
      updateService: updateService(check['updateService']),
    },
  }),
  registration: (check) => ({
    type: 'ProfessionalRegistrationCredential',
    title: `Registration with the ${String(check['body'])}`,
    lastDay: check['expiresOn'],
    claims: {
      body: check['body'],
      registrationNumber: check['number'],
      registrationStatus: check['status'],
      registerParts: check['parts'],
      registrationDate: check['registeredSince'],
      expiryDate: check['expiresOn'],
      revalidationDate: check['revalidationDue'],
      registrationCheckDate: check['checkedOn'],
      conditionsPresent: check['conditions'],
    },
  }),
  history: (check) => ({
    type: 'EmploymentHistoryCredential',
    title: 'Employment history',
    claims: {
      periods: list(check['periods']).map((period) =>
        claims({
          employerName: period['employer'],
          odsCode: period['odsCode'],
          roleTitle: period['role'],
          startDate: period['from'],
          endDate: period['to'],
          reasonForLeavingCode: period['reasonForLeaving'],
        }),
      ),
      verifiedPeriodFrom: check['verifiedFrom'],
      verifiedPeriodTo: check['verifiedTo'],
      gapsExplained: check['gapsExplained'],
    },
  }),
  occupationalHealth: (check) => ({
    type: 'OccupationalHealthClearanceCredential',
    title: 'Occupational health clearance',
    lastDay: check['reviewOn'],
    provider: { name: String(check['provider']) },
    claims: {
      outcome: check['outcome'],
      roleCategory: check['roleCategory'],
      eppClearance: check['epp'],
      clearanceDate: check['clearedOn'],
      reviewDate: check['reviewOn'],
      tbScreen: check['tuberculosisScreen'],
    },
  }),
  immunisation: (check) => ({
    type: 'ImmunisationStatusCredential',
    title: 'Immunisation status',
    claims: {
      diseases: list(check).map((item) =>
        claims({ disease: item['disease'], immunisationStatus: item['status'], lastDate: item['on'] }),
      ),
    },
  }),
};

function list(value: unknown): Claims[] {
  if (!Array.isArray(value)) throw new Error('a list is expected here');
  return value as Claims[];
}

function updateService(value: unknown): Claims | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { subscribed, lastCheckedOn, result } = value as Claims;
  return claims({ subscribed, lastStatusCheckDate: lastCheckedOn, result });
}

function employment({ employment: post, organisation, extractedAt }: StaffRecord): Draft {
  const { startDate, fixedTermEndDate, ...rest } = post;
  return {
    type: 'EmploymentAssignmentCredential',
    title: 'Employment',
    lastDay: fixedTermEndDate ?? oneYearAfter(extractedAt),
    claims: { employer: organisation, ...rest, effectiveStartDate: startDate, fixedTermEndDate },
  };
}

function coreSkill({ skill, awarded, expires, proficiency }: Competence, record: StaffRecord): Draft {
  const { code, renewalPeriod, ...words } = skill;
  return {
    type: 'CoreSkillCredential',
    title: `${skill.competencyName}, level ${skill.subjectLevel}`,
    lastDay: expires,
    lastRefresh: record.competenceExportedAt,
    claims: {
      ...words,
      competencyCode: code,
      attainmentStatus: 'ACHIEVED',
      proficiency,
      awardingOrganisation: record.organisation,
      dateLastAwarded: awarded,
      // Without an end the period has nothing to say.
      ...(expires ? { renewalPeriod, dateTo: expires } : {}),
    },
  };
}

/** The credentials of the home trust. A check that the record does not have gives none; a check that nobody knows is an error. */
export function homeCredentials(record: StaffRecord, competences: readonly Competence[], mapping: Mapping): ToIssue[] {
  const drafts = Object.entries(record.checks).map(([name, check]) => {
    const read = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (read === undefined) throw new Error(`checks.${name} is not a check that can be issued`);
    return read(check as Claims, record);
  });
  const skills = competences.map((competence) => coreSkill(competence, record));
  return [...drafts, employment(record), ...skills].map((draft) => toIssue(draft, record, mapping));
}

/** The credential of the host, bound to the text of the licence to attend that all three accepted. */
export function hostCredential(placement: Placement, licence: Buffer, mapping: Mapping): ToIssue {
  const { holder, personBindingId, approvedAt, position, licenceToAttend, departmentContact, ...rest } = placement;
  const source = { holder, personBindingId, organisation: placement.host, extractedAt: approvedAt };
  const draft: Draft = {
    type: 'TemporaryPlacementCredential',
    title: 'Temporary placement',
    lastDay: placement.endDate,
    claims: {
      positionTitle: position.title,
      positionNumber: position.number,
      ...rest,
      deptContact: departmentContact,
      licenceToAttend: true,
      termsVersion: licenceToAttend.version,
      termsDigest: `sha256-${createHash('sha256').update(licence).digest('base64')}`,
    },
  };
  return toIssue(draft, source, mapping);
}

const publishedCoreSkills = resolve(import.meta.dirname, '../../schemas/core-skills/v1.json');

async function readJson<T>(file: string): Promise<T> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new Error(`${file} is not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
}

/** Reads the staff record and the competence export below `folder`, for the trust with this ODS code. */
export async function readHomeCredentials(folder: string, odsCode: string, today = new Date()): Promise<ToIssue[]> {
  const own = join(folder, odsCode.toLowerCase());
  const mapping = await readJson<Mapping>(join(folder, 'mapping.json'));
  const record = await readJson<StaffRecord>(join(own, 'staff-record.json'));
  const coreSkills = (await readJson<{ competencies: CoreSkill[] }>(publishedCoreSkills)).competencies;
  const file = join(own, 'competence-export.csv');
  const options = { mapping: mapping.competenceExport, coreSkills, today: today.toISOString().slice(0, 10) };
  try {
    return homeCredentials(record, readCompetences(await readFile(file), options).competences, mapping);
  } catch (cause) {
    if (!(cause instanceof ExportError)) throw cause;
    throw new Error(`${file} cannot be used:\n${cause.message}`, { cause });
  }
}

/** Reads the placement below `folder`, for the host with this ODS code. */
export async function readHostCredentials(folder: string, odsCode: string): Promise<ToIssue[]> {
  const own = join(folder, odsCode.toLowerCase());
  const mapping = await readJson<Mapping>(join(folder, 'mapping.json'));
  const placement = await readJson<Placement>(join(own, 'placement.json'));
  const licence = await readFile(join(own, placement.licenceToAttend.file));
  return [hostCredential(placement, licence, mapping)];
}
