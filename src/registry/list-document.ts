import { createHash } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type Static, Type } from 'typebox';
import { type Json, type JsonObject, parseJson } from '../json.js';
import {
  findFaults,
  isOrganisation,
  maxOrganisations,
  type Organisation,
  odsCodePattern,
  withStatus,
} from './organisation.js';
import { isMoment, timePattern } from './times.js';

/** Everything that one issue of the list says. */
export interface Snapshot {
  readonly sequence: number;
  readonly issued: string;
  readonly nextUpdate: string;
  readonly programmeBaseUrl?: string;
  readonly organisations: readonly Organisation[];
}

/** Who publishes a list, and where. */
export interface Publisher {
  readonly did: string;
  readonly name: string;
  readonly odsCode: string;
  readonly publicUrl: string;
  readonly programmeBaseUrl: string;
}

/** The same limit as the client's for fetched registry documents (security.md 6.1). */
export const maxListBytes = 4 * 1024 * 1024;
/** 2,000 organisations with a dozen types each; a member of an action counts as one key. */
const listLimits = { maxBytes: maxListBytes, maxDepth: 16, maxKeys: 500_000 };

/** Why a list cannot be read. */
export class ListError extends Error {
  override readonly name = 'ListError';
}

/**
 * The list as a Recognized Entities credential (W3C VC Recognized Entities 1.0, working draft of May 2026): one
 * RecognizedEntity for each DID, one RecognizedAction for each type that it may issue. What the draft does not have
 * (ODS code, times, suspensions, keys) is ours and defined by our context. The authority itself stands first, since
 * a credential must say something even while no organisation is listed.
 */
export function buildList(publisher: Publisher, snapshot: Snapshot): JsonObject {
  const { sequence, issued, nextUpdate, organisations } = snapshot;
  const authority = {
    id: publisher.did,
    type: 'RecognizedEntity',
    name: publisher.name,
    recognizedTo: [{ type: 'RecognizedAction', action: 'recognize', recognizedBy: publisher.did }],
  };
  return {
    '@context': [
      'https://www.w3.org/ns/credentials/v2',
      `${publisher.programmeBaseUrl}/contexts/RecognizedEntityCredential/v1.json`,
    ],
    id: `${publisher.publicUrl}/registry/list`,
    type: ['VerifiableCredential', 'RecognizedEntityCredential'],
    issuer: { id: publisher.did, type: 'RecognizedIssuer', name: publisher.name, odsCode: publisher.odsCode },
    validFrom: issued,
    validUntil: nextUpdate,
    sequence,
    issued,
    nextUpdate,
    programmeBaseUrl: publisher.programmeBaseUrl,
    credentialSubject: [authority, ...organisations.flatMap((organisation) => entitiesOf(publisher, organisation))],
  };
}

function entitiesOf(publisher: Publisher, organisation: Organisation): JsonObject[] {
  return organisation.dids.map((entry) => {
    const { did, validFrom, validTo, keyThumbprints } = entry;
    return withoutUndefined({
      id: did,
      type: 'RecognizedEntity',
      name: organisation.name,
      odsCode: organisation.odsCode,
      organisationKind: organisation.kind,
      organisationStatus: organisation.status,
      withdrawnFrom: organisation.withdrawnFrom,
      suspensions: organisation.suspensions.map(({ from, until }) => withoutUndefined({ from, until })),
      from: validFrom,
      until: validTo,
      keyThumbprints,
      recognizedTo: organisation.issue.map((action) => actionOf(publisher, action)),
    });
  });
}

function actionOf(publisher: Publisher, { type, from, until }: Organisation['issue'][number]): JsonObject {
  return withoutUndefined({
    type: 'RecognizedAction',
    action: 'issue',
    recognizedBy: publisher.did,
    credentialType: type,
    outputValidation: [{ id: `${publisher.programmeBaseUrl}/schemas/${type}/v1.json`, type: 'JsonSchema' }],
    from,
    until,
  });
}

function withoutUndefined(members: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

const moment = Type.String({ pattern: timePattern });
/** Open objects throughout: later issues of the list only add members. */
const Action = Type.Object({
  type: Type.Literal('RecognizedAction'),
  action: Type.String({ maxLength: 100 }),
  credentialType: Type.Optional(Type.String({ maxLength: 100 })),
  from: Type.Optional(moment),
  until: Type.Optional(moment),
});
const Entity = Type.Object({
  id: Type.String({ maxLength: 512 }),
  type: Type.Literal('RecognizedEntity'),
  name: Type.Optional(Type.String({ maxLength: 200 })),
  odsCode: Type.Optional(Type.String({ pattern: odsCodePattern })),
  organisationKind: Type.Optional(Type.String({ maxLength: 50 })),
  withdrawnFrom: Type.Optional(moment),
  suspensions: Type.Optional(
    Type.Array(Type.Object({ from: moment, until: Type.Optional(moment) }), { maxItems: 256 }),
  ),
  from: Type.Optional(moment),
  until: Type.Optional(moment),
  keyThumbprints: Type.Optional(Type.Array(Type.String({ maxLength: 43 }), { minItems: 1, maxItems: 32 })),
  recognizedTo: Type.Optional(Type.Array(Action, { maxItems: 256 })),
});
type Entity = Static<typeof Entity>;
const List = Type.Object({
  type: Type.Array(Type.String(), { maxItems: 16, contains: { const: 'RecognizedEntityCredential' } }),
  issuer: Type.Object({ id: Type.String() }),
  sequence: Type.Integer({ minimum: 1 }),
  issued: moment,
  nextUpdate: moment,
  programmeBaseUrl: Type.Optional(Type.String({ maxLength: 512, pattern: '^https?://' })),
  credentialSubject: Type.Array(Entity, { maxItems: maxOrganisations * 2 }),
});

const validateList = new Ajv2020({ strict: true }).compile<Static<typeof List>>(List);

/** Reads the payload of a list whose signature holds. An entity without ODS code is no organisation and is passed over. */
export function readList(payload: Buffer): Snapshot & { readonly issuer: string; readonly digest: string } {
  const list = parse(payload);
  if (!validateList(list))
    throw new ListError(`The list is malformed at ${validateList.errors?.[0]?.instancePath || '/'}.`);
  if (![list.issued, list.nextUpdate].every(isMoment)) throw new ListError('The list has a time that does not exist.');
  return {
    sequence: list.sequence,
    issued: list.issued,
    nextUpdate: list.nextUpdate,
    ...(list.programmeBaseUrl === undefined ? {} : { programmeBaseUrl: list.programmeBaseUrl }),
    organisations: gather(list.credentialSubject),
    issuer: list.issuer.id,
    digest: createHash('sha256').update(payload).digest('base64url'),
  };
}

function parse(payload: Buffer): Json {
  try {
    return parseJson(payload, listLimits);
  } catch (cause) {
    throw new ListError('The list is not acceptable JSON.', { cause });
  }
}

/** Entities of one ODS code are the DIDs of one organisation; the first one speaks for it. */
function gather(entities: readonly Entity[]): Organisation[] {
  const byCode = new Map<string, Organisation>();
  for (const entity of entities) {
    if (entity.odsCode === undefined) continue;
    const known = byCode.get(entity.odsCode);
    const organisation = known
      ? { ...known, dids: [...known.dids, didOf(entity)] }
      : organisationOf(entity, entity.odsCode);
    byCode.set(entity.odsCode, organisation);
  }
  const organisations = [...byCode.values()];
  const malformed = organisations.find((organisation) => !isOrganisation(organisation));
  if (malformed) throw new ListError(`The list describes ${malformed.odsCode} in a way that is not understood.`);
  const fault = findFaults(organisations)[0];
  if (fault) throw new ListError(`The list contradicts itself at ${fault.path}: ${fault.detail}.`);
  return organisations;
}

function organisationOf(entity: Entity, odsCode: string): Organisation {
  const issue = (entity.recognizedTo ?? []).flatMap(({ action, credentialType, from, until }) => {
    if (action !== 'issue' || credentialType === undefined || from === undefined) return [];
    return [{ type: credentialType, from, ...(until === undefined ? {} : { until }) }];
  });
  return withStatus({
    odsCode,
    name: entity.name ?? '',
    kind: entity.organisationKind ?? '',
    dids: [didOf(entity)],
    issue,
    suspensions: (entity.suspensions ?? []).map(({ from, until }) => ({
      from,
      ...(until === undefined ? {} : { until }),
    })),
    ...(entity.withdrawnFrom === undefined ? {} : { withdrawnFrom: entity.withdrawnFrom }),
  });
}

function didOf({ id, from, until, keyThumbprints }: Entity): Organisation['dids'][number] {
  return {
    did: id,
    ...(from === undefined ? {} : { validFrom: from }),
    ...(until === undefined ? {} : { validTo: until }),
    ...(keyThumbprints === undefined ? {} : { keyThumbprints }),
  };
}
