/** What the demonstration shows on the terminal: steps with their outcome, and tables. */
import { performance } from 'node:perf_hooks';

/** Runs one told step: prints its sentence, then the outcome and how long it took; a failure ends the story. */
export async function step<T>(sentence: string, work: () => Promise<T>, outcome?: (result: T) => string): Promise<T> {
  const begin = performance.now();
  process.stdout.write(`  ${sentence} … `);
  try {
    const result = await work();
    const told = outcome ? outcome(result) : 'done';
    process.stdout.write(`${told} (${Math.round(performance.now() - begin)} ms)\n`);
    return result;
  } catch (cause) {
    process.stdout.write('NOT AS TOLD\n');
    throw cause;
  }
}

/** Prints the heading of a chapter. */
export function chapter(title: string): void {
  process.stdout.write(`\n${title}\n${'─'.repeat(title.length)}\n`);
}

/** Prints rows in aligned columns below their headings. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  const ruler = widths.map((width) => '─'.repeat(width));
  process.stdout.write(`${[headings, ruler, ...rows].map(line).join('\n')}\n`);
}
