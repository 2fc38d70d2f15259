/** What an issuer instance does with a request: through the catalogue where it is closed, else on its own. */
import type { InstanceConfig } from '../config.js';
import {
  checkDataModel,
  checkExistingProof,
  type SecuredCredential,
  type SecureOptions,
  type SecuringFormat,
  type SigningKey,
  securingFormats,
  selectMembers,
  takesFurtherProofs,
} from '../credential/credential.js';
import { ServiceError } from '../errors.js';
import type { KeyIdentity, PassportAgent } from '../identity/identity.js';
import type { Issuance } from '../issuance/issuance.js';
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { StatusPurpose } from '../status/status.js';
import { namePattern } from './wire.js';

/** What is asked of an issuer (VCALM 1.0, issue credential). */
export interface IssueQuestion {
  readonly credential: JsonObject;
  readonly options: { readonly credentialId?: string; readonly mandatoryPointers?: readonly string[] };
  readonly clientId: string;
}

/** What is asked of one status entry (VCALM 1.0, update credential status). */
export interface StatusQuestion {
  readonly credentialId: string;
  readonly purpose: StatusPurpose;
  readonly status: boolean;
  readonly clientId: string;
}

/** An issuer under one name. */
export interface Issuer {
  readonly did: string;
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  issue(question: IssueQuestion): Promise<Json>;
  changeStatus(question: StatusQuestion): Promise<void>;
}

/** What issuers are made of. */
export interface IssuerDependencies {
  readonly agent: PassportAgent;
  readonly identity: {
    readonly did: string;
    signingKey(algorithm: JwsAlgorithm): Promise<SigningKey>;
  };
  readonly openKey: (request: { name: string; algorithm: JwsAlgorithm }) => Promise<KeyIdentity>;
  readonly secure: (agent: PassportAgent, options: SecureOptions) => Promise<SecuredCredential>;
  readonly checkTerms: (agent: PassportAgent, credential: JsonObject) => Promise<void>;
  readonly issuance: Pick<Issuance, 'issue' | 'issueOpen' | 'changeStatus'>;
  readonly now: () => Date;
}

type Settings = InstanceConfig & { readonly format: string };

/** Makes the issuer of an instance, and its key where it has one of its own. */
export async function createIssuer(deps: IssuerDependencies, settings: Settings): Promise<Issuer> {
  const { format, algorithm } = formatOf(settings);
  if (settings.catalogue === 'closed') {
    return { did: deps.identity.did, format, algorithm, ...closedIssuer(deps, format, algorithm) };
  }
  const own = settings.did === 'key' ? await deps.openKey({ name: `instance ${settings.name}`, algorithm }) : undefined;
  const did = own?.did ?? deps.identity.did;
  const signingKey = async () => own?.key ?? (await deps.identity.signingKey(algorithm));
  return { did, format, algorithm, ...openIssuer(deps, { settings, format, algorithm, did, signingKey }) };
}

function formatOf({ name, format, algorithm, existingProof }: Settings): {
  format: SecuringFormat;
  algorithm: JwsAlgorithm;
} {
  const path = `/service/instances (${name})`;
  const offered = Object.entries(securingFormats).filter(([, { walletsOnly }]) => walletsOnly !== true);
  if (!offered.some(([known]) => known === format)) {
    const known = offered.map(([offeredFormat]) => offeredFormat).join(', ');
    throw new ServiceError('configuration', `${path}: the format must be one of ${known}`);
  }
  if (existingProof !== 'error' && !takesFurtherProofs(format)) {
    throw new ServiceError(
      'configuration',
      `${path}: ${format} stands beside no other proof, so existingProof is error`,
    );
  }
  const { algorithms } = securingFormats[format as SecuringFormat];
  const chosen = algorithm ?? algorithms[0];
  if (chosen !== undefined && algorithms.includes(chosen))
    return { format: format as SecuringFormat, algorithm: chosen };
  throw new ServiceError('configuration', `${path}: ${format} is signed with ${algorithms.join(' or ')}`);
}

type Operations = Pick<Issuer, 'issue' | 'changeStatus'>;

/** VCALM gives no reasons for a change of status; these say the least. */
const reasons = { revoke: 'NoLongerValid', suspend: 'AdministrativeHold', reinstate: 'HoldEnded' } as const;

/** The catalogue's issuer: the very path of POST /credentials/issue, with VCALM's words around it. */
function closedIssuer({ issuance }: IssuerDependencies, format: SecuringFormat, alg: JwsAlgorithm): Operations {
  return {
    async issue({ credential, options, clientId }) {
      if (options.credentialId !== undefined) throw unusable('credentialId', 'The id of a credential is ours to give.');
      if (options.mandatoryPointers !== undefined) {
        throw unusable('mandatoryPointers', 'Nothing is disclosed selectively here.');
      }
      const issued = await issuance.issue({ credential, options: { format, alg } }, { clientId });
      return issued.verifiableCredential;
    },
    changeStatus: (question) => changeStatus(issuance, question),
  };
}

async function changeStatus(
  issuance: IssuerDependencies['issuance'],
  question: StatusQuestion,
  instance: { instance?: string } = {},
): Promise<void> {
  const { credentialId, purpose, status, clientId } = question;
  if (purpose === 'revocation' && !status) {
    throw new ServiceError('status_irreversible', 'A revoked credential stays revoked; issue a new one instead.');
  }
  const action = purpose === 'revocation' ? 'revoke' : status ? 'suspend' : 'reinstate';
  await issuance.changeStatus({ credentialId, ...instance, action, reason: reasons[action] }, { clientId });
}

function unusable(option: string, detail: string): ServiceError {
  return new ServiceError('invalid_request', detail, { faults: [{ path: `/options/${option}`, detail }] });
}

interface OpenIssuer {
  readonly settings: Settings;
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  readonly did: string;
  readonly signingKey: () => Promise<SigningKey>;
}

/** Issues whatever obeys the data model, in the name of its own DID; for conformance tests on loopback. */
function openIssuer(deps: IssuerDependencies, issuer: OpenIssuer): Operations {
  const { settings, format, algorithm } = issuer;
  return {
    async issue(question) {
      const prepared = prepare(question.credential, issuer);
      await requireShape(deps, prepared, settings);
      const name = nameOf(question, prepared, settings);
      const pointers = pointersOf(question, prepared, settings);
      const { existingProof } = settings;
      // Asked before anything is stored, so that a key that is away costs no reservation.
      const key = await issuer.signingKey();
      const issued = await deps.issuance.issueOpen(
        {
          instance: settings.name,
          credential: prepared,
          format,
          algorithm,
          ...name,
          statusPurposes: settings.statusPurposes,
          secure: (credential) =>
            deps.secure(deps.agent, { credential, format, key, now: deps.now(), existingProof, ...pointers }),
        },
        { clientId: question.clientId },
      );
      return issued.verifiableCredential;
    },
    changeStatus: (question) => changeStatus(deps.issuance, question, { instance: settings.name }),
  };
}

/** Only a selective suite has members that are always shown; what the caller names replaces the instance's own. */
function pointersOf(
  { options }: IssueQuestion,
  credential: JsonObject,
  settings: Settings,
): { mandatoryPointers?: readonly string[] } {
  if (settings.format === 'ecdsa-sd-2023') {
    const mandatoryPointers = options.mandatoryPointers ?? settings.mandatoryPointers;
    // Refused before anything is reserved; only the entries of our status lists are not there yet.
    const present = mandatoryPointers.filter((pointer) => !pointer.startsWith('/credentialStatus'));
    selectMembers(credential, present);
    return { mandatoryPointers };
  }
  if (options.mandatoryPointers === undefined) return {};
  throw unusable('mandatoryPointers', 'Nothing is disclosed selectively here.');
}

/** By what the caller will ask for another status; without one the same credential may be issued again and again. */
function nameOf({ options }: IssueQuestion, credential: JsonObject, settings: Settings): { name?: string } {
  if (settings.statusPurposes.length === 0) return {};
  const name = options.credentialId ?? credential['id'];
  if (typeof name === 'string' && new RegExp(namePattern).test(name)) return { name };
  const detail = 'is required, without white space and control characters: by it the status is changed';
  const faults = [{ path: '/credential/id', detail }];
  throw new ServiceError('invalid_credential', `The id ${detail}.`, { faults });
}

function prepare(credential: JsonObject, { settings, did }: OpenIssuer): JsonObject {
  const issued = withIssuer(credential, settings, did);
  const { issuer } = issued;
  const named = isJsonObject(issuer) ? issuer['id'] : issuer;
  // What is no DID at all is the data model's to refuse, with its own words.
  if (typeof named === 'string' && named !== did) {
    const detail = `must be ${did}, in whose name this instance issues`;
    const faults = [{ path: '/credential/issuer', detail }];
    throw new ServiceError('invalid_credential', `The issuer ${detail}.`, { faults });
  }
  return issued;
}

/**
 * No schema describes these credentials, so the contexts must define every word of them: in a token nobody else would
 * ask. The shape comes first, for its faults are told by path.
 */
async function requireShape(
  { agent, checkTerms }: IssuerDependencies,
  credential: JsonObject,
  { existingProof }: Settings,
): Promise<void> {
  const { proof: _proof, ...unsecured } = credential;
  const contexts = credential['@context'];
  const version = Array.isArray(contexts) && contexts[0] === context11 ? '1.1' : '2.0';
  const found = checkDataModel(unsecured, version);
  const all = found.length > 0 ? found : checkExistingProof(credential, existingProof);
  const faults = all.map(({ path, detail }) => ({ path: `/credential${path}`, detail }));
  if (faults.length === 0) return checkTerms(agent, unsecured);
  const [first] = faults;
  throw new ServiceError(
    'invalid_credential',
    `The credential is not acceptable at ${first?.path}: ${first?.detail}.`,
    { faults },
  );
}

const context11 = 'https://www.w3.org/2018/credentials/v1';

/**
 * VCALM: the issuer may be left out, and is ours then; the VC-API suites demand that it is there. Nothing is added to
 * what somebody has signed already.
 */
function withIssuer(credential: JsonObject, { failedVerification }: Settings, did: string): JsonObject {
  const fill = failedVerification === 200 && credential['issuer'] === undefined && credential['proof'] === undefined;
  return fill ? { ...credential, issuer: did } : credential;
}
