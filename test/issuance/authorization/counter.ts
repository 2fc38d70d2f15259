/** The authorization server over a real store, with real offers, the development identity provider and a clock. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose';
import {
  accessEntities,
  createDevelopmentProvider,
  createIdentityProvider,
  createSignIn,
  developmentClient,
  type SignIn,
} from '../../../src/access/access.js';
import { developmentProviderRoutes, signInRoutes } from '../../../src/access/sign-in/routes.js';
import type { Audit } from '../../../src/audit/audit.js';
import { ServiceError } from '../../../src/errors.js';
import type { Exchange } from '../../../src/http/client.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../../src/http/server.js';
import {
  type Authorization,
  authorizationEntities,
  createAuthorization,
} from '../../../src/issuance/authorization/authorization.js';
import { authorizationRoutes } from '../../../src/issuance/authorization/routes.js';
import {
  createOffers,
  type MintedOffer,
  type OfferAnswer,
  type Offers,
  offersEntities,
} from '../../../src/issuance/offers/offers.js';
import { configurationIdOf, walletFormatNames } from '../../../src/issuance/offers/wallet-formats.js';
import type { JsonObject } from '../../../src/json.js';
import type { DatabaseConfig } from '../../../src/store/store.js';
import { catalogue } from '../../credential/examples.js';
import { caller, keyMaterial, openProgramme, type Programme } from '../../verification/programme.js';
import { offered } from '../offers/desk.js';
import { type Browser, openBrowser, type Page } from './browser.js';

export const issuer = 'https://rxa.example/trusts/rxa';
export const nurse = 'staff-4711';
export const redirectUri = 'https://wallet.example/cb';
export const clientId = 'https://wallet.example';
export const preAuthorized = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by member name, as a wallet would
  readonly body: any;
}

type Form = Readonly<Record<string, string | undefined>>;

export interface Counter {
  readonly programme: Programme;
  readonly server: HttpServer;
  readonly offers: Offers;
  readonly signIn: SignIn;
  readonly authorization: Authorization;
  readonly faults: unknown[];
  /** What audit does: a test may make it fail. */
  audit: { record: Audit['record'] };
  /** HR prepares documents for the nurse. */
  offer(types?: readonly string[], more?: { txCode?: boolean; requireSignIn?: boolean }): Promise<OfferAnswer>;
  /** A credential offer for a wallet, made by HR's system. */
  mint(offer: OfferAnswer, grantType?: MintedOffer['credentialOffer'] | string, format?: string): Promise<MintedOffer>;
  post(path: string, form: Form, headers?: Record<string, string>): Promise<Answer>;
  browser(): Browser;
  /** Moves the clock. */
  pass(milliseconds: number): void;
  /** How many rows each table has that a refused request must not touch. */
  rows(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

const tables = ['wallet_request', 'wallet_session', 'wallet_refresh_token', 'audit_record'];

export async function openCounter(
  database?: DatabaseConfig,
  { withSignIn = true, perMinute = 100_000 } = {},
): Promise<Counter> {
  const programme = await openProgramme(database, [...offersEntities, ...accessEntities, ...authorizationEntities]);
  // These tests move the clock by months.
  programme.registry.nextUpdate = '2028-01-01T00:00:00Z';
  const { store } = programme;
  const now = () => programme.clock.now;
  const faults: unknown[] = [];
  const onFault = (error: unknown) => void faults.push(error);
  const audit = { record: programme.audit.record };
  const recorder = { record: (...call: Parameters<Audit['record']>) => audit.record(...call) };
  const server = await createServer({
    publicUrl: issuer,
    serviceName: 'RXA',
    version: '0',
    authorise: async () => {
      throw new ServiceError('unauthorized', 'Nobody here.');
    },
    metrics: createMetrics(),
    checkResponses: true,
    limits: { wallet: { max: perMinute, perSeconds: 60 } },
    now,
    pressure: { patienceMilliseconds: Number.MAX_SAFE_INTEGER },
    newId: randomUUID,
  });
  const provider = createIdentityProvider({
    config: { ...developmentClient(issuer), scopes: ['openid'], subjectClaim: 'sub', allowHttp: false },
    exchange: exchangeWith(server),
    now,
  });
  const signIn = createSignIn({ store, now, random: randomBytes, publicUrl: issuer, provider, onFault });
  const development = createDevelopmentProvider({
    publicUrl: issuer,
    seed: keyMaterial('oidc', 32),
    now,
    random: randomBytes,
  });
  const offers = createOffers({
    store,
    audit: recorder,
    checkUnheld: programme.issuance().checkUnheld,
    publicUrl: issuer,
    config: { signInTypes: ['RightToWorkCredential'], idempotencyHours: 24 },
    canSignIn: true,
    deriveKey: keyMaterial,
    random: randomBytes,
    newId: randomUUID,
    now,
  });
  const types = catalogue.types.flatMap(({ type }) =>
    walletFormatNames.map((format) => [configurationIdOf(type, format), type] as const),
  );
  const authorization = createAuthorization({
    store,
    audit: recorder,
    offers,
    ...(withSignIn ? { signIn } : {}),
    publicUrl: issuer,
    configurations: new Map(types),
    now,
    random: randomBytes,
    newUuid: randomUUID,
    onFault,
  });
  await server.register(signInRoutes(signIn));
  await server.register(developmentProviderRoutes(development));
  await server.register(authorizationRoutes(authorization));

  return {
    programme,
    server,
    offers,
    signIn,
    authorization,
    faults,
    audit,
    offer: (chosen = ['StaffIdentityCredential'], { txCode = true, requireSignIn = false } = {}) =>
      offers.create(
        {
          credentials: chosen.map((type) => ({ credential: offered(type), requireSignIn })),
          person: { signInSubject: nurse },
          txCode,
        },
        caller,
      ),
    mint: ({ offerId }, grantType = 'pre-authorized_code', format = 'sd_jwt') =>
      offers.mint(
        { offerId, grantType: grantType as 'authorization_code', walletFormats: [format as 'sd_jwt'] },
        caller,
      ),
    async post(path, form, headers = {}) {
      const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const answer = await server.inject({
        method: 'POST',
        url: path,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        payload: new URLSearchParams(given).toString(),
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
    },
    browser: () => openBrowser(server, issuer),
    pass(milliseconds) {
      programme.clock.now = new Date(programme.clock.now.getTime() + milliseconds);
    },
    async rows() {
      const counts = tables.map(async (table) => {
        const [row] = await store.read((tx) => tx.query(`SELECT COUNT(*) AS n FROM ${table}`));
        return [table, Number(row.n)] as const;
      });
      return Object.fromEntries(await Promise.all(counts));
    },
    async close() {
      await server.close();
      await programme.close();
    },
  };
}

/** The way out, led back in: the identity provider is on the same server. */
function exchangeWith(server: HttpServer): Exchange {
  return async ({ method, url, headers, body }) => {
    const { pathname, search } = new URL(url);
    const answer = await server.inject({
      method,
      url: `${pathname}${search}`,
      headers: { ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });
    const contentType = String(answer.headers['content-type'] ?? '');
    return {
      status: answer.statusCode,
      headers: { 'content-type': contentType },
      contentType,
      body: answer.rawPayload,
    };
  };
}

/** The code and tx_code that a wallet redeems. */
export function redemption(minted: MintedOffer, txCode: string | undefined): Form {
  const grants = minted.credentialOffer.grants as JsonObject;
  const code = (grants[preAuthorized] as JsonObject)['pre-authorized_code'] as string;
  return { grant_type: preAuthorized, 'pre-authorized_code': code, tx_code: txCode };
}

export function issuerStateOf(minted: MintedOffer): string {
  const grants = minted.credentialOffer.grants as JsonObject;
  return (grants.authorization_code as JsonObject).issuer_state as string;
}

/** PKCE (RFC 7636). */
export function newPkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** An authorization request that is good, unless a test changes it. */
export function asking(challenge: string, changes: Form = {}): Form {
  return {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'af0ifjsldkj',
    ...changes,
  };
}

export function authorizeUrl(form: Form): string {
  const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `${issuer}/authorize?${new URLSearchParams(given).toString()}`;
}

/** The person signs in and answers; ends at the wallet. */
export async function consent(
  counter: Counter,
  url: string,
  { subject = nurse, decision = 'allow' } = {},
): Promise<{ asked: Page; left: URL }> {
  const browser = counter.browser();
  const signIn = await browser.get(url);
  const asked = await browser.submit(signIn, { subject });
  if (asked.status >= 400) return { asked, left: browser.linkFrom(asked) };
  const { left } = await browser.submit(asked, { decision });
  if (left === undefined) throw new Error(`The browser stayed: ${asked.status} ${asked.body}`);
  return { asked, left };
}

/** Everything up to the code. */
export async function obtainCode(counter: Counter, changes: Form = {}): Promise<{ code: string; verifier: string }> {
  const { verifier, challenge } = newPkce();
  const pushed = await counter.post('/par', asking(challenge, changes));
  if (pushed.status !== 201) throw new Error(JSON.stringify(pushed.body));
  const url = authorizeUrl({ client_id: changes.client_id ?? clientId, request_uri: pushed.body.request_uri });
  const { left } = await consent(counter, url);
  const code = left.searchParams.get('code');
  if (code === null) throw new Error(left.href);
  return { code, verifier };
}

export function codeForm({ code, verifier }: { code: string; verifier: string }, changes: Form = {}): Form {
  return {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    client_id: clientId,
    redirect_uri: redirectUri,
    ...changes,
  };
}

/** A wallet's DPoP key and its proofs (RFC 9449). */
export interface DpopKey {
  readonly jwk: JWK;
  readonly jkt: string;
  prove(parts: ProofParts): Promise<string>;
}

export interface ProofParts {
  readonly url: string;
  readonly method?: string;
  readonly token?: string;
  readonly at: Date;
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly signWith?: KeyObject | Uint8Array;
}

export async function newDpopKey(): Promise<DpopKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = await exportJWK(publicKey);
  return {
    jwk,
    jkt: await calculateJwkThumbprint(jwk),
    async prove({ url, method = 'POST', token, at, header = {}, claims = {}, signWith = privateKey }) {
      const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
      const iat = Math.floor(at.getTime() / 1000);
      const payload = { jti: randomUUID(), htm: method, htu: url, iat, ...ath, ...claims };
      const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
      return new SignJWT(given)
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
        .sign(signWith, { crit: { exp: true } });
    },
  };
}
