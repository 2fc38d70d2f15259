/**
 * The shape rules of the W3C data model, for issuing and verifying alike: VCDM 2.0 section 4 and VCDM 1.1 sections
 * 4 and 5. A rule is a row: the member, whether it must be there, and what its value must look like. Every fault
 * is reported, by JSON Pointer.
 */
import type { Fault } from '../errors.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { parseDateTime } from './dates.js';
import { baseContexts, type DataModelVersion } from './formats.js';
import { contradictedDigests, malformedDigests } from './resource-digests.js';

type Rule = (value: Json, path: string) => Fault[];
type Rules = Readonly<Record<string, { readonly required?: true; readonly rule: Rule }>>;

/** A URL in the sense of the data model: an absolute IRI reference without white space or delimiters (RFC 3986). */
const absoluteUrl = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/;

/** Whether a text can serve as an identifier. */
export function isAbsoluteUrl(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2048 && absoluteUrl.test(value);
}

/** The items of a member that may hold one value or several. */
export function asArray(value: Json | undefined): readonly Json[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The id of something that is either a URL or an object with one. */
export function idOf(value: Json | undefined): string | undefined {
  const id = isJsonObject(value) ? value['id'] : value;
  return typeof id === 'string' ? id : undefined;
}

/** The version that a document's first context names, if any. */
export function dataModelOf(document: JsonObject): DataModelVersion | undefined {
  const first = asArray(document['@context'])[0];
  return versions.find((version) => baseContexts[version] === first);
}

const versions: readonly DataModelVersion[] = ['2.0', '1.1'];

const fault = (path: string, detail: string): Fault[] => [{ path, detail }];

const url: Rule = (value, path) => (isAbsoluteUrl(value) ? [] : fault(path, 'must be an absolute URL'));

const dateTime: Rule = (value, path) =>
  parseDateTime(value) ? [] : fault(path, 'must be a date and time with an offset, such as 2026-11-21T09:00:00Z');

const absent =
  (instead: string): Rule =>
  (_value, path) =>
    fault(path, `is not part of this version of the data model; use ${instead}`);

function typeNames(value: Json, path: string): Fault[] {
  const names = asArray(value);
  if (names.length === 0) return fault(path, 'must name at least one type');
  return names.every((name) => typeof name === 'string' && /^\S+$/.test(name))
    ? []
    : fault(path, 'must hold type names');
}

const typed =
  (name: string): Rule =>
  (value, path) => {
    const faults = typeNames(value, path);
    return faults.length > 0 || asArray(value).includes(name) ? faults : fault(path, `must include ${name}`);
  };

function listOf(item: Rule, options: { empty: boolean } = { empty: false }): Rule {
  return (value, path) => {
    if (!Array.isArray(value)) return item(value, path);
    if (value.length === 0 && !options.empty) return fault(path, 'must not be empty');
    return value.flatMap((entry, index) => item(entry, `${path}/${index}`));
  };
}

function objectWith(rules: Rules): Rule {
  return (value, path) => (isJsonObject(value) ? checkMembers(value, rules, path) : fault(path, 'must be an object'));
}

/** On the path of every credential: a path is put together only for a member that is there or missed. */
function checkMembers(object: JsonObject, rules: Rules, path: string): Fault[] {
  const faults: Fault[] = [];
  for (const [name, { required, rule }] of entriesOf(rules)) {
    const value = object[name];
    if (value !== undefined) faults.push(...rule(value, `${path}/${name}`));
    else if (required) faults.push({ path: `${path}/${name}`, detail: 'is missing' });
  }
  return faults;
}

/** The rules as a list, made once for each table. Their names need no escape in a JSON Pointer (RFC 6901 3). */
function entriesOf(rules: Rules): readonly [string, Rules[string]][] {
  const entries = listed.get(rules) ?? Object.entries(rules);
  listed.set(rules, entries);
  return entries;
}

const listed = new WeakMap<Rules, [string, Rules[string]][]>();

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** VCDM 2.0 4.3: an ordered set whose first item is the base context and whose others are URLs or objects. */
const context =
  (base: string): Rule =>
  (value, path) => {
    if (!Array.isArray(value) || value.length === 0) return fault(path, 'must be a list of contexts');
    const first = value[0] === base ? [] : fault(`${path}/0`, `must be ${base}`);
    const names = value.filter((item) => typeof item === 'string');
    if (new Set(names).size < names.length) return [...first, ...fault(path, 'must not name a context twice')];
    const others = value.flatMap((item, index) =>
      isAbsoluteUrl(item) || isJsonObject(item)
        ? []
        : fault(`${path}/${index}`, 'must be an absolute URL or an object'),
    );
    return [...first, ...others];
  };

/** VCDM 2.0 11.1: a string, or an object of value, language and direction and nothing else. */
const languageValue: Rule = (value, path) => {
  if (typeof value === 'string') return [];
  if (!isJsonObject(value)) return fault(path, 'must be a text or a language object');
  const strange = Object.keys(value).find((key) => !['@value', '@language', '@direction'].includes(key));
  if (strange !== undefined) return fault(`${path}/${escapePointer(strange)}`, 'does not belong in a language object');
  const wrong = Object.keys(value).find((key) => typeof value[key] !== 'string');
  if (wrong !== undefined) return fault(`${path}/${wrong}`, 'must be a text');
  if (typeof value['@value'] !== 'string') return fault(`${path}/@value`, 'is missing');
  const { '@language': language, '@direction': direction } = value;
  if (language !== undefined && !isLanguageTag(language)) return fault(`${path}/@language`, 'must be a language tag');
  const directed = direction === undefined || direction === 'ltr' || direction === 'rtl';
  return directed ? [] : fault(`${path}/@direction`, 'must be ltr or rtl');
};

/** VCDM 2.0 11.1: "a well-formed Language-Tag" (BCP 47 2.2.9). */
function isLanguageTag(tag: Json): boolean {
  try {
    return typeof tag === 'string' && tag.length <= 64 && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

const text = { rule: listOf(languageValue) };

const identifiedRules: Rules = { id: { required: true, rule: url }, name: text, description: text };

const identified: Rule = (value, path) =>
  isJsonObject(value) ? checkMembers(value, identifiedRules, path) : url(value, path);

const subjectRules: Rules = { id: { rule: url } };

const subject: Rule = (value, path) => {
  if (!isJsonObject(value)) return fault(path, 'must be an object');
  if (Object.keys(value).length === 0) return fault(path, 'must not be empty');
  return checkMembers(value, subjectRules, path);
};

const typedObjects = listOf(objectWith({ type: { required: true, rule: typeNames }, id: { rule: url } }));

const identifiedObjects = listOf(
  objectWith({ type: { required: true, rule: typeNames }, id: { required: true, rule: url } }),
);

/** VCDM 2.0 5.3: objects with an id that no other one has, each with at least one digest, which is the resource's. */
const relatedResources: Rule = (value, path) => {
  const faults = listOf(resource)(value, path);
  const seen = new Set<string>();
  asArray(value).forEach((item, index) => {
    const id = idOf(item);
    if (id === undefined) return;
    if (seen.has(id))
      faults.push({ path: `${pathOf(value, path, index)}/id`, detail: 'must not name a resource twice' });
    seen.add(id);
  });
  return faults;
};

const resource: Rule = (value, path) => {
  const faults = objectWith(resourceRules)(value, path);
  if (faults.length > 0 || !isJsonObject(value)) return faults;
  if (value['digestSRI'] === undefined && value['digestMultibase'] === undefined) {
    return fault(path, 'must give a digest as digestSRI or digestMultibase');
  }
  const malformed = malformedDigests(value).map((name) => ({ path: `${path}/${name}`, detail: 'must be a digest' }));
  if (malformed.length > 0) return malformed;
  const detail = 'must be the digest of the resource';
  return contradictedDigests(value).map((name) => ({ path: `${path}/${name}`, detail }));
};

const mediaType: Rule = (value, path) =>
  typeof value === 'string' && /^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}(?:\s*;.{1,200})?$/.test(value)
    ? []
    : fault(path, 'must be a media type');

const resourceRules: Rules = { id: { required: true, rule: url }, mediaType: { rule: mediaType } };

/** The path of an item of a member that may hold one value or several. */
function pathOf(value: Json, path: string, index: number): string {
  return Array.isArray(value) ? `${path}/${index}` : path;
}

/** What both versions say about a credential. */
const credentialRules: Rules = {
  id: { rule: url },
  type: { required: true, rule: typed('VerifiableCredential') },
  issuer: { required: true, rule: identified },
  credentialSubject: { required: true, rule: listOf(subject) },
  credentialSchema: { rule: identifiedObjects },
  validFrom: { rule: dateTime },
  validUntil: { rule: dateTime },
  termsOfUse: { rule: typedObjects },
  evidence: { rule: typedObjects },
  refreshService: { rule: typedObjects },
  // Reserved for extensions (VCDM 2.0 5.10): what they hold is theirs, but each is an object with a type.
  confidenceMethod: { rule: typedObjects },
  renderMethod: { rule: typedObjects },
  name: text,
  description: text,
};

const credentialRulesByVersion: Readonly<Record<DataModelVersion, Rules>> = {
  '2.0': {
    '@context': { required: true, rule: context(baseContexts['2.0']) },
    ...credentialRules,
    credentialStatus: { rule: typedObjects },
    relatedResource: { rule: relatedResources },
    issuanceDate: { rule: absent('validFrom') },
    expirationDate: { rule: absent('validUntil') },
  },
  '1.1': {
    '@context': { required: true, rule: context(baseContexts['1.1']) },
    ...credentialRules,
    credentialStatus: { rule: identifiedObjects },
    refreshService: { rule: identifiedObjects },
    issuanceDate: { required: true, rule: dateTime },
    expirationDate: { rule: dateTime },
  },
};

/** VCDM 2.0 4.13.1: what is in an envelope stands in a data: URL. Which ones are read, and their content, is judged later. */
const envelopedUrl = /^data:application\/(?:vc\+jwt,|vc\+sd-jwt,|vc\+cose;base64,|jwt,)\S/i;

const embedded20: Rule = (value, path) => {
  if (!isJsonObject(value)) {
    return fault(path, 'must be an object; a token travels in an EnvelopedVerifiableCredential');
  }
  const { id, type } = value;
  if (!asArray(type).includes('EnvelopedVerifiableCredential')) return [];
  return typeof id === 'string' && envelopedUrl.test(id)
    ? []
    : fault(`${path}/id`, 'must be a data: URL of a secured credential');
};

const embedded11: Rule = (value, path) =>
  isJsonObject(value) || typeof value === 'string' ? [] : fault(path, 'must be an object or a token');

const presentationRules = (version: DataModelVersion, embedded: Rule): Rules => ({
  '@context': { required: true, rule: context(baseContexts[version]) },
  id: { rule: url },
  type: { required: true, rule: typed('VerifiablePresentation') },
  holder: { rule: identified },
  verifiableCredential: { rule: listOf(embedded, { empty: true }) },
  termsOfUse: { rule: typedObjects },
});

const presentationRulesByVersion: Readonly<Record<DataModelVersion, Rules>> = {
  '2.0': presentationRules('2.0', embedded20),
  '1.1': presentationRules('1.1', embedded11),
};

/** Pairs of members of which the first may not lie after the second. */
const orderedDates = [
  ['validFrom', 'validUntil'],
  ['issuanceDate', 'expirationDate'],
] as const;

/** All faults in the shape of a credential. What a type's own schema demands is the catalogue's business. */
export function checkDataModel(credential: JsonObject, version: DataModelVersion): Fault[] {
  const faults = checkMembers(credential, credentialRulesByVersion[version], '');
  for (const [from, until] of orderedDates) {
    const start = parseDateTime(credential[from]);
    const end = parseDateTime(credential[until]);
    if (start && end && start > end) faults.push({ path: `/${until}`, detail: `must not lie before ${from}` });
  }
  return faults;
}

/** All faults in the shape of a presentation; its credentials are read one by one elsewhere. */
export function checkPresentationModel(presentation: JsonObject, version: DataModelVersion): Fault[] {
  return checkMembers(presentation, presentationRulesByVersion[version], '');
}

/** Members that VCDM 2.0 defines, reserved ones (4.14, 5.x) included. */
const definedMembers: Readonly<Record<'credential' | 'presentation', readonly string[]>> = {
  credential: [
    ...Object.keys(credentialRulesByVersion['2.0']).filter((name) => !/^(?:issuance|expiration)Date$/.test(name)),
    'proof',
  ],
  presentation: [...Object.keys(presentationRulesByVersion['2.0']), 'proof'],
};

/** Closed-world issuing: members that the data model does not define and that nobody would understand. */
export function unknownMembers(document: JsonObject, kind: 'credential' | 'presentation'): Fault[] {
  const unknown = Object.keys(document).filter((name) => !definedMembers[kind].includes(name));
  return unknown.map((name) => ({ path: `/${escapePointer(name)}`, detail: 'is not defined by the data model' }));
}
