import { Agent, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { Type } from 'typebox';
import { ServiceError } from '../../src/errors.js';
import { healthRoutes } from '../../src/http/health.js';
import { drain } from '../../src/http/lifecycle.js';
import { createMetrics } from '../../src/http/metrics.js';
import { OAuthError } from '../../src/http/oauth-errors.js';
import { sendPage } from '../../src/http/page.js';
import { problemResponses } from '../../src/http/problems.js';
import { createServer, type HttpServer, type ServerOptions } from '../../src/http/server.js';
import { sendDocument, signedDocument } from '../../src/http/signed-document.js';

const secret = 'S3CRET-national-insurance-QQ123456C';
const opened: HttpServer[] = [];
let ids = 0;

/** Knows two clients; `Bearer reader` lacks the scope that `Bearer writer` has. */
async function authorise(authorization: string | undefined, scope: string) {
  const clientId = /^Bearer (writer[0-9]*|reader)$/.exec(authorization ?? '')?.[1];
  if (clientId === undefined) throw new ServiceError('unauthorized', 'A valid access token is needed.');
  if (clientId === 'reader') throw new ServiceError('forbidden', `The token lacks the scope ${scope}.`);
  return { clientId, scopes: [scope] };
}

async function create(options: Partial<ServerOptions> = {}, routes: (server: HttpServer) => void = exampleRoutes) {
  const server = await createServer({
    publicUrl: 'https://passport.example.nhs.uk',
    serviceName: 'Example Trust',
    version: '1.2.3',
    authorise,
    metrics: createMetrics(),
    checkResponses: true,
    pressure: { maxEventLoopDelayMilliseconds: 0 },
    now: () => new Date('2026-11-21T09:00:00Z'),
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    ...options,
  });
  opened.push(server);
  routes(server);
  return server;
}

const document = signedDocument('{"signed":true}', {
  contentType: 'application/vc+jwt',
  maxAgeSeconds: 300,
  immutable: true,
});
const echoSchema = Type.Object(
  { name: Type.String({ maxLength: 40 }), count: Type.Optional(Type.Integer()) },
  { additionalProperties: false, examples: [{ name: 'Ada', count: 1 }] },
);
const described = (operationId: string) => ({ tags: ['example'], operationId, summary: `Example ${operationId}` });

function exampleRoutes(server: HttpServer): void {
  server.post(
    '/echo/:id',
    {
      config: { access: { scope: 'vc:issue' } },
      schema: {
        ...described('echo'),
        params: Type.Object({ id: Type.String({ examples: ['did:web:trusted.nhs.uk'] }) }),
        body: echoSchema,
        response: {
          201: Type.Object({ name: Type.String(), caller: Type.String() }),
          ...problemResponses('conflict', 'idempotency_conflict', 'schema_violation'),
        },
      },
    },
    async (request, reply) =>
      reply.code(201).send({ name: request.body.name, caller: request.caller?.clientId ?? 'nobody' }),
  );
  server.post(
    '/open',
    {
      config: { access: { scope: 'vc:verify', open: true }, limit: 'verify' },
      schema: { ...described('open'), body: echoSchema, response: { 200: Type.Object({ caller: Type.String() }) } },
    },
    async (request) => ({ caller: request.caller?.clientId ?? 'anybody' }),
  );
  server.post(
    '/token',
    {
      config: { access: 'public', errors: 'oauth', bodyTypes: ['form'], limit: 'token' },
      schema: {
        ...described('token'),
        body: Type.Object({ grant_type: Type.String() }, { additionalProperties: false }),
        response: { 200: Type.Object({ ok: Type.Boolean() }) },
      },
    },
    async (request) => {
      if (request.body.grant_type === 'client_credentials') return { ok: true };
      if (request.body.grant_type === 'crash') throw new Error(secret);
      throw new OAuthError('unsupported_grant_type', 'Only "client_credentials" is offered.');
    },
  );
  server.get('/crash', { config: { access: 'public' }, schema: described('crash') }, async () => {
    throw Object.assign(new Error(`query failed: ${secret}`), { code: 'SQLITE_BUSY', parameters: [secret] });
  });
  server.get('/broken-answer', brokenAnswer, async () => ({ count: 'many' }) as never);
  server.get(
    '/page',
    { config: { access: 'public', errors: 'page' }, schema: described('page') },
    async (request, reply) => {
      const query = request.query as { fail?: string };
      if (query.fail === 'known') throw new ServiceError('not_found', 'No <b>such</b> page.');
      if (query.fail === 'unknown') throw new Error(secret);
      return sendPage(reply, { title: 'A <page>', body: '<p>Text</p>' });
    },
  );
  server.get(
    '/document/:name',
    { config: { access: 'public' }, schema: described('document') },
    async (request, reply) => {
      const { name } = request.params as { name: string };
      return sendDocument(request, reply, name === 'known' ? document : undefined);
    },
  );
  server.post(
    '/wake',
    { config: { access: 'public', emptyBody: true }, schema: described('wake') },
    async (_request, reply) => reply.send({ woken: true }),
  );
}

const brokenAnswer = {
  config: { access: 'public' as const },
  schema: { ...described('brokenAnswer'), response: { 200: Type.Object({ count: Type.Integer() }) } },
};

let kept: Promise<HttpServer> | undefined;

/** One server for the cases that change nothing in it. */
function shared(): Promise<HttpServer> {
  kept ??= create().then((server) => opened.splice(opened.indexOf(server), 1)[0] ?? server);
  return kept;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

afterAll(async () => (await kept)?.close());

async function listen(server: HttpServer): Promise<number> {
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

/** Sends bytes as they are and reads what comes until the other side closes. */
function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('a route', () => {
  const refused: [string, object][] = [
    ['config.access', { schema: described('x') }],
    ['config.access', { config: { access: {} }, schema: described('x') }],
    ['config.access', { config: { access: 'everybody' }, schema: described('x') }],
    ['schema.tags', { config: { access: 'public' }, schema: { operationId: 'x', summary: 'x' } }],
    ['operationId', { config: { access: 'public' }, schema: { ...described('problems') } }],
    ['additionalProperties', { config: { access: 'public' }, schema: { ...described('x'), body: Type.Object({}) } }],
    ['unknown limit', { config: { access: 'public', limit: 'lots' }, schema: described('x') }],
  ];

  test.each(refused)('is refused at start when it lacks or misuses %s', async (reason, options) => {
    const server = await create({}, () => undefined);
    const add = () => server.post('/x', options as never, async () => ({}));
    expect(add).toThrow(reason);
  });

  test('gets its caller when the token is good, and is not reached otherwise', async () => {
    const server = await create();
    const send = (authorization?: string) =>
      server.inject({
        method: 'POST',
        url: '/echo/1',
        payload: { name: 'Ada' },
        headers: authorization === undefined ? {} : { authorization },
      });
    const good = await send('Bearer writer');
    expect([good.statusCode, good.json()]).toEqual([201, { name: 'Ada', caller: 'writer' }]);
    const none = await send();
    expect([none.statusCode, none.json().code]).toEqual([401, 'unauthorized']);
    expect(none.headers['www-authenticate']).toBe('Bearer realm="staff-passport", scope="vc:issue"');
    const foreign = await send('Bearer stranger');
    expect(foreign.statusCode).toBe(401);
    expect(foreign.headers['www-authenticate']).toContain('error="invalid_token"');
    const narrow = await send('Bearer reader');
    expect([narrow.statusCode, narrow.json().code]).toEqual([403, 'forbidden']);
    expect(narrow.headers['www-authenticate']).toContain('error="insufficient_scope"');
  });

  test('that is open serves anybody, but not a bad token', async () => {
    const server = await create();
    const send = (headers: Record<string, string>) =>
      server.inject({ method: 'POST', url: '/open', payload: { name: 'Ada' }, headers });
    expect((await send({})).json()).toEqual({ caller: 'anybody' });
    expect((await send({ authorization: 'Bearer writer' })).json()).toEqual({ caller: 'writer' });
    expect((await send({ authorization: 'Bearer stranger' })).statusCode).toBe(401);
  });
});

describe('bad input', () => {
  const json = 'application/json';
  const deep = `{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`;
  const cases: [string, number, string, string, string | Buffer][] = [
    ['malformed JSON', 400, 'malformed_json', json, '{"name":'],
    ['a duplicate member', 400, 'malformed_json', json, '{"name":"Ada","name":"Eve"}'],
    ['5,000 levels', 400, 'malformed_json', json, deep],
    ['__proto__', 400, 'malformed_json', json, '{"name":"Ada","__proto__":{}}'],
    ['a byte order mark', 400, 'malformed_json', json, '\uFEFF{"name":"Ada"}'],
    ['broken UTF-8', 400, 'malformed_json', json, Buffer.from([0x22, 0xff, 0x22])],
    ['an empty body', 400, 'malformed_json', json, ''],
    ['a scalar', 400, 'invalid_request', json, '"Ada"'],
    ['null', 400, 'invalid_request', json, 'null'],
    ['a missing member', 400, 'invalid_request', json, '{}'],
    ['a wrong type', 400, 'invalid_request', json, '{"name":["Ada"]}'],
    ['a number as text', 400, 'invalid_request', json, '{"name":"Ada","count":"1"}'],
    ['an unknown member', 400, 'invalid_request', json, '{"name":"Ada","admin":true}'],
    ['10 MB', 413, 'payload_too_large', json, `{"name":"${'x'.repeat(10_000_000)}"}`],
    ['plain text', 415, 'unsupported_media_type', 'text/plain', '{"name":"Ada"}'],
    ['a form', 415, 'unsupported_media_type', 'application/x-www-form-urlencoded', 'name=Ada'],
    ['a type that only looks like JSON', 415, 'unsupported_media_type', 'application/jsonx', '{"name":"Ada"}'],
    ['a tab before a parameter', 415, 'unsupported_media_type', 'application/xml\t;json', '{"name":"Ada"}'],
    ['another charset', 415, 'unsupported_media_type', 'application/json; charset=utf-16', '{"name":"Ada"}'],
  ];

  test.each(cases)('%s is answered with %i %s', async (_name, status, code, contentType, payload) => {
    const server = await shared();
    const headers = { 'content-type': contentType, authorization: 'Bearer writer' };
    const answer = await server.inject({ method: 'POST', url: '/echo/1', headers, payload });
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({
      type: `https://passport.example.nhs.uk/problems/${code}`,
      status,
      instance: expect.stringMatching(/^urn:uuid:0{8}-/),
    });
    expect((await server.inject('/document/known')).statusCode).toBe(200);
  });

  test('is named by JSON Pointer', async () => {
    const server = await create();
    const headers = { authorization: 'Bearer writer' };
    const errors = async (payload: object) =>
      (await server.inject({ method: 'POST', url: '/echo/1', headers, payload })).json().errors;
    expect(await errors({ name: 1 })).toEqual([{ path: '/name', detail: 'must be string' }]);
    expect(await errors({})).toEqual([{ path: '/name', detail: 'is required' }]);
    expect(await errors({ name: 'Ada', 'a/b~c': 1 })).toEqual([{ path: '/a~1b~0c', detail: 'is not a known member' }]);
  });

  test('is answered with 10 MB over the wire without reading them, and the process lives on', async () => {
    const server = await create();
    const port = await listen(server);
    const head =
      'POST /echo/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer writer\r\nContent-Type: application/json\r\n';
    expect(await sendRaw(port, `${head}Content-Length: 10000000\r\n\r\n{`)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await sendRaw(port, 'GET /document/known HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      / 200 OK/,
    );
  });

  test('of somebody who is not known is refused after its body, so that the sender can read why', async () => {
    const port = await listen(await create());
    const body = 'x'.repeat(8_000_000);
    const head = `POST /echo/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await sendRaw(port, head + body)).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('that is no HTTP, or too much of it, is refused without a stack trace', async () => {
    const server = await create();
    const port = await listen(server);
    const garbage = await sendRaw(port, 'EHLO passport\r\n\r\n');
    expect(garbage).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"invalid_request"/);
    const large = await sendRaw(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(40_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1\.1 431 /);
    const smuggled =
      'POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await sendRaw(port, smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('that is sent too slowly ends in time', async () => {
    const server = await create({ timeouts: { request: 300 } });
    const port = await listen(server);
    const answer = await sendRaw(
      port,
      'POST /open HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('in the address is answered in the same form', async () => {
    const server = await create();
    const get = async (url: string, method = 'GET') => {
      const answer = await server.inject({ method: method as 'GET', url });
      return [answer.statusCode, answer.json().code, answer.headers['allow']];
    };
    expect(await get('/nothing-here')).toEqual([404, 'not_found', undefined]);
    expect(await get('/echo/1')).toEqual([405, 'method_not_allowed', 'POST']);
    expect(await get('/document/known', 'DELETE')).toEqual([405, 'method_not_allowed', 'GET, HEAD']);
    expect(await get('/document/%E0%A4%A')).toEqual([400, 'invalid_request', undefined]);
    expect(await get(`/document/${'x'.repeat(3000)}`)).toEqual([414, 'uri_too_long', undefined]);
  });

  test('an empty body is fine where a route expects none', async () => {
    const server = await create();
    const headers = { 'content-type': 'application/json' };
    expect((await server.inject({ method: 'POST', url: '/wake', headers, payload: '' })).json()).toEqual({
      woken: true,
    });
    expect((await server.inject({ method: 'POST', url: '/wake' })).statusCode).toBe(200);
  });
});

describe('an error', () => {
  test('that nobody foresaw says nothing of itself, neither to the caller nor to the log', async () => {
    const lines: string[] = [];
    const server = await create({ logger: { level: 'debug', stream: { write: (line) => lines.push(line) } } });
    for (const url of [`/crash?name=${secret}`, '/page?fail=unknown', '/broken-answer']) {
      const answer = await server.inject({ url, headers: { authorization: `Bearer ${secret}` } });
      expect([url, answer.statusCode]).toEqual([url, 500]);
      expect(answer.body).not.toMatch(/S3CRET|query failed|breaks its schema|\.ts:/);
    }
    const log = lines.join('');
    expect(log).not.toMatch(/S3CRET|query failed/);
    expect(log).toContain('"code":"SQLITE_BUSY"');
    expect(log).toMatch(/"frames":\["at /);
    const line = lines.map((text) => JSON.parse(text)).find((entry) => entry.msg === 'request');
    expect(Object.keys(line).sort()).toEqual([
      'code',
      'level',
      'method',
      'milliseconds',
      'msg',
      'reqId',
      'route',
      'status',
      'time',
    ]);
    expect(line).toMatchObject({ route: '/crash', status: 500, code: 'internal', time: '2026-11-21T09:00:00.000Z' });
  });

  test('loses what is not on the list of log fields, whoever logs it', async () => {
    const lines: string[] = [];
    const server = await create({ logger: { level: 'debug', stream: { write: (line) => lines.push(line) } } });
    server.log.info({ event: 'imported', count: 3, body: secret, req: { url: secret } }, 'done');
    server.log.error(new Error(secret));
    server.log.warn({ err: new Error(secret) });
    expect(lines.join('')).not.toContain('S3CRET');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'imported', count: 3, msg: 'done' });
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ error: { name: 'Error' }, msg: 'error' });
  });

  test('on an OAuth route is an OAuth error', async () => {
    const server = await create();
    const send = async (payload: string, contentType = 'application/x-www-form-urlencoded') => {
      const answer = await server.inject({
        method: 'POST',
        url: '/token',
        headers: { 'content-type': contentType },
        payload,
      });
      expect(answer.statusCode === 200 || answer.headers['cache-control']).toBeTruthy();
      return [answer.statusCode, answer.json().error ?? answer.json()];
    };
    expect(await send('grant_type=client_credentials')).toEqual([200, { ok: true }]);
    expect(await send('grant_type=password')).toEqual([400, 'unsupported_grant_type']);
    expect(await send('grant_type=a&grant_type=b')).toEqual([400, 'invalid_request']);
    expect(await send('grant_type=a&scope=b')).toEqual([400, 'invalid_request']);
    expect(await send('__proto__=a')).toEqual([400, 'invalid_request']);
    expect(await send('{"grant_type":"client_credentials"}', 'application/json')).toEqual([415, 'invalid_request']);
    expect(await send('grant_type=crash')).toEqual([500, 'server_error']);
    const quoted = await server.inject({
      method: 'POST',
      url: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'grant_type=password',
    });
    expect(quoted.json().error_description).toBe("Only 'client_credentials' is offered.");
    expect(quoted.headers['cache-control']).toBe('no-store');
  });

  test('for a person is a page that says what to do next', async () => {
    const server = await create();
    const missing = await server.inject('/page?fail=known');
    expect(missing.statusCode).toBe(404);
    expect(missing.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(missing.body).toContain('No &#60;b&#62;such&#60;/b&#62; page.');
    expect(missing.body).toContain('What to do next');
    const unknown = await server.inject({ url: '/no/such', headers: { accept: 'text/html,*/*' } });
    expect([unknown.statusCode, unknown.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
  });

  test('is explained on a page of its own, which its type leads to', async () => {
    const server = await create();
    const { type } = (await server.inject('/nothing-here')).json() as { type: string };
    const page = await server.inject(new URL(type).pathname);
    expect([page.statusCode, page.body.includes('not_found')]).toEqual([200, true]);
    expect((await server.inject('/problems')).body).toContain('idempotency_conflict');
    expect((await server.inject('/problems/unheard-of')).statusCode).toBe(404);
  });

  test('is an overload, not silence, when a handler takes too long', async () => {
    const server = await create({ timeouts: { handler: 50 } }, (s) => {
      s.get('/slow', { config: { access: 'public' }, schema: described('slow') }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return {};
      });
    });
    const answer = await server.inject('/slow');
    expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([503, 'overloaded', '10']);
  });
});

describe('limits', () => {
  const limits = { verify: { max: 2, perSeconds: 60 }, denied: { max: 3, perSeconds: 60 } };

  test('count each client for itself, and strangers by address, an IPv6 network as one', async () => {
    const server = await create({ limits });
    const send = async (remoteAddress: string, authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await server.inject({
        method: 'POST',
        url: '/open',
        payload: { name: 'A' },
        remoteAddress,
        headers,
      });
      return answer.statusCode;
    };
    expect([await send('192.0.2.1'), await send('192.0.2.1'), await send('192.0.2.1')]).toEqual([200, 200, 429]);
    expect(await send('192.0.2.2')).toBe(200);
    expect([await send('192.0.2.1', 'Bearer writer1'), await send('192.0.2.9', 'Bearer writer1')]).toEqual([200, 200]);
    expect([await send('192.0.2.9', 'Bearer writer1'), await send('192.0.2.9', 'Bearer writer2')]).toEqual([429, 200]);
    expect([await send('2001:db8:1:1::1'), await send('2001:db8:1:1::2'), await send('2001:db8:1:1:f::3')]).toEqual([
      200, 200, 429,
    ]);
    expect(await send('2001:db8:1:2::1')).toBe(200);
    const refused = await server.inject({
      method: 'POST',
      url: '/open',
      payload: { name: 'A' },
      remoteAddress: '192.0.2.1',
    });
    expect(refused.json().code).toBe('rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('slow down whoever guesses tokens, and not a known client at another address', async () => {
    const server = await create({ limits });
    const send = async (authorization: string, remoteAddress: string) =>
      (
        await server.inject({
          method: 'POST',
          url: '/echo/1',
          payload: { name: 'A' },
          headers: { authorization },
          remoteAddress,
        })
      ).statusCode;
    const guesses = [];
    for (let n = 0; n < 5; n += 1) guesses.push(await send(`Bearer guess${n}`, '192.0.2.1'));
    expect(guesses).toEqual([401, 401, 401, 429, 429]);
    expect(await send('Bearer writer', '192.0.2.2')).toBe(201);
  });

  test('believe X-Forwarded-For only behind a declared proxy that is near', async () => {
    const statuses = async (options: Partial<ServerOptions>, remoteAddress: string) => {
      const server = await create({ limits, ...options });
      const answers: number[] = [];
      for (const n of [1, 2, 3]) {
        const headers = { 'x-forwarded-for': `198.51.100.7, 203.0.113.${n}` };
        const answer = await server.inject({
          method: 'POST',
          url: '/open',
          payload: { name: 'A' },
          remoteAddress,
          headers,
        });
        answers.push(answer.statusCode);
      }
      return answers;
    };
    expect(await statuses({}, '10.0.0.1')).toEqual([200, 200, 429]);
    expect(await statuses({ behindProxy: true }, '192.0.2.1')).toEqual([200, 200, 429]);
    expect(await statuses({ behindProxy: true }, '10.0.0.1')).toEqual([200, 200, 200]);
  });

  test('shed load with 503 while the process stays under pressure, but leave it alive', async () => {
    let time = Date.now();
    const server = await create({
      pressure: { maxRssBytes: 1, patienceMilliseconds: 2000 },
      now: () => new Date(time),
    });
    await server.register(healthRoutes({ checks: {} }));
    await server.ready();
    const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    await pause(1300);
    expect((await server.inject('/document/known')).statusCode).toBe(200);
    // A wall clock that is set forward is no load.
    time += 86_400_000;
    expect((await server.inject('/document/known')).statusCode).toBe(200);
    await pause(2100);
    const answer = await server.inject('/document/known');
    expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([503, 'overloaded', '10']);
    expect((await server.inject('/health/live')).statusCode).toBe(200);
  });
});

describe('a signed document', () => {
  test('travels unchanged, with a strong ETag, to anybody, and only once', async () => {
    const server = await create();
    const first = await server.inject('/document/known');
    expect([first.statusCode, first.body]).toEqual([200, '{"signed":true}']);
    expect(first.headers).toMatchObject({
      'content-type': 'application/vc+jwt',
      'cache-control': 'public, max-age=300, no-transform, immutable',
      'access-control-allow-origin': '*',
      etag: document.etag,
    });
    for (const header of [document.etag, `"other", W/${document.etag}`, '*']) {
      const again = await server.inject({ url: '/document/known', headers: { 'if-none-match': header } });
      expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', document.etag]);
    }
    const other = await server.inject({ url: '/document/known', headers: { 'if-none-match': '"other"' } });
    expect(other.statusCode).toBe(200);
    const head = await server.inject({ method: 'HEAD', url: '/document/known' });
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([200, '', '15']);
    const missing = await server.inject('/document/unknown');
    expect([missing.statusCode, missing.json().code]).toEqual([404, 'not_found']);
    expect(missing.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('a page', () => {
  test('is complete HTML in our language with one stylesheet of ours and no script', async () => {
    const server = await create({ publicUrl: 'https://shared.nhs.uk/passport' });
    const page = await server.inject('/passport/page');
    expect(page.body).toMatch(/^<!doctype html>\n<html lang="en-GB">/);
    expect(page.body).toContain('<title>A &#60;page&#62; - Example Trust</title>');
    expect(page.body).toContain('<a class="skip" href="#main">');
    expect(page.body).not.toMatch(/<script|<style|style=|\son[a-z]+=|https?:\/\//);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; style-src 'self'");
    const address = /<link rel="stylesheet" href="([^"]+)">/.exec(page.body)?.[1] ?? '';
    expect(address).toBe('/passport/assets/page.css');
    const style = await server.inject(address);
    expect([style.statusCode, style.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
    expect(style.headers['etag']).toMatch(/^"[\w-]{43}"$/);
    expect((await server.inject('/page')).statusCode).toBe(200);
  });

  test('has enough contrast for WCAG 2.2 AA', async () => {
    const server = await create();
    const css = (await server.inject('/assets/page.css')).body;
    const colour = (name: string) => new RegExp(`--${name}:(#[0-9a-f]+)`).exec(css)?.[1] ?? 'missing';
    for (const ink of ['ink', 'quiet', 'accent', 'good', 'bad', 'unsure']) {
      for (const ground of ['ground', 'band']) {
        expect([ink, ground, contrast(colour(ink), colour(ground)) >= 4.5]).toEqual([ink, ground, true]);
      }
    }
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  });

  function contrast(a: string, b: string): number {
    const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  }

  function luminance(colour: string): number {
    const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/g, '$&$&') : colour;
    const [r = 0, g = 0, b = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
});

describe('every answer', () => {
  test('carries the fixed headers, names the request and tells nothing of what serves it', async () => {
    const server = await create();
    for (const url of ['/document/known', '/nothing-here', '/crash', '/page', '/openapi.json']) {
      const { headers } = await server.inject(url);
      expect([url, headers['x-content-type-options'], headers['x-frame-options']]).toEqual([url, 'nosniff', 'DENY']);
      expect([url, headers['strict-transport-security']]).toEqual([url, 'max-age=31536000']);
      expect([url, typeof headers['content-security-policy']]).toEqual([url, 'string']);
      expect([url, headers['x-powered-by'], headers['server']]).toEqual([url, undefined, undefined]);
      expect(headers['x-request-id']).toMatch(/^0{8}-/);
    }
    const preflight = await server.inject({
      method: 'OPTIONS',
      url: '/echo/1',
      headers: { origin: 'https://evil.example' },
    });
    expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([405, undefined]);
  });
});

describe('operation', () => {
  test('readiness names the conditions that do not hold, within a bounded time', async () => {
    const server = await create();
    let ok = true;
    const never = () => new Promise<{ ok: boolean }>(() => undefined);
    const checks = {
      store: async () => ({ ok, detail: ok ? 'writable' : 'read-only' }),
      registry: async () => (ok ? { ok } : Promise.reject(new Error(secret))),
      key: async () => (ok ? { ok } : never()),
    };
    await server.register(healthRoutes({ checks }));
    const ready = await server.inject('/health/ready');
    expect([ready.statusCode, ready.json().status]).toEqual([200, 'ready']);
    ok = false;
    const notReady = await server.inject('/health/ready');
    expect([notReady.statusCode, notReady.json()]).toEqual([
      503,
      {
        status: 'not_ready',
        checks: [
          { name: 'store', ok: false, detail: 'read-only' },
          { name: 'registry', ok: false, detail: 'failed' },
          { name: 'key', ok: false, detail: 'did not answer in time' },
        ],
      },
    ]);
    expect((await server.inject('/health/live')).json()).toEqual({ status: 'live' });
  });

  test('metrics count by route pattern and never by address', async () => {
    const server = await create();
    await server.register(healthRoutes({ checks: {} }));
    await server.inject('/document/known');
    await server.inject(`/document/${secret}`);
    await server.inject(`/${secret}`);
    const metrics = await server.inject('/metrics');
    expect(metrics.headers['content-type']).toContain('text/plain');
    expect(metrics.body).toContain(
      'http_request_duration_seconds_count{method="GET",route="/document/:name",status="200"} 1',
    );
    expect(metrics.body).toContain('route="none",status="404"');
    expect(metrics.body).not.toContain('S3CRET');
  });

  test('metrics can be kept for holders of a scope', async () => {
    const server = await create();
    await server.register(healthRoutes({ checks: {}, metricsAccess: { scope: 'metrics:read' } }));
    expect((await server.inject('/metrics')).statusCode).toBe(401);
    expect((await server.inject({ url: '/metrics', headers: { authorization: 'Bearer writer' } })).statusCode).toBe(
      200,
    );
  });

  function slowRoute(finish: Promise<void>) {
    return (server: HttpServer) => {
      server.get('/slow', { config: { access: 'public' }, schema: described('slow') }, async () => {
        await finish;
        return { finished: true };
      });
    };
  }

  function get(port: number, path: string, agent: Agent): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', path, agent }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      request.on('error', reject);
      request.end();
    });
  }

  test('draining turns readiness off first, finishes what is in flight and loses nothing', async () => {
    let finish: () => void = () => undefined;
    const server = await create({}, slowRoute(new Promise((resolve) => (finish = resolve))));
    await server.register(healthRoutes({ checks: {} }));
    const port = await listen(server);
    const agent = new Agent({ keepAlive: true });
    const slow = get(port, '/slow', agent);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const drained = drain(server, { graceMilliseconds: 300 });
    const during = await get(port, '/health/ready', agent);
    expect([during.status, JSON.parse(during.body).status]).toEqual([503, 'stopping']);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await expect(get(port, '/health/live', new Agent())).rejects.toThrow('ECONNREFUSED');
    finish();
    expect(await slow).toEqual({ status: 200, body: '{"finished":true}' });
    expect(await drained).toEqual({ clean: true });
    agent.destroy();
  });

  test('draining cuts what does not finish by its deadline', async () => {
    const server = await create({}, slowRoute(new Promise(() => undefined)));
    const port = await listen(server);
    const agent = new Agent();
    const slow = get(port, '/slow', agent).catch((error: Error & { code?: string }) => error.code);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await drain(server, { deadlineMilliseconds: 100 })).toEqual({ clean: false });
    expect(await slow).toBe('ECONNRESET');
  });
});
