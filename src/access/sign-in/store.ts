import { EntitySchema, LessThan } from 'typeorm';
import { columns, type Tx } from '../../store/store.js';

/** A sign-in under way; `sealed` opens with the browser's cookie only. */
export interface SignInRow {
  readonly digest: string;
  readonly sealed: Buffer;
  readonly expiresAt: string;
}

const signInEntity = new EntitySchema<SignInRow>({
  name: 'AccessSignIn',
  tableName: 'access_sign_in',
  columns: {
    digest: { ...columns.text, primary: true },
    sealed: columns.blob,
    expiresAt: { ...columns.text, name: 'expires_at' },
  },
});

/** The tables of this room. */
export const signInEntities = [signInEntity];

export function insertSignIn(tx: Tx, row: SignInRow): Promise<unknown> {
  return tx.insert(signInEntity, row);
}

/** Takes a row out; of several that try one gets it, and none after its time. */
export async function takeSignIn(tx: Tx, digest: string, now: string): Promise<SignInRow | undefined> {
  const row = await tx.findOneBy(signInEntity, { digest });
  const { affected } = await tx.delete(signInEntity, { digest });
  return row !== null && affected === 1 && row.expiresAt > now ? row : undefined;
}

export async function forgetExpiredSignIns(tx: Tx, now: string): Promise<void> {
  await tx.delete(signInEntity, { expiresAt: LessThan(now) });
}
