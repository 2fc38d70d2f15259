import { createKeyEncryptionKey } from '../../src/identity/key-encryption.js';
import { NodeKeyManagementSystem } from '../../src/identity/key-management-system.js';
import { EnvelopePrivateKeyStore } from '../../src/identity/private-key-store.js';
import {
  identityFile,
  migrateIdentityDatabase,
  openIdentityDatabase,
  pendingIdentityMigrations,
} from '../../src/identity/store.js';
import { dropPostgres, postgresUrl } from '../store/postgres.js';

describe('the identity tables on PostgreSQL', () => {
  let url: string;

  beforeAll(async () => {
    url = await postgresUrl();
  }, 60_000);
  afterAll(() => dropPostgres(url));

  const location = { type: 'postgres', urlEnvironment: 'DATABASE_URL', poolSize: 10 } as const;
  const open = () => openIdentityDatabase(location, { DATABASE_URL: url });

  test('serving refuses tables that were not migrated, and migrate creates them once', async () => {
    await expect(open()).rejects.toThrow(/lack CreateDatabase1447159020001.*run staff-passport migrate/);
    const ran = await migrateIdentityDatabase(location, { DATABASE_URL: url });
    expect(ran).toHaveLength(5);
    expect(await migrateIdentityDatabase(location, { DATABASE_URL: url })).toEqual([]);
    expect(await pendingIdentityMigrations(location, { DATABASE_URL: url })).toEqual([]);
  });

  test('they live in a schema of their own, apart from the main tables', async () => {
    const database = await open();
    const rows = await database.query(
      "SELECT table_schema FROM information_schema.tables WHERE table_name IN ('key', 'private-key', 'key-encryption-key')",
    );
    expect(rows).toEqual(Array.from({ length: 3 }, () => ({ table_schema: 'identity' })));
    await database.destroy();
  });

  test('keys survive a restart, on another replica too, and rewrap is one transaction', async () => {
    const [first, second] = [await open(), await open()];
    const [kek, next] = [createKeyEncryptionKey(Buffer.alloc(32, 3)), createKeyEncryptionKey(Buffer.alloc(32, 4))];
    const store = (database: typeof first, keyEncryptionKey = kek) =>
      new EnvelopePrivateKeyStore({ database, keyEncryptionKey, tenant: 'did:web:trust.example' });
    await store(first).initialise();
    const { kid } = await new NodeKeyManagementSystem({ privateKeys: store(first) }).createKey({ type: 'Ed25519' });
    const replica = new NodeKeyManagementSystem({ privateKeys: store(second) });
    expect(await replica.sign({ keyRef: { kid }, data: Buffer.of(1) })).toMatch(/^[\w-]{86}$/);
    expect(await store(first).rewrap(next)).toBe(1);
    await expect(store(second).check()).rejects.toThrow(/was given/);
    await store(second, next).check();
    await first.destroy();
    await second.destroy();
  });

  test('a database that is not there is told without its address, which holds a password', async () => {
    const nowhere = 'postgres://user:hunter2@127.0.0.1:1/none';
    const opening = openIdentityDatabase(location, { DATABASE_URL: nowhere });
    await expect(opening).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(openIdentityDatabase(location, {})).rejects.toMatchObject({ code: 'configuration' });
    await opening.catch((error: Error) => expect(error.message).not.toContain('hunter2'));
  });
});

test('on SQLite the tables lie in a file beside the main one', () => {
  expect(identityFile('/var/lib/passport/main.sqlite')).toBe('/var/lib/passport/identity.sqlite');
  expect(identityFile(':memory:')).toBe(':memory:');
});
