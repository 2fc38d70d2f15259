import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { BitstringError, decodeBitstring } from './bitstring.js';
import { StatusFault } from './codes.js';

/** A list that was proved and decoded. */
export interface StatusList {
  readonly kind: 'bitstring' | 'token';
  readonly issuer: string;
  /** None in a Token Status List, whose values say what they mean. */
  readonly purposes: readonly string[];
  readonly bits: Buffer;
  /** Bits of one status of a Token Status List; an entry of a bitstring says it itself. */
  readonly statusBits?: number;
  readonly validFrom?: number;
  readonly validUntil?: number;
  readonly ttlMilliseconds: number;
}

/** Bitstring Status List 2.2: "If not present, implementers MUST use a value of 300000". */
export const defaultTtl = 300_000;
/** A day; a copy is confirmed much sooner whatever the ttl (list-source.ts). */
export const maxTtl = 86_400_000;

/** What is read of a proved credential; its times are those of its token, too (exp, nbf). */
export interface ProvedList {
  readonly credential: JsonObject;
  readonly issuer: string;
  readonly validFrom?: Date;
  readonly validUntil?: Date;
}

/** Reads a proved list; every rule of Bitstring Status List 2.2. Those of 3.2 need an entry. */
export function readStatusList({ credential, issuer, validFrom, validUntil }: ProvedList, url: string): StatusList {
  const types = Array.isArray(credential['type']) ? credential['type'] : [credential['type']];
  const subject = credential['credentialSubject'];
  if (!types.includes('BitstringStatusListCredential')) throw new StatusFault('status_list_malformed');
  if (!isJsonObject(subject) || !isListType(subject['type'])) throw new StatusFault('status_list_malformed');
  if (credential['id'] !== url) throw new StatusFault('status_list_id_mismatch');
  return {
    kind: 'bitstring',
    issuer,
    purposes: readPurposes(subject['statusPurpose']),
    bits: decodeList(subject['encodedList']),
    ...(validFrom && { validFrom: validFrom.getTime() }),
    ...(validUntil && { validUntil: validUntil.getTime() }),
    ttlMilliseconds: readTtl(subject['ttl']),
  };
}

function isListType(type: Json | undefined): boolean {
  return (Array.isArray(type) ? type : [type]).includes('BitstringStatusList');
}

function decodeList(encodedList: Json | undefined): Buffer {
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

function readTtl(ttl: Json | undefined): number {
  if (ttl === undefined) return defaultTtl;
  if (typeof ttl !== 'number' || !Number.isSafeInteger(ttl) || ttl < 0) throw new StatusFault('status_list_malformed');
  return Math.min(ttl, maxTtl);
}
