#!/usr/bin/env node
/** The command line `staff-passport`; `serve` is one command among others. See docs/operate.md. */
import { Command } from 'commander';
import { backupCommand } from './commands/backup.js';
import { configCommand } from './commands/config.js';
import { doctorCommand } from './commands/doctor.js';
import { initCommand } from './commands/init.js';
import { keysCommand } from './commands/keys.js';
import { migrateCommand } from './commands/migrate.js';
import { registryCommand } from './commands/registry.js';
import { restoreCommand } from './commands/restore.js';
import { serveCommand } from './commands/serve.js';
import { tokenCommand } from './commands/token.js';
import { ServiceError } from './errors.js';

// Everything that this program writes is its owner's alone.
process.umask(0o077);

const program = new Command('staff-passport')
  .description('Issues and verifies staff passport credentials (W3C Verifiable Credentials) for one organisation.')
  .showHelpAfterError()
  .addCommand(initCommand())
  .addCommand(serveCommand())
  .addCommand(doctorCommand())
  .addCommand(configCommand())
  .addCommand(keysCommand())
  .addCommand(migrateCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(registryCommand())
  .addCommand(tokenCommand());

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

/** Operators get sentences; a stack trace only for faults that are ours. */
function explain(error: unknown): string {
  if (error instanceof ServiceError) return `staff-passport: ${error.message}`;
  return `staff-passport: an unexpected fault\n${error instanceof Error ? error.stack : String(error)}`;
}
