/** What surrounds the service (issue 2, part 11): the description of its API is complete, true, and can be sent as it stands. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { createApp, realSurroundings } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { signAssertion } from './client.js';
import { openField, patience } from './deployment.js';
import { type ApiDocument, examplesOf, type NamedOperation, type Operation, operationsOf } from './description.js';
import { type Occasion, occasions } from './occasions.js';
import { type Member, openProgramme, type Programme } from './programme.js';

const addFormats = addFormatsModule.default;
const roles = ['issuer', 'verifier', 'registry'] as const;
const combinations = [1, 2, 3, 4, 5, 6, 7].map((bits) => roles.filter((_, index) => bits & (1 << index)));

describe('for every combination of roles', () => {
  const documents: { name: string; document: ApiDocument; routes: string[] }[] = [];

  beforeAll(async () => {
    const field = await openField();
    const logging = { level: 'silent' };
    const deployment = await field.deploy('rxc', {
      roles: ['registry'],
      registry: { source: 'self', file: null },
      logging,
    });
    await deployment.initialise();
    for (const combination of combinations) {
      const authority = combination.includes('registry');
      const registry = { ...(authority ? { source: 'self' } : { source: 'url', url: 'http://localhost:1/list' }) };
      const pin = authority ? { pinFile: null, url: null } : { pinFile: 'registry-pin.json' };
      deployment.configure({ roles: combination, registry: { ...registry, ...pin } });
      const app = await createApp(loadConfig(deployment.config), realSurroundings());
      await app.server.ready();
      const document = (await app.server.inject('/openapi.json')).json();
      documents.push({ name: combination.join(' + '), document, routes: app.server.routeTable.operations() });
      await app.drain();
    }
    await field.close();
  }, 4 * patience);

  test('the description holds exactly the routes that the server has', () => {
    expect(documents.map(({ name }) => name)).toEqual(combinations.map((combination) => combination.join(' + ')));
    for (const { name, document, routes } of documents) {
      const described = operationsOf(document).map((operation) => operation.name);
      expect([name, described.sort()]).toEqual([name, routes]);
      expect([name, routes.length > 15]).toEqual([name, true]);
    }
    const [issuer, verifier] = documents.map(({ routes }) => routes);
    expect(issuer).toContain('POST /credentials/issue');
    expect(issuer).not.toContain('POST /verify');
    expect(verifier).toContain('POST /verify');
    expect(verifier).not.toContain('POST /credentials/issue');
  });

  test('the description is OpenAPI 3.1 by the schemas of the OpenAPI Initiative', async () => {
    for (const { name, document } of documents) {
      const validator = new Validator();
      const { valid, errors } = await validator.validate(structuredClone({ ...document }));
      expect([name, valid, errors]).toEqual([name, true, undefined]);
      expect(validator.version).toBe('3.1');
    }
    const broken = { ...documents[0]?.document, paths: [] };
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  test('every operation says what it is called, what it does, what it takes and how it refuses', () => {
    for (const { document } of documents) {
      const operations = operationsOf(document);
      const ids = operations.map(({ operation }) => operation.operationId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { name, operation } of operations) expect([name, ...missing(operation)]).toEqual([name]);
    }
  });
});

/** What a reader of the description would look for in vain. */
function missing(operation: Operation): string[] {
  const { tags, operationId, summary, responses, parameters = [], requestBody, security } = operation;
  const needed = [500, 503, ...(requestBody ? [400, 413, 415] : []), ...(security ? [401, 403, 429] : [])];
  const inputs = [...parameters.filter(({ required }) => required), ...Object.values(requestBody?.content ?? {})];
  return [
    ...(tags?.length && operationId && summary ? [] : ['tag, operationId or summary']),
    ...(Object.keys(responses).some(isSuccess) ? [] : ['success']),
    ...needed.filter((status) => !(status in responses)).map((status) => `response ${status}`),
    ...inputs.filter((input) => examplesOf(input).length === 0).map((input) => `example of ${JSON.stringify(input)}`),
    ...Object.entries(responses).flatMap(([status, response]) => missingInResponse(status, response)),
  ];
}

/** A browser is led on by some operations, and that is all they do; 304 repeats what another answer said. */
function isSuccess(status: string): boolean {
  return /^[23]\d\d$/.test(status) && status !== '304';
}

function missingInResponse(status: string, { description, content = {} }: Operation['responses'][string]): string[] {
  const media = Object.entries(content);
  const isProblem = (type: string) => type === 'application/problem+json';
  return [
    ...(description === '' || description === 'Default Response' ? [`description of ${status}`] : []),
    // RFC 9110 15.3.5: a 204 has none; a redirection needs none.
    ...(media.length === 0 && !/^(204|3\d\d)$/.test(status) ? [`content of ${status}`] : []),
    ...media.filter(([, { schema }]) => schema === undefined).map(([type]) => `schema of ${status} ${type}`),
    ...media
      .filter(([type, body]) => isProblem(type) && examplesOf(body).length === 0)
      .map(() => `example of ${status}`),
  ];
}

describe('every example, sent to the running service with a token of just the scope that is named', () => {
  let programme: Programme;
  beforeAll(async () => {
    programme = await openProgramme();
  }, 4 * patience);
  afterAll(() => programme.close());

  test(
    'is answered as the description says, by a trust and by the authority',
    async () => {
      // The trust first: among the authority's examples is one that gives RXA another DID.
      for (const member of [programme.rxa, programme.authority]) {
        const sent = await sendExamples(member);
        const names = sent.map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(member.app.server.routeTable.operations()));
        if (member === programme.rxa) expect(names).toEqual(expect.arrayContaining(Object.keys(occasions)));
        for (const { name, example, status, success, faults } of sent) {
          expect([name, example, status, faults]).toEqual([name, example, success, []]);
        }
        expect(member.faults).toEqual([]);
      }
    },
    4 * patience,
  );

  test('the description is shown as a page, from the same document', async () => {
    const { rxa } = programme;
    const page = await rxa.get('/docs', { accept: 'text/html' });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(files.some((file) => file.endsWith('.js'))).toBe(true);
    for (const file of files) expect([file, (await rxa.get(file)).status]).toEqual([file, 200]);
    expect((await rxa.get('/docs/json')).body).toEqual((await rxa.get('/openapi.json')).body);
  });

  test('liveness, readiness and metrics answer, and the metrics name routes by pattern', async () => {
    const { rxa } = programme;
    expect((await rxa.get('/health/live')).body).toEqual({ status: 'live' });
    expect((await rxa.get('/health/ready')).body).toMatchObject({ status: 'ready' });
    const { text, headers } = await rxa.get('/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain/);
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/credentials/:id",status="200"}');
    expect(text).toMatch(/^credentials_issued_total\{format="vc\+jwt"\} \d+$/m);
    expect(text).not.toContain('urn:uuid');
  });
});

interface Sent {
  readonly name: string;
  readonly example: string;
  readonly status: number;
  /** The success that the description states, or the one that came where it states several. */
  readonly success: number;
  readonly faults: unknown;
}

/** What an example cannot hold, because it exists only in one service or can be used only once; for wallets and people, see occasions.ts. */
interface Facts {
  credentialId?: string;
  statusLists?: string[];
}

async function sendExamples(member: Member): Promise<Sent[]> {
  const document: ApiDocument = (await member.get('/openapi.json')).body;
  const judge = createJudge(document);
  const facts: Facts = {};
  const sent: Sent[] = [];
  // Issuing before reading and revoking what was issued.
  for (const named of operationsOf(document).sort((a, b) => rank(a.name) - rank(b.name))) {
    for (const request of await requestsOf(member, named, facts)) {
      const answer = await send(member, named, request);
      if (named.name === issuing) remember(facts, answer.text);
      const stated = Object.keys(named.operation.responses).filter(isSuccess);
      const success = stated.includes(String(answer.status)) ? answer.status : Number(stated[0]);
      const faults = judge(named.operation, answer);
      const wanted = request.status ?? success;
      sent.push({ name: named.name, example: request.label, status: answer.status, success: wanted, faults });
    }
  }
  return sent;
}

const issuing = 'POST /credentials/issue';

interface Received {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

async function send(member: Member, named: NamedOperation, request: ExampleRequest): Promise<Received> {
  const { url, body, type } = request;
  const scopes = named.operation.security?.[0]?.['oauth2'];
  const headers: Record<string, string> = { ...request.headers };
  if (type !== undefined) headers['content-type'] = type;
  if (scopes !== undefined) headers['authorization'] = `Bearer ${await tokenOf(member, scopes)}`;
  const init: RequestInit = { method: named.method, headers, redirect: 'manual', ...(body !== undefined && { body }) };
  const response = await fetch(`${member.url}${url}`, init);
  const contentType = response.headers.get('content-type') ?? '';
  return { status: response.status, contentType, text: await response.text() };
}

function rank(name: string): number {
  return name === issuing ? 0 : 1;
}

function remember(facts: Facts, text: string): void {
  const { credentialId, verifiableCredential } = JSON.parse(text);
  facts.credentialId = credentialId;
  const payload = JSON.parse(Buffer.from(verifiableCredential.id.split('.')[1], 'base64url').toString('utf8'));
  facts.statusLists = payload.credentialStatus.map(({ statusListCredential }: { statusListCredential: string }) =>
    statusListCredential.split('/').at(-1),
  );
}

interface ExampleRequest {
  readonly label: string;
  readonly url: string;
  readonly body?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The success that the occasion leads to, where several are described. */
  readonly status?: number | undefined;
}

async function requestsOf(
  member: Member,
  { name, path, operation }: NamedOperation,
  facts: Facts,
): Promise<ExampleRequest[]> {
  const media = Object.entries(operation.requestBody?.content ?? {});
  const bodies = media.flatMap(([type, body]) => examplesOf(body).map((example) => ({ type, example })));
  const requests: ExampleRequest[] = [];
  for (const [index, body] of (bodies.length === 0 ? [undefined] : bodies).entries()) {
    const occasion: Occasion = (await occasions[name]?.(member)) ?? {};
    const { headers = {}, status } = occasion;
    for (const url of urlsOf(path, operation, { facts, occasion })) {
      const sent = body === undefined ? {} : await bodyOf(member, body, { facts, occasion });
      requests.push({ label: body === undefined ? url : `${url} example ${index}`, url, headers, status, ...sent });
    }
  }
  return requests;
}

interface Known {
  readonly facts: Facts;
  readonly occasion: Occasion;
}

async function bodyOf(
  member: Member,
  { type, example }: { type: string; example: unknown },
  { facts, occasion }: Known,
): Promise<{ type: string; body: string }> {
  const filled = await fillIn(member, example as Record<string, string>, facts);
  const value = { ...filled, ...occasion.body } as Record<string, string>;
  return { type, body: type === 'application/json' ? JSON.stringify(value) : new URLSearchParams(value).toString() };
}

function urlsOf(path: string, operation: Operation, { facts, occasion }: Known): string[] {
  let urls = [path];
  for (const parameter of (operation.parameters ?? []).filter((one) => one.in === 'path')) {
    const made = occasion.path?.[parameter.name];
    const values = made === undefined ? valuesOf(path, examplesOf(parameter) as string[], facts) : [made];
    urls = urls.flatMap((url) => values.map((value) => url.replace(`{${parameter.name}}`, encodeURIComponent(value))));
  }
  return occasion.query ? urls.map((url) => `${url}?${new URLSearchParams(occasion.query)}`) : urls;
}

/** Ids of records and names of lists are made by the service; an example can only show their form. */
function valuesOf(path: string, examples: string[], facts: Facts): string[] {
  if (path === '/credentials/{id}') return [facts.credentialId ?? ''];
  if (path === '/status-lists/{name}') return facts.statusLists ?? [];
  return examples;
}

async function fillIn(member: Member, example: Record<string, string>, facts: Facts): Promise<Record<string, string>> {
  if ('client_assertion' in example) return { ...example, client_assertion: await signAssertion(member) };
  if ('credentialId' in example) return { ...example, credentialId: facts.credentialId ?? '' };
  return example;
}

async function tokenOf(member: Member, scopes: readonly string[]): Promise<string> {
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signAssertion(member),
    scope: scopes.join(' '),
  };
  const response = await fetch(`${member.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  return ((await response.json()) as { access_token: string }).access_token;
}

type Judge = (operation: Operation, answer: Received) => unknown;

/** Compares answers with what the description says of them: status, media type, and the schema of JSON. */
function createJudge(document: ApiDocument): Judge {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ $id: 'https://document.example/', components: document.components });
  return (operation, { status, contentType, text }) => {
    const response = operation.responses[String(status)];
    if (response === undefined) return [`status ${status} is not described`, text];
    const mediaType = contentType.split(';')[0] ?? '';
    if (response.content === undefined) return text === '' ? [] : [`no content is described for ${status}`];
    const media = response.content?.[mediaType];
    if (media === undefined) return [`${mediaType} is not described for ${status}`];
    if (!mediaType.endsWith('json')) return [];
    const source = JSON.stringify(media.schema ?? {});
    const schema = source.replaceAll('"#/components', '"https://document.example/#/components');
    const valid = ajv.compile(JSON.parse(schema));
    return valid(JSON.parse(text)) ? [] : valid.errors;
  };
}
