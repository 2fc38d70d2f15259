/** COSE_Sign1 (RFC 9052 4.2) by hand: as much CBOR (RFC 8949) as an envelope needs. */
import { sign } from 'node:crypto';
import type { Document } from './documents.js';
import { keyFacts, type Signer } from './keys.js';

function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.of((major << 5) | value);
  if (value < 0x100) return Buffer.of((major << 5) | 24, value);
  const long = Buffer.alloc(3);
  long[0] = (major << 5) | 25;
  long.writeUInt16BE(value, 1);
  return long;
}

const integer = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value));
const bytes = (value: Uint8Array) => Buffer.concat([head(2, value.length), value]);
const text = (value: string) => Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
const list = (items: readonly Buffer[]) => Buffer.concat([head(4, items.length), ...items]);
const map = (entries: readonly (readonly [Buffer, Buffer])[]) =>
  Buffer.concat([head(5, entries.length), ...entries.flat()]);

const algorithms = { Ed25519: -8, 'P-256': -7, 'P-384': -35 } as const;

export interface CoseOptions {
  readonly signer: Signer;
  /** The registered COSE parameter 16. */
  readonly typ: string;
  readonly kid?: string | undefined;
  /** Signs other bytes than it carries. */
  readonly forged?: boolean;
}

/** The tagged COSE_Sign1 of a document. */
export function coseSign1(
  document: Document,
  { signer, typ, kid = signer.verificationMethod, forged }: CoseOptions,
): Buffer {
  const protectedHeader = map([
    [integer(1), integer(algorithms[signer.keyType])],
    [integer(4), bytes(Buffer.from(kid))],
    [integer(16), text(typ)],
  ]);
  const payload = Buffer.from(JSON.stringify(document));
  const covered = forged ? Buffer.from('{}') : payload;
  const structure = list([text('Signature1'), bytes(protectedHeader), bytes(Buffer.alloc(0)), bytes(covered)]);
  const hash = signer.keyType === 'Ed25519' ? null : keyFacts[signer.keyType].hash;
  const signature = sign(hash, structure, { key: signer.privateKey, dsaEncoding: 'ieee-p1363' });
  return Buffer.concat([head(6, 18), list([bytes(protectedHeader), map([]), bytes(payload), bytes(signature)])]);
}
