import { verify } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from '../../src/errors.js';
import {
  createKeyEncryptionKey,
  createKeyEncryptionKeyFile,
  readKeyEncryptionKey,
} from '../../src/identity/key-encryption.js';
import { NodeKeyManagementSystem, publicKeyOf } from '../../src/identity/key-management-system.js';
import { EnvelopePrivateKeyStore, openEnvelopePrivateKeyStore } from '../../src/identity/private-key-store.js';
import { type IdentityDatabase, listSealedKeys, openIdentityDatabase } from '../../src/identity/store.js';

const folder = mkdtempSync(join(tmpdir(), 'staff-passport-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kek = createKeyEncryptionKey(Buffer.alloc(32, 1));
const otherKek = createKeyEncryptionKey(Buffer.alloc(32, 2));
const binding = { kid: 'a'.repeat(32), type: 'Ed25519', tenant: 'did:web:trust.example' };

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof ServiceError ? error.code : String(error);
  }
  return 'none';
}

describe('the key-encryption key', () => {
  const file = join(folder, 'kek');

  test('is read from a file that only its owner reads, in hexadecimal or base64url', () => {
    createKeyEncryptionKeyFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o400);
    const fromFile = readKeyEncryptionKey({ keyEncryptionKeyFile: file }, {});
    const secret = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex').toString('base64url');
    const fromEnvironment = readKeyEncryptionKey({ keyEncryptionKeyEnvironment: 'KEK' }, { KEK: secret });
    expect(fromEnvironment.id).toBe(fromFile.id);
    expect(fromEnvironment.deriveKey('a', 32)).toEqual(fromFile.deriveKey('a', 32));
  });

  test('is never replaced', () => {
    expect(codeOf(() => createKeyEncryptionKeyFile(file))).toBe('conflict');
  });

  test.each([0o644, 0o640, 0o604, 0o700, 0o610])('is refused with mode %o', (mode) => {
    const open = join(folder, `mode-${mode}`);
    writeFileSync(open, '00'.repeat(32));
    chmodSync(open, mode);
    expect(codeOf(() => readKeyEncryptionKey({ keyEncryptionKeyFile: open }, {}))).toBe('configuration');
  });

  test.each(['', 'short', '00'.repeat(31), '00'.repeat(33), 'zz'.repeat(32), 'A'.repeat(44)])(
    'is refused as %j',
    (text) => {
      expect(codeOf(() => readKeyEncryptionKey({ keyEncryptionKeyEnvironment: 'KEK' }, { KEK: text }))).toBe(
        'configuration',
      );
    },
  );

  test('is refused when it is nowhere, in two places, or a folder', () => {
    expect(codeOf(() => readKeyEncryptionKey({}, {}))).toBe('configuration');
    expect(codeOf(() => readKeyEncryptionKey({ keyEncryptionKeyEnvironment: 'KEK' }, {}))).toBe('configuration');
    expect(codeOf(() => readKeyEncryptionKey({ keyEncryptionKeyFile: folder }, {}))).toBe('configuration');
    const both = { keyEncryptionKeyFile: file, keyEncryptionKeyEnvironment: 'KEK' };
    expect(codeOf(() => readKeyEncryptionKey(both, { KEK: '00'.repeat(32) }))).toBe('configuration');
  });

  test('derives independent keys for each label, of any length', () => {
    expect(kek.deriveKey('a', 32)).toHaveLength(32);
    expect(kek.deriveKey('a', 32)).toEqual(createKeyEncryptionKey(Buffer.alloc(32, 1)).deriveKey('a', 32));
    expect(kek.deriveKey('a', 32)).not.toEqual(kek.deriveKey('b', 32));
    expect(kek.deriveKey('a', 32)).not.toEqual(otherKek.deriveKey('a', 32));
  });
});

describe('an envelope', () => {
  const secret = Buffer.from('a private key');
  const envelope = kek.seal(secret, binding);

  test('opens with its key, names it, and is never the same twice', () => {
    expect(kek.open(envelope, binding)).toEqual(secret);
    expect(envelope.split('.')[1]).toBe(kek.id);
    expect(kek.seal(secret, binding)).not.toBe(envelope);
  });

  test.each([
    ['another key id', { ...binding, kid: 'b'.repeat(32) }],
    ['another type', { ...binding, type: 'Secp256r1' }],
    ['another organisation', { ...binding, tenant: 'did:web:other.example' }],
  ])('does not open for %s', (_name, moved) => {
    expect(codeOf(() => kek.open(envelope, moved))).toBe('key_unavailable');
  });

  test('says so when another key-encryption key is needed', () => {
    expect(() => otherKek.open(envelope, binding)).toThrow(`sealed with key-encryption key ${kek.id}`);
  });

  test('does not open when any byte was changed, nor with a shortened tag', () => {
    const [version, id, wrapped = '', sealed = ''] = envelope.split('.');
    const forgeries = [
      ...alterations(wrapped).map((part) => [version, id, part, sealed].join('.')),
      ...alterations(sealed).map((part) => [version, id, wrapped, part].join('.')),
    ];
    expect(forgeries.length).toBeGreaterThan(100);
    for (const forged of forgeries) expect(codeOf(() => kek.open(forged, binding))).toBe('key_unavailable');
  });

  test.each(['', 'v1', 'v2.a.b.c', `${envelope}.more`, 'deadbeef'])('is not %j', (text) => {
    expect(codeOf(() => kek.open(text, binding))).toBe('key_unavailable');
  });

  test('moves to another key-encryption key without showing what is inside', () => {
    const moved = kek.rewrap(envelope, binding, otherKek);
    expect(moved.split('.')[3]).toBe(envelope.split('.')[3]);
    expect(otherKek.open(moved, binding)).toEqual(secret);
    expect(codeOf(() => kek.open(moved, binding))).toBe('key_unavailable');
  });
});

describe('key management', () => {
  const location = { type: 'sqlite', file: join(folder, 'main.sqlite') } as const;
  const tenant = binding.tenant;
  let database: IdentityDatabase;

  beforeAll(async () => {
    database = await openIdentityDatabase(location, {});
  });
  afterAll(() => database.destroy());

  const open = (keyEncryptionKey = kek) => {
    const privateKeys = new EnvelopePrivateKeyStore({ database, keyEncryptionKey, tenant });
    return { privateKeys, kms: new NodeKeyManagementSystem({ privateKeys }) };
  };

  test('there is nothing to check before init, and init records the key-encryption key', async () => {
    const { privateKeys } = open();
    await expect(privateKeys.check()).rejects.toThrow(/run staff-passport init/);
    await privateKeys.initialise();
    await privateKeys.initialise();
    await privateKeys.check();
    await openEnvelopePrivateKeyStore({ database, keyEncryptionKey: kek, tenant });
    const other = openEnvelopePrivateKeyStore({ database, keyEncryptionKey: otherKek, tenant });
    await expect(other).rejects.toThrow(/was given/);
    await expect(open(otherKek).privateKeys.initialise()).rejects.toThrow(/but .* was given/);
  });

  test.each([
    ['Ed25519', 'EdDSA', null, 32],
    ['Secp256r1', 'ES256', 'sha256', 33],
    ['Secp384r1', 'ES384', 'sha384', 49],
  ])('%s keys sign as JOSE wants it, also after a restart', async (type, algorithm, hash, length) => {
    const { kid, publicKeyHex, meta } = await open().kms.createKey({ type });
    expect(kid).toMatch(/^[0-9a-f]{32}$/);
    expect(meta?.algorithms).toContain(algorithm);
    expect(publicKeyHex).toHaveLength(2 * length);
    const data = Buffer.from('data');
    const key = { key: publicKeyOf(type, publicKeyHex), dsaEncoding: 'ieee-p1363' } as const;
    for (let round = 0; round < 20; round += 1) {
      const signature = Buffer.from(await open().kms.sign({ keyRef: { kid }, algorithm, data }), 'base64url');
      expect(signature).toHaveLength(type === 'Secp384r1' ? 96 : 64);
      expect(verify(hash, data, key, signature)).toBe(true);
    }
  });

  test('private keys are at rest in envelopes only, and a wrong key-encryption key signs nothing', async () => {
    const { kms } = open();
    const { kid } = await kms.createKey({ type: 'Ed25519' });
    const rows = await listSealedKeys(database);
    expect(rows.find((row) => row.alias === kid)?.envelope).toMatch(new RegExp(`^v1\\.${kek.id}\\.`));
    const wrong = open(otherKek);
    await expect(wrong.kms.sign({ keyRef: { kid }, data: Buffer.from('x') })).rejects.toThrow(/was sealed with/);
    await expect(wrong.kms.createKey({ type: 'Ed25519' })).rejects.toThrow(/was given/);
    await expect(wrong.privateKeys.check()).rejects.toThrow(/was given/);
  });

  test('a row copied under another id does not open', async () => {
    const [row] = await listSealedKeys(database);
    const kid = 'f'.repeat(32);
    await database.query('INSERT INTO "private-key" ("alias", "type", "privateKeyHex") VALUES (?, ?, ?)', [
      kid,
      row?.type,
      row?.envelope,
    ]);
    await expect(open().kms.sign({ keyRef: { kid }, data: Buffer.from('x') })).rejects.toThrow(/altered, moved/);
    expect(await open().kms.deleteKey({ kid })).toBe(true);
  });

  test('refuses foreign keys, unknown types, algorithms and ids, and secrets to share', async () => {
    const { kms } = open();
    const privateKeyHex = '01'.repeat(32);
    await expect(kms.importKey({ type: 'Ed25519', privateKeyHex })).rejects.toThrow(/allowImport/);
    for (const type of ['Secp256k1', 'X25519', 'constructor']) {
      await expect(kms.createKey({ type })).rejects.toThrow(/not supported/);
    }
    await expect(kms.createKey({ type: 'Ed25519', kid: 'key-1' })).rejects.toThrow(/hexadecimal/);
    const { kid } = await kms.createKey({ type: 'Ed25519' });
    await expect(kms.createKey({ type: 'Ed25519', kid })).rejects.toThrow();
    await expect(kms.sign({ keyRef: { kid }, algorithm: 'ES256', data: Buffer.of(1) })).rejects.toThrow(
      /does not sign/,
    );
    await expect(kms.sharedSecret()).rejects.toThrow();
    expect(await kms.deleteKey({ kid })).toBe(true);
    await expect(kms.sign({ keyRef: { kid }, data: Buffer.of(1) })).rejects.toThrow(/no private key/);
  });

  test('imports a key when that is allowed, and checks it', async () => {
    const { privateKeys } = open();
    const kms = new NodeKeyManagementSystem({ privateKeys, allowImport: true });
    // RFC 8032 section 7.1, TEST 1.
    const privateKeyHex = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
    const { publicKeyHex, kid } = await kms.importKey({ type: 'Ed25519', privateKeyHex });
    expect(publicKeyHex).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
    expect((await kms.listKeys()).map((key) => key.kid)).toContain(kid);
    for (const bad of ['', 'zz', `${privateKeyHex}00`]) {
      await expect(kms.importKey({ type: 'Ed25519', privateKeyHex: bad })).rejects.toThrow(/32 bytes/);
    }
  });

  test('rewrap moves every key in one step; the old key-encryption key opens nothing any more', async () => {
    const { privateKeys, kms } = open();
    const { kid } = await kms.createKey({ type: 'Secp256r1' });
    await expect(privateKeys.rewrap(kek)).rejects.toThrow(/in use already/);
    const before = await listSealedKeys(database);
    expect(await privateKeys.rewrap(otherKek)).toBe(before.length);
    await privateKeys.check();
    await expect(open().privateKeys.check()).rejects.toThrow(/was given/);
    await open(otherKek).privateKeys.check();
    expect(await open(otherKek).kms.sign({ keyRef: { kid }, data: Buffer.of(1) })).toMatch(/^[\w-]{86}$/);
    expect(await open(otherKek).privateKeys.rewrap(kek)).toBe(before.length);
  });

  test('derived secrets are there from init on, and outlive a rewrap', async () => {
    const { privateKeys } = open();
    expect(() => privateKeys.deriveKey('status-list', 32)).toThrow(/run staff-passport init/);
    await privateKeys.check();
    const secret = privateKeys.deriveKey('status-list', 32);
    expect(secret).toHaveLength(32);
    expect(privateKeys.deriveKey('another', 32)).not.toEqual(secret);
    await privateKeys.rewrap(otherKek);
    const other = open(otherKek).privateKeys;
    await other.check();
    expect(other.deriveKey('status-list', 32)).toEqual(secret);
    await other.rewrap(kek);
  });

  test('a rewrap that fails half-way changes nothing', async () => {
    const { privateKeys } = open();
    const before = await listSealedKeys(database);
    const failing = { ...otherKek, wrap: failOn(3, otherKek.wrap) };
    await expect(privateKeys.rewrap(failing)).rejects.toThrow('half-way');
    expect(await listSealedKeys(database)).toEqual(before);
    await privateKeys.check();
  });

  test('a folder that is not there is told as such', async () => {
    const nowhere = { type: 'sqlite', file: join(folder, 'missing', 'main.sqlite') } as const;
    await expect(openIdentityDatabase(nowhere, {})).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  test("the file is its owner's alone and survives a power cut: write-ahead log, synchronous FULL", async () => {
    expect(statSync(join(folder, 'identity.sqlite')).mode & 0o777).toBe(0o600);
    expect(await database.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await database.query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
  });
});

function failOn<A extends unknown[], R>(call: number, work: (...args: A) => R): (...args: A) => R {
  let calls = 0;
  return (...args) => {
    calls += 1;
    if (calls >= call) throw new Error('half-way');
    return work(...args);
  };
}

/** The same bytes with each one changed in turn, and with a tag of four bytes. */
function alterations(part: string): string[] {
  const bytes = Buffer.from(part, 'base64url');
  const changed = Array.from(bytes, (byte, at) => Buffer.from(bytes).fill(byte ^ 1, at, at + 1));
  return [...changed, bytes.subarray(0, -12)].map((one) => one.toString('base64url'));
}
