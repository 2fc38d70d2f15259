/**
 * Receiving what an issuer offers: OpenID4VCI 1.0 with the pre-authorized code flow (sections 4 to 11). The person gives
 * the link and, where the issuer asks for one, the transaction code.
 */
import { createHash } from 'node:crypto';
import { ServiceError } from '../errors.js';
import type { Incoming } from '../http/client.js';
import { signJws } from '../jose/jws.js';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.js';
import { form, objectOf, refusedBy, type Send, textOf } from './exchange.js';
import { holderOf } from './held-credential.js';
import type { Holder } from './holder-key.js';
import type { HeldCredential } from './wallet-file.js';

/** What the wallet was given. */
export interface OfferAnswer {
  readonly offer: string;
  readonly txCode?: string;
}

/** What receiving takes. */
export interface ReceivingDependencies {
  readonly send: Send;
  readonly holder: Holder;
  readonly now: () => Date;
  /** Waits between two questions for a credential that is not ready yet. */
  readonly pause: (milliseconds: number) => Promise<void>;
}

const preAuthorized = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';
/** A passport is about 30 credentials, in four formats. */
const maxCredentials = 256;
const maxDeferredQuestions = 20;

/** Takes everything that is offered; throws at the first refusal, with what was received before it in `received`. */
export async function receiveOffer(
  deps: ReceivingDependencies,
  answer: OfferAnswer,
  received: (credential: HeldCredential) => void,
): Promise<void> {
  const offer = await readOffer(deps.send, answer.offer);
  const issuer = textOf(offer, 'credential_issuer', 'The offer');
  const metadata = await readMetadata(deps.send, issuer, 'openid-credential-issuer', 'credential_issuer');
  const servers = metadata.authorization_servers;
  const server = Array.isArray(servers) && typeof servers[0] === 'string' ? servers[0] : issuer;
  const authorization = await readMetadata(deps.send, server, 'oauth-authorization-server', 'issuer');
  const token = await requestToken(deps.send, authorization, offer, answer.txCode);
  const session: Session = {
    ...deps,
    issuer,
    metadata,
    accessToken: textOf(token, 'access_token', 'The token answer'),
  };
  for (const wanted of wantedOf(offer, token)) await receiveOne(session, wanted, received);
}

interface Session extends ReceivingDependencies {
  readonly issuer: string;
  readonly metadata: JsonObject;
  readonly accessToken: string;
}

/** One request to the credential endpoint. */
interface Wanted {
  readonly configurationId: string;
  readonly identifier?: string;
}

/** The offer, by value or by reference (4.1). */
async function readOffer(send: Send, link: string): Promise<JsonObject> {
  if (!URL.canParse(link)) throw new ServiceError('invalid_request', 'This is no link to a credential offer.');
  const { searchParams } = new URL(link);
  const value = searchParams.get('credential_offer');
  if (value !== null) return objectFrom(value, 'The offer');
  const reference = searchParams.get('credential_offer_uri');
  if (reference === null) throw new ServiceError('invalid_request', 'This is no link to a credential offer.');
  return objectOf(await send({ method: 'GET', url: reference, headers: { accept: 'application/json' } }), 'The offer');
}

function objectFrom(text: string, what: string): JsonObject {
  try {
    const value = parseJson(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new ServiceError('invalid_request', `${what} is no JSON object.`);
}

/** Metadata at its well-known address (12.2.2, RFC 8414 3), which must name whom it was asked for. */
async function readMetadata(send: Send, identifier: string, name: string, member: string): Promise<JsonObject> {
  const { origin, pathname } = new URL(identifier);
  const path = pathname === '/' ? '' : pathname;
  const url = `${origin}/.well-known/${name}${path}`;
  const metadata = objectOf(
    await send({ method: 'GET', url, headers: { accept: 'application/json' } }),
    'The metadata',
  );
  // RFC 8414 3.3: another name is somebody else's metadata.
  if (metadata[member] !== identifier)
    throw new ServiceError('fetch_failed', 'The metadata is that of another issuer.');
  return metadata;
}

async function requestToken(send: Send, server: JsonObject, offer: JsonObject, txCode: string | undefined) {
  const grants = isJsonObject(offer.grants) ? offer.grants : {};
  const grant = grants[preAuthorized];
  if (!isJsonObject(grant)) {
    throw new ServiceError('invalid_request', 'This offer asks you to sign in, which this wallet cannot do.');
  }
  if (grant.tx_code !== undefined && txCode === undefined) {
    throw new ServiceError('invalid_request', 'The issuer asks for the code that you were given: use --tx-code.');
  }
  const request = form(textOf(server, 'token_endpoint', 'The metadata'), {
    grant_type: preAuthorized,
    'pre-authorized_code': textOf(grant, 'pre-authorized_code', 'The offer'),
    tx_code: grant.tx_code === undefined ? undefined : txCode,
  });
  return objectOf(await send(request), 'The offer');
}

/** Which requests to make: by the identifiers that the token names (6.2), else by the configurations of the offer. */
function wantedOf(offer: JsonObject, token: JsonObject): readonly Wanted[] {
  const details = Array.isArray(token.authorization_details) ? token.authorization_details.filter(isJsonObject) : [];
  const named = details.flatMap((detail) =>
    texts(detail.credential_identifiers).map((identifier) => ({
      configurationId: String(detail.credential_configuration_id),
      identifier,
    })),
  );
  if (named.length > 0) return named.slice(0, maxCredentials);
  const ids = texts(offer.credential_configuration_ids);
  if (ids.length === 0) throw new ServiceError('invalid_request', 'The offer names no credential.');
  return ids.slice(0, maxCredentials).map((configurationId) => ({ configurationId }));
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

async function receiveOne(session: Session, wanted: Wanted, received: (held: HeldCredential) => void): Promise<void> {
  const { metadata, send } = session;
  const nonce = await requestNonce(session);
  const answer = await send(
    authorised(session, textOf(metadata, 'credential_endpoint', 'The metadata'), {
      ...(wanted.identifier === undefined
        ? { credential_configuration_id: wanted.configurationId }
        : { credential_identifier: wanted.identifier }),
      proofs: { jwt: [await proofOf(session, nonce)] },
    }),
  );
  const issued = answer.status === 202 ? await waitForDeferred(session, answer) : objectOf(answer, 'The credential');
  const given = Array.isArray(issued.credentials) ? issued.credentials.filter(isJsonObject) : [];
  if (given.length === 0) throw new ServiceError('fetch_failed', 'The issuer answered without a credential.');
  const mine = given.every(({ credential }) => isMine(session.holder, credential));
  if (mine) for (const { credential } of given) received(toHeld(session, wanted, credential as string | JsonObject));
  await notify(session, issued.notification_id, mine ? 'credential_accepted' : 'credential_failure');
  if (!mine) throw new ServiceError('fetch_failed', 'The issuer bound the credential to a key that is not ours.');
}

async function requestNonce({ metadata, send }: Session): Promise<string | undefined> {
  if (typeof metadata.nonce_endpoint !== 'string') return undefined;
  const answer = await send({ method: 'POST', url: metadata.nonce_endpoint, headers: { accept: 'application/json' } });
  return textOf(objectOf(answer, 'The nonce'), 'c_nonce', 'The nonce answer');
}

/** Appendix F.1: possession of the key, for this issuer, now. */
function proofOf({ holder, issuer, now }: Session, nonce: string | undefined): Promise<string> {
  const header = { typ: 'openid4vci-proof+jwt', alg: 'ES256', kid: holder.kid } as const;
  const iat = Math.floor(now().getTime() / 1000);
  return signJws(header, { aud: issuer, iat, ...(nonce === undefined ? {} : { nonce }) }, holder.sign);
}

function authorised({ accessToken }: Session, url: string, body: JsonObject) {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    authorization: `Bearer ${accessToken}`,
  };
  return { method: 'POST', url, headers, body: JSON.stringify(body) } as const;
}

/** Section 9: asks again until the credential is there. */
async function waitForDeferred(session: Session, first: Incoming): Promise<JsonObject> {
  const { metadata, send, pause } = session;
  const url = textOf(metadata, 'deferred_credential_endpoint', 'The metadata');
  let waiting = objectOf(first, 'The credential');
  for (let question = 0; question < maxDeferredQuestions; question += 1) {
    const seconds = typeof waiting.interval === 'number' ? waiting.interval : 5;
    await pause(Math.min(Math.max(seconds, 1), 60) * 1000);
    const transaction = textOf(waiting, 'transaction_id', 'The answer');
    const answer = await send(authorised(session, url, { transaction_id: transaction }));
    if (answer.status === 200) return objectOf(answer, 'The credential');
    if (answer.status !== 202) throw refusedBy(answer, 'The credential');
    waiting = { ...waiting, ...objectOf(answer, 'The credential') };
  }
  throw new ServiceError('fetch_failed', 'The credential is not ready yet; ask for it again later.');
}

/** A credential about somebody else's key could never be presented. */
function isMine(holder: Holder, credential: Json | undefined): boolean {
  if (typeof credential !== 'string' && !isJsonObject(credential)) return false;
  const bound = holderOf(credential);
  return bound.did === holder.did || (bound.jwk !== undefined && sameKey(bound.jwk, holder));
}

function sameKey(jwk: JsonObject, { publicJwk }: Holder): boolean {
  return publicJwk.kty === 'EC' && jwk.x === publicJwk.x && jwk.y === publicJwk.y && jwk.crv === publicJwk.crv;
}

function toHeld({ metadata, issuer, now }: Session, { configurationId }: Wanted, credential: string | JsonObject) {
  const supported = isJsonObject(metadata.credential_configurations_supported)
    ? metadata.credential_configurations_supported
    : {};
  const configuration = supported[configurationId];
  const format = isJsonObject(configuration) && typeof configuration.format === 'string' ? configuration.format : '';
  const text = typeof credential === 'string' ? credential : JSON.stringify(credential);
  const id = createHash('sha256').update(text).digest('base64url').slice(0, 12);
  const name = nameOf(configuration) ?? configurationId;
  return { id, configurationId, format, name, issuer, receivedAt: now().toISOString(), credential };
}

function nameOf(configuration: Json | undefined): string | undefined {
  const metadata = isJsonObject(configuration) ? configuration.credential_metadata : undefined;
  const display =
    isJsonObject(metadata) && Array.isArray(metadata.display) ? metadata.display.find(isJsonObject) : undefined;
  return typeof display?.name === 'string' ? display.name : undefined;
}

/** Section 11. What the issuer answers changes nothing for us: the credential is here, or it is not. */
async function notify(session: Session, id: Json | undefined, event: string): Promise<void> {
  const { metadata, send } = session;
  if (typeof id !== 'string' || typeof metadata.notification_endpoint !== 'string') return;
  await send(authorised(session, metadata.notification_endpoint, { notification_id: id, event })).catch(
    () => undefined,
  );
}
