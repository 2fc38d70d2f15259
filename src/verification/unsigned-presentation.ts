/**
 * A presentation that nobody signed (VCALM 1.0, verify presentation): nothing says who presents it, so it is never
 * "valid"; the credentials in it are verified as if each had come alone.
 */
import { CredentialRefusal, readUnsignedPresentation } from '../credential/credential.js';
import { type CredentialDeps, refusalEvidence } from './credential-checks.js';
import {
  checkEmbedded,
  countFinding,
  type PresentationQuestion,
  type PresentationVerdict,
  presentationOrder,
} from './presentation-checks.js';
import { completeChecks, decide, finding, worst } from './report.js';

/** There is nothing that a challenge or a domain could be compared with. */
export type UnsignedQuestion = Omit<PresentationQuestion, 'challenge' | 'domain'>;

/** The verdict on what is in it. */
export async function checkUnsigned(deps: CredentialDeps, question: UnsignedQuestion): Promise<PresentationVerdict> {
  let presented: readonly unknown[];
  try {
    presented = readUnsignedPresentation(question.input);
  } catch (error) {
    if (!(error instanceof CredentialRefusal)) throw error;
    const checks = completeChecks(presentationOrder, [finding(error.code, refusalEvidence(error))]);
    return { decision: decide(checks), checks, credentials: [] };
  }
  const count = countFinding(presented.length);
  const credentials = count.outcome === 'pass' ? await checkEmbedded(deps, question, presented, 'nobody') : [];
  const found = [finding('format_read'), finding('presentation_unsigned'), count];
  const checks = completeChecks(presentationOrder, found);
  const decision = worst([decide(checks), ...credentials.map((report) => report.decision)]);
  return { decision, checks, credentials };
}
