import type { SecuredCredential } from '../credential/credential.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import type { Tx } from '../store/store.js';
import type { IssueContext, IssuedCredential, ReservedCredential, SigningTerms } from './cycle.js';
import type { PreparedCredential } from './prepare.js';

/**
 * The steps one by one, for the rooms of this slice: they store several copies, and whom those belong to, in one
 * transaction. What was reserved is finalised or burnt by whoever reserved it, or burnt by recovery.
 */
export interface IssuanceCycle {
  /** Throws where nothing could be signed now, before anything is stored. */
  checkKey(algorithm: JwsAlgorithm): Promise<void>;
  reserve(tx: Tx, prepared: PreparedCredential, caller: Omit<IssueContext, 'idempotency'>): Promise<ReservedCredential>;
  sign(reserved: ReservedCredential, terms: SigningTerms): Promise<SecuredCredential>;
  finalise(tx: Tx, reserved: ReservedCredential, secured: SecuredCredential): Promise<IssuedCredential>;
  burn(id: string, reason: string): Promise<boolean>;
  /** Revokes what is issued or suspended, for a reason of ours; false when there is nothing left to revoke. */
  revoke(tx: Tx, id: string, change: { readonly reason: string; readonly actor: string }): Promise<boolean>;
  /** After a commit that revoked something. */
  publish(): Promise<void>;
}
