/**
 * `c_nonce` (OpenID4VCI 1.0 7): the server's time and random bytes under a MAC, so that asking for one stores nothing
 * and every replica knows it. It may be used again for as long as it lives, by the session that used it first: wallets
 * ask for several documents, and repeat what failed, with the nonce that they have (store.ts holds whose it is).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeBase64url, encodeBase64url } from '../../jose/base64url.js';
import { JoseError } from '../../jose/errors.js';

/** The nonces of one issuer. */
export interface Nonces {
  readonly lifetimeSeconds: number;
  make(): string;
  /** When a nonce of ours ends; undefined when it is none or has ended. */
  expiryOf(nonce: string): Date | undefined;
}

export interface NonceDependencies {
  readonly deriveKey: (label: string, length: number) => Buffer;
  readonly random: (size: number) => Buffer;
  readonly now: () => Date;
}

const lifetimeSeconds = 300;
/** Replicas' clocks differ by less. */
const aheadSeconds = 60;
const size = { time: 4, random: 12, mac: 16 } as const;
const macStart = size.time + size.random;

export function createNonces({ deriveKey, random, now }: NonceDependencies): Nonces {
  const key = deriveKey('staff-passport/oid4vci/c_nonce/v1', 32);
  const seconds = () => Math.floor(now().getTime() / 1000);

  function macOf(body: Uint8Array): Buffer {
    return createHmac('sha256', key).update(body).digest().subarray(0, size.mac);
  }

  return {
    lifetimeSeconds,
    make() {
      const time = Buffer.alloc(size.time);
      time.writeUInt32BE(seconds());
      const body = Buffer.concat([time, random(size.random)]);
      return encodeBase64url(Buffer.concat([body, macOf(body)]));
    },
    expiryOf(nonce) {
      const bytes = decode(nonce);
      if (bytes === undefined || !timingSafeEqual(macOf(bytes.subarray(0, macStart)), bytes.subarray(macStart))) {
        return undefined;
      }
      const made = bytes.readUInt32BE();
      const age = seconds() - made;
      if (age > lifetimeSeconds || age < -aheadSeconds) return undefined;
      return new Date((made + lifetimeSeconds) * 1000);
    },
  };
}

function decode(nonce: string): Buffer | undefined {
  try {
    const bytes = decodeBase64url(nonce);
    return bytes.length === macStart + size.mac ? bytes : undefined;
  } catch (error) {
    if (error instanceof JoseError) return undefined;
    throw error;
  }
}
