import { columnTypes, type Dialect } from '../columns.js';
import type { Migration } from '../migration.js';

/**
 * What HR offers to people. Links, codes and what wallets redeem stand here as digests only, contents only sealed, and
 * the person only as a keyed digest: who reads these tables can take nothing and learns no name.
 */
export const m0040Offers: Migration = { name: '0040-offers', up };

function up(dialect: Dialect): string[] {
  const type = columnTypes(dialect);
  return [
    `CREATE TABLE offer (
      id ${type.text} PRIMARY KEY,
      client_id ${type.text} NOT NULL,
      state ${type.text} NOT NULL CHECK (state IN ('open', 'withdrawn')),
      generation ${type.integer} NOT NULL,
      created_at ${type.text} NOT NULL,
      changed_at ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL,
      link_digest ${type.text} NOT NULL UNIQUE,
      code_digest ${type.text},
      tries_left ${type.integer} NOT NULL CHECK (tries_left >= 0),
      person_digest ${type.text},
      idempotency_key ${type.text},
      body_digest ${type.text},
      answer ${type.blob},
      answer_until ${type.text}
    )`,
    'CREATE UNIQUE INDEX offer_idempotency ON offer (client_id, idempotency_key) WHERE idempotency_key IS NOT NULL',
    'CREATE INDEX offer_person ON offer (person_digest, expires_at) WHERE person_digest IS NOT NULL',
    'CREATE INDEX offer_answer ON offer (answer_until) WHERE answer_until IS NOT NULL',
    `CREATE TABLE offer_document (
      id ${type.text} PRIMARY KEY,
      offer_id ${type.text} NOT NULL REFERENCES offer (id),
      place ${type.integer} NOT NULL,
      type ${type.text} NOT NULL,
      state ${type.text} NOT NULL CHECK (state IN ('pending', 'offered', 'issued', 'declined', 'withdrawn')),
      sign_in_required ${type.boolean} NOT NULL,
      reason ${type.text},
      changed_at ${type.text} NOT NULL,
      issued_at ${type.text},
      issued_generation ${type.integer},
      keep_until ${type.text},
      content ${type.blob},
      UNIQUE (offer_id, place)
    )`,
    'CREATE INDEX offer_document_keep ON offer_document (keep_until) WHERE keep_until IS NOT NULL',
    // What a wallet fetches and redeems; `session_digest` where a page of a person made it.
    `CREATE TABLE credential_offer (
      id ${type.text} PRIMARY KEY,
      id_digest ${type.text} NOT NULL UNIQUE,
      secret_digest ${type.text} NOT NULL UNIQUE,
      offer_id ${type.text} NOT NULL REFERENCES offer (id),
      generation ${type.integer} NOT NULL,
      grant_type ${type.text} NOT NULL CHECK (grant_type IN ('pre-authorized_code', 'authorization_code')),
      document_ids ${type.text} NOT NULL,
      configuration_ids ${type.text} NOT NULL,
      signed_in ${type.boolean} NOT NULL,
      session_digest ${type.text},
      created_at ${type.text} NOT NULL,
      expires_at ${type.text} NOT NULL,
      used_at ${type.text}
    )`,
    'CREATE INDEX credential_offer_offer ON credential_offer (offer_id)',
    'CREATE INDEX credential_offer_session ON credential_offer (session_digest) WHERE session_digest IS NOT NULL',
    'CREATE INDEX credential_offer_expiry ON credential_offer (expires_at)',
    `CREATE TABLE passport_session (
      digest ${type.text} PRIMARY KEY,
      offer_id ${type.text} NOT NULL REFERENCES offer (id),
      generation ${type.integer} NOT NULL,
      signed_in ${type.boolean} NOT NULL,
      wallet ${type.text},
      expires_at ${type.text} NOT NULL
    )`,
    'CREATE INDEX passport_session_expiry ON passport_session (expires_at)',
  ];
}
