import { readCredential, secureCredential, securingFormats, verifyProof } from '../../src/credential/credential.js';
import { ServiceError } from '../../src/errors.js';
import type { IssueRequest } from '../../src/issuance/issuance.js';
import { createSealedBox } from '../../src/issuance/sealed-box.js';
import type { IssuanceRow } from '../../src/issuance/store.js';
import { findAbandoned, findIssuance, insertIssuance, updateIssuance } from '../../src/issuance/store.js';
import type { JsonObject } from '../../src/json.js';
import { now as start, trust } from '../credential/agent.js';
import { catalogue } from '../credential/examples.js';
import { describeDialects } from '../store/dialects.js';
import { caller, keyMaterial, openProgramme, organisation, type Programme } from '../verification/programme.js';
import { readBit } from './bits.js';

const dbs = catalogue.find('DbsCheckCredential');
const example = (): JsonObject => structuredClone(dbs?.example ?? {});
const request = (changes: JsonObject = {}, options: IssueRequest['options'] = { format: 'vc+jwt' }): IssueRequest => ({
  credential: { ...example(), ...changes },
  ...(options && { options }),
});

async function refusal(work: Promise<unknown>): Promise<ServiceError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServiceError);
  return error as ServiceError;
}

describeDialects('issuing', (database) => {
  let programme: Programme;
  let keys = 0;
  const newKey = () => `key-${++keys}`;

  beforeAll(async () => {
    programme = await openProgramme(database());
  }, 60_000);
  afterAll(() => programme.close());
  beforeEach(() => {
    programme.clock.now = new Date(Math.max(start.getTime(), programme.clock.now.getTime()));
    programme.registry.organisations = [organisation()];
    programme.registry.present = true;
    programme.faults.length = 0;
  });

  const row = (id: string) => programme.store.read((tx) => findIssuance(tx, id));
  const count = async () => (await programme.store.read((tx) => tx.query('SELECT COUNT(*) AS n FROM issuance')))[0].n;
  const revoked = (record: {
    credentialStatus: readonly { statusPurpose?: string; statusListIndex: string; statusListCredential: string }[];
  }) => readBit(programme.lists, record.credentialStatus, 'revocation');

  const formats = (Object.keys(securingFormats) as (keyof typeof securingFormats)[]).filter(
    (name) => !securingFormats[name].instancesOnly && !securingFormats[name].walletsOnly,
  );

  describe('what is issued', () => {
    test.each(formats)('is in %s, proven, complete, and recorded without its claims', async (format) => {
      const issuance = programme.issuance();
      const issued = await issuance.issue(request({}, { format }), caller);
      const proven = await verifyProof(programme.agent.agent, readCredential(issued.verifiableCredential), {
        now: programme.clock.now,
      });
      expect(proven.digest).toBe(issued.digest);
      expect(dbs?.validate(proven.credential)).toEqual([]);
      expect(proven.credential).toMatchObject({ id: issued.credentialId, issuer: { odsCode: 'RXA' } });
      const record = await issuance.record(issued.credentialId);
      expect(record).toMatchObject({ state: 'issued', format, type: 'DbsCheckCredential', digest: issued.digest });
      expect(record.credentialStatus).toEqual(proven.credential.credentialStatus);
      expect(JSON.stringify(record)).not.toContain('certificateNumber');
    });

    test('may be of every type of the catalogue that a trust issues from its own example', async () => {
      const issuance = programme.issuance();
      for (const type of catalogue.types.filter((one) => one.type !== 'TemporaryPlacementCredential')) {
        await expect(issuance.issue({ credential: type.example }, caller)).resolves.toMatchObject({ format: 'vc+jwt' });
      }
    });

    test('is signed with the algorithm that was asked for', async () => {
      const issued = await programme.issuance().issue(request({}, { format: 'vc+jwt', alg: 'EdDSA' }), caller);
      const proven = await verifyProof(programme.agent.agent, readCredential(issued.verifiableCredential), {
        now: programme.clock.now,
      });
      expect(proven.algorithm).toBe('EdDSA');
    });

    test('keeps the id, times, context and schema of the caller where they are right', async () => {
      const id = 'urn:uuid:11111111-2222-4333-8444-555555555555'.replace('1111', String(1000 + ++keys));
      const credential = {
        '@context': [...(dbs?.contexts['2.0'] ?? [])],
        id,
        validFrom: '2026-06-01T00:00:00Z',
        validUntil: '2027-06-01T00:00:00Z',
        credentialSchema: { id: dbs?.schemaId ?? '', type: 'JsonSchema' },
      };
      const issuance = programme.issuance();
      const issued = await issuance.issue(request(credential), caller);
      expect(issued.credentialId).toBe(id);
      expect(await issuance.record(id)).toMatchObject({
        validFrom: credential.validFrom,
        validUntil: credential.validUntil,
      });
      expect((await refusal(issuance.issue(request(credential), caller))).code).toBe('conflict');
    });

    test('stands in the database only sealed', async () => {
      const issued = await programme.issuance().issue(request(), { ...caller, idempotencyKey: newKey() });
      const stored = (await row(issued.credentialId)) as IssuanceRow;
      expect(stored.prepared).toBeNull();
      const dump = JSON.stringify({ ...stored, signed: stored.signed?.toString('latin1') });
      expect(dump).not.toContain('001234567890');
      expect(dump).not.toContain('did:key:');
    });
  });

  describe('a request is refused', () => {
    const cases: [string, IssueRequest, string, string][] = [
      ['with an issuer', request({ issuer: 'did:web:evil.example' }), 'invalid_request', '/credential/issuer'],
      ['with a status', request({ credentialStatus: [] }), 'invalid_request', '/credential/credentialStatus'],
      ['with a proof', request({ proof: {} }), 'invalid_request', '/credential/proof'],
      [
        'with another context',
        request({ '@context': ['https://www.w3.org/ns/credentials/v2'] }),
        'invalid_request',
        '/credential/@context',
      ],
      [
        'with another schema',
        request({ credentialSchema: { id: 'https://evil.example', type: 'JsonSchema' } }),
        'invalid_request',
        '/credential/credentialSchema',
      ],
      ['with an id that is no urn:uuid', request({ id: 'https://rxa.example/1' }), 'invalid_request', '/credential/id'],
      [
        'with a type of its own',
        request({ type: ['VerifiableCredential', 'Mine'] }),
        'unknown_credential_type',
        '/credential/type/1',
      ],
      [
        'with two types',
        request({ type: ['VerifiableCredential', 'DbsCheckCredential', 'RightToWorkCredential'] }),
        'invalid_request',
        '/credential/type',
      ],
      ['with an unknown member', request({ nickname: 'x' }), 'schema_violation', '/credential/nickname'],
      ['without a subject', request({ credentialSubject: {} }), 'schema_violation', '/credential/credentialSubject/id'],
      [
        'with an algorithm of another format',
        request({}, { format: 'eddsa-rdfc-2022', alg: 'ES256' }),
        'invalid_request',
        '/options/alg',
      ],
      [
        'when it has expired already',
        request({ validUntil: '2026-01-01T00:00:00Z' }),
        'invalid_credential',
        '/credential/validUntil',
      ],
      [
        'when it ends before it begins',
        request({ validFrom: '2027-02-01T00:00:00Z', validUntil: '2027-01-01T00:00:00Z' }),
        'invalid_credential',
        '/credential/validUntil',
      ],
      ['with a date that is none', request({ validFrom: 'soon' }), 'invalid_request', '/credential/validFrom'],
      [
        'with a date that does not exist, under the name that the caller used',
        request({ validFrom: '2026-02-30T00:00:00Z' }, { format: 'jwt_vc' }),
        'schema_violation',
        '/credential/validFrom',
      ],
      [
        'for a holder whose did:key is no key',
        request({ credentialSubject: { ...(dbs?.example.credentialSubject as JsonObject), id: 'did:key:zzz' } }),
        'invalid_credential',
        '/credential/credentialSubject/id',
      ],
    ];
    test.each(cases)('%s, and nothing is stored', async (_title, body, code, path) => {
      const before = await count();
      const error = await refusal(programme.issuance().issue(body, caller));
      expect([error.code, error.faults.map((fault) => fault.path)]).toEqual([code, expect.arrayContaining([path])]);
      expect(await count()).toEqual(before);
    });

    const placement = (changes: JsonObject): IssueRequest => {
      const credential = structuredClone(catalogue.find('TemporaryPlacementCredential')?.example ?? {});
      const subject = {
        ...(credential.credentialSubject as JsonObject),
        host: { name: 'A', odsCode: 'RXA' },
        ...changes,
      };
      return { credential: { ...credential, credentialSubject: subject } };
    };
    test('for a placement whose host is somebody else or the home employer', async () => {
      const issuance = programme.issuance();
      const foreign = placement({ host: { name: 'B', odsCode: 'RXB' }, homeEmployer: { name: 'C', odsCode: 'RXC' } });
      expect((await refusal(issuance.issue(foreign, caller))).code).toBe('schema_violation');
      const own = placement({ homeEmployer: { name: 'A', odsCode: 'RXA' } });
      expect((await refusal(issuance.issue(own, caller))).code).toBe('schema_violation');
      await issuance.issue(placement({ homeEmployer: { name: 'B', odsCode: 'RXB' } }), caller);
    });

    test('unless the registry recognises us for the type, now and then', async () => {
      const issuance = programme.issuance();
      const { registry } = programme;
      registry.organisations = [organisation({ issue: [] })];
      expect((await refusal(issuance.issue(request(), caller))).code).toBe('issuer_not_recognised');
      registry.organisations = [organisation({ suspensions: [{ from: '2026-11-20T00:00:00Z' }] })];
      expect((await refusal(issuance.issue(request(), caller))).code).toBe('issuer_not_recognised');
      registry.organisations = [organisation({ odsCode: 'RXZ' })];
      expect((await refusal(issuance.issue(request(), caller))).code).toBe('issuer_not_recognised');
      registry.organisations = [organisation()];
      expect((await refusal(issuance.issue(request({ validFrom: '2020-01-01T00:00:00Z' }), caller))).code).toBe(
        'issuer_not_recognised',
      );
    });

    test('and costs no reservation while the registry lists other keys of ours than the one that signs', async () => {
      const listed = 'L'.repeat(43);
      const { keyRef, kid } = programme.agent.es256;
      const signingWith = (thumbprint: string) =>
        programme.issuance({
          identity: { did: trust, signingKey: async () => ({ keyRef, kid, algorithm: 'ES256', thumbprint }) },
        });
      programme.registry.organisations = [organisation({ dids: [{ did: trust, keyThumbprints: [listed] }] })];
      const before = await count();
      const error = await refusal(signingWith('N'.repeat(43)).issue(request(), caller));
      expect(error.code).toBe('issuer_not_recognised');
      expect(await count()).toBe(before);
      await expect(signingWith(listed).issue(request(), caller)).resolves.toMatchObject({ format: 'vc+jwt' });
    });

    test('while the registry cannot be relied on', async () => {
      programme.registry.present = false;
      expect((await refusal(programme.issuance().issue(request(), caller))).code).toBe('registry_unavailable');
    });
  });

  describe('an Idempotency-Key', () => {
    test('gives the identical credential again, even while the registry is away', async () => {
      const issuance = programme.issuance();
      const key = newKey();
      const first = await issuance.issue(request(), { ...caller, idempotencyKey: key });
      const before = await count();
      programme.registry.present = false;
      const again = await programme.issuance().issue(request(), { ...caller, idempotencyKey: key });
      expect(again).toEqual(first);
      expect(await count()).toEqual(before);
    });

    test('is for one body and one client', async () => {
      const issuance = programme.issuance();
      const idempotencyKey = newKey();
      const first = await issuance.issue(request(), { ...caller, idempotencyKey });
      const other = request({ validUntil: '2027-01-01T00:00:00Z' });
      expect((await refusal(issuance.issue(other, { ...caller, idempotencyKey }))).code).toBe('idempotency_conflict');
      const second = await issuance.issue(request(), { clientId: 'another', idempotencyKey });
      expect(second.credentialId).not.toBe(first.credentialId);
    });

    test('makes ten requests at once one issue', async () => {
      const [one, two] = [programme.issuance(), programme.issuance()];
      const idempotencyKey = newKey();
      const before = Number(await count());
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? one : two).issue(request(), { ...caller, idempotencyKey })),
      );
      expect(new Set(all.map((issued) => JSON.stringify(issued))).size).toBe(1);
      expect(Number(await count())).toBe(before + 1);
    });

    test('is forgotten with the payload when its window is over; the digest stays', async () => {
      const issuance = programme.issuance();
      const idempotencyKey = newKey();
      const first = await issuance.issue(request(), { ...caller, idempotencyKey });
      programme.clock.now = new Date(programme.clock.now.getTime() + 24 * 3_600_000);
      const second = await issuance.issue(request(), { ...caller, idempotencyKey });
      expect(second.credentialId).not.toBe(first.credentialId);
      programme.clock.now = new Date(programme.clock.now.getTime() + 24 * 3_600_000);
      expect(await issuance.purge()).toBeGreaterThan(0);
      expect(await issuance.purge()).toBe(0);
      expect(await row(second.credentialId)).toMatchObject({
        signed: null,
        idempotencyKey: null,
        digest: second.digest,
      });
    });
  });

  describe('after a failure', () => {
    const broken = async () => {
      throw new Error('disk on fire');
    };
    /** A store whose n-th transaction fails after its work was done, as a trigger or a full disk would make it. */
    const failing = (n: number) => {
      let seen = 0;
      const { store } = programme;
      const transaction: typeof store.transaction = (work) =>
        store.transaction(async (tx) => {
          const result = await work(tx);
          seen += 1;
          if (seen === n) throw new ServiceError('storage_unavailable', 'The disk is full.');
          return result;
        });
      return { ...store, transaction, dialect: store.dialect };
    };
    const all = () => programme.store.read((tx) => tx.query('SELECT id, state FROM issuance ORDER BY reserved_at'));
    const last = async () => {
      const rows: { id: string; state: string }[] = await all();
      const known = rows.at(-1);
      if (known === undefined) throw new Error('nothing is stored');
      return known;
    };
    beforeEach(() => {
      programme.clock.now = new Date(programme.clock.now.getTime() + 60_000);
    });

    test('to reserve, nothing is stored', async () => {
      const before = await count();
      const error = await refusal(programme.issuance({ store: failing(1) }).issue(request(), caller));
      expect(error.code).toBe('storage_unavailable');
      expect(await count()).toEqual(before);
    });

    test('to record the audit, nothing is stored', async () => {
      const before = await count();
      await expect(programme.issuance({ audit: { record: broken } }).issue(request(), caller)).rejects.toThrow();
      expect(await count()).toEqual(before);
    });

    test('to sign, a request that nobody can repeat is burnt and its index revoked', async () => {
      const issuance = programme.issuance({ secure: broken });
      expect((await refusal(issuance.issue(request(), caller))).code).toBe('key_unavailable');
      const { id, state } = await last();
      expect(state).toBe('burnt');
      expect(revoked(await issuance.record(id))).toBe(true);
    });

    test('to sign, a repeated request is finished with the same id and indexes', async () => {
      const idempotencyKey = newKey();
      await refusal(programme.issuance({ secure: broken }).issue(request(), { ...caller, idempotencyKey }));
      const { id, state } = await last();
      expect(state).toBe('reserved');
      const before = await programme.issuance().record(id);
      const issued = await programme.issuance().issue(request(), { ...caller, idempotencyKey });
      expect(issued.credentialId).toBe(id);
      expect((await programme.issuance().record(id)).credentialStatus).toEqual(before.credentialStatus);
    });

    test('to finalise, nothing is delivered; without a key it is burnt, with one it is recovered', async () => {
      const error = await refusal(programme.issuance({ store: failing(2) }).issue(request(), caller));
      expect(error.code).toBe('storage_unavailable');
      expect((await last()).state).toBe('burnt');
      programme.clock.now = new Date(programme.clock.now.getTime() + 1000);
      const idempotencyKey = newKey();
      await refusal(programme.issuance({ store: failing(2) }).issue(request(), { ...caller, idempotencyKey }));
      const { id, state } = await last();
      expect(state).toBe('reserved');
      expect(await programme.issuance().recover()).toEqual({ finished: 1, burnt: 0, left: 0 });
      expect((await row(id))?.state).toBe('issued');
      expect((await programme.issuance().issue(request(), { ...caller, idempotencyKey })).credentialId).toBe(id);
    });

    test('to deliver, the repeated request gets the identical bytes', async () => {
      const idempotencyKey = newKey();
      const lost = await programme.issuance().issue(request(), { ...caller, idempotencyKey });
      expect(await programme.issuance().issue(request(), { ...caller, idempotencyKey })).toEqual(lost);
    });

    /** A process that dies between two steps: everything after the reservation hangs. */
    async function die(idempotencyKey?: string): Promise<string> {
      const secure: typeof secureCredential = () => new Promise(() => undefined);
      const dying = programme.issuance({ secure });
      void dying.issue(request(), { ...caller, ...(idempotencyKey && { idempotencyKey }) }).catch(() => undefined);
      for (;;) {
        const rows = (await all()) as { id: string; state: string }[];
        const reserved = rows.find(({ state }) => state === 'reserved');
        if (reserved) return reserved.id;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }

    test('of the process, the next start finishes what can be asked for again and burns the rest', async () => {
      const idempotencyKey = newKey();
      const wanted = await die(idempotencyKey);
      const other = programme.issuance();
      if (programme.store.dialect === 'postgres') {
        // Another replica may still be signing: nothing is touched until its lease is over.
        expect(await other.recover({ startUp: true })).toEqual({ finished: 0, burnt: 0, left: 0 });
        programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      }
      expect(await other.recover({ startUp: true })).toEqual({ finished: 1, burnt: 0, left: 0 });
      expect((await row(wanted))?.state).toBe('issued');
      const unwanted = await die();
      programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      expect(await other.recover()).toEqual({ finished: 0, burnt: 1, left: 0 });
      expect((await row(unwanted))?.state).toBe('burnt');
      expect(revoked(await other.record(unwanted))).toBe(true);
    });

    test('of the process, a live lease is left alone by the ordinary recovery', async () => {
      const held = await die(newKey());
      expect(await programme.issuance().recover()).toEqual({ finished: 0, burnt: 0, left: 0 });
      expect((await row(held))?.state).toBe('reserved');
      programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      await programme.issuance().recover();
    });

    test('a process that lost its lease delivers nothing', async () => {
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const secure: typeof secureCredential = async (agent, options) => {
        await gate;
        return secureCredential(agent, options);
      };
      const slow = programme.issuance({ secure }).issue(request(), { ...caller, idempotencyKey: newKey() });
      const outcome = refusal(slow);
      while ((await last()).state !== 'reserved') await new Promise((resolve) => setTimeout(resolve, 10));
      const { id } = await last();
      programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      expect(await programme.issuance().recover()).toMatchObject({ finished: 1 });
      const { digest } = (await row(id)) as IssuanceRow;
      release();
      expect((await outcome).code).toBe('conflict');
      expect((await row(id))?.digest).toBe(digest);
    });

    test('and a suspension meanwhile, recovery burns; while the registry is away, it waits', async () => {
      const id = await die(newKey());
      programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      programme.registry.present = false;
      expect(await programme.issuance().recover()).toEqual({ finished: 0, burnt: 0, left: 1 });
      programme.registry.present = true;
      programme.registry.organisations = [organisation({ suspensions: [{ from: '2026-11-20T00:00:00Z' }] })];
      expect(await programme.issuance().recover()).toEqual({ finished: 0, burnt: 1, left: 0 });
      expect((await row(id))?.state).toBe('burnt');
    });

    test('recovery comes to a row that waits before it tries again one that fails always', async () => {
      const stuck = await die(newKey());
      programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      const at = programme.clock.now;
      programme.registry.present = false;
      expect(await programme.issuance().recover()).toEqual({ finished: 0, burnt: 0, left: 1 });
      // Reserved after the other, and its lease was over before the other was tried.
      const waiting = `${stuck.slice(0, -12)}${'0'.repeat(12)}`;
      const leaseUntil = new Date(at.getTime() - 500).toISOString();
      const copy = { ...((await row(stuck)) as IssuanceRow), id: waiting, idempotencyKey: newKey(), leaseUntil };
      await programme.store.transaction((tx) => insertIssuance(tx, { ...copy, reservedAt: leaseUntil }));
      const search = { now: at.toISOString(), owner: 'nobody', ignoreLeases: false, limit: 1 };
      expect(await programme.store.read((tx) => findAbandoned(tx, search))).toEqual([{ id: waiting }]);
      await programme.store.transaction((tx) => updateIssuance(tx, waiting, { state: 'burnt' }));
      programme.registry.present = true;
      expect(await programme.issuance().recover()).toEqual({ finished: 1, burnt: 0, left: 0 });
    });

    test('a payload that was moved to another record does not open', async () => {
      const id = await die(newKey());
      const reserved = (await row(id)) as IssuanceRow;
      const box = createSealedBox(keyMaterial('other', 32), (size) => Buffer.alloc(size, 7));
      expect(() => box.open(reserved.prepared as Buffer, id, 'prepared')).toThrow(ServiceError);
      const foreign = createSealedBox(keyMaterial('issuance-payload', 32), (size) => Buffer.alloc(size, 7));
      expect(foreign.open(reserved.prepared as Buffer, id, 'prepared')).toContain('DbsCheckCredential');
      expect(() => foreign.open(reserved.prepared as Buffer, id, 'signed')).toThrow(ServiceError);
      expect(() => foreign.open(reserved.prepared as Buffer, `${id}0`, 'prepared')).toThrow(ServiceError);
      await programme.store.transaction((tx) =>
        updateIssuance(tx, id, { prepared: foreign.seal('{}', 'urn:uuid:other', 'prepared') }),
      );
      programme.clock.now = new Date(programme.clock.now.getTime() + 31_000);
      expect(await programme.issuance().recover()).toEqual({ finished: 0, burnt: 0, left: 1 });
      programme.clock.now = new Date(programme.clock.now.getTime() + 24 * 3_600_000);
      expect(await programme.issuance().recover()).toEqual({ finished: 0, burnt: 1, left: 0 });
    });
  });

  describe('the status', () => {
    const change = (credentialId: string, action: 'revoke' | 'suspend' | 'reinstate', reason: string) =>
      programme.issuance().changeStatus({ credentialId, action, reason }, caller);
    const suspended = (record: Awaited<ReturnType<typeof change>>) =>
      readBit(programme.lists, record.credentialStatus, 'suspension');

    test('goes from issued to suspended and back, and to revoked for good', async () => {
      const { credentialId: id } = await programme.issuance().issue(request(), caller);
      expect(revoked(await programme.issuance().record(id))).toBe(false);
      const held = await change(id, 'suspend', 'LostPhone');
      expect(held).toMatchObject({ state: 'suspended', reason: 'LostPhone' });
      expect(suspended(held)).toBe(true);
      expect(await change(id, 'suspend', 'CheckInProgress')).toMatchObject({ state: 'suspended', reason: 'LostPhone' });
      const back = await change(id, 'reinstate', 'PhoneRecovered');
      expect([back.state, suspended(back)]).toEqual(['issued', false]);
      const ended = await change(id, 'revoke', 'LeavingOrganisation');
      expect([ended.state, revoked(ended)]).toEqual(['revoked', true]);
      expect(await change(id, 'revoke', 'NoLongerValid')).toMatchObject({
        state: 'revoked',
        reason: 'LeavingOrganisation',
      });
      expect((await refusal(change(id, 'reinstate', 'SuspendedInError'))).code).toBe('status_irreversible');
      expect((await refusal(change(id, 'suspend', 'LostPhone'))).code).toBe('status_irreversible');
    });

    test('is not changed for an unknown id, a reason of another action, or a burnt credential', async () => {
      const unknown = 'urn:uuid:00000000-0000-4000-8000-000000000000';
      expect((await refusal(change(unknown, 'revoke', 'LostPhone'))).code).toBe('not_found');
      const error = await refusal(change(unknown, 'suspend', 'LeavingOrganisation'));
      expect([error.code, error.faults[0]?.path]).toEqual(['invalid_request', '/reason']);
      programme.clock.now = new Date(programme.clock.now.getTime() + 60_000);
      const secure = async () => {
        throw new Error('no key');
      };
      await refusal(programme.issuance({ secure }).issue(request(), caller));
      const rows = await programme.store.read((tx) => tx.query("SELECT id FROM issuance WHERE state = 'burnt'"));
      expect((await refusal(change(rows[0].id, 'revoke', 'LostPhone'))).code).toBe('conflict');
    });

    test('moves with its audit record or not at all', async () => {
      const { credentialId } = await programme.issuance().issue(request(), caller);
      const audit = {
        record: async () => {
          throw new Error('no audit');
        },
      };
      const unaudited = programme.issuance({ audit });
      const asked = { credentialId, action: 'revoke', reason: 'LostPhone' } as const;
      await expect(unaudited.changeStatus(asked, caller)).rejects.toThrow();
      await programme.lists.refresh();
      const record = await programme.issuance().record(credentialId);
      expect([record.state, revoked(record)]).toEqual(['issued', false]);
    });

    test('is audited by ids and codes in an unbroken chain', async () => {
      await programme.audit.seal();
      expect(await programme.audit.verifyChain()).toMatchObject({ ok: true });
      const trail = await programme.store.read((tx) => tx.query('SELECT action, actor, data FROM audit_record'));
      const actions = new Set(trail.map(({ action }: { action: string }) => action));
      for (const action of [
        'credential.reserved',
        'credential.issued',
        'credential.burnt',
        'credential.status_changed',
      ]) {
        expect(actions).toContain(action);
      }
      expect(JSON.stringify(trail)).not.toContain('did:key:');
    });
  });
});
