/**
 * The older JWT (VCDM 1.1 6.3.1): the credential in the claim `vc`, and its issuer, subject and dates as claims. VCDM
 * 1.1 is issued so; VCDM 2.0 is read too, under application/jwt only, for others still write it.
 */
import { signJws } from '../jose/jws.js';
import { idOf } from './data-model.js';
import { toNumericDate } from './dates.js';
import { type EnvelopingKind, EnvelopingProvider } from './enveloping-provider.js';
import { dateClaims, presentationClaims, subjectClaim, textClaim } from './token-claims.js';

const credentialToken: EnvelopingKind = {
  proofFormats: ['jwt_vc', 'jwt'],
  media: ['jwt'],
  secure: async ({ document, now }, { algorithm, kid, sign }) => {
    const claims = {
      ...textClaim('iss', idOf(document['issuer'])),
      ...subjectClaim(document),
      ...textClaim('jti', idOf(document['id'])),
      ...dateClaims(document, { nbf: 'issuanceDate', exp: 'expirationDate' }),
      iat: toNumericDate(now),
      vc: document,
    };
    const jwt = await signJws({ alg: algorithm, typ: 'JWT', kid }, claims, sign);
    return { ...document, proof: { type: 'JwtProof2020', jwt } };
  },
};

const presentationToken: EnvelopingKind = {
  proofFormats: ['jwt_vp', 'jwt'],
  media: ['jwt'],
  secure: async ({ document, ...facts }, { algorithm, kid, sign }) => {
    const claims = { ...presentationClaims(document, facts), vp: document };
    const jwt = await signJws({ alg: algorithm, typ: 'JWT', kid }, claims, sign);
    return { ...document, proof: { type: 'JwtProof2020', jwt } };
  },
};

/** Issues and verifies the older JWT. Last among the providers. */
export class Jwt11Provider extends EnvelopingProvider {
  constructor() {
    super(credentialToken, presentationToken);
  }
}
