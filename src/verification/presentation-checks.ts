/**
 * The checks of a presentation: the presenter's proof for our challenge and domain, then every credential inside,
 * each bound to the presenter (decisions.md 3).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type CheckName,
  CredentialRefusal,
  readPresentation,
  type UnverifiedPresentation,
  type VerifiedPresentation,
  verifyPresentationProof,
} from '../credential/credential.js';
import type { VerifyCode } from './codes.js';
import { type CredentialDeps, checkCredential, type Presenter, refusalEvidence } from './credential-checks.js';
import { type Deadline, DeadlineExceeded } from './deadline.js';
import { type Check, type CredentialReport, completeChecks, type Decision, decide, finding, worst } from './report.js';

export const presentationOrder: readonly CheckName[] = [
  'format',
  'algorithm',
  'holder',
  'key',
  'proof',
  'challenge',
  'domain',
  'presentation',
];

/** A whole passport is about 30 credentials (design.md §6). */
const maxPresentedCredentials = 64;

export interface PresentationDeps extends CredentialDeps {
  /** Hosts whose did:web identifiers may present; did:key and did:jwk always may (decisions.md 5). */
  readonly holderHosts: readonly string[];
}

export interface PresentationQuestion {
  readonly input: unknown;
  /** undefined: not asked for, so not compared. */
  readonly challenge: string | undefined;
  readonly domain: string | undefined;
  readonly now: Date;
  readonly deadline: Deadline;
  readonly proofGraceSeconds: number;
  readonly unboundIssuers: boolean;
}

export interface PresentationVerdict {
  readonly decision: Decision;
  readonly checks: readonly Check[];
  readonly holder?: string;
  readonly credentials: readonly CredentialReport[];
}

/** did:web names its host up to the first colon, with the port percent-encoded. */
export function acceptHolder(did: string, hosts: readonly string[]): boolean {
  if (/^did:(?:key|jwk):/.test(did)) return true;
  const host = /^did:web:([^:#?/]+)/.exec(did)?.[1];
  return host !== undefined && hosts.includes(decodeURIComponentSafely(host).toLowerCase());
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const provedSoFar: readonly VerifyCode[] = [
  'format_read',
  'algorithm_allowed',
  'holder_proved',
  'key_published',
  'proof_verified',
];
/** What passed when the check named is the one that refused; challenge and domain are compared after the proof held. */
const passedBefore: Readonly<Partial<Record<CheckName, readonly VerifyCode[]>>> = {
  algorithm: ['format_read'],
  holder: ['format_read', 'algorithm_allowed'],
  key: ['format_read', 'algorithm_allowed'],
  proof: ['format_read', 'algorithm_allowed', 'key_published'],
};

/** What is found where nothing was refused; a challenge or domain that nobody asked for was not compared. */
function boundFindings({ challenge, domain }: Pick<PresentationQuestion, 'challenge' | 'domain'>): Check[] {
  const codes: readonly VerifyCode[] = [
    ...provedSoFar,
    challenge === undefined ? 'challenge_not_asked' : 'challenge_matches',
    domain === undefined ? 'domain_not_asked' : 'domain_matches',
  ];
  return codes.map((code) => finding(code));
}

function refusalFindings(refusal: CredentialRefusal, question: PresentationQuestion): Check[] {
  const binding = refusal.check === 'challenge' || refusal.check === 'domain';
  const before = binding ? boundFindings(question) : (passedBefore[refusal.check] ?? []).map((code) => finding(code));
  const own = [refusal, ...refusal.further].map((one) => finding(one.code, refusalEvidence(one)));
  return [...before, ...own];
}

type Proved = { readonly verified: VerifiedPresentation } | { readonly findings: readonly Check[] };

async function prove(
  deps: PresentationDeps,
  unverified: UnverifiedPresentation,
  question: PresentationQuestion,
): Promise<Proved> {
  const { challenge, domain, now, proofGraceSeconds } = question;
  const accepted = (did: string) => acceptHolder(did, deps.holderHosts);
  const read = [finding('format_read'), finding('algorithm_allowed')];
  const signer = unverified.verificationMethod.split('#', 1)[0] ?? '';
  if (!accepted(signer)) return { findings: [...read, finding('holder_not_accepted')] };
  try {
    const expected = { challenge, domain, now, proofGraceSeconds, acceptHolder: accepted };
    const work = verifyPresentationProof(deps.agent, unverified, expected);
    return { verified: await question.deadline.race(work) };
  } catch (error) {
    if (error instanceof CredentialRefusal) return { findings: refusalFindings(error, question) };
    if (error instanceof DeadlineExceeded) return { findings: [...read, finding('key_timed_out')] };
    deps.onFault(error);
    return { findings: [...read, finding('proof_unfinished')] };
  }
}

export function countFinding(count: number): Check {
  if (count === 0) return finding('presentation_empty');
  return count > maxPresentedCredentials
    ? finding('presentation_too_many_credentials', { count, limit: maxPresentedCredentials })
    : finding('presentation_complete', { credentials: count });
}

export async function checkEmbedded(
  deps: CredentialDeps,
  question: Omit<PresentationQuestion, 'input' | 'challenge' | 'domain'>,
  credentials: readonly unknown[],
  presenter: Presenter,
): Promise<CredentialReport[]> {
  const { now, deadline, proofGraceSeconds, unboundIssuers } = question;
  const common = { presenter, now, deadline, proofGraceSeconds, unboundIssuers };
  return inTurns(credentials, (input) => checkCredential(deps, { input, ...common }));
}

/**
 * Starts each piece of work one turn of the event loop after the one before: fifty proofs in a row would hold up
 * everybody else for 200 ms. What waits for the network still waits together.
 */
export function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  let turn: Promise<unknown> = Promise.resolve();
  return Promise.all(
    items.map((item) => {
      const begin = turn.then(() => nextTurn());
      turn = begin;
      return begin.then(() => work(item));
    }),
  );
}

/** The whole verdict on a presentation: its own checks and every credential must be valid. */
export async function checkPresentation(
  deps: PresentationDeps,
  question: PresentationQuestion,
): Promise<PresentationVerdict> {
  let unverified: UnverifiedPresentation;
  try {
    unverified = readPresentation(question.input);
  } catch (error) {
    if (!(error instanceof CredentialRefusal)) throw error;
    const checks = completeChecks(presentationOrder, refusalFindings(error, question));
    return { decision: decide(checks), checks, credentials: [] };
  }
  const count = countFinding(unverified.credentials.length);
  const proved = await prove(deps, unverified, question);
  const verified = 'verified' in proved ? proved.verified : undefined;
  const own = 'verified' in proved ? boundFindings(question) : proved.findings;
  const presenter: Presenter = verified === undefined ? 'unknown' : { did: verified.holder };
  const presented = verified?.credentials ?? unverified.credentials;
  const credentials = count.outcome === 'pass' ? await checkEmbedded(deps, question, presented, presenter) : [];
  const checks = completeChecks(presentationOrder, [count, ...own]);
  const decision = worst([decide(checks), ...credentials.map((report) => report.decision)]);
  return { decision, checks, credentials, ...(verified !== undefined && { holder: verified.holder }) };
}
