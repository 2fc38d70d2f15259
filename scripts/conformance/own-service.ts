/** Starts the conformance deployment (agents/conformance.yml) in a temporary state folder, as an operator would. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Host } from './host.js';
import type { Send } from './target.js';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'dist/main.js');
const startUpLimit = 60_000;
const stopLimit = 35_000;

export interface OwnService {
  readonly url: string;
  stop(): Promise<void>;
}

/** The service trusts what the host publishes: its issuer is in the registry, and schemas may be fetched from it. */
export async function startOwnService(send: Send, host: Host): Promise<OwnService> {
  if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` first.`);
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-conformance-'));
  const config = await writeDeployment(folder, host);
  try {
    const printed = JSON.parse(await command(['config', 'check', '--print', '--config', config]));
    await command(['init', '--config', config]);
    const child = spawn(process.execPath, [program, 'serve', '--config', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stop = async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      await untilReady(child, `${printed.service.publicUrl}/health/ready`, send);
    } catch (error) {
      await stop();
      throw error;
    }
    return { url: printed.service.publicUrl, stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The deployment at a free port: several may run at the same time, and a suite may already hold the usual one. */
async function writeDeployment(folder: string, host: Host): Promise<string> {
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const registry = join(folder, 'registry.json');
  writeFileSync(registry, JSON.stringify(recognised(port, host)));
  const config = join(folder, 'agent.yml');
  const service = {
    did: `did:web:localhost%3A${port}`,
    publicUrl: origin,
    listen: { port },
    programme: { baseUrl: origin },
    didServices: [{ id: 'schemas', type: 'https://schema.org/DataCatalog', serviceEndpoint: `${origin}/schemas/` }],
    registry: { file: registry },
    network: { certificateAuthoritiesFile: host.hosting.certificateFile },
    verification: { schemaHosts: [host.name] },
    stateFolder: join(folder, 'state'),
  };
  writeFileSync(config, JSON.stringify({ extends: join(root, 'agents/conformance.yml'), service }));
  return config;
}

/** The deployment's own registry, with the checker beside it. */
function recognised(port: number, { did }: Host): object {
  const own = readFileSync(join(root, 'agents/conformance-registry.json'), 'utf8').replaceAll('8443', String(port));
  const { organisations, ...registry } = JSON.parse(own) as { organisations: object[] };
  const issue = [{ type: 'VerifiableCredential', from: '1970-01-01T00:00:00Z' }];
  const checker = { odsCode: 'XCC', name: 'Conformance Checker (invented)', kind: 'other', dids: [{ did }], issue };
  return { ...registry, organisations: [...organisations, checker] };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function command(args: readonly string[]): Promise<string> {
  try {
    return (await run(process.execPath, [program, ...args], { timeout: startUpLimit, maxBuffer: 4_000_000 })).stdout;
  } catch (cause) {
    throw new Error(`staff-passport ${args.join(' ')} failed:\n${(cause as { stderr?: string }).stderr ?? ''}`, {
      cause,
    });
  }
}

async function untilReady(child: ChildProcess, url: string, send: Send): Promise<void> {
  let diary = '';
  const keep = (chunk: Buffer) => {
    diary = (diary + chunk.toString()).slice(-10_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const deadline = Date.now() + startUpLimit;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the service ended at its start:\n${diary}`);
    const ready = await send({ method: 'GET', url, headers: {} }).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) return;
    await pause(100);
  }
  throw new Error(`the service is not ready after ${startUpLimit / 1000} s:\n${diary}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimit);
  await ended;
  clearTimeout(timer);
}
