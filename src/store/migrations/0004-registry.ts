import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** The authority's organisations, and the one signed list that is published of them. */
export const m0004Registry: Migration = { name: '0004-registry', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE registry_organisation (
      ods_code ${type.text} PRIMARY KEY,
      document ${type.text} NOT NULL,
      changed_at ${type.text} NOT NULL
    )`,
    `CREATE TABLE registry_publication (
      id ${type.integer} PRIMARY KEY CHECK (id = 1),
      sequence ${type.integer} NOT NULL CHECK (sequence > 0),
      issued ${type.text} NOT NULL,
      next_update ${type.text} NOT NULL,
      signed_for ${type.text} NOT NULL,
      jwt ${type.text} NOT NULL
    )`,
  ];
}
