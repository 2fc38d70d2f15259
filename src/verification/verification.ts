/**
 * Checks credentials and presentations and gives a verdict with reasons (design.md §5, decisions.md 1-6). The one
 * place where registry, proof, time, schema, status and holder come together. Called by routes and, later, readiness.
 */
import type { Audit, AuditEvent } from '../audit/audit.js';
import type { Catalogue } from '../credential/credential.js';
import type { PassportAgent } from '../identity/identity.js';
import type { RegistryView } from '../registry/registry.js';
import type { StatusChecker } from '../status/status.js';
import type { Store } from '../store/store.js';
import { createAuditQueue } from './audit-queue.js';
import { checkCredential } from './credential-checks.js';
import { type Deadline, startDeadline } from './deadline.js';
import type { SchemaSource } from './named-schema-check.js';
import { checkPresentation, type PresentationDeps } from './presentation-checks.js';
import type { Check, Decision, PresentationReport, SingleReport } from './report.js';
import { checkUnsigned } from './unsigned-presentation.js';

export type { SchemaSource } from './named-schema-check.js';
export { type CertificateExamination, examineCertificates, loadCertificates } from './oid4vp/certificates.js';
export { createPresentationRequests, type PresentationRequests } from './oid4vp/requests.js';
export { oid4vpEntities } from './oid4vp/store.js';
export { loadTemplates, type Template } from './oid4vp/templates.js';
export { acceptHolder } from './presentation-checks.js';
export { projectCredential, projectPresentation } from './projection.js';
export type { Check, CredentialReport, Decision, PresentationReport, SingleReport } from './report.js';

/** `nonce` and `aud` of a key binding. */
export interface KeyBinding {
  readonly challenge: string;
  readonly domain: string;
}

/** What is to be verified, and for whom it is asked. */
export interface CredentialInput {
  readonly verifiableCredential: unknown;
  readonly clientId?: string;
  /** How long after its `expires` a Data Integrity proof still counts (decisions.md 6); 0 when absent. */
  readonly proofGraceSeconds?: number;
  /** What the holder was asked to sign: the credential must come with a key binding for it (RFC 9901 7.3). */
  readonly keyBinding?: KeyBinding;
  /** Prove also what an issuer that is no DID is said to have issued; nothing ties the key to it. False when absent. */
  readonly unboundIssuers?: boolean;
}

/**
 * challenge and domain are `nonce` and `aud` in tokens; that a challenge is used once is the caller's care. One that is
 * undefined is not compared, and then the presentation is never valid.
 */
export interface PresentationInput {
  readonly verifiablePresentation: unknown;
  readonly challenge: string | undefined;
  readonly domain: string | undefined;
  readonly clientId?: string;
  /** As for credentials; of the presentation and of every credential in it. */
  readonly proofGraceSeconds?: number;
  readonly unboundIssuers?: boolean;
}

/** A presentation that nobody signed: its credentials are verified, of whoever presents it nothing is known. */
export interface UnsignedPresentationInput
  extends Omit<PresentationInput, 'verifiablePresentation' | 'challenge' | 'domain'> {
  readonly presentation: unknown;
}

export interface Verification {
  verifyCredential(input: CredentialInput): Promise<SingleReport>;
  verifyPresentation(input: PresentationInput): Promise<PresentationReport>;
  /** Never "valid": for callers of VCALM 1.0, which knows such presentations. */
  verifyUnsignedPresentation(input: UnsignedPresentationInput): Promise<PresentationReport>;
  start(): void;
  /** Writes what is still queued for the audit. */
  stop(): Promise<void>;
}

export interface VerificationDependencies {
  readonly agent: PassportAgent;
  readonly registry: RegistryView;
  readonly catalogue: Catalogue;
  readonly statusChecker: StatusChecker;
  readonly schemas?: SchemaSource;
  readonly store: Pick<Store, 'transaction'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly config: { readonly deadlineMilliseconds: number; readonly holderHosts: readonly string[] };
  readonly now: () => Date;
  /** Faults of ours that the caller sees as "indeterminate"; they belong in the log. */
  readonly onFault?: (error: unknown) => void;
}

const auditFlushMilliseconds = 1000;

export function createVerification(deps: VerificationDependencies): Verification {
  const { agent, registry, catalogue, statusChecker, store, audit, config, now } = deps;
  const onFault = deps.onFault ?? (() => undefined);
  const checks: PresentationDeps = {
    agent,
    registry,
    catalogue,
    statusChecker,
    ...(deps.schemas === undefined ? {} : { schemas: deps.schemas }),
    onFault,
    holderHosts: config.holderHosts,
  };
  const queue = createAuditQueue({ store, audit, flushMilliseconds: auditFlushMilliseconds, onFault });

  /** decisions.md 17: all verifications are counted (routes.ts), those of known callers are audited. */
  function record(kind: Kind, report: Judged, clientId: string | undefined): void {
    if (clientId !== undefined) queue.add(toAuditEvent(kind, report, clientId));
  }

  async function timed<T extends Judged>(work: (asOf: Date, deadline: Deadline) => Promise<T>) {
    const asOf = now();
    const deadline = startDeadline(config.deadlineMilliseconds);
    try {
      const verdict = await work(asOf, deadline);
      const times = { asOf: asOf.toISOString(), checkedAt: now().toISOString(), registry: registry.state(asOf) };
      return { ...verdict, ...times };
    } finally {
      deadline.close();
    }
  }

  return {
    async verifyCredential({ verifiableCredential, clientId, ...asked }) {
      const policy = { proofGraceSeconds: 0, unboundIssuers: false, ...asked };
      const question = { input: verifiableCredential, presenter: 'nobody', ...policy } as const;
      const report = await timed((now, deadline) => checkCredential(checks, { ...question, now, deadline }));
      record('credential', report, clientId);
      return report;
    },
    async verifyPresentation({ verifiablePresentation, clientId, ...asked }) {
      const question = { proofGraceSeconds: 0, unboundIssuers: false, ...asked, input: verifiablePresentation };
      const report = await timed((now, deadline) => checkPresentation(checks, { ...question, now, deadline }));
      record('presentation', report, clientId);
      return report;
    },
    async verifyUnsignedPresentation({ presentation, clientId, ...asked }) {
      const question = { proofGraceSeconds: 0, unboundIssuers: false, ...asked, input: presentation };
      const report = await timed((now, deadline) => checkUnsigned(checks, { ...question, now, deadline }));
      record('presentation', report, clientId);
      return report;
    },
    start: queue.start,
    stop: queue.stop,
  };
}

type Kind = 'credential' | 'presentation';

interface Judged {
  readonly decision: Decision;
  readonly checks: readonly Check[];
  readonly credential?: unknown;
  readonly credentials?: readonly unknown[];
}

/** Ids of ours look like this; what a stranger calls his credential does not enter the audit trail. */
const urnUuid = /^urn:uuid:[0-9a-f-]{36}$/;

/** More codes than this in one record say no more. */
const maxCodes = 6;

/** Ids and codes only: which credential (when its proof held), what was decided, and the codes that decided it. */
function toAuditEvent(kind: Kind, report: Judged, clientId: string): AuditEvent {
  const decisive = report.checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'indeterminate');
  const codes = decisive.slice(0, maxCodes).map((check) => check.code);
  const id = (report.credential as { id?: unknown } | undefined)?.id;
  const subject = typeof id === 'string' && urnUuid.test(id) ? { subject: id } : {};
  return {
    action: 'verification.decided',
    actor: clientId,
    outcome: report.decision === 'valid' ? 'success' : 'refused',
    data: {
      kind,
      decision: report.decision,
      codes: codes.join(' '),
      credentials: report.credentials?.length ?? 1,
    },
    ...subject,
  };
}
