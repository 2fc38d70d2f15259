/** What a wallet reads of its own credentials. Nothing is verified here: whoever receives them does that. */
import { decodeBase64url } from '../jose/base64url.js';
import { parseDisclosure, revealClaims } from '../jose/disclosures.js';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.js';

/** To whom a credential is bound. */
export interface Bound {
  readonly did?: string;
  readonly jwk?: JsonObject;
}

const limits = { maxBytes: 1024 * 1024, maxKeys: 20_000 } as const;

/** The payload of a compact token. */
export function payloadOf(compact: string): JsonObject {
  const [, payload = ''] = compact.split('.', 3);
  const value = parseJson(decodeBase64url(payload), limits);
  return isJsonObject(value) ? value : {};
}

/** All claims of a credential, undisclosed ones included: what a person has, and what DCQL paths lead into. */
export function claimsOf(credential: string | JsonObject): JsonObject {
  if (typeof credential !== 'string') return credential;
  const [jwt = '', ...disclosures] = credential.split('~');
  const payload = payloadOf(jwt);
  if (disclosures.length > 0)
    return revealClaims(payload, disclosures.filter((text) => text !== '').map(parseDisclosure));
  const { vc } = payload;
  return isJsonObject(vc) ? vc : payload;
}

/** Whom a credential names as its holder: cnf (RFC 7800) or the subject. */
export function holderOf(credential: string | JsonObject): Bound {
  const claims = claimsOf(credential);
  const subject = claims.credentialSubject;
  const token = typeof credential === 'string' ? payloadOf(credential.split('~')[0] ?? '') : {};
  const cnf = isJsonObject(token.cnf) ? token.cnf : {};
  // RFC 7800 3.4: a key that is named stands in the DID document of whoever holds it.
  const named = typeof cnf.kid === 'string' ? cnf.kid.split('#')[0] : undefined;
  const did = [isJsonObject(subject) ? subject.id : undefined, token.sub, named].find((id) => typeof id === 'string');
  const jwk = isJsonObject(cnf.jwk) ? cnf.jwk : undefined;
  return { ...(typeof did === 'string' ? { did } : {}), ...(jwk === undefined ? {} : { jwk }) };
}

/** The values that a DCQL path leads to (OpenID4VP 1.0 section 7); null stands for every element of an array. */
export function valuesAt(claims: Json, path: readonly (string | number | null)[]): Json[] {
  return path.reduce<Json[]>((values, step) => values.flatMap((value) => stepInto(value, step)), [claims]);
}

function stepInto(value: Json, step: string | number | null): Json[] {
  if (step === null) return Array.isArray(value) ? value : [];
  if (typeof step === 'number') return Array.isArray(value) && step in value ? [value[step] as Json] : [];
  return isJsonObject(value) && Object.hasOwn(value, step) ? [value[step] as Json] : [];
}
