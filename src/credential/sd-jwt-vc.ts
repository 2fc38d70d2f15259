/**
 * SD-JWT VC (draft-ietf-oauth-sd-jwt-vc) and what it is inside the house: a credential of VCDM 2.0. The claims about
 * the person stand at the top of such a token, its type is an address, its holder a key. Both directions stand here, so
 * that every check of a credential applies to it unchanged, and nothing is signed that would read back differently.
 */
import { encodeBase64url } from '../jose/base64url.js';
import { JoseError } from '../jose/errors.js';
import { importJwk } from '../jose/keys.js';
import type { ParsedSdJwt } from '../jose/sd-jwt.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.js';
import { asArray, idOf } from './data-model.js';
import { parseDateTime, parseNumericDate, toNumericDate } from './dates.js';
import { baseContexts } from './formats.js';
import { didOf, isSelfContainedDid } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';
import { dateClaims, textClaim } from './token-claims.js';

/** Claims of the token itself; every other one is about the person. */
const tokenClaims: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'nbf', 'exp', 'iat', 'jti', 'nonce', 'cnf', 'status'],
  ...['vct', 'vct#integrity', 'aka_vcts', 'issuer', 'evidence'],
]);

/** The draft, "Registered JWT Claims": these and everything in them "MUST NOT be included in Disclosures"; issuer is iss. */
const neverDisclosed = ['iss', 'nbf', 'exp', 'cnf', 'vct', 'vct#integrity', 'aka_vcts', 'status', 'issuer'] as const;

/** Members of a W3C credential: beside the claims of this format they would say everything twice. */
const foreignMembers = ['@context', 'id', 'credentialSubject', 'credentialStatus', 'credentialSchema', 'vc', 'proof'];

/** How our programme's types are addressed; context and schema lie beside the type metadata. */
const programmeType = /^(https?:\/\/[^\s?#]{1,400})\/vct\/([A-Za-z][A-Za-z0-9]{0,63})\/(v[1-9]\d{0,3})$/;

/** The type of a status entry that stands for `status.status_list` (Token Status List, "Referenced Token"). */
export const tokenStatusType = 'TokenStatusListEntry';

function inconsistent(detail: string): CredentialRefusal {
  return new CredentialRefusal('claims_inconsistent', detail);
}

/** The credential that the shown claims of a token stand for; throws CredentialRefusal. */
export function toCredential({ claims, concealed }: Pick<ParsedSdJwt, 'claims' | 'concealed'>): JsonObject {
  const hidden = neverDisclosed.find((name) => canonicalOf(claims[name]) !== canonicalOf(concealed[name]));
  if (hidden !== undefined) {
    throw new CredentialRefusal('disclosures_invalid', `The claim ${hidden} is hidden, which it may not be.`);
  }
  const foreign = foreignMembers.find((name) => Object.hasOwn(claims, name));
  if (foreign !== undefined) throw inconsistent(`The token carries ${foreign}, which has no place in an SD-JWT VC.`);
  const { vct, iss, jti, evidence } = claims;
  if (typeof vct !== 'string' || vct === '') throw inconsistent('The token has no vct.');
  const [, base, type, version] = programmeType.exec(vct) ?? [];
  const context = `${base}/contexts/${type}/${version}.json`;
  const schema = { id: `${base}/schemas/${type}/${version}.json`, type: 'JsonSchema' };
  return {
    '@context': [baseContexts['2.0'], ...(type === undefined ? [] : [context])],
    ...textClaim('id', typeof jti === 'string' ? jti : undefined),
    type: ['VerifiableCredential', type ?? vct],
    issuer: issuerOf(iss, claims['issuer']),
    ...validityOf(claims),
    credentialSubject: subjectOf(claims),
    ...(evidence === undefined ? {} : { evidence }),
    ...(type === undefined ? {} : { credentialSchema: schema }),
    ...statusOf(claims['status']),
  };
}

function canonicalOf(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}

/** What the issuer says of itself beside its identifier, which is iss alone. */
function issuerOf(iss: Json | undefined, members: Json | undefined): Json {
  if (typeof iss !== 'string') throw inconsistent('The token has no iss.');
  if (members === undefined) return iss;
  if (!isJsonObject(members) || Object.hasOwn(members, 'id')) {
    throw inconsistent('The claim issuer describes the organisation, which iss names.');
  }
  return { id: iss, ...members };
}

function validityOf({ nbf, exp }: JsonObject): JsonObject {
  const [from, until] = [parseNumericDate(nbf), parseNumericDate(exp)];
  return { ...(from && { validFrom: toSeconds(from) }), ...(until && { validUntil: toSeconds(until) }) };
}

function toSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function subjectOf(claims: JsonObject): JsonObject {
  const about = Object.entries(claims).filter(([name]) => !tokenClaims.has(name));
  const { sub } = claims;
  const id = typeof sub === 'string' ? sub : holderOf(claims['cnf'])?.did;
  return { ...textClaim('id', id), ...Object.fromEntries(about) };
}

/** Whoever can prove possession of the key that the issuer named. */
export interface BoundHolder {
  readonly did: string;
  readonly verificationMethod: string;
}

/** The holder by the key in cnf (RFC 7800 3.2, 3.4): a JWK is its own did:jwk, a kid must be a DID URL. */
export function holderOf(cnf: Json | undefined): BoundHolder | undefined {
  if (!isJsonObject(cnf)) return undefined;
  const { jwk, kid } = cnf;
  if (jwk !== undefined) {
    const did = didJwkOf(jwk);
    return { did, verificationMethod: `${did}#0` };
  }
  return typeof kid === 'string' ? { did: didOf(kid), verificationMethod: kid } : undefined;
}

/** One spelling for one key: members that the key does not need are left out, the others in the order of RFC 8785. */
function didJwkOf(jwk: Json): string {
  try {
    return `did:jwk:${encodeBase64url(Buffer.from(canonicalJson({ ...importJwk(jwk).jwk })))}`;
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw new CredentialRefusal('key_binding_invalid', 'The key in cnf is none that is accepted.', { cause });
  }
}

/**
 * Token Status List, "Referenced Token in JOSE". What breaks its grammar becomes an entry that breaks ours, so that
 * the status check fails and nobody takes the credential for one without status.
 */
function statusOf(status: Json | undefined): JsonObject {
  if (status === undefined) return {};
  const mechanisms = isJsonObject(status) ? Object.keys(status) : [];
  // A mechanism that we do not know stays beside the one that we do: what it says nobody could check.
  const others = mechanisms
    .filter((name) => name !== 'status_list')
    .map((name) => ({ type: /^\S+$/.test(name) ? name : 'unknown' }));
  if (others.length > 0 && others.length === mechanisms.length) return { credentialStatus: others };
  const { idx, uri } = isJsonObject(status) && isJsonObject(status['status_list']) ? status['status_list'] : {};
  const statusListIndex = typeof idx === 'number' && Number.isSafeInteger(idx) ? String(idx) : '';
  const statusListCredential = typeof uri === 'string' ? uri : '';
  const entry = { type: tokenStatusType, statusListIndex, statusListCredential };
  const id = `${statusListCredential}#${statusListIndex}`;
  const named = URL.canParse(id) && statusListIndex !== '' ? { id, ...entry } : entry;
  return { credentialStatus: others.length === 0 ? named : [named, ...others] };
}

/** What a token says beside the content of its credential. */
export interface SdJwtVcFacts {
  readonly vct: string;
  readonly integrity: string;
  readonly now: Date;
  /** The DID URL by which the holder proved the key; without it the key itself is named where that is possible. */
  readonly holderKid?: string;
}

/** The claims that stand for a credential; throws CredentialRefusal where the format has no place for all of it. */
export function toClaims(credential: JsonObject, facts: SdJwtVcFacts): JsonObject {
  const { issuer, id, evidence, credentialStatus, credentialSubject } = credential;
  const { id: holder, ...about } = isJsonObject(credentialSubject) ? credentialSubject : {};
  const { id: _, ...organisation } = isJsonObject(issuer) ? issuer : {};
  const claims: JsonObject = {
    ...textClaim('iss', idOf(issuer)),
    vct: facts.vct,
    'vct#integrity': facts.integrity,
    ...textClaim('jti', idOf(id)),
    iat: toNumericDate(facts.now),
    ...dateClaims(credential, { nbf: 'validFrom', exp: 'validUntil' }),
    ...(typeof holder === 'string' ? { cnf: confirmationOf(holder, facts.holderKid) } : {}),
    ...statusClaim(credentialStatus),
    ...(Object.keys(organisation).length === 0 ? {} : { issuer: organisation }),
    ...about,
    ...(evidence === undefined ? {} : { evidence }),
  };
  checkReadsBack(credential, claims);
  return claims;
}

/** A did:jwk is the key itself; a wallet that named a DID is named by it, for some find their key by it only. */
function confirmationOf(holder: string, holderKid: string | undefined): JsonObject {
  if (holderKid !== undefined) {
    if (didOf(holderKid) === holder) return { kid: holderKid };
    throw inconsistent('The key of the holder does not belong to the credential subject.');
  }
  if (!isSelfContainedDid(holder)) {
    throw inconsistent('A holder without a key in its DID must be bound by the URL of its verification method.');
  }
  if (!holder.startsWith('did:jwk:')) return { kid: `${holder}#${holder.slice('did:key:'.length)}` };
  const jwk = jwkOf(holder);
  return jwk === undefined ? { kid: `${holder}#0` } : { jwk };
}

/** The key of a did:jwk, unless naming it would give the holder another DID. */
function jwkOf(holder: string): JsonObject | undefined {
  try {
    const jwk: Json = JSON.parse(Buffer.from(holder.slice('did:jwk:'.length), 'base64url').toString());
    return didJwkOf(jwk) === holder && isJsonObject(jwk) ? jwk : undefined;
  } catch {
    return undefined;
  }
}

function statusClaim(status: Json | undefined): JsonObject {
  const [entry, more] = asArray(status);
  if (!isJsonObject(entry) || more !== undefined || entry['type'] !== tokenStatusType) return {};
  const { statusListIndex, statusListCredential = null } = entry;
  return { status: { status_list: { idx: Number(statusListIndex), uri: statusListCredential } } };
}

/**
 * Whatever this format has no place for (a second subject, terms of use, another kind of status, a type outside the
 * programme) would silently be missing from what is signed.
 */
function checkReadsBack(credential: JsonObject, claims: JsonObject): void {
  const [given, read] = [credential, toCredential({ claims, concealed: claims })].map(comparable) as [string, string];
  if (given !== read) throw inconsistent('The credential has parts that an SD-JWT VC has no place for.');
}

/** Dates in whole seconds; the digest of the schema is pinned by that of the type metadata. */
function comparable(credential: JsonObject): string {
  const { credentialSchema, ...rest } = credential;
  const { digestSRI: _, ...schema } = isJsonObject(credentialSchema) ? credentialSchema : {};
  const dates = ['validFrom', 'validUntil'].flatMap((name) => {
    const date = parseDateTime(credential[name]);
    return date ? [[name, toSeconds(date)] as const] : [];
  });
  return canonicalJson({ ...rest, ...Object.fromEntries(dates), credentialSchema: schema });
}
