/** The routes of the server, kept as they are added: for Allow (RFC 9110 §15.5.6), and to compare with the API description. */

/** One operation; `hidden` are files of the description's viewer, which no client calls. */
export interface RouteEntry {
  readonly method: string;
  readonly pattern: string;
  readonly hidden: boolean;
}

/** A page that the start page leads to. */
export interface HomeLink {
  readonly title: string;
  /** One sentence about what one does there. */
  readonly about: string;
}

export interface RouteTable {
  add(route: { method: string | string[]; url: string; schema?: unknown; config?: { home?: HomeLink } }): void;
  /** Where the start page leads, in the order in which the routes were added. */
  homeLinks(): readonly (HomeLink & { readonly path: string })[];
  /** Methods that exist at an address, sorted; empty when nothing is there. */
  methodsAt(url: string): string[];
  list(): readonly RouteEntry[];
  /** Every operation that the API description must hold, as `GET /path/{name}`, sorted. */
  operations(): string[];
}

export function createRouteTable(): RouteTable {
  const entries: RouteEntry[] = [];
  const matchers = new Map<string, RegExp>();
  const links = new Map<string, HomeLink>();
  return {
    homeLinks: () => [...links].map(([path, link]) => ({ path, ...link })),
    add({ method, url, schema, config }) {
      if (config?.home !== undefined) links.set(url, config.home);
      const hidden = (schema as { hide?: boolean } | undefined)?.hide === true;
      for (const name of [method].flat()) entries.push({ method: name, pattern: url, hidden });
      if (!matchers.has(url)) matchers.set(url, toMatcher(url));
    },
    methodsAt(url) {
      const path = url.split('?', 1)[0] ?? '';
      const here = entries.filter(({ pattern }) => matchers.get(pattern)?.test(path));
      return [...new Set(here.map(({ method }) => method))].sort();
    },
    list: () => entries,
    operations() {
      // HEAD comes with every GET and is no operation of its own.
      const described = entries.filter(({ method, hidden }) => !hidden && method !== 'HEAD');
      return [...new Set(described.map(({ method, pattern }) => `${method} ${toTemplate(pattern)}`))].sort();
    },
  };
}

/** find-my-way's syntax as far as we use it: `:name`, `:name(regular expression)` and a trailing `*`. */
function toMatcher(pattern: string): RegExp {
  const source = pattern
    .replace(/::/g, '\u0000')
    .split(/(:[A-Za-z0-9_]+(?:\([^/]*\))?|\*)/)
    .map((part, position) => (position % 2 === 0 ? escapeRegExp(part) : part === '*' ? '.*' : '[^/]+'))
    .join('')
    .replaceAll('\u0000', ':');
  return new RegExp(`^${source}$`);
}

/** The same path as OpenAPI writes it. */
function toTemplate(pattern: string): string {
  return pattern.replace(/:([A-Za-z0-9_]+)(?:\([^/]*\))?/g, '{$1}').replace(/\*$/, '{*}');
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
