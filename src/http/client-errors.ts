/** Why something could not be fetched: a closed list, so that a verdict can say it in words. */
import { type ErrorCode, ServiceError } from '../errors.js';

/** The first four are our policy; the others happened on the way or came back. */
export type FetchReason =
  | 'scheme'
  | 'host'
  | 'address'
  | 'port'
  | 'redirect'
  | 'status'
  /** 410: what was there will not come back, says its host. */
  | 'gone'
  | 'media_type'
  | 'too_large'
  | 'encoding'
  | 'timeout'
  | 'dns'
  | 'tls'
  | 'connection'
  | 'queue_full'
  | 'negative_cache';

const refusals: ReadonlySet<FetchReason> = new Set(['scheme', 'host', 'address', 'port']);

/** A fetch that was refused (`fetch_refused`) or failed (`fetch_failed`). */
export class FetchError extends ServiceError {
  readonly reason: FetchReason;

  constructor(reason: FetchReason, detail: string, options: { cause?: unknown } = {}) {
    const code: ErrorCode = refusals.has(reason) ? 'fetch_refused' : 'fetch_failed';
    super(code, detail, options);
    this.name = 'FetchError';
    this.reason = reason;
  }
}
