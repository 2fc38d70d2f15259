import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Reason {
  readonly name: string;
  readonly why: string;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
};

/** The rows of one chapter: a package and its reason. */
function reasonsUnder(heading: string): Reason[] {
  const text = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  const chapter = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...chapter.matchAll(/^\| (\S+) \| ([^|]*) \|/gm)]
    .map(([, name = '', why = '']) => ({ name, why: why.trim() }))
    .filter(({ name }) => name !== 'package');
}

const chapters = [
  { heading: 'Of the product', declared: manifest.dependencies },
  { heading: 'Of development', declared: manifest.devDependencies },
];

describe.each(chapters)('dependencies $heading', ({ heading, declared }) => {
  const reasons = reasonsUnder(heading);

  test('have a reason each, and nothing else has one', () => {
    expect(reasons.map(({ name }) => name).sort()).toEqual(Object.keys(declared).sort());
    expect(reasons.filter(({ why }) => why === '')).toEqual([]);
  });

  test('are pinned to one version, which is the one in the lockfile', () => {
    for (const [name, version] of Object.entries(declared)) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/)]);
      expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version]);
    }
  });
});
