/**
 * Issues the credentials of the catalogue and ends them (decisions.md 1, 9, 12; design.md §4): prepare, reserve, sign,
 * finalise, deliver; revoke, suspend, reinstate. No credential leaves without its durable record, and a crash anywhere
 * leaves a record that start-up finishes or burns. Called by routes; the rooms of the wallet protocols, which this file
 * hands on to app.ts, go through the steps of the cycle.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, ServiceError } from '../errors.js';
import { canonicalJson, type JsonObject } from '../json.js';
import type { StatusEntry } from '../status/status.js';
import type { Tx } from '../store/store.js';
import {
  burn,
  type CycleDependencies,
  finalise,
  finaliseIn,
  findSigningKey,
  type IssueContext,
  type IssuedCredential,
  type ReservedCredential,
  redeliver,
  release,
  reopen,
  reserve,
  reserveIn,
  sign,
  takeOver,
} from './cycle.js';
import { nameDigestOf, type OpenIssueRequest, prepareOpen } from './open-issuing.js';
import {
  checkRecognition,
  checkUnheld,
  contentOf,
  type IssueRequest,
  type PrepareDependencies,
  type PreparedCredential,
  prepareCredential,
} from './prepare.js';
import { reasons, type StatusAction, type Transition, transitions } from './reasons.js';
import { createSealedBox } from './sealed-box.js';
import type { IssuanceCycle } from './steps.js';
import {
  findAbandoned,
  findByIdempotencyKey,
  findByName,
  findIssuance,
  findPurgeable,
  type IssuanceRow,
  type IssuanceState,
  lockIssuance,
  purgePayloads,
  updateIssuance,
} from './store.js';

export { authorizationEntities, createAuthorization } from './authorization/authorization.js';
export type { IssuedCredential } from './cycle.js';
export { createOffers, type Offers, offersEntities } from './offers/offers.js';
export { createCredentialIssuer, credentialIssuerEntities } from './oid4vci/credential-issuer.js';
export { createDocumentRevocation } from './oid4vci/revoking.js';
export type { OpenIssueRequest } from './open-issuing.js';
export { createPassport, passportEntities } from './passport/passport.js';
export type { IssueRequest, PreparedCredential } from './prepare.js';
export type { StatusAction } from './reasons.js';
export { type IssuanceState, issuanceEntities } from './store.js';

/** Who asks. */
export interface IssuanceCaller {
  readonly clientId: string;
  readonly idempotencyKey?: string;
}

/** What is known of an issued credential; never its claims. */
export interface IssuanceRecord {
  readonly id: string;
  readonly type: string;
  readonly format: string;
  readonly algorithm: string;
  readonly state: IssuanceState;
  readonly reservedAt: string;
  readonly issuedAt?: string;
  readonly changedAt: string;
  readonly reason?: string;
  readonly validFrom: string;
  readonly validUntil?: string;
  readonly digest?: string;
  readonly credentialStatus: readonly StatusEntry[];
}

export interface StatusRequest {
  readonly credentialId: string;
  /** The instance that issued it in its own name; `credentialId` is then what its caller names it by. */
  readonly instance?: string;
  readonly action: StatusAction;
  readonly reason: string;
}

/** How a recovery went; `left` is tried again. */
export interface Recovery {
  readonly finished: number;
  readonly burnt: number;
  readonly left: number;
}

export interface Issuance {
  readonly cycle: IssuanceCycle;
  /** Checks everything that needs no key; throws ServiceError with every fault. */
  prepare(request: IssueRequest): PreparedCredential;
  /** The same checks for what will be issued to a holder who is not known yet; answers its type. */
  checkUnheld(credential: JsonObject): string;
  issue(request: IssueRequest, caller: IssuanceCaller): Promise<IssuedCredential>;
  /** The same cycle for what a service instance issues outside the catalogue and signs itself. */
  issueOpen(request: OpenIssueRequest, caller: Pick<IssuanceCaller, 'clientId'>): Promise<IssuedCredential>;
  changeStatus(request: StatusRequest, caller: Pick<IssuanceCaller, 'clientId'>): Promise<IssuanceRecord>;
  record(id: string): Promise<IssuanceRecord>;
  /** Finishes or burns what a crash left reserved. */
  recover(options?: { startUp?: boolean }): Promise<Recovery>;
  /** Forgets sealed payloads and idempotency keys whose window is over; says how many records it touched. */
  purge(): Promise<number>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface IssuanceDependencies
  extends Omit<CycleDependencies, 'box' | 'owner' | 'keepMilliseconds'>,
    Omit<PrepareDependencies, 'newUuid' | 'defaultFormat' | 'now'> {
  readonly config: { readonly defaultFormat: PrepareDependencies['defaultFormat']; readonly idempotencyHours: number };
  readonly deriveKey: (label: string, length: number) => Buffer;
  readonly random: (size: number) => Buffer;
  /** Told of faults that nobody waits for: a recovery or purge that will be tried again. */
  readonly onFault?: (error: unknown) => void;
}

const recoverEveryMilliseconds = 5000;
const purgeEveryMilliseconds = 600_000;
const batchSize = 500;

/** How long a repeated request waits for the first one before it is told to come again. */
const patience = { attempts: 50, milliseconds: 100 };

type Deps = CycleDependencies & PrepareDependencies & { readonly onFault: (error: unknown) => void };

/** RFC 9562 5.4: 122 random bits, version 4. */
function toUuid(bytes: Buffer): string {
  const hex = Buffer.from(bytes);
  hex[6] = ((hex[6] ?? 0) & 0x0f) | 0x40;
  hex[8] = ((hex[8] ?? 0) & 0x3f) | 0x80;
  return hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function toDeps(given: IssuanceDependencies): Deps {
  const newUuid = () => toUuid(given.random(16));
  return {
    ...given,
    newUuid,
    box: createSealedBox(given.deriveKey('issuance-payload', 32), given.random),
    owner: newUuid(),
    keepMilliseconds: given.config.idempotencyHours * 3_600_000,
    defaultFormat: given.config.defaultFormat,
    onFault: given.onFault ?? (() => undefined),
  };
}

export function createIssuance(given: IssuanceDependencies): Issuance {
  const deps = toDeps(given);
  let timers: NodeJS.Timeout[] = [];
  let running: Promise<unknown> = Promise.resolve();

  function inTurn(work: () => Promise<unknown>): void {
    running = running.then(work).catch(deps.onFault);
  }

  return {
    cycle: createCycle(deps),
    prepare: (request) => prepareCredential(deps, request),
    checkUnheld: (credential) => checkUnheld(deps, credential),
    issue: (request, caller) => issue(deps, request, caller),
    issueOpen: (request, { clientId }) => issuePrepared(deps, prepareOpen(deps, request), { clientId }),
    changeStatus: (request, caller) => changeStatus(deps, request, caller.clientId),
    record: (id) => readRecord(deps, id),
    recover: (options = {}) => recover(deps, options.startUp === true),
    purge: () => purge(deps),
    async start() {
      await recover(deps, true);
      timers = [
        setInterval(() => inTurn(() => recover(deps, false)), recoverEveryMilliseconds).unref(),
        setInterval(() => inTurn(() => purge(deps)), purgeEveryMilliseconds).unref(),
      ];
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      timers = [];
      await running;
    },
  };
}

function createCycle(deps: Deps): IssuanceCycle {
  return {
    checkKey: async (algorithm) => void (await findSigningKey(deps, algorithm)),
    reserve: (tx, prepared, caller) => reserveIn(deps, tx, prepared, caller),
    sign: (reserved, terms) => sign(deps, reserved, terms),
    finalise: (tx, reserved, secured) => finaliseIn(deps, tx, reserved, secured),
    burn: (id, reason) => burn(deps, id, reason),
    revoke: (tx, id, { reason, actor }) => revokeIn(deps, tx, id, { reason, actor }),
    publish: () => publish(deps),
  };
}

/** The same body means the same members, whatever their order (RFC 8785). */
function digestOf(request: IssueRequest): string {
  const body: JsonObject = { credential: request.credential, options: { ...request.options } as JsonObject };
  return createHash('sha256').update(canonicalJson(body)).digest('base64url');
}

function contextOf(request: IssueRequest, caller: IssuanceCaller): IssueContext {
  const { clientId, idempotencyKey: key } = caller;
  return key === undefined ? { clientId } : { clientId, idempotency: { key, bodyDigest: digestOf(request) } };
}

async function issue(deps: Deps, request: IssueRequest, caller: IssuanceCaller): Promise<IssuedCredential> {
  const context = contextOf(request, caller);
  const known = await findKnown(deps, context);
  const repeated = known && (await answerRepeated(deps, known, context));
  if (repeated) return repeated;
  const prepared = prepareCredential(deps, request);
  // Asked before anything is stored, so that a key which is not listed yet costs no reservation; sign asks again.
  await findSigningKey(deps, contentOf(prepared).algorithm);
  return issuePrepared(deps, prepared, context);
}

async function issuePrepared(
  deps: Deps,
  prepared: PreparedCredential,
  context: IssueContext,
): Promise<IssuedCredential> {
  const reserved = await reserve(deps, prepared, context);
  if (!('repeated' in reserved)) return complete(deps, reserved);
  const answer = await answerRepeated(deps, reserved.repeated, context);
  if (answer) return answer;
  throw new ServiceError('conflict', 'The first request with this Idempotency-Key failed; send it again.');
}

/** A retry is answered even when it would not be accepted as a new request: the registry may be down by now. */
async function findKnown(deps: Deps, context: IssueContext): Promise<IssuanceRow | null> {
  const { clientId, idempotency } = context;
  if (idempotency === undefined) return null;
  const row = await deps.store.read((tx) => findByIdempotencyKey(tx, clientId, idempotency.key));
  return row !== null && (row.state === 'reserved' || row.keepUntil > deps.now().toISOString()) ? row : null;
}

/** Signs, records and hands over; what cannot be finished is given up, or left for a retry when one can come. */
async function complete(deps: Deps, reserved: ReservedCredential): Promise<IssuedCredential> {
  try {
    return await finalise(deps, reserved, await sign(deps, reserved));
  } catch (error) {
    const abandon = reserved.repeatable ? release(deps, reserved.id) : burn(deps, reserved.id, 'NotFinished');
    // When this fails too, the row stays reserved and recovery does it.
    await abandon.catch(deps.onFault);
    throw error;
  }
}

/** The identical credential; undefined when the first attempt was given up and the key is free again. */
async function answerRepeated(
  deps: Deps,
  first: IssuanceRow,
  context: IssueContext,
): Promise<IssuedCredential | undefined> {
  if (first.bodyDigest !== context.idempotency?.bodyDigest) {
    throw new ServiceError('idempotency_conflict', 'This Idempotency-Key was used with another body.');
  }
  let row: IssuanceRow | null = first;
  for (let attempt = 0; attempt < patience.attempts; attempt += 1) {
    if (row === null || row.state === 'burnt') return undefined;
    if (row.state !== 'reserved') return redeliver(deps, row);
    const taken = await takeOver(deps, row.id);
    if (taken !== undefined) return finish(deps, taken);
    await sleep(patience.milliseconds);
    row = await deps.store.read((tx) => findIssuance(tx, first.id));
  }
  throw new ServiceError('conflict', 'The first request with this Idempotency-Key is still being worked on.');
}

/** Completes a reservation that this process took over; the same payload and the same indexes. */
async function finish(deps: Deps, row: IssuanceRow): Promise<IssuedCredential | undefined> {
  try {
    checkRecognition(deps, row);
  } catch (error) {
    const hopeless = error instanceof ServiceError && error.code === 'issuer_not_recognised';
    await (hopeless ? burn(deps, row.id, 'IssuerNotRecognised') : release(deps, row.id));
    throw error;
  }
  return complete(deps, reopen(deps, row));
}

async function recover(deps: Deps, startUp: boolean): Promise<Recovery> {
  // One SQLite file has one process: what another owner reserved was reserved by a process that is gone.
  const ignoreLeases = startUp && deps.store.dialect === 'sqlite';
  const search = { now: deps.now().toISOString(), owner: deps.owner, ignoreLeases, limit: batchSize };
  const abandoned = await deps.store.read((tx) => findAbandoned(tx, search));
  const counts = { finished: 0, burnt: 0, left: 0 };
  for (const { id } of abandoned) {
    const outcome = await recoverOne(deps, id, ignoreLeases).catch((error: unknown) => {
      deps.onFault(error);
      return 'left' as const;
    });
    if (outcome !== undefined) counts[outcome] += 1;
  }
  return counts;
}

/** Nobody can ask for a credential without a key again, nor after its window: those are burnt, the others finished. */
async function recoverOne(deps: Deps, id: string, ignoreLease: boolean): Promise<keyof Recovery | undefined> {
  const row = await takeOver(deps, id, { ignoreLease });
  if (row === undefined) return undefined;
  const wanted = row.idempotencyKey !== null && row.keepUntil > deps.now().toISOString();
  if (!wanted) return (await burn(deps, id, 'Abandoned')) ? 'burnt' : 'left';
  try {
    await finish(deps, row);
    return 'finished';
  } catch (error) {
    deps.onFault(error);
    const state = await deps.store.read((tx) => findIssuance(tx, id));
    return state?.state === 'burnt' ? 'burnt' : 'left';
  }
}

async function purge(deps: Deps): Promise<number> {
  const now = deps.now().toISOString();
  let total = 0;
  for (;;) {
    const purged = await deps.store.transaction(async (tx) => {
      const ids = await findPurgeable(tx, now, batchSize);
      if (ids.length > 0) await purgePayloads(tx, ids);
      return ids.length;
    });
    total += purged;
    if (purged < batchSize) return total;
  }
}

async function readRecord(deps: Deps, id: string): Promise<IssuanceRecord> {
  const row = await deps.store.read((tx) => findIssuance(tx, id));
  if (row === null || row.instance !== null) throw noSuchCredential();
  return toRecord(row);
}

function toRecord(row: IssuanceRow): IssuanceRecord {
  const { id, type, format, algorithm, state, reservedAt, changedAt, validFrom } = row;
  return {
    id,
    type,
    format,
    algorithm,
    state,
    reservedAt,
    ...(row.issuedAt !== null && { issuedAt: row.issuedAt }),
    changedAt,
    ...(row.reason !== null && { reason: row.reason }),
    validFrom,
    ...(row.validUntil !== null && { validUntil: row.validUntil }),
    ...(row.digest !== null && { digest: row.digest }),
    credentialStatus: JSON.parse(row.statusEntries) as StatusEntry[],
  };
}

function refuseReason({ action, reason }: StatusRequest): void {
  const allowed: readonly string[] = reasons[action];
  if (allowed.includes(reason)) return;
  const fault: Fault = { path: '/reason', detail: `must be one of ${allowed.join(', ')} to ${action}` };
  throw new ServiceError('invalid_request', `The body is not valid at ${fault.path}: ${fault.detail}.`, {
    faults: [fault],
  });
}

function noSuchCredential(): ServiceError {
  return new ServiceError('not_found', 'There is no such credential.');
}

/** What an instance issued in its own name is reached through that instance only, by the name that its caller knows. */
async function lockRequested(tx: Tx, { credentialId, instance }: StatusRequest): Promise<IssuanceRow> {
  const named = instance === undefined ? undefined : await findByName(tx, nameDigestOf(instance, credentialId));
  const row = named === null ? null : await lockIssuance(tx, named?.id ?? credentialId);
  if (row === null || row.instance !== (instance ?? null)) throw noSuchCredential();
  return row;
}

/** One transaction: the bit with its signed list, the record's state, the audit record. A repeated call changes nothing. */
async function changeStatus(deps: Deps, request: StatusRequest, clientId: string): Promise<IssuanceRecord> {
  refuseReason(request);
  const { action, reason } = request;
  const { row, changed } = await deps.store.transaction(async (tx) => {
    const found = await lockRequested(tx, request);
    const step = transitions[found.state][action];
    if (step === 'done') return { row: found, changed: false };
    if (step === 'final')
      throw new ServiceError('status_irreversible', 'A revoked credential stays revoked; issue a new one.');
    if (step === 'never') throw new ServiceError('conflict', `The credential is ${found.state}, not issued.`);
    return { row: await applyStep(deps, tx, found, { action, step, reason, actor: clientId }), changed: true };
  });
  if (changed) await publish(deps);
  return toRecord(row);
}

interface AppliedStep {
  readonly action: StatusAction;
  readonly step: Transition;
  readonly reason: string;
  readonly actor: string;
}

async function applyStep(deps: Deps, tx: Tx, found: IssuanceRow, applied: AppliedStep): Promise<IssuanceRow> {
  const { action, step, reason, actor } = applied;
  await deps.statusLists.change(tx, { recordId: found.id, purpose: step.purpose, value: step.value });
  const values = { state: step.to, reason, changedAt: deps.now().toISOString() };
  await updateIssuance(tx, found.id, values);
  const data = { action, reason, from: found.state, to: step.to };
  await deps.audit.record(tx, {
    action: 'credential.status_changed',
    actor,
    subject: found.id,
    outcome: 'success',
    data,
  });
  return { ...found, ...values };
}

async function revokeIn(
  deps: Deps,
  tx: Tx,
  id: string,
  change: { readonly reason: string; readonly actor: string },
): Promise<boolean> {
  const found = await lockIssuance(tx, id);
  const step = found === null ? 'never' : transitions[found.state].revoke;
  if (found === null || typeof step === 'string') return false;
  await applyStep(deps, tx, found, { action: 'revoke', step, ...change });
  return true;
}

/** The change is committed: a list that this process cannot load now is loaded by the next reload. */
async function publish(deps: Deps): Promise<void> {
  await deps.statusLists.refresh().catch(deps.onFault);
}
