import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Probe {
  readonly file: string;
  readonly code: string;
  /** What the linter must say of it; undefined: nothing. */
  readonly rule: string | undefined;
}

const longFunction = `export function f(): void {\n${'  g();\n'.repeat(61)}}\nfunction g(): void {}\n`;
const tangledFunction = `export function f(a: boolean): void {\n${'  for (;;) if (a) break;\n'.repeat(6)}}\n`;

/** One small file each; what is forbidden in a slice may be right at its own place. */
const probes: Readonly<Record<string, Probe>> = {
  'a promise that nobody waits for': {
    file: 'src/status/floating.ts',
    code: 'async function f(): Promise<void> {}\nexport function g(): void {\n  f();\n}\n',
    rule: 'lint/nursery/noFloatingPromises',
  },
  'a promise where none is expected': {
    file: 'src/status/misused.ts',
    code: 'async function f(): Promise<void> {}\nexport const g = (list: number[]) => list.forEach(f);\n',
    rule: 'lint/nursery/noMisusedPromises',
  },
  'a switch that forgets a case': {
    file: 'src/status/switch.ts',
    code: "export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n",
    rule: 'lint/nursery/useExhaustiveSwitchCases',
  },
  'a function of more than 60 lines': {
    file: 'src/status/long.ts',
    code: longFunction,
    rule: 'lint/complexity/noExcessiveLinesPerFunction',
  },
  'a long function in a test': { file: 'test/status/long.ts', code: longFunction, rule: undefined },
  'a tangled function': {
    file: 'src/status/tangled.ts',
    code: tangledFunction,
    rule: 'lint/complexity/noExcessiveCognitiveComplexity',
  },
  any: { file: 'src/status/any.ts', code: 'export const x: any = 1;\n', rule: 'lint/suspicious/noExplicitAny' },
  'an enum': { file: 'src/status/enum.ts', code: 'export enum E {\n  A = 1,\n}\n', rule: 'lint/style/noEnum' },
  'the global fetch in a slice': {
    file: 'src/status/fetch.ts',
    code: "export const f = () => fetch('https://a.example');\n",
    rule: 'lint/style/noRestrictedGlobals',
  },
  'a server that takes more than types from node:http': {
    file: 'src/http/server.ts',
    code: "export { request } from 'node:http';\n",
    rule: 'lint/style/noRestrictedImports',
  },
  'Date.now() in a slice': { file: 'src/status/now.ts', code: 'export const t = Date.now();\n', rule: 'plugin' },
  'new Date() in a slice': { file: 'src/status/date.ts', code: 'export const t = new Date();\n', rule: 'plugin' },
  'a date made of something': { file: 'src/status/of.ts', code: 'export const t = new Date(0);\n', rule: undefined },
  'Math.random() in a slice': { file: 'src/status/dice.ts', code: 'export const t = Math.random();\n', rule: 'plugin' },
  'the clock in app.ts': { file: 'src/app.ts', code: 'export const now = () => new Date();\n', rule: undefined },
  'the clock in a command': {
    file: 'src/commands/a.ts',
    code: 'export const now = () => new Date();\n',
    rule: undefined,
  },
  'randomness in a slice': {
    file: 'src/status/random.ts',
    code: "import { randomBytes } from 'node:crypto';\n\nexport const x = randomBytes(8);\n",
    rule: 'lint/style/noRestrictedImports',
  },
  'randomness where keys are made': {
    file: 'src/identity/random.ts',
    code: "import { randomBytes } from 'node:crypto';\n\nexport const x = randomBytes(8);\n",
    rule: undefined,
  },
  'a type imported inline, which boundary checks do not see': {
    file: 'src/status/inline.ts',
    code: "export type X = import('node:crypto').KeyObject;\n",
    rule: 'plugin',
  },
};

const project = join(import.meta.dirname, '../..');

/** Lints all probes at once, in a project of their own with the configuration of this one. */
function lintProbes(): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-lint-'));
  try {
    for (const name of ['biome.json', '.gitignore', 'tsconfig.json', 'package.json', 'scripts/lint']) {
      cpSync(join(project, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, code } of Object.values(probes)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), code);
    }
    return readReport(runBiome(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runBiome(folder: string): string {
  const biome = join(project, 'node_modules/.bin/biome');
  const run = spawnSync(biome, ['lint', '--reporter=json', '--max-diagnostics=none', 'src', 'test'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(run.status).toBe(1);
  return run.stdout;
}

function readReport(json: string): Map<string, string[]> {
  const report = JSON.parse(json) as {
    diagnostics: { severity: string; category: string; location: { path: string } }[];
  };
  const rules = new Map<string, string[]>();
  for (const { severity, category, location } of report.diagnostics) {
    if (severity === 'error') rules.set(location.path, [...(rules.get(location.path) ?? []), category]);
  }
  return rules;
}

describe('the linter', () => {
  const rules = lintProbes();

  test.each(Object.entries(probes))('%s', (_, { file, rule }) => {
    expect([...new Set(rules.get(file) ?? [])]).toEqual(rule === undefined ? [] : [rule]);
  });
});
