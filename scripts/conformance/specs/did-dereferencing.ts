/** DID Resolution: dereferencing of DID URLs and its part of the HTTP binding, asked over HTTP. */
import { isDeepStrictEqual } from 'node:util';
import type { Conversation, Reply } from '../conversation.js';
import { aResolver, needs } from '../endpoints.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import type { Test, Tests } from '../suite.js';

const resultType = 'application/did-url-dereferencing';
const vocabulary = 'https://www.w3.org/ns/did#';
const relationships = [
  'assertionMethod',
  'authentication',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
];

interface Result {
  readonly reply: Reply;
  readonly metadata: Document | undefined;
  readonly content: unknown;
  readonly contentMetadata: unknown;
  readonly error: Document | undefined;
}

const documentOr = (value: unknown) => (isDocument(value) ? value : undefined);

/** 12.1: the DID URL is percent-encoded as a whole, so that options can follow it. */
function get(talk: Conversation, didUrl: string, accept: string, options = ''): Promise<Reply> {
  return talk.get(`${aResolver(talk.target).url}${encodeURIComponent(didUrl)}${options}`, { accept });
}

/** A whole result. The specification has two names for two of its members: those of section 5 and those of 10. */
async function dereference(talk: Conversation, didUrl: string, options = ''): Promise<Result> {
  const reply = await get(talk, didUrl, resultType, options);
  const json = documentOr(reply.json) ?? {};
  const metadata = documentOr(json['dereferencingMetadata'] ?? json['didUrlDereferencingMetadata']);
  const content: unknown = json['contentStream'] ?? json['content'];
  const error = documentOr(metadata?.['error']);
  return { reply, metadata, content, contentMetadata: json['contentMetadata'], error };
}

interface Resolved {
  readonly did: string;
  readonly document: Document;
  readonly documentMetadata: unknown;
}

async function resolve(talk: Conversation, did: string): Promise<Resolved> {
  const { status, json } = await get(talk, did, 'application/did-resolution');
  const document = isDocument(json) ? documentOr(json['didDocument']) : undefined;
  talk.expect(status === 200 && document, `${did} must resolve, was answered ${status}`);
  return { did, document: document ?? {}, documentMetadata: documentOr(json)?.['didDocumentMetadata'] };
}

const absolute = (id: unknown, did: string) => (String(id).startsWith('#') ? `${did}${id}` : String(id));
const methodsOf = ({ document }: Resolved) => asList<unknown>(document['verificationMethod']).filter(isDocument);
const isMap = (value: unknown): value is Document => isDocument(value) && !Array.isArray(value);
const isEmpty = (value: unknown) => value === null || value === undefined || value === '';
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what the specification asks for
const isAscii = (value: unknown) => typeof value === 'string' && /^[\x00-\x7f]*$/.test(value);
const mediaType = ({ headers }: Reply) => (headers['content-type'] ?? '').split(';')[0]?.trim();

/** A DID URL that dereferences, and the id of what it must give. */
interface Subject {
  readonly url: string;
  readonly resolved: Resolved;
}

/** Every DID that resolves, and the first verification method of its document. */
async function subjects(talk: Conversation): Promise<Subject[]> {
  const { resolvable } = aResolver(talk.target);
  talk.expect(resolvable.length > 0, 'the target names no DID that resolves');
  const found: Subject[] = [];
  for (const did of resolvable) {
    const resolved = await resolve(talk, did);
    const [method] = methodsOf(resolved);
    talk.expect(method, `the document of ${did} has no verification method to ask for`);
    found.push({ url: did, resolved }, { url: absolute(method?.['id'], did), resolved });
  }
  return found;
}

/** A question about the result of every DID URL that dereferences. */
function successTest(look: (talk: Conversation, result: Result, subject: Subject) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      for (const subject of await subjects(talk)) {
        const result = await dereference(talk, subject.url);
        talk.expect(result.reply.status === 200, `${subject.url} was answered ${result.reply.status}`);
        look(talk, result, subject);
      }
    },
  };
}

const noUrl = 'not-a-did-url';
const unknownMethod = 'did:checkerunknownmethod:abc#key';

/** A question about the result of what cannot be dereferenced. */
function errorTest(look: (talk: Conversation, result: Result, url: string) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      for (const url of [noUrl, unknownMethod]) {
        const result = await dereference(talk, url);
        talk.expect(result.reply.status >= 400, `${url} was answered ${result.reply.status}`);
        look(talk, result, url);
      }
    },
  };
}

function both(first: Test, second: Test): Test {
  return {
    lacks: needs.all(first.lacks, second.lacks),
    async run(talk) {
      await first.run(talk);
      await second.run(talk);
    },
  };
}

function expectError(talk: Conversation, { reply, error, content }: Result, what: string): void {
  talk.expect(reply.status >= 400 && error, `${what} must be an error, was answered ${reply.status}`);
  talk.expect(isEmpty(content), `${what} must have no content`);
}

function expectNamed(talk: Conversation, result: Result, name: string, status: number): void {
  const { reply, error, content } = result;
  talk.expect(error?.['type'] === `${vocabulary}${name}`, `the error is ${error?.['type']}, not ${name}`);
  talk.expect(reply.status === status, `${name} must be ${status}, was ${reply.status}`);
  talk.expect(isEmpty(content), `${name} must have no content`);
}

const authorises = ({ document, did }: Resolved, relationship: string, id: string) =>
  asList<unknown>(document[relationship]).some(
    (entry) => absolute(isDocument(entry) ? entry['id'] : entry, did) === id,
  );

/** Each first method for a relationship that lists it, which must do, and for one that does not. */
const relationshipTest: Test = {
  lacks: needs.resolver,
  async run(talk) {
    for (const did of aResolver(talk.target).resolvable) {
      const resolved = await resolve(talk, did);
      const id = absolute(methodsOf(resolved)[0]?.['id'], did);
      const listed = relationships.find((one) => authorises(resolved, one, id));
      const unlisted = relationships.find((one) => !authorises(resolved, one, id));
      talk.expect(listed && unlisted, `${id} is listed in every relationship, or in none`);
      const { reply, content } = await dereference(talk, id, `?verificationRelationship=${listed}`);
      const given = reply.status === 200 && isMap(content) && absolute(content['id'], did) === id;
      talk.expect(given, `${id} for ${listed} was answered ${reply.status}`);
      expectError(talk, await dereference(talk, id, `?verificationRelationship=${unlisted}`), `${id} for ${unlisted}`);
    }
  },
};

/** The whole document, and where the target names one a service, are no verification methods. */
function noMethodTest(urls: (talk: Conversation) => readonly string[], lacks: Test['lacks']): Test {
  return {
    lacks,
    async run(talk) {
      for (const url of urls(talk)) {
        const plain = await dereference(talk, url);
        talk.expect(plain.reply.status === 200 && isMap(plain.content), `${url} was answered ${plain.reply.status}`);
        expectError(talk, await dereference(talk, url, '?verificationRelationship=assertionMethod'), url);
      }
    },
  };
}

const needsService: Test['lacks'] = (target) =>
  needs.resolver(target) ??
  (target.resolvers[0]?.service === undefined ? 'the target names no service of a DID document' : undefined);

interface Service {
  readonly did: string;
  readonly id: string;
  /** Its first address. */
  readonly endpoint: string;
  readonly resolved: Resolved;
}

async function theService(talk: Conversation): Promise<Service> {
  const id = aResolver(talk.target).service ?? '';
  const [did = ''] = id.split('#');
  const resolved = await resolve(talk, did);
  const services = asList<unknown>(resolved.document['service']).filter(isDocument);
  const service = services.find((one) => absolute(one['id'], did) === id);
  const endpoint = asList<unknown>(service?.['serviceEndpoint']).find((one) => typeof one === 'string') ?? '';
  talk.expect(URL.canParse(String(endpoint)), `${id} has no address in the document of ${did}`);
  return { did, id, endpoint: String(endpoint), resolved };
}

const selection: Test = {
  lacks: needsService,
  async run(talk) {
    const { did, id } = await theService(talk);
    const fragment = id.slice(did.length + 1);
    const ask = async (service: string, selected: readonly string[]) => {
      const { reply, content } = await dereference(talk, `${did}?service=${encodeURIComponent(service)}`);
      const document = documentOr(content) ?? {};
      talk.expect(reply.status === 200 && document['id'] === did, `service=${service} was answered ${reply.status}`);
      const ids = asList<unknown>(document['service']).map((one) => absolute(documentOr(one)?.['id'], did));
      talk.expect(isDeepStrictEqual(ids, selected), `service=${service} selected ${ids}, not ${selected}`);
    };
    for (const spelled of [id, `#${fragment}`, fragment]) await ask(spelled, [id]);
    for (const other of ['checker-no-such-service', `did:example:checker#${fragment}`]) await ask(other, []);
  },
};

/** A question about what a caller is told who accepts the address of a service. */
function addressTest(look: (talk: Conversation, reply: Reply, address: string) => void): Test {
  return {
    lacks: needsService,
    async run(talk) {
      const { did, id, endpoint } = await theService(talk);
      const service = `${did}?service=${encodeURIComponent(id)}`;
      const addresses = {
        [service]: new URL(endpoint).href,
        [`${service}&relativeRef=checker.txt%3Fpage%3D1`]: new URL('checker.txt?page=1', endpoint).href,
      };
      for (const [url, address] of Object.entries(addresses)) {
        const reply = await get(talk, url, 'text/uri-list');
        talk.expect(reply.status === 303, `${url} must be answered 303, was answered ${reply.status}`);
        look(talk, reply, address);
      }
    },
  };
}

/** Asks for the content alone, in the representation that the whole result names. */
function bareTest(look: (talk: Conversation, reply: Reply, whole: Result, contentType: string) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      for (const { url } of await subjects(talk)) {
        const whole = await dereference(talk, url);
        talk.expect(whole.reply.status === 200, `${url} was answered ${whole.reply.status}`);
        const contentType = String(whole.metadata?.['contentType'] ?? 'application/did');
        const reply = await get(talk, url, contentType);
        talk.expect(reply.status === 200, `${url} as ${contentType} was answered ${reply.status}`);
        look(talk, reply, whole, contentType);
      }
    },
  };
}

const isSubject = ({ content }: Result, { url, resolved }: Subject) =>
  isMap(content) && absolute(content['id'], resolved.did) === url;

const dereferencing: Tests = {
  'DIDRES-5-1': successTest((talk, result, subject) =>
    talk.expect(isSubject(result, subject), `${subject.url} gave ${JSON.stringify(result.content)}`),
  ),
  'DIDRES-5-4': errorTest((talk, { metadata }, url) =>
    talk.expect(metadata && 'error' in metadata, `${url} must have an error in dereferencingMetadata`),
  ),
  'DIDRES-5-5': both(
    successTest((talk, result, subject) => {
      const { document } = subject.resolved;
      const { id, type, controller } = methodsOf(subject.resolved)[0] ?? {};
      const wanted = subject.url === subject.resolved.did ? document : { id, type, controller };
      const content = documentOr(result.content) ?? {};
      const same = Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(content[name], value));
      talk.expect(same, `${subject.url}: the content is not what the document has`);
    }),
    errorTest((talk, { content, error }, url) =>
      talk.expect(isEmpty(content) && error, `${url}: after an error there must be no content`),
    ),
  ),
  'DIDRES-5-6': both(
    successTest((talk, { contentMetadata }, { url }) =>
      talk.expect(isMap(contentMetadata), `${url}: contentMetadata is no map`),
    ),
    errorTest((talk, { contentMetadata }, url) =>
      talk.expect(
        isMap(contentMetadata) && Object.keys(contentMetadata).length === 0,
        `${url}: contentMetadata must be an empty map`,
      ),
    ),
  ),
  'DIDRES-5.1-2': both(
    relationshipTest,
    noMethodTest((talk) => aResolver(talk.target).resolvable, needs.resolver),
  ),
  'DIDRES-5.2-1': successTest((talk, { metadata }, { url }) => {
    const type: unknown = metadata?.['contentType'];
    const good = metadata && (type === undefined || (isAscii(type) && /^[\w.+-]+\/[\w.+-]+$/.test(String(type))));
    talk.expect(good, `${url}: contentType is ${type}`);
  }),
  'DIDRES-5.2-2': errorTest((talk, { error }, url) =>
    talk.expect(typeof error?.['type'] === 'string', `${url}: there is no error object`),
  ),
  'DIDRES-5.2-3': successTest((talk, { metadata }, { url }) => {
    const proof: unknown = metadata?.['proof'];
    const good = metadata && (proof === undefined || (Array.isArray(proof) && proof.every(isDocument)));
    talk.expect(good, `${url}: proof must be a set of maps`);
  }),
  'DIDRES-5.4.1-1': {
    lacks: needs.resolver,
    async run(talk) {
      const [did = ''] = aResolver(talk.target).resolvable;
      for (const url of [noUrl, 'did:', 'did:key', `${did}#two#fragments`, `${did}?a b`]) {
        expectNamed(talk, await dereference(talk, url), 'INVALID_DID_URL', 400);
      }
    },
  },
  'DIDRES-5.4.1-3': {
    lacks: (target) => (target.resolvers[0]?.notFound ? undefined : 'the target names no DID that is notFound'),
    async run(talk) {
      const { notFound, resolvable } = aResolver(talk.target);
      const control = await dereference(talk, resolvable[0] ?? '');
      talk.expect(control.reply.status === 200, `the control was answered ${control.reply.status}`);
      for (const url of [`${notFound}`, `${notFound}#key`]) {
        expectNamed(talk, await dereference(talk, url), 'NOT_FOUND', 404);
      }
    },
  },
  'DIDRES-5.4.1-4': successTest((talk, { content, contentMetadata }, { url, resolved }) => {
    if (url !== resolved.did) return talk.expect(isMap(content), `${url} has no content`);
    talk.expect(isDeepStrictEqual(content, resolved.document), `${url} must give the document that it resolves to`);
    talk.expect(
      isDeepStrictEqual(contentMetadata, resolved.documentMetadata),
      `${url}: contentMetadata must be the metadata of the document`,
    );
  }),
  'DIDRES-5.4.1-5': selection,
  'DIDRES-5.4.2-1': noMethodTest((talk) => [aResolver(talk.target).service ?? ''], needsService),
  'DIDRES-5.4.2-2': relationshipTest,
};

const binding: Tests = {
  'DIDRES-12.1-10': successTest((talk, { reply, metadata, content, contentMetadata }, { url }) => {
    talk.expect(mediaType(reply) === resultType, `${url}: the Content-Type is ${mediaType(reply)}`);
    const whole = isMap(metadata) && isMap(content) && isMap(contentMetadata);
    talk.expect(whole, `${url}: the body is no DID URL dereferencing result`);
  }),
  'DIDRES-12.1-11': addressTest(() => undefined),
  'DIDRES-12.1-12': addressTest((talk, { headers }, address) =>
    talk.expect(headers['location'] === address, `Location is ${headers['location']}, not ${address}`),
  ),
  'DIDRES-12.1-13': addressTest((talk, { text }) => talk.expect(text === '', `the body is ${text.slice(0, 80)}`)),
  'DIDRES-12.1-14': bareTest(() => undefined),
  'DIDRES-12.1-15': bareTest((talk, reply, _whole, contentType) =>
    talk.expect(mediaType(reply) === contentType, `the Content-Type is ${mediaType(reply)}, not ${contentType}`),
  ),
  'DIDRES-12.1-16': bareTest((talk, { json }, { content }) =>
    talk.expect(isMap(json) && isDeepStrictEqual(json, content), 'the body is not the content of the whole result'),
  ),
};

export const didDereferencingTests: Tests = { ...dereferencing, ...binding };
