import { createHash } from 'node:crypto';
import { EntitySchema, LessThan } from 'typeorm';
import { columns, type Tx } from '../store/store.js';

interface UsedAssertionRow {
  digest: string;
  expiresAt: string;
}

const usedAssertionSchema = new EntitySchema<UsedAssertionRow>({
  name: 'AccessUsedAssertion',
  tableName: 'access_used_assertion',
  columns: {
    digest: { ...columns.text, primary: true },
    expiresAt: { ...columns.text, name: 'expires_at' },
  },
});

/** The tables of this slice, for openStore. */
export const accessEntities: readonly EntitySchema[] = [usedAssertionSchema];

/**
 * Replicas' clocks differ: one may still accept what another has long seen expire, so a row stays this much longer.
 */
const marginMilliseconds = 5 * 60_000;

/** Uses an assertion up; the transaction fails with `conflict` when it was used before, on whatever replica. */
export async function useAssertion(tx: Tx, used: { clientId: string; jti: string; expiresAt: Date }): Promise<void> {
  // A digest has a fixed size whatever a client sends; JSON keeps the two parts apart.
  const digest = createHash('sha256')
    .update(JSON.stringify([used.clientId, used.jti]))
    .digest('base64url');
  const expiresAt = new Date(used.expiresAt.getTime() + marginMilliseconds).toISOString();
  await tx.insert(usedAssertionSchema, { digest, expiresAt });
}

/** Forgets what can no longer be presented. */
export async function forgetExpired(tx: Tx, now: Date): Promise<void> {
  await tx.delete(usedAssertionSchema, { expiresAt: LessThan(now.toISOString()) });
}
