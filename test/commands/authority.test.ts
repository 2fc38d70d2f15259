/** What the operators of an authority and of a trust do by command, while the services run; and what doctor finds. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { type Answer, type Client, createClient, exampleOf } from '../journeys/client.js';
import {
  type Deployment,
  type Field,
  openField,
  patience,
  registryOf,
  type Service,
  until,
} from '../journeys/deployment.js';
import { makeChain } from '../verification/oid4vp/authority.js';

let field: Field;
let authority: Deployment;
let trust: Deployment;
let stranger: Deployment;
let authorityService: Service;
let trustService: Service | undefined;

beforeAll(async () => {
  field = await openField();
  authority = await field.deploy('xga', { roles: ['registry'], registry: { source: 'self', file: null } });
  const settings = {
    programme: { baseUrl: authority.url },
    registry: { source: 'url', file: null, url: `${authority.url}/registry/list`, pinFile: 'registry-pin.json' },
  };
  trust = await field.deploy('rxa', settings);
  stranger = await field.deploy('rxb', settings);
  await Promise.all([authority, trust, stranger].map((deployment) => deployment.initialise()));
  for (const { stateFolder } of [trust, stranger]) {
    copyFileSync(join(authority.stateFolder, 'registry-pin.json'), join(stateFolder, 'registry-pin.json'));
  }
  authorityService = await authority.serve();
}, 3 * patience);
afterAll(() => field.close());

const list = () => createClient(authority, authorityService.url).get('/registry/list');
const payloadOf = ({ text }: Answer) => JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8'));

/** How long after the end of a command the running authority publishes what it changed. */
async function publishes(before: Answer): Promise<number> {
  const begin = Date.now();
  await until(list, ({ text }) => text !== before.text);
  return Date.now() - begin;
}

describe('registry', () => {
  test(
    'add lists organisations from a file, once; the running service publishes them within two seconds',
    async () => {
      const file = join(field.folder, 'members.json');
      writeFileSync(file, JSON.stringify({ ...registryOf([trust]), programmeBaseUrl: authority.url }));
      const before = await list();
      const added = await authority.run('registry', 'add', '--file', file);
      expect(added).toMatchObject({ code: 0, stdout: '1 organisations added\n', stderr: '' });
      expect(await publishes(before)).toBeLessThan(2000);
      expect(JSON.stringify(payloadOf(await list()))).toContain(trust.did);
      expect(await authority.run('registry', 'add', '--file', file)).toMatchObject({
        stdout: '0 organisations added\n',
      });
      writeFileSync(file, JSON.stringify({ organisations: [{ odsCode: 'x' }] }));
      const refused = await authority.run('registry', 'add', '--file', file);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(/^staff-passport: .*\/organisations\/0/s);
      const absent = await authority.run('registry', 'add', '--file', join(field.folder, 'absent.json'));
      expect(absent).toMatchObject({ code: 1, stderr: expect.stringMatching(/^staff-passport: .*absent\.json/) });
    },
    2 * patience,
  );

  test(
    'suspend and reinstate are published within two seconds and refused where they make no sense',
    async () => {
      const before = await list();
      const suspended = await authority.run('registry', 'suspend', 'RXA', '--reason', 'a stolen key');
      expect(suspended).toMatchObject({ code: 0, stdout: 'RXA is suspended\n' });
      expect(await publishes(before)).toBeLessThan(2000);
      const again = await authority.run('registry', 'suspend', 'RXA', '--reason', 'again');
      expect(again).toMatchObject({ code: 1, stderr: 'staff-passport: RXA is suspended already.\n' });
      const during = await list();
      const reinstated = await authority.run('registry', 'reinstate', 'RXA', '--reason', 'found again');
      expect(reinstated).toMatchObject({ code: 0, stdout: 'RXA is active\n' });
      expect(await publishes(during)).toBeLessThan(2000);
      expect(payloadOf(await list()).credentialSubject).toBeDefined();
      const foreign = await trust.run('registry', 'suspend', 'RXB', '--reason', 'none of our business');
      expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining('does not have the role registry') });
    },
    2 * patience,
  );
});

interface Finding {
  readonly state: string;
  readonly found: string;
  readonly remedy?: string;
}

describe('doctor', () => {
  /** The examinations by name, each with its finding, and with what to do where that is said. */
  async function examine(deployment = trust) {
    const { code, stdout, stderr } = await deployment.run('doctor');
    expect(stderr).toBe('');
    const findings = stdout.matchAll(/^(ok|FAULT) +([\w ]+): (.*)(?:\n +what to do: (.*))?$/gm);
    const named = [...findings].map(([, state, name, found, remedy]) => [name, { state, found, remedy }] as const);
    return { code, found: Object.fromEntries(named) as Record<string, Finding> };
  }
  const well = { state: 'ok' };
  const fault = (found: unknown, remedy: unknown) => ({
    state: 'FAULT',
    found: expect.stringMatching(found as RegExp),
    remedy: expect.stringMatching(remedy as RegExp),
  });

  /** Somebody at the address of one of the organisations, with documents and a clock of their own. */
  async function standIn(deployment: Deployment, documents: Record<string, Answer>, hours = 0): Promise<Server> {
    const server = createServer(({ url }, response) => {
      const known = documents[url ?? ''];
      response.setHeader('date', new Date(Date.now() + hours * 3_600_000).toUTCString());
      response.setHeader('content-type', known?.headers.get('content-type') ?? 'text/plain');
      response.writeHead(known ? 200 : 404).end(known?.text);
    });
    const port = Number(new URL(deployment.url).port);
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
    return server;
  }

  async function leave(server: Server): Promise<void> {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }

  test(
    'finds a certificate that wallets would refuse',
    async () => {
      const chain = await makeChain({ host: 'rxb.example' });
      const { folder, ...files } = chain;
      trust.configure({ verification: { x509: [files] } });
      try {
        const { code, found } = await examine();
        expect(code).toBe(1);
        expect(found['request certificates']).toMatchObject(
          fault(/^default: no dNSName .* localhost$/, /renewed chain/),
        );
      } finally {
        trust.configure({ verification: { x509: [] } });
        rmSync(folder, { recursive: true });
      }
    },
    patience,
  );

  test(
    'finds nothing wrong where nothing is; says that the service is down where it is',
    async () => {
      const down = await examine();
      expect(down.code).toBe(1);
      expect(down.found).toMatchObject({
        'signing keys': {
          state: 'ok',
          found: expect.stringMatching(/^(ES256 and EdDSA|EdDSA and ES256) sign and verify$/),
        },
        'DID document': fault(/did\.json cannot be read/, /`serve` runs/),
        registry: well,
        database: well,
        'audit trail': well,
        clock: well,
      });
      trustService = await trust.serve();
      const up = await examine();
      expect(up.code).toBe(0);
      expect(Object.values(up.found).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    },
    2 * patience,
  );

  test(
    'tells a trust that the registry does not list it, and one that it is suspended',
    async () => {
      const unlisted = await examine(stranger);
      expect(unlisted.code).toBe(1);
      expect(unlisted.found['registry']).toEqual(
        fault(/list \d+ does not name us/, /ask the authority to list did:web:localhost%3A\d+ for RXB/),
      );
      await authority.run('registry', 'suspend', 'RXA', '--reason', 'doctor');
      await publishesStatus('suspended');
      expect((await examine()).found['registry']).toEqual(fault(/has us as RXA, suspended/, /speak to the authority/));
      await authority.run('registry', 'reinstate', 'RXA', '--reason', 'doctor');
      await publishesStatus('active');
    },
    2 * patience,
  );

  async function publishesStatus(status: string): Promise<void> {
    const client = createClient(authority, authorityService.url);
    const found = await until(
      async () => (await client.get('/registry/list')).text,
      (jwt) => JSON.stringify(payloadOf({ text: jwt } as Answer)).includes(`"${status}"`),
    );
    expect(found).toContain('.');
  }

  test(
    'finds somebody else at our address, and a clock that is an hour away',
    async () => {
      const documents = {
        '/registry/list': await list(),
        '/.well-known/did.json': await createClient(authority, authorityService.url).get('/.well-known/did.json'),
      };
      await trustService?.stop();
      await authorityService.stop();
      const impostor = await standIn(trust, documents);
      const late = await standIn(authority, documents, 1);
      const { found } = await examine();
      await leave(impostor);
      await leave(late);
      expect(found['DID document']).toEqual(fault(/is not the document of these keys/, /DNS, certificate, proxy/));
      expect(found['clock']).toEqual(fault(/3[56]\d\d s away from the authority's/, /NTP/));
      expect(found['registry']).toMatchObject(well);
    },
    2 * patience,
  );

  test(
    'finds a registry that does not answer, a clock before init, and an audit trail that was changed',
    async () => {
      const marker = join(trust.stateFolder, 'initialised.json');
      const made = readFileSync(marker, 'utf8');
      writeFileSync(marker, made.replace(/\d{4}-/, '2999-'));
      await tamper("UPDATE audit_record SET actor = 'nobody' WHERE sequence = 1");
      const { found } = await examine();
      writeFileSync(marker, made);
      expect(found['registry']).toEqual(
        fault(/could not be fetched.*\(copy: fresh\)/, /answers from here and that the pinned DID/),
      );
      expect(found['clock']).toEqual(fault(/before the time of `init`/, /set the clock/));
      expect(found['audit trail']).toEqual(fault(/breaks at record 1/, /compare with backups/));
    },
    2 * patience,
  );

  function tamper(sql: string): Promise<void> {
    return new Promise((done, fail) => {
      const database = new sqlite3.Database(join(trust.stateFolder, 'staff-passport.sqlite'));
      database.run(sql, (error) => database.close(() => (error ? fail(error) : done())));
    });
  }
});

test(
  'the operators’ key prints tokens that carry what was asked for and no more',
  async () => {
    authorityService = await authority.serve();
    trustService = await trust.serve();
    const url = trustService.url;
    const printed = await trust.run('token', '--scope', 'vc:issue');
    expect(printed).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) });
    const bearer = { authorization: `Bearer ${printed.stdout.trim()}` };
    const client: Client = createClient(trust, url);
    const body = { credential: exampleOf('DbsCheckCredential') };
    expect((await client.post('/credentials/issue', body, bearer)).status).toBe(201);
    const change = {
      credentialId: 'urn:uuid:5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11',
      action: 'revoke',
      reason: 'LostPhone',
    };
    expect((await client.post('/credentials/status', change, bearer)).status).toBe(403);
    const more = await trust.run('token', '--scope', 'vc:everything');
    expect(more).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^staff-passport: [^\n]*\n$/) });
  },
  2 * patience,
);
