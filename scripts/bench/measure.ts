/**
 * Measures cases against each other: in one process, in slices of a fixed length, in a new random order in every
 * round, by the CPU time of the process. On a machine that others share, absolute times wander; the ratio of two cases
 * within a round wanders far less, so ratios are the result.
 */
import { randomInt } from 'node:crypto';

/** Something to repeat. */
export interface Case {
  readonly id: string;
  readonly run: () => unknown;
}

/** How long to measure, and who hears how far it is. */
export interface Effort {
  readonly rounds: number;
  readonly sliceMilliseconds: number;
  readonly onProgress: (done: number, total: number) => void;
}

/** CPU microseconds for one run, one value for each round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** Warms every case up, then measures all of them in every round. */
export async function measure(
  cases: readonly Case[],
  { rounds, sliceMilliseconds, onProgress }: Effort,
): Promise<Samples> {
  const total = cases.length * (rounds + 1);
  let done = 0;
  const step = () => {
    done += 1;
    onProgress(done, total);
  };
  const repetitions = new Map<Case, number>();
  for (const one of cases) {
    repetitions.set(one, await warmUp(one, sliceMilliseconds));
    step();
  }
  const samples = new Map(cases.map(({ id }) => [id, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const one of shuffled(cases)) {
      samples.get(one.id)?.push(await slice(one, repetitions.get(one) ?? 1));
      step();
    }
  }
  return samples;
}

/** Runs a case for two slices, the first of which compiles it, and says how often it fits into one. */
async function warmUp(one: Case, sliceMilliseconds: number): Promise<number> {
  let repetitions = 1;
  let microseconds = await slice(one, repetitions);
  for (let spent = microseconds; spent < 2000 * sliceMilliseconds; spent += microseconds * repetitions) {
    repetitions = Math.max(1, Math.round((1000 * sliceMilliseconds) / Math.max(microseconds, 1)));
    microseconds = await slice(one, repetitions);
  }
  return Math.max(1, Math.round((1000 * sliceMilliseconds) / microseconds));
}

/** CPU time of all threads, the garbage collector's and a worker's included. */
async function slice({ run }: Case, repetitions: number): Promise<number> {
  const begin = process.cpuUsage();
  for (let count = 0; count < repetitions; count += 1) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(begin);
  return Math.max(user + system, 1) / repetitions;
}

function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** The value below which the given part of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (sorted.length - 1) * part;
  const [below = Number.NaN, above = below] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
