/** SD-JWT VC through every check of a verdict: issued by the cycle, held by a key, shown in part, presented, withdrawn. */
import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import { decodeJwt } from 'jose';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../src/http/server.js';
import { signJws } from '../../src/jose/jws.js';
import { parseSdJwt, signSdJwt } from '../../src/jose/sd-jwt.js';
import type { JsonObject } from '../../src/json.js';
import { statusRoutes } from '../../src/status/routes.js';
import { verificationRoutes } from '../../src/verification/routes.js';
import type { Check } from '../../src/verification/verification.js';
import { makeKey, now as start, type TestKey } from '../credential/agent.js';
import { catalogue } from '../credential/examples.js';
import { caller, openProgramme, organisation, type Programme, publicUrl } from './programme.js';

const challenge = 'nonce-of-the-request';
const domain = 'decentralized_identifier:did:web:rxb.example';
const iat = start.getTime() / 1000;

const failed = (report: { checks: readonly Check[] }) =>
  report.checks.filter(({ outcome }) => outcome === 'fail').map(({ check, code }) => `${check}:${code}`);
const open = (report: { checks: readonly Check[] }) =>
  report.checks.filter(({ outcome }) => outcome === 'indeterminate').map(({ check, code }) => `${check}:${code}`);
const codeOf = (report: { checks: readonly Check[] }, name: string) =>
  report.checks.find(({ check }) => check === name)?.code;
const jwtOf = (text: string) => text.split('~')[0] ?? '';

let programme: Programme;
let key: TestKey;
let did: string;
beforeAll(async () => {
  programme = await openProgramme();
  key = makeKey('ES256', () => 'unused');
  const { crv, kty, x, y } = key.jwk as Record<string, string>;
  did = `did:jwk:${Buffer.from(JSON.stringify({ crv, kty, x, y })).toString('base64url')}`;
}, 60_000);
afterAll(() => programme.close());
beforeEach(() => {
  programme.clock.now = start;
  programme.registry.organisations = [organisation()];
  programme.status.asked.length = 0;
  programme.faults.length = 0;
});
afterEach(() => expect(programme.faults).toEqual([]));

/** As the credential endpoint does it. */
async function issue(name = 'StaffIdentity', changes: JsonObject = {}, subject: JsonObject = {}) {
  const issuance = programme.issuance();
  const type = catalogue.find(`${name}Credential`);
  if (type === undefined) throw new Error(`no type ${name}`);
  const { credentialSubject, ...example } = structuredClone(type.example);
  const { host, homeEmployer, ...rest } = credentialSubject as JsonObject;
  // Of a placement the host is the issuer, which is another trust in the example.
  const swapped = host === undefined || homeEmployer === undefined ? {} : { host: homeEmployer, homeEmployer: host };
  const about = { ...rest, ...swapped, id: did, ...subject };
  const credential = { ...example, credentialSubject: about, validFrom: '2026-11-21T00:00:00Z', ...changes };
  const prepared = issuance.prepare({ credential, options: { format: 'dc+sd-jwt', alg: 'ES256' } });
  const reserved = await programme.store.transaction((tx) => issuance.cycle.reserve(tx, prepared, caller));
  const secured = await issuance.cycle.sign(reserved, { now: start, sdJwtVc: type.sdJwtVc });
  await programme.store.transaction((tx) => issuance.cycle.finalise(tx, reserved, secured));
  return { id: reserved.id, text: String(secured.compact), issuance };
}

async function present(text: string, changes: JsonObject = {}, by: TestKey = key): Promise<string> {
  const claims = { iat, aud: domain, nonce: challenge, sd_hash: digestOf(text), ...changes };
  return text + (await signJws({ alg: 'ES256', typ: 'kb+jwt' }, claims, by.sign));
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url');
const verify = (verifiableCredential: string, keyBinding?: { challenge: string; domain: string }) =>
  programme.verification().verifyCredential({ verifiableCredential, ...(keyBinding && { keyBinding }) });
const verifyPresented = (verifiablePresentation: string, asked = { challenge, domain }) =>
  programme.verification().verifyPresentation({ verifiablePresentation, ...asked });

/** The trust signs claims that it would not issue. */
async function resign(text: string, change: (claims: JsonObject) => JsonObject): Promise<string> {
  const { claims } = parseSdJwt(text, { typ: ['dc+sd-jwt'] });
  const { kid, sign } = programme.agent.es256;
  const options = { paths: [], random: randomBytes, sign };
  return signSdJwt({ alg: 'ES256', typ: 'dc+sd-jwt', kid }, change(claims), options);
}

describe('an SD-JWT VC', () => {
  test.each(catalogue.types.map(({ type }) => type.replace(/Credential$/, '')))(
    'of %s is valid with everything shown, and with nothing',
    async (name) => {
      const { text } = await issue(name);
      for (const shown of [text, `${jwtOf(text)}~`]) {
        const report = await verify(shown);
        expect([failed(report), open(report)]).toEqual([[], []]);
        expect([report.decision, report.format]).toEqual(['valid', 'dc+sd-jwt']);
      }
    },
  );

  test('tells only what was shown', async () => {
    const { text } = await issue();
    const hidden = await verify(`${jwtOf(text)}~`);
    const subject = hidden.credential?.['credentialSubject'] as JsonObject;
    expect([subject['legalFamilyName'], subject['birthDate']]).toEqual([expect.any(String), undefined]);
    const shown = (await verify(text)).credential?.['credentialSubject'] as JsonObject;
    expect(shown['birthDate']).toEqual(expect.any(String));
  });

  test('fails the schema for a claim that is missing though it cannot be hidden, or is wrong', async () => {
    const { text } = await issue();
    const without = await verify(await resign(text, ({ legalFamilyName: _, ...claims }) => claims));
    expect(failed(without)).toEqual(['schema:schema_violation']);
    const wrong = await verify(await resign(text, (claims) => ({ ...claims, checkDate: 'yesterday' })));
    expect(failed(wrong)).toEqual(['schema:schema_violation']);
    const more = await verify(await resign(text, (claims) => ({ ...claims, favouriteColour: 'blue' })));
    expect(failed(more)).toEqual(['schema:schema_violation']);
    const noEvidence = await verify(await resign(text, ({ evidence: _, ...claims }) => claims));
    expect(failed(noEvidence)).toEqual(['schema:schema_violation']);
  });

  test('fails at the issuer, the validity, the type and the status as every credential does', async () => {
    const { text } = await issue();
    const check = async (change: (claims: JsonObject) => JsonObject) =>
      failed(await verify(await resign(text, change)));
    expect(await check((claims) => ({ ...claims, exp: iat }))).toContain('validity:expired');
    expect(await check((claims) => ({ ...claims, nbf: iat + 61 }))).toContain('validity:not_yet_valid');
    expect(await check((claims) => ({ ...claims, issuer: { name: 'X', odsCode: 'RXZ' } }))).toEqual([
      'issuer:issuer_ods_mismatch',
    ]);
    expect(await check(({ status: _, ...claims }) => claims)).toEqual(['status:status_missing']);
    const vct = 'https://elsewhere.example/vct/StaffIdentityCredential/v1';
    expect(await check((claims) => ({ ...claims, vct }))).toEqual(['schema:schema_mismatch']);
    const unknown = await verify(await resign(text, (claims) => ({ ...claims, vct: 'urn:example:badge' })));
    expect(unknown.decision).not.toBe('valid');
    programme.registry.organisations = [];
    expect(failed(await verify(text))).toEqual(['issuer:issuer_not_listed']);
  });

  test('with a status that breaks its grammar fails, and no list is asked for', async () => {
    const { text } = await issue();
    const status = { status_list: { idx: '1', uri: `${publicUrl}/status-lists/x` } };
    const report = await verify(await resign(text, (claims) => ({ ...claims, status })));
    expect(failed(report)).toEqual(['status:status_entry_malformed']);
    expect(programme.status.asked).toEqual([]);
  });

  test('with a status of another mechanism, or whose list cannot be had, is not valid', async () => {
    const { text } = await issue();
    const other = await verify(await resign(text, (claims) => ({ ...claims, status: { identifier_list: {} } })));
    expect(other.decision).not.toBe('valid');
    const both = await verify(
      await resign(text, (claims) => ({ ...claims, status: { ...(claims['status'] as object), identifier_list: {} } })),
    );
    expect([both.decision, open(both)]).toEqual(['indeterminate', ['status:status_entry_unsupported']]);
    const status = { status_list: { idx: 1, uri: `${publicUrl}/status-lists/missing` } };
    const gone = await verify(await resign(text, (claims) => ({ ...claims, status })));
    expect([gone.decision, open(gone)]).toEqual(['indeterminate', ['status:status_retrieval_failed']]);
  });
});

describe('presented with a key binding', () => {
  let text: string;
  beforeAll(async () => {
    ({ text } = await issue());
  });
  const shownOnly = () => `${text.split('~').slice(0, 2).join('~')}~`;

  test('is a valid presentation by its holder', async () => {
    const report = await verifyPresented(await present(shownOnly()));
    expect([failed(report), open(report)]).toEqual([[], []]);
    expect([report.decision, report.holder]).toEqual(['valid', did]);
    expect(report.checks.map(({ check, code }) => `${check}:${code}`)).toEqual([
      'format:format_read',
      'algorithm:algorithm_allowed',
      'holder:holder_proved',
      'key:key_published',
      'proof:proof_verified',
      'challenge:challenge_matches',
      'domain:domain_matches',
      'presentation:presentation_complete',
    ]);
    expect(report.credentials.map((one) => [one.format, one.decision, codeOf(one, 'holder')])).toEqual([
      ['dc+sd-jwt', 'valid', 'holder_is_subject'],
    ]);
  });

  test('is a valid credential for whoever asked for that binding', async () => {
    const report = await verify(await present(text), { challenge, domain });
    expect([report.decision, failed(report), codeOf(report, 'holder')]).toEqual(['valid', [], 'holder_key_bound']);
    const uncompared = await verify(await present(text));
    expect(codeOf(uncompared, 'holder')).toBe('holder_not_compared');
    const unbound = await verify(text, { challenge, domain });
    expect([unbound.decision, failed(unbound)]).toEqual(['invalid', ['holder:key_binding_missing']]);
  });

  test.each([
    ['for another request', { nonce: 'other' }, 'challenge:challenge_mismatch'],
    ['for another verifier', { aud: 'https://other.example' }, 'domain:domain_mismatch'],
    ['too long ago', { iat: iat - 301 }, 'presentation:presentation_expired'],
    ['in the future', { iat: iat + 61 }, 'presentation:presentation_not_yet_valid'],
    ['over other disclosures', { sd_hash: digestOf('x') }, 'format:disclosures_invalid'],
  ])('%s is refused in either way', async (_name, changes, code) => {
    const presented = await present(text, changes);
    const presentation = await verifyPresented(presented);
    expect([presentation.decision, failed(presentation)]).toEqual(['invalid', [code]]);
    const credential = await verify(presented, { challenge, domain });
    expect(credential.decision).toBe('invalid');
  });

  test('by somebody else, or not at all, is refused', async () => {
    const thief = makeKey('ES256', () => 'unused');
    expect(failed(await verifyPresented(await present(text, {}, thief)))).toEqual(['proof:signature_invalid']);
    expect(failed(await verifyPresented(text))).toEqual(['holder:key_binding_missing']);
  });

  test('of a credential that nobody signed for that key shows the key, and is invalid', async () => {
    const thief = makeKey('ES256', () => 'unused');
    const [header, , signature] = jwtOf(text).split('.');
    const claims = { ...decodeJwt(jwtOf(text)), cnf: { jwk: thief.jwk } };
    const forged = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}~`;
    const report = await verifyPresented(await present(forged, {}, thief));
    expect([report.decision, failed(report)]).toEqual(['invalid', []]);
    expect(report.holder).not.toBe(did);
    expect(report.credentials.map(failed)).toEqual([['proof:signature_invalid']]);
  });

  test('whose subject is another than the holder of the key is refused', async () => {
    const foreign = await resign(text, (claims) => ({ ...claims, sub: 'did:example:colleague' }));
    const report = await verifyPresented(await present(foreign));
    expect([report.decision, failed(report)]).toEqual(['invalid', []]);
    expect(report.credentials.map(failed)).toEqual([['holder:holder_not_subject']]);
  });

  test('after it was revoked is invalid, for the credential', async () => {
    const { id, text: own, issuance } = await issue();
    await issuance.changeStatus({ credentialId: id, action: 'revoke', reason: 'LeavingOrganisation' }, caller);
    programme.clock.now = new Date(start.getTime() + 901_000);
    const late = iat + 901;
    const report = await verifyPresented(await present(own, { iat: late }));
    expect([report.decision, failed(report)]).toEqual(['invalid', []]);
    expect(report.credentials.map(failed)).toEqual([['status:status_revoked']]);
  });
});

test('POST /verify takes it as a credential and as a presentation', async () => {
  const { text } = await issue();
  const server = await createServer({
    publicUrl,
    serviceName: 'Trust',
    version: '0',
    authorise: () => Promise.reject(new Error('not asked')),
    metrics: createMetrics(),
    checkResponses: true,
    pressure: { maxEventLoopDelayMilliseconds: 0 },
    now: () => programme.clock.now,
    newId: () => 'id',
  });
  await server.register(verificationRoutes({ verification: programme.verification(), open: true }));
  const post = async (payload: object) => {
    const answer = await server.inject({ method: 'POST', url: '/verify', payload });
    expect(answer.statusCode).toBe(200);
    return answer.json();
  };
  const presented = await present(text);
  const options = { challenge, domain };
  expect(await post({ verifiableCredential: text })).toMatchObject({ decision: 'valid' });
  expect(await post({ verifiableCredential: presented, options })).toMatchObject({ decision: 'valid' });
  const report = await post({ verifiablePresentation: presented, options });
  expect(report).toMatchObject({ decision: 'valid', holder: did, credentials: [{ format: 'dc+sd-jwt' }] });
  const wrong = { challenge: 'other', domain };
  expect(await post({ verifiablePresentation: presented, options: wrong })).toMatchObject({ decision: 'invalid' });
  for (const broken of ['a~b~c', `${presented}~`, `~${text}`, text.replaceAll('~', '~~')]) {
    expect((await post({ verifiablePresentation: broken, options })).decision).toBe('invalid');
    expect((await post({ verifiableCredential: broken })).decision).toBe('invalid');
  }
  await server.close();
});

/** The two lists of bits that a copy has its index in. */
async function bitListsOf(recordId: string): Promise<{ revocation: string; suspension: string }> {
  const sql = `SELECT purpose, list_id AS "listId" FROM status_entry WHERE record_id = '${recordId}'`;
  const rows = (await programme.store.read((tx) => tx.query(sql))) as { purpose: string; listId: string }[];
  expect(rows.map(({ purpose }) => purpose).sort()).toEqual(['revocation', 'suspension']);
  return Object.fromEntries(rows.map(({ purpose, listId }) => [purpose, listId])) as never;
}

async function bitAt(server: HttpServer, name: string, index: number): Promise<number> {
  const { body } = await server.inject(`/status-lists/${name}`);
  const { encodedList } = JSON.parse(body).credentialSubject as { encodedList: string };
  const bits = gunzipSync(Buffer.from(encodedList.slice(1), 'base64url'));
  return ((bits[index >> 3] ?? 0) >> (7 - (index % 8))) & 1;
}

describe('one revoke', () => {
  test('moves the Token Status List and the list of bits behind it, over HTTP, and the verdict', async () => {
    const begin = start.getTime() + 2_000_000;
    programme.clock.now = new Date(begin);
    const { id, text, issuance } = await issue();
    const server = await createServer({
      publicUrl,
      serviceName: 'Trust',
      version: '0',
      authorise: () => Promise.reject(new Error('not asked')),
      metrics: createMetrics(),
      checkResponses: true,
      pressure: { maxEventLoopDelayMilliseconds: 0 },
      now: () => programme.clock.now,
      newId: () => 'id',
    });
    await server.register(statusRoutes({ lists: programme.lists }));
    const { idx, uri } = (decodeJwt(jwtOf(text))['status'] as { status_list: { idx: number; uri: string } })
      .status_list;
    const tokenStatus = async () => {
      const { body } = await server.inject(new URL(uri).pathname);
      const { lst } = decodeJwt(body)['status_list'] as { lst: string };
      return ((inflateSync(Buffer.from(lst, 'base64url'))[idx >> 2] ?? 0) >> ((idx & 3) * 2)) & 3;
    };
    const { revocation, suspension } = await bitListsOf(id);
    const bits = () => Promise.all([revocation, suspension].map((name) => bitAt(server, name, idx)));
    expect([await tokenStatus(), await bits()]).toEqual([0, [0, 0]]);
    expect((await verify(text)).decision).toBe('valid');

    const change = (action: 'suspend' | 'reinstate' | 'revoke', reason: string) =>
      issuance.changeStatus({ credentialId: id, action, reason }, caller);
    await change('suspend', 'CheckInProgress');
    expect([await tokenStatus(), await bits()]).toEqual([2, [0, 1]]);
    programme.clock.now = new Date(begin + 301_000);
    expect(failed(await verify(text))).toEqual(['status:status_suspended']);
    await change('reinstate', 'CheckCompleted');
    expect([await tokenStatus(), await bits()]).toEqual([0, [0, 0]]);
    await change('revoke', 'LeavingOrganisation');
    expect([await tokenStatus(), await bits()]).toEqual([1, [1, 0]]);
    programme.clock.now = new Date(begin + 602_000);
    const report = await verify(text);
    expect([report.decision, failed(report)]).toEqual(['invalid', ['status:status_revoked']]);
    await server.close();
  });
});
