/**
 * A person opens the link that HR sent, in a real browser: with the code or by signing in, looks, leaves out, takes into a
 * wallet; and everything that may go wrong with a link. Without JavaScript at the width of a phone and of a desk, and with
 * axe on every page. Needs CHROMIUM.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { createHttpClient } from '../../src/http/client.js';
import { openWallet } from '../../src/wallet/wallet.js';
import { pictureOf } from '../http/qr-picture.js';
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
import { patience } from './deployment.js';
import { openProgramme, type Programme } from './programme.js';

/** Where to leave pictures of the pages, for people; nowhere unless told. */
const pictures = process.env['PICTURES'];

const nurse = 'nurse-4711';
const trust = 'Rexford Acute NHS Trust (invented)';
const hostile = '<script>alert(1)</script><img src=x onerror=alert(1)> \u202Egnihton';

interface Made {
  readonly offerId: string;
  readonly link: string;
  readonly txCode: string;
  readonly documents: readonly { readonly id: string; readonly type: string }[];
}

inBrowser("the pages of a person's passport (needs CHROMIUM)", () => {
  let programme: Programme;
  let browser: Browser;
  let shots = 0;
  beforeAll(async () => {
    programme = await openProgramme();
    browser = await launchBrowser();
    if (pictures) mkdirSync(pictures, { recursive: true });
  }, 4 * patience);
  afterAll(async () => {
    await browser?.close();
    await programme?.close();
  });

  const visit = (size: Size, options: { javaScriptEnabled: boolean } = { javaScriptEnabled: false }) =>
    visitWith(browser, { size, ...options, own: [new URL(programme.rxa.url).origin] });

  // biome-ignore lint/suspicious/noExplicitAny: answers are read by member name, as any client would
  async function admin(path: string, body: unknown): Promise<any> {
    const authorization = `Bearer ${await programme.rxa.token()}`;
    const answer = await programme.rxa.post(path, body, { authorization });
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  function offered(type: string, changes: Record<string, unknown> = {}) {
    const { credentialSubject, ...rest } = exampleOf(type);
    const { id: _holder, ...subject } = credentialSubject as Record<string, unknown>;
    return { credential: { ...rest, credentialSubject: { ...subject, ...changes } } };
  }

  const skills = () => [
    offered('CoreSkillCredential'),
    offered('CoreSkillCredential', { ...other() }),
    offered('ProfessionalRegistrationCredential'),
  ];
  /** Another skill of the published list. */
  function other() {
    return {
      framework: 'LOCAL',
      competencyCode: 'local-ward-induction',
      subjectName: 'Ward induction',
      competencyName: `Ward induction ${hostile}`,
      subjectLevel: '1',
    };
  }

  const make = (request: object = {}): Promise<Made> => admin('/admin/offers', { credentials: skills(), ...request });
  const wrong = ({ txCode }: Made) => (txCode === '000000' ? '000001' : '000000');

  async function look({ page }: BrowserVisit, name: string): Promise<void> {
    if (!pictures) return;
    shots += 1;
    const width = page.viewportSize()?.width ?? 0;
    await page.screenshot({
      path: join(pictures, `${String(shots).padStart(3, '0')}-${name}-${width}.png`),
      fullPage: true,
    });
  }

  /** Every page of the walk goes through here. */
  async function inspect(visited: BrowserVisit, name: string): Promise<void> {
    await expectDecent(visited);
    expect(await visited.page.locator('h1').count()).toBe(1);
    await look(visited, name);
  }

  /** Presses a button of a form, and waits for the page that it leads to. */
  async function press({ page }: BrowserVisit, name: string): Promise<void> {
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name }).click()]);
  }
  const mainOf = async ({ page }: BrowserVisit) => (await page.locator('main').textContent()) ?? '';
  const titleOf = async ({ page }: BrowserVisit) => page.locator('h1').textContent();

  async function enter(visited: BrowserVisit, made: Made, code = made.txCode): Promise<void> {
    await visited.page.goto(made.link);
    await visited.page.getByLabel('Your code').fill(code);
    await press(visited, 'Open the passport');
  }

  async function chooseWallet(visited: BrowserVisit, name: string): Promise<void> {
    await visited.page.getByLabel(name, { exact: true }).check();
    await press(visited, 'Continue');
  }

  const oneOffer = 'Another wallet that takes several documents at once';

  /** A wallet that takes what a link offers, over HTTP. */
  async function takeInto(uri: string, txCode?: string): Promise<number> {
    const client = createHttpClient({ loopback: true, now: () => new Date(), allowHost: () => true });
    const file = join(programme.rxa.stateFolder, `wallet-${++shots}.json`);
    const wallet = openWallet({
      file,
      send: client.exchangeFor('wallet'),
      now: () => new Date(),
      pause: async () => undefined,
      nonce: () => 'a-nonce-of-a-wallet-in-a-test',
    });
    try {
      return (await wallet.receive({ offer: uri, ...(txCode !== undefined && { txCode }) })).length;
    } finally {
      await client.close();
    }
  }

  const linksOf = ({ page }: BrowserVisit) => page.getByRole('link', { name: /Open in the wallet/ });
  const hrefsOf = async (visited: BrowserVisit): Promise<string[]> => {
    const links = await linksOf(visited).all();
    return Promise.all(links.map(async (link) => (await link.getAttribute('href')) ?? ''));
  };

  /** From the documents to the QR codes: one document left out for a reason, the others into the wallet. */
  async function takeTwoOfThree(visited: BrowserVisit, made: Made, wallet: string): Promise<void> {
    const { page } = visited;
    await page.getByLabel(/^Professional registration/).uncheck();
    await chooseWallet(visited, wallet);
    expect(await titleOf(visited)).toBe('Why do you leave these out?');
    await look(visited, 'reasons');
    await page.getByLabel(/^Professional registration/).selectOption('IncorrectInformation');
    await press(visited, 'Continue');
    expect(page.url()).toBe(`${made.link}/receive`);
  }

  test.each(sizes)(
    'lead on a %s from the link to the wallet, and say what arrived',
    async (size) => {
      const visited = await visit(size);
      const { page } = visited;
      const made = await make();
      await page.goto(made.link);
      await inspect(visited, 'gate');
      const gate = await mainOf(visited);
      expect(gate).toContain(trust);
      expect(gate).toContain('3 documents');
      // The link alone says nothing about the person or the documents.
      expect(gate).not.toMatch(/skill|registration|induction/i);
      await enter(visited, made, wrong(made));
      expect(await page.getByRole('alert').textContent()).toContain('This code is wrong. 4 tries are left.');
      await inspect(visited, 'wrong-code');
      await enter(visited, made);
      expect(await titleOf(visited)).toBe('Your documents');
      await inspect(visited, 'documents');
      expect(await mainOf(visited)).toContain(hostile);
      expect(await page.locator('script, img').count()).toBe(0);
      await press(visited, 'Continue');
      expect(await page.getByRole('alert').textContent()).toContain('Choose your wallet');
      await inspect(visited, 'no-wallet');
      await takeTwoOfThree(visited, made, 'Sphereon Wallet');
      await inspect(visited, 'receive-each');
      const hrefs = await hrefsOf(visited);
      expect(hrefs).toHaveLength(2);
      for (const href of hrefs) expect(await takeInto(href, made.txCode)).toBe(1);
      await page.getByRole('link', { name: 'Show what has arrived' }).click();
      expect(await mainOf(visited)).toContain('In your wallet: 2 documents');
      await inspect(visited, 'arrived');
      await press(visited, 'Close the passport');
      await inspect(visited, 'closed');
      await page.goto(made.link);
      expect(await titleOf(visited)).toBe('This link was used');
      await inspect(visited, 'used');
      const authorization = `Bearer ${await programme.rxa.token()}`;
      const { body } = await programme.rxa.get(`/admin/offers/${made.offerId}`, { authorization });
      expect(body.documents.map(({ state, reason }: { state: string; reason?: string }) => [state, reason])).toEqual([
        ['issued', undefined],
        ['issued', undefined],
        ['declined', 'IncorrectInformation'],
      ]);
      await visited.context.close();
    },
    3 * patience,
  );

  test.each(sizes)(
    'show on a %s one QR code for everything to a wallet that takes it, which reads as the link beside it',
    async (size) => {
      const visited = await visit(size);
      const made = await make();
      await enter(visited, made);
      await takeTwoOfThree(visited, made, oneOffer);
      await inspect(visited, 'receive-all');
      const [href = '', ...none] = await hrefsOf(visited);
      expect(none).toEqual([]);
      expect(decodeQR(pictureOf(await visited.page.content()), { timeLimit: 5000 })).toBe(href);
      expect(await takeInto(href, made.txCode)).toBe(2);
      await visited.context.close();
    },
    3 * patience,
  );

  test.each(sizes)(
    'let a person sign in on a %s, and nobody else',
    async (size) => {
      const visited = await visit(size);
      const { page } = visited;
      const person = { signInSubject: nurse };
      const made = await make({ credentials: [offered('DbsCheckCredential'), ...skills()], person });
      const signInAs = async (subject: string) => {
        await page.getByRole('textbox').fill(subject);
        await page.getByRole('button', { name: /sign in/i }).click();
      };
      await enter(visited, made);
      expect(await mainOf(visited)).toContain('Sign in to see and receive this document');
      expect(await mainOf(visited)).not.toContain('001234567890');
      await inspect(visited, 'sign-in-wanted');
      await page.getByRole('link', { name: 'Sign in for these' }).click();
      await signInAs('somebody-else');
      expect(await mainOf(visited)).toContain('You signed in as somebody else');
      await inspect(visited, 'somebody-else');
      await page.getByRole('link', { name: 'Sign in' }).click();
      await signInAs(nurse);
      expect(page.url()).toBe(`${made.link}/documents`);
      expect(await mainOf(visited)).toContain('001234567890');
      await page.getByLabel(/^DBS/).check();
      await chooseWallet(visited, 'Sphereon Wallet');
      await inspect(visited, 'signed-in');
      expect(await mainOf(visited)).toContain('your wallet needs no code');
      const [href = ''] = await hrefsOf(visited);
      expect(await takeInto(href)).toBe(1);
      await visited.context.close();
    },
    3 * patience,
  );

  /** Links at every end that a link can come to, and what their pages are called. */
  async function endedLinks(): Promise<[string, string][]> {
    const [withdrawn, locked] = [await make(), await make()];
    await admin(`/admin/offers/${withdrawn.offerId}/withdraw`, { reason: 'IssuedInError' });
    const thief = await visit('desk');
    for (let round = 0; round < 5; round += 1) await enter(thief, locked, wrong(locked));
    await thief.context.close();
    return [
      [withdrawn.link, 'This passport was withdrawn'],
      [locked.link, 'This link is locked'],
      [`${locked.link.slice(0, -4)}AAAA`, 'This link is not known'],
    ];
  }

  test.each(sizes)(
    'say on a %s what to do where a link has ended',
    async (size) => {
      const visited = await visit(size);
      for (const [link, title] of await endedLinks()) {
        await visited.page.goto(link);
        expect(await titleOf(visited)).toBe(title);
        expect(await mainOf(visited)).toContain('What to do next');
        await inspect(visited, 'ended');
      }
      await visited.context.close();
    },
    3 * patience,
  );

  test.each(sizes)(
    'have no fault that axe finds, on a %s',
    async (size) => {
      const visited = await visit(size, { javaScriptEnabled: true });
      const { page } = visited;
      await admitAxe(visited);
      const found: unknown[] = [];
      const examine = async () => found.push(...(await violationsOn(page)));
      const person = { signInSubject: nurse };
      const made = await make({ credentials: [...skills(), offered('DbsCheckCredential')], person });
      await page.goto(made.link);
      await examine();
      await enter(visited, made, wrong(made));
      await examine();
      await enter(visited, made);
      await examine();
      await press(visited, 'Continue');
      await examine();
      await takeTwoOfThree(visited, made, 'Sphereon Wallet');
      await examine();
      const [href = ''] = await hrefsOf(visited);
      await takeInto(href, made.txCode);
      await page.reload();
      await examine();
      await page.goto(`${made.link}/documents`);
      await examine();
      await press(visited, 'Close the passport');
      await examine();
      for (const [link] of await endedLinks()) {
        await page.goto(link);
        await examine();
      }
      expect(found).toEqual([]);
      await visited.context.close();
    },
    4 * patience,
  );
});
