import { Ajv2020 } from 'ajv/dist/2020.js';
import { Type } from 'typebox';
import { errorCodes } from '../../src/errors.js';
import { healthRoutes } from '../../src/http/health.js';
import { createMetrics } from '../../src/http/metrics.js';
import { exampleProblem, problemKinds, problemResponses, problemSchema } from '../../src/http/problems.js';
import { createServer, type HttpServer } from '../../src/http/server.js';

interface Media {
  schema?: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: Record<string, string[]>[];
  parameters?: { in: string; name: string; schema: object; example?: unknown }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
}
interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, object>;
    securitySchemes: Record<string, { flows: { clientCredentials: { scopes: object } } }>;
  };
}

let server: HttpServer;
let document: Document;

beforeAll(async () => {
  server = await createServer({
    publicUrl: 'https://passport.example.nhs.uk/rxa',
    serviceName: 'Example Trust',
    version: '1.2.3',
    authorise: async () => ({ clientId: 'client', scopes: [] }),
    metrics: createMetrics(),
    now: () => new Date('2026-11-21T09:00:00Z'),
    newId: () => '00000000-0000-4000-8000-000000000001',
  });
  await server.register(healthRoutes({ checks: {} }));
  addRoutes(server);
  document = (await server.inject('/openapi.json')).json();
});

afterAll(async () => server.close());

function addRoutes(to: HttpServer): void {
  to.post(
    '/records/:id([a-z]+)/change',
    {
      config: { access: { scope: 'vc:revoke' } },
      schema: {
        tags: ['records'],
        operationId: 'changeRecord',
        summary: 'Change a record',
        params: Type.Object({ id: Type.String({ pattern: '^[a-z]+$', examples: ['abc'] }) }),
        querystring: Type.Object({ dry: Type.Optional(Type.Enum(['yes', 'no'])) }, { additionalProperties: false }),
        body: Type.Object(
          {
            action: Type.Union([Type.Literal('revoke'), Type.Literal('suspend')]),
            note: Type.Optional(Type.Union([Type.String(), Type.Null()])),
            tags: Type.Optional(Type.Record(Type.String(), Type.Integer())),
          },
          { additionalProperties: false, examples: [{ action: 'revoke', note: null, tags: { a: 1 } }] },
        ),
        response: {
          200: Type.Object({ changed: Type.Boolean() }),
          ...problemResponses('status_irreversible', 'conflict'),
        },
      },
    },
    async () => ({ changed: true }),
  );
  to.post(
    '/checks',
    {
      config: { access: { scope: 'vc:verify', open: true } },
      schema: {
        tags: ['checks'],
        operationId: 'check',
        summary: 'Check',
        body: Type.Object({}, { additionalProperties: true }),
      },
    },
    async () => ({}),
  );
  to.post(
    '/token',
    {
      config: { access: 'public', errors: 'oauth', bodyTypes: ['form'] },
      schema: {
        tags: ['access'],
        operationId: 'token',
        summary: 'Token',
        body: Type.Object({}, { additionalProperties: true }),
      },
    },
    async () => ({}),
  );
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );

test('the description holds every route that the server has, and no other', () => {
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(server.routeTable.operations());
  expect(server.routeTable.operations()).toContain('POST /records/{id}/change');
  expect(server.routeTable.operations()).toContain('GET /docs');
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(document.servers).toEqual([{ url: 'https://passport.example.nhs.uk/rxa' }]);
});

test('every operation has a name of its own, a tag, a summary and answers that are described', () => {
  const names = operations().map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, operation } of operations()) {
    expect([name, operation.tags.length > 0, operation.summary.length > 0]).toEqual([name, true, true]);
    expect([name, '500' in operation.responses, '503' in operation.responses]).toEqual([name, true, true]);
    for (const response of Object.values(operation.responses)) expect(response.description).not.toBe('');
  }
});

test('every schema in it is JSON Schema 2020-12 whose references resolve, and every example satisfies its schema', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: 'https://document.example/', components: document.components });
  let examples = 0;
  const check = (name: string, { schema = {}, example, examples: more = {} }: Media) => {
    const absolute = JSON.parse(
      JSON.stringify(schema).replaceAll('"#/components', '"https://document.example/#/components'),
    );
    const valid = ajv.compile(absolute);
    const values = [...(example === undefined ? [] : [example]), ...Object.values(more).map(({ value }) => value)];
    for (const value of values) {
      examples += 1;
      expect([name, value, valid(value), valid.errors]).toEqual([name, value, true, null]);
    }
  };
  for (const { name, operation } of operations()) {
    for (const parameter of operation.parameters ?? []) check(`${name} ${parameter.name}`, parameter);
    for (const media of Object.values(operation.requestBody?.content ?? {})) check(`${name} body`, media);
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const media of Object.values(response.content ?? {})) check(`${name} ${status}`, media);
    }
  }
  expect(examples).toBeGreaterThan(20);
  expect(JSON.stringify(document)).not.toMatch(/"(?:nullable|\$id|x-examples|def-[0-9]+)"/);
});

test('it says who may call what, from the same declaration that is enforced', () => {
  const change = document.paths['/records/{id}/change']?.['post'];
  const open = document.paths['/checks']?.['post'];
  expect(change?.security).toEqual([{ oauth2: ['vc:revoke'] }]);
  expect(open?.security).toEqual([{ oauth2: ['vc:verify'] }, {}]);
  expect(document.paths['/health/live']?.['get']?.security).toBeUndefined();
  const { scopes } = document.components.securitySchemes['oauth2']?.flows.clientCredentials ?? {};
  expect(Object.keys(scopes ?? {})).toEqual(['vc:revoke', 'vc:verify']);
});

test('it names the problems of a route beside those that the server answers anyway', () => {
  const change = document.paths['/records/{id}/change']?.['post'];
  const problems = Object.entries(change?.responses ?? {}).map(([status, { content }]) => [
    status,
    Object.keys(content?.['application/problem+json']?.examples ?? {})
      .sort()
      .join(' '),
  ]);
  expect(problems).toEqual([
    ['200', ''],
    ['400', 'invalid_request malformed_json'],
    ['401', 'unauthorized'],
    ['403', 'forbidden'],
    ['409', 'conflict status_irreversible'],
    ['413', 'payload_too_large'],
    ['415', 'unsupported_media_type'],
    ['429', 'rate_limited'],
    ['500', 'internal'],
    ['503', 'overloaded'],
  ]);
  const token = document.paths['/token']?.['post'];
  expect(Object.keys(token?.requestBody?.content ?? {})).toEqual(['application/x-www-form-urlencoded']);
  expect(token?.responses['401']?.content?.['application/json']?.example).toMatchObject({ error: 'invalid_client' });
});

test('every code has a status, words and an example that satisfies the problem schema', () => {
  const valid = new Ajv2020({ strict: false }).compile(problemSchema);
  for (const code of errorCodes) {
    const example = exampleProblem(code);
    expect([code, valid(example), valid.errors]).toEqual([code, true, null]);
    expect(example.status).toBe(problemKinds[code].status);
  }
});

test('the viewer needs nothing from elsewhere and runs under its own policy', async () => {
  const page = await server.inject('/docs');
  expect(page.statusCode).toBe(200);
  const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) {
    expect(file).toMatch(/^\/rxa\/docs\/static\//);
    expect([file, (await server.inject(file)).statusCode]).toEqual([file, 200]);
  }
  expect(page.body).not.toMatch(/<script>|<script [^>]*>[^<\s]|<style/);
  expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect((await server.inject('/docs/json')).json()).toEqual(document);
});
