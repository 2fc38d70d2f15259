import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secureCredential } from '../../src/credential/credential.js';
import type { FetchResult } from '../../src/http/client.js';
import type { JsonObject } from '../../src/json.js';
import { buildList } from '../../src/registry/list-document.js';
import { createRegistryClient, type RegistryClient, type RegistryClientConfig } from '../../src/registry/registry.js';
import { createIssuer, type Directory, type Issuer } from '../status/issuer.js';

const did = 'did:web:authority.example';
const url = 'https://authority.example/registry/list';
const trust = 'did:web:rxa.example';
const start = Date.parse('2026-11-21T09:00:00Z');
const clock = { now: new Date(start) };
const now = () => clock.now;
const folder = mkdtempSync(join(tmpdir(), 'staff-passport-registry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  clock.now = new Date(start);
});

const directory: Directory = new Map();
let authority: Issuer;
let stranger: Issuer;
let thumbprint: string;
beforeAll(async () => {
  authority = await createIssuer(did, directory, now);
  stranger = await createIssuer('did:web:stranger.example', directory, now);
  thumbprint = (await authority.identity.signingKey('ES256')).thumbprint;
});

interface ListOptions {
  readonly sequence?: number;
  readonly name?: string;
  readonly by?: Issuer;
  readonly issuer?: string;
  readonly issued?: string;
  readonly nextUpdate?: string;
}

function listOf({ sequence = 1, name = 'Ambleford', issuer = did, issued, nextUpdate }: ListOptions): JsonObject {
  const publisher = {
    did: issuer,
    name: 'Authority',
    odsCode: 'X26',
    publicUrl: 'https://authority.example',
    programmeBaseUrl: 'https://p.example',
  };
  const time = (milliseconds: number) => new Date(milliseconds).toISOString().replace('.000Z', 'Z');
  return buildList(publisher, {
    sequence,
    issued: issued ?? time(clock.now.getTime()),
    nextUpdate: nextUpdate ?? time(clock.now.getTime() + 3_600_000),
    organisations: [
      {
        odsCode: 'RXA',
        name,
        kind: 'nhs-trust',
        dids: [{ did: trust }],
        issue: [{ type: 'DbsCheckCredential', from: '2026-01-01T00:00:00Z' }],
        status: 'active',
        suspensions: [],
      },
    ],
  });
}

async function sign(
  credential: JsonObject,
  by: Issuer = authority,
  algorithm: 'ES256' | 'EdDSA' = 'ES256',
): Promise<string> {
  const key = await by.identity.signingKey(algorithm);
  const { compact } = await secureCredential(by.agent, { credential, format: 'vc+jwt', key, now: clock.now });
  return compact ?? '';
}

const publish = (options: ListOptions = {}) => sign(listOf(options), options.by);

interface World {
  readonly client: RegistryClient;
  readonly config: RegistryClientConfig;
  readonly requests: (string | undefined)[];
  answer: () => Promise<FetchResult>;
}

const serve = (jwt: string, etag?: string) => async () => ({
  status: 200,
  body: Buffer.from(jwt),
  contentType: 'application/vc+jwt',
  ...(etag ? { etag } : {}),
});
const down = () => Promise.reject(new Error('down'));

let counter = 0;
const opened: RegistryClient[] = [];
afterAll(async () => {
  for (const client of opened) await client.stop();
});

function open(answer: World['answer'], changes: Partial<RegistryClientConfig> = {}): World {
  counter += 1;
  const config: RegistryClientConfig = {
    source: 'url',
    url,
    authorityDid: did,
    keyThumbprints: [thumbprint],
    pollSeconds: 300,
    cacheFile: join(folder, `${counter}`, 'registry.json'),
    maxOfflineSeconds: 604_800,
    ...changes,
  };
  const requests: World['requests'] = [];
  const world: World = {
    config,
    requests,
    answer,
    client: createRegistryClient({
      config,
      agent: authority.agent,
      now,
      random: (size) => Buffer.alloc(size),
      fetch: (_url, options) => {
        requests.push(options?.ifNoneMatch);
        return world.answer();
      },
    }),
  };
  opened.push(world.client);
  return world;
}

const stateOf = ({ client }: World) => client.state(clock.now);

describe('a verifier with a pinned authority', () => {
  test('recognises by the list that the authority publishes', async () => {
    const world = open(serve(await publish()));
    expect(stateOf(world)).toEqual({ sequence: 0, issued: '', nextUpdate: '', freshness: 'absent' });
    await world.client.start();
    expect(stateOf(world)).toEqual({
      sequence: 1,
      issued: '2026-11-21T09:00:00Z',
      nextUpdate: '2026-11-21T10:00:00Z',
      freshness: 'fresh',
      ageSeconds: 0,
    });
    expect(world.client.isRecognised(trust, 'DbsCheckCredential', clock.now)).toMatchObject({
      code: 'issuer_recognised',
    });
    expect(world.client.isListed(trust)).toBe(true);
    expect(world.client.programmeBaseUrl).toBe('https://p.example');
    expect([...world.client.hosts()]).toEqual(['rxa.example', 'authority.example']);
  });

  test('sees what changed, and asks with the ETag', async () => {
    const world = open(serve(await publish(), '"1"'));
    await world.client.refresh();
    world.answer = async () => ({ status: 304, body: Buffer.alloc(0), contentType: '' });
    clock.now = new Date(start + 60_000);
    await world.client.refresh();
    expect(world.requests).toEqual([undefined, '"1"']);
    expect(stateOf(world)).toMatchObject({ sequence: 1, ageSeconds: 0 });
    world.answer = serve(await publish({ sequence: 2, name: 'New name' }), '"2"');
    await world.client.refresh();
    expect(world.client.organisation(trust)?.name).toBe('New name');
  });

  test('takes its pins from a file that came out of band, and refuses to start without any', async () => {
    const pinFile = join(folder, 'pins.json');
    writeFileSync(pinFile, JSON.stringify({ did, keyThumbprints: [thumbprint] }));
    const { authorityDid: _did, ...without } = open(down).config;
    const pinned = open(serve(await publish()), { pinFile, keyThumbprints: [] });
    await pinned.client.start();
    expect(stateOf(pinned).freshness).toBe('fresh');
    await expect(open(down, { keyThumbprints: [] }).client.start()).rejects.toMatchObject({ code: 'configuration' });
    for (const text of ['', '{}', '{"did":1,"keyThumbprints":[]}', `{"did":"${did}","keyThumbprints":[1]}`]) {
      writeFileSync(pinFile, text);
      await expect(open(down, { ...without, pinFile }).client.start()).rejects.toMatchObject({ code: 'configuration' });
    }
  });
});

describe('a list is refused, and the one that is held stays, when it', () => {
  type Attack = [string, string, () => Promise<string>];
  const attacks: Attack[] = [
    ['has a lower sequence', 'list_rolled_back', () => publish({ sequence: 4 })],
    ['has the same sequence and another content', 'list_equivocation', () => publish({ sequence: 5, name: 'Other' })],
    ['is past its nextUpdate', 'list_expired', () => publish({ sequence: 6, nextUpdate: '2026-11-21T09:00:00Z' })],
    ['is dated in the future', 'list_not_yet_valid', () => publish({ sequence: 6, issued: '2026-11-21T09:01:01Z' })],
    [
      'is signed by somebody else',
      'list_issuer_foreign',
      () => publish({ sequence: 6, by: stranger, issuer: stranger.did }),
    ],
    [
      'is signed by another key of the authority',
      'list_key_not_pinned',
      () => sign(listOf({ sequence: 6 }), authority, 'EdDSA'),
    ],
    [
      'was altered',
      'list_signature_invalid',
      async () => {
        const [header, , signature] = (await publish({ sequence: 6 })).split('.');
        const [, payload] = (await publish({ sequence: 6, name: 'Forged' })).split('.');
        return [header, payload, signature].join('.');
      },
    ],
    [
      'is another credential of the authority',
      'list_malformed',
      () =>
        sign({
          '@context': ['https://www.w3.org/ns/credentials/v2'],
          type: ['VerifiableCredential'],
          issuer: did,
          credentialSubject: { id: trust, claim: 1 },
        }),
    ],
    [
      'is of another typ',
      'list_malformed',
      async () => {
        const [, payload, signature] = (await publish({ sequence: 6 })).split('.');
        const header = { alg: 'ES256', typ: 'JWT', kid: (await authority.identity.signingKey('ES256')).kid };
        return [Buffer.from(JSON.stringify(header)).toString('base64url'), payload, signature].join('.');
      },
    ],
    ['is no token', 'list_malformed', async () => 'hello'],
    ['is larger than is accepted', 'list_malformed', async () => 'a'.repeat(4 * 1024 * 1024 + 1)],
  ];
  test.each(attacks)('%s', async (_name, code, attack) => {
    const world = open(serve(await publish({ sequence: 5 })));
    await world.client.refresh();
    world.answer = serve(await attack());
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ sequence: 5, freshness: 'fresh', problem: { code } });
    expect(world.client.organisation(trust)?.name).toBe('Ambleford');
    const copy = JSON.parse(readFileSync(world.config.cacheFile, 'utf8')) as { jwt: string };
    expect(JSON.parse(Buffer.from(copy.jwt.split('.')[1] ?? '', 'base64url').toString()).sequence).toBe(5);
    world.answer = serve(await publish({ sequence: 6 }));
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ sequence: 6 });
    expect(stateOf(world).problem).toBeUndefined();
  });

  test('is signed with a new key that whoever has taken the domain publishes under the DID of the authority', async () => {
    const impostor = await createIssuer(did, new Map(), now);
    const world = open(serve(await sign(listOf({ sequence: 9 }), impostor)));
    const real = directory.get(did);
    directory.set(did, () => impostor.identity.document());
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ freshness: 'absent', problem: { code: 'list_key_not_pinned' } });
    if (real) directory.set(did, real);
  });

  test('cannot be fetched, or its key cannot be found', async () => {
    const world = open(down);
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ freshness: 'absent', problem: { code: 'list_fetch_failed' } });
    // The authority's own host is allowed from the first moment, or no first list could ever be proved.
    expect([world.client.isAuthority(did), world.client.isAuthority(trust)]).toEqual([true, false]);
    expect([...world.client.hosts()]).toEqual(['authority.example']);
    const real = directory.get(did);
    directory.delete(did);
    world.answer = serve(await publish());
    await world.client.refresh();
    if (real) directory.set(did, real);
    expect(stateOf(world)).toMatchObject({ freshness: 'absent', problem: { code: 'list_key_unavailable' } });
    world.answer = async () => ({ status: 304, body: Buffer.alloc(0), contentType: '' });
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ problem: { code: 'list_fetch_failed' } });
  });
});

describe('the copy on disk', () => {
  test('lets a verifier start without a network and without the DID document of the authority', async () => {
    const first = open(serve(await publish({ sequence: 5 })));
    await first.client.start();
    const real = directory.get(did);
    directory.delete(did);
    clock.now = new Date(start + 600_000);
    const second = open(down, { cacheFile: first.config.cacheFile });
    await second.client.start();
    if (real) directory.set(did, real);
    expect(stateOf(second)).toMatchObject({
      sequence: 5,
      freshness: 'fresh',
      ageSeconds: 600,
      problem: { code: 'list_fetch_failed' },
    });
    expect(second.client.isRecognised(trust, 'DbsCheckCredential', clock.now).code).toBe('issuer_recognised');
    expect(readdirSync(join(first.config.cacheFile, '..'))).toEqual(['registry.json']);
  });

  test('remembers the sequence over a restart', async () => {
    const first = open(serve(await publish({ sequence: 5 })));
    await first.client.start();
    const second = open(serve(await publish({ sequence: 4 })), { cacheFile: first.config.cacheFile });
    await second.client.start();
    expect(stateOf(second)).toMatchObject({ sequence: 5, problem: { code: 'list_rolled_back' } });
  });

  test('counts its age from the last word of the authority, not from the restart', async () => {
    const first = open(serve(await publish({ nextUpdate: '2026-12-31T00:00:00Z' })));
    await first.client.start();
    clock.now = new Date(start + 700_000);
    const second = open(down, { cacheFile: first.config.cacheFile, maxOfflineSeconds: 600 });
    await second.client.start();
    expect(stateOf(second).freshness).toBe('expired');
    expect(second.client.isRecognised(trust, 'DbsCheckCredential', clock.now)).toMatchObject({
      outcome: 'indeterminate',
      code: 'registry_expired',
    });
  });

  test('is proved before it is believed', async () => {
    const first = open(serve(await publish({ sequence: 5 })));
    await first.client.start();
    const file = first.config.cacheFile;
    const copy = JSON.parse(readFileSync(file, 'utf8')) as { jwt: string; jwk: object; refreshedAt: string };
    const theirs = await publish({ sequence: 6, by: await createIssuer(did, new Map(), now) });
    const forged = await publish({ sequence: 6, name: 'Forged' });
    const spoiled = [
      '',
      'not json',
      '[]',
      '{}',
      JSON.stringify({ ...copy, jwk: {} }),
      JSON.stringify({ ...copy, refreshedAt: 'x' }),
      JSON.stringify({ ...copy, jwt: theirs }),
      JSON.stringify({
        ...copy,
        jwt: [copy.jwt.split('.')[0], forged.split('.')[1], copy.jwt.split('.')[2]].join('.'),
      }),
    ];
    for (const text of spoiled) {
      writeFileSync(file, text);
      const world = open(down, { cacheFile: file });
      await world.client.start();
      expect(stateOf(world).freshness).toBe('absent');
      await world.client.stop();
    }
    writeFileSync(file, JSON.stringify(copy));
    const other = open(down, { cacheFile: file, keyThumbprints: ['A'.repeat(43)] });
    await other.client.start();
    expect(stateOf(other).freshness).toBe('absent');
  });

  test('that cannot be written leaves the list unused: a rollback after a crash would pass unseen', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const world = open(serve(await publish()), { cacheFile: join(blocked, 'registry.json') });
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ freshness: 'absent', problem: { code: 'internal' } });
  });
});

describe('other sources', () => {
  const organisations = [
    {
      odsCode: 'RXA',
      name: 'Ambleford',
      kind: 'nhs-trust',
      dids: [{ did: trust }],
      issue: [{ type: 'DbsCheckCredential', from: '2026-01-01T00:00:00Z' }],
    },
  ];

  test('an own file is read again and again, and an unreadable one leaves the last', async () => {
    const file = join(folder, 'own.json');
    writeFileSync(file, JSON.stringify({ organisations, programmeBaseUrl: 'https://p.example' }));
    const world = open(down, { source: 'file', file });
    await world.client.start();
    expect(stateOf(world)).toMatchObject({ sequence: 1, freshness: 'fresh' });
    expect(world.client.isRecognised(trust, 'DbsCheckCredential', clock.now).code).toBe('issuer_recognised');
    writeFileSync(file, JSON.stringify({ organisations: [] }));
    clock.now = new Date(start + 604_801_000);
    expect(stateOf(world).freshness).toBe('expired');
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ sequence: 2, freshness: 'fresh' });
    expect(world.client.isListed(trust)).toBe(false);
    writeFileSync(file, '{');
    await world.client.refresh();
    expect(stateOf(world)).toMatchObject({ sequence: 2, problem: { code: 'internal' } });
    expect(world.requests).toEqual([]);
  });

  test('the authority itself relies on what it publishes at this moment', async () => {
    let jwt: string | undefined;
    const config = { ...open(down).config, source: 'self' as const, keyThumbprints: [] };
    const client = createRegistryClient({
      config,
      agent: authority.agent,
      now,
      random: (size) => Buffer.alloc(size),
      fetch: down,
      self: () => jwt,
    });
    await client.start();
    opened.push(client);
    expect(client.state(clock.now).freshness).toBe('absent');
    jwt = await publish({ sequence: 1 });
    expect(client.state(clock.now)).toMatchObject({ sequence: 1, freshness: 'fresh' });
    jwt = await publish({ sequence: 2 });
    expect(client.state(clock.now).sequence).toBe(2);
    clock.now = new Date(start + 3_600_000);
    expect(client.state(clock.now).freshness).toBe('stale');
  });
});
