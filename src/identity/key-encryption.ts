/**
 * The key-encryption key and what is done with it: envelopes around private keys at rest, and derived secrets.
 * Whoever holds this key and the database holds every signing key; whoever lacks it can neither read nor swap a row.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { ServiceError } from '../errors.js';
import { writeNewFile } from '../store/new-file.js';

/** HKDF-SHA256 over a secret of the organisation: the same label gives the same bytes on every replica. */
export type DeriveKey = (label: string, length: number) => Buffer;

/** Where the key-encryption key is read from; exactly one of the two is named. */
export interface KeyEncryptionSource {
  readonly keyEncryptionKeyFile?: string | undefined;
  readonly keyEncryptionKeyEnvironment?: string | undefined;
}

/** What an envelope is bound to: a row moved to another id, type or tenant no longer opens. */
export interface EnvelopeBinding {
  readonly kid: string;
  readonly type: string;
  readonly tenant: string;
}

/** An opened key-encryption key; the secret itself stays inside. */
export interface KeyEncryptionKey {
  readonly id: string;
  readonly deriveKey: DeriveKey;
  seal(plain: Uint8Array, binding: EnvelopeBinding): string;
  open(envelope: string, binding: EnvelopeBinding): Buffer;
  /** Moves an envelope to another key-encryption key; the sealed secret inside is not touched. */
  rewrap(envelope: string, binding: EnvelopeBinding, next: KeyEncryptionKey): string;
  wrap(dataKey: Uint8Array, binding: EnvelopeBinding): string;
}

const version = 'v1';
const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;
/** A file larger than this is not a key; nothing else is read into memory. */
const maxFileBytes = 256;

/** Reads the 32-byte key from its file (mode 0400 or 0600) or environment variable; hexadecimal or base64url. */
export function readKeyEncryptionKey(
  source: KeyEncryptionSource,
  environment: Readonly<Record<string, string | undefined>>,
): KeyEncryptionKey {
  const { keyEncryptionKeyFile: file, keyEncryptionKeyEnvironment: name } = source;
  if ((file === undefined) === (name === undefined)) {
    throw new ServiceError('configuration', 'keys: name either keyEncryptionKeyFile or keyEncryptionKeyEnvironment');
  }
  const text = file === undefined ? environment[name ?? ''] : readSecretFile(file);
  if (text === undefined) throw new ServiceError('configuration', `keys: environment variable ${name} is not set`);
  const secret = decodeKey(text.trim());
  if (!secret) {
    throw new ServiceError('configuration', 'keys: the key-encryption key is not 32 bytes in hexadecimal or base64url');
  }
  return createKeyEncryptionKey(secret);
}

/** Writes a new random key-encryption key, readable by its owner alone; never replaces a file. */
export function createKeyEncryptionKeyFile(file: string): void {
  try {
    writeNewFile(file, `${randomBytes(keyLength).toString('hex')}\n`, 0o400);
  } catch (cause) {
    throw new ServiceError('conflict', `The key-encryption key ${file} exists already or cannot be written`, { cause });
  }
}

/** Makes the key-encryption key from its 32 bytes. Wrapping and deriving use separate keys (HKDF, RFC 5869). */
export function createKeyEncryptionKey(secret: Uint8Array): KeyEncryptionKey {
  if (secret.length !== keyLength) throw new ServiceError('configuration', 'A key-encryption key has 32 bytes');
  const expand = (info: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `staff-passport ${version} ${info}`, length));
  const id = expand('key id', 8).toString('hex');
  const wrappingKey = expand('key wrapping', keyLength);

  const wrap = (dataKey: Uint8Array, binding: EnvelopeBinding) =>
    `${id}.${encrypt(wrappingKey, dataKey, bindingBytes(binding, id)).toString('base64url')}`;

  function unwrap(envelope: string, binding: EnvelopeBinding): { dataKey: Buffer; sealed: string } {
    const [envelopeVersion, kekId, wrapped, sealed, ...rest] = envelope.split('.');
    if (envelopeVersion !== version || !kekId || !wrapped || !sealed || rest.length > 0) {
      throw new ServiceError('key_unavailable', `Key ${binding.kid} is not stored in an envelope that we know`);
    }
    if (kekId !== id) {
      throw new ServiceError(
        'key_unavailable',
        `Key ${binding.kid} was sealed with key-encryption key ${kekId}, but ${id} was given`,
      );
    }
    return { dataKey: decrypt(wrappingKey, wrapped, bindingBytes(binding, id), binding), sealed };
  }

  return {
    id,
    deriveKey: (label, length) => expand(`derived key: ${label}`, length),
    wrap,
    seal(plain, binding) {
      const dataKey = randomBytes(keyLength);
      const sealed = encrypt(dataKey, plain, bindingBytes(binding)).toString('base64url');
      return `${version}.${wrap(dataKey, binding)}.${sealed}`;
    },
    open(envelope, binding) {
      const { dataKey, sealed } = unwrap(envelope, binding);
      return decrypt(dataKey, sealed, bindingBytes(binding), binding);
    },
    rewrap(envelope, binding, next) {
      const { dataKey, sealed } = unwrap(envelope, binding);
      return `${version}.${next.wrap(dataKey, binding)}.${sealed}`;
    },
  };
}

function readSecretFile(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    throw new ServiceError('configuration', `keys: cannot read the key-encryption key file ${file}`, { cause });
  }
  try {
    // Checked on the opened file, so that nobody can swap it between the check and the read.
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > maxFileBytes) {
      throw new ServiceError('configuration', `keys: ${file} is not a key file`);
    }
    if ((stat.mode & 0o177) !== 0) {
      throw new ServiceError('configuration', `keys: ${file} must have mode 0400 or 0600`);
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function decodeKey(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return Buffer.from(text, 'base64url');
  return undefined;
}

/** JSON keeps the parts apart, whatever characters they hold. */
function bindingBytes({ kid, type, tenant }: EnvelopeBinding, kekId?: string): Buffer {
  return Buffer.from(JSON.stringify([version, kid, type, tenant, ...(kekId === undefined ? [] : [kekId])]));
}

function encrypt(key: Uint8Array, plain: Uint8Array, additionalData: Buffer): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
  cipher.setAAD(additionalData);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, text: string, additionalData: Buffer, { kid }: EnvelopeBinding): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  try {
    // Without authTagLength Node accepts tags of four bytes.
    const nonce = bytes.subarray(0, nonceLength);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
    decipher.setAAD(additionalData);
    decipher.setAuthTag(bytes.subarray(-tagLength));
    return Buffer.concat([decipher.update(bytes.subarray(nonceLength, -tagLength)), decipher.final()]);
  } catch (cause) {
    throw new ServiceError('key_unavailable', `Key ${kid} does not open: its row was altered, moved or damaged`, {
      cause,
    });
  }
}
