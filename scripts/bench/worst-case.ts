/**
 * `npm run bench -- --worst`: how long the worst legal inputs keep the event loop from everybody else. Each is
 * verified over and over while ordinary credentials are; the loop's delay is compared with that under ordinary load
 * alone, since a machine that others share delays a process whatever it does. docs/performance.md tells how to read it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { quantile } from './measure.js';
import type { BenchOrganisation } from './organisation.js';
import type { WorstInput } from './worst-inputs.js';

/** Milliseconds, except for the count. */
export interface WorstRow {
  readonly name: string;
  readonly bytes: number;
  readonly runs: number;
  /** For one run: of the whole process, its threads included. */
  readonly cpu: number;
  /** How long the loop was held up as the clock has it; other programs of the machine are part of it. */
  readonly p99: number;
  readonly max: number;
  /** How much the main thread computed without a pause: what the delay would be on a machine of one's own. */
  readonly ownP99: number;
  readonly ownMax: number;
}

const resolution = 5;

/** A DBS check as the organisation issues it, in the two formats of the catalogue by turns. */
export async function createOrdinary({
  issuance,
  catalogue,
  holder,
  verification,
}: BenchOrganisation): Promise<WorstInput> {
  const example = structuredClone(catalogue.find('DbsCheckCredential')?.example ?? {});
  const credential = { ...example, credentialSubject: { ...(example['credentialSubject'] as object), id: holder.did } };
  const wires: unknown[] = [];
  for (const format of ['vc+jwt', 'eddsa-rdfc-2022'] as const) {
    const issued = await issuance.issue({ credential, options: { format } }, { clientId: 'bench' });
    wires.push(issued.verifiableCredential);
  }
  let turn = 0;
  const run = async () => {
    turn += 1;
    const verifiableCredential = wires[turn % wires.length];
    return JSON.stringify(await verification.verifyCredential({ verifiableCredential }));
  };
  return { name: 'ordinary', bytes: JSON.stringify(wires[0]).length, reaches: '"decision":"valid"', run };
}

/** Verifies until told to stop; one piece of work at a time, as one client would send it. */
async function repeat(run: () => Promise<unknown>, going: () => boolean): Promise<number> {
  let runs = 0;
  while (going()) {
    await run();
    await nextTurn();
    runs += 1;
  }
  return runs;
}

/** One run alone says what it costs; then it is mixed with ordinary load. */
export async function measureWorst(
  { name, bytes, reaches, run }: WorstInput,
  { ordinary, milliseconds }: { ordinary: () => Promise<unknown>; milliseconds: number },
): Promise<WorstRow> {
  const answer = await run();
  if (!answer.includes(reaches)) throw new Error(`${name} does not reach ${reaches}: ${answer.slice(0, 1500)}`);
  await pause(20);
  const begin = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(begin);
  const end = performance.now() + milliseconds;
  const going = () => performance.now() < end;
  const delay = monitorEventLoopDelay({ resolution });
  const own = monitorOwnTime();
  delay.enable();
  const [runs] = await Promise.all([repeat(run, going), ...[1, 2].map(() => repeat(ordinary, going))]);
  delay.disable();
  const inMilliseconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  const samples = own.stop();
  return {
    name,
    bytes,
    runs: runs ?? 0,
    cpu: (user + system) / 1000,
    p99: inMilliseconds(delay.percentile(99)),
    max: inMilliseconds(delay.max),
    ownP99: quantile(samples, 0.99),
    ownMax: quantile(samples, 1),
  };
}

/**
 * What the main thread computed between two turns of the loop, by the scheduler's account of it (Linux: the first
 * number of schedstat, in nanoseconds). Not a number where there is none.
 */
function monitorOwnTime(): { stop(): number[] } {
  const file = `/proc/self/task/${process.pid}/schedstat`;
  const read = () => (existsSync(file) ? Number(readFileSync(file, 'latin1').split(' ', 1)[0]) / 1e6 : Number.NaN);
  const samples: number[] = [];
  let last = read();
  let going = true;
  const sample = () => {
    const now = read();
    samples.push(now - last);
    last = now;
    if (going) setImmediate(sample);
  };
  setImmediate(sample);
  return {
    stop() {
      going = false;
      return samples;
    },
  };
}

/** For people; times with one decimal. */
export function tabulateWorst(rows: readonly WorstRow[]): string {
  const head = ['input', 'bytes', 'runs', 'CPU of one', 'own p99', 'own max', 'delay p99', 'delay max'];
  const lines = rows.map(({ name, bytes, runs, cpu, ownP99, ownMax, p99, max }) => [
    name,
    bytes,
    runs,
    ...[cpu, ownP99, ownMax, p99, max].map((value) => value.toFixed(1)),
  ]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
