/** Shapes of JavaScript packages that ship no types; only what is used here. */
declare module '@digitalbazaar/credentials-context' {
  export const contexts: ReadonlyMap<string, object>;
}
declare module '@digitalbazaar/data-integrity-context' {
  const packaged: { readonly contexts: ReadonlyMap<string, object> };
  export default packaged;
}
declare module '@digitalbazaar/multikey-context' {
  const packaged: { readonly contexts: ReadonlyMap<string, object> };
  export default packaged;
}
declare module '@digitalbazaar/vc-bitstring-status-list-context' {
  export const contexts: ReadonlyMap<string, object>;
}
declare module 'did-context' {
  const packaged: { readonly contexts: ReadonlyMap<string, object> };
  export default packaged;
}
declare module 'ed25519-signature-2020-context' {
  const packaged: { readonly contexts: ReadonlyMap<string, object> };
  export default packaged;
}
declare module 'jsonld/lib/ContextResolver.js' {
  export default class ContextResolver {
    constructor(options: { sharedCache: Map<string, unknown> });
  }
}
declare module 'rdf-canonize' {
  export interface Term {
    readonly termType: 'NamedNode' | 'BlankNode' | 'Literal' | 'DefaultGraph';
    readonly value: string;
  }
  export interface Quad {
    readonly subject: Term;
    readonly predicate: Term;
    readonly object: Term;
    readonly graph: Term;
  }
  export const NQuads: { serializeQuad(quad: Quad): string };
  export function canonize(
    dataset: readonly Quad[],
    options: {
      algorithm: 'RDFC-1.0';
      maxWorkFactor: number;
      signal?: AbortSignal;
      canonicalIdMap?: Map<string, string>;
      messageDigestAlgorithm?: string;
    },
  ): Promise<string>;
}
