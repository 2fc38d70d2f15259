/** The thread that canonicalises large documents; started by canonicalisation-thread.ts with the pinned contexts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { JsonObject } from '../json.js';
import { CanonicalisationError, createCanonicalise } from './canonicalisation.js';
import { type Answer, type Job, readyId } from './canonicalisation-thread.js';

const canonicalise = createCanonicalise(workerData as ReadonlyMap<string, JsonObject>);

async function answer({ id, document }: Job): Promise<Answer> {
  try {
    return { id, canonical: await canonicalise(document) };
  } catch (error) {
    if (!(error instanceof CanonicalisationError)) throw error;
    return { id, code: error.code, detail: error.message };
  }
}

parentPort?.on('message', (job: Job) => {
  void answer(job).then((result) => parentPort?.postMessage(result));
});
parentPort?.postMessage({ id: readyId, canonical: '' } satisfies Answer);
