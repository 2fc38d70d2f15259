/** COSE_Sign1 (RFC 9052 4.2) by hand: as much CBOR (RFC 8949) as an envelope needs. */
import { sign } from 'node:crypto';
import type { Document } from './documents.js';
import { keyFacts, type Signer } from './keys.js';

function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.of((major << 5) | value);
  if (value < 0x100) return Buffer.of((major << 5) | 24, value);
  const wide = value >= 0x10000;
  const long = Buffer.alloc(wide ? 5 : 3);
  long[0] = (major << 5) | (wide ? 26 : 25);
  long.writeUIntBE(value, 1, long.length - 1);
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
  /** CWT Claims by their labels (RFC 9597, RFC 8392). */
  readonly claims?: Labelled;
  /** Further parameters of the protected header. */
  readonly parameters?: Labelled;
}

/** Values by label; what is undefined is left out. */
export type Labelled = Readonly<Record<number, string | undefined>>;

/** Labels of claims (RFC 8392 4, RFC 9711 4.1). */
export const cwt = { aud: 3, nonce: 10 } as const;

function entriesOf(labelled: Labelled): (readonly [Buffer, Buffer])[] {
  return Object.entries(labelled).flatMap(([label, value]) =>
    value === undefined ? [] : [[integer(Number(label)), text(value)] as const],
  );
}

/** The tagged COSE_Sign1 of a document. */
export function coseSign1(
  document: Document,
  { signer, typ, kid = signer.verificationMethod, forged, claims = {}, parameters = {} }: CoseOptions,
): Buffer {
  const stated = entriesOf(claims);
  const protectedHeader = map([
    [integer(1), integer(algorithms[signer.keyType])],
    [integer(4), bytes(Buffer.from(kid))],
    ...(stated.length === 0 ? [] : [[integer(15), map(stated)] as const]),
    [integer(16), text(typ)],
    ...entriesOf(parameters),
  ]);
  const payload = Buffer.from(JSON.stringify(document));
  const covered = forged ? Buffer.from('{}') : payload;
  const structure = list([text('Signature1'), bytes(protectedHeader), bytes(Buffer.alloc(0)), bytes(covered)]);
  const hash = signer.keyType === 'Ed25519' ? null : keyFacts[signer.keyType].hash;
  const signature = sign(hash, structure, { key: signer.privateKey, dsaEncoding: 'ieee-p1363' });
  return Buffer.concat([head(6, 18), list([bytes(protectedHeader), map([]), bytes(payload), bytes(signature)])]);
}
