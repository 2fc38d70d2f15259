/** Reading the claims of a Status List Token (draft-ietf-oauth-status-list, "Status List Token in JWT Format"). */
import type { IssuerToken } from '../credential/credential.js';
import { maxNumericDate } from '../jose/jwt.js';
import { isJsonObject, type Json } from '../json.js';
import { BitstringError } from './bitstring.js';
import { StatusFault } from './codes.js';
import { defaultTtl, maxTtl, type StatusList } from './status-list.js';
import { decodeTokenList } from './token-list.js';

/** As many bits as the draft allows for one status; then none crosses the border of a byte. */
const statusSizes: ReadonlySet<unknown> = new Set([1, 2, 4, 8]);

/** Reads a token whose signature held; every rule that needs no entry. */
export function readTokenStatusList({ claims, issuer }: IssuerToken, url: string): StatusList {
  const { sub, iat, nbf, exp, ttl, aud, status_list: list } = claims;
  if (sub !== url) throw new StatusFault('status_list_id_mismatch');
  // RFC 7519 4.1.3: a token that names its audience is not for others, and nobody names us in a published list.
  if (iat === undefined || aud !== undefined) throw new StatusFault('status_list_malformed');
  if (!isJsonObject(list) || !statusSizes.has(list['bits'])) throw new StatusFault('status_list_malformed');
  const starts = [readDate(iat), readDate(nbf)].filter((date) => date !== undefined);
  const validUntil = readDate(exp);
  return {
    kind: 'token',
    issuer,
    purposes: [],
    bits: decode(list['lst']),
    statusBits: list['bits'] as number,
    validFrom: Math.max(...starts),
    ...(validUntil !== undefined && { validUntil }),
    ttlMilliseconds: readTtl(ttl),
  };
}

function readDate(value: Json | undefined): number | undefined {
  if (value === undefined) return undefined;
  const isDate = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxNumericDate;
  if (!isDate) throw new StatusFault('status_list_malformed');
  return value * 1000;
}

/** "The value of the claim MUST be a positive number"; of seconds, unlike in a bitstring's credential. */
function readTtl(ttl: Json | undefined): number {
  if (ttl === undefined) return defaultTtl;
  if (typeof ttl !== 'number' || !Number.isFinite(ttl) || ttl <= 0) throw new StatusFault('status_list_malformed');
  return Math.min(ttl * 1000, maxTtl);
}

function decode(lst: Json | undefined): Buffer {
  if (typeof lst !== 'string') throw new StatusFault('status_list_malformed');
  try {
    return decodeTokenList(lst);
  } catch (cause) {
    if (!(cause instanceof BitstringError)) throw cause;
    throw new StatusFault(cause.reason === 'too_large' ? 'status_list_too_large' : 'status_list_malformed', { cause });
  }
}
