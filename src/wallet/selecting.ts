/** Leaves out of an SD-JWT what was not asked for (RFC 9901 section 6.3): a path shows its claim and what leads to it. */
import { type Disclosure, digestOf, disclosureHash, parseDisclosure } from '../jose/disclosures.js';
import { isJsonObject, type Json } from '../json.js';
import type { Path } from './dcql.js';
import { payloadOf } from './held-credential.js';

/** The SD-JWT with the disclosures that the paths need, ready for a key binding. */
export function selectDisclosures(sdJwt: string, paths: readonly Path[]): string {
  const [jwt = '', ...encoded] = sdJwt.split('~').filter((part) => part !== '');
  const payload = payloadOf(jwt);
  const hash = disclosureHash(payload);
  const byDigest = new Map(encoded.map((text) => [digestOf(text, hash), parseDisclosure(text)]));
  const shown = new Set<string>();
  for (const path of paths) walk({ byDigest, shown }, payload, path);
  return `${[jwt, ...encoded.filter((text) => shown.has(text))].join('~')}~`;
}

interface Walk {
  readonly byDigest: ReadonlyMap<string, Disclosure>;
  readonly shown: Set<string>;
}

function walk(state: Walk, node: Json, path: Path): void {
  const [step, ...rest] = path;
  for (const { disclosure, name, value } of partsOf(state, node)) {
    // At the end of a path everything below it was asked for.
    if (step !== undefined && step !== null && step !== name) continue;
    if (disclosure !== undefined) state.shown.add(disclosure.encoded);
    walk(state, value, rest);
  }
}

interface Part {
  readonly name: string | number;
  readonly value: Json;
  readonly disclosure?: Disclosure;
}

/** Members or elements of a node, those behind digests included. */
function partsOf({ byDigest }: Walk, node: Json): Part[] {
  if (Array.isArray(node)) {
    return node.flatMap((item, name): Part[] => {
      const digest = isJsonObject(item) ? item['...'] : undefined;
      if (typeof digest !== 'string') return [{ name, value: item }];
      const disclosure = byDigest.get(digest);
      return disclosure === undefined ? [] : [{ name, value: disclosure.value, disclosure }];
    });
  }
  if (!isJsonObject(node)) return [];
  const { _sd: digests, ...plain } = node;
  const hidden = (Array.isArray(digests) ? digests : []).flatMap((digest): Part[] => {
    const disclosure = byDigest.get(String(digest));
    return disclosure?.name === undefined ? [] : [{ name: disclosure.name, value: disclosure.value, disclosure }];
  });
  return [...Object.entries(plain).map(([name, value]) => ({ name, value })), ...hidden];
}
