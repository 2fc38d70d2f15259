/** One worker thread that canonicalises large documents one after another, each within a time limit. */
import { Worker } from 'node:worker_threads';
import type { JsonObject } from '../json.js';
import { CanonicalisationError, type CanonicalisationFault } from './canonicalisation.js';

/** What the thread is asked, and what it answers. */
export interface Job {
  readonly id: number;
  readonly document: JsonObject;
}
export type Answer =
  | { readonly id: number; readonly canonical: string }
  | { readonly id: number; readonly code: CanonicalisationFault; readonly detail: string };

/** Id of the answer with which a thread says that it has loaded. */
export const readyId = 0;

interface Waiting {
  readonly document: JsonObject;
  readonly resolve: (canonical: string) => void;
  readonly reject: (error: Error) => void;
}

/** Loading the libraries is not the document's fault and has a limit of its own. */
const startMilliseconds = 15_000;

/** A queue before a thread that starts when it is first needed and does not keep the process alive. */
export class CanonicalisationThread {
  readonly #documents: ReadonlyMap<string, JsonObject>;
  readonly #limits: { readonly milliseconds: number; readonly queue: number };
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #ready = false;
  #running: (Waiting & { readonly id: number }) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastId = readyId;

  constructor(documents: ReadonlyMap<string, JsonObject>, limits: { milliseconds: number; queue: number }) {
    this.#documents = documents;
    this.#limits = limits;
  }

  /** The canonical form, or CanonicalisationError; `canonicalisation_unfinished` when time or room ran out. */
  run(document: JsonObject): Promise<string> {
    if (this.#queue.length >= this.#limits.queue) {
      return Promise.reject(unfinished('Too many large documents are waiting.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ document, resolve, reject });
      this.#next();
    });
  }

  /** Refuses what waits and stops the thread. */
  async close(): Promise<void> {
    for (const { reject } of this.#queue.splice(0)) reject(unfinished('The service is stopping.'));
    const stopped = this.#worker;
    if (stopped === undefined) return;
    this.#lose(stopped);
    await stopped.terminate();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    if (this.#queue.length === 0) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    const waiting = this.#ready ? this.#queue.shift() : undefined;
    if (waiting === undefined) return;
    this.#lastId += 1;
    this.#running = { ...waiting, id: this.#lastId };
    this.#limit(this.#worker, this.#limits.milliseconds);
    this.#worker.postMessage({ id: this.#lastId, document: waiting.document } satisfies Job);
  }

  #start(): Worker {
    const started = startWorker(this.#documents);
    this.#ready = false;
    this.#limit(started, startMilliseconds);
    started.on('message', (answer: Answer) => this.#finish(answer));
    started.on('error', (cause) => this.#lose(started, cause));
    started.on('exit', () => this.#lose(started));
    return started;
  }

  #limit(worker: Worker, milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      worker.terminate().catch(() => undefined);
      this.#lose(worker);
    }, milliseconds);
  }

  #finish(answer: Answer): void {
    clearTimeout(this.#timer);
    this.#ready = true;
    const finished = this.#running;
    this.#running = undefined;
    if (finished?.id === answer.id) {
      if ('canonical' in answer) finished.resolve(answer.canonical);
      else finished.reject(new CanonicalisationError(answer.code, answer.detail));
    }
    this.#next();
  }

  /** A thread that died, or was stopped for taking too long, fails its document; the others get a new thread. */
  #lose(lost: Worker, cause?: unknown): void {
    if (lost !== this.#worker) return;
    clearTimeout(this.#timer);
    this.#worker = undefined;
    const failed = this.#running ?? this.#queue.shift();
    this.#running = undefined;
    failed?.reject(unfinished('The document could not be canonicalised in time.', cause));
    this.#next();
  }
}

function unfinished(detail: string, cause?: unknown): CanonicalisationError {
  return new CanonicalisationError('canonicalisation_unfinished', detail, { cause });
}

function startWorker(documents: ReadonlyMap<string, JsonObject>): Worker {
  if (import.meta.url.endsWith('.ts')) return startFromSource(documents);
  return new Worker(new URL('./canonicalisation-worker.js', import.meta.url), { workerData: documents });
}

/** Tests and the benchmark run TypeScript; a worker of Node 20 ignores --import, so it fetches the compiler itself. */
function startFromSource(documents: ReadonlyMap<string, JsonObject>): Worker {
  const entry = new URL('./canonicalisation-worker.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${entry}'); });`;
  return new Worker(code, { eval: true, workerData: documents });
}
