/** VCDM 2.0 secured with JOSE: vc+jwt and vp+jwt (VC-JOSE-COSE 3.1). The payload is the credential itself. */
import type { JsonObject } from '../json.js';
import { asArray, idOf } from './data-model.js';
import { parseDateTime, toNumericDate } from './dates.js';
import { presentationTyp } from './formats.js';
import { JwtProvider, type TokenKind } from './jwt-provider.js';

const credentialToken: TokenKind = {
  proofFormats: ['vc+jwt'],
  typ: 'vc+jwt',
  cty: 'vc',
  payload: (credential, { now }) => ({
    ...credential,
    ...subjectClaim(credential),
    ...dateClaims(credential, { nbf: 'validFrom', exp: 'validUntil' }),
    ...textClaim('iss', idOf(credential['issuer'])),
    ...textClaim('jti', idOf(credential['id'])),
    iat: toNumericDate(now),
  }),
};

/** How long a presentation that we make may be used. */
const presentationSeconds = 300;

const presentationToken: TokenKind = {
  proofFormats: ['vp+jwt'],
  typ: presentationTyp['vp+jwt'],
  cty: 'vp',
  payload: (presentation, claims) => ({ ...presentation, ...presentationClaims(presentation, claims) }),
};

/** The claims of a presentation's token, in both versions: holder, challenge, domain and a short life. */
export function presentationClaims(
  presentation: JsonObject,
  { now, challenge, domain }: { now: Date; challenge?: string; domain?: string },
): JsonObject {
  return {
    ...textClaim('iss', idOf(presentation['holder'])),
    ...textClaim('jti', idOf(presentation['id'])),
    ...textClaim('aud', domain),
    ...textClaim('nonce', challenge),
    iat: toNumericDate(now),
    exp: toNumericDate(now) + presentationSeconds,
  };
}

/** The claim sub, where there is one subject and it has an id. */
export function subjectClaim(credential: JsonObject): JsonObject {
  const subjects = asArray(credential['credentialSubject']);
  return subjects.length === 1 ? textClaim('sub', idOf(subjects[0])) : {};
}

/** Dates of the credential as claims, in whole seconds. */
export function dateClaims(credential: JsonObject, members: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(members).flatMap(([claim, member]) => {
    const date = parseDateTime(credential[member]);
    return date ? [[claim, toNumericDate(date)] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** A claim, unless there is nothing to say. */
export function textClaim(name: string, value: string | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

/** Issues and verifies vc+jwt and vp+jwt. */
export class VcJoseProvider extends JwtProvider {
  constructor() {
    super(credentialToken, presentationToken);
  }
}
