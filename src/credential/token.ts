/**
 * Enveloping proofs: VCDM 2.0 as JWT, SD-JWT and COSE_Sign1 (VC-JOSE-COSE 3) and the older JWT with the claims vc and
 * vp (VCDM 1.1 6.3.1). Here is read and checked what needs no key. Where a claim says the same as a member of the
 * credential, both must agree: which of two issuers counts may not depend on the reader.
 */
import type { Fault } from '../errors.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { parseCose } from '../jose/cose.js';
import type { JwsHeader, ParsedJws } from '../jose/jws.js';
import { parseJwt } from '../jose/jwt.js';
import { type ParsedSdJwt, parseSdJwt } from '../jose/sd-jwt.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { asArray, checkDataModel, checkPresentationModel, dataModelOf, idOf } from './data-model.js';
import { parseDateTime, parseNumericDate, toNumericDate } from './dates.js';
import { type CredentialMedium, decodeBase64, digestOf, openText, type PresentationMedium } from './envelopes.js';
import { refuseJose } from './faults.js';
import {
  baseContexts,
  type DataModelVersion,
  type PresentationFormat,
  type SecuringFormat,
  securingFormats,
} from './formats.js';
import { didOf } from './key-resolution.js';
import { CredentialRefusal } from './refusals.js';
import { holderOf, toCredential } from './sd-jwt-vc.js';

/** The times that a token states for itself, apart from those of the credential in it. */
export interface ClaimedTimes {
  readonly iat?: Date;
  readonly nbf?: Date;
  readonly exp?: Date;
}

/** What both kinds of token have before any key is known. */
interface Token {
  /** The signed bytes and the signature over them, of a COSE message too. */
  readonly jws: ParsedJws;
  readonly claims: JsonObject;
  /** With the holder's key binding, if there is one. */
  readonly sdJwt?: ParsedSdJwt;
  readonly verificationMethod: string;
  /** SHA-256 in base64url of the token without its envelope. */
  readonly digest: string;
}

/** A credential out of a token. */
export interface CredentialToken extends Token {
  readonly format: SecuringFormat;
  readonly dataModel: DataModelVersion;
  readonly credential: JsonObject;
  readonly issuer: string;
  readonly times: ClaimedTimes;
}

/** A presentation out of a token. */
export interface PresentationToken extends Token {
  readonly format: PresentationFormat;
  readonly presentation: JsonObject;
  readonly holder?: string;
  readonly challenge: Json | undefined;
  readonly domain: Json | undefined;
  /** How old it may be, where it does not say itself when it ends. */
  readonly maxAgeSeconds?: number;
}

/** How a token is read. Whoever brings the key and judges dates elsewhere (the command line `suite`) says so. */
export interface TokenRules {
  readonly algorithms: readonly JwsAlgorithm[];
  /** `did`: kid is an absolute DID URL, by which the key is found. `given`: the caller has the key, kid is a hint. */
  readonly key: 'did' | 'given';
  /** `numeric`: iat, nbf and exp must be whole seconds. `unread`: nobody evaluates them. */
  readonly dates: 'numeric' | 'unread';
  /** The largest token; that of an inbound body where absent. */
  readonly maxBytes?: number;
}

/** For everything that comes from outside. */
export const strictRules: TokenRules = {
  algorithms: securingFormats['vc+jwt'].algorithms,
  key: 'did',
  dates: 'numeric',
};

/** The claims that belong to the token and not to the credential (RFC 7519 4.1, RFC 7800). */
const tokenClaims = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'cnf'] as const;

/** Members of a credential that have no place beside `vc`; whoever reads them there is deceived. */
const credentialMembers = ['@context', 'type', 'id', 'issuer', 'holder', 'credentialSubject', 'verifiableCredential'];

/** A text taken apart by its own format. */
interface Parts {
  readonly jws: ParsedJws;
  readonly claims: JsonObject;
  readonly content: JsonObject;
  readonly sdJwt?: ParsedSdJwt;
  readonly digest: string;
  /** Where the header does not name the key. */
  readonly verificationMethod?: string;
}

interface ParseOptions {
  readonly typ: string;
  readonly algorithms: readonly JwsAlgorithm[];
  readonly enveloped: boolean;
  readonly maxBytes?: number;
}

type Parse = (text: string, options: ParseOptions) => Parts;

/** The payload is the credential or presentation itself, its token claims apart. */
const parseWhole: Parse = (text, { typ, enveloped: _, ...bounds }) => {
  const jws = parseJwt(text, { typ: [typ], ...bounds });
  return { jws, claims: jws.claims, content: withoutWrapper(jws.claims), digest: digestOf(text) };
};

/** Its typ may be absent where the media type of an envelope has said what it is (VCDM 1.1 6.3.1). */
const parseWrapped =
  (wrapper: 'vc' | 'vp'): Parse =>
  (text, { typ, enveloped, ...bounds }) => {
    const jws = parseJwt(text, { typ: enveloped ? [typ, undefined] : [typ], ...bounds });
    return { jws, claims: jws.claims, content: wrapped(jws.claims, wrapper), digest: digestOf(text) };
  };

const parseDisclosed: Parse = (text, { typ, enveloped: _, ...bounds }) => {
  const sdJwt = parseSdJwt(text, { typ: [typ], ...bounds });
  return { jws: sdJwt, claims: sdJwt.claims, content: withoutWrapper(sdJwt.claims), sdJwt, digest: digestOf(text) };
};

/** SD-JWT VC: its claims say what a credential says, in other words. */
const parseDigital: Parse = (text, { typ, enveloped: _, ...bounds }) => {
  const sdJwt = parseSdJwt(text, { typ: [typ], ...bounds });
  return { jws: sdJwt, claims: sdJwt.claims, content: toCredential(sdJwt), sdJwt, digest: digestOf(text) };
};

/**
 * SD-JWT VC with key binding: the presentation is the key binding, its credential what stands before. Whether the
 * issuer has named that key is only known once the credential is proved.
 */
const parsePresented: Parse = (text, { typ, enveloped: _, ...bounds }) => {
  const { keyBinding, concealed } = parseSdJwt(text, { typ: [typ], ...bounds });
  if (keyBinding === undefined) {
    throw new CredentialRefusal('key_binding_missing', 'The SD-JWT VC comes without a key binding.');
  }
  const holder = holderOf(concealed['cnf']);
  if (holder === undefined) {
    throw new CredentialRefusal('key_binding_invalid', 'The issuer named no key for a key binding.');
  }
  const content = {
    '@context': [baseContexts['2.0']],
    type: ['VerifiablePresentation'],
    holder: holder.did,
    verifiableCredential: [text.slice(0, text.lastIndexOf('~') + 1)],
  };
  const { verificationMethod } = holder;
  return { jws: keyBinding, claims: keyBinding.claims, content, digest: digestOf(text), verificationMethod };
};

/** RFC 9901 7.3: "within an acceptable window"; as long as a presentation that we make ourselves (token-claims.ts). */
export const keyBindingSeconds = 300;

const parseBinary: Parse = (text, { typ, enveloped: _, ...bounds }) => {
  const bytes = decodeBase64(text);
  const contentType = `application/${typ.slice(0, 2)}`;
  const jws = parseCose(bytes, { typ: `application/${typ}`, contentType, ...bounds });
  if (!isJsonObject(jws.content)) throw new CredentialRefusal('token_malformed', 'The payload is not a JSON object.');
  refuseWrapper(jws.content);
  return { jws, claims: jws.claims, content: jws.content, digest: digestOf(bytes) };
};

interface Row<Format extends string> {
  readonly format: Format;
  readonly typ: string;
  /** What the header's cty must be, if it says anything. */
  readonly cty?: string;
  readonly parse: Parse;
  /** A presentation that is no VCDM document itself; its lifetime is ours to decide. */
  readonly maxAgeSeconds?: number;
}

/** By media type: one row for each kind of token. */
const credentialRows: Readonly<Record<CredentialMedium, Row<SecuringFormat>>> = {
  'vc+jwt': { format: 'vc+jwt', typ: 'vc+jwt', cty: 'vc', parse: parseWhole },
  'vc+sd-jwt': { format: 'vc+sd-jwt', typ: 'vc+sd-jwt', cty: 'vc', parse: parseDisclosed },
  'vc+cose': { format: 'vc+cose', typ: 'vc+cose', cty: 'vc', parse: parseBinary },
  'dc+sd-jwt': { format: 'dc+sd-jwt', typ: 'dc+sd-jwt', parse: parseDigital },
  jwt: { format: 'jwt_vc', typ: 'JWT', cty: 'vc', parse: parseWrapped('vc') },
};
const presentationRows: Readonly<Record<PresentationMedium, Row<PresentationFormat>>> = {
  'vp+jwt': { format: 'vp+jwt', typ: 'vp+jwt', cty: 'vp', parse: parseWhole },
  'vp+sd-jwt': { format: 'vp+sd-jwt', typ: 'vp+sd-jwt', cty: 'vp', parse: parseDisclosed },
  'vp+cose': { format: 'vp+cose', typ: 'vp+cose', cty: 'vp', parse: parseBinary },
  'dc+sd-jwt': {
    format: 'dc+sd-jwt',
    typ: 'dc+sd-jwt',
    parse: parsePresented,
    maxAgeSeconds: keyBindingSeconds,
  },
  jwt: { format: 'jwt_vp', typ: 'JWT', cty: 'vp', parse: parseWrapped('vp') },
};

/** Reads a credential in a token; throws CredentialRefusal. */
export function readCredentialToken(input: string, rules: TokenRules = strictRules): CredentialToken {
  const { row, parts, enveloped } = parse(input, credentialRows, rules);
  const { format } = row;
  const dataModel = versionOf(parts.content, format === 'jwt_vc', enveloped);
  const content = format === 'jwt_vc' ? withClaims11(parts.content, parts.claims, dataModel) : parts.content;
  refuseFaults(checkDataModel(content, dataModel));
  const issuer = idOf(content['issuer']) ?? '';
  checkCredentialClaims(content, parts.claims);
  const times = readTimes(parts.claims, rules);
  if (format === 'jwt_vc') checkDatesAgree(content, times, dataModel);
  const { verificationMethod, ...rest } = named(parts, rules);
  return { ...rest, format, dataModel, credential: content, issuer, verificationMethod, times };
}

/** Reads a presentation in a token; throws CredentialRefusal. */
export function readPresentationToken(input: string, rules: TokenRules = strictRules): PresentationToken {
  const { row, parts, enveloped } = parse(input, presentationRows, rules);
  const { format, maxAgeSeconds } = row;
  const { claims, content } = parts;
  if (maxAgeSeconds === undefined) {
    refuseFaults(checkPresentationModel(content, versionOf(content, format === 'jwt_vp', enveloped)));
  }
  const stated = idOf(content['holder']);
  checkSame(claims['iss'], stated, 'iss', 'holder_mismatch');
  checkSame(claims['jti'], idOf(content['id']), 'jti');
  const holder = stated ?? claims['iss'];
  readTimes(claims, rules);
  return {
    ...named(parts, rules),
    format,
    presentation: content,
    ...(typeof holder === 'string' ? { holder } : {}),
    challenge: claims['nonce'],
    domain: claims['aud'],
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  };
}

function named({ jws, claims, sdJwt, digest, verificationMethod }: Parts, rules: TokenRules): Token {
  const binding = sdJwt === undefined ? {} : { sdJwt };
  return { jws, claims, ...binding, digest, verificationMethod: verificationMethod ?? methodOf(jws.header, rules) };
}

/** VCDM 1.1 belongs to the older JWT. In an envelope, which is of VCDM 2.0, it carries either: its context says which. */
function versionOf(content: JsonObject, older: boolean, enveloped: boolean): DataModelVersion {
  if (!older) return '2.0';
  return enveloped ? (dataModelOf(content) ?? '1.1') : '1.1';
}

function parse<Format extends string>(
  input: string,
  rows: Readonly<Record<string, Row<Format>>>,
  { algorithms, maxBytes }: TokenRules,
): { row: Row<Format>; parts: Parts; enveloped: boolean } {
  const { medium, text, enveloped } = openText(input);
  const bounds = { algorithms, ...(maxBytes !== undefined && { maxBytes }) };
  const row = medium !== undefined && Object.hasOwn(rows, medium) ? rows[medium] : undefined;
  if (row === undefined) {
    // Whatever else is wrong with it is said first; at the latest it is of a type that has no row.
    const typ = Object.values(rows).map((known) => known.typ);
    refuseJose(() => parseJwt(text, { typ, ...bounds }));
    throw new CredentialRefusal('typ_unknown', 'The typ of the token is not one of ours.');
  }
  const parts = refuseJose(() => row.parse(text, { typ: row.typ, enveloped, ...bounds }));
  checkContentType(parts.jws.header, row.cty);
  return { row, parts, enveloped };
}

/** VC-JOSE-COSE 3.1.1: cty says what is inside, and if it says something else it is something else. */
function checkContentType(header: JwsHeader, expected: string | undefined): void {
  const cty = header['cty'];
  if (cty === undefined || expected === undefined) return;
  if (
    String(cty)
      .toLowerCase()
      .replace(/^application\//, '') === expected
  )
    return;
  throw new CredentialRefusal('typ_unknown', `The cty of the token must be ${expected}.`);
}

/** VC-JOSE-COSE 1.1.2.1: "the JWT Claim Names vc and vp MUST NOT be present". */
function refuseWrapper(content: JsonObject): void {
  const strange = ['vc', 'vp'].find((name) => Object.hasOwn(content, name));
  if (strange === undefined) return;
  throw new CredentialRefusal('claims_inconsistent', `The token carries the claim ${strange}, which this typ forbids.`);
}

function withoutWrapper(claims: JsonObject): JsonObject {
  refuseWrapper(claims);
  return without(claims, tokenClaims);
}

/** VCDM 1.1 6.3.1: the one claim that holds everything. */
function wrapped(claims: JsonObject, wrapper: 'vc' | 'vp'): JsonObject {
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
function withClaims11(vc: JsonObject, claims: JsonObject, version: DataModelVersion): JsonObject {
  const dates = Object.entries(dateClaims['1.1']).flatMap(([member, claim]) => {
    if (version !== '1.1') return [];
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

/** Members of the older JWT's credential that nbf and exp repeat. */
const dateClaims = {
  '1.1': { issuanceDate: 'nbf', expirationDate: 'exp' },
  '2.0': { validFrom: 'nbf', validUntil: 'exp' },
} as const;

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

function readTimes(claims: JsonObject, { dates }: TokenRules): ClaimedTimes {
  if (dates === 'unread') return {};
  const entries = (['iat', 'nbf', 'exp'] as const).flatMap((name) => {
    if (claims[name] === undefined) return [];
    const date = parseNumericDate(claims[name]);
    if (date) return [[name, date] as const];
    throw new CredentialRefusal('claims_inconsistent', `The claim ${name} is not a whole number of seconds.`);
  });
  return Object.fromEntries(entries);
}

/** VCDM 1.1 6.3.1: nbf is the issuanceDate and exp the expirationDate, to the second. */
function checkDatesAgree(credential: JsonObject, times: ClaimedTimes, version: DataModelVersion): void {
  for (const [member, claim] of Object.entries(dateClaims[version]) as [string, 'nbf' | 'exp'][]) {
    const date = parseDateTime(credential[member]);
    const claimed = times[claim];
    if (date && claimed && toNumericDate(date) !== toNumericDate(claimed)) {
      throw new CredentialRefusal('claims_inconsistent', `The claim ${claim} is not the ${member} of the credential.`);
    }
  }
}

function methodOf(header: JwsHeader, { key }: TokenRules): string {
  const { kid } = header;
  if (key === 'did') didOf(kid);
  return typeof kid === 'string' ? kid : '';
}

/** Refuses what does not have the shape of the data model, with every fault. */
export function refuseFaults(faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  throw new CredentialRefusal('data_model_invalid', `${first.path || '/'} ${first.detail}.`, { faults });
}
