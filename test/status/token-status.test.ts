/** Token Status Lists: what is published, read as a stranger would, and what is believed of others' lists. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose';
import { secureCredential, verifyProof } from '../../src/credential/credential.js';
import type { FetchResult } from '../../src/http/client.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer } from '../../src/http/server.js';
import { signJws } from '../../src/jose/jws.js';
import type { JsonObject } from '../../src/json.js';
import { statusRoutes } from '../../src/status/routes.js';
import {
  createStatusChecker,
  createStatusLists,
  findEntryFaults,
  type StatusCode,
  type StatusEntry,
  type StatusLists,
  statusEntities,
} from '../../src/status/status.js';
import { createTokenList, decodeTokenList, encodeTokenList, readTokenStatus } from '../../src/status/token-list.js';
import { openStore, type Store } from '../../src/store/store.js';
import { describeDialects } from '../store/dialects.js';
import { createIssuer, type Directory, type Issuer } from './issuer.js';

const did = 'did:web:trust.example';
const publicUrl = 'https://trust.example';
const start = Date.parse('2026-11-21T09:00:00.000Z');
const clock = { now: new Date(start) };
const seconds = () => Math.floor(clock.now.getTime() / 1000);
const directory: Directory = new Map();
let issuer: Issuer;
let stranger: Issuer;
beforeAll(async () => {
  issuer = await createIssuer(did, directory, () => clock.now);
  stranger = await createIssuer('did:web:stranger.example', directory, () => clock.now);
});
beforeEach(() => {
  clock.now = new Date(start);
});

describe('the byte array', () => {
  test('packs statuses from the least significant bit, and revoked wins over suspended', () => {
    const bytes = createTokenList(8, { revoked: [0, 3], suspended: [1, 3, 7] });
    expect([...bytes]).toEqual([0b01_00_10_01, 0b10_00_00_00]);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((index) => readTokenStatus(bytes, index, 2))).toEqual([1, 2, 0, 1, 0, 0, 0, 2]);
  });

  test.each([1, 2, 4, 8])('of %i bits is read as its bits say', (bits) => {
    const statuses = Array.from({ length: 16 }, (_, index) => (index * 7 + 1) % 2 ** bits);
    const digits = statuses
      .map((status) => status.toString(2).padStart(bits, '0'))
      .reverse()
      .join('');
    const bytes = Buffer.from(
      BigInt(`0b${digits}`)
        .toString(16)
        .padStart(bits * 4, '0'),
      'hex',
    ).reverse();
    expect(statuses.map((_, index) => readTokenStatus(bytes, index, bits))).toEqual(statuses);
  });

  test('is one ZLIB stream of bounded size', () => {
    const bytes = Buffer.alloc(32_768, 1);
    const lst = encodeTokenList(bytes);
    expect(inflateSync(Buffer.from(lst, 'base64url'))).toEqual(bytes);
    expect(decodeTokenList(lst)).toEqual(bytes);
    const after = Buffer.concat([deflateSync(bytes), Buffer.from('more')]).toString('base64url');
    const bomb = deflateSync(Buffer.alloc(2 * 1024 * 1024 + 1)).toString('base64url');
    for (const [text, reason] of [
      [after, 'malformed'],
      [deflateSync(bytes).subarray(0, 20).toString('base64url'), 'malformed'],
      ['not zlib', 'malformed'],
      ['QUJD', 'malformed'],
      [bomb, 'too_large'],
      ['A'.repeat(4 * 1024 * 1024), 'too_large'],
    ] as const) {
      expect(() => decodeTokenList(text)).toThrow(expect.objectContaining({ reason }));
    }
  });
});

const vectors = process.env['VECTORS_DIR'];

/** The examples of the draft; lists of 2^20 tokens with a few statuses at indexes that its appendix names. */
const published = [
  ['status_list_encoding_json.txt', 1, { 0: 1, 1: 0, 3: 1, 15: 1 }],
  ['status_list_encoding2_json.txt', 2, { 0: 1, 1: 2, 3: 3, 11: 3 }],
  ['status_list_encoding1_long_json.txt', 1, { 0: 1, 1: 0, 1993: 1, 1000345: 1 }],
  ['status_list_encoding2_long_json.txt', 2, { 0: 1, 1: 0, 1993: 2, 25460: 1, 159495: 3 }],
] as const;

describe('the published vectors', () => {
  (vectors === undefined ? test.skip : test).each(published)('%s', (file, bits, statuses) => {
    const text = readFileSync(join(vectors ?? '', 'token-status-list', file), 'utf8').replaceAll(/\s/g, '');
    const { lst, bits: stated } = JSON.parse(text.slice(text.indexOf('{'))) as { lst: string; bits: number };
    const bytes = decodeTokenList(lst);
    expect(stated).toBe(bits);
    for (const [index, status] of Object.entries(statuses)) {
      expect([index, readTokenStatus(bytes, Number(index), bits)]).toEqual([index, status]);
    }
    if (!file.includes('long')) return;
    expect(bytes).toHaveLength((2 ** 20 * bits) / 8);
  });
});

const config = { ttlSeconds: 300, listLength: 131_072, validSeconds: 604_800, reloadMilliseconds: 10_000 };
let counter = 0;

function listsOf(store: Store, changes: Partial<typeof config> = {}): StatusLists {
  return createStatusLists({
    store,
    agent: issuer.agent,
    identity: issuer.identity,
    secure: secureCredential,
    publicUrl,
    config: { ...config, ...changes },
    deriveKey: (label, length) => createHmac('sha512', 'test').update(label).digest().subarray(0, length),
    now: () => clock.now,
    random: (size) => {
      counter += 1;
      return createHmac('sha256', 'token names').update(`${counter}`).digest().subarray(0, size);
    },
  });
}

const nameOf = (entry: StatusEntry | undefined) => entry?.statusListCredential.split('/').at(-1) ?? '';
const textOf = (lists: StatusLists, entry: StatusEntry | undefined) =>
  lists.document(nameOf(entry))?.bytes.toString() ?? '';
const claimsOf = (text: string) =>
  JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as JsonObject;

function statusAt(lists: StatusLists, entry: StatusEntry | undefined): number {
  const { lst, bits } = claimsOf(textOf(lists, entry))['status_list'] as { lst: string; bits: number };
  const bytes = inflateSync(Buffer.from(lst, 'base64url'));
  expect([bits, bytes.length]).toEqual([2, 32_768]);
  const index = Number(entry?.statusListIndex);
  return ((bytes[index >> 2] ?? 0) >> ((index & 3) * 2)) & 3;
}

describeDialects('published Token Status Lists', (database) => {
  let store: Store;
  let lists: StatusLists;
  beforeAll(async () => {
    store = await openStore({ database: database(), entities: statusEntities, migrate: 'run' });
    lists = listsOf(store);
    await lists.start();
  });
  afterAll(async () => {
    await lists.stop();
    await store.close();
  });

  const allocate = (recordId: string, which = lists) =>
    store.transaction((tx) => which.allocate(tx, { recordId, kind: 'token' }));
  async function change(recordId: string, purpose: 'revocation' | 'suspension', value: boolean) {
    const answer = await store.transaction((tx) => lists.change(tx, { recordId, purpose, value }));
    await lists.refresh();
    return answer;
  }

  test('give a copy one index, in a signed list that jose verifies', async () => {
    const entries = await allocate('t-1');
    expect(entries).toEqual([
      {
        id: expect.stringMatching(/^https:\/\/trust\.example\/status-lists\/[\w-]{16}#\d+$/),
        type: 'TokenStatusListEntry',
        statusListIndex: expect.stringMatching(/^\d+$/),
        statusListCredential: expect.stringMatching(/^https:\/\/trust\.example\/status-lists\/[\w-]{16}$/),
      },
    ]);
    const text = textOf(lists, entries[0]);
    const { publicKeyJwk } = (issuer.identity.document()['verificationMethod'] as JsonObject[]).find(
      ({ id }) => id === decodeProtectedHeader(text).kid,
    ) as { publicKeyJwk: JWK };
    const { payload, protectedHeader } = await jwtVerify(text, await importJWK(publicKeyJwk, 'ES256'), {
      typ: 'statuslist+jwt',
      issuer: did,
      subject: String(entries[0]?.statusListCredential),
      currentDate: clock.now,
    });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({ iat: seconds(), exp: seconds() + 604_800, ttl: 300 });
    expect(lists.document(nameOf(entries[0]))?.contentType).toBe('application/statuslist+jwt');
    expect(statusAt(lists, entries[0])).toBe(0);
  });

  test('follow every change of a bit; revoked wins, and is final', async () => {
    const [entry] = await allocate('t-2');
    const [other] = await allocate('t-3');
    await change('t-2', 'suspension', true);
    expect([statusAt(lists, entry), statusAt(lists, other)]).toEqual([2, 0]);
    await change('t-2', 'suspension', false);
    expect(statusAt(lists, entry)).toBe(0);
    await change('t-2', 'suspension', true);
    await change('t-2', 'revocation', true);
    expect([statusAt(lists, entry), statusAt(lists, other)]).toEqual([1, 0]);
    await change('t-2', 'suspension', false);
    expect(statusAt(lists, entry)).toBe(1);
    await expect(change('t-2', 'revocation', false)).rejects.toMatchObject({ code: 'status_irreversible' });
    expect(statusAt(lists, entry)).toBe(1);
  });

  test('change nothing when the transaction of the change fails', async () => {
    const [entry] = await allocate('t-4');
    const before = textOf(lists, entry);
    const failing = store.transaction(async (tx) => {
      await lists.change(tx, { recordId: 't-4', purpose: 'revocation', value: true });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await lists.refresh();
    expect(textOf(lists, entry)).toBe(before);
  });

  test('are changed by several at once without losing any', async () => {
    const records = Array.from({ length: 8 }, (_, index) => `t-many-${index}`);
    const entries = [];
    for (const recordId of records) entries.push((await allocate(recordId))[0]);
    const indexes = new Set(entries.map((entry) => entry?.statusListIndex));
    expect(indexes.size).toBe(records.length);
    await Promise.all(
      records.map((recordId, index) => change(recordId, index % 2 === 0 ? 'revocation' : 'suspension', true)),
    );
    expect(entries.map((entry) => statusAt(lists, entry))).toEqual([1, 2, 1, 2, 1, 2, 1, 2]);
  });

  test('are signed anew when half of their time is over, and by other processes seen', async () => {
    const [entry] = await allocate('t-5');
    const other = listsOf(store);
    await other.start();
    const before = textOf(lists, entry);
    clock.now = new Date(start + 302_401_000);
    const renewing = listsOf(store);
    await renewing.start();
    await lists.refresh();
    expect(claimsOf(textOf(lists, entry))).toMatchObject({ iat: seconds() });
    expect(textOf(lists, entry)).not.toBe(before);
    await other.refresh();
    expect(textOf(other, entry)).toBe(textOf(lists, entry));
    for (const one of [other, renewing]) await one.stop();
  });

  test('are followed by the next one when full, and by new ones after a restore', async () => {
    const fresh = await openStore({
      database: { type: 'sqlite', file: ':memory:' },
      entities: statusEntities,
      migrate: 'run',
    });
    const small = listsOf(fresh, { listLength: 3 });
    await small.start();
    const take = (recordId: string) => fresh.transaction((tx) => small.allocate(tx, { recordId, kind: 'token' }));
    const names = [];
    for (let index = 0; index < 7; index += 1) names.push(nameOf((await take(`r-${index}`))[0]));
    expect(new Set(names).size).toBe(3);
    await fresh.transaction((tx) => small.replace(tx));
    const [restored] = await take('r-after');
    await small.refresh();
    expect(names).not.toContain(nameOf(restored));
    expect(small.document(nameOf(restored))).toBeDefined();
    await small.stop();
    await fresh.close();
  });
});

test('over HTTP a list has its own media type, and is no answer for readers of CWTs', async () => {
  const store = await openStore({
    database: { type: 'sqlite', file: ':memory:' },
    entities: statusEntities,
    migrate: 'run',
  });
  const lists = listsOf(store);
  await lists.start();
  const [entry] = await store.transaction((tx) => lists.allocate(tx, { recordId: 'r', kind: 'token' }));
  const server = await createServer({
    publicUrl,
    serviceName: 'Trust',
    version: '0',
    authorise: () => Promise.reject(new Error('not asked')),
    metrics: createMetrics(),
    checkResponses: true,
    pressure: { maxEventLoopDelayMilliseconds: 0 },
    now: () => clock.now,
    newId: () => 'id',
  });
  await server.register(statusRoutes({ lists }));
  const url = `/status-lists/${nameOf(entry)}`;
  const ask = (accept?: string) => server.inject({ url, headers: accept === undefined ? {} : { accept } });
  for (const accept of [undefined, '*/*', 'text/html, application/*;q=0.1', 'application/statuslist+jwt']) {
    const { statusCode, headers, body } = await ask(accept);
    expect([statusCode, headers['content-type'], body]).toEqual([
      200,
      'application/statuslist+jwt',
      textOf(lists, entry),
    ]);
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*', vary: 'accept' });
    expect(headers['cache-control']).toContain('max-age=300');
  }
  const { statusCode, body } = await ask('application/statuslist+cwt');
  expect([statusCode, JSON.parse(body).code]).toEqual([406, 'not_acceptable']);
  expect((await server.inject({ url: `${url}.jwt` })).statusCode).toBe(404);
  await server.close();
  await lists.stop();
  await store.close();
});

describe('the list of somebody else', () => {
  const url = 'https://trust.example/status-lists/t';
  const never = new AbortController().signal;
  const entry = (changes: JsonObject = {}): JsonObject => ({
    type: 'TokenStatusListEntry',
    statusListIndex: '1',
    statusListCredential: url,
    ...changes,
  });
  /** Statuses by index, in two bits: 0 VALID, 1 INVALID, 2 SUSPENDED, 3 application specific. */
  const lst = deflateSync(Buffer.from([0b11_10_01_00])).toString('base64url');

  async function token(changes: { claims?: JsonObject; header?: JsonObject; by?: Issuer } = {}): Promise<string> {
    const { agent, identity } = changes.by ?? issuer;
    const { keyRef, kid } = await identity.signingKey('ES256');
    const claims = { sub: url, iat: seconds(), exp: seconds() + 3600, ttl: 60, status_list: { bits: 2, lst } };
    const header = { alg: 'ES256', typ: 'statuslist+jwt', kid, ...changes.header };
    const payload = JSON.parse(JSON.stringify({ ...claims, ...changes.claims })) as JsonObject;
    return signJws(JSON.parse(JSON.stringify(header)) as never, payload, async (data) =>
      Buffer.from(await agent.keyManagerSign({ keyRef, algorithm: 'ES256', data: data as never }), 'base64url'),
    );
  }

  function open(answer: () => Promise<Partial<FetchResult> & { body: Buffer }>, mayFetch = true) {
    const fetch = async () => ({ status: 200, contentType: 'application/statuslist+jwt', ...(await answer()) });
    const checker = createStatusChecker({ agent: issuer.agent, verifyProof, fetch, mayFetch: () => mayFetch });
    return async (status: JsonObject = entry()) => {
      const [result] = await checker.check(
        { credentialStatus: status },
        { issuer: did, now: clock.now, deadline: never },
      );
      return result;
    };
  }

  const serve = (text: string, contentType = 'application/statuslist+jwt') =>
    open(async () => ({ body: Buffer.from(text), contentType }));

  test.each([
    ['0', 'pass', 'status_clear', '0x0'],
    ['1', 'fail', 'status_revoked', '0x1'],
    ['2', 'fail', 'status_suspended', '0x2'],
    ['3', 'indeterminate', 'status_entry_unsupported', '0x3'],
  ])('says at index %s: %s (%s)', async (statusListIndex, outcome, code, status) => {
    const result = await serve(await token())(entry({ statusListIndex }));
    expect(result).toMatchObject({
      outcome,
      code,
      status,
      purpose: 'revocation suspension',
      index: statusListIndex,
      list: url,
    });
  });

  test('may have other sizes of status, no exp and no ttl', async () => {
    const status_list = { bits: 8, lst: deflateSync(Buffer.from([1, 0])).toString('base64url') };
    const ask = serve(await token({ claims: { status_list, exp: undefined as never, ttl: undefined as never } }));
    expect((await ask(entry({ statusListIndex: '1' })))?.code).toBe('status_clear');
    expect((await ask(entry({ statusListIndex: '0' })))?.code).toBe('status_revoked');
  });

  const pass = { statusListIndex: '0' };
  const refused: [string, StatusCode, () => Promise<string>][] = [
    ['another typ', 'status_list_malformed', () => token({ header: { typ: 'JWT' } })],
    ['no typ', 'status_list_malformed', () => token({ header: { typ: undefined as never } })],
    ['no kid', 'status_list_malformed', () => token({ header: { kid: undefined as never } })],
    ['a relative kid', 'status_list_malformed', () => token({ header: { kid: 'a1' } })],
    ['another issuer than its key', 'status_list_malformed', () => token({ claims: { iss: 'did:web:x.example' } })],
    ['a key of a stranger', 'status_list_issuer_mismatch', () => token({ by: stranger })],
    ['a key that is not published', 'status_list_proof_invalid', () => token({ header: { kid: `${did}#none` } })],
    [
      'another signature',
      'status_list_proof_invalid',
      async () => {
        const [header, payload] = (await token()).split('.');
        return `${header}.${payload}.${(await token({ claims: { ttl: 61 } })).split('.')[2]}`;
      },
    ],
    ['another sub', 'status_list_id_mismatch', () => token({ claims: { sub: `${url}2` } })],
    ['no sub', 'status_list_id_mismatch', () => token({ claims: { sub: undefined as never } })],
    ['no iat', 'status_list_malformed', () => token({ claims: { iat: undefined as never } })],
    ['an iat that is a text', 'status_list_malformed', () => token({ claims: { iat: '1' } })],
    ['an iat in the future', 'status_list_outside_validity', () => token({ claims: { iat: seconds() + 61 } })],
    ['an exp that has passed', 'status_list_outside_validity', () => token({ claims: { exp: seconds() } })],
    ['an exp that is a text', 'status_list_malformed', () => token({ claims: { exp: 'never' } })],
    ['an nbf in the future', 'status_list_outside_validity', () => token({ claims: { nbf: seconds() + 61 } })],
    ['an audience', 'status_list_malformed', () => token({ claims: { aud: 'https://other.example' } })],
    ['a ttl of nothing', 'status_list_malformed', () => token({ claims: { ttl: 0 } })],
    ['a negative ttl', 'status_list_malformed', () => token({ claims: { ttl: -1 } })],
    ['no status_list', 'status_list_malformed', () => token({ claims: { status_list: undefined as never } })],
    ['three bits', 'status_list_malformed', () => token({ claims: { status_list: { bits: 3, lst } } })],
    ['bits as a text', 'status_list_malformed', () => token({ claims: { status_list: { bits: '2', lst } } })],
    ['no lst', 'status_list_malformed', () => token({ claims: { status_list: { bits: 2 } } })],
    [
      'an lst that is no ZLIB',
      'status_list_malformed',
      () => token({ claims: { status_list: { bits: 2, lst: 'AAAA' } } }),
    ],
    [
      'an lst that expands beyond bounds',
      'status_list_too_large',
      () => {
        const bomb = deflateSync(Buffer.alloc(2 * 1024 * 1024 + 1)).toString('base64url');
        return token({ claims: { status_list: { bits: 2, lst: bomb } } });
      },
    ],
  ];
  test.each(refused)('with %s leaves the status unknown (%s)', async (_name, code, make) => {
    const result = await serve(await make())(entry(pass));
    expect([result?.code, result?.outcome]).toEqual([code, 'indeterminate']);
  });

  test('of another media type, or of another kind than the credential says, leaves the status unknown', async () => {
    expect((await serve(await token(), 'application/vc+jwt')(entry(pass)))?.code).toBe('status_list_malformed');
    expect((await serve(await token(), 'text/plain')(entry(pass)))?.code).toBe('status_media_type');
    const bitstring = {
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
      statusListIndex: '0',
      statusListCredential: url,
    };
    expect((await serve(await token())(bitstring))?.code).toBe('status_list_malformed');
  });

  test('that cannot be had, or may not be fetched, leaves the status unknown', async () => {
    const dead = open(async () => {
      throw new Error('down');
    });
    expect((await dead(entry(pass)))?.code).toBe('status_retrieval_failed');
    const body = Buffer.from(await token());
    expect((await open(async () => ({ body }), false)(entry(pass)))?.code).toBe('status_fetch_not_allowed');
  });

  test('that is older than one that was seen is refused', async () => {
    const answers = [await token(), await token({ claims: { iat: seconds() - 10 } })];
    const ask = open(async () => ({ body: Buffer.from(answers.shift() ?? '') }));
    expect((await ask(entry(pass)))?.code).toBe('status_clear');
    clock.now = new Date(start + 61_000);
    expect((await ask(entry(pass)))?.code).toBe('status_list_rolled_back');
  });

  test('is asked for again after its ttl, and until then no more', async () => {
    let asked = 0;
    const body = Buffer.from(await token());
    const ask = open(async () => {
      asked += 1;
      return { body };
    });
    for (const [seconds, times] of [
      [0, 1],
      [59, 1],
      [61, 2],
    ] as const) {
      clock.now = new Date(start + seconds * 1000);
      await ask(entry(pass));
      expect(asked).toBe(times);
    }
  });

  test('has an end: an index beyond it fails', async () => {
    const ask = serve(await token());
    for (const statusListIndex of ['4', '99999999999999999999', '9'.repeat(200)]) {
      const result = await ask(entry({ statusListIndex }));
      expect([result?.code, result?.outcome]).toEqual(['status_index_out_of_range', 'fail']);
    }
  });

  test.each([
    ['no index', { statusListIndex: '' }],
    ['a negative index', { statusListIndex: '-1' }],
    ['a fraction', { statusListIndex: '1.5' }],
    ['no list', { statusListCredential: '' }],
    ['a list that is no URL', { statusListCredential: 'list' }],
  ])('is not asked for by an entry with %s', async (_name, changes) => {
    const [fault] = findEntryFaults({ credentialStatus: entry(changes) });
    expect([fault?.code, fault?.outcome]).toEqual(['status_entry_malformed', 'fail']);
    expect((await serve(await token())(entry(changes)))?.code).toBe('status_entry_malformed');
  });
});
