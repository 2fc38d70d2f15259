import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { type Static, Type } from 'typebox';
import { type Fault, ServiceError } from '../errors.js';
import { isMoment, timePattern } from './times.js';

const closed = { additionalProperties: false } as const;
const moment = (description: string) => Type.String({ pattern: timePattern, description });

/** More than the NHS has organisations of every kind that employ clinical staff in England; bounds the list. */
export const maxOrganisations = 2000;

const DidOfOrganisation = Type.Object(
  {
    did: Type.String({ pattern: '^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$', maxLength: 512 }),
    validFrom: Type.Optional(moment('Credentials issued earlier under this DID are not recognised')),
    validTo: Type.Optional(moment('Credentials issued from then on under this DID are not recognised')),
    keyThumbprints: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }), {
        minItems: 1,
        maxItems: 32,
        uniqueItems: true,
        description: 'RFC 7638 thumbprints; where given, only these keys of the DID are recognised',
      }),
    ),
  },
  closed,
);

const TypeToIssue = Type.Object(
  {
    type: Type.String({
      pattern: '^[A-Z][A-Za-z0-9]{0,99}$',
      description: 'Credential type, such as DbsCheckCredential',
    }),
    from: moment('Credentials issued from then on are recognised'),
    until: Type.Optional(moment('Credentials issued from then on are not recognised')),
  },
  closed,
);

/** Reasons are free text, so they stay with the authority: they are neither published nor in the audit trail. */
export const Reason = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  description: 'Why, for the authority itself; never about a person',
});

const Suspension = Type.Object(
  {
    from: moment('Beginning, included'),
    until: Type.Optional(moment('End, not included')),
    reason: Type.Optional(Reason),
    endReason: Type.Optional(Reason),
  },
  closed,
);

// Neither control characters nor those that turn the direction of writing: with them one name looks like another.
const namePattern =
  '^(?=.*\\S|$)[^\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]*$';

const members = {
  name: Type.String({ minLength: 1, maxLength: 200, pattern: namePattern, description: 'Shown beside every verdict' }),
  kind: Type.String({ pattern: '^[a-z][a-z0-9-]{0,49}$', description: 'Kind of organisation, such as nhs-trust' }),
  dids: Type.Array(DidOfOrganisation, { minItems: 1, maxItems: 16 }),
  issue: Type.Array(TypeToIssue, { maxItems: 128 }),
  withdrawnFrom: Type.Optional(moment('Left the programme in good standing: what was issued earlier stays valid')),
};

/** What the authority decides about an organisation by a PUT; suspensions have operations of their own. */
export const OrganisationInput = Type.Object(members, closed);
export type OrganisationInput = Static<typeof OrganisationInput>;

/** ODS codes do not all begin with R (domain.md 7). */
export const odsCodePattern = '^[A-Z0-9]{3,10}$';

/** An organisation of the registry. */
export const Organisation = Type.Object(
  {
    odsCode: Type.String({ pattern: odsCodePattern }),
    ...members,
    status: Type.Union([Type.Literal('active'), Type.Literal('suspended'), Type.Literal('withdrawn')]),
    suspensions: Type.Array(Suspension, { maxItems: 256 }),
  },
  closed,
);
export type Organisation = Static<typeof Organisation>;

const { status: _derived, ...seedMembers } = Organisation.properties;

/** A file of organisations: the authority's seed, or the own registry of somebody who trusts no authority. */
const OrganisationsFile = Type.Object(
  {
    programmeBaseUrl: Type.Optional(Type.String({ maxLength: 512, pattern: '^https?://' })),
    organisations: Type.Array(
      Type.Object({ ...seedMembers, suspensions: Type.Optional(seedMembers.suspensions) }, closed),
      { maxItems: maxOrganisations },
    ),
  },
  closed,
);
type OrganisationsFile = Static<typeof OrganisationsFile>;

const ajv = new Ajv2020({ allErrors: true, strict: true });
const validateFile = ajv.compile<OrganisationsFile>(OrganisationsFile);
const validateOrganisation = ajv.compile<Organisation>(Organisation);

/** The status follows from what is recorded, so it cannot contradict it. */
export function withStatus(organisation: Omit<Organisation, 'status'>): Organisation {
  const suspended = organisation.suspensions.some((suspension) => suspension.until === undefined);
  const status = organisation.withdrawnFrom !== undefined ? 'withdrawn' : suspended ? 'suspended' : 'active';
  return { ...organisation, status };
}

/** Reads a parsed file of organisations, or says everything that is wrong with it at once. */
export function readOrganisationsFile(value: unknown): { organisations: Organisation[]; programmeBaseUrl?: string } {
  if (!validateFile(value)) throw invalid((validateFile.errors ?? []).map(toFault));
  const organisations = value.organisations.map((entry) => withStatus({ suspensions: [], ...entry }));
  const faults = findFaults(organisations);
  if (faults.length > 0) throw invalid(faults);
  return { ...(value.programmeBaseUrl ? { programmeBaseUrl: value.programmeBaseUrl } : {}), organisations };
}

function invalid(faults: readonly Fault[]): ServiceError {
  const lines = faults.slice(0, 20).map((fault) => `  ${fault.path}: ${fault.detail}`);
  return new ServiceError('configuration', `The file of organisations has faults:\n${lines.join('\n')}`, { faults });
}

/** Whether a value is an organisation, by schema alone. */
export function isOrganisation(value: unknown): boolean {
  return validateOrganisation(value);
}

/** Faults that JSON Schema cannot see, within organisations and between them. */
export function findFaults(organisations: readonly Organisation[], prefix = '/organisations'): Fault[] {
  const faults = organisations.flatMap((organisation, position) =>
    timeFaults(organisation).map(({ path, detail }) => ({ path: `${prefix}/${position}${path}`, detail })),
  );
  return [...faults, ...repeated(organisations, prefix)];
}

/** Times that do not exist, and ends that are not after their beginnings. */
export function timeFaults(organisation: Organisation): Fault[] {
  const stretches = [
    ...organisation.dids.map((did, i) => ({ path: `/dids/${i}`, from: did.validFrom, until: did.validTo })),
    ...organisation.issue.map(({ from, until }, i) => ({ path: `/issue/${i}`, from, until })),
    ...organisation.suspensions.map(({ from, until }, i) => ({ path: `/suspensions/${i}`, from, until })),
    { path: '/withdrawnFrom', from: organisation.withdrawnFrom, until: undefined },
  ];
  return stretches.flatMap(({ path, from, until }) => {
    const missing = [from, until].filter((text) => text !== undefined && !isMoment(text));
    if (missing.length > 0) return [{ path, detail: 'names a moment that does not exist' }];
    return from !== undefined && until !== undefined && until <= from
      ? [{ path, detail: 'ends before it begins' }]
      : [];
  });
}

/** One DID belongs to one organisation, and one ODS code stands for one. */
function repeated(organisations: readonly Organisation[], prefix: string): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const [position, { odsCode, dids }] of organisations.entries()) {
    for (const name of [odsCode, ...dids.map(({ did }) => did)]) {
      if (seen.has(name)) faults.push({ path: `${prefix}/${position}`, detail: `${name} occurs more than once` });
      seen.add(name);
    }
  }
  return faults;
}

function toFault(error: ErrorObject): Fault {
  const { additionalProperty, missingProperty } = error.params as Record<string, unknown>;
  const name = additionalProperty ?? missingProperty;
  const detail = error.message ?? 'is not allowed';
  return { path: name === undefined ? error.instancePath : `${error.instancePath}/${String(name)}`, detail };
}
