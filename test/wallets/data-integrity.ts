/** Presentations with a Data Integrity proof, which Sphereon leaves to its callers: made by Digital Bazaar's libraries. */
import { contexts as credentialContexts } from '@digitalbazaar/credentials-context';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import dataIntegrityContexts from '@digitalbazaar/data-integrity-context';
import { cryptosuite } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import type { HolderKey } from './holder-key.js';

const library = new Map<string, object>([...credentialContexts, ...dataIntegrityContexts.contexts]);

/** W3C's contexts from their packages, those of the catalogue as they are published. */
async function documentLoader(url: string): Promise<{ contextUrl: null; documentUrl: string; document: object }> {
  const document = library.get(url) ?? ((await (await fetch(url)).json()) as object);
  return { contextUrl: null, documentUrl: url, document };
}

/** Shows a credential: a presentation around it with a proof for this audience and nonce (OpenID4VP 1.0 B.1.3.2). */
export async function wrapWithProof(
  credential: object,
  key: HolderKey,
  { audience, nonce }: { audience: string; nonce: string },
): Promise<object> {
  const signer = {
    algorithm: 'Ed25519',
    id: key.kid,
    sign: async ({ data }: { data: Uint8Array }) => key.signBytes(data),
  };
  return vc.signPresentation({
    presentation: {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder: key.did,
      verifiableCredential: [credential],
    },
    suite: new DataIntegrityProof({ signer, cryptosuite }),
    challenge: nonce,
    domain: audience,
    documentLoader,
  }) as Promise<object>;
}
