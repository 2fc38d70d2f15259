/**
 * Real deployments for tests: own folder, keys, database and port, run by `node dist/main.js` as an operator would.
 *
 *   const field = await openField();
 *   const trust = await field.deploy('rxa', { registry: ... });
 *   await trust.initialise();
 *   const service = await trust.serve();
 *   ...
 *   await field.close();
 *
 * Whatever any of these processes wrote is kept in `field.diary()`, for the tests that look for secrets in it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'dist/main.js');

/** Two slow processors, shared with everybody else: what takes three seconds alone may take thirty. */
export const patience = 60_000;

type Settings = { readonly [name: string]: unknown };

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One running `serve`. */
export interface Service {
  readonly pid: number;
  /** Where this process listens; the deployment's `url` is where others look for it. */
  readonly url: string;
  output(): string;
  /** Sends a signal and waits for the end; the exit code, or null when it was killed. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

/** One deployment file with its state folder. */
export interface Deployment {
  readonly url: string;
  readonly did: string;
  readonly odsCode: string;
  readonly config: string;
  readonly stateFolder: string;
  /** Runs `staff-passport <command> --config <file>`; never rejects for an exit code. */
  run(...command: readonly string[]): Promise<Outcome>;
  /** The same, started only. */
  begin(...command: readonly string[]): { readonly child: ChildProcess; readonly outcome: Promise<Outcome> };
  /** `init`; throws unless it succeeds. */
  initialise(): Promise<Outcome>;
  /** Starts `serve` and waits until it answers (and is ready, unless that is not expected). */
  serve(options?: { readonly until?: 'ready' | 'live' }): Promise<Service>;
  /** Changes settings of the deployment file. */
  configure(settings: Settings): void;
  /** The same deployment at another port: a further process on one database, behind one public address. */
  replica(): Promise<Deployment>;
}

/** A temporary folder with deployments in it. */
export interface Field {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Settings over the standard ones; a function of the port where they depend on it. */
  deploy(name: string, settings?: Settings | ((port: number) => Settings)): Promise<Deployment>;
  /** Writes the registry file that deployments without an authority read: who may issue every type. */
  recognise(...deployments: readonly Deployment[]): void;
  /** Everything that any process of this field wrote to its terminal. */
  diary(): string;
  /** Kills what still runs and removes the folder. */
  close(): Promise<void>;
}

export async function openField(): Promise<Field> {
  if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` before these tests.`);
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-field-'));
  const running = new Set<ChildProcess>();
  const diary: string[] = [];
  const environment: NodeJS.ProcessEnv = { ...process.env };
  // Jest's own flags and worker marks are not the service's business, nor is whom the tests trust.
  for (const name of ['NODE_OPTIONS', 'JEST_WORKER_ID', 'NODE_ENV', 'NODE_EXTRA_CA_CERTS']) delete environment[name];

  function start(args: readonly string[]): Started {
    const child = spawn(process.execPath, [program, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        written[name] += text;
        diary.push(text);
      });
    }
    const ended = new Promise<number | null>((done) => {
      // `close` comes after the last byte of output, `exit` may come before.
      child.once('close', (code) => {
        running.delete(child);
        done(code);
      });
    });
    return { child, written, ended };
  }

  return {
    folder,
    environment,
    async deploy(name, settings = {}) {
      const port = await freePort();
      return createDeployment(
        { folder, start },
        name,
        typeof settings === 'function' ? settings(port) : settings,
        port,
      );
    },
    recognise: (...deployments) =>
      writeFileSync(join(folder, 'registry.json'), JSON.stringify(registryOf(deployments))),
    diary: () => diary.join(''),
    async close() {
      const ends = [...running].map((child) => new Promise((done) => child.once('close', done)));
      for (const child of running) child.kill('SIGKILL');
      await Promise.all(ends);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly written: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<number | null>;
}

interface Ground {
  readonly folder: string;
  readonly start: (args: readonly string[]) => Started;
}

/** Port 0 would come from the range of outgoing connections, where anybody may take it before the service starts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    await new Promise((done) => server.close(done));
    if (free) return port;
  }
}

/** Short times, so that tests are short; `debug`, so that whatever could be logged is. */
function standardSettings(name: string, port: number): Settings {
  return {
    name: `${name.toUpperCase()} (test)`,
    odsCode: name.toUpperCase(),
    did: `did:web:localhost%3A${port}`,
    publicUrl: `http://localhost:${port}`,
    listen: { host: '127.0.0.1', port, graceMilliseconds: 0 },
    development: { loopback: true },
    stateFolder: `./${name}`,
    tls: { mode: 'none' },
    programme: { baseUrl: `http://localhost:${port}` },
    registry: { source: 'file', file: '../registry.json', pollSeconds: 1 },
    status: { ttlSeconds: 1, reloadMilliseconds: 200 },
    verification: { open: true },
    access: {
      verifyPerMinute: 1_000_000,
      tokenPerMinute: 100_000,
      clients: [
        {
          id: 'operator',
          jwksFile: 'operator.jwks.json',
          scopes: [
            'vc:issue',
            'vc:revoke',
            'vc:offer',
            'vc:read',
            'vc:verify',
            'vp:request',
            'registry:read',
            'registry:write',
            'audit:read',
          ],
        },
      ],
    },
    logging: { level: 'debug' },
  };
}

/** Settings over settings; a null stays, for it must take away what agent.yml says (RFC 7396). */
function overlay(below: unknown, above: unknown): unknown {
  const isSettings = (value: unknown): value is Settings =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isSettings(below) || !isSettings(above)) return above;
  const names = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries(
    [...names].map((name) => [name, name in above ? overlay(below[name], above[name]) : below[name]]),
  );
}

function createDeployment(ground: Ground, name: string, settings: Settings, port: number): Deployment {
  const config = join(ground.folder, `${name}-${port}.yml`);
  let service = overlay(standardSettings(name, port), settings) as Settings &
    Record<'did' | 'publicUrl' | 'odsCode', string>;
  const stateFolder = join(ground.folder, String(service['stateFolder']));

  function write(): void {
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ extends: join(root, 'agent.yml'), service }, null, 2));
  }

  function begin(...command: readonly string[]) {
    const { child, written, ended } = ground.start([...command, '--config', config]);
    return { child, outcome: ended.then((code) => ({ code, ...written })) };
  }

  async function serve({ until = 'ready' }: { until?: 'ready' | 'live' } = {}): Promise<Service> {
    const url = `${new URL(service.publicUrl).protocol}//127.0.0.1:${port}`;
    if (await fetch(url).catch(() => undefined)) throw new Error(`${url} is taken: was a service not stopped?`);
    const { child, written, ended } = ground.start(['serve', '--config', config]);
    const output = () => written.stdout + written.stderr;
    await untilAnswers(`${url}/health/${until}`, child, output);
    return {
      pid: child.pid ?? 0,
      url,
      output,
      stop(signal = 'SIGTERM') {
        child.kill(signal);
        return ended;
      },
    };
  }

  write();
  return {
    config,
    stateFolder,
    url: service.publicUrl,
    did: service.did,
    odsCode: service.odsCode,
    run: (...command) => begin(...command).outcome,
    begin,
    async initialise() {
      const outcome = await begin('init').outcome;
      if (outcome.code !== 0) throw new Error(`init of ${name} failed:\n${outcome.stderr}`);
      return outcome;
    },
    serve,
    configure(changes) {
      service = overlay(service, changes) as typeof service;
      write();
    },
    async replica() {
      const other = await freePort();
      return createDeployment(ground, name, { ...service, listen: { host: '127.0.0.1', port: other } }, other);
    },
  };
}

const types = readdirSync(join(root, 'schemas')).filter((name) => name.endsWith('Credential'));

/** Organisations as an authority's seed file and an own registry file have them. */
export function registryOf(deployments: readonly Deployment[], issued = types): Settings {
  return {
    programmeBaseUrl: deployments[0]?.url,
    organisations: deployments.map(({ did, odsCode }) => ({
      odsCode,
      name: `${odsCode} (test)`,
      kind: 'nhs-trust',
      dids: [{ did }],
      issue: issued.map((type) => ({ type, from: '2026-01-01T00:00:00Z' })),
    })),
  };
}

async function untilAnswers(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const end = Date.now() + patience;
  while (Date.now() < end) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`serve ended at its start:\n${output()}`);
    if (await fetch(url).then(isOk, () => false)) return;
    await pause(50);
  }
  throw new Error(`${url} does not answer after ${patience / 1000} s:\n${output()}`);
}

async function isOk(response: Response): Promise<boolean> {
  await response.arrayBuffer();
  return response.ok;
}

/** Asks again and again until the answer is as expected; the last answer, whatever it is. */
export async function until<T>(
  ask: () => Promise<T>,
  isExpected: (answer: T) => boolean,
  milliseconds = patience,
): Promise<T> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (isExpected(answer) || Date.now() > end) return answer;
    await pause(50);
  }
}
