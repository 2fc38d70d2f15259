import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { StatusFault } from './codes.js';

/** A `credentialStatus` that obeys the grammar of Bitstring Status List 2.1. */
export interface ParsedEntry {
  readonly purpose: string;
  readonly index: bigint;
  readonly list: string;
}

/** More entries than any credential needs; each may cost a fetch. */
const maxEntries = 8;

const decimal = /^(0|[1-9]\d*)$/;
const maxIndexDigits = 128;
const maxTextLength = 2048;

/** The entries of a credential; none when it has no credentialStatus. */
export function listEntries(credential: JsonObject): Json[] {
  const status = credential['credentialStatus'];
  if (status === undefined) return [];
  const entries = Array.isArray(status) ? status : [status];
  // An empty list would be a required check that never ran.
  if (entries.length === 0 || entries.length > maxEntries) throw new StatusFault('status_entry_malformed');
  return entries;
}

/** Reads one entry. The index is a string of digits of any size (2.1), so it is no Number before its range is known. */
export function parseEntry(entry: Json): ParsedEntry {
  if (!isJsonObject(entry)) throw new StatusFault('status_entry_malformed');
  const types = Array.isArray(entry['type']) ? entry['type'] : [entry['type']];
  if (!types.includes('BitstringStatusListEntry')) throw new StatusFault('status_entry_unsupported');
  requireStatusSizeOne(entry['statusSize']);
  const { statusPurpose, statusListIndex, statusListCredential, id } = entry;
  const index = isText(statusListIndex) && statusListIndex.length <= maxIndexDigits && decimal.test(statusListIndex);
  const list = isText(statusListCredential) && URL.canParse(statusListCredential);
  if (!isText(statusPurpose) || !index || !list) throw new StatusFault('status_entry_malformed');
  // 2.1: `id` MUST NOT be the address of the list.
  if (id !== undefined && id === statusListCredential) throw new StatusFault('status_entry_malformed');
  return { purpose: statusPurpose, index: BigInt(statusListIndex), list: statusListCredential };
}

/** Entries of more than one bit carry messages (2.1 statusMessage); nobody of ours issues them. */
function requireStatusSizeOne(size: Json | undefined): void {
  if (size === undefined || size === 1) return;
  const positive = typeof size === 'number' && Number.isSafeInteger(size) && size > 0;
  throw new StatusFault(positive ? 'status_entry_unsupported' : 'status_entry_malformed');
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxTextLength;
}
