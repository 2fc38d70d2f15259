import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** Token Status Lists: two lists of bits whose indexes are the same, and the one signed list that is drawn from them. */
export const m0043TokenStatus: Migration = { name: '0043-token-status', up };

/** As for the lists themselves, counter and published list are rows of their own; one is open, one is next. */
function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE token_status_list (
      id ${type.text} PRIMARY KEY,
      revocation_list_id ${type.text} NOT NULL UNIQUE REFERENCES status_list (id),
      suspension_list_id ${type.text} NOT NULL UNIQUE REFERENCES status_list (id),
      length ${type.integer} NOT NULL,
      allocated ${type.integer} NOT NULL CHECK (allocated >= 0 AND allocated <= length),
      state ${type.text} NOT NULL CHECK (state IN ('next', 'open', 'closed')),
      created_at ${type.text} NOT NULL
    )`,
    "CREATE UNIQUE INDEX token_status_list_open ON token_status_list (state) WHERE state = 'open'",
    "CREATE UNIQUE INDEX token_status_list_next ON token_status_list (state) WHERE state = 'next'",
    `CREATE TABLE token_status_publication (
      list_id ${type.text} PRIMARY KEY REFERENCES token_status_list (id),
      version ${type.integer} NOT NULL,
      valid_from ${type.text} NOT NULL,
      valid_until ${type.text} NOT NULL,
      signed_for ${type.text} NOT NULL,
      jwt ${type.text} NOT NULL
    )`,
  ];
}
