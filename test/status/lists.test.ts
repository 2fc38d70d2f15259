import { createHmac } from 'node:crypto';
import { readCredential, secureCredential, verifyProof } from '../../src/credential/credential.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer } from '../../src/http/server.js';
import type { JsonObject } from '../../src/json.js';
import { decodeBitstring, encodeBitstring, readBits } from '../../src/status/bitstring.js';
import { createPermutation } from '../../src/status/permutation.js';
import { statusRoutes } from '../../src/status/routes.js';
import {
  createStatusLists,
  purposesOf,
  type StatusEntry,
  type StatusLists,
  statusEntities,
} from '../../src/status/status.js';
import { openStore, type Store } from '../../src/store/store.js';
import { describeDialects } from '../store/dialects.js';
import { createIssuer, type Directory, type Issuer } from './issuer.js';

const publicUrl = 'https://trust.example';
const did = 'did:web:trust.example';
const clock = { now: new Date('2026-11-21T09:00:00.000Z') };
const now = () => clock.now;
const directory: Directory = new Map();
let issuer: Issuer;
beforeAll(async () => {
  issuer = await createIssuer(did, directory, now);
});

const config = { ttlSeconds: 300, listLength: 131_072, reloadMilliseconds: 50, validSeconds: 3600 };
const deriveKey = (label: string, length: number) =>
  createHmac('sha512', 'secret').update(label).digest().subarray(0, length);
let counter = 0;

function listsOf(
  store: Store,
  changes: Partial<typeof config> = {},
  secure = secureCredential,
  document = issuer.identity.document,
): StatusLists {
  return createStatusLists({
    store,
    agent: issuer.agent,
    identity: { ...issuer.identity, document },
    secure,
    publicUrl,
    config: { ...config, ...changes },
    deriveKey,
    now,
    random: (size) => {
      counter += 1;
      return createHmac('sha256', 'names').update(`${counter}`).digest().subarray(0, size);
    },
  });
}

function nameOf(entry: StatusEntry | undefined): string {
  return entry?.statusListCredential.split('/').at(-1) ?? '';
}

function bitsOf(lists: StatusLists, name: string): Buffer {
  const text = lists.document(name)?.bytes.toString() ?? '';
  const credential = name.endsWith('.jwt')
    ? (JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as JsonObject)
    : (JSON.parse(text) as JsonObject);
  return decodeBitstring((credential['credentialSubject'] as JsonObject)['encodedList'] as string);
}

function isSet(lists: StatusLists, entry: StatusEntry | undefined): boolean {
  return readBits(bitsOf(lists, nameOf(entry)), Number(entry?.statusListIndex), 1) === 1n;
}

describe('the permutation of a list', () => {
  const key = Buffer.alloc(32, 7);

  test.each([131_072, 10_007, 2, 3])('gives every index of a list of %i exactly once', (size) => {
    const { permute } = createPermutation(key, size);
    const seen = new Uint8Array(size);
    for (let position = 0; position < size; position += 1) {
      const index = permute(position);
      seen[index] = (seen[index] ?? 0) + 1;
    }
    expect(seen.every((count) => count === 1)).toBe(true);
  });

  test('leaves no trace of the order: neighbours lie apart, and another key gives other indexes', () => {
    const [one, other] = [createPermutation(key, 131_072), createPermutation(Buffer.alloc(32, 8), 131_072)];
    const indexes = Array.from({ length: 2000 }, (_, position) => one.permute(position));
    const gaps = indexes.slice(1).map((index, i) => Math.abs(index - (indexes[i] ?? 0)));
    // The mean distance of two random points on a line is a third of it.
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length / 131_072;
    expect(mean).toBeGreaterThan(0.3);
    expect(mean).toBeLessThan(0.37);
    const rising = gaps.filter((_, i) => (indexes[i + 1] ?? 0) > (indexes[i] ?? 0)).length / gaps.length;
    expect(Math.abs(rising - 0.5)).toBeLessThan(0.05);
    const same = indexes.filter((index, position) => other.permute(position) === index).length;
    expect(same).toBeLessThan(5);
  });

  test('refuses positions and sizes that are none', () => {
    for (const position of [-1, 100, 1.5, Number.NaN]) {
      expect(() => createPermutation(key, 100).permute(position)).toThrow(RangeError);
    }
    for (const size of [0, 1, 2 ** 31, 1.5]) expect(() => createPermutation(key, size)).toThrow(RangeError);
  });
});

describeDialects('status lists', (database, kind) => {
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

  const allocate = (recordId: string, which: 'jwt' | 'data-integrity' = 'jwt') =>
    store.transaction((tx) => lists.allocate(tx, { recordId, kind: which }));
  const change = (recordId: string, purpose: 'revocation' | 'suspension', value: boolean) =>
    store.transaction((tx) => lists.change(tx, { recordId, purpose, value }));

  test('give a credential an entry of each purpose, in the securing that its readers understand', async () => {
    const [forJwt, forJson] = [await allocate('a-jwt'), await allocate('a-json', 'data-integrity')];
    expect(forJwt.flatMap(purposesOf)).toEqual(['revocation', 'suspension']);
    for (const entry of [...forJwt, ...forJson]) {
      expect(entry.type).toBe('BitstringStatusListEntry');
      expect(entry.statusListIndex).toMatch(/^(0|[1-9]\d*)$/);
      expect(entry.id).toBe(`${entry.statusListCredential}#${entry.statusListIndex}`);
      expect(lists.document(nameOf(entry))).toBeDefined();
    }
    expect(forJwt.every((entry) => entry.statusListCredential.endsWith('.jwt'))).toBe(true);
    expect(forJson.some((entry) => entry.statusListCredential.endsWith('.jwt'))).toBe(false);
    expect(forJwt[0]?.statusListIndex).not.toBe(forJwt[1]?.statusListIndex);
    expect(forJwt[0]?.statusListIndex).not.toBe(forJson[0]?.statusListIndex);
  });

  test('are signed by the issuer in both securings, and say what the specification asks', async () => {
    const [entry] = await allocate('b', 'data-integrity');
    const name = nameOf(entry);
    for (const [which, contentType] of [
      [name, 'application/vc'],
      [`${name}.jwt`, 'application/vc+jwt'],
    ] as const) {
      const document = lists.document(which);
      expect(document?.contentType).toBe(contentType);
      expect(document?.maxAgeSeconds).toBe(300);
      const text = document?.bytes.toString() ?? '';
      const input: unknown = which.endsWith('.jwt') ? text : JSON.parse(text);
      const { credential, issuer: by } = await verifyProof(issuer.agent, readCredential(input), { now: now() });
      expect(by).toBe(did);
      expect(credential).toMatchObject({
        id: `${publicUrl}/status-lists/${which}`,
        type: ['VerifiableCredential', 'BitstringStatusListCredential'],
        issuer: did,
        credentialSubject: {
          id: `${publicUrl}/status-lists/${which}#list`,
          type: 'BitstringStatusList',
          statusPurpose: 'revocation',
          ttl: 300_000,
        },
      });
      const [from, until] = [String(credential['validFrom']), String(credential['validUntil'])];
      expect(Date.parse(until) - Date.parse(from)).toBe(3_600_000);
    }
    expect(bitsOf(lists, name)).toEqual(bitsOf(lists, `${name}.jwt`));
    expect(bitsOf(lists, name)).toHaveLength(16_384);
  });

  test('show a revocation in both securings, and nothing else moves', async () => {
    const [revocation, suspension] = await allocate('c');
    const etag = lists.document(nameOf(revocation))?.etag;
    expect(await change('c', 'revocation', true)).toEqual({ changed: true });
    await lists.refresh();
    expect(isSet(lists, revocation)).toBe(true);
    const integrity = bitsOf(lists, nameOf(revocation).replace('.jwt', ''));
    expect(readBits(integrity, Number(revocation?.statusListIndex), 1)).toBe(1n);
    expect(isSet(lists, suspension)).toBe(false);
    expect(lists.document(nameOf(revocation))?.etag).not.toBe(etag);
  });

  test('never take a revocation back, take a suspension back, and do nothing twice', async () => {
    const [revocation, suspension] = await allocate('d');
    await change('d', 'revocation', true);
    await lists.refresh();
    const etag = lists.document(nameOf(revocation))?.etag;
    expect(await change('d', 'revocation', true)).toEqual({ changed: false });
    await expect(change('d', 'revocation', false)).rejects.toMatchObject({ code: 'status_irreversible' });
    await lists.refresh();
    expect(lists.document(nameOf(revocation))?.etag).toBe(etag);
    for (const value of [true, false]) {
      expect(await change('d', 'suspension', value)).toEqual({ changed: true });
      await lists.refresh();
      expect(isSet(lists, suspension)).toBe(value);
    }
    expect(await change('d', 'suspension', false)).toEqual({ changed: false });
    expect(isSet(lists, revocation)).toBe(true);
  });

  test('refuse a record without a status, and a second allocation for one record', async () => {
    await expect(change('nobody', 'revocation', true)).rejects.toMatchObject({ code: 'not_found' });
    await allocate('e');
    await expect(allocate('e')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('keep nothing of a transaction that fails, neither bit nor list', async () => {
    const [entry] = await allocate('f');
    const before = lists.document(nameOf(entry))?.etag;
    const failing = store.transaction(async (tx) => {
      await lists.change(tx, { recordId: 'f', purpose: 'revocation', value: true });
      throw new Error('audit failed');
    });
    await expect(failing).rejects.toThrow('audit failed');
    await lists.refresh();
    expect(lists.document(nameOf(entry))?.etag).toBe(before);
    expect(await change('f', 'revocation', true)).toEqual({ changed: true });
  });

  test('change nothing when the list cannot be signed', async () => {
    await allocate('g');
    const broken = listsOf(store, {}, () => Promise.reject(new Error('no key')));
    const failing = store.transaction((tx) => broken.change(tx, { recordId: 'g', purpose: 'revocation', value: true }));
    await expect(failing).rejects.toThrow('no key');
    expect(await change('g', 'revocation', true)).toEqual({ changed: true });
  });

  test('always grow in validFrom, even when the clock stands still', async () => {
    const [, suspension] = await allocate('h', 'data-integrity');
    const times: string[] = [];
    for (const value of [true, false, true]) {
      await change('h', 'suspension', value);
      await lists.refresh();
      times.push(JSON.parse(lists.document(nameOf(suspension))?.bytes.toString() ?? '{}').validFrom as string);
    }
    expect([...times].sort()).toEqual(times);
    expect(new Set(times).size).toBe(3);
  });

  test('are signed anew when half of their time is over, or when what they promise changes', async () => {
    const [entry] = await allocate('i', 'data-integrity');
    const until = () => JSON.parse(lists.document(nameOf(entry))?.bytes.toString() ?? '{}').validUntil as string;
    await lists.refresh();
    const first = until();
    clock.now = new Date(clock.now.getTime() + 1_900_000);
    const other = listsOf(store);
    await other.start();
    await other.stop();
    await lists.refresh();
    expect(until() > first).toBe(true);
    const shorter = listsOf(store, { ttlSeconds: 60 });
    await shorter.start();
    await shorter.stop();
    expect(JSON.parse(shorter.document(nameOf(entry))?.bytes.toString() ?? '{}').credentialSubject.ttl).toBe(60_000);
    const back = listsOf(store);
    await back.start();
    await back.stop();
    await lists.refresh();
  });

  test('are signed anew at once when a key that signed them is published no longer', async () => {
    const [entry] = await allocate('stolen key', 'data-integrity');
    const from = () => JSON.parse(lists.document(nameOf(entry))?.bytes.toString() ?? '{}').validFrom as string;
    await lists.refresh();
    const first = from();
    const unchanged = listsOf(store);
    await unchanged.start();
    await unchanged.stop();
    await lists.refresh();
    expect(from()).toBe(first);
    const { assertionMethod, ...document } = issuer.identity.document() as { assertionMethod: string[] };
    const withoutOne = listsOf(store, {}, secureCredential, () => ({
      ...document,
      assertionMethod: assertionMethod.slice(1),
    }));
    await withoutOne.start();
    await withoutOne.stop();
    await lists.refresh();
    expect(from() > first).toBe(true);
  });

  if (kind !== 'sqlite memory') {
    test('show the change of another process within a second, without being asked', async () => {
      const other = await openStore({ database: database(), entities: statusEntities, migrate: 'run' });
      const theirs = listsOf(other);
      await theirs.start();
      const [entry] = await allocate('j');
      await change('j', 'revocation', true);
      const deadline = performance.now() + 1000;
      while (!isSet(theirs, entry) && performance.now() < deadline) await new Promise((done) => setTimeout(done, 20));
      expect(isSet(theirs, entry)).toBe(true);
      await theirs.stop();
      await other.close();
    });

    test('lose no bit and give no index twice while two processes issue and revoke at once', async () => {
      const other = await openStore({ database: database(), entities: statusEntities, migrate: 'run' });
      const theirs = listsOf(other);
      await theirs.start();
      const sides = [
        { store, lists },
        { store: other, lists: theirs },
      ];
      const work = sides.flatMap((side, s) =>
        Array.from({ length: 12 }, async (_, i) => {
          const recordId = `race-${s}-${i}`;
          const entries = await side.store.transaction((tx) => side.lists.allocate(tx, { recordId, kind: 'jwt' }));
          // Revoked through the other process than the one that issued it.
          const peer = sides[1 - s] ?? side;
          const purposes =
            i % 3 === 0 ? (['suspension', 'revocation'] as const) : (['revocation', 'suspension'] as const);
          for (const purpose of purposes) {
            await peer.store.transaction((tx) => peer.lists.change(tx, { recordId, purpose, value: true }));
          }
          return entries;
        }),
      );
      const entries = (await Promise.all(work)).flat();
      await lists.refresh();
      expect(new Set(entries.map((entry) => entry.id)).size).toBe(48);
      expect(entries.filter((entry) => !isSet(lists, entry))).toEqual([]);
      await theirs.stop();
      await other.close();
    });
  }
});

describeDialects('a full status list', (database) => {
  test('is closed, and the next one, which everybody knows already, takes its place', async () => {
    const store = await openStore({ database: database(), entities: statusEntities, migrate: 'run' });
    const lists = listsOf(store, { listLength: 8 });
    await lists.start();
    const allocate = (n: number) =>
      store.transaction((tx) => lists.allocate(tx, { recordId: `r${n}`, kind: 'data-integrity' }));
    const entries: StatusEntry[] = [];
    for (let n = 0; n < 20; n += 1) {
      const [revocation] = await allocate(n);
      if (!revocation) throw new Error('no entry');
      // Known before it is used: the list was published when the one before it was opened.
      expect(lists.document(nameOf(revocation))).toBeDefined();
      entries.push(revocation);
      await lists.refresh();
    }
    const names = [...new Set(entries.map((entry) => nameOf(entry)))];
    expect(names).toHaveLength(3);
    for (const name of names.slice(0, 2)) {
      const indexes = entries.filter((entry) => nameOf(entry) === name).map((entry) => Number(entry.statusListIndex));
      expect(indexes.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
    // A closed list still changes.
    await store.transaction((tx) => lists.change(tx, { recordId: 'r0', purpose: 'revocation', value: true }));
    await lists.refresh();
    expect(isSet(lists, entries[0])).toBe(true);
    await lists.stop();
    await store.close();
  });

  test('is followed by one list only, however many notice at once', async () => {
    const store = await openStore({ database: database(), entities: statusEntities, migrate: 'run' });
    const lists = listsOf(store, { listLength: 8 });
    await lists.start();
    const work = Array.from({ length: 12 }, (_, n) =>
      store.transaction((tx) => lists.allocate(tx, { recordId: `c${n}`, kind: 'jwt' })),
    );
    const ids = (await Promise.all(work)).flat().map((entry) => entry.id);
    expect(new Set(ids).size).toBe(24);
    await lists.stop();
    await store.close();
  });
});

describe('GET /status-lists/{name}', () => {
  test('serves memory with ETag and max-age, answers 304 and HEAD, and never touches store or key', async () => {
    const store = await openStore({
      database: { type: 'sqlite', file: ':memory:' },
      entities: statusEntities,
      migrate: 'run',
    });
    let signatures = 0;
    const counting: typeof secureCredential = (...call) => {
      signatures += 1;
      return secureCredential(...call);
    };
    const lists = listsOf(store, {}, counting);
    await lists.start();
    const [entry] = await store.transaction((tx) => lists.allocate(tx, { recordId: 'r', kind: 'jwt' }));
    await lists.stop();
    await store.close();
    const before = signatures;
    const server = await createServer({
      publicUrl,
      serviceName: 'Trust',
      version: '0',
      authorise: () => Promise.reject(new Error('not asked')),
      metrics: createMetrics(),
      checkResponses: true,
      pressure: { maxEventLoopDelayMilliseconds: 0 },
      now,
      newId: () => 'id',
    });
    await server.register(statusRoutes({ lists }));
    const url = `/status-lists/${nameOf(entry)}`;
    const found = await server.inject({ url });
    expect(found.statusCode).toBe(200);
    expect(found.headers['content-type']).toBe('application/vc+jwt');
    expect(found.headers['cache-control']).toContain('max-age=300');
    expect(found.body).toBe(lists.document(nameOf(entry))?.bytes.toString());
    const etag = String(found.headers.etag);
    expect(etag).toMatch(/^"[^"]+"$/);
    const unchanged = await server.inject({ url, headers: { 'if-none-match': etag } });
    expect([unchanged.statusCode, unchanged.body]).toEqual([304, '']);
    const head = await server.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.body, head.headers.etag]).toEqual([200, '', etag]);
    const json = await server.inject({ url: url.replace('.jwt', '') });
    expect([json.statusCode, json.headers['content-type']]).toEqual([200, 'application/vc']);
    expect(JSON.parse(json.body).proof.cryptosuite).toBe('eddsa-rdfc-2022');
    const asked = async (accept: string) => {
      const { headers, body } = await server.inject({ url: url.replace('.jwt', ''), headers: { accept } });
      expect([body, headers.vary]).toEqual([json.body, 'accept']);
      return headers['content-type'];
    };
    expect(await asked('application/ld+json, application/json')).toBe('application/ld+json');
    expect(await asked('application/json;q=0.5, application/vc;q=0.1')).toBe('application/vc');
    expect(await asked('text/html, */*')).toBe('application/vc');
    for (const name of ['nothing', 'nothing.jwt', '..%2f..%2fetc', `${nameOf(entry)}.jwt`]) {
      expect((await server.inject({ url: `/status-lists/${name}` })).statusCode).toBe(404);
    }
    expect(signatures).toBe(before);
    await server.close();
  });
});

test('a bitstring begins with its left-most bit', () => {
  const bits = decodeBitstring(encodeBitstring(Buffer.concat([Buffer.from([0b1000_0001]), Buffer.alloc(16_383)])));
  expect([0, 1, 7, 8].map((index) => readBits(bits, index, 1))).toEqual([1n, 0n, 1n, 0n]);
  expect([0, 4, 5, 7].map((position) => readBits(bits, position, 3))).toEqual([4n, 0n, 1n, 4n]);
});
