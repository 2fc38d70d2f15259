/**
 * Everything about a request to issue that can be checked without a key. What comes out is opaque: `sign` takes only
 * what was prepared here and reserved in the store (Boulder's order: record the intent, then sign).
 */
import {
  type Catalogue,
  type CredentialType,
  checkDataModel,
  type SecuredCredential,
  type SecuringFormat,
  securingFormats,
} from '../credential/credential.js';
import { type ErrorCode, type Fault, ServiceError } from '../errors.js';
import { mayBeHolder } from '../identity/identity.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { type RegistryView, recogniseIssuer } from '../registry/registry.js';
import type { StatusPurpose } from '../status/status.js';

/** What a client asks for. */
export interface IssueRequest {
  readonly credential: JsonObject;
  readonly options?: { readonly format?: SecuringFormat; readonly alg?: JwsAlgorithm };
}

declare const prepared: unique symbol;

/** A request that passed every check that needs no key. Made by prepare() alone. */
export interface PreparedCredential {
  readonly [prepared]: true;
  readonly id: string;
}

/** What a PreparedCredential stands for; for the store and the signing step of this slice only. */
export interface PreparedContent {
  readonly id: string;
  readonly type: string;
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  /** Complete but for its status entries, which are allocated when it is reserved. */
  readonly credential: JsonObject;
  readonly validFrom: string;
  readonly validUntil: string | null;
  /** Present where a service instance issues in its own name (open-issuing.ts). */
  readonly instance?: InstanceIssue;
}

/** What differs when an instance issues: whose name it is found by, which entries it has, and who signs. */
export interface InstanceIssue {
  readonly name: string;
  readonly nameDigest: string | null;
  readonly statusPurposes: readonly StatusPurpose[];
  readonly secure: (credential: JsonObject) => Promise<SecuredCredential>;
}

export interface PrepareDependencies {
  readonly catalogue: Catalogue;
  readonly registry: RegistryView;
  readonly organisation: { readonly did: string; readonly name: string; readonly odsCode: string };
  readonly defaultFormat: SecuringFormat;
  readonly now: () => Date;
  readonly newUuid: () => string;
}

const contents = new WeakMap<PreparedCredential, PreparedContent>();

/** Opens a PreparedCredential; anything that prepare() did not make is refused. */
export function contentOf(credential: PreparedCredential): PreparedContent {
  const content = contents.get(credential);
  if (content === undefined) throw new ServiceError('internal', 'Only what was prepared can be issued.');
  return content;
}

/** Seals what was checked into what reserve() takes. */
export function toPrepared(content: PreparedContent): PreparedCredential {
  const credential = Object.freeze({ id: content.id }) as PreparedCredential;
  contents.set(credential, content);
  return credential;
}

/** What only the issuer decides; a caller who sets it misunderstands the API and is told so. */
const reserved = ['issuer', 'credentialStatus', 'proof'] as const;

const urnUuid = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The members of the validity pair, by version of the data model. */
const validityMembers = {
  '2.0': { from: 'validFrom', until: 'validUntil' },
  '1.1': { from: 'issuanceDate', until: 'expirationDate' },
} as const;

function refuse(code: ErrorCode, path: string, detail: string): never {
  throw new ServiceError(code, `The credential is not acceptable at ${path}: ${detail}.`, {
    faults: [{ path, detail }],
  });
}

function refuseFaults(code: ErrorCode, faults: readonly Fault[], prefix = '/credential'): void {
  const placed = faults.map(({ path, detail }) => ({ path: `${prefix}${path}`, detail }));
  const first = placed[0];
  if (first === undefined) return;
  throw new ServiceError(code, `The credential is not acceptable at ${first.path}: ${first.detail}.`, {
    faults: placed,
  });
}

function refuseReserved(credential: JsonObject): void {
  const faults = reserved
    .filter((name) => name in credential)
    .map((name) => ({ path: `/${name}`, detail: 'is set by the issuer and must be left out' }));
  refuseFaults('invalid_request', faults);
}

function typeOf(catalogue: Catalogue, credential: JsonObject): CredentialType {
  const { type } = credential;
  const names = Array.isArray(type) ? type : [];
  const [base, name] = names;
  if (names.length !== 2 || base !== 'VerifiableCredential' || typeof name !== 'string') {
    refuse('invalid_request', '/credential/type', 'must be ["VerifiableCredential", a type of the catalogue]');
  }
  const found = catalogue.find(name);
  if (found === undefined) refuse('unknown_credential_type', '/credential/type/1', 'is not in the catalogue');
  return found;
}

interface Securing {
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
}

function securingOf(options: NonNullable<IssueRequest['options']>, defaultFormat: SecuringFormat): Securing {
  const format = options.format ?? defaultFormat;
  const { algorithms } = securingFormats[format];
  const algorithm = options.alg ?? algorithms[0];
  if (algorithm === undefined || !algorithms.includes(algorithm)) {
    const detail = `must be ${algorithms.join(' or ')} for ${format}`;
    throw new ServiceError('invalid_request', `The option at /options/alg ${detail}.`, {
      faults: [{ path: '/options/alg', detail }],
    });
  }
  return { format, algorithm };
}

function sameList(value: unknown, expected: readonly string[]): boolean {
  return Array.isArray(value) && value.length === expected.length && value.every((item, i) => item === expected[i]);
}

/** Absent or exactly ours: a context of the caller's would change what the signature means. */
function contextOf(credential: JsonObject, expected: readonly string[]): string[] {
  const given = credential['@context'];
  if (given !== undefined && !sameList(given, expected)) {
    refuse('invalid_request', '/credential/@context', `must be left out or be exactly ${JSON.stringify(expected)}`);
  }
  return [...expected];
}

function idOf(credential: JsonObject, newUuid: () => string): string {
  const { id } = credential;
  if (id === undefined) return `urn:uuid:${newUuid()}`;
  if (typeof id !== 'string' || !urnUuid.test(id)) {
    refuse('invalid_request', '/credential/id', 'must be left out or be a urn:uuid in lower case');
  }
  return id;
}

function schemaOf(credential: JsonObject, type: CredentialType): JsonObject {
  const ours = { id: type.schemaId, type: 'JsonSchema', digestSRI: type.schemaDigestSri };
  const given = credential.credentialSchema;
  if (given === undefined) return ours;
  const names = isJsonObject(given) ? (Object.keys(given) as (keyof typeof ours)[]) : [];
  const same = isJsonObject(given) && given.id === ours.id && names.every((name) => given[name] === ours[name]);
  if (!same) refuse('invalid_request', '/credential/credentialSchema', `must be left out or name ${type.schemaId}`);
  return ours;
}

/** Times without fractions: they say no more than they need to. */
function toSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

interface Validity {
  readonly from: string;
  readonly until: string | null;
}

/** Either pair is understood in the data model that is asked for; the pair of another model is left to its schema. */
function validityOf(credential: JsonObject, version: '2.0' | '1.1', now: Date): Validity {
  const read = (name: 'from' | 'until') => {
    const [given, twice] = [...new Set([validityMembers[version][name], validityMembers['2.0'][name]])].filter(
      (member) => credential[member] !== undefined,
    );
    if (twice !== undefined) refuse('invalid_request', `/credential/${twice}`, `must not stand beside ${given}`);
    const value = given === undefined ? undefined : credential[given];
    if (value !== undefined && (typeof value !== 'string' || Number.isNaN(Date.parse(value)))) {
      refuse('invalid_request', `/credential/${given}`, 'must be a date-time with a time zone');
    }
    return value;
  };
  return { from: read('from') ?? toSeconds(now), until: read('until') ?? null };
}

/** Whoever is not recognised now, or was not at the start of validity, would only make credentials that verifiers refuse. */
function refuseUnrecognised(deps: PrepareDependencies, type: string, validFrom: Date): void {
  const { registry, organisation } = deps;
  const now = deps.now();
  // A start in the future says nothing of today's authority; a start in the past is judged at that time too.
  const issuedAt = validFrom < now ? validFrom : now;
  const answers = [
    registry.isRecognised(organisation.did, type, now),
    recogniseIssuer(registry, organisation.did, type, { issuedAt, now }),
  ];
  const unsure = answers.find((answer) => answer.outcome === 'indeterminate');
  if (unsure !== undefined) throw new ServiceError('registry_unavailable', unsure.detail);
  const refused = answers.find((answer) => answer.outcome !== 'recognised');
  if (refused !== undefined) throw new ServiceError('issuer_not_recognised', `${refused.detail} (${refused.code})`);
  const listed = registry.organisation(organisation.did);
  if (listed?.odsCode !== organisation.odsCode) {
    throw new ServiceError(
      'issuer_not_recognised',
      'The registry has another ODS code for this DID than our configuration.',
    );
  }
}

/** May we still issue this type? Asked again before a recovered reservation is signed. */
export function checkRecognition(
  deps: PrepareDependencies,
  content: Pick<PreparedContent, 'type' | 'validFrom'>,
): void {
  refuseUnrecognised(deps, content.type, new Date(content.validFrom));
}

function refuseUnusable(validity: Validity, now: Date): void {
  if (validity.until === null) return;
  const until = Date.parse(validity.until);
  if (until <= now.getTime()) refuse('invalid_credential', '/credential/validUntil', 'has passed already');
  if (until < Date.parse(validity.from))
    refuse('invalid_credential', '/credential/validUntil', 'lies before validFrom');
}

/** A did:key or did:jwk without a key in it is nobody: the credential could never be presented. */
function refuseImpossibleHolder({ credentialSubject }: JsonObject): void {
  const holder = isJsonObject(credentialSubject) ? credentialSubject.id : undefined;
  if (typeof holder !== 'string' || mayBeHolder(holder)) return;
  refuse('invalid_credential', '/credential/credentialSubject/id', 'holds no key of a kind that we know');
}

/** Faults of the times are told under the names that the caller used for them. */
function inCallersTerms(faults: readonly Fault[], { credential }: IssueRequest): Fault[] {
  const { '1.1': ours, '2.0': other } = validityMembers;
  const names = new Map([
    [`/${ours.from}`, other.from],
    [`/${ours.until}`, other.until],
  ]);
  return faults.map((fault) => {
    const name = names.get(fault.path);
    return name === undefined || credential[name] === undefined ? fault : { ...fault, path: `/${name}` };
  });
}

function complete(
  request: IssueRequest,
  type: CredentialType,
  securing: Securing,
  deps: PrepareDependencies,
): PreparedContent {
  const { credential } = request;
  const version = securingFormats[securing.format].dataModel;
  const validity = validityOf(credential, version, deps.now());
  refuseUnusable(validity, deps.now());
  const { did, name, odsCode } = deps.organisation;
  const members = validityMembers[version];
  const { validFrom: _from, validUntil: _until, ...rest } = credential;
  const id = idOf(credential, deps.newUuid);
  const whole: JsonObject = {
    ...rest,
    '@context': contextOf(credential, type.contexts[version]),
    id,
    type: ['VerifiableCredential', type.type],
    issuer: { id: did, name, odsCode },
    [members.from]: validity.from,
    ...(validity.until !== null && { [members.until]: validity.until }),
    credentialSchema: schemaOf(credential, type),
  };
  return { id, type: type.type, ...securing, credential: whole, validFrom: validity.from, validUntil: validity.until };
}

/** Checks a request whole; throws ServiceError with every fault by JSON Pointer into the request. */
export function prepareCredential(deps: PrepareDependencies, request: IssueRequest): PreparedCredential {
  return toPrepared(checkRequest(deps, request, { pending: ['credentialStatus'] }));
}

/** The same checks for a credential that will be issued to a holder who is not known yet; answers its type. */
export function checkUnheld(deps: PrepareDependencies, credential: JsonObject): string {
  const request = { credential, options: { format: 'vc+jwt' } } as const;
  return checkRequest(deps, request, { pending: ['credentialStatus', 'credentialSubject/id'] }).type;
}

function checkRequest(
  deps: PrepareDependencies,
  request: IssueRequest,
  { pending }: { pending: readonly string[] },
): PreparedContent {
  refuseReserved(request.credential);
  const type = typeOf(deps.catalogue, request.credential);
  const securing = securingOf(request.options ?? {}, deps.defaultFormat);
  const content = complete(request, type, securing, deps);
  const violations = type.validate(content.credential, { pending });
  refuseFaults('schema_violation', inCallersTerms(violations, request));
  refuseImpossibleHolder(content.credential);
  refuseFaults('invalid_credential', checkDataModel(content.credential, securingFormats[securing.format].dataModel));
  refuseUnrecognised(deps, content.type, new Date(content.validFrom));
  return content;
}
