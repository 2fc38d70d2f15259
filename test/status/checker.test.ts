import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type SecuringFormat, secureCredential, verifyProof } from '../../src/credential/credential.js';
import type { FetchResult } from '../../src/http/client.js';
import type { JsonObject } from '../../src/json.js';
import { createBitstring, encodeBitstring } from '../../src/status/bitstring.js';
import {
  createStatusChecker,
  type StatusChecker,
  type StatusCheckerDependencies,
  type StatusCode,
  statusCodes,
} from '../../src/status/status.js';
import { createIssuer, type Directory, type Issuer } from './issuer.js';

const did = 'did:web:trust.example';
const url = 'https://trust.example/status-lists/a';
const start = Date.parse('2026-11-21T09:00:00.000Z');
const clock = { now: new Date(start) };
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

/** A list in which the indexes 5 (and whatever is given) are set. */
function listCredential(changes: { list?: JsonObject; subject?: JsonObject } = {}): JsonObject {
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: url,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer: did,
    validFrom: new Date(clock.now.getTime() - 1000).toISOString(),
    validUntil: new Date(clock.now.getTime() + 3_600_000).toISOString(),
    credentialSubject: {
      id: `${url}#list`,
      type: 'BitstringStatusList',
      statusPurpose: 'revocation',
      encodedList: encodeBitstring(createBitstring(131_072, [5])),
      ttl: 300_000,
      ...changes.subject,
    },
    ...changes.list,
  };
}

async function publish(credential: JsonObject, by: Issuer = issuer, format: SecuringFormat = 'vc+jwt') {
  const key = await by.identity.signingKey(format === 'vc+jwt' ? 'ES256' : 'EdDSA');
  const secured = await secureCredential(by.agent, { credential, format, key, now: clock.now });
  return secured.compact ?? JSON.stringify(secured.verifiableCredential);
}

interface Web {
  readonly checker: StatusChecker;
  readonly requests: { url: string; etag: string | undefined }[];
  answer: () => Promise<FetchResult>;
}

function serve(body: string, contentType = 'application/vc+jwt', etag?: string): () => Promise<FetchResult> {
  return async () => ({ status: 200, body: Buffer.from(body), contentType, ...(etag ? { etag } : {}) });
}

type Trust = Pick<StatusCheckerDependencies, 'mayFetch' | 'speaksForOthers'>;

function openWeb(answer: () => Promise<FetchResult>, trust: Trust = {}): Web {
  const requests: Web['requests'] = [];
  const web: Web = {
    requests,
    answer,
    checker: createStatusChecker({
      agent: issuer.agent,
      verifyProof,
      fetch: (address, options) => {
        requests.push({ url: address, etag: options?.ifNoneMatch });
        return web.answer();
      },
      ...trust,
    }),
  };
  return web;
}

function entry(changes: JsonObject = {}): JsonObject {
  return {
    id: `${url}#7`,
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '7',
    statusListCredential: url,
    ...changes,
  };
}

/** The messages of an entry of two bits. */
const told = (status: string) => ({ status, message: `meaning of ${status}` });
const messages = ['0x0', '0x1', '0x2', '0x3'].map(told);

const never = new AbortController().signal;

async function check({ checker }: Web, status: JsonObject | JsonObject[] = entry(), deadline = never) {
  return checker.check({ credentialStatus: status }, { issuer: did, now: clock.now, deadline });
}

async function codeOf(web: Web, status: JsonObject = entry()): Promise<StatusCode | undefined> {
  const [result] = await check(web, status);
  expect(result?.outcome).toBe(statusCodes[result?.code ?? 'status_clear'].outcome);
  return result?.code;
}

const seen = new Set<string>();
async function expectCode(code: StatusCode, web: Web, status: JsonObject = entry()): Promise<void> {
  expect(await codeOf(web, status)).toBe(code);
  seen.add(code);
}

describe('a status check', () => {
  test.each([
    ['vc+jwt', 'application/vc+jwt'],
    ['eddsa-rdfc-2022', 'application/vc'],
    ['eddsa-rdfc-2022', 'application/vc+ld+json'],
    ['eddsa-rdfc-2022', 'application/json; charset=utf-8'],
  ] as const)('reads a list secured with %s as %s', async (format, mediaType) => {
    const web = openWeb(serve(await publish(listCredential(), issuer, format), mediaType));
    await expectCode('status_clear', web);
    await expectCode('status_revoked', web, entry({ statusListIndex: '5' }));
    const [result] = await check(web);
    expect(result).toMatchObject({ purpose: 'revocation', index: '7', list: url, outcome: 'pass', ageSeconds: 0 });
    expect(web.requests).toHaveLength(1);
  });

  test('finds nothing to say of a credential without status, and refuses an empty list of entries', async () => {
    const web = openWeb(serve(await publish(listCredential())));
    expect(await web.checker.check({}, { issuer: did, now: clock.now, deadline: never })).toEqual([]);
    expect((await check(web, []))[0]?.code).toBe('status_entry_malformed');
    expect(web.requests).toHaveLength(0);
  });

  test('answers for each entry, by the purpose of each; a list may serve several purposes', async () => {
    const both = listCredential({ subject: { statusPurpose: ['suspension', 'revocation', 'refresh'] } });
    const web = openWeb(serve(await publish(both)));
    const results = await check(web, [
      entry({ statusListIndex: '5' }),
      entry({ statusListIndex: '5', statusPurpose: 'suspension' }),
      entry({ statusListIndex: '5', statusPurpose: 'refresh' }),
      entry(),
    ]);
    expect(results.map((result) => result.code)).toEqual([
      'status_revoked',
      'status_suspended',
      'status_informational',
      'status_clear',
    ]);
    for (const { code } of results) seen.add(code);
    expect(web.requests).toHaveLength(1);
  });
});

describe('an entry of several bits', () => {
  /** Four values of two bits at the beginning: 0, 1, 2, 3. */
  const bits = (entries: number) => Buffer.concat([Buffer.from([0b00_01_10_11]), Buffer.alloc(entries / 4 - 1)]);
  const listOf = (entries: number, statusPurpose: JsonObject[string] = 'message') =>
    listCredential({ subject: { statusPurpose, encodedList: encodeBitstring(bits(entries)) } });
  const twoBits = (index: number, changes: JsonObject = {}) =>
    entry({
      statusPurpose: 'message',
      statusListIndex: String(index),
      statusSize: 2,
      statusMessage: messages,
      ...changes,
    });

  test('is read from the left, told with its message, and ends no validity by a message', async () => {
    const web = openWeb(serve(await publish(listOf(131_072))));
    const results = await check(
      web,
      [0, 1, 2, 3, 131_071].map((index) => twoBits(index)),
    );
    expect(results.map(({ code, status, message }) => [code, status, message])).toEqual([
      ['status_clear', '0x0', 'meaning of 0x0'],
      ['status_informational', '0x1', 'meaning of 0x1'],
      ['status_informational', '0x2', 'meaning of 0x2'],
      ['status_informational', '0x3', 'meaning of 0x3'],
      ['status_clear', '0x0', 'meaning of 0x0'],
    ]);
    expect(results.every(({ outcome }) => outcome === 'pass')).toBe(true);
  });

  test('revokes or suspends by any value but 0, whatever its message says', async () => {
    const web = openWeb(serve(await publish(listOf(131_072, ['revocation', 'suspension']))));
    const results = await check(web, [
      twoBits(0, { statusPurpose: 'revocation' }),
      twoBits(2, { statusPurpose: 'revocation' }),
      twoBits(3, { statusPurpose: 'suspension' }),
    ]);
    expect(results.map(({ code, status }) => [code, status])).toEqual([
      ['status_clear', '0x0'],
      ['status_revoked', '0x2'],
      ['status_suspended', '0x3'],
    ]);
  });

  test('hides among 131,072 entries, not among as many bits', async () => {
    const web = openWeb(serve(await publish(listOf(131_068))));
    await expectCode('status_list_too_short', web, twoBits(0));
    const [result] = await check(web, twoBits(0));
    expect(result?.type).toBe('https://www.w3.org/ns/credentials/status-list#STATUS_LIST_LENGTH_ERROR');
    // The same list is long enough for those who take one bit of it.
    await expectCode('status_clear', web, entry({ statusPurpose: 'message', statusListIndex: '0' }));
  });

  test('ends where its last bit would lie past the end', async () => {
    const messagesOfThree = Array.from({ length: 8 }, (_, value) => told(`0x${value.toString(16)}`));
    const three = (index: bigint) =>
      twoBits(0, { statusListIndex: String(index), statusSize: 3, statusMessage: messagesOfThree });
    // 2^19 bits: 174,762 entries of three, and two bits too few for another one.
    const web = openWeb(serve(await publish(listOf(262_144))));
    expect(await codeOf(web, three(174_761n))).toBe('status_clear');
    for (const index of [174_762n, 2n ** 64n])
      expect(await codeOf(web, three(index))).toBe('status_index_out_of_range');
    expect(await codeOf(web, twoBits(262_143))).toBe('status_clear');
    expect(await codeOf(web, twoBits(262_144))).toBe('status_index_out_of_range');
  });

  test('of one bit says "set" or "unset" where the issuer gave no words of its own', async () => {
    const web = openWeb(serve(await publish(listOf(131_072))));
    const one = (index: string, more: JsonObject = {}) =>
      entry({ statusPurpose: 'message', statusListIndex: index, ...more });
    const own = { statusMessage: [told('0x1'), told('0x0')], statusReference: 'https://trust.example/statuses' };
    const results = await check(web, [one('0'), one('3'), one('3', own)]);
    expect(results.map(({ message }) => message)).toEqual(['unset', 'set', 'meaning of 0x1']);
  });
});

describe('a list of somebody else than the issuer', () => {
  const theirs = () => publish(listCredential({ list: { issuer: stranger.did } }), stranger);

  test('counts where they may speak for others, and no longer when they may not', async () => {
    let trusted = true;
    const web = openWeb(serve(await theirs()), { speaksForOthers: (by) => trusted && by === stranger.did });
    await expectCode('status_clear', web);
    await expectCode('status_revoked', web, entry({ statusListIndex: '5' }));
    trusted = false;
    await expectCode('status_list_issuer_mismatch', web, entry({ statusListIndex: '5' }));
    expect(web.requests).toHaveLength(1);
  });

  test('is not theirs because it says so: the proof must be', async () => {
    const key = await issuer.identity.signingKey('ES256');
    const credential = listCredential({ list: { issuer: stranger.did } });
    const signing = secureCredential(issuer.agent, { credential, format: 'vc+jwt', key, now: clock.now });
    await expect(signing).rejects.toThrow();
    const [header, payload, signature] = (await theirs()).split('.');
    const ours = (await publish(listCredential())).split('.');
    const speaksForOthers = () => true;
    for (const forged of [
      [ours[0], payload, ours[2]],
      [header, payload, ours[2]],
      [ours[0], payload, signature],
    ]) {
      await expectCode('status_list_proof_invalid', openWeb(serve(forged.join('.')), { speaksForOthers }));
    }
  });
});

describe('a list larger than an inbound body may be', () => {
  test.each([
    ['vc+jwt', 'application/vc+jwt'],
    ['eddsa-rdfc-2022', 'application/vc'],
  ] as const)('is read with %s: it was fetched, and the policy of fetching bounds it', async (format, mediaType) => {
    const bits = randomBytes(400 * 1024);
    bits[0] = 0b0000_0100;
    const body = await publish(listCredential({ subject: { encodedList: encodeBitstring(bits) } }), issuer, format);
    expect(body.length).toBeGreaterThan(512 * 1024);
    const web = openWeb(serve(body, mediaType));
    await expectCode('status_clear', web);
    await expectCode('status_revoked', web, entry({ statusListIndex: '5' }));
  });
});

describe('an entry is malformed', () => {
  const malformed: [string, JsonObject][] = [
    ['with an index that is a number', entry({ statusListIndex: 7 })],
    ['with a leading zero', entry({ statusListIndex: '07' })],
    ['with a sign', entry({ statusListIndex: '-1' })],
    ['with letters after the digits', entry({ statusListIndex: '12abc' })],
    ['with an exponent', entry({ statusListIndex: '1e3' })],
    ['with a line break', entry({ statusListIndex: '7\n' })],
    ['with an empty index', entry({ statusListIndex: '' })],
    ['without a purpose', entry({ statusPurpose: '' })],
    ['with several purposes', entry({ statusPurpose: ['revocation'] })],
    ['with a list that is no URL', entry({ statusListCredential: 'list' })],
    ['whose id is the list', entry({ id: url })],
    ['with a size of nothing', entry({ statusSize: 0 })],
    ['with a size that is no number', entry({ statusSize: '2' })],
    ['with half a bit', entry({ statusSize: 1.5 })],
    ['with several bits and no messages', entry({ statusSize: 2 })],
    ['with too few messages', entry({ statusSize: 2, statusMessage: messages.slice(1) })],
    ['with too many messages', entry({ statusSize: 1, statusMessage: messages })],
    ['with more messages promised than anybody can send', entry({ statusSize: 5000, statusMessage: messages })],
    ['with messages that are no array', entry({ statusSize: 1, statusMessage: 'set' })],
    [
      'with two messages for one value',
      entry({ statusSize: 2, statusMessage: [...messages.slice(1), messages[1] ?? {}] }),
    ],
    [
      'with a message for a value that cannot be',
      entry({ statusSize: 2, statusMessage: [...messages.slice(1), told('0x4')] }),
    ],
    [
      'with a value that is not hexadecimal',
      entry({ statusSize: 2, statusMessage: [...messages.slice(1), told('0')] }),
    ],
    [
      'with a message that is no text',
      entry({ statusSize: 2, statusMessage: [...messages.slice(1), { status: '0x0', message: 1 }] }),
    ],
    ['with a reference that is no URL', entry({ statusReference: ['https://trust.example/statuses', 'statuses'] })],
  ];
  test.each(malformed)('%s', async (_name, status) => {
    const web = openWeb(serve(await publish(listCredential())));
    await expectCode('status_entry_malformed', web, status);
    expect(web.requests).toHaveLength(0);
  });

  test('when there are too many of them', async () => {
    const web = openWeb(serve(await publish(listCredential())));
    expect(
      (
        await check(
          web,
          Array.from({ length: 9 }, () => entry()),
        )
      )[0]?.code,
    ).toBe('status_entry_malformed');
    expect(web.requests).toHaveLength(0);
  });
});

describe('the status stays unknown, or the credential fails', () => {
  test.each([
    entry({ type: 'StatusList2021Entry' }),
    entry({ statusPurpose: 'expulsion' }),
    entry({ statusPurpose: 'constructor' }),
  ])('for an entry that is not supported', async (status) => {
    const web = openWeb(serve(await publish(listCredential())));
    await expectCode('status_entry_unsupported', web, status);
    expect(web.requests).toHaveLength(0);
  });

  test.each(['131072', '9007199254740993', '1'.repeat(100), '1'.repeat(1000)])(
    'for the index %s past the end',
    async (index) => {
      const web = openWeb(serve(await publish(listCredential())));
      await expectCode('status_index_out_of_range', web, entry({ statusListIndex: index }));
      await expectCode('status_clear', web, entry({ statusListIndex: '131071' }));
    },
  );

  test('for a list of another purpose', async () => {
    const web = openWeb(serve(await publish(listCredential())));
    await expectCode('status_purpose_mismatch', web, entry({ statusPurpose: 'suspension' }));
  });

  test('for a list that may not be fetched', async () => {
    const asked: string[] = [];
    const mayFetch = (address: string, by: string) => asked.push(address, by) < 0;
    const web = openWeb(serve(await publish(listCredential())), { mayFetch });
    await expectCode('status_fetch_not_allowed', web);
    expect([asked, web.requests]).toEqual([[url, did], []]);
  });

  test('for a server that does not answer, and for one that answers too late', async () => {
    await expectCode(
      'status_retrieval_failed',
      openWeb(() => Promise.reject(new Error('refused'))),
    );
    const web = openWeb(() => new Promise(() => undefined));
    const deadline = new AbortController();
    const pending = check(web, entry(), deadline.signal);
    deadline.abort();
    expect((await pending)[0]?.code).toBe('status_retrieval_failed');
    expect((await check(web, entry(), AbortSignal.abort()))[0]?.code).toBe('status_retrieval_failed');
  });

  test('for a 304 that nobody asked for', async () => {
    const web = openWeb(async () => ({ status: 304, body: Buffer.alloc(0), contentType: '' }));
    await expectCode('status_retrieval_failed', web);
  });

  test('for a media type that is none', async () => {
    await expectCode('status_media_type', openWeb(serve(await publish(listCredential()), 'text/html')));
  });

  test('for a list that is no list', async () => {
    const bodies = [
      await publish({ ...listCredential(), type: ['VerifiableCredential', 'OtherCredential'] }),
      await publish(listCredential({ subject: { type: 'OtherList' } })),
      await publish(listCredential({ subject: { encodedList: 'zH4sI' } })),
      await publish(listCredential({ subject: { encodedList: 'uH4sI' } })),
      await publish(listCredential({ subject: { encodedList: `u${Buffer.alloc(16_384).toString('base64url')}` } })),
      await publish(listCredential({ subject: { statusPurpose: [] } })),
      await publish(listCredential({ subject: { ttl: -1 } })),
      'no token',
    ];
    for (const body of bodies) await expectCode('status_list_malformed', openWeb(serve(body)));
  });

  test('for a list of two GZIP members, in which others would read another list', async () => {
    const [clear, marked] = [Buffer.alloc(16_384), Buffer.alloc(16_384, 0xff)].map((bits) => gzipSync(bits));
    const none = gzipSync(Buffer.alloc(0));
    for (const members of [
      [marked, clear],
      [none, clear],
      [clear, none],
      [clear, Buffer.from([0])],
    ]) {
      const encodedList = `u${Buffer.concat(members as Buffer[]).toString('base64url')}`;
      await expectCode(
        'status_list_malformed',
        openWeb(serve(await publish(listCredential({ subject: { encodedList } })))),
      );
    }
  });

  test('for a list that unpacks to a gigabyte, without unpacking it', async () => {
    // 100 MiB of zeros in 100 kB; a gigabyte differs only in how long the test takes to pack it.
    const bomb = `u${gzipSync(Buffer.alloc(100 * 1024 * 1024)).toString('base64url')}`;
    const web = openWeb(serve(await publish(listCredential({ subject: { encodedList: bomb } }))));
    const before = process.memoryUsage().rss;
    await expectCode('status_list_too_large', web);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
  });

  test('for a list that would tell whom it is about', async () => {
    const encodedList = encodeBitstring(createBitstring(131_064, []));
    await expectCode(
      'status_list_too_short',
      openWeb(serve(await publish(listCredential({ subject: { encodedList } })))),
    );
  });

  test('for a list whose signature does not hold', async () => {
    const [header, payload, signature] = (await publish(listCredential())).split('.');
    const [, other] = (await publish(listCredential({ subject: { ttl: 1 } }))).split('.');
    await expectCode('status_list_proof_invalid', openWeb(serve([header, other, signature].join('.'))));
    expect(payload).not.toBe(other);
    const json = JSON.parse(await publish(listCredential(), issuer, 'eddsa-rdfc-2022'));
    json.credentialSubject.encodedList = encodeBitstring(createBitstring(131_072, []));
    await expectCode('status_list_proof_invalid', openWeb(serve(JSON.stringify(json), 'application/vc')));
  });

  test('for a list of another issuer, whose DID is not even resolved', async () => {
    const theirs = await publish(listCredential({ list: { issuer: stranger.did } }), stranger);
    const document = directory.get(stranger.did);
    let asked = 0;
    directory.set(stranger.did, () => {
      asked += 1;
      return document?.() ?? {};
    });
    await expectCode('status_list_issuer_mismatch', openWeb(serve(theirs)));
    expect(asked).toBe(0);
  });

  test('for a list of the same issuer that belongs to another address', async () => {
    const moved = await publish(listCredential({ list: { id: `${url}b` } }));
    await expectCode('status_list_id_mismatch', openWeb(serve(moved)));
  });

  test('for a list that is not valid yet or not any more', async () => {
    const at = (milliseconds: number) => new Date(clock.now.getTime() + milliseconds).toISOString();
    const early = listCredential({ list: { validFrom: at(61_000) } });
    const late = listCredential({ list: { validFrom: at(-9000), validUntil: at(0) } });
    for (const list of [early, late])
      await expectCode('status_list_outside_validity', openWeb(serve(await publish(list))));
    const skewed = listCredential({ list: { validFrom: at(59_000) } });
    await expectCode('status_clear', openWeb(serve(await publish(skewed))));
  });
});

describe('a copy of a list', () => {
  test('is used for its ttl, then confirmed by its ETag', async () => {
    const web = openWeb(serve(await publish(listCredential()), undefined, '"one"'));
    await codeOf(web);
    clock.now = new Date(start + 299_000);
    expect((await check(web))[0]).toMatchObject({ code: 'status_clear', ageSeconds: 299 });
    expect(web.requests).toHaveLength(1);
    web.answer = async () => ({ status: 304, body: Buffer.alloc(0), contentType: '' });
    clock.now = new Date(start + 300_000);
    expect((await check(web))[0]).toMatchObject({ code: 'status_clear', ageSeconds: 0 });
    expect(web.requests.at(-1)?.etag).toBe('"one"');
    expect(web.requests).toHaveLength(2);
  });

  test('is never relied on past its ttl, except that a revocation stays one', async () => {
    const web = openWeb(serve(await publish(listCredential())));
    await codeOf(web);
    web.answer = () => Promise.reject(new Error('down'));
    clock.now = new Date(start + 300_000);
    await expectCode('status_stale', web);
    await expectCode('status_revoked', web, entry({ statusListIndex: '5' }));
  });

  test('is refreshed within a quarter of an hour, whatever ttl the issuer promises', async () => {
    const web = openWeb(serve(await publish(listCredential({ subject: { ttl: 86_400_000 } }))));
    await codeOf(web);
    clock.now = new Date(start + 900_000);
    web.answer = () => Promise.reject(new Error('down'));
    expect(await codeOf(web)).toBe('status_clear');
    expect(web.requests).toHaveLength(2);
  });

  test('is not exchanged for an older list', async () => {
    const before = await publish(listCredential());
    clock.now = new Date(start + 5000);
    const marked = encodeBitstring(createBitstring(131_072, [7]));
    const web = openWeb(
      serve(await publish(listCredential({ subject: { encodedList: marked, ttl: 0, statusPurpose: 'suspension' } }))),
    );
    expect(await codeOf(web, entry({ statusPurpose: 'suspension' }))).toBe('status_suspended');
    web.answer = serve(before);
    await expectCode('status_list_rolled_back', web, entry({ statusPurpose: 'suspension' }));
  });

  test('is fetched once for all who ask at the same time, and a dead host is left alone for a moment', async () => {
    const web = openWeb(serve(await publish(listCredential())));
    const results = await Promise.all(Array.from({ length: 50 }, () => check(web)));
    expect(results.every(([result]) => result?.code === 'status_clear')).toBe(true);
    expect(web.requests).toHaveLength(1);
    const dead = openWeb(() => Promise.reject(new Error('down')));
    await codeOf(dead);
    await codeOf(dead);
    expect(dead.requests).toHaveLength(1);
    clock.now = new Date(start + 2000);
    await codeOf(dead);
    expect(dead.requests).toHaveLength(2);
  });

  test('belongs to one issuer: another one who points to it gets nothing from it', async () => {
    const web = openWeb(serve(await publish(listCredential())));
    await codeOf(web);
    const context = { issuer: stranger.did, now: clock.now, deadline: never };
    const [result] = await web.checker.check({ credentialStatus: entry() }, context);
    expect(result?.code).toBe('status_list_issuer_mismatch');
  });
});

test('the errors are those of the specification', () => {
  const types = new Set(Object.values(statusCodes).flatMap((facts) => ('type' in facts ? [facts.type] : [])));
  expect([...types].sort()).toEqual([
    'https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR',
    'https://www.w3.org/TR/vc-data-model#RANGE_ERROR',
    'https://www.w3.org/ns/credentials/status-list#STATUS_LIST_LENGTH_ERROR',
    'https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR',
    'https://www.w3.org/ns/credentials/status-list#STATUS_VERIFICATION_ERROR',
  ]);
});

test('every code has been seen', () => {
  expect([...seen].sort()).toEqual(Object.keys(statusCodes).sort());
});
