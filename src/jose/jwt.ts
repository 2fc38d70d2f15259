/** JWT (RFC 7519) on top of the strict JWS: the payload is a JSON object, and its dates mean what they say. */
import { isJsonObject, type JsonObject } from '../json.js';
import { JoseError } from './errors.js';
import { type JwsExpectation, type ParsedJws, parseJws, parsePart } from './jws.js';

/** A well-formed JWT. Nothing in it may be believed before verifyJws. */
export interface ParsedJwt extends ParsedJws {
  readonly claims: JsonObject;
}

/** Parses a JWT and checks everything that needs no key; throws JoseError. */
export function parseJwt(compact: string, expect: JwsExpectation): ParsedJwt {
  const jws = parseJws(compact, expect);
  const claims = parsePart(jws.payload, { code: 'payload_invalid', part: 'payload' }, { maxBytes: jws.payload.length });
  if (!isJsonObject(claims)) throw new JoseError('payload_invalid', 'The payload is not a JSON object.');
  return { ...jws, claims };
}

/** How the dates of a JWT are judged. */
export interface TimeClaimOptions {
  /** Refuse a token without exp. */
  readonly requireExp?: boolean;
  /** How far ahead iat and nbf may be, 60 s where absent (decisions.md 6). exp has no grace. */
  readonly leewaySeconds?: number;
  /** Refuse a token older than this by its iat, which is then required. */
  readonly maxAgeSeconds?: number;
}

const defaultLeewaySeconds = 60;

/** 9999-12-31T23:59:59Z, the last second that every date format of the product can write. */
export const maxNumericDate = 253_402_300_799;

/** Checks exp, nbf and iat; throws JoseError claim_invalid, expired, not_yet_valid or too_old. */
export function checkTimeClaims(claims: JsonObject, now: Date, options: TimeClaimOptions = {}): void {
  const seconds = now.getTime() / 1000;
  const ahead = seconds + (options.leewaySeconds ?? defaultLeewaySeconds);
  const [exp, nbf, iat] = [numericDate(claims, 'exp'), numericDate(claims, 'nbf'), numericDate(claims, 'iat')];
  if (exp === undefined && options.requireExp === true) throw new JoseError('claim_invalid', 'The token has no exp.');
  // RFC 7519 4.1.4: "on or after" exp it must not be accepted.
  if (exp !== undefined && seconds >= exp) throw new JoseError('expired', 'The token has expired (exp).');
  if (nbf !== undefined && nbf > ahead) throw new JoseError('not_yet_valid', 'The token is not yet valid (nbf).');
  if (iat !== undefined && iat > ahead)
    throw new JoseError('not_yet_valid', 'The token was issued in the future (iat).');
  if (options.maxAgeSeconds !== undefined) checkAge(iat, seconds, options.maxAgeSeconds);
}

function checkAge(iat: number | undefined, seconds: number, maxAgeSeconds: number): void {
  if (iat === undefined) throw new JoseError('claim_invalid', 'The token has no iat.');
  if (seconds - iat > maxAgeSeconds)
    throw new JoseError('too_old', `The token is older than ${maxAgeSeconds} s (iat).`);
}

/** RFC 7519 section 2 lets a NumericDate be any number; whole seconds since 1970 are all that anybody needs. */
function numericDate(claims: JsonObject, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  const isWholeDate = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxNumericDate;
  if (!isWholeDate) throw new JoseError('claim_invalid', `${name} is not a whole number of seconds since 1970.`);
  return value;
}
