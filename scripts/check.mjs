// `npm run check`: every check of the house in order, the cheap ones first; stops at the first that fails.
// Arguments after `--` go to jest. The last line says how many tests passed, failed and were skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const jestArguments = process.argv.slice(2).filter((argument, index) => index > 0 || argument !== '--');
const report = mkdtempSync(join(tmpdir(), 'staff-passport-check-'));
const jestReport = join(report, 'jest.json');
const walletsReport = join(report, 'wallets.json');

const steps = [
  ['tsc', 'tsc', ['-p', 'tsconfig.json']],
  ['biome', 'biome', ['check', '--error-on-warnings']],
  ['dependency-cruiser', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'src', 'scripts', 'test']],
  ['knip', 'knip', ['--no-progress', '--treat-config-hints-as-errors']],
  ['jest', 'jest', ['--json', `--outputFile=${jestReport}`, ...jestArguments]],
  ['wallets', 'tsx', ['scripts/wallets/wallets.ts', '--summary', walletsReport]],
];

/** Jest runs ES modules only with this flag; the other tools do not mind it. */
const nodeOptions = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`;

function runStep([name, binary, argumentList]) {
  const started = process.hrtime.bigint();
  console.log(`check: ${name} ...`);
  const { status, signal, error } = spawnSync(join(root, 'node_modules/.bin', binary), argumentList, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: nodeOptions.trim() },
  });
  const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
  if (status === 0) {
    console.log(`check: ${name} passed (${seconds.toFixed(1)} s)`);
    return true;
  }
  const reason = error?.message ?? (signal === null ? `exit code ${status}` : `ended by ${signal}`);
  console.error(`check: ${name} FAILED (${reason}, ${seconds.toFixed(1)} s)`);
  return false;
}

/** What jest wrote; a suite that could not even start counts as one failure, for its tests are in no other number. */
function summariseJest() {
  if (!existsSync(jestReport)) return { passed: 0, failed: 0, skipped: [] };
  const result = JSON.parse(readFileSync(jestReport, 'utf8'));
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  const skipped = result.testResults
    .flatMap((suite) => suite.assertionResults)
    .filter(({ status }) => status === 'pending' || status === 'todo')
    .map(({ fullName }) => fullName);
  return { passed: result.numPassedTests, failed, skipped };
}

/** Both kinds of tests together. */
function summarise() {
  const wallets = existsSync(walletsReport)
    ? JSON.parse(readFileSync(walletsReport, 'utf8'))
    : { passed: 0, failed: 0, skipped: [] };
  const jest = summariseJest();
  return {
    passed: jest.passed + wallets.passed,
    failed: jest.failed + wallets.failed,
    skipped: [...jest.skipped, ...wallets.skipped],
  };
}

const failedStep = steps.find((step) => !runStep(step));
if (failedStep === undefined || ['jest', 'wallets'].includes(failedStep[0])) {
  const { passed, failed, skipped } = summarise();
  for (const name of skipped) console.log(`check: skipped: ${name}`);
  // A runner can fail without a failed test: no test found, a handle that would not close, an end before its report.
  const failures = failedStep === undefined ? failed : Math.max(failed, 1);
  console.log(`${passed} passed, ${failures} failed, ${skipped.length} skipped`);
}
rmSync(report, { recursive: true });
process.exitCode = failedStep === undefined ? 0 : 1;
