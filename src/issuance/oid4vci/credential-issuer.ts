/**
 * The credential issuer of OpenID4VCI 1.0, default profile (sections 7 to 12): metadata, nonces, credentials at once or
 * deferred, and what wallets tell of them. Who may ask is authorization/'s to say, what is offered is offers/'s; the
 * credentials go through the issuance cycle. Called by routes.ts; HAIP, key attestations, di_vp proofs and encrypted
 * messages are other profiles and refused here.
 */
import type { ServiceConfig } from '../../config.js';
import type { Catalogue } from '../../credential/credential.js';
import { OAuthError } from '../../http/oauth-errors.js';
import type { SignedDocument } from '../../http/signed-document.js';
import type { Identity } from '../../identity/identity.js';
import type { Json, JsonObject } from '../../json.js';
import type { RegistryView } from '../../registry/registry.js';
import type { Tx } from '../../store/store.js';
import { findLive } from '../store.js';
import { type Configuration, configurationsOf } from './configurations.js';
import type { OfferedDocument, WalletAccess } from './grants.js';
import { actorOf, denied, digestOf, ended, type IssuingDependencies, issueCopies, payProofs } from './issuing.js';
import { keySetOf } from './key-set.js';
import { describeIssuer, prefersSigned, publishMetadata } from './metadata.js';
import { createNonces, type Nonces } from './nonce.js';
import { type HolderKey, type KeyProof, verifyProofs } from './proofs.js';
import {
  type CopyRow,
  findCurrentCopies,
  findDeferral,
  forgetExpired,
  lockDelivery,
  replaceDeferral,
  updateEvents,
} from './store.js';

export type { OfferedDocument, WalletAccess } from './grants.js';
export { credentialIssuerEntities } from './store.js';

/** A `c_nonce` with its life, which later versions of the specification leave out and earlier ones want. */
export interface NonceResponse {
  readonly c_nonce: string;
  readonly c_nonce_expires_in: number;
}

interface CopiesResponse {
  readonly credentials: readonly { readonly credential: string | JsonObject }[];
}

interface DeferredResponse {
  readonly transaction_id: string;
  readonly interval: number;
}

/** What the credential endpoint answers: copies (200), or a transaction to wait for (202). */
export type CredentialResponse =
  | (CopiesResponse & NonceResponse & { readonly notification_id: string })
  | (DeferredResponse & NonceResponse);

export interface CredentialIssuer {
  /** Every credential configuration by its id, in the order of the metadata, with the type that it issues. */
  readonly configurations: ReadonlyMap<string, string>;
  /** The metadata in the form that an Accept header prefers. */
  metadata(accept: string | undefined): SignedDocument;
  /** The keys that sign credentials. */
  keySet(): SignedDocument;
  nonce(): NonceResponse;
  credential(access: WalletAccess, request: JsonObject): Promise<CredentialResponse>;
  deferredCredential(
    access: WalletAccess,
    request: { readonly transaction_id: string; readonly credential_response_encryption?: Json },
  ): Promise<CopiesResponse | DeferredResponse>;
  notification(
    access: WalletAccess,
    request: { readonly notification_id: string; readonly event: string },
  ): Promise<void>;
  /** What lives in wallets of an offer: by these ids HR's system revokes or suspends. */
  liveCredentials(offerId: string): Promise<readonly LiveCredential[]>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A copy that a wallet holds. */
export interface LiveCredential {
  readonly credentialId: string;
  readonly documentId: string;
  readonly type: string;
  readonly configurationId: string;
  readonly state: string;
  readonly issuedAt: string;
}

export interface CredentialIssuerDependencies extends Omit<IssuingDependencies, 'issuer'> {
  readonly config: Pick<ServiceConfig, 'publicUrl' | 'name'>;
  readonly catalogue: Catalogue;
  readonly identity: Pick<Identity, 'agent' | 'did' | 'document' | 'signingKey'>;
  readonly registry: Pick<RegistryView, 'organisation'>;
  readonly deriveKey: (label: string, length: number) => Buffer;
}

const upkeepMilliseconds = 60_000;

/** A person releases what waits, so nothing is gained by asking more often. */
const deferredInterval = 60;
const deferredMilliseconds = 30 * 86_400_000;

/** Rows that one statement names. */
const batch = 500;

type Deps = CredentialIssuerDependencies &
  IssuingDependencies & { readonly nonces: Nonces; readonly configurations: ReadonlyMap<string, Configuration> };

export function createCredentialIssuer(given: CredentialIssuerDependencies): CredentialIssuer {
  const configurations = configurationsOf(given.catalogue);
  const issuer = { registry: given.registry, did: given.identity.did };
  const deps: Deps = { ...given, issuer, nonces: createNonces(given), configurations };
  const published = publishMetadata({
    metadata: describeIssuer(given.config, configurations.values()),
    identity: given.identity,
    now: given.now,
  });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function upkeep(): Promise<void> {
    await published.renew().catch(deps.onFault);
    await deps.store.transaction((tx) => forgetExpired(tx, deps.now().toISOString()));
  }

  return {
    configurations: new Map([...configurations].map(([id, { type }]) => [id, type.type])),
    metadata: (accept) => (prefersSigned(accept) ? published.signed() : undefined) ?? published.plain,
    keySet: () => keySetOf(deps.identity),
    nonce: () => nonceResponse(deps),
    credential: (access, request) => credential(deps, access, request),
    deferredCredential: (access, request) => deferredCredential(deps, access, request),
    notification: (access, request) => notification(deps, access, request),
    liveCredentials: (offerId) => liveCredentials(deps, offerId),
    async start() {
      // Without a key to sign with there is still the other form of the metadata.
      await published.renew().catch(deps.onFault);
      timer = setInterval(() => {
        running = running.then(upkeep).catch(deps.onFault);
      }, upkeepMilliseconds).unref();
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

function nonceResponse({ nonces }: Deps): NonceResponse {
  return { c_nonce: nonces.make(), c_nonce_expires_in: nonces.lifetimeSeconds };
}

async function credential(deps: Deps, access: WalletAccess, request: JsonObject): Promise<CredentialResponse> {
  refuseEncryption(request);
  const { document, configuration } = await chooseDocument(deps, access, request);
  const issuer = deps.config.publicUrl;
  const { agent } = deps.identity;
  const proofs = await verifyProofs({ issuer, agent, nonces: deps.nonces, now: deps.now }, request, access);
  if (document.state === 'pending') {
    return { ...(await defer(deps, { access, document, configuration }, proofs)), ...nonceResponse(deps) };
  }
  const holders = proofs.map(({ holder }) => holder);
  const delivered = await issueCopies(deps, { access, document, configuration, holders, proofs });
  const { notificationId } = delivered;
  // A nonce with the copies: Credo has none left for the next configuration otherwise (protocols.md, trap 6).
  return { credentials: toCopies(delivered.credentials), notification_id: notificationId, ...nonceResponse(deps) };
}

function toCopies(credentials: readonly (string | JsonObject)[]): CopiesResponse['credentials'] {
  return credentials.map((one) => ({ credential: one }));
}

/** 8.2: an encrypted response needs an encrypted request, and the metadata of this profile offers neither. */
function refuseEncryption(request: { readonly credential_response_encryption?: Json }): void {
  if (request.credential_response_encryption === undefined) return;
  throw new OAuthError('invalid_encryption_parameters', 'This credential issuer does not encrypt its responses.');
}

interface Choice {
  readonly document: OfferedDocument;
  readonly configuration: Configuration;
}

/** 8.2: by identifier where the token response named some, by configuration otherwise, and never both. */
async function chooseDocument(deps: Deps, access: WalletAccess, request: JsonObject): Promise<Choice> {
  const { credential_configuration_id: configurationId, credential_identifier: identifier } = request;
  if ((configurationId === undefined) === (identifier === undefined)) {
    const detail = 'The request must have credential_configuration_id or credential_identifier, and not both.';
    throw new OAuthError('invalid_credential_request', detail);
  }
  const { documentIds } = access.grant;
  const granted = await deps.store.read((tx) => deps.documents.documents(tx, documentIds));
  const choice =
    identifier === undefined
      ? byConfiguration(deps, access, granted, String(configurationId))
      : byIdentifier(deps, access, granted, String(identifier));
  refuseState(access, choice.document);
  return choice;
}

function byConfiguration(
  { configurations }: Deps,
  { grant, identifiers, jkt }: WalletAccess,
  granted: readonly OfferedDocument[],
  id: string,
): Choice {
  const configuration = configurations.get(id);
  if (configuration === undefined) {
    throw new OAuthError('unknown_credential_configuration', 'There is no such credential configuration.');
  }
  if (!grant.configurationIds.includes(id)) throw outsideGrant(jkt);
  if (identifiers) {
    const detail = 'The token response named credential_identifiers: use one of them.';
    throw new OAuthError('invalid_credential_request', detail);
  }
  const [document, another] = granted.filter(({ type }) => type === configuration.type.type);
  if (document === undefined) throw outsideGrant(jkt);
  if (another !== undefined) {
    const detail = 'Several documents are offered in this configuration: ask for credential identifiers.';
    throw new OAuthError('invalid_credential_request', detail);
  }
  return { document, configuration };
}

/** RFC 6750 3, RFC 9449 7.1: the token is good, but not for this; the challenge has its scheme. */
function outsideGrant(jkt: string | undefined): OAuthError {
  const detail = 'The access token was not issued for this credential configuration.';
  const scheme = jkt === undefined ? 'Bearer' : 'DPoP';
  return new OAuthError('insufficient_scope', detail, { challenge: `${scheme} error="insufficient_scope"` });
}

/** An identifier is a document's id; a configuration after it is needed where the document was granted in several. */
function byIdentifier(
  { configurations }: Deps,
  { grant, identifiers }: WalletAccess,
  granted: readonly OfferedDocument[],
  identifier: string,
): Choice {
  const [id, ...more] = identifier.split('.');
  const document = identifiers ? granted.find((one) => one.id === id) : undefined;
  const fitting = grant.configurationIds
    .map((name) => configurations.get(name))
    .filter((one) => one !== undefined && one.type.type === document?.type)
    .filter((one) => more.length === 0 || one?.id === more.join('.'));
  const [configuration] = fitting;
  if (document === undefined || configuration === undefined || fitting.length > 1) {
    throw new OAuthError('unknown_credential_identifier', 'There is no such credential identifier.');
  }
  return { document, configuration };
}

function refuseState({ grant }: WalletAccess, { state, signInRequired }: OfferedDocument): void {
  if (state === 'withdrawn' || state === 'declined') throw ended();
  if (signInRequired && !grant.signedIn) throw denied('The person must sign in before this document is issued.');
}

/** 8.3: HR has not released the document; the keys that were proven wait with the transaction. */
async function defer(
  deps: Deps,
  choice: Choice & { readonly access: WalletAccess },
  proofs: readonly KeyProof[],
): Promise<DeferredResponse> {
  const { access, document, configuration } = choice;
  const transactionId = deps.random(32).toString('base64url');
  const expiresAt = new Date(deps.now().getTime() + deferredMilliseconds).toISOString();
  await deps.store.transaction(async (tx) => {
    await payProofs(deps, tx, choice, proofs);
    await replaceDeferral(tx, {
      digest: digestOf(transactionId),
      documentId: document.id,
      configurationId: configuration.id,
      sessionId: access.sessionId,
      holders: JSON.stringify(proofs.map(({ holder }) => holder)),
      expiresAt,
    });
    await record(deps, tx, access, {
      action: 'document.deferred',
      documentId: document.id,
      data: { configuration: configuration.id },
    });
  });
  return { transaction_id: transactionId, interval: deferredInterval };
}

function record(
  { audit }: Deps,
  tx: Tx,
  access: WalletAccess,
  told: { readonly action: string; readonly documentId: string; readonly data: Readonly<Record<string, string>> },
): Promise<void> {
  const { action, documentId, data } = told;
  return audit.record(tx, { action, actor: actorOf(access), subject: documentId, outcome: 'success', data });
}

/** Section 9. The answer has no notification_id: wallets on oid4vc-ts before 0.5.2 fail on it (protocols.md, trap 5). */
async function deferredCredential(
  deps: Deps,
  access: WalletAccess,
  request: { readonly transaction_id: string; readonly credential_response_encryption?: Json },
): Promise<CopiesResponse | DeferredResponse> {
  refuseEncryption(request);
  const { transaction_id: transactionId } = request;
  const deferral = digestOf(transactionId);
  const { row, documents } = await deps.store.read(async (tx) => {
    const found = await findDeferral(tx, deferral);
    return { row: found, documents: found ? await deps.documents.documents(tx, [found.documentId]) : [] };
  });
  const configuration = deps.configurations.get(row?.configurationId ?? '');
  const [document] = documents;
  const known = row !== null && row.sessionId === access.sessionId && row.expiresAt > deps.now().toISOString();
  if (!known || configuration === undefined || document === undefined) {
    throw new OAuthError('invalid_transaction_id', 'There is no such transaction, or its credential was obtained.');
  }
  refuseState(access, document);
  if (document.state === 'pending') return { transaction_id: transactionId, interval: deferredInterval };
  const holders = JSON.parse(row.holders) as HolderKey[];
  const delivered = await issueCopies(deps, { access, document, configuration, holders, proofs: [], deferral });
  return { credentials: toCopies(delivered.credentials) };
}

/** Section 11: each event of a delivery is recorded once, however often it is told. */
async function notification(
  deps: Deps,
  access: WalletAccess,
  { notification_id: id, event }: { readonly notification_id: string; readonly event: string },
): Promise<void> {
  await deps.store.transaction(async (tx) => {
    const row = await lockDelivery(tx, digestOf(id));
    if (row === null || row.sessionId !== access.sessionId) {
      throw new OAuthError('invalid_notification_id', 'There is no such notification_id.');
    }
    const events = row.events.split(' ').filter((one) => one !== '');
    if (events.includes(event)) return;
    await updateEvents(tx, row.digest, [...events, event].join(' '));
    await record(deps, tx, access, { action: 'document.notified', documentId: row.documentId, data: { event } });
  });
}

async function liveCredentials({ store, documents }: Deps, offerId: string): Promise<LiveCredential[]> {
  const { documents: offered } = await documents.read(offerId);
  return store.read(async (tx) => {
    const documentIds = offered.map(({ id }) => id);
    const copies = await findCurrentCopies(tx, documentIds);
    const live: LiveCredential[] = [];
    for (let at = 0; at < copies.length; at += batch)
      live.push(...(await withRecords(tx, copies.slice(at, at + batch))));
    return live;
  });
}

async function withRecords(tx: Tx, copies: readonly CopyRow[]): Promise<LiveCredential[]> {
  const rows = await findLive(
    tx,
    copies.map(({ credentialId }) => credentialId),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return copies.flatMap(({ credentialId, documentId, configurationId }) => {
    const row = byId.get(credentialId);
    if (row?.issuedAt == null) return [];
    const { type, state, issuedAt } = row;
    return [{ credentialId, documentId, type, configurationId, state, issuedAt }];
  });
}
