/** How the wallet speaks to issuers and verifiers: one function that comes in, and what is read of the answers. */
import { ServiceError } from '../errors.js';
import type { Exchange, Incoming, Outgoing } from '../http/client.js';
import { isJsonObject, type JsonObject, parseJson } from '../json.js';

/** Sends a request; rejects when there is no answer. */
export type Send = Exchange;

/** The answer's JSON object; throws with the error that the other side named. */
export function objectOf(answer: Incoming, what: string): JsonObject {
  const value = tryParse(answer.body);
  if (answer.status >= 200 && answer.status < 300 && isJsonObject(value)) return value;
  throw refusedBy(answer, what);
}

/** What the other side says is wrong: an OAuth error, or its status. */
export function refusedBy(answer: Incoming, what: string): ServiceError {
  const value = tryParse(answer.body);
  const error = isJsonObject(value) && typeof value.error === 'string' ? value.error : `status ${answer.status}`;
  const more = isJsonObject(value) && typeof value.error_description === 'string' ? `: ${value.error_description}` : '';
  return new ServiceError('fetch_failed', `${what} was refused (${error}${more}).`);
}

function tryParse(body: Buffer) {
  try {
    return parseJson(body, { maxBytes: 4 * 1024 * 1024, maxKeys: 50_000 });
  } catch {
    return undefined;
  }
}

/** A text member that must be there. */
export function textOf(object: JsonObject, name: string, what: string): string {
  const value = object[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new ServiceError('fetch_failed', `${what} lacks ${name}.`);
}

/** A form body (application/x-www-form-urlencoded). */
export function form(url: string, members: Readonly<Record<string, string | undefined>>): Outgoing {
  const given = Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  return { method: 'POST', url, headers, body: new URLSearchParams(given).toString() };
}
