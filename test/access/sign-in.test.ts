/** Sign-in at an identity provider that a test makes lie in one way at a time. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { exportJWK, jwtVerify, SignJWT } from 'jose';
import {
  accessEntities,
  createDevelopmentProvider,
  createIdentityProvider,
  createSignIn,
  developmentClient,
  type SignIn,
} from '../../src/access/access.js';
import { developmentProviderRoutes, signInRoutes } from '../../src/access/sign-in/routes.js';
import { type Exchange, FetchError } from '../../src/http/client.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../src/http/server.js';
import { openStore, type Store } from '../../src/store/store.js';

const publicUrl = 'https://rxa.example/trusts/rxa';
const issuer = 'https://login.example/tenant';
const clientId = 'staff-passport';

let now = new Date('2026-11-21T09:00:00Z');
let store: Store;
let folder: string;
const keys = {
  provider: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  thief: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

beforeAll(async () => {
  store = await openStore({ database: { type: 'sqlite', file: ':memory:' }, entities: accessEntities, migrate: 'run' });
  folder = await mkdtemp(path.join(tmpdir(), 'staff-passport-sign-in-'));
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  now = new Date('2026-11-21T09:00:00Z');
});

interface Lies {
  /** Claims of the ID token; undefined takes one away. */
  readonly claims?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly signWith?: KeyObject;
  readonly unsigned?: boolean;
  readonly token?: { status: number; body: unknown };
  /** Which of its addresses cannot be reached. */
  readonly down?: RegExp;
}

interface Told {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly form: URLSearchParams;
}

/** An OpenID Connect provider at the end of an Exchange. */
function openProvider(lies: Lies = {}) {
  const told: Told[] = [];
  let nonce: string | null = null;

  async function idToken(): Promise<string> {
    const seconds = Math.floor(now.getTime() / 1000);
    const usual = { iss: issuer, aud: clientId, sub: 'staff-4711', nonce, iat: seconds, exp: seconds + 300 };
    const claims = Object.entries({ ...usual, ...lies.claims }).filter(([, value]) => value !== undefined);
    if (lies.unsigned) {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none' })}.${part(Object.fromEntries(claims))}.`;
    }
    const header = { alg: 'RS256', kid: 'login-1', ...lies.header };
    return new SignJWT(Object.fromEntries(claims))
      .setProtectedHeader(header)
      .sign(lies.signWith ?? keys.provider.privateKey);
  }

  const answers: Record<string, () => Promise<{ status: number; body: unknown }>> = {
    '/tenant/.well-known/openid-configuration': async () => ({
      status: 200,
      body: {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
        ...lies.metadata,
      },
    }),
    '/tenant/jwks': async () => ({
      status: 200,
      body: { keys: [{ ...(await exportJWK(keys.provider.publicKey)), kid: 'login-1', use: 'sig', alg: 'RS256' }] },
    }),
    '/tenant/token': async () =>
      lies.token ?? {
        status: 200,
        body: { access_token: 'a', token_type: 'Bearer', expires_in: 60, id_token: await idToken() },
      },
  };

  const exchange: Exchange = async ({ url, headers = {}, body = '' }) => {
    const { pathname } = new URL(url);
    told.push({ path: pathname, headers: { ...headers }, form: new URLSearchParams(body) });
    if (lies.down?.test(pathname)) throw new FetchError('connection', 'login.example could not be reached.');
    const answer = await answers[pathname]?.();
    const json = Buffer.from(JSON.stringify(answer?.body ?? {}));
    return {
      status: answer?.status ?? 404,
      headers: { 'content-type': 'application/json' },
      contentType: 'application/json',
      body: json,
    };
  };

  return {
    told,
    exchange,
    /** The person signs in; what the browser brings back. */
    answer(redirect: string, changes: Record<string, string | undefined> = {}): string {
      const asked = new URL(redirect).searchParams;
      nonce = asked.get('nonce');
      const given = { code: 'c', state: asked.get('state') ?? '', iss: issuer, ...changes };
      const kept = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
      return new URLSearchParams(kept).toString();
    },
  };
}

const faults: unknown[] = [];

function openSignIn(
  exchange: Exchange,
  config: Partial<Parameters<typeof createIdentityProvider>[0]['config']> = {},
): SignIn {
  const clock = () => now;
  const provider = createIdentityProvider({
    config: { issuer, clientId, scopes: ['openid'], subjectClaim: 'sub', allowHttp: false, ...config },
    exchange,
    now: clock,
  });
  const onFault = (error: unknown) => void faults.push(error);
  return createSignIn({ store, now: clock, random: randomBytes, publicUrl, provider, onFault });
}

/** The browser's Cookie header after a Set-Cookie. */
const jar = (setCookie: string) => setCookie.split(';', 1)[0] ?? '';

async function signInWith(lies: Lies, changes: Record<string, string | undefined> = {}, config = {}) {
  const provider = openProvider(lies);
  const signIn = openSignIn(provider.exchange, config);
  const { redirect, cookie } = await signIn.begin({ state: { request: 'r1' }, returnTo: '/authorize/consent' });
  const query = provider.answer(redirect, changes);
  const received = await signIn.receive({ query, cookie: jar(cookie) });
  return {
    provider,
    signIn,
    redirect,
    cookie,
    query,
    received,
    finish: () => signIn.finish({ cookie: jar(received.cookie) }),
  };
}

async function rows(): Promise<string> {
  return JSON.stringify(await store.read((tx) => tx.query('SELECT digest, hex(sealed) AS sealed FROM access_sign_in')));
}

describe('a sign-in that goes well', () => {
  test('tells the caller who it was, once', async () => {
    const { redirect, received, finish } = await signInWith({});
    const asked = new URL(redirect);
    expect(`${asked.origin}${asked.pathname}`).toBe(`${issuer}/authorize`);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      client_id: clientId,
      redirect_uri: `${publicUrl}/sign-in/callback`,
      response_type: 'code',
      scope: 'openid',
      code_challenge_method: 'S256',
    });
    expect(received.redirect).toBe(`${publicUrl}/authorize/consent`);
    await expect(finish()).resolves.toEqual({ subject: 'staff-4711', state: { request: 'r1' } });
    await expect(finish()).rejects.toMatchObject({ error: 'login_required' });
  });

  test('keeps its cookies to us, and nothing readable in the database', async () => {
    const { cookie, received, signIn } = await signInWith({});
    for (const text of [cookie, received.cookie]) {
      expect(text).toMatch(
        /^__Secure-sign-in=[A-Za-z0-9_-]{43}; Path=\/trusts\/rxa; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
      );
    }
    expect(jar(received.cookie)).not.toBe(jar(cookie));
    expect(await rows()).not.toContain(Buffer.from('staff-4711').toString('hex').toUpperCase());
    await signIn.finish({ cookie: jar(received.cookie) });
  });

  test('reads the claim that the configuration names', async () => {
    const { finish } = await signInWith(
      { claims: { nhsid_useruid: '910000000001' } },
      {},
      { subjectClaim: 'nhsid_useruid' },
    );
    await expect(finish()).resolves.toMatchObject({ subject: '910000000001' });
  });

  test('authenticates with a secret, or with a key (RFC 7523)', async () => {
    const secretFile = path.join(folder, 'secret');
    await writeFile(secretFile, 'hunter2\n');
    const bySecret = await signInWith({}, {}, { clientSecretFile: secretFile });
    const shown = bySecret.provider.told.find(({ path: asked }) => asked === '/tenant/token');
    expect(Object.fromEntries(shown?.form ?? [])).toMatchObject({ client_id: clientId, client_secret: 'hunter2' });

    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyFile = path.join(folder, 'key.pem');
    await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const byKey = await signInWith({}, {}, { privateKeyFile: keyFile });
    const proved = byKey.provider.told.find(({ path: asked }) => asked === '/tenant/token');
    const assertion = proved?.form.get('client_assertion') ?? '';
    const { payload } = await jwtVerify(assertion, publicKey, { currentDate: now });
    expect(payload).toMatchObject({ iss: clientId, sub: clientId, aud: issuer });
    await expect(byKey.finish()).resolves.toMatchObject({ subject: 'staff-4711' });
  });

  test('is refused at start with a file that is missing or holds another kind of key', async () => {
    const provider = openProvider();
    const missing = path.join(folder, 'missing');
    expect(() => openSignIn(provider.exchange, { clientSecretFile: missing })).toThrow(/cannot be read/);
    const file = path.join(folder, 'ed25519.pem');
    await writeFile(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(() => openSignIn(provider.exchange, { privateKeyFile: file })).toThrow(/no P-256 or RSA key/);
    await writeFile(file, 'nonsense');
    expect(() => openSignIn(provider.exchange, { privateKeyFile: file })).toThrow(/no P-256 or RSA key/);
    expect(() => createPrivateKey('nonsense')).toThrow();
  });
});

describe('an answer of the provider', () => {
  const past = () => Math.floor(now.getTime() / 1000) - 3600;

  test.each<[string, () => Lies]>([
    ['with another nonce', () => ({ claims: { nonce: 'other' } })],
    ['without a nonce', () => ({ claims: { nonce: undefined } })],
    ['for another client', () => ({ claims: { aud: 'somebody-else' } })],
    ['of another issuer', () => ({ claims: { iss: 'https://login.example/other' } })],
    ['that has expired', () => ({ claims: { exp: past() } })],
    ['that has no end', () => ({ claims: { exp: undefined } })],
    ['about nobody', () => ({ claims: { sub: undefined } })],
    ['about somebody without a name', () => ({ claims: { sub: '' } })],
    ['about somebody with an endless name', () => ({ claims: { sub: 'x'.repeat(256) } })],
    ['signed by somebody else', () => ({ signWith: keys.thief.privateKey })],
    ['signed with a key that is not listed', () => ({ header: { kid: 'login-2' } })],
    ['signed with another algorithm', () => ({ header: { alg: 'PS256' } })],
    ['that nobody signed', () => ({ unsigned: true })],
    ['that is an error', () => ({ token: { status: 400, body: { error: 'invalid_grant' } } })],
    ['without an ID token', () => ({ token: { status: 200, body: { access_token: 'a', token_type: 'Bearer' } } })],
    ['that is no JSON object', () => ({ token: { status: 200, body: 'hello' } })],
  ])('%s signs nobody in', async (_title, lies) => {
    const { finish } = await signInWith(lies());
    await expect(finish()).rejects.toMatchObject({ error: 'access_denied', state: { request: 'r1' } });
  });

  test.each<[string, Record<string, string | undefined>]>([
    ['another state', { state: 'other' }],
    ['no state', { state: undefined }],
    ['the name of another provider', { iss: 'https://evil.example' }],
    ['no name, though it always gives one', { iss: undefined }],
    ['no code', { code: undefined }],
    ['an error', { code: undefined, error: 'server_error' }],
    ['a refusal', { code: undefined, error: 'access_denied' }],
  ])('that comes with %s signs nobody in', async (_title, changes) => {
    const { finish, provider } = await signInWith({}, changes);
    expect(provider.told.some(({ path: asked }) => asked === '/tenant/token')).toBe(false);
    await expect(finish()).rejects.toMatchObject({ error: 'access_denied', state: { request: 'r1' } });
  });

  test('that cannot be had is told as that', async () => {
    for (const down of [/token/, /jwks/]) {
      const { finish } = await signInWith({ down });
      await expect(finish()).rejects.toMatchObject({ error: 'temporarily_unavailable', state: { request: 'r1' } });
    }
    const nowhere = openSignIn(openProvider({ down: /./ }).exchange);
    const begun = nowhere.begin({ state: {}, returnTo: '/x' });
    await expect(begun).rejects.toMatchObject({ error: 'temporarily_unavailable', code: 'overloaded' });
    const impostor = openSignIn(openProvider({ metadata: { issuer: 'https://evil.example' } }).exchange);
    await expect(impostor.begin({ state: {}, returnTo: '/x' })).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });
  });

  test('finds the provider again after it was away', async () => {
    const lies: { down?: RegExp } = { down: /./ };
    const provider = openProvider(lies);
    const signIn = openSignIn(provider.exchange);
    await expect(signIn.begin({ state: {}, returnTo: '/x' })).rejects.toBeDefined();
    delete lies.down;
    await expect(signIn.begin({ state: {}, returnTo: '/x' })).resolves.toBeDefined();
  });
});

describe('the browser of a sign-in', () => {
  test('must be the one that began, and comes back once', async () => {
    const provider = openProvider();
    const signIn = openSignIn(provider.exchange);
    const { redirect, cookie } = await signIn.begin({ state: {}, returnTo: '/x' });
    const query = provider.answer(redirect);
    const other = await signIn.begin({ state: {}, returnTo: '/x' });
    const lost = { error: 'login_required', code: 'forbidden' };
    await expect(signIn.receive({ query, cookie: undefined })).rejects.toMatchObject(lost);
    await expect(signIn.receive({ query, cookie: '__Secure-sign-in=made-up' })).rejects.toMatchObject(lost);
    const both = `${jar(cookie)}; ${jar(other.cookie)}`;
    await expect(signIn.receive({ query, cookie: both })).rejects.toMatchObject(lost);
    await signIn.receive({ query, cookie: jar(cookie) });
    await expect(signIn.receive({ query, cookie: jar(cookie) })).rejects.toMatchObject(lost);
  });

  test('is nobody while it has not come back', async () => {
    const provider = openProvider();
    const signIn = openSignIn(provider.exchange);
    const { cookie } = await signIn.begin({ state: { request: 'r1' }, returnTo: '/x' });
    await expect(signIn.finish({ cookie: jar(cookie) })).rejects.toMatchObject({ error: 'login_required' });
  });

  test('has ten minutes for each step', async () => {
    const provider = openProvider();
    const signIn = openSignIn(provider.exchange);
    const late = await signIn.begin({ state: {}, returnTo: '/x' });
    const query = provider.answer(late.redirect);
    now = new Date(now.getTime() + 600_000);
    await expect(signIn.receive({ query, cookie: jar(late.cookie) })).rejects.toMatchObject({
      error: 'login_required',
    });
    await signIn.begin({ state: {}, returnTo: '/x' });
    now = new Date(now.getTime() + 601_000);
    await signIn.maintain();
    expect(await rows()).toBe('[]');
  });
});

describe('the development provider', () => {
  let server: HttpServer;
  const url = '/development/oidc';

  beforeAll(async () => {
    const clock = () => now;
    server = await createServer({
      publicUrl,
      serviceName: 'RXA',
      version: '0',
      authorise: async () => ({ clientId: 'x', scopes: [] }),
      metrics: createMetrics(),
      checkResponses: true,
      now: clock,
      pressure: { patienceMilliseconds: Number.MAX_SAFE_INTEGER },
      newId: () => crypto.randomUUID(),
    });
    await server.register(
      developmentProviderRoutes(
        createDevelopmentProvider({ publicUrl, seed: Buffer.alloc(32, 7), now: clock, random: randomBytes }),
      ),
    );
    await server.register(signInRoutes(openSignIn(openProvider().exchange)));
  });

  afterAll(() => server.close());

  const question = (changes = {}) => ({
    client_id: developmentClient(publicUrl).clientId,
    redirect_uri: `${publicUrl}/sign-in/callback`,
    response_type: 'code',
    state: 's',
    nonce: 'n',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...changes,
  });
  const post = (to: string, form: Record<string, string>) =>
    server.inject({
      method: 'POST',
      url: `${url}${to}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(form).toString(),
    });

  test('sends people nowhere but back to us', async () => {
    for (const changes of [
      { redirect_uri: 'https://evil.example/' },
      { client_id: 'other' },
      { code_challenge_method: 'plain' },
    ]) {
      const asked = new URLSearchParams(question(changes)).toString();
      expect((await server.inject(`${url}/authorize?${asked}`)).statusCode).toBe(400);
      expect((await post('/authorize', { ...question(changes), subject: 'x' })).statusCode).toBe(400);
    }
    expect((await post('/authorize', { ...question(), subject: ' ' })).statusCode).toBe(400);
  });

  test('redeems a code once, for whoever has its verifier', async () => {
    const codeOf = async () => {
      const answer = await post('/authorize', { ...question(), subject: 'staff-4711' });
      return new URL(String(answer.headers.location)).searchParams.get('code') ?? '';
    };
    const form = (code: string, changes = {}) => ({
      grant_type: 'authorization_code',
      code,
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      redirect_uri: `${publicUrl}/sign-in/callback`,
      client_id: 'staff-passport',
      ...changes,
    });
    const code = await codeOf();
    expect((await post('/token', form(code))).json()).toMatchObject({
      token_type: 'Bearer',
      id_token: expect.any(String),
    });
    expect((await post('/token', form(code))).statusCode).toBe(400);
    expect((await post('/token', form(await codeOf(), { code_verifier: 'other' }))).statusCode).toBe(400);
    const late = await codeOf();
    now = new Date(now.getTime() + 60_000);
    expect((await post('/token', form(late))).statusCode).toBe(400);
  });

  test('a callback without a sign-in is a page that says what to do', async () => {
    const answer = await server.inject('/sign-in/callback?code=x&state=y');
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['content-type']).toMatch(/^text\/html/);
    expect(answer.body).toContain('Begin again');
    expect(answer.body).not.toContain('scope');
  });
});
