/** VCDM 2.0 secured with COSE_Sign1: vc+cose and vp+cose (VC-JOSE-COSE 3.3, RFC 9052). The payload is the JSON itself. */
import { type CoseClaims, signCose } from '../jose/cose.js';
import { idOf } from './data-model.js';
import { toNumericDate } from './dates.js';
import { type EnvelopeKind, envelop } from './envelopes.js';
import { type EnvelopingKind, EnvelopingProvider } from './enveloping-provider.js';
import { presentationClaims } from './token-claims.js';

function kindOf(kind: EnvelopeKind, claimsOf: (content: Parameters<EnvelopingKind['secure']>[0]) => CoseClaims) {
  const medium = kind === 'credential' ? 'vc+cose' : 'vp+cose';
  const types = {
    typ: `application/${medium}`,
    contentType: kind === 'credential' ? 'application/vc' : 'application/vp',
  };
  const enveloping: EnvelopingKind = {
    proofFormats: [medium],
    media: [medium],
    secure: async (content, { algorithm, kid, sign }) => {
      const header = { alg: algorithm, kid, claims: claimsOf(content), ...types };
      return envelop(kind, medium, await signCose(header, content.document, sign));
    },
  };
  return enveloping;
}

const credentialKind = kindOf('credential', ({ document, now }) => {
  const iss = idOf(document['issuer']);
  return { ...(iss === undefined ? {} : { iss }), iat: toNumericDate(now) };
});

/** Who, for whom and how long stands in CWT Claims (RFC 9597), for VCDM 2.0 has no members for it. */
const presentationKind = kindOf('presentation', ({ document, ...facts }) => {
  const { jti: _, ...claims } = presentationClaims(document, facts);
  return claims as CoseClaims;
});

/** Issues and verifies vc+cose and vp+cose. */
export class CoseProvider extends EnvelopingProvider {
  constructor() {
    super(credentialKind, presentationKind);
  }
}
