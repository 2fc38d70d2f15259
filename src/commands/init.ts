import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { createAuthority, type Foundation, openFoundation, realSurroundings } from '../app.js';
import { loadConfig, type ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { createKeyEncryptionKeyFile, migrateIdentityDatabase } from '../identity/identity.js';
import { writeNewFile } from '../store/new-file.js';
import { readJsonFile } from './json-file.js';
import { recordKey } from './keys.js';
import { createOperator } from './operator.js';
import { deploymentCommand, say } from './options.js';

/** `init`: state folder, key-encryption key, database, DID, signing keys, operator's client. Refuses to overwrite. */
export function initCommand(): Command {
  return deploymentCommand('init', 'Create keys, DID and database; refuses to overwrite').action(initialise);
}

async function initialise(options: { config: string }): Promise<void> {
  const deployment = loadConfig(options.config);
  const { config } = deployment;
  const marker = join(config.stateFolder, 'initialised.json');
  if (existsSync(marker)) {
    throw new ServiceError('conflict', `${config.stateFolder} is initialised already; nothing was changed`);
  }
  mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
  createMissingKeyEncryptionKey(config);
  const operator = createOperator(config);
  if (operator) say(`operator's API client: scopes ${operator.scopes.join(' ')}`);
  if (config.database.type === 'postgres') await migrateIdentityDatabase(config.database, process.env);
  const foundation = await openFoundation(deployment, realSurroundings(), 'run');
  try {
    await initialiseIdentity(foundation);
    if (config.roles.includes('registry')) await initialiseRegistry(foundation);
    // Last: whatever was broken off before this line is finished by running `init` again.
    const content = { did: config.did, initialised: foundation.surroundings.now().toISOString() };
    writeNewFile(marker, `${JSON.stringify(content, null, 2)}\n`, 0o600);
  } finally {
    await foundation.close();
  }
  say(`${config.did} is ready; start it with: staff-passport serve --config ${options.config}`);
}

/** A key that is kept outside of the state folder is somebody else's to make. */
function createMissingKeyEncryptionKey(config: ServiceConfig): void {
  const file = config.keys.keyEncryptionKeyFile;
  if (file === undefined || existsSync(file) || dirname(file) !== config.stateFolder) return;
  createKeyEncryptionKeyFile(file);
  say(`key-encryption key: ${file} (keep a copy apart from the backups of the database)`);
}

/** Keys that are there already belong to an `init` that was broken off later: they are kept, and recorded again. */
async function initialiseIdentity(foundation: Foundation): Promise<void> {
  const { identity, config } = foundation;
  try {
    // Who asks wallets for documents signs in to them, with a key that signs nothing else.
    const asks = config.roles.includes('verifier');
    await identity.initialise(asks ? ['assertionMethod', 'authentication'] : ['assertionMethod']);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'conflict') throw error;
  }
  for (const key of await identity.listKeys()) {
    await recordKey(foundation, 'key.created', key);
    say(`key ${key.kid}: ${key.algorithm} for ${key.purpose}, thumbprint ${key.thumbprint}`);
  }
}

/** Seeds the organisations, signs the first list, and writes what others must receive out of band. */
async function initialiseRegistry(foundation: Foundation): Promise<void> {
  const { config, identity } = foundation;
  const authority = createAuthority(foundation);
  const { seedFile } = config.registryAuthority;
  if (seedFile !== undefined) {
    const { added } = await authority.seed(readJsonFile(seedFile), 'init');
    say(`registry: ${added} organisations from ${seedFile}`);
  }
  const keys = (await identity.listKeys()).filter(({ purpose }) => purpose === 'assertionMethod');
  const keyThumbprints = keys.map(({ thumbprint }) => thumbprint);
  const pin = join(config.stateFolder, 'registry-pin.json');
  writeFileSync(pin, `${JSON.stringify({ did: config.did, keyThumbprints }, null, 2)}\n`, { mode: 0o644 });
  say(`hand ${pin} to every member by another way than the network`);
}
