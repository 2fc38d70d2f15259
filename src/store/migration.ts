import type { Dialect } from './columns.js';

/**
 * One step of the schema. Append-only: a released one is never edited (its checksum is recorded where it ran, and a
 * store refuses to open with another), a mistake is mended by the next one. `up` must be deterministic.
 */
export interface Migration {
  readonly name: string;
  up(dialect: Dialect): string[];
}
