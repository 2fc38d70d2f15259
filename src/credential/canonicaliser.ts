/**
 * Chooses where a document is canonicalised: small ones here, large ones in a worker thread with a time limit, so
 * that the worst legal input does not hold up everybody else (decisions.md 7 and 24). One thread and a bounded queue:
 * a stranger who sends large documents waits for himself.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { createTransformations, type Transformations } from './canonicalisation.js';
import { CanonicalisationThread } from './canonicalisation-thread.js';
import type { ContextRules } from './context-rules.js';

export interface CanonicaliserLimits {
  /**
   * Values (members and list items) up to which a document is canonicalised on the main thread. Those of the catalogue
   * have 80 at most; one of 120 that is made to be hard costs about 4 ms, one of 400 up to 30 ms (npm run bench -- --worst).
   */
  readonly inlineValues: number;
  /** The same for grouping statements, which expands, compacts and canonicalises several times over. */
  readonly inlineGroupValues: number;
  /** How long the thread may take for one document. */
  readonly milliseconds: number;
  /** Documents that may wait for the thread. */
  readonly queue: number;
}

const defaultLimits: CanonicaliserLimits = {
  inlineValues: 120,
  inlineGroupValues: 40,
  milliseconds: 2_000,
  queue: 32,
};

/** A text is escaped, sorted and hashed as well: so many characters of it cost what a value does. */
const charactersPerValue = 256;

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
  const isLarge = (document: JsonObject) => countValues(document, bounds.inlineValues) > bounds.inlineValues;
  const isManifold = (document: JsonObject) =>
    countValues(document, bounds.inlineGroupValues) > bounds.inlineGroupValues;
  const inTurn = createTurns();
  return {
    canonicalise: (request) =>
      isLarge(request.document) ? thread.run('canonicalise', request) : inTurn(() => inline.canonicalise(request)),
    checkTerms: (document) =>
      isLarge(document) ? thread.run('checkTerms', document) : inTurn(() => inline.checkTerms(document)),
    groupStatements: (request) =>
      isManifold(request.document)
        ? thread.run('groupStatements', request)
        : inTurn(() => inline.groupStatements(request)),
    relabelStatements: (request) =>
      isLarge(request.document)
        ? thread.run('relabelStatements', request)
        : inTurn(() => inline.relabelStatements(request)),
    close: () => thread.close(),
  };
}

/**
 * Begins one piece of work in each turn of the event loop. The credentials of a presentation may all wait for the same
 * DID document, and would otherwise be canonicalised in one go when it comes.
 */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const own = turn.then(() => nextTurn());
    turn = own;
    return own.then(work);
  };
}

/** Counts without recursion and stops above the limit. */
function countValues(document: JsonObject, limit: number): number {
  const waiting: Json[] = [document];
  let count = 0;
  for (let value = waiting.pop(); value !== undefined && count <= limit; value = waiting.pop()) {
    if (typeof value === 'string') count += Math.floor(value.length / charactersPerValue);
    const members = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
    count += members.length;
    for (const member of members) waiting.push(member);
  }
  return count;
}
