/**
 * What the providers of enveloping proofs have in common: which documents are theirs, and proving one. They differ in
 * the media types that they read and in how a text is made.
 */
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
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { verifyJws } from '../jose/jws.js';
import { checkTimeClaims } from '../jose/jwt.js';
import { type ParsedSdJwt, verifyKeyBinding } from '../jose/sd-jwt.js';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.js';
import type { SdJwtVcType } from './catalogue/type-metadata.js';
import { idOf } from './data-model.js';
import { type EnvelopeKind, isEnvelope, openEnvelope, openText } from './envelopes.js';
import { refuseJose } from './faults.js';
import { securingFormats } from './formats.js';
import { isSelfContainedDid, type ResolverContext, resolveKey } from './key-resolution.js';
import type { VerifiedCredential } from './model.js';
import { checkBinding, checkHolder } from './presenter.js';
import {
  type KeyBindingQuestion,
  type PassportCredentialArgs,
  type PassportPresentationArgs,
  type PassportVerifyArgs,
  type PassportVerifyPresentationArgs,
  timeOf,
} from './provider-arguments.js';
import { credentialsOf, presentationTokenOf, tokenOf } from './reading.js';
import { CredentialRefusal } from './refusals.js';
import { holderOf } from './sd-jwt-vc.js';
import { algorithmOf, type ResolvedSigner, resolveSigner, type SigningContext } from './signer.js';
import { keyBindingSeconds } from './token.js';
import { answer, type CredentialVerdict, checkIssuer, describeProof, type PresentationVerdict } from './verdict.js';

/** What a text is made of, apart from the key. */
export interface EnvelopeContent {
  readonly document: JsonObject;
  readonly now: Date;
  readonly challenge?: string;
  readonly domain?: string;
  /** Paths of claims that the holder may leave out, such as `credentialSubject.name` or `phones[0]`. */
  readonly selectivelyDisclosable: readonly string[];
  /** Of an SD-JWT VC: its type, and the DID URL that its holder is named by. */
  readonly sdJwtVc?: SdJwtVcType;
  readonly holderKid?: string;
}

/** How one kind of text is made. */
export interface EnvelopingKind {
  readonly proofFormats: readonly string[];
  /** The media types of texts that this provider reads, without `application/`. */
  readonly media: readonly string[];
  /** Answers in the form in which Veramo's callers pass it on: decoded with `proof.jwt`, or an envelope. */
  secure(content: EnvelopeContent, signer: ResolvedSigner): Promise<JsonObject>;
}

const algorithms: readonly JwsAlgorithm[] = securingFormats['vc+jwt'].algorithms;

/** A provider of one enveloping mechanism, for credentials and presentations. */
export class EnvelopingProvider implements ICredentialProvider {
  readonly #credential: EnvelopingKind;
  readonly #presentation: EnvelopingKind;

  constructor(credential: EnvelopingKind, presentation: EnvelopingKind) {
    this.#credential = credential;
    this.#presentation = presentation;
  }

  getProofFormatsSupportedForKey(key: IKey): ProofFormat[] {
    const algorithm = algorithmOf(key);
    return algorithm !== undefined && algorithms.includes(algorithm) ? [...this.#credential.proofFormats] : [];
  }

  canIssueProofFormat({ proofFormat }: ProofFormatQuery): boolean {
    return [this.#credential, this.#presentation].some((kind) => kind.proofFormats.includes(proofFormat));
  }

  canVerifyDocumentType({ document }: TentativeVerificationQuery): boolean {
    const medium = mediumOf(document);
    return medium !== undefined && [...this.#credential.media, ...this.#presentation.media].includes(medium);
  }

  async createVerifiableCredential(
    args: ICreateVerifiableCredentialArgs,
    context: SigningContext,
  ): Promise<VerifiableCredential> {
    const { credential } = args as PassportCredentialArgs;
    const document = { document: credential, did: idOf(credential['issuer']) };
    return (await this.#secure(this.#credential, document, args, context)) as unknown as VerifiableCredential;
  }

  async createVerifiablePresentation(
    args: ICreateVerifiablePresentationArgs,
    context: SigningContext,
  ): Promise<VerifiablePresentation> {
    const { presentation } = args as PassportPresentationArgs;
    const document = { document: presentation, did: idOf(presentation['holder']) };
    return (await this.#secure(this.#presentation, document, args, context)) as unknown as VerifiablePresentation;
  }

  async verifyCredential(args: IVerifyCredentialArgs, context: ResolverContext): Promise<CredentialVerdict> {
    return answer(() => proveCredential(args as PassportVerifyArgs, context));
  }

  async verifyPresentation(args: IVerifyPresentationArgs, context: ResolverContext): Promise<PresentationVerdict> {
    return answer(() => provePresentation(args as unknown as PassportVerifyPresentationArgs, context));
  }

  async #secure(
    kind: EnvelopingKind,
    { document, did }: { document: JsonObject; did: string | undefined },
    args: ICreateVerifiableCredentialArgs | ICreateVerifiablePresentationArgs,
    context: SigningContext,
  ): Promise<JsonObject> {
    const { keyRef, verificationMethod, algorithm, challenge, domain, selectivelyDisclosable, sdJwtVc, holderKid } =
      args as PassportPresentationArgs;
    const signer = await resolveSigner(context, {
      did: did ?? '',
      purpose: kind === this.#credential ? 'assertionMethod' : 'authentication',
      algorithms: algorithm === undefined ? algorithms : [algorithm],
      ...(keyRef === undefined ? {} : { keyRef }),
      ...(verificationMethod === undefined ? {} : { verificationMethod }),
    });
    const claims = { ...(challenge === undefined ? {} : { challenge }), ...(domain === undefined ? {} : { domain }) };
    const type = { ...(sdJwtVc === undefined ? {} : { sdJwtVc }), ...(holderKid === undefined ? {} : { holderKid }) };
    const content = { document, now: timeOf(args), ...claims, ...type };
    return kind.secure({ ...content, selectivelyDisclosable: selectivelyDisclosable ?? [] }, signer);
  }
}

/** The text of a document: itself, out of its envelope, or in Veramo's form (decoded, with `proof.jwt`). */
function textOf(document: unknown): string | undefined {
  if (typeof document === 'string') return document;
  const kind = (['credential', 'presentation'] as const).find((name: EnvelopeKind) => isEnvelope(document, name));
  if (kind !== undefined) return openEnvelope(document as JsonObject, kind);
  const proof = isJsonObject(document) ? document['proof'] : undefined;
  return isJsonObject(proof) && typeof proof['jwt'] === 'string' ? proof['jwt'] : undefined;
}

/** Looks at a text's media type only to find its provider. What cannot be opened belongs to none. */
function mediumOf(document: unknown): string | undefined {
  try {
    const text = textOf(document);
    return text === undefined ? undefined : openText(text).medium;
  } catch (error) {
    if (error instanceof CredentialRefusal) return undefined;
    throw error;
  }
}

/** What stands beside a token must be what the token says; an envelope has been found to hold nothing else. */
function checkBeside(document: unknown, signed: JsonObject): void {
  if (typeof document === 'string' || !isJsonObject(document)) return;
  const { proof, ...beside } = document;
  if (proof === undefined) return;
  const kind = isJsonObject(proof) && proof['type'] === 'JwtProof2020' && Object.keys(proof).length === 2;
  if (kind && canonicalJson(beside) === canonicalJson(signed)) return;
  throw new CredentialRefusal('claims_inconsistent', 'The object around the token is not what the token says.');
}

async function proveCredential(args: PassportVerifyArgs, context: ResolverContext): Promise<CredentialVerdict> {
  const text = textOf(args.credential) ?? '';
  const token = tokenOf(args.reading, text);
  checkBeside(args.credential, token.credential);
  checkIssuer(token.issuer, token.verificationMethod, args.policies);
  const now = timeOf(args.policies);
  const key = await resolveKey(context, token.verificationMethod, { purpose: 'assertionMethod', now });
  refuseJose(() => verifyJws(token.jws, key.key));
  const keyBinding = await checkKeyBinding(context, token.sdJwt, args.keyBinding, now);
  const proved = describeProof({ ...token, key, now, keyBinding });
  const proof = { type: 'JwtProof2020', jwt: text };
  return { verified: true, issuer: proved.issuer, verifiableCredential: { ...token.credential, proof }, proved };
}

/**
 * The holder's part of an SD-JWT (RFC 9901 7.3). Whether one is needed is the verifier's to say, never the
 * presenter's: that it is missing the plugin finds, in every format.
 */
async function checkKeyBinding(
  context: ResolverContext,
  sdJwt: ParsedSdJwt | undefined,
  asked: KeyBindingQuestion | undefined,
  now: Date,
): Promise<VerifiedCredential['keyBinding']> {
  if (sdJwt?.keyBinding === undefined) return undefined;
  const age = asked === undefined ? {} : { maxAgeSeconds: keyBindingSeconds };
  const key = await namedKey(context, sdJwt, now);
  refuseJose(() => verifyKeyBinding(sdJwt, { now, ...age, ...(key && { key }) }));
  if (asked === undefined) return 'uncompared';
  const { nonce, aud } = sdJwt.keyBinding.claims;
  checkBinding({ challenge: nonce, domain: aud }, asked);
  return 'compared';
}

/** RFC 7800 3.4: the issuer may name the holder's key by a kid, which is then a DID URL; nothing is fetched for it. */
async function namedKey(context: ResolverContext, { concealed }: ParsedSdJwt, now: Date) {
  const { cnf } = concealed;
  const holder = isJsonObject(cnf) && cnf['jwk'] === undefined ? holderOf(cnf) : undefined;
  if (holder === undefined || !isSelfContainedDid(holder.did)) return undefined;
  return (await resolveKey(context, holder.verificationMethod, { purpose: 'authentication', now })).key;
}

async function provePresentation(
  args: PassportVerifyPresentationArgs,
  context: ResolverContext,
): Promise<PresentationVerdict> {
  const text = textOf(args.presentation) ?? '';
  const token = presentationTokenOf(args.reading, text);
  checkBeside(args.presentation, token.presentation);
  const holder = checkHolder(token.holder, token.verificationMethod, args.acceptHolder);
  const now = timeOf(args.policies);
  const key = await resolveKey(context, token.verificationMethod, { purpose: 'authentication', now });
  refuseJose(() => verifyJws(token.jws, key.key));
  const { maxAgeSeconds } = token;
  refuseJose(() => checkTimeClaims(token.claims, now, maxAgeSeconds === undefined ? {} : { maxAgeSeconds }));
  // A key binding is always made for somebody: without a nonce and an audience to compare, it fails.
  const asked = { now, nonce: args.challenge ?? '', aud: args.domain ?? '' };
  refuseJose(() => token.sdJwt && verifyKeyBinding(token.sdJwt, asked));
  checkBinding(token, args);
  return {
    verified: true,
    holder,
    verifiablePresentation: { ...token.presentation, proof: { type: 'JwtProof2020', jwt: text } },
    proved: {
      presentation: token.presentation,
      format: token.format,
      holder,
      verificationMethod: key.verificationMethod,
      algorithm: key.key.algorithm,
      keyThumbprint: key.key.thumbprint,
      credentials: credentialsOf(token.presentation),
    },
  };
}
