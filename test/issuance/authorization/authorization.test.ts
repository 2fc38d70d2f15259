/** The wallets' authorization server: every grant as it should go, and each thing that must be refused, alone. */
import { generateKeyPairSync } from 'node:crypto';
import { exportJWK } from 'jose';
import type { MintedOffer } from '../../../src/issuance/offers/offers.js';
import {
  type Answer,
  asking,
  type Counter,
  clientId,
  codeForm,
  type DpopKey,
  issuer,
  newDpopKey,
  newPkce,
  obtainCode,
  openCounter,
  type ProofParts,
  preAuthorized,
  redemption,
} from './counter.js';

let counter: Counter;

beforeAll(async () => {
  counter = await openCounter();
}, 60_000);

afterAll(() => counter.close());

const passport = ['StaffIdentityCredential', 'CoreSkillCredential', 'CoreSkillCredential'];

/** An offer that a wallet may redeem, and HR's code for it. */
async function minted(types?: readonly string[], format?: string): Promise<{ offer: MintedOffer; txCode: string }> {
  const offer = await counter.offer(types);
  return { offer: await counter.mint(offer, 'pre-authorized_code', format), txCode: offer.txCode ?? '' };
}

async function tokens(types?: readonly string[], headers: Record<string, string> = {}): Promise<Answer> {
  const { offer, txCode } = await minted(types);
  const answer = await counter.post('/token', redemption(offer, txCode), headers);
  expect(answer).toMatchObject({ status: 200 });
  return answer;
}

function authorise(token: string, more: { scheme?: string; dpop?: string; method?: string; url?: string } = {}) {
  const { scheme = 'Bearer', dpop, method = 'POST', url = `${issuer}/credential` } = more;
  return counter.authorization.authorise({ authorization: `${scheme} ${token}`, dpop, method, url });
}

const refresh = (refreshToken: string, more = {}, headers = {}) =>
  counter.post('/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...more }, headers);

/** Refused with an OAuth error that nobody may keep. */
function expectRefusal(answer: Answer, error: string, status = 400): void {
  expect(answer).toMatchObject({ status, body: { error } });
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(Object.keys(answer.body).sort()).toEqual(['error', 'error_description']);
}

describe('the metadata of the authorization server', () => {
  test('stands at both well-known addresses and names what there is', async () => {
    const inserted = '/.well-known/oauth-authorization-server/trusts/rxa';
    const appended = '/trusts/rxa/.well-known/oauth-authorization-server';
    for (const url of [inserted, appended]) {
      const answer = await counter.server.inject(url);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.json()).toMatchObject({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        pushed_authorization_request_endpoint: `${issuer}/par`,
        grant_types_supported: [preAuthorized, 'authorization_code', 'refresh_token'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
        'pre-authorized_grant_anonymous_access_supported': true,
        authorization_response_iss_parameter_supported: true,
        scopes_supported: expect.arrayContaining(['StaffIdentityCredential_sd_jwt']),
      });
      expect(answer.json().dpop_signing_alg_values_supported).toContain('ES256');
    }
  });

  test('offers no authorization code where nobody can sign in, and refuses those who try', async () => {
    const without = await openCounter(undefined, { withSignIn: false });
    const { metadata } = without.authorization;
    expect(metadata.grant_types_supported).toEqual([preAuthorized, 'refresh_token']);
    expect(metadata.authorization_endpoint).toBeUndefined();
    expectRefusal(await without.post('/par', asking(newPkce().challenge)), 'unauthorized_client');
    expectRefusal(await without.post('/token', codeForm({ code: 'x', verifier: 'y' })), 'unsupported_grant_type');
    await without.close();
  });
});

describe('a pre-authorized code', () => {
  test('becomes tokens that open what was offered', async () => {
    const { offer, txCode } = await minted();
    const answer = await counter.post('/token', redemption(offer, txCode));
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', expires_in: 600, scope: 'StaffIdentityCredential_sd_jwt' },
    });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.body.authorization_details).toBeUndefined();
    const access = await authorise(answer.body.access_token);
    expect(access).toEqual({
      sessionId: expect.any(String),
      generation: 0,
      identifiers: false,
      grant: {
        offerId: expect.any(String),
        documentIds: offer.documentIds,
        configurationIds: ['StaffIdentityCredential_sd_jwt'],
        signedIn: false,
        generation: 1,
      },
    });
  });

  test('is taken from wallets that know the code by its name of draft 11', async () => {
    const { offer, txCode } = await minted();
    const form = { ...redemption(offer, undefined), user_pin: txCode };
    expect((await counter.post('/token', form)).status).toBe(200);
    const both = await minted();
    const twice = { ...redemption(both.offer, both.txCode), user_pin: both.txCode };
    expect((await counter.post('/token', twice)).status).toBe(200);
  });

  test('names identifiers where one configuration stands for several documents', async () => {
    const { body } = await tokens(passport);
    const skills = body.authorization_details.find(
      (detail: { credential_configuration_id: string }) =>
        detail.credential_configuration_id === 'CoreSkillCredential_sd_jwt',
    );
    expect(skills).toMatchObject({ type: 'openid_credential' });
    expect(new Set(skills.credential_identifiers).size).toBe(2);
    const access = await authorise(body.access_token);
    expect(access.identifiers).toBe(true);
    expect(access.grant.documentIds).toEqual(expect.arrayContaining(skills.credential_identifiers));
  });

  test('gives a part of what was offered to a wallet that asks for a part, and no more than was offered', async () => {
    const { offer, txCode } = await minted(passport);
    const asked = (id: string) => JSON.stringify([{ type: 'openid_credential', credential_configuration_id: id }]);
    const form = redemption(offer, txCode);
    const more = { ...form, authorization_details: asked('DbsCheckCredential_sd_jwt') };
    expectRefusal(await counter.post('/token', more), 'invalid_authorization_details');
    const less = { ...form, authorization_details: asked('StaffIdentityCredential_sd_jwt') };
    const answer = await counter.post('/token', less);
    expect(answer.body.authorization_details).toEqual([
      {
        type: 'openid_credential',
        credential_configuration_id: 'StaffIdentityCredential_sd_jwt',
        credential_identifiers: [expect.any(String)],
      },
    ]);
    const { grant, identifiers } = await authorise(answer.body.access_token);
    expect({ configurationIds: grant.configurationIds, identifiers }).toEqual({
      configurationIds: ['StaffIdentityCredential_sd_jwt'],
      identifiers: true,
    });
  });

  test('works once', async () => {
    const { offer, txCode } = await minted();
    const first = await counter.post('/token', redemption(offer, txCode));
    const before = await counter.rows();
    expectRefusal(await counter.post('/token', redemption(offer, txCode)), 'invalid_grant');
    expect(await counter.rows()).toEqual(before);
    // Whoever still has the letter must not be able to end what the person received.
    await expect(authorise(first.body.access_token)).resolves.toBeDefined();
  });

  test('is refused when unknown or over, without anything stored', async () => {
    const { offer, txCode } = await minted();
    const before = await counter.rows();
    const unknown = { ...redemption(offer, txCode), 'pre-authorized_code': 'SplxlOBeZQQYbYS6WxSbIA' };
    expectRefusal(await counter.post('/token', unknown), 'invalid_grant');
    counter.pass(16 * 60_000);
    expectRefusal(await counter.post('/token', redemption(offer, txCode)), 'invalid_grant');
    expect(await counter.rows()).toEqual(before);
  });

  test('is refused without the tx_code or with one that nobody asked for, and neither counts as a try', async () => {
    const { offer, txCode } = await minted();
    for (let count = 0; count < 6; count += 1) {
      expectRefusal(await counter.post('/token', redemption(offer, undefined)), 'invalid_request');
      // RFC 6749 3.2: a parameter without a value was not sent.
      expectRefusal(await counter.post('/token', redemption(offer, '')), 'invalid_request');
    }
    expect((await counter.post('/token', redemption(offer, txCode))).status).toBe(200);
  });

  test('dies with the fifth wrong tx_code, whichever code of the passport it was tried with', async () => {
    const offer = await counter.offer(passport);
    const one = await counter.mint(offer);
    const other = await counter.mint(offer, 'pre-authorized_code', 'jwt_vc');
    const wrong = offer.txCode === '000000' ? '000001' : '000000';
    for (const minting of [one, other, one, other, one]) {
      expectRefusal(await counter.post('/token', redemption(minting, wrong)), 'invalid_grant');
    }
    for (const minting of [one, other]) {
      expectRefusal(await counter.post('/token', redemption(minting, offer.txCode)), 'invalid_grant');
    }
  });

  test('counts no tries by way of a code that was used', async () => {
    const offer = await counter.offer(passport);
    const used = await counter.mint(offer, 'pre-authorized_code', 'jwt_vc');
    const good = await counter.mint(offer);
    expect((await counter.post('/token', redemption(used, offer.txCode))).status).toBe(200);
    for (let count = 0; count < 6; count += 1) {
      expectRefusal(await counter.post('/token', redemption(used, '000000')), 'invalid_grant');
    }
    const { triesLeft } = await counter.offers.read(offer.offerId);
    expect(triesLeft).toBe(5);
    expect((await counter.post('/token', redemption(good, offer.txCode))).status).toBe(200);
  });
});

describe('a token request', () => {
  test.each([
    ['without grant_type', {}, 'invalid_request'],
    ['with another grant', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['with the name of an object member', { grant_type: 'constructor' }, 'unsupported_grant_type'],
    ['with a password', { grant_type: 'password', username: 'a', password: 'b' }, 'unsupported_grant_type'],
    ['without its code', { grant_type: preAuthorized }, 'invalid_request'],
    ['with an empty code', { grant_type: preAuthorized, 'pre-authorized_code': '' }, 'invalid_request'],
    ['without an authorization code', { grant_type: 'authorization_code' }, 'invalid_request'],
    ['without a refresh token', { grant_type: 'refresh_token' }, 'invalid_request'],
    [
      'with a code beyond any length',
      { grant_type: preAuthorized, 'pre-authorized_code': 'a'.repeat(513) },
      'invalid_request',
    ],
    ['with an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'nothing' }, 'invalid_grant'],
  ])('%s is refused', async (_title, form, error) => {
    const before = await counter.rows();
    expectRefusal(await counter.post('/token', form), error);
    expect(await counter.rows()).toEqual(before);
  });

  test.each([
    ['is no JSON', 'nonsense', 'invalid_authorization_details'],
    ['is no array', '{}', 'invalid_authorization_details'],
    ['is empty', '[]', 'invalid_authorization_details'],
    ['has another type', '[{"type":"payment"}]', 'invalid_authorization_details'],
    ['names nothing', '[{"type":"openid_credential"}]', 'invalid_authorization_details'],
    [
      'names what there is not',
      '[{"type":"openid_credential","credential_configuration_id":"Pet_sd_jwt"}]',
      'invalid_authorization_details',
    ],
    [
      'is for another issuer',
      '[{"type":"openid_credential","credential_configuration_id":"StaffIdentityCredential_sd_jwt","locations":["https://rxb.example"]}]',
      'invalid_authorization_details',
    ],
  ])('whose authorization_details %s is refused before the code is looked at', async (_title, details, error) => {
    const { offer, txCode } = await minted();
    expectRefusal(
      await counter.post('/token', { ...redemption(offer, txCode), authorization_details: details }),
      error,
    );
    expect((await counter.post('/token', redemption(offer, txCode))).status).toBe(200);
  });

  test.each([
    ['that no table may hold', 'wallet\u0000'],
    ['with a line break', 'wallet\n'],
    ['in another alphabet', 'портмоне'],
  ])('from a client_id %s is refused before the code is looked at', async (_title, clientId) => {
    const { offer, txCode } = await minted();
    const before = await counter.rows();
    const form = { ...redemption(offer, txCode), client_id: clientId };
    expectRefusal(await counter.post('/token', form), 'invalid_request');
    expect(await counter.rows()).toEqual(before);
    expect((await counter.post('/token', { ...form, client_id: '' })).status).toBe(200);
  });

  test('as JSON, with a parameter twice, or with a client secret in a header is refused', async () => {
    const json = await counter.server.inject({ method: 'POST', url: '/token', payload: { grant_type: preAuthorized } });
    expect(json.statusCode).toBe(415);
    expect(json.json().error).toBe('invalid_request');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const twice = { method: 'POST', url: '/token', headers, payload: 'grant_type=a&grant_type=b' } as const;
    expect((await counter.server.inject(twice)).json().error).toBe('invalid_request');
    const { offer, txCode } = await minted();
    const basic = await counter.post('/token', redemption(offer, txCode), { authorization: 'Basic YTpi' });
    expectRefusal(basic, 'invalid_client', 401);
    expect(basic.headers['www-authenticate']).toMatch(/^Basic /);
  });

  test('is told to wait when one address asks too much', async () => {
    const busy = await openCounter(undefined, { perMinute: 2 });
    const ask = () => busy.post('/token', { grant_type: 'refresh_token', refresh_token: 'x' });
    expect([(await ask()).status, (await ask()).status]).toEqual([400, 400]);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
    expect(refused.headers['retry-after']).toBeDefined();
    await busy.close();
  });

  test('that fails in the middle leaves everything as it was', async () => {
    const { offer, txCode } = await minted();
    const before = await counter.rows();
    const { record } = counter.audit;
    counter.audit.record = async (tx, event) => {
      if (event.action === 'wallet.session_begun') throw new Error('the process is killed here');
      return record(tx, event);
    };
    const answer = await counter.post('/token', redemption(offer, txCode));
    counter.audit.record = record;
    expect(answer).toMatchObject({ status: 500, body: { error: 'server_error' } });
    expect(JSON.stringify(answer.body)).not.toMatch(/killed/);
    expect(await counter.rows()).toEqual(before);
    expect((await counter.post('/token', redemption(offer, txCode))).status).toBe(200);
  });
});

describe('an access token', () => {
  test('ends after ten minutes', async () => {
    const { body } = await tokens();
    counter.pass(599_000);
    await expect(authorise(body.access_token)).resolves.toBeDefined();
    counter.pass(2000);
    await expect(authorise(body.access_token)).rejects.toMatchObject({ error: 'invalid_token', code: 'unauthorized' });
  });

  test('is taken from the Authorization header alone, its scheme in any case', async () => {
    const { body } = await tokens();
    await expect(authorise(body.access_token, { scheme: 'bearer' })).resolves.toBeDefined();
    const inQuery = authorise(body.access_token, { url: `${issuer}/credential?access_token=${body.access_token}` });
    await expect(inQuery).rejects.toMatchObject({ error: 'invalid_request' });
    const request = { authorization: undefined, dpop: undefined, method: 'POST', url: `${issuer}/credential` };
    await expect(counter.authorization.authorise(request)).rejects.toMatchObject({ challenge: 'Bearer, DPoP' });
  });

  test.each(['', 'unknown', 'Bearer x y', '"quoted"'])('like %j is refused with a challenge', async (token) => {
    await expect(authorise(token)).rejects.toMatchObject({
      error: 'invalid_token',
      code: 'unauthorized',
      challenge: 'Bearer error="invalid_token"',
    });
  });

  test('is not what a refresh token or a code is', async () => {
    const { body } = await tokens();
    await expect(authorise(body.refresh_token)).rejects.toMatchObject({ error: 'invalid_token' });
    expectRefusal(await refresh(body.access_token), 'invalid_grant');
  });

  test('stands nowhere in the database', async () => {
    const { body } = await tokens();
    const { store } = counter.programme;
    for (const table of ['wallet_request', 'wallet_session', 'wallet_refresh_token', 'audit_record']) {
      const rows = await store.read((tx) => tx.query(`SELECT * FROM ${table}`));
      expect(JSON.stringify(rows)).not.toContain(body.access_token);
      expect(JSON.stringify(rows)).not.toContain(body.refresh_token);
    }
  });
});

describe('a refresh token', () => {
  test('is exchanged for new tokens of the next generation, and the old access token ends', async () => {
    const { body } = await tokens();
    const renewed = await refresh(body.refresh_token);
    expect(renewed.status).toBe(200);
    const { sessionId } = await authorise(renewed.body.access_token);
    await expect(authorise(renewed.body.access_token)).resolves.toMatchObject({ sessionId, generation: 1 });
    await expect(authorise(body.access_token)).rejects.toMatchObject({ error: 'invalid_token' });
  });

  test('that comes again ends the whole family', async () => {
    const { body } = await tokens();
    const renewed = await refresh(body.refresh_token);
    counter.pass(1000);
    expectRefusal(await refresh(body.refresh_token), 'invalid_grant');
    expectRefusal(await refresh(renewed.body.refresh_token), 'invalid_grant');
    await expect(authorise(renewed.body.access_token)).rejects.toMatchObject({ error: 'invalid_token' });
  });

  test('lives for thirty days', async () => {
    const early = await tokens();
    counter.pass(30 * 86_400_000 - 1000);
    const renewed = await refresh(early.body.refresh_token);
    expect(renewed.status).toBe(200);
    counter.pass(30 * 86_400_000);
    expectRefusal(await refresh(renewed.body.refresh_token), 'invalid_grant');
  });

  test('belongs to the client that was named first', async () => {
    const { offer, txCode } = await minted();
    const { body } = await counter.post('/token', { ...redemption(offer, txCode), client_id: clientId });
    await expect(authorise(body.access_token)).resolves.toMatchObject({ clientId });
    expectRefusal(await refresh(body.refresh_token, { client_id: 'https://thief.example' }), 'invalid_grant');
    expect((await refresh(body.refresh_token, { client_id: clientId })).status).toBe(200);
  });
});

describe('DPoP', () => {
  let key: DpopKey;
  const at = () => counter.programme.clock.now;
  const proofFor = (path: string, more: Partial<ProofParts> = {}) =>
    key.prove({ url: `${issuer}${path}`, at: at(), ...more });

  beforeAll(async () => {
    key = await newDpopKey();
  });

  test('binds the tokens to the key of the wallet', async () => {
    const { body } = await tokens(undefined, { dpop: await proofFor('/token') });
    expect(body.token_type).toBe('DPoP');
    const dpop = await proofFor('/credential', { token: body.access_token });
    await expect(authorise(body.access_token, { scheme: 'DPoP', dpop })).resolves.toMatchObject({ jkt: key.jkt });
  });

  test('needs no more than scheme and host in another case and a query to find its own address', async () => {
    const url = 'HTTPS://RXA.EXAMPLE:443/trusts/rxa/token?x=1#y';
    await tokens(undefined, { dpop: await proofFor('', { url }) });
  });

  test.each<[string, () => Promise<Partial<ProofParts>>]>([
    ['htm of another method', async () => ({ method: 'GET' })],
    ['htu of another endpoint', async () => ({ url: `${issuer}/par` })],
    ['htu of another host', async () => ({ url: 'https://rxb.example/trusts/rxa/token' })],
    ['no htu', async () => ({ claims: { htu: undefined } })],
    ['no jti', async () => ({ claims: { jti: undefined } })],
    ['an endless jti', async () => ({ claims: { jti: 'x'.repeat(257) } })],
    ['endless claims', async () => ({ claims: { more: 'x'.repeat(8 * 1024) } })],
    ['no iat', async () => ({ claims: { iat: undefined } })],
    ['an old iat', async () => ({ at: new Date(at().getTime() - 301_000) })],
    ['an iat ahead', async () => ({ at: new Date(at().getTime() + 120_000) })],
    ['another typ', async () => ({ header: { typ: 'JWT' } })],
    ['no typ', async () => ({ header: { typ: undefined } })],
    ['no key', async () => ({ header: { jwk: undefined } })],
    ['a kid only', async () => ({ header: { jwk: undefined, kid: 'did:example:1' } })],
    ['crit', async () => ({ header: { crit: ['exp'], exp: 1 } })],
    ['the key of somebody else', async () => ({ header: { jwk: (await newDpopKey()).jwk } })],
    ['its private key', async () => ({ header: { jwk: { ...key.jwk, d: key.jwk.x } } })],
    ['a symmetric signature', async () => ({ header: { alg: 'HS256' }, signWith: new Uint8Array(32) })],
    [
      'RSA',
      async () => {
        const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        return { header: { alg: 'RS256', jwk: await exportJWK(publicKey) }, signWith: privateKey };
      },
    ],
  ])('is refused with %s, and the code stays good', async (_title, parts) => {
    const { offer, txCode } = await minted();
    const before = await counter.rows();
    const dpop = await proofFor('/token', await parts());
    expectRefusal(await counter.post('/token', redemption(offer, txCode), { dpop }), 'invalid_dpop_proof');
    expect(await counter.rows()).toEqual(before);
    expect((await counter.post('/token', redemption(offer, txCode))).status).toBe(200);
  });

  test.each(['', 'nonsense', 'a.b.c'])('%j is no proof', async (text) => {
    const { offer, txCode } = await minted();
    const unsigned = `${Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url')}.e30.`;
    for (const dpop of [`${text},${text}`, unsigned]) {
      expectRefusal(await counter.post('/token', redemption(offer, txCode), { dpop }), 'invalid_dpop_proof');
    }
  });

  test('proofs work once, at the token endpoint and at protected ones', async () => {
    const dpop = await proofFor('/token');
    const { body } = await tokens(undefined, { dpop });
    const { offer, txCode } = await minted();
    expectRefusal(await counter.post('/token', redemption(offer, txCode), { dpop }), 'invalid_dpop_proof');
    const shown = await proofFor('/credential', { token: body.access_token });
    await authorise(body.access_token, { scheme: 'DPoP', dpop: shown });
    await expect(authorise(body.access_token, { scheme: 'DPoP', dpop: shown })).rejects.toMatchObject({
      error: 'invalid_dpop_proof',
      code: 'unauthorized',
      challenge: expect.stringMatching(/^DPoP error="invalid_dpop_proof", algs="ES256/),
    });
  });

  test('a bound token is refused as a bearer token, without a proof, and with a proof that is not for it', async () => {
    const { body } = await tokens(undefined, { dpop: await proofFor('/token') });
    const token = body.access_token;
    const show = (dpop: string | undefined, more = {}) =>
      authorise(token, { scheme: 'DPoP', ...(dpop ? { dpop } : {}), ...more });
    const good = () => proofFor('/credential', { token });
    await expect(authorise(token)).rejects.toMatchObject({ error: 'invalid_token' });
    await expect(authorise(token, { dpop: await good() })).rejects.toMatchObject({ error: 'invalid_token' });
    await expect(show(undefined)).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    await expect(show(await proofFor('/credential'))).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    await expect(show(await proofFor('/credential', { token: 'another' }))).rejects.toMatchObject({
      error: 'invalid_dpop_proof',
    });
    await expect(show(await good(), { method: 'GET' })).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    await expect(show(await good(), { url: `${issuer}/notification` })).rejects.toMatchObject({
      error: 'invalid_dpop_proof',
    });
    const stranger = await newDpopKey();
    const foreign = await stranger.prove({ url: `${issuer}/credential`, at: at(), token });
    await expect(show(foreign)).rejects.toMatchObject({ error: 'invalid_token' });
    await expect(show(await good())).resolves.toBeDefined();
  });

  test('a token that is not bound is no DPoP token', async () => {
    const { body } = await tokens();
    const dpop = await proofFor('/credential', { token: body.access_token });
    await expect(authorise(body.access_token, { scheme: 'DPoP', dpop })).rejects.toMatchObject({
      error: 'invalid_token',
    });
  });

  test('a refresh token of a bound session needs the same key', async () => {
    const { body } = await tokens(undefined, { dpop: await proofFor('/token') });
    expectRefusal(await refresh(body.refresh_token), 'invalid_dpop_proof');
    const stranger = await newDpopKey();
    const foreign = await stranger.prove({ url: `${issuer}/token`, at: at() });
    expectRefusal(await refresh(body.refresh_token, {}, { dpop: foreign }), 'invalid_grant');
    const renewed = await refresh(body.refresh_token, {}, { dpop: await proofFor('/token') });
    expect(renewed).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
  });

  test('binds a code by dpop_jkt, or by a proof with the pushed request', async () => {
    const byName = await obtainCode(counter, { dpop_jkt: key.jkt });
    expectRefusal(await counter.post('/token', codeForm(byName)), 'invalid_grant');
    const stranger = await newDpopKey();
    const foreign = { dpop: await stranger.prove({ url: `${issuer}/token`, at: at() }) };
    expectRefusal(await counter.post('/token', codeForm(byName), foreign), 'invalid_grant');
    const answer = await counter.post('/token', codeForm(byName), { dpop: await proofFor('/token') });
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });

    const form = asking(newPkce().challenge, { dpop_jkt: stranger.jkt });
    expectRefusal(await counter.post('/par', form, { dpop: await proofFor('/par') }), 'invalid_dpop_proof');
    const unbound = asking(newPkce().challenge);
    expect((await counter.post('/par', unbound, { dpop: await proofFor('/par') })).status).toBe(201);
  });
});
