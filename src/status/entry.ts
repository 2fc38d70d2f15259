import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { StatusFault } from './codes.js';

/** A `credentialStatus` that obeys the grammar of Bitstring Status List 2.1. */
export interface ParsedEntry {
  readonly kind: 'bitstring';
  readonly purpose: string;
  readonly index: bigint;
  /** Bits of one entry. */
  readonly size: number;
  readonly list: string;
  /** What each value means, where the issuer says it; then all of them have a meaning. */
  readonly messages?: ReadonlyMap<bigint, string>;
}

/** `status.status_list` of an SD-JWT VC, as it stands in a credential (Token Status List, "Referenced Token in JOSE"). */
export interface ParsedTokenEntry {
  readonly kind: 'token';
  readonly index: bigint;
  readonly list: string;
}

/** More entries than any credential needs; each may cost a fetch. */
const maxEntries = 8;

const decimal = /^(0|[1-9]\d*)$/;
const hexadecimal = /^0x[0-9a-fA-F]{1,16}$/;
/** No grammar bounds the index, but every list has an end, and no end has so many digits. */
const maxIndexDigits = 128;
/** As long as an address may be that is fetched. */
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

/** Whether an entry speaks of a Token Status List. */
export function isTokenEntry(entry: Json): entry is JsonObject {
  return isJsonObject(entry) && entry['type'] === 'TokenStatusListEntry';
}

/** Reads one entry of a Token Status List. */
export function parseTokenEntry({ statusListIndex, statusListCredential }: JsonObject): ParsedTokenEntry {
  const index = typeof statusListIndex === 'string' && decimal.test(statusListIndex);
  if (!index || !isUrl(statusListCredential)) throw new StatusFault('status_entry_malformed');
  if (statusListIndex.length > maxIndexDigits) throw new StatusFault('status_index_out_of_range');
  return { kind: 'token', index: BigInt(statusListIndex), list: statusListCredential };
}

/** Reads one entry. The index is a string of digits of any size (2.1), so it is no Number before its range is known. */
export function parseEntry(entry: Json): ParsedEntry {
  if (!isJsonObject(entry)) throw new StatusFault('status_entry_malformed');
  const types = Array.isArray(entry['type']) ? entry['type'] : [entry['type']];
  if (!types.includes('BitstringStatusListEntry')) throw new StatusFault('status_entry_unsupported');
  const { statusPurpose, statusListIndex, statusListCredential, id } = entry;
  const digits = typeof statusListIndex === 'string' && decimal.test(statusListIndex);
  const list = isUrl(statusListCredential);
  if (!isText(statusPurpose) || !digits || !list) throw new StatusFault('status_entry_malformed');
  // 2.1: `id` MUST NOT be the address of the list.
  if (id !== undefined && id === statusListCredential) throw new StatusFault('status_entry_malformed');
  requireReferences(entry['statusReference']);
  if (statusListIndex.length > maxIndexDigits) throw new StatusFault('status_index_out_of_range');
  const index = BigInt(statusListIndex);
  const parsed = { kind: 'bitstring', purpose: statusPurpose, index, list: statusListCredential } as const;
  return { ...parsed, ...readSize(entry) };
}

/** 2.1: an integer greater than zero, 1 when absent; above 1 the issuer commits to a message for each possible value. */
function readSize({ statusSize = 1, statusMessage }: JsonObject): Pick<ParsedEntry, 'size' | 'messages'> {
  if (typeof statusSize !== 'number' || !Number.isSafeInteger(statusSize) || statusSize < 1) {
    throw new StatusFault('status_entry_malformed');
  }
  if (statusMessage !== undefined) return { size: statusSize, messages: readMessages(statusMessage, statusSize) };
  if (statusSize > 1) throw new StatusFault('status_entry_malformed');
  return { size: statusSize };
}

/** As many messages as values, each value once: so every value has exactly one. */
function readMessages(value: Json, size: number): ReadonlyMap<bigint, string> {
  // Whoever promises 2^100 messages cannot have sent them.
  if (!Array.isArray(value) || value.length !== 2 ** size) throw new StatusFault('status_entry_malformed');
  const messages = new Map<bigint, string>();
  for (const item of value) {
    const { status, message } = isJsonObject(item) ? item : {};
    const known = typeof status === 'string' && hexadecimal.test(status) && typeof message === 'string';
    if (!known || BigInt(status) >= value.length) throw new StatusFault('status_entry_malformed');
    messages.set(BigInt(status), message);
  }
  if (messages.size !== value.length) throw new StatusFault('status_entry_malformed');
  return messages;
}

/** 2.1 statusReference: a URL or an array of URLs. Nobody fetches them. */
function requireReferences(value: Json | undefined): void {
  if (value === undefined || [value].flat().every(isUrl)) return;
  throw new StatusFault('status_entry_malformed');
}

function isUrl(value: Json | undefined): value is string {
  return isText(value) && URL.canParse(value);
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxTextLength;
}
