/**
 * The issuance cycle for a wallet: all copies of one request are reserved in one transaction with the nonces and proofs
 * that they cost, signed, and finalised in another one, which also ends the copies that they take the place of. A crash
 * in between leaves reserved copies that nobody can ask for; recovery burns them, and the wallet asks again.
 */
import { createHash } from 'node:crypto';
import type { Audit } from '../../audit/audit.js';
import type { SecuredCredential } from '../../credential/credential.js';
import { type ErrorCode, ServiceError } from '../../errors.js';
import { OAuthError } from '../../http/oauth-errors.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import type { Store, Tx } from '../../store/store.js';
import type { ReservedCredential } from '../cycle.js';
import type { IssueRequest, PreparedCredential } from '../prepare.js';
import type { IssuanceCycle } from '../steps.js';
import { isAnyStopped } from '../store.js';
import type { Configuration } from './configurations.js';
import type { Documents, OfferedDocument, WalletAccess } from './grants.js';
import type { HolderKey, KeyProof } from './proofs.js';
import {
  bindNonce,
  type CopyRow,
  findCopies,
  insertCopies,
  insertDelivery,
  removeDeferral,
  supersede,
  useProof,
} from './store.js';
import { type Issuer, roundToDay, roundValidity } from './times.js';

export interface IssuingDependencies {
  readonly store: Pick<Store, 'transaction' | 'read' | 'lock'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly issuance: { readonly cycle: IssuanceCycle; readonly prepare: (request: IssueRequest) => PreparedCredential };
  readonly documents: Documents;
  readonly issuer: Issuer;
  readonly random: (size: number) => Buffer;
  readonly now: () => Date;
  readonly onFault: (error: unknown) => void;
}

/** Who gets which document in which form, bound to which keys. */
export interface CopiesRequest {
  readonly access: WalletAccess;
  readonly document: OfferedDocument;
  readonly configuration: Configuration;
  readonly holders: readonly HolderKey[];
  /** What the request costs; nothing where it was paid when it was deferred. */
  readonly proofs: readonly KeyProof[];
  /** The digest of the transaction_id that ends with it. */
  readonly deferral?: string;
}

/** What the wallet receives. */
export interface DeliveredCopies {
  readonly credentials: readonly (string | JsonObject)[];
  readonly notificationId: string;
}

/** The states of a document that somebody may have copies of. */
const issuable: readonly OfferedDocument['state'][] = ['offered', 'issued'];

/** A wallet that asks again and again gets so many copies of a document in one configuration before it has to refresh. */
const maxCopies = 50;

/** How long a wallet may tell what became of its copies. */
const notificationMilliseconds = 30 * 86_400_000;

/** SHA-256, base64url: how secrets and anything of unbounded size stand in our tables. */
export function digestOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** Who did it, in the audit trail and in the records of the copies. */
export function actorOf({ sessionId }: WalletAccess): string {
  return `wallet:${sessionId}`;
}

export function denied(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('credential_request_denied', detail, cause === undefined ? {} : { cause });
}

/** Issues one copy for each key. Throws OAuthError, or ServiceError where it may work later. */
export async function issueCopies(deps: IssuingDependencies, request: CopiesRequest): Promise<DeliveredCopies> {
  const { facts, type } = request.configuration;
  const content = await readContent(deps, request.document.id);
  const rounded = roundValidity(deps.issuer, type.type, content, deps.now());
  const prepared = request.holders.map((holder) => prepare(deps, request.configuration, rounded, holder));
  await deps.issuance.cycle.checkKey(facts.algorithm);
  const reserved = await deps.store.transaction(async (tx) => {
    await payAndCheck(deps, tx, request);
    const copies = [];
    const caller = { clientId: actorOf(request.access), ...(facts.oneStatus && { oneStatus: facts.oneStatus }) };
    for (const one of prepared) copies.push(await deps.issuance.cycle.reserve(tx, one, caller));
    await insertCopies(tx, copies.map(toRow(request)));
    return copies;
  });
  try {
    return await signAndDeliver(deps, request, reserved);
  } catch (error) {
    // When this fails too, the rows stay reserved and recovery does it.
    for (const { id } of reserved) await deps.issuance.cycle.burn(id, 'NotFinished').catch(deps.onFault);
    throw error;
  }
}

async function readContent({ store, documents }: IssuingDependencies, documentId: string): Promise<JsonObject> {
  try {
    return await store.read((tx) => documents.content(tx, documentId));
  } catch (cause) {
    const gone = cause instanceof ServiceError && (cause.code === 'gone' || cause.code === 'not_found');
    throw gone ? denied('The offer of this document is over.', cause) : cause;
  }
}

/** What only a new offer can mend; what may be better later keeps its own answer. */
const hopeless: readonly ErrorCode[] = [
  'invalid_request',
  'invalid_credential',
  'unknown_credential_type',
  'schema_violation',
  'issuer_not_recognised',
];

function prepare(
  { issuance }: IssuingDependencies,
  { facts }: Configuration,
  content: JsonObject,
  { did }: HolderKey,
): PreparedCredential {
  const { id: _, credentialSubject, ...rest } = content;
  const subject = { ...(isJsonObject(credentialSubject) ? credentialSubject : {}), id: did };
  try {
    const options = { format: facts.securing, alg: facts.algorithm };
    return issuance.prepare({ credential: { ...rest, credentialSubject: subject }, options });
  } catch (cause) {
    const final = cause instanceof ServiceError && hopeless.includes(cause.code);
    throw final ? denied('This document cannot be issued any more as it was offered.', cause) : cause;
  }
}

async function payAndCheck(deps: IssuingDependencies, tx: Tx, request: CopiesRequest): Promise<void> {
  const { access, document, configuration, holders, proofs } = request;
  await deps.store.lock(tx, `wallet-document:${document.id}`);
  await payProofs(deps, tx, request, proofs);
  await refuseEnded(deps, tx, document.id);
  const own = await refuseOvertaken(tx, request);
  // Whoever has it may renew it; a code of before a resend opens nothing new, for somebody else may have used it.
  if (own.length === 0 && !(await deps.documents.isCurrent(tx, access.grant))) {
    throw denied('This passport was sent again since: open the new link.');
  }
  const same = own.filter(({ configurationId }) => configurationId === configuration.id);
  if (same.some(({ generation }) => generation > access.generation)) {
    throw denied('This document was issued under a newer access token.');
  }
  const current = same.filter(({ generation }) => generation === access.generation);
  if (current.length + holders.length > maxCopies) throw denied('This wallet has enough copies of this document.');
}

/** The copies of this session; none may be asked for once another wallet has the document. */
async function refuseOvertaken(tx: Tx, { access, document }: CopiesRequest): Promise<CopyRow[]> {
  const own = (await findCopies(tx, document.id)).filter(({ sessionId }) => sessionId === access.sessionId);
  if (own.some(({ supersededBy }) => supersededBy !== null && supersededBy !== access.sessionId)) {
    throw denied('Another wallet has received this document since; ask for a new offer.');
  }
  await refuseStopped(tx, own);
  return own;
}

/** What HR has revoked or suspended is not had anew by asking again. Those that we revoked were superseded. */
async function refuseStopped(tx: Tx, own: readonly CopyRow[]): Promise<void> {
  const ids = own.filter(({ supersededBy }) => supersededBy === null).map(({ credentialId }) => credentialId);
  if (ids.length === 0 || !(await isAnyStopped(tx, ids))) return;
  throw denied('The organisation has revoked or suspended this document in this wallet; ask it what to do.');
}

/** A nonce is its first user's, and a proof is good for one request (OpenID4VCI 1.0 13.8). */
export async function payProofs(
  { random }: Pick<IssuingDependencies, 'random'>,
  tx: Tx,
  { access, document, configuration }: Pick<CopiesRequest, 'access' | 'document' | 'configuration'>,
  proofs: readonly KeyProof[],
): Promise<void> {
  const requestId = random(16).toString('base64url');
  for (const { nonce, digest } of proofs) {
    const expiresAt = afterUse(nonce.expires);
    const bound = { digest: digestOf(nonce.value), sessionId: access.sessionId, expiresAt };
    if (!(await bindNonce(tx, bound))) throw usedUp('The nonce of a proof belongs to another session.');
    const used = { digest: digestOf(digest, document.id, configuration.id), requestId, expiresAt };
    if (!(await useProof(tx, used))) throw usedUp('A proof was used before; make a new one with a new nonce.');
  }
}

/** Replicas' clocks differ: one may still accept what another has long seen expire. */
function afterUse(expires: Date): string {
  return new Date(expires.getTime() + 5 * 60_000).toISOString();
}

function usedUp(detail: string): OAuthError {
  return new OAuthError('invalid_nonce', detail);
}

async function refuseEnded({ documents }: IssuingDependencies, tx: Tx, documentId: string): Promise<void> {
  const [document] = await documents.documents(tx, [documentId]);
  if (document === undefined || !issuable.includes(document.state)) throw ended();
}

export function ended(): OAuthError {
  return denied('This document is not offered any more.');
}

function toRow({ access, document, configuration }: CopiesRequest): (copy: ReservedCredential) => CopyRow {
  const { sessionId, generation } = access;
  const common = { documentId: document.id, configurationId: configuration.id, sessionId, generation };
  return ({ id }) => ({ ...common, credentialId: id, supersededBy: null });
}

async function signAndDeliver(
  deps: IssuingDependencies,
  request: CopiesRequest,
  reserved: readonly ReservedCredential[],
): Promise<DeliveredCopies> {
  const secured = await signAll(deps, request, reserved);
  const notificationId = deps.random(32).toString('base64url');
  const revoked = await deps.store.transaction(async (tx) => {
    await deps.store.lock(tx, `wallet-document:${request.document.id}`);
    await refuseEnded(deps, tx, request.document.id);
    await refuseOvertaken(tx, request);
    if (request.deferral !== undefined && !(await removeDeferral(tx, request.deferral))) throw ended();
    for (const [index, copy] of reserved.entries()) {
      await deps.issuance.cycle.finalise(tx, copy, secured[index] as SecuredCredential);
    }
    await recordDelivery(deps, tx, request, notificationId);
    return revokeOlder(deps, tx, request);
  });
  if (revoked) await deps.issuance.cycle.publish();
  return { credentials: secured.map(toWire), notificationId };
}

async function signAll(
  { issuance, issuer, now }: IssuingDependencies,
  { configuration, holders }: CopiesRequest,
  reserved: readonly ReservedCredential[],
): Promise<SecuredCredential[]> {
  const { type, facts } = configuration;
  const common = { now: roundToDay(issuer, type.type, now()) };
  const secured = [];
  for (const [index, copy] of reserved.entries()) {
    const terms = facts.signingTerms?.(type, holders[index] ?? {});
    secured.push(await issuance.cycle.sign(copy, { ...common, ...terms }));
  }
  return secured;
}

async function recordDelivery(
  deps: IssuingDependencies,
  tx: Tx,
  { access, document, configuration, holders }: CopiesRequest,
  notificationId: string,
): Promise<void> {
  await insertDelivery(tx, {
    digest: digestOf(notificationId),
    documentId: document.id,
    sessionId: access.sessionId,
    events: '',
    expiresAt: new Date(deps.now().getTime() + notificationMilliseconds).toISOString(),
  });
  await deps.documents.markIssued(tx, { documentId: document.id, generation: access.grant.generation });
  await deps.audit.record(tx, {
    action: 'document.issued',
    actor: actorOf(access),
    subject: document.id,
    outcome: 'success',
    data: { configuration: configuration.id, copies: holders.length, generation: access.generation },
  });
}

/**
 * Holder binding means one wallet: what another session got of this document is revoked, and what this one got in this
 * configuration before it refreshed. Says whether anything was.
 */
async function revokeOlder(
  { issuance }: IssuingDependencies,
  tx: Tx,
  { access, document, configuration }: CopiesRequest,
): Promise<boolean> {
  const older = (await findCopies(tx, document.id)).filter((copy) => {
    if (copy.supersededBy !== null) return false;
    if (copy.sessionId !== access.sessionId) return true;
    return copy.configurationId === configuration.id && copy.generation < access.generation;
  });
  if (older.length === 0) return false;
  const ids = older.map(({ credentialId }) => credentialId);
  await supersede(tx, ids, access.sessionId);
  const outcomes = [];
  const change = { reason: 'Reissued', actor: actorOf(access) };
  for (const id of ids) outcomes.push(await issuance.cycle.revoke(tx, id, change));
  return outcomes.includes(true);
}

/** A token travels as it is, without the envelope that VCDM 2.0 puts around it elsewhere. */
function toWire({ compact, verifiableCredential }: SecuredCredential): string | JsonObject {
  return compact ?? verifiableCredential;
}
