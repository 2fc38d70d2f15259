/** Several processes of one issuer on one PostgreSQL: issuing, revoking, publishing, and what is left without a database. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { administer, dropPostgres, postgresUrl } from '../store/postgres.js';
import {
  type Answer,
  type Client,
  createClient,
  exampleOf,
  inParallel,
  listPathOf,
  setBits,
  statusOf,
} from './client.js';
import { type Deployment, type Field, openField, patience, type Service, until } from './deployment.js';

let field: Field;
let databaseUrl: string;
let deployments: Deployment[];
let services: Service[];
let clients: Client[];

beforeAll(async () => {
  databaseUrl = await postgresUrl();
  field = await openField();
  writeFileSync(join(field.folder, 'database-url'), databaseUrl, { mode: 0o600 });
  const database = { type: 'postgres', file: null, urlFile: '../database-url', poolSize: 4 };
  const first = await field.deploy('rxa', { database });
  field.recognise(first);
  await first.initialise();
  deployments = [first, await first.replica(), await first.replica()];
  services = await Promise.all(deployments.map((deployment) => deployment.serve()));
  clients = services.map(({ url }) => createClient(first, url));
}, 3 * patience);
afterAll(async () => {
  await field.close();
  await dropPostgres(databaseUrl).catch(() => undefined);
});

const credential = exampleOf('DbsCheckCredential');
const revocationOf = (answer: Answer) => statusOf(answer).find(({ statusPurpose }) => statusPurpose === 'revocation')!;

const withoutJwt = (address: string) => address.replace('.jwt', '');

/** What a process publishes, whichever list it is in. */
async function published(client: Client, paths: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    paths.map(async (path) => (await setBits(client, path)).map((bit) => `${path}#${bit}`)),
  );
  return lists.flat().sort();
}

test(
  'two issue into one list while a third revokes: no index twice, each revoked bit in every published list, no other',
  async () => {
    const [one, two, three] = clients as [Client, Client, Client];
    const issued: Answer[] = [];
    const revoked: Answer[] = [];
    let issuing = true;
    async function revokeEverySecond(): Promise<void> {
      for (let next = 0; issuing || next < issued.length; next += 2) {
        await until(async () => !issuing || issued.length > next, Boolean);
        const answer = issued[next];
        if (!answer) continue;
        expect((await three.revoke(answer.body.credentialId)).status).toBe(200);
        revoked.push(answer);
      }
    }
    const issueFrom = (client: Client) =>
      inParallel(Array.from({ length: 60 }), 4, async () => {
        const answer = await client.issue(credential);
        expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
        issued.push(answer);
      });
    const revoking = revokeEverySecond();
    await Promise.all([issueFrom(one), issueFrom(two)]).finally(() => {
      issuing = false;
    });
    await revoking;
    const acknowledged = Date.now();

    expect(issued).toHaveLength(120);
    expect(revoked).toHaveLength(60);
    const indexes = issued.flatMap((answer) =>
      statusOf(answer).map(({ statusListCredential, statusListIndex }) => `${statusListCredential}#${statusListIndex}`),
    );
    expect(new Set(indexes).size).toBe(indexes.length);
    const paths = [...new Set(issued.map((answer) => listPathOf(revocationOf(answer))))];
    const expected = revoked
      .map((answer) => `${listPathOf(revocationOf(answer))}#${revocationOf(answer).statusListIndex}`)
      .sort();
    for (const client of clients) {
      const seen = await until(
        () => published(client, paths),
        (bits) => bits.length >= expected.length,
      );
      expect(seen).toEqual(expected);
    }
    expect(Date.now() - acknowledged).toBeLessThan(2000);
    // The same bits, secured otherwise (decisions.md 13).
    const integrity = await Promise.all(clients.map((client) => published(client, paths.map(withoutJwt))));
    expect(integrity).toEqual(clients.map(() => expected.map(withoutJwt)));
    const verdicts = await inParallel(issued.slice(0, 20), 4, ({ body }) => two.verify(body.verifiableCredential));
    for (const [index, { body }] of verdicts.entries()) {
      const told = revoked.includes(issued[index]!) ? 'invalid' : 'valid';
      expect([index, body.decision]).toEqual([index, told]);
    }
  },
  3 * patience,
);

test(
  'one request with one Idempotency-Key, sent to two processes at once, is one credential',
  async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `twice-${index}`);
    const pairs = await inParallel(keys, 4, (key) =>
      Promise.all(clients.slice(0, 2).map((client) => client.issue(credential, { key }))),
    );
    for (const [one, two] of pairs) expect([one?.status, one?.text]).toEqual([201, two?.text]);
    const rows = await administer(databaseUrl, "SELECT id FROM issuance WHERE idempotency_key LIKE 'twice-%'");
    expect(rows).toHaveLength(keys.length);
  },
  patience,
);

describe('when the database is gone', () => {
  let paths: string[];

  beforeAll(async () => {
    const [client] = clients as [Client];
    paths = statusOf(await client.issue(credential)).flatMap((entry) => [
      listPathOf(entry),
      withoutJwt(listPathOf(entry)),
    ]);
    await dropPostgres(databaseUrl);
  }, patience);

  test(
    'thousands of requests for the lists are answered, whole or 304, under a strong ETag',
    async () => {
      const [client] = clients as [Client];
      const first = await Promise.all(paths.map((path) => client.get(path)));
      const etags = first.map(({ headers }) => headers.get('etag') ?? '');
      for (const etag of etags) expect(etag).toMatch(/^"[\w-]{43}"$/);
      const requests = Array.from({ length: 3000 }, (_, index) => index);
      const wrong = new Set<string>();
      await inParallel(requests, 32, async (index) => {
        const list = index % paths.length;
        const known = index % 3 === 0;
        const answer = await client.get(paths[list]!, known ? { 'if-none-match': etags[list]! } : {});
        const whole = answer.text === first[list]?.text;
        const right = known ? answer.status === 304 && answer.text === '' : answer.status === 200 && whole;
        if (!right || answer.headers.get('etag') !== etags[list])
          wrong.add(`${answer.status} ${answer.text.slice(0, 200)}`);
      });
      expect([...wrong]).toEqual([]);
    },
    2 * patience,
  );

  test(
    'issuing says so in a problem document, readiness fails, and the process lives',
    async () => {
      const [client] = clients as [Client];
      const answer = await client.issue(credential);
      expect([answer.status, answer.body.code]).toEqual([503, 'storage_unavailable']);
      expect(answer.text).not.toContain(new URL(databaseUrl).password);
      expect((await client.get('/health/ready')).status).toBe(503);
      expect((await client.get('/health/live')).status).toBe(200);
      expect((await client.get('/.well-known/did.json')).status).toBe(200);
    },
    patience,
  );

  test(
    'a process still ends in order',
    async () => {
      for (const service of services)
        expect([await service.stop(), service.output().slice(-400)]).toEqual([0, expect.any(String)]);
    },
    patience,
  );
});
