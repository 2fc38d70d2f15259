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
  RecognizedIssuer: plain,
  RecognizedAction: plain,
  recognizedTo: plain,
  recognizedBy: address,
  action: plain,
  outputValidation: plain,
  credentialType: plain,
  sequence: plain,
  issued: instant,
  nextUpdate: instant,
  programmeBaseUrl: address,
  odsCode: plain,
  organisationKind: plain,
  organisationStatus: plain,
  withdrawnFrom: instant,
  suspensions: plain,
  from: instant,
  until: instant,
  keyThumbprints: plain,
};

export function registryTerms(term: (name: string, claim: Claim) => JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(Object.entries(members).map(([name, claim]) => [name, term(name, claim)]));
}
