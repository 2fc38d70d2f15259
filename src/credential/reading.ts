/**
 * Reads whatever was handed in, strictly, before any key is known: an object with a Data Integrity proof, an
 * EnvelopedVerifiableCredential (VCDM 2.0 4.13), a compact token or a data: URL. What is not one of these is refused.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { asArray, checkPresentationModel, dataModelOf, idOf } from './data-model.js';
import { type EnvelopeKind, isEnvelope, openEnvelope } from './envelopes.js';
import { primaryProof, readSecuredCredential, readSecuredPresentation } from './integrity-proof.js';
import type { UnverifiedCredential, UnverifiedPresentation } from './model.js';
import { CredentialRefusal } from './refusals.js';
import {
  type CredentialToken,
  type PresentationToken,
  readCredentialToken,
  readPresentationToken,
  refuseFaults,
  strictRules,
} from './token.js';

/** A passport is about 30 credentials. */
const maxCredentials = 64;
/** Nesting that strict JSON accepts, again: an object may come from elsewhere than our parser. */
const maxDepth = 64;
/** As many as strict JSON accepts members. */
const maxMembers = 10_000;

/** Tokens that were parsed while reading, so that proving need not parse them again; immutable, and out of reach. */
const credentialTokens = new WeakMap<UnverifiedCredential, CredentialToken>();
const presentationTokens = new WeakMap<UnverifiedPresentation, PresentationToken>();

/** The parsed token behind a reading, if the reading is of this very input. */
export function tokenOf(reading: UnverifiedCredential | undefined, input: string): CredentialToken {
  const known = reading?.input === input ? credentialTokens.get(reading) : undefined;
  return known ?? readCredentialToken(input);
}

/** As tokenOf, for presentations. */
export function presentationTokenOf(reading: UnverifiedPresentation | undefined, input: string): PresentationToken {
  const known = reading?.input === input ? presentationTokens.get(reading) : undefined;
  return known ?? readPresentationToken(input);
}

/** Reads a credential; throws CredentialRefusal. `maxBytes` is for a token that we fetched, under bounds of its own. */
export function readCredential(input: unknown, bounds: { readonly maxBytes?: number } = {}): UnverifiedCredential {
  const opened = open(input, 'credential');
  return typeof opened === 'string' ? readCompactCredential(opened, bounds) : readCredentialObject(opened);
}

/** Reads a presentation, but none of the credentials in it; throws CredentialRefusal. */
export function readPresentation(input: unknown): UnverifiedPresentation {
  const opened = open(input, 'presentation');
  return typeof opened === 'string' ? readCompactPresentation(opened) : readPresentationObject(opened);
}

/**
 * Reads a presentation that nobody signed, which VCALM 1.0 lets a verifier be asked about; throws CredentialRefusal.
 * Answers its credentials, each to be given to readCredential. A proof would look checked, so none may be there.
 */
export function readUnsignedPresentation(input: unknown): readonly Json[] {
  const presentation = open(input, 'presentation');
  if (typeof presentation === 'string' || presentation['proof'] !== undefined) {
    throw new CredentialRefusal('input_not_recognised', 'An unsigned presentation is an object without a proof.');
  }
  refuseFaults(checkPresentationModel(presentation, dataModelOf(presentation) ?? '2.0'));
  return credentialsOf(presentation);
}

function readCompactCredential(compact: string, bounds: { readonly maxBytes?: number }): UnverifiedCredential {
  const token = readCredentialToken(compact, { ...strictRules, ...bounds });
  const reading: UnverifiedCredential = Object.freeze({
    kind: 'credential',
    format: token.format,
    dataModel: token.dataModel,
    claimedIssuer: token.issuer,
    claimedTypes: typesOf(token.credential),
    verificationMethod: token.verificationMethod,
    input: compact,
  });
  credentialTokens.set(reading, token);
  return reading;
}

function readCredentialObject(input: JsonObject): UnverifiedCredential {
  const { unsecured, proofs, dataModel } = readSecuredCredential(input);
  const claimedIssuer = idOf(unsecured['issuer']) ?? '';
  const proof = primaryProof(proofs, claimedIssuer);
  return Object.freeze({
    kind: 'credential',
    format: proof.suite,
    dataModel,
    claimedIssuer,
    claimedTypes: typesOf(unsecured),
    verificationMethod: proof.verificationMethod,
    input,
  });
}

function readCompactPresentation(compact: string): UnverifiedPresentation {
  const token = readPresentationToken(compact);
  const reading: UnverifiedPresentation = Object.freeze({
    kind: 'presentation',
    format: token.format,
    ...(token.holder === undefined ? {} : { claimedHolder: token.holder }),
    verificationMethod: token.verificationMethod,
    credentials: credentialsOf(token.presentation),
    input: compact,
  });
  presentationTokens.set(reading, token);
  return reading;
}

function readPresentationObject(input: JsonObject): UnverifiedPresentation {
  const { unsecured, proofs, holder } = readSecuredPresentation(input);
  const proof = primaryProof(proofs, holder);
  return Object.freeze({
    kind: 'presentation',
    format: proof.suite,
    ...(holder === undefined ? {} : { claimedHolder: holder }),
    verificationMethod: proof.verificationMethod,
    credentials: credentialsOf(unsecured),
    input,
  });
}

/** The credentials of a presentation as they stand in it, their number bounded. */
export function credentialsOf(presentation: JsonObject): readonly Json[] {
  const credentials = asArray(presentation['verifiableCredential']);
  if (credentials.length <= maxCredentials) return credentials;
  const detail = `A presentation may hold ${maxCredentials} credentials at most.`;
  throw new CredentialRefusal('presentation_too_many_credentials', detail);
}

function typesOf(credential: JsonObject): readonly string[] {
  return asArray(credential['type']).filter((type) => typeof type === 'string');
}

/** The text of an envelope, or the input itself. */
function open(input: unknown, kind: EnvelopeKind): string | JsonObject {
  if (typeof input === 'string') return input;
  if (!isJsonObject(input)) {
    const detail = 'Neither an object with a proof, nor an envelope, nor a token.';
    throw new CredentialRefusal('input_not_recognised', detail);
  }
  checkSize(input);
  return isEnvelope(input, kind) ? openEnvelope(input, kind) : input;
}

/** Level by level, without recursion; what is too deep for others must not get past here. */
function checkSize(input: JsonObject): void {
  let members = 0;
  let level: Json[] = [input];
  for (let depth = 0; level.length > 0; depth += 1) {
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
    members += level.length;
    if (depth > maxDepth || members > maxMembers) throw tooLarge();
  }
}

function tooLarge(): CredentialRefusal {
  return new CredentialRefusal('input_too_large', `More than ${maxDepth} levels or ${maxMembers} values.`);
}
