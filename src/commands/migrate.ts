import type { Command } from 'commander';
import { openFoundation, realSurroundings } from '../app.js';
import { loadConfig } from '../config.js';
import { migrateIdentityDatabase } from '../identity/identity.js';
import { pendingMigrations } from '../store/store.js';
import { deploymentCommand, say } from './options.js';

/** `migrate`: brings the tables up to date; on PostgreSQL `serve` refuses to start before. */
export function migrateCommand(): Command {
  return deploymentCommand('migrate', 'Bring the database up to date').action(async (options: { config: string }) => {
    const deployment = loadConfig(options.config);
    const { database } = deployment.config;
    const pending = await pendingMigrations({ database });
    const identity = await migrateIdentityDatabase(database, process.env);
    const foundation = await openFoundation(deployment, realSurroundings(), 'run');
    await foundation.close();
    const run = [...identity, ...pending];
    say(run.length === 0 ? 'nothing to do' : `ran: ${run.join(', ')}`);
  });
}
