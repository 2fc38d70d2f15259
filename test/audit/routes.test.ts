import { type Audit, auditEntities, createAudit } from '../../src/audit/audit.js';
import { auditRoutes } from '../../src/audit/routes.js';
import { ServiceError } from '../../src/errors.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../src/http/server.js';
import { openStore, type Store } from '../../src/store/store.js';

const now = () => new Date('2026-11-21T09:00:00Z');

async function authorise(authorization: string | undefined, scope: string) {
  const token = authorization?.replace('Bearer ', '');
  if (token === undefined) throw new ServiceError('unauthorized', 'A valid access token is needed.');
  if (token !== scope) throw new ServiceError('forbidden', `The token lacks the scope ${scope}.`);
  return { clientId: 'auditor', scopes: [scope] };
}

describe('the audit trail over HTTP', () => {
  let store: Store;
  let audit: Audit;
  let server: HttpServer;
  let verifications = 0;

  beforeAll(async () => {
    const database = { type: 'sqlite', file: ':memory:' } as const;
    store = await openStore({ database, entities: [...auditEntities], migrate: 'run' });
    audit = createAudit({ store, now });
    server = await createServer({
      publicUrl: 'https://rxa.example',
      serviceName: 'Rexford',
      version: '0.1.0',
      authorise,
      metrics: createMetrics(),
      checkResponses: true,
      pressure: { maxEventLoopDelayMilliseconds: 0 },
      now,
      newId: () => '00000000-0000-4000-8000-000000000000',
    });
    const counted: typeof audit.verifyChain = async () => {
      verifications += 1;
      return audit.verifyChain();
    };
    await server.register(auditRoutes({ audit: { read: audit.read, verifyChain: counted } }));
    await server.ready();
    await store.transaction(async (tx) => {
      for (let index = 0; index < 120; index += 1) {
        const subject = index === 0 ? {} : { subject: `urn:uuid:${index}` };
        await audit.record(tx, { action: 'credential.issued', actor: 'hr-system', outcome: 'success', ...subject });
      }
    });
    await audit.seal();
  });

  afterAll(async () => {
    await server.close();
    await store.close();
  });

  const get = (url: string, token = 'audit:read') =>
    server.inject({ url, headers: { authorization: `Bearer ${token}` } });

  test.each(['/audit/events', '/audit/chain'])('%s is for holders of audit:read alone', async (url) => {
    expect((await server.inject({ url })).statusCode).toBe(401);
    expect((await get(url, 'vc:read')).statusCode).toBe(403);
    const answer = await get(url);
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  });

  test('comes in pages that lead from one to the next', async () => {
    const first = (await get('/audit/events')).json();
    expect([first.events.length, first.next]).toEqual([100, 100]);
    expect([first.events[0].subject, first.events[1].subject]).toEqual([undefined, 'urn:uuid:1']);
    const second = (await get(`/audit/events?after=${first.next}&limit=500`)).json();
    expect([second.events.length, second.next, second.events[0].sequence]).toEqual([20, undefined, 101]);
    expect((await get('/audit/events?after=999999999999999')).json()).toEqual({ events: [] });
  });

  test.each(['limit=0', 'limit=501', 'limit=1e2', 'after=-1', 'after=01', 'after=1000000000000000', 'actor=hr-system'])(
    'refuses ?%s',
    async (query) => {
      const answer = await get(`/audit/events?${query}`);
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request']);
    },
  );

  test('says whether it is whole, reading the chain once for all who ask meanwhile', async () => {
    verifications = 0;
    const answers = await Promise.all([1, 2, 3].map(() => get('/audit/chain')));
    expect(answers.map((answer) => answer.json())).toEqual([1, 2, 3].map(() => ({ ok: true, length: 120 })));
    expect(verifications).toBe(1);
    await store.transaction((tx) => tx.query("UPDATE audit_record SET actor = 'somebody' WHERE sequence = 7"));
    expect((await get('/audit/chain')).json()).toEqual({ ok: false, length: 120, brokenAt: 7 });
  });
});
