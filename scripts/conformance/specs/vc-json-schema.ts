/**
 * Verifiable Credentials JSON Schema: what a verifier says of credentials whose schemas lie with the checker. The
 * issuer is the checker's did:web, which the server trusts.
 */
import { createHash } from 'node:crypto';
import { credentialTest, forged } from '../cases.js';
import { type Conversation, isAcceptance, plainCredential, type Reply } from '../conversation.js';
import { aVerifier, forgeable, needs } from '../endpoints.js';
import { credentialsV2 } from '../inputs/contexts.js';
import { isCryptosuite } from '../inputs/data-integrity.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import { keyTypeOf } from '../inputs/keys.js';
import type { Test, Tests } from '../suite.js';
import { together } from './proof-cases.js';

/** What is published, and how the credential refers to it; `changes` are those of the credential. */
interface Case {
  readonly schema?: Document;
  /** Publishes a schema credential and not the bare schema; these are its members that differ from a good one. */
  readonly inCredential?: (good: Document) => Document;
  readonly reference?: Document;
  readonly changes?: Document;
}

type Cases = Readonly<Record<string, Case>>;

const draft2020 = 'https://json-schema.org/draft/2020-12/schema';

/** Section 2.2 gives this value. */
const fixedSchema = {
  id: 'https://www.w3.org/ns/credentials/json-schema/v2.json',
  type: 'JsonSchema',
  digestSRI: 'sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW',
};

const subjectWith = (property: string): Document => ({
  properties: { credentialSubject: { type: 'object', required: [property] } },
});
const followed: Case = { schema: subjectWith('name') };
const broken: Case = { schema: subjectWith('image') };
const inCredential = (change: (good: Document) => Document = (good) => good): Case => ({
  ...followed,
  inCredential: change,
});

/** An undefined member is left out, as JSON has it. */
function schemaAt(url: string, schema: Document = {}): Document {
  return { $id: url, $schema: draft2020, title: 'For the conformance checker', type: 'object', ...schema };
}

function schemaCredential(url: string, issuer: string, schema: Document | undefined): Document {
  const inside = schemaAt(`${url}.schema`, schema);
  return {
    '@context': [credentialsV2],
    id: url,
    type: ['VerifiableCredential', 'JsonSchemaCredential'],
    issuer,
    validFrom: '2024-01-01T00:00:00Z',
    credentialSchema: fixedSchema,
    credentialSubject: { id: inside['$id'], type: 'JsonSchema', jsonSchema: inside },
  };
}

/** Publishes the schema of a case. The reference has a digest and a schema credential a proof: some servers want both. */
async function publish(talk: Conversation, title: string, { schema, inCredential: change }: Case): Promise<Document> {
  const { host } = talk;
  const { url, publish: put } = host.reserve(title);
  const text = change
    ? put(await proved(talk, change(schemaCredential(url, host.did, schema))), 'application/json')
    : put(schemaAt(url, schema), 'application/schema+json');
  const digestSRI = `sha384-${createHash('sha384').update(text).digest('base64')}`;
  return { id: url, type: change ? 'JsonSchemaCredential' : 'JsonSchema', digestSRI };
}

/** With an embedded proof where the verifier takes one. */
async function proved({ host, target }: Conversation, document: Document): Promise<Document> {
  const securing = forgeable(aVerifier(target));
  return isCryptosuite(securing) ? forged(securing, document, host.signers[keyTypeOf(securing)]) : document;
}

async function ask(talk: Conversation, title: string, one: Case): Promise<Reply> {
  const verifier = aVerifier(talk.target);
  const securing = forgeable(verifier);
  const signer = talk.host.signers[keyTypeOf(securing)];
  const credentialSchema = { ...(await publish(talk, title, one)), ...one.reference };
  const credential = plainCredential(signer.did, { credentialSchema, ...one.changes });
  const verifiableCredential = await forged(securing, credential, signer);
  return talk.post(verifier.url, { verifiableCredential, options: { returnResults: true } });
}

/** Section 4.2, success: nothing was found, and the result of the schema, where there are results, says so. */
function isSuccess(reply: Reply): boolean {
  const results: unknown = isDocument(reply.json) ? reply.json['results'] : undefined;
  const schemas = isDocument(results) ? asList<Document>(results['credentialSchema']) : [];
  return isAcceptance(reply) && schemas.every(({ verified }) => verified === true);
}

const told = ({ status, text }: Reply) => `was answered ${status} ${text.slice(0, 200)}`;

async function succeeds(talk: Conversation, what: string, one: Case): Promise<void> {
  const reply = await ask(talk, what, one);
  talk.expect(isSuccess(reply), `${what}: must be a success, ${told(reply)}`);
}

async function fails(talk: Conversation, what: string, one: Case): Promise<Reply> {
  const reply = await ask(talk, what, one);
  const answered = [200, 400, 422].includes(reply.status);
  talk.expect(answered && !isSuccess(reply), `${what}: must not be a success, ${told(reply)}`);
  return reply;
}

const lacksVerifier = needs.all(needs.verifier, needs.hosting);

/** Questions about schemas. A verifier that lets none succeed proves nothing, so there is always one that must. */
function schemaTest({ good = { 'a schema that is followed': followed }, bad }: { good?: Cases; bad: Cases }): Test {
  return {
    lacks: lacksVerifier,
    async run(talk) {
      for (const [what, one] of Object.entries(good)) await succeeds(talk, what, one);
      for (const [what, one] of Object.entries(bad)) await fails(talk, what, one);
    },
  };
}

/** As schemaTest, of schemas in credentials; each case changes the good schema credential. */
function schemaCredentialTest(bad: Readonly<Record<string, (good: Document) => Document>>): Test {
  return schemaTest({
    good: { 'a schema credential that is followed': inCredential() },
    bad: Object.fromEntries(Object.entries(bad).map(([what, change]) => [what, inCredential(change)])),
  });
}

const withSubject = (changes: Document) => (good: Document) => ({
  ...good,
  credentialSubject: { ...good['credentialSubject'], ...changes },
});
const withSchema = (changes: Document) => (good: Document) =>
  withSubject({ jsonSchema: { ...good['credentialSubject'].jsonSchema, ...changes } })(good);

const elsewhere = { id: 'https://schemas.example/1', type: 'JsonSchema' };

const model: Tests = {
  'VJS-2.1-1': together(
    schemaTest({ bad: { 'a schema under the name of another': { ...followed, schema: { $id: elsewhere.id } } } }),
    credentialTest({
      refuses: {
        'a schema whose id is no URL': { credentialSchema: { ...elsewhere, id: 'not a url' } },
        'a schema whose id is a number': { credentialSchema: { ...elsewhere, id: 5 } },
        'a schema without id': { credentialSchema: { type: 'JsonSchema' } },
      },
    }),
  ),
  'VJS-2.1-2': together(
    schemaTest({ bad: { 'a JsonSchema that is broken': broken } }),
    credentialTest({
      refuses: {
        'a schema of an undefined type': { credentialSchema: { ...elsewhere, type: 'UndefinedSchema' } },
        'a schema whose type is a number': { credentialSchema: { ...elsewhere, type: 5 } },
        'a schema without type': { credentialSchema: { id: elsewhere.id } },
      },
    }),
  ),
  'VJS-2.2-1': schemaCredentialTest({
    'a subject without type': withSubject({ type: undefined }),
    'a subject without jsonSchema': withSubject({ jsonSchema: undefined }),
  }),
  'VJS-2.2-2': schemaCredentialTest({
    'a subject of another type': withSubject({ type: 'JsonSchemaCredential' }),
  }),
  'VJS-2.2-3': schemaCredentialTest({
    'a schema credential without credentialSchema': (good) => ({ ...good, credentialSchema: undefined }),
    'a schema credential with another credentialSchema': (good) => ({ ...good, credentialSchema: elsewhere }),
    'a schema credential with another digest': (good) => ({
      ...good,
      credentialSchema: { ...fixedSchema, digestSRI: fixedSchema.digestSRI.replace('S57', 'S58') },
    }),
  }),
  'VJS-2.2-4': schemaCredentialTest({
    'a schema credential with the id of another': (good) => ({ ...good, id: elsewhere.id }),
    'a schema credential whose id is no URL': (good) => ({ ...good, id: 'not a url' }),
  }),
  'VJS-2.2-5': schemaCredentialTest({
    'a schema credential of another type': (good) => ({ ...good, type: ['VerifiableCredential'] }),
  }),
  'VJS-2.2-6': schemaCredentialTest({
    'a subject whose id is no URL': withSubject({ id: 'not a url' }),
    'a subject whose id is a number': withSubject({ id: 5 }),
  }),
  'VJS-2.2-7': schemaCredentialTest({
    'a jsonSchema that is text': withSubject({ jsonSchema: '{}' }),
    'a jsonSchema that is a list': withSubject({ jsonSchema: [{}] }),
  }),
  'VJS-2.2.1-1': schemaCredentialTest({
    'a jsonSchema with a type that does not exist': withSchema({ type: 'no-such-type' }),
    'a jsonSchema whose required is text': withSchema({ required: 'credentialSubject' }),
  }),
};

const arrayOf = (type: string) => ({ properties: { type: { prefixItems: [{ const: type }], items: false } } });
const dependent = (name: string) => ({
  properties: { credentialSubject: { dependentRequired: { name: [name] } } },
});
const unevaluated = (...names: string[]) => ({
  allOf: [{ properties: Object.fromEntries(names.map((name) => [name, true])) }],
  unevaluatedProperties: false,
});
const members = ['@context', 'type', 'issuer', 'validFrom', 'credentialSubject', 'credentialSchema', 'proof'];
const defined = (type: string) => ({
  $defs: { value: { type } },
  properties: { credentialSubject: { properties: { name: { $ref: '#/$defs/value' } } } },
});

const keywords: Tests = {
  'VJS-3-1': schemaTest({
    good: {
      'prefixItems that is followed': { schema: arrayOf('VerifiableCredential') },
      'dependentRequired that is followed': { schema: dependent('id') },
    },
    bad: {
      'prefixItems that is broken': { schema: arrayOf('AnotherCredential') },
      'dependentRequired that is broken': { schema: dependent('image') },
    },
  }),
  'VJS-3.1.1-1': schemaTest({
    bad: {
      'a schema without $id': { ...followed, schema: { $id: undefined } },
      'a schema whose $id is a number': { schema: { $id: 5 } },
      'a schema whose $id is no URI reference': { schema: { $id: 'http://[not a reference' } },
    },
  }),
  'VJS-3.1.2-1': schemaTest({
    bad: {
      'a schema without $schema': { schema: { $schema: undefined } },
      'a schema whose $schema is a number': { schema: { $schema: 2020 } },
    },
  }),
};

const unknownVersion = 'https://json-schema.org/draft/2099-12/schema';

/** What the verifier calls it, apart from what the input says. */
function problems({ json }: Reply): string {
  const list = isDocument(json) ? [...asList(json['problemDetails']), ...asList(json['errors'])] : [];
  const names = list.filter(isDocument).map(({ type, title }) => `${type} ${title}`);
  return [...new Set(names)].sort().join(', ');
}

const processing: Tests = {
  'VJS-4-1': schemaTest({
    good: { 'a schema that is followed': followed, 'a schema credential that is followed': inCredential() },
    bad: {
      'a followed schema without $schema': { schema: { ...followed.schema, $schema: undefined } },
      'a followed schema credential without $schema': inCredential(withSchema({ $schema: undefined })),
    },
  }),
  'VJS-4-2': schemaTest({
    good: {
      '$defs that are followed': { schema: defined('string') },
      'unevaluatedProperties that is followed': { schema: unevaluated(...members) },
    },
    bad: {
      '$defs that are broken': { schema: defined('number') },
      'unevaluatedProperties that is broken': { schema: unevaluated('@context') },
    },
  }),
  'VJS-4.2-1': {
    lacks: lacksVerifier,
    async run(talk) {
      await succeeds(talk, 'a schema that is followed', followed);
      const failure = await fails(talk, 'a schema that is broken', broken);
      const unknown = { schema: { ...followed.schema, $schema: unknownVersion } };
      const indeterminate = await fails(talk, 'a schema of an unknown version', unknown);
      const told = problems(failure) !== problems(indeterminate);
      talk.expect(told, `failure and indeterminate are told in the same words: ${problems(failure)}`);
    },
  },
  'VJS-4.2-2': {
    lacks: lacksVerifier,
    async run(talk) {
      await succeeds(talk, 'a schema that is followed', followed);
      const failure = await fails(talk, 'a schema that is broken', broken);
      const answers: string[] = [];
      for (const one of [followed, broken]) {
        const schema = { ...one.schema, $schema: unknownVersion };
        answers.push(problems(await fails(talk, 'a schema of an unknown version', { schema })));
      }
      const [first, second] = answers;
      talk.expect(first === second, 'an unknown version must be indeterminate whatever the schema says');
      talk.expect(first !== problems(failure), `an unknown version is told as a failure: ${first}`);
    },
  },
};

export const vcJsonSchemaTests: Tests = { ...model, ...keywords, ...processing };
