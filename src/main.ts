#!/usr/bin/env node
/** The command line `staff-passport`; `serve` is one command among others. See docs/operate.md. */
import { ServiceError } from './errors.js';

// Everything that this program writes is its owner's alone.
process.umask(0o077);
// Veramo's agent asks for terminal colours at every call; an answer given beforehand saves 8 % (performance.md §6).
process.env.DEBUG_COLORS ??= 'no';

// Imported only now, since the libraries read the environment when they are loaded.
const { createProgram } = await import('./commands/program.js');

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  });

/** Operators get sentences; a stack trace only for faults that are ours. */
function explain(error: unknown): string {
  if (error instanceof ServiceError) return `staff-passport: ${error.message}`;
  return `staff-passport: an unexpected fault\n${error instanceof Error ? error.stack : String(error)}`;
}
