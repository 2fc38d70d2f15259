/** Our assertion keys as a JWK Set (RFC 7517 5), for readers of tokens that know no DIDs; the same keys as in the DID document. */
import { type SignedDocument, signedDocument } from '../../http/signed-document.js';
import { findVerificationKey, type Identity } from '../../identity/identity.js';
import type { JsonObject } from '../../json.js';

/** As long as the DID document may be kept. */
const maxAgeSeconds = 60;

const made = new WeakMap<JsonObject, SignedDocument>();

/** The keys of the present DID document; made once for each. */
export function keySetOf({ document }: Pick<Identity, 'document'>): SignedDocument {
  const current = document();
  const known = made.get(current) ?? publish(current);
  made.set(current, known);
  return known;
}

function publish(document: JsonObject): SignedDocument {
  const methods = Array.isArray(document['assertionMethod']) ? document['assertionMethod'] : [];
  const keys = methods
    .filter((id) => typeof id === 'string')
    .map((kid) => {
      const { key } = findVerificationKey(document, kid, 'assertionMethod');
      return { ...key.jwk, kid, use: 'sig', alg: key.algorithm };
    });
  return signedDocument(JSON.stringify({ keys }), { contentType: 'application/jwk-set+json', maxAgeSeconds });
}
