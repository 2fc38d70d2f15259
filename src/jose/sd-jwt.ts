/**
 * SD-JWT and SD-JWT+KB (RFC 9901) in compact serialization, on top of the strict JWT: the issuer's token, the
 * disclosures that the holder shows, and the holder's key binding token where there is one.
 */
import { isJsonObject, type JsonObject } from '../json.js';
import {
  type ClaimPath,
  concealClaims,
  type Decoys,
  digestOf,
  disclosureHash,
  parseDisclosure,
  revealClaims,
} from './disclosures.js';
import { JoseError } from './errors.js';
import { type JwsExpectation, type JwsHeader, type Signer, signJws, verifyJws } from './jws.js';
import { checkTimeClaims, type ParsedJwt, parseJwt } from './jwt.js';
import { importJwk, type VerificationKey } from './keys.js';

/** A well-formed SD-JWT. `claims` are what is shown; nothing in them may be believed before verifyJws. */
export interface ParsedSdJwt extends ParsedJwt {
  /** The issuer's claims with their digests, as they were signed. */
  readonly concealed: JsonObject;
  /** The key binding token, its sd_hash checked; verifyKeyBinding proves the rest. */
  readonly keyBinding?: ParsedJwt;
}

/** A passport's largest credential has some thirty claims; more disclosures than this are an attack on our time. */
const maxDisclosures = 256;

/** As large as the largest inbound body (decisions.md 7). */
const maxBytes = 256 * 1024;

/** Parses an SD-JWT and checks everything that needs no key; throws JoseError. */
export function parseSdJwt(text: string, expect: JwsExpectation): ParsedSdJwt {
  if (typeof text !== 'string') throw new JoseError('malformed', 'The SD-JWT is not a string.');
  if (text.length > (expect.maxBytes ?? maxBytes)) throw new JoseError('too_large', 'The SD-JWT is too large.');
  const parts = text.split('~', maxDisclosures + 3);
  if (parts.length > maxDisclosures + 2) throw new JoseError('too_large', 'The SD-JWT has too many disclosures.');
  const [issued, ...shown] = parts;
  const bound = shown.pop();
  // RFC 9901 4: without key binding the last character is a tilde; a bare JWT is no SD-JWT.
  if (issued === undefined || bound === undefined) throw new JoseError('malformed', 'The SD-JWT has no tilde.');
  const jwt = parseJwt(issued, expect);
  const claims = revealClaims(jwt.claims, shown.map(parseDisclosure));
  const parsed = { ...jwt, claims, concealed: jwt.claims };
  return bound === '' ? parsed : { ...parsed, keyBinding: parseKeyBinding(text, bound, jwt.claims) };
}

/** RFC 9901 4.3: typ kb+jwt, and the hash of exactly what it is presented with. */
function parseKeyBinding(text: string, bound: string, claims: JsonObject): ParsedJwt {
  const keyBinding = parseJwt(bound, { typ: ['kb+jwt'] });
  const presented = text.slice(0, text.length - bound.length);
  const { sd_hash: hash, nonce, aud, iat } = keyBinding.claims;
  if (hash !== digestOf(presented, disclosureHash(claims))) {
    throw new JoseError('disclosure_invalid', 'The key binding was made for another set of disclosures.');
  }
  if (typeof nonce !== 'string' || typeof aud !== 'string' || iat === undefined) {
    throw new JoseError('claim_invalid', 'The key binding lacks nonce, aud or iat.');
  }
  return keyBinding;
}

/** What the verifier knows about a key binding. */
export interface KeyBindingExpectation {
  readonly now: Date;
  /** Compared where the verifier asked for one. */
  readonly nonce?: string;
  readonly aud?: string;
  /** How old it may be by its iat (RFC 9901 7.3); of any age where absent. */
  readonly maxAgeSeconds?: number;
  /** The holder's key, where the issuer named it otherwise than by cnf.jwk and the caller has found it. */
  readonly key?: VerificationKey;
}

/**
 * Proves that whoever presents holds the key that the issuer named in cnf (RFC 9901 7.3, RFC 7800); throws JoseError.
 * Returns that key, or nothing when there is no key binding.
 */
export function verifyKeyBinding(sdJwt: ParsedSdJwt, expected: KeyBindingExpectation): VerificationKey | undefined {
  const { keyBinding, concealed } = sdJwt;
  if (keyBinding === undefined) return undefined;
  const jwk = isJsonObject(concealed.cnf) ? concealed.cnf.jwk : undefined;
  if (jwk === undefined && expected.key === undefined) {
    throw new JoseError('key_binding_invalid', 'The issuer named no key for a key binding.');
  }
  const { nonce, aud } = keyBinding.claims;
  const strange = (expected.nonce ?? nonce) !== nonce || (expected.aud ?? aud) !== aud;
  if (strange) throw new JoseError('key_binding_invalid', 'The key binding was made for another request.');
  try {
    const key = jwk === undefined && expected.key !== undefined ? expected.key : importJwk(jwk);
    verifyJws(keyBinding, key);
    const { maxAgeSeconds } = expected;
    checkTimeClaims(keyBinding.claims, expected.now, maxAgeSeconds === undefined ? {} : { maxAgeSeconds });
    return key;
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    // One reason for all of it: the codes of its parts would speak of the issuer's key and signature.
    throw new JoseError('key_binding_invalid', `The key binding does not hold: ${cause.message}`, { cause });
  }
}

/** Signs claims as an SD-JWT in which those at the paths are selectively disclosable. All disclosures are attached. */
export async function signSdJwt(
  header: JwsHeader,
  claims: JsonObject,
  options: {
    paths: readonly ClaimPath[];
    decoys?: readonly Decoys[];
    random: (bytes: number) => Uint8Array;
    sign: Signer;
  },
): Promise<string> {
  const { claims: concealed, disclosures } = concealClaims(claims, options.paths, options.random, options.decoys);
  const jwt = await signJws(header, concealed, options.sign);
  return `${[jwt, ...disclosures].join('~')}~`;
}
