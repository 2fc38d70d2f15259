/**
 * The composition root: builds the slices in rank order, hands each what it needs and nothing more, and mounts routes
 * by role. Read it from top to bottom to know the system. Time, randomness and the network enter the program here.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Access,
  accessEntities,
  createAccess,
  createDevelopmentProvider,
  createIdentityProvider,
  createSignIn,
  developmentClient,
  type SignIn,
} from './access/access.js';
import { accessRoutes } from './access/routes.js';
import { developmentProviderRoutes, signInRoutes } from './access/sign-in/routes.js';
import { type Audit, auditEntities, createAudit } from './audit/audit.js';
import { auditRoutes } from './audit/routes.js';
import type { ConfigTree, ServiceConfig } from './config.js';
import {
  type Catalogue,
  checkTerms,
  deriveCredential,
  loadCatalogue,
  secureCredential,
  verifyProof,
} from './credential/credential.js';
import { catalogueRoutes } from './credential/routes.js';
import { ServiceError } from './errors.js';
import { createHttpClient, type HttpClient } from './http/client.js';
import { healthRoutes } from './http/health.js';
import { drain } from './http/lifecycle.js';
import { describeError } from './http/logger.js';
import { createMetrics } from './http/metrics.js';
import { createServer, type HttpServer, type RouteAccess } from './http/server.js';
import {
  createIdentity,
  createSelfSignedCertificate,
  type DeriveKey,
  type Identity,
  type LoadedAgent,
  loadAgent,
  openKeyIdentity,
  readKeyEncryptionKey,
} from './identity/identity.js';
import { identityRoutes, resolutionRoutes } from './identity/routes.js';
import { createInstances } from './instances/instances.js';
import { instancesRoutes } from './instances/routes.js';
import { authorizationRoutes } from './issuance/authorization/routes.js';
import {
  authorizationEntities,
  createAuthorization,
  createCredentialIssuer,
  createDocumentRevocation,
  createIssuance,
  createOffers,
  createPassport,
  credentialIssuerEntities,
  type Issuance,
  issuanceEntities,
  type Offers,
  offersEntities,
  passportEntities,
} from './issuance/issuance.js';
import { offersRoutes } from './issuance/offers/routes.js';
import { credentialIssuerRoutes } from './issuance/oid4vci/routes.js';
import { passportRoutes } from './issuance/passport/routes.js';
import { issuanceRoutes } from './issuance/routes.js';
import {
  createListTrust,
  createRegistryAuthority,
  createRegistryClient,
  type RegistryAuthority,
  registryEntities,
} from './registry/registry.js';
import { registryRoutes } from './registry/routes.js';
import { statusRoutes } from './status/routes.js';
import { createStatusChecker, createStatusLists, type StatusLists, statusEntities } from './status/status.js';
import { claimDatabase, openStore, type Store } from './store/store.js';
import { oid4vpRoutes } from './verification/oid4vp/routes.js';
import { verificationRoutes } from './verification/routes.js';
import {
  acceptHolder,
  createPresentationRequests,
  createVerification,
  loadCertificates,
  loadTemplates,
  oid4vpEntities,
  type Verification,
} from './verification/verification.js';

/** A validated deployment file, as config.ts loads it. */
export interface Deployment {
  readonly config: ServiceConfig;
  readonly tree: ConfigTree;
  readonly baseFolder: string;
}

/** What surrounds the program; tests bring their own clock and certificate authority. */
export interface Surroundings {
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
  readonly environment: NodeJS.ProcessEnv;
  /** Hears of faults in the background, with where they happened; nothing in them is personal. */
  readonly onFault: (where: string, error: unknown) => void;
  /** Certificate authorities (PEM) beside the system's. */
  readonly ca?: string;
}

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

/** The surroundings of a real process. */
export function realSurroundings(): Surroundings {
  return {
    now: () => new Date(),
    random: randomBytes,
    environment: process.env,
    onFault: (where, error) => {
      const line = { level: 'error', time: new Date(), where, error: describeError(error) };
      process.stderr.write(`${JSON.stringify(line)}\n`);
    },
  };
}

/** Ranks 1 to 3: what every role and every operator command needs. */
export interface Foundation {
  readonly config: ServiceConfig;
  readonly store: Store;
  readonly audit: Audit;
  readonly deriveKey: DeriveKey;
  readonly loaded: LoadedAgent;
  readonly identity: Identity;
  readonly surroundings: Surroundings;
  close(): Promise<void>;
}

const entities = [
  ...auditEntities,
  ...accessEntities,
  ...statusEntities,
  ...registryEntities,
  ...issuanceEntities,
  ...oid4vpEntities,
  ...offersEntities,
  ...passportEntities,
  ...authorizationEntities,
  ...credentialIssuerEntities,
];

/** Opens database and agent. `migrate: 'refuse'` fails when the database is older than the program. */
export async function openFoundation(
  { config, tree, baseFolder }: Deployment,
  surroundings: Surroundings,
  migrate: 'run' | 'refuse',
): Promise<Foundation> {
  const keyEncryptionKey = readKeyEncryptionKey(config.keys, surroundings.environment);
  const store = await openStore({ database: config.database, entities, migrate });
  try {
    const onError = (error: unknown) => surroundings.onFault('audit', error);
    const audit = createAudit({ store, now: surroundings.now, onError });
    const loaded = await loadAgent(tree, { baseFolder, environment: surroundings.environment });
    const identity = createIdentity({
      agent: loaded.agent,
      did: config.did,
      formerDids: formerDidsOf(config),
      services: config.didServices,
      now: surroundings.now,
      parts: loaded,
      // Used only where the agent keeps no private keys itself (a hardware module): then nothing else outlives a rewrap.
      deriveKey: keyEncryptionKey.deriveKey,
      ...(config.development.loopback ? { publishSeconds: 1 } : {}),
    });
    const close = async () => {
      identity.stop();
      await loaded.close();
      await store.close();
    };
    const deriveKey: DeriveKey = (label, length) => identity.deriveKey(label, length);
    return { config, store, audit, deriveKey, loaded, identity, surroundings, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The authorization server of our own API (rank 2); the command `token` uses it too. */
export function openAccess({ store, audit, config, deriveKey, surroundings }: Foundation): Access {
  const { now, random } = surroundings;
  const onError = (error: unknown) => surroundings.onFault('access', error);
  return createAccess({ store, audit, now, config, deriveKey, random, onError });
}

/** The authority's side of the registry (rank 5); operator commands use it too. */
export function createAuthority({ config, store, audit, identity, surroundings }: Foundation): RegistryAuthority {
  return createRegistryAuthority({
    store,
    audit,
    agent: identity.agent,
    identity,
    secure: secureCredential,
    config,
    now: surroundings.now,
    onFault: (error) => surroundings.onFault('registry', error),
  });
}

/** The issuer's status lists (rank 5); `restore` uses them too. */
export function createLists({ config, store, deriveKey, identity, surroundings }: Foundation): StatusLists {
  const { now, random } = surroundings;
  return createStatusLists({
    store,
    agent: identity.agent,
    identity,
    secure: secureCredential,
    publicUrl: config.publicUrl,
    config: config.status,
    deriveKey,
    now,
    random,
    onFault: (error) => surroundings.onFault('status', error),
  });
}

/** Everything that runs in the background, started in order and stopped in reverse. */
interface Background {
  start(): unknown;
  stop(): unknown;
}

/** A service that can listen and drain. */
export interface App {
  readonly server: HttpServer;
  readonly foundation: Foundation;
  listen(): Promise<string>;
  /** Finishes what is in flight; false when something had to be cut off. */
  drain(): Promise<boolean>;
}

/** Builds the whole service; nothing listens yet. */
export async function createApp(deployment: Deployment, surroundings = realSurroundings()): Promise<App> {
  const foundation = await openClaimed(deployment, surroundings);
  try {
    return await buildApp(foundation);
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

/** A SQLite file has one serving process: at its start it takes over whatever another one has left unfinished. */
async function openClaimed(deployment: Deployment, surroundings: Surroundings): Promise<Foundation> {
  const { database } = deployment.config;
  refuseMissingDatabase(database);
  const claim = await claimDatabase(database);
  try {
    const opened = await openFoundation(deployment, surroundings, database.type === 'postgres' ? 'refuse' : 'run');
    return { ...opened, close: () => opened.close().finally(claim.release) };
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** A new database instead of a lost one would deny everything that was issued, and a mistyped path would go unseen. */
function refuseMissingDatabase(database: ServiceConfig['database']): void {
  if (database.type !== 'sqlite' || database.file === ':memory:' || existsSync(database.file)) return;
  throw new ServiceError('configuration', `${database.file} does not exist: run \`init\` or \`restore\` first`);
}

async function buildApp(foundation: Foundation): Promise<App> {
  const { config, audit, identity, surroundings } = foundation;
  const { now, random } = surroundings;
  await refuseUnsafeStart(foundation);
  const access = openAccess(foundation);
  const catalogue = loadCatalogue({ baseUrl: config.programme.baseUrl, root: packageRoot });
  const tls = await certificateOf(config, now());
  const options = { ...serverOptions(config, access.authorise), ...(tls ? { tls } : {}) };
  const server = await createServer({ ...options, now, newId: randomUUID });
  const background: Background[] = [identity, audit, access];
  const registryHost = config.registry.url === undefined ? undefined : new URL(config.registry.url).host;
  const client = createHttpClient({
    loopback: config.development.loopback,
    now,
    network: config.network,
    ...trustedBy(config, tls, surroundings),
    // Asked only after start, when `registry` below exists.
    allowHost(purpose, host) {
      if (purpose === 'schema') return config.verification.schemaHosts.includes(host);
      if (purpose === 'sign-in') return signInHostsOf(config).includes(host);
      return host === registryHost || (purpose !== 'registry' && registry.hosts().has(host));
    },
  });

  const authority = config.roles.includes('registry') ? createAuthority(foundation) : undefined;
  if (authority) background.push(authority);
  const registry = createRegistryClient({
    config: config.registry,
    fetch: client.forPurpose('registry'),
    agent: identity.agent,
    now,
    random,
    self: () => authority?.jwt(),
  });
  // decisions.md 5: no other did:web document is ever fetched.
  const mayResolve = (did: string) =>
    formerDidsOf(config).includes(did) ||
    registry.isAuthority(did) ||
    registry.isListed(did) ||
    acceptHolder(did, config.verification.holderHosts);
  if (!identity.restrictResolution(mayResolve) && !config.development.loopback) {
    const detail = '/resolver: takes no rules (it has no `attach`), so it would fetch the DID documents of strangers';
    throw new ServiceError('configuration', detail);
  }
  background.push(registry);

  await server.register(identityRoutes({ identity, formerDids: formerDidsOf(config) }));
  await server.register(resolutionRoutes({ identity, mayResolve }));
  await server.register(accessRoutes(access));
  await server.register(auditRoutes({ audit }));
  if (authority) await server.register(registryRoutes({ authority }));
  await server.register(catalogueRoutes({ catalogue, baseUrl: config.programme.baseUrl }));
  const parts = { foundation, server, background, client, catalogue, registry };
  const issuing = config.roles.includes('issuer') ? await addIssuer(parts) : undefined;
  if (issuing) {
    const signIn = await addSignIn(parts);
    const offers = await addOffers(parts, issuing, signIn);
    await addCredentialIssuer(parts, { issuance: issuing, offers, ...(signIn ? { signIn } : {}) });
  }
  const verification = config.roles.includes('verifier') ? await addVerifier(parts) : undefined;
  await addInstances(parts, issuing, verification);
  const metricsAccess = metricsAccessOf(config);
  await server.register(healthRoutes({ checks: healthChecks(foundation, registry), metricsAccess }));

  return toApp(parts);
}

/** With the longest usual grace still below 30 s, after which orchestrators kill. */
const deadlineMilliseconds = 25_000;

/** Identifiers that this organisation has given up; all of them below its own. */
function formerDidsOf({ did, formerPaths }: ServiceConfig): string[] {
  return formerPaths.map((path) => `${did}:${path}`);
}

/** What was built, as something that begins and ends. */
function toApp({ foundation, server, background, client }: Parts): App {
  const { listen } = foundation.config;

  /** Whatever fails to end must not keep the rest open: a connection left over keeps the process alive. */
  async function end(): Promise<boolean> {
    let clean = true;
    for (const part of [...background.toReversed(), { stop: client.close }, { stop: foundation.close }]) {
      try {
        await part.stop();
      } catch (error) {
        clean = false;
        foundation.surroundings.onFault('stopping', error);
      }
    }
    return clean;
  }

  return {
    server,
    foundation,
    async listen() {
      try {
        for (const part of background) await part.start();
        return await server.listen({ host: listen.host, port: listen.port }).catch(refuseAddress(listen));
      } catch (error) {
        await server.close();
        await end();
        throw error;
      }
    },
    async drain() {
      const { clean } = await drain(server, { graceMilliseconds: listen.graceMilliseconds, deadlineMilliseconds });
      return (await end()) && clean;
    },
  };
}

/** The usual mistake of an operator: another process, perhaps this very service, has the port. */
function refuseAddress({ host, port }: ServiceConfig['listen']): (cause: unknown) => never {
  return (cause) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new ServiceError('configuration', `listen: ${host}:${port} cannot be listened on (${reason})`, { cause });
  };
}

/** What the roles are added to. */
interface Parts {
  readonly foundation: Foundation;
  readonly server: HttpServer;
  readonly catalogue: Catalogue;
  readonly registry: ReturnType<typeof createRegistryClient>;
  readonly background: Background[];
  readonly client: HttpClient;
}

/** Ranks 5 and 6 of an issuer: status lists and the issuance cycle. */
async function addIssuer({ foundation, server, catalogue, registry, background }: Parts): Promise<Issuance> {
  const { config, store, audit, deriveKey, identity, surroundings } = foundation;
  const statusLists = createLists(foundation);
  const issuance = createIssuance({
    store,
    audit,
    agent: identity.agent,
    identity,
    secure: secureCredential,
    statusLists,
    catalogue,
    registry,
    organisation: { did: config.did, name: config.name, odsCode: config.odsCode },
    config: config.issuing,
    deriveKey,
    now: surroundings.now,
    random: surroundings.random,
    onFault: (error) => surroundings.onFault('issuance', error),
  });
  background.push(statusLists, issuance);
  await server.register(statusRoutes({ lists: statusLists }));
  await server.register(issuanceRoutes({ issuance, catalogue }));
  return issuance;
}

/** How people sign in: at the organisation's identity provider, or at our own stand-in on loopback. */
async function addSignIn({ foundation, server, client }: Parts): Promise<SignIn | undefined> {
  const { config, store, deriveKey, surroundings } = foundation;
  const { publicUrl, development, signIn: configured } = config;
  if (configured === undefined) return undefined;
  const { now, random } = surroundings;
  const onFault = (error: unknown) => surroundings.onFault('sign-in', error);
  if (configured.provider === 'development') {
    const seed = deriveKey('staff-passport/development-provider/v1', 32);
    await server.register(developmentProviderRoutes(createDevelopmentProvider({ publicUrl, seed, now, random })));
  }
  const { issuer, clientId } = { ...developmentClient(publicUrl), ...configured };
  const provider = createIdentityProvider({
    config: { ...configured, issuer, clientId, allowHttp: development.loopback },
    exchange: client.exchangeFor('sign-in'),
    now,
  });
  const signIn = createSignIn({ store, now, random, publicUrl, provider, onFault });
  await server.register(signInRoutes(signIn));
  return signIn;
}

/** Nobody else is asked who somebody is. */
function signInHostsOf({ publicUrl, signIn }: ServiceConfig): string[] {
  if (signIn === undefined) return [];
  return [new URL(signIn.issuer ?? publicUrl).host, ...signIn.hosts];
}

/** What HR offers to people, the pages on which they take it, and what wallets fetch of it. */
async function addOffers(
  { foundation, server, catalogue, background }: Parts,
  issuance: Issuance,
  signIn: SignIn | undefined,
): Promise<Offers> {
  const { config, store, audit, deriveKey, surroundings } = foundation;
  refuseUnknownTypes(catalogue, config.issuing.signInTypes);
  const offers = createOffers({
    store,
    audit,
    checkUnheld: issuance.checkUnheld,
    publicUrl: config.publicUrl,
    config: config.issuing,
    canSignIn: signIn !== undefined,
    deriveKey,
    random: surroundings.random,
    newId: randomUUID,
    now: surroundings.now,
    onFault: (error) => surroundings.onFault('offers', error),
  });
  background.push(offers);
  await server.register(offersRoutes({ offers, catalogue }));
  const passport = createPassport({ context: offers.context, random: surroundings.random });
  await server.register(passportRoutes({ passport, catalogue, ...(signIn ? { signIn } : {}) }));
  return offers;
}

/** Where wallets get what was offered: who they may be, and the credential endpoints. */
async function addCredentialIssuer(
  { foundation, server, catalogue, registry, background }: Parts,
  { issuance, offers, signIn }: { issuance: Issuance; offers: Offers; signIn?: SignIn },
): Promise<void> {
  const { config, store, audit, deriveKey, identity, surroundings } = foundation;
  const { now, random } = surroundings;
  const issuer = createCredentialIssuer({
    store,
    audit,
    issuance,
    documents: offers,
    config,
    catalogue,
    identity,
    registry,
    deriveKey,
    random,
    now,
    onFault: (error) => surroundings.onFault('oid4vci', error),
  });
  const authorization = createAuthorization({
    store,
    audit,
    offers,
    ...(signIn ? { signIn } : {}),
    publicUrl: config.publicUrl,
    configurations: issuer.configurations,
    now,
    random,
    newUuid: randomUUID,
    onFault: (error) => surroundings.onFault('authorization', error),
  });
  background.push(issuer, authorization);
  await server.register(authorizationRoutes(authorization));
  const revocation = createDocumentRevocation({ store, audit, cycle: issuance.cycle, withdraw: offers.withdrawIn });
  await server.register(credentialIssuerRoutes({ issuer, authorise: authorization.authorise, revocation }));
}

/** A mistyped name would hand out without sign-in what was meant to need it. */
function refuseUnknownTypes(catalogue: Catalogue, types: readonly string[]): void {
  const unknown = types.find((type) => catalogue.find(type) === undefined);
  if (unknown === undefined) return;
  throw new ServiceError('configuration', `/service/issuing/signInTypes: ${unknown} is not in the catalogue`);
}

/** Ranks 5 and 6 of a verifier: the status checker and the verdict. */
async function addVerifier(parts: Parts): Promise<Verification> {
  const { foundation, server, catalogue, registry, background, client } = parts;
  const { config, store, audit, identity, surroundings } = foundation;
  const statusChecker = createStatusChecker({
    fetch: client.forPurpose('status'),
    agent: identity.agent,
    verifyProof,
    ...createListTrust(registry, surroundings.now),
  });
  const verification = createVerification({
    agent: identity.agent,
    registry,
    catalogue,
    statusChecker,
    store,
    audit,
    config: config.verification,
    now: surroundings.now,
    schemas: {
      hosts: config.verification.schemaHosts,
      schemes: config.development.loopback ? ['https:', 'http:'] : ['https:'],
      fetch: client.forPurpose('schema'),
    },
    onFault: (error) => surroundings.onFault('verification', error),
  });
  background.push(verification);
  await server.register(verificationRoutes({ verification, open: config.verification.open }));
  await addPresentationRequests(parts, verification);
  return verification;
}

/** Rank 6: OpenID4VP, over the verdict. */
async function addPresentationRequests(parts: Parts, verification: Verification): Promise<void> {
  const { foundation, server, catalogue, background } = parts;
  const { config, store, audit, deriveKey, identity, surroundings } = foundation;
  const { now, random } = surroundings;
  const { publicUrl, programme } = config;
  const iris = new Map(catalogue.vocabulary.map(({ name, iri }) => [name, iri]));
  const requests = createPresentationRequests({
    store,
    audit,
    identity,
    certificates: loadCertificates(config.verification.x509, publicUrl),
    publicUrl,
    verify: verification.verifyPresentation,
    expand: (type) => (type === 'VerifiableCredential' ? credentialIri : iris.get(type)),
    deriveKey,
    random,
    now,
    onFault: (error) => surroundings.onFault('oid4vp', error),
  });
  const known = new Set([credentialIri, ...iris.values()]);
  const templates = loadTemplates({ root: packageRoot, catalogue });
  background.push(requests);
  const isKnownType = (iri: string) => known.has(iri);
  const { loopback } = config.development;
  await server.register(oid4vpRoutes({ requests, templates, baseUrl: programme.baseUrl, isKnownType, loopback }));
}

/** What both W3C contexts expand `VerifiableCredential` to. */
const credentialIri = 'https://www.w3.org/2018/credentials#VerifiableCredential';

/** Rank 7: the named service instances, over what the roles have. */
async function addInstances(
  { foundation, server }: Parts,
  issuing: Issuance | undefined,
  verification: Verification | undefined,
): Promise<void> {
  const { config, identity, surroundings } = foundation;
  if (config.instances.length === 0) return;
  const { agent } = identity;
  const openKey = (request: Parameters<typeof openKeyIdentity>[1]) => openKeyIdentity(agent, request);
  const common = {
    agent,
    identity,
    openKey,
    checkTerms,
    secure: secureCredential,
    now: surroundings.now,
  };
  const instances = await createInstances(config.instances, issuing && { ...common, issuance: issuing });
  const derive = (request: Parameters<typeof deriveCredential>[1]) => deriveCredential(agent, request);
  await server.register(instancesRoutes({ instances, derive, ...(verification ? { verification } : {}) }));
}

/** Counts by route and decision are the organisation's own business, unless it says otherwise. */
function metricsAccessOf({ metrics, development }: ServiceConfig): RouteAccess {
  return (metrics.open ?? development.loopback) ? 'public' : { scope: 'metrics:read' };
}

/** Outside loopback nothing starts that could lose or forge: durable storage, and keys that open and sign. */
async function refuseUnsafeStart({ config, store, identity }: Foundation): Promise<void> {
  const durability = await store.durability();
  if (!durability.ok && !config.development.loopback) {
    throw new ServiceError('configuration', `The database is not durable: ${durability.detail}`);
  }
  await identity.selfTest();
}

function serverOptions(config: ServiceConfig, authorise: Parameters<typeof createServer>[0]['authorise']) {
  const { tls } = config;
  const perMinute = (max: number) => ({ max, perSeconds: 60 });
  return {
    publicUrl: config.publicUrl,
    serviceName: config.name,
    version,
    authorise,
    metrics: createMetrics({ processMetrics: true }),
    logger: { level: config.logging.level },
    behindProxy: tls.mode === 'proxy',
    limits: {
      verify: perMinute(config.access.verifyPerMinute),
      token: perMinute(config.access.tokenPerMinute),
      wallet: perMinute(config.access.walletPerMinute),
    },
  };
}

interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** The certificate that we end TLS with, if we do. */
async function certificateOf({ tls }: ServiceConfig, now: Date): Promise<Certificate | undefined> {
  if (tls.mode === 'selfSigned') {
    return createSelfSignedCertificate(now);
  }
  if (tls.mode !== 'files' || !tls.certificateFile || !tls.keyFile) return undefined;
  return { certificate: readFileSync(tls.certificateFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') };
}

/** Nobody vouches for a self-signed certificate but we ourselves, when we read our own status lists. */
function trustedBy(config: ServiceConfig, tls: Certificate | undefined, { ca }: Surroundings): { ca?: string } {
  const own = config.tls.mode === 'selfSigned' ? tls?.certificate : undefined;
  const all = [ca, own].filter((pem) => pem !== undefined);
  return all.length === 0 ? {} : { ca: all.join('\n') };
}

function healthChecks({ store, identity, surroundings }: Foundation, registry: Parts['registry']) {
  return {
    database: async () => {
      await store.ping();
      return { ok: true };
    },
    keys: async () => ({ ok: identity.published() !== undefined }),
    registry: async () => {
      // An old copy makes verdicts indeterminate and issuing wait; taken out of service for it, this process would
      // publish no DID document and no status list either, and so spread the authority's outage to everybody.
      const { freshness } = registry.state(surroundings.now());
      return { ok: freshness !== 'absent', detail: freshness };
    },
  };
}
