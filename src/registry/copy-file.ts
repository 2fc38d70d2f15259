import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isJsonObject, type JsonObject, parseJson } from '../json.js';
import { maxListBytes } from './list-document.js';

/** The last good list with the public key that proves it, so that it can be proved again without the network. */
export interface ListCopy {
  readonly jwt: string;
  readonly jwk: JsonObject;
  readonly refreshedAt: string;
}

/** Reads a copy; undefined when there is none. Whatever is in the file is proved by the caller. */
export async function readCopy(file: string): Promise<ListCopy | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  const copy = parseJson(text, { maxBytes: 2 * maxListBytes });
  if (!isJsonObject(copy)) throw new Error('The copy of the registry is not a JSON object.');
  const { jwt, jwk, refreshedAt } = copy;
  const usable = typeof jwt === 'string' && isJsonObject(jwk) && typeof refreshedAt === 'string';
  if (!usable || Number.isNaN(Date.parse(refreshedAt))) throw new Error('The copy of the registry lacks members.');
  return { jwt, jwk, refreshedAt };
}

async function readIfPresent(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces the copy in one step: after a crash there is the old one or the new one, never half of one. */
export async function writeCopy(file: string, copy: ListCopy): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeDurably(temporary, JSON.stringify(copy));
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
