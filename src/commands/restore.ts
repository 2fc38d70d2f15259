import { constants, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createLists, openFoundation, realSurroundings } from '../app.js';
import { loadConfig, type ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { identityFile } from '../identity/identity.js';
import { backupFiles } from './backup.js';
import { createOperator } from './operator.js';
import { deploymentCommand, say } from './options.js';

/** `restore`: puts a backup into a state folder that has no databases, and closes the status lists that it holds. */
export function restoreCommand(): Command {
  return deploymentCommand('restore', 'Put a backup back; status lists are closed and new ones opened')
    .argument('<folder>', 'folder that `backup` made')
    .action(async (folder: string, options: { config: string }) => {
      const deployment = loadConfig(options.config);
      const { config } = deployment;
      const file = requireSqlite(config);
      const source = resolve(folder);
      const manifest = readManifest(source, config);
      mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
      copyNew(join(source, backupFiles.main), file);
      copyNew(join(source, backupFiles.identity), identityFile(file));
      const copy = join(source, backupFiles.registryCopy);
      if (existsSync(copy)) copyNew(copy, config.registry.cacheFile);
      createOperator(config);
      await closeLists(deployment);
      const marker = { did: config.did, restored: new Date().toISOString(), taken: manifest.taken };
      writeFileSync(join(config.stateFolder, 'initialised.json'), `${JSON.stringify(marker, null, 2)}\n`, {
        mode: 0o600,
      });
      say(`restored ${config.did} as of ${manifest.taken}; what was issued later is not known here any more`);
    });
}

function requireSqlite({ database }: ServiceConfig): string {
  if (database.type === 'sqlite') return database.file;
  throw new ServiceError('configuration', 'On PostgreSQL restore with pg_restore, then see docs/operate.md.');
}

function readManifest(source: string, config: ServiceConfig): { did: string; taken: string } {
  let manifest: { did: string; taken: string };
  try {
    manifest = JSON.parse(readFileSync(join(source, backupFiles.manifest), 'utf8')) as typeof manifest;
  } catch (cause) {
    throw new ServiceError('configuration', `${source} is not a finished backup: ${backupFiles.manifest} is missing`, {
      cause,
    });
  }
  if (manifest.did === config.did) return manifest;
  throw new ServiceError('configuration', `${source} is a backup of another organisation`);
}

function copyNew(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  } catch (cause) {
    throw new ServiceError('conflict', `${to} exists already or ${from} cannot be read; nothing was overwritten`, {
      cause,
    });
  }
}

/** Nobody knows which status indexes were given out after the backup: none of the old lists is used again. */
async function closeLists(deployment: ReturnType<typeof loadConfig>): Promise<void> {
  const foundation = await openFoundation(deployment, realSurroundings(), 'run');
  try {
    await foundation.identity.selfTest();
    if (!foundation.config.roles.includes('issuer')) return;
    const { store, audit } = foundation;
    await store.transaction(async (tx) => {
      await createLists(foundation).replace(tx);
      await audit.record(tx, { action: 'database.restored', actor: 'operator', outcome: 'success' });
    });
  } finally {
    await foundation.close();
  }
}
