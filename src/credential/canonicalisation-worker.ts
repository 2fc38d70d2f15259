/** The thread that transforms large documents; started by canonicalisation-thread.ts with the pinned contexts. */
import { parentPort, workerData } from 'node:worker_threads';
import { createTransformations } from './canonicalisation.js';
import { CanonicalisationError } from './canonicalisation-error.js';
import { type Answer, type Job, readyId } from './canonicalisation-thread.js';
import type { ContextRules } from './context-rules.js';

const transformations = createTransformations(workerData as ContextRules);

async function answer({ id, task, input }: Job): Promise<Answer> {
  try {
    return { id, output: await transformations[task](input as never) };
  } catch (error) {
    if (!(error instanceof CanonicalisationError)) throw error;
    return { id, code: error.code, detail: error.message };
  }
}

parentPort?.on('message', (job: Job) => {
  void answer(job).then((result) => parentPort?.postMessage(result));
});
parentPort?.postMessage({ id: readyId, output: null } satisfies Answer);
