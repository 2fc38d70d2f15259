import { readFileSync } from 'node:fs';
import { ServiceError } from '../errors.js';
import { type Json, JsonError, parseJson } from '../json.js';

/** A country's organisations with all that they may issue: far more than a stranger may send. */
const limits = { maxBytes: 16 * 1024 * 1024, maxKeys: 500_000 };

/** Reads a JSON file that the operator named. Throws ServiceError `configuration` that says what is wrong with it. */
export function readJsonFile(file: string): Json {
  try {
    return parseJson(readFileSync(file), limits);
  } catch (cause) {
    const reason = cause instanceof JsonError ? cause.message : ((cause as NodeJS.ErrnoException).code ?? 'unreadable');
    throw new ServiceError('configuration', `${file} cannot be read: ${reason}`, { cause });
  }
}
