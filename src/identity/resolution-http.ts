/**
 * The HTTP binding of DID Resolution 1.0 (10.1, "HTTP(S) Binding"): from a request to a DID and from a resolution
 * result to status, media type and body. No dereferencing of DID URLs, no version of a document but the current one.
 */
import type { DIDResolutionResult } from 'did-resolver';
import type { JsonObject } from '../json.js';
import type { ResolutionErrorName } from './resolution.js';

/** The media type of a whole resolution result, which is also what errors are told in. */
export const resolutionResultType = 'application/did-resolution';

/** Representations of a bare DID document: DID 1.1, then the two of DID Core 1.0. */
export const documentTypes = ['application/did', 'application/did+ld+json', 'application/did+json'] as const;

type DocumentType = (typeof documentTypes)[number];
type AnswerType = typeof resolutionResultType | DocumentType;

/** What is sent. */
export interface ResolutionAnswer {
  readonly status: number;
  readonly contentType: AnswerType;
  readonly body: JsonObject;
}

interface ErrorFacts {
  readonly status: number;
  readonly title: string;
}

/** DID Resolution, "Errors", with the status that the binding's table gives to each. */
const errors = {
  INVALID_DID: { status: 400, title: 'This is not a DID' },
  NOT_FOUND: { status: 404, title: 'There is no such DID document' },
  REPRESENTATION_NOT_SUPPORTED: { status: 406, title: 'No representation that you accept' },
  INVALID_DID_DOCUMENT: { status: 500, title: 'The DID document is not acceptable' },
  INTERNAL_ERROR: { status: 500, title: 'The DID could not be resolved' },
  FEATURE_NOT_SUPPORTED: { status: 501, title: 'An option is not supported' },
  METHOD_NOT_SUPPORTED: { status: 501, title: 'The DID method is not supported' },
} as const satisfies Record<string, ErrorFacts>;

type ErrorName = keyof typeof errors;

/** The resolver's own names. What a server calls its document is a fault of the document, not of the caller's Accept. */
const errorNames: Readonly<Record<Exclude<ResolutionErrorName, 'deactivated'>, ErrorName>> = {
  invalidDid: 'INVALID_DID',
  methodNotSupported: 'METHOD_NOT_SUPPORTED',
  invalidDidDocument: 'INVALID_DID_DOCUMENT',
  representationNotSupported: 'INVALID_DID_DOCUMENT',
  internalError: 'INTERNAL_ERROR',
};

/** An error as RFC 9457 members under the vocabulary of DID. */
export function resolutionError(name: ErrorName, detail: string): ResolutionAnswer {
  const { status, title } = errors[name];
  const error = { type: `https://www.w3.org/ns/did#${name}`, title, detail };
  const body = { didResolutionMetadata: { error }, didDocument: null, didDocumentMetadata: {} };
  return { status, contentType: resolutionResultType, body };
}

/**
 * The DID of a request path. It may be appended as it is or percent-encoded as a whole; which of the two is told by
 * the first colon, so that the `%3A` before the port of a did:web is never decoded by mistake.
 */
export function didOfPath(path: string): string {
  if (path.startsWith('did:')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The answer's media type by the caller's Accept (RFC 9110 12.5.1); the whole result where anything will do. */
export function negotiate(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined || accept.trim() === '') return resolutionResultType;
  const ranges = accept.split(',').slice(0, maxRanges).map(readRange);
  const wanted = ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
  for (const { type } of wanted) {
    if (type === '*/*' || type === 'application/*') return resolutionResultType;
    const known = [resolutionResultType, ...documentTypes].find((one) => one === type);
    if (known !== undefined) return known as AnswerType;
  }
  return undefined;
}

/** More than any browser sends. */
const maxRanges = 32;

function readRange(text: string): { type: string; quality: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
}

/** What a result looks like in the representation that was negotiated. */
export function answerResolution(result: DIDResolutionResult, contentType: AnswerType): ResolutionAnswer {
  const { didDocument, didDocumentMetadata, didResolutionMetadata } = result;
  const { error, message } = didResolutionMetadata as { error?: string; message?: string };
  if (didDocumentMetadata.deactivated === true && !didDocument) {
    const body = { didResolutionMetadata: {}, didDocument: null, didDocumentMetadata: { deactivated: true } };
    return { status: 410, contentType: resolutionResultType, body };
  }
  if (error !== undefined || !didDocument) {
    const name = Object.hasOwn(errorNames, error ?? '')
      ? errorNames[error as keyof typeof errorNames]
      : 'INTERNAL_ERROR';
    return resolutionError(name, message ?? 'The DID did not resolve.');
  }
  const status = didDocumentMetadata.deactivated === true ? 410 : 200;
  const document = didDocument as unknown as JsonObject;
  if (contentType !== resolutionResultType) return { status, contentType, body: document };
  const metadata = didDocumentMetadata as JsonObject;
  // The representation of the document in the result, which is not the media type of the result itself.
  const resolution = { contentType: documentTypes[0] };
  const body = { didResolutionMetadata: resolution, didDocument: document, didDocumentMetadata: metadata };
  return { status, contentType, body };
}
