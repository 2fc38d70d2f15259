import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** Status lists: the counter that hands out indexes, the bits, and the signed lists as they are served. */
export const m0003Status: Migration = { name: '0003-status', up };

/**
 * The counter and the published list are rows of their own, so that issuing does not wait while a list is signed.
 * Of each purpose one list is open and one is next; the indexes make a second one impossible.
 */
function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE status_list (
      id ${type.text} PRIMARY KEY,
      purpose ${type.text} NOT NULL CHECK (purpose IN ('revocation', 'suspension')),
      length ${type.integer} NOT NULL,
      allocated ${type.integer} NOT NULL CHECK (allocated >= 0 AND allocated <= length),
      state ${type.text} NOT NULL CHECK (state IN ('next', 'open', 'closed')),
      created_at ${type.text} NOT NULL
    )`,
    "CREATE UNIQUE INDEX status_list_open ON status_list (purpose) WHERE state = 'open'",
    "CREATE UNIQUE INDEX status_list_next ON status_list (purpose) WHERE state = 'next'",
    `CREATE TABLE status_entry (
      list_id ${type.text} NOT NULL REFERENCES status_list (id),
      list_index ${type.integer} NOT NULL CHECK (list_index >= 0),
      record_id ${type.text} NOT NULL,
      purpose ${type.text} NOT NULL,
      is_set ${type.boolean} NOT NULL CHECK (is_set IN (0, 1)),
      changed_at ${type.text} NOT NULL,
      PRIMARY KEY (list_id, list_index),
      UNIQUE (record_id, purpose)
    )`,
    'CREATE INDEX status_entry_set ON status_entry (list_id) WHERE is_set = 1',
    `CREATE TABLE status_publication (
      list_id ${type.text} PRIMARY KEY REFERENCES status_list (id),
      version ${type.integer} NOT NULL,
      valid_from ${type.text} NOT NULL,
      valid_until ${type.text} NOT NULL,
      signed_for ${type.text} NOT NULL,
      data_integrity ${type.text} NOT NULL,
      jwt ${type.text} NOT NULL
    )`,
  ];
}
