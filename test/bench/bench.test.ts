import { admit, createWorkload, type VerifierRow, type Workload } from '../../scripts/bench/cases.js';
import { flipLastBit, flipLetter, type Guarded, requireRefusal } from '../../scripts/bench/guard.js';
import { measure, median, quantile } from '../../scripts/bench/measure.js';
import { type BenchOrganisation, openOrganisation } from '../../scripts/bench/organisation.js';
import { summarise, tabulate } from '../../scripts/bench/result.js';

describe('the guard of a measured verifier', () => {
  const guarded = (verify: Guarded<string>['verify']): Guarded<string> => ({
    name: 'a verifier',
    input: 'good',
    changes: [{ what: 'the content', input: 'gooe' }],
    verify,
    refusal: 'signature_invalid',
  });

  test('lets one pass that accepts its input and refuses a changed one for its signature', async () => {
    await requireRefusal(guarded(async (input) => (input === 'good' ? 'accepted' : 'signature_invalid')));
  });

  test.each<[string, string, Guarded<string>['verify']]>([
    ['accepts everything', 'the content was changed, and the verifier says accepted', async () => 'accepted'],
    ['refuses everything', 'refuses its own input', async () => 'signature_invalid'],
    [
      'refuses a changed input for another reason than its signature',
      'says token_malformed',
      async (input) => (input === 'good' ? 'accepted' : 'token_malformed'),
    ],
  ])('stops one that %s', async (_, message, verify) => {
    await expect(requireRefusal(guarded(verify))).rejects.toThrow(message);
  });

  test('stops one that is shown no changed input', async () => {
    await expect(requireRefusal({ ...guarded(async () => 'accepted'), changes: [] })).rejects.toThrow('no changed');
  });

  test('changes exactly one bit', () => {
    expect(flipLetter('{"name":"Rexford"}', '"name":"Rexfor')).toBe('{"name":"Rexfore"}');
    expect(() => flipLetter('{"name":"R2"}', '"name":"R')).toThrow('no letter');
    expect(() => flipLetter('{"name":"Rexford"}', 'missing')).toThrow('no letter');
    expect([...flipLastBit(Uint8Array.of(1, 2, 3))]).toEqual([1, 2, 2]);
  });
});

describe('the benchmark', () => {
  let organisation: BenchOrganisation;
  let workload: Workload;

  beforeAll(async () => {
    organisation = await openOrganisation();
    workload = await createWorkload(organisation, 2);
  }, 60_000);
  afterAll(() => organisation.close());

  test('admits no verifier that accepts everything, in any format', async () => {
    expect(workload.verifiers.length).toBeGreaterThan(10);
    for (const row of workload.verifiers) {
      const gullible: VerifierRow = { ...row, guarded: { ...row.guarded, verify: async () => 'accepted' } };
      await expect(admit(gullible)).rejects.toThrow('was changed, and the verifier says accepted');
    }
  });

  test('shows every verifier a changed content and a changed signature', () => {
    for (const { guarded } of workload.verifiers) {
      expect(guarded.changes.map(({ what }) => what)).toEqual(expect.arrayContaining(['the content', 'the signature']));
    }
  });

  test('measures every operation against its own floor, and says which checks a row includes', async () => {
    const rows = [...workload.issue];
    for (const verifier of workload.verifiers) rows.push(await admit(verifier));
    const effort = { rounds: 1, sliceMilliseconds: 1 };
    const cases = [...new Set(rows.map(({ floor }) => floor)), ...rows];
    const result = summarise(rows, await measure(cases, { ...effort, onProgress: () => undefined }), effort);
    for (const line of result.lines) {
      expect(line.ratio).toBeGreaterThan(0);
      expect(line.floorMicroseconds).toBeGreaterThan(0);
    }
    const whole = result.lines.find(({ operation }) => operation === 'whole verdict vc+jwt ES256');
    expect(whole?.includes).toBe('format, algorithm, issuer, key, proof, validity, schema, status');
    expect(tabulate(result)).toContain('× floor');
  });

  test('stops when a verifier refuses while it is measured', async () => {
    const [verifier] = workload.verifiers;
    if (!verifier) throw new Error('there is no verifier');
    const { guarded } = verifier;
    let calls = 0;
    const verify: typeof guarded.verify = (input) => {
      calls += 1;
      return calls > guarded.changes.length + 1 ? Promise.resolve('expired') : guarded.verify(input);
    };
    const row = await admit({ ...verifier, guarded: { ...guarded, verify } });
    await expect(row.run()).rejects.toThrow('refused its input while it was measured (expired)');
  });
});

test('the median is the value in the middle, and quantiles lie between neighbours', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 2, 3, 4])).toBe(2.5);
  expect(quantile([0, 10], 0.25)).toBe(2.5);
});
