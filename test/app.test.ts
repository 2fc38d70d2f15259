import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type App, createApp, realSurroundings } from '../src/app.js';
import { createProgram } from '../src/commands/program.js';
import { loadConfig } from '../src/config.js';
import { ServiceError } from '../src/errors.js';

const agentFile = resolve(import.meta.dirname, '../agent.yml');

function occupy(): Promise<Server> {
  const server = createServer();
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

describe('the service as a whole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-app-'));
  const config = join(folder, 'rxa.yml');
  const clock = { ahead: 0 };
  const faults: string[] = [];
  let occupied: Server;
  let app: App;

  const open = () =>
    createApp(loadConfig(config), {
      ...realSurroundings(),
      now: () => new Date(Date.now() + clock.ahead),
      onFault: (where) => void faults.push(where),
    });

  beforeAll(async () => {
    occupied = await occupy();
    const port = (occupied.address() as { port: number }).port;
    const did = `did:web:localhost%3A${port}`;
    const service = {
      name: 'Rexford Acute NHS Trust (invented)',
      odsCode: 'RXA',
      did,
      publicUrl: `http://localhost:${port}`,
      listen: { host: '127.0.0.1', port },
      development: { loopback: true },
      stateFolder: './rxa',
      tls: { mode: 'none' },
      programme: { baseUrl: `http://localhost:${port}` },
      registry: { source: 'file', file: '../registry.json', pollSeconds: 86_400 },
      logging: { level: 'silent' },
    };
    writeFileSync(config, JSON.stringify({ extends: agentFile, service }));
    const organisations = [{ odsCode: 'RXA', name: 'A', kind: 'nhs-trust', dids: [{ did }], issue: [] }];
    writeFileSync(join(folder, 'registry.json'), JSON.stringify({ organisations }));
    await createProgram().parseAsync(['node', 'staff-passport', 'init', '--config', config]);
  }, 60_000);

  afterAll(async () => {
    await new Promise((done) => occupied.close(done));
    rmSync(folder, { recursive: true, force: true });
  });

  test('logs faults of the background with where they happened, and never with their words', () => {
    const lines: string[] = [];
    const { write } = process.stderr;
    process.stderr.write = ((line: string) => lines.push(line) > 0) as typeof write;
    try {
      const cause = Object.assign(new TypeError('Mrs Smith'), { code: 'EPERSON' });
      realSurroundings().onFault('status', new Error('born 1970', { cause }));
    } finally {
      process.stderr.write = write;
    }
    const { where, error } = JSON.parse(lines.join(''));
    expect([where, error.name, error.cause.name, error.cause.code]).toEqual([
      'status',
      'Error',
      'TypeError',
      'EPERSON',
    ]);
    expect(error.frames[0]).toContain('app.test');
    expect(lines.join('')).not.toMatch(/Smith|1970/);
  });

  test('says which address it cannot listen on, and lets go of everything that it had opened', async () => {
    app = await open();
    const error = await app.listen().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).message).toMatch(/^listen: 127\.0\.0\.1:\d+ cannot be listened on \(EADDRINUSE\)$/);
    await expect(app.foundation.store.ping()).rejects.toMatchObject({ code: 'storage_unavailable' });
  }, 60_000);

  test('leaves a database alone that another one serves', async () => {
    app = await open();
    const second = await open().catch((thrown: unknown) => thrown);
    expect(second).toMatchObject({ code: 'configuration' });
    expect((second as Error).message).toMatch(/^database: another process serves .*staff-passport\.sqlite already/);
    await app.drain();
    app = await open();
    await app.drain();
  }, 60_000);

  test('outside loopback keeps its metrics to itself, and starts with no resolver that takes no rules', async () => {
    const outside = {
      name: 'Rexford Acute NHS Trust (invented)',
      odsCode: 'RXA',
      did: 'did:web:rxa.example',
      publicUrl: 'https://rxa.example',
      listen: { host: '127.0.0.1', port: 0 },
      stateFolder: './outside',
      programme: { baseUrl: 'https://programme.example' },
      registry: {
        url: 'https://authority.example/registry/list',
        authorityDid: 'did:web:authority.example',
        keyThumbprints: ['A'.repeat(43)],
      },
      logging: { level: 'silent' },
    };
    const write = (name: string, settings: object, rest: object = {}) => {
      const file = join(folder, name);
      writeFileSync(file, JSON.stringify({ extends: agentFile, service: { ...outside, ...settings }, ...rest }));
      return file;
    };
    const strict = write('outside.yml', {});
    await createProgram().parseAsync(['node', 'staff-passport', 'init', '--config', strict]);
    const statusOf = async (file: string) => {
      const one = await createApp(loadConfig(file));
      const { statusCode } = await one.server.inject('/metrics');
      await one.drain();
      return statusCode;
    };
    expect(await statusOf(strict)).toBe(401);
    expect(await statusOf(write('open.yml', { metrics: { open: true } }))).toBe(200);
    const { resolver } = parse(readFileSync(agentFile, 'utf8'));
    const wrapped = {
      $require: '@veramo/did-resolver#DIDResolverPlugin',
      $args: [{ resolver: { $ref: '/innerResolver' } }],
    };
    const exchanged = write('exchanged.yml', {}, { innerResolver: resolver, resolver: wrapped });
    await expect(createApp(loadConfig(exchanged))).rejects.toThrow(/^\/resolver: takes no rules/);
  }, 60_000);

  test('is not ready without any copy of the registry, and stays so with an old one, for others need what it publishes', async () => {
    await new Promise((done) => occupied.close(done));
    app = await open();
    const ready = async () => {
      const { statusCode, body } = await app.server.inject('/health/ready');
      const { checks } = JSON.parse(body) as { checks: { name: string; detail?: string }[] };
      return [statusCode, checks.find(({ name }) => name === 'registry')?.detail];
    };
    expect(await ready()).toEqual([503, 'absent']);
    await app.listen();
    expect(await ready()).toEqual([200, 'fresh']);
    // On loopback a new key signs after one second, so nobody may keep the document for longer.
    const { headers } = await app.server.inject('/.well-known/did.json');
    expect(headers['cache-control']).toMatch(/max-age=1,/);
    clock.ahead = 8 * 86_400_000;
    expect(await ready()).toEqual([200, 'expired']);
    clock.ahead = 0;
    expect(await app.drain()).toBe(true);
    expect(faults).toEqual([]);
  }, 60_000);
});
