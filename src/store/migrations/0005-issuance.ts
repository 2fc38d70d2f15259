import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** What was issued: state, times, digest and status entries, and sealed payloads for as long as a retry may ask. */
export const m0005Issuance: Migration = { name: '0005-issuance', up };

/** The unique index is what makes two requests with one Idempotency-Key one issue. */
function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE issuance (
      id ${type.text} PRIMARY KEY,
      type ${type.text} NOT NULL,
      format ${type.text} NOT NULL,
      algorithm ${type.text} NOT NULL,
      client_id ${type.text} NOT NULL,
      state ${type.text} NOT NULL CHECK (state IN ('reserved', 'issued', 'suspended', 'revoked', 'burnt')),
      reserved_at ${type.text} NOT NULL,
      issued_at ${type.text},
      changed_at ${type.text} NOT NULL,
      reason ${type.text},
      valid_from ${type.text} NOT NULL,
      valid_until ${type.text},
      digest ${type.text},
      status_entries ${type.text} NOT NULL,
      owner ${type.text} NOT NULL,
      lease_until ${type.text} NOT NULL,
      idempotency_key ${type.text},
      body_digest ${type.text},
      keep_until ${type.text} NOT NULL,
      prepared ${type.blob},
      signed ${type.blob},
      CHECK (state IN ('reserved', 'burnt') OR digest IS NOT NULL)
    )`,
    'CREATE UNIQUE INDEX issuance_idempotency ON issuance (client_id, idempotency_key) WHERE idempotency_key IS NOT NULL',
    "CREATE INDEX issuance_reserved ON issuance (lease_until) WHERE state = 'reserved'",
    'CREATE INDEX issuance_keep ON issuance (keep_until) WHERE idempotency_key IS NOT NULL OR signed IS NOT NULL OR prepared IS NOT NULL',
  ];
}
