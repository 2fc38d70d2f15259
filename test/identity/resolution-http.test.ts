import type { DIDResolutionResult } from 'did-resolver';
import { FetchError } from '../../src/http/client.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer } from '../../src/http/server.js';
import { createDidResolver } from '../../src/identity/did-resolver.js';
import type { PassportAgent } from '../../src/identity/identity.js';
import { answerResolution, didOfPath, negotiate } from '../../src/identity/resolution-http.js';
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
resolver.attach({
  ownDocument: (did) => (did === own ? ({ id: own } as never) : undefined),
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
  return { status: answer.statusCode, type: answer.headers['content-type'], body: JSON.parse(answer.body), answer };
}

const whole = 'application/did-resolution';

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
    expect(negotiate(undefined)).toBe(whole);
    expect(negotiate('*/*')).toBe(whole);
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
    expectError(answerResolution(failed('representationNotSupported'), whole).body, 'INVALID_DID_DOCUMENT');
    expectError(answerResolution(failed('invalidDidDocument'), 'application/did').body, 'INVALID_DID_DOCUMENT');
    expectError(answerResolution(failed('toString'), whole).body, 'INTERNAL_ERROR');
  });

  test('is open to browsers of other organisations and kept by no cache', async () => {
    const { answer } = await ask(own, whole);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
  });
});
