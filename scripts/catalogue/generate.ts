/**
 * Writes the published files of each credential type from the one source in types.ts: a JSON Schema of the whole credential
 * and a flat JSON-LD context. Each schema stands alone, for outside validators fetch no second file.
 * The origin `https://programme.invalid` stands for programme.baseUrl, which each agent puts in its place once at start.
 */
import {
  type Claim,
  type Claims,
  choice,
  closedObject,
  code,
  constant,
  dateTime,
  dateTimePattern,
  type Json,
  type JsonObject,
  odsCode,
  organisationReference,
  required,
  text,
} from './claims.js';
import { registryTerms } from './registry-terms.js';
import { type TypeSource, typeSources } from './types.js';

export const placeholderOrigin = 'https://programme.invalid';
const version = 'v1';
const contextV2 = 'https://www.w3.org/ns/credentials/v2';
const contextV1 = 'https://www.w3.org/2018/credentials/v1';
const xsd = 'http://www.w3.org/2001/XMLSchema#';

const decentralizedIdentifier = '^did:[a-z0-9]{1,20}:[A-Za-z0-9._:%-]+$';

const provider = organisationReference('Provider', 'The organisation that made the check or gave the training.');
const verifier: Claim = {
  schema: {
    title: 'Verifier',
    description: 'Who verified the data: its origin, the provider, or another organisation.',
    anyOf: [{ type: 'string', enum: ['Origin', 'Provider'] }, withoutTexts(provider.schema)],
  },
};

function withoutTexts(schema: JsonObject): JsonObject {
  const { title: _title, description: _description, ...rest } = schema;
  return rest;
}

/** Provenance of the data, as VCDM evidence. `checkMethod`, for verificationMethod is a term of Data Integrity proofs. */
const evidence: Claims = {
  type: required({ schema: fixedTypes('Evidence type', 'Always StaffPassportEvidence.', ['StaffPassportEvidence']) }),
  origin: required(
    choice('Origin', 'The kind of organisation that the data comes from.', [
      'SubstantiveNhsEmployer',
      'NhsEngland',
      'Idsp',
      'Regulator',
      'DbsRegisteredBody',
      'OccupationalHealthProvider',
      'LearningProvider',
      'Self',
    ]),
  ),
  assurancePolicy: required(
    choice('Assurance policy', 'The standard that the check followed.', [
      'GPG45',
      'NhsEmploymentCheckStandards',
      'CSTF',
      'LocalContractualArrangement',
      'PostgraduateTrainingAssessment',
      'GreenBook12',
      'UKAP',
      'DbsCodeOfPractice',
      'SelfDeclared',
    ]),
  ),
  assuranceOutcome: required(
    text('Assurance outcome', 'What the standard gave, for example H1A or CSTF applied.', 100),
  ),
  provider: required(provider),
  verifier: required(verifier),
  checkMethod: required(
    choice('Check method', 'How the data was verified.', [
      'DocumentVerification',
      'RecordVerification',
      'DocumentAndRecord',
      'NotVerified',
    ]),
  ),
  pedigree: required(
    choice('Pedigree', 'How near the data is to its source.', ['Authoritative', 'Sourced', 'Derived', 'SelfAsserted']),
  ),
  lastRefresh: required(dateTime('Last refresh', 'When the data was last read from its source.')),
};

const commonSubject: Claims = {
  id: required({
    schema: {
      type: 'string',
      title: 'Holder',
      description: 'The DID of the person who holds the credential.',
      pattern: decentralizedIdentifier,
      maxLength: 2048,
    },
  }),
  personBindingId: required(
    code(
      'Person binding identifier',
      'A UUID that is the same in all credentials of one person at one issuer, and differs between issuers.',
      '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
    ),
  ),
};

const statusEntry: Claims = {
  id: { schema: plainText('Entry identifier', 'The identifier of this entry.', 500) },
  type: required(constant('Entry type', 'Always BitstringStatusListEntry.', 'BitstringStatusListEntry')),
  statusPurpose: required(choice('Purpose', 'What a set bit means.', ['revocation', 'suspension'])),
  statusListIndex: required(code('Index', 'The position of the bit, in decimal digits.', '^(0|[1-9]\\d{0,19})$')),
  statusListCredential: required({ schema: httpAddress('Status list', 'Where the signed status list is published.') }),
};

function plainText(title: string, description: string, maxLength: number): JsonObject {
  return { type: 'string', title, description, minLength: 1, maxLength };
}

// http as well: the loopback demonstration has no TLS, and the fetch policy, not the schema, decides what is fetched.
function httpAddress(title: string, description: string): JsonObject {
  return { type: 'string', title, description, format: 'uri', pattern: '^https?://[^\\s"<>]+$', maxLength: 500 };
}

function fixedTypes(title: string, description: string, types: readonly string[]): JsonObject {
  const items = types.map((type): JsonObject => ({ const: type }));
  return {
    type: 'array',
    title,
    description,
    prefixItems: items,
    items: false,
    minItems: types.length,
    maxItems: types.length,
  };
}

function instant(title: string, description: string): JsonObject {
  return { type: 'string', title, description, format: 'date-time', pattern: dateTimePattern };
}

function addresses(type: string): { schema: string; context: string } {
  return {
    schema: `${placeholderOrigin}/schemas/${type}/${version}.json`,
    context: `${placeholderOrigin}/contexts/${type}/${version}.json`,
  };
}

function credentialMembers(source: TypeSource): Claims {
  const own = addresses(source.type);
  const subject = closedObject({ ...commonSubject, ...source.claims }, source.rules);
  return {
    '@context': required({ schema: contextMember(own.context) }),
    id: required(
      code(
        'Credential identifier',
        'A random UUID as a URN; it says nothing about the person.',
        '^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
      ),
    ),
    type: required({
      schema: fixedTypes('Types', `VerifiableCredential and ${source.type}.`, ['VerifiableCredential', source.type]),
    }),
    issuer: required({ schema: issuerMember() }),
    validFrom: { schema: instant('Valid from', 'Data model 2.0: the credential may be relied on from here.') },
    validUntil: { schema: instant('Valid until', 'Data model 2.0: the credential may be relied on until here.') },
    issuanceDate: { schema: instant('Issuance date', 'Data model 1.1: the credential may be relied on from here.') },
    expirationDate: {
      schema: instant('Expiration date', 'Data model 1.1: the credential may be relied on until here.'),
    },
    credentialSubject: required({
      schema: { title: source.title, description: `${source.description} One person, by DID.`, ...subject },
    }),
    evidence: required({ schema: evidenceMember() }),
    credentialStatus: required({ schema: statusMember() }),
    credentialSchema: required({ schema: schemaMember(own.schema) }),
    proof: {
      schema: {
        type: ['object', 'array'],
        title: 'Proof',
        description: 'Data Integrity proof; absent when the credential travels in a JSON Web Signature.',
      },
    },
  };
}

function contextMember(context: string): JsonObject {
  return {
    type: 'array',
    title: 'Contexts',
    description: 'The JSON-LD contexts: first the one of the data model, then the one of this type.',
    items: { type: 'string', maxLength: 500 },
    contains: { const: context },
    minItems: 2,
    maxItems: 6,
    uniqueItems: true,
  };
}

function issuerMember(): JsonObject {
  const issuer = closedObject({
    id: required({
      schema: {
        type: 'string',
        title: 'Issuer DID',
        description: 'The did:web identifier of the issuing organisation.',
        pattern: '^did:web:[A-Za-z0-9._:%-]+$',
        maxLength: 500,
      },
    }),
    name: required(text('Issuer name', 'The name of the issuing organisation.')),
    odsCode: required(odsCode),
  });
  return { title: 'Issuer', description: 'The organisation that issued the credential.', ...issuer };
}

function evidenceMember(): JsonObject {
  const item = {
    title: 'Evidence item',
    description: 'Where the data comes from and how it was checked.',
    ...closedObject(evidence),
  };
  return {
    type: 'array',
    title: 'Evidence',
    description: 'The provenance of the claims.',
    minItems: 1,
    maxItems: 8,
    items: item,
  };
}

function statusMember(): JsonObject {
  return {
    type: 'array',
    title: 'Status',
    description: 'Bitstring Status List entries; one of them says whether the credential is revoked.',
    minItems: 1,
    maxItems: 4,
    items: { title: 'Status entry', description: 'One bit in one list.', ...closedObject(statusEntry) },
    contains: { type: 'object', properties: { statusPurpose: { const: 'revocation' } }, required: ['statusPurpose'] },
  };
}

function schemaMember(schema: string): JsonObject {
  const member = closedObject({
    id: required(constant('Schema address', 'The address of this schema.', schema)),
    type: required(constant('Schema type', 'Always JsonSchema.', 'JsonSchema')),
    digestSRI: code(
      'Schema digest',
      'Subresource integrity value of the schema file.',
      '^sha(256|384|512)-[A-Za-z0-9+/]{43,86}={0,2}$',
    ),
  });
  return { title: 'Schema', description: 'The schema that the credential follows.', ...member };
}

/** VCDM 2.0 or 1.1: the members of the other model are refused, so that no reader takes one validity for the other. */
function dataModels(validUntilRequired: boolean): JsonObject[] {
  const model = (context: string, from: string, until: string, refused: readonly string[]): JsonObject => ({
    properties: {
      '@context': { type: 'array', prefixItems: [{ const: context }] },
      ...Object.fromEntries(refused.map((name): [string, Json] => [name, false])),
    },
    required: validUntilRequired ? [from, until] : [from],
  });
  return [
    model(contextV2, 'validFrom', 'validUntil', ['issuanceDate', 'expirationDate']),
    model(contextV1, 'issuanceDate', 'expirationDate', ['validFrom', 'validUntil']),
  ];
}

/** The JSON Schema of a whole credential of one type. */
export function schemaOf(source: TypeSource): JsonObject {
  const anyOf = dataModels(source.validUntilRequired ?? false);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: addresses(source.type).schema,
    title: source.title,
    description: source.description,
    ...closedObject(credentialMembers(source), { anyOf }),
  };
}

type Terms = Record<string, JsonObject>;

function term(name: string, claim?: Claim): JsonObject {
  const definition: JsonObject = { '@id': `${placeholderOrigin}/vocabulary#${name}` };
  if (claim?.valueType === undefined) return definition;
  return { ...definition, '@type': claim.valueType === 'id' ? '@id' : `${xsd}${claim.valueType}` };
}

/** Terms that the contexts of the data models define; ours never do (a protected term that is defined anew breaks every proof). */
const dataModelTerms: ReadonlySet<string> = new Set(['id', 'type', 'name']);

function collectTerms(claims: Claims, into: Terms): Terms {
  for (const [name, claim] of Object.entries(claims)) {
    if (!dataModelTerms.has(name)) into[name] = term(name, claim);
    if (claim.members) collectTerms(claim.members, into);
  }
  return into;
}

function contextFile(terms: Terms): JsonObject {
  const sorted = Object.fromEntries(Object.entries(terms).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { '@context': { '@version': 1.1, '@protected': true, ...sorted } };
}

/** The JSON-LD context of one type: flat, for a type-scoped context would not reach credentialSubject. */
export function contextOf(source: TypeSource): JsonObject {
  const terms: Terms = { [source.type]: term(source.type), StaffPassportEvidence: term('StaffPassportEvidence') };
  collectTerms({ odsCode }, terms);
  collectTerms({ personBindingId: commonSubject.personBindingId as Claim }, terms);
  collectTerms(evidence, terms);
  return contextFile(collectTerms(source.claims, terms));
}

/**
 * What credentials/v1 lacks and credentials/v2 has, defined as there. Named by VCDM 1.1 credentials only, never beside v2:
 * without it JSON-LD readers of a 1.1 credential drop the issuer's name and the schema's digest.
 */
function dataModel11Context(): JsonObject {
  return contextFile({
    name: { '@id': 'https://schema.org/name' },
    JsonSchema: { '@id': 'https://www.w3.org/2018/credentials#JsonSchema' },
    digestSRI: {
      '@id': 'https://www.w3.org/2018/credentials#digestSRI',
      '@type': 'https://www.w3.org/2018/credentials#sriString',
    },
  });
}

function render(value: JsonObject): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Every generated file: path below the project's root, and its text. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const source of typeSources) {
    files.set(`schemas/${source.type}/${version}.json`, render(schemaOf(source)));
    files.set(`contexts/${source.type}/${version}.json`, render(contextOf(source)));
  }
  files.set(`contexts/DataModel11/${version}.json`, render(dataModel11Context()));
  files.set(`contexts/RecognizedEntityCredential/${version}.json`, render(contextFile(registryTerms(term))));
  return files;
}
