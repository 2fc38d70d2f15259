/** VCDM 2.0 secured with JOSE: vc+jwt and vp+jwt (VC-JOSE-COSE 3.1). The payload is the credential itself. */
import { signJws } from '../jose/jws.js';
import { type EnvelopingKind, EnvelopingProvider } from './enveloping-provider.js';
import { credentialClaims, presentationClaims } from './token-claims.js';

const credentialToken: EnvelopingKind = {
  proofFormats: ['vc+jwt'],
  media: ['vc+jwt'],
  secure: async ({ document, ...facts }, { algorithm, kid, sign }) => {
    const header = { alg: algorithm, typ: 'vc+jwt', cty: 'vc', kid };
    const jwt = await signJws(header, { ...document, ...credentialClaims(document, facts) }, sign);
    return { ...document, proof: { type: 'JwtProof2020', jwt } };
  },
};

const presentationToken: EnvelopingKind = {
  proofFormats: ['vp+jwt'],
  media: ['vp+jwt'],
  secure: async ({ document, ...facts }, { algorithm, kid, sign }) => {
    const header = { alg: algorithm, typ: 'vp+jwt', cty: 'vp', kid };
    const jwt = await signJws(header, { ...document, ...presentationClaims(document, facts) }, sign);
    return { ...document, proof: { type: 'JwtProof2020', jwt } };
  },
};

/** Issues and verifies vc+jwt and vp+jwt. */
export class VcJoseProvider extends EnvelopingProvider {
  constructor() {
    super(credentialToken, presentationToken);
  }
}
