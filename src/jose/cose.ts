/**
 * COSE_Sign1 (RFC 9052 4.2) around JSON, as strict as the JWS beside it: the algorithm, the type and the content type
 * are protected, no key or extension is taken from the message, and CBOR has no duplicate keys. What comes out is a
 * ParsedJws, so that one function verifies both.
 */
import { decode, encode } from 'cborg';
import type { Json, JsonObject } from '../json.js';
import { type JwsAlgorithm, jwsAlgorithmNames, jwsAlgorithms } from './algorithms.js';
import { JoseError } from './errors.js';
import { type ParsedJws, parsePart, type Signer } from './jws.js';

/** A well-formed COSE_Sign1. Nothing in it may be believed before verifyJws. */
export interface ParsedCose extends ParsedJws {
  /** The payload, a JSON object. */
  readonly content: Json;
  /** CWT Claims in the protected header (RFC 9597), by their JWT names. */
  readonly claims: JsonObject;
}

/** What the reader of a COSE_Sign1 expects of its protected header. */
export interface CoseExpectation {
  /** The `typ` (RFC 9596), a media type. */
  readonly typ: string;
  /** The content type, where there is one. */
  readonly contentType: string;
  readonly algorithms?: readonly JwsAlgorithm[];
  readonly maxBytes?: number;
}

/** As large as the largest inbound body (decisions.md 7). */
const maxCoseBytes = 256 * 1024;
/** A header of ours has under 300 bytes. */
const maxHeaderBytes = 8 * 1024;

/** Header parameters (RFC 9052 3.1, RFC 9596, RFC 9597). */
const label = { alg: 1, crit: 2, contentType: 3, kid: 4, cwtClaims: 15, typ: 16 } as const;

/** Parameters by which a message brings its own key: kcwt, kccs (RFC 9528), x5bag, x5chain, x5u (RFC 9360). */
const embeddedKeys = [13, 14, 32, 33, 35] as const;

/** CWT claims (RFC 8392 4, RFC 9711 4.1) that the product understands. The others are ignored (VC-JOSE-COSE 3.3.3). */
const cwtLabels = { iss: 1, sub: 2, aud: 3, exp: 4, nbf: 5, iat: 6, nonce: 10 } as const;

/** CWT Claims by their JWT names. */
export type CoseClaims = { readonly [name in keyof typeof cwtLabels]?: string | number };

type Header = ReadonlyMap<unknown, unknown>;

/** Parses a COSE_Sign1 and checks everything that needs no key; throws JoseError. */
export function parseCose(bytes: Uint8Array, expect: CoseExpectation): ParsedCose {
  if (bytes.length > (expect.maxBytes ?? maxCoseBytes)) throw new JoseError('too_large', 'The message is too large.');
  const [protectedBytes, unprotectedHeader, payload, signature] = splitMessage(decodeCbor(bytes));
  if (protectedBytes.length > maxHeaderBytes) throw new JoseError('too_large', 'The protected header is too large.');
  const header = headerMap(decodeCbor(protectedBytes));
  checkHeaders(header, unprotectedHeader);
  const alg = algorithmOf(header, expect.algorithms ?? jwsAlgorithmNames);
  checkMediaTypes(header, expect);
  const kid = readKid(header.get(label.kid) ?? unprotectedHeader.get(label.kid));
  const content = Buffer.from(payload);
  return {
    header: { alg, typ: expect.typ, ...(kid === undefined ? {} : { kid }) },
    payload: content,
    signingInput: toBeSigned(protectedBytes, payload),
    signature: Buffer.from(signature),
    content: parsePart(content, { code: 'payload_invalid', part: 'payload' }, { maxBytes: content.length }),
    claims: readCwtClaims(header.get(label.cwtClaims)),
  };
}

/** Definite lengths only, no tag but COSE_Sign1's own (RFC 9052 4.2); the shortest form of a number is not demanded. */
function decodeCbor(bytes: Uint8Array): unknown {
  const options = {
    useMaps: true,
    rejectDuplicateMapKeys: true,
    allowIndefinite: false,
    allowUndefined: false,
    allowNaN: false,
    allowInfinity: false,
    tags: { 18: (content: () => unknown) => new Sign1(content()) },
  };
  try {
    return decode(bytes, options);
  } catch (cause) {
    // A RangeError of the stack is one too: nesting that deep is no message of anybody's.
    throw new JoseError('malformed', 'The message is not CBOR that is accepted here.', { cause });
  }
}

/** The content of tag 18, told apart from an array that bears no tag. */
class Sign1 {
  readonly content: unknown;

  constructor(content: unknown) {
    this.content = content;
  }
}

function splitMessage(message: unknown): [Uint8Array, Header, Uint8Array, Uint8Array] {
  const parts = message instanceof Sign1 ? message.content : message;
  if (!Array.isArray(parts) || parts.length !== 4) throw new JoseError('malformed', 'The message is no COSE_Sign1.');
  const [protectedBytes, unprotectedHeader, payload, signature] = parts as unknown[];
  // A detached payload is null (RFC 9052 4.1); what is not in the message is not verified here.
  if (!isBytes(protectedBytes) || !isBytes(payload) || !isBytes(signature)) {
    throw new JoseError('malformed', 'A part of the COSE_Sign1 is not a byte string.');
  }
  return [protectedBytes, headerMap(unprotectedHeader), payload, signature];
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function headerMap(value: unknown): Header {
  const labelled = value instanceof Map && [...value.keys()].every((key) => ['number', 'string'].includes(typeof key));
  if (labelled) return value as Header;
  throw new JoseError('header_invalid', 'A header of the COSE_Sign1 is not a map of labels.');
}

/** RFC 9052 3: a label stands in one of the two headers at most; extensions that must be understood are not. */
function checkHeaders(header: Header, unprotectedHeader: Header): void {
  const both = [...header.keys()].some((key) => unprotectedHeader.has(key));
  if (both) throw new JoseError('header_invalid', 'A label stands in both headers of the COSE_Sign1.');
  const labels = [...header.keys(), ...unprotectedHeader.keys()];
  if (labels.includes(label.crit)) throw new JoseError('crit_not_supported', 'No COSE extension is supported.');
  if (embeddedKeys.some((key) => labels.includes(key))) {
    throw new JoseError('embedded_key', 'The COSE_Sign1 brings its own key.');
  }
  const loose = [label.alg, label.contentType, label.typ, label.cwtClaims].some((key) => unprotectedHeader.has(key));
  if (loose) throw new JoseError('header_invalid', 'What must be protected stands in the unprotected header.');
}

function algorithmOf(header: Header, allowed: readonly JwsAlgorithm[]): JwsAlgorithm {
  const value = header.get(label.alg);
  const alg = jwsAlgorithmNames.find((name) => (jwsAlgorithms[name].cose as readonly unknown[]).includes(value));
  if (alg !== undefined && allowed.includes(alg)) return alg;
  throw new JoseError('alg_not_allowed', 'The algorithm of the COSE_Sign1 is not one that is accepted here.');
}

function checkMediaTypes(header: Header, { typ, contentType }: CoseExpectation): void {
  const stated = header.get(label.contentType);
  const fits = sameMediaType(header.get(label.typ), typ);
  if (fits && (stated === undefined || sameMediaType(stated, contentType))) return;
  throw new JoseError('typ_not_allowed', 'The typ or content type of the COSE_Sign1 is not one that is accepted here.');
}

function sameMediaType(value: unknown, expected: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === expected;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** RFC 9052 3.1: kid is a byte string; for us it holds the text that a JWS would have. */
function readKid(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const kid = isBytes(value) ? readText(value) : undefined;
  if (kid !== undefined) return kid;
  throw new JoseError('header_invalid', 'The kid of the COSE_Sign1 is not text in a byte string.');
}

function readText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function readCwtClaims(value: unknown): JsonObject {
  if (value === undefined) return {};
  if (!(value instanceof Map)) throw new JoseError('header_invalid', 'The CWT Claims are not a map.');
  const known = Object.entries(cwtLabels).flatMap(([name, key]) => {
    const claim: unknown = value.get(key);
    // EAT's nonce is a byte string or text; for us it holds the text that a JWT would have.
    return claim === undefined ? [] : [[name, name === 'nonce' && isBytes(claim) ? readText(claim) : claim] as const];
  });
  const plain = known.every(([, claim]) => typeof claim === 'string' || Number.isSafeInteger(claim));
  if (plain) return Object.fromEntries(known) as JsonObject;
  throw new JoseError('claim_invalid', 'A CWT Claim is neither text nor a whole number.');
}

/** RFC 9052 4.4: Sig_structure without external data, over the protected header as it was sent. */
function toBeSigned(protectedBytes: Uint8Array, payload: Uint8Array): Buffer {
  return Buffer.from(encode(['Signature1', protectedBytes, new Uint8Array(), payload]));
}

/** What the protected header of a message of ours says. */
export interface CoseHeader {
  readonly alg: JwsAlgorithm;
  readonly typ: string;
  readonly contentType: string;
  readonly kid: string;
  readonly claims?: CoseClaims;
}

/** COSE_Sign1's tag (RFC 9052 2, Table 1). */
const sign1Tag = 0xd2;

function writeCwtClaims(claims: CoseClaims): Map<number, unknown> {
  const entries = Object.entries(claims) as [keyof typeof cwtLabels, string | number][];
  return new Map(entries.map(([name, value]) => [cwtLabels[name], name === 'nonce' ? Buffer.from(`${value}`) : value]));
}

/** Builds and signs a tagged COSE_Sign1 with everything in the protected header. */
export async function signCose(header: CoseHeader, payload: JsonObject, sign: Signer): Promise<Buffer> {
  const { cose, signatureLength } = jwsAlgorithms[header.alg];
  const protectedBytes = encode(
    new Map<number, unknown>([
      [label.alg, cose[0]],
      [label.contentType, header.contentType],
      [label.kid, Buffer.from(header.kid)],
      ...(header.claims === undefined ? [] : [[label.cwtClaims, writeCwtClaims(header.claims)] as const]),
      [label.typ, header.typ],
    ]),
  );
  const content = Buffer.from(JSON.stringify(payload));
  const signature = await sign(toBeSigned(protectedBytes, content));
  if (signature.length !== signatureLength) {
    throw new JoseError('signature_invalid', `The signer did not make an ${header.alg} signature.`);
  }
  const message = encode([protectedBytes, new Map(), content, Uint8Array.from(signature)]);
  return Buffer.concat([Buffer.of(sign1Tag), message]);
}
