/** A person's browser, as far as these pages need one: cookies, redirects on our own origin, forms. */
import type { HttpServer } from '../../../src/http/server.js';

export interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, unknown>;
  /** Where the browser was sent that is not ours; the journey ends there. */
  readonly left?: URL;
}

export interface Browser {
  readonly cookies: Map<string, string>;
  get(url: string): Promise<Page>;
  /** Where the first link to another origin leads. */
  linkFrom(page: Page): URL;
  /** Sends the first form of a page with one of its buttons. */
  submit(page: Page, fields: Readonly<Record<string, string>>): Promise<Page>;
}

const mostRedirects = 10;

function decodeEntities(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

export function openBrowser(server: HttpServer, publicUrl: string): Browser {
  const cookies = new Map<string, string>();

  async function send(method: 'GET' | 'POST', url: string, payload?: string): Promise<Page> {
    const { pathname, search } = new URL(url);
    const answer = await server.inject({
      method,
      url: `${pathname}${search}`,
      headers: {
        accept: 'text/html,application/xhtml+xml',
        ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...(payload === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(payload === undefined ? {} : { payload }),
    });
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return { status: answer.statusCode, body: answer.body, headers: answer.headers };
  }

  async function follow(first: Page): Promise<Page> {
    let page = first;
    for (let count = 0; count < mostRedirects; count += 1) {
      const { location } = page.headers as { location?: string };
      if (page.status !== 302 || location === undefined) return page;
      const target = new URL(location, publicUrl);
      if (target.origin !== new URL(publicUrl).origin) return { ...page, left: target };
      page = await send('GET', target.href);
    }
    throw new Error('too many redirects');
  }

  return {
    cookies,
    linkFrom({ body }) {
      const links = [...body.matchAll(/<a href="([^"]+)"/g)].map(([, href = '']) => decodeEntities(href));
      return new URL(links.find((href) => /^[a-z][a-z.+-]*:/.test(href)) ?? '');
    },
    get: async (url) => follow(await send('GET', url)),
    async submit(page, fields) {
      const action = /<form method="post" action="([^"]+)"/.exec(page.body)?.[1] ?? '';
      const hidden = [...page.body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
      const values = hidden.map(([, name = '', value = '']) => [name, decodeEntities(value)] as const);
      const payload = new URLSearchParams({ ...Object.fromEntries(values), ...fields }).toString();
      return follow(await send('POST', new URL(decodeEntities(action), publicUrl).href, payload));
    },
  };
}
