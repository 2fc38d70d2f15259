/** What the claims of a token say about the credential or presentation in it (VC-JOSE-COSE 3.1.3, VCDM 1.1 6.3.1). */
import type { JsonObject } from '../json.js';
import { asArray, idOf } from './data-model.js';
import { parseDateTime, toNumericDate } from './dates.js';

/** How long a presentation that we make may be used. */
const presentationSeconds = 300;

/** When, and for whom a presentation is made. */
export interface ClaimFacts {
  readonly now: Date;
  readonly challenge?: string;
  readonly domain?: string;
}

/** The claims of a credential's token in VCDM 2.0. */
export function credentialClaims(credential: JsonObject, { now }: ClaimFacts): JsonObject {
  return {
    ...subjectClaim(credential),
    ...dateClaims(credential, { nbf: 'validFrom', exp: 'validUntil' }),
    ...textClaim('iss', idOf(credential['issuer'])),
    ...textClaim('jti', idOf(credential['id'])),
    iat: toNumericDate(now),
  };
}

/** The claims of a presentation's token, in both versions: holder, challenge, domain and a short life. */
export function presentationClaims(presentation: JsonObject, { now, challenge, domain }: ClaimFacts): JsonObject {
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
