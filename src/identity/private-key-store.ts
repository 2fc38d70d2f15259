/** Veramo's AbstractPrivateKeyStore over envelopes: private keys at rest are sealed, and bound to their row and DID. */
import { randomBytes } from 'node:crypto';
import { AbstractPrivateKeyStore, type ImportablePrivateKey, type ManagedPrivateKey } from '@veramo/key-manager';
import { ServiceError } from '../errors.js';
import {
  createKeyEncryptionKey,
  type DeriveKey,
  type EnvelopeBinding,
  type KeyEncryptionKey,
} from './key-encryption.js';
import {
  deleteSealedKey,
  findSealedKey,
  type IdentityDatabase,
  insertKeyEncryption,
  insertSealedKey,
  type KeyEncryptionRow,
  listKeyEncryption,
  listSealedKeys,
  replaceEnvelopes,
  type SealedKeyRow,
} from './store.js';

/** What EnvelopePrivateKeyStore is made of. */
export interface EnvelopePrivateKeyStoreOptions {
  readonly database: IdentityDatabase;
  readonly keyEncryptionKey: KeyEncryptionKey;
  /** The DID that the keys belong to; a row copied from another organisation's table does not open. */
  readonly tenant: string;
}

const rootSecretLength = 32;

/** Opens the store; throws `key_unavailable` at once when its keys are sealed with another key-encryption key. */
export async function openEnvelopePrivateKeyStore(
  options: EnvelopePrivateKeyStoreOptions,
): Promise<EnvelopePrivateKeyStore> {
  const store = new EnvelopePrivateKeyStore(options);
  if ((await listKeyEncryption(options.database)).length > 0) await store.check();
  return store;
}

/** Stores private keys in envelopes of one key-encryption key. */
export class EnvelopePrivateKeyStore extends AbstractPrivateKeyStore {
  readonly #database: IdentityDatabase;
  readonly #tenant: string;
  #keyEncryptionKey: KeyEncryptionKey;
  #derive: DeriveKey | undefined;

  constructor({ database, keyEncryptionKey, tenant }: EnvelopePrivateKeyStoreOptions) {
    super();
    this.#database = database;
    this.#keyEncryptionKey = keyEncryptionKey;
    this.#tenant = tenant;
  }

  async importKey(args: ImportablePrivateKey): Promise<ManagedPrivateKey> {
    const { alias, type, privateKeyHex } = args;
    if (!alias) throw new ServiceError('invalid_request', 'A private key is stored under its key id');
    await this.#require();
    const plain = Buffer.from(privateKeyHex, 'hex');
    const envelope = this.#keyEncryptionKey.seal(plain, this.#binding({ alias, type }));
    plain.fill(0);
    await insertSealedKey(this.#database, { alias, type, envelope });
    return { alias, type, privateKeyHex };
  }

  async getKey({ alias }: { alias: string }): Promise<ManagedPrivateKey> {
    const row = await findSealedKey(this.#database, alias);
    if (!row) throw new ServiceError('key_unavailable', `There is no private key ${alias}`);
    return this.#open(row);
  }

  async deleteKey({ alias }: { alias: string }): Promise<boolean> {
    return deleteSealedKey(this.#database, alias);
  }

  async listKeys(): Promise<ManagedPrivateKey[]> {
    return (await listSealedKeys(this.#database)).map((row) => this.#open(row));
  }

  /** Records which key-encryption key these tables belong to. Does nothing when it is the one recorded already. */
  async initialise(): Promise<void> {
    if ((await listKeyEncryption(this.#database)).length > 0) return this.check();
    const secret = randomBytes(rootSecretLength);
    const rootSecret = this.#keyEncryptionKey.seal(secret, this.#rootBinding());
    await insertKeyEncryption(this.#database, { id: this.#keyEncryptionKey.id, rootSecret });
    this.#derive = createKeyEncryptionKey(secret).deriveKey;
  }

  /** Throws `key_unavailable` unless the key-encryption key is the one that everything here is sealed with. */
  async check(): Promise<void> {
    const { rootSecret } = await this.#recorded();
    this.#derive = createKeyEncryptionKey(this.#keyEncryptionKey.open(rootSecret, this.#rootBinding())).deriveKey;
  }

  /**
   * Derives from the root secret, not from the key-encryption key: what status lists and sealed payloads were derived
   * with must stay the same when the key-encryption key is changed.
   */
  deriveKey(label: string, length: number): Buffer {
    if (!this.#derive) throw notInitialised();
    return this.#derive(label, length);
  }

  /** Moves every envelope to another key-encryption key in one transaction; the keys themselves stay. */
  async rewrap(next: KeyEncryptionKey): Promise<number> {
    const { rootSecret } = await this.#recorded();
    const current = this.#keyEncryptionKey;
    if (next.id === current.id) throw new ServiceError('conflict', 'This key-encryption key is in use already');
    const count = await replaceEnvelopes(
      this.#database,
      (row) => current.rewrap(row.envelope, this.#binding(row), next),
      { id: next.id, rootSecret: current.rewrap(rootSecret, this.#rootBinding(), next) },
    );
    this.#keyEncryptionKey = next;
    return count;
  }

  async #recorded(): Promise<KeyEncryptionRow> {
    const [row, ...others] = await listKeyEncryption(this.#database);
    if (!row) throw notInitialised();
    if (others.length > 0 || row.id !== this.#keyEncryptionKey.id) {
      throw new ServiceError(
        'key_unavailable',
        `The keys are sealed with key-encryption key ${row.id}, but ${this.#keyEncryptionKey.id} was given`,
      );
    }
    return row;
  }

  /** A key sealed with a key-encryption key that nobody recorded would be lost at the next start. */
  async #require(): Promise<void> {
    if ((await listKeyEncryption(this.#database)).length === 0) return this.initialise();
    return this.check();
  }

  #open(row: SealedKeyRow): ManagedPrivateKey {
    const plain = this.#keyEncryptionKey.open(row.envelope, this.#binding(row));
    const privateKeyHex = plain.toString('hex');
    plain.fill(0);
    return { alias: row.alias, type: row.type, privateKeyHex };
  }

  #binding({ alias, type }: { alias: string; type: string }): EnvelopeBinding {
    return { kid: alias, type, tenant: this.#tenant };
  }

  #rootBinding(): EnvelopeBinding {
    return { kid: 'root-secret', type: 'root', tenant: this.#tenant };
  }
}

function notInitialised(): ServiceError {
  return new ServiceError('key_unavailable', 'There are no keys yet: run staff-passport init');
}
