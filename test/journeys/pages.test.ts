/**
 * The pages for people, in a real browser: at the width of a phone and of a desk, without JavaScript, with nothing from
 * elsewhere, and without a fault that axe can find. Needs CHROMIUM, the path of a Chromium or Chrome (.ci/run sets it).
 */
import type { Browser, Page } from 'playwright-core';
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
import { patience, until } from './deployment.js';
import { openProgramme, type Programme } from './programme.js';

inBrowser('the pages for people (needs CHROMIUM)', () => {
  let programme: Programme;
  let browser: Browser;
  beforeAll(async () => {
    programme = await openProgramme();
    browser = await launchBrowser();
  }, 4 * patience);
  afterAll(async () => {
    await browser?.close();
    await programme?.close();
  });

  const visit = (size: Size, { javaScriptEnabled }: { javaScriptEnabled: boolean }): Promise<BrowserVisit> => {
    const own = [programme.authority, programme.rxa, programme.rxb].map(({ url }) => new URL(url).origin);
    return visitWith(browser, { size, javaScriptEnabled, own });
  };

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

  test.each(sizes)(
    'fit on a %s without JavaScript, ask nothing of others, and have a heading, a title and a language',
    async (size) => {
      const visited = await visit(size, { javaScriptEnabled: false });
      const { context, page } = visited;
      for (const address of addresses()) {
        const response = await page.goto(address);
        expect([address, response?.headers()['content-type']]).toEqual([address, 'text/html; charset=utf-8']);
        expect([address, await page.locator('h1').count(), await page.title()]).toEqual([
          address,
          1,
          expect.stringMatching(/ - /),
        ]);
        await expectDecent(visited);
      }
      await context.close();
    },
    patience,
  );

  test.each(sizes)(
    'have no fault that axe finds, on a %s',
    async (size) => {
      const visited = await visit(size, { javaScriptEnabled: true });
      const { context, page } = visited;
      await admitAxe(visited);
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

  test.each(sizes)(
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
      const visited = await visit(size, { javaScriptEnabled: false });
      const { context, page } = visited;
      for (const { text, title, check, words } of verdicts) {
        await paste(page, text);
        expect(await page.getByRole('status').getByRole('heading').textContent()).toContain(title);
        const row = page.getByRole('row', { name: check[0] ?? '' });
        expect(await row.textContent()).toContain(check[1]);
        expect(await page.locator('main').textContent()).toContain(words);
        await expectDecent(visited);
      }
      await paste(page, '{"a": 1,');
      expect(await page.getByRole('alert').textContent()).toContain('not readable JSON');
      await expectDecent(visited);
      await context.close();
    },
    2 * patience,
  );

  test.each(sizes)(
    'tell it on a %s so that axe finds no fault either',
    async (size) => {
      const { valid, revoked } = await issueAndRevoke();
      const visited = await visit(size, { javaScriptEnabled: true });
      const { context, page } = visited;
      await admitAxe(visited);
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
      for (const size of sizes) {
        const visited = await visit(size, { javaScriptEnabled: true });
        const { context, page } = visited;
        await page.goto(`${programme.rxb.url}/docs`);
        await page.getByText('Verify a credential or a presentation and say why').waitFor();
        const shown = await page.locator('.opblock-summary-path').count();
        expect(shown).toBe(programme.rxb.app.server.routeTable.operations().length);
        await expectDecent(visited);
        await context.close();
      }
    },
    patience,
  );
});
