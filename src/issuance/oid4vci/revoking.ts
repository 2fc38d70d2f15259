/**
 * HR ends a document, whatever became of it: nothing more goes into a wallet, and every copy that any wallet has is
 * revoked (domain.md J13). HR knows the document; which copies there are is known here alone.
 */
import type { Audit } from '../../audit/audit.js';
import type { Store, Tx } from '../../store/store.js';
import type { reasons } from '../reasons.js';
import type { IssuanceCycle } from '../steps.js';
import { findCopies } from './store.js';

export interface RevocationRequest {
  readonly offerId: string;
  readonly documentIds: readonly string[];
  readonly reason: (typeof reasons.revoke)[number];
}

/** How many copies were revoked now; those that were ended before are not counted again. */
export interface RevocationAnswer {
  readonly offerId: string;
  readonly copies: number;
}

export interface DocumentRevocation {
  revoke(request: RevocationRequest, actor: { readonly clientId: string }): Promise<RevocationAnswer>;
}

export interface DocumentRevocationDependencies {
  readonly store: Pick<Store, 'transaction' | 'lock'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly cycle: Pick<IssuanceCycle, 'revoke' | 'publish'>;
  /** Withdraws documents of an offer; throws `not_found`, or `invalid_request` for those of another offer. */
  readonly withdraw: (
    tx: Tx,
    request: { offerId: string; documentIds: readonly string[]; reason: 'NoLongerValid' },
    actor: { readonly clientId: string },
  ) => Promise<void>;
}

export function createDocumentRevocation(deps: DocumentRevocationDependencies): DocumentRevocation {
  return { revoke: (request, actor) => revokeDocuments(deps, request, actor.clientId) };
}

/** One transaction: the documents, every bit with its signed list, the records, the audit. A repeated call revokes nothing more. */
async function revokeDocuments(
  deps: DocumentRevocationDependencies,
  { offerId, documentIds, reason }: RevocationRequest,
  actor: string,
): Promise<RevocationAnswer> {
  const copies = await deps.store.transaction(async (tx) => {
    // As issuing does, so that no copy is finalised between the look and the end; in one order, against deadlocks.
    for (const id of documentIds.toSorted()) await deps.store.lock(tx, `wallet-document:${id}`);
    await deps.withdraw(tx, { offerId, documentIds, reason: 'NoLongerValid' }, { clientId: actor });
    let revoked = 0;
    for (const id of documentIds) revoked += await revokeCopies(deps, tx, id, { reason, actor });
    const data = { documents: documentIds.length, copies: revoked, reason };
    const event = { action: 'document.revoked', actor, subject: offerId, data } as const;
    await deps.audit.record(tx, { ...event, outcome: 'success' });
    return revoked;
  });
  await deps.cycle.publish();
  return { offerId, copies };
}

async function revokeCopies(
  { cycle }: DocumentRevocationDependencies,
  tx: Tx,
  documentId: string,
  change: { readonly reason: string; readonly actor: string },
): Promise<number> {
  let revoked = 0;
  for (const { credentialId } of await findCopies(tx, documentId)) {
    if (await cycle.revoke(tx, credentialId, change)) revoked += 1;
  }
  return revoked;
}
