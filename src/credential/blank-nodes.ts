/**
 * Names for blank nodes (vc-di-ecdsa 3.4.1 to 3.4.6): a node without an id has no identity beyond one graph, so for
 * the time of a transformation it gets an address, which becomes a blank node's label again.
 */
import type { Quad, Term } from 'rdf-canonize';
import { isJsonObject, type Json } from '../json.js';

/** No document may use this scheme (context-rules.ts), so a number is enough to be unique. */
const scheme = 'urn:bnid:';

/** Gives every node of an expanded document an id. Values and lists are no nodes. */
export function skolemise(expanded: Json): Json {
  let count = 0;
  function visit(value: Json): Json {
    if (Array.isArray(value)) return value.map(visit);
    if (!isJsonObject(value) || Object.hasOwn(value, '@value')) return value;
    const members = Object.entries(value).map(([name, member]) => [name, visit(member)] as const);
    const node = Object.fromEntries(members);
    if (Object.hasOwn(value, '@list') || Object.hasOwn(value, '@id')) return node;
    count += 1;
    return { ...node, '@id': `${scheme}b${count}` };
  }
  return visit(expanded);
}

/** The same dataset with blank nodes where skolemise had put names. */
export function deskolemise(dataset: readonly Quad[]): Quad[] {
  return mapNodes(dataset, (term) =>
    term.termType === 'NamedNode' && term.value.startsWith(scheme)
      ? { termType: 'BlankNode', value: term.value.slice(scheme.length) }
      : term,
  );
}

/** The same dataset with other labels; a label that has no new one stays. */
export function relabel(dataset: readonly Quad[], labels: ReadonlyMap<string, string>): Quad[] {
  return mapNodes(dataset, (term) =>
    term.termType === 'BlankNode' ? { ...term, value: labels.get(term.value) ?? term.value } : term,
  );
}

function mapNodes(dataset: readonly Quad[], change: (term: Term) => Term): Quad[] {
  return dataset.map(({ subject, predicate, object, graph }) => ({
    subject: change(subject),
    predicate,
    object: change(object),
    graph: change(graph),
  }));
}
