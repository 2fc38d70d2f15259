/**
 * Whose status lists count, and where they may lie (decisions.md 5). An organisation keeps its lists on the hosts of its
 * own DIDs. Bitstring Status List 2.2 lets a list be issued by somebody else; that one must be trusted for it, which is
 * said as everything else of trust is: the registry lists the type BitstringStatusListCredential for them.
 */
import type { RegistryView } from './view.js';

const listType = 'BitstringStatusListCredential';

/** What the registry says about status lists, at the moment of the question. */
export interface ListTrust {
  /** Whether the lists of this DID count for credentials of other issuers, too. */
  speaksForOthers(listIssuer: string): boolean;
  /** Whether a list for a credential of this issuer may be fetched from here. */
  mayFetch(url: string, issuer: string): boolean;
}

export function createListTrust(
  registry: Pick<RegistryView, 'isRecognised' | 'organisation' | 'didsAt'>,
  now: () => Date,
): ListTrust {
  const speaksForOthers = (did: string) => registry.isRecognised(did, listType, now()).outcome === 'recognised';
  return {
    speaksForOthers,
    mayFetch(url, issuer) {
      const own = registry.organisation(issuer);
      const isOwn = (did: string) => own !== undefined && registry.organisation(did) === own;
      return registry.didsAt(new URL(url).host).some((did) => isOwn(did) || speaksForOthers(did));
    },
  };
}
