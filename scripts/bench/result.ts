/** What came out: a table for people, and the same with its circumstances as JSON. */
import { cpus } from 'node:os';
import type { Row } from './cases.js';
import { median, quantile, type Samples } from './measure.js';

/** One line of the result. The ratio is to node:crypto doing the signatures alone, in the same round. */
export interface Line {
  readonly operation: string;
  readonly includes: string;
  readonly bytes: number;
  readonly cpuMicroseconds: number;
  readonly floorMicroseconds: number;
  readonly ratio: number;
  readonly ratioQuartiles: readonly [number, number];
}

export interface Result {
  readonly measuredAt: string;
  readonly node: string;
  readonly openssl: string;
  readonly cpu: string;
  readonly rounds: number;
  readonly sliceMilliseconds: number;
  readonly lines: readonly Line[];
}

export function summarise(
  rows: readonly Row[],
  samples: Samples,
  { rounds, sliceMilliseconds }: { rounds: number; sliceMilliseconds: number },
): Result {
  return {
    measuredAt: new Date().toISOString(),
    node: process.version,
    openssl: process.versions.openssl ?? '',
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    rounds,
    sliceMilliseconds,
    lines: rows.map((row) => toLine(row, samples)),
  };
}

function toLine({ id, operation, includes, bytes, floor }: Row, samples: Samples): Line {
  const own = samples.get(id) ?? [];
  const below = samples.get(floor.id) ?? [];
  const ratios = own.map((microseconds, round) => microseconds / (below[round] ?? Number.NaN));
  return {
    operation,
    includes,
    bytes,
    cpuMicroseconds: median(own),
    floorMicroseconds: median(below),
    ratio: median(ratios),
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

const headings = ['operation', 'bytes', 'CPU µs', 'floor µs', '× floor', 'quartiles', 'includes'] as const;

/** The table. */
export function tabulate({ lines, node, openssl, cpu, rounds, sliceMilliseconds }: Result): string {
  const rows = lines.map((line) => [
    line.operation,
    String(line.bytes),
    line.cpuMicroseconds.toFixed(1),
    line.floorMicroseconds.toFixed(1),
    line.ratio.toFixed(2),
    line.ratioQuartiles.map((ratio) => ratio.toFixed(2)).join('–'),
    line.includes,
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const isNumber = (column: number) => column > 0 && column < headings.length - 1;
  const format = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const circumstances = `Node ${node}, OpenSSL ${openssl}, ${cpu}; ${rounds} rounds of ${sliceMilliseconds} ms; medians of CPU time.`;
  const floor = 'Floor: node:crypto alone, the same signatures over the same bytes, in the same round.';
  return `${[headings, widths.map((width) => '─'.repeat(width)), ...rows].map(format).join('\n')}\n\n${circumstances}\n${floor}\n`;
}

/** Says on a terminal how far the measurement is; in a log, every tenth. */
export function progress(done: number, total: number): void {
  const percent = Math.floor((100 * done) / total);
  if (process.stderr.isTTY) process.stderr.write(`\rmeasuring: ${percent} %${done === total ? '\n' : ''}`);
  else if (percent % 10 === 0 && Math.floor((100 * (done - 1)) / total) !== percent) {
    process.stderr.write(`measuring: ${percent} %\n`);
  }
}
