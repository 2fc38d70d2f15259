/**
 * Veramo asks its stores before every signature. These decorators answer from memory for a few seconds, so that another
 * process's changes are still seen, hand out copies (DIDManager pushes into the arrays) and forget everything on a write.
 */
import type { IIdentifier, IKey, ManagedKeyInfo } from '@veramo/core-types';
import { AbstractDIDStore } from '@veramo/did-manager';
import { AbstractKeyStore } from '@veramo/key-manager';

/** What a caching store is made of; `now` is in milliseconds. */
export interface CachingOptions<Store> {
  readonly store: Store;
  readonly seconds: number;
  readonly now: () => number;
}

/** An organisation has a handful of keys; anything larger is somebody guessing ids. */
const maxEntries = 1000;

interface Entry {
  readonly value: unknown;
  readonly until: number;
}

/** Remembers answers for a while; `generation` grows with every write. */
class Memory {
  generation = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #milliseconds: number;
  readonly #now: () => number;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: CachingOptions<unknown>) {
    this.#milliseconds = options.seconds * 1000;
    this.#now = options.now;
  }

  async read<T>(name: string, load: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(name);
    if (entry && this.#now() < entry.until) return entry.value as T;
    const { generation } = this;
    const value = await load();
    // A write that happened meanwhile made this answer old before it arrived.
    if (generation === this.generation) {
      if (this.#entries.size >= maxEntries) this.#entries.clear();
      this.#entries.set(name, { value, until: this.#now() + this.#milliseconds });
    }
    return value;
  }

  /** One write at a time: Veramo's SQLite connection cannot hold two transactions. */
  async write<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work).finally(() => this.clear());
    this.#writing = done.catch(() => undefined);
    return done;
  }

  clear(): void {
    this.generation += 1;
    this.#entries.clear();
  }
}

/** A key store that answers from memory. */
export class CachedKeyStore extends AbstractKeyStore {
  readonly #store: AbstractKeyStore;
  readonly #memory: Memory;

  constructor(options: CachingOptions<AbstractKeyStore>) {
    super();
    this.#store = options.store;
    this.#memory = new Memory(options);
  }

  /** Grows with every write through this store. */
  get generation(): number {
    return this.#memory.generation;
  }

  async getKey({ kid }: { kid: string }): Promise<IKey> {
    return copyKey(await this.#memory.read(`key ${kid}`, () => this.#store.getKey({ kid })));
  }

  async listKeys(): Promise<ManagedKeyInfo[]> {
    return (await this.#memory.read('list', () => this.#store.listKeys({}))).map(copyKey);
  }

  async importKey(key: Partial<IKey>): Promise<boolean> {
    return this.#memory.write(() => this.#store.importKey(key));
  }

  async deleteKey({ kid }: { kid: string }): Promise<boolean> {
    return this.#memory.write(() => this.#store.deleteKey({ kid }));
  }
}

/** An identifier store that answers from memory; identifiers carry keys, so a write to `keyStore` clears it too. */
export class CachedDidStore extends AbstractDIDStore {
  readonly #store: AbstractDIDStore;
  readonly #memory: Memory;
  readonly #keyStore: { readonly generation: number } | undefined;
  #keyGeneration = 0;

  constructor(options: CachingOptions<AbstractDIDStore> & { readonly keyStore?: { readonly generation: number } }) {
    super();
    this.#store = options.store;
    this.#memory = new Memory(options);
    this.#keyStore = options.keyStore;
  }

  async getDID(args: { did?: string; alias?: string }): Promise<IIdentifier> {
    this.#followKeys();
    const query = args as { did: string };
    return copyIdentifier(
      await this.#memory.read(`did ${JSON.stringify([args.did, args.alias])}`, () => this.#store.getDID(query)),
    );
  }

  async listDIDs(args: { alias?: string; provider?: string }): Promise<IIdentifier[]> {
    this.#followKeys();
    const name = `list ${JSON.stringify([args?.alias, args?.provider])}`;
    return (await this.#memory.read(name, () => this.#store.listDIDs(args))).map(copyIdentifier);
  }

  async importDID(identifier: IIdentifier): Promise<boolean> {
    return this.#memory.write(() => this.#store.importDID(identifier));
  }

  async deleteDID({ did }: { did: string }): Promise<boolean> {
    return this.#memory.write(() => this.#store.deleteDID({ did }));
  }

  #followKeys(): void {
    const generation = this.#keyStore?.generation ?? 0;
    if (generation === this.#keyGeneration) return;
    this.#keyGeneration = generation;
    this.#memory.clear();
  }
}

function copyKey<T extends ManagedKeyInfo>(key: T): T {
  return key.meta ? { ...key, meta: copyMeta(key.meta) } : { ...key };
}

/** Our metadata is flat but for lists of words. */
function copyMeta<T extends Record<string, unknown>>(meta: T): T {
  return Object.fromEntries(
    Object.entries(meta).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]),
  ) as T;
}

function copyIdentifier(identifier: IIdentifier): IIdentifier {
  return {
    ...identifier,
    keys: identifier.keys.map(copyKey),
    services: identifier.services.map((one) => ({ ...one })),
  };
}
