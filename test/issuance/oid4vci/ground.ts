/** The credential endpoints over a real store, a real agent and a real server; what is offered to whom is the test's. */
import { randomBytes, randomUUID } from 'node:crypto';
import { ServiceError } from '../../../src/errors.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { OAuthError } from '../../../src/http/oauth-errors.js';
import { createServer, type HttpServer } from '../../../src/http/server.js';
import type { Issuance, IssuanceDependencies } from '../../../src/issuance/issuance.js';
import {
  type CredentialIssuer,
  createCredentialIssuer,
  credentialIssuerEntities,
  type OfferedDocument,
  type WalletAccess,
} from '../../../src/issuance/oid4vci/credential-issuer.js';
import { credentialIssuerRoutes } from '../../../src/issuance/oid4vci/routes.js';
import type { JsonObject } from '../../../src/json.js';
import type { DatabaseConfig } from '../../../src/store/store.js';
import { trust } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { keyMaterial, openProgramme, organisation, type Programme } from '../../verification/programme.js';
import { type ProofParts, prove, type WalletKey } from './wallet.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Session {
  readonly token: string;
  readonly access: Mutable<WalletAccess>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by member name, as a wallet would
  readonly body: any;
}

export interface Ground {
  readonly programme: Programme;
  readonly publicUrl: string;
  readonly server: HttpServer;
  readonly issuer: CredentialIssuer;
  readonly issuance: Issuance;
  readonly documents: Map<string, Mutable<OfferedDocument>>;
  /** How often everything was sent, from 1. */
  generation: number;
  /** Offers a document of the catalogue; its content is the type's example. */
  offer(type: string, changes?: Partial<OfferedDocument>, content?: JsonObject): Mutable<OfferedDocument>;
  /** An access token for documents. */
  session(documents: readonly OfferedDocument[], formats: readonly string[], more?: Partial<WalletAccess>): Session;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  nonce(): Promise<string>;
  /** A proof that is good, unless a test changes it. */
  proof(key: WalletKey, changes?: Partial<ProofParts>): Promise<string>;
  ask(session: Session, body: object): Promise<Answer>;
  /** How many rows each table has that a refused request must not touch. */
  rows(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

const tables = [
  'issuance',
  'status_entry',
  'audit_record',
  'wallet_nonce',
  'wallet_proof',
  'wallet_copy',
  'wallet_delivery',
  'wallet_deferral',
];

export interface GroundOptions {
  readonly database?: DatabaseConfig;
  readonly publicUrl?: string;
  readonly issuing?: Partial<IssuanceDependencies>;
}

export async function openGround({
  database,
  publicUrl = 'https://rxa.example',
  issuing = {},
}: GroundOptions = {}): Promise<Ground> {
  const programme = await openProgramme(database, credentialIssuerEntities);
  const now = () => programme.clock.now;
  const documents = new Map<string, Mutable<OfferedDocument>>();
  const contents = new Map<string, JsonObject>();
  const sessions = new Map<string, Session>();
  const issuance = programme.issuance(issuing);
  const keys = { ES256: programme.agent.es256, EdDSA: programme.agent.ed25519 };
  const issuer = createCredentialIssuer({
    store: programme.store,
    audit: programme.audit,
    issuance,
    documents: {
      read: async () => ({ documents: [...documents.values()] }),
      documents: async (_tx, ids) => ids.flatMap((id) => documents.get(id) ?? []),
      async content(_tx, id) {
        const content = contents.get(id);
        if (content === undefined) throw new ServiceError('gone', 'The content is not kept any more.');
        return structuredClone(content);
      },
      isCurrent: async (_tx, { generation }) => generation === ground.generation,
      async markIssued(_tx, { documentId }) {
        const document = documents.get(documentId);
        if (document) document.state = 'issued';
      },
    },
    config: { publicUrl, name: organisation().name },
    catalogue,
    identity: {
      agent: programme.agent.agent,
      did: trust,
      document: () => programme.agent.documents.get(trust) as JsonObject,
      signingKey: async (algorithm) => ({ ...keys[algorithm as 'ES256'], thumbprint: '' }),
    },
    registry: programme.registry.view,
    deriveKey: keyMaterial,
    random: randomBytes,
    now,
    onFault: (error) => void programme.faults.push(error),
  });
  const server = await createServer({
    publicUrl,
    serviceName: 'RXA',
    version: '0',
    authorise: async () => {
      throw new ServiceError('unauthorized', 'Nobody here.');
    },
    metrics: createMetrics(),
    checkResponses: true,
    now,
    pressure: { patienceMilliseconds: Number.MAX_SAFE_INTEGER },
    newId: randomUUID,
  });
  await server.register(
    credentialIssuerRoutes({
      issuer,
      async authorise({ authorization, url }) {
        if (url.includes('access_token')) throw new OAuthError('invalid_request', 'In the header only.');
        const session = sessions.get(/^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '');
        if (session) return session.access;
        throw new OAuthError('invalid_token', 'The access token is not good.', {
          challenge: 'Bearer error="invalid_token"',
        });
      },
    }),
  );
  await issuer.start();

  const basePath = new URL(publicUrl).pathname.replace(/\/$/, '');
  const ground: Ground = {
    programme,
    publicUrl,
    server,
    issuer,
    issuance,
    documents,
    generation: 1,
    offer(type, changes = {}, content) {
      const example = structuredClone(content ?? catalogue.find(type)?.example ?? {});
      const { id: _holder, ...subject } = example['credentialSubject'] as JsonObject;
      const document = { id: randomUUID(), type, state: 'offered' as const, signInRequired: false, ...changes };
      documents.set(document.id, document);
      contents.set(document.id, { ...example, credentialSubject: subject });
      return document;
    },
    session(granted, formats, more = {}) {
      const token = randomBytes(16).toString('hex');
      const configurationIds = [
        ...new Set(granted.flatMap(({ type }) => formats.map((format) => `${type}_${format}`))),
      ];
      const access: Mutable<WalletAccess> = {
        sessionId: randomUUID(),
        generation: 0,
        grant: {
          offerId: 'offer',
          documentIds: granted.map(({ id }) => id),
          configurationIds,
          signedIn: false,
          generation: ground.generation,
        },
        identifiers: false,
        ...more,
      };
      const session = { token, access };
      sessions.set(token, session);
      return session;
    },
    async post(path, body, headers = {}) {
      const {
        statusCode,
        payload,
        headers: answered,
      } = await server.inject({
        method: 'POST',
        url: `${basePath}${path}`,
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: statusCode, headers: answered, body: payload === '' ? undefined : JSON.parse(payload) };
    },
    nonce: async () => (await ground.post('/nonce', {})).body.c_nonce,
    proof: async (key, changes = {}) =>
      prove(key, {
        aud: publicUrl,
        nonce: changes.nonce ?? (await ground.nonce()),
        iat: Math.floor(programme.clock.now.getTime() / 1000),
        ...changes,
      }),
    ask: (session, body) => ground.post('/credential', body, { authorization: `Bearer ${session.token}` }),
    async rows() {
      const counts: Record<string, number> = {};
      for (const table of tables) {
        const [row] = await programme.store.read((tx) => tx.query(`SELECT COUNT(*) AS n FROM ${table}`));
        counts[table] = Number(row.n);
      }
      return counts;
    },
    async close() {
      await server.close();
      await issuer.stop();
      await programme.close();
    },
  };
  return ground;
}
