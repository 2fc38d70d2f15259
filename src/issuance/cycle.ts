/**
 * The steps of the issuance cycle (design.md §4, after Boulder): reserve, sign, finalise, and burn for what will never
 * be finished. Each step takes what the one before it returned; docs/issuance-cycle.md says what a crash between them
 * leaves behind.
 */
import type { Audit } from '../audit/audit.js';
import {
  type SecuredCredential,
  type SecureOptions,
  type SecuringFormat,
  securingFormats,
} from '../credential/credential.js';
import { ServiceError } from '../errors.js';
import type { Identity, PassportAgent, SigningKeyReference } from '../identity/identity.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { isJsonObject, type JsonObject, parseJson } from '../json.js';
import type { RegistryView } from '../registry/registry.js';
import { purposesOf, type StatusEntry, type StatusLists, type StatusPurpose } from '../status/status.js';
import type { Store, Tx } from '../store/store.js';
import { contentOf, type InstanceIssue, type PreparedContent, type PreparedCredential } from './prepare.js';
import type { SealedBox } from './sealed-box.js';
import {
  findByIdempotencyKey,
  findByName,
  findIssuance,
  type IssuanceRow,
  insertIssuance,
  lockIssuance,
  purgePayloads,
  updateHeld,
} from './store.js';

export interface CycleDependencies {
  readonly store: Store;
  readonly audit: Pick<Audit, 'record'>;
  readonly agent: PassportAgent;
  readonly identity: Pick<Identity, 'did' | 'signingKey'>;
  readonly registry: RegistryView;
  readonly secure: (agent: PassportAgent, options: SecureOptions) => Promise<SecuredCredential>;
  readonly statusLists: Pick<StatusLists, 'allocate' | 'change' | 'refresh'>;
  readonly box: SealedBox;
  /** This process, among those that share the database. */
  readonly owner: string;
  readonly keepMilliseconds: number;
  readonly now: () => Date;
}

/**
 * How long a reservation belongs to its process. Longer than any request may take (handlerTimeout 20 s), so that a
 * process that lives has signed and finalised, or given up, before another one takes over.
 */
const leaseMilliseconds = 30_000;

/** Who asks, and under which key a repeated request means the same issue. */
export interface IssueContext {
  readonly clientId: string;
  readonly idempotency?: { readonly key: string; readonly bodyDigest: string };
  /** Token Status List, whatever the format: one entry for all purposes. */
  readonly oneStatus?: true;
}

/** A credential whose intent is in the store; `sign` takes only this. */
export interface ReservedCredential {
  readonly id: string;
  readonly type: string;
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  readonly credential: JsonObject;
  readonly clientId: string;
  readonly repeatable: boolean;
  readonly instance?: InstanceIssue;
}

/** What the client receives. */
export interface IssuedCredential {
  readonly credentialId: string;
  readonly format: SecuringFormat;
  readonly digest: string;
  readonly verifiableCredential: string | JsonObject;
}

function after(date: Date, milliseconds: number): string {
  return new Date(date.getTime() + milliseconds).toISOString();
}

/** Finds what the same key already stands for; a key whose window is over is free again. */
async function findRepeated(deps: CycleDependencies, tx: Tx, context: IssueContext): Promise<IssuanceRow | undefined> {
  if (context.idempotency === undefined) return undefined;
  const { key } = context.idempotency;
  await deps.store.lock(tx, `issuance:${context.clientId}:${key}`);
  const row = await findByIdempotencyKey(tx, context.clientId, key);
  if (row === null) return undefined;
  if (row.state === 'reserved' || row.keepUntil > deps.now().toISOString()) return row;
  await purgePayloads(tx, [row.id]);
  return undefined;
}

/** An id, and the name that an instance's caller gave, stand for one credential only. */
async function refuseTaken(deps: CycleDependencies, tx: Tx, { id, instance }: PreparedContent): Promise<void> {
  await deps.store.lock(tx, `issuance:${id}`);
  const name = instance?.nameDigest ?? undefined;
  if (name !== undefined) await deps.store.lock(tx, `issuance-name:${name}`);
  const taken = (await findIssuance(tx, id)) ?? (name === undefined ? null : await findByName(tx, name));
  if (taken !== null) throw new ServiceError('conflict', 'A credential with this id was issued already.');
}

/** The credential with its status entries, beside those that it came with; one alone stands alone, as most expect. */
function withStatus(credential: JsonObject, entries: readonly StatusEntry[]): JsonObject {
  if (entries.length === 0) return credential;
  const given = credential['credentialStatus'];
  const all = [...(given === undefined ? [] : [given].flat()), ...entries.map((entry) => ({ ...entry }))];
  return { ...credential, credentialStatus: all.length === 1 ? (all[0] ?? null) : all };
}

/** What the audit trail says of every step: no name that a caller chose, and no claims. */
function auditedOf({ type, format, instance }: Pick<PreparedContent, 'type' | 'format' | 'instance'>) {
  return { type, format, ...(instance && { instance: instance.name }) };
}

/**
 * One transaction: the intent with its sealed payload, the status indexes, the audit record. From here on a crash
 * leaves a row that recovery finishes or burns.
 */
export async function reserve(
  deps: CycleDependencies,
  prepared: PreparedCredential,
  context: IssueContext,
): Promise<ReservedCredential | { readonly repeated: IssuanceRow }> {
  return deps.store.transaction(async (tx) => {
    const repeated = await findRepeated(deps, tx, context);
    return repeated === undefined ? reserveIn(deps, tx, prepared, context) : { repeated };
  });
}

/** The same within a transaction that stores more than one credential, or why it is issued. */
export async function reserveIn(
  deps: CycleDependencies,
  tx: Tx,
  prepared: PreparedCredential,
  context: IssueContext,
): Promise<ReservedCredential> {
  const content = contentOf(prepared);
  const { id, type, format, algorithm, validFrom, validUntil, instance } = content;
  await refuseTaken(deps, tx, content);
  const entries = await allocate(deps, tx, content, context);
  const credential = withStatus(content.credential, entries);
  const now = deps.now();
  const { idempotency, clientId } = context;
  await insertIssuance(tx, {
    id,
    type,
    format,
    algorithm,
    clientId,
    state: 'reserved',
    reservedAt: now.toISOString(),
    issuedAt: null,
    changedAt: now.toISOString(),
    reason: null,
    validFrom,
    validUntil,
    digest: null,
    statusEntries: JSON.stringify(entries),
    owner: deps.owner,
    leaseUntil: after(now, leaseMilliseconds),
    idempotencyKey: idempotency?.key ?? null,
    bodyDigest: idempotency?.bodyDigest ?? null,
    keepUntil: after(now, deps.keepMilliseconds),
    prepared: deps.box.seal(JSON.stringify(credential), id, 'prepared'),
    signed: null,
    instance: instance?.name ?? null,
    nameDigest: instance?.nameDigest ?? null,
  });
  await deps.audit.record(tx, {
    action: 'credential.reserved',
    actor: clientId,
    subject: id,
    outcome: 'success',
    data: auditedOf(content),
  });
  const repeatable = idempotency !== undefined;
  return { id, type, format, algorithm, credential, clientId, repeatable, ...(instance && { instance }) };
}

/** An instance may issue without a status; then nothing is taken from the lists. */
async function allocate(
  deps: CycleDependencies,
  tx: Tx,
  { id, format, instance }: PreparedContent,
  { oneStatus }: IssueContext,
): Promise<StatusEntry[]> {
  if (instance?.statusPurposes.length === 0) return [];
  const purposes = instance && { purposes: instance.statusPurposes };
  const kind = oneStatus ? 'token' : securingFormats[format].kind;
  return deps.statusLists.allocate(tx, { recordId: id, kind, ...purposes });
}

/** Reads back what reserve() stored; the row must be held by this process. */
export function reopen(deps: CycleDependencies, row: IssuanceRow): ReservedCredential {
  if (row.prepared === null) throw new ServiceError('internal', 'A reserved credential has no prepared payload.');
  const credential = parseJson(deps.box.open(row.prepared, row.id, 'prepared'));
  if (!isJsonObject(credential)) throw new ServiceError('internal', 'A prepared payload is no credential.');
  const { id, type, clientId, idempotencyKey } = row;
  const format = row.format as SecuringFormat;
  const algorithm = row.algorithm as JwsAlgorithm;
  return { id, type, format, algorithm, credential, clientId, repeatable: idempotencyKey !== null };
}

/**
 * The key that signs now. Where the registry names our keys and this is none of them, every verifier would refuse what
 * it signs, so it signs nothing: a new key has to be listed first.
 */
export async function findSigningKey(deps: CycleDependencies, algorithm: JwsAlgorithm): Promise<SigningKeyReference> {
  const key = await deps.identity.signingKey(algorithm).catch(refuseKey);
  if (deps.registry.acceptsKey(deps.identity.did, key.thumbprint)) return key;
  throw new ServiceError('issuer_not_recognised', 'The registry does not list the key that signs now.');
}

/** What the signature says beside the credential, where the wallet protocols decide it. */
export type SigningTerms = Omit<Partial<SecureOptions>, 'credential' | 'format' | 'key'>;

/** Signs what was reserved, by the agent's key or the instance's own; a failure of the key is said as such. */
export async function sign(
  deps: CycleDependencies,
  reserved: ReservedCredential,
  terms: SigningTerms = {},
): Promise<SecuredCredential> {
  const { credential, format, algorithm, instance } = reserved;
  if (instance !== undefined) return instance.secure(credential).catch(refuseKey);
  const { walletKid, ...named } = await findSigningKey(deps, algorithm);
  const key = securingFormats[format].walletKey && walletKid !== undefined ? { ...named, kid: walletKid } : named;
  return deps.secure(deps.agent, { now: deps.now(), ...terms, credential, format, key }).catch(refuseKey);
}

function refuseKey(cause: unknown): never {
  if (cause instanceof ServiceError) throw cause;
  throw new ServiceError('key_unavailable', 'The credential could not be signed now.', { cause });
}

/** Records that it exists. Only what this returns may be delivered; a process that lost its lease gets nothing. */
export async function finalise(
  deps: CycleDependencies,
  reserved: ReservedCredential,
  secured: SecuredCredential,
): Promise<IssuedCredential> {
  return deps.store.transaction((tx) => finaliseIn(deps, tx, reserved, secured));
}

/** The same within a transaction; what it returns may be delivered once that is committed. */
export async function finaliseIn(
  deps: CycleDependencies,
  tx: Tx,
  reserved: ReservedCredential,
  secured: SecuredCredential,
): Promise<IssuedCredential> {
  const { id, format } = reserved;
  const { digest, verifiableCredential } = secured;
  const issued: IssuedCredential = { credentialId: id, format, digest, verifiableCredential };
  const now = deps.now().toISOString();
  const held = await updateHeld(tx, id, deps.owner, {
    state: 'issued',
    issuedAt: now,
    changedAt: now,
    digest,
    prepared: null,
    // Without a key nobody can ask for it again, so it is not kept at all.
    signed: reserved.repeatable ? deps.box.seal(JSON.stringify(issued), id, 'signed') : null,
  });
  if (!held) throw new ServiceError('conflict', 'Another process took this credential over; ask for it again.');
  await deps.audit.record(tx, {
    action: 'credential.issued',
    actor: reserved.clientId,
    subject: id,
    outcome: 'success',
    data: { ...auditedOf(reserved), digest },
  });
  return issued;
}

/** The identical credential, from its sealed bytes. */
export function redeliver(deps: CycleDependencies, row: IssuanceRow): IssuedCredential {
  if (row.signed === null) throw new ServiceError('conflict', 'This credential can not be delivered again.');
  return JSON.parse(deps.box.open(row.signed, row.id, 'signed')) as IssuedCredential;
}

/**
 * Gives a reservation up for good. Its indexes are never used again and its revocation bit is set: should a signature
 * have been made before a crash and leak one day, every verifier refuses it. An instance may have left that bit out, or
 * all of them; then its suspension does the same, or nothing can.
 */
export async function burn(deps: CycleDependencies, id: string, reason: string): Promise<boolean> {
  const burnt = await deps.store.transaction(async (tx) => {
    const held = await updateHeld(tx, id, deps.owner, {
      state: 'burnt',
      changedAt: deps.now().toISOString(),
      reason,
      prepared: null,
      idempotencyKey: null,
      bodyDigest: null,
      nameDigest: null,
    });
    if (!held) return false;
    const purpose = await refusingPurpose(tx, id);
    if (purpose !== undefined) await deps.statusLists.change(tx, { recordId: id, purpose, value: true });
    await deps.audit.record(tx, {
      action: 'credential.burnt',
      actor: 'system',
      subject: id,
      outcome: 'failure',
      data: { reason },
    });
    return true;
  });
  if (burnt) await deps.statusLists.refresh();
  return burnt;
}

async function refusingPurpose(tx: Tx, id: string): Promise<StatusPurpose | undefined> {
  const row = await findIssuance(tx, id);
  const entries = JSON.parse(row?.statusEntries ?? '[]') as StatusEntry[];
  const purposes = entries.flatMap(purposesOf) as StatusPurpose[];
  return purposes.find((purpose) => purpose === 'revocation') ?? purposes[0];
}

/** Lets another process, or the next attempt of this one, take the reservation at once. */
export async function release(deps: CycleDependencies, id: string): Promise<void> {
  const leaseUntil = deps.now().toISOString();
  await deps.store.transaction((tx) => updateHeld(tx, id, deps.owner, { leaseUntil }));
}

/** Takes an abandoned reservation over; undefined when it is not abandoned, or another process was faster. */
export async function takeOver(
  deps: CycleDependencies,
  id: string,
  options: { ignoreLease: boolean } = { ignoreLease: false },
): Promise<IssuanceRow | undefined> {
  return deps.store.transaction(async (tx) => {
    const row = await lockIssuance(tx, id);
    if (row === null || row.state !== 'reserved') return undefined;
    const now = deps.now();
    const foreign = options.ignoreLease && row.owner !== deps.owner;
    if (!foreign && row.leaseUntil > now.toISOString()) return undefined;
    const lease = { owner: deps.owner, leaseUntil: after(now, leaseMilliseconds) };
    await updateHeld(tx, id, row.owner, lease);
    return { ...row, ...lease };
  });
}
