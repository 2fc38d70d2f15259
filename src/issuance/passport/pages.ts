/** The pages of the link that HR sends (WCAG 2.2 AA; without JavaScript). Pure: what is known in, HTML out. */
import { html, momentInWords, panel, type Tone } from '../../http/page.js';
import { qrSvg } from '../../http/qr-code.js';
import type { OfferLife } from '../offers/life.js';
import { type DeclineReason, declineReasons } from '../offers/reasons.js';
import type { Look, Visit, VisitedDocument } from './passport.js';
import { wallets } from './wallets.js';
import type { DocumentWords } from './words.js';

/** A page, with the status that it is sent with. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly body: string;
}

/** A document together with its words. */
export interface WordedDocument {
  readonly document: VisitedDocument;
  readonly title: string;
  readonly words: DocumentWords;
}

/** Where the forms and links of one passport lead. */
export interface PassportAddresses {
  readonly home: string;
  readonly code: string;
  readonly signIn: string;
  readonly documents: string;
  readonly receive: string;
  readonly leave: string;
}

export function addressesOf(basePath: string, link: string): PassportAddresses {
  const home = `${basePath}/passport/${link}`;
  const below = (name: string) => `${home}/${name}`;
  return {
    home,
    code: below('code'),
    signIn: below('sign-in'),
    documents: below('documents'),
    receive: below('receive'),
    leave: below('leave'),
  };
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Every end that a link can come to, and what to do then. */
const ends: Readonly<
  Record<Exclude<OfferLife, 'open'> | 'unknown', Omit<Page, 'body'> & { tone: Tone; what: string; next: string }>
> = {
  unknown: {
    status: 404,
    title: 'This link is not known',
    tone: 'unsure',
    what: 'It may be incomplete, or a newer link has taken its place.',
    next: 'Open the newest message that you have about your staff passport, and use the whole link. If that does not help, ask HR to send your passport again.',
  },
  withdrawn: {
    status: 410,
    title: 'This passport was withdrawn',
    tone: 'bad',
    what: 'HR has taken the documents of this link back.',
    next: 'Ask HR why, and whether you will get a new link.',
  },
  expired: {
    status: 410,
    title: 'This link has expired',
    tone: 'unsure',
    what: 'For your safety a link works for a limited time only.',
    next: 'Ask HR to send your passport again. You will get a new link and a new code.',
  },
  locked: {
    status: 403,
    title: 'This link is locked',
    tone: 'bad',
    what: 'A wrong code was entered too often.',
    next: 'Ask HR to send your passport again. You will get a new link and a new code. If you did not enter a wrong code yourself, tell HR: somebody else may have your link.',
  },
  used: {
    status: 410,
    title: 'This link was used',
    tone: 'good',
    what: 'All documents went into a wallet, or were left out.',
    next: 'Look into your wallet. If something is missing, or you have a new phone, ask HR to send your passport again. If it was not you who used the link, tell HR at once.',
  },
};

export function endPage(life: keyof typeof ends): Page {
  const { status, title, tone, what, next } = ends[life];
  const body = html`!${panel({ tone, title: 'Nothing to receive here', body: html`<p>${what}</p>` })}
<h2>What to do next</h2><p>${next}</p>`;
  return { status, title, body };
}

/** What is wrong with a form, told on top and beside the field. */
export interface FormFault {
  readonly field: string;
  readonly text: string;
}

function summary(fault: FormFault | undefined): string {
  if (fault === undefined) return '';
  return html`<div class="notice bad" role="alert"><h2>There is a problem</h2><p><a href="#${fault.field}">${fault.text}</a></p></div>`;
}

function beside(fault: FormFault | undefined): string {
  if (fault === undefined) return '';
  return html`<p id="${fault.field}-error"><strong class="bad">Error: ${fault.text}</strong></p>`;
}

export interface GateOptions {
  readonly organisation: string;
  readonly fault?: FormFault;
  /** Something to say first: that a visit is over, or that a sign-in failed. */
  readonly notice?: string;
}

/** The first page: who offers how much, and how to open it. */
export function gatePage(look: Look, to: PassportAddresses, options: GateOptions): Page {
  const { organisation, fault, notice } = options;
  const offer = html`<p><strong>${organisation}</strong> has prepared a staff passport with
<strong>${count(look.documents, 'document')}</strong> for you. You can keep it in a wallet on your phone and show it to other employers.</p>`;
  const told = notice === undefined ? '' : html`<div class="notice" role="status"><p>${notice}</p></div>`;
  const ways = [look.asksCode ? codeForm(to, fault) : '', look.offersSignIn ? signInPart(look, to) : ''];
  const body = html`!${summary(fault)}!${told}!${offer}!${ways.join('')}
<p class="hint">If you did not expect this, close this page: nothing happens. Type your code only here and into your wallet, and tell it to nobody.</p>`;
  const title = 'Receive your staff passport';
  return fault === undefined ? { status: 200, title, body } : { status: 403, title: `Error: ${title}`, body };
}

function codeForm({ code }: PassportAddresses, fault: FormFault | undefined): string {
  const described = fault === undefined ? 'code-hint' : 'code-hint code-error';
  return html`<form method="post" action="${code}" novalidate>
<div class="${fault === undefined ? '' : 'fault'}"><label for="code">Your code</label>
<p id="code-hint" class="hint">The six digits that HR gave you apart from the link.</p>
!${beside(fault)}
<input id="code" name="code" class="short" type="text" inputmode="numeric" autocomplete="one-time-code" spellcheck="false" maxlength="12" aria-describedby="${described}"></div>
<button type="submit">Open the passport</button></form>`;
}

function signInPart({ asksCode }: Look, { signIn }: PassportAddresses): string {
  const heading = asksCode ? html`<h2>Or sign in</h2>` : '';
  return html`!${heading}<p>Sign in with your work account. Then you need no code, also not in your wallet.</p>
<p><a class="button" href="${signIn}">Sign in</a></p>`;
}

/** Said when nothing in the list may be taken for a while. */
const standingWords: Readonly<Record<VisitedDocument['standing'], string>> = {
  ready: '',
  signIn: 'Sign in to see and receive this document.',
  later: 'Not ready yet. HR is still preparing it; come back with the same link.',
  over: '',
};

const stateWords: Readonly<Record<VisitedDocument['state'], string>> = {
  pending: '',
  offered: '',
  issued: 'In your wallet.',
  declined: 'You left it out, and HR was told why.',
  withdrawn: '',
};

function field(name: string, id: string): string {
  return `${name}-${id}`;
}

/** What the form about the documents said, when it is shown again with what is wrong. */
export interface RefusedChoice {
  readonly fault: FormFault;
  readonly take: readonly string[];
}

/** The documents in plain words, which of them to take, and the wallet. */
export function documentsPage(
  visit: Visit,
  documents: readonly WordedDocument[],
  to: PassportAddresses,
  refused?: RefusedChoice,
): Page {
  const { fault } = refused ?? {};
  const of = (...standings: VisitedDocument['standing'][]) =>
    documents.filter(({ document }) => standings.includes(document.standing));
  const ready = of('ready');
  const title = 'Your documents';
  const open = ready.length <= 3;
  const form =
    ready.length === 0
      ? html`<div class="notice"><p>There is nothing that you can receive now.</p></div>`
      : html`<form method="post" action="${to.documents}" novalidate>
<input type="hidden" name="csrf" value="${visit.csrf}">
<p>Look at what each document says. Leave out what is wrong or what you do not want: you can say why on the next page.</p>
<fieldset><legend><h2>Documents to receive</h2></legend>
<ul class="choices">!${ready.map((one) => choiceItem(one, { open, ticked: refused?.take.includes(one.document.id) }))}</ul></fieldset>
!${walletChoice(visit, fault)}
<button type="submit">Continue</button></form>`;
  const body = html`!${summary(fault)}!${form}!${othersPart(of('signIn', 'later', 'over'), visit, to)}!${leavePart(visit, to)}`;
  return fault === undefined ? { status: 200, title, body } : { status: 400, title: `Error: ${title}`, body };
}

function choiceItem(
  { document, title, words }: WordedDocument,
  { open, ticked }: { open: boolean; ticked: boolean | undefined },
): string {
  const id = field('take', document.id);
  const again = document.again
    ? html`<p class="hint" id="${id}-hint">You received this before. If you take it again, the copy in your other wallet stops being valid.</p>`
    : '';
  const described = document.again ? html` aria-describedby="${id}-hint"` : '';
  const checked = (ticked ?? !document.again) ? ' checked' : '';
  return html`<li><div class="choice"><input type="checkbox" id="${id}" name="${id}" value="yes"!${checked}!${described}><label for="${id}">${title}</label></div>
!${again}!${factsPart(title, words, open)}</li>`;
}

/** Everything that the document will say, in the words of its schema. */
function factsPart(title: string, words: DocumentWords, open: boolean): string {
  const rows = words.facts.map(({ term, value }) => html`<dt>${term}</dt><dd dir="auto">${value}</dd>`);
  return html`<details!${open ? ' open' : ''}><summary>What it says<span class="unseen">: ${title}</span></summary>
<p class="hint">${words.description}</p><dl class="facts">!${rows}</dl></details>`;
}

function walletChoice(visit: Visit, fault: FormFault | undefined): string {
  const chosen = visit.wallet?.id;
  const items = wallets.map((wallet, index) => {
    const id = index === 0 ? 'wallet' : `wallet-${wallet.id}`;
    const hint = wallet.hint === undefined ? '' : html`<p class="hint" id="${id}-hint">${wallet.hint}</p>`;
    const described = wallet.hint === undefined ? '' : html` aria-describedby="${id}-hint"`;
    const checked = wallet.id === chosen ? ' checked' : '';
    return html`<li><div class="choice"><input type="radio" id="${id}" name="wallet" value="${wallet.id}"!${checked}!${described}><label for="${id}">${wallet.name}</label></div>!${hint}</li>`;
  });
  return html`<fieldset class="${fault === undefined ? '' : 'fault'}"><legend><h2>Which wallet do you use?</h2></legend>
!${beside(fault)}<ul class="choices">!${items}</ul></fieldset>`;
}

/** What cannot be taken now, and why. */
function othersPart(documents: readonly WordedDocument[], visit: Visit, to: PassportAddresses): string {
  if (documents.length === 0) return '';
  const items = documents.map(
    ({ document, title }) =>
      html`<li><strong>${title}</strong><br>${standingWords[document.standing] || stateWords[document.state]}</li>`,
  );
  const wanted = documents.some(({ document }) => document.standing === 'signIn') && !visit.signedIn;
  const signIn = wanted ? html`<p><a class="button" href="${to.signIn}">Sign in for these</a></p>` : '';
  return html`<h2>Other documents</h2><ul>!${items}</ul>!${signIn}`;
}

function leavePart(visit: Visit, to: PassportAddresses): string {
  return html`<form method="post" action="${to.leave}" novalidate><input type="hidden" name="csrf" value="${visit.csrf}">
<p class="hint">This page stays open until ${momentInWords(visit.expiresAt)}, in this browser only.</p>
<button type="submit" class="quiet">Close the passport</button></form>`;
}

/** What was ticked on the page before, carried along. */
export interface Ticked {
  readonly walletId: string;
  readonly take: readonly string[];
}

/** Leaving a document for later is no reason; HR is not told. */
const laterWords = 'Not now: I will receive it later';

/** Why what was not ticked is left out. */
export function reasonsPage(
  visit: Visit,
  leftOut: readonly WordedDocument[],
  ticked: Ticked,
  to: PassportAddresses,
): Page {
  const options = (Object.keys(declineReasons) as DeclineReason[]).map(
    (reason) => html`<option value="${reason}">${declineReasons[reason]}</option>`,
  );
  const selects = leftOut.map(({ document, title }) => {
    const id = field('reason', document.id);
    return html`<label for="${id}">${title}</label>
<select id="${id}" name="${id}"><option value="Later">${laterWords}</option>!${options}</select>`;
  });
  const hidden = ticked.take.map((id) => html`<input type="hidden" name="${field('take', id)}" value="yes">`);
  const body = html`<p>HR reads your reason and can mend what is wrong. A document that you leave out for a reason cannot be received with this link any more.</p>
<form method="post" action="${to.documents}" novalidate>
<input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="wallet" value="${ticked.walletId}">!${hidden}
!${selects}
<button type="submit">Continue</button></form>
<p><a href="${to.documents}">Go back to the documents</a></p>`;
  return { status: 200, title: 'Why do you leave these out?', body };
}

/** The QR codes and links for the wallet, and what has arrived. */
export function receivePage(visit: Visit, documents: readonly WordedDocument[], to: PassportAddresses): Page {
  const live = visit.minted.filter(({ usedAt }) => usedAt === null);
  const titles = new Map(documents.map(({ document, title }) => [document.id, title]));
  const titleOf = (ids: readonly string[]) =>
    ids.length === 1 ? (titles.get(ids[0] ?? '') ?? 'Document') : count(ids.length, 'document');
  const parts = live.map((minted, index) => {
    const title = titleOf(minted.documentIds);
    const several = minted.documentIds.length > 1;
    const list = several
      ? html`<ul>!${minted.documentIds.map((id) => html`<li>${titles.get(id) ?? ''}</li>`)}</ul>`
      : '';
    return html`<li><h2>${live.length > 1 ? `${index + 1}. ` : ''}${title}</h2>!${list}
<p><a class="button" href="${minted.uri}">Open in the wallet on this device<span class="unseen">: ${title}</span></a></p>
!${qrSvg(minted.uri, `QR code: ${title}`)}</li>`;
  });
  const body = html`!${arrivedPart(visit, documents)}!${live.length === 0 ? nothingPart(visit, to) : howPart(visit, live.length)}
<ol class="offers">!${parts}</ol>
!${live.length === 0 ? '' : html`<p><a class="button" href="${to.receive}">Show what has arrived</a></p>`}
<p><a href="${to.documents}">Go back to the documents</a></p>!${leavePart(visit, to)}`;
  return { status: 200, title: 'Receive your documents', body };
}

function howPart(visit: Visit, offers: number): string {
  const code = visit.signedIn
    ? html`<li>You signed in, so your wallet needs no code.</li>`
    : html`<li>Your wallet asks for your code: the same six digits${offers > 1 ? ' each time' : ''}.</li>`;
  const ends = visit.minted.map(({ expiresAt }) => expiresAt).sort()[0] ?? visit.expiresAt;
  return html`<ul><li>Is your wallet on this device? Use the link.</li>
<li>Is it on another device? Scan the QR code with it.</li>!${code}
<li>The codes work until ${momentInWords(ends)}. Show them to nobody.</li></ul>`;
}

function nothingPart({ life }: Visit, { documents }: PassportAddresses): string {
  if (life === 'used') return html`<p>Nothing is left to receive. You can close the passport now.</p>`;
  return html`<div class="notice"><p>There is no QR code open now. If something is missing, <a href="${documents}">choose it again</a>.</p></div>`;
}

function arrivedPart(visit: Visit, documents: readonly WordedDocument[]): string {
  const arrived = documents.filter(({ document }) => document.state === 'issued' && !isWaiting(visit, document));
  if (arrived.length === 0) return '';
  const items = arrived.map(({ title }) => html`<li>${title}</li>`);
  const body = html`<ul>!${items}</ul>`;
  return panel({ tone: 'good', title: `In your wallet: ${count(arrived.length, 'document')}`, body });
}

/** Received before, and to be received again: it has not arrived until its offer was used. */
function isWaiting(visit: Visit, { id, standing }: VisitedDocument): boolean {
  return (
    standing !== 'over' && visit.minted.some(({ documentIds, usedAt }) => usedAt === null && documentIds.includes(id))
  );
}

export function leftPage(): Page {
  const body = html`<p>The passport is closed in this browser. To open it again, use your link and your code.</p>`;
  return { status: 200, title: 'The passport is closed', body };
}

/** Nothing was taken: everything was left out or for later. */
export function nothingTakenPage(to: PassportAddresses): Page {
  const body = html`<p>You have taken no document. HR can see what you left out for a reason.</p>
<p><a class="button" href="${to.documents}">Go back to the documents</a></p>`;
  return { status: 200, title: 'Nothing was taken', body };
}
