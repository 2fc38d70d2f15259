/**
 * The only way out. Documents are asked for by GET, by a policy of their purpose: https to a public host, no
 * redirects, no compression, bounded in time, bytes and number. Addresses are judged when the connection is made and
 * once more on the open socket, so that a name which changes between two answers (DNS rebinding) gains nothing.
 * Who calls: identity/ (did), status/ (status), registry/ (registry), credential/ (schema). Coalescing is the caller's.
 * Conversations (signing in, the command-line wallet) may POST and read answers of any status, under the same guards.
 */

import { lookup as lookupOfSystem, Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { ServiceError } from '../errors.js';
import { isAllowedAddress, type Ports, parseTarget, type Reach, type Target } from './client-addresses.js';
import { FetchError, type FetchReason } from './client-errors.js';
import { createGate, defaultGateLimits, type Gate, type GateLimits } from './client-gate.js';

export { FetchError } from './client-errors.js';

/** What a document is wanted for; each purpose has its policy. */
export type FetchPurpose = 'did' | 'status' | 'registry' | 'schema';

/** What is said to another service on a person's behalf. */
export type ExchangePurpose = 'sign-in' | 'wallet';

/** A document as it came; nothing of it has been checked but its size and type. */
export interface FetchResult {
  readonly status: number;
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag?: string;
  readonly maxAgeSeconds?: number;
  /** The sender's clock, when it told it. */
  readonly date?: Date;
}

/** Gets a document: 200, or 304 where `ifNoneMatch` was given; everything else is a FetchError. */
export type Fetch = (url: string, options?: { ifNoneMatch?: string; signal?: AbortSignal }) => Promise<FetchResult>;

/** A request of a conversation; its headers are the caller's. */
export interface Outgoing {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** An answer of any status but a redirect; header names in lower case, a header that came twice joined by commas. */
export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Sends a request and reads the answer; throws FetchError when there is none that may be read. */
export type Exchange = (request: Outgoing) => Promise<Incoming>;

/** What a purpose may ask for and receive. */
export interface FetchPolicy {
  readonly ports: Ports;
  readonly mediaTypes: readonly string[];
  readonly maxBytes: number;
  /** For everything: waiting, connecting, the last byte. */
  readonly deadlineMilliseconds: number;
}

const didTypes = ['application/did+json', 'application/did+ld+json', 'application/did'];
const credentialTypes = [
  'application/vc',
  'application/vc+ld+json',
  'application/vc+jwt',
  'application/vc+ld+json+jwt',
];
const plainTypes = ['application/json', 'application/ld+json'];

/** Bounds of security.md §6.1; a verdict is promised within 5 s in all, so no single fetch may take longer. */
const defaultPolicies: Readonly<Record<FetchPurpose | ExchangePurpose, FetchPolicy>> = {
  did: { ports: [443], mediaTypes: [...didTypes, ...plainTypes], maxBytes: 64 * 1024, deadlineMilliseconds: 3000 },
  status: {
    ports: [443],
    mediaTypes: [...credentialTypes, ...plainTypes, 'application/jwt', 'application/statuslist+jwt'],
    maxBytes: 1024 * 1024,
    deadlineMilliseconds: 4000,
  },
  registry: {
    ports: [443],
    mediaTypes: [...credentialTypes, ...plainTypes, 'application/jwt'],
    maxBytes: 4 * 1024 * 1024,
    deadlineMilliseconds: 5000,
  },
  schema: {
    ports: [443],
    mediaTypes: ['application/schema+json', ...credentialTypes, ...plainTypes],
    maxBytes: 256 * 1024,
    deadlineMilliseconds: 3000,
  },
  // Provider and port stand in the configuration; a person waits for the answer.
  'sign-in': {
    ports: 'any',
    mediaTypes: [...plainTypes, 'application/jwt'],
    maxBytes: 256 * 1024,
    deadlineMilliseconds: 5000,
  },
  // A person pasted the address; an issuer may have to write and sign thirty credentials.
  wallet: {
    ports: 'any',
    mediaTypes: [...didTypes, ...plainTypes, 'application/jwt', 'application/oauth-authz-req+jwt'],
    maxBytes: 4 * 1024 * 1024,
    deadlineMilliseconds: 30_000,
  },
};

/** Resolves a name to addresses; every one of them is judged. */
export type Lookup = (hostname: string) => Promise<readonly { address: string; family: 4 | 6 }[]>;

/** The network that the service stands in, as its configuration says. */
export interface Network {
  /** Certificate authorities (PEM) beside the system's. */
  readonly certificateAuthoritiesFile?: string;
  /** Hosts that are asked by https as all others are, but may have private addresses. */
  readonly privateHosts?: readonly string[];
}

export interface HttpClientOptions {
  /** The development switch: http is allowed and nothing but this machine is reachable. */
  readonly loopback: boolean;
  readonly now: () => Date;
  /** Certificate authorities in PEM, beside the system's. */
  readonly ca?: string;
  readonly lookup?: Lookup;
  /**
   * Production passes the hosts of the registry: `host` has its port unless that is the standard one. Since it names
   * ports too, it stands in for the ports of the policies: a trust may publish on 8443, and nobody else is asked there.
   */
  readonly allowHost?: (purpose: FetchPurpose | ExchangePurpose, host: string) => boolean;
  readonly network?: Network;
  readonly policies?: Partial<Record<FetchPurpose | ExchangePurpose, Partial<FetchPolicy>>>;
  readonly gate?: Partial<GateLimits>;
  /** How long a failure answers in place of the host; 0 turns that off. */
  readonly negativeCacheMilliseconds?: number;
}

/** Hands out a Fetch or an Exchange for each purpose, and can be closed. */
export interface HttpClient {
  forPurpose(purpose: FetchPurpose): Fetch;
  exchangeFor(purpose: ExchangePurpose): Exchange;
  close(): Promise<void>;
}

/** As Node takes from anybody. */
const maxHeaderBytes = 16 * 1024;
/** Five times the trusts; a full memory forgets the oldest failure first. */
const maxNegativeEntries = 1000;
/** A host that is back must not stay refused for long (security.md 6.1). */
const maxNegativeMilliseconds = 30_000;
/** A digest in base64 has 88 characters; a longer ETag is not sent back. */
const maxEtagLength = 256;
/** One year, as RFC 2616 14.21 once had it; every caller has a shorter bound of its own. */
const maxAgeCeiling = 31_536_000;

/** Creates the client; one for the process. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const reachOf = createReach(options);
  const lookup = options.lookup ?? createLookup(reachOf);
  const connect = createConnector({ reachOf, lookup, authorities: authoritiesOf(options) });
  const gate = createGate({ ...defaultGateLimits, ...options.gate });
  const failures = createNegativeCache(options);
  const agents: Agent[] = [];

  /** An agent for each purpose: no connection is kept alive from one policy into another. */
  function open(purpose: FetchPurpose | ExchangePurpose) {
    const policy = { ...defaultPolicies[purpose], ...options.policies?.[purpose] };
    const ports = options.allowHost ? 'any' : policy.ports;
    const agent = createAgent(policy, connect, options.gate?.perHost ?? defaultGateLimits.perHost);
    agents.push(agent);
    return (url: string): FetchContext => {
      const target = parseTarget(url, { reach: reachOf(hostnameOf(url)), ports });
      if (options.allowHost && !options.allowHost(purpose, target.url.host)) {
        throw new FetchError('host', `${target.url.host} is not a host of a recognised organisation.`);
      }
      return { target, policy, agent, gate };
    };
  }

  function forPurpose(purpose: FetchPurpose): Fetch {
    const contextOf = open(purpose);
    return async (url, { ifNoneMatch, signal } = {}) => {
      const context = { ...contextOf(url), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
      const key = `${purpose} ${context.target.url.href}`;
      return failures.guard(key, signal, () => within(context, signal, (inner) => get(context, inner)));
    };
  }

  function exchangeFor(purpose: ExchangePurpose): Exchange {
    const contextOf = open(purpose);
    return async (outgoing) => {
      const context = contextOf(outgoing.url);
      return within(context, outgoing.signal, (signal) => converse(context, outgoing, signal));
    };
  }

  return {
    forPurpose,
    exchangeFor,
    async close() {
      await Promise.all(agents.map((agent) => agent.close()));
    },
  };
}

/** How far a host may be away; decided by its name alone. */
type ReachOf = (hostname: string) => Reach;

function createReach({ loopback, network }: HttpClientOptions): ReachOf {
  const named = new Set(network?.privateHosts);
  return (hostname) => (loopback ? 'loopback' : named.has(hostname) ? 'private' : 'public');
}

/** What is no URL has no host; parseTarget says what is wrong with it. */
function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

function createAgent(policy: FetchPolicy, connect: buildConnector.connector, connections: number): Agent {
  return new Agent({
    connect,
    connections,
    pipelining: 1,
    maxHeaderSize: maxHeaderBytes,
    maxResponseSize: policy.maxBytes,
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 10_000,
  });
}

interface FetchContext {
  readonly target: Target;
  readonly policy: FetchPolicy;
  readonly agent: Agent;
  readonly gate: Gate;
  readonly ifNoneMatch?: string;
}

/** One deadline over waiting, connecting and reading. */
async function within<T>(
  context: FetchContext,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { host } = context.target.url;
  if (outer?.aborted) throw new FetchError('timeout', `There was no time left to ask ${host}.`);
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, context.policy.deadlineMilliseconds);
  outer?.addEventListener('abort', abort, { once: true });
  try {
    return await context.gate.run(host, controller.signal, () => work(controller.signal));
  } catch (error) {
    throw toFetchError(error, host, controller.signal.aborted);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}

async function get(context: FetchContext, signal: AbortSignal): Promise<FetchResult> {
  const { ifNoneMatch } = context;
  const headers = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
  return send(context, { method: 'GET', headers, signal }, async (response) => {
    checkHead(response, context);
    return toResult(response, await readBody(response, context));
  });
}

async function converse(context: FetchContext, outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
  const { method, body } = outgoing;
  const headers = Object.fromEntries(
    Object.entries(outgoing.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return send(context, { method, headers, body, signal }, async (response) => {
    const { host } = context.target.url;
    const { statusCode: status } = response;
    if (status >= 300 && status < 400) {
      throw new FetchError('redirect', `${host} sent a redirect (${status}); redirects are not followed.`);
    }
    checkEncoding(response, host);
    const content = await readBody(response, context);
    const joined = Object.entries(response.headers).map(([name, value]) => [name, single(value) ?? '']);
    return { status, headers: Object.fromEntries(joined), contentType: mediaType(response.headers), body: content };
  });
}

interface Sent {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

async function send<T>(
  { target, policy, agent }: FetchContext,
  { method, headers, body, signal }: Sent,
  read: (response: Dispatcher.ResponseData) => Promise<T>,
): Promise<T> {
  const response = await request(target.url, {
    dispatcher: agent,
    method,
    headers: {
      accept: policy.mediaTypes.join(', '),
      'user-agent': 'staff-passport',
      ...headers,
      'accept-encoding': 'identity',
    },
    ...(body === undefined ? {} : { body }),
    signal,
    headersTimeout: policy.deadlineMilliseconds,
    bodyTimeout: policy.deadlineMilliseconds,
  });
  // Destroying a body emits an error; without a listener that ends the process (security.md §6.1).
  response.body.on('error', () => undefined);
  try {
    return await read(response);
  } finally {
    response.body.destroy();
  }
}

function checkHead({ statusCode, headers }: Dispatcher.ResponseData, context: FetchContext): void {
  const { host } = context.target.url;
  if (statusCode === 304 && context.ifNoneMatch !== undefined) return;
  if (statusCode >= 300 && statusCode < 400) {
    throw new FetchError('redirect', `${host} sent a redirect (${statusCode}); redirects are not followed.`);
  }
  if (statusCode === 410) throw new FetchError('gone', `${host} says that this was taken away for good (410).`);
  if (statusCode !== 200) throw new FetchError('status', `${host} answered with status ${statusCode}.`);
  checkEncoding({ headers }, host);
  if (!context.policy.mediaTypes.includes(mediaType(headers))) {
    throw new FetchError('media_type', `${host} sent another media type than expected.`);
  }
  if (Number(single(headers['content-length'])) > context.policy.maxBytes) throw tooLarge(context);
}

function checkEncoding({ headers }: Pick<Dispatcher.ResponseData, 'headers'>, host: string): void {
  const encoding = single(headers['content-encoding']);
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new FetchError('encoding', `${host} sent a compressed body, which was not asked for.`);
}

function tooLarge({ target, policy }: FetchContext): FetchError {
  return new FetchError('too_large', `${target.url.host} sent more than ${policy.maxBytes} bytes.`);
}

async function readBody({ body }: Dispatcher.ResponseData, context: FetchContext): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > context.policy.maxBytes) throw tooLarge(context);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function toResult({ statusCode, headers }: Dispatcher.ResponseData, body: Buffer): FetchResult {
  const etag = single(headers['etag']);
  const date = Date.parse(single(headers['date']) ?? '');
  const age = parseMaxAge(single(headers['cache-control']));
  return {
    status: statusCode,
    body,
    contentType: mediaType(headers),
    ...(etag !== undefined && etag.length <= maxEtagLength ? { etag } : {}),
    ...(age === undefined ? {} : { maxAgeSeconds: age }),
    ...(Number.isNaN(date) ? {} : { date: new Date(date) }),
  };
}

function mediaType(headers: Dispatcher.ResponseData['headers']): string {
  return (single(headers['content-type'])?.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** A header that came twice says nothing reliable. */
function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}

function parseMaxAge(cacheControl: string | undefined): number | undefined {
  if (cacheControl === undefined) return undefined;
  if (/(?:^|[,\s])no-(?:store|cache)(?:$|[,\s=])/i.test(cacheControl)) return 0;
  const seconds = /(?:^|[,\s])max-age=([0-9]{1,10})(?:$|[,\s])/i.exec(cacheControl)?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), maxAgeCeiling);
}

const reasonsByCode: Readonly<Record<string, FetchReason>> = {
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'too_large',
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
};
const tlsCode = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

const reasonTexts: Partial<Record<FetchReason, string>> = {
  timeout: 'did not answer in time',
  too_large: 'sent more than is allowed',
  tls: 'has no acceptable certificate',
  connection: 'could not be reached',
};

function toFetchError(error: unknown, host: string, aborted: boolean): FetchError {
  if (error instanceof FetchError) return aborted && error.reason !== 'queue_full' ? late(error, host) : error;
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const reason = aborted ? 'timeout' : (reasonsByCode[code] ?? (tlsCode.test(code) ? 'tls' : 'connection'));
  return new FetchError(reason, `${host} ${reasonTexts[reason]}.`, { cause: error });
}

function late(cause: FetchError, host: string): FetchError {
  return new FetchError('timeout', `${host} ${reasonTexts.timeout}.`, { cause });
}

/**
 * Answers from DNS itself: getaddrinfo would occupy the thread pool that files and crypto need. A private network may
 * name its hosts in /etc/hosts, which only getaddrinfo reads; those are few.
 */
function createLookup(reachOf: ReachOf): Lookup {
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  const lookups: Readonly<Record<Reach, Lookup>> = {
    // Names of this machine need no resolver (RFC 6761 §6.3).
    loopback: async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ],
    private: async (hostname) =>
      (await lookupOfSystem(hostname, { all: true })).map(({ address, family }) => ({
        address,
        family: family === 6 ? 6 : 4,
      })),
    public: (hostname) => lookupPublic(resolver, hostname),
  };
  return (hostname) => lookups[reachOf(hostname)](hostname);
}

async function lookupPublic(resolver: Resolver, hostname: string): ReturnType<Lookup> {
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
  const addresses4 = v4.status === 'fulfilled' ? v4.value : [];
  const addresses6 = v6.status === 'fulfilled' ? v6.value : [];
  return [
    ...addresses4.map((address) => ({ address, family: 4 as const })),
    ...addresses6.map((address) => ({ address, family: 6 as const })),
  ];
}

/** Two tries of a lost packet; the rest of a verdict of 5 s is for the answer. */
const connectTimeoutMilliseconds = 3000;

/** Opens sockets to judged addresses only, and judges the peer again before a byte is written, TLS hello included. */
function createConnector(options: {
  reachOf: ReachOf;
  lookup: Lookup;
  authorities: readonly string[] | undefined;
}): buildConnector.connector {
  const { reachOf, lookup, authorities } = options;
  const timeout = connectTimeoutMilliseconds;
  const secure = buildConnector({ timeout, ...(authorities === undefined ? {} : { ca: [...authorities] }) });
  return (target, callback) => {
    openSocket(target, { reach: reachOf(target.hostname), lookup }).then(
      (socket) => {
        if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: Error) => callback(error, null),
    );
  };
}

/** Undefined leaves it to Node. Naming one's own replaces Node's, so those are named too. */
function authoritiesOf({ ca, network }: HttpClientOptions): string[] | undefined {
  const file = network?.certificateAuthoritiesFile;
  const own = [ca, file === undefined ? undefined : readAuthorities(file)].filter((pem) => pem !== undefined);
  if (own.length === 0) return undefined;
  // NODE_EXTRA_CA_CERTS is included where this Node can tell it (22.15 and later).
  const standard = 'getCACertificates' in tls ? (tls.getCACertificates as () => string[])() : tls.rootCertificates;
  return [...standard, ...own];
}

function readAuthorities(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8');
    tls.createSecureContext({ ca: pem });
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
    throw new Error('no certificate');
  } catch (cause) {
    const detail = '/service/network/certificateAuthoritiesFile: cannot be read as certificates in PEM';
    throw new ServiceError('configuration', detail, { cause });
  }
}

async function openSocket(
  target: buildConnector.Options,
  { reach, lookup }: { reach: Reach; lookup: Lookup },
): Promise<Socket> {
  const { hostname } = target;
  const addresses = await resolveAllowed(hostname, { reach, lookup });
  const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
  const given: LookupFunction = (_hostname, _options, done) => done(null, [...addresses]);
  const socket = connectTcp({ host: hostname, port, lookup: given, autoSelectFamily: true, noDelay: true });
  await connected(socket);
  if (!isAllowedAddress(socket.remoteAddress ?? '', reach)) {
    socket.destroy();
    throw new FetchError('address', `${hostname} leads to an address that may not be asked.`);
  }
  return socket;
}

async function resolveAllowed(hostname: string, { reach, lookup }: { reach: Reach; lookup: Lookup }) {
  const literal = reach === 'loopback' ? literalAddress(hostname) : undefined;
  if (literal !== undefined) return [literal];
  let addresses: Awaited<ReturnType<Lookup>>;
  try {
    addresses = await lookup(hostname);
  } catch (cause) {
    throw new FetchError('dns', `The name ${hostname} could not be resolved.`, { cause });
  }
  const allowed = addresses.filter(({ address }) => isAllowedAddress(address, reach));
  if (allowed.length > 0) return allowed;
  const reason = addresses.length === 0 ? 'dns' : 'address';
  throw new FetchError(reason, `${hostname} has no address that may be asked.`);
}

/** Only the development switch lets a URL with an address through to here (client-addresses.ts). */
function literalAddress(hostname: string): { address: string; family: 4 | 6 } | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (!isAllowedAddress(bare, 'loopback')) return undefined;
  return { address: bare, family: bare.includes(':') ? 6 : 4 };
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = Object.assign(new Error('connect timeout'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
      socket.destroy(error);
    }, connectTimeoutMilliseconds);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      resolve();
    });
    function fail(error: Error): void {
      clearTimeout(timer);
      reject(error);
    }
    socket.once('error', fail);
  });
}

interface NegativeCache {
  guard(key: string, signal: AbortSignal | undefined, work: () => Promise<FetchResult>): Promise<FetchResult>;
}

/** A host that is down is asked at most every half minute, not once for every credential that names it. */
function createNegativeCache(options: HttpClientOptions): NegativeCache {
  const standard = options.loopback ? 1000 : maxNegativeMilliseconds;
  const lifetime = Math.min(options.negativeCacheMilliseconds ?? standard, maxNegativeMilliseconds);
  const failures = new Map<string, { until: number; error: FetchError }>();

  function remember(key: string, error: unknown): void {
    // A full queue is our own state, and a refusal by policy costs nothing to repeat.
    if (!(error instanceof FetchError) || error.code === 'fetch_refused' || error.reason === 'queue_full') return;
    if (failures.size >= maxNegativeEntries) failures.delete(failures.keys().next().value ?? '');
    failures.set(key, { until: options.now().getTime() + lifetime, error });
  }

  return {
    async guard(key, signal, work) {
      const known = lifetime > 0 ? failures.get(key) : undefined;
      if (known && known.until > options.now().getTime()) {
        throw new FetchError('negative_cache', `${known.error.message} (not asked again yet)`, { cause: known.error });
      }
      try {
        return await work();
      } catch (error) {
        // A caller that ran out of its own time says nothing about the host.
        if (lifetime > 0 && !signal?.aborted) remember(key, error);
        throw error;
      }
    },
  };
}
