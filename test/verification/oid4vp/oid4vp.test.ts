import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, type JWK } from 'jose';
import { type Asked, asForm, createWallet, type Desk, openDesk, presentWithProof, type Wallet } from './desk.js';

const dbsQuery = {
  credentials: [
    {
      id: 'dbs',
      format: 'jwt_vc_json',
      meta: { type_values: [['DbsCheckCredential']] },
      claims: [{ path: ['credentialSubject', 'checkType'] }],
    },
  ],
};

const withState = expect.objectContaining;

describe('asking for presentations', () => {
  let desk: Desk;
  let wallet: Wallet;
  let dbs: string;
  beforeAll(async () => {
    desk = await openDesk();
    wallet = await createWallet(desk);
    dbs = (await wallet.receive('DbsCheckCredential')) as string;
  }, 60_000);
  afterAll(() => desk.close());
  const started = new Date('2026-11-21T09:00:00Z');
  beforeEach(() => {
    desk.programme.clock.now = started;
  });

  const ask = (changes: object = {}) => desk.ask({ dcql: dbsQuery, flow: 'cross', ...changes });
  const later = (seconds: number) => {
    desk.programme.clock.now = new Date(desk.programme.clock.now.getTime() + seconds * 1000);
  };
  const stateOf = async (asked: Asked) => (await desk.call('GET', `/vp/requests/${asked.id}`)).body;
  const resultOf = (asked: Asked, code?: string) =>
    desk.call('GET', `/vp/requests/${asked.id}/result${code === undefined ? '' : `?response_code=${code}`}`);
  async function questionOf(changes: object = {}) {
    const asked = await ask(changes);
    return { asked, question: await wallet.read(asked.uri) };
  }
  /** Refused with the error that OAuth has for it, nothing kept, and still open for the right answer. */
  async function expectRefused(answer: { status: number; body: unknown }, asked: Asked, detail: RegExp, status = 400) {
    expect([answer.status, answer.body]).toEqual([
      status,
      { error: 'invalid_request', error_description: expect.stringMatching(detail) },
    ]);
    expect(await stateOf(asked)).toMatchObject({ state: 'opened' });
    expect((await resultOf(asked)).status).toBe(409);
  }

  describe('the request', () => {
    test('is signed with a key of the DID document and has what OpenID4VP 1.0 wants, and no iss', async () => {
      const asked = await ask();
      const { header, parameters } = await wallet.read(asked.uri);
      expect(asked.uri).toMatch(
        /^openid4vp:\/\/\?client_id=decentralized_identifier%3Adid%3Aweb%3Arxa\.example&request_uri=/,
      );
      expect(header).toEqual({ alg: 'ES256', typ: 'oauth-authz-req+jwt', kid: 'did:web:rxa.example#a1' });
      expect(parameters).toEqual({
        response_type: 'vp_token',
        client_id: 'decentralized_identifier:did:web:rxa.example',
        response_mode: 'direct_post',
        response_uri: expect.stringMatching(/^https:\/\/rxa\.example\/vp\/response\/[\w-]{32}$/),
        nonce: expect.stringMatching(/^[\w-]{32}$/),
        state: expect.stringMatching(/^[\w-]{32}$/),
        dcql_query: dbsQuery,
        client_metadata: { vp_formats_supported: { jwt_vc_json: { alg_values: ['ES256', 'ES384', 'EdDSA'] } } },
        aud: 'https://self-issued.me/v2',
        iat: started.getTime() / 1000,
        exp: started.getTime() / 1000 + 600,
      });
      expect(asked.uri).not.toContain(asked.id);
    });

    test('is the same question at every fetch, with the nonce of each wallet that sends one', async () => {
      const asked = await ask({ requestUriMethod: 'post' });
      expect(new URL(asked.uri).searchParams.get('request_uri_method')).toBe('post');
      const first = await wallet.read(asked.uri);
      later(5);
      const second = await wallet.read(asked.uri, { method: 'POST', walletNonce: 'qPmxiNFCR3QTm19POc8u' });
      expect(first.parameters['wallet_nonce']).toBeUndefined();
      expect(second.parameters['wallet_nonce']).toBe('qPmxiNFCR3QTm19POc8u');
      const { iat: _, wallet_nonce: __, ...same } = second.parameters;
      expect(first.parameters).toMatchObject(same);
      const { pathname } = new URL(new URL(asked.uri).searchParams.get('request_uri') ?? '');
      const metadata = { wallet_metadata: '{"vp_formats_supported":{}}', another: 'ignored' };
      for (const request of [{}, asForm({}), asForm(metadata)]) {
        expect(await desk.answerOf({ method: 'POST', url: pathname, ...request })).toMatchObject({
          status: 200,
          headers: { 'content-type': 'application/oauth-authz-req+jwt', 'cache-control': 'no-store' },
        });
      }
      const long = await desk.answerOf({ method: 'POST', url: pathname, ...asForm({ wallet_nonce: 'a'.repeat(513) }) });
      expect([long.status, long.body.error]).toEqual([400, 'invalid_request']);
    });

    test('is not there any more when it has expired, and never under a name that was not given', async () => {
      const asked = await ask({ expiresInSeconds: 60 });
      const { pathname } = new URL(new URL(asked.uri).searchParams.get('request_uri') ?? '');
      later(59);
      expect((await desk.answerOf({ url: pathname })).status).toBe(200);
      later(1);
      expect(await desk.answerOf({ url: pathname })).toMatchObject({ status: 410, body: { error: 'invalid_request' } });
      const unknown = `/vp/request/${'A'.repeat(32)}`;
      expect(await desk.answerOf({ url: unknown })).toMatchObject({ status: 404, body: { error: 'invalid_request' } });
      // The verifier's own name for it opens nothing on the wallet's side.
      expect((await desk.answerOf({ url: `/vp/request/${asked.id}` })).status).toBe(404);
      expect((await desk.answerOf({ url: '/vp/request/x' })).status).toBe(400);
    });

    test('tells a person who opens it in a browser that it is for a wallet', async () => {
      const asked = await ask();
      const { pathname } = new URL(new URL(asked.uri).searchParams.get('request_uri') ?? '');
      const answer = await desk.answerOf({ url: pathname, headers: { accept: 'text/html,*/*;q=0.8' } });
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('This address is for a wallet')]);
      expect(await stateOf(asked)).toMatchObject({ state: 'waiting' });
    });

    test('lists in its metadata the formats that it asks for alone', async () => {
      const query = {
        credentials: [
          {
            id: 'a',
            format: 'ldp_vc',
            meta: { type_values: [['https://programme.example/vocabulary#DbsCheckCredential']] },
          },
          {
            id: 'b',
            format: 'dc+sd-jwt',
            meta: { vct_values: ['https://programme.example/vct/DbsCheckCredential/v1'] },
          },
        ],
      };
      const { question } = await questionOf({ dcql: query });
      expect(Object.keys(question.parameters.client_metadata.vp_formats_supported).sort()).toEqual([
        'dc+sd-jwt',
        'ldp_vc',
      ]);
    });

    test('travels unsigned in its link where the scheme is redirect_uri', async () => {
      const asked = await ask({ clientIdScheme: 'redirect_uri', responseMode: 'direct_post.jwt' });
      const { parameters } = await wallet.read(asked.uri);
      expect(parameters).toMatchObject({
        client_id: `redirect_uri:${parameters.response_uri}`,
        response_mode: 'direct_post.jwt',
        dcql_query: dbsQuery,
        client_metadata: { jwks: { keys: [{ kty: 'EC', crv: 'P-256', use: 'enc', alg: 'ECDH-ES' }] } },
      });
      const id = parameters.response_uri.split('/').at(-1);
      expect((await desk.answerOf({ url: `/vp/request/${id}` })).status).toBe(404);
      const payload = {
        vp_token: { dbs: [await wallet.present({ header: { alg: '' }, parameters }, [dbs])] },
        state: parameters.state,
      };
      const response = await wallet.encrypted({ header: { alg: '' }, parameters }, payload);
      expect((await wallet.post({ header: { alg: '' }, parameters }, { response })).status).toBe(200);
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
    });

    test.each([
      ['no flow', { flow: undefined }, '/flow'],
      ['neither template nor query', { dcql: undefined }, '/template'],
      ['both', { template: 'dbs-check' }, '/template'],
      ['an unknown template', { dcql: undefined, template: 'shoe-size' }, '/template'],
      ['formats beside a query', { formats: ['ldp_vc'] }, '/formats'],
      ['transaction data', { transactionData: ['e30'] }, '/transactionData'],
      ['a redirect across devices', { redirectUri: 'https://portal.example/' }, '/redirectUri'],
      ['a redirect by http', { flow: 'same', redirectUri: 'http://portal.example/' }, '/redirectUri'],
      ['a redirect to loopback', { flow: 'same', redirectUri: 'http://127.0.0.1/' }, '/redirectUri'],
      ['a redirect with a fragment', { flow: 'same', redirectUri: 'https://portal.example/#a' }, '/redirectUri'],
      ['a redirect into a script', { flow: 'same', redirectUri: 'javascript:alert(1)' }, '/redirectUri'],
      ['a wallet that is a script', { wallet: 'javascript://%0aalert(1)' }, '/wallet'],
      ['a scheme of the Digital Credentials API', { clientIdScheme: 'origin' }, '/clientIdScheme'],
      ['a certificate that there is not', { clientIdScheme: 'x509_hash' }, '/clientIdScheme'],
      ['a request for a week', { expiresInSeconds: 604_800 }, '/expiresInSeconds'],
      [
        'an unsigned question that no code can hold',
        {
          clientIdScheme: 'redirect_uri',
          dcql: {
            credentials: [
              { ...dbsQuery.credentials[0], claims: Array.from({ length: 40 }, (_, i) => ({ path: [`claim${i}`] })) },
            ],
          },
        },
        '/clientIdScheme',
      ],
    ])('is refused with %s, and nothing is made', async (_title, changes, path) => {
      const before = await rows();
      const answer = await desk.call('POST', '/vp/requests', { dcql: dbsQuery, flow: 'cross', ...changes });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      expect(answer.body.errors.map((fault: { path: string }) => fault.path)).toContain(path);
      expect(await rows()).toBe(before);
    });

    const rows = async () =>
      Number((await desk.programme.store.read((tx) => tx.query('SELECT count(*) AS n FROM vp_request')))[0].n);

    test.each([
      ['POST', '/vp/requests'],
      ['GET', `/vp/requests/${'A'.repeat(32)}`],
      ['GET', `/vp/requests/${'A'.repeat(32)}/result`],
    ] as const)('needs the scope vp:request: %s %s', async (method, url) => {
      expect((await desk.answerOf({ method, url })).status).toBe(401);
      expect((await desk.call(method, url, undefined, 'stranger')).status).toBe(403);
    });

    test('exists for the client that made it alone', async () => {
      const { asked, question } = await questionOf();
      await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] });
      expect((await desk.call('GET', `/vp/requests/${asked.id}`, undefined, 'neighbour')).status).toBe(404);
      expect((await desk.call('GET', `/vp/requests/${asked.id}/result`, undefined, 'neighbour')).status).toBe(404);
      expect((await resultOf(asked)).status).toBe(200);
    });
  });

  describe('the answer', () => {
    test('is told as a report of every check, once, and then deleted', async () => {
      const { asked, question } = await questionOf();
      expect(await stateOf(asked)).toMatchObject({ state: 'opened' });
      const answer = await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] });
      expect([answer.status, answer.body, answer.headers['cache-control']]).toEqual([200, {}, 'no-store']);
      expect(await stateOf(asked)).toMatchObject({ state: 'answered', decision: 'valid' });
      const result = await resultOf(asked);
      expect([result.status, result.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(result.body).toMatchObject({
        id: asked.id,
        decision: 'valid',
        person: 'one_key',
        presentations: [
          {
            id: 'dbs',
            report: {
              decision: 'valid',
              holder: wallet.did,
              credentials: [{ decision: 'valid', credential: { credentialSubject: { id: wallet.did } } }],
            },
          },
        ],
      });
      expect((await resultOf(asked)).status).toBe(410);
      expect(await stateOf(asked)).toMatchObject({ state: 'read', decision: 'valid' });
      const [row] = await desk.programme.store.read((tx) =>
        tx.query('SELECT * FROM vp_request WHERE id = ?', [asked.id]),
      );
      expect(row).toMatchObject({ request: null, result: null });
    });

    test('is taken encrypted to the key of the request, with the header that jose makes', async () => {
      const { asked, question } = await questionOf({ responseMode: 'direct_post.jwt' });
      const { state, client_metadata: metadata } = question.parameters;
      expect(metadata.encrypted_response_enc_values_supported).toEqual(['A128GCM', 'A256GCM']);
      const payload = { vp_token: { dbs: [await wallet.present(question, [dbs])] }, state };
      const response = await wallet.encrypted(question, payload, { header: { enc: 'A256GCM' } });
      expect((await wallet.post(question, { response })).status).toBe(200);
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
    });

    test('may carry a Data Integrity proof, and a type by the IRI that its context gives it', async () => {
      const { holder } = desk.programme.agent;
      const credential = (await wallet.receive('DbsCheckCredential', {
        format: 'eddsa-rdfc-2022',
        holder: holder.did,
      })) as object;
      const type = 'https://programme.example/vocabulary#DbsCheckCredential';
      const dcql = {
        credentials: [
          {
            id: 'dbs',
            format: 'ldp_vc',
            meta: { type_values: [['https://www.w3.org/2018/credentials#VerifiableCredential', type]] },
          },
        ],
      };
      const { asked, question } = await questionOf({ dcql });
      const wrong = await presentWithProof(desk, question, [credential], { domain: 'rxa.example' });
      await expectRefused(await wallet.answer(question, { dbs: [wrong] }), asked, /domain_mismatch/);
      const stale = await presentWithProof(desk, question, [credential], { challenge: 'another' });
      await expectRefused(await wallet.answer(question, { dbs: [stale] }), asked, /challenge_mismatch/);
      const right = await presentWithProof(desk, question, [credential]);
      expect((await wallet.answer(question, { dbs: [right] })).status).toBe(200);
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
    });

    test('may be a vc+jwt in a presentation of the older kind', async () => {
      const credential = (await wallet.receive('DbsCheckCredential', { format: 'vc+jwt' })) as string;
      const { asked, question } = await questionOf();
      expect((await wallet.answer(question, { dbs: [await wallet.present(question, [credential])] })).status).toBe(200);
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
    });

    test('is taken once: whoever comes second, or a second time, is refused', async () => {
      const { asked, question } = await questionOf();
      const token = { dbs: [await wallet.present(question, [dbs])] };
      const both = await Promise.all([wallet.answer(question, token), wallet.answer(question, token)]);
      expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
      const third = await wallet.answer(question, token);
      expect([third.status, third.body]).toEqual([400, withState({ error: 'invalid_request' })]);
      const { pathname } = new URL(new URL(asked.uri).searchParams.get('request_uri') ?? '');
      expect((await desk.answerOf({ url: pathname })).status).toBe(410);
      expect((await resultOf(asked)).status).toBe(200);
      expect((await resultOf(asked)).status).toBe(410);
    });

    test('is refused after the request has expired', async () => {
      const { asked, question } = await questionOf({ expiresInSeconds: 60 });
      const token = { dbs: [await wallet.present(question, [dbs])] };
      later(60);
      const answer = await wallet.answer(question, token);
      expect([answer.status, answer.body.error_description]).toEqual([400, expect.stringContaining('expired')]);
      expect(await stateOf(asked)).toMatchObject({ state: 'expired' });
      expect((await resultOf(asked)).status).toBe(410);
    });

    test('to a request that there is not is refused', async () => {
      const url = `/vp/response/${'A'.repeat(32)}`;
      const answer = await desk.answerOf({ method: 'POST', url, ...asForm({ error: 'access_denied', state: 'x' }) });
      expect([answer.status, answer.body.error]).toEqual([404, 'invalid_request']);
    });

    test('that was made for another request is refused, even of the same wallet and verifier', async () => {
      const { question: other } = await questionOf();
      const { asked, question } = await questionOf();
      const swapped = await wallet.present(other, [dbs]);
      await expectRefused(await wallet.answer(question, { dbs: [swapped] }), asked, /challenge_mismatch/);
      await expectRefused(
        await wallet.answer(question, { dbs: [swapped] }, { state: other.parameters.state }),
        asked,
        /state/,
      );
    });

    type Case = [string, RegExp, (question: Awaited<ReturnType<typeof questionOf>>['question']) => Promise<unknown>];
    const present = (mistakes: Parameters<Wallet['present']>[2], credentials?: (string | object)[]) =>
      (async (question) => ({ dbs: [await wallet.present(question, credentials ?? [dbs], mistakes)] })) as Case[2];
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const seconds = started.getTime() / 1000;
    test.each<Case>([
      ['a wrong nonce', /challenge_mismatch/, present({ nonce: 'n-0S6_WzA2Mj' })],
      ['no nonce', /challenge_mismatch/, present({ claims: { nonce: undefined } })],
      [
        'another verifier as audience',
        /domain_mismatch/,
        present({ aud: 'decentralized_identifier:did:web:rxb.example' }),
      ],
      ['an audience without its prefix', /domain_mismatch/, present({ aud: 'did:web:rxa.example' })],
      [
        'two audiences',
        /domain_mismatch/,
        present({ claims: { aud: ['decentralized_identifier:did:web:rxa.example', 'x'] } }),
      ],
      ['the signature of another key', /signature_invalid/, present({ signWith: foreign.privateKey })],
      ['a header without a key', /kid_invalid/, present({ header: { kid: undefined } })],
      ['a header of another type', /typ_unknown/, present({ header: { alg: 'ES256', typ: 'vc+jwt' } })],
      ['a presenter who is not the owner of the key', /holder_mismatch/, present({ iss: 'did:web:rxa.example' })],
      [
        'an iat in the future',
        /presentation_not_yet_valid/,
        present({ claims: { iat: seconds + 3600, nbf: seconds + 3600 } }),
      ],
      ['an exp in the past', /presentation_expired/, present({ claims: { exp: seconds - 3600 } })],
      ['no credential', /presentation_empty/, present({}, [])],
      ['a text that is no token', /token_malformed/, async () => ({ dbs: ['good morning'] })],
      [
        'no algorithm',
        /alg_not_allowed/,
        async (question) => {
          const [, payload] = (await wallet.present(question, [dbs])).split('.');
          return { dbs: [`${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.AA`] };
        },
      ],
      [
        'a MAC by the public key',
        /alg_not_allowed/,
        async (question) => {
          const { SignJWT } = await import('jose');
          const secret = Buffer.from(JSON.stringify(wallet.jwk));
          const { client_id: aud, nonce } = question.parameters;
          const vp = {
            '@context': ['https://www.w3.org/2018/credentials/v1'],
            type: ['VerifiablePresentation'],
            verifiableCredential: [dbs],
          };
          const jwt = new SignJWT({ iss: wallet.did, aud, nonce, vp });
          return {
            dbs: [await jwt.setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: `${wallet.did}#0` }).sign(secret)],
          };
        },
      ],
    ])('is refused with %s, and the right one is taken afterwards', async (_title, detail, make) => {
      const { asked, question } = await questionOf();
      await expectRefused(await wallet.answer(question, (await make(question)) as object), asked, detail);
      expect(await stateOf(asked)).toMatchObject({ refusals: 1 });
      expect((await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] })).status).toBe(200);
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
    });

    test('is refused five times, and then the request is over', async () => {
      const { asked, question } = await questionOf();
      for (let round = 1; round <= 5; round += 1) {
        const wrong = await wallet.present(question, [dbs], { nonce: `wrong${round}` });
        expect((await wallet.answer(question, { dbs: [wrong] })).status).toBe(400);
      }
      expect(await stateOf(asked)).toMatchObject({ state: 'failed', refusals: 5 });
      expect((await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] })).status).toBe(400);
      expect((await resultOf(asked)).status).toBe(409);
    });

    test.each<[string, RegExp, (token: string) => Record<string, string>]>([
      ['no state', /state/, (token) => ({ vp_token: token, state: '' })],
      ['another state', /state/, (token) => ({ vp_token: token, state: 'kQ3v9pXc7TnB2sYw0LfRzM5hJdUeGaVo' })],
      ['neither vp_token nor error', /exactly one/, () => ({})],
      ['both vp_token and error', /exactly one/, (token) => ({ vp_token: token, error: 'access_denied' })],
      ['a vp_token that is no JSON', /JSON/, () => ({ vp_token: '{' })],
      ['a vp_token with a member twice', /JSON/, () => ({ vp_token: '{"dbs":["a"],"dbs":["b"]}' })],
      ['a vp_token that is a text', /malformed/, () => ({ vp_token: '"eyJ"' })],
      ['a vp_token that is an array', /malformed/, () => ({ vp_token: '[]' })],
      ['a presentation that is not in an array', /malformed/, () => ({ vp_token: '{"dbs":"eyJ"}' })],
      ['an empty vp_token', /credential_missing \(dbs\)/, () => ({ vp_token: '{}' })],
      ['an empty array', /empty/, () => ({ vp_token: '{"dbs":[]}' })],
      ['an object where a text is due', /format_differs/, () => ({ vp_token: '{"dbs":[{}]}' })],
      ['two where one was asked for', /not_one/, () => ({ vp_token: '{"dbs":["a","b"]}' })],
      [
        'an id that was not asked for',
        /not_asked/,
        (token) => ({ vp_token: JSON.stringify({ ...JSON.parse(token), extra: ['a'] }) }),
      ],
      ['an id of Object itself', /not_asked/, () => ({ vp_token: '{"constructor":["a"]}' })],
      ['an encrypted response that nobody asked for', /did not ask/, () => ({ response: 'a.b.c.d.e' })],
    ])('is refused with %s, and counts for nothing', async (_title, detail, form) => {
      const { asked, question } = await questionOf();
      const { state } = question.parameters;
      const token = JSON.stringify({ dbs: [await wallet.present(question, [dbs])] });
      await expectRefused(await wallet.post(question, { state, ...form(token) }), asked, detail);
      expect(await stateOf(asked)).toMatchObject({ refusals: 0 });
    });

    test('is refused without reading it when it is huge, sent twice, or no form', async () => {
      const { asked, question } = await questionOf();
      const { pathname } = new URL(question.parameters.response_uri);
      const huge = await wallet.answer(question, { dbs: ['a'.repeat(300_000)] });
      expect([huge.status, huge.body.error]).toEqual([413, 'invalid_request']);
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const twice = await desk.answerOf({ method: 'POST', url: pathname, headers: form, payload: 'state=a&state=b' });
      expect([twice.status, twice.body.error]).toEqual([400, 'invalid_request']);
      const json = await desk.answerOf({ method: 'POST', url: pathname, payload: { vp_token: {} } });
      expect([json.status, json.body.error]).toEqual([415, 'invalid_request']);
      expect(await stateOf(asked)).toMatchObject({ state: 'opened', refusals: 0 });
    });

    describe('in direct_post.jwt', () => {
      const encryptedQuestion = () => questionOf({ responseMode: 'direct_post.jwt' });
      type Made = (
        question: Awaited<ReturnType<typeof questionOf>>['question'],
        payload: object,
      ) => Promise<Record<string, string>>;
      const anotherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
      test.each<[string, RegExp, Made]>([
        [
          'in the clear',
          /must be encrypted/,
          async ({ parameters }, payload) => ({
            vp_token: JSON.stringify((payload as { vp_token: object }).vp_token),
            state: parameters.state,
          }),
        ],
        [
          'encrypted to another key',
          /does not open/,
          async (question, payload) => ({
            response: await wallet.encrypted(question, payload, { key: (await exportJWK(anotherKey)) as JWK }),
          }),
        ],
        [
          'naming another key',
          /another key/,
          async (question, payload) => ({
            response: await wallet.encrypted(question, payload, { header: { kid: 'x' } }),
          }),
        ],
        [
          'with an algorithm that was not offered',
          /alg of the message/,
          async (question, payload) => ({
            response: await wallet.encrypted(question, payload, { header: { alg: 'ECDH-ES+A128KW' } }),
          }),
        ],
        [
          'with an enc that was not offered',
          /enc of the message/,
          async (question, payload) => ({
            response: await wallet.encrypted(question, payload, { header: { enc: 'A128CBC-HS256' } }),
          }),
        ],
        [
          'signed instead of encrypted',
          /five parts/,
          async (question) => ({ response: await wallet.present(question, [dbs]) }),
        ],
        [
          'changed on its way',
          /does not open/,
          async (question, payload) => {
            const [header, key, iv, text, tag] = (await wallet.encrypted(question, payload)).split('.') as string[];
            return {
              response: [header, key, iv, `${text?.startsWith('A') ? 'B' : 'A'}${text?.slice(1)}`, tag].join('.'),
            };
          },
        ],
        [
          'with another state inside',
          /state/,
          async (question, payload) => ({ response: await wallet.encrypted(question, { ...payload, state: 'x' }) }),
        ],
        [
          'with another state beside it',
          /state/,
          async (question, payload) => ({ response: await wallet.encrypted(question, payload), state: 'x' }),
        ],
        [
          'with something else than an object',
          /not a JSON object/,
          async (question) => ({ response: await wallet.encrypted(question, []) }),
        ],
      ])('is refused %s', async (_title, detail, make) => {
        const { asked, question } = await encryptedQuestion();
        const { state } = question.parameters;
        const payload = { vp_token: { dbs: [await wallet.present(question, [dbs])] }, state };
        await expectRefused(await wallet.post(question, await make(question, payload)), asked, detail);
        expect((await wallet.post(question, { response: await wallet.encrypted(question, payload) })).status).toBe(200);
      });

      test('has a key of its own in every request', async () => {
        const questions = [await encryptedQuestion(), await encryptedQuestion()];
        const keys = questions.map(({ question }) => question.parameters.client_metadata.jwks.keys);
        expect(keys.map((all) => all.length)).toEqual([1, 1]);
        expect(keys[0][0].kid).not.toBe(keys[1][0].kid);
        expect(keys[0][0].x).not.toBe(keys[1][0].x);
        expect(Object.keys(keys[0][0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
      });

      test('may say no in the clear', async () => {
        const { asked, question } = await encryptedQuestion();
        const { state } = question.parameters;
        expect((await wallet.post(question, { error: 'access_denied', state })).status).toBe(200);
        expect(await stateOf(asked)).toMatchObject({ state: 'declined', error: 'access_denied' });
      });
    });

    test.each([
      ['access_denied', 'access_denied'],
      ['vp_formats_not_supported', 'vp_formats_not_supported'],
      ['Jane Doe has no such document', 'other'],
    ])('may be an error, %s, which ends the request', async (error, told) => {
      const { asked, question } = await questionOf();
      const { state } = question.parameters;
      expect(await wallet.post(question, { error, state, error_description: 'Jane Doe' })).toMatchObject({
        status: 200,
        body: {},
      });
      expect(await stateOf(asked)).toMatchObject({ state: 'declined', error: told });
      expect((await resultOf(asked)).status).toBe(409);
      expect((await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] })).status).toBe(400);
    });

    test('is not an error of somebody who does not know the state', async () => {
      const { asked, question } = await questionOf();
      await expectRefused(await wallet.post(question, { error: 'access_denied', state: 'x' }), asked, /state/);
    });
  });

  describe('the verdict', () => {
    const decide = async (credentials: (string | object)[]) => {
      const { asked, question } = await questionOf();
      const answer = await wallet.answer(question, { dbs: [await wallet.present(question, credentials)] });
      return { answer, result: await resultOf(asked) };
    };
    const codesIn = (result: {
      body: { presentations: { report: { credentials: { checks: { outcome: string; code: string }[] }[] } }[] };
    }) =>
      result.body.presentations.flatMap(({ report }) =>
        report.credentials.flatMap(({ checks }) =>
          checks.filter(({ outcome }) => outcome === 'fail').map(({ code }) => code),
        ),
      );

    test('is that of POST /verify: a revoked credential is an answer that is not valid', async () => {
      const issued = (await wallet.receive('DbsCheckCredential')) as string;
      const { jti } = JSON.parse(Buffer.from(issued.split('.')[1] ?? '', 'base64url').toString());
      const order = { credentialId: jti, action: 'revoke', reason: 'TrainingExpiry' } as const;
      await desk.programme.issuance().changeStatus(order as never, { clientId: 'hr-system' } as never);
      later(301);
      const { answer, result } = await decide([issued]);
      expect(answer.status).toBe(200);
      expect([result.body.decision, codesIn(result)]).toEqual(['invalid', ['status_revoked']]);
    });

    test('is not given on a credential of somebody else', async () => {
      const colleague = await createWallet(desk);
      const theirs = (await colleague.receive('DbsCheckCredential')) as string;
      const { answer, result } = await decide([theirs]);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
      expect(answer.body.error_description).toContain('holder_not_subject');
      expect(result.status).toBe(409);
    });

    test('is not valid for an issuer who is not listed', async () => {
      const { registry } = desk.programme;
      const listed = registry.organisations;
      registry.organisations = [];
      const unlisted = await decide([dbs]);
      registry.organisations = listed;
      expect([unlisted.result.body.decision, codesIn(unlisted.result)]).toEqual(['invalid', ['issuer_not_listed']]);
    });

    test('is not given on a credential whose signature does not hold', async () => {
      const [header, , signature] = dbs.split('.');
      const claims = JSON.parse(Buffer.from(dbs.split('.')[1] ?? '', 'base64url').toString());
      claims.vc.credentialSubject.checkType = 'Enhanced';
      const forged = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
      const { answer, result } = await decide([forged]);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
      expect(answer.body.error_description).toContain('signature_invalid');
      expect(result.status).toBe(409);
    });

    test('cannot be given while the registry is too old to decide with', async () => {
      const { registry } = desk.programme;
      registry.present = false;
      const { result } = await decide([dbs]);
      registry.present = true;
      expect(result.body.decision).not.toBe('valid');
    });

    test.each<[string, RegExp, object, string]>([
      ['another type', /type_differs/, {}, 'CoreSkillCredential'],
      [
        'a claim less',
        /claim_missing/,
        { claims: [{ path: ['credentialSubject', 'shoeSize'] }] },
        'DbsCheckCredential',
      ],
      [
        'another value',
        /value_differs/,
        { claims: [{ path: ['credentialSubject', 'checkType'], values: ['Guess'] }] },
        'DbsCheckCredential',
      ],
    ])(
      'is not even asked for when the credential has %s than the query wants',
      async (_title, detail, changes, type) => {
        const credential = (await wallet.receive(type)) as string;
        const { asked, question } = await questionOf({
          dcql: { credentials: [{ ...dbsQuery.credentials[0], ...changes }] },
        });
        const token = { dbs: [await wallet.present(question, [credential])] };
        await expectRefused(await wallet.answer(question, token), asked, detail);
      },
    );

    test('is not even asked for when the credential is secured otherwise than the query wants', async () => {
      const credential = (await wallet.receive('DbsCheckCredential', { format: 'eddsa-rdfc-2022' })) as object;
      const { asked, question } = await questionOf();
      const token = { dbs: [await wallet.present(question, [credential])] };
      await expectRefused(await wallet.answer(question, token), asked, /format_differs/);
    });

    test('is not even asked for when one presentation holds two credentials', async () => {
      const { asked, question } = await questionOf();
      const token = { dbs: [await wallet.present(question, [dbs, dbs])] };
      await expectRefused(await wallet.answer(question, token), asked, /not_one_credential/);
    });

    const two = {
      credentials: [
        dbsQuery.credentials[0],
        { id: 'skill', format: 'jwt_vc_json', meta: { type_values: [['CoreSkillCredential']] }, multiple: true },
      ],
    };

    test('covers every document that was asked for, several of one kind among them', async () => {
      const skills = [await wallet.receive('CoreSkillCredential'), await wallet.receive('CoreSkillCredential')];
      const { asked, question } = await questionOf({ dcql: two });
      const presentations = await Promise.all(skills.map((skill) => wallet.present(question, [skill])));
      const only = await wallet.answer(question, { skill: presentations });
      await expectRefused(only, asked, /credential_missing \(dbs\)/);
      const repeated = { dbs: [await wallet.present(question, [dbs])], skill: [presentations[0], presentations[0]] };
      await expectRefused(await wallet.answer(question, repeated), asked, /repeated/);
      const token = { dbs: [await wallet.present(question, [dbs])], skill: presentations };
      expect((await wallet.answer(question, token)).status).toBe(200);
      const { body } = await resultOf(asked);
      expect([body.decision, body.person]).toEqual(['valid', 'one_key']);
      expect(body.presentations.map(({ id }: { id: string }) => id)).toEqual(['dbs', 'skill', 'skill']);
    });

    test('says whether documents that were shown with several keys are of one person', async () => {
      const second = await createWallet(desk);
      const [mine, theirs] = ['0b5e1a2c-7a57-4b7a-9d0b-3f0a5c2f6d11', '0b5e1a2c-7a57-4b7a-9d0b-3f0a5c2f6d12'];
      const first = await wallet.receive('DbsCheckCredential', { subject: { personBindingId: mine } });
      for (const [personBindingId, person, decision] of [
        [mine, 'one_identifier', 'valid'],
        [theirs, 'several', 'invalid'],
      ] as const) {
        const skill = await second.receive('CoreSkillCredential', { subject: { personBindingId } });
        const { asked, question } = await questionOf({ dcql: two });
        const token = {
          dbs: [await wallet.present(question, [first])],
          skill: [await second.present(question, [skill])],
        };
        expect((await wallet.answer(question, token)).status).toBe(200);
        expect((await resultOf(asked)).body).toMatchObject({ decision, person });
      }
    });
  });

  describe('a template', () => {
    test('is published and asks for what its file says, in the formats that are wanted', async () => {
      const { body } = await desk.answerOf({ url: '/vp/templates' });
      expect(body.templates.map(({ name }: { name: string }) => name)).toContain('ready-to-start');
      const asked = await desk.ask({ template: 'dbs-check', flow: 'cross', formats: ['jwt_vc_json'] });
      const { parameters } = await wallet.read(asked.uri);
      expect(parameters.dcql_query).toMatchObject({
        credentials: [{ id: 'dbs', format: 'jwt_vc_json', meta: { type_values: [['DbsCheckCredential']] } }],
      });
      expect(parameters.dcql_query.credential_sets).toBeUndefined();
    });

    test('leaves the wallet the choice between formats, and is answered by one of them', async () => {
      const asked = await desk.ask({ template: 'dbs-check', flow: 'cross' });
      const question = await wallet.read(asked.uri);
      expect(question.parameters.dcql_query.credential_sets).toEqual([{ options: [['dbs-sd_jwt'], ['dbs-jwt_vc']] }]);
      const none = await wallet.answer(question, {});
      await expectRefused(none, asked, /set_not_satisfied/);
      expect((await wallet.answer(question, { 'dbs-jwt_vc': [await wallet.present(question, [dbs])] })).status).toBe(
        200,
      );
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
    });

    test('may ask for documents that need not be there', async () => {
      const asked = await desk.ask({ template: 'ready-to-start', flow: 'cross', formats: ['jwt_vc_json'] });
      const question = await wallet.read(asked.uri);
      const required = {
        identity: 'StaffIdentityCredential',
        rightToWork: 'RightToWorkCredential',
        dbs: 'DbsCheckCredential',
      };
      const entries = await Promise.all(
        Object.entries(required).map(async ([id, type]) => [
          id,
          [await wallet.present(question, [await wallet.receive(type)])],
        ]),
      );
      expect((await wallet.answer(question, Object.fromEntries(entries))).status).toBe(200);
      const { body } = await resultOf(asked);
      expect(body.presentations).toHaveLength(3);
    });
  });

  describe('personal data', () => {
    test('is in no log line, no audit record, and no row that is not sealed', async () => {
      const { asked, question } = await questionOf();
      const wrong = await wallet.present(question, [dbs], { nonce: 'wrong' });
      await wallet.answer(question, { dbs: [wrong] });
      const token = await wallet.present(question, [dbs]);
      await wallet.answer(question, { dbs: [token] });
      const [row] = await desk.programme.store.read((tx) =>
        tx.query('SELECT * FROM vp_request WHERE id = ?', [asked.id]),
      );
      const audit = await desk.programme.store.read((tx) =>
        tx.query("SELECT * FROM audit_record WHERE action LIKE 'vp.%'"),
      );
      const kept = `${JSON.stringify(audit)}${JSON.stringify({ ...row, result: '' })}${row.result.toString('latin1')}`;
      for (const secret of [
        dbs.slice(-40),
        token.slice(-40),
        wallet.did,
        question.parameters.nonce,
        question.parameters.state,
      ]) {
        expect(kept).not.toContain(secret);
        expect(desk.log.join('')).not.toContain(secret);
      }
      expect(kept).not.toContain('DbsCheckCredential');
    });

    test('is deleted an hour after nobody has read it, and the row itself after a day', async () => {
      const { asked, question } = await questionOf();
      await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] });
      later(3599);
      expect(await stateOf(asked)).toMatchObject({ state: 'answered' });
      later(1);
      expect(await stateOf(asked)).toMatchObject({ state: 'lapsed' });
      expect((await resultOf(asked)).status).toBe(410);
    });
  });
});
