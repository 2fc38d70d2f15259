import { setTimeout as wait } from 'node:timers/promises';
import { type Audit, type AuditEvent, auditEntities, createAudit } from '../../src/audit/audit.js';
import { openStore, type Store } from '../../src/store/store.js';
import { describeDialects } from '../store/dialects.js';

const now = () => new Date('2026-11-21T09:00:00Z');

/** SHA-256 of the RFC 8785 text of the first record below, computed with openssl. */
const independentHash = '6CIQ_-oHudb1xbEFWDGDAtLZSfK01QrXEmoWmoTekR8';

function event(rest: Partial<AuditEvent> = {}): AuditEvent {
  return { action: 'credential.issued', actor: 'client-a', subject: 'urn:uuid:1', outcome: 'success', ...rest };
}

describeDialects('the audit trail', (database) => {
  let store: Store;
  let audit: Audit;

  beforeEach(async () => {
    store = await openStore({ database: database(), entities: [...auditEntities], migrate: 'run' });
    audit = createAudit({ store, now });
    await store.transaction(async (tx) => {
      await tx.query('DELETE FROM audit_record');
      await tx.query('DELETE FROM audit_head');
    });
  });

  afterEach(() => store.close());

  function record(...events: AuditEvent[]): Promise<void> {
    return store.transaction(async (tx) => {
      for (const one of events) await audit.record(tx, one);
    });
  }

  function change(sql: string): Promise<unknown> {
    return store.transaction((tx) => tx.query(sql));
  }

  async function recordAndSeal(count: number): Promise<void> {
    await record(...Array.from({ length: count }, (_, index) => event({ subject: `urn:uuid:${index + 1}` })));
    await audit.seal();
  }

  test('chains what was recorded, in batches, and finds the chain whole', async () => {
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 0 });
    await record(event({ data: { list: 'r-1', index: 7, urgent: false } }), event({ outcome: 'refused' }));
    expect(await audit.seal()).toBe(2);
    expect(await audit.seal()).toBe(0);
    await record(...Array.from({ length: 1_100 }, () => event()));
    expect(await audit.seal()).toBe(1_100);
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 1_102 });
  });

  test('is read page by page, in the order of the chain', async () => {
    expect(await audit.read({ after: 0, limit: 2 })).toEqual({ records: [] });
    await recordAndSeal(5);
    await record(event({ subject: 'urn:uuid:unsealed' }));
    const pages = [];
    for (let after: number | undefined = 0; after !== undefined; after = pages.at(-1)?.next) {
      pages.push(await audit.read({ after, limit: 2 }));
    }
    expect(pages.map(({ records, next }) => [records.map(({ sequence }) => sequence), next])).toEqual([
      [[1, 2], 2],
      [[3, 4], 4],
      [[5], undefined],
    ]);
    const [first, second] = pages[0]?.records ?? [];
    expect(first).toEqual({
      ...event({ subject: 'urn:uuid:1' }),
      ...{ sequence: 1, recordedAt: '2026-11-21T09:00:00.000Z', data: {} },
      ...{ previous: Buffer.alloc(32).toString('base64url'), hash: second?.previous },
    });
    await change('DELETE FROM audit_record WHERE sequence = 2');
    expect(await audit.read({ after: 0, limit: 2 })).toMatchObject({ records: [{ sequence: 1 }], next: 2 });
  });

  test('keeps a record only together with the change it tells of', async () => {
    const failing = store.transaction(async (tx) => {
      await audit.record(tx, event());
      throw new Error('the change failed');
    });
    await expect(failing).rejects.toThrow('the change failed');
    expect(await audit.seal()).toBe(0);
    const unrecordable = store.transaction(async (tx) => {
      await tx.query("INSERT INTO audit_head (id, sequence, hash) VALUES (1, 5, 'some change')");
      await audit.record(tx, event({ actor: '' }));
    });
    await expect(unrecordable).rejects.toThrow('actor');
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 0 });
  });

  test.each([
    ['an actor changed', "UPDATE audit_record SET actor = 'client-b' WHERE sequence = 3", 3],
    ['a subject emptied', 'UPDATE audit_record SET subject = NULL WHERE sequence = 3', 3],
    ['an outcome changed', "UPDATE audit_record SET outcome = 'refused' WHERE sequence = 1", 1],
    ['a time changed', "UPDATE audit_record SET recorded_at = '2026-11-20T09:00:00.000Z' WHERE sequence = 5", 5],
    ['data added', `UPDATE audit_record SET data = '{"forged":true}' WHERE sequence = 2`, 2],
    ['data spelled otherwise', "UPDATE audit_record SET data = '{ }' WHERE sequence = 2", 2],
    ['data made unreadable', "UPDATE audit_record SET data = 'nonsense' WHERE sequence = 2", 2],
    ['a hash changed', "UPDATE audit_record SET hash = 'forged' WHERE sequence = 4", 4],
    ['a link changed', "UPDATE audit_record SET previous_hash = 'forged' WHERE sequence = 4", 4],
    ['the first record removed', 'DELETE FROM audit_record WHERE sequence = 1', 1],
    ['a record in the middle removed', 'DELETE FROM audit_record WHERE sequence = 3', 3],
    ['the last record removed', 'DELETE FROM audit_record WHERE sequence = 6', 6],
    ['a record taken out of the chain', 'UPDATE audit_record SET sequence = NULL WHERE sequence = 6', 6],
    ['records moved', 'UPDATE audit_record SET sequence = 9 - sequence WHERE sequence IN (4, 5)', 4],
    [
      'a record put in at the end',
      `INSERT INTO audit_record (recorded_at, action, actor, outcome, data, sequence, previous_hash, hash)
       SELECT recorded_at, action, actor, outcome, data, 7, hash, hash FROM audit_record WHERE sequence = 6`,
      7,
    ],
    ['the head moved back', 'UPDATE audit_head SET sequence = 5', 6],
    ['the head moved on', 'UPDATE audit_head SET sequence = 7', 7],
    ['the head replaced', "UPDATE audit_head SET hash = 'forged'", 6],
  ])('finds %s', async (_, sql, brokenAt) => {
    await recordAndSeal(6);
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 6 });
    // A direct exchange of two unique numbers is refused by both databases, so records move in two steps.
    if (sql.includes('9 - sequence')) await moveRecords();
    else await change(sql);
    expect(await audit.verifyChain()).toMatchObject({ ok: false, brokenAt });
  });

  async function moveRecords(): Promise<void> {
    await change('UPDATE audit_record SET sequence = 40 WHERE sequence = 4');
    await change('UPDATE audit_record SET sequence = 4 WHERE sequence = 5');
    await change('UPDATE audit_record SET sequence = 5 WHERE sequence = 40');
  }

  test('has the same hash whoever computes it', async () => {
    await recordAndSeal(1);
    const [row] = await store.read((tx) => tx.query('SELECT previous_hash, hash FROM audit_record'));
    expect(row).toEqual({ previous_hash: 'A'.repeat(43), hash: independentHash });
  });

  test.each<[string, Partial<AuditEvent>]>([
    ['an action that is no name', { action: 'credential issued' }],
    ['too long a subject', { subject: 'x'.repeat(513) }],
    ['too long a value', { data: { reason: 'x'.repeat(257) } }],
    ['too many values', { data: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`m${index}`, 1])) }],
    ['a number that is none', { data: { count: Number.NaN } }],
    ['an object', { data: { claims: { name: 'Florence' } as never } }],
    ['a control character', { subject: 'a\u0000b' }],
    ['half a character', { actor: '\ud800' }],
  ])('refuses %s and never repeats it', async (_, wrong) => {
    await expect(record(event(wrong))).rejects.toThrow(TypeError);
    await expect(record(event(wrong))).rejects.not.toThrow('Florence');
    expect(await audit.seal()).toBe(0);
  });

  test('seals by itself within a second, and once more when it stops', async () => {
    const failures: unknown[] = [];
    const running = createAudit({ store, now, sealMilliseconds: 20, onError: (error) => failures.push(error) });
    running.start();
    await record(event());
    await wait(300);
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 1 });
    await record(event());
    await running.stop();
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 2 });
    expect(failures).toEqual([]);
  });

  test('reports a seal that failed, and goes on', async () => {
    const failures: unknown[] = [];
    const running = createAudit({ store, now, sealMilliseconds: 10, onError: (error) => failures.push(error) });
    await record(event());
    await change(
      "INSERT INTO audit_record (recorded_at, action, actor, outcome, data, sequence) VALUES ('', 'a', 'a', 'success', '{}', 1)",
    );
    running.start();
    await wait(200);
    expect(failures.length).toBeGreaterThan(1);
    await change("DELETE FROM audit_record WHERE action = 'a'");
    await running.stop();
    expect(await audit.verifyChain()).toEqual({ ok: true, length: 1 });
  });
});

describeDialects(
  'the audit trail of two replicas',
  (database) => {
    test('is one chain although both record and seal at once', async () => {
      const open = () => openStore({ database: database(), entities: [...auditEntities], migrate: 'run' });
      const replicas = (await Promise.all([open(), open()])).map((store) => ({
        store,
        audit: createAudit({ store, now }),
      }));
      const work = replicas.flatMap(({ store, audit }, index) =>
        Array.from({ length: 40 }, async (_, turn) => {
          await store.transaction((tx) => audit.record(tx, event({ actor: `replica-${index}` })));
          if (turn % 4 === 0) await audit.seal();
        }),
      );
      await Promise.all(work);
      await Promise.all(replicas.map(({ audit }) => audit.seal()));
      for (const { store, audit } of replicas) {
        expect(await audit.verifyChain()).toEqual({ ok: true, length: 80 });
        await store.close();
      }
    });
  },
  ['sqlite file', 'postgres'],
);
