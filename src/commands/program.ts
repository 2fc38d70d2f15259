import { Command } from 'commander';
import { backupCommand } from './backup.js';
import { configCommand } from './config.js';
import { doctorCommand } from './doctor.js';
import { initCommand } from './init.js';
import { keysCommand } from './keys.js';
import { migrateCommand } from './migrate.js';
import { registryCommand } from './registry.js';
import { restoreCommand } from './restore.js';
import { serveCommand } from './serve.js';
import { suiteCommand } from './suite.js';
import { tokenCommand } from './token.js';
import { walletCommand } from './wallet.js';

/** The command line with all its commands. */
export function createProgram(): Command {
  return new Command('staff-passport')
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
    .addCommand(tokenCommand())
    .addCommand(suiteCommand())
    .addCommand(walletCommand());
}
