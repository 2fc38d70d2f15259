/** VC JSON Schema: three results, in both types and three drafts, and schemas that are not run here. */
import { createHash } from 'node:crypto';
import { type SchemaOutcome, validateAgainstSchema } from '../../src/credential/credential.js';
import type { Json, JsonObject } from '../../src/json.js';

const id = 'https://schemas.example/email.json';
const credentialId = 'https://schemas.example/credentials/3734';
const metaSchema = {
  id: 'https://www.w3.org/ns/credentials/json-schema/v2.json',
  type: 'JsonSchema',
  digestSRI: 'sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW',
};
const credential: JsonObject = { credentialSubject: { id: 'did:key:z1', emailAddress: 'a@b.example' } };
const drafts = [
  'https://json-schema.org/draft/2020-12/schema',
  'https://json-schema.org/draft/2019-09/schema',
  'http://json-schema.org/draft-07/schema#',
  'https://json-schema.org/draft-07/schema',
] as const;

const schemaOf = (changes: Readonly<Record<string, Json | undefined>> = {}) => ({
  $id: id,
  $schema: drafts[0],
  name: 'EmailCredential',
  properties: {
    credentialSubject: {
      type: 'object',
      properties: { emailAddress: { type: 'string', format: 'email' } },
      required: ['emailAddress'],
    },
  },
  ...changes,
});

const inCredential = (changes: JsonObject = {}, subject: object = {}) => ({
  id: credentialId,
  type: ['VerifiableCredential', 'JsonSchemaCredential'],
  credentialSchema: metaSchema,
  credentialSubject: { id, type: 'JsonSchema', jsonSchema: schemaOf(), ...subject },
  ...changes,
});

interface Asked {
  readonly reference?: JsonObject;
  readonly credential?: JsonObject;
}

function judge(document: unknown, asked: Asked = {}): SchemaOutcome {
  const schema = Buffer.isBuffer(document) ? document : Buffer.from(JSON.stringify(document));
  const reference = { id, type: 'JsonSchema', ...asked.reference };
  const result = validateAgainstSchema({ credential: asked.credential ?? credential, reference, schema });
  expect(result.faults.length > 0).toBe(result.outcome !== 'success');
  return result.outcome;
}

const byCredential = { reference: { id: credentialId, type: 'JsonSchemaCredential' } };

describe.each(drafts)('%s', ($schema) => {
  test('judges a credential, by a schema and by a schema in a credential', () => {
    const wrong = { credential: { credentialSubject: { emailAddress: 'nobody' } } };
    expect(judge(schemaOf({ $schema }))).toBe('success');
    expect(judge(schemaOf({ $schema }), wrong)).toBe('failure');
    const held = inCredential({}, { jsonSchema: schemaOf({ $schema }) });
    expect(judge(held, byCredential)).toBe('success');
    expect(judge(held, { ...byCredential, ...wrong })).toBe('failure');
  });
});

describe('a reference to a schema', () => {
  const digest = (text: string) => `sha384-${createHash('sha384').update(text).digest('base64')}`;

  test('is held to its digest', () => {
    const text = JSON.stringify(schemaOf());
    expect(judge(schemaOf(), { reference: { digestSRI: digest(text) } })).toBe('success');
    expect(judge(schemaOf(), { reference: { digestSRI: digest(`${text} `) } })).toBe('failure');
    expect(judge(schemaOf(), { reference: { digestSRI: 'md5-x' } })).toBe('failure');
  });

  test.each<[string, unknown, Asked]>([
    ['another type', schemaOf(), { reference: { type: 'NotJsonSchema' } }],
    ['no type', schemaOf(), { reference: { type: [] } }],
    ['an id that is no URL', schemaOf({ $id: 'x' }), { reference: { id: 'x' } }],
    ['another $id', schemaOf({ $id: 'https://schemas.example/bad.json' }), {}],
    ['no $id', schemaOf({ $id: undefined }), {}],
    ['no $schema', schemaOf({ $schema: undefined }), {}],
    ['a credential of another id', inCredential({ id: 'https://schemas.example/bad' }), byCredential],
    ['a credential of another type', inCredential({ type: ['VerifiableCredential'] }), byCredential],
    ['a credential without its schema', inCredential({ credentialSchema: null }), byCredential],
    ['a credential with another schema', inCredential({ credentialSchema: { ...metaSchema, id: 'x' } }), byCredential],
    [
      'a credential with another digest',
      inCredential({ credentialSchema: { ...metaSchema, digestSRI: 'x' } }),
      byCredential,
    ],
    ['a subject without type', inCredential({}, { type: undefined }), byCredential],
    ['a subject of another type', inCredential({}, { type: 'NotJsonSchema' }), byCredential],
    ['a subject without a schema', inCredential({}, { jsonSchema: undefined }), byCredential],
    ['a held schema without $id', inCredential({}, { jsonSchema: schemaOf({ $id: undefined }) }), byCredential],
    ['a held schema with another $id', inCredential({}, { jsonSchema: schemaOf({ $id: 'bad' }) }), byCredential],
    ['a held schema without $schema', inCredential({}, { jsonSchema: schemaOf({ $schema: undefined }) }), byCredential],
  ])('to %s fails', (_name, document, asked) => {
    expect(judge(document, asked)).toBe('failure');
  });
});

describe('a schema', () => {
  const doubling = Object.fromEntries(
    Array.from({ length: 20 }, (_, step) => [
      `s${step}`,
      { allOf: [{ $ref: `#/$defs/s${step + 1}` }, { $ref: `#/$defs/s${step + 1}` }] },
    ]),
  );

  test.each<[string, unknown]>([
    ['of an unknown version', schemaOf({ $schema: 'https://json-schema.org/draft/unknown/schema' })],
    ['that is no JSON', Buffer.from('{')],
    ['that is no object', []],
    ['with a member twice', Buffer.from('{"$id":"a","$id":"b"}')],
    ['that is none of its draft', schemaOf({ type: 7 })],
    ['with an expression that may be slow', schemaOf({ pattern: '^(a+)+$' })],
    ['with such an expression for names', schemaOf({ patternProperties: { '(a+)+': {} } })],
    ['with a reference elsewhere', schemaOf({ $ref: 'https://schemas.example/other.json' })],
    ['with a reference to nothing', schemaOf({ $ref: '#/$defs/nothing' })],
    ['with a dynamic reference', schemaOf({ $dynamicRef: '#a' })],
    ['with a second $id', schemaOf({ $defs: { a: { $id: 'https://schemas.example/a' } } })],
    ['in a circle', schemaOf({ properties: { a: { $ref: '#' } } })],
    ['that doubles twenty times', schemaOf({ $defs: { ...doubling, s20: {} }, $ref: '#/$defs/s0' })],
    ['larger than may be', Buffer.alloc(128 * 1024 + 1, 0x20)],
  ])('%s leaves the credential undecided', (_name, document) => {
    expect(judge(document)).toBe('indeterminate');
  });

  test('may refer within itself, use linear expressions and name members as it likes', () => {
    const properties = {
      credentialSubject: { $ref: '#/$defs/a~1b' },
      $id: { type: 'string' },
      pattern: { const: { $ref: 'https://elsewhere.example', pattern: '(a+)+' } },
    };
    const $defs = { 'a/b': { properties: { id: { pattern: '^did:[a-z]+:' } } } };
    expect(judge(schemaOf({ properties, $defs }))).toBe('success');
    const other = { credential: { credentialSubject: { id: 'urn:x' } } };
    expect(judge(schemaOf({ properties, $defs }), other)).toBe('failure');
  });

  test('is not run over a credential of more than a thousand values', () => {
    const of = (count: number) => ({ credential: { ...credential, more: Array.from({ length: count }, () => 1) } });
    expect(judge(schemaOf(), of(996))).toBe('success');
    expect(judge(schemaOf(), of(997))).toBe('indeterminate');
  });
});
