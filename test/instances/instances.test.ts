/**
 * The conformance deployment as an operator starts it, at a port of its own: the instances over https, with their own
 * keys, and the service reading its own status lists through the guarded way out.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { base58 } from '@scure/base';
import { type App, createApp, realSurroundings } from '../../src/app.js';
import { createProgram } from '../../src/commands/program.js';
import { loadConfig } from '../../src/config.js';
import { loadCatalogue, securePresentation } from '../../src/credential/credential.js';
import { openKeyIdentity } from '../../src/identity/identity.js';
import { importJwk, toMultikey } from '../../src/jose/keys.js';
import { canonicalJson, type Json, type JsonObject } from '../../src/json.js';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'staff-passport-instances-'));
const config = join(folder, 'conformance.yml');
const faults: string[] = [];
let app: App;
let did: string;
let base: string;
let issuers: ReadonlyMap<string, Listed>;

interface Listed {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly issuer?: string;
  readonly format?: string;
  readonly algorithm?: string;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** agents/conformance.yml as it stands, at another port and with some instances more. */
async function writeDeployment(): Promise<void> {
  const port = await freePort();
  base = `https://localhost:${port}`;
  did = `did:web:localhost%3A${port}`;
  const baseUrl = base;
  const type = loadCatalogue({ baseUrl, root }).types[0]?.type;
  const issue = [type, 'VerifiableCredential'].map((name) => ({ type: name, from: '2026-01-01T00:00:00Z' }));
  const organisations = [{ odsCode: 'XCF', name: 'Conformance', kind: 'nhs-trust', dids: [{ did }], issue }];
  writeFileSync(join(folder, 'registry.json'), JSON.stringify({ programmeBaseUrl: baseUrl, organisations }));
  const parent = loadConfig(join(root, 'agents/conformance.yml')).config;
  const more = [
    { name: 'catalogue', kinds: ['issuer', 'status'], format: 'vc+jwt', open: true },
    { name: 'locked', kinds: ['issuer', 'verifier'], format: 'vc+jwt', did: 'key', catalogue: 'open' },
    ...['eddsa-rdfc-2022', 'eddsa-jcs-2022'].flatMap((format) =>
      ['set', 'chain'].map((existingProof) => ({
        name: `${existingProof}-${format}`,
        kinds: ['issuer'],
        format,
        catalogue: 'open',
        existingProof,
        open: true,
      })),
    ),
  ];
  const service = {
    did,
    publicUrl: base,
    listen: { port },
    programme: { baseUrl },
    stateFolder: join(folder, 'state'),
    registry: { file: join(folder, 'registry.json') },
    logging: { level: 'silent' },
    instances: [...parent.instances, ...more],
  };
  writeFileSync(config, JSON.stringify({ extends: join(root, 'agents/conformance.yml'), service }));
}

function open(): Promise<App> {
  return createApp(loadConfig(config), { ...realSurroundings(), onFault: (where) => void faults.push(where) });
}

beforeAll(async () => {
  await writeDeployment();
  await createProgram().parseAsync(['node', 'staff-passport', 'init', '--config', config]);
  app = await open();
  await app.listen();
  const { body } = await app.server.inject('/instances');
  issuers = new Map((JSON.parse(body) as Listed[]).map((one) => [one.name, one]));
}, 120_000);

afterAll(async () => {
  await app.drain();
  rmSync(folder, { recursive: true, force: true });
});

async function post(path: string, payload: object) {
  const answer = await app.server.inject({ method: 'POST', url: `/instances/${path}`, payload });
  const type = String(answer.headers['content-type']).split(';')[0];
  return { status: answer.statusCode, type, body: JSON.parse(answer.body) as JsonObject };
}

let count = 0;

/** A credential that every instance may issue. */
function credentialOf(name: string, members: JsonObject = {}): JsonObject {
  const { issuer, format } = issuers.get(name) ?? {};
  count += 1;
  const old = format === 'jwt_vc';
  return {
    '@context': [old ? 'https://www.w3.org/2018/credentials/v1' : 'https://www.w3.org/ns/credentials/v2'],
    id: `urn:uuid:00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    type: ['VerifiableCredential'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(old ? { issuanceDate: '2026-01-01T00:00:00Z' } : {}),
    credentialSubject: { id: 'did:example:subject' },
    ...members,
  };
}

async function issue(name: string, members: JsonObject = {}, options?: object): Promise<JsonObject> {
  const credential = credentialOf(name, members);
  const { status, body } = await post(`${name}/credentials/issue`, { credential, ...(options ? { options } : {}) });
  expect([status, Object.keys(body)]).toEqual([201, ['verifiableCredential']]);
  return body['verifiableCredential'] as JsonObject;
}

/** How many records of issues there are. */
const counted = async () =>
  (await app.foundation.store.read((tx) => tx.query('SELECT COUNT(*) AS n FROM issuance')))[0];

const verify = (verifiableCredential: Json, options?: object, name = 'verifier') =>
  post(`${name}/credentials/verify`, { verifiableCredential, ...(options ? { options } : {}) });

const titles = (body: JsonObject) => (body['problemDetails'] as { title: string }[]).map(({ title }) => title);

/** The last character of a base58 signature, exchanged for another. */
function tamper(credential: JsonObject): JsonObject {
  const proof = credential['proof'] as JsonObject;
  const value = String(proof['proofValue']);
  const last = value.endsWith('2') ? '3' : '2';
  return { ...credential, proof: { ...proof, proofValue: value.slice(0, -1) + last } };
}

const openIssuers = [
  'eddsa-rdfc-2022',
  'eddsa-jcs-2022',
  'ecdsa-rdfc-2019-p256',
  'ecdsa-rdfc-2019-p384',
  'ecdsa-jcs-2019-p256',
  'ecdsa-jcs-2019-p384',
  'ecdsa-sd-2023',
  'vc-jwt',
  'vc-jwt-es384',
  'vc-jwt-eddsa',
  'vc-sd-jwt',
  'vc-cose',
  'jwt-vc',
  'status',
  'vcalm',
];

describe('issuing', () => {
  test('each instance of a cryptosuite or algorithm issues under a did:key of its own', () => {
    const own = openIssuers.filter((name) => issuers.get(name)?.issuer?.startsWith('did:key:'));
    expect(own).toHaveLength(openIssuers.length - 1);
    expect(new Set(own.map((name) => issuers.get(name)?.issuer)).size).toBe(own.length);
    expect(issuers.get('status')?.issuer).toBe(did);
    const curves = { ES256: /^did:key:zDn/, ES384: /^did:key:z82/, EdDSA: /^did:key:z6Mk/ };
    for (const name of own) {
      const { issuer, algorithm } = issuers.get(name) ?? {};
      expect(issuer).toMatch(curves[algorithm as keyof typeof curves]);
    }
  });

  test.each(openIssuers)('%s issues what the verifier verifies', async (name) => {
    const issued = await issue(name);
    const selective = name === 'ecdsa-sd-2023';
    const derived = selective
      ? await post('derive/credentials/derive', { verifiableCredential: issued, options: { selectivePointers: [] } })
      : undefined;
    expect(derived?.status).toBe(selective ? 201 : undefined);
    const { status, body } = await verify(derived?.body ?? issued);
    expect([status, body['verified']]).toEqual([200, true]);
  });

  test.each(openIssuers)('%s signs no word that no context defines', async (name) => {
    const subjects = [
      { id: 'did:example:subject', unheardOf: 'x' },
      { '@id': 'did:example:subject' },
      { '@graph': [] },
    ];
    for (const members of [
      { unheardOf: 'x' },
      { '@graph': [] },
      ...subjects.map((credentialSubject) => ({ credentialSubject })),
    ]) {
      const credential = credentialOf(name, members);
      const { status, body } = await post(`${name}/credentials/issue`, { credential });
      expect([status, body['code']]).toEqual([400, 'invalid_credential']);
    }
  });

  test('VCDM 1.1 is given the terms of the proof, and a missing context is not made up', async () => {
    const context = 'https://www.w3.org/2018/credentials/v1';
    const members = { '@context': [context], issuanceDate: '2026-01-01T00:00:00Z' };
    const issued = await issue('eddsa-rdfc-2022', members);
    expect(issued['@context']).toEqual([context, 'https://w3id.org/security/data-integrity/v2']);
    expect((await verify(issued)).body['verified']).toBe(true);
    const { '@context': _, ...without } = credentialOf('eddsa-rdfc-2022');
    const refused = await post('eddsa-rdfc-2022/credentials/issue', { credential: without });
    expect([refused.status, (refused.body['errors'] as JsonObject[])[0]?.['path']]).toEqual([
      400,
      '/credential/@context',
    ]);
  });

  test('only in its own name: another issuer is refused, and left out it is ours only where VCALM is spoken', async () => {
    const foreign = await post('vc-jwt/credentials/issue', { credential: credentialOf('vc-jwt', { issuer: did }) });
    expect([foreign.status, (foreign.body['errors'] as JsonObject[])[0]?.['path']]).toEqual([
      400,
      '/credential/issuer',
    ]);
    const { issuer: _, ...unnamed } = credentialOf('eddsa-rdfc-2022');
    expect((await post('eddsa-rdfc-2022/credentials/issue', { credential: unnamed })).status).toBe(400);
    const filled = await post('vcalm/credentials/issue', { credential: unnamed });
    expect((filled.body['verifiableCredential'] as JsonObject)['issuer']).toBe(issuers.get('vcalm')?.issuer);
  });

  test.each<[string, JsonObject]>([
    ['no subject', { credentialSubject: [] }],
    ['a type that is none', { type: 4 }],
    ['a proof already', { proof: { type: 'DataIntegrityProof' } }],
    ['a context in the wrong place', { '@context': ['https://www.w3.org/ns/credentials/examples/v2'] }],
    ['a context from the network', { '@context': ['https://www.w3.org/ns/credentials/v2', 'https://example.com/c'] }],
  ])('a credential with %s is refused', async (_what, members) => {
    const credential = credentialOf('eddsa-rdfc-2022', members);
    const { status, type, body } = await post('eddsa-rdfc-2022/credentials/issue', { credential });
    expect([status, type, body['code']]).toEqual([400, 'application/problem+json', 'invalid_credential']);
  });

  test('unknown options are an error of VCALM, never ignored', async () => {
    const type = 'https://www.w3.org/TR/vcalm#UNKNOWN_OPTION_PROVIDED';
    const credential = credentialOf('vcalm');
    for (const payload of [
      { credential, options: { created: 'now' } },
      { credential, further: true },
    ]) {
      const { status, body } = await post('vcalm/credentials/issue', payload);
      expect([status, body['type']]).toEqual([400, type]);
    }
    const idle = await post('vcalm/credentials/issue', { credential, options: { mandatoryPointers: ['/issuer'] } });
    expect([idle.status, idle.body['code']]).toEqual([400, 'invalid_request']);
  });

  test('is audited by instance and digest, without a word of the credential', async () => {
    const credential = await issue('eddsa-rdfc-2022', { credentialSubject: { id: 'did:example:somebody' } });
    const rows: { action: string; subject: string; data: string; actor: string }[] = await app.foundation.store.read(
      (tx) =>
        tx.query(
          "SELECT action, subject, data, actor FROM audit_record WHERE action LIKE 'credential.%' ORDER BY entry",
        ),
    );
    const digest = createHash('sha256').update(canonicalJson(credential)).digest('base64url');
    const issued = rows.find((one) => one.data.includes(digest));
    const data = { type: 'VerifiableCredential', format: 'eddsa-rdfc-2022', instance: 'eddsa-rdfc-2022', digest };
    expect([issued?.actor, issued?.action]).toEqual(['anonymous', 'credential.issued']);
    expect(JSON.parse(issued?.data ?? '')).toEqual(data);
    expect(rows.find((one) => one.subject === issued?.subject)?.action).toBe('credential.reserved');
    expect(JSON.stringify(rows)).not.toContain('somebody');
  });

  test('the keys outlive the process', async () => {
    await app.drain();
    app = await open();
    await app.listen();
    const { body } = await app.server.inject('/instances');
    expect(JSON.parse(body)).toEqual([...issuers.values()]);
  }, 60_000);
});

describe('issuing what somebody has signed already', () => {
  const proofsOf = (credential: JsonObject) => credential['proof'] as JsonObject[];
  const further = (name: string, credential: JsonObject) => post(`${name}/credentials/issue`, { credential });

  async function issued(name: string, credential: JsonObject): Promise<JsonObject> {
    const { status, body } = await further(name, credential);
    expect([status, body]).toEqual([201, expect.anything()]);
    return body['verifiableCredential'] as JsonObject;
  }

  test.each(['eddsa-rdfc-2022', 'eddsa-jcs-2022'])('%s stands beside it in a set', async (suite) => {
    const signed = signByHand({ issuer: did });
    const both = await issued(`set-${suite}`, signed);
    expect(proofsOf(both)).toEqual([signed['proof'], expect.objectContaining({ cryptosuite: suite })]);
    expect((await verify(both)).body['verified']).toBe(true);
    const [theirs, ours] = proofsOf(both) as [JsonObject, JsonObject];
    expect((await verify({ ...both, proof: ours })).body['verified']).toBe(true);
    const forged = { ...theirs, created: '2026-01-01T00:00:00Z' };
    expect((await verify({ ...both, proof: [forged, ours] })).status).toBe(400);
    const three = await issued(`set-${suite}`, both);
    expect(proofsOf(three).slice(0, 2)).toEqual([theirs, ours]);
    expect((await verify(three)).body['verified']).toBe(true);
  });

  test.each(['eddsa-rdfc-2022', 'eddsa-jcs-2022'])('%s covers it in a chain', async (suite) => {
    const id = 'urn:uuid:00000000-0000-4000-8000-00000000aaaa';
    const signed = signByHand({ issuer: did }, { id });
    const both = await issued(`chain-${suite}`, signed);
    const [theirs, ours] = proofsOf(both) as [JsonObject, JsonObject];
    expect([theirs, ours['previousProof']]).toEqual([signed['proof'], id]);
    expect((await verify(both)).body['verified']).toBe(true);
    expect((await verify({ ...both, proof: ours })).status).toBe(400);
    const three = await issued(`chain-${suite}`, both);
    const last = proofsOf(three).at(-1) as JsonObject;
    expect(last['previousProof']).toBe(ours['id']);
    expect((await verify(three)).body['verified']).toBe(true);
    expect((await verify({ ...three, proof: [theirs, last] })).status).toBe(400);
    const alone = await issued(`chain-${suite}`, credentialOf(`chain-${suite}`));
    expect((await issued(`chain-${suite}`, alone))['proof']).toMatchObject([
      alone['proof'],
      { previousProof: (alone['proof'] as JsonObject)['id'] },
    ]);
  });

  test('in a chain it covers every proof that no other covers', async () => {
    const { proof, ...document } = signByHand({ issuer: did }, { id: 'urn:uuid:one' });
    const again = await issued('set-eddsa-jcs-2022', { ...document, proof: [proof ?? {}] });
    const named = proofsOf(again).map((one, index) => (index === 1 ? { ...one, id: 'urn:uuid:two' } : one));
    const { body } = await further('chain-eddsa-jcs-2022', { ...document, proof: named });
    const last = proofsOf(body['verifiableCredential'] as JsonObject).at(-1);
    expect(last?.['previousProof']).toEqual(['urn:uuid:one', 'urn:uuid:two']);
  });

  test('is refused, with nothing recorded, where a proof cannot be added', async () => {
    const signed = signByHand({ issuer: did });
    const proof = signed['proof'] as JsonObject;
    const circle = { ...proof, id: 'urn:uuid:a', previousProof: 'urn:uuid:a' };
    const own = issuers.get('eddsa-rdfc-2022')?.issuer ?? '';
    const { issuer: _issuer, ...unnamed } = signed;
    const before = await counted();
    const cases: [string, JsonObject, string][] = [
      ['eddsa-rdfc-2022', { ...signed, issuer: own }, '/credential/proof'],
      ['chain-eddsa-jcs-2022', signed, '/credential/proof'],
      ['chain-eddsa-jcs-2022', { ...signed, proof: circle }, '/credential/proof'],
      ['set-eddsa-jcs-2022', { ...signed, proof: Array.from({ length: 8 }, () => proof) }, '/credential/proof'],
      ['set-eddsa-jcs-2022', { ...signed, proof: [] }, '/credential/proof'],
      ['set-eddsa-jcs-2022', { ...signed, proof: null }, '/credential/proof'],
      ['set-eddsa-jcs-2022', { ...signed, proof: { ...proof, cryptosuite: 'bbs-2023' } }, '/credential/proof'],
      ['set-eddsa-jcs-2022', { ...signed, proof: { ...proof, created: 'now' } }, '/credential/proof/created'],
      ['set-eddsa-jcs-2022', unnamed, '/credential/issuer'],
    ];
    for (const [name, credential, path] of cases) {
      const { status, body } = await further(name, credential);
      const [fault] = body['errors'] as JsonObject[];
      expect([status, body['code'], fault?.['path']]).toEqual([400, 'invalid_credential', path]);
    }
    expect(await counted()).toEqual(before);
  });
});

describe('the catalogue as an instance', () => {
  const example = () => loadCatalogue({ baseUrl: base, root }).types[0]?.example as JsonObject;

  test('issues its types in the words of VCALM, and nothing else', async () => {
    const { status, body } = await post('catalogue/credentials/issue', { credential: example() });
    expect(status).toBe(201);
    expect((body['verifiableCredential'] as JsonObject)['type']).toBe('EnvelopedVerifiableCredential');
    const other = await post('catalogue/credentials/issue', { credential: credentialOf('catalogue') });
    expect(other.status).toBeGreaterThanOrEqual(400);
    const named = { credential: example(), options: { credentialId: 'urn:uuid:mine' } };
    expect((await post('catalogue/credentials/issue', named)).status).toBe(400);
  });

  test('changes a status, and ends a revocation for nobody', async () => {
    const { body } = await post('catalogue/credentials/issue', { credential: example() });
    const token = String((body['verifiableCredential'] as JsonObject)['id']).split('.')[1] ?? '';
    const { id } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { id: string };
    const change = (statusPurpose: string, status: boolean) =>
      post('catalogue/credentials/status', {
        credentialId: id,
        credentialStatus: { type: 'BitstringStatusListEntry', statusPurpose },
        status,
      });
    expect((await change('suspension', true)).status).toBe(200);
    expect((await change('suspension', false)).status).toBe(200);
    expect((await change('revocation', true)).status).toBe(200);
    expect((await change('revocation', false)).status).toBe(409);
  });
});

describe('status', () => {
  const change = (credentialId: Json | undefined, statusPurpose: string, status: boolean, name = 'status') =>
    post(`${name}/credentials/status`, {
      credentialId: credentialId ?? '',
      credentialStatus: { type: 'BitstringStatusListEntry', statusPurpose },
      status,
    });
  const pause = () => new Promise((done) => setTimeout(done, 1100));

  test('is read over https by its own certificate, and told as a warning when it is set', async () => {
    const issued = await issue('status');
    const purposes = (issued['credentialStatus'] as JsonObject[]).map((entry) => entry['statusPurpose']);
    expect(purposes).toEqual(['revocation', 'suspension']);
    expect(titles((await verify(issued)).body)).not.toContain('status_retrieval_failed');
    expect((await change(issued['id'], 'suspension', true)).body).toEqual({});
    expect((await change(issued['id'], 'suspension', true)).status).toBe(200);
    // The list promises to be good for one second.
    await pause();
    const suspended = await verify(issued);
    expect([suspended.status, suspended.body['verified']]).toEqual([200, true]);
    expect(titles(suspended.body)).toContain('status_suspended');
    expect((await change(issued['id'], 'revocation', true)).status).toBe(200);
    expect((await change(issued['id'], 'revocation', false)).status).toBe(409);
  });

  test('belongs to the instance that issued the credential', async () => {
    const issued = await issue('status');
    expect((await change(issued['id'], 'revocation', true, 'vcalm')).status).toBe(404);
    expect((await change('urn:uuid:nobody', 'revocation', true)).status).toBe(404);
  });

  test('needs an id, of the credential or beside it, that was not used before', async () => {
    const { id: _, ...anonymous } = credentialOf('status');
    expect((await post('status/credentials/issue', { credential: anonymous })).status).toBe(400);
    const options = { credentialId: 'https://trust.example/credentials/1' };
    expect((await post('status/credentials/issue', { credential: anonymous, options })).status).toBe(201);
    expect((await post('status/credentials/issue', { credential: anonymous, options })).status).toBe(409);
    expect((await change(options.credentialId, 'revocation', true)).status).toBe(200);
  });

  test('takes no name that nobody could write in a later call', async () => {
    for (const id of ['urn:uuid:\u0000', 'two words', '']) {
      expect((await change(id, 'revocation', true)).status).toBe(400);
      const refused = await post('status/credentials/issue', { credential: credentialOf('status', { id }) });
      expect(refused.status).toBe(400);
    }
  });

  test('keeps what the caller asked for beside its own', async () => {
    const given = { type: 'https://trust.example/OtherStatus', id: 'https://trust.example/status/1' };
    const issued = await issue('status', { credentialStatus: given });
    expect((issued['credentialStatus'] as JsonObject[])[0]).toEqual(given);
    expect(issued['credentialStatus']).toHaveLength(3);
  });
});

describe('verifying', () => {
  test('answers a failure by 400 or by 200, as the instance is configured, with the same words', async () => {
    const forged = tamper(await issue('eddsa-rdfc-2022'));
    const strict = await verify(forged);
    const lenient = await verify(forged, undefined, 'vcalm');
    expect([strict.status, strict.type]).toEqual([400, 'application/json']);
    expect([lenient.status, lenient.type]).toEqual([200, 'application/json']);
    expect(strict.body).toEqual(lenient.body);
    expect([strict.body['verified'], titles(strict.body)]).toEqual([
      false,
      expect.arrayContaining(['signature_invalid']),
    ]);
  });

  test('takes the old selection of checks where the suites send it, and makes all of them', async () => {
    const issued = await issue('eddsa-rdfc-2022');
    const options = { checks: ['proof'] };
    expect((await verify(issued, options)).status).toBe(200);
    expect((await verify(tamper(issued), { checks: [] })).status).toBe(400);
    const refused = await verify(issued, options, 'vcalm');
    expect([refused.status, refused.body['code']]).toEqual([400, 'unknown_option']);
  });

  test.each<[string, Json]>([
    ['nothing', null],
    ['a number', 7],
    ['a list', []],
    ['JSON in a string', '{"type":["VerifiableCredential"]}'],
    ['an empty object', {}],
    ['a proof that is null', { type: ['VerifiableCredential'], proof: null }],
  ])('%s is a failure and no fault of ours', async (_what, input) => {
    expect((await verify(input)).status).toBe(400);
  });

  test('warns that nothing ties an issuer that is no DID to the key, and never calls it valid', async () => {
    const credential = signByHand({ issuer: 'https://vc.example/issuers/5678' });
    const { status, body } = await verify(credential);
    expect([status, body['verified'], titles(body)]).toEqual([200, true, expect.arrayContaining(['issuer_unbound'])]);
    const answer = await app.server.inject({
      method: 'POST',
      url: '/verify',
      payload: { verifiableCredential: credential },
    });
    expect(JSON.parse(answer.body).decision).toBe('invalid');
  });

  test.each(['did:web:localhost', 'did:example:5678', 'DID:key:z6MkOther', 'did:web:trust.example/path'])(
    'but %s is refused: what looks like a DID must own its key',
    async (issuer) => {
      expect((await verify(signByHand({ issuer }))).status).toBe(400);
    },
  );

  test('gives a proof that has just expired the grace of the instance', async () => {
    const expired = (seconds: number) => signByHand({}, { expires: secondsFromNow(-seconds) });
    expect((await verify(expired(200))).status).toBe(200);
    expect((await verify(expired(400))).status).toBe(400);
    expect((await verify(expired(200), undefined, 'vcalm')).body['verified']).toBe(false);
  });

  test('returns results and the credential when it is asked to', async () => {
    const issued = await issue('eddsa-rdfc-2022', { validFrom: '2026-01-01T00:00:00Z' });
    const options = { returnResults: true, returnCredential: true, returnProblemDetails: false };
    const { body } = await verify(issued, options, 'vcalm');
    expect(Object.keys(body).sort()).toEqual(['credential', 'results', 'verified']);
    expect(body['credential']).toEqual(issued);
    expect((body['results'] as JsonObject)['proof']).toEqual([{ verified: true, input: issued['proof'] }]);
  });
});

describe('presentations', () => {
  const asked = { challenge: 'c-1', domain: 'rxb.example' };

  async function present(credentials: readonly Json[]): Promise<JsonObject> {
    const { agent } = app.foundation.identity;
    const holder = await openKeyIdentity(agent, { name: 'a wallet', algorithm: 'EdDSA' });
    const secured = await securePresentation(agent, {
      presentation: {
        '@context': ['https://www.w3.org/ns/credentials/v2'],
        type: ['VerifiablePresentation'],
        holder: holder.did,
        ...(credentials.length > 0 && { verifiableCredential: [...credentials] }),
      },
      format: 'eddsa-rdfc-2022',
      key: holder.key,
      ...asked,
      now: new Date(),
    });
    return secured.verifiablePresentation as JsonObject;
  }

  const verifyVp = (verifiablePresentation: Json, options?: object) =>
    post('verifier/presentations/verify', { verifiablePresentation, ...(options ? { options } : {}) });

  test('are verified with what is in them, whomever it is about', async () => {
    const presentation = await present([await issue('eddsa-rdfc-2022'), await issue('vc-jwt')]);
    const { status, body } = await verifyVp(presentation, asked);
    expect([status, body['verified'], titles(body)]).toEqual([
      200,
      true,
      expect.arrayContaining(['holder_not_subject']),
    ]);
    expect((await verifyVp(await present([]), asked)).status).toBe(200);
  });

  test('are compared with the challenge and domain that are given, and with no others', async () => {
    const presentation = await present([]);
    expect((await verifyVp(presentation, { ...asked, challenge: 'c-2' })).status).toBe(400);
    expect((await verifyVp(presentation, { ...asked, domain: 'rxa.example' })).status).toBe(400);
    const { status, body } = await verifyVp(presentation, { challenge: asked.challenge });
    expect([status, titles(body)]).toEqual([200, expect.arrayContaining(['domain_not_asked'])]);
    expect(titles((await verifyVp(presentation)).body)).toEqual(
      expect.arrayContaining(['challenge_not_asked', 'domain_not_asked']),
    );
  });

  test('fail with one credential in them', async () => {
    const presentation = await present([tamper(await issue('eddsa-rdfc-2022'))]);
    expect((await verifyVp(presentation, asked)).status).toBe(400);
  });

  describe('that nobody signed', () => {
    const unsigned = (credentials: readonly Json[]): JsonObject => ({
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiablePresentation'],
      holder: 'did:example:holder',
      verifiableCredential: [...credentials],
    });
    const verifyUnsigned = (presentation: Json, options?: object, name = 'vcalm') =>
      post(`${name}/presentations/verify`, { presentation, ...(options && { options }) });

    test('are verified by what is in them, with a warning that nothing says who presents', async () => {
      const presentation = unsigned([await issue('eddsa-rdfc-2022'), await issue('vc-sd-jwt'), await issue('vc-cose')]);
      const { status, body } = await verifyUnsigned(presentation, { returnResults: true });
      expect([status, body['verified'], titles(body)]).toEqual([
        200,
        true,
        expect.arrayContaining(['presentation_unsigned']),
      ]);
      const results = body['results'] as { presentation: JsonObject; credentials: JsonObject[] };
      expect(results.presentation).toEqual({ proof: [] });
      expect(results.credentials.map(({ verified }) => verified)).toEqual([true, true, true]);
    });

    test('fail with one credential in them that was altered or that nobody signed', async () => {
      for (const bad of [tamper(await issue('eddsa-rdfc-2022')), credentialOf('eddsa-rdfc-2022')]) {
        const presentation = unsigned([await issue('vc-jwt'), bad]);
        expect((await verifyUnsigned(presentation)).body['verified']).toBe(false);
        expect((await verifyUnsigned(presentation, undefined, 'verifier')).status).toBe(400);
      }
    });

    test.each<[string, (presentation: JsonObject) => Json, string]>([
      ['a proof', (one) => ({ ...one, proof: { type: 'DataIntegrityProof' } }), 'input_not_recognised'],
      ['another type', (one) => ({ ...one, type: ['VerifiableCredential'] }), 'data_model_invalid'],
      ['a bare token in it', (one) => ({ ...one, verifiableCredential: ['a.b.c'] }), 'data_model_invalid'],
      [
        'more than 64 credentials',
        (one) => ({ ...one, verifiableCredential: Array(65).fill({}) }),
        'presentation_too_many_credentials',
      ],
    ])('fail with %s', async (_what, change, code) => {
      const { body } = await verifyUnsigned(change(unsigned([])));
      expect([body['verified'], titles(body)]).toEqual([false, expect.arrayContaining([code])]);
    });

    test('are not asked for together with one that is signed, nor with what only a proof answers', async () => {
      const presentation = unsigned([]);
      const both = await post('vcalm/presentations/verify', { presentation, verifiablePresentation: presentation });
      const neither = await post('vcalm/presentations/verify', {});
      expect([both.status, both.type, neither.status]).toEqual([400, 'application/problem+json', 400]);
      for (const option of [{ challenge: 'c-1' }, { domain: 'rxb.example' }, { returnPresentation: true }]) {
        const { status, body } = await verifyUnsigned(presentation, option);
        expect([status, (body['errors'] as { path: string }[]).map(({ path }) => path)]).toEqual([
          400,
          [`/options/${Object.keys(option)[0]}`],
        ]);
      }
    });
  });
});

describe('deriving', () => {
  const derive = (verifiableCredential: Json, selectivePointers: readonly string[]) =>
    post('derive/credentials/derive', { verifiableCredential, options: { selectivePointers } });

  test('shows what is mandatory and what is pointed at', async () => {
    const members = {
      '@context': ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/examples/v2'],
      credentialSubject: { id: 'did:example:subject', given: 'A', family: 'B' },
    };
    const issued = await issue('ecdsa-sd-2023', members, { mandatoryPointers: ['/credentialSubject/given'] });
    const { status, body } = await derive(issued, []);
    expect(status).toBe(201);
    expect(body['credentialSubject']).toEqual({ id: 'did:example:subject', given: 'A' });
    const more = await derive(issued, ['/credentialSubject/family']);
    expect(more.body['credentialSubject']).toEqual(members.credentialSubject);
    expect((await verify(more.body)).status).toBe(200);
    expect((await derive(issued, ['/credentialSubject/nothing'])).status).toBe(400);
  });

  test('takes nothing out of what was not signed for it', async () => {
    expect((await derive(await issue('eddsa-rdfc-2022'), [])).status).toBe(400);
    const before = await counted();
    const wrong = await post('ecdsa-sd-2023/credentials/issue', {
      credential: credentialOf('ecdsa-sd-2023'),
      options: { mandatoryPointers: ['/credentialSubject/nothing'] },
    });
    expect([wrong.status, await counted()]).toEqual([400, before]);
  });
});

describe('an identifier that was given up', () => {
  test('has no document any more, and its keys prove nothing', async () => {
    const former = `${did}:former`;
    const document = await app.server.inject('/former/did.json');
    expect([document.statusCode, JSON.parse(document.body).code]).toEqual([410, 'gone']);
    const resolved = await app.server.inject(`/1.0/identifiers/${former}`);
    expect([resolved.statusCode, JSON.parse(resolved.body).didDocumentMetadata]).toEqual([410, { deactivated: true }]);
    const forged = signByHand({ issuer: former });
    const proof = { ...(forged['proof'] as JsonObject), verificationMethod: `${former}#key` };
    expect(titles((await verify({ ...forged, proof })).body)).toEqual(expect.arrayContaining(['key_not_fetched']));
  });
});

describe('access', () => {
  test('a token is needed unless the instance is open', async () => {
    const payload = { credential: credentialOf('locked') };
    expect((await post('locked/credentials/issue', payload)).status).toBe(401);
    expect((await post('locked/credentials/verify', { verifiableCredential: {} })).status).toBe(401);
  });

  test('an instance has the operations of its kinds alone', async () => {
    expect((await post('verifier/credentials/issue', {})).status).toBe(404);
    expect((await post('vc-jwt/credentials/status', {})).status).toBe(404);
    expect((await post('nobody/credentials/issue', {})).status).toBe(404);
  });

  test('the API description names every operation of every instance', async () => {
    const { statusCode, body } = await app.server.inject('/docs/json');
    expect(statusCode).toBe(200);
    const { paths } = JSON.parse(body) as {
      paths: Record<string, { post?: { responses: Record<string, JsonObject> } }>;
    };
    const described = Object.keys(paths).filter((path) => path.startsWith('/instances/'));
    const issuing = [...issuers.values()].filter(({ issuer }) => issuer !== undefined).map(({ name }) => name);
    expect(described).toEqual(expect.arrayContaining(issuing.map((name) => `/instances/${name}/credentials/issue`)));
    const refusal = paths['/instances/verifier/credentials/verify']?.post?.responses['400']?.['content'];
    expect(Object.keys(refusal ?? {}).sort()).toEqual(['application/json', 'application/problem+json']);
  });

  test('what instances did is counted by their names', async () => {
    const { body } = await app.server.inject('/metrics');
    expect(body).toMatch(/instance_operations_total\{instance="vc-jwt",operation="issue",outcome="done"\} [1-9]/);
    expect(body).toMatch(/instance_operations_total\{instance="verifier",operation="verify",outcome="invalid"\} [1-9]/);
  });

  test('nothing happened in the background that should not have', () => {
    expect(faults).toEqual([]);
    expect(readFileSync(config, 'utf8')).not.toContain('PRIVATE KEY');
  });
});

function secondsFromNow(seconds: number): string {
  return `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** eddsa-jcs-2022 (vc-di-eddsa 3.3) with a key of nobody's, for what no agent would sign. */
function signByHand(members: JsonObject, options: JsonObject = {}): JsonObject {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const multikey = toMultikey(importJwk(publicKey.export({ format: 'jwk' })));
  const key = `did:key:${multikey}`;
  const unsecured: JsonObject = {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    type: ['VerifiableCredential'],
    issuer: key,
    credentialSubject: { id: 'did:example:subject' },
    ...members,
  };
  const stated: JsonObject = {
    type: 'DataIntegrityProof',
    cryptosuite: 'eddsa-jcs-2022',
    verificationMethod: `${key}#${multikey}`,
    proofPurpose: 'assertionMethod',
    '@context': unsecured['@context'] ?? [],
    ...options,
  };
  const hashes = [stated, unsecured].map((part) => createHash('sha256').update(canonicalJson(part)).digest());
  const proofValue = `z${base58.encode(sign(null, Buffer.concat(hashes), privateKey))}`;
  return { ...unsecured, proof: { ...stated, proofValue } };
}
