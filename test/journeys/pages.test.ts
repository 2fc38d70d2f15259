/**
 * The pages for people, in a real browser: at the width of a phone and of a desk, without JavaScript, with nothing from
 * elsewhere, and without a fault that axe can find. Needs CHROMIUM, the path of a Chromium or Chrome (.ci/run sets it).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { exampleOf } from './client.js';
import { patience, until } from './deployment.js';
import { openProgramme, type Programme } from './programme.js';

const executablePath = process.env['CHROMIUM'];
const inBrowser = executablePath ? describe : describe.skip;
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// As root in a container there is no sandbox; the rest keeps the browser from talking to its makers.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const widths = { phone: { width: 375, height: 800 }, desk: { width: 1280, height: 900 } } as const;

inBrowser('the pages for people (needs CHROMIUM)', () => {
  let programme: Programme;
  let browser: Browser;
  beforeAll(async () => {
    programme = await openProgramme();
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: flags });
  }, 4 * patience);
  afterAll(async () => {
    await browser?.close();
    await programme?.close();
  });

  /** A visit, and what went wrong during it. */
  async function visit(size: keyof typeof widths, options: { javaScriptEnabled: boolean }) {
    const context = await browser.newContext({ viewport: widths[size], ...options });
    const page = await context.newPage();
    const faults: string[] = [];
    const own = [programme.authority, programme.rxa, programme.rxb].map(({ url }) => new URL(url).origin);
    page.on('console', (message) => {
      // A browser notes every answer of 400 or more as an error of the page, also the ones that are meant.
      const meant = /status of 4\d\d/.test(message.text());
      if (message.type() === 'error' && !meant) faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== 'data:' && !own.includes(origin)) faults.push(`asks ${request.url()}`);
    });
    return { context, page, faults };
  }

  /** Everything that every page must be, whatever it says. */
  async function expectDecent(context: BrowserContext, page: Page, faults: readonly string[]): Promise<void> {
    const where = page.url();
    // By the debugger, which measures also where the page itself may run no script.
    const session = await context.newCDPSession(page);
    const { cssContentSize, cssLayoutViewport } = await session.send('Page.getLayoutMetrics');
    expect([where, 'wide', cssContentSize.width <= cssLayoutViewport.clientWidth]).toEqual([where, 'wide', true]);
    expect([where, faults]).toEqual([where, []]);
  }

  async function violationsOn(page: Page): Promise<unknown[]> {
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }).axe.run(),
    );
    return violations.map((violation) => {
      const { id, help, nodes } = violation as { id: string; help: string; nodes: { html: string }[] };
      return [page.url(), id, help, nodes.slice(0, 3).map(({ html }) => html)];
    });
  }

  /** Every page that a link, an address bar or an error leads to. */
  const addresses = () => {
    const { authority, rxb } = programme;
    const onAuthority = [
      '/',
      '/catalogue',
      '/catalogue/DbsCheckCredential',
      '/catalogue/Nothing',
      '/vocabulary',
      '/registry',
    ];
    const onTrust = [
      '/',
      '/verify',
      '/verify/codes',
      '/problems',
      '/problems/schema_violation',
      '/problems/nothing',
      '/nowhere',
    ];
    return [...onAuthority.map((path) => authority.url + path), ...onTrust.map((path) => rxb.url + path)];
  };

  test.each(Object.keys(widths) as (keyof typeof widths)[])(
    'fit on a %s without JavaScript, ask nothing of others, and have a heading, a title and a language',
    async (size) => {
      const { context, page, faults } = await visit(size, { javaScriptEnabled: false });
      for (const address of addresses()) {
        const response = await page.goto(address);
        expect([address, response?.headers()['content-type']]).toEqual([address, 'text/html; charset=utf-8']);
        expect([address, await page.locator('h1').count(), await page.title()]).toEqual([
          address,
          1,
          expect.stringMatching(/ - /),
        ]);
        await expectDecent(context, page, faults);
      }
      await context.close();
    },
    patience,
  );

  test.each(Object.keys(widths) as (keyof typeof widths)[])(
    'have no fault that axe finds, on a %s',
    async (size) => {
      const { context, page } = await visit(size, { javaScriptEnabled: true });
      // The pages forbid every script; axe comes in by the debugger, for which the policy is lifted.
      await (await context.newCDPSession(page)).send('Page.setBypassCSP', { enabled: true });
      for (const address of addresses()) {
        await page.goto(address);
        expect(await violationsOn(page)).toEqual([]);
      }
      await context.close();
    },
    2 * patience,
  );

  /** Pastes a text at /verify and presses the button. */
  async function paste(page: Page, text: string): Promise<void> {
    await page.goto(`${programme.rxb.url}/verify`);
    await page.getByLabel('Credential').fill(text);
    await page.getByRole('button', { name: 'Verify' }).click();
  }

  async function issueAndRevoke(): Promise<{ valid: string; revoked: string }> {
    const { rxa, rxb } = programme;
    const valid = await rxa.issue(exampleOf('DbsCheckCredential'));
    const revoked = await rxa.issue(exampleOf('CoreSkillCredential'), { format: 'eddsa-rdfc-2022' });
    expect([valid.status, revoked.status]).toEqual([201, 201]);
    expect((await rxa.revoke(revoked.body.credentialId)).status).toBe(200);
    const decision = () => rxb.verify(revoked.body.verifiableCredential);
    await until(decision, ({ body }) => body.decision === 'invalid');
    return { valid: valid.text, revoked: JSON.stringify(revoked.body.verifiableCredential) };
  }

  test.each(Object.keys(widths) as (keyof typeof widths)[])(
    'tell on a %s whether a pasted credential can be relied on, why, and what to do next',
    async (size) => {
      const { valid, revoked } = await issueAndRevoke();
      const verdicts = [
        {
          text: valid,
          title: 'Valid',
          check: ['Revoked or suspended', 'Passed'],
          words: 'Rexford Acute NHS Trust (invented)',
        },
        {
          text: revoked,
          title: 'Not valid',
          check: ['Revoked or suspended', 'Failed'],
          words: 'The credential was revoked',
        },
        { text: 'good morning', title: 'Not valid', check: ['Form', 'Failed'], words: 'What to do next' },
      ];
      const { context, page, faults } = await visit(size, { javaScriptEnabled: false });
      for (const { text, title, check, words } of verdicts) {
        await paste(page, text);
        expect(await page.getByRole('status').getByRole('heading').textContent()).toContain(title);
        const row = page.getByRole('row', { name: check[0] ?? '' });
        expect(await row.textContent()).toContain(check[1]);
        expect(await page.locator('main').textContent()).toContain(words);
        await expectDecent(context, page, faults);
      }
      await paste(page, '{"a": 1,');
      expect(await page.getByRole('alert').textContent()).toContain('not readable JSON');
      await expectDecent(context, page, faults);
      await context.close();
    },
    2 * patience,
  );

  test.each(Object.keys(widths) as (keyof typeof widths)[])(
    'tell it on a %s so that axe finds no fault either',
    async (size) => {
      const { valid, revoked } = await issueAndRevoke();
      const { context, page } = await visit(size, { javaScriptEnabled: true });
      await (await context.newCDPSession(page)).send('Page.setBypassCSP', { enabled: true });
      for (const text of [valid, revoked, 'good morning', '{"a": 1,', '']) {
        await paste(page, text);
        expect(await violationsOn(page)).toEqual([]);
      }
      await context.close();
    },
    2 * patience,
  );

  test(
    'the API description is shown, with every operation, from our own address alone',
    async () => {
      for (const size of Object.keys(widths) as (keyof typeof widths)[]) {
        const { context, page, faults } = await visit(size, { javaScriptEnabled: true });
        await page.goto(`${programme.rxb.url}/docs`);
        await page.getByText('Verify a credential or a presentation and say why').waitFor();
        const shown = await page.locator('.opblock-summary-path').count();
        expect(shown).toBe(programme.rxb.app.server.routeTable.operations().length);
        await expectDecent(context, page, faults);
        await context.close();
      }
    },
    patience,
  );
});
