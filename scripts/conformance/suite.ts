/** Runs the tests: one test for one statement, each in a conversation of its own. */
import { type Conversation, converse, type Surroundings } from './conversation.js';
import { type Specification, statementsOf } from './statements.js';
import type { Target } from './target.js';

/** The test of one statement. */
export interface Test {
  /** Why the target has nothing to be tested here, or undefined. */
  readonly lacks: (target: Target) => string | undefined;
  readonly run: (talk: Conversation) => Promise<void>;
}

export type Tests = Readonly<Record<string, Test>>;

export type Outcome = 'passed' | 'failed' | 'not applicable' | 'not tested';

export interface Finding {
  readonly id: string;
  readonly section: string;
  readonly text: string;
  readonly outcome: Outcome;
  /** Why it is not applicable. */
  readonly reason?: string;
  /** What the server did instead. */
  readonly failures?: readonly string[];
}

/** One test against one server. A test that throws has failed: the server's answer was not one it could read. */
export async function runTest(test: Test, surroundings: Surroundings): Promise<readonly string[]> {
  const talk = converse(surroundings);
  try {
    await test.run(talk);
    return talk.failures;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return [...talk.failures, `the test could not go on: ${cause}`];
  }
}

/** Every statement of a specification, in its order. */
export async function runSpecification(
  specification: Specification,
  tests: Tests,
  surroundings: Surroundings,
): Promise<Finding[]> {
  const sectionOf = new Map(
    specification.sections.flatMap(({ section, statements }) => statements.map(({ id }) => [id, section] as const)),
  );
  const findings: Finding[] = [];
  for (const { id, text, notApplicable } of statementsOf(specification)) {
    const about = { id, section: sectionOf.get(id) ?? '', text };
    const test = tests[id];
    if (notApplicable !== undefined) findings.push({ ...about, outcome: 'not applicable', reason: notApplicable });
    else if (!test) findings.push({ ...about, outcome: 'not tested' });
    else findings.push({ ...about, ...(await judge(test, surroundings)) });
  }
  return findings;
}

async function judge(
  test: Test,
  surroundings: Surroundings,
): Promise<Pick<Finding, 'outcome' | 'reason' | 'failures'>> {
  const lacking = test.lacks(surroundings.target);
  if (lacking !== undefined) return { outcome: 'not applicable', reason: lacking };
  const failures = await runTest(test, surroundings);
  return failures.length === 0 ? { outcome: 'passed' } : { outcome: 'failed', failures };
}
