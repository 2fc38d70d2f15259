/** SIGTERM in the middle of work: what was sent is answered, nothing is reset, the exit code is 0 (security.md 3.3, R11). */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient, exampleOf } from './client.js';
import { type Deployment, type Field, openField, patience } from './deployment.js';

let field: Field;
let trust: Deployment;

beforeAll(async () => {
  field = await openField();
  trust = await field.deploy('rxa');
  field.recognise(trust);
  await trust.initialise();
}, 2 * patience);
afterAll(() => field.close());

const credential = exampleOf('DbsCheckCredential');

/** The status of an answer, or how its connection failed. */
function outcomeOf(work: Promise<{ readonly status: number }>): Promise<number | string> {
  return work.then(
    ({ status }) => status,
    (error: { cause?: { code?: string } }) => error.cause?.code ?? String(error),
  );
}

test(
  'every request that was sent before SIGTERM is answered',
  async () => {
    trust.configure({ listen: { graceMilliseconds: 0 } });
    const service = await trust.serve();
    const client = createClient(trust, service.url);
    await client.token();
    let answered = 0;
    const outcomes = Array.from({ length: 40 }, () => outcomeOf(client.issue(credential)).finally(() => answered++));
    // By then all have arrived: signing takes longer than accepting a connection.
    while (answered < 5) await pause(1);
    expect(await service.stop('SIGTERM')).toBe(0);
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => 201));
  },
  2 * patience,
);

/** Clients behind a load balancer: they go on, with pauses between their requests, until readiness fails. */
async function workWhileReady(client: Client, isReady: () => boolean, outcomes: (number | string)[]): Promise<void> {
  while (isReady()) {
    outcomes.push(await outcomeOf(client.issue(credential)));
    await pause(Math.random() * 20);
  }
}

test(
  'behind a load balancer that asks for readiness no request is refused or reset',
  async () => {
    trust.configure({ listen: { graceMilliseconds: 2000 } });
    const service = await trust.serve();
    const client = createClient(trust, service.url);
    await client.token();
    let ready = true;
    const outcomes: (number | string)[] = [];
    const working = Promise.all(Array.from({ length: 16 }, () => workWhileReady(client, () => ready, outcomes)));
    const balancing = (async () => {
      while (ready) {
        await pause(50);
        ready = (await client.get('/health/ready')).status === 200;
      }
    })();
    while (outcomes.length < 60) await pause(1);
    const ended = service.stop('SIGTERM');
    await Promise.all([working, balancing]);
    expect(await ended).toBe(0);
    expect(outcomes.filter((outcome) => outcome !== 201)).toEqual([]);
  },
  2 * patience,
);
