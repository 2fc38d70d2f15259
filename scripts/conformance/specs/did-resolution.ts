/** DID Resolution: resolution of DIDs, its metadata and its part of the HTTP binding, asked over HTTP. */
import type { Conversation, Reply } from '../conversation.js';
import { aResolver, needs } from '../endpoints.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import type { Test, Tests } from '../suite.js';
import type { Target } from '../target.js';
import { didDereferencingTests } from './did-dereferencing.js';

const resultType = 'application/did-resolution';
const invalid = 'did:key';
const unknownMethod = 'did:checkerunknownmethod:abc';
const names = 'https://www.w3.org/ns/did#';

const mediaType = ({ headers }: Reply) => (headers['content-type'] ?? '').split(';')[0]?.trim();

interface Result {
  readonly reply: Reply;
  readonly resolution: Document;
  readonly document: unknown;
  readonly documentMetadata: unknown;
  readonly error: Document | undefined;
}

const resolve = async (talk: Conversation, did: string, accept = resultType, query = ''): Promise<Result> => {
  const reply = await talk.get(`${aResolver(talk.target).url}${did}${query}`, { accept });
  const json = isDocument(reply.json) ? reply.json : {};
  const resolution = isDocument(json['didResolutionMetadata']) ? json['didResolutionMetadata'] : {};
  return {
    reply,
    resolution,
    document: json['didDocument'],
    documentMetadata: json['didDocumentMetadata'],
    error: isDocument(resolution['error']) ? resolution['error'] : undefined,
  };
};

/** A question about the result of every DID that resolves. */
function successTest(look: (talk: Conversation, result: Result, did: string) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      const dids = aResolver(talk.target).resolvable;
      talk.expect(dids.length > 0, 'the target names no DID that resolves');
      for (const did of dids) {
        const result = await resolve(talk, did);
        talk.expect(result.reply.status === 200, `${did} answered ${result.reply.status}`);
        talk.expect(isDocument(result.document), `there is no document of ${did}`);
        look(talk, result, did);
      }
    },
  };
}

/** A question about the result of what cannot be resolved. */
function errorTest(look: (talk: Conversation, result: Result) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      for (const did of [invalid, unknownMethod]) {
        const result = await resolve(talk, did);
        talk.expect(result.reply.status >= 400, `${did} was answered ${result.reply.status}`);
        talk.expect(result.error, `${did} was answered without an error`);
        look(talk, result);
      }
    },
  };
}

/** Metadata that a resolver may give: when it does, in the right form. */
function metadataTest(name: string, good: (value: unknown, did: string) => boolean): Test {
  return successTest((talk, { documentMetadata }, did) => {
    const value: unknown = isDocument(documentMetadata) ? documentMetadata[name] : undefined;
    talk.expect(value === undefined || good(value, did), `${name} is ${JSON.stringify(value)}`);
  });
}

/** 3.1: UTC, no fraction of a second. */
const isDatetime = (value: unknown) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) && !Number.isNaN(Date.parse(value));

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what the specification asks for
const isAscii = (value: unknown) => typeof value === 'string' && /^[\x00-\x7f]*$/.test(value);
const methodOf = (did: string) => did.split(':').slice(0, 2).join(':');
const ofTheMethod = (value: unknown, did: string) => typeof value === 'string' && value.startsWith(`${methodOf(did)}:`);
const isProofSet = (value: unknown) => Array.isArray(value) && value.every(isDocument);

/** An error with its name, its status and nothing else in the result. */
function namedError(did: string, name: string, status: number, accept?: string): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      const { reply, document, error } = await resolve(talk, did, accept);
      talk.expect(error?.['type'] === `${names}${name}`, `${did}: the error is ${error?.['type']}, not ${name}`);
      talk.expect(reply.status === status, `${did}: the status must be ${status}, is ${reply.status}`);
      talk.expect(document === null || document === undefined, `${did}: there must be no document`);
    },
  };
}

const statusOf: Readonly<Record<string, number>> = {
  INVALID_DID: 400,
  INVALID_DID_URL: 400,
  INVALID_OPTIONS: 400,
  NOT_FOUND: 404,
  REPRESENTATION_NOT_SUPPORTED: 406,
  METHOD_NOT_SUPPORTED: 501,
  FEATURE_NOT_SUPPORTED: 501,
};

async function expectStatus(talk: Conversation, did: string, name: string, accept?: string): Promise<void> {
  const { reply, error } = await resolve(talk, did, accept);
  talk.expect(reply.status === statusOf[name], `${name} must be ${statusOf[name]}, was ${reply.status}`);
  talk.expect(error?.['type'] === `${names}${name}`, `${did}: the error is ${error?.['type']}, not ${name}`);
}

/** An option that the resolver may support; if it does not, it must say so by name. */
function optionTest(query: string, allowed: readonly string[], mayResolve: boolean): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      const [did = ''] = aResolver(talk.target).resolvable;
      const plain = await resolve(talk, did);
      talk.expect(plain.reply.status === 200, `${did} answered ${plain.reply.status}`);
      const { reply, document, error } = await resolve(talk, encodeURIComponent(did), resultType, query);
      if (mayResolve && reply.status === 200 && isDocument(document)) return;
      const type: unknown = error?.['type'];
      const named = allowed.some((name) => type === `${names}${name}`);
      talk.expect(named, `${query}: the error must be ${allowed.join(' or ')}, is ${type}`);
    },
  };
}

const gives =
  (name: 'notFound' | 'deactivated') =>
  (target: Target): string | undefined =>
    target.resolvers.some((one) => one[name]) ? undefined : `the target names no DID that is ${name}`;

const resolution: Tests = {
  'DIDRES-3.1-1': successTest((talk, { documentMetadata }) => {
    const metadata = isDocument(documentMetadata) ? documentMetadata : {};
    for (const name of ['created', 'updated', 'nextUpdate']) {
      talk.expect(metadata[name] === undefined || isDatetime(metadata[name]), `${name} is ${metadata[name]}`);
    }
  }),
  'DIDRES-4-1': successTest((talk, { document }) => talk.expect(isDocument(document), 'there is no DID document')),
  'DIDRES-4-2': namedError(invalid, 'INVALID_DID', 400),
  'DIDRES-4-4': errorTest((talk, { resolution: metadata }) =>
    talk.expect(Object.keys(metadata).length > 0, 'didResolutionMetadata must not be empty after an error'),
  ),
  'DIDRES-4-5': errorTest((talk, { error }) => talk.expect(error, 'didResolutionMetadata has no error')),
  'DIDRES-4-6': successTest((talk, { document, reply }) => {
    talk.expect(isDocument(document) && typeof document['id'] === 'string', 'didDocument is no DID document');
    talk.expect(reply.json !== undefined, 'the result is no JSON');
  }),
  'DIDRES-4-7': successTest((talk, { document }, did) => {
    const id: unknown = isDocument(document) ? document['id'] : undefined;
    talk.expect(id === did, `the id of the document of ${did} is ${id}`);
  }),
  'DIDRES-4-8': errorTest((talk, { document }) =>
    talk.expect(document === null || document === undefined || document === '', 'didDocument must be empty'),
  ),
  'DIDRES-4-9': successTest((talk, { documentMetadata }) =>
    talk.expect(isDocument(documentMetadata), 'didDocumentMetadata is no map'),
  ),
  'DIDRES-4-10': errorTest((talk, { documentMetadata }) =>
    talk.expect(
      isDocument(documentMetadata) && Object.keys(documentMetadata).length === 0,
      'didDocumentMetadata must be an empty map',
    ),
  ),
  'DIDRES-4.2-1': successTest((talk, { resolution: metadata }) => {
    const type: unknown = metadata['contentType'];
    const good = type === undefined || (isAscii(type) && /^[\w.+-]+\/[\w.+-]+$/.test(String(type)));
    talk.expect(good, `contentType is ${type}`);
  }),
  'DIDRES-4.2-3': successTest((talk, { resolution: metadata }) =>
    talk.expect(metadata['proof'] === undefined || isProofSet(metadata['proof']), 'proof must be a set of maps'),
  ),
  'DIDRES-4.3-1': metadataTest('created', isDatetime),
  'DIDRES-4.3-2': metadataTest('updated', isDatetime),
  'DIDRES-4.3-3': metadataTest('deactivated', (value) => value === false),
  'DIDRES-4.3-4': metadataTest('nextUpdate', isDatetime),
  'DIDRES-4.3-5': metadataTest('versionId', isAscii),
  'DIDRES-4.3-6': metadataTest('nextVersionId', isAscii),
  'DIDRES-4.3-7': metadataTest(
    'equivalentId',
    (value, did) => Array.isArray(value) && value.every((one) => ofTheMethod(one, did)),
  ),
  'DIDRES-4.3-10': metadataTest('canonicalId', ofTheMethod),
  'DIDRES-4.3-12': metadataTest('proof', isProofSet),
  'DIDRES-4.4-1': namedError('did:', 'INVALID_DID', 400),
  'DIDRES-4.4-2': namedError(unknownMethod, 'METHOD_NOT_SUPPORTED', 501),
  'DIDRES-4.4-3': optionTest('?checkerUnknownOption=1', ['FEATURE_NOT_SUPPORTED'], false),
  'DIDRES-4.4-4': optionTest('?versionTime=not-a-time', ['INVALID_OPTIONS', 'FEATURE_NOT_SUPPORTED'], false),
  'DIDRES-4.4-5': successTest((talk, { document }) => {
    const { id, verificationMethod } = isDocument(document) ? document : ({} as Document);
    talk.expect(typeof id === 'string', 'the document has no id');
    for (const method of asList<Document>(verificationMethod)) {
      const good = [method['id'], method['type'], method['controller']].every((one) => typeof one === 'string');
      talk.expect(good, 'a verification method must have id, type and controller');
    }
  }),
  'DIDRES-7-1': successTest((talk, { resolution: metadata, documentMetadata }) => {
    talk.expect(isDocument(metadata) && isDocument(documentMetadata), 'metadata structures must be maps');
  }),
  'DIDRES-11-1': errorTest((talk, { error }) => {
    const type: unknown = error?.['type'];
    const good = typeof type === 'string' && URL.canParse(type) && type.startsWith(names);
    talk.expect(good, `the type of the error is ${type}`);
  }),
};

const binding: Tests = {
  'DIDRES-12.1-1': successTest((talk, { reply }) => talk.expect(reply.status === 200, `GET answered ${reply.status}`)),
  'DIDRES-12.1-2': {
    lacks: needs.resolver,
    async run(talk) {
      const { url, resolvable } = aResolver(talk.target);
      talk.expect(url.startsWith('https://'), `the resolver's address is ${url}, without TLS`);
      const { reply, document } = await resolve(talk, resolvable[0] ?? '');
      talk.expect(reply.status === 200, `over TLS it answered ${reply.status}`);
      talk.expect(isDocument(document), 'over TLS it gave no document');
    },
  },
  'DIDRES-12.1-3': {
    lacks: needs.resolver,
    async run(talk) {
      for (const did of aResolver(talk.target).resolvable) {
        const { reply, document } = await resolve(talk, encodeURIComponent(did));
        talk.expect(reply.status === 200, `the URL-encoded ${did} answered ${reply.status}`);
        const id: unknown = isDocument(document) ? document['id'] : undefined;
        talk.expect(id === did, `the URL-encoded ${did} gave the document of ${id}`);
      }
    },
  },
  'DIDRES-12.1-4': {
    lacks: needs.resolver,
    async run(talk) {
      const { resolvable, notFound } = aResolver(talk.target);
      await expectStatus(talk, invalid, 'INVALID_DID');
      await expectStatus(talk, unknownMethod, 'METHOD_NOT_SUPPORTED');
      await expectStatus(talk, resolvable[0] ?? '', 'REPRESENTATION_NOT_SUPPORTED', 'application/checker-unknown');
      if (notFound) await expectStatus(talk, notFound, 'NOT_FOUND');
    },
  },
  'DIDRES-12.1-5': {
    lacks: gives('deactivated'),
    async run(talk) {
      const { reply, documentMetadata } = await resolve(talk, aResolver(talk.target).deactivated ?? '');
      talk.expect(reply.status === 410, `a deactivated DID must be answered 410, was answered ${reply.status}`);
      const value: unknown = isDocument(documentMetadata) ? documentMetadata['deactivated'] : undefined;
      talk.expect(value === true, `deactivated is ${value}`);
    },
  },
  'DIDRES-12.1-6': successTest((talk, { reply, resolution: metadata, document }) => {
    talk.expect(mediaType(reply) === resultType, `the Content-Type is ${mediaType(reply)}`);
    const whole = isDocument(document) && Object.keys(metadata).length > 0;
    talk.expect(whole, 'the body is no DID resolution result');
  }),
  'DIDRES-12.1-7': bareTest((talk, reply) => {
    talk.expect(reply.status === 200, `a document answered ${reply.status}`);
    talk.expect(isDocument(reply.json) && 'id' in reply.json, 'the body is no document');
  }),
  'DIDRES-12.1-8': bareTest((talk, reply, _did, contentType) =>
    talk.expect(
      mediaType(reply) === contentType,
      `the Content-Type is ${mediaType(reply)}, contentType ${contentType}`,
    ),
  ),
  'DIDRES-12.1-9': bareTest((talk, { json }, did) => {
    const id: unknown = isDocument(json) ? json['id'] : undefined;
    talk.expect(id === did, `the body is no DID document of ${did}`);
  }),
  'DIDRES-13.2-1': optionTest('?noCache=true', ['FEATURE_NOT_SUPPORTED'], true),
};

/** Asks for the document alone, in the representation that the whole result names. */
function bareTest(look: (talk: Conversation, reply: Reply, did: string, contentType: string) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      for (const did of aResolver(talk.target).resolvable) {
        const { reply: whole, resolution: metadata } = await resolve(talk, did);
        talk.expect(whole.status === 200, `${did} answered ${whole.status}`);
        const contentType = String(metadata['contentType'] ?? 'application/did');
        const { reply } = await resolve(talk, did, contentType);
        look(talk, reply, did, contentType);
      }
    },
  };
}

export const didResolutionTests: Tests = { ...resolution, ...binding, ...didDereferencingTests };
