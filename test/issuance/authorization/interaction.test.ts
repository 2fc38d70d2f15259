/** The authorization code flow: a wallet asks, a person signs in and allows, and whoever comes between gets nothing. */
import { faultOfRedirectUri } from '../../../src/issuance/authorization/redirect-uri.js';
import { describeDialects } from '../../store/dialects.js';
import {
  asking,
  authorizeUrl,
  type Counter,
  clientId,
  codeForm,
  consent,
  issuer,
  issuerStateOf,
  newPkce,
  nurse,
  obtainCode,
  openCounter,
  redemption,
  redirectUri,
} from './counter.js';

let counter: Counter;

beforeAll(async () => {
  counter = await openCounter();
}, 60_000);

afterAll(() => counter.close());

const sdJwt = 'StaffIdentityCredential_sd_jwt';

async function push(changes = {}) {
  const { verifier, challenge } = newPkce();
  const answer = await counter.post('/par', asking(challenge, changes));
  return { answer, verifier, requestUri: String(answer.body.request_uri) };
}

const pushedUrl = (requestUri: string) => authorizeUrl({ client_id: clientId, request_uri: requestUri });

describe('redirect_uri', () => {
  test.each([
    'https://wallet.example/cb',
    'https://wallet.example/cb?app=1',
    'https://wallet.example:8443/a/b',
    'http://127.0.0.1:49152/cb',
    'http://[::1]:8080/cb',
    'http://localhost:3000/',
    'com.example.wallet:/oauth2redirect',
    'eu.europa.ec.euidi://authorization',
    'id.paradym.wallet://wallet/redirect',
    'openid-credential-offer://callback',
    'haip-vci://callback',
  ])('%s may be answered to', (uri) => {
    expect(faultOfRedirectUri(uri)).toBeUndefined();
  });

  test.each([
    undefined,
    '',
    'wallet.example/cb',
    '//wallet.example/cb',
    '/cb',
    'http://wallet.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://localhost.evil.example/cb',
    'https://user@wallet.example/cb',
    'https://user:password@wallet.example/cb',
    'https://wallet.example/cb#fragment',
    'https://wallet.example/c b',
    'https://wallet.example/"><script>',
    'https:\\\\wallet.example',
    'https:///wallet.example',
    'https:wallet.example',
    'https://',
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://wallet.example/x',
    'about:blank',
    'intent://scan/#Intent;scheme=zxing;end',
    'ftp://wallet.example/',
    'ws://wallet.example/',
    'mailto:a@b.example',
    'urn:ietf:wg:oauth:2.0:oob',
    'https://wallet.example/\r\nSet-Cookie: a=b',
    `https://wallet.example/${'a'.repeat(2048)}`,
  ])('%s may not', (uri) => {
    expect(faultOfRedirectUri(uri)).toEqual(expect.any(String));
  });
});

describe('a pushed authorization request', () => {
  test('is kept for a minute', async () => {
    const { answer } = await push();
    expect(answer).toMatchObject({ status: 201, body: { expires_in: 60 } });
    expect(answer.body.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test.each([
    ['without client_id', { client_id: undefined }, 'invalid_request'],
    ['with an endless client_id', { client_id: 'x'.repeat(513) }, 'invalid_request'],
    ['with line breaks in its client_id', { client_id: 'a\r\nb' }, 'invalid_request'],
    ['without redirect_uri', { redirect_uri: undefined }, 'invalid_request'],
    ['with a redirect_uri of nobody', { redirect_uri: 'javascript:alert(1)' }, 'invalid_request'],
    ['without response_type', { response_type: undefined }, 'invalid_request'],
    ['with another response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['with another response_mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with PKCE of the method that a missing one means', { code_challenge_method: undefined }, 'invalid_request'],
    ['with plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['with a challenge that is no digest', { code_challenge: 'short' }, 'invalid_request'],
    ['with a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
    ['with a request object', { request: 'a.b.c' }, 'invalid_request'],
    ['that nobody may see', { prompt: 'none' }, 'login_required'],
    ['for scopes that there are not', { scope: 'openid profile' }, 'invalid_scope'],
    ['for more scopes than can be', { scope: 'a '.repeat(65) }, 'invalid_scope'],
    ['with details that are no JSON', { authorization_details: '[' }, 'invalid_authorization_details'],
    ['with a thumbprint that is none', { dpop_jkt: 'x' }, 'invalid_request'],
    ['with an endless state', { state: 'x'.repeat(1025) }, 'invalid_request'],
  ])('%s is refused and not kept', async (_title, changes, error) => {
    const before = await counter.rows();
    const { answer } = await push(changes);
    expect(answer.body.error).toBe(error);
    expect(answer.status).toBe(error === 'login_required' ? 403 : 400);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await counter.rows()).toEqual(before);
  });

  test('ignores what it does not know, and unknown scopes beside a known one', async () => {
    const { answer } = await push({ scope: `openid ${sdJwt}`, resource: issuer, nonce: 'x', anything: 'else' });
    expect(answer.status).toBe(201);
  });

  test('takes a parameter without a value for one that was not sent', async () => {
    const empty = { scope: '', state: '', issuer_state: '', authorization_details: '', dpop_jkt: '', request: '' };
    expect((await push(empty)).answer.status).toBe(201);
    expect((await push({ client_id: '' })).answer.body.error).toBe('invalid_request');
    expect((await push({ code_challenge_method: '' })).answer.body.error).toBe('invalid_request');
  });

  test('can be used once, by the client that pushed it, within its minute', async () => {
    const browser = counter.browser();
    const once = await push();
    expect((await browser.get(pushedUrl(once.requestUri))).body).toContain('Development sign-in');
    const again = await browser.get(pushedUrl(once.requestUri));
    expect(again.status).toBe(400);
    expect(again.body).toContain('used before');

    const previewed = await push();
    const { pathname, search } = new URL(pushedUrl(previewed.requestUri));
    expect((await counter.server.inject({ method: 'HEAD', url: `${pathname}${search}` })).statusCode).toBe(405);
    expect((await browser.get(pushedUrl(previewed.requestUri))).body).toContain('Development sign-in');

    const stolen = await push();
    const other = authorizeUrl({ client_id: 'https://thief.example', request_uri: stolen.requestUri });
    expect((await browser.get(other)).status).toBe(400);
    expect((await browser.get(pushedUrl(stolen.requestUri))).body).toContain('Development sign-in');

    const late = await push();
    counter.pass(60_000);
    const answer = await counter.server.inject(
      new URL(pushedUrl(late.requestUri)).pathname + new URL(pushedUrl(late.requestUri)).search,
    );
    expect(answer).toMatchObject({ statusCode: 400 });
    expect(answer.json().error).toBe('invalid_request_uri');
  });

  test('is all that counts: what else stands in the address changes nothing', async () => {
    await counter.offer();
    const { requestUri } = await push();
    const url = authorizeUrl({
      ...asking(newPkce().challenge, { redirect_uri: 'https://thief.example/cb', state: 'thief' }),
      request_uri: requestUri,
    });
    const { left } = await consent(counter, url);
    expect(left.origin).toBe('https://wallet.example');
    expect(left.searchParams.get('state')).toBe('af0ifjsldkj');
  });
});

describe('a request in the address', () => {
  const open = (changes: Readonly<Record<string, string | undefined>>, accept = '*/*') =>
    counter.server.inject({
      url: new URL(authorizeUrl(asking(newPkce().challenge, changes))).href.slice(new URL(issuer).origin.length),
      headers: { accept },
    });

  test('with a redirect_uri or client_id that is not good goes nowhere', async () => {
    for (const changes of [
      { redirect_uri: 'javascript:alert(1)' },
      { redirect_uri: undefined },
      { client_id: undefined },
    ]) {
      const answer = await open(changes);
      expect(answer.headers.location).toBeUndefined();
      expect(answer).toMatchObject({ statusCode: 400 });
      expect(answer.json().error).toBe('invalid_request');
      expect((await open(changes, 'text/html')).body).toContain('<h1>');
    }
  });

  test('that fails is told to an app on the device at once', async () => {
    const answer = await open({ redirect_uri: 'com.example.wallet:/cb', code_challenge: undefined });
    expect(answer.statusCode).toBe(302);
    const location = new URL(String(answer.headers.location));
    expect(location.href).toMatch(/^com\.example\.wallet:\/cb\?/);
    expect(Object.fromEntries(location.searchParams)).toEqual({
      error: 'invalid_request',
      error_description: expect.stringContaining('PKCE'),
      state: 'af0ifjsldkj',
      iss: issuer,
    });
  });

  test('that fails sends nobody on to a website that a stranger may have named', async () => {
    const changes = { redirect_uri: 'https://phish.example/cb', response_type: 'nonsense' };
    const page = await open(changes, 'text/html');
    expect(page).toMatchObject({ statusCode: 400 });
    expect(page.headers.location).toBeUndefined();
    expect(page.body).toContain('Go back to phish.example');
    expect(page.body).toContain('error&#61;unsupported_response_type');
    expect((await open(changes)).json().error).toBe('unsupported_response_type');
  });

  test('that holds a parameter twice is refused', async () => {
    const answer = await counter.server.inject(`/authorize?client_id=a&client_id=b`);
    expect(answer).toMatchObject({ statusCode: 400 });
    expect(answer.json().error).toBe('invalid_request');
  });
});

describe('a person who signs in and allows it', () => {
  test('sees what would go where, and the wallet gets a code for exactly that', async () => {
    const offer = await counter.offer(['StaffIdentityCredential', 'RightToWorkCredential']);
    const minted = await counter.mint(offer, 'authorization_code');
    const { requestUri, verifier } = await push({ issuer_state: issuerStateOf(minted) });
    const { asked, left } = await consent(counter, pushedUrl(requestUri));
    expect(asked.body).toContain('Staff identity');
    expect(asked.body).toContain('Right to work');
    expect(asked.body).toContain('wallet.example');
    expect(String(asked.headers['content-security-policy'])).toContain("form-action 'self' https://wallet.example;");
    expect(left.href.startsWith(`${redirectUri}?`)).toBe(true);
    expect(Object.fromEntries(left.searchParams)).toEqual({
      code: expect.any(String),
      state: 'af0ifjsldkj',
      iss: issuer,
    });
    const answer = await counter.post('/token', codeForm({ code: left.searchParams.get('code') ?? '', verifier }));
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    const access = await counter.authorization.authorise({
      authorization: `Bearer ${answer.body.access_token}`,
      dpop: undefined,
      method: 'POST',
      url: `${issuer}/credential`,
    });
    expect(access).toMatchObject({
      clientId,
      identifiers: false,
      grant: { offerId: offer.offerId, signedIn: true, documentIds: offer.documents.map(({ id }) => id) },
    });
  });

  test('gives a wallet that began by itself only what it asked for', async () => {
    await counter.offer(['StaffIdentityCredential', 'CoreSkillCredential']);
    const details = JSON.stringify([{ type: 'openid_credential', credential_configuration_id: sdJwt }]);
    const answer = await counter.post(
      '/token',
      codeForm(await obtainCode(counter, { authorization_details: details })),
    );
    expect(answer.body.scope).toBe(sdJwt);
    expect(answer.body.authorization_details).toEqual([
      { type: 'openid_credential', credential_configuration_id: sdJwt, credential_identifiers: [expect.any(String)] },
    ]);
    const byScope = await counter.post('/token', codeForm(await obtainCode(counter, { scope: `openid ${sdJwt}` })));
    expect(byScope.body.scope).toBe(sdJwt);
    expect(byScope.body.authorization_details).toBeUndefined();
  });

  test('may refuse, and the wallet hears of it', async () => {
    await counter.offer();
    const { requestUri } = await push();
    const { left } = await consent(counter, pushedUrl(requestUri), { decision: 'refuse' });
    expect(Object.fromEntries(left.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'af0ifjsldkj',
      iss: issuer,
    });
    expect(left.searchParams.has('code')).toBe(false);
  });

  test('may cancel the sign-in, and the wallet hears of it', async () => {
    const { requestUri } = await push();
    const browser = counter.browser();
    const page = await browser.get(pushedUrl(requestUri));
    const cancelled = await browser.submit(page, { cancel: 'yes' });
    expect(cancelled).toMatchObject({ status: 403, body: expect.stringContaining('The sign-in was cancelled.') });
    expect(Object.fromEntries(browser.linkFrom(cancelled).searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'af0ifjsldkj',
      iss: issuer,
    });
  });

  test('gets nothing that is for somebody else, with or without the offer in hand', async () => {
    const minted = await counter.mint(await counter.offer(), 'authorization_code');
    for (const changes of [{ issuer_state: issuerStateOf(minted) }, {}, { issuer_state: 'made up' }]) {
      const { requestUri } = await push(changes);
      const before = await counter.rows();
      const { left } = await consent(counter, pushedUrl(requestUri), { subject: 'staff-0815' });
      expect(left.searchParams.get('error')).toBe('access_denied');
      expect((await counter.rows()).wallet_session).toBe(before.wallet_session);
    }
  });

  test('answers once, in the browser that asked, with the form that it was shown', async () => {
    await counter.offer();
    const { requestUri } = await push();
    const browser = counter.browser();
    const asked = await browser.submit(await browser.get(pushedUrl(requestUri)), { subject: nurse });
    const forged = {
      ...asked,
      body: asked.body.replace(/name="form_token" value="[^"]*"/, 'name="form_token" value="forged"'),
    };
    expect(await browser.submit(forged, { decision: 'allow' })).toMatchObject({ status: 400 });
    expect(await counter.browser().submit(asked, { decision: 'allow' })).toMatchObject({ status: 400 });
    expect((await browser.submit(asked, { decision: 'allow' })).left?.searchParams.has('code')).toBe(true);
    expect(await browser.submit(asked, { decision: 'allow' })).toMatchObject({ status: 400 });
  });

  test('is asked again from the beginning after too long', async () => {
    await counter.offer();
    const { requestUri } = await push();
    const browser = counter.browser();
    const asked = await browser.submit(await browser.get(pushedUrl(requestUri)), { subject: nurse });
    counter.pass(10 * 60_000);
    expect(await browser.submit(asked, { decision: 'allow' })).toMatchObject({ status: 400 });
  });
});

describe('an authorization code', () => {
  beforeEach(async () => {
    await counter.offer();
  });

  const redeem = (form: Parameters<Counter['post']>[1]) => counter.post('/token', form);

  test.each([
    ['without a verifier', { code_verifier: undefined }, 'invalid_request'],
    ['with another verifier', { code_verifier: newPkce().verifier }, 'invalid_grant'],
    ['with a verifier that is too short', { code_verifier: 'short' }, 'invalid_grant'],
    ['from another redirect_uri', { redirect_uri: 'https://thief.example/cb' }, 'invalid_grant'],
    ['without its redirect_uri', { redirect_uri: undefined }, 'invalid_grant'],
    ['by another client', { client_id: 'https://thief.example' }, 'invalid_grant'],
    ['by nobody', { client_id: undefined }, 'invalid_request'],
    [
      'for more than was allowed',
      {
        authorization_details: '[{"type":"openid_credential","credential_configuration_id":"DbsCheckCredential_ldp"}]',
      },
      'invalid_authorization_details',
    ],
  ])('%s is refused, and stays good for its wallet', async (_title, changes, error) => {
    const obtained = await obtainCode(counter, { scope: sdJwt });
    const before = await counter.rows();
    expect(await redeem(codeForm(obtained, changes))).toMatchObject({ status: 400, body: { error } });
    expect(await counter.rows()).toEqual(before);
    expect((await redeem(codeForm(obtained))).status).toBe(200);
  });

  test('lives for a minute', async () => {
    const obtained = await obtainCode(counter);
    counter.pass(60_000);
    expect(await redeem(codeForm(obtained))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('that comes again ends what was made from it', async () => {
    const obtained = await obtainCode(counter);
    const first = await redeem(codeForm(obtained));
    counter.pass(1000);
    expect(await redeem(codeForm(obtained))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const refresh = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token };
    expect(await redeem(refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const request = {
      authorization: `Bearer ${first.body.access_token}`,
      dpop: undefined,
      method: 'POST',
      url: issuer,
    };
    await expect(counter.authorization.authorise(request)).rejects.toMatchObject({ error: 'invalid_token' });
  });

  test('stays good when its redemption fails in the middle', async () => {
    const obtained = await obtainCode(counter);
    const before = await counter.rows();
    const { record } = counter.audit;
    counter.audit.record = async (tx, event) => {
      if (event.action === 'wallet.session_begun') throw new Error('the process is killed here');
      return record(tx, event);
    };
    expect((await redeem(codeForm(obtained))).status).toBe(500);
    counter.audit.record = record;
    expect(await counter.rows()).toEqual(before);
    expect((await redeem(codeForm(obtained))).status).toBe(200);
  });

  test('is no pre-authorized code, and the other way round', async () => {
    const { code } = await obtainCode(counter);
    const swapped = { grant_type: 'urn:ietf:params:oauth:grant-type:pre-authorized_code', 'pre-authorized_code': code };
    expect(await redeem(swapped)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const offer = await counter.offer();
    const preAuthorized = redemption(await counter.mint(offer), offer.txCode)['pre-authorized_code'] ?? '';
    const asCode = codeForm({ code: preAuthorized, verifier: newPkce().verifier });
    expect(await redeem(asCode)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

test('what is over is forgotten', async () => {
  await push();
  counter.pass(40 * 86_400_000);
  await counter.authorization.maintain();
  const { audit_record: _kept, ...rows } = await counter.rows();
  expect(rows).toEqual({ wallet_request: 0, wallet_session: 0, wallet_refresh_token: 0 });
});

describeDialects('of many who redeem one thing at once exactly one wins', (database) => {
  let shared: Counter;

  beforeAll(async () => {
    shared = await openCounter(database());
  }, 60_000);

  afterAll(() => shared?.close());

  const times = 6;

  async function race(form: Parameters<Counter['post']>[1]) {
    const answers = await Promise.all(Array.from({ length: times }, () => shared.post('/token', form)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.map(({ body }) => body.error)).toEqual(Array(times - 1).fill('invalid_grant'));
    const won = answers.find(({ status }) => status === 200);
    const request = { authorization: `Bearer ${won?.body.access_token}`, dpop: undefined, method: 'POST', url: issuer };
    await expect(shared.authorization.authorise(request)).resolves.toBeDefined();
    return won;
  }

  test('with a pre-authorized code, an authorization code and a refresh token', async () => {
    const offer = await shared.offer();
    const before = await shared.rows();
    const won = await race(redemption(await shared.mint(offer), offer.txCode));
    await race({ grant_type: 'refresh_token', refresh_token: won?.body.refresh_token });
    expect((await shared.rows()).wallet_session).toBe((before.wallet_session ?? 0) + 1);
    await shared.offer();
    await race(codeForm(await obtainCode(shared)));
    expect((await shared.rows()).wallet_session).toBe((before.wallet_session ?? 0) + 2);
  }, 30_000);

  test('with a pushed request', async () => {
    const { challenge } = newPkce();
    const { body } = await shared.post('/par', asking(challenge));
    const url = new URL(authorizeUrl({ client_id: clientId, request_uri: body.request_uri }));
    const opened = await Promise.all(
      Array.from({ length: times }, () => shared.server.inject(`${url.pathname}${url.search}`)),
    );
    expect(opened.filter(({ statusCode }) => statusCode === 302)).toHaveLength(1);
  });
});
