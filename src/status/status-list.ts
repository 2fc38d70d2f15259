import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { BitstringError, decodeBitstring, minimumEntries } from './bitstring.js';
import { StatusFault } from './codes.js';

/** A list that was proved and decoded. */
export interface StatusList {
  readonly purposes: readonly string[];
  readonly bits: Buffer;
  readonly validFrom?: number;
  readonly validUntil?: number;
  readonly ttlMilliseconds: number;
}

/** Bitstring Status List 2.2 gives no default for a missing ttl; five minutes is what our own lists say. */
const defaultTtl = 300_000;
const maxTtl = 86_400_000;

/** Reads a proved list; every rule of Bitstring Status List 2.2 and of 3.2 up to the index. */
export function readStatusList(credential: JsonObject, url: string): StatusList {
  const types = Array.isArray(credential['type']) ? credential['type'] : [credential['type']];
  const subject = credential['credentialSubject'];
  if (!types.includes('BitstringStatusListCredential')) throw new StatusFault('status_list_malformed');
  if (!isJsonObject(subject) || !isListType(subject['type'])) throw new StatusFault('status_list_malformed');
  if (credential['id'] !== url) throw new StatusFault('status_list_id_mismatch');
  const bits = readBits(subject['encodedList']);
  // 3.2 step 10: the length in entries, not the size in bytes.
  if (bits.length * 8 < minimumEntries) throw new StatusFault('status_list_too_short');
  return {
    purposes: readPurposes(subject['statusPurpose']),
    bits,
    ...readTimes(credential),
    ttlMilliseconds: readTtl(subject['ttl']),
  };
}

function isListType(type: Json | undefined): boolean {
  return (Array.isArray(type) ? type : [type]).includes('BitstringStatusList');
}

function readBits(encodedList: Json | undefined): Buffer {
  if (typeof encodedList !== 'string') throw new StatusFault('status_list_malformed');
  try {
    return decodeBitstring(encodedList);
  } catch (cause) {
    if (!(cause instanceof BitstringError)) throw cause;
    throw new StatusFault(cause.reason === 'too_large' ? 'status_list_too_large' : 'status_list_malformed', { cause });
  }
}

/** 2.2: one or more purposes; digitalbazaar's library compares with !== and misses the array. */
function readPurposes(purpose: Json | undefined): string[] {
  const purposes = Array.isArray(purpose) ? purpose : [purpose];
  const texts = purposes.filter((value): value is string => typeof value === 'string' && value.length > 0);
  if (texts.length === 0 || texts.length !== purposes.length) throw new StatusFault('status_list_malformed');
  return texts;
}

function readTimes(credential: JsonObject): { validFrom?: number; validUntil?: number } {
  const [from, until] = [readTime(credential['validFrom']), readTime(credential['validUntil'])];
  return { ...(from === undefined ? {} : { validFrom: from }), ...(until === undefined ? {} : { validUntil: until }) };
}

function readTime(value: Json | undefined): number | undefined {
  if (value === undefined) return undefined;
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new StatusFault('status_list_malformed');
  return time;
}

function readTtl(ttl: Json | undefined): number {
  if (ttl === undefined) return defaultTtl;
  if (typeof ttl !== 'number' || !Number.isSafeInteger(ttl) || ttl < 0) throw new StatusFault('status_list_malformed');
  return Math.min(ttl, maxTtl);
}
