/**
 * The story that `npm start` plays: a trust issues a nurse's credentials, another trust verifies them; she receives her
 * passport in a wallet and shows it; the first trust revokes, the authority suspends it and reinstates it. Every change is
 * made through a public API and seen by the ordinary pull; a step that does not end as told throws.
 */
import { performance } from 'node:perf_hooks';
import { type Nurse, staffIdentifier } from './nurse.js';
import { type Organisation, pause } from './organisation.js';
import { chapter, step, table } from './terminal.js';

/** One credential to be issued, as the API takes it. */
export interface ToIssue {
  readonly title: string;
  readonly credential: Record<string, unknown>;
}

/** A credential that was issued in one format. */
interface Issued {
  readonly title: string;
  readonly format: string;
  readonly credentialId: string;
  readonly verifiableCredential: unknown;
}

/** A check of a verification report. */
interface Check {
  readonly check: string;
  readonly outcome: string;
  readonly code: string;
  readonly detail: string;
}

/** The part of a verification report that the story reads. */
interface Report {
  readonly decision: string;
  readonly checks: Check[];
}

/** The three organisations and what the trusts have on file. */
export interface Cast {
  readonly authority: Organisation;
  readonly home: Organisation;
  readonly host: Organisation;
  readonly homeCredentials: readonly ToIssue[];
  readonly hostCredentials: readonly ToIssue[];
  readonly nurse: Nurse;
}

const formats = ['vc+jwt', 'eddsa-rdfc-2022', 'jwt_vc'] as const;
/** Changes travel by pull; with the demonstration's short times they arrive within a few seconds. */
const patience = 20_000;

/** Plays the whole story. Throws when a step does not end as told. */
export async function play(cast: Cast): Promise<void> {
  const { authority, home, host, nurse } = cast;
  chapter('Two trusts issue a passport');
  const passport = [...(await issueAll(home, cast.homeCredentials)), ...(await issueAll(host, cast.hostCredentials))];
  const homeIssued = passport.filter((item) => cast.homeCredentials.some(({ title }) => title === item.title));

  chapter(`${host.odsCode} verifies every credential`);
  await verifyAll(host, passport);

  chapter(`${home.odsCode} offers the nurse her passport, and she receives it in her wallet`);
  const offer = await offerPassport(home, cast.homeCredentials);
  await receiveSignedIn(nurse, offer.link);
  chapter(`${host.odsCode} offers her placement, by link and code`);
  await receiveByCode(nurse, host, cast.hostCredentials);

  chapter(`${host.odsCode} asks whether she is ready to start, and she shows her passport`);
  await share(nurse, host, { decision: 'valid' });

  chapter(`${home.odsCode} revokes the DBS check in her wallet`);
  await revokeOffered(home, offer, 'DbsCheckCredential');
  await share(nurse, host, { decision: 'invalid', code: 'status_revoked' });

  chapter(`${home.odsCode} revokes one credential`);
  const lost = homeIssued.at(-1);
  const kept = homeIssued[0];
  if (!lost || !kept) throw new Error('there is no credential to revoke');
  await revoke(home, lost);
  await untilSeen(host, lost, { decision: 'invalid', code: 'status_revoked' });
  await untilSeen(host, kept, { decision: 'valid' });

  chapter(`The authority suspends ${home.odsCode}`);
  await suspension(authority, home, 'suspend', 'demonstration: a report of a stolen signing key');
  await untilSeen(host, kept, { decision: 'invalid', code: 'issuer_suspended' });

  chapter(`The authority reinstates ${home.odsCode}`);
  await suspension(authority, home, 'reinstate', 'demonstration: the report was a false alarm');
  await untilSeen(host, kept, { decision: 'valid' });
  await untilSeen(host, lost, { decision: 'invalid', code: 'status_revoked' });
}

async function issueAll(trust: Organisation, credentials: readonly ToIssue[]): Promise<Issued[]> {
  const token = await trust.token();
  return step(
    `${trust.odsCode} issues ${credentials.length} credential${credentials.length === 1 ? '' : 's'} in ${formats.length} formats`,
    async () => {
      const issued: Issued[] = [];
      for (const { title, credential } of credentials) {
        for (const format of formats) {
          const body = { credential, options: { format } };
          const answer = await trust.call('POST', '/credentials/issue', { token, body, expect: 201 });
          issued.push({ title, format, ...answer.body });
        }
      }
      return issued;
    },
    (issued) => `${issued.length} issued`,
  );
}

/** What HR gets when it offers a passport. */
interface Offer {
  readonly offerId: string;
  readonly link: string;
  readonly txCode: string;
  readonly documents: readonly { readonly id: string; readonly type: string }[];
}

/** An offer is made before anybody knows which key the wallet will bring. */
async function offer(trust: Organisation, credentials: readonly ToIssue[]): Promise<Offer> {
  const offered = credentials.map(({ credential }) => {
    const { id: _, ...credentialSubject } = credential['credentialSubject'] as Record<string, unknown>;
    return { credential: { ...credential, credentialSubject } };
  });
  const body = { credentials: offered, person: { signInSubject: staffIdentifier } };
  const answer = await trust.call('POST', '/admin/offers', { token: await trust.token(), body, expect: 201 });
  return answer.body as Offer;
}

async function offerPassport(trust: Organisation, credentials: readonly ToIssue[]): Promise<Offer> {
  return step(
    `${trust.odsCode} offers ${credentials.length} documents to ${staffIdentifier}`,
    () => offer(trust, credentials),
    ({ link, txCode }) => `link ${link}, code ${txCode} by another way`,
  );
}

async function receiveSignedIn(nurse: Nurse, link: string): Promise<void> {
  const uri = await step('she opens the link, signs in and takes everything', () => nurse.choose(link));
  await step(
    'her wallet receives what is behind the QR code',
    () => nurse.receive(uri),
    (names) => `${names.length} documents`,
  );
}

async function receiveByCode(nurse: Nurse, trust: Organisation, credentials: readonly ToIssue[]): Promise<void> {
  const { offerId, txCode } = await step(`${trust.odsCode} offers her placement`, () => offer(trust, credentials));
  await step(
    'her wallet receives it with the code',
    async () => {
      const body = { grant: 'pre-authorized_code', walletFormats: ['sd_jwt'] };
      const path = `/admin/offers/${offerId}/credential-offers`;
      const minted = await trust.call('POST', path, { token: await trust.token(), body, expect: 201 });
      return nurse.receive(minted.body.uri, txCode);
    },
    (names) => names.join(', '),
  );
}

interface Shown {
  readonly decision: string;
  readonly presentations: readonly {
    readonly id: string;
    readonly report: { readonly credentials: readonly Report[] };
  }[];
}

/** The host asks, the nurse pastes the link into her wallet, the host reads the verdict; until it is as told. */
async function share(nurse: Nurse, host: Organisation, told: { decision: string; code?: string }): Promise<void> {
  const shown = await step(
    `${host.odsCode} asks for "ready-to-start"; her wallet answers`,
    async () => {
      const end = Date.now() + patience;
      let answer = await shareOnce(nurse, host);
      while (!saysSo(answer, told) && Date.now() < end) answer = await shareOnce(nurse, host);
      return answer;
    },
    ({ decision }) => decision,
  );
  const lines = reportsOf(shown).map(({ id, report }) => [
    id.replace(/-[a-z0-9_]+$/, ''),
    report.decision,
    report.decision === 'valid' ? '' : reason(report),
  ]);
  table(['shown', 'documents', 'decision', ''], counted(lines));
  if (!saysSo(shown, told)) throw new Error(`expected ${told.decision}, got ${shown.decision}`);
}

/** Equal lines once, with their number behind the first cell. */
function counted(lines: readonly string[][]): string[][] {
  const numbers = new Map<string, number>();
  for (const line of lines) numbers.set(line.join('\t'), (numbers.get(line.join('\t')) ?? 0) + 1);
  return [...numbers].map(([line, number]) => {
    const [first = '', ...rest] = line.split('\t');
    return [first, String(number), ...rest];
  });
}

async function shareOnce(nurse: Nurse, host: Organisation): Promise<Shown> {
  const token = await host.token();
  const body = { template: 'ready-to-start', flow: 'cross' };
  const request = await host.call('POST', '/vp/requests', { token, body, expect: 201 });
  await nurse.share(request.body.uri);
  return (await host.call('GET', `/vp/requests/${request.body.id}/result`, { token })).body as Shown;
}

function reportsOf({ presentations }: Shown): { id: string; report: Report }[] {
  return presentations.flatMap(({ id, report }) => report.credentials.map((one) => ({ id, report: one })));
}

function saysSo(shown: Shown, told: { decision: string; code?: string }): boolean {
  const codes = reportsOf(shown).flatMap(({ report }) => report.checks.map(({ code }) => code));
  return shown.decision === told.decision && (told.code === undefined || codes.includes(told.code));
}

async function revokeOffered(trust: Organisation, { offerId, documents }: Offer, type: string): Promise<void> {
  const documentIds = documents.filter((document) => document.type === type).map(({ id }) => id);
  const body = { documentIds, reason: 'CredentialProvidedInError' };
  await step(`${trust.odsCode} revokes every copy of it`, async () =>
    trust.call('POST', `/admin/offers/${offerId}/revoke`, { token: await trust.token(), body }),
  );
}

async function verify(verifier: Organisation, item: Issued): Promise<Report> {
  const body = { verifiableCredential: item.verifiableCredential };
  return (await verifier.call('POST', '/verify', { body })).body as Report;
}

async function verifyAll(verifier: Organisation, passport: readonly Issued[]): Promise<void> {
  const rows: string[][] = [];
  let refused = 0;
  for (const item of passport) {
    const begin = performance.now();
    const report = await verify(verifier, item);
    rows.push([item.title, item.format, report.decision, `${(performance.now() - begin).toFixed(1)} ms`]);
    if (report.decision !== 'valid') {
      refused += 1;
      rows.push([`  ${reason(report)}`]);
    }
  }
  table(['credential', 'format', 'decision', 'time'], rows);
  if (refused > 0) throw new Error(`${refused} of ${passport.length} credentials are not valid`);
}

/** The first check that did not pass, in its own words. */
function reason(report: Report): string {
  const check = report.checks.find(({ outcome }) => outcome === 'fail' || outcome === 'indeterminate');
  return check ? `${check.code}: ${check.detail}` : 'no reason given';
}

async function revoke(trust: Organisation, item: Issued): Promise<void> {
  const token = await trust.token();
  await step(`${trust.odsCode} revokes "${item.title}" (${item.format})`, () =>
    trust.call('POST', '/credentials/status', {
      token,
      body: { credentialId: item.credentialId, action: 'revoke', reason: 'CredentialProvidedInError' },
    }),
  );
}

async function suspension(
  authority: Organisation,
  trust: Organisation,
  action: 'suspend' | 'reinstate',
  reasonText: string,
): Promise<void> {
  const token = await authority.token();
  await step(`the authority's registry: ${action} ${trust.odsCode}`, () =>
    authority.call('POST', `/registry/organisations/${trust.odsCode}/${action}`, {
      token,
      body: { reason: reasonText },
    }),
  );
}

/** Asks the verifier until it decides as told, by its ordinary pull of lists and registry. */
async function untilSeen(
  verifier: Organisation,
  item: Issued,
  told: { decision: string; code?: string },
): Promise<void> {
  const says = (report: Report) =>
    report.decision === told.decision &&
    (told.code === undefined || report.checks.some(({ code }) => code === told.code));
  await step(
    `${verifier.odsCode} verifies "${item.title}" (${item.format})`,
    async () => {
      const end = Date.now() + patience;
      let report = await verify(verifier, item);
      while (!says(report) && Date.now() < end) {
        await pause(200);
        report = await verify(verifier, item);
      }
      if (!says(report)) throw new Error(`expected ${told.decision}, got ${report.decision} (${reason(report)})`);
      return report;
    },
    (report) => inWords(report, told.code),
  );
}

function inWords(report: Report, code: string | undefined): string {
  const check = report.checks.find((candidate) => candidate.code === code);
  return check ? `${report.decision}: ${check.detail}` : report.decision;
}
