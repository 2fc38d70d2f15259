import { readFileSync } from 'node:fs';
import { renderVerifyDocument, verifyDocument } from '../../scripts/docs/verify-codes.js';
import type { Audit, AuditEvent } from '../../src/audit/audit.js';
import type { Store } from '../../src/store/store.js';
import { createAuditQueue } from '../../src/verification/audit-queue.js';
import { type VerifyCode, verifyCodes } from '../../src/verification/codes.js';
import { DeadlineExceeded, startDeadline } from '../../src/verification/deadline.js';
import { acceptHolder } from '../../src/verification/presentation-checks.js';
import { isVerified, problemDetails } from '../../src/verification/projection.js';
import { completeChecks, decide, finding, worst } from '../../src/verification/report.js';

const lines = (...codes: VerifyCode[]) => codes.map((code) => finding(code));
const passes: VerifyCode[] = [
  'format_read',
  'algorithm_allowed',
  'issuer_recognised',
  'key_published',
  'proof_verified',
  'within_validity',
  'schema_satisfied',
  'status_clear',
];

describe('the decision', () => {
  test('is valid only when every required check passed', () => {
    expect(decide(lines(...passes, 'holder_not_presented'))).toBe('valid');
    expect(decide(lines(...passes, 'holder_is_subject'))).toBe('valid');
    expect(decide([])).toBe('indeterminate');
  });

  test.each(Object.keys(verifyCodes) as VerifyCode[])('of a report with %s follows from its row', (code) => {
    const { outcome, required } = verifyCodes[code];
    const expected = outcome === 'fail' ? 'invalid' : outcome === 'pass' || !required ? 'valid' : 'indeterminate';
    expect(decide(lines(...passes, code))).toBe(expected);
  });

  test('is invalid whatever else could not run', () => {
    expect(decide(lines('status_unfinished', 'expired'))).toBe('invalid');
    expect(worst(['valid', 'indeterminate', 'invalid'])).toBe('invalid');
    expect(worst(['valid', 'indeterminate'])).toBe('indeterminate');
    expect(worst(['valid', 'valid'])).toBe('valid');
    expect(worst([])).toBe('indeterminate');
  });

  test('a check without a finding is reported as not reached', () => {
    const report = completeChecks(['format', 'proof'], lines('format_read'));
    expect(report.map(({ check, outcome, code }) => [check, outcome, code])).toEqual([
      ['format', 'pass', 'format_read'],
      ['proof', 'skipped', 'proof_not_reached'],
    ]);
    expect(decide(report)).toBe('indeterminate');
  });
});

describe('the W3C projection', () => {
  test('is never verified without a proof that held', () => {
    expect(isVerified(lines(...passes))).toBe(true);
    expect(isVerified(lines(...passes.filter((code) => code !== 'proof_verified'), 'proof_not_reached'))).toBe(false);
    expect(isVerified([])).toBe(false);
  });

  // What VCALM leaves to the caller, or what only the registry could vouch for.
  const alsoWarned = ['schema_unknown_type', 'issuer_unbound', 'issuer_ods_missing', 'presentation_empty'];

  // Breaches of a grammar, whatever they are about.
  const alsoErrors = ['validity_inverted', 'status_entry_malformed', 'status_index_out_of_range'];

  test('tells status, dates and business rules as warnings, everything else that failed as an error', () => {
    for (const [code, { check, outcome, projection }] of Object.entries(verifyCodes)) {
      if (outcome === 'pass' || outcome === 'skipped') continue;
      const warning = ['validity', 'status'].includes(check) || alsoWarned.includes(code);
      expect([code, projection]).toEqual([code, warning && !alsoErrors.includes(code) ? 'warning' : 'error']);
    }
  });

  test('tells that nobody asked for the status, though the signature is good', () => {
    const checks = lines('issuer_not_listed', 'proof_verified', 'status_not_reached');
    expect(isVerified(checks)).toBe(true);
    expect(problemDetails(checks, { base: '' }).map(({ title }) => title)).toContain('status_not_reached');
    expect(problemDetails(lines('signature_invalid', 'status_not_reached'), { base: '' })).toHaveLength(1);
  });

  test('takes an unlisted issuer, or type, as a warning where the proof held all the same', () => {
    const unlisted = lines(...passes.filter((code) => code !== 'issuer_recognised'), 'issuer_not_listed');
    expect(isVerified(unlisted)).toBe(true);
    expect(problemDetails(unlisted, { base: 'https://rxb.example' })).toEqual([
      expect.objectContaining({ type: 'https://rxb.example/verify/codes#issuer_not_listed' }),
    ]);
    expect(isVerified(lines('issuer_not_listed', 'key_not_fetched'))).toBe(false);
    const foreignType = passes.map((code) => (code === 'issuer_recognised' ? 'issuer_not_authorised_for_type' : code));
    expect(isVerified(lines(...foreignType))).toBe(true);
    expect(problemDetails(lines(...foreignType), { base: '' })).toHaveLength(1);
    expect(isVerified(lines('issuer_not_authorised_for_type', 'signature_invalid'))).toBe(false);
    expect(isVerified(lines(...passes, 'issuer_suspended'))).toBe(false);
  });

  test.each(['holder_not_subject', 'holder_subject_missing'] as const)(
    'takes %s as a warning on instances only',
    (code) => {
      const base = 'https://rxb.example';
      const mixed = lines(...passes.filter((line) => line !== 'holder_not_presented'), code);
      expect(isVerified(mixed)).toBe(false);
      expect(isVerified(mixed, { foreignSubject: 'warning' })).toBe(true);
      for (const rules of [{ base }, { base, foreignSubject: 'warning' }] as const) {
        expect(problemDetails(mixed, rules)).toEqual([expect.objectContaining({ title: code })]);
      }
    },
  );
});

test('docs/verify.md is what the table says', () => {
  expect(readFileSync(verifyDocument, 'utf8')).toBe(renderVerifyDocument());
});

test('holders are did:key and did:jwk, and did:web from the hosts that are configured', () => {
  expect(acceptHolder('did:key:z6Mk', [])).toBe(true);
  expect(acceptHolder('did:jwk:eyJ', [])).toBe(true);
  expect(acceptHolder('did:web:wallet.example', [])).toBe(false);
  expect(acceptHolder('did:web:Wallet.example:alice', ['wallet.example'])).toBe(true);
  expect(acceptHolder('did:web:localhost%3A8443', ['localhost:8443'])).toBe(true);
  expect(acceptHolder('did:web:wallet.example.evil.example', ['wallet.example'])).toBe(false);
  expect(acceptHolder('did:web:%E0%A4%A', ['wallet.example'])).toBe(false);
  expect(acceptHolder('did:ethr:0x1', ['0x1'])).toBe(false);
});

test('the deadline ends what hangs, and forgives what fails later', async () => {
  const deadline = startDeadline(20);
  await expect(deadline.race(new Promise(() => undefined))).rejects.toBeInstanceOf(DeadlineExceeded);
  expect(deadline.signal.aborted).toBe(true);
  await expect(deadline.race(Promise.resolve(1))).resolves.toBe(1);
  deadline.close();
});

describe('the audit queue', () => {
  const event: AuditEvent = { action: 'verification.decided', actor: 'a', outcome: 'success' };

  function open(fails: () => boolean) {
    const written: AuditEvent[] = [];
    const store = {
      transaction: async (work: (tx: never) => Promise<unknown>) => {
        const before = written.length;
        const result = await work(undefined as never);
        if (!fails()) return result;
        written.length = before;
        throw new Error('no database');
      },
    } as unknown as Store;
    const audit = { record: async (_tx: unknown, one: AuditEvent) => void written.push(one) } as unknown as Audit;
    return { written, queue: createAuditQueue({ store, audit, flushMilliseconds: 1000, onFault: () => undefined }) };
  }

  test('keeps a batch that could not be written and writes it once later', async () => {
    let away = true;
    const { written, queue } = open(() => away);
    for (let i = 0; i < 500; i += 1) queue.add(event);
    await expect(queue.flush()).rejects.toThrow('no database');
    expect(written).toEqual([]);
    away = false;
    await queue.stop();
    expect(written).toHaveLength(500);
  });

  test('is bounded, and says in the trail how much it had to drop', async () => {
    const { written, queue } = open(() => false);
    for (let i = 0; i < 10_007; i += 1) queue.add(event);
    await queue.stop();
    expect(written).toHaveLength(10_001);
    expect(written.find(({ action }) => action === 'verification.audit_overflow')).toMatchObject({
      data: { count: 7 },
    });
  });
});
