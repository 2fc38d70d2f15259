import { Command, Option } from 'commander';
import { type Foundation, openFoundation, realSurroundings } from '../app.js';
import type { AuditEvent } from '../audit/audit.js';
import { loadConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { type KeySummary, readKeyEncryptionKey } from '../identity/identity.js';
import { deploymentCommand, say } from './options.js';

/** `keys list|add|change|rewrap`. */
export function keysCommand(): Command {
  return new Command('keys')
    .description('The signing keys of this organisation')
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(changeCommand())
    .addCommand(rewrapCommand());
}

function listCommand(): Command {
  return deploymentCommand('list', 'Show the keys with their thumbprints').action((options: { config: string }) =>
    withIdentity(options.config, async ({ identity }) => {
      for (const key of await identity.listKeys()) say(describe(key));
    }),
  );
}

function addCommand(): Command {
  return deploymentCommand('add', 'Make a new key; it is published at once and signs after all caches know it')
    .requiredOption('-a, --algorithm <algorithm>', 'ES256 or EdDSA')
    .addOption(
      new Option('-p, --purpose <purpose>', 'assertionMethod signs credentials, authentication requests to wallets')
        .choices(purposes)
        .default('assertionMethod'),
    )
    .action((options: { config: string; algorithm: string; purpose: Purpose }) =>
      withIdentity(options.config, (foundation) => addKey(foundation, options)),
    );
}

const purposes = ['assertionMethod', 'authentication'] as const;
type Purpose = (typeof purposes)[number];

/** What an operator may make of a key; the others come about by themselves. */
const states = ['retired', 'expired', 'compromised'] as const;
type State = (typeof states)[number];

function changeCommand(): Command {
  return deploymentCommand('change', 'Retire a key, or declare it stolen: then nothing that it signed is good')
    .argument('<kid>', 'id of the key, as `keys list` shows it')
    .addOption(new Option('-s, --state <state>', 'what it becomes').choices(states).makeOptionMandatory())
    .action((kid: string, options: { config: string; state: State }) =>
      withIdentity(options.config, (foundation) => changeKey(foundation, kid, options.state)),
    );
}

function rewrapCommand(): Command {
  return deploymentCommand('rewrap', 'Encrypt the private keys under another key-encryption key')
    .requiredOption('-t, --to <file>', 'file with the new key-encryption key')
    .action((options: { config: string; to: string }) =>
      withIdentity(options.config, (foundation) => rewrapKeys(foundation, options.to)),
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

async function addKey(
  foundation: Foundation,
  { algorithm, purpose }: { algorithm: string; purpose: Purpose },
): Promise<void> {
  if (algorithm !== 'ES256' && algorithm !== 'EdDSA') {
    throw new ServiceError('invalid_request', '--algorithm must be ES256 or EdDSA');
  }
  await record(foundation, { action: 'key.adding', data: { algorithm, purpose } });
  const key = await foundation.identity.addKey(algorithm, purpose);
  await recordKey(foundation, 'key.added', key);
  say(describe(key));
  if (purpose === 'authentication') return;
  say('If the registry names your key thumbprints, tell the authority this one before it signs.');
}

async function changeKey(foundation: Foundation, kid: string, state: State): Promise<void> {
  const { identity } = foundation;
  const known = (await identity.listKeys()).find((key) => key.kid === kid);
  if (!known) throw new ServiceError('not_found', `There is no key ${kid}`);
  if (state === 'retired') await requireSuccessor(foundation, known);
  const data = { from: known.state, to: state };
  await record(foundation, { action: 'key.changing', subject: kid, data });
  await identity.changeKeyState(kid, state);
  await record(foundation, { action: 'key.changed', subject: kid, data });
  say(`${kid} is ${state}; a running service publishes it within seconds`);
  if (state === 'compromised') say('Revoke what it signed, issue it anew, and tell the registry authority.');
}

/** Retiring is planned, so it waits for the key that takes over; a stolen key waits for nothing. */
async function requireSuccessor({ identity, surroundings }: Foundation, leaving: KeySummary): Promise<void> {
  const now = surroundings.now().toISOString();
  const successor = (await identity.listKeys()).find(
    ({ kid, algorithm, purpose, state, signsFrom }) =>
      kid !== leaving.kid &&
      algorithm === leaving.algorithm &&
      purpose === leaving.purpose &&
      state === 'active' &&
      signsFrom <= now,
  );
  if (successor) return;
  throw new ServiceError('conflict', `No other ${leaving.algorithm} key signs yet: \`keys add\` first, then wait`);
}

async function rewrapKeys(foundation: Foundation, file: string): Promise<void> {
  const next = readKeyEncryptionKey({ keyEncryptionKeyFile: file }, process.env);
  await record(foundation, { action: 'key.rewrapping', data: { to: next.id } });
  const count = await foundation.identity.rewrap(next);
  await record(foundation, { action: 'key.rewrapped', data: { to: next.id, count } });
  say(`${count} keys rewrapped; now point keys.keyEncryptionKeyFile to ${file}`);
}

type KeyEvent = Pick<AuditEvent, 'action' | 'subject' | 'data'>;

/**
 * Veramo's tables are a database of their own, so a change of keys cannot share the transaction of its record: the
 * intention is recorded before and the result after, and a crash between them leaves the intention.
 */
function record({ store, audit }: Foundation, event: KeyEvent): Promise<void> {
  return store.transaction((tx) => audit.record(tx, { actor: 'operator', outcome: 'success', ...event }));
}

/** Records which key there is now. */
export function recordKey(foundation: Foundation, action: string, key: KeySummary): Promise<void> {
  const data = { algorithm: key.algorithm, purpose: key.purpose, thumbprint: key.thumbprint };
  return record(foundation, { action, subject: key.kid, data });
}

function describe(key: KeySummary): string {
  return `${key.kid}  ${key.algorithm}  ${key.purpose}  ${key.state}  signs from ${key.signsFrom}  thumbprint ${key.thumbprint}`;
}
