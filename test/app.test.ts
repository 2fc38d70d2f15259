import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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

  test('says which address it cannot listen on, and lets go of everything that it had opened', async () => {
    app = await open();
    const error = await app.listen().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).message).toMatch(/^listen: 127\.0\.0\.1:\d+ cannot be listened on \(EADDRINUSE\)$/);
    await expect(app.foundation.store.ping()).rejects.toMatchObject({ code: 'storage_unavailable' });
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
