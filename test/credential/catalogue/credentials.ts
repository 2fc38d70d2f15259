/** Whole credentials made from the catalogue's examples, as issuing completes them. */
import { fileURLToPath } from 'node:url';
import type { CredentialType } from '../../../src/credential/catalogue/catalogue.js';
import type { DataModelVersion } from '../../../src/credential/formats.js';
import type { JsonObject } from '../../../src/json.js';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const baseUrl = 'https://authority.example';
export const dataModels: readonly DataModelVersion[] = ['2.0', '1.1'];

const validityMembers = {
  '2.0': ['validFrom', 'validUntil'],
  '1.1': ['issuanceDate', 'expirationDate'],
} as const;

export function completeCredential(type: CredentialType, dataModel: DataModelVersion): JsonObject {
  const { validUntil, ...draft } = structuredClone(type.example);
  const [from, until] = validityMembers[dataModel];
  const odsCode = type.type === 'TemporaryPlacementCredential' ? 'RXB' : 'RXA';
  return {
    ...draft,
    '@context': [...type.contexts[dataModel]],
    id: 'urn:uuid:3f0f6b52-98a1-4a35-8a0e-2f9c2a1d6b77',
    issuer: { id: 'did:web:trust.example', name: 'Rexford Acute NHS Trust (invented)', odsCode },
    [from]: '2026-11-21T09:00:00Z',
    ...(validUntil === undefined ? {} : { [until]: validUntil }),
    credentialStatus: [statusEntry('revocation', '94567'), statusEntry('suspension', '1204')],
    credentialSchema: { id: type.schemaId, type: 'JsonSchema', digestSRI: type.schemaDigestSri },
  };
}

function statusEntry(statusPurpose: string, statusListIndex: string): JsonObject {
  return {
    id: `https://trust.example/status-lists/a1#${statusListIndex}`,
    type: 'BitstringStatusListEntry',
    statusPurpose,
    statusListIndex,
    statusListCredential: 'https://trust.example/status-lists/a1',
  };
}

/** Puts a value at a JSON Pointer, or takes the member away. */
export function put(target: JsonObject, pointer: string, value: unknown): JsonObject {
  const names = pointer.split('/').slice(1);
  const last = names.pop() ?? '';
  let place = target as Record<string, unknown>;
  for (const name of names) place = place[name] as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return target;
}
