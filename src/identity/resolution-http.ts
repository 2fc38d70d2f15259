/**
 * The HTTP binding of DID Resolution 1.0 (12.1, "HTTP(S) Binding"): from a request to a DID or a DID URL, and from what
 * was found to status, media type and body.
 */
import type { DIDResolutionResult } from 'did-resolver';
import type { JsonObject } from '../json.js';
import type { Dereferenced, DereferencingErrorName } from './dereferencing.js';
import type { ResolutionErrorName } from './resolution.js';

/** The media types of whole results, which are also what errors are told in. */
export const resolutionResultType = 'application/did-resolution';
export const dereferencingResultType = 'application/did-url-dereferencing';

/** The address of a service, told as a redirection. */
export const addressType = 'text/uri-list';

/** Representations of a bare DID document: DID 1.1, then the two of DID Core 1.0. */
export const documentTypes = ['application/did', 'application/did+ld+json', 'application/did+json'] as const;

type DocumentType = (typeof documentTypes)[number];
type ResultType = typeof resolutionResultType | typeof dereferencingResultType;
type AcceptedType = ResultType | typeof addressType | DocumentType;

/** What is sent: a body, or an address to go to. */
export type ResolutionAnswer =
  | { readonly status: number; readonly contentType: ResultType | DocumentType; readonly body: JsonObject }
  | { readonly status: 303; readonly location: string };

interface ErrorFacts {
  readonly status: number;
  readonly title: string;
  /** Where the name is defined, if not by DID Resolution. */
  readonly vocabulary?: string;
}

const didVocabulary = 'https://www.w3.org/ns/did#';
/** Controlled Identifiers 3.5. Its errors are "any other" in the table of DID Resolution 12.1, which answers them 500. */
const securityVocabulary = 'https://w3id.org/security#';

/** DID Resolution, "Errors", with the status that the binding's table gives to each. */
const errors = {
  INVALID_DID: { status: 400, title: 'This is not a DID' },
  INVALID_DID_URL: { status: 400, title: 'This is not a DID URL' },
  INVALID_OPTIONS: { status: 400, title: 'An option is not valid' },
  NOT_FOUND: { status: 404, title: 'There is no such document, or nothing of that name in it' },
  REPRESENTATION_NOT_SUPPORTED: { status: 406, title: 'No representation that you accept' },
  INVALID_DID_DOCUMENT: { status: 500, title: 'The DID document is not acceptable' },
  INTERNAL_ERROR: { status: 500, title: 'The DID could not be resolved' },
  INVALID_VERIFICATION_METHOD: {
    status: 500,
    title: 'This is not a verification method',
    vocabulary: securityVocabulary,
  },
  INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD: {
    status: 500,
    title: 'The verification method is not meant for this',
    vocabulary: securityVocabulary,
  },
  FEATURE_NOT_SUPPORTED: { status: 501, title: 'An option is not supported' },
  METHOD_NOT_SUPPORTED: { status: 501, title: 'The DID method is not supported' },
} as const satisfies Record<DereferencingErrorName, ErrorFacts> & Record<string, ErrorFacts>;

type ErrorName = keyof typeof errors;

/** The resolver's own names. What a server calls its document is a fault of the document, not of the caller's Accept. */
const errorNames: Readonly<Record<Exclude<ResolutionErrorName, 'deactivated'>, ErrorName>> = {
  invalidDid: 'INVALID_DID',
  methodNotSupported: 'METHOD_NOT_SUPPORTED',
  invalidDidDocument: 'INVALID_DID_DOCUMENT',
  representationNotSupported: 'INVALID_DID_DOCUMENT',
  internalError: 'INTERNAL_ERROR',
};

/** The two functions of the specification, by what their whole results are called. */
const functions = {
  [resolutionResultType]: (metadata: JsonObject, content: JsonObject | null, contentMetadata: JsonObject) => ({
    didResolutionMetadata: metadata,
    didDocument: content,
    didDocumentMetadata: contentMetadata,
  }),
  // The names of the function's own definition (5); the example in 10 calls the content otherwise.
  [dereferencingResultType]: (metadata: JsonObject, content: JsonObject | null, contentMetadata: JsonObject) => ({
    dereferencingMetadata: metadata,
    contentStream: content,
    contentMetadata,
  }),
} as const;

/** An error as RFC 9457 members under the vocabulary that defines it. */
export function resolutionError(
  name: ErrorName,
  detail: string,
  contentType: ResultType = resolutionResultType,
): ResolutionAnswer {
  const { status, title, vocabulary = didVocabulary }: ErrorFacts = errors[name];
  const error = { type: `${vocabulary}${name}`, title, detail };
  return { status, contentType, body: functions[contentType]({ error }, null, {}) };
}

/** A request, taken apart. */
export interface ResolutionRequest {
  /** Whose result is asked for: that of resolution or that of dereferencing. */
  readonly result: ResultType;
  /** A DID or a DID URL, as it came; nobody has looked at it yet. */
  readonly identifier: string;
  /** The query with the options beside `accept`. */
  readonly options: string;
  /** Undefined when nothing that the caller accepts can be had. */
  readonly accept: AcceptedType | undefined;
}

/**
 * Takes a request apart. `target` is what was appended to the endpoint. A DID URL that is appended as it is keeps its
 * query; options come with one that is percent-encoded as a whole (12.1). Whoever asks for a resolution result has
 * appended a DID, and the query can be nothing but options.
 */
export function readRequest(target: string, acceptHeader: string | undefined): ResolutionRequest {
  const end = target.includes('?') ? target.indexOf('?') : target.length;
  const [path, query] = [target.slice(0, end), target.slice(end + 1)];
  const accepted = negotiate(acceptHeader);
  const withQuery = accepted !== resolutionResultType && path.startsWith('did:') && query !== '';
  const identifier = withQuery ? target : didOfPath(path);
  const options = withQuery ? '' : query;
  const dereferences =
    accepted === dereferencingResultType ||
    accepted === addressType ||
    (accepted !== resolutionResultType && /[/?#]/.test(identifier));
  const result = dereferences ? dereferencingResultType : resolutionResultType;
  return { result, identifier, options, accept: accepted === anything ? result : accepted };
}

/**
 * The DID or DID URL of a request path. It may be appended as it is or percent-encoded as a whole; which of the two is
 * told by the first colon, so that the `%3A` before the port of a did:web is never decoded by mistake.
 */
export function didOfPath(path: string): string {
  if (path.startsWith('did:')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const anything = '*/*';

/** What the caller prefers by its Accept (RFC 9110 12.5.1) of what can be had. */
export function negotiate(accept: string | undefined): AcceptedType | typeof anything | undefined {
  if (accept === undefined || accept.trim() === '') return anything;
  const ranges = accept.split(',').slice(0, maxRanges).map(readRange);
  const wanted = ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
  for (const { type } of wanted) {
    if (type === anything || type === 'application/*') return anything;
    const known = acceptedTypes.find((one) => one === type);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** Everything that can be had, as the answer to an Accept that names none of it. */
export const acceptedTypes: readonly AcceptedType[] = [
  resolutionResultType,
  dereferencingResultType,
  addressType,
  ...documentTypes,
];

/** More than any browser sends. */
const maxRanges = 32;

function readRange(text: string): { type: string; quality: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
}

/** Why there is no document: the DID was given up, or something went wrong; undefined when there is one. */
export function answerFailure(result: DIDResolutionResult, resultType: ResultType): ResolutionAnswer | undefined {
  const { didDocument, didDocumentMetadata, didResolutionMetadata } = result;
  const { error, message } = didResolutionMetadata as { error?: string; message?: string };
  if (didDocumentMetadata.deactivated === true && !didDocument) {
    const body = functions[resultType]({}, null, { deactivated: true });
    return { status: 410, contentType: resultType, body };
  }
  if (error === undefined && didDocument) return undefined;
  const known = Object.hasOwn(errorNames, error ?? '');
  const name = known ? errorNames[error as keyof typeof errorNames] : 'INTERNAL_ERROR';
  return resolutionError(name, message ?? 'The DID did not resolve.', resultType);
}

/** What a resolution result looks like in the representation that was negotiated. */
export function answerResolution(result: DIDResolutionResult, accept: AcceptedType): ResolutionAnswer {
  const failure = answerFailure(result, resolutionResultType);
  return failure ?? answerContent(result.didDocument as unknown as JsonObject, result, resolutionResultType, accept);
}

/** The same for what was found in the document of a result. */
export function answerDereferencing(
  found: Dereferenced,
  result: DIDResolutionResult,
  accept: AcceptedType,
): ResolutionAnswer {
  if ('error' in found) return resolutionError(found.error, found.detail, dereferencingResultType);
  if ('address' in found) return { status: 303, location: found.address };
  return answerContent(found.content, result, dereferencingResultType, accept);
}

function answerContent(
  content: JsonObject,
  { didDocumentMetadata }: DIDResolutionResult,
  result: ResultType,
  accept: AcceptedType,
): ResolutionAnswer {
  const status = didDocumentMetadata.deactivated === true ? 410 : 200;
  const documentType = documentTypes.find((type) => type === accept);
  if (documentType) return { status, contentType: documentType, body: content };
  // The representation of the content in the result, which is not the media type of the result itself.
  const metadata = { contentType: documentTypes[0] };
  const body = functions[result](metadata, content, didDocumentMetadata as JsonObject);
  return { status, contentType: result, body };
}
