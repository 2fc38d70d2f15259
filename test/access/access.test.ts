import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose';
import { type Access, accessEntities, createAccess, scopeNames, signClientAssertion } from '../../src/access/access.js';
import { accessRoutes } from '../../src/access/routes.js';
import { auditEntities, createAudit } from '../../src/audit/audit.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../src/http/server.js';
import { createKeySigner } from '../../src/jose/jws.js';
import { type DatabaseConfig, openStore, type Store } from '../../src/store/store.js';
import { describeDialects } from '../store/dialects.js';

const publicUrl = 'https://passport.rxa.example.nhs.uk';
const issuer = `${publicUrl}/oauth`;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const p256 = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed25519 = (): KeyPair => generateKeyPairSync('ed25519');
const keys = { hr: p256(), hrNext: ed25519(), bot: ed25519(), stranger: p256() };

let now = new Date('2026-11-21T09:00:00Z');
const seconds = () => Math.floor(now.getTime() / 1000);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'staff-passport-access-'));
  await writeJwks('hr', [
    { ...(await exportJWK(keys.hr.publicKey)), kid: 'hr-1', alg: 'ES256', use: 'sig' },
    { ...(await exportJWK(keys.hrNext.publicKey)), kid: 'hr-2' },
  ]);
  await writeJwks('bot', [await exportJWK(keys.bot.publicKey)]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(() => {
  now = new Date('2026-11-21T09:00:00Z');
});

async function writeJwks(name: string, jwks: object[]): Promise<string> {
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify({ keys: jwks }));
  return file;
}

function configOf(rest: { enabled?: boolean; clients?: { id: string; jwksFile: string; scopes: string[] }[] } = {}) {
  const clients = [
    { id: 'hr-system', jwksFile: path.join(folder, 'hr.json'), scopes: ['vc:issue', 'vc:revoke'] },
    { id: 'ward-bot', jwksFile: path.join(folder, 'bot.json'), scopes: ['vc:verify'] },
  ];
  return {
    enabled: true,
    tokenSeconds: 300,
    clients,
    verifyPerMinute: 600,
    tokenPerMinute: 60,
    walletPerMinute: 3000,
    ...rest,
  };
}

interface Replica {
  readonly store: Store;
  readonly access: Access;
  readonly server: HttpServer;
  close(): Promise<void>;
}

async function openReplica(
  database: DatabaseConfig = { type: 'sqlite', file: ':memory:' },
  { config = configOf(), seed = 7, url = publicUrl, tokensPerMinute = 10_000 } = {},
): Promise<Replica> {
  const store = await openStore({ database, entities: [...auditEntities, ...accessEntities], migrate: 'run' });
  const clock = () => now;
  const access = createAccess({
    store,
    audit: createAudit({ store, now: clock }),
    now: clock,
    config: { publicUrl: url, access: config },
    deriveKey: (_label, length) => Buffer.alloc(length, seed),
    random: randomBytes,
  });
  const server = await createServer({
    publicUrl: url,
    serviceName: 'RXA',
    version: '0',
    authorise: access.authorise,
    metrics: createMetrics(),
    limits: { token: { max: tokensPerMinute, perSeconds: 60 } },
    checkResponses: true,
    now: clock,
    // The clock of these tests jumps by minutes: a busy machine would look as if it had been busy for so long.
    pressure: { patienceMilliseconds: Number.MAX_SAFE_INTEGER },
    newId: () => crypto.randomUUID(),
  });
  await server.register(accessRoutes(access));
  const schema = { tags: ['test'], operationId: 'protected', summary: 'A route that needs a scope' };
  server.get('/protected', { config: { access: { scope: 'vc:issue' } }, schema }, async (request) => ({
    caller: request.caller ?? null,
  }));
  return {
    store,
    access,
    server,
    close: async () => {
      await server.close();
      await store.close();
    },
  };
}

let jtis = 0;

function claims(change: Record<string, unknown> = {}): Record<string, unknown> {
  jtis += 1;
  const usual = {
    iss: 'hr-system',
    sub: 'hr-system',
    aud: issuer,
    iat: seconds(),
    exp: seconds() + 60,
    jti: `jti-${jtis}`,
  };
  return Object.fromEntries(Object.entries({ ...usual, ...change }).filter(([, value]) => value !== undefined));
}

/** Signed with panva/jose, not with our own module. */
function assertion(
  change: Record<string, unknown> = {},
  { key = keys.hr.privateKey, header = {} }: { key?: KeyObject; header?: Record<string, unknown> } = {},
): Promise<string> {
  const alg = key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : 'ES256';
  const full = Object.entries({ alg, kid: 'hr-1', typ: 'JWT', ...header }).filter(([, value]) => value !== undefined);
  return new SignJWT(claims(change)).setProtectedHeader(Object.fromEntries(full) as { alg: string }).sign(key);
}

function form(fields: Record<string, string | undefined>): string {
  const entries = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(entries).toString();
}

async function post(server: HttpServer, payload: string, headers: Record<string, string> = {}) {
  const response = await server.inject({
    method: 'POST',
    url: '/oauth/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload,
  });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

async function request(
  server: HttpServer,
  change: Record<string, string | undefined> = {},
  headers: Record<string, string> = {},
) {
  const usual = {
    grant_type: 'client_credentials',
    client_assertion_type: assertionType,
    client_assertion: 'client_assertion' in change ? undefined : await assertion(),
  };
  return post(server, form({ ...usual, ...change }), headers);
}

async function call(server: HttpServer, authorization?: string) {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await server.inject({ method: 'GET', url: '/protected', headers });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

function rows(store: Store, table: string): Promise<Record<string, unknown>[]> {
  return store.read((tx) => tx.query(`SELECT * FROM ${table}`));
}

describe('a client', () => {
  let replica: Replica;

  beforeAll(async () => {
    replica = await openReplica();
  });

  afterAll(() => replica.close());

  test('gets a token for its assertion and calls with it what its scope allows', async () => {
    const response = await request(replica.server, { scope: 'vc:issue' });
    expect(response).toMatchObject({
      status: 200,
      body: { access_token: expect.any(String), token_type: 'Bearer', expires_in: 300, scope: 'vc:issue' },
      headers: { 'cache-control': 'no-store', pragma: 'no-cache' },
    });
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const answer = await call(replica.server, `${scheme} ${response.body.access_token}`);
      expect(answer).toMatchObject({ status: 200, body: { caller: { clientId: 'hr-system', scopes: ['vc:issue'] } } });
    }
  });

  test('gets a token that any JWT library verifies with the published key (RFC 9068)', async () => {
    const { body } = await request(replica.server);
    const jwks = createLocalJWKSet((await replica.server.inject('/oauth/jwks')).json());
    const options = { issuer, audience: publicUrl, typ: 'at+jwt', algorithms: ['EdDSA'], currentDate: now };
    const { payload } = await jwtVerify(body.access_token, jwks, options);
    expect(payload).toEqual({
      iss: issuer,
      aud: publicUrl,
      sub: 'hr-system',
      client_id: 'hr-system',
      scope: 'vc:issue vc:revoke',
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      iat: seconds(),
      exp: seconds() + 300,
    });
  });

  test('may use each of its keys, a media type as typ, a list of one audience, and our own assertion', async () => {
    const own = signClientAssertion({
      clientId: 'ward-bot',
      issuer,
      signer: createKeySigner(keys.bot.privateKey),
      now,
      jti: 'own-1',
    });
    const accepted = [
      assertion({}, { key: keys.hrNext.privateKey, header: { kid: 'hr-2' } }),
      assertion({}, { header: { typ: 'client-authentication+jwt' } }),
      assertion({}, { header: { typ: undefined } }),
      assertion({ aud: [issuer] }),
      assertion({ iat: undefined }),
      assertion({ iat: seconds() + 59, exp: seconds() + 300 }),
      assertion({ iss: 'ward-bot', sub: 'ward-bot' }, { key: keys.bot.privateKey, header: { kid: undefined } }),
      own,
    ];
    for (const client_assertion of await Promise.all(accepted)) {
      expect(await request(replica.server, { client_assertion })).toMatchObject({ status: 200 });
    }
  });

  const forged: [string, () => Promise<string> | string, string][] = [
    ['another client as subject', () => assertion({ sub: 'ward-bot' }), 'iss and sub'],
    ['no issuer', () => assertion({ iss: undefined, sub: undefined }), 'iss and sub'],
    ['an issuer that is no string', () => assertion({ iss: ['hr-system'], sub: ['hr-system'] }), 'iss and sub'],
    ['an unknown client', () => assertion({ iss: 'nobody', sub: 'nobody' }), 'not known here'],
    ['a name of an object prototype', () => assertion({ iss: 'constructor', sub: 'constructor' }), 'not known here'],
    ["a stranger's key", () => assertion({}, { key: keys.stranger.privateKey }), 'not known here'],
    [
      "another client's key",
      () => assertion({}, { key: keys.bot.privateKey, header: { kid: undefined } }),
      'not known here',
    ],
    ['another kid of the same client', () => assertion({}, { header: { kid: 'hr-2' } }), 'not known here'],
    ['an unknown kid', () => assertion({}, { header: { kid: 'hr-3' } }), 'not known here'],
    ['no kid where there is a choice', () => assertion({}, { header: { kid: undefined } }), 'not known here'],
    ['a changed claim', async () => tamper(await assertion()), 'not known here'],
    ['no signature', async () => `${(await assertion()).split('.').slice(0, 2).join('.')}.`, 'three parts'],
    ['alg none', async () => withHeader(await assertion(), { alg: 'none' }), 'alg'],
    ['a MAC with the public key', async () => withHeader(await assertion(), { alg: 'HS256', kid: 'hr-1' }), 'alg'],
    ['a key that it brings along', () => withKey(), 'own key'],
    [
      'an extension',
      () => assertion({}, { header: { crit: ['exp'] } }).catch(() => crafted({ crit: ['exp'] })),
      'crit',
    ],
    ['the typ of an access token', () => assertion({}, { header: { typ: 'at+jwt' } }), 'typ'],
    ['the typ of a credential', () => assertion({}, { header: { typ: 'vc+jwt' } }), 'typ'],
    ['the token endpoint as audience', () => assertion({ aud: `${issuer}/token` }), 'aud'],
    ['the service as audience', () => assertion({ aud: publicUrl }), 'aud'],
    ['a slash behind the audience', () => assertion({ aud: `${issuer}/` }), 'aud'],
    ['two audiences', () => assertion({ aud: [issuer, 'https://other.example'] }), 'aud'],
    ['no audience', () => assertion({ aud: undefined }), 'aud'],
    ['an empty list of audiences', () => assertion({ aud: [] }), 'aud'],
    ['no end', () => assertion({ exp: undefined }), 'exp'],
    ['an end as text', () => assertion({ exp: String(seconds() + 60) }), 'exp'],
    ['an end that is now', () => assertion({ exp: seconds() }), 'exp'],
    ['an end more than five minutes ahead', () => assertion({ exp: seconds() + 301 }), 'exp'],
    ['a start in the future', () => assertion({ iat: seconds() + 61 }), 'iat'],
    ['a nbf in the future', () => assertion({ nbf: seconds() + 61 }), 'nbf'],
    ['no jti', () => assertion({ jti: undefined }), 'jti'],
    ['an empty jti', () => assertion({ jti: '' }), 'jti'],
    ['a jti that is a number', () => assertion({ jti: 17 }), 'jti'],
    ['a jti without end', () => assertion({ jti: 'x'.repeat(257) }), 'jti'],
    ['a space at the end', async () => `${await assertion()} `, ''],
    ['something that is no token', () => 'nonsense', 'three parts'],
    ['nothing', () => '', ''],
  ];

  test.each(forged)('is refused when its assertion has %s, and nothing is stored', async (_, make, text) => {
    const before = await rows(replica.store, 'access_used_assertion');
    const answer = await request(replica.server, { client_assertion: await make() });
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
      headers: { 'cache-control': 'no-store' },
    });
    expect(answer.body.error_description).toContain(text);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
    expect(await rows(replica.store, 'access_used_assertion')).toEqual(before);
  });

  test('cannot find out which clients exist', async () => {
    const unknown = await request(replica.server, {
      client_assertion: await assertion({ iss: 'nobody', sub: 'nobody' }),
    });
    const wrong = await request(replica.server, {
      client_assertion: await assertion({}, { key: keys.stranger.privateKey }),
    });
    expect(unknown.body).toEqual(wrong.body);
  });

  test.each<[string, Record<string, string | undefined>, number, string]>([
    ['another grant', { grant_type: 'authorization_code' }, 400, 'unsupported_grant_type'],
    ['no grant', { grant_type: undefined }, 400, 'invalid_request'],
    ['no assertion', { client_assertion: undefined }, 401, 'invalid_client'],
    ['another type of assertion', { client_assertion_type: 'urn:example:saml' }, 401, 'invalid_client'],
    ['a client secret', { client_secret: 'hunter2' }, 400, 'invalid_request'],
    ['another client_id', { client_id: 'ward-bot' }, 401, 'invalid_client'],
    ['a scope that it does not have', { scope: 'vc:issue vc:verify' }, 400, 'invalid_scope'],
    ['a scope that does not exist', { scope: 'everything' }, 400, 'invalid_scope'],
    ['an empty scope', { scope: '' }, 400, 'invalid_scope'],
    ['a malformed scope', { scope: 'vc:issue  vc:revoke' }, 400, 'invalid_scope'],
  ])('is refused with %s by the error that RFC 6749 names', async (_, change, status, error) => {
    const answer = await request(replica.server, change);
    expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } });
    expect(Object.keys(answer.body).sort()).toEqual(['error', 'error_description']);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  test('gets OAuth errors also for requests that are no form, come twice or are too large', async () => {
    const { server } = replica;
    const twice = `${form({ grant_type: 'client_credentials' })}&grant_type=client_credentials`;
    expect(await post(server, twice)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const json = await post(server, '{}', { 'content-type': 'application/json' });
    expect(json).toMatchObject({ status: 415, body: { error: 'invalid_request' } });
    const large = await post(server, form({ grant_type: 'client_credentials', client_assertion: 'x'.repeat(40_000) }));
    expect(large).toMatchObject({ status: 413, body: { error: 'invalid_request' } });
  });

  test('may send parameters that are not known here, and its own client_id', async () => {
    const answer = await request(replica.server, {
      client_id: 'hr-system',
      resource: publicUrl,
      scope: 'vc:revoke vc:revoke',
    });
    expect(answer).toMatchObject({ status: 200, body: { scope: 'vc:revoke' } });
  });

  test.each([
    ['Basic aHI6aHVudGVyMg==', 'Basic realm="staff-passport"'],
    ['Bearer abc', 'Bearer realm="staff-passport"'],
  ])('that uses the header %s is challenged in the same scheme', async (authorization, challenge) => {
    const answer = await request(replica.server, {}, { authorization });
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
      headers: { 'www-authenticate': challenge },
    });
  });

  test('that asks too often has to wait', async () => {
    const slow = await openReplica(undefined, { tokensPerMinute: 2 });
    expect((await request(slow.server)).status).toBe(200);
    expect((await request(slow.server)).status).toBe(200);
    expect(await request(slow.server)).toMatchObject({ status: 429, headers: { 'retry-after': expect.any(String) } });
    await slow.close();
  });
});

describe('an access token', () => {
  let replica: Replica;
  let token: string;

  beforeAll(async () => {
    replica = await openReplica();
  });

  afterAll(() => replica.close());

  beforeEach(async () => {
    token = (await request(replica.server)).body.access_token;
  });

  test.each<[string, () => Promise<string | undefined> | string | undefined]>([
    ['no header', () => undefined],
    ['an empty header', () => ''],
    ['no token', () => 'Bearer '],
    ['another scheme', () => `Basic ${token}`],
    ['two spaces', () => `Bearer  ${token}`],
    ['something behind it', () => `Bearer ${token} x`],
    ['two tokens', () => `Bearer ${token}, Bearer ${token}`],
    ['a changed claim', () => `Bearer ${tamper(token)}`],
    ['alg none', () => `Bearer ${withHeader(token, { alg: 'none', typ: 'at+jwt' })}`],
    ['another typ', () => `Bearer ${withHeader(token, { typ: 'JWT' })}`],
    ['another key', () => `Bearer ${withHeader(token, { kid: 'other' })}`],
    ['a client assertion', async () => `Bearer ${await assertion()}`],
    ['too much of it', () => `Bearer ${token}${'A'.repeat(5_000)}`],
  ])('with %s opens nothing', async (_, make) => {
    const answer = await call(replica.server, await make());
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(answer.headers['www-authenticate']).toContain('Bearer');
  });

  test('ends on the second that it names', async () => {
    now = new Date(now.getTime() + 299_000);
    expect((await call(replica.server, `Bearer ${token}`)).status).toBe(200);
    now = new Date(now.getTime() + 1_000);
    expect((await call(replica.server, `Bearer ${token}`)).status).toBe(401);
  });

  test('without the scope of the route is forbidden, not unauthorized', async () => {
    const narrow = await request(replica.server, { scope: 'vc:revoke' });
    const answer = await call(replica.server, `Bearer ${narrow.body.access_token}`);
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(answer.headers['www-authenticate']).toContain('insufficient_scope');
  });

  test('of another service, or of another key-encryption key, opens nothing', async () => {
    const other = await openReplica(undefined, { url: 'https://passport.rxb.example.nhs.uk' });
    expect((await call(other.server, `Bearer ${token}`)).status).toBe(401);
    const rekeyed = await openReplica(undefined, { seed: 8 });
    expect((await call(rekeyed.server, `Bearer ${token}`)).status).toBe(401);
    await Promise.all([other.close(), rekeyed.close()]);
  });

  test('of a client that was removed, or lost the scope, opens nothing', async () => {
    const [hr, bot] = configOf().clients as [Client, Client];
    const removed = await openReplica(undefined, { config: configOf({ clients: [bot] }) });
    expect((await call(removed.server, `Bearer ${token}`)).status).toBe(401);
    const reduced = await openReplica(undefined, { config: configOf({ clients: [{ ...hr, scopes: ['vc:revoke'] }] }) });
    expect((await call(reduced.server, `Bearer ${token}`)).status).toBe(403);
    await Promise.all([removed.close(), reduced.close()]);
  });

  test('is not needed where authentication is turned off', async () => {
    const open = await openReplica(undefined, { config: configOf({ enabled: false }) });
    const answer = await call(open.server);
    expect(answer).toMatchObject({ status: 200, body: { caller: { clientId: 'development', scopes: scopeNames } } });
    await open.close();
  });
});

type Client = ReturnType<typeof configOf>['clients'][number];

describe('the metadata of the authorization server', () => {
  test.each([
    [publicUrl, ['/.well-known/oauth-authorization-server/oauth', '/oauth/.well-known/oauth-authorization-server']],
    [
      'https://trust.example.nhs.uk/passport',
      [
        '/.well-known/oauth-authorization-server/passport/oauth',
        '/passport/oauth/.well-known/oauth-authorization-server',
      ],
    ],
  ])('of %s is where RFC 8414 says', async (url, paths) => {
    const replica = await openReplica(undefined, { url });
    for (const address of paths) {
      const response = await replica.server.inject(address);
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe('application/json');
      expect(response.json()).toMatchObject({
        issuer: `${url}/oauth`,
        token_endpoint: `${url}/oauth/token`,
        jwks_uri: `${url}/oauth/jwks`,
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['ES256', 'ES384', 'ES512', 'EdDSA'],
      });
    }
    const { keys: published } = (await replica.server.inject('/oauth/jwks')).json();
    expect(published).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' },
    ]);
    await replica.close();
  });
});

describe('the keys of a client', () => {
  async function refusalOf(jwksFile: string, scopes = ['vc:issue']): Promise<string> {
    try {
      const replica = await openReplica(undefined, {
        config: configOf({ clients: [{ id: 'hr-system', jwksFile, scopes }] }),
      });
      await replica.close();
    } catch (error) {
      expect(error).toMatchObject({ code: 'configuration' });
      return (error as Error).message;
    }
    throw new Error('It was accepted.');
  }

  test('are refused at start when they are private, unfit, ambiguous or not there', async () => {
    const privateJwk = await exportJWK(keys.hr.privateKey);
    const publicJwk = await exportJWK(keys.hr.publicKey);
    const secret = await refusalOf(await writeJwks('private', [privateJwk]));
    expect(secret).toContain('private');
    expect(secret).not.toContain(privateJwk.d);
    expect(await refusalOf(await writeJwks('use', [{ ...publicJwk, use: 'enc' }]))).toContain('use');
    expect(await refusalOf(await writeJwks('alg', [{ ...publicJwk, alg: 'RS256' }]))).toContain('alg');
    expect(await refusalOf(await writeJwks('curve', [{ ...publicJwk, y: publicJwk.x }]))).toContain('not accepted');
    expect(await refusalOf(await writeJwks('twice', [publicJwk, publicJwk]))).toContain('one kid');
    expect(await refusalOf(await writeJwks('empty', []))).toContain('1 to 10');
    expect(await refusalOf(path.join(folder, 'absent.json'))).toContain('no readable');
    const broken = path.join(folder, 'broken.json');
    await writeFile(broken, '{"keys":[],"keys":[]}');
    expect(await refusalOf(broken)).toContain('not JSON');
    expect(await refusalOf(path.join(folder, 'hr.json'), ['vc:everything'])).toContain('vc:everything');
  });
});

describeDialects(
  'an assertion',
  (database) => {
    let replicas: [Replica, Replica];

    beforeAll(async () => {
      replicas = [await openReplica(database()), await openReplica(database())];
    });

    afterAll(() => Promise.all(replicas.map((replica) => replica.close())));

    test('counts once, whichever replica it comes to and after a restart too', async () => {
      const client_assertion = await assertion({ jti: 'once' });
      expect((await request(replicas[0].server, { client_assertion })).status).toBe(200);
      const restarted = await openReplica(database());
      for (const { server } of [...replicas, restarted]) {
        const answer = await request(server, { client_assertion });
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
        expect(answer.body.error_description).toContain('used before');
      }
      await restarted.close();
    });

    test('that comes to both replicas at once, many times, counts once', async () => {
      const client_assertion = await assertion({ jti: 'race' });
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          request((replicas[index % 2] as Replica).server, { client_assertion }),
        ),
      );
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array<number>(19).fill(401)]);
    });

    test('with the same jti of another client is another one', async () => {
      const bot = { iss: 'ward-bot', sub: 'ward-bot', jti: 'shared' };
      const other = await assertion(bot, { key: keys.bot.privateKey, header: { kid: undefined } });
      expect((await request(replicas[0].server, { client_assertion: await assertion({ jti: 'shared' }) })).status).toBe(
        200,
      );
      expect((await request(replicas[0].server, { client_assertion: other })).status).toBe(200);
    });

    test('is used up by a request for a wrong scope', async () => {
      const client_assertion = await assertion({ jti: 'wrong-scope' });
      const wrong = await request(replicas[0].server, { client_assertion, scope: 'audit:read' });
      expect(wrong).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
      expect((await request(replicas[1].server, { client_assertion })).status).toBe(401);
    });

    test('is forgotten only when no replica could accept it any more', async () => {
      const client_assertion = await assertion({ jti: 'old', exp: seconds() + 300 });
      expect((await request(replicas[0].server, { client_assertion })).status).toBe(200);
      const count = (await rows(replicas[0].store, 'access_used_assertion')).length;
      now = new Date(now.getTime() + 301_000);
      await replicas[0].access.maintain();
      const kept = (await rows(replicas[0].store, 'access_used_assertion')).length;
      expect(kept).toBeGreaterThan(0);
      expect(kept).toBeLessThanOrEqual(count);
      now = new Date(now.getTime() + 301_000);
      await replicas[0].access.maintain();
      expect(await rows(replicas[0].store, 'access_used_assertion')).toEqual([]);
    });
  },
  ['sqlite file', 'postgres'],
);

describe('the audit trail of access', () => {
  let replica: Replica;

  beforeEach(async () => {
    replica = await openReplica();
  });

  afterEach(() => replica.close());

  async function trail() {
    const found = await rows(replica.store, 'audit_record');
    return found.map(({ action, actor, outcome, data }) => ({
      action,
      actor,
      outcome,
      data: JSON.parse(String(data)),
    }));
  }

  test('tells of each token, by its id and never by itself', async () => {
    const { body } = await request(replica.server, { scope: 'vc:issue' });
    const { jti } = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString());
    const data = { scope: 'vc:issue', jti };
    expect(await trail()).toEqual([{ action: 'access.token_issued', actor: 'hr-system', outcome: 'success', data }]);
  });

  test('grows by one row, whatever number of refusals a stranger causes', async () => {
    for (let turn = 0; turn < 25; turn += 1) await request(replica.server, { client_assertion: `nonsense-${turn}` });
    await request(replica.server, { client_assertion: await assertion({}, { key: keys.stranger.privateKey }) });
    await request(replica.server, { grant_type: 'password' });
    await request(replica.server, {}, { authorization: 'Basic x' });
    expect(await trail()).toEqual([]);
    await replica.access.maintain();
    await replica.access.maintain();
    const data = { assertion: 25, client: 2, grant: 1 };
    expect(await trail()).toEqual([{ action: 'access.token_refused', actor: 'oauth', outcome: 'refused', data }]);
    const metrics = await replica.server.metrics.registry.metrics();
    expect(metrics).toContain('oauth_token_refusals_total{reason="assertion"} 25');
    expect(metrics).toContain('oauth_token_refusals_total{reason="client"} 2');
  });

  test('keeps the counts while the database is away', async () => {
    await request(replica.server, { client_assertion: 'nonsense' });
    await replica.store.transaction((tx) => tx.query('ALTER TABLE audit_record RENAME TO elsewhere'));
    await expect(replica.access.maintain()).rejects.toMatchObject({ code: 'storage_unavailable' });
    const answer = await request(replica.server);
    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    await replica.store.transaction((tx) => tx.query('ALTER TABLE elsewhere RENAME TO audit_record'));
    await replica.access.maintain();
    expect(await trail()).toMatchObject([{ data: { assertion: 1 } }]);
  });

  test('is written once more when the service stops', async () => {
    replica.access.start();
    await request(replica.server, { client_assertion: 'nonsense' });
    await replica.access.stop();
    await replica.access.stop();
    expect(await trail()).toMatchObject([{ action: 'access.token_refused' }]);
  });
});

function tamper(jwt: string): string {
  const [header, payload, signature] = jwt.split('.');
  const content = JSON.parse(Buffer.from(String(payload), 'base64url').toString());
  return [header, Buffer.from(JSON.stringify({ ...content, extra: 1 })).toString('base64url'), signature].join('.');
}

function withHeader(jwt: string, change: Record<string, unknown>): string {
  const [header, ...rest] = jwt.split('.');
  const content = JSON.parse(Buffer.from(String(header), 'base64url').toString());
  return [Buffer.from(JSON.stringify({ ...content, ...change })).toString('base64url'), ...rest].join('.');
}

async function withKey(): Promise<string> {
  return assertion({}, { key: keys.stranger.privateKey, header: { jwk: await exportJWK(keys.stranger.publicKey) } });
}

async function crafted(header: Record<string, unknown>): Promise<string> {
  return withHeader(await assertion(), header);
}
