/** Presentations in SD-JWT VC with a key binding (OpenID4VP 1.0 B.3): what a wallet chose to show, and each way to lie. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { secureCredential } from '../../../src/credential/credential.js';
import type { JsonObject } from '../../../src/json.js';
import { trust } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { createWallet, type Desk, openDesk, type Question, type Wallet } from './desk.js';

const started = new Date('2026-11-21T09:00:00Z');
const vct = 'https://programme.example/vct/DbsCheckCredential/v1';
const dcql = {
  credentials: [
    {
      id: 'dbs',
      format: 'dc+sd-jwt',
      meta: { vct_values: [vct] },
      claims: [{ path: ['checkType'] }, { path: ['certificateNumber'] }],
    },
  ],
};

describe('a presentation in SD-JWT VC', () => {
  let desk: Desk;
  let wallet: Wallet;
  let dbs: string;
  beforeAll(async () => {
    desk = await openDesk();
    wallet = await createWallet(desk);
    dbs = await issue('DbsCheckCredential');
  }, 60_000);
  afterAll(() => desk.close());
  beforeEach(() => {
    desk.programme.clock.now = started;
  });

  /** As the credential endpoint issues it: bound to the wallet's key, with an index in a Token Status List. */
  async function issue(name: string, holder = wallet): Promise<string> {
    const type = catalogue.find(name);
    if (type === undefined) throw new Error(`no type ${name}`);
    const { credentialSubject, ...example } = structuredClone(type.example);
    const id = `urn:uuid:${randomUUID()}`;
    const { programme } = desk;
    const entries = await programme.store.transaction((tx) =>
      programme.lists.allocate(tx, { recordId: id, kind: 'token' }),
    );
    await programme.lists.refresh();
    const credential = {
      ...example,
      '@context': [...type.contexts['2.0']],
      id,
      issuer: { id: trust, name: 'Rexford Acute NHS Trust (invented)', odsCode: 'RXA' },
      validFrom: '2026-11-21T00:00:00Z',
      credentialSubject: { ...(credentialSubject as JsonObject), id: holder.did },
      credentialStatus: entries.length === 1 ? entries[0] : entries,
      credentialSchema: { id: type.schemaId, type: 'JsonSchema', digestSRI: type.schemaDigestSri },
    } as unknown as JsonObject;
    const { agent, es256 } = programme.agent;
    const terms = { format: 'dc+sd-jwt', key: es256, now: started, sdJwtVc: type.sdJwtVc } as const;
    return String((await secureCredential(agent, { credential, ...terms })).verifiableCredential);
  }

  /** The token with only those of its disclosures that are to be shown. */
  function showing(token: string, ...claims: string[]): string {
    const [jwt, ...disclosures] = token.split('~').slice(0, -1);
    const shown = disclosures.filter((disclosure) =>
      claims.includes(JSON.parse(Buffer.from(disclosure, 'base64url').toString())[1]),
    );
    return `${[jwt, ...shown].join('~')}~`;
  }

  interface Binding {
    readonly claims?: object;
    readonly header?: object;
    readonly key?: KeyObject;
  }

  async function bind({ parameters }: Question, text: string, { claims, header, key = wallet.key }: Binding = {}) {
    const payload = {
      iat: Math.floor(desk.programme.clock.now.getTime() / 1000),
      aud: parameters.client_id,
      nonce: parameters.nonce,
      sd_hash: createHash('sha256').update(text).digest('base64url'),
      ...claims,
    };
    const jwt = new SignJWT(payload as never).setProtectedHeader({ alg: 'ES256', typ: 'kb+jwt', ...header });
    return `${text}${await jwt.sign(key)}`;
  }

  const ask = async (changes: object = {}) => {
    const asked = await desk.ask({ dcql, flow: 'cross', ...changes });
    return { asked, question: await wallet.read(asked.uri) };
  };
  const resultOf = (asked: { id: string }) => desk.call('GET', `/vp/requests/${asked.id}/result`);
  const all = () => showing(dbs, 'certificateNumber', 'registeredBodyNumber');

  test('is told with what was shown and nothing else, and is valid', async () => {
    const { asked, question } = await ask();
    expect(question.parameters.client_metadata).toEqual({
      vp_formats_supported: {
        'dc+sd-jwt': {
          'sd-jwt_alg_values': ['ES256', 'ES384', 'EdDSA'],
          'kb-jwt_alg_values': ['ES256', 'ES384', 'EdDSA'],
        },
      },
    });
    const text = showing(dbs, 'certificateNumber');
    const answer = await wallet.answer(question, { dbs: [await bind(question, text)] });
    expect([answer.status, answer.text]).toEqual([200, '{}']);
    const { body } = await resultOf(asked);
    const [{ report }] = body.presentations;
    expect([body.decision, body.person, report.credentials[0].format]).toEqual(['valid', 'one_key', 'dc+sd-jwt']);
    const { credentialSubject } = report.credentials[0].credential;
    expect(credentialSubject).toHaveProperty('certificateNumber');
    expect(credentialSubject).not.toHaveProperty('registeredBodyNumber');
  });

  test('answers the template that was published, encrypted', async () => {
    const asked = await desk.ask({ template: 'dbs-check', flow: 'cross', responseMode: 'direct_post.jwt' });
    const question = await wallet.read(asked.uri);
    const { state } = question.parameters;
    const payload = { vp_token: { 'dbs-sd_jwt': [await bind(question, showing(dbs))] }, state };
    const answer = await wallet.post(question, { response: await wallet.encrypted(question, payload) });
    expect([answer.status, answer.text]).toEqual([200, '{}']);
    expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
  });

  const seconds = started.getTime() / 1000;
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  type Make = (question: Question) => Promise<string> | string;
  test.each<[string, RegExp, Make]>([
    ['a wrong nonce', /challenge_mismatch/, (question) => bind(question, all(), { claims: { nonce: 'n-0S6_WzA2Mj' } })],
    [
      'another verifier',
      /domain_mismatch/,
      (question) => bind(question, all(), { claims: { aud: 'x509_san_dns:rxb.example' } }),
    ],
    [
      'an audience without its prefix',
      /domain_mismatch/,
      (question) => bind(question, all(), { claims: { aud: 'did:web:rxa.example' } }),
    ],
    [
      'a wrong sd_hash',
      /disclosures_invalid/,
      (question) => bind(question, all(), { claims: { sd_hash: 'A'.repeat(43) } }),
    ],
    [
      'a disclosure that was added afterwards',
      /disclosures_invalid/,
      async (question) => {
        const bound = await bind(question, showing(dbs));
        const [jwt, binding] = bound.split('~');
        const disclosure = all().split('~')[1];
        return [jwt, disclosure, binding].join('~');
      },
    ],
    ['no sd_hash', /disclosures_invalid/, (question) => bind(question, all(), { claims: { sd_hash: undefined } })],
    [
      'an iat long past',
      /presentation_expired/,
      (question) => bind(question, all(), { claims: { iat: seconds - 3600 } }),
    ],
    [
      'an iat in the future',
      /presentation_not_yet_valid/,
      (question) => bind(question, all(), { claims: { iat: seconds + 3600 } }),
    ],
    ['no iat', /claims_inconsistent/, (question) => bind(question, all(), { claims: { iat: undefined } })],
    ['another typ', /typ_unknown/, (question) => bind(question, all(), { header: { typ: 'JWT' } })],
    ['the key of somebody else', /signature_invalid/, (question) => bind(question, all(), { key: foreign.privateKey })],
    ['no key binding', /key_binding_missing/, () => all()],
    ['a key binding alone', /typ_unknown/, async (question) => (await bind(question, all())).split('~').at(-1) ?? ''],
    ['a claim less than was asked for', /claim_missing/, (question) => bind(question, showing(dbs))],
  ])('is refused with %s, and the right one is taken afterwards', async (_title, detail, make) => {
    const { asked, question } = await ask();
    const answer = await wallet.answer(question, { dbs: [await make(question)] });
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: expect.stringMatching(detail) },
    ]);
    expect((await resultOf(asked)).status).toBe(409);
    expect((await wallet.answer(question, { dbs: [await bind(question, all())] })).status).toBe(200);
    expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
  });

  test('is refused when it is of another type, or was made for another request', async () => {
    const skill = await issue('CoreSkillCredential');
    const { question } = await ask();
    const { asked, question: second } = await ask();
    const wrongType = await wallet.answer(second, { dbs: [await bind(second, skill)] });
    expect(wrongType.body.error_description).toContain('type_differs');
    const swapped = await wallet.answer(second, { dbs: [await bind(question, all())] });
    expect(swapped.body.error_description).toContain('challenge_mismatch');
    expect((await resultOf(asked)).status).toBe(409);
  });

  test('is refused when its issuer-signed part was changed', async () => {
    const { asked, question } = await ask();
    const [jwt = '', ...rest] = all().split('~');
    const [header, payload = '', signature] = jwt.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, checkType: 'Enhanced' })).toString('base64url');
    const text = [[header, forged, signature].join('.'), ...rest].join('~');
    const answer = await wallet.answer(question, { dbs: [await bind(question, text)] });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
    expect(answer.body.error_description).toContain('signature_invalid');
    expect((await resultOf(asked)).status).toBe(409);
  });
});
