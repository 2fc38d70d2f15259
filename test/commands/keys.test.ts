import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openFoundation, realSurroundings } from '../../src/app.js';
import { createProgram } from '../../src/commands/program.js';
import { loadConfig } from '../../src/config.js';
import { createKeyEncryptionKeyFile, type KeySummary } from '../../src/identity/identity.js';

const agentFile = resolve(import.meta.dirname, '../../agent.yml');

describe('staff-passport keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-keys-'));
  const config = join(folder, 'rxa.yml');

  const run = (...command: string[]) =>
    createProgram().parseAsync(['node', 'staff-passport', ...command, '--config', config]);

  /** What the databases hold after a command, read as any other process would. */
  async function look(): Promise<{ keys: readonly KeySummary[]; trail: readonly string[] }> {
    const foundation = await openFoundation(loadConfig(config), realSurroundings(), 'refuse');
    try {
      const rows = await foundation.store.read((tx) => tx.query('SELECT action, subject, data FROM audit_record'));
      const trail = (rows as { action: string; subject: string | null; data: string }[]).map(
        ({ action, subject, data }) => `${action} ${subject ?? ''} ${data}`,
      );
      return { keys: await foundation.identity.listKeys(), trail };
    } finally {
      await foundation.close();
    }
  }

  beforeAll(async () => {
    const service = {
      name: 'Rexford Acute NHS Trust (invented)',
      odsCode: 'RXA',
      did: 'did:web:localhost%3A4711',
      publicUrl: 'http://localhost:4711',
      listen: { host: '127.0.0.1', port: 4711 },
      development: { loopback: true },
      stateFolder: './rxa',
      tls: { mode: 'none' },
      programme: { baseUrl: 'http://localhost:4711' },
      registry: { source: 'file', file: '../registry.json' },
    };
    writeFileSync(config, JSON.stringify({ extends: agentFile, service }));
    await run('init');
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('init records the keys that it made', async () => {
    const { keys, trail } = await look();
    const made = keys.map(({ algorithm, purpose }) => `${algorithm} ${purpose}`).sort();
    // A verifier signs its requests to wallets, with a key that signs no credential.
    expect(made).toEqual(['ES256 assertionMethod', 'ES256 authentication', 'EdDSA assertionMethod']);
    for (const { kid, thumbprint } of keys) {
      expect(trail.filter((line) => line.startsWith(`key.created ${kid}`) && line.includes(thumbprint))).toHaveLength(
        1,
      );
    }
  });

  test('change retires a key only when another one signs, and records intention and result', async () => {
    const isIssuing = ({ algorithm, purpose }: KeySummary) => algorithm === 'ES256' && purpose === 'assertionMethod';
    const [first] = (await look()).keys.filter(isIssuing);
    await expect(run('keys', 'change', first?.kid ?? '', '--state', 'retired')).rejects.toMatchObject({
      code: 'conflict',
    });
    await run('keys', 'add', '--algorithm', 'ES256');
    // On loopback a new key is published for one second before it signs.
    await pause(1100);
    await run('keys', 'change', first?.kid ?? '', '--state', 'retired');
    const { keys, trail } = await look();
    expect(keys.find(({ kid }) => kid === first?.kid)?.state).toBe('retired');
    const added = keys.find((key) => key.kid !== first?.kid && isIssuing(key) && key.state === 'active');
    expect(trail.slice(-4).map((line) => line.split(' ', 2).join(' '))).toEqual([
      'key.adding ',
      `key.added ${added?.kid}`,
      `key.changing ${first?.kid}`,
      `key.changed ${first?.kid}`,
    ]);
  }, 60_000);

  test('change declares a key stolen at once, even the only one, and refuses what does not exist', async () => {
    const [only] = (await look()).keys.filter(({ algorithm }) => algorithm === 'EdDSA');
    await run('keys', 'change', only?.kid ?? '', '--state', 'compromised');
    const { keys, trail } = await look();
    expect(keys.find(({ kid }) => kid === only?.kid)?.state).toBe('compromised');
    expect(trail.at(-1)).toContain('"to":"compromised"');
    await expect(run('keys', 'change', only?.kid ?? '', '--state', 'retired')).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(run('keys', 'change', 'f'.repeat(32), '--state', 'retired')).rejects.toMatchObject({
      code: 'not_found',
    });
  }, 60_000);

  test('rewrap records which key-encryption key is meant, never the key itself', async () => {
    const next = join(folder, 'next-key');
    createKeyEncryptionKeyFile(next);
    await run('keys', 'rewrap', '--to', next);
    const tree = JSON.parse(readFileSync(config, 'utf8')) as { service: object };
    writeFileSync(
      config,
      JSON.stringify({ ...tree, service: { ...tree.service, keys: { keyEncryptionKeyFile: next } } }),
    );
    const { trail } = await look();
    const [before, after] = trail.slice(-2);
    expect(before).toMatch(/^key\.rewrapping {2}\{"to":"[0-9a-f]{16}"\}$/);
    expect(after).toMatch(/^key\.rewrapped {2}\{"count":4,"to":"[0-9a-f]{16}"\}$/);
  }, 60_000);
});
