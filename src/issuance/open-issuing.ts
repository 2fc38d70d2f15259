/**
 * Issuing outside the catalogue: what a service instance has checked and signs itself goes through the same cycle, so it
 * too is recorded before it is signed. Nobody can ask for it again, so whatever stops half way is burnt.
 */
import { createHash } from 'node:crypto';
import type { SecuredCredential, SecuringFormat } from '../credential/credential.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import type { Json, JsonObject } from '../json.js';
import type { StatusPurpose } from '../status/status.js';
import { type PreparedCredential, toPrepared } from './prepare.js';

/** A credential that an instance answers for: complete but for its status entries. */
export interface OpenIssueRequest {
  readonly instance: string;
  readonly credential: JsonObject;
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  /** By what its caller will name it; needed where it has a status. */
  readonly name?: string;
  readonly statusPurposes: readonly StatusPurpose[];
  /** Signs the credential with its status entries; called once it is recorded. */
  readonly secure: (credential: JsonObject) => Promise<SecuredCredential>;
}

/** Instances have no space in their names, so no two pairs are written alike. */
export function nameDigestOf(instance: string, name: string): string {
  return createHash('sha256').update(`${instance} ${name}`).digest('base64url');
}

/** The record says of which instance it is; its types may be anything, so it names none but the one that all have. */
export function prepareOpen(
  { newUuid, now }: { newUuid: () => string; now: () => Date },
  request: OpenIssueRequest,
): PreparedCredential {
  const { instance, credential, format, algorithm, name, statusPurposes, secure } = request;
  const nameDigest = name === undefined ? null : nameDigestOf(instance, name);
  return toPrepared({
    id: `urn:uuid:${newUuid()}`,
    type: 'VerifiableCredential',
    format,
    algorithm,
    credential,
    validFrom: timeOf(credential['validFrom'] ?? credential['issuanceDate']) ?? now().toISOString(),
    validUntil: timeOf(credential['validUntil'] ?? credential['expirationDate']) ?? null,
    instance: { name: instance, nameDigest, statusPurposes, secure },
  });
}

/** Under an open context these members may be of any form; what is kept of them is a time. */
function timeOf(value: Json | undefined): string | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
