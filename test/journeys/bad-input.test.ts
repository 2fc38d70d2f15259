/**
 * Bad input for every route that there is (issue 2): made from the route list and the API description of a running
 * programme, so that a route which is added tomorrow is attacked tomorrow. Whatever comes is refused with a code,
 * nothing is stored, nothing is told that the caller should not know, and the process lives.
 */
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { createAccessTokens } from '../../src/access/access-token.js';
import { errorCodes } from '../../src/errors.js';
import { problemKinds } from '../../src/http/problems.js';
import { exampleOf, inParallel } from './client.js';
import { patience } from './deployment.js';
import { type ApiDocument, examplesOf, type Media, type NamedOperation, operationsOf } from './description.js';
import { type Member, openProgramme, type Programme } from './programme.js';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http.js';

const addFormats = addFormatsModule.default;

/** Stands wherever a value is sent; an answer that contains it has repeated what it was given. */
const marker = 'Florence-7f3a9c';
const megabyte = 1024 * 1024;
/** Deeper than the stack of any recursive function. */
const depth = 5000;

type Style = 'problem' | 'oauth' | 'page' | 'resolution';

/** How a route tells its faults, by what its description says of status 500. */
const styles: Readonly<Record<string, Style>> = {
  'text/html': 'page',
  'application/json': 'oauth',
  'application/did-resolution': 'resolution',
};

/** One route of the list, with what its description says of it. */
interface Target {
  readonly member: Member;
  readonly name: string;
  readonly method: string;
  /** With an example of each parameter filled in. */
  readonly path: string;
  /** With the name of each parameter in braces. */
  readonly template: string;
  readonly parameters: readonly string[];
  /** Names of the parameters of the query. */
  readonly queries: readonly string[];
  readonly style: Style;
  /** Needed with a token, if at all. */
  readonly scope: string | undefined;
  /** Whether the route serves callers without a token as well. */
  readonly open: boolean;
  readonly body: TargetBody | undefined;
}

interface TargetBody {
  readonly isForm: boolean;
  readonly schema: { properties?: Record<string, unknown>; additionalProperties?: unknown };
  readonly isValid: ValidateFunction;
  readonly example: Record<string, unknown>;
}

interface Attack extends RawRequest {
  readonly what: string;
  /** Statuses that are as they should be; any 4xx when absent. */
  readonly expected?: readonly number[];
}

let programme: Programme;
let targets: Target[] = [];
const tokens = new Map<Member, string>();

beforeAll(async () => {
  programme = await openProgramme();
  const members = [programme.authority, programme.rxa];
  for (const member of members) tokens.set(member, await member.token());
  targets = (await Promise.all(members.map(targetsOf))).flat();
}, 4 * patience);
afterAll(() => programme.close());

async function targetsOf(member: Member): Promise<Target[]> {
  const document: ApiDocument = (await member.get('/openapi.json')).body;
  const described = new Map(operationsOf(document).map((named) => [named.name, named]));
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  ajv.addSchema({ $id: 'https://document.example/', components: document.components });
  const routes = member.app.server.routeTable.list().filter(({ method }) => method !== 'HEAD');
  return routes.map(({ method, pattern }) => {
    const template = pattern.replace(/:([A-Za-z0-9_]+)/g, '{$1}').replace('*', '{*}');
    const named = described.get(`${method} ${template}`);
    return toTarget({ member, method, template, operation: named?.operation, ajv });
  });
}

interface Described {
  readonly member: Member;
  readonly method: string;
  readonly template: string;
  /** Absent for the files of the viewer, which are not described. */
  readonly operation: NamedOperation['operation'] | undefined;
  readonly ajv: Ajv2020;
}

function toTarget({ member, method, template, operation, ajv }: Described): Target {
  const parameters = (operation?.parameters ?? []).filter((parameter) => parameter.in === 'path');
  const fillIn = (path: string, { name, ...examples }: { name: string } & Media) =>
    path.replace(`{${name}}`, encodeURIComponent(String(examplesOf(examples)[0])));
  const media = Object.entries(operation?.requestBody?.content ?? {})[0];
  const fault = Object.keys(operation?.responses['500']?.content ?? {})[0];
  return {
    member,
    method,
    template,
    name: `${member.config.odsCode} ${method} ${template}`,
    path: parameters.reduce(fillIn, template),
    parameters: parameters.map(({ name }) => name),
    queries: (operation?.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    style: styles[fault ?? ''] ?? 'problem',
    scope: operation?.security?.[0]?.['oauth2']?.[0],
    open: operation?.security?.some((needed) => Object.keys(needed).length === 0) ?? false,
    body: media === undefined ? undefined : toBody(media, ajv),
  };
}

function toBody([type, media]: [string, Media], ajv: Ajv2020): TargetBody {
  const schema = JSON.parse(
    JSON.stringify(media.schema).replaceAll('"#/components', '"https://document.example/#/components'),
  );
  const example = examplesOf(media)[0] as Record<string, unknown>;
  return { schema, example, isValid: ajv.compile(schema), isForm: type === 'application/x-www-form-urlencoded' };
}

/** With everything that the route wants, but for what the attack is about. */
function complete(target: Target, attack: Attack): RawRequest {
  const token = tokens.get(target.member) ?? '';
  const authorization = target.scope !== undefined && !target.open ? { authorization: `Bearer ${token}` } : {};
  const type = target.body?.isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  const contentType = attack.body === undefined ? {} : { 'content-type': type };
  return { ...attack, headers: { ...authorization, ...contentType, ...attack.headers } };
}

/** What an answer must never contain, whoever asks. */
const leaks: Readonly<Record<string, RegExp>> = {
  'a stack': /\n\s+at |\.(?:ts|js):\d+/,
  'a path': /\/(?:work|tmp|home|root|usr|node_modules|src|dist)\/|sqlite/i,
  SQL: /\b(?:select|insert into|update|delete from) \w+|SQLITE_|QueryFailed|syntax error at/i,
  'an internal name': /\b(?:TypeError|RangeError|SyntaxError|ECONN\w+|FST_\w+|undefined|\[object)/,
  'what was sent': new RegExp(marker),
};

/** They want a wallet's access token, which nobody has here, before they read a body (test/issuance/oid4vci attacks those). */
const walletEndpoints: ReadonlySet<string> = new Set(['/credential', '/deferred_credential', '/notification']);

/** Why an answer is not as it should be; empty when it is. */
function judge(target: Target, attack: Attack, answer: RawAnswer): string[] {
  const { status, text } = answer;
  const named = attack.expected ?? [];
  const expected = named.length > 0 && walletEndpoints.has(target.template) ? [...named, 401] : named;
  const fits = expected.length > 0 ? expected.includes(status) : status >= 400 && status < 500;
  const told = Object.entries(leaks).filter(([, pattern]) => pattern.test(text));
  return [
    ...(fits ? [] : [`status ${status}`]),
    ...(status >= 400 ? judgeRefusal(target, answer) : []),
    ...(status < 400 && expected.includes(status) ? [] : told.map(([what]) => `tells ${what}`)),
  ];
}

/** What else than a problem document each style of routes may answer. */
const refusals: Readonly<Record<Style, { readonly mediaTypes: string[]; readonly isGood: (text: string) => boolean }>> =
  {
    problem: { mediaTypes: ['application/problem+json'], isGood: () => false },
    page: {
      mediaTypes: ['text/html; charset=utf-8'],
      isGood: (text) => text.startsWith('<!doctype html>') && text.includes('<h1>'),
    },
    oauth: {
      mediaTypes: ['application/json'],
      isGood(text) {
        const { error, error_description: description } = JSON.parse(text);
        return /^[a-z_]+$/.test(error) && description.length > 0;
      },
    },
    resolution: {
      // DID Resolution 1.0: what is more than a DID is dereferenced, and refused as that.
      mediaTypes: ['application/did-resolution', 'application/did-url-dereferencing'],
      isGood(text) {
        const { didResolutionMetadata, dereferencingMetadata } = JSON.parse(text);
        const { error } = didResolutionMetadata ?? dereferencingMetadata;
        return /^https:\/\/www\.w3\.org\/ns\/did#[A-Z_]+$/.test(error.type) && error.title.length > 0;
      },
    },
  };

function judgeRefusal({ style }: Target, { status, headers, text }: RawAnswer): string[] {
  const type = headers['content-type'] ?? 'none';
  if (type === 'application/problem+json') return isProblem(status, JSON.parse(text)) ? [] : ['not a problem document'];
  const { mediaTypes, isGood } = refusals[style];
  if (!mediaTypes.some((known) => type === known || type === `${known}; charset=utf-8`)) return [`answers ${type}`];
  return isGood(text) ? [] : [`not a proper ${style}`];
}

function isProblem(status: number, problem: { code: (typeof errorCodes)[number] } & Record<string, unknown>): boolean {
  const { code, title, detail, type } = problem;
  // Where a W3C specification has a type for the problem, that one is told.
  const named = String(type).endsWith(`/problems/${code}`) || String(type).startsWith('https://www.w3.org/');
  const known = errorCodes.includes(code) && named;
  // What Node's own parser refuses has no code of its own: 408 and 431 are told as invalid_request.
  const agrees = problem['status'] === status && [problemKinds[code]?.status, 408, 431].includes(status);
  return known && agrees && title === problemKinds[code].title && typeof detail === 'string' && detail.length > 0;
}

/** Sends all attacks on all targets; what was not as it should be, in words. */
async function storm(attacksOn: (target: Target) => readonly Attack[]): Promise<{ sent: number; faults: string[] }> {
  const pairs = targets.flatMap((target) => attacksOn(target).map((attack) => ({ target, attack })));
  const results = await inParallel(pairs, 8, async ({ target, attack }) => {
    const from = addressOf(target);
    const answer = await sendRaw(target.member.config.listen.port, { ...complete(target, attack), from });
    const faults = judge(target, attack, answer);
    return faults.map((fault) => `${target.name}, ${attack.what}: ${fault}: ${answer.text.slice(0, 300)}`);
  });
  return { sent: pairs.length, faults: results.flat() };
}

/**
 * Each target has callers of its own on the loopback network: together the attacks are more than the service lets fail
 * from one address in a minute (test/http holds it to that).
 */
function addressOf(target: Target): string {
  return `127.0.1.${1 + targets.indexOf(target)}`;
}

/** Whoever asks for something that is not there learns that, whatever else is wrong: the examples of ids are of nothing. */
function orNotFound(target: Target, expected: readonly number[]): readonly number[] {
  return target.parameters.length > 0 ? [...expected, 404] : expected;
}

/** Runs a storm and sees that nothing was stored and everybody is alive. */
async function withstand(attacksOn: (target: Target) => readonly Attack[], atLeast: number): Promise<void> {
  const members = [programme.authority, programme.rxa];
  const before = await Promise.all(members.map((member) => member.rows()));
  const { sent, faults } = await storm(attacksOn);
  expect(faults).toEqual([]);
  expect(sent).toBeGreaterThanOrEqual(atLeast);
  const after = await Promise.all(members.map((member) => member.rows()));
  expect(after.map(withoutUpkeep)).toEqual(before.map(withoutUpkeep));
  for (const member of members) {
    expect((await member.get('/health/live')).status).toBe(200);
    expect(member.faults).toEqual([]);
  }
}

/** Once a minute the authorization server writes how many requests it refused: one row, however many they were. */
function withoutUpkeep(rows: Record<string, number>): Record<string, number> {
  const {
    'staff-passport.sqlite: audit_record': audit = 0,
    // The head of the sealed chain: one row from the first seal on.
    'staff-passport.sqlite: audit_head': _head,
    ...others
  } = rows;
  expect(audit).toBeGreaterThan(0);
  return others;
}

const post = (target: Target, what: string, body: Buffer | string, more: Partial<Attack> = {}): Attack => ({
  what,
  method: target.method,
  target: target.path,
  body,
  ...more,
});

const json = JSON.stringify;

test(
  'bodies that are not JSON, or not the JSON that it looks like, are refused before anything reads them',
  () =>
    withstand((target) => {
      if (target.body === undefined || target.body.isForm) return [];
      const text = json(target.body.example);
      const [name = ''] = Object.keys(target.body.example);
      const texts: Record<string, Buffer | string> = {
        'cut off': text.slice(0, -1),
        'a comma too many': `${text.slice(0, -1)},}`,
        'two values': `${text}${text}`,
        'a byte order mark': `\ufeff${text}`,
        'single quotes': text.replaceAll('"', "'"),
        NaN: `{"${name}":NaN}`,
        'not UTF-8': Buffer.concat([Buffer.from(`{"${name}":"`), Buffer.from([0xff, 0xc0, 0xaf]), Buffer.from('"}')]),
        'a lone surrogate': `{"${name}":"\\ud800"}`,
        'a NUL byte': `{"${name}":"\u0000"}`,
        'a number that no program keeps': `{"${name}":1e400}`,
        'white space only': ' \n',
        'a duplicate member': `{"${name}":1,${text.slice(1)}`,
        'a duplicate member in escapes': `{"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":1,${text.slice(1)}`,
        'a duplicate member far inside': `{"${name}":{"a":[{"b":1,"b":2}]}}`,
        __proto__: `{"__proto__":{"admin":true},${text.slice(1)}`,
        '5,000 arrays': '['.repeat(depth) + ']'.repeat(depth),
        '5,000 objects': `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
        '5,000 levels in a member': `{"${name}":${'['.repeat(depth)}${']'.repeat(depth)}}`,
        '100,000 members': `{${Array.from({ length: 20_000 }, (_, index) => `"m${index}":0`).join(',')}}`,
      };
      return Object.entries(texts).map(([what, body]) => post(target, what, body, { expected: [400] }));
    }, 100),
  patience,
);

test(
  'a body that is too large is refused, whether its size is told beforehand or not',
  () =>
    withstand((target) => {
      if (target.body === undefined) return [];
      const large = target.body.isForm
        ? `${Object.keys(target.body.example)[0]}=${'x'.repeat(10 * megabyte)}`
        : json({ ...target.body.example, [Object.keys(target.body.example)[0] ?? '']: 'x'.repeat(10 * megabyte) });
      return [
        post(target, '10 MB', large, { expected: [413] }),
        post(target, '10 MB in chunks', large, { expected: [413], chunked: true }),
        post(target, 'a length that is a lie', 'x', { headers: { 'content-length': '99999999999' }, expected: [413] }),
      ];
    }, 20),
  patience,
);

test(
  'only the media type that is described is read',
  () =>
    withstand((target) => {
      if (target.body === undefined) return [];
      const isForm = target.body.isForm;
      const text = isForm
        ? new URLSearchParams(target.body.example as Record<string, string>).toString()
        : json(target.body.example);
      const types = [
        isForm ? 'application/json' : 'application/x-www-form-urlencoded',
        'text/plain',
        'application/xml',
        'multipart/form-data; boundary=x',
        'application/octet-stream',
        'application/jsonp',
        'application/json\t; charset=utf-8, text/plain',
        `${isForm ? 'application/x-www-form-urlencoded' : 'application/json'}; charset=utf-16`,
        '*/*',
        ';',
        marker,
      ];
      const attacks = types.map((type) => post(target, type, text, { headers: { 'content-type': type } }));
      const bare: Attack = { what: 'no content type', method: target.method, target: target.path, body: text };
      return [...attacks, bare].map((attack) => ({
        ...attack,
        headers: { 'content-type': '', ...attack.headers },
        expected: [400, 415],
      }));
    }, 50),
  patience,
);

/** One value of each type of JSON. */
const samples = [null, true, -1, 1.5, marker, [marker], { surprise: marker }];

test(
  'members of a wrong type, unknown members and missing members are refused by name',
  () =>
    withstand((target) => {
      const { body } = target;
      if (body === undefined || body.isForm) return [];
      const variants: { what: string; value: unknown }[] = [
        ...samples.map((value) => ({ what: `the body is ${json(value)}`, value })),
        { what: 'an unknown member', value: { ...body.example, surprise: marker } },
        { what: 'a member of another case', value: { ...body.example, CREDENTIAL: marker } },
      ];
      for (const name of Object.keys(body.schema.properties ?? {})) {
        for (const value of samples)
          variants.push({ what: `${name} is ${json(value)}`, value: { ...body.example, [name]: value } });
        const { [name]: _left, ...without } = body.example;
        variants.push({ what: `${name} is missing`, value: without });
      }
      // What the schema allows is no bad input; what a slice makes of it is tested there.
      const bad = variants.filter(({ value }) => !body.isValid(value));
      return bad.map(({ what, value }) => post(target, what, json(value), { expected: [400] }));
    }, 100),
  patience,
);

/** A copy with the value at a path replaced. */
function replaceAt(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === name ? replaceAt(item, rest, by) : item));
  return { ...(value as object), [name]: replaceAt((value as Record<string, unknown>)[name], rest, by) };
}

function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner).map((path) => [name, ...path]))];
}

test(
  'anything inside a body that is of another kind than in the example is refused, however deep it lies',
  () =>
    withstand((target) => {
      const { body } = target;
      if (body === undefined || body.isForm || target.open) return [];
      return pathsOf(body.example).flatMap((path) => {
        const kinds: Record<string, unknown> = {
          null: null,
          object: { $ne: marker },
          number: 42,
          'long text': 'x'.repeat(20_000),
        };
        return Object.entries(kinds).map(([kind, value]) =>
          post(target, `/${path.join('/')} is ${kind}`, json(replaceAt(body.example, path, value))),
        );
      });
    }, 100),
  2 * patience,
);

/** A valid credential of each format, as the API delivered it. */
async function issueAll(): Promise<Map<string, unknown>> {
  const issued = new Map<string, unknown>();
  for (const format of ['vc+jwt', 'jwt_vc', 'eddsa-rdfc-2022', 'ecdsa-rdfc-2019']) {
    const { status, body } = await programme.rxa.issue(exampleOf('CoreSkillCredential'), { format });
    expect([format, status]).toEqual([format, 201]);
    issued.set(format, body.verifiableCredential);
  }
  return issued;
}

/** The claims of a token, or a credential with a proof: what changes are made in. */
function openUp(credential: unknown): { readonly value: unknown; readonly close: (changed: unknown) => unknown } {
  const envelope = credential as { id?: string };
  const token = typeof credential === 'string' ? credential : envelope.id?.split(',')[1];
  if (token === undefined || !token.startsWith('ey')) return { value: credential, close: (changed) => changed };
  const [header = '', payload = '', signature = ''] = token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  const write = (part: unknown) => Buffer.from(json(part)).toString('base64url');
  const close = (changed: unknown) => {
    const { header: head, payload: body } = (changed ?? {}) as { header?: unknown; payload?: unknown };
    if (head === undefined || body === undefined) return changed;
    return `${write(head)}.${write(body)}.${signature}`;
  };
  return { value: { header: read(header), payload: read(payload) }, close };
}

test(
  'a credential with any one value changed is not valid, in any format, at either address',
  async () => {
    const { rxb } = programme;
    for (const [format, credential] of await issueAll()) {
      const good = await rxb.post('/verify', { verifiableCredential: credential });
      expect([format, good.body.decision, good.body.checks]).toEqual([format, 'valid', expect.any(Array)]);
      const { value, close } = openUp(credential);
      const changes = pathsOf(value).flatMap((path) =>
        ['x', null].map((by) => ({ path: path.join('/'), changed: close(replaceAt(value, path, by)) })),
      );
      expect(changes.length).toBeGreaterThan(100);
      const answers = await inParallel(changes, 8, async ({ path, changed }) => {
        const verdict = await rxb.post('/verify', { verifiableCredential: changed });
        const projection = await rxb.post('/credentials/verify', { verifiableCredential: changed });
        return { path, verdict, projection };
      });
      const wrong = answers.filter(({ verdict, projection }) => {
        const statuses = [verdict.status, projection.status].join(' ');
        const refused = statuses === '400 400' || (statuses === '200 200' && verdict.body.decision === 'invalid');
        return !refused || projection.body.verified === true || leaksIn(verdict.text) || leaksIn(projection.text);
      });
      expect(wrong.map(({ path, verdict, projection }) => [format, path, verdict.text, projection.text])).toEqual([]);
    }
    expect(rxb.faults).toEqual([]);
  },
  2 * patience,
);

/** An answer may hold what was sent, once it is proven; but no stack and no SQL. */
function leaksIn(text: string): boolean {
  return ['a stack', 'SQL', 'an internal name'].some((what) => leaks[what]?.test(text));
}

test(
  'forms with fields twice, without fields, with a thousand fields or broken escapes are refused',
  () =>
    withstand((target) => {
      const { body } = target;
      if (body === undefined || !body.isForm) return [];
      const [name = ''] = Object.keys(body.example);
      const text = new URLSearchParams(body.example as Record<string, string>).toString();
      const texts: Record<string, string> = {
        'a field twice': `${text}&${text}`,
        'a thousand fields': Array.from({ length: 1000 }, (_, index) => `f${index}=${marker}`).join('&'),
        'another field': `surprise=${marker}`,
        empty: '&',
        'a field with a bracket': `${name}[]=${marker}`,
        __proto__: `__proto__=${marker}&${name}x=1`,
        'JSON in place of a form': json(body.example),
        'a NUL': `${name}%00=${marker}`,
        'broken escapes': `%zz=%${marker}&%=%`,
      };
      return Object.entries(texts).map(([what, value]) =>
        post(target, what, value, { expected: orNotFound(target, [400, 401, 413]) }),
      );
    }, 20),
  patience,
);

/** Tokens that are good for somebody, somewhere or sometime, but not here and now. */
async function foreignTokens({ member, scope = '' }: Target): Promise<Record<string, string>> {
  const { did: _did, url, app } = member;
  const seed = app.foundation.deriveKey('staff-passport/access-token/ed25519/v1', 32);
  const ours = { seed, issuer: `${url}/oauth`, audience: url };
  const now = new Date();
  const times = { now, seconds: 300, jti: randomUUID() };
  const grant = { clientId: 'operator', scopes: [scope] };
  const good = await createAccessTokens(ours).issue(grant, times);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const part = (value: object) => Buffer.from(json(value)).toString('base64url');
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  const none = part({ ...read(header), alg: 'none' });
  const hmac = part({ ...read(header), alg: 'HS256' });
  const key = createAccessTokens(ours).publicJwk;
  const forged = createHmac('sha256', json(key)).update(`${hmac}.${payload}`).digest('base64url');
  const own = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }).d ?? '';
  const embedded = part({ ...read(header), jwk: key });
  return {
    'another audience': await createAccessTokens({ ...ours, audience: 'https://other.example' }).issue(grant, times),
    'another issuer': await createAccessTokens({ ...ours, issuer: 'https://other.example' }).issue(grant, times),
    'another key': await createAccessTokens({ ...ours, seed: Buffer.from(own, 'base64url') }).issue(grant, times),
    'of another organisation': tokens.get(member === programme.rxa ? programme.authority : programme.rxa) ?? '',
    expired: await createAccessTokens(ours).issue(grant, { ...times, now: new Date(now.getTime() - 600_000) }),
    'of tomorrow': await createAccessTokens(ours).issue(grant, { ...times, now: new Date(now.getTime() + 86_400_000) }),
    'of a client that is not known': await createAccessTokens(ours).issue({ ...grant, clientId: 'ghost' }, times),
    'alg none': `${none}.${payload}.`,
    'alg none with a signature': `${none}.${payload}.${signature}`,
    'the public key as a secret': `${hmac}.${payload}.${forged}`,
    'a key of its own': `${embedded}.${payload}.${signature}`,
    'more scope than was granted': `${header}.${part({ ...read(payload), scope: 'vc:issue vc:revoke registry:write' })}.${signature}`,
    'an altered signature': `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'cut off': `${header}.${payload}`,
    'a character too many': `${good}A`,
    'a client assertion': part({ alg: 'EdDSA' }),
  };
}

/** Good in every way, but for another purpose. */
function tokenOfAnotherScope({ member, scope }: Target): Promise<string> {
  const seed = member.app.foundation.deriveKey('staff-passport/access-token/ed25519/v1', 32);
  const issuing = createAccessTokens({ seed, issuer: `${member.url}/oauth`, audience: member.url });
  const grant = { clientId: 'operator', scopes: [scope === 'audit:read' ? 'vc:issue' : 'audit:read'] };
  return issuing.issue(grant, { now: new Date(), seconds: 300, jti: randomUUID() });
}

test(
  'without a token, or with one that is not for here and now, nothing happens: 401, and 403 where the scope is lacking',
  async () => {
    const foreign = new Map<string, Record<string, string>>();
    for (const target of targets) if (target.scope !== undefined) foreign.set(target.name, await foreignTokens(target));
    const others = new Map<Target, string>();
    for (const target of targets) if (target.scope !== undefined) others.set(target, await tokenOfAnotherScope(target));
    await withstand((target) => {
      if (target.scope === undefined) return [];
      const body = target.body === undefined ? {} : { body: json(target.body.example) };
      const asking = (what: string, authorization: string | undefined, status: number): Attack => ({
        what,
        method: target.method,
        target: target.path,
        ...body,
        headers: authorization === undefined ? { authorization: '' } : { authorization },
        expected: [status],
      });
      const headers = [
        'Basic b3BlcmF0b3I6',
        'Bearer',
        'Bearer ',
        `Bearer  ${marker}`,
        'Bearer a b',
        `Token ${marker}`,
        'Bearer ..',
      ];
      return [
        ...Object.entries(foreign.get(target.name) ?? {}).map(([what, token]) => asking(what, `Bearer ${token}`, 401)),
        ...headers.map((value) => asking(value, value, 401)),
        asking('an empty header', undefined, 401),
        asking('another scope', `Bearer ${others.get(target)}`, 403),
      ];
    }, 100);
    const closed = targets.filter(({ scope, open }) => scope !== undefined && !open);
    expect(closed.length).toBeGreaterThan(4);
    for (const { member, method, path } of closed) {
      const answer = await sendRaw(member.config.listen.port, { method, target: path });
      expect([path, answer.status, answer.headers['www-authenticate']]).toEqual([
        path,
        401,
        expect.stringMatching(/^Bearer /),
      ]);
    }
  },
  patience,
);

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'FROB'];

test(
  'a method that a route does not have is refused, and those that it has are named',
  async () => {
    await withstand((target) => {
      const here = targets.filter(({ member, template }) => member === target.member && template === target.template);
      const others = methods.filter((method) => !here.some((known) => known.method === method));
      return others.map((method) => ({ what: method, method, target: target.path, expected: [400, 401, 404, 405] }));
    }, 200);
    const { listen } = programme.rxa.config;
    const answer = await sendRaw(listen.port, { method: 'DELETE', target: '/verify' });
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
  },
  patience,
);

/** Parts of an address that are not what they seem, or cannot be decoded at all. */
const oddParts = [
  '%00',
  `${marker}%00`,
  '%',
  '%zz',
  '%c0%ae',
  '%ff%fe',
  '%ed%a0%80',
  '..',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..%5c..%5c',
  '%0d%0aset-cookie:%20a=b',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  "'%20or%201=1--",
  '%3Cscript%3Ealert(1)%3C%2Fscript%3E',
  '%F0%9F%92%A9',
  `${marker}${'x'.repeat(2000)}`,
  'x'.repeat(9000),
  'x'.repeat(30_000),
];

test(
  'odd, long and undecodable parameters are refused, and never repeated',
  () =>
    withstand((target) => {
      const token = tokens.get(target.member);
      const headers = target.scope === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
      const body = target.body === undefined ? {} : { body: json(target.body.example) };
      return target.parameters.flatMap((name) =>
        oddParts.map((part) => ({
          what: `${name} is ${part.slice(0, 40)}`,
          method: target.method,
          target: target.template.replace(`{${name}}`, part).replace(/\{\w+\}/g, 'x'),
          ...headers,
          ...body,
        })),
      );
    }, 100),
  patience,
);

test(
  'an address that is nearly a route is none',
  () =>
    withstand((target) => {
      const { path, method } = target;
      const near = [
        `${path}%00`,
        `${path}/${marker}`,
        `/${path}`,
        `${path}%2f`,
        `/./.${path}`,
        `${path};a=b`,
        `/%2e%2e${path}`,
      ];
      const body = target.body === undefined ? {} : { body: json(target.body.example) };
      // The last part of some addresses is a parameter, which may well be looked up; what is not there is refused too.
      return near.map((address) => ({ what: address, method, target: address, ...body }));
    }, 200),
  patience,
);

test(
  'a query that nobody asked for changes nothing and breaks nothing',
  () =>
    withstand((target) => {
      if (target.body !== undefined) return [];
      const queries = [
        '%00',
        'a=%zz',
        '__proto__[admin]=1',
        'a[]=1&a[]=2',
        '%',
        `a=${'x'.repeat(10_000)}`,
        '&&&=&',
        `q=${marker}`,
      ];
      return queries.map((query) => ({
        what: `?${query.slice(0, 30)}`,
        method: target.method,
        target: `${target.path}?${query}`,
        // Pages that need a visit or a sign-in first lead there, or say so; DID Resolution answers 501 to options that we do not offer.
        expected: [200, 302, 303, 400, 403, 404, 503, ...(target.style === 'resolution' ? [501] : [])],
      }));
    }, 100),
  patience,
);

test(
  'parameters of a query that are no numbers, no known words or far too long are refused',
  () =>
    withstand((target) => {
      const values = [
        '',
        'abc',
        '-1',
        '1.5',
        '1e9',
        '99999999999999999999',
        'null',
        '%00',
        '%zz',
        `${marker}`,
        'x'.repeat(9000),
      ];
      return target.queries.flatMap((name) => [
        ...values.map((value) => ({
          what: `${name}=${value.slice(0, 20)}`,
          method: target.method,
          target: `${target.path}?${name}=${value}`,
          expected: orNotFound(target, [200, 400]),
        })),
        { what: `${name} twice`, method: target.method, target: `${target.path}?${name}=1&${name}=2`, expected: [400] },
      ]);
    }, 0),
  patience,
);

test(
  'what is not HTTP at all is answered once, and the connection closed',
  async () => {
    const { port } = programme.rxa.config.listen;
    const requests: Record<string, RawRequest> = {
      'a target without a slash': { method: 'GET', target: 'verify' },
      'a space in the target': { method: 'GET', target: '/a b' },
      'bytes above 127': { method: 'GET', target: '/\u00ff\u00fe' },
      'a NUL in the target': { method: 'GET', target: '/\u0000' },
      'a header without a colon': { method: 'GET', target: '/', headers: { 'x-a': `b\r\n${marker}` } },
      'headers without end': { method: 'GET', target: '/', headers: { 'x-a': 'x'.repeat(60_000) } },
      'two lengths': {
        method: 'POST',
        target: '/verify',
        headers: { 'content-length': '5', 'Content-Length': '6' },
        body: 'x',
      },
      'a length and chunks': {
        method: 'POST',
        target: '/verify',
        headers: { 'content-length': '5' },
        chunked: true,
        body: 'x',
      },
      'a negative length': { method: 'POST', target: '/verify', headers: { 'content-length': '-1' }, body: 'x' },
      'a transfer coding of its own': {
        method: 'POST',
        target: '/verify',
        headers: { 'transfer-encoding': 'x' },
        body: 'x',
      },
    };
    for (const [what, request] of Object.entries(requests)) {
      const { status, headers, text } = await sendRaw(port, request);
      expect([what, status >= 400 && status < 500, headers['content-type']]).toEqual([
        what,
        true,
        'application/problem+json',
      ]);
      expect([what, isProblem(status, JSON.parse(text))]).toEqual([what, true]);
      for (const pattern of Object.values(leaks)) expect(text).not.toMatch(pattern);
    }
    expect((await programme.rxa.get('/health/live')).status).toBe(200);
  },
  patience,
);
