/** The contexts that the checker's own JSON-LD processing knows: W3C's, from their packages. Nothing is fetched. */
import { contexts as credentials } from '@digitalbazaar/credentials-context';
import dataIntegrity from '@digitalbazaar/data-integrity-context';
import multikey from '@digitalbazaar/multikey-context';
import { contexts as bitstringStatusList } from '@digitalbazaar/vc-bitstring-status-list-context';
import did from 'did-context';
import ed25519Signature2020 from 'ed25519-signature-2020-context';

export const credentialsV2 = 'https://www.w3.org/ns/credentials/v2';
export const credentialsV1 = 'https://www.w3.org/2018/credentials/v1';
export const dataIntegrityV2 = 'https://w3id.org/security/data-integrity/v2';
export const ed25519Signature2020V1 = 'https://w3id.org/security/suites/ed25519-2020/v1';
export const undefinedTermsV2 = 'https://www.w3.org/ns/credentials/undefined-terms/v2';

/** Short enough to stand here: it maps every undefined term below one vocabulary (VCDM 2.0 B.2). */
const undefinedTerms = { '@context': { '@vocab': 'https://www.w3.org/ns/credentials/undefined-term#' } };

const known = new Map<string, object>([
  ...credentials,
  ...bitstringStatusList,
  ...dataIntegrity.contexts,
  ...multikey.contexts,
  ...did.contexts,
  ...ed25519Signature2020.contexts,
  [undefinedTermsV2, undefinedTerms],
]);

export async function documentLoader(url: string) {
  const document = known.get(url);
  if (!document) throw new Error(`the checker does not know the context ${url}`);
  return { documentUrl: url, document };
}
