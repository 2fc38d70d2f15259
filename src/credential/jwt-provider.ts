/**
 * What the two JWT providers have in common: which documents are theirs, and proving a token. They differ in the
 * `typ` that they accept and in how a payload is made.
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
import { signJws, verifyJws } from '../jose/jws.js';
import { checkTimeClaims } from '../jose/jwt.js';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.js';
import { idOf } from './data-model.js';
import { refuseJose } from './faults.js';
import { securingFormats } from './formats.js';
import { type ResolverContext, resolveKey } from './key-resolution.js';
import { checkBinding, checkHolder } from './presenter.js';
import {
  type PassportCredentialArgs,
  type PassportPresentationArgs,
  type PassportVerifyArgs,
  type PassportVerifyPresentationArgs,
  timeOf,
} from './provider-arguments.js';
import { credentialsOf, presentationTokenOf, tokenOf } from './reading.js';
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

/** How one kind of token is made: its header and its payload. */
export interface TokenKind {
  readonly proofFormats: readonly string[];
  readonly typ: string;
  readonly cty?: string;
  payload(document: JsonObject, claims: { now: Date; challenge?: string; domain?: string }): JsonObject;
}

const algorithms = securingFormats['vc+jwt'].algorithms;

/** A provider of compact tokens. */
export class JwtProvider implements ICredentialProvider {
  readonly #credential: TokenKind;
  readonly #presentation: TokenKind;

  constructor(credential: TokenKind, presentation: TokenKind) {
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
    const typ = peekTyp(compactOf(document));
    return typ === this.#credential.typ.toLowerCase() || typ === this.#presentation.typ.toLowerCase();
  }

  async createVerifiableCredential(
    args: ICreateVerifiableCredentialArgs,
    context: SigningContext,
  ): Promise<VerifiableCredential> {
    const { credential } = args as PassportCredentialArgs;
    const jwt = await this.#sign(
      this.#credential,
      { document: credential, did: idOf(credential['issuer']) },
      args,
      context,
    );
    return { ...credential, proof: { type: 'JwtProof2020', jwt } } as unknown as VerifiableCredential;
  }

  async createVerifiablePresentation(
    args: ICreateVerifiablePresentationArgs,
    context: SigningContext,
  ): Promise<VerifiablePresentation> {
    const { presentation } = args as PassportPresentationArgs;
    const document = { document: presentation, did: idOf(presentation['holder']) };
    const jwt = await this.#sign(this.#presentation, document, args, context);
    return { ...presentation, proof: { type: 'JwtProof2020', jwt } } as unknown as VerifiablePresentation;
  }

  async verifyCredential(args: IVerifyCredentialArgs, context: ResolverContext): Promise<CredentialVerdict> {
    return answer(() => proveCredential(args as PassportVerifyArgs, context));
  }

  async verifyPresentation(args: IVerifyPresentationArgs, context: ResolverContext): Promise<PresentationVerdict> {
    return answer(() => provePresentation(args as unknown as PassportVerifyPresentationArgs, context));
  }

  async #sign(
    kind: TokenKind,
    { document, did }: { document: JsonObject; did: string | undefined },
    args: ICreateVerifiableCredentialArgs | ICreateVerifiablePresentationArgs,
    context: SigningContext,
  ): Promise<string> {
    const { keyRef, verificationMethod, algorithm, challenge, domain } = args as PassportPresentationArgs;
    const signer = await resolveSigner(context, {
      did: did ?? '',
      purpose: kind === this.#credential ? 'assertionMethod' : 'authentication',
      algorithms: algorithm === undefined ? algorithms : [algorithm],
      ...(keyRef === undefined ? {} : { keyRef }),
      ...(verificationMethod === undefined ? {} : { verificationMethod }),
    });
    const header = { alg: signer.algorithm, typ: kind.typ, ...(kind.cty ? { cty: kind.cty } : {}), kid: signer.kid };
    const claims = { ...(challenge === undefined ? {} : { challenge }), ...(domain === undefined ? {} : { domain }) };
    return signJws(header, kind.payload(document, { now: timeOf(args), ...claims }), signer.sign);
  }
}

/** The token of a document in Veramo's form (the decoded credential with `proof.jwt`) or as a string. */
function compactOf(document: unknown): string | undefined {
  if (typeof document === 'string') return document;
  const proof = isJsonObject(document) ? document['proof'] : undefined;
  return isJsonObject(proof) && typeof proof['jwt'] === 'string' ? proof['jwt'] : undefined;
}

/** Looks at a token's `typ` only to find its reader, who will check all of it. */
function peekTyp(compact: string | undefined): string | undefined {
  const header = compact?.slice(0, 16_384).split('.', 1)[0] ?? '';
  try {
    const { typ } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { typ?: unknown };
    return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined;
  } catch {
    return undefined;
  }
}

/** What stands beside a token must be what the token says, word for word: readers would believe it otherwise. */
function checkBeside(document: unknown, signed: JsonObject): void {
  if (typeof document === 'string' || !isJsonObject(document)) return;
  const { proof, ...beside } = document;
  const kind = isJsonObject(proof) && proof['type'] === 'JwtProof2020' && Object.keys(proof).length === 2;
  if (kind && canonicalJson(beside) === canonicalJson(signed)) return;
  throw new CredentialRefusal('claims_inconsistent', 'The object around the token is not what the token says.');
}

async function proveCredential(args: PassportVerifyArgs, context: ResolverContext): Promise<CredentialVerdict> {
  const compact = compactOf(args.credential) ?? '';
  const token = tokenOf(args.reading, compact);
  checkBeside(args.credential, token.credential);
  checkIssuer(token.issuer, token.verificationMethod);
  const now = timeOf(args.policies);
  const key = await resolveKey(context, token.verificationMethod, { purpose: 'assertionMethod', now });
  refuseJose(() => verifyJws(token.jwt, key.key));
  const proved = describeProof({ ...token, key, digest: sha256(compact), now });
  const verifiableCredential = { ...token.credential, proof: { type: 'JwtProof2020', jwt: compact } };
  return { verified: true, issuer: proved.issuer, verifiableCredential, proved };
}

async function provePresentation(
  args: PassportVerifyPresentationArgs,
  context: ResolverContext,
): Promise<PresentationVerdict> {
  const compact = compactOf(args.presentation) ?? '';
  const token = presentationTokenOf(args.reading, compact);
  checkBeside(args.presentation, token.presentation);
  const holder = checkHolder(token.holder, token.verificationMethod, args.acceptHolder);
  const now = timeOf(args.policies);
  const key = await resolveKey(context, token.verificationMethod, { purpose: 'authentication', now });
  refuseJose(() => verifyJws(token.jwt, key.key));
  refuseJose(() => checkTimeClaims(token.jwt.claims, now));
  checkBinding(token, args);
  return {
    verified: true,
    holder,
    verifiablePresentation: { ...token.presentation, proof: { type: 'JwtProof2020', jwt: compact } },
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
