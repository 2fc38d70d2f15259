/** VCDM 1.1 as JWT (VCDM 1.1 6.3.1): the credential in the claim `vc`, and its issuer, subject and dates as claims. */
import { idOf } from './data-model.js';
import { toNumericDate } from './dates.js';
import { JwtProvider, type TokenKind } from './jwt-provider.js';
import { dateClaims, presentationClaims, subjectClaim, textClaim } from './vc-jose-provider.js';

const credentialToken: TokenKind = {
  proofFormats: ['jwt_vc', 'jwt'],
  typ: 'JWT',
  payload: (credential, { now }) => ({
    ...textClaim('iss', idOf(credential['issuer'])),
    ...subjectClaim(credential),
    ...textClaim('jti', idOf(credential['id'])),
    ...dateClaims(credential, { nbf: 'issuanceDate', exp: 'expirationDate' }),
    iat: toNumericDate(now),
    vc: credential,
  }),
};

const presentationToken: TokenKind = {
  proofFormats: ['jwt_vp', 'jwt'],
  typ: 'JWT',
  payload: (presentation, claims) => ({ ...presentationClaims(presentation, claims), vp: presentation }),
};

/** Issues and verifies VCDM 1.1 credentials and presentations. Last among the providers. */
export class Jwt11Provider extends JwtProvider {
  constructor() {
    super(credentialToken, presentationToken);
  }
}
