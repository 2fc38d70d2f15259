/**
 * Compact tokens: VCDM 2.0 as vc+jwt and vp+jwt (VC-JOSE-COSE 3.1) and VCDM 1.1 as JWT (VCDM 1.1 6.3.1). Here is
 * read and checked what needs no key. Where a claim says the same as a member of the credential, both must agree:
 * which of two issuers counts may not depend on the reader.
 */
import type { Fault } from '../errors.js';
import type { JwsHeader } from '../jose/jws.js';
import { type ParsedJwt, parseJwt } from '../jose/jwt.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { asArray, checkDataModel, checkPresentationModel, idOf } from './data-model.js';
import { parseDateTime, parseNumericDate, toNumericDate } from './dates.js';
import { refuseJose } from './faults.js';
import {
  credentialTyp,
  type DataModelVersion,
  type PresentationFormat,
  presentationTyp,
  type SecuringFormat,
  securingFormats,
} from './formats.js';
import { didOf } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';

/** The times that a JWT states for itself, apart from those of the credential in it. */
export interface ClaimedTimes {
  readonly iat?: Date;
  readonly nbf?: Date;
  readonly exp?: Date;
}

/** A credential out of a token, before any key is known. */
export interface CredentialToken {
  readonly format: SecuringFormat;
  readonly dataModel: DataModelVersion;
  readonly jwt: ParsedJwt;
  readonly compact: string;
  readonly credential: JsonObject;
  readonly issuer: string;
  readonly verificationMethod: string;
  readonly times: ClaimedTimes;
}

/** A presentation out of a token, before any key is known. */
export interface PresentationToken {
  readonly format: PresentationFormat;
  readonly jwt: ParsedJwt;
  readonly presentation: JsonObject;
  readonly holder?: string;
  readonly verificationMethod: string;
  readonly challenge: Json | undefined;
  readonly domain: Json | undefined;
}

/** The claims that belong to the token and not to the credential (RFC 7519 4.1, RFC 7800). */
const tokenClaims = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'cnf'] as const;

/** Members of a credential that have no place beside `vc`; whoever reads them there is deceived. */
const credentialMembers = ['@context', 'type', 'id', 'issuer', 'holder', 'credentialSubject', 'verifiableCredential'];

type JwtRow<Format extends string> = {
  readonly format: Format;
  readonly cty: string;
  readonly dataModel: DataModelVersion;
};

/** By `typ`: one row for each kind of token. */
const credentialRows: Readonly<Record<string, JwtRow<'vc+jwt' | 'jwt_vc'>>> = {
  [credentialTyp['vc+jwt']]: { format: 'vc+jwt', cty: 'vc', dataModel: '2.0' },
  [credentialTyp.jwt_vc.toLowerCase()]: { format: 'jwt_vc', cty: 'vc', dataModel: '1.1' },
};
const presentationRows: Readonly<Record<string, JwtRow<'vp+jwt' | 'jwt_vp'>>> = {
  [presentationTyp['vp+jwt']]: { format: 'vp+jwt', cty: 'vp', dataModel: '2.0' },
  [presentationTyp.jwt_vp.toLowerCase()]: { format: 'jwt_vp', cty: 'vp', dataModel: '1.1' },
};

/** Reads a credential in a compact token; throws CredentialRefusal. */
export function readCredentialToken(compact: string): CredentialToken {
  const algorithms = securingFormats['vc+jwt'].algorithms;
  const jwt = refuseJose(() => parseJwt(compact, { typ: Object.values(credentialTyp), algorithms }));
  const { format, dataModel, cty } = rowOf(jwt.header, credentialRows);
  checkContentType(jwt.header, cty);
  const content = contentOf(jwt.claims, format === 'jwt_vc' ? 'vc' : undefined);
  const credential = format === 'jwt_vc' ? withClaims11(content, jwt.claims) : content;
  refuseFaults(checkDataModel(credential, dataModel));
  const issuer = idOf(credential['issuer']) ?? '';
  checkCredentialClaims(credential, jwt.claims);
  const times = readTimes(jwt.claims);
  if (format === 'jwt_vc') checkDates11(credential, times);
  const verificationMethod = methodOf(jwt.header);
  return { format, dataModel, jwt, compact, credential, issuer, verificationMethod, times };
}

/** Reads a presentation in a compact token; throws CredentialRefusal. */
export function readPresentationToken(compact: string): PresentationToken {
  const algorithms = securingFormats['vc+jwt'].algorithms;
  const jwt = refuseJose(() => parseJwt(compact, { typ: Object.values(presentationTyp), algorithms }));
  const { format, dataModel, cty } = rowOf(jwt.header, presentationRows);
  checkContentType(jwt.header, cty);
  const presentation = contentOf(jwt.claims, format === 'jwt_vp' ? 'vp' : undefined);
  refuseFaults(checkPresentationModel(presentation, dataModel));
  const stated = idOf(presentation['holder']);
  checkSame(jwt.claims['iss'], stated, 'iss', 'holder_mismatch');
  checkSame(jwt.claims['jti'], idOf(presentation['id']), 'jti');
  const holder = stated ?? jwt.claims['iss'];
  readTimes(jwt.claims);
  return {
    format,
    jwt,
    presentation,
    ...(typeof holder === 'string' ? { holder } : {}),
    verificationMethod: methodOf(jwt.header),
    challenge: jwt.claims['nonce'],
    domain: jwt.claims['aud'],
  };
}

function rowOf<Row>(header: JwsHeader, rows: Readonly<Record<string, Row>>): Row {
  const typ = String(header['typ'])
    .toLowerCase()
    .replace(/^application\//, '');
  const row = Object.hasOwn(rows, typ) ? rows[typ] : undefined;
  if (row === undefined) throw new CredentialRefusal('typ_unknown', 'The typ of the token is not one of ours.');
  return row;
}

/** VC-JOSE-COSE 3.1.1: cty says what is inside, and if it says something else it is something else. */
function checkContentType(header: JwsHeader, expected: string): void {
  const cty = header['cty'];
  if (cty === undefined) return;
  if (
    String(cty)
      .toLowerCase()
      .replace(/^application\//, '') === expected
  )
    return;
  throw new CredentialRefusal('typ_unknown', `The cty of the token must be ${expected}.`);
}

/** The credential or presentation of a token: the whole payload (VCDM 2.0) or the one member that wraps it (1.1). */
function contentOf(claims: JsonObject, wrapper: 'vc' | 'vp' | undefined): JsonObject {
  if (wrapper === undefined) {
    const strange = ['vc', 'vp'].find((name) => Object.hasOwn(claims, name));
    if (strange === undefined) return without(claims, tokenClaims);
    // VC-JOSE-COSE 1.1.2.1: "the JWT Claim Names vc and vp MUST NOT be present".
    throw new CredentialRefusal(
      'claims_inconsistent',
      `The token carries the claim ${strange}, which this typ forbids.`,
    );
  }
  const content = claims[wrapper];
  const strange = credentialMembers.find((name) => Object.hasOwn(claims, name));
  if (isJsonObject(content) && strange === undefined) return content;
  const detail =
    strange === undefined ? `The token has no claim ${wrapper}.` : `"${strange}" stands beside ${wrapper}.`;
  throw new CredentialRefusal('claims_inconsistent', detail);
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** VCDM 1.1 6.3.1: what `vc` leaves out is taken from the claims. */
function withClaims11(vc: JsonObject, claims: JsonObject): JsonObject {
  const dates = Object.entries(claimOfDate11).flatMap(([member, claim]) => {
    const date = parseNumericDate(claims[claim]);
    return vc[member] === undefined && date ? [[member, `${date.toISOString().slice(0, 19)}Z`] as const] : [];
  });
  return {
    ...vc,
    ...(vc['issuer'] === undefined && typeof claims['iss'] === 'string' ? { issuer: claims['iss'] } : {}),
    ...(isJsonObject(vc['issuer']) && vc['issuer']['id'] === undefined && typeof claims['iss'] === 'string'
      ? { issuer: { id: claims['iss'], ...vc['issuer'] } }
      : {}),
    ...(vc['id'] === undefined && typeof claims['jti'] === 'string' ? { id: claims['jti'] } : {}),
    ...subject11(vc['credentialSubject'], claims['sub']),
    ...Object.fromEntries(dates),
  };
}

function subject11(subject: Json | undefined, sub: Json | undefined): JsonObject {
  if (!isJsonObject(subject) || subject['id'] !== undefined || typeof sub !== 'string') return {};
  return { credentialSubject: { id: sub, ...subject } };
}

const claimOfDate11 = { issuanceDate: 'nbf', expirationDate: 'exp' } as const;

/** Both models: claims that repeat a member must repeat it exactly. */
function checkCredentialClaims(credential: JsonObject, claims: JsonObject): void {
  checkSame(claims['iss'], idOf(credential['issuer']), 'iss', 'issuer_mismatch');
  checkSame(claims['jti'], idOf(credential['id']), 'jti');
  const subjects = asArray(credential['credentialSubject']).map((subject) => idOf(subject));
  const { sub } = claims;
  if (sub !== undefined && !(subjects.length === 1 && (subjects[0] === undefined || subjects[0] === sub))) {
    throw new CredentialRefusal('claims_inconsistent', 'The claim sub is not the id of the credential subject.');
  }
}

function checkSame(
  claim: Json | undefined,
  member: string | undefined,
  name: string,
  code: 'issuer_mismatch' | 'holder_mismatch' | 'claims_inconsistent' = 'claims_inconsistent',
): void {
  if (claim === undefined || claim === member) return;
  if (member === undefined && typeof claim === 'string') return;
  throw new CredentialRefusal(code, `The claim ${name} says something else than the content of the token.`);
}

function readTimes(claims: JsonObject): ClaimedTimes {
  const entries = (['iat', 'nbf', 'exp'] as const).flatMap((name) => {
    if (claims[name] === undefined) return [];
    const date = parseNumericDate(claims[name]);
    if (date) return [[name, date] as const];
    throw new CredentialRefusal('claims_inconsistent', `The claim ${name} is not a whole number of seconds.`);
  });
  return Object.fromEntries(entries);
}

/** VCDM 1.1 6.3.1: nbf is the issuanceDate and exp the expirationDate, to the second. */
function checkDates11(credential: JsonObject, times: ClaimedTimes): void {
  for (const [member, claim] of Object.entries(claimOfDate11)) {
    const date = parseDateTime(credential[member]);
    const claimed = times[claim];
    if (date && claimed && toNumericDate(date) !== toNumericDate(claimed)) {
      throw new CredentialRefusal('claims_inconsistent', `The claim ${claim} is not the ${member} of the credential.`);
    }
  }
}

function methodOf(header: JwsHeader): string {
  const { kid } = header;
  didOf(kid);
  return kid as string;
}

/** Refuses what does not have the shape of the data model, with every fault. */
export function refuseFaults(faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  throw new CredentialRefusal('data_model_invalid', `${first.path || '/'} ${first.detail}.`, { faults });
}
