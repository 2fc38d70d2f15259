/**
 * Rules between members that JSON Schema cannot say. The rules of each type are data (schemas/catalogue.json), so that the
 * catalogue's page prints what the service checks. A rule about a member that is absent holds.
 */
import type { Fault } from '../../errors.js';
import { isJsonObject, type Json, type JsonObject } from '../../json.js';
import type { CoreSkills } from './core-skills.js';
import { dataModelOf } from './data-model-of.js';

export type RuleName = 'notAfter' | 'expiresBy' | 'equal' | 'different' | 'distinct' | 'coreSkill';

export interface Rule {
  readonly rule: RuleName;
  /** JSON Pointer of the member that a fault names. */
  readonly first?: string;
  readonly second?: string;
  /** JSON Pointer of a list: `first` and `second` then start at each of its items. */
  readonly each?: string;
  readonly text: string;
}

type Check = (rule: Rule, credential: JsonObject, coreSkills: CoreSkills) => Fault[];

const checks: Readonly<Record<RuleName, Check>> = {
  notAfter: pairwise((first, second) => first <= second),
  equal: pairwise((first, second) => first === second),
  different: pairwise((first, second) => first !== second),
  expiresBy,
  distinct,
  coreSkill: (_rule, credential, coreSkills) => coreSkills.faults(credential),
};

export const ruleNames: ReadonlySet<string> = new Set(Object.keys(checks));

/** The faults of a credential under the rules of its type. */
export function checkRules(rules: readonly Rule[], credential: JsonObject, coreSkills: CoreSkills): Fault[] {
  return rules.flatMap((rule) => checks[rule.rule](rule, credential, coreSkills));
}

/** The text at a JSON Pointer; the pointers are our own and need no unescaping. */
function textAt(value: Json | undefined, pointer: string | undefined): string | undefined {
  const found = valueAt(value, pointer ?? '');
  return typeof found === 'string' ? found : undefined;
}

function valueAt(value: Json | undefined, pointer: string): Json | undefined {
  let current: Json | undefined = value;
  for (const name of pointer.split('/').slice(1)) current = isJsonObject(current) ? current[name] : undefined;
  return current;
}

function itemsOf(rule: Rule, credential: JsonObject): { at: string; value: Json }[] {
  if (rule.each === undefined) return [{ at: '', value: credential }];
  const list = valueAt(credential, rule.each);
  return Array.isArray(list) ? list.map((value, index) => ({ at: `${rule.each}/${index}`, value })) : [];
}

/** ISO dates in one form compare as texts; the schema has fixed the form. */
function pairwise(holds: (first: string, second: string) => boolean): Check {
  return (rule, credential) =>
    itemsOf(rule, credential).flatMap(({ at, value }) => {
      const [first, second] = [textAt(value, rule.first), textAt(value, rule.second)];
      if (first === undefined || second === undefined || holds(first, second)) return [];
      return [{ path: at + (rule.first ?? ''), detail: `breaks a rule: ${rule.text}` }];
    });
}

/** Where a fact ends on a day, the credential ends with that day (UTC) at the latest, in either data model. */
function expiresBy(rule: Rule, credential: JsonObject): Fault[] {
  const lastDay = textAt(credential, rule.second);
  if (lastDay === undefined) return [];
  const path = dataModelOf(credential) === '1.1' ? '/expirationDate' : '/validUntil';
  const end = Date.parse(textAt(credential, path) ?? '');
  const latest = Date.parse(`${lastDay}T23:59:59.999Z`);
  return end <= latest ? [] : [{ path, detail: `breaks a rule: ${rule.text}` }];
}

function distinct(rule: Rule, credential: JsonObject): Fault[] {
  const seen = new Set<string>();
  return itemsOf(rule, credential).flatMap(({ at, value }) => {
    const text = textAt(value, rule.first);
    if (text === undefined || !seen.has(text)) {
      if (text !== undefined) seen.add(text);
      return [];
    }
    return [{ path: at + (rule.first ?? ''), detail: `breaks a rule: ${rule.text}` }];
  });
}
