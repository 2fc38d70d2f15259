/**
 * The verdict on a vp_token (OpenID4VP 1.0 section 8.6): every presentation is verified as POST /verify does, for our
 * nonce and our full client identifier, and held to the query. What is no presentation for this request is refused as a
 * whole, and so is a forged credential or somebody else's; one that is revoked, expired or not recognised is an answer,
 * with a report that says so.
 */
import { type CheckName, type SecuringFormat, securingFormats } from '../../credential/credential.js';
import { JoseError } from '../../jose/errors.js';
import { parseSdJwt } from '../../jose/sd-jwt.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import { inTurns } from '../presentation-checks.js';
import { type Check, type CredentialReport, type Decision, type PresentationReport, worst } from '../report.js';
import type { CredentialQuery, DcqlQuery, ExpandType } from './dcql.js';
import { type Mismatch, mismatchOf, type PresentedCredential, type VpToken } from './matching.js';

/** Verification.verifyPresentation: a wrong answer here would accept what somebody else presented. */
export type VerifyPresentation = (input: {
  readonly verifiablePresentation: unknown;
  readonly challenge: string;
  readonly domain: string;
  readonly clientId: string;
}) => Promise<PresentationReport>;

/** What a token is verified for. */
export interface Expected {
  readonly query: DcqlQuery;
  readonly nonce: string;
  /** With its prefix. */
  readonly audience: string;
  /** The API client that asked, for the audit. */
  readonly clientId: string;
}

/** The report on one presentation, under the id of the Credential Query that it answers. */
export interface PresentationAnswer {
  readonly id: string;
  readonly report: PresentationReport;
}

/**
 * Whether all presentations speak of one person. Each is bound to its own key; keys may differ, since wallets hold
 * copies that cannot be linked. one_key: all were presented with one key. one_identifier: with several, and credentials
 * of the same issuer name the same person. several: they name different ones. not_shown: nothing tells.
 */
export type PersonFinding = 'one_key' | 'one_identifier' | 'several' | 'not_shown';

/** What the verifier's systems read, once. */
export interface AnswerResult {
  readonly decision: Decision;
  readonly person: PersonFinding;
  readonly presentations: readonly PresentationAnswer[];
}

/** Why an answer was not taken; codes of the report, or a mismatch with the query. */
export interface AnswerRefusal {
  readonly query: string;
  readonly codes: readonly string[];
}

type Judged = { readonly answer: PresentationAnswer } | { readonly refusal: AnswerRefusal };

interface Task {
  readonly query: CredentialQuery;
  readonly presentation: string | JsonObject;
}

/** Verifies every presentation and decides; nothing is stored here. */
export async function judgeAnswer(
  deps: { verify: VerifyPresentation; expand: ExpandType },
  vpToken: VpToken,
  expected: Expected,
): Promise<{ result: AnswerResult } | { refusal: AnswerRefusal }> {
  const tasks = expected.query.credentials.flatMap((query) =>
    (vpToken[query.id] ?? []).map((presentation) => ({ query, presentation })),
  );
  const judged = await inTurns(tasks, (task) => judgePresentation(deps, task, expected));
  const refused = judged.find((one) => 'refusal' in one);
  if (refused !== undefined) return refused;
  const presentations = judged.flatMap((one) => ('answer' in one ? [one.answer] : []));
  const person = personOf(presentations);
  const decisions = presentations.map(({ report }) => report.decision);
  // A colleague's documents beside one's own (decisions.md 3).
  const decision = person === 'several' ? 'invalid' : worst(decisions);
  return { result: { decision, person, presentations } };
}

async function judgePresentation(
  { verify, expand }: { verify: VerifyPresentation; expand: ExpandType },
  { query, presentation }: Task,
  { nonce, audience, clientId }: Expected,
): Promise<Judged> {
  const report = await verify({ verifiablePresentation: presentation, challenge: nonce, domain: audience, clientId });
  const codes = refusalCodes(report) ?? mismatchCodes(query, presentation, report, expand);
  return codes === undefined ? { answer: { id: query.id, report } } : { refusal: { query: query.id, codes } };
}

/** Of a credential: what makes it authentic and the presenter's. The rest is for people to hear of (section 8.6). */
const authenticity: readonly CheckName[] = ['format', 'algorithm', 'key', 'proof', 'holder'];

/**
 * Section 14.1.2: a presentation that is not bound to this request, this verifier and its holder is rejected; section
 * 8.6: as is one of a credential whose integrity or authenticity does not hold.
 */
function refusalCodes(report: PresentationReport): string[] | undefined {
  const failed = failuresOf(report.checks);
  if (failed.length > 0) return failed;
  // Each Credential Query asks for one credential in each presentation.
  const [credential, ...more] = report.credentials;
  if (credential === undefined || more.length > 0) return ['not_one_credential'];
  const forged = failuresOf(credential.checks.filter(({ check }) => authenticity.includes(check)));
  return forged.length === 0 ? undefined : forged;
}

function failuresOf(checks: readonly Check[]): string[] {
  return checks.filter(({ outcome }) => outcome === 'fail').map(({ code }) => code);
}

function mismatchCodes(
  query: CredentialQuery,
  presentation: string | JsonObject,
  report: PresentationReport,
  expand: ExpandType,
): [Mismatch] | undefined {
  const presented = presentedCredential(report.credentials[0], presentation);
  // Without a proof that held there is nothing to compare, and the report says invalid or indeterminate already.
  const mismatch = presented && mismatchOf(query, presented, expand);
  return mismatch === undefined ? undefined : [mismatch];
}

/** Which format of OpenID4VP a securing mechanism belongs to (appendix B). */
const tokenFormats: Readonly<Record<string, string>> = {
  'dc+sd-jwt': 'dc+sd-jwt',
  'vc+jwt': 'jwt_vc_json',
  jwt_vc: 'jwt_vc_json',
};

function formatOf(format: string | undefined): string | undefined {
  if (format === undefined) return undefined;
  const integrity = securingFormats[format as SecuringFormat]?.kind === 'data-integrity';
  return integrity ? 'ldp_vc' : tokenFormats[format];
}

function presentedCredential(
  credential: CredentialReport | undefined,
  presentation: string | JsonObject,
): PresentedCredential | undefined {
  if (credential?.credential === undefined) return undefined;
  const format = formatOf(credential.format);
  if (format !== 'dc+sd-jwt') return { format, root: credential.credential };
  const root = disclosedClaims(presentation);
  return root === undefined ? { format: undefined, root: credential.credential } : { format, root };
}

/** Claim paths of an SD-JWT VC start at its own claims (section 7.1), of the very text whose proof held. */
function disclosedClaims(presentation: string | JsonObject): JsonObject | undefined {
  if (typeof presentation !== 'string') return undefined;
  try {
    return parseSdJwt(presentation, { typ: ['dc+sd-jwt'] }).claims;
  } catch (error) {
    if (error instanceof JoseError) return undefined;
    throw error;
  }
}

/** domain.md: personBindingId is the same in all credentials of one person at one issuer, and differs between issuers. */
function personOf(presentations: readonly PresentationAnswer[]): PersonFinding {
  const holders = new Set(presentations.map(({ report }) => report.holder));
  const byIssuer = new Map<string, Set<string>>();
  for (const { issuer, credential } of presentations.flatMap(({ report }) => report.credentials)) {
    const id = bindingIdOf(credential);
    if (issuer === undefined || id === undefined) continue;
    byIssuer.set(issuer.id, (byIssuer.get(issuer.id) ?? new Set()).add(id));
  }
  const named = [...byIssuer.values()];
  if (named.some((ids) => ids.size > 1)) return 'several';
  if (holders.size === 1 && !holders.has(undefined)) return 'one_key';
  const all = presentations.every(({ report }) => report.credentials.every((one) => bindingIdOf(one.credential)));
  return all && named.length === 1 ? 'one_identifier' : 'not_shown';
}

function bindingIdOf(credential: JsonObject | undefined): string | undefined {
  const subject = credential?.['credentialSubject'];
  const id = isJsonObject(subject) ? subject['personBindingId'] : undefined;
  return typeof id === 'string' ? id : undefined;
}
