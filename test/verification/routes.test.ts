import { ServiceError } from '../../src/errors.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../src/http/server.js';
import { issuanceRoutes } from '../../src/issuance/routes.js';
import { verificationRoutes } from '../../src/verification/routes.js';
import { catalogue } from '../credential/examples.js';
import { openProgramme, organisation, type Programme, publicUrl } from './programme.js';

const scopes: Record<string, string[]> = { issuer: ['vc:issue', 'vc:revoke', 'vc:read'], verifier: ['vc:verify'] };
let ids = 0;

async function authorise(authorization: string | undefined, scope: string) {
  const clientId = /^Bearer (\w+)$/.exec(authorization ?? '')?.[1] ?? '';
  const granted = scopes[clientId];
  if (granted === undefined) throw new ServiceError('unauthorized', 'A valid access token is needed.');
  if (!granted.includes(scope)) throw new ServiceError('forbidden', `The token lacks the scope ${scope}.`);
  return { clientId, scopes: granted };
}

describe('the routes', () => {
  let programme: Programme;
  let open: HttpServer;
  let closed: HttpServer;

  async function serve(isOpen: boolean): Promise<HttpServer> {
    const server = await createServer({
      publicUrl,
      serviceName: 'Rexford',
      version: '0.1.0',
      authorise,
      metrics: createMetrics(),
      checkResponses: true,
      pressure: { maxEventLoopDelayMilliseconds: 0 },
      now: () => programme.clock.now,
      newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    });
    await server.register(verificationRoutes({ verification: programme.verification(), open: isOpen }));
    await server.register(issuanceRoutes({ issuance: programme.issuance(), catalogue }));
    await server.ready();
    return server;
  }

  beforeAll(async () => {
    programme = await openProgramme();
    [open, closed] = [await serve(true), await serve(false)];
  }, 60_000);
  afterAll(async () => {
    await open.close();
    await closed.close();
    await programme.close();
  });
  beforeEach(() => {
    programme.registry.organisations = [organisation()];
  });

  const post = (url: string, payload: object, as?: string, server = open, headers = {}) =>
    server.inject({
      method: 'POST',
      url,
      payload,
      headers: { ...(as && { authorization: `Bearer ${as}` }), ...headers },
    });
  const example = () => structuredClone(catalogue.find('CoreSkillCredential')?.example ?? {});

  async function issued(format: string) {
    const answer = await post('/credentials/issue', { credential: example(), options: { format } }, 'issuer');
    expect(answer.statusCode).toBe(201);
    return answer.json();
  }

  test.each(['vc+jwt', 'eddsa-rdfc-2022', 'ecdsa-rdfc-2019', 'jwt_vc'])(
    'carry a %s credential through its life',
    async (format) => {
      const { credentialId, verifiableCredential, digest } = await issued(format);
      const verify = async () => (await post('/verify', { verifiableCredential })).json();
      expect(await verify()).toMatchObject({ decision: 'valid', credential: { id: credentialId } });
      const projected = await post('/credentials/verify', { verifiableCredential, options: { returnResults: true } });
      expect(projected.json()).toMatchObject({
        verified: true,
        problemDetails: [],
        results: { credentialSchema: [{ verified: true }] },
      });
      const url = `/credentials/${encodeURIComponent(credentialId)}`;
      const record = await open.inject({ url, headers: { authorization: 'Bearer issuer' } });
      expect(record.json()).toMatchObject({ state: 'issued', digest });
      const change = (action: string, reason: string) =>
        post('/credentials/status', { credentialId, action, reason }, 'issuer');
      expect((await change('revoke', 'TrainingExpiry')).json()).toMatchObject({ state: 'revoked' });
      // Verifiers see it when their copy is older than its ttl.
      programme.clock.now = new Date(programme.clock.now.getTime() + 301_000);
      expect(await verify()).toMatchObject({ decision: 'invalid' });
      const warned = (await post('/credentials/verify', { verifiableCredential })).json();
      expect(warned).toMatchObject({ verified: true, problemDetails: [{ title: 'status_revoked' }] });
      expect((await change('reinstate', 'SuspendedInError')).json()).toMatchObject({
        status: 409,
        code: 'status_irreversible',
      });
    },
  );

  test('answer 200 with verified false and a W3C problem type for a tampered credential', async () => {
    const { verifiableCredential } = await issued('eddsa-rdfc-2022');
    const tampered = { ...verifiableCredential, validUntil: '2040-01-01T00:00:00Z' };
    const answer = await post('/credentials/verify', {
      verifiableCredential: tampered,
      options: { returnCredential: true },
    });
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      expect.objectContaining({
        verified: false,
        problemDetails: [
          expect.objectContaining({ type: 'https://www.w3.org/TR/vc-data-model#CRYPTOGRAPHIC_SECURITY_ERROR' }),
        ],
      }),
    ]);
    expect(answer.json().credential).toBeUndefined();
  });

  const token = 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA';
  const options = { challenge: 'c', domain: 'd' };
  const refused: [string, string, object, string, string][] = [
    ['neither input', '/verify', {}, 'invalid_request', '/verifiableCredential'],
    [
      'both inputs',
      '/verify',
      { verifiableCredential: token, verifiablePresentation: token, options },
      'invalid_request',
      '/verifiablePresentation',
    ],
    [
      'a presentation without a challenge',
      '/verify',
      { verifiablePresentation: token, options: { domain: 'd' } },
      'invalid_request',
      '/options/challenge',
    ],
    [
      'a presentation without options',
      '/verify',
      { verifiablePresentation: token },
      'invalid_request',
      '/options/domain',
    ],
    [
      'half of what a key binding answers',
      '/verify',
      { verifiableCredential: token, options: { challenge: 'c' } },
      'invalid_request',
      '/options/domain',
    ],
    ['an unknown member', '/verify', { verifiableCredential: token, policies: {} }, 'invalid_request', '/policies'],
    ['a number', '/verify', { verifiableCredential: 5 }, 'invalid_request', '/verifiableCredential'],
    [
      'an unknown option',
      '/credentials/verify',
      { verifiableCredential: token, options: { checks: ['proof'] } },
      'unknown_option',
      '/options/checks',
    ],
    [
      'an unknown option of presentations',
      '/presentations/verify',
      { verifiablePresentation: token, options: { ...options, x: 1 } },
      'unknown_option',
      '/options/x',
    ],
    ['a projection without input', '/credentials/verify', { options: {} }, 'invalid_request', '/verifiableCredential'],
    ['an unknown member', '/credentials/issue', { credential: {}, x: 1 }, 'invalid_request', '/x'],
    [
      'an unknown format',
      '/credentials/issue',
      { credential: {}, options: { format: 'paper' } },
      'invalid_request',
      '/options/format',
    ],
    [
      'a reason in free text',
      '/credentials/status',
      { credentialId: 'urn:uuid:00000000-0000-4000-8000-000000000000', action: 'revoke', reason: 'she left' },
      'invalid_request',
      '/reason',
    ],
  ];
  test.each(refused)('refuse %s at %s', async (_title, url, body, code, path) => {
    const as = url.endsWith('issue') || url.endsWith('status') ? 'issuer' : undefined;
    const answer = await post(url, body, as);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      400,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(answer.json()).toMatchObject({ code });
    expect(answer.json().errors.map((fault: { path: string }) => fault.path)).toContain(path);
  });

  test('ask for the scope unless verification is open', async () => {
    for (const url of ['/verify', '/credentials/verify', '/presentations/verify']) {
      const body = url.startsWith('/pres')
        ? { verifiablePresentation: token, options }
        : { verifiableCredential: token };
      expect((await post(url, body, undefined, closed)).statusCode).toBe(401);
      expect((await post(url, body, 'issuer', closed)).statusCode).toBe(403);
      expect((await post(url, body, 'verifier', closed)).statusCode).toBe(200);
      expect((await post(url, body, undefined, open)).statusCode).toBe(200);
    }
    expect((await post('/credentials/issue', { credential: example() }, 'verifier')).statusCode).toBe(403);
  });

  test('return the identical credential for one Idempotency-Key and refuse another body', async () => {
    const headers = { 'idempotency-key': 'import-1-row-7' };
    const first = await post('/credentials/issue', { credential: example() }, 'issuer', open, headers);
    const again = await post('/credentials/issue', { credential: example() }, 'issuer', open, headers);
    expect([first.statusCode, again.statusCode, again.body]).toEqual([201, 201, first.body]);
    const other = { credential: { ...example(), validUntil: '2027-01-01T00:00:00Z' } };
    const conflict = await post('/credentials/issue', other, 'issuer', open, headers);
    expect([conflict.statusCode, conflict.json().code]).toEqual([422, 'idempotency_conflict']);
    const bad = await post('/credentials/issue', other, 'issuer', open, { 'idempotency-key': 'a b' });
    expect(bad.statusCode).toBe(400);
  });

  test('answer every example of their API description', async () => {
    const { paths } = (await open.inject({ url: '/openapi.json' })).json();
    let sent = 0;
    for (const [url, as, status] of [
      ['/verify', undefined, 200],
      ['/credentials/verify', undefined, 200],
      ['/presentations/verify', undefined, 200],
      ['/credentials/issue', 'issuer', 201],
      // No credential of that id exists here; it is the answer for an id that is well-formed.
      ['/credentials/status', 'issuer', 404],
    ] as const) {
      const { schema, example, examples } = paths[url].post.requestBody.content['application/json'];
      const told: { value: object }[] = examples ? Object.values(examples) : [{ value: example ?? schema.examples[0] }];
      for (const { value: body } of told) {
        expect([url, (await post(url, body, as)).statusCode]).toEqual([url, status]);
        sent += 1;
      }
    }
    expect(sent).toBeGreaterThanOrEqual(catalogue.types.length + 4);
  });

  describe('for people', () => {
    const paste = (credential: string, server = open) =>
      server.inject({
        method: 'POST',
        url: '/verify/page',
        payload: new URLSearchParams({ credential }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });

    test('show a form, or say why there is none', async () => {
      const page = await open.inject({ url: '/verify' });
      expect([page.statusCode, page.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(page.body).toContain('<form method="post" action="/verify/page"');
      expect((await closed.inject({ url: '/verify' })).body).not.toContain('<form');
      expect((await paste(token, closed)).statusCode).toBe(401);
    });

    test('tell the verdict in words, without claims, for whatever form was pasted', async () => {
      const { verifiableCredential, ...rest } = await issued('eddsa-rdfc-2022');
      const { verifiableCredential: compact } = await issued('jwt_vc');
      for (const pasted of [
        JSON.stringify(verifiableCredential),
        JSON.stringify({ verifiableCredential, ...rest }),
        ` ${compact}\n`,
      ]) {
        const page = await paste(pasted);
        expect([page.statusCode, page.headers['cache-control']]).toEqual([200, 'no-store']);
        expect(page.body).toContain('<h2>Valid</h2>');
        expect(page.body).toContain('Rexford Acute NHS Trust (invented) (RXA)');
        expect(page.body).not.toContain('did:key:');
      }
      programme.registry.organisations = [];
      expect((await paste(compact)).body).toContain('The trust registry does not list this issuer.');
    });

    test('say beside the field what is wrong, and escape what was pasted', async () => {
      const empty = await paste(' ');
      expect([empty.statusCode, empty.body]).toEqual([400, expect.stringContaining('Error: Paste a credential.')]);
      const broken = await paste('{"a":1,"a":2}');
      expect([broken.statusCode, broken.body]).toEqual([400, expect.stringContaining('not readable JSON')]);
      const hostile = await paste('<script>alert(1)</script>');
      expect(hostile.body).not.toContain('<script');
      expect(hostile.body).toContain('<h2>Not valid</h2>');
    });

    test('explain every code at the address that problems point to', async () => {
      const page = await open.inject({ url: '/verify/codes' });
      expect(page.body).toContain('id="issuer_not_listed"');
    });
  });
});
