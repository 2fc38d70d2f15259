/**
 * Chooses where a document is canonicalised: small ones here, large ones in a worker thread with a time limit, so
 * that the worst legal input does not hold up everybody else (decisions.md 7 and 24). One thread and a bounded queue:
 * a stranger who sends large documents waits for himself.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { type Canonicalise, createCanonicalise } from './canonicalisation.js';
import { CanonicalisationThread } from './canonicalisation-thread.js';

export interface CanonicaliserLimits {
  /** Values (members and list items) up to which a document is canonicalised on the main thread: about 10 ms. */
  readonly inlineValues: number;
  /** How long the thread may take for one document. */
  readonly milliseconds: number;
  /** Documents that may wait for the thread. */
  readonly queue: number;
}

const defaultLimits: CanonicaliserLimits = { inlineValues: 400, milliseconds: 2_000, queue: 32 };

/** A canonicaliser with a thread of its own, which starts when it is first needed. */
export interface Canonicaliser {
  readonly canonicalise: Canonicalise;
  close(): Promise<void>;
}

export function createCanonicaliser(
  documents: ReadonlyMap<string, JsonObject>,
  limits: Partial<CanonicaliserLimits> = {},
): Canonicaliser {
  const bounds = { ...defaultLimits, ...limits };
  const inline = createCanonicalise(documents);
  const thread = new CanonicalisationThread(documents, bounds);
  return {
    canonicalise: (document) =>
      countValues(document, bounds.inlineValues) > bounds.inlineValues ? thread.run(document) : inline(document),
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
