import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  type ConfigTree,
  didWebOf,
  isLoopbackHost,
  loadConfig,
  mergePatch,
  parseServiceConfig,
  readConfigTree,
  type ServiceConfig,
  serviceSchema,
} from '../src/config.js';
import { type Fault, ServiceError } from '../src/errors.js';

const root = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'staff-passport-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Every fault as `path: detail`, or none. */
function faultsOf(work: () => unknown): string[] {
  try {
    work();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).code).toBe('configuration');
    const { faults } = error as ServiceError & { faults: readonly Fault[] };
    for (const { path, detail } of faults) expect((error as Error).message).toContain(`${path}: ${detail}`);
    return faults.map(({ path, detail }) => `${path}: ${detail}`);
  }
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).code).toBe('configuration');
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

const base = readConfigTree(join(root, 'agent.yml'));
const onLoopback = readConfigTree(join(root, 'agents/rxa.yml'));
const outside = readConfigTree(join(root, 'agents/production.yml'));
const patched = (tree: ConfigTree, service: object) => mergePatch(tree, { service }) as ConfigTree;
const parse = (tree: ConfigTree, service: object = {}) => parseServiceConfig(patched(tree, service), '/deployments');

describe('the files of the repository', () => {
  const files = readdirSync(join(root, 'agents')).filter((name) => name.endsWith('.yml'));

  test.each(files)('agents/%s has no faults and holds no secret', (name) => {
    const { config } = loadConfig(join(root, 'agents', name));
    expect(config.did).toBe(didWebOf(config.publicUrl));
    expect(JSON.stringify(config)).not.toMatch(/postgres:\/\/|password|"d":/);
  });

  test('are those that the documents name', () => {
    expect(files).toEqual(expect.arrayContaining(['production.yml', 'registry.yml', 'rxa.yml', 'rxb.yml']));
  });

  test('agent.yml alone lacks only what is different for everybody', () => {
    const lacking = [
      '/service/did: is missing',
      '/service/name: is missing',
      '/service/odsCode: is missing',
      '/service/programme: is missing',
      '/service/publicUrl: is missing',
      '/service/registry/url: must be an https address',
      '/service/registry: needs the pinned authority: pinFile, or authorityDid with keyThumbprints',
    ];
    expect(faultsOf(() => parse(base)).sort()).toEqual(lacking);
  });

  test('follow a schema that JSON Schema 2020-12 accepts', () => {
    expect(new Ajv2020({ discriminator: true }).validateSchema(serviceSchema)).toBe(true);
  });
});

describe('files that extend others', () => {
  test('say only what differs: members merge, lists and values are replaced, null takes away', () => {
    write('base.yml', 'service: {a: 1, list: [1, 2], inner: {x: 1, y: 2}}\nother: {z: 1}\n');
    const file = write('own.yml', 'extends: base.yml\nservice: {a: 2, list: [3], inner: {y: null, w: 4}}\n');
    expect(readConfigTree(file)).toEqual({ service: { a: 2, list: [3], inner: { x: 1, w: 4 } }, other: { z: 1 } });
  });

  test('may extend a file that extends another, each path from its own folder', () => {
    write('first.yml', 'service: {a: 1, b: 1, c: 1}\n');
    write('second.yml', 'extends: ./first.yml\nservice: {b: 2, c: 2}\n');
    expect(readConfigTree(write('third.yml', `extends: ${folder}/second.yml\nservice: {c: 3}\n`))).toEqual({
      service: { a: 1, b: 2, c: 3 },
    });
  });

  test.each([
    ['goes round in a circle', 'extends: own.yml'],
    ['goes round in a circle', 'extends: other.yml'],
    ['"extends" must name a file', 'extends: [base.yml]'],
    ['missing.yml cannot be read', 'extends: missing.yml'],
    ['cannot be read', 'service: {a: 1'],
    ['cannot be read', 'service: {a: 1}\nservice: {a: 2}'],
    ['cannot be read', 'a: &a {b: 1}\nservice: *a'],
    ['must hold a mapping', '- service'],
    ['must hold a mapping', ''],
  ])('are refused where it %s: %s', (told, text) => {
    write('other.yml', 'extends: own.yml');
    expect(refusal(() => readConfigTree(write('own.yml', text)))).toContain(told);
  });

  test('are at most eight, for more is a mistake', () => {
    write('0.yml', 'service: {}');
    for (let index = 1; index <= 8; index += 1) write(`${index}.yml`, `extends: ${index - 1}.yml`);
    expect(readConfigTree(join(folder, '7.yml'))).toEqual({ service: {} });
    expect(refusal(() => readConfigTree(join(folder, '8.yml')))).toContain('too deep');
  });

  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: 'foo' }, 'bar', 'bar'],
    [['a', 'b'], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('merge as RFC 7396 shows: %j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});

describe('faults', () => {
  test('are all told at once, by path', () => {
    const faults = faultsOf(() =>
      parse(onLoopback, {
        odsCode: 'rxa',
        nickname: 'A',
        listen: { port: '8401', colour: 'red' },
        roles: ['issuer', 'king'],
        status: { ttlSeconds: 0 },
        tls: { mode: 'maybe' },
        keys: null,
        access: { clients: [{ id: 'hr', scopes: [] }] },
        did: 'did:web:somebody.else',
        registry: { pinFile: null },
      }),
    );
    expect(faults.sort()).toEqual([
      '/service/access/clients/0/jwksFile: is missing',
      '/service/access/clients/0/scopes: must NOT have fewer than 1 items',
      '/service/did: must be did:web:localhost%3A8401, the did:web of publicUrl',
      '/service/keys: is missing',
      '/service/listen/colour: is not a known setting',
      '/service/listen/port: must be integer',
      '/service/nickname: is not a known setting',
      '/service/odsCode: must match pattern "^[A-Z0-9]{3,10}$"',
      '/service/roles/1: must be one of issuer, verifier, registry',
      '/service/status/ttlSeconds: must be >= 1',
      '/service/tls/mode: must be one of none, proxy, files, selfSigned',
    ]);
  });

  test('of a section that is no mapping are told as well', () => {
    expect(faultsOf(() => parseServiceConfig({ service: 'all' }, '/'))).toEqual(['/service: must be object']);
    expect(faultsOf(() => parseServiceConfig({}, '/'))).toContain('/service/did: is missing');
  });

  test('never quote what stands there: it may be a secret in the wrong place', () => {
    const secret = 'postgres://user:hunter2@host/db';
    const told = refusal(() => parse(onLoopback, { database: { type: 'postgres', file: null, url: secret } }));
    expect(told).not.toContain('hunter2');
    expect(told).toContain('/service/database/url: is not a known setting');
  });

  const postgres = { type: 'postgres', file: null, poolSize: 10 };
  const issuer = { name: 'one', kinds: ['issuer'], format: 'vc+jwt' };
  const thumbprint = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';

  test.each<[string, ConfigTree, object, string[]]>([
    [
      'an address with an end slash',
      outside,
      { publicUrl: 'https://passport.example-hospitals.org/' },
      ['publicUrl: must be an origin with an optional path, no end slash'],
    ],
    [
      'an address with a query',
      outside,
      { programme: { baseUrl: 'https://registry.example-programme.org?a' } },
      ['programme/baseUrl: must be an origin with an optional path, no end slash'],
    ],
    [
      'no address',
      outside,
      { publicUrl: 'passport' },
      ['publicUrl: must be an origin with an optional path, no end slash'],
    ],
    [
      'http outside loopback',
      outside,
      { publicUrl: 'http://passport.example-hospitals.org' },
      ['publicUrl: must be https'],
    ],
    [
      'http on loopback to another host',
      onLoopback,
      { programme: { baseUrl: 'http://registry.example.org' } },
      ['programme/baseUrl: http is allowed on loopback only'],
    ],
    [
      'a DID of another address',
      outside,
      { did: 'did:web:other.example.org' },
      ['did: must be did:web:passport.example-hospitals.org, the did:web of publicUrl'],
    ],
    [
      'services of the DID document that are unsafe, spelled in another way or named alike',
      outside,
      {
        didServices: [
          { id: 'a', type: 'LinkedDomains', serviceEndpoint: 'http://a.example.org/' },
          { id: 'b', type: 'LinkedDomains', serviceEndpoint: 'https://b.example.org' },
          { id: 'a', type: 'LinkedDomains', serviceEndpoint: 'https://user@c.example.org/' },
          { id: 'd', type: 'LinkedDomains', serviceEndpoint: 'elsewhere' },
        ],
      },
      [
        'didServices/0/serviceEndpoint: must be an https address',
        'didServices/1/serviceEndpoint: must be spelled out, with no more than a query',
        'didServices/2/serviceEndpoint: must be spelled out, with no more than a query',
        'didServices/2/id: is used twice',
        'didServices/3/serviceEndpoint: must be an https address',
        'didServices/3/serviceEndpoint: must be spelled out, with no more than a query',
      ],
    ],
    [
      'the development switch on an open port',
      onLoopback,
      { listen: { host: '0.0.0.0' } },
      ['listen/host: must be loopback in development'],
    ],
    [
      'the development switch with a public address',
      onLoopback,
      { publicUrl: 'https://a.example.org', did: 'did:web:a.example.org' },
      ['development/loopback: is for a publicUrl on loopback only'],
    ],
    ['no authentication', outside, { access: { enabled: false } }, ['access/enabled: must be true outside loopback']],
    ['no TLS', outside, { tls: { mode: 'none' } }, ['tls/mode: must be proxy or files outside loopback']],
    [
      'a certificate that nobody trusts',
      outside,
      { tls: { mode: 'selfSigned' } },
      ['tls/mode: must be proxy or files outside loopback'],
    ],
    [
      'an unsigned registry',
      outside,
      { registry: { source: 'file', file: 'registry.json' } },
      ['registry/source: an unsigned file is allowed on loopback only'],
    ],
    [
      'TLS without certificate and key',
      outside,
      { tls: { mode: 'files' } },
      ['tls/certificateFile: is missing', 'tls/keyFile: is missing'],
    ],
    [
      'no key-encryption key',
      outside,
      { keys: { keyEncryptionKeyFile: null } },
      ['keys: needs keyEncryptionKeyFile or keyEncryptionKeyEnvironment, not both'],
    ],
    [
      'two key-encryption keys',
      outside,
      { keys: { keyEncryptionKeyEnvironment: 'KEK' } },
      ['keys: needs keyEncryptionKeyFile or keyEncryptionKeyEnvironment, not both'],
    ],
    [
      'a database that forgets',
      outside,
      { database: { type: 'sqlite', file: ':memory:', urlFile: null, poolSize: null } },
      ['database/file: must be a file outside loopback: memory forgets'],
    ],
    [
      'PostgreSQL without an address',
      onLoopback,
      { database: postgres },
      ['database: needs urlFile or urlEnvironment, not both'],
    ],
    [
      'PostgreSQL with two addresses',
      onLoopback,
      { database: { ...postgres, urlFile: 'u', urlEnvironment: 'U' } },
      ['database: needs urlFile or urlEnvironment, not both'],
    ],
    [
      'PostgreSQL with what SQLite left',
      onLoopback,
      { database: { type: 'postgres', urlFile: 'u' } },
      ['database/poolSize: is missing', 'database/file: is not a known setting'],
    ],
    ['another database', onLoopback, { database: { type: 'oracle' } }, ['database/type: must be sqlite or postgres']],
    ['a registry file without a name', onLoopback, { registry: { source: 'file' } }, ['registry/file: is missing']],
    [
      'the own registry without the role',
      onLoopback,
      { registry: { source: 'self' } },
      ['registry/source: self needs the role registry'],
    ],
    [
      'a registry without an address',
      onLoopback,
      { registry: { url: null } },
      ['registry/url: must be an https address'],
    ],
    [
      'a registry over http',
      outside,
      { registry: { url: 'http://registry.example.org' } },
      ['registry/url: must be an https address'],
    ],
    [
      'an authority that is not pinned',
      outside,
      { registry: { keyThumbprints: [] } },
      ['registry: needs the pinned authority: pinFile, or authorityDid with keyThumbprints'],
    ],
    [
      'an authority that is pinned twice',
      outside,
      { registry: { pinFile: 'pin.json' } },
      ['registry: needs the pinned authority: pinFile, or authorityDid with keyThumbprints'],
    ],
    [
      'keys of no authority',
      outside,
      { registry: { authorityDid: null, keyThumbprints: [thumbprint] } },
      ['registry: needs the pinned authority: pinFile, or authorityDid with keyThumbprints'],
    ],
    [
      'an authority that issues',
      outside,
      { roles: ['registry', 'issuer'] },
      ['roles: the registry authority must not issue staff credentials itself'],
    ],
    ['a role twice', onLoopback, { roles: ['issuer', 'issuer'] }, ['roles: names something twice']],
    [
      'status lists that end before they are fetched again',
      onLoopback,
      { status: { ttlSeconds: 600, validSeconds: 600 } },
      ['status/validSeconds: must exceed ttlSeconds'],
    ],
    [
      'a registry that ends before it is issued anew',
      onLoopback,
      { registryAuthority: { nextUpdateSeconds: 60, reissueSeconds: 60 } },
      ['registryAuthority/reissueSeconds: must be less than nextUpdateSeconds'],
    ],
    ['a short status list', onLoopback, { status: { listLength: 1024 } }, ['status/listLength: must be >= 131072']],
    [
      'an open catalogue',
      outside,
      { instances: [{ ...issuer, catalogue: 'open', did: 'key' }] },
      ['instances/0/catalogue: open is allowed on loopback only'],
    ],
    [
      'issuing without a token',
      outside,
      { instances: [{ ...issuer, open: true }] },
      ['instances/0/open: is for verifiers only outside loopback'],
    ],
    [
      'an issuer that does not say how',
      onLoopback,
      { instances: [{ name: 'one', kinds: ['issuer'] }] },
      ['instances/0/format: is missing: an issuer needs one'],
    ],
    [
      'a sign-in that believes anybody',
      outside,
      { signIn: { provider: 'development' } },
      ['signIn/provider: development is allowed on loopback only'],
    ],
    [
      'a sign-in at nobody, over http, without openid, and with two ways to authenticate',
      outside,
      {
        signIn: {
          issuer: 'http://login.example.org',
          clientId: null,
          scopes: ['email'],
          clientSecretFile: '/run/secret',
        },
      },
      [
        'signIn/issuer: must be an https address',
        'signIn/clientId: is missing',
        'signIn/scopes: must include openid',
        'signIn/privateKeyFile: stands beside a secret: one only',
      ],
    ],
    ['two instances of one name', onLoopback, { instances: [issuer, issuer] }, ['instances/1/name: is used twice']],
    [
      'an instance without its role',
      onLoopback,
      { roles: ['verifier'], instances: [issuer] },
      ['instances/0/kinds: need the role issuer'],
    ],
    [
      'a status service without an issuer',
      onLoopback,
      { instances: [{ name: 'one', kinds: ['status'] }] },
      ['instances/0/kinds: status belongs to an issuer'],
    ],
  ])('%s', (_what, tree, changes, told) => {
    expect(faultsOf(() => parse(tree, changes)).sort()).toEqual(told.map((fault) => `/service/${fault}`).sort());
  });
});

describe('what is accepted', () => {
  test('are services of the DID document on https, and on http under the development switch', () => {
    const service = (serviceEndpoint: string) => ({
      didServices: [{ id: 'a', type: 'LinkedDomains', serviceEndpoint }],
    });
    expect(parse(outside, service('https://a.example.org/b?c')).didServices).toHaveLength(1);
    expect(parse(onLoopback, service('http://localhost:8401/')).didServices).toHaveLength(1);
    expect(parse(onLoopback).didServices).toEqual([]);
  });

  test('is frozen throughout, and nothing that was passed in is changed', () => {
    const tree = structuredClone(onLoopback);
    const config = parseServiceConfig(tree, '/deployments');
    expect(tree).toEqual(onLoopback);
    const open = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(open));
    expect(open(config)).toBe(false);
  });

  test('has absolute paths: the state folder from the deployment file, all others from the state folder', () => {
    const x509 = [{ certificateFile: 'chain.pem', keyFile: '/run/credentials/key.pem' }];
    const { stateFolder, database, keys, registry, access, verification } = parse(onLoopback, {
      stateFolder: '../state/a',
      verification: { x509 },
    });
    expect(verification.x509).toEqual([{ certificateFile: '/state/a/chain.pem', keyFile: '/run/credentials/key.pem' }]);
    expect(stateFolder).toBe('/state/a');
    expect(database).toEqual({ type: 'sqlite', file: '/state/a/staff-passport.sqlite' });
    expect(keys).toEqual({ keyEncryptionKeyFile: '/state/a/key-encryption-key' });
    expect(registry).toMatchObject({
      pinFile: '/state/a/registry-pin.json',
      cacheFile: '/state/a/registry-cache.json',
    });
    expect(access.clients[0]?.jwksFile).toBe('/state/a/clients/operator.jwks.json');
  });

  test('leaves absolute paths and the database in memory as they are', () => {
    const { keys } = parse(outside);
    expect(keys.keyEncryptionKeyFile).toBe('/run/credentials/staff-passport/key-encryption-key');
    expect(parse(onLoopback, { database: { file: ':memory:' } }).database).toMatchObject({ file: ':memory:' });
  });

  test('has values for what was not said', () => {
    const { listen, instances, tls }: ServiceConfig = parse(outside);
    expect([listen.graceMilliseconds, instances, tls.mode]).toEqual([4000, [], 'proxy']);
  });

  test.each([
    ['https://a.example', 'did:web:a.example'],
    ['https://a.example:8443', 'did:web:a.example%3A8443'],
    ['https://a.example/trust/one', 'did:web:a.example:trust:one'],
    ['http://localhost:8401', 'did:web:localhost%3A8401'],
  ])('at %s is %s', (url, did) => expect(didWebOf(url)).toBe(did));

  test.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['[::1]', true],
    ['127.0.0.1.example.org', false],
    ['localhost.example.org', false],
    ['0.0.0.0', false],
    ['rxa.localhost', true],
    ['localhost.example', false],
    ['10.0.0.1', false],
  ])('loopback: %s is %s', (host, expected) => expect(isLoopbackHost(host)).toBe(expected));
});
