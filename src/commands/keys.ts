import { Command } from 'commander';
import { type Foundation, openFoundation, realSurroundings } from '../app.js';
import { loadConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { type KeySummary, readKeyEncryptionKey } from '../identity/identity.js';
import { deploymentCommand, say } from './options.js';

/** `keys list|add|rewrap`. */
export function keysCommand(): Command {
  return new Command('keys')
    .description('The signing keys of this organisation')
    .addCommand(
      deploymentCommand('list', 'Show the keys with their thumbprints').action((options: { config: string }) =>
        withIdentity(options.config, async ({ identity }) => {
          for (const key of await identity.listKeys()) say(describe(key));
        }),
      ),
    )
    .addCommand(
      deploymentCommand('add', 'Make a new key; it is published at once and signs after all caches know it')
        .requiredOption('-a, --algorithm <algorithm>', 'ES256 or EdDSA')
        .action((options: { config: string; algorithm: string }) =>
          withIdentity(options.config, (foundation) => addKey(foundation, options.algorithm)),
        ),
    )
    .addCommand(
      deploymentCommand('rewrap', 'Encrypt the private keys under another key-encryption key')
        .requiredOption('-t, --to <file>', 'file with the new key-encryption key')
        .action((options: { config: string; to: string }) =>
          withIdentity(options.config, async ({ identity }) => {
            const next = readKeyEncryptionKey({ keyEncryptionKeyFile: options.to }, process.env);
            say(`${await identity.rewrap(next)} keys rewrapped; now point keys.keyEncryptionKeyFile to ${options.to}`);
          }),
        ),
    );
}

async function withIdentity(file: string, work: (foundation: Foundation) => Promise<void>): Promise<void> {
  const foundation = await openFoundation(loadConfig(file), realSurroundings(), 'refuse');
  try {
    await work(foundation);
  } finally {
    await foundation.close();
  }
}

async function addKey({ identity, store, audit }: Foundation, algorithm: string): Promise<void> {
  if (algorithm !== 'ES256' && algorithm !== 'EdDSA') {
    throw new ServiceError('invalid_request', '--algorithm must be ES256 or EdDSA');
  }
  const key = await identity.addKey(algorithm);
  // Veramo's tables are a database of their own, so the record follows the change instead of sharing its transaction.
  const event = { action: 'key.added', actor: 'operator', subject: key.kid, outcome: 'success' } as const;
  await store.transaction((tx) => audit.record(tx, { ...event, data: { algorithm, thumbprint: key.thumbprint } }));
  say(describe(key));
  say('If the registry names your key thumbprints, tell the authority this one before it signs.');
}

function describe(key: KeySummary): string {
  return `${key.kid}  ${key.algorithm}  ${key.purpose}  ${key.state}  signs from ${key.signsFrom}  thumbprint ${key.thumbprint}`;
}
