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
  export function canonize(
    dataset: object,
    options: { algorithm: 'RDFC-1.0'; maxWorkFactor: number; signal?: AbortSignal },
  ): Promise<string>;
}
