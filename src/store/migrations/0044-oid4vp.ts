import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/** Presentations that were asked for: state and times; the question and its answer only sealed, and only for a while. */
export const m0044Oid4vp: Migration = { name: '0044-oid4vp', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE vp_request (
      id ${type.text} PRIMARY KEY,
      request_id ${type.text} NOT NULL UNIQUE,
      client_id ${type.text} NOT NULL,
      flow ${type.text} NOT NULL CHECK (flow IN ('same', 'cross')),
      state ${type.text} NOT NULL CHECK (state IN ('open', 'answered', 'declined', 'failed', 'read', 'lapsed', 'expired')),
      created_at ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL,
      fetched_at ${type.text},
      closed_at ${type.text},
      keep_until ${type.text} NOT NULL,
      decision ${type.text},
      error ${type.text},
      refusals ${type.integer} NOT NULL,
      session_digest ${type.text},
      confirmed ${type.boolean} NOT NULL,
      response_code_digest ${type.text},
      request ${type.blob},
      result ${type.blob}
    )`,
    "CREATE INDEX vp_request_open ON vp_request (expires_at) WHERE state = 'open'",
    'CREATE INDEX vp_request_keep ON vp_request (keep_until)',
  ];
}
