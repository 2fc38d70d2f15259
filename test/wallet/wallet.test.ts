/** The wallet against services that the test plays: what it refuses, and what it leaves behind when it does. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Incoming, Outgoing } from '../../src/http/client.js';
import { createKeySigner, signJws } from '../../src/jose/jws.js';
import { parseJwt } from '../../src/jose/jwt.js';
import type { JsonObject } from '../../src/json.js';
import { openWallet } from '../../src/wallet/wallet.js';

const now = new Date('2026-11-21T09:00:00Z');
const folder = mkdtempSync(join(tmpdir(), 'staff-passport-wallet-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
type Service = (request: Outgoing) => JsonObject | string | { status: number; body: JsonObject };

/** A wallet whose network is the test; `asked` holds what it sent. */
function setUp(service: Service) {
  files += 1;
  const file = join(folder, `${files}.json`);
  const asked: Outgoing[] = [];
  const send = async (request: Outgoing): Promise<Incoming> => {
    asked.push(request);
    const answer = service(request);
    const [status, body] = isStatus(answer) ? [answer.status, answer.body] : [200, answer];
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { status, headers: {}, contentType: 'application/json', body: Buffer.from(text) };
  };
  const nonce = () => randomBytes(16).toString('base64url');
  const wallet = openWallet({ file, send, now: () => now, pause: async () => undefined, nonce });
  return { wallet, file, asked };
}

function isStatus(answer: ReturnType<Service>): answer is { status: number; body: JsonObject } {
  return typeof answer === 'object' && typeof answer['status'] === 'number';
}

const issuer = 'https://rxa.example';
const preAuthorized = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';

describe('receiving', () => {
  const offer = {
    credential_issuer: issuer,
    credential_configuration_ids: ['Skill_ldp'],
    grants: { [preAuthorized]: { 'pre-authorized_code': 'code', tx_code: {} } },
  };
  const link = `openid-credential-offer://?credential_offer=${encodeURIComponent(JSON.stringify(offer))}`;
  const documents: Record<string, JsonObject> = {
    [`${issuer}/.well-known/openid-credential-issuer`]: {
      credential_issuer: issuer,
      credential_endpoint: `${issuer}/credential`,
      nonce_endpoint: `${issuer}/nonce`,
      deferred_credential_endpoint: `${issuer}/deferred`,
      notification_endpoint: `${issuer}/notification`,
      credential_configurations_supported: {
        Skill_ldp: { format: 'ldp_vc', credential_metadata: { display: [{ name: 'Core skill' }] } },
      },
    },
    [`${issuer}/.well-known/oauth-authorization-server`]: { issuer, token_endpoint: `${issuer}/token` },
    [`${issuer}/token`]: { access_token: 'token', token_type: 'Bearer' },
    [`${issuer}/nonce`]: { c_nonce: 'nonce' },
    [`${issuer}/notification`]: {},
  };
  const credentialFor = (did: string): JsonObject => ({ type: ['Skill'], credentialSubject: { id: did } });
  const issue = (answer: (request: Outgoing) => ReturnType<Service>): Service => {
    return (request) => (request.url === `${issuer}/credential` ? answer(request) : (documents[request.url] ?? {}));
  };
  const holderIn = (request: Outgoing) => {
    const [proof] = (JSON.parse(request.body ?? '') as { proofs: { jwt: string[] } }).proofs.jwt;
    return parseJwt(proof ?? '', { typ: ['openid4vci-proof+jwt'] });
  };

  test('proves the key for this issuer, keeps the credential, then says so', async () => {
    const { wallet, file, asked } = setUp(
      issue((request) => {
        const { header, claims } = holderIn(request);
        expect(claims).toEqual({ aud: issuer, iat: now.getTime() / 1000, nonce: 'nonce' });
        const did = String(header.kid).replace(/#0$/, '');
        return { credentials: [{ credential: credentialFor(did) }], notification_id: 'n' };
      }),
    );
    const [received] = await wallet.receive({ offer: link, txCode: '123456' });
    expect(received).toMatchObject({ name: 'Core skill', format: 'ldp_vc', issuer });
    expect(wallet.list()).toEqual([received]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(asked.at(-1)?.body).toBe('{"notification_id":"n","event":"credential_accepted"}');
  });

  test('keeps nothing that is bound to another key, and tells the issuer', async () => {
    const { wallet, asked } = setUp(
      issue(() => ({ credentials: [{ credential: credentialFor('did:jwk:other') }], notification_id: 'n' })),
    );
    await expect(wallet.receive({ offer: link, txCode: '1' })).rejects.toThrow('not ours');
    expect(wallet.list()).toEqual([]);
    expect(asked.at(-1)?.body).toContain('credential_failure');
  });

  test('waits for what is deferred', async () => {
    let questions = 0;
    let did = '';
    const { wallet } = setUp((request) => {
      if (request.url === `${issuer}/deferred`) {
        questions += 1;
        expect(request.body).toBe('{"transaction_id":"t"}');
        if (questions < 3) return { status: 202, body: { transaction_id: 't', interval: 1 } };
        return { credentials: [{ credential: credentialFor(did) }] };
      }
      return issue((asked) => {
        did = String(holderIn(asked).header.kid).replace(/#0$/, '');
        return { status: 202, body: { transaction_id: 't', interval: 1 } };
      })(request);
    });
    expect(await wallet.receive({ offer: link, txCode: '1' })).toHaveLength(1);
    expect(questions).toBe(3);
  });

  test('asks for the code before it spends the offer, and repeats what the issuer refuses', async () => {
    const { wallet, asked } = setUp((request) =>
      request.url === `${issuer}/token`
        ? { status: 400, body: { error: 'invalid_grant', error_description: 'four tries left' } }
        : (documents[request.url] ?? {}),
    );
    await expect(wallet.receive({ offer: link })).rejects.toThrow('--tx-code');
    expect(asked.map(({ url }) => url)).not.toContain(`${issuer}/token`);
    await expect(wallet.receive({ offer: link, txCode: '0' })).rejects.toThrow('invalid_grant: four tries left');
  });

  test('believes no metadata of another issuer', async () => {
    const { wallet } = setUp((request) =>
      request.url.includes('openid-credential-issuer') ? { credential_issuer: 'https://evil.example' } : {},
    );
    await expect(wallet.receive({ offer: link, txCode: '1' })).rejects.toThrow('another issuer');
  });

  test.each(['nonsense', 'openid-credential-offer://?x=1', 'openid-credential-offer://?credential_offer=[]'])(
    'says that %s is no offer',
    async (text) => {
      await expect(setUp(() => ({})).wallet.receive({ offer: text })).rejects.toThrow(/no link|no JSON object/);
    },
  );
});

describe('presenting', () => {
  const did = 'did:web:rxb.example%3A8443:trusts:rxb';
  const clientId = `decentralized_identifier:${did}`;
  const requestUri = 'https://rxb.example:8443/trusts/rxb/vp/request/1';
  const documentUrl = 'https://rxb.example:8443/trusts/rxb/did.json';
  const responseUri = 'https://rxb.example:8443/trusts/rxb/vp/response/1';
  const key = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const stranger = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const query = { credentials: [{ id: 'skill', format: 'ldp_vc', meta: { type_values: [['Skill']] } }] };
  const link = `openid4vp://?client_id=${encodeURIComponent(clientId)}&request_uri=${encodeURIComponent(requestUri)}`;
  const posted = `${link}&request_uri_method=post`;

  interface Changes {
    readonly claims?: JsonObject;
    readonly kid?: string;
    readonly typ?: string;
    readonly signer?: typeof key;
    readonly documentId?: string;
  }

  /** A wallet that holds a skill, and a verifier that asks for it. */
  async function ask(changes: Changes = {}) {
    const { claims = {}, kid = `${did}#k`, typ = 'oauth-authz-req+jwt', signer = key, documentId = did } = changes;
    const method = { id: `${did}#k`, type: 'JsonWebKey', controller: did, publicKeyJwk: { ...key.publicJwk } };
    const request = {
      client_id: clientId,
      nonce: 'nonce',
      state: 'state',
      response_mode: 'direct_post',
      response_uri: responseUri,
      dcql_query: query,
      ...claims,
    };
    const signed = await signJws({ alg: 'ES256', typ, kid }, request, signer.sign);
    const opened = setUp(({ url }): JsonObject | string => {
      if (url === requestUri) return signed;
      if (url === documentUrl) return { id: documentId, verificationMethod: [method] };
      return { redirect_uri: 'https://rxb.example/done' };
    });
    const content = JSON.parse(readFileSync(opened.file, 'utf8')) as JsonObject;
    const credential = { type: ['Skill'], credentialSubject: { id: opened.wallet.did } };
    const held = { id: 'a', configurationId: 'Skill_ldp', format: 'ldp_vc', name: 'Skill', issuer, receivedAt: '' };
    writeFileSync(opened.file, JSON.stringify({ ...content, credentials: [{ ...held, credential }] }));
    return opened;
  }

  test('answers a request that its DID signed, for its nonce and name', async () => {
    const { wallet, asked } = await ask();
    const shown = await wallet.present(link);
    expect(shown).toEqual({ verifier: clientId, names: ['Skill'], redirectUri: 'https://rxb.example/done' });
    const answer = new URLSearchParams(asked.at(-1)?.body);
    expect([asked.at(-1)?.url, answer.get('state')]).toEqual([responseUri, 'state']);
    const [presentation] = (JSON.parse(answer.get('vp_token') ?? '') as { skill: JsonObject[] }).skill;
    expect(presentation).toMatchObject({ holder: wallet.did, proof: { challenge: 'nonce', domain: clientId } });
  });

  test.each<[string, Changes, string]>([
    [
      'of another verifier',
      { claims: { client_id: 'decentralized_identifier:did:web:evil.example' } },
      'another verifier',
    ],
    ['signed by somebody else', { signer: stranger }, 'does not hold'],
    ['that names a key of another DID', { kid: 'did:web:evil.example#k' }, 'did:web signed'],
    ['that names a key which the document has not', { kid: `${did}#other` }, 'no such key'],
    ['whose DID document is that of another', { documentId: 'did:web:evil.example' }, 'another DID'],
    ['of another type', { typ: 'JWT' }, 'does not hold'],
    ['to confirm a transaction', { claims: { transaction_data: ['e30'] } }, 'transaction'],
    ['in a way that is not known', { claims: { response_mode: 'fragment' } }, 'not known'],
    ['without a query', { claims: { dcql_query: 'all' } }, 'no DCQL query'],
    ['without a nonce', { claims: { nonce: '' } }, 'lacks nonce'],
  ])('shows nothing to a request %s', async (_name, changes, told) => {
    const { wallet, asked } = await ask(changes);
    await expect(wallet.present(link)).rejects.toThrow(told);
    expect(asked.map(({ url }) => url)).not.toContain(responseUri);
  });

  test('takes no old request for a new one, nor a link that nobody signed', async () => {
    const { wallet } = await ask({ claims: { wallet_nonce: 'of yesterday' } });
    await expect(wallet.present(posted)).rejects.toThrow('old one');
    await expect(wallet.present('openid4vp://?client_id=redirect_uri:https://rxb.example&nonce=1')).rejects.toThrow(
      'no signed request',
    );
  });

  test('shows nothing when it lacks something', async () => {
    const other = { credentials: [{ id: 'dbs', format: 'ldp_vc', meta: { type_values: [['Dbs']] } }] };
    const { wallet, asked } = await ask({ claims: { dcql_query: other } });
    await expect(wallet.present(link)).rejects.toThrow('dbs');
    expect(asked.map(({ url }) => url)).not.toContain(responseUri);
  });
});

test('a file that is no wallet is told from one, and left as it is', () => {
  const file = join(folder, 'other.json');
  writeFileSync(file, '{"version":1}');
  const send = () => Promise.reject(new Error('not asked'));
  const open = () => openWallet({ file, send, now: () => now, pause: async () => undefined, nonce: () => '' });
  expect(open).toThrow(expect.objectContaining({ code: 'configuration' }));
  expect([existsSync(file), readFileSync(file, 'utf8')]).toEqual([true, '{"version":1}']);
});
