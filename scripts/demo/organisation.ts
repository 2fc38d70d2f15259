/**
 * One organisation of the demonstration as a separate process: its own folder, keys, database and port. This file
 * knows the product only by its command line and its HTTP API, as a stranger would.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = resolve(import.meta.dirname, '../../dist/main.js');

/** What a step needs to know of an organisation. */
export interface Organisation {
  readonly label: string;
  readonly url: string;
  readonly odsCode: string;
  readonly stateFolder: string;
  /** Calls the organisation's API; a JSON answer, or an Error that quotes the problem document. */
  call(method: 'GET' | 'POST' | 'PUT', path: string, options?: CallOptions): Promise<Answer>;
  /** An access token from the organisation's own authorization server, by its operator's key. */
  token(): Promise<string>;
  initialise(): Promise<'created' | 'kept'>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface CallOptions {
  readonly body?: unknown;
  readonly token?: string;
  readonly expect?: number;
}

/** Status and parsed body of an API call. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the demonstration reads answers as any client would, by member name
  readonly body: any;
}

/** The three settings that the demonstration needs of a deployment file, as `config check --print` shows them. */
interface Settings {
  readonly publicUrl: string;
  readonly odsCode: string;
  readonly stateFolder: string;
}

/** A small machine that is busy with something else takes its time. */
const startUpLimit = 60_000;
const readyLimit = 10_000;
const stopLimit = 35_000;
const callLimit = 20_000;
/** Tokens live five minutes; the story takes one. */
const tokenLimit = 240_000;

/** Reads a deployment file through the program itself and returns the organisation that it describes. */
export async function openOrganisation(label: string, config: string): Promise<Organisation> {
  const settings = JSON.parse(await command(['config', 'check', '--print', '--config', config])).service as Settings;
  let child: ChildProcess | undefined;
  let diary = '';
  let granted: { readonly token: Promise<string>; readonly until: number } | undefined;

  async function initialise(): Promise<'created' | 'kept'> {
    if (existsSync(join(settings.stateFolder, 'initialised.json'))) return 'kept';
    await command(['init', '--config', config]);
    return 'created';
  }

  async function start(): Promise<void> {
    if (await ask(settings.publicUrl)) {
      throw new Error(`${settings.publicUrl} is taken: does an earlier \`npm start\` still run? Stop it first.`);
    }
    const started = spawn(process.execPath, [program, 'serve', '--config', config], {
      env: { ...process.env, DEBUG_COLORS: 'no' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    const keep = (chunk: Buffer) => {
      diary = (diary + chunk.toString()).slice(-20_000);
    };
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    await untilReady(started);
  }

  async function untilReady(started: ChildProcess): Promise<void> {
    const health = `${settings.publicUrl}/health/ready`;
    let end = Date.now() + startUpLimit;
    let answer = 'nothing';
    while (Date.now() < end) {
      if (hasEnded(started)) throw new Error(`${label} ended at its start:\n${diary}`);
      const response = await ask(health);
      if (response?.ok && !hasEnded(started)) return;
      // Whoever answers has started: what it lacks now it will soon have, or not at all.
      if (response && answer === 'nothing') end = Math.min(end, Date.now() + readyLimit);
      answer = (await response?.text()) ?? answer;
      await pause(50);
    }
    throw new Error(`${label} does not become ready; ${health} answers ${answer}`);
  }

  /** The whole program starts for a token, so one serves for all that the operator does. */
  function token(): Promise<string> {
    if (!granted || granted.until < Date.now()) {
      const printed = command(['token', '--config', config]).then((line) => line.trim());
      granted = { token: printed, until: Date.now() + tokenLimit };
    }
    return granted.token;
  }

  async function stop(): Promise<void> {
    if (!child || hasEnded(child)) return;
    const ended = new Promise<void>((done) => child?.once('exit', () => done()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child?.kill('SIGKILL'), stopLimit);
    await ended;
    clearTimeout(timer);
  }

  return {
    label,
    url: settings.publicUrl,
    odsCode: settings.odsCode,
    stateFolder: settings.stateFolder,
    call: (method, path, options) => callApi(`${settings.publicUrl}${path}`, method, options),
    token,
    initialise,
    start,
    stop,
  };
}

/** The answer at an address; undefined where nobody answers. */
function ask(url: string): Promise<Response | undefined> {
  return fetch(url, { signal: AbortSignal.timeout(callLimit) }).catch(() => undefined);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Runs the program as an operator or a holder would; what it printed, or an Error with what it complained of. */
export async function command(args: readonly string[]): Promise<string> {
  try {
    return (await run(process.execPath, [program, ...args], { timeout: startUpLimit, maxBuffer: 4_000_000 })).stdout;
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw new Error(`staff-passport ${args.join(' ')} failed:\n${stderr ?? ''}`, { cause });
  }
}

async function callApi(url: string, method: string, options: CallOptions = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(callLimit),
    headers: {
      accept: 'application/json',
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const expected = options.expect ?? 200;
  if (response.status !== expected) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Waits for a number of milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
