import { Ajv2020 } from 'ajv/dist/2020.js';
import { auditEntities, createAudit } from '../../src/audit/audit.js';
import { readCredential, secureCredential, verifyProof } from '../../src/credential/credential.js';
import { ServiceError } from '../../src/errors.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../src/http/server.js';
import { OrganisationInput } from '../../src/registry/organisation.js';
import { createRegistryAuthority, type RegistryAuthority, registryEntities } from '../../src/registry/registry.js';
import { registryRoutes } from '../../src/registry/routes.js';
import { openStore, type Store } from '../../src/store/store.js';
import { createIssuer, type Directory, type Issuer } from '../status/issuer.js';
import { describeDialects } from '../store/dialects.js';

const start = Date.parse('2026-11-21T09:00:00.250Z');
const clock = { now: new Date(start) };
const now = () => clock.now;
const directory: Directory = new Map();
let issuer: Issuer;
beforeAll(async () => {
  issuer = await createIssuer('did:web:authority.example', directory, now);
});
beforeEach(() => {
  clock.now = new Date(start);
});

const config = {
  name: 'Governance Authority',
  odsCode: 'X26',
  publicUrl: 'https://authority.example',
  programme: { baseUrl: 'https://programme.example' },
  registryAuthority: { nextUpdateSeconds: 7200, reissueSeconds: 3600 },
};
const entities = [...registryEntities, ...auditEntities];

function authorityOf(
  store: Store,
  changes: Partial<Parameters<typeof createRegistryAuthority>[0]> = {},
): RegistryAuthority {
  const audit = createAudit({ store, now });
  const { agent, identity } = issuer;
  return createRegistryAuthority({ store, audit, agent, identity, secure: secureCredential, config, now, ...changes });
}

const input = {
  name: 'Ambleford Teaching Hospitals',
  kind: 'nhs-trust',
  dids: [{ did: 'did:web:rxa.example' }],
  issue: [{ type: 'DbsCheckCredential', from: '2026-01-01T00:00:00Z' }],
};

async function auditRows(store: Store): Promise<{ action: string; subject: string; actor: string }[]> {
  return store.read((tx) => tx.query('SELECT action, subject, actor FROM audit_record ORDER BY entry'));
}

describeDialects('the registry authority', (database, kind) => {
  let store: Store;
  let authority: RegistryAuthority;
  const sequence = () => authority.snapshot()?.sequence ?? 0;
  beforeAll(async () => {
    clock.now = new Date(start);
    store = await openStore({ database: database(), entities, migrate: 'run' });
    authority = authorityOf(store, { reloadMilliseconds: 60_000 });
    await authority.start();
  });
  afterAll(async () => {
    await authority.stop();
    await store.close();
  });

  test('publishes a first list that is signed, valid and names no organisation', async () => {
    expect(authority.snapshot()).toMatchObject({
      sequence: 1,
      issued: '2026-11-21T09:00:00Z',
      nextUpdate: '2026-11-21T11:00:01Z',
      organisations: [],
    });
    const token = readCredential(authority.jwt());
    const { credential, issuer: by, format } = await verifyProof(issuer.agent, token, { now: now() });
    expect([by, format]).toEqual(['did:web:authority.example', 'vc+jwt']);
    expect(credential).toMatchObject({ sequence: 1, programmeBaseUrl: 'https://programme.example' });
  });

  test('asks a key that cannot sign once, then pauses, and reissues the list when it can again', async () => {
    const asked: number[] = [];
    const faults: unknown[] = [];
    let broken = true;
    const due = authorityOf(store, {
      reloadMilliseconds: 5,
      identity: {
        ...issuer.identity,
        signingKey: async (algorithm) => {
          asked.push(clock.now.getTime());
          if (broken) throw new ServiceError('key_unavailable', 'The key is away.');
          return issuer.identity.signingKey(algorithm);
        },
      },
      onFault: (error) => faults.push(error),
    });
    await due.start();
    const before = due.snapshot()?.sequence ?? 0;
    clock.now = new Date(start + 3_600_000);
    const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const end = Date.now() + 5000;
    while (faults.length === 0 && Date.now() < end) await pause(5);
    await pause(100);
    expect([asked.length, faults.length]).toEqual([1, 1]);
    broken = false;
    clock.now = new Date(start + 3_630_000);
    while (due.snapshot()?.sequence === before && Date.now() < end) await pause(5);
    await due.stop();
    expect([due.snapshot()?.sequence, asked.length, faults.length]).toEqual([before + 1, 2, 1]);
    await authority.refresh();
  });

  test('counts one up for each change and records it, and does nothing for what changes nothing', async () => {
    const before = sequence();
    expect(await authority.put('RXA', input, 'operator')).toMatchObject({ created: true });
    expect(sequence()).toBe(before + 1);
    expect(await authority.put('RXA', structuredClone(input), 'operator')).toMatchObject({ created: false });
    expect(sequence()).toBe(before + 1);
    await authority.put('RXA', { ...input, name: 'Ambleford' }, 'operator');
    expect(sequence()).toBe(before + 2);
    expect(authority.snapshot()?.organisations[0]).toMatchObject({
      odsCode: 'RXA',
      name: 'Ambleford',
      status: 'active',
    });
    const rows = (await auditRows(store)).filter((row) => row.action === 'registry.put');
    expect(rows).toEqual([1, 2].map(() => ({ action: 'registry.put', subject: 'RXA', actor: 'operator' })));
  });

  test('suspends and reinstates, covering every second of the suspension, and keeps suspensions over a PUT', async () => {
    await expect(authority.reinstate('RXA', { reason: 'x' }, 'op')).rejects.toMatchObject({ code: 'conflict' });
    expect(await authority.suspend('RXA', { reason: 'lost key' }, 'op')).toMatchObject({ status: 'suspended' });
    expect(authority.snapshot()?.organisations[0]?.suspensions).toEqual([{ from: '2026-11-21T09:00:00Z' }]);
    await expect(authority.suspend('RXA', { reason: 'x' }, 'op')).rejects.toMatchObject({ code: 'conflict' });
    const put = await authority.put('RXA', input, 'op');
    expect(put.organisation.status).toBe('suspended');
    clock.now = new Date(start + 10_500);
    await authority.reinstate('RXA', { reason: 'key found' }, 'op');
    expect(authority.snapshot()?.organisations[0]).toMatchObject({
      status: 'active',
      suspensions: [{ from: '2026-11-21T09:00:00Z', until: '2026-11-21T09:00:11Z' }],
    });
    expect((await authority.organisations())[0]?.suspensions).toEqual([
      { from: '2026-11-21T09:00:00Z', until: '2026-11-21T09:00:11Z', reason: 'lost key', endReason: 'key found' },
    ]);
    expect(authority.jwt()).not.toContain(Buffer.from('lost key').toString('base64url').slice(1, -2));
    // Suspended and reinstated within one second.
    clock.now = new Date(start + 20_000 - 250);
    await authority.suspend('RXA', { reason: 'x' }, 'op');
    const again = await authority.reinstate('RXA', { reason: 'x' }, 'op');
    expect(again.suspensions.at(-1)).toMatchObject({ from: '2026-11-21T09:00:20Z', until: '2026-11-21T09:00:21Z' });
  });

  test('takes a time of the past and refuses one of the future, one that overlaps, and one that does not exist', async () => {
    clock.now = new Date(start + 3_000_000);
    const code = 'RXP';
    await authority.put(code, { ...input, dids: [{ did: 'did:web:rxp.example' }] }, 'op');
    const attempt = (from: string) => authority.suspend(code, { reason: 'x', from }, 'op');
    for (const from of ['2026-11-21T09:51:02Z', '2026-02-30T00:00:00Z', 'yesterday']) {
      await expect(attempt(from)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    await attempt('2026-11-21T09:00:00Z');
    await expect(authority.reinstate(code, { reason: 'x', from: '2026-11-21T09:00:00Z' }, 'op')).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await authority.reinstate(code, { reason: 'x', from: '2026-11-21T09:30:00Z' }, 'op');
    await expect(attempt('2026-11-21T09:29:59Z')).rejects.toMatchObject({ code: 'invalid_request' });
    await attempt('2026-11-21T09:30:00Z');
    await expect(authority.suspend('NONE', { reason: 'x' }, 'op')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('refuses a DID of another organisation and impossible times, and stores nothing then', async () => {
    const before = sequence();
    await expect(authority.put('RXZ', input, 'op')).rejects.toMatchObject({ code: 'conflict' });
    const issue = [{ type: 'DbsCheckCredential', from: '2026-02-02T00:00:00Z', until: '2026-02-01T00:00:00Z' }];
    const dids = [{ did: 'did:web:rxz.example' }];
    await expect(authority.put('RXZ', { ...input, dids, issue }, 'op')).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(sequence()).toBe(before);
    expect((await authority.organisations()).map(({ odsCode }) => odsCode)).not.toContain('RXZ');
  });

  test('lists no DID but a did:web in its one spelling, and no name that reads as another', async () => {
    const spellings = [
      'did:web:RXS.example',
      'did:web:rxs.example%2Fa',
      'did:web:a%40rxs.example',
      'did:web:127.0.0.1',
    ];
    for (const did of [...spellings, 'did:web:rxs.example:..:a', 'did:key:zzz', 'did:foo:bar']) {
      const refusal = { code: 'invalid_request', faults: [{ path: '/dids/0/did' }] };
      await expect(authority.put('RXS', { ...input, dids: [{ did }] }, 'op')).rejects.toMatchObject(refusal);
      const file = { organisations: [{ odsCode: 'RXS', ...input, dids: [{ did }] }] };
      await expect(authority.seed(file, 'init')).rejects.toMatchObject(refusal);
    }
    const accepts = new Ajv2020({ strict: false }).compile(OrganisationInput);
    const good = ['Ambleford Teaching Hospitals', "St Mary's (Åby) & Co, №1", '北病院'];
    for (const name of good) expect([name, accepts({ ...input, name })]).toEqual([name, true]);
    for (const name of [' ', 'a\u0000', 'a\u202eb', 'a\u200bb', '\ufeffa', 'a\nb']) {
      expect([name, accepts({ ...input, name })]).toEqual([name, false]);
    }
  });

  test('suspends again within the second of a reinstatement', async () => {
    const dids = [{ did: 'did:web:rxt.example' }];
    await authority.put('RXT', { ...input, dids }, 'op');
    for (const change of ['suspend', 'reinstate', 'suspend', 'reinstate', 'suspend'] as const) {
      await authority[change]('RXT', { reason: 'test' }, 'op');
    }
    const known = (await authority.organisations()).find(({ odsCode }) => odsCode === 'RXT');
    const moments = known?.suspensions.flatMap(({ from, until }) => [from, until ?? 'open']) ?? [];
    expect(moments).toEqual([...moments].sort());
    expect([known?.status, moments.length, moments.at(-1)]).toEqual(['suspended', 6, 'open']);
  });

  test('changes nothing when the list cannot be signed or the audit cannot be written', async () => {
    const rows = (await auditRows(store)).length;
    const broken = [
      authorityOf(store, { secure: () => Promise.reject(new ServiceError('key_unavailable', 'no key')) }),
      authorityOf(store, { audit: { record: () => Promise.reject(new Error('audit is down')) } }),
    ];
    const dids = [{ did: 'did:web:rxy.example' }];
    for (const one of broken) await expect(one.put('RXY', { ...input, dids }, 'op')).rejects.toThrow();
    expect((await authority.organisations()).map(({ odsCode }) => odsCode)).not.toContain('RXY');
    expect(await auditRows(store)).toHaveLength(rows);
  });

  test('adds what is in a seed file and leaves alone what it knows', async () => {
    const before = sequence();
    const file = {
      organisations: [
        { odsCode: 'RXA', ...input, name: 'Other name' },
        { odsCode: 'RXB', ...input, dids: [{ did: 'did:web:rxb.example' }] },
      ],
    };
    expect(await authority.seed(file, 'init')).toEqual({ added: 1 });
    expect(sequence()).toBe(before + 1);
    expect(await authority.seed(file, 'init')).toEqual({ added: 0 });
    expect(sequence()).toBe(before + 1);
    const known = await authority.organisations();
    expect(known.find(({ odsCode }) => odsCode === 'RXA')?.name).not.toBe('Other name');
    await expect(authority.seed({ organisations: [{}] }, 'init')).rejects.toMatchObject({ code: 'configuration' });
  });

  test('issues an unchanged list anew in time, and when its own name or address changes', async () => {
    const before = sequence();
    clock.now = new Date(start + 7_000_000);
    const other = authorityOf(store);
    await other.start();
    await other.stop();
    expect(other.snapshot()?.sequence).toBe(before + 1);
    const renamed = authorityOf(store, { config: { ...config, name: 'New name' } });
    await renamed.start();
    await renamed.stop();
    expect(renamed.snapshot()?.sequence).toBe(before + 2);
    await authority.refresh();
    expect(sequence()).toBe(before + 2);
  });

  test('leaps beyond every number that a lost database may have published', async () => {
    const before = sequence();
    await authority.leap('operator');
    expect(sequence()).toBe(before + 1_000_000);
    expect((await auditRows(store)).at(-1)).toMatchObject({ action: 'registry.leap', actor: 'operator' });
    await authority.put('RXL', { ...input, dids: [{ did: 'did:web:rxl.example' }] }, 'operator');
    expect(sequence()).toBe(before + 1_000_001);
  });

  test('issues the list anew at once when the key that signed it is published no longer', async () => {
    const before = sequence();
    const identity = { ...issuer.identity, document: () => ({ ...issuer.identity.document(), assertionMethod: [] }) };
    const robbed = authorityOf(store, { identity });
    await robbed.start();
    await robbed.stop();
    await authority.refresh();
    expect(sequence()).toBe(before + 1);
  });

  if (kind !== 'sqlite memory') {
    test('numbers the changes of two processes without a gap, and each sees those of the other', async () => {
      const second = await openStore({ database: database(), entities, migrate: 'run' });
      const theirs = authorityOf(second, { reloadMilliseconds: 20, config: { ...config, name: 'New name' } });
      await theirs.start();
      const before = theirs.snapshot()?.sequence ?? 0;
      const work = Array.from({ length: 10 }, (_, i) => {
        const dids = [{ did: `did:web:race${i}.example` }];
        return (i % 2 ? authorityOf(store, { config: { ...config, name: 'New name' } }) : theirs).put(
          `RACE${i}`,
          { ...input, dids },
          'op',
        );
      });
      await Promise.all(work);
      const deadline = performance.now() + 1000;
      while (theirs.snapshot()?.sequence !== before + 10 && performance.now() < deadline)
        await new Promise((done) => setTimeout(done, 10));
      expect(theirs.snapshot()?.sequence).toBe(before + 10);
      const codes = theirs.snapshot()?.organisations.map(({ odsCode }) => odsCode) ?? [];
      expect(codes.filter((code) => code.startsWith('RACE'))).toHaveLength(10);
      await theirs.stop();
      await second.close();
    });
  }
});

describe('the routes of the registry', () => {
  let store: Store;
  let authority: RegistryAuthority;
  let server: HttpServer;
  beforeAll(async () => {
    store = await openStore({ database: { type: 'sqlite', file: ':memory:' }, entities, migrate: 'run' });
    authority = authorityOf(store);
    await authority.start();
    server = await createServer({
      publicUrl: config.publicUrl,
      serviceName: config.name,
      version: '0',
      authorise: async (authorization, scope) => {
        const [, granted = ''] = (authorization ?? '').split(' ');
        if (granted === '') throw new ServiceError('unauthorized', 'No token.');
        if (granted !== scope) throw new ServiceError('forbidden', `The token lacks the scope ${scope}.`);
        return { clientId: 'operator-1', scopes: [scope] };
      },
      metrics: createMetrics(),
      checkResponses: true,
      pressure: { maxEventLoopDelayMilliseconds: 0 },
      now,
      newId: () => 'id',
    });
    await server.register(registryRoutes({ authority }));
  });
  afterAll(async () => {
    await server.close();
    await authority.stop();
    await store.close();
  });

  const call = (method: 'GET' | 'PUT' | 'POST' | 'HEAD', url: string, payload?: object, scope = 'registry:write') =>
    server.inject({
      method,
      url,
      headers: scope ? { authorization: `Bearer ${scope}` } : {},
      ...(payload ? { payload } : {}),
    });

  test('let an operator add, suspend and reinstate an organisation, and everybody read the list', async () => {
    expect((await call('PUT', '/registry/organisations/RXA', input)).statusCode).toBe(201);
    expect((await call('PUT', '/registry/organisations/RXA', input)).statusCode).toBe(200);
    const first = await call('GET', '/registry/list', undefined, '');
    expect([first.statusCode, first.headers['content-type']]).toEqual([200, 'application/vc+jwt']);
    expect(first.headers['cache-control']).toContain('max-age=60');
    const etag = String(first.headers.etag);
    const suspended = await call('POST', '/registry/organisations/RXA/suspend', { reason: 'lost key' });
    expect([suspended.statusCode, suspended.json().status]).toEqual([200, 'suspended']);
    const second = await server.inject({ url: '/registry/list', headers: { 'if-none-match': etag } });
    expect([second.statusCode, second.headers.etag === etag]).toEqual([200, false]);
    const third = await server.inject({
      url: '/registry/list',
      headers: { 'if-none-match': String(second.headers.etag) },
    });
    expect(third.statusCode).toBe(304);
    expect((await call('HEAD', '/registry/list', undefined, '')).headers.etag).toBe(second.headers.etag);
    const page = await call('GET', '/registry', undefined, '');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('Suspended since 21 November 2026 at 09:00 UTC');
    const all = await call('GET', '/registry/organisations', undefined, 'registry:read');
    expect(all.json().organisations).toMatchObject([{ odsCode: 'RXA', suspensions: [{ reason: 'lost key' }] }]);
    clock.now = new Date(start + 5000);
    expect((await call('POST', '/registry/organisations/RXA/reinstate', { reason: 'found' })).json().status).toBe(
      'active',
    );
    expect((await auditRows(store)).at(-1)).toEqual({
      action: 'registry.reinstate',
      subject: 'RXA',
      actor: 'operator-1',
    });
  });

  test('refuse whoever lacks the scope', async () => {
    const body = { reason: 'x' };
    for (const [method, url, payload] of [
      ['PUT', '/registry/organisations/RXC', input],
      ['POST', '/registry/organisations/RXA/suspend', body],
      ['POST', '/registry/organisations/RXA/reinstate', body],
    ] as const) {
      expect((await call(method, url, payload, '')).statusCode).toBe(401);
      expect((await call(method, url, payload, 'registry:read')).statusCode).toBe(403);
    }
    expect((await call('GET', '/registry/organisations', undefined, '')).statusCode).toBe(401);
    expect((await call('GET', '/registry/organisations', undefined, 'registry:write')).statusCode).toBe(403);
  });

  const refused: [string, string, object, number, string][] = [
    ['an unknown member', '/registry/organisations/RXC', { ...input, status: 'active' }, 400, 'invalid_request'],
    ['suspensions by PUT', '/registry/organisations/RXC', { ...input, suspensions: [] }, 400, 'invalid_request'],
    ['an ODS code that is none', '/registry/organisations/rx-c', input, 400, 'invalid_request'],
    ['no DID', '/registry/organisations/RXC', { ...input, dids: [] }, 400, 'invalid_request'],
    ['a time that is a number', '/registry/organisations/RXC', { ...input, withdrawnFrom: 1 }, 400, 'invalid_request'],
    [
      'a time that does not exist',
      '/registry/organisations/RXC',
      { ...input, dids: [{ did: 'did:web:c.example' }], withdrawnFrom: '2026-13-01T00:00:00Z' },
      400,
      'invalid_request',
    ],
    ['a DID that is taken', '/registry/organisations/RXC', input, 409, 'conflict'],
  ];
  test.each(refused)('refuse %s', async (_name, url, payload, status, code) => {
    const answer = await call('PUT', url, payload);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect((await authority.organisations()).map(({ odsCode }) => odsCode)).toEqual(['RXA']);
  });

  test('refuse a suspension without a reason, with control characters in it, and of nobody', async () => {
    const url = '/registry/organisations/RXA/suspend';
    for (const body of [
      {},
      { reason: '' },
      { reason: 'a\nb' },
      { reason: 'x'.repeat(201) },
      { reason: 'x', until: 'y' },
    ]) {
      expect((await call('POST', url, body)).statusCode).toBe(400);
    }
    expect((await call('POST', '/registry/organisations/NONE/suspend', { reason: 'x' })).statusCode).toBe(404);
  });
});
