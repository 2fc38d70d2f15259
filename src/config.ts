/**
 * Configuration of one organisation's service: a YAML file in Veramo's own configuration language whose `service:`
 * section holds our values. Files may `extends:` another one (JSON Merge Patch, RFC 7396). Everything that is wrong
 * is reported at once, by path. Secrets never stand in a file: they are named here and read elsewhere.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { type Static, Type } from 'typebox';
import { parse as parseYaml } from 'yaml';
import { type Fault, ServiceError } from './errors.js';

/** A parsed configuration file after `extends` was applied; `service` is not validated yet. */
export type ConfigTree = Record<string, unknown>;

const closed = { additionalProperties: false } as const;
const seconds = (description: string, standard: number, maximum = 31_536_000) =>
  Type.Integer({ minimum: 1, maximum, default: standard, description });
const path = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });

const Listen = Type.Object(
  {
    host: Type.String({ minLength: 1, description: 'Address to listen on' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port to listen on' }),
    graceMilliseconds: Type.Integer({
      minimum: 0,
      maximum: 20_000,
      default: 4000,
      description:
        'How long SIGTERM leaves the port open while readiness fails: longer than the interval of a load balancer',
    }),
  },
  closed,
);

const Tls = Type.Object(
  {
    mode: Type.Enum(['none', 'proxy', 'files', 'selfSigned'], {
      description:
        'none: development only; proxy: a proxy in front of us ends TLS; files: we do; selfSigned: we do, on loopback, with a certificate made at the start',
    }),
    certificateFile: Type.Optional(path('PEM file with the certificate chain')),
    keyFile: Type.Optional(path('PEM file with the private key')),
  },
  closed,
);

const Network = Type.Object(
  {
    certificateAuthoritiesFile: Type.Optional(
      path("PEM file with certificate authorities that are trusted beside the system's"),
    ),
    privateHosts: Type.Array(Type.String({ maxLength: 253, pattern: '^[a-z0-9-]+(\\.[a-z0-9-]+)+$' }), {
      maxItems: 1000,
      default: [],
      description:
        'Hosts of a private network (such as HSCN) that may have private addresses; every other host must be public',
    }),
  },
  { ...closed, default: {} },
);

const Keys = Type.Object(
  {
    keyEncryptionKeyFile: Type.Optional(path('File that holds the 32-byte key-encryption key; mode 0400 or 0600')),
    keyEncryptionKeyEnvironment: Type.Optional(
      Type.String({ pattern: '^[A-Z][A-Z0-9_]*$', description: 'Environment variable that holds it instead' }),
    ),
  },
  closed,
);

const Sqlite = Type.Object({ type: Type.Literal('sqlite'), file: path('Database file') }, closed);

const Postgres = Type.Object(
  {
    type: Type.Literal('postgres'),
    urlFile: Type.Optional(path('File that holds the connection URL')),
    urlEnvironment: Type.Optional(
      Type.String({ pattern: '^[A-Z][A-Z0-9_]*$', description: 'Environment variable that holds it instead' }),
    ),
    poolSize: Type.Integer({ minimum: 2, maximum: 100, description: 'Connections of one process' }),
  },
  closed,
);

/** Told apart by `type`, so that the faults reported are those of the kind that is meant. */
const Database = Type.Unsafe<Static<typeof Sqlite> | Static<typeof Postgres>>({
  type: 'object',
  required: ['type'],
  discriminator: { propertyName: 'type' },
  oneOf: [Sqlite, Postgres],
});

const Registry = Type.Object(
  {
    source: Type.Enum(['url', 'file', 'self'], {
      description: 'url: the authority publishes it; file: an own unsigned file; self: we are the authority',
    }),
    url: Type.Optional(Type.String({ maxLength: 2048, description: "Address of the authority's signed list" })),
    file: Type.Optional(path('Own registry file, for source: file')),
    authorityDid: Type.Optional(Type.String({ pattern: '^did:', maxLength: 512 })),
    keyThumbprints: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }), {
      maxItems: 8,
      default: [],
      description: "RFC 7638 thumbprints of the authority's keys, received out of band",
    }),
    pinFile: Type.Optional(path('JSON file {did, keyThumbprints} received out of band, instead of the two above')),
    pollSeconds: seconds('How often the list is fetched', 300, 86_400),
    cacheFile: path('Where the last good copy is kept'),
    maxOfflineSeconds: seconds('After this age without a refresh nothing is called recognised', 604_800),
  },
  closed,
);

const Client = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9._:-]{1,128}$' }),
    jwksFile: path('Public keys of the client (RFC 7517)'),
    scopes: Type.Array(Type.String({ pattern: '^[a-z]+:[a-z]+$' }), { minItems: 1, maxItems: 20 }),
  },
  closed,
);

const Instance = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'Mounted at /instances/{name}' }),
    kinds: Type.Array(Type.Enum(['issuer', 'verifier', 'presentationVerifier', 'deriver', 'status']), {
      minItems: 1,
      uniqueItems: true,
      description: 'Which of the VC-API and VCALM operations it has',
    }),
    did: Type.Enum(['organisation', 'key'], {
      default: 'organisation',
      description:
        "Who issues: the organisation's did:web, or a did:key of the instance's own, made at the first start",
    }),
    format: Type.Optional(
      Type.String({ pattern: '^[a-z0-9+_-]{1,64}$', description: 'How an issuer secures: a row of securingFormats' }),
    ),
    algorithm: Type.Optional(
      Type.Enum(['ES256', 'ES384', 'EdDSA'], { description: "One of the format's algorithms; the first when absent" }),
    ),
    mandatoryPointers: Type.Array(Type.String({ pattern: '^(/[^/]{0,200}){1,16}$' }), {
      maxItems: 100,
      default: [],
      description:
        'What a derived credential always shows, unless the caller names other JSON Pointers (ecdsa-sd-2023)',
    }),
    statusPurposes: Type.Array(Type.Enum(['revocation', 'suspension']), {
      uniqueItems: true,
      default: [],
      description: 'The status entries that an open issuer adds to its credentials',
    }),
    catalogue: Type.Enum(['closed', 'open'], {
      default: 'closed',
      description: 'closed: types of the catalogue only; open: any credential, for conformance tests on loopback',
    }),
    existingProof: Type.Enum(['error', 'set', 'chain'], {
      default: 'error',
      description:
        'What an open issuer makes of a credential that has a proof: refuse it, sign beside it, or sign over it too',
    }),
    failedVerification: Type.Enum([200, 400], {
      default: 200,
      description: 'How a failed verification is answered: 200 as VCALM says, 400 as the W3C test suites demand',
    }),
    proofGraceSeconds: Type.Integer({
      minimum: 0,
      maximum: 300,
      default: 0,
      description: "How long after its `expires` a proof still counts, for issuers' clocks that are behind",
    }),
    open: Type.Boolean({ default: false, description: 'Anyone may call it, without a token' }),
  },
  closed,
);

const RequestCertificate = Type.Object(
  {
    name: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'How requests name it; `default` when absent' }),
    ),
    certificateFile: path('PEM file with the chain, the own certificate first, without the root'),
    keyFile: path('PEM file with its private key, P-256'),
  },
  closed,
);

const DidService = Type.Object(
  {
    id: Type.String({
      // Shorter than the id of any key, so that no DID URL can mean both.
      pattern: '^[A-Za-z][A-Za-z0-9_-]{0,30}$',
      description: 'Its fragment in DID URLs',
    }),
    type: Type.String({ pattern: '^[A-Za-z]\\S*$', maxLength: 256, description: 'A registered type, or a URL' }),
    serviceEndpoint: Type.String({ maxLength: 1024, description: 'Its address, https' }),
  },
  closed,
);

const SignIn = Type.Object(
  {
    provider: Type.Enum(['openid', 'development'], {
      description:
        'openid: an OpenID Connect provider; development: a built-in one that believes anybody, on loopback only',
    }),
    issuer: Type.Optional(Type.String({ maxLength: 512, description: 'Issuer identifier of the provider' })),
    clientId: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'How we are known there' })),
    clientSecretFile: Type.Optional(path('File that holds the secret that we have there')),
    privateKeyFile: Type.Optional(
      path('PEM file with the P-256 or RSA key that we authenticate with there, instead of a secret (RFC 7523)'),
    ),
    scopes: Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]{1,100}$' }), {
      minItems: 1,
      maxItems: 20,
      default: ['openid'],
      description: 'What is asked for there; `openid` must be among them',
    }),
    subjectClaim: Type.String({
      pattern: '^[A-Za-z0-9_:./-]{1,100}$',
      default: 'sub',
      description: 'The claim of the ID token that identifies a person: HR writes its value on an offer',
    }),
    hosts: Type.Array(Type.String({ maxLength: 255, pattern: '^[a-z0-9.-]+(:[1-9][0-9]{0,4})?$' }), {
      maxItems: 10,
      default: [],
      description: "Hosts of the provider's endpoints that differ from that of its issuer",
    }),
  },
  closed,
);

const Service = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the organisation' }),
    odsCode: Type.String({ pattern: '^[A-Z0-9]{3,10}$', description: 'ODS code of the organisation' }),
    roles: Type.Array(Type.Enum(['issuer', 'verifier', 'registry']), {
      minItems: 1,
      uniqueItems: true,
    }),
    did: Type.String({ pattern: '^did:web:', maxLength: 512, description: 'did:web of the organisation' }),
    formerPaths: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,64}){0,7}$' }), {
      maxItems: 16,
      uniqueItems: true,
      default: [],
      description:
        'What stood after `did` and a colon in identifiers that were given up: their documents are gone (410)',
    }),
    didServices: Type.Array(DidService, {
      maxItems: 16,
      default: [],
      description:
        'Services in the DID document, which others find by DID URLs such as `did?service=id&relativeRef=...`',
    }),
    publicUrl: Type.String({ maxLength: 512, description: 'Base URL that others use; no slash at the end' }),
    listen: Listen,
    development: Type.Object(
      { loopback: Type.Boolean({ default: false, description: 'Allow http and private addresses, on loopback only' }) },
      closed,
    ),
    stateFolder: path('Folder for everything that this service writes'),
    tls: Tls,
    network: Network,
    keys: Keys,
    programme: Type.Object({ baseUrl: Type.String({ maxLength: 512 }) }, closed),
    database: Database,
    registry: Registry,
    registryAuthority: Type.Object(
      {
        seedFile: Type.Optional(path('Organisations that `init` puts into the registry')),
        nextUpdateSeconds: seconds('How long a published list may be relied on', 604_800),
        reissueSeconds: seconds('How often an unchanged list is issued anew', 43_200),
      },
      closed,
    ),
    status: Type.Object(
      {
        ttlSeconds: seconds('How long others may keep a status list', 300, 86_400),
        listLength: Type.Integer({ minimum: 131_072, maximum: 1_048_576, default: 131_072 }),
        reloadMilliseconds: Type.Integer({ minimum: 50, maximum: 10_000, default: 500 }),
        validSeconds: seconds('How long a signed list is valid', 604_800),
      },
      closed,
    ),
    verification: Type.Object(
      {
        open: Type.Boolean({ default: false, description: 'Anyone may verify, without a token' }),
        deadlineMilliseconds: Type.Integer({ minimum: 100, maximum: 5000, default: 5000 }),
        holderHosts: Type.Array(Type.String({ maxLength: 255, pattern: '^[a-z0-9.-]+(:[1-9][0-9]{0,4})?$' }), {
          maxItems: 100,
          default: [],
          description: 'Hosts, with a port that is not 443, whose did:web identifiers may present credentials',
        }),
        schemaHosts: Type.Array(Type.String({ maxLength: 255, pattern: '^[a-z0-9.-]+(:[1-9][0-9]{0,4})?$' }), {
          maxItems: 100,
          default: [],
          description: 'Hosts from which schemas of credentials that are not of the catalogue may be fetched',
        }),
        x509: Type.Array(RequestCertificate, {
          maxItems: 8,
          default: [],
          description: 'Certificates that requests to wallets may be signed with (OpenID4VP x509_san_dns, x509_hash)',
        }),
      },
      closed,
    ),
    access: Type.Object(
      {
        enabled: Type.Boolean({ default: true }),
        tokenSeconds: Type.Integer({ minimum: 60, maximum: 600, default: 300 }),
        clients: Type.Array(Client, { maxItems: 1000, default: [] }),
        verifyPerMinute: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 600 }),
        tokenPerMinute: Type.Integer({ minimum: 1, maximum: 100_000, default: 60 }),
        walletPerMinute: Type.Integer({
          minimum: 1,
          maximum: 1_000_000,
          default: 3000,
          description: 'Requests of wallets from one address: a whole wireless network may be one',
        }),
      },
      closed,
    ),
    signIn: Type.Optional(SignIn),
    issuing: Type.Object(
      {
        defaultFormat: Type.Enum(['vc+jwt', 'eddsa-rdfc-2022', 'ecdsa-rdfc-2019', 'jwt_vc']),
        idempotencyHours: Type.Integer({ minimum: 1, maximum: 168, default: 24 }),
        signInTypes: Type.Array(Type.String({ pattern: '^[A-Z][A-Za-z0-9]{0,63}$' }), {
          maxItems: 100,
          uniqueItems: true,
          default: ['DbsCheckCredential', 'RightToWorkCredential'],
          description: 'Types that go into a wallet only after the person signed in at the identity provider',
        }),
      },
      closed,
    ),
    metrics: Type.Object(
      {
        open: Type.Optional(
          Type.Boolean({
            description:
              'Anyone may read /metrics, without a token of the scope metrics:read; if absent, on loopback only',
          }),
        ),
      },
      { ...closed, default: {} },
    ),
    instances: Type.Array(Instance, {
      maxItems: 64,
      default: [],
      description: 'Named issuers and verifiers that speak VC-API and VCALM, below /instances',
    }),
    logging: Type.Object(
      {
        level: Type.Enum(['silent', 'error', 'warn', 'info', 'debug']),
      },
      closed,
    ),
  },
  closed,
);

/** One named service instance, as configured. */
export type InstanceConfig = Readonly<Static<typeof Instance>>;

/** The validated, frozen values of the `service:` section; every path in it is absolute. */
export type ServiceConfig = Readonly<Static<typeof Service>>;

/** The JSON Schema of the `service:` section, for documentation. */
export const serviceSchema = Service;

// Our own schema is held against its metaschema by a test; to do so here would cost every command 60 ms.
const ajv = new Ajv2020({
  allErrors: true,
  useDefaults: true,
  discriminator: true,
  meta: false,
  validateSchema: false,
});
const validate = ajv.compile<Static<typeof Service>>(Service);

/** How many files may extend one another: more is a mistake. */
const maxExtends = 8;

/** Reads a deployment file and everything that it extends. Throws ServiceError `configuration`. */
export function readConfigTree(file: string, seen: readonly string[] = []): ConfigTree {
  const absolute = resolve(file);
  if (seen.includes(absolute) || seen.length >= maxExtends) {
    throw new ServiceError('configuration', `${absolute}: "extends" goes round in a circle or too deep`);
  }
  const tree = readYaml(absolute);
  const { extends: parent, ...own } = tree;
  if (parent === undefined) return own;
  if (typeof parent !== 'string') throw new ServiceError('configuration', `${absolute}: "extends" must name a file`);
  const base = readConfigTree(resolve(dirname(absolute), parent), [...seen, absolute]);
  return mergePatch(base, own) as ConfigTree;
}

function readYaml(file: string): ConfigTree {
  let value: unknown;
  try {
    value = parseYaml(readFileSync(file, 'utf8'), { uniqueKeys: true, maxAliasCount: 0 });
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : 'unreadable';
    throw new ServiceError('configuration', `${file} cannot be read: ${reason}`, { cause });
  }
  if (!isRecord(value)) throw new ServiceError('configuration', `${file} must hold a mapping`);
  return value;
}

/** JSON Merge Patch (RFC 7396 §2). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Validates the `service:` section of a tree. `stateFolder` starts at `baseFolder`, the folder of the deployment file;
 * every other relative path starts at `stateFolder`. Throws ServiceError `configuration` with every fault at once.
 */
export function parseServiceConfig(tree: ConfigTree, baseFolder: string): ServiceConfig {
  const service: unknown = structuredClone(tree.service ?? {});
  const faults = validate(service) ? [] : (validate.errors ?? []).map(schemaFault);
  if (!isRecord(service)) throw configurationError(faults);
  const stateFolder = resolve(baseFolder, String(service['stateFolder']));
  const config = { ...(absolutePaths(service, stateFolder) as ServiceConfig), stateFolder };
  faults.push(...combinationFaults(config, faults));
  if (faults.length > 0) throw configurationError(faults);
  return deepFreeze(config);
}

/** A rule is asked unless something that it reads is of the wrong type: then nobody knows what was meant. */
function combinationFaults(config: ServiceConfig, faults: readonly Fault[]): Fault[] {
  const spoilt = new Set(faults.map(({ path }) => path.split('/')[2]));
  return rules.filter(({ reads }) => !reads.some((name) => spoilt.has(name))).flatMap(({ check }) => check(config));
}

/** Reads, merges and validates a deployment file; the tree's `service` section is the validated one. */
export function loadConfig(file: string): { config: ServiceConfig; tree: ConfigTree; baseFolder: string } {
  const tree = readConfigTree(file);
  const baseFolder = dirname(resolve(file));
  const config = parseServiceConfig(tree, baseFolder);
  return { config, tree: { ...tree, service: config }, baseFolder };
}

function configurationError(faults: readonly Fault[]): ServiceError {
  const unique = [...new Map(faults.map((fault) => [`${fault.path} ${fault.detail}`, fault])).values()];
  const lines = unique.map((fault) => `  ${fault.path}: ${fault.detail}`);
  return new ServiceError('configuration', `The configuration has faults:\n${lines.join('\n')}`, { faults: unique });
}

function schemaFault(error: ErrorObject): Fault {
  const base = `/service${error.instancePath}`;
  if (error.keyword === 'additionalProperties') {
    return { path: `${base}/${String(error.params.additionalProperty)}`, detail: 'is not a known setting' };
  }
  if (error.keyword === 'required') {
    return { path: `${base}/${String(error.params.missingProperty)}`, detail: 'is missing' };
  }
  if (error.keyword === 'enum') {
    return { path: base, detail: `must be one of ${error.params.allowedValues.join(', ')}` };
  }
  if (error.keyword === 'uniqueItems') return { path: base, detail: 'names something twice' };
  if (error.keyword === 'discriminator') return { path: `${base}/type`, detail: 'must be sqlite or postgres' };
  return { path: base, detail: error.message ?? 'is not allowed' };
}

const pathNames = /^(file|\w+File)$/;

function absolutePaths(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((item) => absolutePaths(item, folder));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (pathNames.test(name) && typeof member === 'string' && !isAbsolute(member) && member !== ':memory:') {
        return [name, resolve(folder, member)];
      }
      return [name, absolutePaths(member, folder)];
    }),
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/** True for addresses that never leave this machine. */
export function isLoopbackHost(host: string): boolean {
  return /^(([a-z0-9-]+\.){0,8}localhost|\[?::1\]?|127(\.\d{1,3}){3})$/.test(host);
}

interface Rule {
  readonly reads: readonly string[];
  readonly check: (config: ServiceConfig) => Fault[];
}

type Reads<K extends keyof ServiceConfig> = Pick<ServiceConfig, K>;

function rule<K extends keyof ServiceConfig>(reads: readonly K[], check: (config: Reads<K>) => Fault[]): Rule {
  return { reads, check };
}

function fault(pointer: string, detail: string): Fault {
  return { path: `/service/${pointer}`, detail };
}

/** Combinations that JSON Schema cannot refuse. Each rule looks at one danger. */
const rules: readonly Rule[] = [
  rule(['publicUrl', 'programme', 'development'], publicUrlRule),
  rule(['publicUrl', 'did'], didRule),
  rule(['didServices', 'development'], didServicesRule),
  rule(['publicUrl', 'listen', 'development'], loopbackRule),
  rule(['access', 'tls', 'registry', 'roles', 'development'], outsideRule),
  rule(['tls'], tlsRule),
  rule(['keys'], keysRule),
  rule(['database', 'development'], databaseRule),
  rule(['registry', 'roles', 'development'], registryRule),
  rule(['roles', 'development'], rolesRule),
  rule(['status', 'registryAuthority'], timesRule),
  rule(['instances', 'roles', 'development'], instancesRule),
  rule(['signIn', 'development'], signInRule),
];

function publicUrlRule(config: Reads<'publicUrl' | 'programme' | 'development'>): Fault[] {
  const faults: Fault[] = [];
  for (const [pointer, text] of [
    ['publicUrl', config.publicUrl],
    ['programme/baseUrl', config.programme.baseUrl],
  ] as const) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const canonical = url && `${url.origin}${url.pathname === '/' ? '' : url.pathname}`;
    if (!url || canonical !== text)
      faults.push(fault(pointer, 'must be an origin with an optional path, no end slash'));
    else if (url.protocol !== 'https:' && !config.development.loopback) faults.push(fault(pointer, 'must be https'));
    else if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
      faults.push(fault(pointer, 'http is allowed on loopback only'));
    }
  }
  return faults;
}

/** The did:web identifier that belongs to a base URL (did:web method, "Creating a DID"). */
export function didWebOf(publicUrl: string): string {
  const url = new URL(publicUrl);
  const path = url.pathname === '/' ? '' : url.pathname.replaceAll('/', ':');
  return `did:web:${url.host.replace(':', '%3A')}${path}`;
}

function didRule(config: Reads<'publicUrl' | 'did'>): Fault[] {
  if (!URL.canParse(config.publicUrl)) return [];
  const expected = didWebOf(config.publicUrl);
  return config.did === expected ? [] : [fault('did', `must be ${expected}, the did:web of publicUrl`)];
}

/** What others are sent to in our name. */
function didServicesRule({ didServices, development }: Reads<'didServices' | 'development'>): Fault[] {
  const ids = didServices.map(({ id }) => id);
  return didServices.flatMap(({ id, serviceEndpoint }, index) => {
    const url = URL.canParse(serviceEndpoint) ? new URL(serviceEndpoint) : undefined;
    const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && development.loopback);
    const plain = url?.href === serviceEndpoint && url.username === '' && url.password === '' && url.hash === '';
    return [
      ...(secure ? [] : [fault(`didServices/${index}/serviceEndpoint`, 'must be an https address')]),
      ...(plain
        ? []
        : [fault(`didServices/${index}/serviceEndpoint`, 'must be spelled out, with no more than a query')]),
      ...(ids.indexOf(id) === index ? [] : [fault(`didServices/${index}/id`, 'is used twice')]),
    ];
  });
}

function loopbackRule(config: Reads<'publicUrl' | 'listen' | 'development'>): Fault[] {
  if (!config.development.loopback) return [];
  const faults: Fault[] = [];
  if (!isLoopbackHost(config.listen.host)) faults.push(fault('listen/host', 'must be loopback in development'));
  if (URL.canParse(config.publicUrl) && !isLoopbackHost(new URL(config.publicUrl).hostname)) {
    faults.push(fault('development/loopback', 'is for a publicUrl on loopback only'));
  }
  return faults;
}

function outsideRule(config: Reads<'access' | 'tls' | 'registry' | 'roles' | 'development'>): Fault[] {
  if (config.development.loopback) return [];
  const faults: Fault[] = [];
  if (!config.access.enabled) faults.push(fault('access/enabled', 'must be true outside loopback'));
  if (config.tls.mode === 'none' || config.tls.mode === 'selfSigned') {
    faults.push(fault('tls/mode', 'must be proxy or files outside loopback'));
  }
  if (config.registry.source === 'file' && config.roles.includes('verifier')) {
    faults.push(fault('registry/source', 'an unsigned file is allowed on loopback only'));
  }
  return faults;
}

function tlsRule(config: Reads<'tls'>): Fault[] {
  if (config.tls.mode !== 'files') return [];
  return (['certificateFile', 'keyFile'] as const)
    .filter((name) => config.tls[name] === undefined)
    .map((name) => fault(`tls/${name}`, 'is missing'));
}

function keysRule(config: Reads<'keys'>): Fault[] {
  const { keyEncryptionKeyFile, keyEncryptionKeyEnvironment } = config.keys;
  const given = [keyEncryptionKeyFile, keyEncryptionKeyEnvironment].filter((value) => value !== undefined);
  return given.length === 1
    ? []
    : [fault('keys', 'needs keyEncryptionKeyFile or keyEncryptionKeyEnvironment, not both')];
}

function databaseRule(config: Reads<'database' | 'development'>): Fault[] {
  const { database } = config;
  if (database.type === 'sqlite') {
    const forgetful = database.file === ':memory:' && !config.development.loopback;
    return forgetful ? [fault('database/file', 'must be a file outside loopback: memory forgets')] : [];
  }
  const given = [database.urlFile, database.urlEnvironment].filter((value) => value !== undefined);
  return given.length === 1 ? [] : [fault('database', 'needs urlFile or urlEnvironment, not both')];
}

function registryRule(config: Reads<'registry' | 'roles' | 'development'>): Fault[] {
  const { registry } = config;
  if (registry.source === 'file') return registry.file ? [] : [fault('registry/file', 'is missing')];
  if (registry.source === 'self') {
    return config.roles.includes('registry') ? [] : [fault('registry/source', 'self needs the role registry')];
  }
  const faults: Fault[] = [];
  const scheme = registry.url && URL.canParse(registry.url) ? new URL(registry.url).protocol : undefined;
  if (scheme !== 'https:' && !(scheme === 'http:' && config.development.loopback)) {
    faults.push(fault('registry/url', 'must be an https address'));
  }
  const inline = registry.authorityDid !== undefined && registry.keyThumbprints.length > 0;
  if (inline === (registry.pinFile !== undefined)) {
    faults.push(fault('registry', 'needs the pinned authority: pinFile, or authorityDid with keyThumbprints'));
  }
  return faults;
}

function rolesRule(config: Reads<'roles' | 'development'>): Fault[] {
  const both = config.roles.includes('registry') && config.roles.includes('issuer');
  return both && !config.development.loopback
    ? [fault('roles', 'the registry authority must not issue staff credentials itself')]
    : [];
}

function timesRule(config: Reads<'status' | 'registryAuthority'>): Fault[] {
  const faults: Fault[] = [];
  const { status, registryAuthority } = config;
  if (status.validSeconds <= status.ttlSeconds) faults.push(fault('status/validSeconds', 'must exceed ttlSeconds'));
  if (registryAuthority.reissueSeconds >= registryAuthority.nextUpdateSeconds) {
    faults.push(fault('registryAuthority/reissueSeconds', 'must be less than nextUpdateSeconds'));
  }
  return faults;
}

/** Who signs people in decides whose documents a wallet gets. */
function signInRule({ signIn, development }: Reads<'signIn' | 'development'>): Fault[] {
  if (signIn === undefined) return [];
  if (signIn.provider === 'development') {
    return development.loopback ? [] : [fault('signIn/provider', 'development is allowed on loopback only')];
  }
  const { issuer = '', clientId, scopes, clientSecretFile, privateKeyFile } = signIn;
  const protocol = URL.canParse(issuer) ? new URL(issuer).protocol : undefined;
  const secure = protocol === 'https:' || (protocol === 'http:' && development.loopback);
  const conditions: readonly (readonly [boolean, string, string])[] = [
    [!secure, 'issuer', 'must be an https address'],
    [clientId === undefined, 'clientId', 'is missing'],
    [!scopes.includes('openid'), 'scopes', 'must include openid'],
    [
      clientSecretFile !== undefined && privateKeyFile !== undefined,
      'privateKeyFile',
      'stands beside a secret: one only',
    ],
  ];
  return conditions.filter(([wrong]) => wrong).map(([, path, detail]) => fault(`signIn/${path}`, detail));
}

/** Whoever may issue anything in our name, or without a token, must be somebody on this machine. */
function instancesRule(config: Reads<'instances' | 'roles' | 'development'>): Fault[] {
  const names = config.instances.map(({ name }) => name);
  return config.instances.flatMap((instance, index) => {
    const faults = instanceFaults(instance, config).map(({ path, detail }) =>
      fault(`instances/${index}/${path}`, detail),
    );
    return names.indexOf(instance.name) === index
      ? faults
      : [...faults, fault(`instances/${index}/name`, 'is used twice')];
  });
}

const changing = ['issuer', 'status', 'deriver'] as const;

function instanceFaults(instance: InstanceConfig, { development, roles }: Reads<'roles' | 'development'>): Fault[] {
  const { kinds, catalogue, format, did, open, statusPurposes, existingProof } = instance;
  const has = (...wanted: readonly InstanceConfig['kinds'][number][]) => wanted.some((kind) => kinds.includes(kind));
  const conditions: readonly (readonly [boolean, string, string])[] = [
    [catalogue === 'open' && !development.loopback, 'catalogue', 'open is allowed on loopback only'],
    [open && has(...changing) && !development.loopback, 'open', 'is for verifiers only outside loopback'],
    [has('issuer') && format === undefined, 'format', 'is missing: an issuer needs one'],
    [
      has('issuer') && catalogue === 'closed' && did !== 'organisation',
      'did',
      'the catalogue is issued by the organisation',
    ],
    [
      statusPurposes.length > 0 && catalogue === 'closed',
      'statusPurposes',
      'are those of the catalogue where it is closed',
    ],
    [existingProof !== 'error' && catalogue === 'closed', 'existingProof', 'is refused where the catalogue is closed'],
    [
      existingProof !== 'error' && statusPurposes.length > 0,
      'existingProof',
      'does not go with statusPurposes: an entry that is added breaks the proofs that are there',
    ],
    [has('status') && !has('issuer'), 'kinds', 'status belongs to an issuer'],
    [has('issuer') && !roles.includes('issuer'), 'kinds', 'need the role issuer'],
    [has('verifier', 'presentationVerifier') && !roles.includes('verifier'), 'kinds', 'need the role verifier'],
  ];
  return conditions.filter(([wrong]) => wrong).map(([, path, detail]) => ({ path, detail }));
}
