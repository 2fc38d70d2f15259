import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  type PresentationFormat,
  readCredential,
  type SecuringFormat,
  secureCredential,
  securePresentation,
  securingFormats,
  verifyProof,
} from '../../src/credential/credential.js';
import type { FetchResult } from '../../src/http/client.js';
import { decodeBase64url } from '../../src/jose/base64url.js';
import { signSdJwt } from '../../src/jose/sd-jwt.js';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.js';
import type { Organisation } from '../../src/registry/organisation.js';
import { type Check, type CredentialReport, projectCredential } from '../../src/verification/verification.js';
import { didDocument, makeKey, now as start, type TestKey, trust } from '../credential/agent.js';
import { catalogue, presentation11, presentation20 } from '../credential/examples.js';
import { caller, openProgramme, organisation, type Programme } from './programme.js';

/** What our own API issues. */
const formats = (Object.keys(securingFormats) as SecuringFormat[]).filter(
  (name) => !securingFormats[name].instancesOnly && !securingFormats[name].walletsOnly,
);
const isJwt = (format: SecuringFormat) => securingFormats[format].kind === 'jwt';
const hour = 3_600_000;
const challenge = 'c-4711';
const domain = 'rxb.example';

type Wire = string | JsonObject;

const failed = (report: { checks: readonly Check[] }) =>
  report.checks.filter(({ outcome }) => outcome === 'fail').map(({ check, code }) => `${check}:${code}`);
const open = (report: { checks: readonly Check[] }) =>
  report.checks.filter(({ outcome }) => outcome === 'indeterminate').map(({ check, code }) => `${check}:${code}`);
const codeOf = (report: { checks: readonly Check[] }, name: string) =>
  report.checks.find(({ check }) => check === name)?.code;

/** The compact token inside whatever travels. */
function compactOf(wire: Wire): string {
  return typeof wire === 'string' ? wire : String(wire.id).slice(String(wire.id).indexOf(',') + 1);
}

describe('verifying', () => {
  let programme: Programme;
  let holder: { did: string; key: TestKey };

  beforeAll(async () => {
    programme = await openProgramme();
    ({ holder } = programme.agent);
  }, 60_000);
  afterAll(() => programme.close());
  beforeEach(() => {
    programme.clock.now = start;
    programme.registry.organisations = [organisation()];
    programme.registry.present = true;
    programme.registry.nextUpdate = '2026-12-31T00:00:00Z';
    programme.status.asked.length = 0;
    programme.faults.length = 0;
    programme.agent.resolved.length = 0;
  });
  afterEach(() => expect(programme.faults).toEqual([]));

  const verify = (verifiableCredential: unknown) => programme.verification().verifyCredential({ verifiableCredential });

  async function issue(
    format: SecuringFormat,
    changes: JsonObject = {},
    subject: JsonObject = {},
  ): Promise<{ id: string; wire: Wire }> {
    const example = structuredClone(catalogue.find('DbsCheckCredential')?.example ?? {});
    const credentialSubject = { ...(example.credentialSubject as JsonObject), id: holder.did, ...subject };
    const credential = { ...example, credentialSubject, ...changes };
    const issued = await programme.issuance().issue({ credential, options: { format } }, caller);
    return { id: issued.credentialId, wire: issued.verifiableCredential };
  }

  const keyFor = (format: SecuringFormat) =>
    securingFormats[format].algorithms[0] === 'ES256' ? programme.agent.es256 : programme.agent.ed25519;

  /** The trust itself signs something else than it would issue. */
  async function resign(
    format: SecuringFormat,
    wire: Wire,
    change: (credential: JsonObject) => JsonObject,
  ): Promise<Wire> {
    const proven = await verifyProof(programme.agent.agent, readCredential(wire), { now: programme.clock.now });
    const credential = change(structuredClone(proven.credential));
    const secured = await secureCredential(programme.agent.agent, {
      credential,
      format,
      key: keyFor(format),
      now: programme.clock.now,
    });
    return secured.verifiableCredential;
  }

  const subjectWith = (changes: JsonObject) => (credential: JsonObject) => ({
    ...credential,
    credentialSubject: { ...(credential.credentialSubject as JsonObject), ...changes },
  });

  describe.each(formats)('a credential in %s', (format) => {
    let good: { id: string; wire: Wire };
    beforeEach(async () => {
      good = await issue(format);
    });

    test('is valid when every check passes', async () => {
      const report = await verify(good.wire);
      expect([failed(report), open(report)]).toEqual([[], []]);
      expect(report.decision).toBe('valid');
      expect(report.checks.map(({ check }) => check)).toEqual([
        'format',
        'algorithm',
        'issuer',
        'key',
        'proof',
        'validity',
        'schema',
        'status',
        'holder',
      ]);
      expect(codeOf(report, 'holder')).toBe('holder_not_presented');
      expect(report.credential).toMatchObject({ id: good.id });
      expect(report.issuer).toEqual({ id: trust, name: organisation().name, odsCode: 'RXA' });
      expect(report.registry).toMatchObject({ sequence: 7, freshness: 'fresh' });
    });

    test('fails at the form when it is cut off', async () => {
      const { proof: _proof, ...rest } = isJsonObject(good.wire) ? good.wire : {};
      const cut = isJwt(format) ? compactOf(good.wire).split('.').slice(0, 2).join('.') : rest;
      const report = await verify(cut);
      expect(failed(report)).toEqual([expect.stringMatching(/^format:/)]);
      expect([report.decision, report.credential]).toEqual(['invalid', undefined]);
    });

    test('fails at the algorithm when it is none or unknown', async () => {
      const [, payload = '', signature = ''] = isJwt(format) ? compactOf(good.wire).split('.') : [];
      const typ = format === 'jwt_vc' ? 'JWT' : 'vc+jwt';
      const header = Buffer.from(JSON.stringify({ alg: 'none', typ, kid: `${trust}#a1` })).toString('base64url');
      const proof = { ...((good.wire as JsonObject).proof as JsonObject), cryptosuite: 'md5-2005' };
      const wire = isJwt(format) ? `${header}.${payload}.${signature}` : { ...(good.wire as JsonObject), proof };
      const report = await verify(wire);
      expect(failed(report)).toEqual([expect.stringMatching(/^algorithm:/)]);
      expect(programme.agent.resolved).toEqual([]);
    });

    test('fails at the key when the issuer does not publish it', async () => {
      const kid = `${trust}#zz`;
      const wire = isJwt(format)
        ? await keyFor(format).token(JSON.parse(String(decodeBase64url(compactOf(good.wire).split('.')[1] ?? ''))), {
            kid,
            typ: format === 'jwt_vc' ? 'JWT' : 'vc+jwt',
          })
        : {
            ...(good.wire as JsonObject),
            proof: { ...((good.wire as JsonObject).proof as JsonObject), verificationMethod: kid },
          };
      const report = await verify(wire);
      expect(failed(report)).toEqual(['key:key_not_found']);
      expect(codeOf(report, 'proof')).toBe('proof_not_reached');
      expect(programme.status.asked).toEqual([]);
    });

    test('fails at the proof when one claim was altered, and nothing of it is reported or fetched', async () => {
      const alter = (text: string) => text.replace('EnhancedWithBarredLists', 'Basic');
      const [head = '', payload = '', signature = ''] = isJwt(format) ? compactOf(good.wire).split('.') : [];
      const altered = isJwt(format)
        ? `${head}.${Buffer.from(alter(String(decodeBase64url(payload)))).toString('base64url')}.${signature}`
        : (JSON.parse(alter(JSON.stringify(good.wire))) as JsonObject);
      const report = await verify(altered);
      expect(failed(report)).toEqual(['proof:signature_invalid']);
      expect([report.decision, report.credential, report.issuer]).toEqual(['invalid', undefined, undefined]);
      expect(programme.status.asked).toEqual([]);
    });

    test('fails at the dates when it has expired or is not valid yet, with a minute of grace at the start only', async () => {
      const at = (milliseconds: number) => new Date(start.getTime() + milliseconds).toISOString().replace('.000Z', 'Z');
      const short = await issue(format, { validUntil: at(hour) });
      programme.clock.now = new Date(start.getTime() + hour - 1000);
      expect((await verify(short.wire)).decision).toBe('valid');
      programme.clock.now = new Date(start.getTime() + hour);
      expect(failed(await verify(short.wire))).toEqual(['validity:expired']);
      programme.clock.now = start;
      expect(failed(await verify((await issue(format, { validFrom: at(61_000) })).wire))).toEqual([
        'validity:not_yet_valid',
      ]);
      expect((await verify((await issue(format, { validFrom: at(60_000) })).wire)).decision).toBe('valid');
    });

    test('fails when it was signed in the future, whatever its validFrom says', async () => {
      programme.clock.now = new Date(start.getTime() + hour);
      const early = await resign(format, good.wire, (credential) => credential);
      programme.clock.now = start;
      expect(failed(await verify(early))).toEqual([
        isJwt(format) ? 'validity:not_yet_valid' : 'proof:proof_not_yet_valid',
      ]);
    });

    test('fails at the schema when the content or the reference is not that of its type', async () => {
      const wrong = await resign(format, good.wire, subjectWith({ checkType: 'Bogus' }));
      const report = await verify(wrong);
      expect(failed(report)).toEqual(['schema:schema_violation']);
      const evidence = report.checks.find(({ check }) => check === 'schema')?.evidence;
      expect(evidence).toMatchObject({ faults: [expect.objectContaining({ path: '/credentialSubject/checkType' })] });
      const elsewhere = { id: 'https://evil.example/schema.json', type: 'JsonSchema' };
      const foreign = await resign(format, good.wire, (credential) => ({ ...credential, credentialSchema: elsewhere }));
      expect(failed(await verify(foreign))).toEqual(['schema:schema_mismatch']);
      const digest = (credential: JsonObject) => ({
        ...credential,
        credentialSchema: { ...(credential.credentialSchema as JsonObject), digestSRI: `sha384-${'A'.repeat(64)}` },
      });
      expect(failed(await verify(await resign(format, good.wire, digest)))).toEqual(['schema:schema_digest_mismatch']);
    });

    test('fails at the status when it is revoked or suspended', async () => {
      const change = (action: 'revoke' | 'suspend' | 'reinstate', reason: string) =>
        programme.issuance().changeStatus({ credentialId: good.id, action, reason }, caller);
      await change('suspend', 'LostPhone');
      expect(failed(await verify(good.wire))).toEqual(['status:status_suspended']);
      await change('reinstate', 'PhoneRecovered');
      expect((await verify(good.wire)).decision).toBe('valid');
      await change('revoke', 'NoLongerValid');
      const report = await verify(good.wire);
      expect(failed(report)).toEqual(['status:status_revoked']);
      expect(report.credential).toMatchObject({ id: good.id });
    });

    test('fails at the status when it cannot be suspended or revoked at all', async () => {
      const only = (credential: JsonObject) => ({
        ...credential,
        credentialStatus: (credential.credentialStatus as JsonObject[]).filter(
          ({ statusPurpose }) => statusPurpose === 'revocation',
        ),
      });
      expect(failed(await verify(await resign(format, good.wire, only)))).toEqual(['status:status_missing']);
      const none = ({ credentialStatus: _none, ...rest }: JsonObject) => rest;
      expect(failed(await verify(await resign(format, good.wire, none)))).toContain('status:status_missing');
    });

    test('fails at the status for a malformed entry, before any list is fetched', async () => {
      const spoilt = (credential: JsonObject) => ({
        ...credential,
        credentialStatus: (credential.credentialStatus as JsonObject[]).map((one) => ({ ...one, statusSize: 0 })),
      });
      const report = await verify(await resign(format, good.wire, spoilt));
      expect(failed(report)).toContain('status:status_entry_malformed');
      expect(programme.status.asked).toEqual([]);
    });

    test('is not decided while the status list is away', async () => {
      const { fetch } = programme.status;
      programme.status.fetch = async () => {
        throw new Error('connection refused');
      };
      const report = await verify(good.wire);
      programme.status.fetch = fetch;
      expect([report.decision, failed(report), open(report)]).toEqual([
        'indeterminate',
        [],
        ['status:status_retrieval_failed'],
      ]);
    });

    test('is answered in time when the status list hangs', async () => {
      const { fetch } = programme.status;
      programme.status.fetch = () => new Promise<FetchResult>(() => undefined);
      const began = Date.now();
      const config = { deadlineMilliseconds: 200, holderHosts: [] };
      const report = await programme.verification({ config }).verifyCredential({ verifiableCredential: good.wire });
      programme.status.fetch = fetch;
      expect(Date.now() - began).toBeLessThan(1500);
      expect([report.decision, open(report)]).toEqual(['indeterminate', [expect.stringMatching(/^status:/)]]);
    });

    describe('fails at the issuer', () => {
      const register = (changes: Partial<Organisation>) => {
        programme.registry.organisations = [organisation(changes)];
      };

      test('when the registry does not list it; then not even its key is fetched', async () => {
        programme.registry.organisations = [];
        const report = await verify(good.wire);
        expect(failed(report)).toEqual(['issuer:issuer_not_listed']);
        expect([codeOf(report, 'key'), report.credential]).toEqual(['key_not_fetched', undefined]);
        expect([programme.agent.resolved, programme.status.asked]).toEqual([[], []]);
      });

      test('when it may not issue this type; then no status is fetched', async () => {
        register({ issue: [] });
        const report = await verify(good.wire);
        expect(failed(report)).toEqual(['issuer:issuer_not_authorised_for_type']);
        expect(codeOf(report, 'status')).toBe('status_not_fetched');
        expect(programme.status.asked).toEqual([]);
      });

      test('while it is suspended, and is valid with a notice after reinstatement, unless issued within', async () => {
        const from = new Date(start.getTime() + hour).toISOString();
        const until = new Date(start.getTime() + 3 * hour).toISOString();
        programme.clock.now = new Date(start.getTime() + 2 * hour);
        const during = await issue(format);
        register({ suspensions: [{ from }] });
        expect(failed(await verify(good.wire))).toEqual(['issuer:issuer_suspended']);
        programme.clock.now = new Date(start.getTime() + 4 * hour);
        register({ suspensions: [{ from, until }] });
        const report = await verify(good.wire);
        expect([report.decision, codeOf(report, 'issuer')]).toEqual(['valid', 'issuer_reinstated_notice']);
        expect(failed(await verify(during.wire))).toEqual(['issuer:issuer_suspended_when_issued']);
      });

      test('when it was signed within a suspension, though its validFrom lies before', async () => {
        programme.clock.now = new Date(start.getTime() + hour);
        const backdated = await resign(format, good.wire, (credential) => credential);
        programme.clock.now = new Date(start.getTime() + 3 * hour);
        register({ suspensions: [{ from: '2026-11-21T09:30:00Z', until: '2026-11-21T11:00:00Z' }] });
        expect(failed(await verify(backdated))).toEqual(['issuer:issuer_suspended_when_issued']);
        expect((await verify(good.wire)).decision).toBe('valid');
      });

      test('when the credential names another organisation code; another name is only a notice', async () => {
        const named = (issuer: JsonObject) => (credential: JsonObject) => ({
          ...credential,
          issuer: { ...(credential.issuer as JsonObject), ...issuer },
        });
        const wrong = await resign(format, good.wire, named({ odsCode: 'RXZ' }));
        expect(failed(await verify(wrong))).toEqual(['issuer:issuer_ods_mismatch']);
        const renamed = await verify(await resign(format, good.wire, named({ name: 'Rexford Hospital' })));
        expect([renamed.decision, codeOf(renamed, 'issuer')]).toEqual(['valid', 'issuer_name_differs']);
      });

      test('when the registry names its keys and this is none of them', async () => {
        register({ dids: [{ did: trust, keyThumbprints: ['A'.repeat(43)] }] });
        expect(failed(await verify(good.wire))).toEqual(['issuer:issuer_key_not_listed']);
      });

      test('not, but stays undecided, while the registry is absent or out of date', async () => {
        programme.registry.nextUpdate = '2026-11-21T00:00:00Z';
        const stale = await verify(good.wire);
        expect([stale.decision, open(stale)]).toEqual(['indeterminate', ['issuer:registry_stale']]);
        expect(stale.registry.freshness).toBe('stale');
        programme.registry.present = false;
        const absent = await verify(good.wire);
        expect([absent.decision, open(absent)]).toEqual(['indeterminate', ['issuer:registry_absent']]);
      });
    });

    test('is accepted from its subject alone', async () => {
      const report = await present(format, [good.wire]);
      expect([failed(report), open(report), report.credentials.map(failed)]).toEqual([[], [], [[]]]);
      expect([report.decision, report.holder]).toEqual(['valid', holder.did]);
      expect(codeOf(report.credentials[0] as CredentialReport, 'holder')).toBe('holder_is_subject');
      const colleague = await issue(format, {}, { id: `did:key:${programme.agent.es256.publicKeyMultibase}` });
      const mixed = await present(format, [good.wire, colleague.wire]);
      expect([mixed.decision, mixed.credentials.map((one) => one.decision)]).toEqual(['invalid', ['valid', 'invalid']]);
      expect(failed(mixed.credentials[1] as CredentialReport)).toEqual(['holder:holder_not_subject']);
    });
  });

  test('a type that the catalogue does not know fails at the schema, also from an issuer that may issue it', async () => {
    const good = await issue('vc+jwt');
    programme.registry.organisations = [
      organisation({ issue: [{ type: 'FooCredential', from: '2025-01-01T00:00:00Z' }] }),
    ];
    const foo = await resign('vc+jwt', good.wire, (credential) => ({
      ...credential,
      type: ['VerifiableCredential', 'FooCredential'],
    }));
    expect(failed(await verify(foo))).toEqual(['schema:schema_unknown_type']);
    const both = await resign('vc+jwt', good.wire, (credential) => ({
      ...credential,
      type: ['VerifiableCredential', 'DbsCheckCredential', 'RightToWorkCredential'],
    }));
    programme.registry.organisations = [organisation()];
    expect(failed(await verify(both))).toEqual(['schema:schema_ambiguous_type']);
  });

  test('a key of another organisation is not fetched in the name of a listed one', async () => {
    const evil = makeKey('ES256', () => 'did:web:evil.example#k1');
    programme.agent.documents.set('did:web:evil.example', didDocument('did:web:evil.example', [evil]));
    const good = await issue('vc+jwt');
    const payload = JSON.parse(String(decodeBase64url(compactOf(good.wire).split('.')[1] ?? ''))) as JsonObject;
    const report = await verify(await evil.token(payload));
    expect([report.decision, report.credential]).toEqual(['invalid', undefined]);
    expect(programme.agent.resolved).not.toContain('did:web:evil.example');
  });

  test('a DID document that cannot be had leaves it undecided', async () => {
    const did = 'did:web:rxc.example';
    const key = makeKey('ES256', () => `${did}#k1`);
    programme.registry.organisations = [organisation(), organisation({ odsCode: 'RXC', dids: [{ did }] })];
    const good = await issue('vc+jwt');
    const payload = JSON.parse(String(decodeBase64url(compactOf(good.wire).split('.')[1] ?? ''))) as JsonObject;
    const wire = await key.token({ ...payload, iss: did, issuer: { id: did, name: 'C', odsCode: 'RXC' } });
    const report = await verify(wire);
    expect([report.decision, failed(report), open(report)]).toEqual(['indeterminate', [], ['key:did_unresolved']]);
    programme.registry.organisations = [
      organisation({ odsCode: 'RXC', dids: [{ did }], suspensions: [{ from: '2026-01-01T00:00:00Z' }] }),
    ];
    expect(failed(await verify(wire))).toEqual(['issuer:issuer_suspended']);
  });

  test('an issuer by did:key outside the registry is refused, though its signature is told to be good', async () => {
    const wire = await selfIssued();
    const report = await verify(wire);
    expect(failed(report)).toEqual(expect.arrayContaining(['issuer:issuer_not_listed']));
    expect([codeOf(report, 'proof'), codeOf(report, 'status')]).toEqual(['proof_verified', 'status_not_fetched']);
    expect(programme.status.asked).toEqual([]);
  });

  describe('the status of an issuer outside the registry', () => {
    const entry = {
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
      statusListIndex: '7',
      statusListCredential: 'https://lists.example/3',
    };
    const malformed = 'https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR';
    const range = 'https://www.w3.org/TR/vc-data-model#RANGE_ERROR';
    const retrieval = 'https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR';
    const base = 'https://rxa.example';

    test.each<[string, JsonObject, string, string, boolean]>([
      ['without a fault', entry, 'status_not_fetched', retrieval, true],
      ['without index', { ...entry, statusListIndex: 5 }, 'status_entry_malformed', malformed, false],
      ['of no bits', { ...entry, statusSize: 0 }, 'status_entry_malformed', malformed, false],
      ['past every end', { ...entry, statusListIndex: '1'.repeat(129) }, 'status_index_out_of_range', range, false],
      ['of a foreign type', { type: 'OtherEntry' }, 'status_entry_unsupported', `${base}/verify/codes#`, true],
    ])('is judged by its entry alone: one %s', async (_name, credentialStatus, code, problem, verified) => {
      const wire = await selfIssued({ type: ['VerifiableCredential'], credentialStatus });
      const report = await verify(wire);
      expect([report.decision, codeOf(report, 'status')]).toEqual(['invalid', code]);
      const told = projectCredential(report, wire, {}, { base });
      expect(told.verified).toBe(verified);
      expect(told.problemDetails).toContainEqual(expect.objectContaining({ type: expect.stringContaining(problem) }));
      expect(programme.status.asked).toEqual([]);
    });
  });

  test('a key of nobody lends no trust its name, even where an instance proves as much as can be proved', async () => {
    const issuer = { id: 'https://rexford.example', odsCode: 'RXA' };
    const wire = await selfIssued({ issuer });
    const report = await verify(wire);
    expect(failed(report)).toEqual(['issuer:issuer_not_listed', 'key:key_not_of_issuer']);
    expect(report.credential).toBeUndefined();
    const lenient = { verifiableCredential: wire, unboundIssuers: true };
    const unbound = await programme.verification().verifyCredential(lenient);
    expect([unbound.decision, codeOf(unbound, 'issuer'), codeOf(unbound, 'proof')]).toEqual([
      'invalid',
      'issuer_unbound',
      'proof_verified',
    ]);
  });

  /** Somebody signs a credential with a key of their own. */
  async function selfIssued(changes: JsonObject = {}): Promise<string> {
    const good = await issue('vc+jwt');
    const payload = JSON.parse(String(decodeBase64url(compactOf(good.wire).split('.')[1] ?? ''))) as JsonObject;
    const { iss: _iss, ...claims }: JsonObject = { ...payload, issuer: holder.did, ...changes };
    return holder.key.token(claims);
  }

  /** P-256 holders are what most wallets have; the agent of the tests has an Ed25519 one. */
  async function p256Holder(): Promise<{ did: string; key: TestKey }> {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = makeKey('ES256', (multikey) => `did:key:${multikey}#${multikey}`, privateKey);
    const privateKeyHex = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
    const did = `did:key:${key.publicKeyMultibase}`;
    const keys = [{ kms: 'node', kid: key.keyRef, type: 'Secp256r1' as const, privateKeyHex }];
    await programme.agent.agent.didManagerImport({ did, provider: 'did:key', keys });
    return { did, key };
  }

  const presentationFormats: Partial<Record<SecuringFormat, PresentationFormat>> = {
    'vc+jwt': 'vp+jwt',
    'vc+sd-jwt': 'vp+sd-jwt',
    'vc+cose': 'vp+cose',
    jwt_vc: 'jwt_vp',
    'eddsa-rdfc-2022': 'eddsa-rdfc-2022',
    'ecdsa-rdfc-2019': 'ecdsa-rdfc-2019',
  };

  /** Changes what was signed, in whatever it travels; the signature stays as it was. */
  function alter(wire: Wire): Wire {
    if (typeof wire === 'string') return alterToken(wire);
    const id = String(wire.id);
    if (!id.startsWith('data:')) return { ...wire, id: 'urn:uuid:00000000-0000-4000-8000-000000000000' };
    const [head, data = ''] = id.split(',');
    return { ...wire, id: `${head},${head?.endsWith('base64') ? alterBytes(data) : alterToken(data)}` };
  }

  function alterToken(token: string): string {
    const [head, payload, ...rest] = token.split('.');
    const claims = JSON.parse(String(decodeBase64url(payload ?? ''))) as JsonObject;
    const other = { ...claims, description: 'Added afterwards' };
    return [head, Buffer.from(JSON.stringify(other)).toString('base64url'), ...rest].join('.');
  }

  /** As many bytes, else it would be no CBOR any more. */
  function alterBytes(data: string): string {
    const text = Buffer.from(data, 'base64').toString('latin1');
    return Buffer.from(text.replace('Verifiable', 'Verifiab1e'), 'latin1').toString('base64');
  }

  interface Presenting {
    readonly by?: { did: string; key: TestKey };
    readonly asked?: { challenge: string; domain: string };
    readonly change?: (wire: Wire) => Wire;
  }

  async function present(format: SecuringFormat, credentials: Wire[], { by, asked, change }: Presenting = {}) {
    const presenter = by ?? holder;
    // The Ed25519 holder cannot make an ECDSA proof; its credentials travel in the other Data Integrity one.
    const used = presentationFormats[format === 'ecdsa-rdfc-2019' && !by ? 'eddsa-rdfc-2022' : format] ?? 'vp+jwt';
    const presentation =
      used === 'jwt_vp'
        ? presentation11(presenter.did, credentials.map(compactOf))
        : presentation20(presenter.did, credentials as Json[]);
    const secured = await securePresentation(programme.agent.agent, {
      presentation,
      format: used,
      key: presenter.key,
      challenge,
      domain,
      now: programme.clock.now,
    });
    const verifiablePresentation = change ? change(secured.verifiablePresentation) : secured.verifiablePresentation;
    return programme.verification().verifyPresentation({ verifiablePresentation, ...(asked ?? { challenge, domain }) });
  }

  const enveloping = ['vc+sd-jwt', 'vc+cose'] as const;

  /** Also in the formats that our own API does not issue. */
  async function issueIn(format: SecuringFormat, subject: JsonObject = {}): Promise<Wire> {
    if (!securingFormats[format].instancesOnly) return (await issue(format, {}, subject)).wire;
    return resign(format, (await issue('vc+jwt', {}, subject)).wire, (credential) => credential);
  }

  describe.each([...formats, ...enveloping])('a presentation of %s', (format) => {
    test('is valid when it and its credential are, and shows who presents', async () => {
      const report = await present(format, [await issueIn(format)]);
      expect([failed(report), open(report)]).toEqual([[], []]);
      expect([report.decision, report.holder]).toEqual(['valid', holder.did]);
      expect(report.credentials.map((one) => [one.format, one.decision])).toEqual([[format, 'valid']]);
    });

    test('fails with a credential in it that was altered, or that is about somebody else', async () => {
      const altered = await present(format, [alter(await issueIn(format))]);
      expect([altered.decision, failed(altered)]).toEqual(['invalid', []]);
      expect(altered.credentials.map(failed)).toEqual([[expect.stringMatching(/^(proof|format):/)]]);
      const foreign = await present(format, [await issueIn(format, { id: 'did:example:colleague' })]);
      expect([foreign.decision, failed(foreign)]).toEqual(['invalid', []]);
      expect(foreign.credentials.map(failed)).toEqual([['holder:holder_not_subject']]);
    });

    test('fails when it answers another challenge, another domain, or neither', async () => {
      const wire = await issueIn(format);
      const check = async (asked: { challenge: string; domain: string }) => {
        const report = await present(format, [wire], { asked });
        expect([report.decision, report.holder, codeOf(report, 'proof')]).toEqual([
          'invalid',
          undefined,
          'proof_verified',
        ]);
        return failed(report);
      };
      expect(await check({ challenge: 'other', domain })).toEqual(['challenge:challenge_mismatch']);
      expect(await check({ challenge, domain: 'other.example' })).toEqual(['domain:domain_mismatch']);
      expect(await check({ challenge: 'other', domain: 'other.example' })).toEqual([
        'challenge:challenge_mismatch',
        'domain:domain_mismatch',
      ]);
    });

    test('fails when it was altered; its credentials are then bound to nobody', async () => {
      const report = await present(format, [await issueIn(format)], { change: alter });
      expect(failed(report)).toEqual([expect.stringMatching(/^(proof|format):/)]);
      expect([report.decision, report.holder]).toEqual(['invalid', undefined]);
      for (const one of report.credentials)
        expect([one.decision, codeOf(one, 'holder')]).toEqual(['indeterminate', 'holder_not_reached']);
    });

    test('fails when it is empty', async () => {
      const report = await present(format, []);
      expect(report.decision).toBe('invalid');
      expect(failed(report)).toEqual([expect.stringMatching(/^(presentation|format):/)]);
    });
  });

  test('a presentation that nobody signed is never valid, and its credentials are bound to nobody', async () => {
    const { wire } = await issue('eddsa-rdfc-2022');
    const presentation = presentation20(holder.did, [wire as Json]);
    const report = await programme.verification().verifyUnsignedPresentation({ presentation });
    expect([report.decision, report.holder, failed(report)]).toEqual(['indeterminate', undefined, []]);
    expect(['holder', 'proof', 'challenge', 'domain', 'presentation'].map((name) => codeOf(report, name))).toEqual([
      ...['holder_not_reached', 'presentation_unsigned', 'challenge_not_reached', 'domain_not_reached'],
      'presentation_complete',
    ]);
    expect(report.credentials.map((one) => [one.decision, codeOf(one, 'holder')])).toEqual([
      ['valid', 'holder_not_presented'],
    ]);
  });

  describe('an SD-JWT that is presented by itself', () => {
    const keyBinding = { challenge, domain };
    const seconds = start.getTime() / 1000;

    /** A credential of the trust that is bound to the holder's key. */
    async function issueBound(): Promise<string> {
      const { wire } = await issue('vc+jwt');
      const claims = JSON.parse(String(decodeBase64url(compactOf(wire).split('.')[1] ?? ''))) as JsonObject;
      const { es256 } = programme.agent;
      const header = { alg: 'ES256', typ: 'vc+sd-jwt', cty: 'vc', kid: es256.kid } as const;
      const bound = { ...claims, cnf: { jwk: { ...holder.key.jwk } } };
      return signSdJwt(header, bound, { paths: [], random: randomBytes, sign: es256.sign });
    }
    async function bind(issued: string, key = holder.key): Promise<string> {
      const sdHash = createHash('sha256').update(issued).digest('base64url');
      const claims = { nonce: challenge, aud: domain, iat: seconds, sd_hash: sdHash };
      return issued + (await key.token(claims, { typ: 'kb+jwt', cty: undefined as never }));
    }
    const check = (verifiableCredential: Wire, asked = keyBinding) =>
      programme.verification().verifyCredential({ verifiableCredential, keyBinding: asked });
    const bindingOf = (report: { checks: readonly Check[] }) =>
      ['holder', 'challenge', 'domain'].map((name) => codeOf(report, name));

    test('is valid with the key binding that was asked for', async () => {
      const report = await check(await bind(await issueBound()));
      expect([failed(report), open(report), report.decision]).toEqual([[], [], 'valid']);
      expect(bindingOf(report)).toEqual(['holder_key_bound', 'challenge_matches', 'domain_matches']);
    });

    test('says that nothing was compared when nothing was asked for', async () => {
      const issued = await issueBound();
      const bound = await verify(await bind(issued));
      expect([bound.decision, ...bindingOf(bound)]).toEqual(['valid', 'holder_not_compared', undefined, undefined]);
      const told = projectCredential(bound, undefined, {}, { base: '' });
      expect(told.verified).toBe(true);
      expect(told.problemDetails?.map(({ title }) => title)).toEqual(['holder_not_compared']);
      expect(codeOf(await verify(issued), 'holder')).toBe('holder_not_presented');
    });

    test('fails when its key binding answers another challenge, another domain, or neither', async () => {
      const bound = await bind(await issueBound());
      const fails = async (asked: typeof keyBinding) => {
        const report = await check(bound, asked);
        expect([report.decision, report.credential, codeOf(report, 'proof')]).toEqual([
          'invalid',
          undefined,
          'proof_verified',
        ]);
        return failed(report);
      };
      expect(await fails({ challenge: 'other', domain })).toEqual(['challenge:challenge_mismatch']);
      expect(await fails({ challenge, domain: 'other.example' })).toEqual(['domain:domain_mismatch']);
      expect(await fails({ challenge: 'other', domain: 'other.example' })).toEqual([
        'challenge:challenge_mismatch',
        'domain:domain_mismatch',
      ]);
    });

    test('fails when the key binding is missing, by another key, or older than five minutes', async () => {
      const issued = await issueBound();
      expect(failed(await check(issued))).toEqual(['holder:key_binding_missing']);
      expect(failed(await check(await bind(issued, programme.agent.ed25519)))).toEqual(['proof:key_binding_invalid']);
      const bound = await bind(issued);
      programme.clock.now = new Date(start.getTime() + 301_000);
      expect(failed(await check(bound))).toEqual(['proof:key_binding_invalid']);
    });

    test.each([...formats, 'vc+cose'] as const)('a credential in %s has no key binding to give', async (format) => {
      const report = await check(await issueIn(format));
      expect([report.decision, failed(report)]).toEqual(['invalid', ['holder:key_binding_missing']]);
      expect(bindingOf(report)).toEqual(['key_binding_missing', 'challenge_not_reached', 'domain_not_reached']);
    });

    test('what cannot be read at all reaches none of it', async () => {
      const report = await check('a.b.c');
      expect(bindingOf(report)).toEqual(['holder_not_reached', 'challenge_not_reached', 'domain_not_reached']);
      expect(report.decision).toBe('invalid');
    });
  });

  test('a presentation by a P-256 holder is accepted with an ECDSA proof', async () => {
    const by = await p256Holder();
    const { wire } = await issue('ecdsa-rdfc-2019', {}, { id: by.did });
    const report = await present('ecdsa-rdfc-2019', [wire], { by });
    expect([failed(report), report.decision, report.holder]).toEqual([[], 'valid', by.did]);
  });

  test('a did:web holder is refused unless its host is configured, and then nothing is fetched', async () => {
    const { wire } = await issue('vc+jwt');
    const by = { did: trust, key: programme.agent.es256 };
    const report = await present('vc+jwt', [wire], { by });
    expect(failed(report)).toEqual(['holder:holder_not_accepted']);
    expect(codeOf(report, 'key')).toBe('key_not_reached');
  });

  test('a presentation with too many credentials is refused before any of them is checked', async () => {
    const report = await present(
      'jwt_vc',
      Array.from({ length: 65 }, () => 'e30.e30.AA'),
    );
    expect(failed(report)).toEqual(['presentation:presentation_too_many_credentials']);
    expect(report.credentials).toEqual([]);
  });

  test('a presentation of many credentials lets others have their turn between any two of them', async () => {
    const { wire } = await issue('eddsa-rdfc-2022');
    let turns = 0;
    let counting = true;
    const count = () => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    const beginCounting = (secured: Wire): Wire => {
      count();
      return secured;
    };
    const report = await present(
      'vc+jwt',
      Array.from({ length: 10 }, () => wire),
      { change: beginCounting },
    );
    counting = false;
    expect([report.decision, report.credentials.length]).toEqual(['valid', 10]);
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  test('one unreadable credential among good ones makes the whole presentation invalid', async () => {
    const { wire } = await issue('vc+jwt');
    const report = await present('vc+jwt', [wire, { ...(wire as JsonObject), id: 'data:application/vc+jwt,aaaa' }]);
    expect(report.decision).toBe('invalid');
  });

  test('what known callers verify is audited by ids and codes; what strangers verify is not', async () => {
    const verification = programme.verification();
    const { id, wire } = await issue('vc+jwt');
    await verification.verifyCredential({ verifiableCredential: wire, clientId: 'rxb-hr' });
    await verification.verifyCredential({ verifiableCredential: 'nonsense', clientId: 'rxb-hr' });
    await verification.verifyCredential({ verifiableCredential: wire });
    await verification.stop();
    const rows = await programme.store.read((tx) =>
      tx.query(
        "SELECT actor, subject, outcome, data FROM audit_record WHERE action = 'verification.decided' ORDER BY entry",
      ),
    );
    expect(rows.map((row: { data: string }) => ({ ...row, data: JSON.parse(row.data) }))).toEqual([
      {
        actor: 'rxb-hr',
        subject: id,
        outcome: 'success',
        data: { kind: 'credential', decision: 'valid', codes: '', credentials: 1 },
      },
      {
        actor: 'rxb-hr',
        subject: null,
        outcome: 'refused',
        data: { kind: 'credential', decision: 'invalid', codes: expect.any(String), credentials: 1 },
      },
    ]);
  });

  test.each([
    null,
    7,
    [],
    {},
    '',
    'a.b',
    'a.b.c',
    { proof: [] },
    { '@context': [] },
    [[]],
    { type: 'EnvelopedVerifiableCredential' },
  ])('what is no credential at all (%j) is answered, not thrown', async (input) => {
    const report = await verify(input);
    expect([report.decision, failed(report)]).toEqual(['invalid', [expect.stringMatching(/^(format|algorithm):/)]]);
    const presented = await programme
      .verification()
      .verifyPresentation({ verifiablePresentation: input, challenge, domain });
    expect(presented.decision).toBe('invalid');
  });
});
