import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

/** The two databases that the product runs on. */
export type Dialect = 'sqlite' | 'postgres';

/**
 * Column types as SQL, for migrations. Timestamps are ISO 8601 text in UTC: they sort as text, and no driver gets to
 * reinterpret a time zone. Booleans are integers, for SQLite has no others.
 */
export interface ColumnTypes {
  readonly text: string;
  readonly integer: string;
  readonly bigint: string;
  readonly blob: string;
  readonly boolean: string;
  /** The whole declaration of a primary key that the database counts up. */
  readonly identity: string;
}

const types: Readonly<Record<Dialect, ColumnTypes>> = {
  sqlite: {
    text: 'TEXT',
    integer: 'INTEGER',
    bigint: 'INTEGER',
    blob: 'BLOB',
    boolean: 'INTEGER',
    // AUTOINCREMENT: without it SQLite hands out the number of a deleted last row again.
    identity: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  },
  postgres: {
    text: 'TEXT',
    integer: 'INTEGER',
    bigint: 'BIGINT',
    blob: 'BYTEA',
    boolean: 'INTEGER',
    identity: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  },
};

/** The SQL names of our column types in one dialect: `CREATE TABLE a (b ${columnTypes(dialect).blob} NOT NULL)`. */
export function columnTypes(dialect: Dialect): ColumnTypes {
  return types[dialect];
}

/**
 * Columns of an EntitySchema that read and write alike on both databases; spread them:
 * `columns: { id: { ...columns.text, primary: true }, bits: { ...columns.blob } }`.
 * `bigint` is a decimal string in TypeScript; `boolean` is true or false; `blob` is a Buffer.
 */
export const columns = {
  text: { type: 'text' },
  integer: { type: 'integer' },
  bigint: { type: 'bigint', transformer: { to: passOn, from: toText } },
  blob: { type: 'blob' },
  boolean: { type: 'integer', transformer: { to: toInteger, from: toBoolean } },
  identity: { type: 'bigint', primary: true, generated: 'increment', transformer: { to: passOn, from: toText } },
} as const satisfies Record<string, EntitySchemaColumnOptions>;

/** TypeORM knows no binary type common to both databases, so blobs are renamed where the store is opened. */
export function forDialect(schema: EntitySchema, dialect: Dialect): EntitySchema {
  if (dialect === 'sqlite') return schema;
  const renamed = Object.entries(schema.options.columns).map(([name, column]) => [
    name,
    column?.type === 'blob' ? { ...column, type: 'bytea' as const } : column,
  ]);
  return new EntitySchema({ ...schema.options, columns: Object.fromEntries(renamed) });
}

function passOn<T>(value: T): T {
  return value;
}

/** sqlite3 gives numbers, pg gives strings; past 2^53 a number is no longer what was stored. */
function toText(value: string | number | null | undefined): string | null | undefined {
  if (typeof value !== 'number') return value;
  if (!Number.isSafeInteger(value)) throw new RangeError('A stored integer is larger than sqlite3 can read.');
  return String(value);
}

/** TypeORM hands operators of a `where` through as objects. */
function toInteger(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

function toBoolean(value: number | null | undefined): boolean | null | undefined {
  return typeof value === 'number' ? value !== 0 : value;
}
