import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../json.js';

/** What stands before the first record: 32 zero bytes, in the form of every other hash. */
export const genesisHash: string = Buffer.alloc(32).toString('base64url');

/** The members of a record that its hash covers. */
export interface HashedRecord {
  readonly recordedAt: string;
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly outcome: string;
  readonly data: Json;
}

/** SHA-256 of the RFC 8785 form, base64url: the same whoever computes it in whatever language. */
export function hashRecord(record: HashedRecord, sequence: number, previous: string): string {
  const { recordedAt, action, actor, subject, outcome, data } = record;
  const content = canonicalJson({ sequence, previous, recordedAt, action, actor, subject, outcome, data });
  return createHash('sha256').update(content).digest('base64url');
}
