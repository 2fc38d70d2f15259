import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type Agent, globalAgent } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { base58 } from '@scure/base';
import { type DIDDocument, Resolver } from 'did-resolver';
import { getResolver } from 'web-did-resolver';
import { FetchError, type FetchResult } from '../../src/http/client.js';
import { createDidResolver } from '../../src/identity/did-resolver.js';
import type { Localhost } from '../../src/identity/did-web.js';
import { findVerificationKey, KeyLookupError } from '../../src/identity/verification-key.js';
import { importJwk, toMultikey } from '../../src/jose/keys.js';
import { canonicalJson, type JsonObject } from '../../src/json.js';
import { createResolver } from '../../src/plugins.js';

type Answer = Partial<FetchResult> & { document?: unknown };

function p256(): JsonObject {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return publicKey.export({ format: 'jwk' }) as JsonObject;
}

const jwk = p256();

function documentOf(did: string, change: JsonObject = {}): JsonObject {
  const method = { id: `${did}#k`, type: 'JsonWebKey', controller: did, publicKeyJwk: jwk };
  return {
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: did,
    verificationMethod: [method],
    assertionMethod: [`${did}#k`],
    ...change,
  };
}

/** A resolver over a function that plays the network, a clock that we move, and a list of what was asked for. */
function setUp(answer: (url: string) => Answer | Promise<Answer>, options: Partial<Localhost> = {}) {
  const asked: { url: string; ifNoneMatch?: string }[] = [];
  const clock = { now: 0 };
  const resolver = createDidResolver({
    loopback: false,
    ...options,
    now: () => clock.now,
    async fetch(url, { ifNoneMatch } = {}) {
      asked.push(ifNoneMatch === undefined ? { url } : { url, ifNoneMatch });
      const { document, ...rest } = await answer(url);
      const body = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document ?? null));
      return { status: 200, contentType: 'application/did+json', body, ...rest };
    },
  });
  const errorOf = async (did: string) => (await resolver.resolve(did)).didResolutionMetadata.error;
  return { resolver, asked, clock, errorOf };
}

const wellFormed = [
  'did:web:trust.example',
  'did:web:passport.trust.nhs.uk',
  'did:web:trust.example%3A8443',
  'did:web:trust.example%3A1',
  'did:web:trust.example%3A65535',
  'did:web:trust.example:staff',
  'did:web:trust.example:staff:passport',
  'did:web:trust.example%3A3000:user:alice',
  'did:web:xn--bcher-kva.example',
  'did:web:a-b.c-d.example:A.b_c-d',
  'did:web:1trust.example',
  'did:web:trust.example:0',
  'did:web:trust.example:caf%C3%A9',
  'did:web:trust.example:...',
  'did:web:trust.example:.well-known',
];

describe('did:web against web-did-resolver', () => {
  const requests: string[] = [];
  let server: Server;
  const original = globalAgent.createConnection;

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(`https://${request.headers.host}${request.url}`);
      response.setHeader('content-type', 'application/json').end('{}');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    // Every https connection of the process ends here, in clear text: only what is asked for matters.
    globalAgent.createConnection = (() => connect(port, '127.0.0.1')) as Agent['createConnection'];
  });

  afterAll(async () => {
    globalAgent.createConnection = original;
    globalAgent.destroy();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  test.each(wellFormed)('asks for the same address: %s', async (did) => {
    requests.length = 0;
    await new Resolver(getResolver()).resolve(did);
    const { resolver, asked } = setUp(() => ({ document: documentOf(did) }));
    const result = await resolver.resolve(did);
    expect(result.didDocument?.id).toBe(did);
    expect(requests).toHaveLength(1);
    expect(asked).toEqual([{ url: requests[0] }]);
  });
});

describe('hostile DIDs never leave the process', () => {
  const { errorOf, asked } = setUp(() => ({ document: {} }), { loopback: false });
  const long = 'a'.repeat(64);

  test.each([
    'did:web:',
    'did:web:localhost',
    'did:web:localhost%3A3000',
    'did:web:intranet',
    'did:web:Trust.example',
    'did:web:TRUST.EXAMPLE',
    'did:web:trust.example.',
    'did:web:.trust.example',
    'did:web:trust..example',
    'did:web:-trust.example',
    'did:web:trust-.example',
    'did:web:tru_st.example',
    'did:web:bücher.example',
    'did:web:127.0.0.1',
    'did:web:127.1',
    'did:web:2130706433',
    'did:web:0x7f000001',
    'did:web:0x7f.1',
    'did:web:017700000001',
    'did:web:10.0.0.1%3A8080',
    'did:web:169.254.169.254:latest:meta-data',
    'did:web:trust.0x7f',
    'did:web:[::1]',
    'did:web:%5B%3A%3A1%5D',
    'did:web:trust.example%3A',
    'did:web:trust.example%3A0',
    'did:web:trust.example%3A00080',
    'did:web:trust.example%3A65536',
    'did:web:trust.example%3A99999',
    'did:web:trust.example%3A-1',
    'did:web:trust.example%3A80%3A80',
    'did:web:trust.example%3a8443',
    'did:web:trust.example%3A8443@attacker.example',
    'did:web:trust.example%40attacker.example',
    'did:web:trust.example@attacker.example',
    'did:web:trust.example%2Fattacker',
    'did:web:trust.example%2f..%2fattacker',
    'did:web:trust.example%5Cattacker',
    'did:web:trust.example\\attacker',
    'did:web:trust.example/path',
    'did:web:trust.example?query=1',
    'did:web:trust.example%3Fquery',
    'did:web:trust.example#key',
    'did:web:trust.example%23key',
    'did:web:trust.example;service=x',
    'did:web:trust.example:',
    'did:web:trust.example::a',
    'did:web:trust.example:a:',
    'did:web:trust.example:.',
    'did:web:trust.example:..',
    'did:web:trust.example:..:..:secret',
    'did:web:trust.example:%2E%2E',
    'did:web:trust.example:%2e%2e',
    'did:web:trust.example:a%2Fb',
    'did:web:trust.example:a%5Cb',
    'did:web:trust.example:a%00b',
    'did:web:trust.example:a%0D%0Ab',
    'did:web:trust.example:a%20b',
    'did:web:trust.example:%61',
    'did:web:trust.example:a%252Fb',
    'did:web:trust.example:%25%32%46',
    'did:web:trust.example:%C3',
    'did:web:trust.example:%C0%AF',
    'did:web:trust.example:caf%c3%a9',
    'did:web:trust.example:cafe%CC%81',
    'did:web:trust.example:%E2%80%AEa',
    'did:web:trust.example:%E3%80%82%E3%80%82',
    'did:web:trust.example:%EF%BC%8F',
    'did:web:trust.example:a%',
    'did:web:trust.example:a%4',
    'did:web:%74rust.example',
    'did:web: trust.example',
    'did:web:trust.example ',
    'did:web:trust.example\n',
    'did:web:trust.example\r\nHost: attacker',
    'did:web:trust.example\u0000',
    'did:web:tru\tst.example',
    'did:web:trust。example',
    'did:web:trust.example%E3%80%82attacker',
    `did:web:${long}.example`,
    `did:web:${'a.'.repeat(127)}example`,
    `did:web:trust.example:${'a'.repeat(1024)}`,
    `did:web:trust.example${':a'.repeat(17)}`,
    'did:WEB:trust.example',
    'DID:web:trust.example',
    'did:web',
    'did:',
    '',
    'https://trust.example',
    ' did:web:trust.example',
  ])('%j', async (did) => {
    expect(await errorOf(did)).toBe('invalidDid');
    expect(asked).toEqual([]);
  });

  test.each(['did:ethr:0x0', 'did:ion:abc', 'did:constructor:a', 'did:peer:0z6Mk'])(
    '%s: unknown method',
    async (did) => {
      expect(await errorOf(did)).toBe('methodNotSupported');
      expect(asked).toEqual([]);
    },
  );

  test('localhost is for the development switch only, by http unless we are served by https; addresses stay refused', async () => {
    const did = 'did:web:localhost%3A3000:a';
    const development = setUp(() => ({ document: documentOf(did) }), { loopback: true });
    expect((await development.resolver.resolve(did)).didDocument?.id).toBe(did);
    expect(development.asked).toEqual([{ url: 'http://localhost:3000/a/did.json' }]);
    expect(await development.errorOf('did:web:127.0.0.1%3A3000')).toBe('invalidDid');
    const publicUrl = 'https://localhost:3000/a';
    const secure = setUp(() => ({ document: documentOf(did) }), { loopback: true, publicUrl });
    expect((await secure.resolver.resolve(did)).didDocument?.id).toBe(did);
    expect(secure.asked).toEqual([{ url: 'https://localhost:3000/a/did.json' }]);
  });

  test('a DID that nobody relies on is not fetched, and our own document needs no request', async () => {
    const { resolver, asked: fetched, errorOf: error } = setUp(() => ({ document: {} }));
    const own = Object.freeze(documentOf('did:web:own.example')) as unknown as DIDDocument;
    resolver.attach({ mayResolve: (did) => did === 'did:web:listed.example' });
    resolver.attach({ ownDocument: (did) => (did === 'did:web:own.example' ? own : undefined) });
    expect(await error('did:web:stranger.example')).toBe('internalError');
    expect((await resolver.resolve('did:web:own.example')).didDocument).toBe(own);
    expect(fetched).toEqual([]);
    await error('did:web:listed.example');
    expect(fetched).toHaveLength(1);
  });
});

describe('what a host serves', () => {
  const did = 'did:web:trust.example';
  const method = (change: JsonObject) => ({ id: `${did}#k`, type: 'JsonWebKey', controller: did, ...change });

  test.each([
    'application/did+json',
    'application/did+ld+json',
    'application/json; charset=utf-8',
    'application/did',
    'APPLICATION/JSON',
  ])('is accepted as %s', async (contentType) => {
    const { resolver } = setUp(() => ({ document: documentOf(did), contentType }));
    expect((await resolver.resolve(did)).didDocument?.id).toBe(did);
  });

  test.each(['text/html', 'text/plain', '', 'application/jsonp', 'application/octet-stream'])(
    'is refused as %j',
    async (contentType) => {
      const { errorOf } = setUp(() => ({ document: documentOf(did), contentType }));
      expect(await errorOf(did)).toBe('representationNotSupported');
    },
  );

  test.each<[string, unknown]>([
    ['the document of another DID', documentOf('did:web:other.example')],
    ['no id', { verificationMethod: [] }],
    ['an array', [documentOf(did)]],
    ['no JSON', '<html>'],
    ['duplicate members', `{"id":"did:web:other.example","id":"${did}"}`],
    ['nesting without end', `{"id":"${did}","a":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['methods that are no list', documentOf(did, { verificationMethod: {} })],
    ['a method that is no object', documentOf(did, { verificationMethod: ['x'] })],
    ['a relative method id', documentOf(did, { verificationMethod: [method({ id: '#k' })] })],
    ["another DID's method", documentOf(did, { verificationMethod: [method({ id: 'did:web:other.example#k' })] })],
    ['two methods of one id', documentOf(did, { verificationMethod: [method({}), method({})] })],
    ['an embedded copy of an id', documentOf(did, { authentication: [method({})] })],
    ['a method without controller', documentOf(did, { verificationMethod: [{ id: `${did}#k`, type: 'JsonWebKey' }] })],
    ['a relative reference', documentOf(did, { assertionMethod: ['#k'] })],
    ['a private JWK', documentOf(did, { verificationMethod: [method({ publicKeyJwk: { ...jwk, d: 'AA' } })] })],
    ['a private key', documentOf(did, { verificationMethod: [method({ privateKeyMultibase: 'z' })] })],
    ['a secret key', documentOf(did, { verificationMethod: [method({ secretKeyMultibase: 'z' })] })],
    ['far too many methods', documentOf(did, { assertionMethod: Array.from({ length: 65 }, () => `${did}#k`) })],
  ])('is refused when it is %s', async (_name, document) => {
    const { errorOf } = setUp(() => ({ document }));
    expect(await errorOf(did)).toBe('invalidDidDocument');
  });

  test('is frozen throughout, so that nobody can add a key to a cached document', async () => {
    const { resolver } = setUp(() => ({ document: documentOf(did) }));
    const { didDocument } = await resolver.resolve(did);
    expect(() => didDocument?.verificationMethod?.push({} as never)).toThrow(TypeError);
    expect(Object.isFrozen(didDocument?.verificationMethod?.[0]?.publicKeyJwk)).toBe(true);
  });
});

describe('caching', () => {
  const did = 'did:web:trust.example';

  test('keeps a document for the time it allows, five minutes at most, then asks whether it changed', async () => {
    const answers: Answer[] = [
      { document: documentOf(did), etag: '"1"', maxAgeSeconds: 86_400 },
      { status: 304, etag: '"1"', maxAgeSeconds: 10 },
      { document: documentOf(did, { assertionMethod: [] }), maxAgeSeconds: 10 },
    ];
    const { resolver, asked, clock } = setUp(() => answers[asked.length - 1] ?? {});
    const first = (await resolver.resolve(did)).didDocument;
    clock.now = 299_999;
    expect((await resolver.resolve(did)).didDocument).toBe(first);
    clock.now = 300_000;
    expect((await resolver.resolve(did)).didDocument).toBe(first);
    expect(asked).toEqual([
      { url: 'https://trust.example/.well-known/did.json' },
      { url: 'https://trust.example/.well-known/did.json', ifNoneMatch: '"1"' },
    ]);
    clock.now = 310_000;
    expect((await resolver.resolve(did)).didDocument?.assertionMethod).toEqual([]);
  });

  test.each([
    ['status', 'internalError'],
    ['redirect', 'internalError'],
    ['too_large', 'internalError'],
    ['address', 'internalError'],
    ['media_type', 'representationNotSupported'],
  ] as const)('a fetch that ends with %s is %s, not an exception', async (reason, expected) => {
    const { errorOf } = setUp(() => {
      throw new FetchError(reason, 'it failed');
    });
    expect(await errorOf(did)).toBe(expected);
  });

  test('does not keep what must not be kept', async () => {
    const { resolver, asked } = setUp(() => ({ document: documentOf(did), maxAgeSeconds: 0 }));
    await resolver.resolve(did);
    await resolver.resolve(did);
    expect(asked).toHaveLength(2);
  });

  test('never serves an old document when the host fails, and remembers the failure briefly', async () => {
    let broken = false;
    const { resolver, asked, clock, errorOf } = setUp(() => {
      if (broken) throw new FetchError('connection', 'reset');
      return { document: documentOf(did), maxAgeSeconds: 10 };
    });
    await resolver.resolve(did);
    broken = true;
    clock.now = 10_000;
    expect(await errorOf(did)).toBe('internalError');
    expect(await errorOf(did)).toBe('internalError');
    expect(asked).toHaveLength(2);
    broken = false;
    clock.now = 40_000;
    expect(await errorOf(did)).toBeUndefined();
  });

  test('asks once for many who ask at once', async () => {
    const { resolver, asked } = setUp(async () => ({ document: documentOf(did), maxAgeSeconds: 0 }));
    const results = await Promise.all(Array.from({ length: 50 }, () => resolver.resolve(did)));
    expect(asked).toHaveLength(1);
    expect(new Set(results.map((result) => result.didDocument)).size).toBe(1);
  });

  test('is bounded: the least recently used document goes first', async () => {
    const { resolver, asked } = setUp((url) => ({ document: documentOf(`did:web:${new URL(url).hostname}`) }));
    for (let index = 0; index <= 1000; index += 1) await resolver.resolve(`did:web:t${index}.example`);
    await resolver.resolve('did:web:t1000.example');
    expect(asked).toHaveLength(1001);
    await resolver.resolve('did:web:t0.example');
    expect(asked).toHaveLength(1002);
  });
});

describe('did:key and did:jwk', () => {
  const { resolver, errorOf, asked } = setUp(() => ({}));
  const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as JsonObject;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }) as JsonObject;
  const didJwk = (value: unknown) => `did:jwk:${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
  const jcsKey = (text: string) =>
    `did:key:z${base58.encode(Buffer.concat([Buffer.from([0xd1, 0xd6, 0x03]), Buffer.from(text)]))}`;

  test.each([
    ['Ed25519', ed25519],
    ['P-256', jwk],
    ['P-384', p384],
  ])('resolve %s for both purposes without a request', async (_name, publicJwk) => {
    const expected = importJwk(publicJwk).thumbprint;
    const multikey = toMultikey(importJwk(publicJwk));
    const { kty, crv, x, y } = publicJwk;
    const jcs = canonicalJson({ crv, kty, x, ...(y === undefined ? {} : { y }) } as JsonObject);
    for (const [did, fragment] of [
      [`did:key:${multikey}`, multikey],
      [didJwk(publicJwk), '0'],
      [jcsKey(jcs), jcsKey(jcs).slice('did:key:'.length)],
    ] as const) {
      const { didDocument } = await resolver.resolve(did);
      for (const purpose of ['authentication', 'assertionMethod'] as const) {
        expect(findVerificationKey(didDocument, `${did}#${fragment}`, purpose).key.thumbprint).toBe(expected);
      }
    }
    expect(asked).toEqual([]);
  });

  test('a JWK without use serves every relationship, one for signatures all but key agreement', async () => {
    const without = (await resolver.resolve(didJwk(jwk))).didDocument;
    expect(without?.keyAgreement).toHaveLength(1);
    const signing = (await resolver.resolve(didJwk({ ...jwk, use: 'sig' }))).didDocument;
    expect(signing?.keyAgreement).toBeUndefined();
    expect(signing?.authentication).toHaveLength(1);
  });

  test('is the same frozen document each time, so that its key is made once', async () => {
    const did = didJwk(jwk);
    const [first, second] = [await resolver.resolve(did), await resolver.resolve(did)];
    expect(first.didDocument).toBe(second.didDocument);
    expect(findVerificationKey(first.didDocument, `${did}#0`, 'authentication')).toBe(
      findVerificationKey(second.didDocument, `${did}#0`, 'authentication'),
    );
  });

  test.each([
    ['a private JWK', didJwk({ ...jwk, d: 'AA' })],
    ['a JWK for encryption', didJwk({ ...jwk, use: 'enc' })],
    ['a point off the curve', didJwk({ ...jwk, x: jwk.y })],
    ['padding', `${didJwk(jwk)}=`],
    ['no JSON', 'did:jwk:AAAA'],
    ['duplicate members', `did:jwk:${Buffer.from('{"kty":"EC","kty":"OKP"}').toString('base64url')}`],
    ['a symmetric key', didJwk({ kty: 'oct', k: 'AA' })],
    ['an empty multibase', 'did:key:z'],
    ['another multibase', `did:key:u${Buffer.from('x').toString('base64url')}`],
    ['secp256k1', 'did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'],
    ['the identity point', `did:key:z${base58.encode(Buffer.from([0xed, 0x01, 1, ...Buffer.alloc(31)]))}`],
    ['a JWK that is not in canonical form', jcsKey(JSON.stringify({ y: jwk.y, x: jwk.x, kty: 'EC', crv: 'P-256' }))],
    ['a fragment', `${didJwk(jwk)}#0`],
    ['more than any key needs', `did:jwk:${'A'.repeat(1024)}`],
  ])('refuse %s', async (_name, did) => {
    expect(await errorOf(did)).toBe('invalidDid');
  });
});

describe('looking a verification key up', () => {
  const did = 'did:web:trust.example';
  const method = { id: `${did}#k`, type: 'JsonWebKey', controller: did, publicKeyJwk: jwk };
  const base = { id: did, verificationMethod: [method], assertionMethod: [`${did}#k`] };

  function codeOf(document: unknown, id = `${did}#k`, now?: Date): string {
    try {
      findVerificationKey(document, id, 'assertionMethod', now);
    } catch (error) {
      if (error instanceof KeyLookupError) return error.code;
      throw error;
    }
    return 'found';
  }

  test.each<[string, unknown, string]>([
    ['the key that is listed', base, 'found'],
    ['a key embedded in the relationship', { id: did, assertionMethod: [method] }, 'found'],
    ['no document', null, 'document_unusable'],
    ['a document without the method', { id: did, assertionMethod: [`${did}#k`] }, 'method_not_found'],
    ['a document without relationships', { id: did, verificationMethod: [method] }, 'purpose_not_allowed'],
    ['a key for signing in', { ...base, assertionMethod: [], authentication: [`${did}#k`] }, 'purpose_not_allowed'],
    [
      "another's key",
      { ...base, verificationMethod: [{ ...method, controller: 'did:web:x.example' }] },
      'controller_mismatch',
    ],
    [
      'a revoked key',
      { ...base, verificationMethod: [{ ...method, revoked: '2999-01-01T00:00:00Z' }] },
      'method_revoked',
    ],
    [
      'a revoked key that is listed for nothing',
      { id: did, verificationMethod: [{ ...method, revoked: '2026-01-01T00:00:00Z' }] },
      'method_revoked',
    ],
    ['an unknown suite', { ...base, verificationMethod: [{ ...method, type: 'EcdsaSecp256k1' }] }, 'key_not_supported'],
    ['a name of Object', { ...base, verificationMethod: [{ ...method, type: 'constructor' }] }, 'key_not_supported'],
    ['a broken key', { ...base, verificationMethod: [{ ...method, publicKeyJwk: { kty: 'EC' } }] }, 'key_invalid'],
    ['an unreadable date', { ...base, verificationMethod: [{ ...method, expires: 'soon' }] }, 'document_unusable'],
  ])('%s', (_name, document, code) => {
    expect(codeOf(document)).toBe(code);
  });

  test.each([`${did}#other`, 'did:web:other.example#k', `${did}`, `${did}#`, `${did}#k#k`, '#k'])(
    'no key is found under %s',
    (id) => {
      expect(codeOf(base, id)).toBe('method_not_found');
    },
  );

  test('an expired key is refused once it has expired, cached or not', () => {
    const document = Object.freeze({ ...base, verificationMethod: [{ ...method, expires: '2026-01-02T00:00:00Z' }] });
    expect(codeOf(document, `${did}#k`, new Date('2026-01-01T00:00:00Z'))).toBe('found');
    expect(codeOf(document, `${did}#k`, new Date('2026-01-02T00:00:00Z'))).toBe('method_expired');
  });
});

test('the resolver of agent.yml knocks at a port of its own only for those whom the application relies on', async () => {
  const resolver = createResolver({ loopback: false });
  const detailOf = async (did: string) => (await resolver.resolve(did)).didResolutionMetadata['message'];
  // Names that do not exist (RFC 6761): whatever is asked for fails later, with another text.
  const did = 'did:web:trust.invalid%3A8443';
  const refusal = 'This DID may not be fetched: nobody here relies on it';
  expect(await detailOf(did)).toBe(refusal);
  resolver.attach({ ownDocument: () => undefined });
  expect(await detailOf(did)).toBe(refusal);
  resolver.attach({ mayResolve: (asked) => asked === did });
  expect(await detailOf(did)).not.toBe(refusal);
  expect(await detailOf('did:web:other.invalid%3A8443')).toBe(refusal);
  await resolver.close();
});
