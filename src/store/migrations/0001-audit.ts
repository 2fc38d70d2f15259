import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** The audit trail and the head of its hash chain. */
export const m0001Audit: Migration = { name: '0001-audit', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE audit_record (
      entry ${type.identity},
      recorded_at ${type.text} NOT NULL,
      action ${type.text} NOT NULL,
      actor ${type.text} NOT NULL,
      subject ${type.text},
      outcome ${type.text} NOT NULL CHECK (outcome IN ('success', 'refused', 'failure')),
      data ${type.text} NOT NULL,
      sequence ${type.bigint} UNIQUE,
      previous_hash ${type.text},
      hash ${type.text}
    )`,
    'CREATE INDEX audit_record_unsealed ON audit_record (entry) WHERE sequence IS NULL',
    'CREATE INDEX audit_record_subject ON audit_record (subject, entry)',
    `CREATE TABLE audit_head (
      id ${type.integer} PRIMARY KEY CHECK (id = 1),
      sequence ${type.bigint} NOT NULL,
      hash ${type.text} NOT NULL
    )`,
  ];
}
