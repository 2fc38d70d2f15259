import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { identityFile } from '../identity/identity.js';
import { backup } from '../store/store.js';
import { deploymentCommand, say } from './options.js';

/** Names of the files in a backup; `restore` reads the same. */
export const backupFiles = {
  main: 'staff-passport.sqlite',
  identity: 'identity.sqlite',
  registryCopy: 'registry-cache.json',
  manifest: 'backup.json',
} as const;

/** `backup`: a consistent copy of both databases, also while the service runs. The key-encryption key is not in it. */
export function backupCommand(): Command {
  return deploymentCommand('backup', 'Copy the databases into a new folder, also while the service runs')
    .argument('<folder>', 'folder to create')
    .action(async (folder: string, options: { config: string }) => {
      const { config } = loadConfig(options.config);
      const { database } = config;
      const target = resolve(folder);
      if (database.type !== 'sqlite') await backup(database, target);
      else {
        createFolder(target);
        await backup(database, join(target, backupFiles.main));
        await backup({ type: 'sqlite', file: identityFile(database.file) }, join(target, backupFiles.identity));
        const { cacheFile } = config.registry;
        if (existsSync(cacheFile)) copyFileSync(cacheFile, join(target, backupFiles.registryCopy));
        // Written last: a folder without it is no backup.
        const manifest = { did: config.did, taken: new Date().toISOString() };
        writeFileSync(join(target, backupFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
        say(`${target} holds the databases of ${config.did}; the key-encryption key is NOT in it`);
      }
    });
}

function createFolder(target: string): void {
  if (existsSync(target)) throw new ServiceError('conflict', `${target} exists already; nothing was written`);
  mkdirSync(target, { recursive: true, mode: 0o700 });
}
