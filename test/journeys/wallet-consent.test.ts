/**
 * A wallet sends its person to us, in a real browser: sign in, see what would go where, allow or not, and back to the
 * wallet with a code that becomes a credential. Without JavaScript, at two widths, with axe on every page. Needs CHROMIUM.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import type { Browser } from 'playwright-core';
import {
  admitAxe,
  type BrowserVisit,
  expectDecent,
  inBrowser,
  launchBrowser,
  type Size,
  sizes,
  violationsOn,
  visitWith,
} from './browser.js';
import { exampleOf } from './client.js';
import { freePort, patience } from './deployment.js';
import { openProgramme, type Programme } from './programme.js';

/** Where to leave pictures of the pages, for people; nowhere unless told. */
const pictures = process.env['PICTURES'];

const nurse = 'staff-4711';
const clientId = 'https://wallet.example <b>a wallet</b>';
const configuration = 'StaffIdentityCredential_sd_jwt';

type Parameters = Readonly<Record<string, string>>;

inBrowser('the way from a wallet to its person and back (needs CHROMIUM)', () => {
  let programme: Programme;
  let browser: Browser;
  let wallet: Server;
  let walletUrl: string;
  let shots = 0;

  beforeAll(async () => {
    programme = await openProgramme();
    browser = await launchBrowser();
    const port = await freePort();
    wallet = createServer((_request, response) => response.end('<title>wallet</title>')).listen(port, '127.0.0.1');
    walletUrl = `http://127.0.0.1:${port}`;
    if (pictures) mkdirSync(pictures, { recursive: true });
  }, 4 * patience);

  afterAll(async () => {
    await browser?.close();
    wallet?.close();
    await programme?.close();
  });

  const visit = (size: Size, { javaScriptEnabled } = { javaScriptEnabled: false }) => {
    const own = [new URL(programme.rxa.url).origin, walletUrl];
    return visitWith(browser, { size, javaScriptEnabled, own });
  };

  async function inspect(visited: BrowserVisit, name: string): Promise<string> {
    await expectDecent(visited);
    expect(await visited.page.locator('h1').count()).toBe(1);
    shots += 1;
    const width = visited.page.viewportSize()?.width;
    const path = join(pictures ?? '', `consent-${shots}-${name}-${width}.png`);
    if (pictures) await visited.page.screenshot({ path, fullPage: true });
    return (await visited.page.locator('main').textContent()) ?? '';
  }

  async function offer(types: readonly string[]): Promise<void> {
    const credentials = types.map((type) => {
      const { credentialSubject, ...rest } = exampleOf(type);
      const { id: _holder, ...subject } = credentialSubject as Record<string, unknown>;
      return { credential: { ...rest, credentialSubject: subject } };
    });
    const authorization = `Bearer ${await programme.rxa.token()}`;
    const body = { credentials, person: { signInSubject: nurse } };
    const answer = await programme.rxa.post('/admin/offers', body, { authorization });
    if (answer.status !== 201) throw new Error(answer.text);
  }

  async function form(path: string, parameters: Parameters, headers: Parameters = {}) {
    const body = new URLSearchParams(parameters);
    const response = await fetch(`${programme.rxa.url}${path}`, { method: 'POST', body, headers });
    // biome-ignore lint/suspicious/noExplicitAny: answers are read by member name, as a wallet would
    return { status: response.status, body: (await response.json()) as any };
  }

  async function push(changes: Parameters = {}) {
    const verifier = randomBytes(32).toString('base64url');
    const { status, body } = await form('/par', {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${walletUrl}/cb`,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: 'xyz',
      scope: configuration,
      ...changes,
    });
    expect([status, body]).toEqual([201, expect.anything()]);
    const asked = new URLSearchParams({ client_id: clientId, request_uri: body.request_uri });
    return { verifier, url: `${programme.rxa.url}/authorize?${asked}` };
  }

  async function signIn({ page }: BrowserVisit, url: string, subject = nurse): Promise<void> {
    await page.goto(url);
    await page.getByLabel('Staff identifier').fill(subject);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** What the wallet does with its code, bound to its key by DPoP. */
  async function receive(code: string, verifier: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(publicKey);
    const base = programme.rxa.url;
    const prove = (path: string, more: object = {}) =>
      new SignJWT({ jti: randomBytes(16).toString('hex'), htm: 'POST', htu: `${base}${path}`, ...more })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey);
    const redemption = { grant_type: 'authorization_code', code, code_verifier: verifier };
    const redeemer = { client_id: clientId, redirect_uri: `${walletUrl}/cb` };
    const { body } = await form('/token', { ...redemption, ...redeemer }, { dpop: await prove('/token') });
    expect(body).toMatchObject({ token_type: 'DPoP', scope: configuration });
    const nonce = (await programme.rxa.post('/nonce', {})).body.c_nonce;
    const proof = await new SignJWT({ aud: base, nonce })
      .setProtectedHeader({ alg: 'ES256', typ: 'openid4vci-proof+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey);
    const ath = createHash('sha256').update(body.access_token).digest('base64url');
    const headers = { authorization: `DPoP ${body.access_token}`, dpop: await prove('/credential', { ath }) };
    const wanted = { credential_configuration_id: configuration, proofs: { jwt: [proof] } };
    return programme.rxa.post('/credential', wanted, headers);
  }

  test.each(sizes)(
    'leads on a %s to a credential when the person allows it',
    async (size) => {
      await offer(['StaffIdentityCredential', 'CoreSkillCredential']);
      const visited = await visit(size);
      const { url } = await push();
      await visited.page.goto(url);
      await inspect(visited, 'sign-in');
      await visited.page.goto(url);
      expect(await inspect(visited, 'used-request')).toContain('used before');

      const again = await push();
      await signIn(visited, again.url);
      const asked = await inspect(visited, 'consent');
      expect(asked).toContain('Staff identity');
      expect(asked).not.toContain('Core skill');
      expect(asked).toContain(clientId);
      await visited.page.getByRole('button', { name: 'Allow', exact: true }).click();
      await visited.page.waitForURL(`${walletUrl}/**`);
      const left = new URL(visited.page.url());
      expect(Object.fromEntries(left.searchParams)).toMatchObject({ state: 'xyz', iss: programme.rxa.url });
      const received = await receive(left.searchParams.get('code') ?? '', again.verifier);
      expect([received.status, received.body]).toMatchObject([
        200,
        { credentials: [{ credential: expect.any(String) }] },
      ]);
      await visited.context.close();
    },
    patience,
  );

  test(
    'leads back with nothing when the person does not allow it, cancels, or is somebody else',
    async () => {
      await offer(['StaffIdentityCredential']);
      const visited = await visit('phone');
      const { page } = visited;
      const outcomes: (() => Promise<void>)[] = [
        async () => {
          await signIn(visited, (await push()).url);
          await page.getByRole('button', { name: 'Do not allow' }).click();
        },
        async () => {
          await page.goto((await push()).url);
          await page.getByRole('button', { name: 'Cancel' }).click();
          expect(await inspect(visited, 'cancelled')).toContain('The sign-in was cancelled.');
          await page.getByRole('link', { name: /^Go back to/ }).click();
        },
        async () => {
          await signIn(visited, (await push()).url, 'somebody-else');
          expect(await inspect(visited, 'nothing')).toContain('Nothing of what is asked for');
          await page.getByRole('link', { name: /^Go back to/ }).click();
        },
      ];
      for (const outcome of outcomes) {
        await outcome();
        await page.waitForURL(`${walletUrl}/**`);
        expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({
          error: 'access_denied',
          state: 'xyz',
        });
      }
      await visited.context.close();
    },
    patience,
  );

  test(
    'has pages without a fault that axe can find, and one that sends nobody on to a stranger',
    async () => {
      await offer(['StaffIdentityCredential']);
      const visited = await visit('phone', { javaScriptEnabled: true });
      await admitAxe(visited);
      const { page } = visited;
      const bad = { client_id: 'w', redirect_uri: 'https://phish.example/cb', response_type: 'nonsense' };
      await page.goto(`${programme.rxa.url}/authorize?${new URLSearchParams(bad)}`);
      expect(await inspect(visited, 'refusal')).toContain('Go back to phish.example');
      expect(await violationsOn(page)).toEqual([]);
      await page.goto(`${programme.rxa.url}/sign-in/callback?code=x&state=y`);
      expect(await inspect(visited, 'lost-sign-in')).toContain('Begin again');
      expect(await violationsOn(page)).toEqual([]);
      await page.goto((await push()).url);
      expect(await violationsOn(page)).toEqual([]);
      await signIn(visited, (await push()).url);
      expect(await violationsOn(page)).toEqual([]);
      await visited.context.close();
    },
    patience,
  );
});
