/** Data Integrity proofs of every suite of cryptosuites.ts as a Veramo provider, on pinned contexts and managed keys. */
import { setImmediate } from 'node:timers/promises';
import type {
  ICreateVerifiableCredentialArgs,
  ICreateVerifiablePresentationArgs,
  IKey,
  IVerifyCredentialArgs,
  IVerifyPresentationArgs,
  ProofFormat,
  VerifiableCredential,
  VerifiablePresentation,
} from '@veramo/core-types';
import type { ICredentialProvider, ProofFormatQuery, TentativeVerificationQuery } from '@veramo/credential-w3c';
import type { ResolvedKey } from '../identity/identity.js';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.js';
import { type Canonicaliser, createCanonicaliser } from './canonicaliser.js';
import { checkSpelling } from './context-rules.js';
import type { Contexts } from './contexts.js';
import { type Cryptosuite, cryptosuites, isCryptosuite, proofSuites } from './cryptosuites.js';
import { asArray, dataModelOf, idOf } from './data-model.js';
import { refuseCanonicalisation } from './faults.js';
import { placeProof } from './further-proof.js';
import {
  checkProofOptions,
  documentUnder,
  type IntegrityProof,
  primaryProof,
  readSecuredCredential,
  readSecuredPresentation,
  type SecuredDocument,
} from './integrity-proof.js';
import { isSelfContainedDid, type KeyPurpose, type ResolverContext, resolveKey } from './key-resolution.js';
import { checkBinding, checkHolder } from './presenter.js';
import { type Procedure, procedures } from './proof-procedures.js';
import {
  type DeriveArgs,
  type PassportCredentialArgs,
  type PassportPresentationArgs,
  type PassportVerifyArgs,
  type PassportVerifyPresentationArgs,
  timeOf,
} from './provider-arguments.js';
import { credentialsOf } from './reading.js';
import { CredentialRefusal } from './refusals.js';
import { deriveDocument } from './selective-disclosure.js';
import { algorithmOf, resolveSigner, type SigningContext } from './signer.js';
import type { TermsArgs } from './terms.js';
import {
  answer,
  type CredentialVerdict,
  checkIssuer,
  describeProof,
  type PresentationVerdict,
  sha256,
} from './verdict.js';

/** What the provider is made of. */
export interface DataIntegrityProviderOptions {
  readonly contexts: Contexts;
}

/** Issues and verifies Data Integrity proofs. */
export class DataIntegrityProvider implements ICredentialProvider {
  readonly #canonicaliser: Canonicaliser;

  constructor({ contexts }: DataIntegrityProviderOptions) {
    this.#canonicaliser = createCanonicaliser(contexts);
  }

  getProofFormatsSupportedForKey(key: IKey): ProofFormat[] {
    const algorithm = algorithmOf(key);
    const names = Object.keys(cryptosuites) as Cryptosuite[];
    return names.filter((name) => algorithm !== undefined && proofSuites[name].algorithms.includes(algorithm));
  }

  canIssueProofFormat({ proofFormat }: ProofFormatQuery): boolean {
    return isCryptosuite(proofFormat);
  }

  /** Every object with a proof that is no token: reading it says what is wrong with it. */
  canVerifyDocumentType({ document }: TentativeVerificationQuery): boolean {
    const proof = isJsonObject(document) ? document['proof'] : undefined;
    return proof !== undefined && !(isJsonObject(proof) && proof['type'] === 'JwtProof2020');
  }

  async createVerifiableCredential(
    args: ICreateVerifiableCredentialArgs,
    context: SigningContext,
  ): Promise<VerifiableCredential> {
    const passportArgs = args as PassportCredentialArgs;
    const credential = withProofTerms(passportArgs.credential);
    const did = idOf(credential['issuer']) ?? '';
    const { unsecured, before, covered, members } = placeProof(credential, passportArgs.existingProof ?? 'error');
    const signing = { did, purpose: 'assertionMethod', members } as const;
    const proof = await this.#prove(covered, signing, passportArgs, context);
    return { ...unsecured, proof: before.length === 0 ? proof : [...before, proof] } as unknown as VerifiableCredential;
  }

  async createVerifiablePresentation(
    args: ICreateVerifiablePresentationArgs,
    context: SigningContext,
  ): Promise<VerifiablePresentation> {
    const passportArgs = args as PassportPresentationArgs;
    const presentation = withProofTerms(passportArgs.presentation);
    const did = idOf(presentation['holder']) ?? '';
    const signing = { did, purpose: 'authentication', members: {} } as const;
    const proof = await this.#prove(presentation, signing, passportArgs, context);
    return { ...presentation, proof } as unknown as VerifiablePresentation;
  }

  async verifyCredential(args: IVerifyCredentialArgs, context: ResolverContext): Promise<CredentialVerdict> {
    return answer(() => proveCredential(args as PassportVerifyArgs, context, this.#canonicaliser));
  }

  async verifyPresentation(args: IVerifyPresentationArgs, context: ResolverContext): Promise<PresentationVerdict> {
    const passportArgs = args as unknown as PassportVerifyPresentationArgs;
    return answer(() => provePresentation(passportArgs, context, this.#canonicaliser));
  }

  /** What a holder shows of a credential with a base proof; asks for no key (vc-di-ecdsa 3.6.6). */
  async deriveCredential({ credential, selectivePointers }: DeriveArgs): Promise<JsonObject> {
    const { unsecured, proofs } = readSecuredCredential(credential);
    const base = proofs.find(({ suite }) => proofSuites[suite].transformation === 'selective');
    if (base === undefined) {
      throw new CredentialRefusal('cryptosuite_unknown', 'The credential has no proof from which one can be derived.');
    }
    const { proof } = base;
    return deriveDocument(this.#canonicaliser, { document: unsecured, proof, selectivePointers });
  }

  /** Whether our contexts define every word of a credential, in whatever format it is to be signed. */
  async checkTerms({ credential }: TermsArgs): Promise<void> {
    await refuseCanonicalisation(this.#canonicaliser.checkTerms(credential));
    // A token signs its text, so "@id" in it is another word than "id": as in a graph, nothing has two spellings.
    await refuseCanonicalisation((async () => checkSpelling(credential))());
  }

  /** Stops the thread for large documents. */
  async close(): Promise<void> {
    await this.#canonicaliser.close();
  }

  async #prove(
    covered: JsonObject,
    { did, purpose, members }: { did: string; purpose: KeyPurpose; members: JsonObject },
    args: PassportCredentialArgs | PassportPresentationArgs,
    context: SigningContext,
  ): Promise<JsonObject> {
    const { proofFormat, keyRef, verificationMethod, algorithm, mandatoryPointers } = args;
    if (!isCryptosuite(proofFormat)) throw new CredentialRefusal('cryptosuite_unknown', 'No such cryptosuite.');
    const { type, transformation, algorithms } = proofSuites[proofFormat];
    const fitting = algorithms.filter((name) => algorithm === undefined || name === algorithm);
    const signer = await resolveSigner(context, {
      did,
      purpose,
      algorithms: fitting,
      ...(keyRef === undefined ? {} : { keyRef }),
      ...(verificationMethod === undefined ? {} : { verificationMethod }),
    });
    const procedure: Procedure = procedures[transformation];
    const stated: JsonObject = {
      type,
      cryptosuite: proofFormat,
      created: `${timeOf(args).toISOString().slice(0, 19)}Z`,
      verificationMethod: signer.kid,
      proofPurpose: purpose,
      ...('challenge' in args && args.challenge !== undefined ? { challenge: args.challenge } : {}),
      ...('domain' in args && args.domain !== undefined ? { domain: args.domain } : {}),
      ...members,
      ...procedure.members(covered),
    };
    const proofValue = await procedure.prove(this.#canonicaliser, {
      ...procedure.configure(stated, covered),
      algorithm: signer.algorithm,
      sign: signer.sign,
      ...(mandatoryPointers === undefined ? {} : { mandatoryPointers }),
    });
    return { ...stated, proofValue };
  }
}

const integrityContext = 'https://w3id.org/security/data-integrity/v2';

/** VCDM 1.1 does not know the words of a Data Integrity proof, which must mean something to be signed. */
function withProofTerms(document: JsonObject): JsonObject {
  const contexts = asArray(document['@context']);
  if (dataModelOf(document) !== '1.1' || contexts.includes(integrityContext)) return document;
  return { ...document, '@context': [...contexts, integrityContext] };
}

interface Proving {
  readonly secured: SecuredDocument;
  /** The proof by the issuer or holder; the others must verify as well. */
  readonly primary: IntegrityProof;
  readonly purpose: KeyPurpose;
  readonly now: Date;
  readonly graceSeconds: number;
}

interface Proved {
  readonly key: ResolvedKey;
  /** The document as the primary proof covers it, without proofs. */
  readonly covered: JsonObject;
}

/** Data Integrity 1.0 4.5: one proof that does not verify refuses the whole. */
async function proveDocument(
  proving: Proving,
  context: ResolverContext,
  canonicaliser: Canonicaliser,
): Promise<Proved> {
  const { secured, primary } = proving;
  const others = secured.proofs.filter((proof) => proof !== primary);
  checkControllers(others, primary.controller);
  const proved = await proveOne(primary, proving, context, canonicaliser);
  for (const proof of others) {
    // Several canonical forms in one go would hold everybody up.
    await setImmediate();
    await proveOne(proof, proving, context, canonicaliser);
  }
  const { proof: _previous, ...covered } = proved.document;
  return { key: proved.key, covered };
}

/** Nothing is fetched for a stranger who signs beside the issuer (decisions.md 5). */
function checkControllers(proofs: readonly IntegrityProof[], did: string): void {
  if (proofs.every(({ controller }) => controller === did || isSelfContainedDid(controller))) return;
  throw new CredentialRefusal('controller_not_accepted', 'A further proof is by a DID whose document is not fetched.');
}

/** Key first, for a document is canonicalised at some cost only for somebody who exists (Data Integrity 1.0 4.4). */
async function proveOne(
  proof: IntegrityProof,
  { secured, purpose, now, graceSeconds }: Proving,
  context: ResolverContext,
  canonicaliser: Canonicaliser,
): Promise<{ key: ResolvedKey; document: JsonObject }> {
  const { suite, verificationMethod, stated, proofValue } = proof;
  const { algorithms, transformation } = proofSuites[suite];
  const resolved = await resolveKey(context, verificationMethod, { purpose, now });
  if (!algorithms.includes(resolved.key.algorithm)) {
    throw new CredentialRefusal(
      'key_type_mismatch',
      `A key for ${resolved.key.algorithm} does not belong to ${suite}.`,
    );
  }
  checkProofOptions(proof, { purpose, now, graceSeconds });
  const procedure: Procedure = procedures[transformation];
  const configured = procedure.configure(stated, documentUnder(proof, secured));
  const verified = await procedure.verify(canonicaliser, { ...configured, key: resolved.key, proofValue });
  if (verified) return { key: resolved, document: configured.document };
  throw new CredentialRefusal('signature_invalid', 'The signature does not belong to this content and key.');
}

async function proveCredential(
  args: PassportVerifyArgs,
  context: ResolverContext,
  canonicaliser: Canonicaliser,
): Promise<CredentialVerdict> {
  const input = objectOf(args.credential);
  const secured = readSecuredCredential(input);
  const issuer = idOf(secured.unsecured['issuer']) ?? '';
  const primary = primaryProof(secured.proofs, issuer);
  checkIssuer(issuer, primary.verificationMethod, args.policies);
  const now = timeOf(args.policies);
  const graceSeconds = args.policies?.proofGraceSeconds ?? 0;
  const proving: Proving = { secured, primary, purpose: 'assertionMethod', now, graceSeconds };
  const { key, covered } = await proveDocument(proving, context, canonicaliser);
  const proved = describeProof({
    credential: covered,
    format: primary.suite,
    dataModel: secured.dataModel,
    issuer,
    key,
    digest: sha256(canonicalJson(input)),
    now,
    times: primary.created ? { created: primary.created } : {},
  });
  return { verified: true, issuer, verifiableCredential: input, proved };
}

async function provePresentation(
  args: PassportVerifyPresentationArgs,
  context: ResolverContext,
  canonicaliser: Canonicaliser,
): Promise<PresentationVerdict> {
  const input = objectOf(args.presentation);
  const { holder: claimed, ...secured } = readSecuredPresentation(input);
  const primary = primaryProof(secured.proofs, claimed);
  const holder = checkHolder(claimed, primary.verificationMethod, args.acceptHolder);
  const now = timeOf(args.policies);
  const graceSeconds = args.policies?.proofGraceSeconds ?? 0;
  const proving: Proving = { secured, primary, purpose: 'authentication', now, graceSeconds };
  const { key, covered } = await proveDocument(proving, context, canonicaliser);
  for (const proof of secured.proofs) checkBinding(proof, args);
  return {
    verified: true,
    holder,
    verifiablePresentation: input,
    proved: {
      presentation: covered,
      format: primary.suite,
      holder,
      verificationMethod: key.verificationMethod,
      algorithm: key.key.algorithm,
      keyThumbprint: key.key.thumbprint,
      credentials: credentialsOf(covered),
    },
  };
}

function objectOf(input: unknown): JsonObject {
  if (isJsonObject(input)) return input;
  throw new CredentialRefusal('input_not_recognised', 'A Data Integrity proof secures an object.');
}
