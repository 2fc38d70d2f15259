/** What a service instance issues in its own name: the same cycle, with a record before there is a signature. */
import { secureCredential } from '../../src/credential/credential.js';
import { ServiceError } from '../../src/errors.js';
import type { IssuanceDependencies, OpenIssueRequest } from '../../src/issuance/issuance.js';
import { findIssuance, type IssuanceRow } from '../../src/issuance/store.js';
import { canonicalJson, type JsonObject } from '../../src/json.js';
import type { StatusPurpose } from '../../src/status/status.js';
import { trust } from '../credential/agent.js';
import { describeDialects } from '../store/dialects.js';
import { caller, openProgramme, type Programme } from '../verification/programme.js';
import { readBit } from './bits.js';

const minute = 60_000;

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServiceError);
  return (error as ServiceError).code;
}

describeDialects('an instance', (database) => {
  let programme: Programme;
  let names = 0;
  beforeAll(async () => {
    programme = await openProgramme(database());
  }, 60_000);
  afterAll(() => programme.close());
  beforeEach(() => pass(minute));

  const pass = (milliseconds: number) => {
    programme.clock.now = new Date(programme.clock.now.getTime() + milliseconds);
  };
  const newName = () => `urn:uuid:mine-${++names}`;
  const query = (sql: string) => programme.store.read((tx) => tx.query(sql));
  const row = (id: string) => programme.store.read((tx) => findIssuance(tx, id)) as Promise<IssuanceRow>;
  const entriesOf = ({ statusEntries }: IssuanceRow) => JSON.parse(statusEntries);
  const isSet = (record: IssuanceRow, purpose: StatusPurpose) => readBit(programme.lists, entriesOf(record), purpose);

  /** The row that was reserved last. */
  async function last(): Promise<IssuanceRow> {
    const rows = await query('SELECT id FROM issuance WHERE instance IS NOT NULL ORDER BY reserved_at');
    return row(rows.at(-1)?.id ?? '');
  }

  const secure: OpenIssueRequest['secure'] = (credential) => {
    const key = { ...programme.agent.ed25519, algorithm: 'EdDSA' as const };
    const { now } = programme.clock;
    return secureCredential(programme.agent.agent, { credential, format: 'eddsa-jcs-2022', key, now });
  };
  const broken = async () => {
    throw new Error('the signer is on fire');
  };

  function request(changes: Partial<OpenIssueRequest> = {}, members: JsonObject = {}): OpenIssueRequest {
    const credential = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiableCredential'],
      issuer: trust,
      credentialSubject: { id: 'did:example:somebody' },
      ...members,
    };
    const statusPurposes = ['revocation', 'suspension'] as const;
    const securing = { format: 'eddsa-jcs-2022', algorithm: 'EdDSA', secure } as const;
    return { instance: 'one', credential, ...securing, name: newName(), statusPurposes, ...changes };
  }

  const issue = (changes: Partial<OpenIssueRequest> = {}, deps: Partial<IssuanceDependencies> = {}) =>
    programme.issuance(deps).issueOpen(request(changes), caller);

  /** A store whose n-th transaction fails after its work was done. */
  function failing(n: number): IssuanceDependencies['store'] {
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
  }

  describe('issues', () => {
    test('what is recorded with its indexes and audited before it is signed, and with its digest after', async () => {
      const seen: unknown[] = [];
      const watching: OpenIssueRequest['secure'] = async (credential) => {
        const { id, state, instance, digest } = await last();
        const entries = await query(`SELECT purpose FROM status_entry WHERE record_id = '${id}' ORDER BY purpose`);
        const audit = await query(`SELECT action, data FROM audit_record WHERE subject = '${id}'`);
        seen.push([state, instance, digest], entries, audit);
        return secure(credential);
      };
      const issued = await issue({ secure: watching });
      const data = { type: 'VerifiableCredential', format: 'eddsa-jcs-2022', instance: 'one' };
      expect(seen).toEqual([
        ['reserved', 'one', null],
        [{ purpose: 'revocation' }, { purpose: 'suspension' }],
        [{ action: 'credential.reserved', data: expect.any(String) }],
      ]);
      const record = await row(issued.credentialId);
      expect(record).toMatchObject({ state: 'issued', digest: issued.digest, prepared: null, signed: null });
      const [, after] = await query(`SELECT data FROM audit_record WHERE subject = '${record.id}' ORDER BY entry`);
      expect(JSON.parse(after.data)).toEqual({ ...data, digest: issued.digest });
    });

    test('with the entries of its purposes, beside those that the credential came with', async () => {
      const statusOf = async (statusPurposes: readonly StatusPurpose[], given?: JsonObject) => {
        const asked = request({ statusPurposes }, given === undefined ? {} : { credentialStatus: given });
        const issued = await programme.issuance().issueOpen(asked, caller);
        return [
          (issued.verifiableCredential as JsonObject)['credentialStatus'],
          await row(issued.credentialId),
        ] as const;
      };
      const foreign = { type: 'https://trust.example/OtherStatus', id: 'https://trust.example/1' };
      const [none, unlisted] = await statusOf([]);
      expect([none, entriesOf(unlisted)]).toEqual([undefined, []]);
      expect((await statusOf([], foreign))[0]).toEqual(foreign);
      const [alone, { statusEntries }] = await statusOf(['suspension']);
      expect(JSON.parse(statusEntries)).toEqual([alone]);
      const [both, record] = await statusOf(['revocation', 'suspension'], foreign);
      expect(both).toEqual([foreign, ...entriesOf(record)]);
    });

    test('what nobody else may find: neither claims nor the name that the caller gave are kept', async () => {
      const name = 'https://trust.example/somebody';
      await issue({ name });
      const kept = canonicalJson(await query('SELECT * FROM issuance ORDER BY reserved_at'));
      const audited = canonicalJson(await query('SELECT actor, subject, data FROM audit_record'));
      expect(`${kept}${audited}`).not.toContain('somebody');
    });

    test('one credential under a name, and without names as many as are asked for', async () => {
      const name = newName();
      const issuance = programme.issuance();
      const at = Promise.allSettled([1, 2, 3].map(() => issuance.issueOpen(request({ name }), caller)));
      const outcomes = (await at).map((one) => (one.status === 'fulfilled' ? 'issued' : one.reason.code));
      expect(outcomes.sort()).toEqual(['conflict', 'conflict', 'issued']);
      await issue({ name, instance: 'two' });
      const { name: _, ...unnamed } = request({ statusPurposes: [] });
      const first = await issuance.issueOpen(unnamed, caller);
      const second = await issuance.issueOpen(unnamed, caller);
      expect(second.credentialId).not.toBe(first.credentialId);
    });

    test.each([
      ['of the credential', '2026-01-01T00:00:00+01:00', '2025-12-31T23:00:00.000Z'],
      ['of the issue where the credential has none that is a time', 'any\u0000time', undefined],
    ])('and keeps the time %s', async (_what, validFrom, kept) => {
      const signed = async (credential: JsonObject) => secure({ ...credential, validFrom: '2026-01-01T00:00:00Z' });
      const asked = request({ secure: signed }, { validFrom });
      const { credentialId } = await programme.issuance().issueOpen(asked, caller);
      expect((await row(credentialId)).validFrom).toBe(kept ?? programme.clock.now.toISOString());
    });
  });

  describe('after a failure', () => {
    test('to reserve or to audit that, has recorded nothing and signed nothing', async () => {
      const count = async () => (await query('SELECT COUNT(*) AS n FROM issuance'))[0].n;
      const indexes = async () => (await query('SELECT COUNT(*) AS n FROM status_entry'))[0].n;
      const before = [await count(), await indexes()];
      let signatures = 0;
      const signing: OpenIssueRequest['secure'] = (credential) => {
        signatures += 1;
        return secure(credential);
      };
      expect(await codeOf(issue({ secure: signing }, { store: failing(1) }))).toBe('storage_unavailable');
      await expect(issue({ secure: signing }, { audit: { record: broken } })).rejects.toThrow();
      expect([await count(), await indexes()]).toEqual(before);
      expect(signatures).toBe(0);
    });

    test.each<[string, Partial<OpenIssueRequest>, () => Partial<IssuanceDependencies>, string]>([
      ['to sign', { secure: broken }, () => ({}), 'key_unavailable'],
      ['to record what was signed', {}, () => ({ store: failing(2) }), 'storage_unavailable'],
    ])('%s, delivers nothing, burns the index and gives the name back', async (_what, changes, deps, code) => {
      const name = newName();
      expect(await codeOf(issue({ ...changes, name }, deps()))).toBe(code);
      const burnt = await last();
      expect(burnt).toMatchObject({ state: 'burnt', reason: 'NotFinished', prepared: null, nameDigest: null });
      expect([isSet(burnt, 'revocation'), isSet(burnt, 'suspension')]).toEqual([true, false]);
      const audit = await query(`SELECT action FROM audit_record WHERE subject = '${burnt.id}' ORDER BY entry`);
      expect(audit).toEqual([{ action: 'credential.reserved' }, { action: 'credential.burnt' }]);
      expect((await issue({ name })).credentialId).not.toBe(burnt.id);
    });

    /** A process that dies before or after the signature: it never comes to finalise. */
    async function die(changes: Partial<OpenIssueRequest>): Promise<IssuanceRow> {
      const hanging = () => new Promise<never>(() => undefined);
      void issue({ secure: hanging, ...changes }).catch(() => undefined);
      for (;;) {
        const reserved = await query("SELECT id FROM issuance WHERE state = 'reserved'");
        if (reserved.length > 0) return row(reserved[0].id);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }

    /** What the next start does; another replica may still be signing until the lease is over. */
    async function restart(): Promise<void> {
      pass(programme.store.dialect === 'postgres' ? 31_000 : 0);
      const recovery = await programme.issuance().recover({ startUp: true });
      expect(recovery).toEqual({ finished: 0, burnt: 1, left: 0 });
    }

    test.each<[readonly StatusPurpose[], StatusPurpose | undefined]>([
      [['revocation', 'suspension'], 'revocation'],
      [['revocation'], 'revocation'],
      [['suspension'], 'suspension'],
      [[], undefined],
    ])('of the process, with %j: the next start burns what was reserved', async (statusPurposes, refusing) => {
      const name = newName();
      const { id } = await die({ name, statusPurposes });
      await restart();
      const burnt = await row(id);
      expect(burnt).toMatchObject({ state: 'burnt', reason: 'Abandoned' });
      if (refusing !== undefined) expect(isSet(burnt, refusing)).toBe(true);
      await expect(issue({ name, statusPurposes })).resolves.toMatchObject({ format: 'eddsa-jcs-2022' });
    });
  });

  describe('changes a status', () => {
    const change = (credentialId: string, action: 'revoke' | 'suspend' | 'reinstate', instance?: string) => {
      const reason = { revoke: 'NoLongerValid', suspend: 'AdministrativeHold', reinstate: 'HoldEnded' }[action];
      const asked = { credentialId, action, reason, ...(instance && { instance }) };
      return programme.issuance().changeStatus(asked, caller);
    };

    test('by the name that its caller gave, with the record and its audit', async () => {
      const name = newName();
      const { credentialId } = await issue({ name });
      expect(await change(name, 'suspend', 'one')).toMatchObject({ id: credentialId, state: 'suspended' });
      expect(isSet(await row(credentialId), 'suspension')).toBe(true);
      expect((await change(name, 'reinstate', 'one')).state).toBe('issued');
      expect((await change(name, 'revoke', 'one')).state).toBe('revoked');
      expect(await codeOf(change(name, 'suspend', 'one'))).toBe('status_irreversible');
      const audit = await query(`SELECT action FROM audit_record WHERE subject = '${credentialId}' ORDER BY entry`);
      const changed = { action: 'credential.status_changed' };
      expect(audit.slice(2)).toEqual([changed, changed, changed]);
    });

    test('of its own credentials only, and nobody else changes or reads those', async () => {
      const name = newName();
      const { credentialId } = await issue({ name });
      expect(await codeOf(change(name, 'revoke', 'two'))).toBe('not_found');
      expect(await codeOf(change(name, 'revoke'))).toBe('not_found');
      expect(await codeOf(change(credentialId, 'revoke'))).toBe('not_found');
      expect(await codeOf(change(credentialId, 'revoke', 'one'))).toBe('not_found');
      expect(await codeOf(programme.issuance().record(credentialId))).toBe('not_found');
      expect((await row(credentialId)).state).toBe('issued');
    });

    test('of those purposes only that the credential names', async () => {
      const name = newName();
      const { credentialId } = await issue({ name, statusPurposes: ['revocation'] });
      expect(await codeOf(change(name, 'suspend', 'one'))).toBe('not_found');
      expect((await row(credentialId)).state).toBe('issued');
      expect((await change(name, 'revoke', 'one')).state).toBe('revoked');
    });
  });
});
