/** Schemas that a credential outside the catalogue names: from allowed hosts only, with an answer for each result. */
import { createHash } from 'node:crypto';
import { ServiceError } from '../../src/errors.js';
import type { Fetch } from '../../src/http/client.js';
import type { JsonObject } from '../../src/json.js';
import { startDeadline } from '../../src/verification/deadline.js';
import { checkNamedSchema } from '../../src/verification/named-schema-check.js';

const id = 'https://schemas.example/1';
const $schema = 'https://json-schema.org/draft/2020-12/schema';

async function check(
  credentialSchema: unknown,
  answer: Fetch | JsonObject,
  { milliseconds = 1000, schemes = [] as string[] } = {},
) {
  const asked: string[] = [];
  const deadline = startDeadline(milliseconds);
  const served = typeof answer === 'function' ? answer : serve(answer);
  const fetch: Fetch = (url, options) => {
    asked.push(url);
    return served(url, options);
  };
  const credential = { credentialSchema, credentialSubject: { name: 'Alex' } } as JsonObject;
  const source = { hosts: ['schemas.example'], fetch, ...(schemes.length > 0 && { schemes }) };
  const found = await checkNamedSchema(source, { credential, deadline });
  deadline.close();
  return { code: found?.code, asked };
}

const serve =
  (document: JsonObject): Fetch =>
  async () => ({ status: 200, body: Buffer.from(JSON.stringify(document)), contentType: 'application/schema+json' });

const reference = { id, type: 'JsonSchema' };

test.each<[string, JsonObject, string]>([
  ['satisfied', { $id: id, $schema }, 'schema_named_satisfied'],
  ['broken', { $id: id, $schema, required: ['evidence'] }, 'schema_violation'],
  ['of an unknown version', { $id: id, $schema: 'https://json-schema.org/unknown' }, 'schema_not_run'],
])('a schema that is %s is reported so', async (_name, schema, code) => {
  expect(await check(reference, schema)).toEqual({ code, asked: [id] });
});

test('the worst of several schemas decides', async () => {
  const second = { id: 'https://schemas.example/2', type: 'JsonSchema' };
  const fetch: Fetch = (url) => serve({ $id: url, $schema, ...(url === id ? {} : { required: ['evidence'] }) })(url);
  expect((await check([reference, second], fetch)).code).toBe('schema_violation');
});

test.each<[string, unknown]>([
  ['another host', { id: 'https://elsewhere.example/1', type: 'JsonSchema' }],
  ['another scheme', { id: 'http://schemas.example/1', type: 'JsonSchema' }],
  ['no URL', { id: 'schemas.example', type: 'JsonSchema' }],
  ['one of them elsewhere', [reference, { id: 'https://elsewhere.example/1', type: 'JsonSchema' }]],
  ['a type that nobody understands', { id, type: 'https://vocabulary.example/#Schema' }],
  ['no type', { id }],
  ['too many', Array.from({ length: 5 }, () => reference)],
  ['none', undefined],
])('nothing is fetched for %s, and the type stays unknown', async (_name, credentialSchema) => {
  expect(await check(credentialSchema, { $id: id, $schema })).toEqual({ code: undefined, asked: [] });
});

test('a schema credential is believed by its digest only', async () => {
  const document = {
    ...{ id, type: ['VerifiableCredential', 'JsonSchemaCredential'] },
    credentialSchema: {
      id: 'https://www.w3.org/ns/credentials/json-schema/v2.json',
      type: 'JsonSchema',
      digestSRI: 'sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW',
    },
    credentialSubject: { type: 'JsonSchema', jsonSchema: { $id: 'https://schemas.example/inner', $schema } },
  };
  const bare = { id, type: 'JsonSchemaCredential' };
  expect(await check(bare, document)).toEqual({ code: 'schema_not_run', asked: [] });
  const digest = createHash('sha384').update(JSON.stringify(document)).digest('base64');
  expect((await check({ ...bare, digestSRI: `sha384-${digest}` }, document)).code).toBe('schema_named_satisfied');
});

test('a host that fails or hangs leaves the schema open', async () => {
  const failing: Fetch = () => Promise.reject(new ServiceError('fetch_failed', 'no answer'));
  expect((await check(reference, failing)).code).toBe('schema_not_fetched');
  expect((await check(reference, () => new Promise(() => undefined), { milliseconds: 10 })).code).toBe(
    'schema_not_fetched',
  );
});

test('http is for whoever allows it, and a schema of a type that is not understood does not hide another', async () => {
  const plain = { id: 'http://schemas.example/1', type: 'JsonSchema' };
  const broken = { $id: plain.id, $schema, required: ['evidence'] };
  expect(await check(plain, broken, { schemes: ['https:', 'http:'] })).toEqual({
    code: 'schema_violation',
    asked: [plain.id],
  });
  const strange = { id: 'https://elsewhere.example/1', type: 'https://vocabulary.example/#Schema' };
  expect(await check([strange, reference], { $id: id, $schema })).toEqual({
    code: 'schema_named_satisfied',
    asked: [id],
  });
});
