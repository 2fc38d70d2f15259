/** Credentials and presentations that tests start from; every call gives fresh objects. */
import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '../../src/credential/credential.js';
import type { JsonObject } from '../../src/json.js';
import { baseUrl, trust } from './agent.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const catalogue = loadCatalogue({ baseUrl, root });

/** A DBS check of the catalogue in VCDM 2.0. */
export function credential20(holder: string, changes: JsonObject = {}): JsonObject {
  const type = catalogue.find('DbsCheckCredential');
  if (!type) throw new Error('the catalogue has no DbsCheckCredential');
  const { validFrom: _from, validUntil: _until, ...example } = structuredClone(type.example);
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2', type.contextId],
    id: 'urn:uuid:0b5e1a2c-7a57-4b7a-9d0b-3f0a5c2f6d11',
    type: ['VerifiableCredential', type.type],
    issuer: { id: trust, name: 'Alpha University Hospitals' },
    validFrom: '2026-11-01T00:00:00Z',
    validUntil: '2027-11-01T00:00:00Z',
    ...example,
    credentialSubject: { ...(example['credentialSubject'] as JsonObject), id: holder },
    ...changes,
  };
}

/** The same in VCDM 1.1. */
export function credential11(holder: string, changes: JsonObject = {}): JsonObject {
  const { validFrom, validUntil, ...rest } = credential20(holder);
  return {
    ...rest,
    '@context': ['https://www.w3.org/2018/credentials/v1', `${baseUrl}/contexts/DbsCheckCredential/v1.json`],
    issuanceDate: validFrom ?? '',
    expirationDate: validUntil ?? '',
    ...changes,
  };
}

/** A credential of W3C terms only, which the reference libraries can read without our contexts. */
export function plainCredential(holder: string, changes: JsonObject = {}): JsonObject {
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: 'urn:uuid:5f2c1b0e-7a57-4b7a-9d0b-3f0a5c2f6d12',
    type: ['VerifiableCredential'],
    issuer: trust,
    validFrom: '2026-11-01T00:00:00Z',
    name: { '@value': 'Tystysgrif', '@language': 'cy' },
    credentialSubject: { id: holder, name: 'Alex Example' },
    ...changes,
  };
}

export function presentation20(holder: string, credentials: JsonObject['x'][], changes: JsonObject = {}): JsonObject {
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    type: ['VerifiablePresentation'],
    holder,
    verifiableCredential: credentials as JsonObject[],
    ...changes,
  };
}

export function presentation11(holder: string, credentials: string[]): JsonObject {
  return {
    '@context': ['https://www.w3.org/2018/credentials/v1'],
    type: ['VerifiablePresentation'],
    holder,
    verifiableCredential: credentials,
  };
}
