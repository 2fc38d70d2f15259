import type { StatusList } from './status-list.js';

/** A list as this process holds it. */
export interface HeldList {
  readonly list: StatusList;
  readonly fetchedAt: number;
  readonly etag?: string;
}

/** Lists in memory, the least recently used leaving first; and the times of the newest ones, for longer. */
export interface ListCache {
  get(key: string): HeldList | undefined;
  hold(key: string, held: HeldList): void;
  /** False for a list older than one that was seen: a server that goes back makes a revocation disappear. */
  isNewest(key: string, list: StatusList): boolean;
}

/** 189 trusts with two purposes and a few closed lists each. Decoded, the lists may take 64 MiB. */
const maxLists = 2000;
/** Some 4,000 lists of the usual size, or 32 of the largest. */
const maxBytesHeld = 64 * 1024 * 1024;
/** Names and times only, so far more of them: forgetting one would let an old list pass. */
const maxRemembered = 20_000;

/** An empty cache. */
export function createListCache(): ListCache {
  const lists = new Map<string, HeldList>();
  const newest = new Map<string, number>();
  let bytesHeld = 0;

  function drop(key: string): void {
    bytesHeld -= lists.get(key)?.list.bits.length ?? 0;
    lists.delete(key);
  }

  return {
    get(key) {
      const held = lists.get(key);
      if (held) remember(lists, key, held, maxLists);
      return held;
    },
    hold(key, held) {
      drop(key);
      lists.set(key, held);
      bytesHeld += held.list.bits.length;
      for (const oldest of lists.keys()) {
        if ((lists.size <= maxLists && bytesHeld <= maxBytesHeld) || oldest === key) break;
        drop(oldest);
      }
    },
    isNewest(key, { validFrom }) {
      const seen = newest.get(key);
      if (seen !== undefined && (validFrom ?? Number.NEGATIVE_INFINITY) < seen) return false;
      if (validFrom !== undefined) remember(newest, key, validFrom, maxRemembered);
      return true;
    },
  };
}

/** Puts a value at the young end of a map and lets the oldest go when there are too many. */
export function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > most && !oldest.done) map.delete(oldest.value);
}
