import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/**
 * What the credential endpoints remember: whose a nonce is and which proofs were used, for as long as either is good;
 * which copies were made of a document and for whom, so that a new wallet ends the copies in the old one; transactions
 * that wait, and what wallets told of what they got. Ids and digests, and public keys of wallets that wait; no claims.
 */
export const m0042Oid4vci: Migration = { name: '0042-oid4vci', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE wallet_nonce (
      digest ${type.text} PRIMARY KEY,
      session_id ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_nonce_expiry ON wallet_nonce (expires_at)',
    // `request_id` tells the request that put the row in from one that found it.
    `CREATE TABLE wallet_proof (
      digest ${type.text} PRIMARY KEY,
      request_id ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_proof_expiry ON wallet_proof (expires_at)',
    `CREATE TABLE wallet_copy (
      credential_id ${type.text} PRIMARY KEY,
      document_id ${type.text} NOT NULL,
      configuration_id ${type.text} NOT NULL,
      session_id ${type.text} NOT NULL,
      generation ${type.integer} NOT NULL,
      superseded_by ${type.text}
    )`,
    'CREATE INDEX wallet_copy_document ON wallet_copy (document_id)',
    `CREATE TABLE wallet_delivery (
      digest ${type.text} PRIMARY KEY,
      document_id ${type.text} NOT NULL,
      session_id ${type.text} NOT NULL,
      events ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_delivery_expiry ON wallet_delivery (expires_at)',
    `CREATE TABLE wallet_deferral (
      digest ${type.text} PRIMARY KEY,
      document_id ${type.text} NOT NULL,
      configuration_id ${type.text} NOT NULL,
      session_id ${type.text} NOT NULL,
      holders ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX wallet_deferral_expiry ON wallet_deferral (expires_at)',
    'CREATE INDEX wallet_deferral_document ON wallet_deferral (document_id)',
  ];
}
