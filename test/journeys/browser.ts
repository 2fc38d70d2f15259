/**
 * Pages in a real browser: at the width of a phone and of a desk, with everything noted that a page may not do. Needs
 * CHROMIUM, the path of a Chromium or Chrome (.ci/run sets it); without it the suites report themselves skipped.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const executablePath = process.env['CHROMIUM'];

/** A describe that is skipped, by name, where there is no browser. */
export const inBrowser = executablePath ? describe : describe.skip;

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

export type Size = keyof typeof widths;
export const sizes = Object.keys(widths) as Size[];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath ?? '', args: flags });
}

/** A visit, and what went wrong during it. */
export interface BrowserVisit {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly faults: string[];
}

/** A new browser with nothing in it; `own` are the origins that its pages may ask. */
export async function visitWith(
  browser: Browser,
  options: { size: Size; javaScriptEnabled: boolean; own: readonly string[] },
): Promise<BrowserVisit> {
  const { size, javaScriptEnabled, own } = options;
  const context = await browser.newContext({ viewport: widths[size], javaScriptEnabled });
  const page = await context.newPage();
  const faults: string[] = [];
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
export async function expectDecent({ context, page, faults }: BrowserVisit): Promise<void> {
  const where = page.url();
  // By the debugger, which measures also where the page itself may run no script.
  const session = await context.newCDPSession(page);
  const { cssContentSize, cssLayoutViewport } = await session.send('Page.getLayoutMetrics');
  expect([where, 'wide', cssContentSize.width <= cssLayoutViewport.clientWidth]).toEqual([where, 'wide', true]);
  expect([where, faults]).toEqual([where, []]);
}

/** The pages forbid every script; axe comes in by the debugger, for which the policy is lifted. */
export async function admitAxe({ context, page }: BrowserVisit): Promise<void> {
  await (await context.newCDPSession(page)).send('Page.setBypassCSP', { enabled: true });
}

/** What axe finds on the page; none when it is fine. */
export async function violationsOn(page: Page): Promise<unknown[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }).axe.run(),
  );
  return violations.map((violation) => {
    const { id, help, nodes } = violation as { id: string; help: string; nodes: { html: string }[] };
    return [page.url(), id, help, nodes.slice(0, 3).map(({ html }) => html)];
  });
}
