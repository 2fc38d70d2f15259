/**
 * The pages of a request in a real browser: at the width of a phone and of a desk, without JavaScript, and without a
 * fault that axe can find. Needs CHROMIUM, the path of a Chromium or Chrome (.ci/run sets it).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { freePort, patience } from '../../journeys/deployment.js';
import { type Asked, createWallet, type Desk, openDesk, type Wallet } from './desk.js';

const executablePath = process.env['CHROMIUM'];
const inBrowser = executablePath ? describe : describe.skip;
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// As root in a container there is no sandbox; the rest keeps the browser from talking to its makers.
const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'];
const widths = { phone: { width: 375, height: 800 }, desk: { width: 1280, height: 900 } } as const;
const sizes = Object.keys(widths) as (keyof typeof widths)[];

inBrowser('the pages of a request (needs CHROMIUM)', () => {
  let desk: Desk;
  let wallet: Wallet;
  let dbs: string;
  let browser: Browser;
  beforeAll(async () => {
    const port = await freePort();
    desk = await openDesk({ url: `http://127.0.0.1:${port}` });
    await desk.server.listen({ host: '127.0.0.1', port });
    wallet = await createWallet(desk);
    dbs = (await wallet.receive('DbsCheckCredential')) as string;
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: flags });
  }, 4 * patience);
  afterAll(async () => {
    await browser?.close();
    await desk?.close();
  });

  const started = new Date('2026-11-21T09:00:00Z');
  beforeEach(() => {
    desk.programme.clock.now = started;
  });

  async function answer(asked: Asked, credential = dbs): Promise<string> {
    const question = await wallet.read(asked.uri);
    const token = { 'dbs-jwt_vc': [await wallet.present(question, [credential])] };
    const { status, body } = await wallet.answer(question, token);
    expect(status).toBe(200);
    return body.redirect_uri;
  }
  async function decline(asked: Asked) {
    const question = await wallet.read(asked.uri);
    await wallet.post(question, { error: 'access_denied', state: question.parameters.state });
  }
  const ask = (flow: 'same' | 'cross') => desk.ask({ template: 'dbs-check', flow });

  /** Every state of a request, and a sentence of its page. */
  const states: Readonly<Record<string, { words: string; make: () => Promise<string> }>> = {
    'waiting for a scan': { words: 'Scan this code', make: async () => (await ask('cross')).pageUrl },
    'waiting for a wallet on this device': { words: 'Open your wallet', make: async () => (await ask('same')).pageUrl },
    opened: {
      words: 'A wallet has opened this request',
      make: async () => {
        const asked = await ask('cross');
        await wallet.read(asked.uri);
        return asked.pageUrl;
      },
    },
    valid: {
      words: 'Every document passed every check',
      make: async () => {
        const asked = await ask('cross');
        await answer(asked);
        return asked.pageUrl;
      },
    },
    'not valid': {
      words: 'Do not rely on what was shown',
      make: async () => {
        const asked = await ask('cross');
        const { registry } = desk.programme;
        const listed = registry.organisations;
        registry.organisations = [];
        await answer(asked);
        registry.organisations = listed;
        return asked.pageUrl;
      },
    },
    declined: {
      words: 'The wallet declined',
      make: async () => {
        const asked = await ask('cross');
        await decline(asked);
        return asked.pageUrl;
      },
    },
    used: {
      words: 'The answer was handed over',
      make: async () => {
        const asked = await ask('cross');
        await answer(asked);
        await desk.call('GET', `/vp/requests/${asked.id}/result`);
        return asked.pageUrl;
      },
    },
    expired: {
      words: 'Nobody answered in time',
      make: async () => {
        desk.programme.clock.now = new Date(started.getTime() - 3_600_000);
        const { pageUrl } = await ask('cross');
        desk.programme.clock.now = started;
        return pageUrl;
      },
    },
    'of another browser': {
      words: 'another browser',
      make: async () => {
        const asked = await ask('same');
        await desk.answerOf({ url: new URL(asked.pageUrl).pathname });
        return asked.pageUrl;
      },
    },
    'for a wallet': {
      words: 'This address is for a wallet',
      make: async () => new URL((await ask('cross')).uri).searchParams.get('request_uri') ?? '',
    },
  };
  const cases = sizes.flatMap((size) => Object.keys(states).map((name) => [size, name] as const));

  async function violationsOn(page: Page): Promise<unknown[]> {
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }).axe.run(),
    );
    return violations.map((violation) => {
      const { id, help, nodes } = violation as { id: string; help: string; nodes: { html: string }[] };
      return [id, help, nodes.slice(0, 3).map(({ html }) => html)];
    });
  }

  test.each(cases)(
    'on a %s, %s: say what to do, fit, and have no fault that axe finds',
    async (size, name) => {
      const { words, make } = states[name] as (typeof states)[string];
      const context = await browser.newContext({ viewport: widths[size] });
      const page = await context.newPage();
      // The pages forbid every script; axe comes in by the debugger, for which the policy is lifted.
      const session = await context.newCDPSession(page);
      await session.send('Page.setBypassCSP', { enabled: true });
      await page.goto(await make());
      expect(await page.locator('main').textContent()).toContain(words);
      const { cssContentSize, cssLayoutViewport } = await session.send('Page.getLayoutMetrics');
      expect(cssContentSize.width).toBeLessThanOrEqual(cssLayoutViewport.clientWidth);
      expect(await violationsOn(page)).toEqual([]);
      const folder = process.env['SCREENSHOTS'];
      if (folder) await page.screenshot({ path: `${folder}/${size}-${name.replaceAll(' ', '-')}.png`, fullPage: true });
      await context.close();
    },
    patience,
  );

  test.each(sizes)(
    'lead on a %s without JavaScript from the request to the wallet and back to the verdict',
    async (size) => {
      const context = await browser.newContext({ viewport: widths[size], javaScriptEnabled: false });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      const asked = await ask('same');
      await page.goto(asked.pageUrl);
      const link = await page.getByRole('link', { name: 'Open your wallet' }).getAttribute('href');
      expect(link).toBe(asked.uri);
      const back = await answer({ ...asked, uri: link ?? '' });
      await page.getByRole('link', { name: 'Check whether the answer has come' }).click();
      expect(await page.locator('main').textContent()).toContain('One more step');
      await page.goto(back);
      expect(page.url()).toBe(asked.pageUrl);
      expect(await page.getByRole('status').getByRole('heading').textContent()).toBe('Valid');
      expect(await page.getByRole('row', { name: 'DBS check' }).textContent()).toContain('Every check passed.');
      expect(faults).toEqual([]);
      await context.close();
    },
    patience,
  );
});
