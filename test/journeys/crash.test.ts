/** A process that is killed in the middle of its work, on SQLite: nothing is lost, doubled or half done (design.md §4). */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sqlite3 from 'sqlite3';
import {
  type Answer,
  type Client,
  createClient,
  exampleOf,
  inParallel,
  listPathOf,
  type StatusEntry,
  setBits,
  statusOf,
} from './client.js';
import { type Deployment, type Field, openField, patience, type Service } from './deployment.js';

let field: Field;
let trust: Deployment;

beforeAll(async () => {
  field = await openField();
  trust = await field.deploy('rxa');
  field.recognise(trust);
  await trust.initialise();
}, 2 * patience);
afterAll(() => field.close());

/** Rows as they lie in the database, past the service. */
function query<T>(sql: string, mode = sqlite3.OPEN_READONLY): Promise<T[]> {
  const file = join(trust.stateFolder, 'staff-passport.sqlite');
  return new Promise((done, fail) => {
    const database = new sqlite3.Database(file, mode, (error) => error && fail(error));
    database.all<T>(sql, (error, rows) => {
      database.close();
      if (error) fail(error);
      else done(rows);
    });
  });
}

const credential = exampleOf('DbsCheckCredential');

/** Clients that issue until the process dies; what was answered is put into `answered`, by key. */
async function issueUntilDeath(client: Client, keys: readonly string[], answered: Map<string, string>): Promise<void> {
  await inParallel(keys, 6, async (key) => {
    // A connection that broke leaves the client not knowing: it will repeat the request.
    const answer = await client.issue(credential, { key }).catch(() => undefined);
    if (answer === undefined) return;
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    answered.set(key, answer.text);
  });
}

/** The moment at which so many were answered, as closely as a timer can tell. */
async function untilMore(answered: { readonly size: number }, count: number): Promise<void> {
  const enough = answered.size + count;
  const end = Date.now() + patience;
  while (answered.size < enough) {
    if (Date.now() > end) throw new Error(`only ${answered.size} answers, ${enough} were awaited`);
    await pause(1);
  }
}

test(
  'kill -9 during issuing leaves every record issued or burnt, no index used twice, one credential for each key',
  async () => {
    const answered = new Map<string, string>();
    const keys = Array.from({ length: 120 }, (_, index) => `key-${index}`);
    let halfDone = 0;
    // Killed when so many more were answered: in the first requests, in the middle, and late.
    for (const [round, kill] of [1, 8, 16, 23].entries()) {
      const service = await trust.serve();
      const rows = await query<{ state: string }>('SELECT state FROM issuance');
      expect(rows.filter(({ state }) => state !== 'issued' && state !== 'burnt')).toEqual([]);
      const client = createClient(trust, service.url);
      await client.token();
      const left = keys.slice(round * 30, round * 30 + 30);
      const issuing = issueUntilDeath(client, left, answered);
      await untilMore(answered, kill);
      await service.stop('SIGKILL');
      await issuing;
      halfDone += (await query("SELECT id FROM issuance WHERE state = 'reserved'")).length;
    }
    // Otherwise this test would have killed at no interesting moment.
    expect(halfDone).toBeGreaterThan(0);
    expect(answered.size).toBeLessThan(keys.length);

    const service = await trust.serve();
    const client = createClient(trust, service.url);
    const again = new Map<string, Answer>();
    await inParallel(keys, 4, async (key) => again.set(key, await client.issue(credential, { key })));
    expect([...again.values()].filter(({ status }) => status !== 201)).toEqual([]);
    for (const [key, text] of answered) expect([key, again.get(key)?.text]).toEqual([key, text]);

    const rows = await query<{ id: string; state: string; status_entries: string }>('SELECT * FROM issuance');
    const issued = rows.filter(({ state }) => state === 'issued').map(({ id }) => id);
    expect(issued.sort()).toEqual([...again.values()].map(({ body }) => body.credentialId).sort());
    expect(rows.filter(({ state }) => state !== 'issued' && state !== 'burnt')).toEqual([]);
    const indexes = rows.flatMap(({ status_entries }) =>
      (JSON.parse(status_entries) as StatusEntry[]).map(
        (entry) => `${entry.statusListCredential}#${entry.statusListIndex}`,
      ),
    );
    expect(new Set(indexes).size).toBe(indexes.length);

    const verdicts = await inParallel([...again.values()], 4, ({ body }) => client.verify(body.verifiableCredential));
    expect(verdicts.map(({ body }) => body.decision)).toEqual(keys.map(() => 'valid'));
    expect(await service.stop()).toBe(0);
  },
  4 * patience,
);

test(
  'a second process leaves the database of the first alone, and kill -9 leaves no lock behind',
  async () => {
    const first = await trust.serve();
    const twin = await trust.replica();
    // As a request that the first one is working on: a second one would take it over at its start.
    const touch = `UPDATE issuance SET state = 'reserved' WHERE id = (SELECT id FROM issuance WHERE state = 'issued' LIMIT 1)`;
    await query(touch, sqlite3.OPEN_READWRITE);
    const { code, stderr } = await twin.run('serve');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/another process serves .*staff-passport\.sqlite already; stop it first/);
    expect(await query("SELECT id FROM issuance WHERE state = 'reserved'")).toHaveLength(1);
    await query("UPDATE issuance SET state = 'issued' WHERE state = 'reserved'", sqlite3.OPEN_READWRITE);
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
    await first.stop('SIGKILL');
    const second = await twin.serve();
    expect(await second.stop()).toBe(0);
  },
  2 * patience,
);

test(
  'kill -9 during revoking keeps every acknowledged revocation in the published list',
  async () => {
    let service: Service = await trust.serve();
    let client = createClient(trust, service.url);
    const issued = await inParallel(Array.from({ length: 24 }), 4, () => client.issue(credential));
    const acknowledged = new Set<Answer>();
    for (const [round, kill] of [2, 6].entries()) {
      const revoking = inParallel(issued.slice(round * 12, round * 12 + 12), 4, async (answer) => {
        const revoked = await client.revoke(answer.body.credentialId).catch(() => undefined);
        if (revoked?.status === 200) acknowledged.add(answer);
      });
      await untilMore(acknowledged, kill);
      await service.stop('SIGKILL');
      await revoking;
      service = await trust.serve();
      client = createClient(trust, service.url);
      for (const answer of acknowledged) {
        const entry = statusOf(answer).find(({ statusPurpose }) => statusPurpose === 'revocation');
        const path = listPathOf(entry as StatusEntry);
        expect(await setBits(client, path)).toContain(Number(entry?.statusListIndex));
      }
    }
    expect(acknowledged.size).toBeLessThan(issued.length);
    expect(await service.stop()).toBe(0);
  },
  4 * patience,
);
