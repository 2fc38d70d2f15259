/** DID URLs (DID Core 3.2), taken apart. Nothing is decoded on the way but the values of parameters, once. */

/** Twice a DID: a service, a reference at it and a fragment. */
const maxDidUrlLength = 2048;
/** Three times those that DID Resolution names. */
const maxParameters = 16;

/** Names with their values; a name that stands there twice makes the whole unreadable. */
export type Parameters = ReadonlyMap<string, string>;

/** A DID URL in its parts; path and fragment as they were written, with the path's slash and without the #. */
export interface DidUrl {
  readonly did: string;
  readonly path: string;
  readonly parameters: Parameters;
  readonly fragment: string | undefined;
}

const octet = '%[0-9A-Fa-f]{2}';
const idCharacter = `(?:[A-Za-z0-9._-]|${octet})`;
const pathCharacter = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|${octet})`;
const queryCharacter = `(?:[/?]|${pathCharacter})`;
/** The rule `did-url`, with the rules of RFC 3986 for path-abempty, query and fragment. */
const didUrl = new RegExp(
  `^(did:[a-z0-9]+:(?::|${idCharacter})*${idCharacter})((?:/${pathCharacter}*)*)(?:\\?(${queryCharacter}*))?(?:#(${queryCharacter}*))?$`,
);

/** Takes a DID URL apart, or returns undefined when it is none or says a parameter twice (DID Resolution 3.2.2). */
export function parseDidUrl(text: string): DidUrl | undefined {
  if (text.length > maxDidUrlLength) return undefined;
  const [, did, path = '', query = '', fragment] = didUrl.exec(text) ?? [];
  const parameters = parseParameters(query);
  return did === undefined || !parameters ? undefined : { did, path, parameters, fragment };
}

/** The parameters of a query. A plus is a plus: DID URLs are no forms. */
export function parseParameters(query: string): Parameters | undefined {
  if (query === '') return new Map();
  const pairs = query.split('&', maxParameters + 1).map(readPair);
  const parameters = new Map(pairs.filter((pair) => pair !== undefined));
  return parameters.size === pairs.length && pairs.length <= maxParameters ? parameters : undefined;
}

function readPair(text: string): readonly [string, string] | undefined {
  const end = text.includes('=') ? text.indexOf('=') : text.length;
  try {
    return [decodeURIComponent(text.slice(0, end)), decodeURIComponent(text.slice(end + 1))];
  } catch {
    return undefined;
  }
}
