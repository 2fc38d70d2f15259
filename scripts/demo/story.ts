/**
 * The story that `npm start` plays: a trust issues a nurse's passport, another trust verifies it, the first revokes a
 * credential, the authority suspends the first trust and reinstates it. Every change is made through a public API and
 * seen by the ordinary pull; a step that does not end as told throws.
 */
import { performance } from 'node:perf_hooks';
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
}

const formats = ['vc+jwt', 'eddsa-rdfc-2022', 'jwt_vc'] as const;
/** Changes travel by pull; with the demonstration's short times they arrive within a few seconds. */
const patience = 20_000;

/** Plays the whole story. Throws when a step does not end as told. */
export async function play(cast: Cast): Promise<void> {
  const { authority, home, host } = cast;
  chapter('Two trusts issue a passport');
  const passport = [...(await issueAll(home, cast.homeCredentials)), ...(await issueAll(host, cast.hostCredentials))];
  const homeIssued = passport.filter((item) => cast.homeCredentials.some(({ title }) => title === item.title));

  chapter(`${host.odsCode} verifies every credential`);
  await verifyAll(host, passport);

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
