/**
 * The wallet's one file: the holder's private key and the credentials. Readable by its owner only, and replaced whole,
 * so that a crash leaves the old wallet or the new one.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ServiceError } from '../errors.js';
import { type JsonObject, parseJson } from '../json.js';
import { createHolderKey } from './holder-key.js';

const HeldCredential = Type.Object({
  id: Type.String(),
  configurationId: Type.String(),
  format: Type.String(),
  name: Type.String(),
  issuer: Type.String(),
  receivedAt: Type.String(),
  credential: Type.Union([Type.String(), Type.Unsafe<JsonObject>(Type.Object({}))]),
});

const Content = Type.Object({
  version: Type.Literal(1),
  key: Type.Unsafe<JsonObject>(Type.Object({ kty: Type.String() })),
  credentials: Type.Array(HeldCredential),
});

/** One credential, as it came. */
export type HeldCredential = Static<typeof HeldCredential>;

/** Everything in the file. */
export type WalletContent = Static<typeof Content>;

const limits = { maxBytes: 16 * 1024 * 1024, maxKeys: 500_000 } as const;

/** Reads the wallet; makes an empty one with a new key where there is none. Throws `configuration`. */
export function readWallet(file: string): WalletContent {
  if (!existsSync(file)) {
    const fresh: WalletContent = { version: 1, key: createHolderKey(), credentials: [] };
    writeWallet(file, fresh);
    return fresh;
  }
  try {
    return Value.Parse(Content, parseJson(readFileSync(file, 'utf8'), limits));
  } catch (cause) {
    throw new ServiceError('configuration', `${file} is no wallet file.`, { cause });
  }
}

/** Replaces the wallet whole. */
export function writeWallet(file: string, content: WalletContent): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = openSync(temporary, 'w', 0o600);
  try {
    writeSync(handle, JSON.stringify(content));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}
