/**
 * `npm run test:wallets`: installs the foreign wallets of test/wallets where that is needed, and runs the tests with them.
 * Everything is https with a private certificate authority, which the wallets trust as an operator would have them do
 * it: by NODE_EXTRA_CA_CERTS, read at the start of a process. `--summary <file>` writes {passed, failed, skipped}.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authorityFileOf, createAuthority } from './certificates.js';

const root = join(import.meta.dirname, '../..');
const packageFolder = join(root, 'test/wallets');
const lockFile = join(packageFolder, 'package-lock.json');
const installedMark = join(packageFolder, 'node_modules/.installed-lock');

function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): boolean {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** A digest in node_modules says which lock file it came from. */
function install(): boolean {
  const digest = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(installedMark) && readFileSync(installedMark, 'utf8') === digest) return true;
  // No install script of any wallet is needed, and none of them is trusted.
  const args = ['ci', '--prefix', packageFolder, '--ignore-scripts', '--no-audit', '--no-fund'];
  if (!run('npm', args)) return false;
  writeFileSync(installedMark, digest);
  return true;
}

/** Node's test runner writes TAP, whose last comments are numbers; the terminal gets the readable form. */
function runTests(folder: string, names: readonly string[]): boolean {
  const tap = join(folder, 'result.tap');
  const environment = { NODE_EXTRA_CA_CERTS: authorityFileOf(folder), WALLETS_CERTIFICATES: folder };
  const reporters = ['spec:stdout', `tap:${tap}`].flatMap((pair) => {
    const [reporter, ...destination] = pair.split(':');
    return [`--test-reporter=${reporter}`, `--test-reporter-destination=${destination.join(':')}`];
  });
  const filter = names.map((name) => `--test-name-pattern=${name}`);
  const suite = join(packageFolder, 'wallets.test.ts');
  const passed = run(process.execPath, ['--import', 'tsx', '--test', ...reporters, ...filter, suite], environment);
  summarise(existsSync(tap) ? readFileSync(tap, 'utf8') : '');
  return passed;
}

function summarise(tap: string): void {
  const count = (name: string) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  const skipped = [...tap.matchAll(/^\s*ok \d+ - (.*) # (?:SKIP|TODO)/gm)].map(([, name]) => name);
  const summary = { passed: count('pass'), failed: count('fail') + count('cancelled'), skipped };
  const at = process.argv.indexOf('--summary');
  if (at > 0) writeFileSync(process.argv[at + 1] ?? '', JSON.stringify(summary));
  console.log(`wallets: ${summary.passed} passed, ${summary.failed} failed, ${skipped.length} skipped`);
}

async function main(): Promise<boolean> {
  const names = process.argv.slice(2).filter((argument, index, all) => !`${all[index - 1]} ${argument}`.includes('--'));
  if (!install()) return false;
  const compiler = join(root, 'node_modules/.bin/tsc');
  if (!run(compiler, ['-p', join(packageFolder, 'tsconfig.json')])) return false;
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-wallets-'));
  try {
    await createAuthority(folder);
    return runTests(folder, names);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

process.exitCode = (await main()) ? 0 : 1;
