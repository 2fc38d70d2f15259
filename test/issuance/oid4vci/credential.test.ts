import { readCredential, verifyProof } from '../../../src/credential/credential.js';
import { findIssuance } from '../../../src/issuance/store.js';
import type { JsonObject } from '../../../src/json.js';
import { now as start, trust } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { organisation } from '../../verification/programme.js';
import { type Answer, type Ground, openGround, type Session } from './ground.js';
import { claimsOf, makeKey, type Naming, type ProofParts, type WalletKey } from './wallet.js';

const type = 'DbsCheckCredential';
const minute = 60;

describe('the credential endpoint', () => {
  let ground: Ground;
  let key: WalletKey;
  let session: Session;

  beforeAll(async () => {
    ground = await openGround();
    key = await makeKey('did:key');
  }, 60_000);
  afterAll(() => ground.close());
  beforeEach(() => {
    ground.programme.clock.now = start;
    ground.programme.registry.organisations = [organisation()];
    ground.programme.registry.present = true;
    session = ground.session([ground.offer(type)], ['jwt_vc']);
  });

  const seconds = () => Math.floor(ground.programme.clock.now.getTime() / 1000);
  const request = async (changes: Partial<ProofParts> = {}, more: object = {}) => ({
    credential_configuration_id: `${type}_jwt_vc`,
    proofs: { jwt: [await ground.proof(key, changes)] },
    ...more,
  });
  const proven = (credential: string | JsonObject) =>
    verifyProof(ground.programme.agent.agent, readCredential(credential), { now: ground.programme.clock.now });

  describe('issues', () => {
    test.each(['jwt_vc', 'sd_jwt', 'vc2_jwt', 'ldp'])('%s, proven, bound to the key and recorded', async (format) => {
      const granted = ground.session([ground.offer(type)], [format]);
      const body = { ...(await request()), credential_configuration_id: `${type}_${format}` };
      const answer = await ground.ask(granted, body);
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
      const { credential } = answer.body.credentials[0];
      expect(typeof credential).toBe(format === 'ldp' ? 'object' : 'string');
      const { credential: read, issuer } = await proven(credential);
      expect(issuer).toBe(trust);
      expect(read['credentialSubject']).toMatchObject({ id: key.did, checkType: expect.any(String) });
      expect(catalogue.find(type)?.validate(read)).toEqual([]);
      const oneEntry = ['jwt_vc', 'sd_jwt'].includes(format);
      const entries = [read['credentialStatus']].flat() as JsonObject[];
      expect(entries.map((entry) => entry['type'])).toEqual(
        oneEntry ? ['TokenStatusListEntry'] : ['BitstringStatusListEntry', 'BitstringStatusListEntry'],
      );
      const row = await ground.programme.store.read((tx) => findIssuance(tx, String(read['id'])));
      expect(row).toMatchObject({ state: 'issued', signed: null, prepared: null });
      expect(answer.body.notification_id).toMatch(/^[\w-]{43}$/);
      expect(Object.keys(answer.body).sort()).toEqual([
        'c_nonce',
        'c_nonce_expires_in',
        'credentials',
        'notification_id',
      ]);
    });

    test.each([
      ['jwk', 'ES256'],
      ['jwk', 'EdDSA'],
      ['did:jwk', 'ES256'],
      ['did:key', 'EdDSA'],
    ])('to a key named by %s of %s', async (naming, algorithm) => {
      const other = await makeKey(naming as Naming, algorithm);
      const answer = await ground.ask(session, { ...(await request()), proofs: { jwt: [await ground.proof(other)] } });
      expect(answer.status).toBe(200);
      expect((claimsOf(answer.body.credentials[0].credential)['vc'] as JsonObject)['credentialSubject']).toBeDefined();
      const { credential } = await proven(answer.body.credentials[0].credential);
      expect(credential['credentialSubject']).toMatchObject({ id: other.did });
    });

    test.each(['jwk', 'did:jwk', 'did:key'] as const)(
      'sd_jwt to a key named by %s, as it was named',
      async (naming) => {
        const holder = await makeKey(naming);
        const granted = ground.session([ground.offer(type)], ['sd_jwt']);
        const body = { credential_configuration_id: `${type}_sd_jwt`, proofs: { jwt: [await ground.proof(holder)] } };
        const { credential } = (await ground.ask(granted, body)).body.credentials[0];
        const [token = '', ...disclosures] = String(credential).split('~');
        const claims = claimsOf(token);
        expect(claims['cnf']).toEqual('jwk' in holder.named ? { jwk: holder.jwk } : { kid: holder.named.kid });
        expect(claims).toMatchObject({ iss: trust, vct: `https://programme.example/vct/${type}/v1` });
        expect(claims['certificateNumber']).toBeUndefined();
        expect(disclosures.at(-1)).toBe('');
        const names = disclosures.slice(0, -1).map((one) => JSON.parse(Buffer.from(one, 'base64url').toString())[1]);
        expect(names).toContain('certificateNumber');
      },
    );

    test('for the singular proof of the drafts, and ignores members that it does not know', async () => {
      const jwt = await ground.proof(key);
      const answer = await ground.ask(session, {
        credential_configuration_id: `${type}_jwt_vc`,
        proof: { proof_type: 'jwt', jwt },
        format: 'jwt_vc_json',
        unheard_of: { x: [1] },
      });
      expect(answer.status).toBe(200);
    });

    test('several documents with one nonce, and with the nonce that came with the first', async () => {
      const identity = ground.offer('StaffIdentityCredential');
      const granted = ground.session([ground.offer(type), identity], ['jwt_vc']);
      const nonce = await ground.nonce();
      const first = await ground.ask(granted, await request({ nonce }));
      const second = { ...(await request({ nonce })), credential_configuration_id: 'StaffIdentityCredential_jwt_vc' };
      const third = {
        ...(await request({ nonce: first.body.c_nonce })),
        credential_configuration_id: 'StaffIdentityCredential_jwt_vc',
      };
      expect([first.status, (await ground.ask(granted, second)).status]).toEqual([200, 200]);
      expect((await ground.ask(granted, third)).status).toBe(200);
    });

    test('by identifier where the token response named identifiers', async () => {
      const two = [ground.offer(type), ground.offer(type)];
      const granted = ground.session(two, ['jwt_vc'], { identifiers: true });
      const { proofs } = await request();
      const answer = await ground.ask(granted, { credential_identifier: two[1]?.id, proofs });
      expect(answer.status).toBe(200);
      expect([two[0]?.state, two[1]?.state]).toEqual(['offered', 'issued']);
    });

    test('by an identifier that says the format where the document was granted in several', async () => {
      const document = ground.offer(type);
      const granted = ground.session([document], ['jwt_vc', 'ldp'], { identifiers: true });
      const ask = async (credential_identifier: string) =>
        ground.ask(granted, { credential_identifier, proofs: (await request()).proofs });
      expect((await ask(`${document.id}.${type}_ldp`)).body.credentials[0].credential).toHaveProperty('proof');
      expect((await ask(document.id)).body.error).toBe('unknown_credential_identifier');
      expect((await ask(`${document.id}.${type}_vc2_jwt`)).body.error).toBe('unknown_credential_identifier');
    });

    test('a proof whose iss is the client, and one without where the client is known', async () => {
      session.access.clientId = 'wallet.example';
      expect((await ground.ask(session, await request({ claims: { iss: 'wallet.example' } }))).status).toBe(200);
      expect((await ground.ask(session, await request())).status).toBe(200);
    });

    test('to a proof that is almost five minutes old, or a little from the future', async () => {
      expect((await ground.ask(session, await request({ iat: seconds() - 299 }))).status).toBe(200);
      expect((await ground.ask(session, await request({ iat: seconds() + 59 }))).status).toBe(200);
    });

    test('what must be signed in for, once the person has signed in', async () => {
      const document = ground.offer(type, { signInRequired: true });
      const granted = ground.session([document], ['jwt_vc']);
      expect((await ground.ask(granted, await request())).body.error).toBe('credential_request_denied');
      granted.access.grant = { ...granted.access.grant, signedIn: true };
      expect((await ground.ask(granted, await request())).status).toBe(200);
    });
  });

  /** Refused with this error, and nothing was written. */
  async function refusedAs(error: string, ask: () => Promise<Answer>, status = 400): Promise<void> {
    const before = await ground.rows();
    const answer = await ask();
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(await ground.rows()).toEqual(before);
  }

  describe('refuses a proof', () => {
    const cases: [string, () => Partial<ProofParts>][] = [
      ['of another typ', () => ({ header: { typ: 'JWT' } })],
      ['without typ', () => ({ without: ['typ'] })],
      ['for another issuer', () => ({ aud: 'https://rxb.example' })],
      ['for this issuer with a slash', () => ({ aud: 'https://rxa.example/' })],
      ['without aud', () => ({ without: ['aud'] })],
      ['that is endless', () => ({ claims: { more: 'x'.repeat(16 * 1024) } })],
      ['for several issuers', () => ({ claims: { aud: ['https://rxa.example', 'https://rxb.example'] } })],
      ['without iat', () => ({ without: ['iat'] })],
      ['that is too old', () => ({ iat: seconds() - 301 })],
      ['from the future', () => ({ iat: seconds() + 2 * minute })],
      ['whose iat is text', () => ({ claims: { iat: `${seconds()}` as never } })],
      ['that has expired', () => ({ claims: { exp: seconds() - 1 } })],
      ['without a nonce', () => ({ without: ['nonce'] })],
      ['whose nonce is a number', () => ({ claims: { nonce: 5 } })],
      ['that names no key', () => ({ without: ['kid'] })],
      ['that names its key twice', () => ({ header: { jwk: key.jwk } })],
      ['with a certificate', () => ({ header: { x5c: ['MIIB'] } })],
      ['whose kid is a DID alone', () => ({ header: { kid: key.did } })],
      ['whose kid names no key of the DID', () => ({ header: { kid: `${key.did}#other` } })],
      ['whose kid is no DID', () => ({ header: { kid: 'key-1' } })],
      ['whose kid is a did:web', () => ({ header: { kid: 'did:web:rxa.example#a1' } })],
      ['with a critical extension', () => ({ header: { crit: ['urgent'], urgent: 1 } })],
    ];
    test.each(cases)('%s', async (_title, changes) => {
      await refusedAs('invalid_proof', async () => ground.ask(session, await request(changes())));
    });

    test('signed by another key than it names', async () => {
      const other = await makeKey('did:key');
      const forged = await request();
      forged.proofs.jwt = [await ground.proof({ ...other, named: key.named })];
      await refusedAs('invalid_proof', () => ground.ask(session, forged));
    });

    test('whose signature was changed', async () => {
      const { proofs } = await request();
      const [header, payload, signature = ''] = String(proofs.jwt[0]).split('.');
      const changed = [header, payload, `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`].join('.');
      await refusedAs('invalid_proof', async () =>
        ground.ask(session, { ...(await request()), proofs: { jwt: [changed] } }),
      );
    });

    test.each(['none', 'HS256', 'ES384', 'RS256', 'es256'])('whose alg says %s', async (alg) => {
      const [, payload, signature] = (await ground.proof(key)).split('.');
      const header = { alg, typ: 'openid4vci-proof+jwt', ...key.named };
      const jwt = [Buffer.from(JSON.stringify(header)).toString('base64url'), payload, signature].join('.');
      await refusedAs('invalid_proof', async () =>
        ground.ask(session, { ...(await request()), proofs: { jwt: [jwt] } }),
      );
    });

    test('whose alg is that of another kind of key', async () => {
      const other = await makeKey('did:key', 'EdDSA');
      const forged = { ...(await request()), proofs: { jwt: [await ground.proof({ ...other, named: key.named })] } };
      await refusedAs('invalid_proof', () => ground.ask(session, forged));
    });

    test('that shows the private key', async () => {
      const jwk = { ...key.jwk, d: key.jwk.x };
      await refusedAs('invalid_proof', async () =>
        ground.ask(session, await request({ without: ['kid'], header: { jwk } })),
      );
    });

    test('whose iss is another client', async () => {
      session.access.clientId = 'wallet.example';
      await refusedAs('invalid_proof', async () =>
        ground.ask(session, await request({ claims: { iss: 'other.example' } })),
      );
    });
  });

  describe('refuses a nonce', () => {
    test.each([
      ['that is not ours', () => 'wKI4LT17ac15ES9bw8ac4'],
      ['that only looks like ours', () => Buffer.alloc(32, 7).toString('base64url')],
      ['that is empty', () => ''],
    ])('%s', async (_title, nonce) => {
      await refusedAs('invalid_nonce', async () => ground.ask(session, await request({ nonce: nonce() })));
    });

    test('one bit of which was changed', async () => {
      const bytes = Buffer.from(await ground.nonce(), 'base64url');
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      const nonce = bytes.toString('base64url');
      await refusedAs('invalid_nonce', async () => ground.ask(session, await request({ nonce })));
    });

    test('whose time is over', async () => {
      const nonce = await ground.nonce();
      const waitUntil = (more: number) => {
        ground.programme.clock.now = new Date(start.getTime() + more * 1000);
      };
      waitUntil(301);
      await refusedAs('invalid_nonce', async () => ground.ask(session, await request({ nonce })));
      waitUntil(300);
      expect((await ground.ask(session, await request({ nonce }))).status).toBe(200);
    });

    test('that another session has used, while that session may use it again', async () => {
      const nonce = await ground.nonce();
      expect((await ground.ask(session, await request({ nonce }))).status).toBe(200);
      const stranger = ground.session([ground.offer(type)], ['jwt_vc']);
      await refusedAs('invalid_nonce', async () => ground.ask(stranger, await request({ nonce })));
      expect((await ground.ask(session, await request({ nonce }))).status).toBe(200);
    });
  });

  describe('refuses a replay', () => {
    test('of a proof for the same document and configuration, whoever sends it', async () => {
      const body = await request();
      expect((await ground.ask(session, body)).status).toBe(200);
      await refusedAs('invalid_nonce', () => ground.ask(session, body));
      const singular = {
        credential_configuration_id: `${type}_jwt_vc`,
        proof: { proof_type: 'jwt', jwt: body.proofs.jwt[0] },
      };
      await refusedAs('invalid_nonce', () => ground.ask(session, singular));
    });

    test('of a proof inside a batch', async () => {
      const body = await request();
      expect((await ground.ask(session, body)).status).toBe(200);
      const fresh = await ground.proof(await makeKey());
      await refusedAs('invalid_nonce', () =>
        ground.ask(session, { ...body, proofs: { jwt: [fresh, body.proofs.jwt[0]] } }),
      );
    });
  });

  describe('refuses proofs', () => {
    test.each([
      ['that are missing', undefined],
      ['that are null', null],
      ['that are a list', []],
      ['that are text', 'x'],
      ['without a kind', {}],
      ['of no number', { jwt: [] }],
      ['that are not in a list', { jwt: 'x' }],
      ['that are no text', { jwt: [5] }],
      ['that are no tokens', { jwt: ['x'] }],
      ['of another kind', { attestation: ['x'] }],
      ['of two kinds', { jwt: ['x'], di_vp: [{}] }],
    ])('%s', async (_title, proofs) => {
      const body = { credential_configuration_id: `${type}_jwt_vc`, proofs };
      await refusedAs('invalid_proof', () => ground.ask(session, body));
    });

    test.each([
      ['of another kind', { proof_type: 'cwt', cwt: 'x' }],
      ['of no kind', { jwt: 'x' }],
      ['that is text', 'x'],
    ])('in the singular %s', async (_title, proof) => {
      const body = { credential_configuration_id: `${type}_jwt_vc`, proof };
      await refusedAs('invalid_proof', () => ground.ask(session, body));
    });

    test('with the same key twice, even under two names', async () => {
      const same = [await ground.proof(key), await ground.proof(key)];
      await refusedAs('invalid_proof', async () => ground.ask(session, await request({}, { proofs: { jwt: same } })));
      const underJwk = await ground.proof({ ...key, named: { jwk: key.jwk } });
      const named = [await ground.proof(key), underJwk];
      await refusedAs('invalid_proof', async () => ground.ask(session, await request({}, { proofs: { jwt: named } })));
    });

    test('in larger number than batch_size', async () => {
      const keys = await Promise.all(Array.from({ length: 11 }, () => makeKey()));
      const jwt = await Promise.all(keys.map((one) => ground.proof(one)));
      await refusedAs('invalid_proof', async () => ground.ask(session, await request({}, { proofs: { jwt } })));
    });

    test('when one of several is bad, and issues none', async () => {
      const bad = await ground.proof(await makeKey(), { aud: 'https://rxb.example' });
      await refusedAs('invalid_proof', async () =>
        ground.ask(session, await request({}, { proofs: { jwt: [await ground.proof(key), bad] } })),
      );
    });
  });

  describe('refuses a request', () => {
    const named = (body: object) => async () => {
      const { proofs } = await request();
      return ground.ask(session, { proofs, ...body });
    };

    test('that names nothing, or both ways', async () => {
      await refusedAs('invalid_credential_request', named({}));
      const both = { credential_configuration_id: `${type}_jwt_vc`, credential_identifier: 'x' };
      await refusedAs('invalid_credential_request', named(both));
      await refusedAs('invalid_credential_request', named({ credential_configuration_id: 5 }));
      await refusedAs('invalid_credential_request', named({ format: 'jwt_vc_json' }));
    });

    test('with proofs and a proof', async () => {
      const both = { ...(await request()), proof: { proof_type: 'jwt', jwt: await ground.proof(key) } };
      await refusedAs('invalid_credential_request', () => ground.ask(session, both));
    });

    test('for an unknown configuration', async () => {
      await refusedAs(
        'unknown_credential_configuration',
        named({ credential_configuration_id: 'org.iso.18013.5.1.mDL' }),
      );
      await refusedAs('unknown_credential_configuration', named({ credential_configuration_id: '__proto__' }));
    });

    test('for a configuration outside the grant', async () => {
      await refusedAs('insufficient_scope', named({ credential_configuration_id: `${type}_ldp` }), 403);
      const other = { credential_configuration_id: 'RightToWorkCredential_jwt_vc' };
      await refusedAs('insufficient_scope', named(other), 403);
      expect((await named(other)()).headers['www-authenticate']).toBe('Bearer error="insufficient_scope"');
      session.access.jkt = 'thumbprint';
      expect((await named(other)()).headers['www-authenticate']).toBe('DPoP error="insufficient_scope"');
      delete session.access.jkt;
    });

    test('for an unknown identifier, one of somebody else, and one that was never named', async () => {
      const foreign = ground.offer(type);
      session.access.identifiers = true;
      await refusedAs('unknown_credential_identifier', named({ credential_identifier: 'CivilEngineeringDegree-2023' }));
      await refusedAs('unknown_credential_identifier', named({ credential_identifier: foreign.id }));
      session.access.identifiers = false;
      const [own] = session.access.grant.documentIds;
      await refusedAs('unknown_credential_identifier', named({ credential_identifier: own }));
    });

    test('by configuration where the token response named identifiers, or where several documents fit', async () => {
      session.access.identifiers = true;
      await refusedAs('invalid_credential_request', named({ credential_configuration_id: `${type}_jwt_vc` }));
      session = ground.session([ground.offer(type), ground.offer(type)], ['jwt_vc']);
      await refusedAs('invalid_credential_request', named({ credential_configuration_id: `${type}_jwt_vc` }));
    });

    test('for an encrypted response', async () => {
      const encryption = { jwk: { kty: 'EC' }, enc: 'A128GCM' };
      await refusedAs('invalid_encryption_parameters', async () =>
        ground.ask(session, await request({}, { credential_response_encryption: encryption })),
      );
    });

    test('that is encrypted', async () => {
      const headers = { authorization: `Bearer ${session.token}`, 'content-type': 'application/jwt' };
      await refusedAs('invalid_encryption_parameters', () => ground.post('/credential', 'e30.e30.x.y.z', headers));
    });

    test.each([
      ['not JSON', '{"a":', 'application/json'],
      ['empty', '', 'application/json'],
      ['a list', '[]', 'application/json'],
      ['with a member twice', '{"proofs":1,"proofs":2}', 'application/json'],
      ['a form', 'a=b', 'application/x-www-form-urlencoded'],
    ])('whose body is %s', async (_title, body, type) => {
      const headers = { authorization: `Bearer ${session.token}`, 'content-type': type };
      await refusedAs('invalid_credential_request', () => ground.post('/credential', body, headers));
    });

    test('for what is withdrawn, declined or forgotten', async () => {
      const [id = ''] = session.access.grant.documentIds;
      const document = ground.documents.get(id);
      if (!document) throw new Error('no document');
      for (const state of ['withdrawn', 'declined'] as const) {
        document.state = state;
        await refusedAs('credential_request_denied', named({ credential_configuration_id: `${type}_jwt_vc` }));
      }
      document.state = 'offered';
      session.access.grant = { ...session.access.grant, documentIds: [] };
      await refusedAs('insufficient_scope', named({ credential_configuration_id: `${type}_jwt_vc` }), 403);
    });

    test('for what we may not issue any more, and asks to come again while nobody can say', async () => {
      const { registry } = ground.programme;
      registry.organisations = [organisation({ suspensions: [{ from: '2026-11-20T00:00:00Z' }] })];
      await refusedAs('credential_request_denied', named({ credential_configuration_id: `${type}_jwt_vc` }));
      registry.present = false;
      await refusedAs('temporarily_unavailable', named({ credential_configuration_id: `${type}_jwt_vc` }), 503);
    });

    test('for what has expired since it was offered', async () => {
      const example = catalogue.find(type)?.example ?? {};
      const document = ground.offer(type, {}, { ...example, validUntil: '2026-11-20T00:00:00Z' });
      session = ground.session([document], ['jwt_vc']);
      await refusedAs('credential_request_denied', named({ credential_configuration_id: `${type}_jwt_vc` }));
    });
  });

  describe('refuses whoever', () => {
    test('has no token, a wrong one, or sends it in the address', async () => {
      const body = await request();
      await refusedAs('invalid_token', () => ground.post('/credential', body), 401);
      await refusedAs('invalid_token', () => ground.post('/credential', body, { authorization: 'Bearer x' }), 401);
      await refusedAs('invalid_token', () => ground.post('/credential', '{"a":', {}), 401);
      const inQuery = `/credential?access_token=${session.token}`;
      await refusedAs('invalid_request', () => ground.post(inQuery, body));
      const twice = { authorization: `Bearer ${session.token}` };
      await refusedAs('invalid_request', () => ground.post(inQuery, body, twice));
    });
  });
});
