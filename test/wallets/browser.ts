/** A person's browser, as far as signing in and agreeing need one: cookies, redirects, forms. */

/** Follows an address until it leads back to the wallet, and gives that last address. */
export async function visit(start: string, { subject, backTo }: { subject: string; backTo: string }): Promise<string> {
  const cookies = new Map<string, string>();
  let step: { url: string; form?: URLSearchParams } = { url: start };
  for (let count = 0; count < 20; count += 1) {
    const { response, text } = await load(step, cookies);
    const location = response.headers.get('location');
    if (location?.startsWith(backTo)) return location;
    if (location !== null) step = { url: new URL(location, step.url).href };
    else if (response.status === 200) step = submit(text, step.url, subject);
    else throw new Error(`${new URL(step.url).pathname} answered ${response.status}: ${text.slice(0, 500)}`);
  }
  throw new Error('the pages lead nowhere');
}

async function load({ url, form }: { url: string; form?: URLSearchParams }, cookies: Map<string, string>) {
  const { origin } = new URL(url);
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { accept: 'text/html', cookie, ...(form === undefined ? {} : { origin }) },
    ...(form === undefined ? {} : { method: 'POST', body: form }),
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    cookies.set(name, value);
  }
  return { response, text: await response.text() };
}

/** Fills in the page's form: the person types who she is where she is asked, and presses the first button. */
function submit(page: string, url: string, subject: string): { url: string; form: URLSearchParams } {
  const [form = ''] = /<form[\s\S]*?<\/form>/.exec(page) ?? [];
  const action = attributeOf(form, 'action');
  if (action === undefined) throw new Error(`no form at ${new URL(url).pathname}: ${page.slice(0, 500)}`);
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    fields.set(attributeOf(input, 'name') ?? '', attributeOf(input, 'value') ?? subject);
  }
  const [button = ''] = /<button[^>]*>/.exec(form) ?? [];
  const pressed = attributeOf(button, 'name');
  if (pressed !== undefined) fields.set(pressed, attributeOf(button, 'value') ?? '');
  return { url: new URL(action, url).href, form: fields };
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };

function attributeOf(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value?.replace(/&([a-z]+|#x?[0-9a-f]+);/g, (whole, entity: string) => entities[entity] ?? whole);
}
