import type { JsonObject } from '../json.js';

/**
 * The terms of the list that credentials/v2 does not have. W3C's Recognized Entities draft names its terms and gives
 * them no vocabulary yet, so they have addresses of ours for now. Flat and protected, as all contexts of the product.
 * (The list is secured as vc+jwt and proved without reading a context; this is for strangers who read it as JSON-LD.)
 */
export function buildContext(publicUrl: string): JsonObject {
  const vocabulary = `${publicUrl}/registry/context/v1.json#`;
  const date = (term: string) => ({
    '@id': `${vocabulary}${term}`,
    '@type': 'http://www.w3.org/2001/XMLSchema#dateTime',
  });
  const link = (term: string) => ({ '@id': `${vocabulary}${term}`, '@type': '@id' });
  const plain = Object.fromEntries(plainTerms.map((term) => [term, `${vocabulary}${term}`]));
  return {
    '@context': {
      '@version': 1.1,
      '@protected': true,
      ...plain,
      sequence: { '@id': `${vocabulary}sequence`, '@type': 'http://www.w3.org/2001/XMLSchema#integer' },
      programmeBaseUrl: link('programmeBaseUrl'),
      recognizedBy: link('recognizedBy'),
      recognizedTo: link('recognizedTo'),
      outputValidation: link('outputValidation'),
      ...Object.fromEntries(dateTerms.map((term) => [term, date(term)])),
    },
  };
}

const plainTerms = [
  'RecognizedEntityCredential',
  'RecognizedEntity',
  'RecognizedIssuer',
  'RecognizedAction',
  'action',
  'credentialType',
  'odsCode',
  'organisationKind',
  'organisationStatus',
  'suspensions',
  'keyThumbprints',
] as const;

const dateTerms = ['issued', 'nextUpdate', 'withdrawnFrom', 'from', 'until'] as const;
