/**
 * `npm run bench [-- --quick] [-- --worst] [-- --wallet] [-- --json FILE]`: issues and verifies in every format through the
 * agent of agent.yml, and says how many times the bare signature of node:crypto it costs; then how long wallets wait at
 * their endpoints (`--wallet`: that alone). docs/performance.md tells how to read it.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

// As main.ts does, before anything of Veramo is loaded.
process.env['DEBUG_COLORS'] ??= 'no';
const { admit, createWorkload } = await import('./cases.js');
const { measure } = await import('./measure.js');
const { openOrganisation } = await import('./organisation.js');
const { progress, summarise, tabulate } = await import('./result.js');

/** A passport is about 30 credentials (design.md §6). */
const passportSize = 30;
const rounds = 11;
const sliceMilliseconds = { full: 100, quick: 25 } as const;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    worst: { type: 'boolean', default: false },
    wallet: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});

const organisation = await openOrganisation();

/** With --worst: what the worst legal inputs do to everybody else. */
async function measureWorstInputs(): Promise<{ text: string; result: unknown }> {
  const { createWorstInputs } = await import('./worst-inputs.js');
  const { createOrdinary, measureWorst, tabulateWorst } = await import('./worst-case.js');
  const ordinary = await createOrdinary(organisation);
  const milliseconds = options.quick ? 1000 : 4000;
  const rows = [
    await measureWorst({ ...ordinary, name: 'ordinary load alone' }, { ordinary: ordinary.run, milliseconds }),
  ];
  for (const input of await createWorstInputs(organisation)) {
    rows.push(await measureWorst(input, { ordinary: ordinary.run, milliseconds }));
    process.stderr.write(`${input.name}\n`);
  }
  return { text: tabulateWorst(rows), result: rows };
}

async function measureAll(): Promise<{ text: string; result: unknown }> {
  const { issue, verifiers } = await createWorkload(organisation, passportSize);
  const all = [...issue];
  for (const verifier of verifiers) all.push(await admit(verifier));
  process.stderr.write(`${verifiers.length} verifiers refuse every one-bit change of their input\n`);
  const rows = all.filter(({ operation }) => operation.includes(options.only ?? ''));
  if (rows.length === 0) throw new Error(`no row is called ${options.only}`);
  const cases = [...new Set(rows.flatMap(({ floor }) => [floor])), ...rows];
  const slice = sliceMilliseconds[options.quick ? 'quick' : 'full'];
  const samples = await measure(cases, { rounds, sliceMilliseconds: slice, onProgress: progress });
  const result = summarise(rows, samples, { rounds, sliceMilliseconds: slice });
  return { text: tabulate(result), result };
}

/** What wallets wait for; in processes of its own. */
async function measureWallets(): Promise<{ text: string; result: unknown }> {
  const { measureWalletEndpoints } = await import('./wallet-endpoints.js');
  return measureWalletEndpoints(options.quick ? 10 : 50);
}

function chosen(): (() => Promise<{ text: string; result: unknown }>)[] {
  if (options.worst) return [measureWorstInputs];
  if (options.wallet) return [measureWallets];
  return options.only === undefined ? [measureAll, measureWallets] : [measureAll];
}

try {
  const results: unknown[] = [];
  for (const run of chosen()) {
    const { text, result } = await run();
    process.stdout.write(text);
    results.push(result);
  }
  const whole = results.length === 1 ? results[0] : results;
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(whole, null, 2)}\n`);
} finally {
  await organisation.close();
}
