/** Schemas that a credential outside the catalogue names: from allowed hosts only, with an answer for each result. */
import { createHash } from 'node:crypto';
import { secureCredential } from '../../src/credential/credential.js';
import { ServiceError } from '../../src/errors.js';
import type { Fetch } from '../../src/http/client.js';
import type { JsonObject } from '../../src/json.js';
import { startDeadline } from '../../src/verification/deadline.js';
import { checkNamedSchema, type NamedSchemaQuestion } from '../../src/verification/named-schema-check.js';
import { proveSchemaCredential } from '../../src/verification/schema-credential.js';
import { createAgent, makeKey, now, type TestAgent, trust } from '../credential/agent.js';

const id = 'https://schemas.example/1';
/** Nobody vouches for a schema credential. */
const nobody: NamedSchemaQuestion['prove'] = async () => undefined;
const $schema = 'https://json-schema.org/draft/2020-12/schema';

async function check(
  credentialSchema: unknown,
  answer: Fetch | JsonObject,
  { milliseconds = 1000, schemes = [] as string[], prove = nobody } = {},
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
  const found = await checkNamedSchema(source, { credential, deadline, prove });
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

describe('a schema credential', () => {
  const stranger = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`);
  let t: TestAgent;
  /** DIDs that the registry recognises for schemas, and whether it takes their keys. */
  let recognised: string[] = [];
  let listed = true;
  beforeAll(async () => {
    t = await createAgent();
  });
  afterAll(() => t.close());
  beforeEach(() => {
    recognised = [];
    listed = true;
  });

  const document = (changes: JsonObject = {}): JsonObject => ({
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id,
    type: ['VerifiableCredential', 'JsonSchemaCredential'],
    issuer: trust,
    validFrom: '2026-01-01T00:00:00Z',
    credentialSchema: {
      id: 'https://www.w3.org/ns/credentials/json-schema/v2.json',
      type: 'JsonSchema',
      digestSRI: 'sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW',
    },
    credentialSubject: {
      id: 'https://schemas.example/inner',
      type: 'JsonSchema',
      jsonSchema: { $id: 'https://schemas.example/inner', $schema, required: ['credentialSubject'] },
    },
    ...changes,
  });
  const bare = { id, type: 'JsonSchemaCredential' };

  const prove: NamedSchemaQuestion['prove'] = (fetched) => {
    const registry = {
      isRecognised: (did: string, type: string) =>
        (recognised.includes(did) && type === 'JsonSchemaCredential'
          ? { outcome: 'recognised', code: 'issuer_recognised' }
          : { outcome: 'unrecognised', code: 'issuer_not_listed' }) as never,
      acceptsKey: () => listed,
    };
    return proveSchemaCredential({ agent: t.agent, registry }, fetched, { issuer: trust, now });
  };
  async function signed(changes: JsonObject = {}, format: 'eddsa-rdfc-2022' | 'vc+jwt' = 'eddsa-rdfc-2022') {
    const key = format === 'vc+jwt' ? t.es256 : t.ed25519;
    return secureCredential(t.agent, { credential: document(changes), format, key, now });
  }
  const withSchema = (good: JsonObject, changes: JsonObject): JsonObject => {
    const subject = good['credentialSubject'] as JsonObject;
    const jsonSchema = { ...(subject['jsonSchema'] as JsonObject), ...changes };
    return { ...good, credentialSubject: { ...subject, jsonSchema } };
  };
  const judged = async (served: JsonObject | Fetch) => (await check(bare, served, { prove })).code;
  const text = (body: string, contentType: string): Fetch => {
    return async () => ({ status: 200, body: Buffer.from(body), contentType });
  };

  test('is believed by the digest in the reference, which needs no proof', async () => {
    const digest = createHash('sha384').update(JSON.stringify(document())).digest('base64');
    const reference = { ...bare, digestSRI: `sha384-${digest}` };
    expect((await check(reference, document())).code).toBe('schema_named_satisfied');
    expect((await check(reference, document({ name: 'Another' }))).code).toBe('schema_violation');
  });

  test('is believed by its own proof, embedded or enveloping', async () => {
    const { verifiableCredential } = await signed();
    expect(await judged(verifiableCredential as JsonObject)).toBe('schema_named_satisfied');
    const { compact = '' } = await signed({}, 'vc+jwt');
    expect(await judged(text(compact, 'application/vc+jwt'))).toBe('schema_named_satisfied');
    const broken = { ...(document()['credentialSubject'] as JsonObject) };
    const jsonSchema = { $id: 'https://schemas.example/inner', $schema, required: ['evidence'] };
    const other = await signed({ credentialSubject: { ...broken, jsonSchema } });
    expect(await judged(other.verifiableCredential as JsonObject)).toBe('schema_violation');
  });

  test('of another issuer is believed when the registry recognises them for schemas', async () => {
    const by = stranger.kid.split('#')[0] ?? '';
    const theirs = text(await stranger.token(document({ issuer: by })), 'application/vc+jwt');
    expect(await judged(theirs)).toBe('schema_not_run');
    recognised = [by];
    expect(await judged(theirs)).toBe('schema_named_satisfied');
  });

  test.each<[string, (good: JsonObject) => JsonObject | Fetch]>([
    ['without proof', () => document()],
    ['whose proof does not hold', (good) => ({ ...good, name: 'Added' })],
    // The schema is a JSON literal (JSON-LD 1.1 4.2.2), signed down to its last member.
    ['whose schema was changed', (good) => withSchema(good, { required: ['evidence'] })],
    ['whose schema was given a type', (good) => withSchema(good, { '@type': '@json' })],
    ['that is no JSON', () => text('{', 'application/json')],
    ['that is no token', () => text('a.b', 'application/vc+jwt')],
  ])('%s is not run', async (_what, change) => {
    expect(await judged(change((await signed()).verifiableCredential as JsonObject))).toBe('schema_not_run');
  });

  test.each<[string, JsonObject]>([
    ['has expired', { validUntil: '2026-02-01T00:00:00Z' }],
    ['is not valid yet', { validFrom: '2027-01-01T00:00:00Z' }],
    [
      'could have been withdrawn',
      { credentialStatus: { id: 'https://rxa.example/s#1', type: 'BitstringStatusListEntry' } },
    ],
  ])('that %s is not run', async (_what, changes) => {
    const { compact = '' } = await signed(changes, 'vc+jwt');
    expect(await judged(text(compact, 'application/vc+jwt'))).toBe('schema_not_run');
  });

  test('by a key that the registry does not take is not run', async () => {
    const { verifiableCredential } = await signed();
    listed = false;
    expect(await judged(verifiableCredential as JsonObject)).toBe('schema_not_run');
  });
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
