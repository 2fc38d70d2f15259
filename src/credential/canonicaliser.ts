/**
 * Chooses where a document is canonicalised: small ones here, large ones in a worker thread with a time limit, so
 * that the worst legal input does not hold up everybody else (decisions.md 7 and 24). One thread and a bounded queue:
 * a stranger who sends large documents waits for himself.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { createTransformations, type Transformations } from './canonicalisation.js';
import { CanonicalisationThread } from './canonicalisation-thread.js';
import type { ContextRules } from './context-rules.js';

export interface CanonicaliserLimits {
  /** Values (members and list items) up to which a document is canonicalised on the main thread: about 10 ms. */
  readonly inlineValues: number;
  /** How long the thread may take for one document. */
  readonly milliseconds: number;
  /** Documents that may wait for the thread. */
  readonly queue: number;
}

const defaultLimits: CanonicaliserLimits = { inlineValues: 400, milliseconds: 2_000, queue: 32 };

/** Grouping statements expands, compacts and canonicalises several times over: measured, ten canonical forms. */
const groupWeight = 10;

/** The transformations with a thread of their own, which starts when it is first needed. */
export interface Canonicaliser extends Transformations {
  close(): Promise<void>;
}

export function createCanonicaliser(
  contexts: { readonly documents: ReadonlyMap<string, JsonObject>; readonly inline?: boolean },
  limits: Partial<CanonicaliserLimits> = {},
): Canonicaliser {
  const bounds = { ...defaultLimits, ...limits };
  const rules: ContextRules = { documents: contexts.documents, inline: contexts.inline ?? false };
  const inline = createTransformations(rules);
  const thread = new CanonicalisationThread(rules, bounds);
  function isLarge(document: JsonObject, weight = 1): boolean {
    const limit = Math.floor(bounds.inlineValues / weight);
    return countValues(document, limit) > limit;
  }
  return {
    canonicalise: (request) =>
      isLarge(request.document) ? thread.run('canonicalise', request) : inline.canonicalise(request),
    checkTerms: (document) => (isLarge(document) ? thread.run('checkTerms', document) : inline.checkTerms(document)),
    groupStatements: (request) =>
      isLarge(request.document, groupWeight) ? thread.run('groupStatements', request) : inline.groupStatements(request),
    relabelStatements: (request) =>
      isLarge(request.document) ? thread.run('relabelStatements', request) : inline.relabelStatements(request),
    close: () => thread.close(),
  };
}

/** Counts without recursion and stops above the limit. */
function countValues(document: JsonObject, limit: number): number {
  const waiting: Json[] = [document];
  let count = 0;
  for (let value = waiting.pop(); value !== undefined && count <= limit; value = waiting.pop()) {
    const members = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
    count += members.length;
    for (const member of members) waiting.push(member);
  }
  return count;
}
