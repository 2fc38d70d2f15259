import { readFileSync } from 'node:fs';
import type { ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { JoseError } from '../jose/errors.js';
import { importJwk, type VerificationKey } from '../jose/keys.js';
import { isJsonObject, type Json, JsonError, parseJson } from '../json.js';
import { scopeNames } from './scopes.js';

/** A client of the API with the keys that its assertions may be signed with, by kid. */
export interface Client {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly keys: ReadonlyMap<string, VerificationKey>;
}

/** Room for a key in use, its successor, and a few machines with keys of their own. */
const maxKeys = 10;
/** Ten keys with certificates. */
const maxFileBytes = 64 * 1024;

/** Reads all clients at start; throws ServiceError `configuration` that names the client, never a key. */
export function loadClients(configured: ServiceConfig['access']['clients']): ReadonlyMap<string, Client> {
  const clients = new Map<string, Client>();
  for (const { id, jwksFile, scopes } of configured) {
    if (clients.has(id)) throw refusal(id, 'is configured twice');
    const unknown = scopes.find((scope) => !scopeNames.includes(scope));
    if (unknown !== undefined) throw refusal(id, `has the scope ${unknown}, which does not exist`);
    clients.set(id, { id, scopes, keys: readKeys(id, jwksFile) });
  }
  return clients;
}

function readKeys(id: string, file: string): ReadonlyMap<string, VerificationKey> {
  const jwks = readJson(id, file);
  const jwkList = isJsonObject(jwks) ? jwks.keys : undefined;
  if (!Array.isArray(jwkList) || jwkList.length === 0 || jwkList.length > maxKeys) {
    throw refusal(id, `needs a JWKS file with 1 to ${maxKeys} keys (RFC 7517 section 5)`);
  }
  const keys = new Map<string, VerificationKey>();
  for (const jwk of jwkList) {
    const key = readKey(id, jwk);
    const kid = isJsonObject(jwk) && typeof jwk.kid === 'string' ? jwk.kid : key.thumbprint;
    if (keys.has(kid)) throw refusal(id, 'has two keys with one kid');
    keys.set(kid, key);
  }
  return keys;
}

function readKey(id: string, jwk: Json): VerificationKey {
  try {
    return importJwk(jwk);
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw refusal(id, `has a key that is not accepted: ${cause.message}`, cause);
  }
}

function readJson(id: string, file: string): Json {
  try {
    return parseJson(readFileSync(file), { maxBytes: maxFileBytes });
  } catch (cause) {
    throw refusal(
      id,
      cause instanceof JsonError ? 'has a JWKS file that is not JSON' : 'has no readable JWKS file',
      cause,
    );
  }
}

function refusal(id: string, fault: string, cause?: unknown): ServiceError {
  return new ServiceError('configuration', `The API client ${id} ${fault}.`, { cause });
}
