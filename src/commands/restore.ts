import { constants, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createAuthority, createLists, openFoundation, realSurroundings } from '../app.js';
import { loadConfig, type ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { identityFile } from '../identity/identity.js';
import { backupFiles } from './backup.js';
import { createOperator } from './operator.js';
import { deploymentCommand, say } from './options.js';

/**
 * `restore`: puts a backup into a state folder that has no databases, and makes up for what nobody remembers any more.
 * On PostgreSQL the databases come back by pg_restore, and only the second half is ours.
 */
export function restoreCommand(): Command {
  return deploymentCommand('restore', 'Put a backup back; status lists are closed and new ones opened')
    .argument('[folder]', 'folder that `backup` made; none on PostgreSQL, where pg_restore comes first')
    .action(async (folder: string | undefined, options: { config: string }) => {
      const deployment = loadConfig(options.config);
      const { config } = deployment;
      const taken =
        config.database.type === 'sqlite' ? await putBack(deployment, config.database.file, folder) : undefined;
      if (taken === undefined) {
        if (folder !== undefined) {
          throw new ServiceError(
            'configuration',
            'On PostgreSQL run pg_restore first, then `restore` without a folder.',
          );
        }
        await makeUp(deployment);
      }
      const marker = { did: config.did, restored: new Date().toISOString(), taken };
      writeFileSync(join(config.stateFolder, 'initialised.json'), `${JSON.stringify(marker, null, 2)}\n`, {
        mode: 0o600,
        flush: true,
      });
      say(`restored ${config.did}; what was issued after ${taken ?? 'the dump'} is not known here any more`);
      if (config.roles.includes('registry')) {
        say('Compare /registry with the list that a member keeps (registry-cache.json): later suspensions are lost.');
      }
    });
}

/** Copies the databases of a backup into an empty state folder; says when they were taken. */
async function putBack(deployment: Loaded, file: string, folder: string | undefined): Promise<string> {
  const { config } = deployment;
  if (folder === undefined) throw new ServiceError('configuration', 'Name the folder that `backup` made.');
  const source = resolve(folder);
  const { taken } = readManifest(source, config);
  mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
  if (existsSync(file)) throw new ServiceError('conflict', `${file} exists already; nothing was overwritten`);
  copyNew(join(source, backupFiles.identity), identityFile(file));
  const copy = join(source, backupFiles.registryCopy);
  if (existsSync(copy)) copyNew(copy, config.registry.cacheFile);
  createOperator(config);
  // A service that found the database before its lists are closed would hand out indexes for the second time.
  const unfinished = `${file}.restoring`;
  copyNew(join(source, backupFiles.main), unfinished);
  await makeUp(withDatabase(deployment, unfinished));
  renameSync(unfinished, file);
  return taken;
}

type Loaded = ReturnType<typeof loadConfig>;

function withDatabase({ config, tree, baseFolder }: Loaded, file: string): Loaded {
  const changed: ServiceConfig = { ...config, database: { type: 'sqlite', file } };
  return { config: changed, tree: { ...tree, service: changed }, baseFolder };
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

/**
 * Nobody knows which status indexes were given out after the backup, nor which numbers the registry's list had: none of
 * the old lists is used again, and the registry goes on far beyond.
 */
async function makeUp(deployment: Loaded): Promise<void> {
  const foundation = await openFoundation(deployment, realSurroundings(), 'run');
  const { store, audit, config } = foundation;
  try {
    await foundation.identity.selfTest();
    await store.transaction(async (tx) => {
      if (config.roles.includes('issuer')) await createLists(foundation).replace(tx);
      await audit.record(tx, { action: 'database.restored', actor: 'operator', outcome: 'success' });
    });
    if (config.roles.includes('registry')) await createAuthority(foundation).leap('operator');
  } finally {
    await foundation.close();
  }
}
