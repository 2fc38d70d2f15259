/** One worker thread that canonicalises large documents one after another, each within a time limit. */
import { Worker } from 'node:worker_threads';
import type { Transformations } from './canonicalisation.js';
import { CanonicalisationError, type CanonicalisationFault } from './canonicalisation-error.js';
import type { ContextRules } from './context-rules.js';

/** The name of a transformation, what it is given and what comes out. */
export type Task = keyof Transformations;
type Input<T extends Task> = Parameters<Transformations[T]>[0];
type Output<T extends Task> = Awaited<ReturnType<Transformations[T]>>;

/** What the thread is asked, and what it answers. */
export interface Job {
  readonly id: number;
  readonly task: Task;
  readonly input: unknown;
}
export type Answer =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly code: CanonicalisationFault; readonly detail: string };

/** Id of the answer with which a thread says that it has loaded. */
export const readyId = 0;

interface Waiting {
  readonly task: Task;
  readonly input: unknown;
  readonly resolve: (output: never) => void;
  readonly reject: (error: Error) => void;
}

/** Loading the libraries is not the document's fault and has a limit of its own. */
const startMilliseconds = 15_000;

/** A queue before a thread that starts when it is first needed and does not keep the process alive. */
export class CanonicalisationThread {
  readonly #rules: ContextRules;
  readonly #limits: { readonly milliseconds: number; readonly queue: number };
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #ready = false;
  #running: (Waiting & { readonly id: number }) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastId = readyId;

  constructor(rules: ContextRules, limits: { milliseconds: number; queue: number }) {
    this.#rules = rules;
    this.#limits = limits;
  }

  /** What the task gives, or CanonicalisationError; `canonicalisation_unfinished` when time or room ran out. */
  run<T extends Task>(task: T, input: Input<T>): Promise<Output<T>> {
    if (this.#queue.length >= this.#limits.queue) {
      return Promise.reject(unfinished('Too many large documents are waiting.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, input, resolve, reject });
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
    this.#worker.postMessage({ id: this.#lastId, task: waiting.task, input: waiting.input } satisfies Job);
  }

  #start(): Worker {
    const started = startWorker(this.#rules);
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
      if ('output' in answer) finished.resolve(answer.output as never);
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

function startWorker(rules: ContextRules): Worker {
  if (import.meta.url.endsWith('.ts')) return startFromSource(rules);
  return new Worker(new URL('./canonicalisation-worker.js', import.meta.url), { workerData: rules });
}

/** Tests and the benchmark run TypeScript; a worker of Node 20 ignores --import, so it fetches the compiler itself. */
function startFromSource(rules: ContextRules): Worker {
  const entry = new URL('./canonicalisation-worker.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${entry}'); });`;
  return new Worker(code, { eval: true, workerData: rules });
}
