import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** Client assertions that were used: each counts once (RFC 7523 section 3, item 7). */
export const m0002Access: Migration = { name: '0002-access', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE access_used_assertion (
      digest ${type.text} PRIMARY KEY,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX access_used_assertion_expiry ON access_used_assertion (expires_at)',
  ];
}
