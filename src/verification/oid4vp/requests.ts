/**
 * OpenID4VP 1.0 as a verifier: asks a wallet for presentations and tells the verifier's own systems, once, what the same
 * checks as POST /verify found. Each request has a nonce, a state and, where the answer is to be encrypted, a key of its
 * own; it takes one answer. Two names: `id` for the verifier's side (its systems and its page), `requestId` for whoever
 * scans the code. Nobody else can follow a request, read its result, or keep it from expiring.
 *
 * At rest the question lies sealed until the answer, and the result until it is read, an hour at most. Callers: routes.
 */
import { createHash } from 'node:crypto';
import type { Audit } from '../../audit/audit.js';
import { ServiceError } from '../../errors.js';
import { OAuthError } from '../../http/oauth-errors.js';
import { createEncryptionKey } from '../../jose/jwe.js';
import type { JsonObject } from '../../json.js';
import { createSealedBox, type SealedBox } from '../../store/sealed-box.js';
import type { Store, Tx } from '../../store/store.js';
import { type AnswerRefusal, type AnswerResult, judgeAnswer, type VerifyPresentation } from './answers.js';
import {
  type ClientIdentityDependencies,
  type ClientIdScheme,
  chooseIdentity,
  type IdentityChoice,
} from './client-identity.js';
import type { DcqlQuery, ExpandType } from './dcql.js';
import { readVpToken, type TokenFault } from './matching.js';
import { type AuthorizationRequest, requestLink, signRequestObject } from './request-object.js';
import { type ResponseForm, readResponse, sameText } from './response.js';
import {
  changeRequest,
  claimSession,
  countRefusal,
  deleteForgotten,
  expireOpen,
  findByRequestId,
  findRequest,
  insertRequest,
  lapseUnread,
  type RequestRow,
} from './store.js';

/** A request as the verifier's system orders it; the query was checked already. */
export interface RequestOrder {
  readonly query: DcqlQuery;
  /** What the page calls it. */
  readonly title: string;
  readonly purpose: string;
  readonly flow: 'same' | 'cross';
  readonly clientIdScheme: ClientIdScheme;
  readonly x509?: string;
  readonly responseMode: 'direct_post' | 'direct_post.jwt';
  readonly requestUriMethod: 'get' | 'post';
  /** Where the browser goes afterwards; our own page when absent. Same-device flow only. */
  readonly redirectUri?: string;
  /** The authorization endpoint of the wallet. */
  readonly wallet: string;
  readonly expiresInSeconds: number;
}

/** How it reaches a wallet. */
export interface CreatedRequest {
  readonly id: string;
  readonly link: string;
  readonly expiresAt: string;
}

/** How a request stands, as everybody on the verifier's side may know it. */
export type RequestStanding = 'waiting' | 'opened' | 'answered' | 'declined' | 'failed' | 'read' | 'lapsed' | 'expired';

export interface RequestView {
  readonly id: string;
  readonly state: RequestStanding;
  readonly flow: 'same' | 'cross';
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly fetchedAt?: string;
  readonly closedAt?: string;
  /** Not before the browser has come back, in the same-device flow. */
  readonly decision?: string;
  /** What the wallet said when it declined. */
  readonly error?: string;
  /** Answers that had to be refused. */
  readonly refusals: number;
}

/** What is read once. */
export interface ResultView extends AnswerResult {
  readonly id: string;
  readonly answeredAt: string;
}

/** What the page has to show; `session` is a new cookie value to set. */
export interface PageView {
  readonly standing: RequestStanding | 'elsewhere' | 'unreturned';
  readonly view: RequestView;
  readonly session?: string;
  /** While it is open. */
  readonly request?: {
    readonly title: string;
    readonly purpose: string;
    readonly query: DcqlQuery;
    readonly link: string;
  };
  readonly result?: AnswerResult;
  /** The response_code was right: show the same page without it in the address. */
  readonly confirmed?: boolean;
}

export interface PresentationRequests {
  create(order: RequestOrder, clientId: string): Promise<CreatedRequest>;
  view(id: string, clientId: string): Promise<RequestView>;
  /** Reads the result and deletes it. */
  result(id: string, caller: { clientId: string; responseCode: string | undefined }): Promise<ResultView>;
  /** The signed Request Object; the same question at every fetch until it is answered or has expired. */
  requestObject(requestId: string, walletNonce?: string): Promise<string>;
  /** Takes a wallet's response; throws OAuthError, and changes nothing then but the count of refusals. */
  answer(requestId: string, form: ResponseForm): Promise<{ redirect_uri?: string }>;
  page(id: string, browser: { session: string | undefined; responseCode: string | undefined }): Promise<PageView>;
  /** Ends what nobody answered or read in time; otherwise done every half minute between start and stop. */
  sweep(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface PresentationRequestsDependencies extends ClientIdentityDependencies {
  readonly store: Store;
  readonly audit: Pick<Audit, 'record'>;
  readonly verify: VerifyPresentation;
  readonly expand: ExpandType;
  readonly deriveKey: (label: string, length: number) => Buffer;
  readonly random: (size: number) => Buffer;
  readonly onFault: (error: unknown) => void;
}

/** What lies sealed while a request is open. */
interface Question extends Pick<AuthorizationRequest, 'nonce' | 'state' | 'query' | 'responseMode'> {
  readonly clientId: string;
  readonly scheme: ClientIdScheme;
  readonly x509?: string;
  readonly title: string;
  readonly purpose: string;
  readonly link: string;
  readonly redirectUri?: string;
  readonly encryption?: { readonly publicJwk: JsonObject; readonly privateJwk: JsonObject; readonly kid: string };
}

/** RFC 6749 10.10 asks for 128 bits; section 5.2 for as many in a nonce. */
const secretBytes = 24;
/** A person may mend what went wrong, a stranger may not try for ever. */
const maxRefusals = 5;
/** How long a result waits to be read. */
const resultSeconds = 3600;
/** How long an address still says what became of its request. */
const memorySeconds = 24 * 3600;
const sweepMilliseconds = 30_000;

/** Creates the verifier's side of OpenID4VP; nothing runs before `start`. */
export function createPresentationRequests(deps: PresentationRequestsDependencies): PresentationRequests {
  const context: Context = { ...deps, box: createSealedBox(deps.deriveKey('oid4vp', 32), deps.random) };
  const sweeper = createSweeper(context);
  const turns = createTurns();
  return {
    create: (order, clientId) => create(context, order, clientId),
    view: async (id, clientId) => toView(await ownRow(context, id, clientId), context.now()),
    result: (id, caller) => readResult(context, id, caller),
    requestObject: (requestId, walletNonce) => requestObject(context, requestId, walletNonce),
    answer: (requestId, form) => turns(requestId, () => answer(context, requestId, form)),
    page: (id, browser) => page(context, id, browser),
    ...sweeper,
  };
}

/**
 * One answer of a request after the other: a flood of them would have every one verified before the first is counted.
 * Whoever comes after the last that counts is refused without a look at it.
 */
function createTurns(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(work);
    const done = turn
      .catch(() => undefined)
      .then(() => {
        if (last.get(name) === done) last.delete(name);
      });
    last.set(name, done);
    return turn;
  };
}

interface Context extends PresentationRequestsDependencies {
  readonly box: SealedBox;
}

function secret({ random }: Context): string {
  return random(secretBytes).toString('base64url');
}

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

function place(id: string, part: 'request' | 'result'): string {
  return `staff-passport/vp_request/v1/${part}/${id}`;
}

function after(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString();
}

async function create(context: Context, order: RequestOrder, clientId: string): Promise<CreatedRequest> {
  const { store, audit, box, publicUrl } = context;
  const now = context.now();
  const [id, requestId] = [secret(context), secret(context)];
  const { identity, question } = await ask(context, order, requestId);
  const source =
    identity.signer === undefined
      ? { request: toRequest(question, responseUriOf(publicUrl, requestId)) }
      : { requestUri: `${publicUrl}/vp/request/${requestId}`, method: order.requestUriMethod };
  const link = requestLink(order.wallet, identity, source);
  const expiresAt = after(now, order.expiresInSeconds);
  const row: RequestRow = {
    id,
    requestId,
    clientId,
    flow: order.flow,
    state: 'open',
    createdAt: now.toISOString(),
    expiresAt,
    fetchedAt: null,
    closedAt: null,
    keepUntil: after(now, memorySeconds),
    decision: null,
    error: null,
    refusals: 0,
    sessionDigest: null,
    confirmed: false,
    responseCodeDigest: null,
    request: box.seal(JSON.stringify({ ...question, link }), place(id, 'request')),
    result: null,
  };
  await store.transaction(async (tx) => {
    await insertRequest(tx, row);
    const data = { flow: order.flow, scheme: order.clientIdScheme, credentials: order.query.credentials.length };
    await audit.record(tx, { action: 'vp.requested', actor: clientId, subject: requestId, outcome: 'success', data });
  });
  return { id, link, expiresAt };
}

function responseUriOf(publicUrl: string, requestId: string): string {
  return `${publicUrl}/vp/response/${requestId}`;
}

async function ask(context: Context, order: RequestOrder, requestId: string) {
  const choice: IdentityChoice = {
    scheme: order.clientIdScheme,
    ...(order.x509 === undefined ? {} : { x509: order.x509 }),
    responseUri: responseUriOf(context.publicUrl, requestId),
  };
  const identity = await chooseIdentity(context, choice);
  const encrypted = order.responseMode === 'direct_post.jwt';
  const question: Omit<Question, 'link'> = {
    clientId: identity.clientId,
    scheme: order.clientIdScheme,
    ...(order.x509 === undefined ? {} : { x509: order.x509 }),
    nonce: secret(context),
    state: secret(context),
    query: order.query,
    responseMode: order.responseMode,
    title: order.title,
    purpose: order.purpose,
    ...(order.redirectUri === undefined ? {} : { redirectUri: order.redirectUri }),
    // HAIP 5: a key for one answer. It goes with the question, so nobody can read a recorded answer afterwards.
    ...(encrypted ? { encryption: { ...createEncryptionKey(context.random), kid: secret(context) } } : {}),
  };
  return { identity, question };
}

function toRequest(question: Omit<Question, 'link'>, responseUri: string): AuthorizationRequest {
  const { clientId, responseMode, nonce, state, query, encryption } = question;
  const key = encryption === undefined ? {} : { encryptionKey: { ...encryption.publicJwk, kid: encryption.kid } };
  return { clientId, responseUri, responseMode, nonce, state, query, ...key };
}

function openQuestion({ box }: Context, row: RequestRow): Question | undefined {
  return row.request === null ? undefined : (JSON.parse(box.open(row.request, place(row.id, 'request'))) as Question);
}

function openResult({ box }: Context, row: RequestRow): AnswerResult | undefined {
  return row.result === null ? undefined : (JSON.parse(box.open(row.result, place(row.id, 'result'))) as AnswerResult);
}

/** How a row stands at a moment: times are judged here, not by when the sweeper has been. */
function standingOf(row: RequestRow, now: Date): RequestStanding {
  if (row.state === 'open') {
    if (now.toISOString() >= row.expiresAt) return 'expired';
    return row.fetchedAt === null ? 'waiting' : 'opened';
  }
  if (row.state === 'answered' && now.toISOString() >= resultEndOf(row)) return 'lapsed';
  return row.state;
}

function resultEndOf({ closedAt }: RequestRow): string {
  return closedAt === null ? '' : after(new Date(closedAt), resultSeconds);
}

function toView(row: RequestRow, now: Date): RequestView {
  const told = row.flow === 'cross' || row.confirmed || row.state === 'read';
  return {
    id: row.id,
    state: standingOf(row, now),
    flow: row.flow,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    ...(row.fetchedAt === null ? {} : { fetchedAt: row.fetchedAt }),
    ...(row.closedAt === null ? {} : { closedAt: row.closedAt }),
    ...(row.decision === null || !told ? {} : { decision: row.decision }),
    ...(row.error === null ? {} : { error: row.error }),
    refusals: row.refusals,
  };
}

/** Another client's request does not exist for this one. */
async function ownRow({ store }: Context, id: string, clientId: string): Promise<RequestRow> {
  const row = await store.read((tx) => findRequest(tx, id));
  if (row === null || row.clientId !== clientId) throw unknownRequest();
  return row;
}

function unknownRequest(): ServiceError {
  return new ServiceError('not_found', 'There is no such request, or it was forgotten a day after it was made.');
}

const whyNoResult: Readonly<Record<Exclude<RequestStanding, 'answered'>, ServiceError['code']>> = {
  waiting: 'conflict',
  opened: 'conflict',
  declined: 'conflict',
  failed: 'conflict',
  read: 'gone',
  lapsed: 'gone',
  expired: 'gone',
};

async function readResult(
  context: Context,
  id: string,
  { clientId, responseCode }: { clientId: string; responseCode: string | undefined },
): Promise<ResultView> {
  const { store, audit } = context;
  const row = await ownRow(context, id, clientId);
  const standing = standingOf(row, context.now());
  if (standing !== 'answered') throw new ServiceError(whyNoResult[standing], `There is no result: ${standing}.`);
  checkReturned(row, responseCode);
  const result = openResult(context, row);
  if (result === undefined) throw new ServiceError('gone', 'The result was read already.');
  await store.transaction(async (tx) => {
    const first = await changeRequest(tx, row, { state: 'read', result: null });
    // Two readers at once: one gets it.
    if (!first) throw new ServiceError('gone', 'The result was read already.');
    await audit.record(tx, { action: 'vp.result_read', actor: clientId, subject: row.requestId, outcome: 'success' });
  });
  return { id, answeredAt: row.closedAt ?? '', ...result };
}

/** Section 14.2: only who was sent back by the wallet, in the browser that began, may have what the wallet sent. */
function checkReturned(row: RequestRow, responseCode: string | undefined): void {
  if (responseCode !== undefined && !isResponseCode(row, responseCode)) {
    throw new ServiceError('forbidden', 'The response_code is not the one that the wallet was given.');
  }
  if (row.flow === 'cross' || row.confirmed || responseCode !== undefined) return;
  throw new ServiceError('conflict', 'The browser has not come back from the wallet; its response_code is needed.');
}

function isResponseCode({ responseCodeDigest }: RequestRow, responseCode: string): boolean {
  return responseCodeDigest !== null && sameText(digestOf(responseCode), responseCodeDigest);
}

async function requestObject(context: Context, requestId: string, walletNonce: string | undefined): Promise<string> {
  const { store, publicUrl } = context;
  const now = context.now();
  const row = await store.read((tx) => findByRequestId(tx, requestId));
  if (row === null) throw unknownRequest();
  refuseClosed(row, now, (detail) => new ServiceError('gone', detail));
  const question = openQuestion(context, row);
  if (question === undefined) throw new ServiceError('gone', 'This request is over.');
  const responseUri = responseUriOf(publicUrl, requestId);
  const { clientId, signer } = await chooseIdentity(context, { ...question, responseUri });
  if (signer === undefined) throw new ServiceError('not_found', 'This request travels in its link.');
  // A certificate that was replaced in between has another hash, and answers are for the old one.
  if (clientId !== question.clientId) throw new ServiceError('gone', 'The certificate of this request was replaced.');
  if (row.fetchedAt === null) await markFetched(context, row, now);
  const options = { now, expiresAt: new Date(row.expiresAt), walletNonce };
  return signRequestObject(toRequest(question, responseUri), signer, options);
}

async function markFetched({ store, audit }: Context, row: RequestRow, now: Date): Promise<void> {
  await store.transaction(async (tx) => {
    const changed = await changeRequest(tx, row, { fetchedAt: now.toISOString() });
    if (changed) await audit.record(tx, walletEvent('vp.fetched', row, 'success'));
  });
}

function walletEvent(
  action: string,
  row: RequestRow,
  outcome: 'success' | 'refused',
  data: Record<string, string | number> = {},
) {
  return { action, actor: 'wallet', subject: row.requestId, outcome, data } as const;
}

function refuseClosed(row: RequestRow, now: Date, refusal: (detail: string) => Error): void {
  const standing = standingOf(row, now);
  if (standing === 'waiting' || standing === 'opened') return;
  throw refusal(standing === 'expired' ? 'This request has expired.' : 'This request was answered already.');
}

function invalid(detail: string): OAuthError {
  return new OAuthError('invalid_request', detail);
}

async function answer(context: Context, requestId: string, form: ResponseForm): Promise<{ redirect_uri?: string }> {
  const { store, verify, expand } = context;
  const row = await store.read((tx) => findByRequestId(tx, requestId));
  if (row === null) throw unknownRequest();
  refuseClosed(row, context.now(), invalid);
  const question = openQuestion(context, row);
  if (question === undefined) throw invalid('This request was answered already.');
  const response = await readResponse(form, question);
  if ('error' in response) return close(context, row, question, { state: 'declined', error: response.error });
  const { query, nonce, clientId: audience } = question;
  const token = readVpToken(query, response.vpToken);
  if ('fault' in token) throw invalid(faultInWords(token.fault));
  const expected = { query, nonce, audience, clientId: row.clientId };
  const judged = await judgeAnswer({ verify, expand }, token.vpToken, expected);
  if ('refusal' in judged) return refuseAnswer(context, row, judged.refusal);
  return close(context, row, question, { state: 'answered', result: judged.result });
}

/** `query` is an id of ours; nothing of the wallet's own text is said back. */
function faultInWords({ mismatch, query }: TokenFault): string {
  return `The vp_token does not answer the query: ${mismatch}${query === undefined ? '' : ` (${query})`}.`;
}

type Closing =
  | { readonly state: 'answered'; readonly result: AnswerResult }
  | { readonly state: 'declined'; readonly error: string };

/** The one answer: of two at once, one is told that it came too late. */
async function close(
  context: Context,
  row: RequestRow,
  question: Question,
  closing: Closing,
): Promise<{ redirect_uri?: string }> {
  const { store, audit } = context;
  const responseCode = secret(context);
  const values = closedValues(context, row, closing, responseCode);
  const taken = await store.transaction(async (tx) => {
    if (!(await changeRequest(tx, { id: row.id, state: 'open' }, values))) return false;
    await audit.record(tx, closingEvent(row, closing));
    return true;
  });
  if (!taken) throw invalid('This request was answered already.');
  if (row.flow === 'cross') return {};
  const target = new URL(question.redirectUri ?? `${context.publicUrl}/vp/page/${row.id}`);
  target.searchParams.append('response_code', responseCode);
  return { redirect_uri: target.href };
}

function closedValues({ box, now }: Context, { id }: RequestRow, closing: Closing, responseCode: string) {
  const common = {
    state: closing.state,
    closedAt: now().toISOString(),
    responseCodeDigest: digestOf(responseCode),
    request: null,
  };
  if (closing.state === 'declined') return { ...common, error: closing.error };
  const { result } = closing;
  return { ...common, decision: result.decision, result: box.seal(JSON.stringify(result), place(id, 'result')) };
}

function closingEvent(row: RequestRow, closing: Closing) {
  if (closing.state === 'declined') return walletEvent('vp.declined', row, 'refused', { error: closing.error });
  const { decision, person, presentations } = closing.result;
  const data = { decision, person, presentations: presentations.length };
  return walletEvent('vp.answered', row, decision === 'valid' ? 'success' : 'refused', data);
}

/** Codes only, as in a report; more than these in one record say no more. */
const maxCodes = 6;

async function refuseAnswer(context: Context, row: RequestRow, { query, codes }: AnswerRefusal): Promise<never> {
  const { store, audit, now } = context;
  await store.transaction(async (tx) => {
    const refusals = await countRefusal(tx, row.id);
    if (refusals === undefined) return;
    const data = { refusals, codes: codes.slice(0, maxCodes).join(' ') };
    await audit.record(tx, walletEvent('vp.refused', row, 'refused', data));
    if (refusals < maxRefusals) return;
    const over = { state: 'failed', closedAt: now().toISOString(), request: null } as const;
    await changeRequest(tx, { id: row.id, state: 'open' }, over);
  });
  throw invalid(`A presentation for ${query} was refused: ${codes.slice(0, maxCodes).join(', ')}.`);
}

async function page(
  context: Context,
  id: string,
  { session, responseCode }: { session: string | undefined; responseCode: string | undefined },
): Promise<PageView> {
  const row = await context.store.read((tx) => findRequest(tx, id));
  if (row === null) throw unknownRequest();
  if (row.flow === 'cross') return show(context, row);
  const owner = await sessionOf(context, row, session);
  const view = toView(row, context.now());
  if (owner === 'other') return { standing: 'elsewhere', view };
  if (row.confirmed) return show(context, row);
  if (row.state !== 'answered')
    return { ...show(context, row), ...(owner === 'known' ? {} : { session: owner.fresh }) };
  if (responseCode === undefined || !isResponseCode(row, responseCode)) return { standing: 'unreturned', view };
  await confirm(context, row);
  return { ...show(context, { ...row, confirmed: true }), confirmed: true };
}

/** The browser that opens the page first is the one that must come back; a cookie says that it is the same. */
async function sessionOf(
  context: Context,
  row: RequestRow,
  session: string | undefined,
): Promise<'known' | 'other' | { fresh: string }> {
  if (row.sessionDigest !== null) {
    return session !== undefined && sameText(digestOf(session), row.sessionDigest) ? 'known' : 'other';
  }
  const standing = standingOf(row, context.now());
  if (standing !== 'waiting' && standing !== 'opened') return standing === 'answered' ? 'other' : 'known';
  const fresh = secret(context);
  const claimed = await context.store.transaction(async (tx) => {
    const first = await claimSession(tx, row.id, digestOf(fresh));
    if (first) await context.audit.record(tx, { ...walletEvent('vp.session', row, 'success'), actor: 'browser' });
    return first;
  });
  return claimed ? { fresh } : 'other';
}

async function confirm({ store, audit }: Context, row: RequestRow): Promise<void> {
  await store.transaction(async (tx: Tx) => {
    if (!(await changeRequest(tx, row, { confirmed: true }))) return;
    await audit.record(tx, { ...walletEvent('vp.returned', row, 'success'), actor: 'browser' });
  });
}

function show(context: Context, row: RequestRow): PageView {
  const view = toView(row, context.now());
  const open = view.state === 'waiting' || view.state === 'opened';
  const question = open ? openQuestion(context, row) : undefined;
  const result = view.state === 'answered' ? openResult(context, row) : undefined;
  return {
    standing: view.state,
    view,
    ...(question === undefined ? {} : { request: shown(question) }),
    ...(result === undefined ? {} : { result }),
  };
}

/** Every process may sweep, and doing it twice changes nothing. */
function createSweeper({
  store,
  audit,
  now,
  onFault,
}: Context): Pick<PresentationRequests, 'sweep' | 'start' | 'stop'> {
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();

  async function sweep(): Promise<void> {
    const moment = now();
    const resultsBefore = after(moment, -resultSeconds);
    await store.transaction(async (tx) => {
      const expired = await expireOpen(tx, moment.toISOString());
      const lapsed = await lapseUnread(tx, resultsBefore);
      const forgotten = await deleteForgotten(tx, moment.toISOString());
      if (expired + lapsed + forgotten === 0) return;
      const data = { expired, lapsed, forgotten };
      await audit.record(tx, { action: 'vp.swept', actor: 'oid4vp', outcome: 'success', data });
    });
  }

  return {
    sweep,
    start() {
      timer = setInterval(() => {
        round = sweep().catch(onFault);
      }, sweepMilliseconds);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

/** What a page may have of it: neither nonce nor state nor key. */
function shown({ title, purpose, query, link }: Question): PageView['request'] & object {
  return { title, purpose, query, link };
}
