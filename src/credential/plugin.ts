/**
 * Veramo's CredentialPlugin for both versions of the data model. The stock one knows VCDM 1.1 only, writes into its
 * caller's objects, looks for the status on what it was handed rather than on what was signed, and never looks into
 * a presentation. Usable by any Veramo 7 agent in place of the stock plugin.
 */
import type {
  IAgentContext,
  ICreateVerifiableCredentialArgs,
  ICreateVerifiablePresentationArgs,
  ICredentialStatusVerifier,
  IssuerAgentContext,
  IVerifyCredentialArgs,
  IVerifyPresentationArgs,
  VerifiableCredential,
  VerifiablePresentation,
  VerifierAgentContext,
} from '@veramo/core-types';
import { CredentialPlugin, type ICredentialProvider } from '@veramo/credential-w3c';
import { type Fault, ServiceError } from '../errors.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { asArray, checkDataModel, checkPresentationModel, dataModelOf, idOf } from './data-model.js';
import { deriveMethod, isDeriving } from './deriving.js';
import { checkExistingProof, type ExistingProof, takesFurtherProofs } from './further-proof.js';
import type { VerifiedCredential } from './model.js';
import { type DeriveArgs, type PassportPolicies, type PassportVerifyArgs, timeOf } from './provider-arguments.js';
import { readCredential } from './reading.js';
import { CredentialRefusal } from './refusals.js';
import { knowsTerms, type TermsArgs, termsMethod } from './terms.js';
import { answer, type CredentialVerdict, type PresentationVerdict, refused } from './verdict.js';

/** How far ahead of our clock a start may lie (decisions.md 6); an end has no grace. */
const aheadMilliseconds = 60_000;

/** Dispatches to the providers in their order and makes the checks that no provider may forget. */
export class StaffPassportCredentialPlugin extends CredentialPlugin {
  readonly #providers: readonly ICredentialProvider[];
  readonly #now: () => Date;

  /** `now` is asked wherever a caller gives no time. */
  constructor(providers: ICredentialProvider[], { now }: { now: () => Date }) {
    super(providers);
    this.#providers = providers;
    this.#now = now;
    Object.assign(this.methods, {
      [deriveMethod]: (args: DeriveArgs) => this.#derive(args),
      [termsMethod]: (args: TermsArgs) => this.#checkTerms(args),
    });
  }

  override async createVerifiableCredential(
    args: ICreateVerifiableCredentialArgs,
    context: IssuerAgentContext,
  ): Promise<VerifiableCredential> {
    const credential: unknown = args.credential;
    checkUnsecured(credential, checkDataModel, existingProofOf(args));
    const provider = this.#providerFor(args.proofFormat);
    return asServiceError(() => provider.createVerifiableCredential({ ...args, now: this.#time(args) }, context));
  }

  override async createVerifiablePresentation(
    args: ICreateVerifiablePresentationArgs,
    context: IssuerAgentContext,
  ): Promise<VerifiablePresentation> {
    const presentation: unknown = args.presentation;
    checkUnsecured(presentation, checkPresentationModel);
    if (!args.challenge || !args.domain) {
      throw new ServiceError('invalid_request', 'A presentation is made for a challenge and a domain.');
    }
    const provider = this.#providerFor(args.proofFormat);
    return asServiceError(() => provider.createVerifiablePresentation({ ...args, now: this.#time(args) }, context));
  }

  override async verifyCredential(
    args: IVerifyCredentialArgs,
    context: VerifierAgentContext,
  ): Promise<CredentialVerdict> {
    const policies = this.#policies(args.policies);
    return answer(async () => {
      const verdict: CredentialVerdict = await this.#verifierOf(args.credential).verifyCredential(
        { ...args, policies },
        context,
      );
      const { proved } = verdict;
      if (!verdict.verified || !proved) return verdict;
      checkKeyBinding(args as PassportVerifyArgs, proved);
      checkValidity(proved, policies);
      if (policies.credentialStatus !== false) await checkStatus(verdict, context);
      return verdict;
    });
  }

  override async verifyPresentation(
    args: IVerifyPresentationArgs,
    context: VerifierAgentContext,
  ): Promise<PresentationVerdict> {
    const policies = this.#policies(args.policies);
    return answer(async () => {
      if (policies.binding !== false) checkExpectation(args);
      const provider = this.#verifierOf(args.presentation);
      const verdict: PresentationVerdict = await provider.verifyPresentation({ ...args, policies }, context);
      if (!verdict.verified || !verdict.proved || policies.credentials === false) return verdict;
      const { holder, credentials } = verdict.proved;
      const verdicts: CredentialVerdict[] = [];
      for (const credential of credentials) verdicts.push(await this.#verifyEmbedded(credential, policies, context));
      const failure = verdicts.find((embedded) => !embedded.verified);
      if (failure) return { ...refused(embeddedRefusal(failure)), credentials: verdicts };
      if (policies.holder !== false) checkSubjects(holder, verdicts);
      return { ...verdict, credentials: verdicts };
    });
  }

  /** Of the providers one at most can derive. */
  async #derive(args: DeriveArgs): Promise<JsonObject> {
    const [provider] = this.#providers.filter(isDeriving);
    if (!provider) throw new ServiceError('invalid_request', 'No provider of this agent derives credentials.');
    return asServiceError(() => provider.deriveCredential(args));
  }

  /** Fails closed: where no provider knows contexts, nobody can say that every word is defined. */
  async #checkTerms(args: TermsArgs): Promise<void> {
    const [provider] = this.#providers.filter(knowsTerms);
    if (!provider) throw new ServiceError('invalid_request', 'No provider of this agent knows contexts.');
    await asServiceError(() => provider.checkTerms(args));
  }

  async #verifyEmbedded(
    credential: unknown,
    policies: PassportPolicies,
    context: VerifierAgentContext,
  ): Promise<CredentialVerdict> {
    return answer(async () => {
      const reading = readCredential(credential);
      return this.verifyCredential({ credential: reading.input as string, reading, policies }, context);
    });
  }

  #policies(policies: PassportPolicies | undefined): PassportPolicies {
    return { ...policies, now: this.#time(policies).getTime() / 1000 };
  }

  #time(options: object | undefined): Date {
    const { now } = (options ?? {}) as { now?: unknown };
    return now === undefined ? this.#now() : timeOf({ now });
  }

  #providerFor(proofFormat: string): ICredentialProvider {
    const provider = this.#providers.find((candidate) => candidate.canIssueProofFormat({ proofFormat }));
    if (provider) return provider;
    throw new ServiceError('invalid_request', 'No provider of this agent secures credentials in this format.');
  }

  #verifierOf(document: IVerifyCredentialArgs['credential'] | IVerifyPresentationArgs['presentation']) {
    const provider = this.#providers.find((candidate) => candidate.canVerifyDocumentType({ document }));
    if (provider) return provider;
    throw new CredentialRefusal('input_not_recognised', 'No provider of this agent reads documents of this kind.');
  }
}

type ModelCheck = (document: JsonObject, version: '2.0' | '1.1') => Fault[];

/** Only where proofs stand beside the document can there be another one. */
function existingProofOf(args: ICreateVerifiableCredentialArgs): ExistingProof {
  const { existingProof = 'error' } = args as { existingProof?: ExistingProof };
  return takesFurtherProofs(args.proofFormat) ? existingProof : 'error';
}

/** What is signed must have the shape of the version that its first context names, and no proof that is in the way. */
function checkUnsecured(document: unknown, check: ModelCheck, existingProof: ExistingProof = 'error'): void {
  if (!isJsonObject(document)) throw new ServiceError('invalid_credential', 'Only an object can be secured.');
  const version = dataModelOf(document);
  const faults = version ? check(document, version) : [{ path: '/@context/0', detail: 'must be a known base context' }];
  if (faults.length === 0) faults.push(...checkExistingProof(document, existingProof));
  if (faults.length > 0) throw new ServiceError('invalid_credential', 'This cannot be signed.', { faults });
}

/** To whoever issues, a refusal is a fault in the request. */
async function asServiceError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof CredentialRefusal)) throw cause;
    throw new ServiceError('invalid_credential', cause.message, { faults: cause.faults, cause });
  }
}

/** RFC 9901 7.3: where a key binding is asked for, a credential without one is refused. Most formats have none. */
function checkKeyBinding({ keyBinding: asked }: PassportVerifyArgs, { keyBinding }: VerifiedCredential): void {
  if (asked === undefined || keyBinding === 'compared') return;
  throw new CredentialRefusal('key_binding_missing', 'The credential comes without a key binding.');
}

function checkValidity({ validFrom, validUntil }: VerifiedCredential, policies: PassportPolicies): void {
  const now = timeOf(policies).getTime();
  if (policies.issuanceDate !== false && validFrom && validFrom.getTime() > now + aheadMilliseconds) {
    throw new CredentialRefusal('not_yet_valid', 'The credential is not valid yet.');
  }
  if (policies.expirationDate !== false && validUntil && validUntil.getTime() <= now) {
    throw new CredentialRefusal('expired', 'The credential has expired.');
  }
}

/** On what was signed, in every format; without a status plugin nobody knows, and that is not a yes. */
async function checkStatus(verdict: CredentialVerdict, context: VerifierAgentContext): Promise<void> {
  if (verdict.proved?.credential['credentialStatus'] === undefined) return;
  const { agent } = context as unknown as IAgentContext<ICredentialStatusVerifier>;
  if (typeof agent.checkCredentialStatus !== 'function') {
    throw new CredentialRefusal('status_unchecked', 'This agent has no plugin that checks the credential status.');
  }
  const credential = verdict['verifiableCredential'] as VerifiableCredential;
  const status = await agent.checkCredentialStatus({ credential });
  if (status?.revoked === false && status['verified'] !== false) return;
  throw new CredentialRefusal('status_failed', 'The credential was revoked or suspended by its issuer.');
}

function checkExpectation({ challenge, domain }: IVerifyPresentationArgs): void {
  if (typeof challenge !== 'string' || challenge === '') {
    throw new CredentialRefusal(
      'challenge_missing',
      'The verifier gave no challenge, so the presentation may be a copy.',
    );
  }
  if (typeof domain !== 'string' || domain === '') {
    throw new CredentialRefusal(
      'domain_missing',
      'The verifier gave no domain, so the presentation may be for another.',
    );
  }
}

function embeddedRefusal({ refusal }: CredentialVerdict): CredentialRefusal {
  const unfinished = refusal?.outcome === 'indeterminate';
  const code = unfinished ? 'credential_unfinished' : 'credential_refused';
  const options = refusal ? { further: [refusal], cause: refusal } : {};
  return new CredentialRefusal(code, refusal?.message ?? 'A credential of the presentation was refused.', options);
}

/** A colleague's credential in my presentation proves nothing about me (decisions.md 3). */
function checkSubjects(holder: string, verdicts: readonly CredentialVerdict[]): void {
  for (const { proved } of verdicts) {
    const subjects = asArray(proved?.credential['credentialSubject']).map((subject) => idOf(subject));
    if (subjects.length > 0 && subjects.every((subject) => subject === holder)) continue;
    throw new CredentialRefusal('holder_mismatch', 'A credential of the presentation is about somebody else.');
  }
}
