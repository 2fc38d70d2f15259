import { createHash } from 'node:crypto';
import { loadCatalogue } from '../../../src/credential/catalogue/catalogue.js';
import { catalogueRoutes } from '../../../src/credential/routes.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { prefersPage } from '../../../src/http/page.js';
import { createServer, type HttpServer } from '../../../src/http/server.js';
import { baseUrl, root } from './credentials.js';

const catalogue = loadCatalogue({ baseUrl, root });
const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
let server: HttpServer;

beforeAll(async () => {
  server = await createServer({
    publicUrl: `${baseUrl}/passport`,
    serviceName: 'Example Trust',
    version: '1.2.3',
    authorise: async () => {
      throw new Error('nothing here needs a token');
    },
    metrics: createMetrics(),
    checkResponses: true,
    pressure: { maxEventLoopDelayMilliseconds: 0 },
    now: () => new Date('2026-11-21T09:00:00Z'),
    newId: () => '00000000-0000-4000-8000-000000000001',
  });
  await server.register(catalogueRoutes({ catalogue, baseUrl }));
  await server.ready();
});
afterAll(() => server.close());

describe('published documents', () => {
  const documents = [...catalogue.documents].filter(([path]) => path !== '/vocabulary');

  test.each(documents)('%s is served as it is pinned, for ever, to everybody', async (path, { body, contentType }) => {
    const answer = await server.inject(path);
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe(body);
    expect(answer.headers).toMatchObject({
      'content-type': contentType,
      'cache-control': 'public, max-age=31536000, no-transform, immutable',
      'access-control-allow-origin': '*',
      etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
    });
    const again = await server.inject({ url: path, headers: { 'if-none-match': String(answer.headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  test('the digest of a type is of the bytes that are served', async () => {
    for (const type of catalogue.types) {
      const { rawPayload } = await server.inject(new URL(type.schemaId).pathname);
      expect(type.schemaDigestSri).toBe(`sha256-${createHash('sha256').update(rawPayload).digest('base64')}`);
    }
  });

  test.each([
    '/schemas/Unknown/v1.json',
    '/contexts/..%2F..%2Fpackage/v1.json',
    '/schemas/catalogue/v1.json',
    '/catalogue/constructor',
  ])('%s is not there', async (url) => {
    const answer = await server.inject(url);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'not_found' });
  });
});

describe('the catalogue', () => {
  test('is data for a client that names no page', async () => {
    const answer = await server.inject('/catalogue');
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      vary: expect.stringContaining('accept'),
    });
    const { types, coreSkills, vocabulary } = answer.json();
    expect(types).toHaveLength(12);
    expect(types[2]).toMatchObject({
      type: 'DbsCheckCredential',
      version: 1,
      status: 'trial use',
      relianceMode: 'EVIDENCE',
      schema: { id: `${baseUrl}/schemas/DbsCheckCredential/v1.json`, digestSRI: expect.stringMatching(/^sha256-/) },
    });
    for (const link of [coreSkills, vocabulary, ...types.map((type: { schema: { id: string } }) => type.schema.id)]) {
      expect((await server.inject(new URL(link).pathname)).statusCode).toBe(200);
    }
  });

  test('gives each type by itself, the same as in the list', async () => {
    const { types } = (await server.inject('/catalogue')).json();
    for (const type of types) expect((await server.inject(`/catalogue/${type.type}`)).json()).toEqual(type);
  });

  test('tells which claims are required and which are not asked for by default', async () => {
    const { claims } = (await server.inject('/catalogue/StaffIdentityCredential')).json();
    const birthDate = claims.find((claim: { name: string }) => claim.name === 'birthDate');
    expect(birthDate).toMatchObject({
      title: 'Date of birth',
      form: 'date',
      required: true,
      selectivelyDisclosable: true,
    });
    expect(claims.find((claim: { name: string }) => claim.name === 'address.postcode')).toMatchObject({
      required: true,
    });
  });

  test('is a page with a row for each type for a browser', async () => {
    const answer = await server.inject({ url: '/catalogue', headers: { accept: browser } });
    expect(answer.headers['content-type']).toMatch(/^text\/html/);
    for (const { type, title } of catalogue.types) {
      expect(answer.body).toContain(`<a href="/passport/catalogue/${type}">${title}</a>`);
    }
  });

  test.each(catalogue.types.map(({ type }) => type))('has a page of %s that escapes what it shows', async (type) => {
    const answer = await server.inject({ url: `/catalogue/${type}`, headers: { accept: browser } });
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain('>Claims</h2>');
    expect(answer.body).toContain(`&#34;${type}&#34;`);
    expect(answer.body).not.toMatch(/undefined|\[object/);
  });
});

describe('the vocabulary', () => {
  test('is JSON-LD for programs', async () => {
    const answer = await server.inject({ url: '/vocabulary', headers: { accept: 'application/ld+json' } });
    expect(answer.headers['content-type']).toBe('application/ld+json');
    const ids = answer.json()['@graph'].map((term: { '@id': string }) => term['@id']);
    for (const document of catalogue.contextDocuments.values()) {
      const terms = Object.values(document['@context'] as Record<string, { '@id'?: string }>);
      const own = terms.map((term) => term['@id']).filter((id) => id?.startsWith(baseUrl));
      expect(ids).toEqual(expect.arrayContaining(own));
    }
  });

  test('is a page with an anchor for each term for people', async () => {
    const answer = await server.inject({ url: '/vocabulary', headers: { accept: browser } });
    expect(answer.body).toContain('<tr id="checkMethod" ');
  });
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['application/json, text/html;q=0.5', false],
  ['text/html;q=0', false],
  ['text/html', true],
  [browser, true],
])('Accept: %s prefers a page: %s', (accept, page) => expect(prefersPage(accept)).toBe(page));
