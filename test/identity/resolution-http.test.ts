import type { DIDResolutionResult } from 'did-resolver';
import { FetchError } from '../../src/http/client.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer } from '../../src/http/server.js';
import { createDidResolver } from '../../src/identity/did-resolver.js';
import type { PassportAgent } from '../../src/identity/identity.js';
import { answerResolution, didOfPath, negotiate, readRequest } from '../../src/identity/resolution-http.js';
import { resolutionRoutes } from '../../src/identity/routes.js';

const own = 'did:web:trust.example';
const listed = 'did:web:listed.example%3A8443:staff';
const broken = 'did:web:broken.example';
const former = 'did:web:trust.example:former';
const gone = 'did:web:gone.example';
const holder = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
// The public key of RFC 8037, appendix A.2.
const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
const keyAsJwk = `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString('base64url')}`;

const fetched: string[] = [];
const resolver = createDidResolver({
  loopback: false,
  now: () => 0,
  fetch: async (url) => {
    fetched.push(url);
    if (url.includes('broken')) throw new Error('no route to host');
    if (url.includes('gone')) throw new FetchError('gone', 'gone.example says that this was taken away (410).');
    const body = Buffer.from(JSON.stringify({ '@context': ['https://www.w3.org/ns/did/v1'], id: listed }));
    return { status: 200, body, contentType: 'application/did+json' };
  },
});
const ownKey = { id: `${own}#key`, type: 'Multikey', controller: own };
const ownDocument = {
  '@context': ['https://www.w3.org/ns/did/v1'],
  id: own,
  verificationMethod: [ownKey],
  assertionMethod: [ownKey.id],
  service: [
    { id: `${own}#files`, type: 'LinkedDomains', serviceEndpoint: 'https://trust.example/files/' },
    { id: `${own}#chat`, type: 'Messages', serviceEndpoint: 'https://trust.example/chat' },
  ],
};
resolver.attach({
  ownDocument: (did) => (did === own ? (ownDocument as never) : undefined),
  isFormer: (did) => did === former,
});
const agent = { resolveDid: ({ didUrl }: { didUrl: string }) => resolver.resolve(didUrl) } as unknown as PassportAgent;

async function openServer() {
  const server = await createServer({
    publicUrl: 'https://trust.example',
    serviceName: 'Resolver',
    version: '0',
    authorise: () => Promise.reject(new Error('nobody authenticates here')),
    metrics: createMetrics(),
    checkResponses: true,
    now: () => new Date(0),
    newId: () => 'id',
  });
  const mayResolve = (did: string) => [listed, broken, former, gone].includes(did);
  await server.register(resolutionRoutes({ identity: { agent, did: own }, mayResolve }));
  return server;
}

const opened = openServer();
afterAll(async () => (await opened).close());

async function ask(path: string, accept?: string) {
  const server = await opened;
  const headers = accept === undefined ? {} : { accept };
  const answer = await server.inject({ url: `/1.0/identifiers/${path}`, headers });
  const body = answer.body === '' ? undefined : JSON.parse(answer.body);
  return { status: answer.statusCode, type: answer.headers['content-type'], body, answer };
}

const whole = 'application/did-resolution';
const wholeUrl = 'application/did-url-dereferencing';

function expectError(body: unknown, name: string) {
  expect(body).toEqual({
    didResolutionMetadata: {
      error: { type: `https://www.w3.org/ns/did#${name}`, title: expect.any(String), detail: expect.any(String) },
    },
    didDocument: null,
    didDocumentMetadata: {},
  });
}

describe('DID resolution over HTTP', () => {
  test.each([own, listed, holder, keyAsJwk])('resolves %s', async (did) => {
    const { status, type, body } = await ask(did, whole);
    expect([status, type]).toEqual([200, whole]);
    expect(body.didDocument.id).toBe(did);
    expect(body.didResolutionMetadata).toEqual({ contentType: 'application/did' });
    expect(body.didDocumentMetadata).toEqual({});
  });

  test('takes a DID percent-encoded as a whole, and never decodes the port of one that is not', async () => {
    const encoded = await ask(encodeURIComponent(listed), whole);
    const plain = await ask(listed, whole);
    expect(encoded.body).toEqual(plain.body);
    expect(fetched.at(-1)).toBe('https://listed.example:8443/staff/did.json');
    expect(didOfPath('did:web:a.example%253A1')).toBe('did:web:a.example%253A1');
    expect(didOfPath('%')).toBe('%');
  });

  test.each(['application/did', 'application/did+ld+json', 'application/did+json'])(
    '%s is the document alone',
    async (type) => {
      const answer = await ask(holder, `text/html, ${type};q=0.9`);
      expect([answer.status, answer.type, answer.body.id]).toEqual([200, type, holder]);
      expect(answer.body).not.toHaveProperty('didResolutionMetadata');
    },
  );

  test('prefers what the caller prefers and gives the result where anything will do', () => {
    expect(readRequest(holder, undefined).accept).toBe(whole);
    expect(readRequest(holder, '*/*').accept).toBe(whole);
    expect(readRequest(`${holder}?a=b`, 'text/html, application/*;q=0.1').accept).toBe(wholeUrl);
    expect(negotiate('application/did;q=0.2, application/did+json;q=0.7')).toBe('application/did+json');
    expect(negotiate('application/did;q=0')).toBeUndefined();
  });

  test.each([
    ['not-a-did', 400, 'INVALID_DID'],
    ['', 400, 'INVALID_DID'],
    ['did:example', 400, 'INVALID_DID'],
    ['did:web:127.0.0.1', 400, 'INVALID_DID'],
    ['did:key:z6MkNoKeyAtAll', 400, 'INVALID_DID'],
    [`${holder}%23${holder.slice(8)}`, 400, 'INVALID_DID'],
    [`${holder}?versionId=1`, 501, 'FEATURE_NOT_SUPPORTED'],
    [`${holder}?noCache=true`, 501, 'FEATURE_NOT_SUPPORTED'],
    ['did:unsupported:123456789abcdefghi', 501, 'METHOD_NOT_SUPPORTED'],
    ['did:web:stranger.example', 404, 'NOT_FOUND'],
    ['did:web:trust.example:nobody', 404, 'NOT_FOUND'],
    [broken, 500, 'INTERNAL_ERROR'],
  ])('%s is answered %i %s', async (path, status, name) => {
    const answer = await ask(path, whole);
    expect([answer.status, answer.type]).toEqual([status, whole]);
    expectError(answer.body, name);
  });

  test('fetches nothing for a DID that nobody here relies on', async () => {
    fetched.length = 0;
    await ask('did:web:stranger.example', whole);
    expect(fetched).toEqual([]);
  });

  test('refuses a representation that it does not have', async () => {
    const answer = await ask(holder, 'application/did+cbor');
    expect([answer.status, answer.type]).toEqual([406, whole]);
    expectError(answer.body, 'REPRESENTATION_NOT_SUPPORTED');
  });

  test.each([former, gone])('says that %s was deactivated', async (did) => {
    for (const accept of [whole, 'application/did']) {
      const answer = await ask(did, accept);
      expect([answer.status, answer.type]).toEqual([410, whole]);
      expect(answer.body).toEqual({
        didResolutionMetadata: {},
        didDocument: null,
        didDocumentMetadata: { deactivated: true },
      });
    }
    expect(fetched.filter((url) => url.includes('former'))).toEqual([]);
  });

  test('says that a document which is still there was deactivated', () => {
    const result: DIDResolutionResult = {
      didResolutionMetadata: {},
      didDocument: { id: own },
      didDocumentMetadata: { deactivated: true },
    };
    expect(answerResolution(result, whole)).toMatchObject({
      status: 410,
      body: { didDocumentMetadata: { deactivated: true } },
    });
  });

  test('tells what a server did wrong as a fault of the document, and what it does not know as a fault of ours', () => {
    const failed = (error: string): DIDResolutionResult => ({
      didResolutionMetadata: { error },
      didDocument: null,
      didDocumentMetadata: {},
    });
    const told = (error: string) => answerResolution(failed(error), 'application/did') as { body?: unknown };
    expectError(told('representationNotSupported').body, 'INVALID_DID_DOCUMENT');
    expectError(told('invalidDidDocument').body, 'INVALID_DID_DOCUMENT');
    expectError(told('toString').body, 'INTERNAL_ERROR');
  });

  test('is open to browsers of other organisations and kept by no cache', async () => {
    const { answer } = await ask(own, whole);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
  });
});

const didVocabulary = 'https://www.w3.org/ns/did#';

function expectUrlError(body: unknown, type: string) {
  expect(body).toEqual({
    dereferencingMetadata: { error: { type, title: expect.any(String), detail: expect.any(String) } },
    contentStream: null,
    contentMetadata: {},
  });
}

describe('DID URL dereferencing over HTTP', () => {
  const encoded = (url: string) => encodeURIComponent(url);
  const part = { '@context': ownDocument['@context'], ...ownKey };

  test.each([
    [own, ownDocument],
    [encoded(`${own}#key`), part],
    [`${own}?service=files`, { ...ownDocument, service: ownDocument.service.slice(0, 1) }],
    [encoded(`${own}?serviceType=Messages#chat`), { '@context': part['@context'], ...ownDocument.service[1] }],
    [`${encoded(`${own}#key`)}?verificationRelationship=assertionMethod`, part],
  ])('%s is a result with what is meant', async (url, contentStream) => {
    const { status, type, body } = await ask(url, wholeUrl);
    expect([status, type]).toEqual([200, wholeUrl]);
    const dereferencingMetadata = { contentType: 'application/did' };
    expect(body).toEqual({ dereferencingMetadata, contentStream, contentMetadata: {} });
  });

  test.each([holder, keyAsJwk])('finds the key of %s by its fragment', async (did) => {
    const { body: document } = await ask(did, 'application/did');
    const [method] = document.verificationMethod;
    const { status, type, body } = await ask(encoded(method.id), 'application/did');
    expect([status, type, body]).toEqual([200, 'application/did', { '@context': document['@context'], ...method }]);
  });

  test('keeps the port of a did:web that is percent-encoded as a whole', async () => {
    const { body } = await ask(encoded(`${listed}?service=a`), wholeUrl);
    expect(body.contentStream).toMatchObject({ id: listed, service: [] });
  });

  test('is the content alone where its representation is asked for', async () => {
    const { status, type, body } = await ask(encoded(`${own}#key`), 'application/did+json');
    expect([status, type, body]).toEqual([200, 'application/did+json', part]);
  });

  test('of a service sends on to its address, with nothing in the body', async () => {
    for (const url of [`${own}?service=files&relativeRef=/files/a`, encoded(`${own}?service=files&relativeRef=a`)]) {
      const { status, body, answer } = await ask(url, 'text/uri-list');
      expect([status, answer.headers.location, body]).toEqual([303, 'https://trust.example/files/a', undefined]);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
    }
    const second = await ask(`${own}?service=files&relativeRef=a?b=c`, 'text/uri-list');
    expect(second.answer.headers.location).toBe('https://trust.example/files/a?b=c');
    expect((await ask(`${own}?service=files`)).status).toBe(200);
  });

  const relationship = (url: string, name: string) => `${encoded(url)}?verificationRelationship=${name}`;

  test.each([
    ['not-a-did-url', 400, 'INVALID_DID_URL'],
    [`${own}?service=a&service=b`, 400, 'INVALID_DID_URL'],
    [encoded(`${own}#a#b`), 400, 'INVALID_DID_URL'],
    [`${own}?service=files&relativeRef=../a`, 400, 'INVALID_DID_URL'],
    ['did:key:z6MkNoKeyAtAll%23a', 400, 'INVALID_DID'],
    [encoded('did:key:z6MkNoKeyAtAll#a'), 400, 'INVALID_DID'],
    [relationship(`${own}#key`, 'friendship'), 400, 'INVALID_OPTIONS'],
    [`${relationship(own, 'assertionMethod')}&verificationRelationship=authentication`, 400, 'INVALID_OPTIONS'],
    [encoded(`${own}#nothing`), 404, 'NOT_FOUND'],
    [`${own}/path`, 404, 'NOT_FOUND'],
    [`${own}?other=1`, 404, 'NOT_FOUND'],
    ['did:web:stranger.example?service=a', 404, 'NOT_FOUND'],
    [encoded(`${broken}#key`), 500, 'INTERNAL_ERROR'],
    [`${own}?versionId=1`, 501, 'FEATURE_NOT_SUPPORTED'],
    [`${encoded(own)}?versionTime=2020-12-20T19:17:47Z`, 501, 'FEATURE_NOT_SUPPORTED'],
    [encoded('did:unsupported:1#a'), 501, 'METHOD_NOT_SUPPORTED'],
  ])('%s is answered %i %s', async (url, status, name) => {
    const answer = await ask(url, wholeUrl);
    expect([answer.status, answer.type]).toEqual([status, wholeUrl]);
    expectUrlError(answer.body, `${didVocabulary}${name}`);
  });

  // DID Resolution 12.1: "any other error" is 500, and these two are defined by Controlled Identifiers.
  test.each([
    [`${own}#key`, 'authentication', 'INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD'],
    [`${own}#files`, 'assertionMethod', 'INVALID_VERIFICATION_METHOD'],
    [own, 'assertionMethod', 'INVALID_VERIFICATION_METHOD'],
  ])('%s for %s is told with the error of Controlled Identifiers', async (url, wanted, name) => {
    const answer = await ask(relationship(url, wanted), wholeUrl);
    expect(answer.status).toBe(500);
    expectUrlError(answer.body, `https://w3id.org/security#${name}`);
  });

  test('tells errors as a result whatever was accepted', async () => {
    for (const accept of [undefined, '*/*', 'application/did', 'text/uri-list']) {
      const answer = await ask(`${own}?other=1`, accept);
      expect([answer.status, answer.type]).toEqual([404, wholeUrl]);
    }
    const unacceptable = await ask(encoded(`${own}#key`), 'application/did+cbor');
    expect([unacceptable.status, unacceptable.type]).toEqual([406, wholeUrl]);
    expectUrlError(unacceptable.body, `${didVocabulary}REPRESENTATION_NOT_SUPPORTED`);
    const addressless = await ask(encoded(`${own}#key`), 'text/uri-list');
    expect(addressless.status).toBe(406);
  });

  test('is not what somebody asks for who wants a resolution result', async () => {
    expectError((await ask(encoded(`${own}#key`), whole)).body, 'INVALID_DID');
    expectError((await ask(`${own}?service=files`, whole)).body, 'FEATURE_NOT_SUPPORTED');
  });

  test.each([former, gone])('in the document of %s, which was deactivated, finds nothing', async (did) => {
    for (const accept of [wholeUrl, 'application/did']) {
      const answer = await ask(encoded(`${did}#key`), accept);
      expect([answer.status, answer.type]).toEqual([410, wholeUrl]);
      const contentMetadata = { deactivated: true };
      expect(answer.body).toEqual({ dereferencingMetadata: {}, contentStream: null, contentMetadata });
    }
  });

  test('fetches nothing for a DID that nobody here relies on, nor for what no document can answer', async () => {
    fetched.length = 0;
    await ask('did:web:stranger.example?service=a', wholeUrl);
    await ask(`${listed}/path`, wholeUrl);
    await ask(`${listed}?versionId=1`, wholeUrl);
    expect(fetched).toEqual([]);
  });
});
