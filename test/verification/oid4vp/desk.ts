/**
 * A verifier that asks for presentations, and small wallets that answer: a holder's key, credentials that the programme
 * issued to it, and the protocol as a wallet speaks it, on `jose` and with nothing of src/ but the address of the server.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import {
  CompactEncrypt,
  decodeProtectedHeader,
  exportJWK,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { securePresentation } from '../../../src/credential/credential.js';
import { ServiceError } from '../../../src/errors.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../../src/http/server.js';
import type { DatabaseConfig } from '../../../src/store/store.js';
import { type CertificateFiles, loadCertificates } from '../../../src/verification/oid4vp/certificates.js';
import { oid4vpRoutes } from '../../../src/verification/oid4vp/routes.js';
import {
  createPresentationRequests,
  loadTemplates,
  oid4vpEntities,
  type PresentationRequests,
} from '../../../src/verification/verification.js';
import { baseUrl } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { keyMaterial, openProgramme, type Programme, publicUrl } from '../programme.js';

const root = new URL('../../..', import.meta.url).pathname;
const credentialIri = 'https://www.w3.org/2018/credentials#VerifiableCredential';

export interface Desk {
  readonly programme: Programme;
  readonly server: HttpServer;
  readonly requests: PresentationRequests;
  /** What the server logged, for the tests that look for personal data in it. */
  readonly log: string[];
  /** As the verifier's system `portal`, or another one. */
  call(method: 'GET' | 'POST', url: string, body?: object, as?: string): ReturnType<Desk['answerOf']>;
  answerOf(options: object): Promise<Answer>;
  ask(body: object): Promise<Asked>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the test is about
  readonly body: any;
}

/** A request as its verifier knows it. */
export interface Asked {
  readonly id: string;
  readonly uri: string;
  readonly pageUrl: string;
  readonly statusUrl: string;
  readonly qrSvg?: string;
  readonly expiresAt: string;
}

async function authorise(authorization: string | undefined, scope: string) {
  const clientId = /^Bearer (\w+)$/.exec(authorization ?? '')?.[1];
  if (clientId === undefined) throw new ServiceError('unauthorized', 'A valid access token is needed.');
  if (clientId === 'stranger') throw new ServiceError('forbidden', `The token lacks the scope ${scope}.`);
  return { clientId, scopes: [scope] };
}

export interface DeskOptions {
  readonly x509?: readonly CertificateFiles[];
  readonly url?: string;
  readonly database?: DatabaseConfig;
}

export async function openDesk(options: DeskOptions = {}): Promise<Desk> {
  const address = options.url ?? publicUrl;
  const programme = await openProgramme(options.database, oid4vpEntities);
  const now = () => programme.clock.now;
  const { agent, es256 } = programme.agent;
  const log: string[] = [];
  const iris = new Map(catalogue.vocabulary.map(({ name, iri }) => [name, iri]));
  const requests = createPresentationRequests({
    store: programme.store,
    audit: programme.audit,
    identity: {
      agent,
      did: 'did:web:rxa.example',
      signingKey: async () => ({ ...es256, algorithm: 'ES256', thumbprint: '' }),
    },
    certificates: loadCertificates(options.x509 ?? [], address),
    publicUrl: address,
    verify: programme.verification().verifyPresentation,
    expand: (type) => (type === 'VerifiableCredential' ? credentialIri : iris.get(type)),
    deriveKey: keyMaterial,
    random: randomBytes,
    now,
    onFault: (error) => void programme.faults.push(error),
  });
  const server = await createServer({
    publicUrl: address,
    serviceName: 'Rexford',
    version: '0.1.0',
    authorise,
    metrics: createMetrics(),
    checkResponses: true,
    logger: { level: 'debug', stream: { write: (line: string) => void log.push(line) } },
    pressure: { maxEventLoopDelayMilliseconds: 0 },
    now,
    newId: randomUUID,
  });
  await server.register(
    oid4vpRoutes({
      requests,
      templates: loadTemplates({ root, catalogue }),
      baseUrl,
      isKnownType: (iri) => iri === credentialIri || [...iris.values()].includes(iri),
      loopback: false,
    }),
  );
  await server.ready();

  async function answerOf(request: object): Promise<Answer> {
    const { statusCode, headers, body } = await server.inject(request);
    const isJson = String(headers['content-type']).includes('json');
    return { status: statusCode, headers, text: body, body: isJson && body !== '' ? JSON.parse(body) : undefined };
  }

  const call: Desk['call'] = (method, url, body, as = 'portal') =>
    answerOf({ method, url, headers: { authorization: `Bearer ${as}` }, ...(body && { payload: body }) });

  return {
    programme,
    server,
    requests,
    log,
    call,
    answerOf,
    async ask(body) {
      const answer = await call('POST', '/vp/requests', body);
      if (answer.status !== 201) throw new Error(`not asked: ${answer.text}`);
      return answer.body as Asked;
    },
    async close() {
      await requests.stop();
      await server.close();
      await programme.close();
    },
  };
}

/** A question as a wallet has read it. */
export interface Question {
  readonly parameters: JWTPayload & {
    readonly client_id: string;
    readonly nonce: string;
    readonly state: string;
    readonly response_uri: string;
    readonly response_mode: string;
    // biome-ignore lint/suspicious/noExplicitAny: as it was sent
    readonly client_metadata: any;
    // biome-ignore lint/suspicious/noExplicitAny: as it was sent
    readonly dcql_query: any;
  };
  readonly header: ReturnType<typeof decodeProtectedHeader>;
}

/** What a test may have the wallet do wrong. */
export interface Mistakes {
  readonly nonce?: string;
  readonly aud?: string;
  readonly iss?: string;
  readonly claims?: JWTPayload;
  readonly header?: object;
  readonly signWith?: KeyObject;
}

export interface Wallet {
  readonly did: string;
  readonly jwk: JWK;
  readonly key: KeyObject;
  /** Has a credential of the catalogue issued to this wallet. */
  receive(type: string, options?: { format?: string; subject?: object; holder?: string }): Promise<string | object>;
  /** Reads a request as it stands in a link or code. */
  read(uri: string, options?: { method?: 'GET' | 'POST'; walletNonce?: string }): Promise<Question>;
  /** A presentation as a VCDM 1.1 JWT. */
  present(question: Question, credentials: readonly (string | object)[], mistakes?: Mistakes): Promise<string>;
  /** Posts the parameters of a response. */
  post(question: Question, parameters: Readonly<Record<string, string>>): Promise<Answer>;
  /** Answers with presentations by query id. */
  answer(question: Question, vpToken: object, changes?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The same encrypted. */
  encrypted(question: Question, payload: object, options?: { key?: JWK; header?: object }): Promise<string>;
}

export async function createWallet(desk: Desk): Promise<Wallet> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = await exportJWK(publicKey);
  const did = `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString('base64url')}`;
  const seconds = () => Math.floor(desk.programme.clock.now.getTime() / 1000);

  const wallet: Wallet = {
    did,
    jwk,
    key: privateKey,
    async receive(type, { format = 'jwt_vc', subject = {}, holder = did } = {}) {
      const { credentialSubject, ...example } = structuredClone(catalogue.find(type)?.example ?? {});
      const credential = {
        ...example,
        credentialSubject: { ...(credentialSubject as object), ...subject, id: holder },
      };
      const order = { credential, options: { format } } as never;
      const issued = await desk.programme.issuance().issue(order, { clientId: 'hr-system' });
      return issued.verifiableCredential as string | object;
    },
    async read(uri, { method = 'GET', walletNonce } = {}) {
      const link = new URL(uri);
      const requestUri = link.searchParams.get('request_uri');
      if (requestUri === null) return readLink(link);
      const form = walletNonce === undefined ? {} : { wallet_nonce: walletNonce };
      const { pathname } = new URL(requestUri);
      const answer =
        method === 'GET'
          ? await desk.answerOf({ url: pathname, headers: { accept: 'application/oauth-authz-req+jwt' } })
          : await desk.answerOf({ method, url: pathname, ...asForm(form) });
      if (answer.status !== 200) throw new Error(`not read: ${answer.status} ${answer.text}`);
      const header = decodeProtectedHeader(answer.text);
      const key = await signerOf(desk, header);
      const options = { audience: 'https://self-issued.me/v2', currentDate: desk.programme.clock.now };
      const { payload } = await jwtVerify(answer.text, key, { ...options, typ: 'oauth-authz-req+jwt' });
      if (payload['client_id'] !== link.searchParams.get('client_id')) throw new Error('client_id differs');
      return { header, parameters: payload as Question['parameters'] };
    },
    present(question, credentials, mistakes = {}) {
      const { client_id: audience, nonce } = question.parameters;
      const payload = {
        iss: mistakes.iss ?? did,
        aud: mistakes.aud ?? audience,
        nonce: mistakes.nonce ?? nonce,
        iat: seconds(),
        nbf: seconds(),
        exp: seconds() + 300,
        vp: {
          '@context': ['https://www.w3.org/2018/credentials/v1'],
          type: ['VerifiablePresentation'],
          verifiableCredential: credentials,
        },
        ...mistakes.claims,
      };
      const header = { alg: 'ES256', typ: 'JWT', kid: `${did}#0`, ...mistakes.header };
      return new SignJWT(payload as JWTPayload).setProtectedHeader(header).sign(mistakes.signWith ?? privateKey);
    },
    post(question, parameters) {
      const { pathname } = new URL(question.parameters.response_uri);
      return desk.answerOf({ method: 'POST', url: pathname, ...asForm(parameters) });
    },
    answer(question, vpToken, changes = {}) {
      const { state } = question.parameters;
      return wallet.post(question, { vp_token: JSON.stringify(vpToken), state, ...changes });
    },
    async encrypted(question, payload, { key, header = {} } = {}) {
      const offered = question.parameters.client_metadata.jwks.keys[0] as JWK;
      const to = await importJWK(key ?? offered, 'ECDH-ES');
      return new CompactEncrypt(Buffer.from(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM', kid: offered.kid ?? '', ...header })
        .encrypt(to);
    },
  };
  return wallet;
}

/** Parameters by value: objects are JSON texts (OpenID4VP 1.0 5.1). */
function readLink(link: URL): Question {
  const parameters = Object.fromEntries(
    [...link.searchParams].map(([name, value]) => [name, value.startsWith('{') ? JSON.parse(value) : value]),
  );
  return { header: { alg: 'none' }, parameters: parameters as Question['parameters'] };
}

/** The key of the DID document that kid names, or of the leaf in x5c. */
async function signerOf({ programme }: Desk, header: Question['header']) {
  if (header.x5c !== undefined) {
    const { X509Certificate } = await import('node:crypto');
    return new X509Certificate(Buffer.from(header.x5c[0] ?? '', 'base64')).publicKey;
  }
  if (header.kid !== programme.agent.es256.kid) throw new Error('kid is not in the DID document');
  return importJWK(programme.agent.es256.jwk as JWK, 'ES256');
}

export function asForm(fields: Readonly<Record<string, string>>) {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(fields).toString(),
  };
}

/** A presentation with a Data Integrity proof, of the holder whom the programme's agent knows. */
export async function presentWithProof(
  { programme }: Desk,
  { parameters }: Question,
  credentials: readonly object[],
  changes: { challenge?: string; domain?: string } = {},
): Promise<object> {
  const { verifiablePresentation } = await securePresentation(programme.agent.agent, {
    format: 'eddsa-rdfc-2022',
    key: programme.agent.holder.key,
    challenge: changes.challenge ?? parameters.nonce,
    domain: changes.domain ?? parameters.client_id,
    now: programme.clock.now,
    presentation: {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder: programme.agent.holder.did,
      verifiableCredential: credentials,
    } as never,
  } as never);
  return verifiablePresentation as object;
}
