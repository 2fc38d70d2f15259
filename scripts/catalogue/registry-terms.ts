/**
 * The terms of the trust registry's document. RecognizedEntity, recognizedTo, RecognizedAction, action, recognizedBy and
 * outputValidation are the words of W3C VC Recognized Entities; that draft is experimental, so they live in our vocabulary.
 */
import type { Claim, JsonObject } from './claims.js';

const plain: Claim = { schema: {} };
const address: Claim = { schema: {}, valueType: 'id' };
const instant: Claim = { schema: {}, valueType: 'dateTime' };

const members: Readonly<Record<string, Claim>> = {
  RecognizedEntityCredential: plain,
  RecognizedEntity: plain,
  RecognizedAction: plain,
  recognizedTo: plain,
  recognizedBy: address,
  recognizedIn: address,
  action: plain,
  outputValidation: plain,
  sequence: plain,
  issued: instant,
  nextUpdate: instant,
  programmeBaseUrl: address,
  organisations: plain,
  odsCode: plain,
  kind: plain,
  organisationStatus: plain,
  suspensions: plain,
  from: instant,
  until: instant,
  dids: plain,
  did: address,
  validTo: instant,
  keyThumbprints: plain,
  issue: plain,
  credentialType: plain,
};

export function registryTerms(term: (name: string, claim: Claim) => JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(Object.entries(members).map(([name, claim]) => [name, term(name, claim)]));
}
