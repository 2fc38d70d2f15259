/** The published list of core skills: codes, levels, renewal periods, and which competency includes which. */
import type { Fault } from '../../errors.js';
import { isJsonObject, type JsonObject } from '../../json.js';

export interface Competency {
  readonly code: string;
  readonly framework: string;
  readonly subjectName: string;
  readonly competencyName: string;
  readonly subjectLevel: string;
  /** ISO 8601 duration that the list proposes; an issuer may state its own and a receiver applies its own. */
  readonly renewalPeriod: string;
  /** Codes of lower competencies that this one includes. */
  readonly subsumes: readonly string[];
  readonly source: string;
}

export interface CoreSkills {
  readonly version: number;
  readonly competencies: readonly Competency[];
  find(code: string): Competency | undefined;
  /** What is wrong with the competency of a CoreSkillCredential. */
  faults(credential: JsonObject): Fault[];
}

const describing = ['framework', 'subjectName', 'competencyName', 'subjectLevel'] as const;

/** Reads the list; throws an Error that says which entry is wrong. */
export function readCoreSkills(document: JsonObject): CoreSkills {
  const { version, competencies } = document as unknown as { version: number; competencies: Competency[] };
  const byCode = new Map(competencies.map((competency) => [competency.code, competency]));
  if (byCode.size !== competencies.length) throw new Error('core skills: a code is there twice');
  const unknown = competencies.flatMap((competency) => competency.subsumes).find((code) => !byCode.has(code));
  if (unknown !== undefined) throw new Error(`core skills: ${unknown} is included by a competency but not in the list`);
  const find = (code: string): Competency | undefined => byCode.get(code);
  return { version, competencies, find, faults: (credential) => competencyFaults(credential, find) };
}

// Mandatory and local competencies have no national list: their form is checked by the schema alone.
function competencyFaults(credential: JsonObject, find: CoreSkills['find']): Fault[] {
  const subject = credential['credentialSubject'];
  if (!isJsonObject(subject) || subject['framework'] !== 'CSTF') return [];
  const competency = find(String(subject['competencyCode']));
  if (competency === undefined) {
    return [{ path: '/credentialSubject/competencyCode', detail: 'is not in the published list of core skills' }];
  }
  return describing
    .filter((member) => subject[member] !== competency[member])
    .map((member) => ({
      path: `/credentialSubject/${member}`,
      detail: 'is not what the list of core skills says for this code',
    }));
}
