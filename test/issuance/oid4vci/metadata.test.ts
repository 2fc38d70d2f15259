import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { trust } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { type Ground, openGround } from './ground.js';

const path = '/.well-known/openid-credential-issuer';

describe('credential issuer metadata', () => {
  let root: Ground;
  let below: Ground;

  beforeAll(async () => {
    root = await openGround();
    below = await openGround({ publicUrl: 'https://host.example:8443/trusts/rxa' });
  }, 60_000);
  afterAll(async () => {
    await root.close();
    await below.close();
  });

  const get = (ground: Ground, url: string, headers: Record<string, string> = {}) =>
    ground.server.inject({ method: 'GET', url, headers });

  test('names the issuer, its endpoints and every type in every format', async () => {
    const answer = await get(root, path);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': expect.stringContaining('max-age'),
      vary: expect.stringContaining('accept'),
    });
    const metadata = answer.json();
    expect(metadata).toMatchObject({
      credential_issuer: 'https://rxa.example',
      credential_endpoint: 'https://rxa.example/credential',
      nonce_endpoint: 'https://rxa.example/nonce',
      deferred_credential_endpoint: 'https://rxa.example/deferred_credential',
      notification_endpoint: 'https://rxa.example/notification',
      batch_credential_issuance: { batch_size: 10 },
      display: [{ name: expect.stringContaining('Rexford') }],
    });
    const ids = Object.keys(metadata.credential_configurations_supported);
    const expected = catalogue.types.flatMap(({ type }) =>
      ['sd_jwt', 'jwt_vc', 'vc2_jwt', 'ldp'].map((format) => `${type}_${format}`),
    );
    expect(ids).toEqual(expected);
    expect([...root.issuer.configurations.keys()]).toEqual(ids);
    expect(root.issuer.configurations.get('DbsCheckCredential_ldp')).toBe('DbsCheckCredential');
  });

  test('gives what each format demands, with the words of the published schema', async () => {
    const { credential_configurations_supported: all } = (await get(root, path)).json();
    expect(all.DbsCheckCredential_jwt_vc).toMatchObject({
      format: 'jwt_vc_json',
      scope: 'DbsCheckCredential_jwt_vc',
      credential_definition: { type: ['VerifiableCredential', 'DbsCheckCredential'] },
      cryptographic_binding_methods_supported: ['did:jwk', 'did:key'],
      credential_signing_alg_values_supported: ['ES256'],
      proof_types_supported: { jwt: { proof_signing_alg_values_supported: ['ES256', 'EdDSA'] } },
    });
    expect(all.DbsCheckCredential_ldp.credential_definition['@context'][0]).toBe(
      'https://www.w3.org/ns/credentials/v2',
    );
    expect(all.DbsCheckCredential_sd_jwt).toMatchObject({
      format: 'dc+sd-jwt',
      vct: 'https://programme.example/vct/DbsCheckCredential/v1',
      cryptographic_binding_methods_supported: ['jwk', 'did:jwk', 'did:key'],
    });
    const { credential_metadata: shown } = all.DbsCheckCredential_jwt_vc;
    expect(shown.display).toEqual([expect.objectContaining({ name: 'DBS check', locale: 'en-GB' })]);
    const level = shown.claims.find(({ path: [, name] }: { path: string[] }) => name === 'checkType');
    expect(level).toMatchObject({
      path: ['credentialSubject', 'checkType'],
      mandatory: true,
      display: [{ name: 'Level of check', locale: 'en-GB' }],
    });
  });

  test('obeys the rules for claims, displays and key binding in every configuration', async () => {
    const { credential_configurations_supported: all } = (await get(root, path)).json();
    // biome-ignore lint/suspicious/noExplicitAny: metadata is read by member name, as a wallet would
    for (const configuration of Object.values<any>(all)) {
      const { claims, display } = configuration.credential_metadata;
      const paths = claims.map((claim: { path: unknown[] }) => JSON.stringify(claim.path));
      expect(new Set(paths).size).toBe(paths.length);
      expect(claims.length).toBeGreaterThan(0);
      expect(display).toHaveLength(1);
      expect(configuration.cryptographic_binding_methods_supported.length).toBeGreaterThan(0);
      expect(JSON.stringify(configuration)).not.toContain('data:');
      expect(configuration.proof_types_supported.jwt).not.toHaveProperty('key_attestations_required');
    }
  });

  test('stands before and after the path of the issuer', async () => {
    for (const url of [`${path}/trusts/rxa`, `/trusts/rxa${path}`]) {
      const answer = await get(below, url);
      expect(answer.json().credential_issuer).toBe('https://host.example:8443/trusts/rxa');
    }
    expect((await get(below, `${path}/trusts/rxb`)).statusCode).toBe(404);
    expect((await get(root, `${path}/`)).statusCode).toBe(404);
  });

  test('is signed for whoever asks for that, and holds the same', async () => {
    const answer = await get(root, path, { accept: 'application/jwt' });
    expect(answer.headers['content-type']).toBe('application/jwt');
    const key = await importJWK(root.programme.agent.es256.jwk, 'ES256');
    const { payload } = await jwtVerify(answer.body, key, { currentDate: root.programme.clock.now });
    expect(decodeProtectedHeader(answer.body)).toEqual({
      alg: 'ES256',
      typ: 'openidvci-issuer-metadata+jwt',
      kid: root.programme.agent.es256.kid,
    });
    const { iss, sub, iat, exp, ...members } = payload;
    expect([iss, sub]).toEqual([trust, 'https://rxa.example']);
    expect(Number(exp) - Number(iat)).toBe(86_400);
    expect(members).toEqual((await get(root, path)).json());
    const again = await get(root, path, { accept: 'application/jwt', 'if-none-match': String(answer.headers['etag']) });
    expect(again.statusCode).toBe(304);
  });

  test.each([
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    ['application/json, application/jwt', 'application/json'],
    ['application/jwt;q=0.5, application/json', 'application/json'],
    ['application/jwt;q=0', 'application/json'],
    ['application/json;q=0.9, application/jwt', 'application/jwt'],
    ['text/html', 'application/json'],
  ])('for Accept: %s is %s', async (accept, contentType) => {
    expect((await get(root, path, { accept })).headers['content-type']).toBe(contentType);
  });
});

describe('the key set', () => {
  test('has the keys of the DID document by the same names, and no private part', async () => {
    const ground = await openGround();
    const answer = await ground.server.inject({ method: 'GET', url: '/jwks' });
    expect(answer.headers['content-type']).toBe('application/jwk-set+json');
    const { keys } = answer.json();
    expect(keys.map(({ kid, alg }: { kid: string; alg: string }) => [kid, alg])).toEqual([
      [ground.programme.agent.es256.kid, 'ES256'],
      [ground.programme.agent.ed25519.kid, 'EdDSA'],
      [ground.programme.agent.es384.kid, 'ES384'],
    ]);
    expect(answer.body).not.toContain('"d"');
    await ground.close();
  });
});

describe('the nonce endpoint', () => {
  let ground: Ground;

  beforeAll(async () => {
    ground = await openGround();
  }, 60_000);
  afterAll(() => ground.close());

  test.each([
    ['no body at all', { method: 'POST', url: '/nonce' }],
    [
      'an empty body that is called a form',
      { method: 'POST', url: '/nonce', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: '' },
    ],
    [
      'an empty body that is called JSON',
      { method: 'POST', url: '/nonce', headers: { 'content-type': 'application/json' } },
    ],
    [
      'an empty object',
      { method: 'POST', url: '/nonce', headers: { 'content-type': 'application/json' }, payload: '{}' },
    ],
  ] as const)('answers %s, never the same, and stores nothing', async (_title, sent) => {
    const before = await ground.rows();
    const answers = [await ground.server.inject(sent), await ground.server.inject(sent)];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(answers[0]?.headers['cache-control']).toBe('no-store');
    const [one, two] = answers.map((answer) => answer.json());
    expect(one).toEqual({ c_nonce: expect.stringMatching(/^[\w-]{43}$/), c_nonce_expires_in: 300 });
    expect(one.c_nonce).not.toBe(two.c_nonce);
    expect(await ground.rows()).toEqual(before);
  });

  test('is no GET', async () => {
    expect((await ground.server.inject({ method: 'GET', url: '/nonce' })).statusCode).toBe(405);
  });
});
