import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

/**
 * Each folder of test/fixtures/house is a small house that breaks one rule of .dependency-cruiser.cjs: the one that
 * its name begins with. A parser that read no TypeScript, or a rule that matched nothing, would leave it green.
 */
const fixtures = join(import.meta.dirname, '../fixtures/house');
const config = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
  forbidden: (IForbiddenRuleType & { name: string })[];
  options: ICruiseOptions;
};
const ruleNames = [...new Set(config.forbidden.map((rule) => rule.name))];
const houses = readdirSync(fixtures);
const broken = houses.filter((name) => name !== 'clean');

async function cruiseHouse(name: string): Promise<ICruiseResult['summary']> {
  const baseDir = join(fixtures, name);
  const roots = ['src', 'scripts'].filter((folder) => existsSync(join(baseDir, folder)));
  const options = { ...config.options, baseDir, validate: true, ruleSet: { forbidden: config.forbidden } };
  const { output } = await cruise(roots, options);
  if (typeof output === 'string') throw new Error('The cruise answered with text.');
  return output.summary;
}

/** The longest rule name that the folder's name begins with. */
function ruleOf(house: string): string | undefined {
  return ruleNames.filter((rule) => house.startsWith(rule)).sort((a, b) => b.length - a.length)[0];
}

describe('the boundaries of the house', () => {
  test('a house that uses everything that is allowed is green', async () => {
    const summary = await cruiseHouse('clean');
    expect(summary.violations).toEqual([]);
    // Reading no file, or reading files without seeing their imports, would be green as well.
    expect(summary.totalCruised).toBeGreaterThan(25);
    expect(summary.totalDependenciesCruised).toBeGreaterThan(30);
  });

  test.each(broken)('%s is red for exactly that reason', async (house) => {
    const { violations, error } = await cruiseHouse(house);
    expect([...new Set(violations.map((violation) => violation.rule.name))]).toEqual([ruleOf(house)]);
    expect(error).toBeGreaterThan(0);
  });

  test('every rule has a house that breaks it', () => {
    expect(ruleNames.filter((rule) => !broken.some((house) => ruleOf(house) === rule))).toEqual([]);
  });
});

describe('the names of the house', () => {
  test('no file or folder of any kind is called after a drawer', () => {
    const root = join(import.meta.dirname, '../..');
    const files = ['src', 'test', 'scripts', 'docs', 'agents'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    );
    const drawer = /[/-](utils?|helpers?|common|shared|misc|managers?|handlers?)([./]|$)/;
    const ours = files.filter((file) => !file.includes('node_modules') && !file.startsWith('test/fixtures/house'));
    const drawers = ours.filter((file) => drawer.test(file));
    expect(files.length).toBeGreaterThan(20);
    expect(drawers).toEqual([]);
  });
});
