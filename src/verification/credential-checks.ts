/**
 * The checks of one credential, in the order of design.md §4: parse and limits, algorithm, issuer in the registry,
 * key, signature, time, schema, status, holder. Every check is reported; what rests on one that did not pass is
 * reported as not reached. Before the signature nothing is fetched but the DID document of a listed issuer.
 */
import {
  type Catalogue,
  type CheckName,
  CredentialRefusal,
  readCredential,
  type UnverifiedCredential,
  type VerifiedCredential,
  verifyProof,
} from '../credential/credential.js';
import type { FetchResult } from '../http/client.js';
import type { PassportAgent } from '../identity/identity.js';
import type { RegistryView } from '../registry/registry.js';
import type { StatusChecker } from '../status/status.js';
import type { VerifyCode } from './codes.js';
import { catalogueTypes, checkHolder, checkSchema, checkValidity } from './content-checks.js';
import { type Deadline, DeadlineExceeded } from './deadline.js';
import { checkIssuer, gateIssuer, isUnbound } from './issuer-check.js';
import { checkNamedSchema, type SchemaSource } from './named-schema-check.js';
import { type Check, type CredentialReport, completeChecks, decide, finding, type ReportedIssuer } from './report.js';
import { proveSchemaCredential } from './schema-credential.js';
import { checkStatus, checkStatusForm } from './status-check.js';

export const credentialOrder: readonly CheckName[] = [
  'format',
  'algorithm',
  'issuer',
  'key',
  'proof',
  'validity',
  'schema',
  'status',
  'holder',
];

/** What a key binding adds, where one is asked for. */
const boundOrder: readonly CheckName[] = [...credentialOrder, 'challenge', 'domain'];

export interface CredentialDeps {
  readonly agent: PassportAgent;
  readonly registry: RegistryView;
  readonly catalogue: Catalogue;
  readonly statusChecker: StatusChecker;
  /** Where schemas of types outside the catalogue may come from; without it such types stay unknown. */
  readonly schemas?: SchemaSource;
  /** Told of faults that are ours; the caller's answer is "indeterminate" all the same. */
  readonly onFault: (error: unknown) => void;
}

/** Who presented it: nobody for a bare credential, `unknown` when the presentation itself could not be proved. */
export type Presenter = { readonly did: string } | 'nobody' | 'unknown';

export interface CredentialQuestion {
  readonly input: unknown;
  readonly presenter: Presenter;
  readonly now: Date;
  readonly deadline: Deadline;
  /** How long after its `expires` a proof still counts. */
  readonly proofGraceSeconds: number;
  /** Whether a proof counts whose issuer owns no key. */
  readonly unboundIssuers: boolean;
  /** The key binding that a credential presented by itself must come with. */
  readonly keyBinding?: { readonly challenge: string; readonly domain: string };
}

const provedSoFar: readonly VerifyCode[] = ['format_read', 'algorithm_allowed', 'key_published', 'proof_verified'];
const keyBound: readonly VerifyCode[] = ['holder_key_bound', 'challenge_matches', 'domain_matches'];

/** What passed when the check named is the first that did not; a key binding is compared after the proof held. */
const passedBefore: Readonly<Partial<Record<CheckName, readonly VerifyCode[]>>> = {
  algorithm: ['format_read'],
  issuer: ['format_read', 'algorithm_allowed'],
  key: ['format_read', 'algorithm_allowed'],
  proof: ['format_read', 'algorithm_allowed', 'key_published'],
  holder: provedSoFar,
  challenge: [...provedSoFar, ...keyBound],
  domain: [...provedSoFar, ...keyBound],
};

/** The lines that a refusal stands for: those before it that passed, its own, and what failed in the same round. */
function refusalFindings(refusal: CredentialRefusal): Check[] {
  const before = (passedBefore[refusal.check] ?? []).map((code) => finding(code));
  const own = [refusal, ...refusal.further].map((one) => finding(one.code, refusalEvidence(one)));
  return [...before, ...own];
}

export function refusalEvidence(refusal: CredentialRefusal) {
  const faults = refusal.faults.slice(0, 20).map(({ path, detail }) => ({ path, detail }));
  return { reason: refusal.message, ...(faults.length > 0 && { faults }) };
}

type Proved = { readonly verified: VerifiedCredential } | { readonly findings: readonly Check[] };

async function prove(
  deps: CredentialDeps,
  unverified: UnverifiedCredential,
  question: CredentialQuestion,
): Promise<Proved> {
  const read = [finding('format_read'), finding('algorithm_allowed')];
  try {
    const { now, proofGraceSeconds, keyBinding } = question;
    const unboundIssuer = isUnbound(unverified, question.unboundIssuers);
    const asked = { now, proofGraceSeconds, unboundIssuer, ...(keyBinding && { keyBinding }) };
    const work = verifyProof(deps.agent, unverified, asked);
    return { verified: await question.deadline.race(work) };
  } catch (error) {
    if (error instanceof CredentialRefusal) return { findings: refusalFindings(error) };
    if (error instanceof DeadlineExceeded) return { findings: [...read, finding('key_timed_out')] };
    deps.onFault(error);
    return { findings: [...read, finding('proof_unfinished')] };
  }
}

/** A key of another DID is never looked up: a listed issuer's name must not make us fetch a stranger's document. */
function belongsToIssuer(unverified: UnverifiedCredential, unboundIssuers: boolean): boolean {
  return (
    isUnbound(unverified, unboundIssuers) || unverified.verificationMethod.split('#', 1)[0] === unverified.claimedIssuer
  );
}

async function proveIfAllowed(
  deps: CredentialDeps,
  unverified: UnverifiedCredential,
  question: CredentialQuestion,
): Promise<Proved> {
  const gate = gateIssuer(deps.registry, unverified, question);
  const early = gate.check === undefined ? [] : [gate.check];
  const read = [finding('format_read'), finding('algorithm_allowed'), ...early];
  if (!belongsToIssuer(unverified, question.unboundIssuers))
    return { findings: [...read, finding('key_not_of_issuer')] };
  if (!gate.mayResolve) return { findings: [...read, finding('key_not_fetched')] };
  const proved = await prove(deps, unverified, question);
  return 'verified' in proved ? proved : { findings: [...early, ...proved.findings] };
}

async function statusFinding(
  deps: CredentialDeps,
  verified: VerifiedCredential,
  question: CredentialQuestion,
): Promise<Check> {
  const { credential, issuer } = verified;
  const { now, deadline } = question;
  try {
    return await checkStatus(deps.statusChecker, { credential, issuer, now, deadline });
  } catch (error) {
    deps.onFault(error);
    return finding('status_unfinished');
  }
}

/** A key binding says who sent a credential that stands alone; in a presentation its presenter has said so. */
const boundCodes = {
  compared: keyBound,
  uncompared: ['holder_not_compared'],
  none: ['holder_not_presented'],
} as const satisfies Record<string, readonly VerifyCode[]>;

function holderFinding({ credential, keyBinding }: VerifiedCredential, presenter: Presenter): Check[] {
  if (presenter === 'unknown') return [];
  if (presenter !== 'nobody') return [checkHolder(credential, presenter.did)];
  return boundCodes[keyBinding ?? 'none'].map((code) => finding(code));
}

async function judge(
  deps: CredentialDeps,
  verified: VerifiedCredential,
  question: CredentialQuestion,
): Promise<Check[]> {
  const [type] = catalogueTypes(deps.catalogue, verified.credential);
  const issuer = checkIssuer(deps.registry, verified, type?.type, question.now);
  const findings = [
    ...provedSoFar.map((code) => finding(code)),
    issuer,
    checkValidity(verified, question.now),
    checkSchema(deps.catalogue, verified),
    ...holderFinding(verified, question.presenter),
  ];
  // decisions.md 5: no URL taken from a credential is dereferenced unless the registry recognises its issuer.
  if (issuer.outcome !== 'pass' && issuer.code !== 'issuer_ods_missing') {
    return [...findings, ...checkStatusForm(verified.credential)];
  }
  findings.push(await statusFinding(deps, verified, question));
  return type === undefined ? [...findings, ...(await namedSchemaFinding(deps, verified, question))] : findings;
}

/** Takes the place of "unknown type", for the later of two findings of one check is the one reported. */
async function namedSchemaFinding(
  deps: CredentialDeps,
  { credential, issuer }: VerifiedCredential,
  { deadline, now }: CredentialQuestion,
): Promise<Check[]> {
  const { schemas, onFault } = deps;
  if (schemas === undefined) return [];
  const prove = (fetched: FetchResult) => proveSchemaCredential(deps, fetched, { issuer, now });
  try {
    const check = await checkNamedSchema(schemas, { credential, deadline, prove });
    return check === undefined ? [] : [check];
  } catch (error) {
    onFault(error);
    return [finding('schema_not_run')];
  }
}

function reportedIssuer(deps: CredentialDeps, did: string): ReportedIssuer {
  const organisation = deps.registry.organisation(did);
  return organisation === undefined ? { id: did } : { id: did, name: organisation.name, odsCode: organisation.odsCode };
}

function orderOf({ keyBinding }: CredentialQuestion): readonly CheckName[] {
  return keyBinding === undefined ? credentialOrder : boundOrder;
}

function refused(findings: readonly Check[], question: CredentialQuestion, format?: string): CredentialReport {
  const alone = question.presenter === 'nobody' && question.keyBinding === undefined;
  const holder = alone ? [finding('holder_not_presented')] : [];
  const checks = completeChecks(orderOf(question), [...findings, ...holder]);
  return { decision: decide(checks), checks, ...(format !== undefined && { format }) };
}

/** The whole verdict on one credential. */
export async function checkCredential(deps: CredentialDeps, question: CredentialQuestion): Promise<CredentialReport> {
  let unverified: UnverifiedCredential;
  try {
    unverified = readCredential(question.input);
  } catch (error) {
    if (error instanceof CredentialRefusal) return refused(refusalFindings(error), question);
    throw error;
  }
  const proved = await proveIfAllowed(deps, unverified, question);
  if (!('verified' in proved)) return refused(proved.findings, question, unverified.format);
  const { verified } = proved;
  const checks = completeChecks(orderOf(question), await judge(deps, verified, question));
  return {
    decision: decide(checks),
    checks,
    format: verified.format,
    credential: verified.credential,
    issuer: reportedIssuer(deps, verified.issuer),
  };
}
