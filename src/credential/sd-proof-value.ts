/**
 * The proof values of ecdsa-sd-2023 (vc-di-ecdsa 3.5.2 to 3.5.8): multibase base64url of three bytes that say which of
 * the two it is, and CBOR without tags. Read as strictly as it is written: one value, one text.
 */
import { decode, encode } from 'cborg';
import { decodeBase64url, encodeBase64url } from '../jose/base64url.js';
import { JoseError } from '../jose/errors.js';
import type { Json } from '../json.js';
import { CredentialRefusal } from './refusals.js';

/** What the issuer gives to the holder. */
export interface BaseProofValue {
  readonly baseSignature: Uint8Array;
  /** A Multikey of P-256, raw: made for this one proof. */
  readonly publicKey: Uint8Array;
  readonly hmacKey: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  readonly mandatoryPointers: readonly string[];
}

/** What the holder gives to a verifier. */
export interface DisclosureProofValue {
  readonly baseSignature: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  /** From the label that canonicalising gives (c14n0) to the label in the signed statements. */
  readonly labels: ReadonlyMap<string, string>;
  readonly mandatoryIndexes: readonly number[];
}

const baseHeader = [0xd9, 0x5d, 0x00] as const;
const disclosureHeader = [0xd9, 0x5d, 0x01] as const;

/** Each signed statement costs a signature check; a credential has a few dozen. */
export const maxStatements = 1_024;
/** Sixty-four bytes for each statement and as much again for the rest, in base64url. */
const maxProofValueLength = 200_000;

const signatureLength = 64;
const publicKeyLength = 35;
const hmacLength = 32;

export function serializeBaseProofValue(value: BaseProofValue): string {
  const { baseSignature, publicKey, hmacKey, signatures, mandatoryPointers } = value;
  return serialize(baseHeader, [baseSignature, publicKey, hmacKey, signatures, mandatoryPointers]);
}

export function serializeDisclosureProofValue(value: DisclosureProofValue): string {
  const { baseSignature, publicKey, signatures, labels, mandatoryIndexes } = value;
  const compressed = new Map([...labels].map(([label, name]) => [numberOf(label), decodeBase64url(name.slice(1))]));
  return serialize(disclosureHeader, [baseSignature, publicKey, signatures, compressed, mandatoryIndexes]);
}

function numberOf(label: string): number {
  return Number(label.slice('c14n'.length));
}

function serialize(header: readonly number[], components: readonly unknown[]): string {
  return `u${encodeBase64url(Buffer.concat([Uint8Array.from(header), encode(components)]))}`;
}

/** Throws CredentialRefusal proof_value_malformed. */
export function parseBaseProofValue(proofValue: Json | undefined): BaseProofValue {
  const components = parse(proofValue, baseHeader);
  const [baseSignature, publicKey, hmacKey, signatures, mandatoryPointers] = components;
  const fits =
    components.length === 5 &&
    isBytes(baseSignature, signatureLength) &&
    isBytes(publicKey, publicKeyLength) &&
    isBytes(hmacKey, hmacLength) &&
    isListOf(signatures, (item): item is Uint8Array => isBytes(item, signatureLength)) &&
    isListOf(mandatoryPointers, (item) => typeof item === 'string');
  if (!fits) throw malformed('does not have the parts of a base proof');
  return { baseSignature, publicKey, hmacKey, signatures, mandatoryPointers };
}

/** Throws CredentialRefusal proof_value_malformed, or proof_not_derived for a base proof. */
export function parseDisclosureProofValue(proofValue: Json | undefined): DisclosureProofValue {
  const components = parse(proofValue, disclosureHeader);
  const [baseSignature, publicKey, signatures, labels, mandatoryIndexes] = components;
  const fits =
    components.length === 5 &&
    isBytes(baseSignature, signatureLength) &&
    isBytes(publicKey, publicKeyLength) &&
    isListOf(signatures, (item): item is Uint8Array => isBytes(item, signatureLength)) &&
    isLabelMap(labels) &&
    isListOf(mandatoryIndexes, isIndex);
  if (!fits) throw malformed('does not have the parts of a derived proof');
  const names = new Map([...labels].map(([number, bytes]) => [`c14n${number}`, `u${encodeBase64url(bytes)}`]));
  // Two nodes under one name would be one node in the signed statements.
  if (new Set(names.values()).size < names.size) throw malformed('gives two nodes the same label');
  if (new Set(mandatoryIndexes).size < mandatoryIndexes.length) throw malformed('names a statement twice');
  return { baseSignature, publicKey, signatures, labels: names, mandatoryIndexes };
}

function parse(proofValue: Json | undefined, header: readonly number[]): readonly unknown[] {
  if (typeof proofValue !== 'string' || !proofValue.startsWith('u') || proofValue.length > maxProofValueLength) {
    throw malformed('is not base64url (u...)');
  }
  const bytes = decodeText(proofValue.slice(1));
  if (header === disclosureHeader && startsWith(bytes, baseHeader)) {
    throw new CredentialRefusal('proof_not_derived', 'The proof is the base proof, from which one is to be derived.');
  }
  if (!startsWith(bytes, header)) throw malformed('does not begin as a proof of this suite does');
  const components = decodeCbor(bytes.subarray(header.length));
  if (!Array.isArray(components)) throw malformed('is not a list of parts');
  return components;
}

function startsWith(bytes: Uint8Array, header: readonly number[]): boolean {
  return header.every((byte, index) => bytes[index] === byte);
}

function decodeText(text: string): Buffer {
  try {
    return decodeBase64url(text);
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw malformed('is not base64url');
  }
}

/** Tags are refused as 3.5.3 says, and so is whatever would be a second spelling of the same parts. */
function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      allowIndefinite: false,
      allowUndefined: false,
      rejectDuplicateMapKeys: true,
    });
  } catch {
    throw malformed('is not CBOR of plain parts');
  }
}

function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isListOf<T>(value: unknown, fits: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.length <= maxStatements && value.every(fits);
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isLabelMap(value: unknown): value is Map<number, Uint8Array> {
  if (!(value instanceof Map) || value.size > maxStatements) return false;
  return [...value].every(([label, name]) => isIndex(label) && isBytes(name, hmacLength));
}

function malformed(detail: string): CredentialRefusal {
  return new CredentialRefusal('proof_value_malformed', `The proofValue ${detail}.`);
}
