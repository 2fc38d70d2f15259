/** The trust registry when its authority is away, comes back, or goes back (decisions.md 10, 11; security.md 3.3, R7). */
import { copyFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type Client, createClient, exampleOf } from './client.js';
import { type Deployment, type Field, openField, patience, registryOf, type Service, until } from './deployment.js';

let field: Field;
let authority: Deployment;
let issuer: Deployment;
let verifier: Deployment;
let authorityService: Service;
let issuerService: Service;
let verifierService: Service;
let issued: Answer;

beforeAll(async () => {
  field = await openField();
  authority = await field.deploy('xga', {
    roles: ['registry'],
    registry: { source: 'self', file: null },
    registryAuthority: { seedFile: '../seed.json' },
  });
  const registry = {
    source: 'url',
    file: null,
    url: `${authority.url}/registry/list`,
    pinFile: 'registry-pin.json',
  };
  const programme = { baseUrl: authority.url };
  issuer = await field.deploy('rxa', { registry, programme });
  verifier = await field.deploy('rxb', { registry, programme });
  const seed = { ...registryOf([issuer]), programmeBaseUrl: authority.url };
  writeFileSync(join(field.folder, 'seed.json'), JSON.stringify(seed));
  await Promise.all([authority, issuer, verifier].map((deployment) => deployment.initialise()));
  for (const { stateFolder } of [issuer, verifier]) {
    copyFileSync(join(authority.stateFolder, 'registry-pin.json'), join(stateFolder, 'registry-pin.json'));
  }
  authorityService = await authority.serve();
  [issuerService, verifierService] = await Promise.all([issuer.serve(), verifier.serve()]);
  issued = await issuing().issue(credential);
  expect([issued.status, issued.text]).toEqual([201, expect.any(String)]);
}, 4 * patience);
afterAll(() => field.close());

const credential = exampleOf('DbsCheckCredential');
const issuing = (): Client => createClient(issuer, issuerService.url);

/** What the verifier says of the credential: decision, sequence and freshness of its registry, the issuer check. */
async function verdict() {
  const { body } = await createClient(verifier, verifierService.url).verify(issued.body.verifiableCredential);
  const check = body.checks.find((line: { check: string }) => line.check === 'issuer');
  const { sequence, freshness } = body.registry;
  return { decision: body.decision, sequence, freshness, code: check.code };
}

async function restartVerifier(settings: object = {}): Promise<void> {
  await verifierService.stop();
  verifier.configure({ registry: settings });
  verifierService = await verifier.serve({ until: 'live' });
}

/** Somebody else at the authority's address, with documents that were once genuine. */
async function impersonate(list: Answer, document: Answer): Promise<Server> {
  const server = createServer((request, response) => {
    const known = request.url === '/registry/list' ? list : document;
    response.setHeader('content-type', known.headers.get('content-type') ?? '').end(known.text);
  });
  await new Promise<void>((done) => server.listen(Number(new URL(authority.url).port), '127.0.0.1', done));
  return server;
}

test(
  'a verifier that starts while the authority is away answers from its copy; an older list does not replace it',
  async () => {
    const governing = createClient(authority, authorityService.url);
    const [oldList, document] = await Promise.all([
      governing.get('/registry/list'),
      governing.get('/.well-known/did.json'),
    ]);
    const before = await verdict();
    expect(before).toMatchObject({ decision: 'valid', freshness: 'fresh' });
    // A suspension counts from the beginning of its second; the credential must be older than that.
    await pause(1000);
    for (const action of ['suspend', 'reinstate']) {
      const changed = await governing.post(`/registry/organisations/RXA/${action}`, { reason: 'test' });
      expect([action, changed.status]).toEqual([action, 200]);
    }
    const newest = {
      decision: 'valid',
      freshness: 'fresh',
      sequence: before.sequence + 2,
      code: 'issuer_reinstated_notice',
    };
    expect(await until(verdict, ({ code }) => code === newest.code)).toEqual(newest);

    expect(await authorityService.stop()).toBe(0);
    await restartVerifier();
    expect(await verdict()).toEqual(newest);

    const impostor = await impersonate(oldList, document);
    try {
      await restartVerifier();
      const asked = new Promise((done) => impostor.once('request', done));
      await asked;
      await new Promise((done) => impostor.once('request', done));
      expect(await verdict()).toEqual(newest);
      expect(verifierService.output()).not.toContain('"status":500');
    } finally {
      impostor.closeAllConnections();
      await new Promise((done) => impostor.close(done));
    }
  },
  3 * patience,
);

test(
  'past maxOfflineSeconds nothing is called valid and nothing is issued; when the authority is back all is well again',
  async () => {
    await restartVerifier({ maxOfflineSeconds: 2 });
    await issuerService.stop();
    issuer.configure({ registry: { maxOfflineSeconds: 2 } });
    issuerService = await issuer.serve({ until: 'live' });
    const late = await until(verdict, ({ decision }) => decision !== 'valid');
    expect(late).toMatchObject({ decision: 'indeterminate', freshness: 'expired', code: 'registry_expired' });
    const refused = await until(
      () => issuing().issue(credential),
      ({ status }) => status !== 201,
    );
    expect([refused.status, refused.body.code]).toEqual([503, 'registry_unavailable']);

    authorityService = await authority.serve();
    expect(await until(verdict, ({ decision }) => decision === 'valid')).toMatchObject({ freshness: 'fresh' });
    expect(
      await until(
        async () => (await issuing().issue(credential)).status,
        (status) => status === 201,
      ),
    ).toBe(201);
  },
  3 * patience,
);

test(
  'past nextUpdate a copy is stale: the verdict is indeterminate, never valid',
  async () => {
    await restartVerifier({ maxOfflineSeconds: 3600 });
    await authorityService.stop();
    authority.configure({ registryAuthority: { nextUpdateSeconds: 5, reissueSeconds: 1 } });
    authorityService = await authority.serve();
    const { sequence } = await until(verdict, (report) => report.decision === 'valid');
    // Issued anew before its end, without anybody's doing.
    expect((await until(verdict, (report) => report.sequence > sequence)).decision).toBe('valid');
    await authorityService.stop();
    const late = await until(verdict, ({ decision }) => decision !== 'valid');
    const stale = { decision: 'indeterminate', freshness: 'stale', code: 'registry_stale' };
    expect(late).toMatchObject(stale);
    await restartVerifier();
    expect(await verdict()).toMatchObject(stale);
  },
  3 * patience,
);
