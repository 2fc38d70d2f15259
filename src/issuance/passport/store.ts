import { EntitySchema, LessThanOrEqual } from 'typeorm';
import { columns, type Tx } from '../../store/store.js';

/** A browser in which the person gave the code or signed in; the cookie itself is only known to it. */
export interface PassportSessionRow {
  readonly digest: string;
  readonly offerId: string;
  readonly generation: number;
  readonly signedIn: boolean;
  /** The wallet that was chosen last. */
  readonly wallet: string | null;
  readonly expiresAt: string;
}

const sessionEntity = new EntitySchema<PassportSessionRow>({
  name: 'PassportSession',
  tableName: 'passport_session',
  columns: {
    digest: { ...columns.text, primary: true },
    offerId: { ...columns.text, name: 'offer_id' },
    generation: columns.integer,
    signedIn: { ...columns.boolean, name: 'signed_in' },
    wallet: { ...columns.text, nullable: true },
    expiresAt: { ...columns.text, name: 'expires_at' },
  },
});

/** The tables of this room. */
export const passportEntities = [sessionEntity];

export function insertSession(tx: Tx, row: PassportSessionRow): Promise<unknown> {
  return tx.insert(sessionEntity, row);
}

export function findSession(tx: Tx, digest: string): Promise<PassportSessionRow | null> {
  return tx.findOneBy(sessionEntity, { digest });
}

export function updateSession(tx: Tx, digest: string, values: Partial<PassportSessionRow>): Promise<unknown> {
  return tx.update(sessionEntity, { digest }, values);
}

export function deleteSession(tx: Tx, digest: string): Promise<unknown> {
  return tx.delete(sessionEntity, { digest });
}

export function deleteExpiredSessions(tx: Tx, now: string): Promise<unknown> {
  return tx.delete(sessionEntity, { expiresAt: LessThanOrEqual(now) });
}
