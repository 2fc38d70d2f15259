import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/**
 * What a service instance issues outside the catalogue has a record as well: which instance it was, and a digest of the
 * name under which its caller knows it. The name itself may be anything, so it is not kept.
 */
export const m0030InstanceIssuance: Migration = { name: '0030-instance-issuance', up };

/** The unique index is what gives a name to one credential of an instance; a burnt one has given its name back. */
function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `ALTER TABLE issuance ADD COLUMN instance ${type.text}`,
    `ALTER TABLE issuance ADD COLUMN name_digest ${type.text}`,
    'CREATE UNIQUE INDEX issuance_name ON issuance (name_digest) WHERE name_digest IS NOT NULL',
  ];
}
