/** Credo's records in the memory of this process; a query is answered as its interface says: tags, $and, $or, $not. */
import {
  type AgentContext,
  type BaseRecord,
  type BaseRecordConstructor,
  type DependencyManager,
  InjectionSymbols,
  type Module,
  RecordDuplicateError,
  RecordNotFoundError,
  type StorageService,
  StorageUpdateService,
} from '@credo-ts/core';

// biome-ignore lint/suspicious/noExplicitAny: the storage interface of Credo is generic over every kind of record
type AnyRecord = BaseRecord<any, any, any>;
type Tree = { readonly [name: string]: unknown };

class MemoryStorage implements StorageService<AnyRecord> {
  readonly supportsCursorPagination = false;
  readonly #records = new Map<string, AnyRecord>();

  async save(_context: unknown, record: AnyRecord): Promise<void> {
    const key = keyOf(record.type, record.id);
    if (this.#records.has(key)) throw new RecordDuplicateError(`${key} exists`, { recordType: record.type });
    this.#records.set(key, record.clone());
  }

  async update(_context: unknown, record: AnyRecord): Promise<void> {
    this.#find(record.type, record.id);
    this.#records.set(keyOf(record.type, record.id), record.clone());
  }

  async delete(_context: unknown, record: AnyRecord): Promise<void> {
    this.#remove(record.type, record.id);
  }

  async deleteById(_context: unknown, { type }: BaseRecordConstructor<AnyRecord>, id: string): Promise<void> {
    this.#remove(type, id);
  }

  async getById(_context: unknown, { type }: BaseRecordConstructor<AnyRecord>, id: string): Promise<AnyRecord> {
    return this.#find(type, id).clone();
  }

  async getAll(_context: unknown, { type }: BaseRecordConstructor<AnyRecord>): Promise<AnyRecord[]> {
    return [...this.#records.values()].filter((record) => record.type === type).map((record) => record.clone());
  }

  async findByQuery(context: unknown, kind: BaseRecordConstructor<AnyRecord>, query: Tree): Promise<AnyRecord[]> {
    return (await this.getAll(context, kind)).filter((record) => matches(record.getTags(), query));
  }

  #find(type: string, id: string): AnyRecord {
    const record = this.#records.get(keyOf(type, id));
    if (record === undefined) throw new RecordNotFoundError(`no ${keyOf(type, id)}`, { recordType: type });
    return record;
  }

  #remove(type: string, id: string): void {
    this.#find(type, id);
    this.#records.delete(keyOf(type, id));
  }
}

function keyOf(type: string, id: string): string {
  return `${type} ${id}`;
}

function matches(tags: Tree, { $and, $or, $not, ...wanted }: Tree): boolean {
  const all = ($and as Tree[] | undefined) ?? [];
  const some = $or as Tree[] | undefined;
  if (!all.every((query) => matches(tags, query))) return false;
  if (some !== undefined && !some.some((query) => matches(tags, query))) return false;
  if ($not !== undefined && matches(tags, $not as Tree)) return false;
  return Object.entries(wanted).every(([name, value]) => value === undefined || hasTag(tags[name], value));
}

/** A tag with several values has all that are asked for, and perhaps more. */
function hasTag(tag: unknown, wanted: unknown): boolean {
  if (!Array.isArray(wanted)) return tag === wanted;
  return Array.isArray(tag) && wanted.every((value) => tag.includes(value));
}

/** Gives an agent its storage. */
export class MemoryStorageModule implements Module {
  register(dependencies: DependencyManager): void {
    dependencies.registerInstance(InjectionSymbols.StorageService, new MemoryStorage());
  }

  /** An empty storage without a version counts as one of the first version, which Credo would have migrated. */
  async onInitializeContext(context: AgentContext): Promise<void> {
    const updates = context.dependencyManager.resolve(StorageUpdateService);
    await updates.setCurrentStorageVersion(context, StorageUpdateService.frameworkStorageVersion);
  }
}
