/** The service is killed (SIGKILL) between the steps of a wallet that wants a token: nothing is lost, nothing is given twice. */
import { createHash, randomBytes } from 'node:crypto';
import { createClient, exampleOf } from './client.js';
import { type Deployment, type Field, openField, patience, type Service } from './deployment.js';

const redirectUri = 'com.example.wallet:/cb';
const clientId = 'com.example.wallet';
const nurse = 'staff-4711';

let field: Field;
let trust: Deployment;
let service: Service;

beforeAll(async () => {
  field = await openField();
  trust = await field.deploy('rxa', { signIn: { provider: 'development' } });
  field.recognise(trust);
  await trust.initialise();
  service = await trust.serve();
}, 4 * patience);

afterAll(() => field.close());

async function restart(): Promise<void> {
  await service.stop('SIGKILL');
  service = await trust.serve();
}

async function post(path: string, form: Readonly<Record<string, string>>) {
  const answer = await fetch(`${trust.url}${path}`, { method: 'POST', body: new URLSearchParams(form) });
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by member name, as a wallet would
  return { status: answer.status, body: (await answer.json()) as any };
}

async function offer(): Promise<void> {
  const client = createClient(trust, trust.url);
  const { credentialSubject, ...rest } = exampleOf('StaffIdentityCredential');
  const { id: _holder, ...subject } = credentialSubject as Record<string, unknown>;
  const body = {
    credentials: [{ credential: { ...rest, credentialSubject: subject } }],
    person: { signInSubject: nurse },
  };
  const answer = await client.post('/admin/offers', body, { authorization: `Bearer ${await client.token()}` });
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
}

/** One step of a browser that keeps cookies and follows nothing by itself. */
function openBrowser() {
  const cookies = new Map<string, string>();
  return async (url: string, form?: Readonly<Record<string, string>>) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', cookie },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return { location: answer.headers.get('location') ?? '', text: await answer.text() };
  };
}

const use = (accessToken: string) =>
  fetch(`${trust.url}/notification`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ notification_id: 'unknown', event: 'credential_accepted' }),
  });

test(
  'a wallet gets its tokens though the service dies between all of its steps',
  async () => {
    await offer();
    const verifier = randomBytes(32).toString('base64url');
    const pushed = await post('/par', {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    expect(pushed.status).toBe(201);
    await restart();

    const go = openBrowser();
    const started = await go(
      `${trust.url}/authorize?${new URLSearchParams({ client_id: clientId, request_uri: pushed.body.request_uri })}`,
    );
    await restart();
    const { pathname, searchParams } = new URL(started.location);
    const answered = await go(`${trust.url}${pathname}`, { ...Object.fromEntries(searchParams), subject: nurse });
    const received = await go(answered.location);
    await restart();
    const asked = await go(received.location);
    const formToken = /name="form_token" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
    await restart();
    const { location } = await go(`${trust.url}/authorize/consent`, { form_token: formToken, decision: 'allow' });
    const code = new URL(location).searchParams.get('code') ?? '';
    await restart();

    const form = {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      client_id: clientId,
      redirect_uri: redirectUri,
    };
    const tokens = await post('/token', form);
    expect(tokens).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    await restart();

    // Known as a token, though it names a notification that there is not.
    expect((await use(tokens.body.access_token)).status).toBe(400);
    const renewed = await post('/token', { grant_type: 'refresh_token', refresh_token: tokens.body.refresh_token });
    expect(renewed.status).toBe(200);
    await restart();
    expect((await use(tokens.body.access_token)).status).toBe(401);
    expect((await use(renewed.body.access_token)).status).toBe(400);
    expect(await post('/token', form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    await restart();
    expect((await use(renewed.body.access_token)).status).toBe(401);

    const diary = field.diary();
    for (const secret of [code, verifier, formToken, nurse, tokens.body.access_token, tokens.body.refresh_token]) {
      expect(diary.includes(secret)).toBe(false);
    }
  },
  6 * patience,
);
