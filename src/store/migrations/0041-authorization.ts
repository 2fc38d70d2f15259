import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/**
 * The wallets' authorization server and sign-in. Every secret that a wallet or a browser holds stands here as a digest:
 * who reads these tables can use none of them.
 */
export const m0041Authorization: Migration = { name: '0041-authorization', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE access_sign_in (
      digest ${type.text} PRIMARY KEY,
      sealed ${type.blob} NOT NULL,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX access_sign_in_expiry ON access_sign_in (expires_at)',
    // One row from the request until after its code was redeemed: `secret_digest` is that of what is held out at the moment.
    `CREATE TABLE wallet_request (
      id ${type.text} PRIMARY KEY,
      state ${type.text} NOT NULL,
      secret_digest ${type.text} UNIQUE,
      parameters ${type.text} NOT NULL,
      granted ${type.text},
      session_id ${type.text},
      expires_at ${type.text} NOT NULL,
      keep_until ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_request_keep ON wallet_request (keep_until)',
    `CREATE TABLE wallet_session (
      id ${type.text} PRIMARY KEY,
      state ${type.text} NOT NULL,
      client_id ${type.text},
      jkt ${type.text},
      granted ${type.text} NOT NULL,
      identifiers ${type.boolean} NOT NULL,
      generation ${type.integer} NOT NULL,
      access_digest ${type.text} NOT NULL UNIQUE,
      access_expires_at ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_session_expiry ON wallet_session (expires_at)',
    `CREATE TABLE wallet_refresh_token (
      digest ${type.text} PRIMARY KEY,
      session_id ${type.text} NOT NULL,
      used_at ${type.text},
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_refresh_token_expiry ON wallet_refresh_token (expires_at)',
    `CREATE TABLE wallet_dpop_proof (
      digest ${type.text} PRIMARY KEY,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_dpop_proof_expiry ON wallet_dpop_proof (expires_at)',
  ];
}
