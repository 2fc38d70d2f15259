/** The page of a request, for the person at the screen (WCAG 2.2 AA; works without JavaScript). Pure: view in, HTML out. */
import { html, momentInWords, panel, type TableRow, type Tone, table, typeInWords } from '../../http/page.js';
import { qrSvg } from '../../http/qr-code.js';
import { type CheckOutcome, verifyCodes } from '../codes.js';
import type { Check, CredentialReport, Decision, PresentationReport } from '../report.js';
import type { AnswerResult, PersonFinding, PresentationAnswer } from './answers.js';
import type { CredentialQuery, DcqlQuery } from './dcql.js';
import type { PageView } from './requests.js';

/** A title and the HTML below it. */
export interface RequestPage {
  readonly title: string;
  readonly body: string;
}

interface Address {
  /** Where the page itself is. */
  readonly page: string;
  /** The path of the service. */
  readonly base: string;
}

/** What a page says where there is nothing to scan and nothing to read. */
interface Notice {
  readonly title: string;
  readonly tone: Tone;
  readonly heading: string;
  readonly words: string;
  readonly next: readonly string[];
}

const askAgain = 'Ask the organisation for a new request. It makes a new code or link; this one will not work again.';

const notices: Readonly<Record<Exclude<PageView['standing'], 'waiting' | 'opened' | 'answered' | 'declined'>, Notice>> =
  {
    expired: {
      title: 'This request has expired',
      tone: 'unsure',
      heading: 'Nothing was shared',
      words: 'Nobody answered in time, so the code or link does not work any more.',
      next: [askAgain],
    },
    failed: {
      title: 'This request was closed',
      tone: 'bad',
      heading: 'Nothing was accepted',
      words: 'Several answers came that were not made for this request, so it takes no more.',
      next: [askAgain, 'If it happens again, try another wallet, or show the documents in another way.'],
    },
    read: {
      title: 'This request was used',
      tone: 'unsure',
      heading: 'The answer was handed over',
      words: 'The documents were shared, and the organisation has read what came of it. Nothing is kept here.',
      next: ['Continue where the organisation told you to.', 'To share again you need a new request.'],
    },
    lapsed: {
      title: 'The answer was not collected',
      tone: 'unsure',
      heading: 'The answer was deleted',
      words: 'The documents were shared, but nobody read the result within an hour, so it was deleted.',
      next: [askAgain],
    },
    elsewhere: {
      title: 'This request belongs to another browser',
      tone: 'unsure',
      heading: 'Nothing is shown here',
      words: 'For your safety the request goes on only in the browser in which it was opened first.',
      next: [
        'Go back to the browser in which you began.',
        'If your wallet has opened this page in another browser, ask for a new request and open it in this one.',
        'If somebody else has sent you this link, do not answer the request: it may be a trick.',
      ],
    },
    unreturned: {
      title: 'Your wallet has answered',
      tone: 'unsure',
      heading: 'One more step',
      words: 'The result is shown to you in the window that your wallet opens.',
      next: [
        'Go to your wallet and follow its link back.',
        'If there is no such window, ask the organisation for a new request.',
      ],
    },
  };

const declinedWords: Readonly<Record<string, string>> = {
  access_denied: 'The wallet does not have the documents that were asked for, or you chose not to share them.',
  vp_formats_not_supported: 'The wallet cannot present documents in the form that was asked for.',
  wallet_unavailable: 'The wallet could not be opened.',
};

/** The page for a view. */
export function requestPage(view: PageView, address: Address): RequestPage {
  const { standing, request, result } = view;
  if ((standing === 'waiting' || standing === 'opened') && request !== undefined) {
    return openPage(view, request, address);
  }
  if (standing === 'answered' && result !== undefined) return verdictPage(result);
  if (standing === 'declined') return noticePage(declinedNotice(view.view.error));
  return noticePage(notices[standing === 'waiting' || standing === 'opened' ? 'expired' : readKind(standing)]);
}

/** An answer whose result another reader has just taken. */
function readKind(standing: Exclude<PageView['standing'], 'waiting' | 'opened' | 'declined'>) {
  return standing === 'answered' ? 'read' : standing;
}

function declinedNotice(error: string | undefined): Notice {
  return {
    title: 'The wallet declined',
    tone: 'unsure',
    heading: 'Nothing was shared',
    words: declinedWords[error ?? ''] ?? 'The wallet could not answer the request.',
    next: ['If you did not mean to decline, ask the organisation for a new request.', askAgain],
  };
}

function noticePage({ title, tone, heading, words, next }: Notice): RequestPage {
  const body = html`!${panel({ tone, title: heading, body: html`<p>${words}</p>` })}
<h2>What to do next</h2>
!${list(next)}`;
  return { title, body };
}

function list(sentences: readonly string[]): string {
  return html`<ul>!${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

const openedNotice = html`<div class="notice" role="status"><p><strong>A wallet has opened this request.</strong> Look at the wallet, choose what to share, then check here again.</p></div>`;

function openPage(view: PageView, request: NonNullable<PageView['request']>, { page }: Address): RequestPage {
  const how = view.view.flow === 'cross' ? scanBody(request.link) : linkBody(request.link);
  const opened = view.standing === 'opened' ? openedNotice : '';
  const refused =
    view.view.refusals === 0
      ? ''
      : html`<div class="notice bad" role="status"><p>An answer came that was not accepted: it was not made for this request, or not with the documents that were asked for. You can try again.</p></div>`;
  const body = html`<p>${request.purpose}</p>
<h2>What you are asked for</h2>
!${list(documentsOf(request.query))}
!${opened}!${refused}!${how}
<p><a class="button" href="${page}">Check whether the answer has come</a></p>
<p class="hint">This request ends on ${momentInWords(view.view.expiresAt)}.</p>`;
  return { title: request.title, body };
}

/** The documents of a query, once each: its alternatives are the same document in other forms. */
function documentsOf({ credentials, credential_sets: sets }: DcqlQuery): string[] {
  const required = new Set(
    (sets ?? []).filter((set) => set.required !== false).flatMap(({ options }) => options.flat()),
  );
  const named = credentials.map((query) => {
    const name = askedName(query);
    const all = query.multiple === true ? `${name}, all that you have` : name;
    return sets === undefined || required.has(query.id) ? all : `${all} (only if you have it)`;
  });
  return [...new Set(named)];
}

/** Types are short names, or IRIs that end in one or hold one before a version. */
function askedName({ id, meta }: CredentialQuery): string {
  const types = meta.vct_values ?? meta.type_values?.[0] ?? [];
  const names = types.flatMap((type) => /(?:^|[/#])([A-Z]\w{2,60})(?:\/v\d{1,4})?$/.exec(type)?.[1] ?? []);
  const name = names.find((found) => found !== 'VerifiableCredential');
  return name === undefined ? id : typeInWords(name);
}

function scanBody(link: string): string {
  return html`<ol><li>Open the wallet on your phone.</li><li>Scan this code with it.</li><li>Read what is asked for, and choose what to share.</li></ol>
<div class="code-to-scan">!${qrSvg(link, 'QR code of this request, for a wallet to scan')}</div>
<details><summary>I cannot scan the code</summary><p>If the wallet is on this device, <a href="${link}">open it with this link</a>. Or copy this address into the wallet:</p><pre>${link}</pre></details>`;
}

function linkBody(link: string): string {
  return html`<p>Your wallet opens, says what is asked for, and lets you choose what to share. Then it brings you back here, to this browser.</p>
<p><a class="button" href="${link}">Open your wallet</a></p>
<details><summary>Nothing opens</summary><p>There may be no wallet on this device. You can also copy this address into a wallet:</p><pre>${link}</pre></details>`;
}

interface VerdictWords {
  readonly title: string;
  readonly tone: Tone;
  readonly sentence: string;
}

const verdicts: Readonly<Record<Decision, VerdictWords>> = {
  valid: { title: 'Valid', tone: 'good', sentence: 'Every document passed every check, and the person holds them.' },
  invalid: { title: 'Not valid', tone: 'bad', sentence: 'Do not rely on what was shown.' },
  indeterminate: {
    title: 'Cannot be decided',
    tone: 'unsure',
    sentence: 'Nothing failed, but something could not be checked. Do not rely on it until it could.',
  },
};

const personWords: Readonly<Record<PersonFinding, string | undefined>> = {
  one_key: undefined,
  one_identifier: undefined,
  several: 'The documents are of different people.',
  not_shown:
    'The documents were shown with different keys, and nothing in them says that they are of one person: compare the names.',
};

function verdictPage(result: AnswerResult): RequestPage {
  const { title, tone, sentence } = verdicts[result.decision];
  const person = personWords[result.person];
  const body = html`<p>${sentence}</p>!${person === undefined ? '' : html`<p>${person}</p>`}`;
  const remedies = [...new Set(result.presentations.flatMap(({ report }) => decisive(report).map(remedyOf)))];
  const next =
    result.decision === 'valid' ? ['Continue in the system of the organisation, which reads the details.'] : remedies;
  const rows = result.presentations.map(documentRow);
  const headings = ['Document', 'Issued by', 'Outcome', 'In words'];
  return {
    title: 'What was shown',
    body: html`!${panel({ tone, title, body })}
!${table({ caption: 'Documents', headings, rows })}
!${next.length === 0 ? '' : html`<h2>What to do next</h2>!${list(next)}`}`,
  };
}

function remedyOf({ code }: Check): string {
  return verifyCodes[code].remedy;
}

/** What decided: a check that failed, or else a required one that came to no result; of the presentation and of what is in it. */
function decisive({ decision, checks, credentials }: PresentationReport): Check[] {
  if (decision === 'valid') return [];
  const outcome: CheckOutcome = decision === 'invalid' ? 'fail' : 'indeterminate';
  const all = [...checks, ...credentials.flatMap((credential) => credential.checks)];
  return all.filter((line) => line.outcome === outcome && verifyCodes[line.code].required);
}

/** Claims are not shown: the systems of the organisation read them. */
function documentRow({ id, report }: PresentationAnswer): TableRow {
  const [credential] = report.credentials;
  const { title, tone } = verdicts[report.decision];
  const sentences = [...new Set(decisive(report).map(({ detail }) => detail))];
  return {
    header: html`${documentName(credential) ?? id}`,
    cells: [
      html`${credential?.issuer?.name ?? credential?.issuer?.id ?? 'unknown'}`,
      html`<strong class="${tone}">${title}</strong>`,
      (sentences.length === 0 ? ['Every check passed.'] : sentences)
        .map((sentence) => html`<p>${sentence}</p>`)
        .join(''),
    ],
  };
}

function documentName(credential: CredentialReport | undefined): string | undefined {
  const types = [credential?.credential?.['type']].flat();
  const name = types.find((type) => typeof type === 'string' && type !== 'VerifiableCredential');
  return name === undefined ? undefined : typeInWords(String(name));
}

/** What a browser shows that was led to an address which is meant for wallets. */
export function walletAddressPage(): RequestPage {
  return noticePage({
    title: 'This address is for a wallet',
    tone: 'unsure',
    heading: 'Nothing can be shown here',
    words: 'The address belongs to a request for documents. Only a wallet can read it.',
    next: ['Scan the code with your wallet, or paste the whole address into it.', askAgain],
  });
}
