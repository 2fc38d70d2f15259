/** Credentials and presentations as they travel, what is signed in them, and the same with one bit changed. */
import { base58 } from '@scure/base';
import type { PassportAgent } from '../../src/identity/identity.js';
import { decodeBase64url, encodeBase64url } from '../../src/jose/base64url.js';
import { isJsonObject, type JsonObject } from '../../src/json.js';
import { type Change, flipLastBit, flipLetter } from './guard.js';

/** What travels: a compact token, an envelope around one, or an object with a proof. */
export type Wire = string | JsonObject;

/** Bytes and the signature over them. */
interface Signature {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** The compact token of a document, if it is one. */
export function compactOf(wire: Wire): string | undefined {
  if (typeof wire === 'string') return wire;
  const { id } = wire;
  return wire['proof'] === undefined && typeof id === 'string' ? id.slice(id.indexOf(',') + 1) : undefined;
}

/** Signs something through the agent and says which bytes the key management was given, and what it made of them. */
export async function observeSigning<T>(
  agent: PassportAgent,
  work: () => Promise<T>,
): Promise<Signature & { readonly made: T }> {
  const stock = agent.keyManagerSign;
  const seen: Signature[] = [];
  agent.keyManagerSign = async (args) => {
    const signature = await stock(args);
    // Bytes pass keyManagerSign untouched, although its type says string.
    seen.push({ bytes: args?.data as unknown as Uint8Array, signature: decodeBase64url(signature) });
    return signature;
  };
  try {
    const made = await work();
    const [signature, ...others] = seen;
    if (!signature || others.length > 0) throw new Error(`${seen.length} signatures were made, not one`);
    return { ...signature, made };
  } finally {
    agent.keyManagerSign = stock;
  }
}

function signatureIn({ proof }: JsonObject): Uint8Array {
  const proofValue = isJsonObject(proof) ? proof['proofValue'] : undefined;
  if (typeof proofValue !== 'string') throw new Error('a document without a proofValue');
  return base58.decode(proofValue.slice(1));
}

/** One bit of the content, in the letter after `marker`, and one bit of the signature. */
export function changesOf(wire: Wire, marker: string): Change<Wire>[] {
  const compact = compactOf(wire);
  if (compact === undefined) return changesOfObject(wire as JsonObject, marker);
  const [header = '', payload = '', signature = ''] = compact.split('.');
  const content = encodeBase64url(Buffer.from(flipLetter(decodeBase64url(payload).toString(), marker)));
  const rewrap = (changed: string): Wire => (typeof wire === 'string' ? changed : envelope(wire, changed));
  const last = encodeBase64url(flipLastBit(decodeBase64url(signature)));
  return [
    { what: 'the content', input: rewrap(`${header}.${content}.${signature}`) },
    { what: 'the signature', input: rewrap(`${header}.${payload}.${last}`) },
  ];
}

function envelope(wire: JsonObject, compact: string): JsonObject {
  const id = String(wire['id']);
  return { ...wire, id: `${id.slice(0, id.indexOf(',') + 1)}${compact}` };
}

function changesOfObject(wire: JsonObject, marker: string): Change<Wire>[] {
  const { proof, ...unsecured } = wire;
  if (!isJsonObject(proof)) throw new Error('a document without a proof');
  const content = JSON.parse(flipLetter(JSON.stringify(unsecured), marker)) as JsonObject;
  const proofValue = `z${base58.encode(flipLastBit(signatureIn(wire)))}`;
  return [
    { what: 'the content', input: { ...content, proof } },
    { what: 'the signature', input: { ...unsecured, proof: { ...proof, proofValue } } },
  ];
}

/** Its size as it travels. */
export function sizeOf(wire: Wire): number {
  return Buffer.byteLength(typeof wire === 'string' ? wire : JSON.stringify(wire));
}
