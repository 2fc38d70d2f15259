/**
 * Wrong servers, one fault each, made of a good one: which statement of the checker must notice it. Every statement
 * that is tested stands here at least once (conformance.test.ts).
 */
import { gzipSync } from 'node:zlib';
import { asList, type Document, isDocument } from '../../scripts/conformance/inputs/documents.js';
import { readProofValue, writeProofValue } from '../../scripts/conformance/inputs/selective-disclosure.js';
import { accepts, type Fault, tells } from '../../scripts/conformance/self-test.js';
import type { Answer, Request } from '../../scripts/conformance/target.js';

type When = (document: Document, request: Document) => boolean;

const fault = (name: string, plant: Fault['plant'], ...statements: string[]): Fault => ({ name, statements, plant });

/** Accepts credentials of this kind, at issuing and at verifying. */
const takes = (name: string, when: When, ...statements: string[]): Fault =>
  fault(
    `takes ${name}`,
    accepts((document, request) => request['verifiablePresentation'] === undefined && when(document, request)),
    ...statements,
  );

const verifies = (name: string, when: When, ...statements: string[]): Fault =>
  fault(
    `verifies ${name}`,
    accepts((document, request) => 'verifiableCredential' in request && when(document, request)),
    ...statements,
  );

const presents = (name: string, when: When, ...statements: string[]): Fault =>
  fault(
    `verifies a presentation with ${name}`,
    accepts((document, request) => 'verifiablePresentation' in request && when(document, request)),
    ...statements,
  );

const issues = (name: string, change: (credential: Document) => Document, ...statements: string[]): Fault =>
  fault(
    `issues ${name}`,
    tells(/credentials\/issue$/, (body) => {
      const credential: unknown = body['verifiableCredential'];
      return isDocument(credential) ? { ...body, verifiableCredential: change(credential) } : body;
    }),
    ...statements,
  );

/** Changes the proof of what is issued, when it has one. */
const proves = (name: string, change: (proof: Document) => Document, ...statements: string[]): Fault =>
  issues(
    `proofs ${name}`,
    (credential) =>
      isDocument(credential['proof']) ? { ...credential, proof: change(credential['proof']) } : credential,
    ...statements,
  );

const resolves = (
  name: string,
  change: (body: Document, answer: Answer) => Answer | Document,
  ...ids: string[]
): Fault => fault(`resolves ${name}`, tells(/\/identifiers\//, change), ...ids);

const lists = (name: string, change: (list: Document) => Document, ...statements: string[]): Fault =>
  fault(`publishes status lists ${name}`, tells(/\/status-lists\//, change), ...statements);

const has = (name: string) => (document: Document) => name in document;
const lacks = (name: string) => (document: Document) => !(name in document);
const isUrl = (value: unknown) => typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\S+$/i.test(value);
const badId = (value: unknown): boolean => isDocument(value) && 'id' in value && !isUrl(value['id']);
const some = (value: unknown, when: (item: unknown) => boolean) => asList<unknown>(value).some(when);
const untyped = (value: unknown) => isDocument(value) && value['type'] === undefined;
const notObject = (value: unknown) => !isDocument(value);
const proofOf = (document: Document): Document => (isDocument(document['proof']) ? document['proof'] : {});
const claims = (name: string, when: (value: unknown) => boolean) => (document: Document) =>
  name in document && when(document[name]);
const proved = (name: string, when: (value: unknown) => boolean) => (document: Document) =>
  isDocument(document['proof']) && when(document['proof'][name]);
const missing = (value: unknown) => value === undefined;
const isStamp = (value: unknown) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) && !value.includes('02-30');
const badStamp = (value: unknown) => value !== undefined && !isStamp(value);
const types = (document: Document) => asList<unknown>(document['type']);
const contexts = (document: Document) => asList<unknown>(document['@context']);
const v2 = 'https://www.w3.org/ns/credentials/v2';
const isLanguage = (value: unknown) =>
  typeof value === 'string' ||
  (isDocument(value) &&
    typeof value['@value'] === 'string' &&
    Object.keys(value).every((key) => ['@value', '@language', '@direction'].includes(key)));
const badLanguage = (value: unknown) => some(value, (one) => !isLanguage(one));
const foreignKey = (value: unknown) => isDocument(value) && '@value' in value && !isLanguage(value);
const enveloped = (document: Document) => some(document['type'], (one) => String(one).startsWith('Enveloped'));

const dataModel: readonly Fault[] = [
  takes('presentations for credentials', (one) => types(one).includes('VerifiablePresentation'), 'VCDM-1.3-2'),
  verifies(
    'unsecured credentials',
    (one) => asList(one['proof']).length === 0 && !String(one['id']).startsWith('data:'),
    'VCDM-1.3-3',
  ),
  takes('credentials without @context', lacks('@context'), 'VCDM-4.3-1', 'VCDM-1.3-7'),
  presents('no @context', lacks('@context'), 'VCDM-4.3-2', 'VCDM-4.13.2-1'),
  takes(
    'unknown contexts',
    (one) => some(contexts(one), (context) => /unknown\.example|example\.com/.test(String(context))),
    'VCDM-4.3-3',
    'DI-2.4.1-1',
  ),
  takes('a context that is no list', (one) => has('@context')(one) && !Array.isArray(one['@context']), 'VCDM-4.3-4'),
  takes('the base context in any place', (one) => contexts(one)[0] !== v2 && contexts(one).length > 1, 'VCDM-4.3-5'),
  presents('the base context in any place', (one) => contexts(one)[0] !== v2, 'VCDM-4.3-6'),
  takes('anything among contexts', (one) => some(contexts(one), (c) => !isUrl(c) && !isDocument(c)), 'VCDM-4.3-7'),
  takes('any id', (one) => badId(one), 'VCDM-4.4-1'),
  takes('any id of a subject', (one) => some(one['credentialSubject'], badId), 'VCDM-4.4-2'),
  takes('credentials without type', (one) => types(one).length === 0, 'VCDM-4.5-1', 'VCDM-1.3-7'),
  presents('no type', lacks('type'), 'VCDM-4.5-2', 'VCDM-4.13-2', 'VCDM-4.13.2-3'),
  takes(
    'undefined types',
    (one) => some(one['type'], (t) => /Undefined|Membership/.test(String(t)) && !isUrl(t)),
    'VCDM-4.5-3',
  ),
  takes(
    'credentials of any type',
    (one) => !types(one).includes('VerifiableCredential') && has('type')(one),
    'VCDM-4.5-4',
  ),
  takes('any name', claims('name', badLanguage), 'VCDM-4.6-1', 'VCDM-11.1-1', 'VCDM-11.1-2'),
  takes('any description', claims('description', badLanguage), 'VCDM-4.6-2', 'VCDM-11.1-2'),
  takes('language objects with other keys', (one) => foreignKey(one['name']), 'VCDM-11.1-2'),
  takes('credentials without issuer', lacks('issuer'), 'VCDM-4.7-1', 'VCDM-1.3-7'),
  takes(
    'any issuer',
    claims('issuer', (one) => !isUrl(one) && !(isDocument(one) && isUrl(one['id']))),
    'VCDM-4.7-2',
    'VCDM-1.3-8',
    'VCDM-7.2-1',
    'VCALM-3.8-1',
    'VCALM-3.8.1-1',
  ),
  takes(
    'credentials without subject',
    (one) => lacks('credentialSubject')(one) || one['credentialSubject'] === null,
    'VCDM-4.8-1',
    'VCDM-1.3-7',
  ),
  takes(
    'subjects without claims',
    claims('credentialSubject', (value) => some(value, (one) => !isDocument(one) || Object.keys(one).length === 0)),
    'VCDM-4.8-2',
  ),
  takes('any validFrom', claims('validFrom', badStamp), 'VCDM-4.9-1'),
  takes('any validUntil', claims('validUntil', badStamp), 'VCDM-4.9-3'),
  takes(
    'an end before the beginning',
    (one) => Date.parse(String(one['validFrom'])) > Date.parse(String(one['validUntil'])),
    'VCDM-4.9-2',
    'VCDM-4.9-4',
  ),
  takes('any id of a status', (one) => some(one['credentialStatus'], badId), 'VCDM-4.10-1'),
  takes(
    'a status without type',
    (one) => has('credentialStatus')(one) && some(one['credentialStatus'], (s) => notObject(s) || untyped(s)),
    'VCDM-4.10-2',
  ),
  takes(
    'a status of any type',
    (one) => some(one['credentialStatus'], (s) => isDocument(s) && s['type'] !== 'BitstringStatusListEntry'),
    'VCDM-4.10-3',
  ),
  ...[
    ['credentialSchema', 'VCDM-4.11-1', 'VCDM-4.11-2'],
    ['refreshService', 'VCDM-5.4-1', 'VCDM-5.4-2'],
    ['termsOfUse', 'VCDM-5.5-1', 'VCDM-5.5-2'],
    ['evidence', 'VCDM-5.6-1', 'VCDM-5.6-3'],
  ].flatMap(([name = '', objects = '', typed = '']) => [
    takes(
      `${name} that is no object`,
      claims(name, (value) => some(value, notObject)),
      objects,
    ),
    takes(
      `${name} without type`,
      claims(name, (value) => some(value, untyped)),
      typed,
    ),
  ]),
  takes(
    'any id of a schema',
    claims('credentialSchema', (value) => some(value, (one) => isDocument(one) && !isUrl(one['id']))),
    'VCDM-4.11-3',
  ),
  takes(
    'any id of evidence',
    claims('evidence', (value) => some(value, badId)),
    'VCDM-5.6-2',
  ),
  takes('reserved properties without type', (one) => untyped(one['renderMethod']), 'VCDM-5.10-1'),
  takes('undefined terms', (one) => JSON.stringify(one).includes('undefined'), 'VCDM-5.2.1-4', 'DI-2.4.3-1'),
  takes(
    'any related resource',
    claims('relatedResource', (value) => some(value, notObject)),
    'VCDM-5.3-1',
  ),
  takes(
    'related resources without id',
    claims('relatedResource', (value) => some(value, (one) => isDocument(one) && !isUrl(one['id']))),
    'VCDM-5.3-2',
  ),
  takes(
    'related resources twice',
    claims('relatedResource', (value) => asList(value).length === 2),
    'VCDM-5.3-3',
  ),
  takes(
    'related resources without digest',
    claims('relatedResource', (value) => some(value, (one) => isDocument(one) && Object.keys(one).length === 1)),
    'VCDM-5.3-4',
  ),
  verifies(
    'related resources without computing their digest',
    claims('relatedResource', (value) => some(value, (one) => isDocument(one) && one['id'] === v2)),
    'VCDM-5.3-5',
  ),
  fault(
    'verifies credentials in expanded form',
    accepts((_one, request) => Array.isArray(request['verifiableCredential'])),
    'VCDM-6.1.2-1',
    'DI-4.4-2',
  ),
  takes(
    'contexts that redefine protected terms',
    (one) => some(contexts(one), (context) => isDocument(context) && 'VerifiableCredential' in context),
    'VCDM-B.1-2',
  ),
];

const presentations: readonly Fault[] = [
  presents('any id', (one) => badId(one) && !enveloped(one), 'VCDM-4.13-1'),
  presents('another type', (one) => has('type')(one) && !types(one).includes('VerifiablePresentation'), 'VCDM-4.13-3'),
  presents('undefined types', (one) => types(one).includes('Undefined'), 'VCDM-4.13-4'),
  presents('what is no credential', (one) => some(one['verifiableCredential'], notObject), 'VCDM-4.13-5'),
  presents(
    'unsecured credentials',
    (one) => some(one['verifiableCredential'], (vc) => isDocument(vc) && !('proof' in vc) && !enveloped(vc)),
    'VCDM-4.13-6',
    'VCDM-4.13.4-1',
  ),
  presents(
    'any holder',
    claims('holder', (one) => !isUrl(one) && !(isDocument(one) && isUrl(one['id']))),
    'VCDM-4.13-7',
  ),
  verifies('envelopes with any context', (one) => enveloped(one) && one['@context'] !== v2, 'VCDM-4.13.1-1'),
  verifies(
    'envelopes with any id',
    (one) => enveloped(one) && !/^data:.*\..*\./.test(String(one['id'])),
    'VCDM-4.13.1-2',
  ),
  verifies(
    'envelopes of any type',
    (one) => String(one['id']).startsWith('data:') && one['type'] !== 'EnvelopedVerifiableCredential',
    'VCDM-4.13.1-3',
  ),
  presents('an envelope with any id', (one) => enveloped(one) && !/^data:/.test(String(one['id'])), 'VCDM-4.13.2-2'),
  presents(
    'good proofs of bad credentials',
    (one) => some(one['verifiableCredential'], (vc) => isDocument(vc) && String(vc['validFrom']).startsWith('2019')),
    'VCALM-3.3.2-1',
  ),
];

const integrity: readonly Fault[] = [
  issues(
    'without what was asked for',
    ({ validFrom: _from, ...credential }) => credential,
    'VCDM-1.3-4',
    'VCDM-1.3-5',
    'DI-4.2-1',
    'DIEDDSA-2.2.1-3',
    'DIECDSA-3-1',
  ),
  issues(
    'what nobody can verify',
    (credential) => ({ ...credential, name: 'Added' }),
    'VCDM-7.1-1',
    'DIEDDSA-3.2.3-2',
    'DIEDDSA-3.3.3-2',
    'DIECDSA-3.2.3-2',
    'DIECDSA-3.3.3-2',
    'DIECDSA-3-2',
    'DIECDSA-3-3',
  ),
  verifies(
    'any signature',
    (one) => /^z[1-9A-HJ-NP-Za-km-z]{60}/.test(String(proofOf(one)['proofValue'])),
    'VCDM-1.3-6',
    'DIEDDSA-1.2-2',
    'DIECDSA-1.2-2',
    'DIEDDSA-A.2.1.2-1',
    'DI-4.4-1',
  ),
  verifies('a proof that is null or empty', (one) => one['proof'] === null, 'DI-1.3-1'),
  verifies('a proof that is a string', (one) => typeof one['proof'] === 'string', 'DI-2.1-1', 'DI-4.4-2'),
  verifies(
    'proofs with any id',
    proved('id', (id) => id !== undefined && !isUrl(id)),
    'DI-2.1-2',
  ),
  verifies(
    'proofs of any type',
    proved('type', (type) => type !== 'DataIntegrityProof'),
    'DI-2.1-3',
    'DIEDDSA-3.2.3-3',
    'DIEDDSA-3.3.3-3',
    'DIECDSA-3.2.3-3',
    'DIECDSA-3.3.3-3',
  ),
  verifies(
    'proofs for any purpose',
    proved('proofPurpose', (one) => one !== 'assertionMethod'),
    'DI-2.1-4',
    'DI-4.4-4',
    'DIEDDSA-A.1.2.1-4',
  ),
  verifies(
    'proofs by anything',
    proved('verificationMethod', (one) => !isUrl(one)),
    'DI-2.1-5',
    'DI-4.4-3',
    'DIEDDSA-A.1.2.1-1',
  ),
  verifies(
    'proofs without cryptosuite',
    proved('cryptosuite', missing),
    'DI-2.1-6',
    'DIEDDSA-3.2.5-2',
    'DIEDDSA-3.3.5-2',
    'DIECDSA-3.2.5-2',
    'DIECDSA-3.3.5-2',
  ),
  verifies(
    'proofs of any cryptosuite',
    proved('cryptosuite', (one) => !/^(eddsa|ecdsa)-(rdfc|jcs)-20\d\d$/.test(String(one)) || typeof one !== 'string'),
    'DI-2.1-7',
    'DIEDDSA-2.2.1-2',
    'DIECDSA-2.2.1-2',
  ),
  verifies(
    'proofs created at any time',
    proved('created', badStamp),
    'DI-2.1-8',
    'DIEDDSA-3.2.5-3',
    'DIEDDSA-3.3.5-3',
    'DIECDSA-3.2.5-3',
    'DIECDSA-3.3.5-3',
    'DIEDDSA-A.1.2.1-3',
  ),
  verifies('proofs that expire at any time', proved('expires', badStamp), 'DI-2.1-9'),
  verifies(
    'proofs in any encoding',
    proved('proofValue', (one) => !String(one).startsWith('z')),
    'DI-2.1-11',
    'DIEDDSA-A.1.2.1-5',
    'DIEDDSA-2.2.1-3',
    'DIECDSA-3-1',
  ),
  verifies(
    'chains without their links',
    (one) => some(one['proof'], (proof) => isDocument(proof) && proof['previousProof'] !== undefined),
    'DI-2.1-12',
    'DI-4.5-1',
    'DI-4.5-2',
  ),
  verifies(
    'any digest',
    claims('relatedResource', (value) => JSON.stringify(value).includes('digestMultibase')),
    'DI-2.3-1',
  ),
  verifies('what has a base URL of its own', (one) => types(one).includes('relative-type'), 'DI-2.4.3-2'),
  verifies(
    'keys in any encoding',
    proved('verificationMethod', (one) => String(one).startsWith('did:key:u')),
    'DIEDDSA-2.1.1-1',
    'DIECDSA-2.1.1-1',
  ),
  verifies('the old proof by any name', (one) => proofOf(one)['type'] === 'Ed25519Signature2099', 'DIEDDSA-A.1.2.1-2'),
  proves('of another type', (proof) => ({ ...proof, type: 'Ed25519Signature2020' }), 'DI-3.1-1', 'DIEDDSA-2.2.1-1'),
  proves(
    'of another type, with the suite',
    (proof) => ({ ...proof, type: 'DataIntegritySignature' }),
    'DIECDSA-2.2.1-1',
  ),
  proves('of another suite', (proof) => ({ ...proof, cryptosuite: 'bbs-2023' }), 'DI-3.1-2', 'DIEDDSA-2.2.1-2'),
  proves('with jws', ({ proofValue, ...proof }) => ({ ...proof, jws: proofValue }), 'DI-3.1-4'),
  proves('without purpose', ({ proofPurpose: _purpose, ...proof }) => proof, 'DI-4.2-3'),
  proves(
    'created in words',
    (proof) => ({ ...proof, created: 'just now' }),
    'DI-2.1-8',
    'DIEDDSA-3.2.5-3',
    'DIECDSA-3.3.5-3',
  ),
  presents(
    'any domain in any form',
    proved('domain', (one) => some(one, (value) => typeof value === 'number')),
    'DI-2.1-10',
  ),
  presents(
    'any domain',
    proved('domain', (one) => one !== 'verifier.example'),
    'DI-4.4-5',
  ),
  presents(
    'any challenge',
    proved('challenge', (one) => !String(one).startsWith('c2c1')),
    'DI-4.4-6',
    'DI-4.7-1',
  ),
  fault(
    'names errors as it likes',
    tells(
      /verify$/,
      (body) => JSON.parse(JSON.stringify(body).replaceAll('https://w3id.org/security#', 'urn:my-own:')) as Document,
    ),
    'DI-4.7-1',
  ),
  fault(
    'says no and not why',
    tells(/verify$/, (_body, good) => (good.status === 400 ? {} : _body)),
    'VCDM-1.3-8',
    'VCDM-7.2-1',
    'VCALM-3.8-1',
    'DI-4.4-1',
  ),
];

const entryOf = (document: Document): Document => asList<Document>(document['credentialStatus']).find(isDocument) ?? {};
const silent = (name: string, when: (entry: Document) => boolean, ...statements: string[]): Fault =>
  verifies(`in silence ${name}`, (one) => has('credentialStatus')(one) && when(entryOf(one)), ...statements);
const withEntry = (change: (entry: Document) => Document) => (credential: Document) => ({
  ...credential,
  ...('credentialStatus' in credential && {
    credentialStatus: asList<Document>(credential['credentialStatus']).map(change),
  }),
});
const withSubject = (change: (subject: Document) => Document) => (list: Document) => ({
  ...list,
  credentialSubject: change(list['credentialSubject'] as Document),
});

const listOf = (bytes: number) => `u${gzipSync(Buffer.alloc(bytes)).toString('base64url')}`;

const status: readonly Fault[] = [
  silent('entries without index', lacks('statusListIndex'), 'BSL-1.3-1'),
  silent('any purpose', ({ statusPurpose }) => typeof statusPurpose !== 'string', 'BSL-2.1-4', 'BSL-3-1'),
  silent('any index', ({ statusListIndex }) => !/^(0|[1-9]\d*)$/.test(String(statusListIndex)), 'BSL-2.1-6', 'BSL-3-1'),
  silent('any list', ({ statusListCredential }) => !isUrl(statusListCredential), 'BSL-2.1-7'),
  silent(
    'any size',
    ({ statusSize }) => statusSize !== undefined && statusSize !== 1 && statusSize !== 2,
    'BSL-2.1-10',
  ),
  silent('sizes without messages', (one) => one['statusSize'] === 2 && lacks('statusMessage')(one), 'BSL-2.1-11'),
  silent('any number of messages', ({ statusMessage }) => asList(statusMessage).length === 3, 'BSL-2.1-12'),
  silent('messages in any form', ({ statusMessage }) => typeof statusMessage === 'string', 'BSL-2.1-13'),
  silent('messages without status', ({ statusMessage }) => asList(statusMessage).length === 2, 'BSL-2.1-14'),
  silent('any reference', has('statusReference'), 'BSL-2.1-15'),
  silent('indexes outside the list', ({ statusListIndex }) => String(statusListIndex).length > 15, 'BSL-3.2-2'),
  silent(
    'lists that cannot be had',
    ({ statusListCredential }) => String(statusListCredential).includes('lists.example'),
    'BSL-3.5-1',
  ),
  silent('what is revoked', () => true, 'BSL-3.2-1', 'BSL-2.1-9'),
  silent(
    'entries of two bits as entries of one',
    ({ statusSize, statusListCredential }) =>
      statusSize === 2 && String(statusListCredential).endsWith('a-status-list'),
    'BSL-3.2-1',
  ),
  silent(
    'entries of one bit as entries of two',
    ({ statusListIndex, statusListCredential }) =>
      statusListIndex === '5' && String(statusListCredential).endsWith('a-status-list'),
    'BSL-2.1-9',
  ),
  issues(
    'entries named after their list',
    withEntry((entry) => ({ ...entry, id: entry['statusListCredential'] })),
    'BSL-2.1-2',
  ),
  issues(
    'entries of another type',
    withEntry((entry) => ({ ...entry, type: 'StatusList2021Entry' })),
    'BSL-2.1-3',
  ),
  issues(
    'indexes as numbers',
    withEntry((one) => ({ ...one, statusListIndex: Number(one['statusListIndex']) })),
    'BSL-2.1-6',
  ),
  lists('of another type', (list) => ({ ...list, type: ['VerifiableCredential'] }), 'BSL-2.1-8', 'BSL-2.2-2'),
  lists('that are no credentials', (list) => ({ ...list, '@context': [] }), 'BSL-2.2-1'),
  lists(
    'with another subject',
    withSubject((subject) => ({ ...subject, type: 'StatusList2021' })),
    'BSL-2.2-3',
  ),
  lists(
    'without purpose',
    withSubject(({ statusPurpose: _purpose, ...subject }) => subject),
    'BSL-2.2-4',
  ),
  lists(
    'with padding',
    withSubject((one) => ({ ...one, encodedList: `${one['encodedList']}==` })),
    'BSL-2.2-8',
  ),
  lists(
    'that are short',
    withSubject((one) => ({ ...one, encodedList: listOf(1024) })),
    'BSL-2.2-9',
  ),
  lists(
    'that never change',
    withSubject((one) => ({ ...one, encodedList: listOf(16 * 1024) })),
    'BSL-2.2-10',
    'BSL-3.1-1',
  ),
];

const interfaces: readonly Fault[] = [
  fault(
    'issues with 200',
    tells(/issue$/, (_body, good) => (good.status === 201 ? { ...good, status: 200 } : good)),
    'VCALM-1.3-1',
  ),
  fault(
    'does not say verified',
    tells(/verify$/, ({ verified: _verified, ...body }) => body),
    'VCALM-1.3-2',
  ),
  fault(
    'changes the status of what it does not know',
    async (request, answer) => {
      const good = await answer();
      return request.url.endsWith('/status') && good.status === 404 ? { ...good, status: 200, text: '{}' } : good;
    },
    'VCALM-1.3-4',
  ),
  fault(
    'ignores options that it does not know',
    accepts((_one, { options }) => JSON.stringify(options ?? {}).includes('checker')),
    'VCALM-2.4.3-1',
  ),
  fault(
    'answers in its own media type',
    async (_request, answer) => {
      const good = await answer();
      return { ...good, headers: { ...good.headers, 'content-type': 'application/ld+json' } };
    },
    'VCALM-2.4.4-1',
  ),
  fault(
    'is never at fault',
    tells(/verify$/, (body, good) => (good.status === 200 ? { ...body, verified: true } : body)),
    'VCALM-3.8.1-1',
  ),
  fault(
    'takes a warning for an error',
    tells(/verify$/, (body, good) => (good.status === 200 ? { ...body, verified: false } : body)),
    'VCALM-3.8.1-2',
  ),
];

const metadata = (name: string, value: unknown) => (body: Document) => {
  const present: unknown = body['didDocumentMetadata'];
  return isDocument(present) && body['didDocument']
    ? { ...body, didDocumentMetadata: { ...present, [name]: value } }
    : body;
};
const resolutionMetadata = (change: (present: Document) => Document) => (body: Document) =>
  isDocument(body['didResolutionMetadata'])
    ? { ...body, didResolutionMetadata: change(body['didResolutionMetadata']) }
    : body;

const resolution: readonly Fault[] = [
  resolves('times with fractions', metadata('updated', '2026-01-01T00:00:00.5Z'), 'DIDRES-3.1-1', 'DIDRES-4.3-2'),
  resolves('creation times in words', metadata('created', 'long ago'), 'DIDRES-4.3-1'),
  resolves('living DIDs as deactivated', metadata('deactivated', true), 'DIDRES-4.3-3'),
  resolves('next updates in words', metadata('nextUpdate', 'soon'), 'DIDRES-4.3-4'),
  resolves('versions as numbers', metadata('versionId', 4), 'DIDRES-4.3-5'),
  resolves('next versions as numbers', metadata('nextVersionId', 5), 'DIDRES-4.3-6'),
  resolves('equivalents of other methods', metadata('equivalentId', ['did:example:123']), 'DIDRES-4.3-7'),
  resolves('canonical ids of other methods', metadata('canonicalId', 'did:example:123'), 'DIDRES-4.3-10'),
  resolves('proofs as strings', metadata('proof', 'a proof'), 'DIDRES-4.3-12'),
  resolves(
    'without a document',
    (body) => ({ ...body, didDocument: null }),
    'DIDRES-4-1',
    'DIDRES-4-6',
    'DIDRES-12.1-6',
  ),
  resolves(
    'to the document of somebody else',
    (body) => JSON.parse(JSON.stringify(body).replaceAll('"id":"did:key:z', '"id":"did:key:x')) as Document,
    'DIDRES-4-7',
    'DIDRES-12.1-3',
    'DIDRES-12.1-9',
  ),
  resolves(
    'to methods without type',
    (body) => JSON.parse(JSON.stringify(body).replaceAll('"controller":', '"owner":')) as Document,
    'DIDRES-4.4-5',
  ),
  resolves(
    'errors without a word',
    resolutionMetadata(() => ({})),
    'DIDRES-4-4',
    'DIDRES-4-5',
    'DIDRES-4-2',
    'DIDRES-4.4-1',
    'DIDRES-4.4-2',
    'DIDRES-11-1',
  ),
  resolves(
    'errors with a document',
    (body) => (body['didDocument'] === null ? { ...body, didDocument: { id: 'did:example:1' } } : body),
    'DIDRES-4-8',
  ),
  resolves(
    'errors with metadata',
    (body) => (body['didDocument'] === null ? { ...body, didDocumentMetadata: { versionId: '1' } } : body),
    'DIDRES-4-10',
  ),
  resolves(
    'without metadata of the document',
    ({ didDocumentMetadata: _metadata, ...body }) => body,
    'DIDRES-4-9',
    'DIDRES-7-1',
  ),
  resolves(
    'with a content type that is none',
    resolutionMetadata((one) => ({ ...one, contentType: 'JSON' })),
    'DIDRES-4.2-1',
    'DIDRES-12.1-8',
  ),
  resolves(
    'with a proof that is none',
    resolutionMetadata((one) => ({ ...one, proof: 'a proof' })),
    'DIDRES-4.2-3',
  ),
  resolves(
    'errors by old names',
    (body) => JSON.parse(JSON.stringify(body).replaceAll('https://www.w3.org/ns/did#', '')) as Document,
    'DIDRES-11-1',
    'DIDRES-4.4-4',
  ),
  fault(
    'ignores options of resolution',
    async (request, answer) => {
      const ignored = /Unknown|not-a-time/.test(request.url);
      return ignored ? { status: 200, headers: {}, text: '{}' } : answer();
    },
    'DIDRES-4.4-3',
    'DIDRES-4.4-4',
  ),
  fault(
    'says that it does not understand noCache in its own words',
    async (request, answer) => {
      const refusal = {
        didResolutionMetadata: { error: { type: 'urn:no-cache' } },
        didDocument: null,
        didDocumentMetadata: {},
      };
      return request.url.includes('noCache') ? { status: 400, headers: {}, text: JSON.stringify(refusal) } : answer();
    },
    'DIDRES-13.2-1',
  ),
  fault(
    'answers every resolution with 500',
    async (request, answer) => {
      const good = await answer();
      return request.url.includes('/identifiers/') ? { ...good, status: 500 } : good;
    },
    'DIDRES-12.1-1',
    'DIDRES-12.1-2',
    'DIDRES-12.1-4',
    'DIDRES-12.1-7',
  ),
];

const dereferences = (
  name: string,
  change: (body: Document, answer: Answer) => Answer | Document,
  ...ids: string[]
): Fault =>
  fault(
    `dereferences ${name}`,
    tells(/\/identifiers\//, (body, answer) => ('dereferencingMetadata' in body ? change(body, answer) : body)),
    ...ids,
  );

/** Changes what is answered to requests for a DID, a DID URL or a part of a document. */
const finds = (
  name: string,
  when: (request: Request, answer: Answer) => boolean,
  change: (answer: Answer) => Partial<Answer>,
  ...ids: string[]
): Fault =>
  fault(
    name,
    async (request, answer) => {
      const good = await answer();
      return request.url.includes('/identifiers/') && when(request, good) ? { ...good, ...change(good) } : good;
    },
    ...ids,
  );

const withoutResult = ({ headers }: Request, { status }: Answer) =>
  status === 200 && !headers['accept']?.startsWith('application/did-');
const isSentOn = (_request: Request, { status }: Answer) => status === 303;
const content = (value: unknown) =>
  JSON.stringify({ dereferencingMetadata: {}, contentStream: value, contentMetadata: {} });

const dereferencing: readonly Fault[] = [
  dereferences(
    'to nothing',
    (body) => ({ ...body, contentStream: null }),
    'DIDRES-5-1',
    'DIDRES-5-5',
    'DIDRES-5.4.1-4',
    'DIDRES-12.1-10',
    'DIDRES-12.1-16',
  ),
  dereferences(
    'to something else',
    (body) => (body['contentStream'] ? { ...body, contentStream: { id: 'did:example:1' } } : body),
    'DIDRES-5-1',
    'DIDRES-5-5',
    'DIDRES-5.1-2',
    'DIDRES-5.4.1-4',
    'DIDRES-5.4.2-2',
  ),
  dereferences(
    'errors without a word',
    (body) => ({ ...body, dereferencingMetadata: {} }),
    'DIDRES-5-4',
    'DIDRES-5.2-2',
    'DIDRES-5.4.1-1',
    'DIDRES-5.4.1-3',
  ),
  dereferences(
    'errors with content',
    (body) => (body['contentStream'] === null ? { ...body, contentStream: { id: 'did:example:1' } } : body),
    'DIDRES-5-5',
    'DIDRES-5.1-2',
    'DIDRES-5.4.1-1',
    'DIDRES-5.4.1-3',
    'DIDRES-5.4.2-1',
    'DIDRES-5.4.2-2',
  ),
  dereferences(
    'errors with metadata of content',
    (body) => (body['contentStream'] === null ? { ...body, contentMetadata: { created: 'now' } } : body),
    'DIDRES-5-6',
  ),
  dereferences(
    'without metadata of the content',
    ({ contentMetadata: _metadata, ...body }) => body,
    'DIDRES-5-6',
    'DIDRES-5.4.1-4',
    'DIDRES-12.1-10',
  ),
  dereferences(
    'with a content type that is none',
    (body) => ({ ...body, dereferencingMetadata: { contentType: 'JSON' } }),
    'DIDRES-5.2-1',
    'DIDRES-12.1-15',
  ),
  dereferences(
    'with a proof that is none',
    (body) => ({ ...body, dereferencingMetadata: { proof: 'a proof' } }),
    'DIDRES-5.2-3',
  ),
  dereferences(
    'errors by names of its own',
    (body) => JSON.parse(JSON.stringify(body).replaceAll('https://www.w3.org/ns/did#', 'urn:error:')) as Document,
    'DIDRES-5.4.1-1',
    'DIDRES-5.4.1-3',
  ),
  finds(
    'ignores verification relationships',
    ({ url }, { status }) => url.includes('verificationRelationship') && status >= 400,
    () => ({ status: 200, text: content({ id: 'did:example:1#key' }) }),
    'DIDRES-5.1-2',
    'DIDRES-5.4.2-1',
    'DIDRES-5.4.2-2',
  ),
  finds(
    'selects the one service that it knows',
    ({ url }) => /\?service=/.test(decodeURIComponent(url)),
    ({ text }) => {
      const document = (JSON.parse(text) as Document)['contentStream'] as Document;
      return { text: content({ ...document, service: [{ id: '#schemas' }] }) };
    },
    'DIDRES-5.4.1-5',
  ),
  finds(
    'selects services by relative ids only',
    ({ url }) => /%3Fservice%3Ddid%253A/.test(url),
    ({ text }) => {
      const document = (JSON.parse(text) as Document)['contentStream'] as Document;
      return { text: content({ ...document, service: [] }) };
    },
    'DIDRES-5.4.1-5',
  ),
  finds('sends nobody on', isSentOn, () => ({ status: 200 }), 'DIDRES-12.1-11'),
  finds(
    'sends on to the same address always',
    isSentOn,
    () => ({ headers: { location: 'https://localhost/schemas/' } }),
    'DIDRES-12.1-12',
  ),
  finds('sends on with a page', isSentOn, () => ({ text: '<p>Moved</p>' }), 'DIDRES-12.1-13'),
  finds('answers content with 203', withoutResult, () => ({ status: 203 }), 'DIDRES-12.1-14'),
  finds(
    'calls every representation JSON',
    withoutResult,
    () => ({ headers: { 'content-type': 'application/json' } }),
    'DIDRES-12.1-15',
  ),
  finds(
    'adds to what it was asked for',
    withoutResult,
    ({ text }) => ({ text: JSON.stringify({ ...(JSON.parse(text) as Document), added: true }) }),
    'DIDRES-12.1-16',
  ),
  finds(
    'has never heard of DIDs that were given up',
    (_request, { status }) => status === 410,
    () => ({ status: 404 }),
    'DIDRES-12.1-5',
  ),
  finds(
    'does not say that a DID was given up',
    (_request, { status }) => status === 410,
    () => ({ text: '{"didResolutionMetadata":{},"didDocument":null,"didDocumentMetadata":{}}' }),
    'DIDRES-12.1-5',
  ),
];

interface Token {
  readonly mediaType: string;
  readonly header: Document;
  readonly payload: Document;
  readonly signature: string;
}

const readJson = (text: string): Document => {
  try {
    return JSON.parse(text) as Document;
  } catch {
    return {};
  }
};

/** An ES256 signature in CBOR: two bytes that say how long it is, and 64 of its own. */
const signatureLength = 66;

/** The payload of a COSE_Sign1 is the only JSON in it, and nothing but the signature follows it. */
function payloadOfCose(data: string): Document {
  const bytes = Buffer.from(data, 'base64');
  return readJson(bytes.subarray(bytes.indexOf('{"@context"'), bytes.length - signatureLength).toString());
}

/** What is inside an envelope; empty for everything else. */
function tokenOf({ id }: Document): Token {
  const [, mediaType = '', data = ''] = /^data:application\/([\w+-]+)(?:;base64)?,(.*)$/s.exec(String(id)) ?? [];
  if (mediaType.endsWith('+cose')) return { mediaType, header: {}, payload: payloadOfCose(data), signature: data };
  const [header = '', payload = '', signature = ''] = data.split('.');
  const read = (segment: string) => readJson(Buffer.from(segment, 'base64url').toString());
  return { mediaType, header: read(header), payload: read(payload), signature };
}

const tokens = (name: string, when: (token: Token) => boolean, ...statements: string[]): Fault =>
  verifies(`tokens ${name}`, (one) => tokenOf(one).mediaType === 'vc+jwt' && when(tokenOf(one)), ...statements);
type Presented = 'vp+jwt' | 'vp+sd-jwt' | 'vp+cose';
const presentedTokens = (medium: Presented, name: string, when: (token: Token) => boolean, ...ids: string[]): Fault =>
  presents(`a ${medium} ${name}`, (one) => tokenOf(one).mediaType === medium && when(tokenOf(one)), ...ids);

const holding =
  (when: (credential: unknown) => boolean) =>
  ({ payload }: Token) =>
    some(payload['verifiableCredential'], when);
const isBare = (one: unknown) => isDocument(one) && !enveloped(one);
const isPresentation = (one: unknown) => isDocument(one) && types(one).includes('VerifiablePresentation');

/** The same four faults in each mechanism: VC-JOSE-COSE 3.1.2, 3.2.2 and 3.3.2. */
const presentedIn = (medium: Presented, section: string): readonly Fault[] => [
  presentedTokens(medium, 'of any signature', () => true, `VJC-${section}-2`),
  presentedTokens(medium, 'with bare tokens', holding(notObject), `VJC-${section}-3`, `VJC-${section}-4`),
  presentedTokens(medium, 'with bare presentations', holding(isPresentation), `VJC-${section}-4`),
  presentedTokens(
    medium,
    'with unsecured credentials',
    holding((one) => isBare(one) && !isPresentation(one)),
    `VJC-${section}-5`,
  ),
];

const envelopes: readonly Fault[] = [
  tokens('whose alg is none', ({ header }) => header['alg'] === 'none', 'VJC-1.1.2.1-1'),
  tokens('without signature', ({ signature }) => signature === '', 'VJC-1.1.2.1-2'),
  tokens(
    'with the claims vc and vp',
    ({ payload }) => 'vc' in payload || 'vp' in payload,
    'VJC-1.1.2.1-3',
    'VJC-3.1.3-1',
  ),
  tokens('of any signature', () => true, 'VJC-3.1.1-2'),
  tokens('without kid', ({ header }) => header['kid'] === undefined, 'VJC-4.1.1-1'),
  tokens('of any iss', ({ payload }) => 'iss' in payload, 'VJC-4.1.2-1'),
  tokens('of any kid', ({ header }) => !String(header['kid']).startsWith('did:'), 'VJC-4.3-3'),
  tokens('at any time', ({ payload }) => 'exp' in payload || 'nbf' in payload, 'VJC-5-1'),
  tokens('of any payload', ({ payload }) => !('@context' in payload), 'VJC-5-2'),
  ...presentedIn('vp+jwt', '3.1.2'),
  ...presentedIn('vp+sd-jwt', '3.2.2'),
  ...presentedIn('vp+cose', '3.3.2'),
  presentedTokens('vp+jwt', 'of any kid', ({ header }) => !String(header['kid']).startsWith('did:'), 'VJC-4.3-4'),
  verifies('any SD-JWT', (one) => tokenOf(one).mediaType === 'vc+sd-jwt', 'VJC-3.2.1-2', 'VJC-3.2.2-6'),
  verifies('any COSE', (one) => tokenOf(one).mediaType === 'vc+cose', 'VJC-3.3.1-2'),
  issues(
    'under another media type',
    (one) => ({ ...one, id: String(one['id']).replace('application/vc+', 'application/old+') }),
    'VJC-3-1',
    'VJC-3.1.1-1',
    'VJC-3.2.1-1',
    'VJC-3.3.1-1',
    'VJC-3.3.1-3',
  ),
  fault(
    'verifies no tokens',
    async (request, answer) => {
      const refuses = request.url.endsWith('verify') && request.body?.includes('data:application/vc+jwt');
      return refuses ? { status: 400, headers: {}, text: '{"verified":false}' } : answer();
    },
    'VJC-3.1.2-6',
    'VJC-3.1.3-2',
    'VJC-5-3',
    'VJC-5-4',
  ),
  fault(
    'publishes keys by an older type',
    tells(
      /did\.json$/,
      (body) => JSON.parse(JSON.stringify(body).replaceAll('"JsonWebKey"', '"JsonWebKey2020"')) as Document,
    ),
    'VJC-4.3-1',
  ),
  fault(
    'publishes no key as JWK',
    tells(
      /did\.json$/,
      (body) => JSON.parse(JSON.stringify(body).replaceAll('publicKeyJwk', 'publicKeyHex')) as Document,
    ),
    'VJC-4.3-2',
  ),
  fault(
    'takes no COSE with a label that it does not know',
    async (request, answer) => {
      // -70001 in CBOR: a negative integer of 32 bits.
      const unknown = Buffer.of(0x3a, 0x00, 0x01, 0x11, 0x70);
      const [, data = ''] = /data:application\/vc\+cose;base64,([A-Za-z0-9+/=]+)/.exec(request.body ?? '') ?? [];
      const refuses = Buffer.from(data, 'base64').includes(unknown);
      return refuses ? { status: 400, headers: {}, text: '{"verified":false}' } : answer();
    },
    'VJC-3.3.3-1',
  ),
];

const didMethods: readonly Fault[] = [
  fault(
    'resolves whatever it is asked',
    async (request, answer) => {
      const good = await answer();
      const did = request.url.split('/identifiers/')[1];
      if (did === undefined || good.status === 200) return good;
      const result = { didResolutionMetadata: {}, didDocument: { id: did }, didDocumentMetadata: {} };
      return { ...good, status: 200, text: JSON.stringify(result) };
    },
    'DIDKEY-3.1.1-1',
    'DIDKEY-3.1.2-1',
    'DIDKEY-3.1.2-2',
    'DIDWEB-2.2-1',
    'DIDWEB-2.3-2',
  ),
  resolves(
    'did:key to documents with names of their own',
    (body) => JSON.parse(JSON.stringify(body).replaceAll('"id":"did:key:', '"id":"did:own:')) as Document,
    'DIDKEY-3.1.1-2',
    'DIDKEY-3.1.2-3',
  ),
  resolves(
    'to keys of nobody',
    (body) => JSON.parse(JSON.stringify(body).replaceAll('"controller":', '"owner":')) as Document,
    'DIDKEY-3.1.2-6',
  ),
  fault(
    'publishes the document of somebody else',
    tells(/did\.json$/, (body) => ({ ...body, id: 'did:web:other' })),
    'DIDWEB-2.5.2-1',
  ),
];

const derives = (name: string, change: (credential: Document) => Document, ...statements: string[]): Fault =>
  fault(`derives ${name}`, tells(/credentials\/derive$/, change), ...statements);
const withValue =
  (change: (proof: { header: string; components: unknown[] }) => { header: string; components: unknown[] }) =>
  (credential: Document): Document => {
    const value: unknown = proofOf(credential)['proofValue'];
    if (typeof value !== 'string' || !value.startsWith('u')) return credential;
    return {
      ...credential,
      proof: { ...proofOf(credential), proofValue: writeProofValue(change(readProofValue(value))) },
    };
  };
const headerOf = (document: Document) =>
  Buffer.from(String(proofOf(document)['proofValue']).slice(1, 5), 'base64url')
    .toString('hex')
    .slice(0, 6);
const sd = (document: Document) => String(proofOf(document)['cryptosuite']).startsWith('ecdsa-sd');

const disclosure: readonly Fault[] = [
  derives('credentials without ids', ({ id: _id, ...credential }) => credential, 'DIECDSA-3.4.11-1'),
  derives('credentials without types', ({ type: _type, ...credential }) => credential, 'DIECDSA-3.4.11-2'),
  derives('what nobody can verify', (one) => ({ ...one, name: 'Added' }), 'DIECDSA-3.5.7-1'),
  derives(
    'base proofs',
    withValue((one) => ({ ...one, header: 'd95d00' })),
    'DIECDSA-3.5.7-1',
  ),
  fault(
    'derives whatever it is asked',
    async (request, answer) => {
      const good = await answer();
      if (!request.url.endsWith('/derive') || good.status < 400) return good;
      const { verifiableCredential } = JSON.parse(request.body ?? '{}') as Document;
      return { ...good, status: 201, text: JSON.stringify(verifiableCredential) };
    },
    'DIECDSA-3.4.12-1',
    'DIECDSA-3.5.3-1',
    'DIECDSA-3.5.3-2',
  ),
  issues(
    'base proofs with another header',
    withValue((one) => ({ ...one, header: 'd95d01' })),
    'DIECDSA-3.5.2-1',
  ),
  issues(
    'base proofs with a short HMAC key',
    withValue(({ header, components: [first, key, hmac, ...rest] }) => ({
      header,
      components: [first, key, (hmac as Uint8Array).subarray(16), ...rest],
    })),
    'DIECDSA-3.6.2-4',
  ),
  issues(
    'proofs of another cryptosuite',
    (one) => (sd(one) ? { ...one, proof: { ...proofOf(one), cryptosuite: 'bbs-2023' } } : one),
    'DIECDSA-3.6.4-2',
  ),
  verifies(
    'derived proofs in any base',
    (one) => sd(one) && !String(proofOf(one)['proofValue']).startsWith('u'),
    'DIECDSA-3.5.8-1',
  ),
  verifies('derived proofs of any header', (one) => sd(one) && headerOf(one) !== 'd95d01', 'DIECDSA-3.5.8-2'),
  verifies('any derived proof', sd, 'DIECDSA-3.5.8-3', 'DIECDSA-3.6.2-3', 'DIECDSA-3.6.7-1'),
  verifies(
    'derived proofs of any type',
    (one) => sd(one) && proofOf(one)['type'] !== 'DataIntegrityProof',
    'DIECDSA-3.6.4-2',
  ),
  verifies(
    'derived proofs created at any time',
    (one) => sd(one) && badStamp(proofOf(one)['created']),
    'DIECDSA-3.6.4-3',
  ),
];

/** The address of a schema says what is wrong with it (scripts/conformance/specs/vc-json-schema.ts). */
const schemaOf = (document: Document): Document =>
  asList<Document>(document['credentialSchema']).find(isDocument) ?? {};
const follows = (name: string, title: RegExp, ...statements: string[]): Fault =>
  verifies(`by ${name}`, (one) => title.test(String(schemaOf(one)['id']).split('/').at(-1) ?? ''), ...statements);

const schemas: readonly Fault[] = [
  follows('schemas of any $id', /name-of-another|\$id/, 'VJS-2.1-1', 'VJS-3.1.1-1'),
  takes('schemas whose id is no URL', (one) => 'credentialSchema' in one && !isUrl(schemaOf(one)['id']), 'VJS-2.1-1'),
  follows('no JsonSchema', /JsonSchema-that-is-broken/, 'VJS-2.1-2'),
  takes(
    'schemas of any type',
    (one) => 'credentialSchema' in one && !/^JsonSchema/.test(String(schemaOf(one)['type'])),
    'VJS-2.1-2',
  ),
  follows('half a JsonSchema', /subject-without/, 'VJS-2.2-1'),
  follows('subjects of any type', /subject-of-another-type/, 'VJS-2.2-2'),
  follows('schema credentials of any schema', /(without|another)-(credentialSchema|digest)/, 'VJS-2.2-3'),
  follows('schema credentials of any id', /schema-credential-(with-the-id|whose-id)/, 'VJS-2.2-4'),
  follows('schema credentials of any type', /schema-credential-of-another-type/, 'VJS-2.2-5'),
  follows('subjects of any id', /subject-whose-id/, 'VJS-2.2-6'),
  follows('what is no jsonSchema', /jsonSchema-that-is/, 'VJS-2.2-7'),
  follows('what is no JSON Schema', /jsonSchema-(with|whose)/, 'VJS-2.2.1-1'),
  follows('the keywords of an older version', /(prefixItems|dependentRequired)-that-is-broken/, 'VJS-3-1'),
  follows('schemas of any version', /unknown-version|\$schema/, 'VJS-3.1.2-1', 'VJS-4-1', 'VJS-4.2-1', 'VJS-4.2-2'),
  follows('the references of an older version', /(\$defs-that-are|unevaluatedProperties-that-is)-broken/, 'VJS-4-2'),
  fault(
    'calls a version that it does not know a failure',
    tells(/verify$/, (body) => ({
      ...body,
      problemDetails: asList<Document>(body['problemDetails']).map((one) =>
        one['title'] === 'schema_not_run'
          ? { ...one, type: 'https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR', title: 'schema_violation' }
          : one,
      ),
    })),
    'VJS-4.2-1',
    'VJS-4.2-2',
  ),
];

export const faults: readonly Fault[] = [
  ...dataModel,
  ...presentations,
  ...integrity,
  ...status,
  ...interfaces,
  ...resolution,
  ...dereferencing,
  ...envelopes,
  ...didMethods,
  ...disclosure,
  ...schemas,
];
