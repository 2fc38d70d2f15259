import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openFoundation, realSurroundings } from '../../src/app.js';
import { createProgram } from '../../src/commands/program.js';
import { loadConfig } from '../../src/config.js';

const agentFile = resolve(import.meta.dirname, '../../agent.yml');

describe('staff-passport restore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-restore-'));
  const config = join(folder, 'xga.yml');
  const saved = join(folder, 'saved');

  const run = (...command: string[]) =>
    createProgram().parseAsync(['node', 'staff-passport', ...command, '--config', config]);

  async function query<T>(sql: string): Promise<T[]> {
    const foundation = await openFoundation(loadConfig(config), realSurroundings(), 'refuse');
    try {
      return (await foundation.store.read((tx) => tx.query(sql))) as T[];
    } finally {
      await foundation.close();
    }
  }
  const sequence = async () => (await query<{ sequence: number }>('SELECT sequence FROM registry_publication'))[0];

  beforeAll(async () => {
    const service = {
      name: 'Governance Authority (invented)',
      odsCode: 'XGA',
      roles: ['registry', 'issuer'],
      did: 'did:web:localhost%3A4711',
      publicUrl: 'http://localhost:4711',
      listen: { host: '127.0.0.1', port: 4711 },
      development: { loopback: true },
      stateFolder: './xga',
      tls: { mode: 'none' },
      programme: { baseUrl: 'http://localhost:4711' },
      registry: { source: 'self' },
    };
    writeFileSync(config, JSON.stringify({ extends: agentFile, service }));
    const dids = [{ did: 'did:web:rxa.example' }];
    const organisations = [{ odsCode: 'RXA', name: 'A', kind: 'nhs-trust', dids, issue: [] }];
    writeFileSync(join(folder, 'members.json'), JSON.stringify({ organisations }));
    await run('init');
    await run('registry', 'add', '--file', join(folder, 'members.json'));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('goes on beyond what was published after the backup, so that verifiers see no rollback', async () => {
    await run('backup', saved);
    await run('registry', 'suspend', 'RXA', '--reason', 'published after the backup');
    expect(await sequence()).toEqual({ sequence: 2 });
    for (const file of readdirSync(join(folder, 'xga')).filter((name) => name.includes('.sqlite'))) {
      rmSync(join(folder, 'xga', file));
    }
    await run('restore', saved);
    expect(await sequence()).toEqual({ sequence: 1_000_001 });
    const lists = await query<{ state: string }>('SELECT state FROM status_list ORDER BY state');
    // Two of each purpose, and closed ones beneath the Token Status Lists, whose indexes those hand out.
    expect(lists.map(({ state }) => state)).toEqual([...Array(4).fill('closed'), 'next', 'next', 'open', 'open']);
    const tokenLists = await query<{ state: string }>('SELECT state FROM token_status_list ORDER BY state');
    expect(tokenLists.map(({ state }) => state)).toEqual(['next', 'open']);
    const trail = await query<{ action: string }>('SELECT action FROM audit_record ORDER BY entry');
    expect(trail.slice(-2).map(({ action }) => action)).toEqual(['database.restored', 'registry.leap']);
  }, 60_000);

  test('overwrites nothing, and needs to be told which backup', async () => {
    await expect(run('restore', saved)).rejects.toMatchObject({ code: 'conflict' });
    await expect(run('restore')).rejects.toMatchObject({ code: 'configuration' });
    expect(await sequence()).toEqual({ sequence: 1_000_001 });
  }, 60_000);
});
