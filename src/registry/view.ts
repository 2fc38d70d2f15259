import type { Snapshot } from './list-document.js';
import type { Organisation } from './organisation.js';
import { answer, type Recognition, type RecognitionCode, recogniseAt } from './recognition.js';

/** How far a copy of the registry may be relied on. */
export type Freshness = 'fresh' | 'stale' | 'expired' | 'absent';

/** Which copy of the registry answers, and how old it is. */
export interface RegistryState {
  readonly sequence: number;
  readonly issued: string;
  readonly nextUpdate: string;
  readonly freshness: Freshness;
  /** Since the authority last confirmed the copy. */
  readonly ageSeconds?: number;
  /** Why the last attempt to refresh it failed. */
  readonly problem?: { readonly code: string; readonly detail: string };
}

/** What the registry says, from memory. */
export interface RegistryView {
  /** Whether an issuer may issue a type at `at`; indeterminate unless the copy is fresh. */
  isRecognised(did: string, type: string, at: Date): Recognition;
  /** Whether anybody of the registry uses this DID; also in a copy that is too old to recognise by. */
  isListed(did: string): boolean;
  organisation(did: string): Organisation | undefined;
  /** Whether a key of the DID may be relied on: every key, unless the registry names some. */
  acceptsKey(did: string, keyThumbprint: string): boolean;
  state(now: Date): RegistryState;
  /** Hosts (with a port, if not the usual one) of the authority and the listed did:web DIDs; no other is fetched from. */
  hosts(): ReadonlySet<string>;
  /** The listed did:web DIDs of a host, as `hosts` has it. */
  didsAt(host: string): readonly string[];
  /** Where the programme publishes schemas and contexts. */
  readonly programmeBaseUrl: string | undefined;
}

/** A snapshot with when it was last confirmed, indexed by DID. */
export interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly refreshedAt: Date;
  readonly byDid: ReadonlyMap<string, Organisation>;
  readonly hosts: ReadonlySet<string>;
  readonly didsByHost: ReadonlyMap<string, readonly string[]>;
}

/** Indexes a snapshot; `authorityDid` is fetched from too. */
export function hold(snapshot: Snapshot, refreshedAt: Date, authorityDid?: string): HeldSnapshot {
  const byDid = new Map(snapshot.organisations.flatMap((entry) => entry.dids.map(({ did }) => [did, entry] as const)));
  const hosts = new Set([...byDid.keys(), ...(authorityDid ? [authorityDid] : [])].flatMap(hostOf));
  return { snapshot, refreshedAt, byDid, hosts, didsByHost: groupByHost([...byDid.keys()]) };
}

function groupByHost(dids: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const did of dids) {
    for (const host of hostOf(did)) groups.set(host, [...(groups.get(host) ?? []), did]);
  }
  return groups;
}

/** did:web, "Read": the first part is the host, its port after %3A. */
function hostOf(did: string): string[] {
  const host = /^did:web:([A-Za-z0-9.-]+)(?:%3[Aa]([0-9]{1,5}))?(?::|$)/.exec(did);
  if (!host?.[1]) return [];
  return [host[2] === undefined ? host[1].toLowerCase() : `${host[1].toLowerCase()}:${host[2]}`];
}

/** What a view is made from. */
export interface ViewDependencies {
  readonly held: () => HeldSnapshot | undefined;
  readonly problem: () => RegistryState['problem'];
  /** The pinned authority, whose host may be fetched from before there is any list. */
  readonly authority?: () => string | undefined;
  readonly now: () => Date;
  readonly maxOfflineSeconds: number;
}

const unsure: Readonly<Record<Freshness, RecognitionCode | undefined>> = {
  fresh: undefined,
  stale: 'registry_stale',
  expired: 'registry_expired',
  absent: 'registry_absent',
};

/** Answers from whatever is held at the moment of the question. */
export function createView(deps: ViewDependencies): RegistryView {
  const freshness = (now: Date) => freshnessOf(deps.held(), now, deps.maxOfflineSeconds);
  return {
    isRecognised(did, type, at) {
      const organisation = deps.held()?.byDid.get(did);
      return answer(unsure[freshness(deps.now())] ?? recogniseAt(organisation, did, type, at), organisation);
    },
    isListed: (did) => deps.held()?.byDid.has(did) ?? false,
    organisation: (did) => deps.held()?.byDid.get(did),
    acceptsKey(did, keyThumbprint) {
      const entry = deps
        .held()
        ?.byDid.get(did)
        ?.dids.find((listed) => listed.did === did);
      return entry !== undefined && (entry.keyThumbprints?.includes(keyThumbprint) ?? true);
    },
    state: (now) => stateOf(deps.held(), freshness(now), now, deps.problem()),
    hosts: () => deps.held()?.hosts ?? new Set(hostOf(deps.authority?.() ?? '')),
    didsAt: (host) => deps.held()?.didsByHost.get(host) ?? [],
    get programmeBaseUrl() {
      return deps.held()?.snapshot.programmeBaseUrl;
    },
  };
}

/**
 * Past nextUpdate the authority has promised a newer list, so this one is stale. Longer than maxOfflineSeconds without
 * a word from the authority it is expired, even before nextUpdate: a suspension could have been kept from us.
 */
function freshnessOf(held: HeldSnapshot | undefined, now: Date, maxOfflineSeconds: number): Freshness {
  if (!held) return 'absent';
  if (now.getTime() - held.refreshedAt.getTime() > maxOfflineSeconds * 1000) return 'expired';
  return now.getTime() >= Date.parse(held.snapshot.nextUpdate) ? 'stale' : 'fresh';
}

function stateOf(
  held: HeldSnapshot | undefined,
  freshness: Freshness,
  now: Date,
  problem: RegistryState['problem'],
): RegistryState {
  const failed = problem ? { problem } : {};
  if (!held) return { sequence: 0, issued: '', nextUpdate: '', freshness, ...failed };
  const { sequence, issued, nextUpdate } = held.snapshot;
  const ageSeconds = Math.max(0, Math.round((now.getTime() - held.refreshedAt.getTime()) / 1000));
  return { sequence, issued, nextUpdate, freshness, ageSeconds, ...failed };
}
