/** What another trust says of a credential. */
import type { Member } from './programme.js';

interface Check {
  readonly outcome: string;
  readonly code: string;
}

/** `valid`, or the decision with the codes of whatever did not pass. */
export async function decisionOf(verifier: Member, credential: unknown): Promise<string> {
  const { body, status, text } = await verifier.verify(credential);
  if (status !== 200) return `${status} ${text}`;
  return body.decision === 'valid' ? 'valid' : `${body.decision}: ${faultsOf(body.checks)}`;
}

/** The codes of the checks that did not pass. */
function faultsOf(checks: readonly Check[]): string {
  return checks
    .filter(({ outcome }) => outcome === 'fail' || outcome === 'indeterminate')
    .map(({ code }) => code)
    .join(' ');
}

interface Report extends Record<string, unknown> {
  readonly checks: readonly Check[];
  readonly credentials?: readonly Report[];
}

/** The same of the result of a request: `valid` with how many presentations, or what is wrong with them. */
export function decisionsOf(result: {
  readonly decision: string;
  readonly presentations: readonly { readonly report: Report }[];
}): string {
  const reports = result.presentations.flatMap(({ report }) => [report, ...(report.credentials ?? [])]);
  if (result.decision === 'valid') return `valid: ${result.presentations.length}`;
  return `${result.decision}: ${reports.map(({ checks }) => faultsOf(checks)).join('; ')}`;
}
