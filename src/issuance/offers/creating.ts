/** Making an offer: everything is checked with the schemas that issuing uses, then stored sealed in one transaction. */
import { createHash } from 'node:crypto';
import { type Fault, ServiceError } from '../../errors.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../json.js';
import type { Tx } from '../../store/store.js';
import { allowedTries, contentPlace, defaultHours, hoursAfter, keepUntil, type OffersContext } from './context.js';
import { type DocumentView, toView } from './documents.js';
import {
  type DocumentRow,
  findOfferByIdempotencyKey,
  insertDocuments,
  insertOffer,
  type OfferRow,
  updateOffer,
} from './store.js';

/** One document of a passport, as HR prepared it. */
export interface OfferedCredential {
  /** The form of the catalogue, without the holder. */
  readonly credential: JsonObject;
  /** Not ready yet: a wallet that asks is told to come again, until it is released. */
  readonly pending?: boolean;
  readonly requireSignIn?: boolean;
}

export interface OfferRequest {
  readonly credentials: readonly OfferedCredential[];
  /** Who the identity provider knows the person as; needed wherever somebody must sign in. */
  readonly person?: { readonly signInSubject: string };
  /** Whether the person gets a code; without one there is only sign-in. */
  readonly txCode?: boolean;
  readonly expiresInHours?: number;
}

export interface OfferCaller {
  readonly clientId: string;
  readonly idempotencyKey?: string;
}

/** What HR receives, once: the link goes to the person, the code by another way. */
export interface OfferAnswer {
  readonly offerId: string;
  readonly link: string;
  readonly txCode?: string;
  readonly expiresAt: string;
  readonly documents: readonly DocumentView[];
}

export type CreatingContext = OffersContext & {
  /** Throws ServiceError with the faults of a credential; answers its type. */
  readonly checkUnheld: (credential: JsonObject) => string;
};

/** What an offered credential may say; the rest is added when it is issued. */
const offeredMembers = ['type', 'credentialSubject', 'validFrom', 'validUntil', 'evidence'];

export async function createOffer(
  context: CreatingContext,
  request: OfferRequest,
  caller: OfferCaller,
): Promise<OfferAnswer> {
  const bodyDigest = createHash('sha256')
    .update(canonicalJson(request as unknown as Json))
    .digest('base64url');
  const known = await context.store.read((tx) => findRepeated(context, tx, caller));
  // A repeated request is answered even when it would not be accepted any more: the registry may be down by now.
  if (known !== undefined) return answerRepeated(context, known, bodyDigest);
  const types = checkCredentials(context, request.credentials);
  checkPerson(context, request, types);
  return context.store.transaction(async (tx) => {
    const { clientId, idempotencyKey } = caller;
    if (idempotencyKey !== undefined) await context.store.lock(tx, `offer:${clientId}:${idempotencyKey}`);
    const repeated = await findRepeated(context, tx, caller);
    if (repeated !== undefined) return answerRepeated(context, repeated, bodyDigest);
    await freeKey(tx, caller);
    return storeOffer(context, tx, { request, types, caller, bodyDigest });
  });
}

async function findRepeated(context: OffersContext, tx: Tx, caller: OfferCaller): Promise<OfferRow | undefined> {
  if (caller.idempotencyKey === undefined) return undefined;
  const row = await findOfferByIdempotencyKey(tx, caller.clientId, caller.idempotencyKey);
  return row !== null && (row.answerUntil ?? '') > context.now().toISOString() ? row : undefined;
}

/** A key whose window is over is free again, even before the purge. */
async function freeKey(tx: Tx, { clientId, idempotencyKey }: OfferCaller): Promise<void> {
  if (idempotencyKey === undefined) return;
  const old = await findOfferByIdempotencyKey(tx, clientId, idempotencyKey);
  if (old === null) return;
  await updateOffer(tx, old.id, { idempotencyKey: null, bodyDigest: null, answer: null, answerUntil: null });
}

function answerRepeated({ box }: OffersContext, row: OfferRow, bodyDigest: string): OfferAnswer {
  if (row.bodyDigest !== bodyDigest) {
    throw new ServiceError('idempotency_conflict', 'This Idempotency-Key was used with another body.');
  }
  if (row.answer === null) {
    throw new ServiceError('conflict', 'The offer of this Idempotency-Key was sent again or withdrawn since.');
  }
  return JSON.parse(box.open(row.answer, answerPlace(row.id))) as OfferAnswer;
}

function answerPlace(offerId: string): string {
  return `offer/answer/${offerId}`;
}

/** The types of all documents; throws with the faults of all of them. */
function checkCredentials(context: CreatingContext, credentials: readonly OfferedCredential[]): string[] {
  const faults: Fault[] = [];
  let first: ServiceError | undefined;
  const types = credentials.map(({ credential }, index) => {
    try {
      refuseFurtherMembers(credential);
      return context.checkUnheld(credential);
    } catch (error) {
      // What is no fault of this document, such as a registry that cannot be asked, is not its fault.
      if (!(error instanceof ServiceError) || error.faults.length === 0) throw error;
      first ??= error;
      faults.push(...error.faults.map(({ path, detail }) => ({ path: `/credentials/${index}${path}`, detail })));
      return '';
    }
  });
  refuseAll(first, faults);
  return types;
}

/** More than this nobody reads, and an answer must stay small. */
const maximumFaults = 50;

function refuseAll(first: ServiceError | undefined, faults: readonly Fault[]): void {
  if (first === undefined) return;
  const detail = `A credential is not acceptable at ${faults[0]?.path}: ${faults[0]?.detail.replace(/\.$/, '')}.`;
  throw new ServiceError(first.code, detail, { faults: faults.slice(0, maximumFaults) });
}

function refuseFurtherMembers(credential: JsonObject): void {
  const { credentialSubject } = credential;
  const further = Object.keys(credential)
    .filter((name) => !offeredMembers.includes(name))
    // A name that nobody would expect may be anything, so it is not repeated.
    .map((name) => (/^[@A-Za-z]{1,32}$/.test(name) ? `/credential/${name}` : '/credential'));
  const held = isJsonObject(credentialSubject) && 'id' in credentialSubject ? ['/credential/credentialSubject/id'] : [];
  const faults = [...further, ...held].map((path) => ({ path, detail: 'must be left out of an offer' }));
  if (faults.length > 0) throw new ServiceError('invalid_request', 'The credential has further members.', { faults });
}

/** Sign-in must be possible, and it must be said who signs in, wherever there is no other way to the documents. */
function checkPerson(context: OffersContext, request: OfferRequest, types: readonly string[]): void {
  const demanding = types.findIndex((type, index) => isSignInRequired(context, type, request.credentials[index]));
  const path = request.txCode === false ? '/txCode' : demanding >= 0 ? `/credentials/${demanding}` : undefined;
  if (path === undefined) return;
  const refuse = (detail: string): never => {
    throw new ServiceError('invalid_request', `The offer is not acceptable at ${path}: ${detail}.`, {
      faults: [{ path, detail }],
    });
  };
  if (!context.canSignIn) refuse('needs a person who signs in, and no identity provider is configured');
  if (request.person === undefined) refuse('needs a person who signs in: name them in /person/signInSubject');
}

function isSignInRequired({ signInTypes }: OffersContext, type: string, given: OfferedCredential | undefined): boolean {
  return given?.requireSignIn === true || signInTypes.includes(type);
}

interface NewOffer {
  readonly request: OfferRequest;
  readonly types: readonly string[];
  readonly caller: OfferCaller;
  readonly bodyDigest: string;
}

async function storeOffer(context: OffersContext, tx: Tx, given: NewOffer): Promise<OfferAnswer> {
  const { secrets, publicUrl, newId, box } = context;
  const { request, caller } = given;
  const offerId = newId();
  const link = secrets.newLink();
  const txCode = request.txCode === false ? undefined : secrets.newCode();
  const now = context.now();
  const expiresAt = hoursAfter(now, request.expiresInHours ?? defaultHours);
  const documents = toRows(context, given, { offerId, expiresAt });
  const answer: OfferAnswer = {
    offerId,
    link: `${publicUrl}/passport/${link}`,
    ...(txCode !== undefined && { txCode }),
    expiresAt,
    documents: documents.map(toView),
  };
  const repeatable = caller.idempotencyKey !== undefined;
  await insertOffer(tx, {
    id: offerId,
    clientId: caller.clientId,
    state: 'open',
    generation: 1,
    createdAt: now.toISOString(),
    changedAt: now.toISOString(),
    expiresAt,
    linkDigest: secrets.digest(link),
    codeDigest: txCode === undefined ? null : secrets.codeDigest(txCode, { offerId, generation: 1 }),
    triesLeft: allowedTries,
    personDigest: request.person === undefined ? null : secrets.personDigest(request.person.signInSubject),
    idempotencyKey: caller.idempotencyKey ?? null,
    bodyDigest: repeatable ? given.bodyDigest : null,
    answer: repeatable ? box.seal(JSON.stringify(answer), answerPlace(offerId)) : null,
    answerUntil: repeatable ? new Date(now.getTime() + context.idempotencyMilliseconds).toISOString() : null,
  });
  await insertDocuments(tx, documents);
  const data = { documents: documents.length, code: txCode !== undefined };
  const event = {
    action: 'offer.created',
    actor: caller.clientId,
    subject: offerId,
    outcome: 'success',
    data,
  } as const;
  await context.audit.record(tx, event);
  return answer;
}

function toRows(
  context: OffersContext,
  { request, types }: NewOffer,
  { offerId, expiresAt }: { offerId: string; expiresAt: string },
): DocumentRow[] {
  return request.credentials.map((given, place) => {
    const id = context.newId();
    const type = types[place] ?? '';
    return {
      id,
      offerId,
      place,
      type,
      state: given.pending === true ? 'pending' : 'offered',
      signInRequired: isSignInRequired(context, type, given),
      reason: null,
      changedAt: context.now().toISOString(),
      issuedAt: null,
      issuedGeneration: null,
      keepUntil: keepUntil(expiresAt),
      content: context.box.seal(JSON.stringify(given.credential), contentPlace(id)),
    };
  });
}
