/** Data Integrity proofs (eddsa-rdfc-2022, ecdsa-rdfc-2019) as a Veramo provider, on pinned contexts and managed keys. */
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
import { verifyBytes } from '../jose/jws.js';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.js';
import type { Canonicalise } from './canonicalisation.js';
import { type Canonicaliser, createCanonicaliser } from './canonicaliser.js';
import type { Contexts } from './contexts.js';
import { idOf } from './data-model.js';
import {
  type Cryptosuite,
  checkProofOptions,
  cryptosuites,
  hashData,
  type IntegrityProof,
  isCryptosuite,
  readProofValue,
  readSecuredCredential,
  readSecuredPresentation,
  toProofValue,
} from './integrity-proof.js';
import { type KeyPurpose, type ResolverContext, resolveKey } from './key-resolution.js';
import { checkBinding, checkHolder } from './presenter.js';
import {
  type PassportCredentialArgs,
  type PassportPresentationArgs,
  type PassportVerifyArgs,
  type PassportVerifyPresentationArgs,
  timeOf,
} from './provider-arguments.js';
import { credentialsOf } from './reading.js';
import { CredentialRefusal } from './refusals.js';
import { algorithmOf, resolveSigner, type SigningContext } from './signer.js';
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
    this.#canonicaliser = createCanonicaliser(contexts.documents);
  }

  getProofFormatsSupportedForKey(key: IKey): ProofFormat[] {
    const algorithm = algorithmOf(key);
    const names = Object.keys(cryptosuites) as Cryptosuite[];
    return names.filter((name) => algorithm !== undefined && cryptosuites[name].algorithms.includes(algorithm));
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
    const { credential } = args as PassportCredentialArgs;
    const did = idOf(credential['issuer']) ?? '';
    const proof = await this.#prove(
      credential,
      { did, purpose: 'assertionMethod' },
      args as PassportCredentialArgs,
      context,
    );
    return { ...credential, proof } as unknown as VerifiableCredential;
  }

  async createVerifiablePresentation(
    args: ICreateVerifiablePresentationArgs,
    context: SigningContext,
  ): Promise<VerifiablePresentation> {
    const { presentation } = args as PassportPresentationArgs;
    const did = idOf(presentation['holder']) ?? '';
    const proof = await this.#prove(
      presentation,
      { did, purpose: 'authentication' },
      args as PassportPresentationArgs,
      context,
    );
    return { ...presentation, proof } as unknown as VerifiablePresentation;
  }

  async verifyCredential(args: IVerifyCredentialArgs, context: ResolverContext): Promise<CredentialVerdict> {
    return answer(() => proveCredential(args as PassportVerifyArgs, context, this.#canonicaliser.canonicalise));
  }

  async verifyPresentation(args: IVerifyPresentationArgs, context: ResolverContext): Promise<PresentationVerdict> {
    const { canonicalise } = this.#canonicaliser;
    return answer(() => provePresentation(args as unknown as PassportVerifyPresentationArgs, context, canonicalise));
  }

  /** Stops the thread for large documents. */
  async close(): Promise<void> {
    await this.#canonicaliser.close();
  }

  async #prove(
    unsecured: JsonObject,
    { did, purpose }: { did: string; purpose: KeyPurpose },
    args: PassportCredentialArgs | PassportPresentationArgs,
    context: SigningContext,
  ): Promise<JsonObject> {
    const { proofFormat, keyRef, verificationMethod } = args;
    if (!isCryptosuite(proofFormat)) throw new CredentialRefusal('cryptosuite_unknown', 'No such cryptosuite.');
    const { algorithms } = cryptosuites[proofFormat];
    const signer = await resolveSigner(context, {
      did,
      purpose,
      algorithms,
      ...(keyRef === undefined ? {} : { keyRef }),
      ...(verificationMethod === undefined ? {} : { verificationMethod }),
    });
    const stated: JsonObject = {
      type: 'DataIntegrityProof',
      cryptosuite: proofFormat,
      created: `${timeOf(args).toISOString().slice(0, 19)}Z`,
      verificationMethod: signer.kid,
      proofPurpose: purpose,
      ...('challenge' in args && args.challenge !== undefined ? { challenge: args.challenge } : {}),
      ...('domain' in args && args.domain !== undefined ? { domain: args.domain } : {}),
    };
    const options = { '@context': unsecured['@context'] ?? [], ...stated };
    const data = await hashData(this.#canonicaliser.canonicalise, { cryptosuite: proofFormat, options, unsecured });
    return { ...stated, proofValue: toProofValue(await signer.sign(data)) };
  }
}

interface Proving {
  readonly proof: IntegrityProof;
  readonly unsecured: JsonObject;
  readonly purpose: KeyPurpose;
  readonly now: Date;
  readonly graceSeconds: number;
}

/** Key first, for a document is canonicalised at some cost only for somebody who exists (Data Integrity 1.0 4.4). */
async function proveDocument(
  { proof, unsecured, purpose, now, graceSeconds }: Proving,
  context: ResolverContext,
  canonicalise: Canonicalise,
): Promise<ResolvedKey> {
  const { cryptosuite, verificationMethod, options, proofValue } = proof;
  const key = await resolveKey(context, verificationMethod, { purpose, now });
  if (!cryptosuites[cryptosuite].algorithms.includes(key.key.algorithm)) {
    throw new CredentialRefusal(
      'key_type_mismatch',
      `A key for ${key.key.algorithm} does not belong to ${cryptosuite}.`,
    );
  }
  checkProofOptions(proof, { purpose, now, graceSeconds });
  const signature = readProofValue(proofValue, cryptosuite);
  const data = await hashData(canonicalise, { cryptosuite, options, unsecured });
  if (verifyBytes(key.key, data, signature)) return key;
  throw new CredentialRefusal('signature_invalid', 'The signature does not belong to this content and key.');
}

async function proveCredential(
  args: PassportVerifyArgs,
  context: ResolverContext,
  canonicalise: Canonicalise,
): Promise<CredentialVerdict> {
  const input = objectOf(args.credential);
  const { unsecured, proof, dataModel } = readSecuredCredential(input);
  const issuer = idOf(unsecured['issuer']) ?? '';
  checkIssuer(issuer, proof.verificationMethod);
  const now = timeOf(args.policies);
  const graceSeconds = args.policies?.proofGraceSeconds ?? 0;
  const facts = { proof, unsecured, purpose: 'assertionMethod', now, graceSeconds } as const;
  const key = await proveDocument(facts, context, canonicalise);
  const proved = describeProof({
    credential: unsecured,
    format: proof.cryptosuite,
    dataModel,
    issuer,
    key,
    digest: sha256(canonicalJson(input)),
    now,
    times: proof.created ? { created: proof.created } : {},
  });
  return { verified: true, issuer, verifiableCredential: input, proved };
}

async function provePresentation(
  args: PassportVerifyPresentationArgs,
  context: ResolverContext,
  canonicalise: Canonicalise,
): Promise<PresentationVerdict> {
  const input = objectOf(args.presentation);
  const { unsecured, proof, holder: claimed } = readSecuredPresentation(input);
  const holder = checkHolder(claimed, proof.verificationMethod, args.acceptHolder);
  const now = timeOf(args.policies);
  const graceSeconds = args.policies?.proofGraceSeconds ?? 0;
  const key = await proveDocument(
    { proof, unsecured, purpose: 'authentication', now, graceSeconds },
    context,
    canonicalise,
  );
  checkBinding(proof, args);
  return {
    verified: true,
    holder,
    verifiablePresentation: input,
    proved: {
      presentation: unsecured,
      format: proof.cryptosuite,
      holder,
      verificationMethod: key.verificationMethod,
      algorithm: key.key.algorithm,
      keyThumbprint: key.key.thumbprint,
      credentials: credentialsOf(unsecured),
    },
  };
}

function objectOf(input: unknown): JsonObject {
  if (isJsonObject(input)) return input;
  throw new CredentialRefusal('input_not_recognised', 'A Data Integrity proof secures an object.');
}
