/**
 * Reads the catalogue's files and puts the programme's origin in the place of the placeholder. That happens once, at start:
 * every digest is of the bytes that are then published (decisions 15).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, parseJson } from '../../json.js';

const placeholderOrigin = 'https://programme.invalid';

/** One published file: its exact text and what it says. */
export interface CatalogueFile {
  readonly text: string;
  readonly json: JsonObject;
}

export interface CatalogueFiles {
  /** `path` is relative to the project's root. Throws when the file is missing or not a JSON object. */
  read(path: string): CatalogueFile;
  /** Names of the folders below `path`, in order. */
  folders(path: string): string[];
}

export function openFiles(options: { root: string; baseUrl: string }): CatalogueFiles {
  return {
    read(path) {
      const text = readText(options.root, path).replaceAll(placeholderOrigin, options.baseUrl);
      return { text, json: toJsonObject(path, text) };
    },
    folders(path) {
      const entries = readdirSync(join(options.root, path), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    },
  };
}

function readText(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (cause) {
    throw new Error(`${path} cannot be read`, { cause });
  }
}

function toJsonObject(path: string, text: string): JsonObject {
  try {
    const json = parseJson(text);
    if (isJsonObject(json)) return json;
  } catch (cause) {
    throw new Error(`${path} is not acceptable JSON`, { cause });
  }
  throw new Error(`${path} is not a JSON object`);
}
