/** As much of a browser as a person needs who follows links and fills in forms; cookies are kept, scripts are not run. */

/** A page that was opened. */
export interface Page {
  readonly url: string;
  readonly html: string;
}

export interface Browser {
  open(url: string): Promise<Page>;
  /** Fills in the form with this action (or the page's first) and sends it; what the form holds already is kept. */
  submit(page: Page, values: Readonly<Record<string, string>>): Promise<Page>;
}

const maxRedirects = 10;
const callLimit = 20_000;

/** Opens a browser that nobody has used yet. */
export function openBrowser(): Browser {
  const cookies = new Map<string, string>();

  async function go(url: string, form?: URLSearchParams, redirects = 0): Promise<Page> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) },
      ...(form === undefined ? {} : { body: form }),
      redirect: 'manual',
      signal: AbortSignal.timeout(callLimit),
    });
    for (const line of response.headers.getSetCookie()) keep(line);
    const location = response.headers.get('location');
    const html = await response.text();
    if (location !== null && redirects < maxRedirects) return go(new URL(location, url).href, undefined, redirects + 1);
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${textOf(html)}`);
    return { url, html };
  }

  function keep(line: string): void {
    const [pair = ''] = line.split(';');
    const [name = '', ...value] = pair.split('=');
    if (/max-age=0(;|$)/i.test(line)) cookies.delete(name);
    else cookies.set(name, value.join('='));
  }

  return {
    open: (url) => go(url),
    submit(page, values) {
      const [whole = '', action = ''] = /<form method="post" action="([^"]*)"[\s\S]*?<\/form>/.exec(page.html) ?? [];
      if (whole === '') throw new Error(`${page.url} has no form: ${textOf(page.html)}`);
      const form = new URLSearchParams([...heldBy(whole), ...Object.entries(values)]);
      return go(new URL(unescapeHtml(action), page.url).href, form);
    },
  };
}

/** Hidden fields and boxes that are ticked, as a browser would send them. */
function heldBy(form: string): [string, string][] {
  const inputs = [...form.matchAll(/<input [^>]*>/g)].map(([tag]) => tag);
  return inputs
    .filter((tag) => /type="hidden"/.test(tag) || / checked/.test(tag))
    .map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')]);
}

function attribute(tag: string, name: string): string {
  return unescapeHtml(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

/** The addresses that a page links to, by scheme. */
export function linksOf({ html }: Page, scheme: string): string[] {
  return [...html.matchAll(/<a [^>]*href="([^"]*)"/g)]
    .map(([, href = '']) => unescapeHtml(href))
    .filter((href) => href.startsWith(`${scheme}:`));
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
    code === undefined ? (entities[name ?? ''] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

/** What a page says, for messages. */
function textOf(html: string): string {
  return (/<main[\s\S]*<\/main>/.exec(html)?.[0] ?? html)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .slice(0, 300);
}
