/** The pages behind the link that HR sends. Addresses hold the link and nothing about the person. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type SignIn, SignInRefusal } from '../../access/access.js';
import type { Catalogue } from '../../credential/credential.js';
import { ServiceError } from '../../errors.js';
import { readCookie, writeCookie } from '../../http/cookies.js';
import { errorPageSchema, sendPage } from '../../http/page.js';
import type { HttpServer } from '../../http/server.js';
import { type DeclineReason, declineReasons } from '../offers/reasons.js';
import { isSameDigest } from '../offers/secrets.js';
import {
  addressesOf,
  documentsPage,
  endPage,
  type FormFault,
  type GateOptions,
  gatePage,
  leftPage,
  nothingTakenPage,
  type Page,
  reasonsPage,
  receivePage,
  type WordedDocument,
} from './pages.js';
import type { Choice, Entered, Passport, Visit } from './passport.js';
import { findWallet } from './wallets.js';
import { documentWords, titlesOf } from './words.js';

export interface PassportRoutesDependencies {
  readonly passport: Passport;
  readonly catalogue: Catalogue;
  /** Absent where people cannot sign in. */
  readonly signIn?: SignIn;
}

/** Where a person comes back to from signing in; the passport's link waits in the sign-in's state. */
const signedInPath = '/passport/signed-in';
const cookieName = 'passport';
const cookieSeconds = 900;

const publicly = { access: 'public', errors: 'page', limit: 'wallet' } as const;
const formConfig = { ...publicly, bodyTypes: ['form'] } as const;
const page = { description: 'A page', content: { 'text/html': { schema: Type.String() } } };
const redirection = { description: 'The browser goes on to another page', type: 'null' } as const;
const answers = {
  200: page,
  303: redirection,
  400: errorPageSchema,
  403: errorPageSchema,
  404: errorPageSchema,
  410: errorPageSchema,
};
const form = { tags: ['pages'], consumes: ['application/x-www-form-urlencoded'], response: answers };

// Whatever came of a link in a message is answered by a page that says what to do, so the schema lets it pass.
const LinkParams = Type.Object({ link: Type.String({ maxLength: 200, examples: ['AAAAAAAAAAAAAAAAAAAAAA'] }) });
const CodeForm = Type.Object(
  { code: Type.String({ maxLength: 64 }) },
  { additionalProperties: false, examples: [{ code: '123456' }] },
);
const csrf = Type.String({ maxLength: 64, description: 'The token of the form.' });
const token = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const LeaveForm = Type.Object({ csrf }, { additionalProperties: false, examples: [{ csrf: token }] });
const DocumentsForm = Type.Object(
  { csrf, wallet: Type.Optional(Type.String({ maxLength: 64 })) },
  {
    // take-{id} for what is ticked, reason-{id} for what is left out.
    additionalProperties: Type.String({ maxLength: 64 }),
    examples: [{ csrf: token, wallet: 'other', 'take-5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11': 'yes' }],
  },
);

type Fields = Readonly<Record<string, string | undefined>>;

export function passportRoutes(deps: PassportRoutesDependencies): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addGate(server, deps);
    addCode(server, deps);
    if (deps.signIn !== undefined) addSignIn(server, deps, deps.signIn);
    addVisitedPage(server, deps, {
      path: 'documents',
      operationId: 'passportDocuments',
      summary: 'What is offered, in plain words',
      page: documentsPage,
    });
    addChoice(server, deps);
    addVisitedPage(server, deps, {
      path: 'receive',
      operationId: 'passportReceive',
      summary: 'QR codes and links for the wallet, and what has arrived',
      page: receivePage,
    });
    addLeave(server, deps);
  };
}

function show(reply: FastifyReply, { status, title, body }: Page): FastifyReply {
  return sendPage(reply.code(status).header('x-robots-tag', 'noindex'), { title, body });
}

function goTo(reply: FastifyReply, path: string): FastifyReply {
  return reply.header('cache-control', 'no-store').redirect(path, 303);
}

function sessionOf({ headers, server }: FastifyRequest): string | undefined {
  return readCookie(headers.cookie, { name: cookieName, publicUrl: server.publicUrl });
}

function keepSession(reply: FastifyReply, session: string): void {
  const { publicUrl } = reply.server;
  const cookie = writeCookie({ name: cookieName, value: session, maxAgeSeconds: cookieSeconds, publicUrl });
  reply.header('set-cookie', cookie);
}

/** What other sites make a browser send is refused; browsers say where a request comes from (Fetch Metadata). */
function refuseOtherSites({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw new ServiceError('forbidden', 'This form came from another site.');
}

function refuseForgedForm(request: FastifyRequest, visit: Visit, given: string): void {
  refuseOtherSites(request);
  if (!isSameDigest(given, visit.csrf)) {
    throw new ServiceError('forbidden', 'This form is not of your visit. Open your link again.');
  }
}

/** What newLink() makes. Nothing else is looked up, or written into an address. */
const linkForm = /^[A-Za-z0-9_-]{22}$/;

/** Leads to the first page of a link; what never was a link has no page to lead to. */
function goHome(reply: FastifyReply, link: string): FastifyReply {
  if (!linkForm.test(link)) return show(reply, endPage('unknown'));
  return goTo(reply, addressesOf(reply.server.basePath, link).home);
}

/** The first page, or the page that says why there is nothing behind the link. */
async function showGate(
  { passport }: PassportRoutesDependencies,
  link: string,
  reply: FastifyReply,
  options: Omit<GateOptions, 'organisation'> = {},
): Promise<FastifyReply> {
  const look = linkForm.test(link) ? await passport.look(link) : undefined;
  const life = look?.life ?? 'unknown';
  if (look === undefined || life !== 'open') return show(reply, endPage(life === 'open' ? 'unknown' : life));
  const { basePath, serviceName } = reply.server;
  return show(reply, gatePage(look, addressesOf(basePath, link), { organisation: serviceName, ...options }));
}

const visitOver = 'Your visit is over, or began in another browser. Open your passport again.';

function addGate(server: HttpServer, deps: PassportRoutesDependencies): void {
  server.get(
    '/passport/:link',
    {
      config: publicly,
      schema: {
        tags: ['pages'],
        operationId: 'passportPage',
        summary: 'The page that the link of an offer opens',
        params: LinkParams,
        response: answers,
      },
    },
    async (request, reply) => {
      const { link } = request.params;
      const session = sessionOf(request);
      const visit = await deps.passport.visit(link, session);
      if (visit !== undefined) return goTo(reply, addressesOf(server.basePath, link).documents);
      return showGate(deps, link, reply, session === undefined ? {} : { notice: visitOver });
    },
  );
}

function addCode(server: HttpServer, deps: PassportRoutesDependencies): void {
  server.post(
    '/passport/:link/code',
    {
      config: formConfig,
      schema: {
        ...form,
        operationId: 'passportCode',
        summary: 'Open a passport by its code',
        params: LinkParams,
        body: CodeForm,
      },
    },
    async (request, reply) => {
      refuseOtherSites(request);
      const { link } = request.params;
      // People copy codes with spaces and hyphens.
      const code = request.body.code.replace(/[\s-]/g, '');
      if (!/^\d{6}$/.test(code)) return showGate(deps, link, reply, { fault: codeFault('Enter the six digits.') });
      return answerEntered(deps, link, reply, await deps.passport.enter(link, code));
    },
  );
}

function codeFault(text: string): FormFault {
  return { field: 'code', text };
}

function answerEntered(
  deps: PassportRoutesDependencies,
  link: string,
  reply: FastifyReply,
  entered: Entered,
): FastifyReply | Promise<FastifyReply> {
  if ('session' in entered) {
    keepSession(reply, entered.session);
    return goTo(reply, addressesOf(reply.server.basePath, link).documents);
  }
  if (entered.refused === 'somebody_else') {
    const notice = 'You signed in as somebody else than the person this passport is for.';
    return showGate(deps, link, reply.code(403), { notice });
  }
  // Over, or locked by this very try: the page of its end says so.
  if (entered.refused !== 'wrong_code' || entered.triesLeft === 0) return showGate(deps, link, reply);
  const tries = entered.triesLeft === 1 ? '1 try is' : `${entered.triesLeft} tries are`;
  return showGate(deps, link, reply, { fault: codeFault(`This code is wrong. ${tries} left.`) });
}

function addSignIn(server: HttpServer, deps: PassportRoutesDependencies, signIn: SignIn): void {
  server.get(
    '/passport/:link/sign-in',
    {
      config: publicly,
      schema: {
        tags: ['pages'],
        operationId: 'passportSignIn',
        summary: 'Open a passport by signing in at the identity provider',
        params: LinkParams,
        response: answers,
      },
    },
    async (request, reply) => {
      const { link } = request.params;
      const look = await deps.passport.look(link);
      if (look?.life !== 'open' || !look.offersSignIn) return showGate(deps, link, reply);
      const { redirect, cookie } = await signIn.begin({ state: { link }, returnTo: signedInPath });
      return goTo(reply.header('set-cookie', cookie), redirect);
    },
  );
  server.get(
    signedInPath,
    {
      config: publicly,
      schema: {
        tags: ['pages'],
        operationId: 'passportSignedIn',
        summary: 'Where a person comes back to from signing in',
        response: answers,
      },
    },
    async (request, reply) => answerSignedIn(deps, signIn, request, reply),
  );
}

async function answerSignedIn(
  deps: PassportRoutesDependencies,
  signIn: SignIn,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const { subject, state } = await signIn.finish({ cookie: request.headers.cookie });
    const link = String(state['link']);
    return await answerEntered(deps, link, reply, await deps.passport.enterSignedIn(link, subject));
  } catch (error) {
    const link = error instanceof SignInRefusal ? error.state?.['link'] : undefined;
    if (!(error instanceof SignInRefusal) || typeof link !== 'string') throw error;
    return showGate(deps, link, reply, { notice: `You are not signed in: ${error.message}` });
  }
}

/** The documents with their words; withdrawn ones are not shown, and their types may have left the catalogue. */
function worded({ catalogue }: PassportRoutesDependencies, visit: Visit): WordedDocument[] {
  const known = visit.documents.flatMap((document) => {
    const type = catalogue.find(document.type);
    return type === undefined ? [] : [{ document, words: documentWords(type, document.credential) }];
  });
  const titles = titlesOf(known.map(({ words }) => words));
  return known.map((one, index) => ({ ...one, title: titles[index] ?? one.words.title }));
}

/** A page of a passport that is open in this browser; a browser where it is not goes to the first page. */
interface VisitedPage {
  readonly path: 'documents' | 'receive';
  readonly operationId: string;
  readonly summary: string;
  readonly page: typeof receivePage;
}

function addVisitedPage(server: HttpServer, deps: PassportRoutesDependencies, shown: VisitedPage): void {
  const { path, operationId, summary, page } = shown;
  server.get(
    `/passport/:link/${path}`,
    {
      config: publicly,
      schema: { tags: ['pages'], operationId, summary, params: LinkParams, response: answers },
    },
    async (request, reply) => {
      const { link } = request.params;
      const visit = await deps.passport.visit(link, sessionOf(request));
      if (visit === undefined) return goHome(reply, link);
      return show(reply, page(visit, worded(deps, visit), addressesOf(server.basePath, link)));
    },
  );
}

/** What the form says, as far as it is about documents that can be taken now. */
function readChoice(fields: Fields, ready: readonly WordedDocument[]) {
  const take = ready.filter(({ document }) => fields[`take-${document.id}`] !== undefined);
  const leftOut = ready.filter((one) => !take.includes(one));
  const given = leftOut.map(({ document }) => [document.id, fields[`reason-${document.id}`]] as const);
  const decline = new Map(given.filter((entry): entry is [string, DeclineReason] => isReason(entry[1])));
  // Leaving out what is in another wallet already needs no reason.
  const unanswered = leftOut.filter(({ document }) => !document.again && fields[`reason-${document.id}`] === undefined);
  return { take: take.map(({ document }) => document.id), decline, unanswered };
}

function isReason(text: string | undefined): text is DeclineReason {
  return text !== undefined && Object.hasOwn(declineReasons, text);
}

function addChoice(server: HttpServer, deps: PassportRoutesDependencies): void {
  server.post(
    '/passport/:link/documents',
    {
      config: formConfig,
      schema: {
        ...form,
        operationId: 'passportChoice',
        summary: 'Take documents, or leave some out and say why',
        params: LinkParams,
        body: DocumentsForm,
      },
    },
    async (request, reply) => {
      const { link } = request.params;
      const session = sessionOf(request);
      const visit = await deps.passport.visit(link, session);
      if (visit === undefined) return goHome(reply, link);
      refuseForgedForm(request, visit, request.body.csrf);
      return answerChoice(deps, { link, session, visit, fields: request.body as Fields }, reply);
    },
  );
}

interface Chosen {
  readonly link: string;
  readonly session: string | undefined;
  readonly visit: Visit;
  readonly fields: Fields;
}

async function answerChoice(
  deps: PassportRoutesDependencies,
  { link, session, visit, fields }: Chosen,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const to = addressesOf(reply.server.basePath, link);
  const documents = worded(deps, visit);
  const ready = documents.filter(({ document }) => document.standing === 'ready');
  const { take, decline, unanswered } = readChoice(fields, ready);
  const wallet = findWallet(fields['wallet']);
  if (wallet === undefined) {
    const fault = { field: 'wallet', text: 'Choose your wallet.' };
    return show(reply, documentsPage(visit, documents, to, { fault, take }));
  }
  if (unanswered.length > 0) return show(reply, reasonsPage(visit, unanswered, { walletId: wallet.id, take }, to));
  const choice: Choice = { wallet, take, decline };
  if (!(await deps.passport.choose(link, session, choice))) return goHome(reply, link);
  return take.length > 0 ? goTo(reply, to.receive) : show(reply, nothingTakenPage(to));
}

function addLeave(server: HttpServer, deps: PassportRoutesDependencies): void {
  server.post(
    '/passport/:link/leave',
    {
      config: formConfig,
      schema: {
        ...form,
        operationId: 'passportLeave',
        summary: 'Close the passport in this browser',
        params: LinkParams,
        body: LeaveForm,
      },
    },
    async (request, reply) => {
      const session = sessionOf(request);
      const visit = await deps.passport.visit(request.params.link, session);
      if (visit !== undefined) {
        refuseForgedForm(request, visit, request.body.csrf);
        await deps.passport.leave(session);
      }
      return show(reply, leftPage());
    },
  );
}
