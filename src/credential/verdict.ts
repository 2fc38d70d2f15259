/** What every provider answers: Veramo's IVerifyResult, extended with what was proved or why it was refused. */
import { hash } from 'node:crypto';
import type { IVerifyResult } from '@veramo/core-types';
import type { ResolvedKey } from '../identity/identity.js';
import type { JsonObject } from '../json.js';
import { earliest, latest, parseDateTime } from './dates.js';
import type { CredentialFormat, DataModelVersion } from './formats.js';
import { didOf, isDid, isSelfContainedDid } from './key-resolution.js';
import type { VerifiedCredential, VerifiedPresentation } from './model.js';
import { CredentialRefusal } from './refusals.js';

/** The result of agent.verifyCredential: `proved` is there exactly when `verified` is true. */
export interface CredentialVerdict extends IVerifyResult {
  readonly proved?: VerifiedCredential;
  readonly refusal?: CredentialRefusal;
}

/** The result of agent.verifyPresentation. */
export interface PresentationVerdict extends IVerifyResult {
  readonly proved?: VerifiedPresentation;
  readonly credentials?: readonly CredentialVerdict[];
  readonly refusal?: CredentialRefusal;
}

/** A refusal as Veramo's callers know it. */
export function refused(refusal: CredentialRefusal): CredentialVerdict & PresentationVerdict {
  return { verified: false, error: { message: refusal.message, errorCode: refusal.code }, refusal };
}

/** Runs a verification; a refusal is its answer, any other error is a fault of ours and passes on. */
export async function answer<T extends IVerifyResult>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CredentialRefusal)) throw error;
    return refused(error) as IVerifyResult as T;
  }
}

/**
 * The key must be one of the issuer's own: whoever signs with another key speaks for somebody else. An issuer that is
 * no DID owns no key; a caller that asks for it is told what the key vouches for all the same, and must say so.
 */
export function checkIssuer(
  issuer: string,
  verificationMethod: string,
  { unboundIssuer = false }: { readonly unboundIssuer?: boolean } = {},
): void {
  if (!isDid(issuer)) {
    // Only keys that are their own identifier: nobody's document is fetched for a name that nothing ties to it.
    if (unboundIssuer && !/^did:/i.test(issuer) && isSelfContainedDid(didOf(verificationMethod))) return;
    throw new CredentialRefusal('issuer_not_did', 'The issuer is not a DID, so no key can be its own.');
  }
  if (didOf(verificationMethod) === issuer) return;
  throw new CredentialRefusal('issuer_mismatch', 'The key that signed belongs to another DID than the issuer.');
}

/** Puts together what a good signature vouches for. */
export function describeProof(facts: {
  credential: JsonObject;
  format: CredentialFormat;
  dataModel: DataModelVersion;
  issuer: string;
  key: ResolvedKey;
  digest: string;
  now: Date;
  times: { iat?: Date; nbf?: Date; exp?: Date; created?: Date };
  keyBinding?: VerifiedCredential['keyBinding'];
}): VerifiedCredential {
  const { credential, key, times, now } = facts;
  const date = (member: string) => parseDateTime(credential[member]);
  const starts = [date('validFrom'), date('issuanceDate'), times.nbf];
  const validFrom = latest(starts);
  const validUntil = earliest([date('validUntil'), date('expirationDate'), times.exp]);
  const signedAt = times.iat ?? times.created;
  return {
    credential,
    format: facts.format,
    dataModel: facts.dataModel,
    issuer: facts.issuer,
    verificationMethod: key.verificationMethod,
    algorithm: key.key.algorithm,
    keyThumbprint: key.key.thumbprint,
    issuedAt: earliest([...starts, signedAt]) ?? now,
    ...(signedAt ? { signedAt } : {}),
    ...(validFrom ? { validFrom } : {}),
    ...(validUntil ? { validUntil } : {}),
    digest: facts.digest,
    ...(facts.keyBinding ? { keyBinding: facts.keyBinding } : {}),
  };
}

/** SHA-256 in base64url. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}
