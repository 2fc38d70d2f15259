/**
 * Secured credentials and presentations as one text: compact tokens, and data: URLs of them (RFC 2397) as they stand
 * in enveloping objects (VCDM 2.0 4.13). Which reader a text belongs to is decided here and nowhere else; that it is
 * what it claims to be, the reader checks.
 */
import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../json.js';
import { asArray } from './data-model.js';
import { baseContexts } from './formats.js';
import { CredentialRefusal } from './refusals.js';

/** The subtype of the media type of a text. */
export type CredentialMedium = 'vc+jwt' | 'vc+sd-jwt' | 'vc+cose' | 'dc+sd-jwt' | 'jwt';
export type PresentationMedium = 'vp+jwt' | 'vp+sd-jwt' | 'vp+cose' | 'dc+sd-jwt' | 'jwt';

type Medium = CredentialMedium | PresentationMedium;

/** COSE is binary: "the credentials MUST be encoded using base64" (VC-JOSE-COSE 3.3.1). The others are text already. */
const encodings: Readonly<Record<Medium, 'text' | 'base64'>> = {
  'vc+jwt': 'text',
  'vp+jwt': 'text',
  'vc+sd-jwt': 'text',
  'vp+sd-jwt': 'text',
  'vc+cose': 'base64',
  'vp+cose': 'base64',
  'dc+sd-jwt': 'text',
  jwt: 'text',
};

/** The types of the enveloping objects and what may be inside. `application/jwt` is VCDM 1.1's own (6.3.1). */
export const envelopeTypes = {
  credential: { type: 'EnvelopedVerifiableCredential', media: ['vc+jwt', 'vc+sd-jwt', 'vc+cose', 'jwt'] },
  presentation: { type: 'EnvelopedVerifiablePresentation', media: ['vp+jwt', 'vp+sd-jwt', 'vp+cose', 'jwt'] },
} as const satisfies Record<string, { type: string; media: readonly Medium[] }>;

export type EnvelopeKind = keyof typeof envelopeTypes;

/** A text taken out of its data: URL. */
export interface OpenedText {
  /** Undefined for a bare text that does not look like anything. */
  readonly medium: Medium | undefined;
  readonly text: string;
  /** Whether a media type said so, and not only the text. */
  readonly enveloped: boolean;
}

const prefix = 'data:application/';

/** Opens a data: URL, or looks at a compact token; throws CredentialRefusal for a data: URL of anything else. */
export function openText(input: string): OpenedText {
  if (!input.startsWith('data:')) return { medium: peekMedium(input), text: input, enveloped: false };
  const comma = input.indexOf(',');
  const [subtype, ...parameters] = input.slice(prefix.length, Math.max(comma, 0)).toLowerCase().split(';');
  const medium = Object.keys(encodings).find((known) => known === subtype) as Medium | undefined;
  const wanted = medium !== undefined && encodings[medium] === 'base64' ? ['base64'] : [];
  const fits = input.startsWith(prefix) && comma > 0 && medium !== undefined && parameters.join() === wanted.join();
  if (fits) return { medium, text: input.slice(comma + 1), enveloped: true };
  throw new CredentialRefusal('media_type_unknown', 'The data: URL has no media type and encoding that we read.');
}

/** Looks at a compact token only to find its reader, who will check all of it. */
function peekMedium(compact: string): Medium | undefined {
  const header = compact.slice(0, 16_384).split('.', 1)[0] ?? '';
  try {
    const { typ } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { typ?: unknown };
    const subtype = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined;
    const known = Object.keys(encodings).find((medium) => medium === subtype) as Medium | undefined;
    return known !== undefined && encodings[known] === 'text' ? known : undefined;
  } catch {
    return undefined;
  }
}

/** The object that envelops a text in a presentation, or that an issuer hands out. */
export function envelop(kind: EnvelopeKind, medium: Medium, content: string | Buffer): JsonObject {
  const data = typeof content === 'string' ? `,${content}` : `;base64,${content.toString('base64')}`;
  return { '@context': baseContexts['2.0'], id: `${prefix}${medium}${data}`, type: envelopeTypes[kind].type };
}

/** Whether an object says that it envelops a credential or presentation. */
export function isEnvelope(value: unknown, kind: EnvelopeKind): value is JsonObject {
  return isJsonObject(value) && asArray(value['type']).includes(envelopeTypes[kind].type);
}

/** The text in an envelope that holds nothing else: what stood beside it would not be signed (VCDM 2.0 4.13). */
export function openEnvelope(envelope: JsonObject, kind: EnvelopeKind): string {
  const { id } = envelope;
  const { type, media } = envelopeTypes[kind];
  const members = Object.keys(envelope).every((name) => ['@context', 'id', 'type'].includes(name));
  const types = asArray(envelope['type']).length === 1;
  const contexts = asArray(envelope['@context'])[0] === baseContexts['2.0'];
  if (!members || !types || !contexts || typeof id !== 'string' || !id.startsWith('data:')) {
    const detail = `An ${type} has the members @context, type and id, with the secured content in a data: URL.`;
    throw new CredentialRefusal('envelope_malformed', detail);
  }
  const { medium, text } = openText(id);
  if (!media.some((allowed) => allowed === medium)) {
    throw new CredentialRefusal('media_type_unknown', `The media type in the envelope is none of ${media.join(', ')}.`);
  }
  // Under a media type of its own the bare token says the same again; only where it may not, the URL is kept.
  return medium !== undefined && encodings[medium] === 'text' && medium !== 'jwt' && peekMedium(text) === medium
    ? text
    : id;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes of a base64 data: URL. White space is no part of a URL (WHATWG URL 4.4), padding may be missing. */
export function decodeBase64(text: string): Buffer {
  const bare = text.replace(/[\t\n\r]/g, '');
  const bytes = Buffer.from(bare, 'base64');
  const canonical = bytes.toString('base64');
  if (base64.test(bare) && (canonical === bare || canonical.replace(/=+$/, '') === bare)) return bytes;
  throw new CredentialRefusal('token_malformed', 'The content of the data: URL is not base64.');
}

/** SHA-256 in base64url of a token, which is text or bytes. */
export function digestOf(token: string | Uint8Array): string {
  return createHash('sha256').update(token).digest('base64url');
}
