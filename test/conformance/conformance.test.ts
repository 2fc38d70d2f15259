/** The checker checked: what it says of our own service, and that it finds fault with a server that is wrong. */
import { createParties, type Parties } from '../../scripts/conformance/conversation.js';
import { type Host, openOwnHost } from '../../scripts/conformance/host.js';
import type { Document } from '../../scripts/conformance/inputs/documents.js';
import { type OwnService, startOwnService } from '../../scripts/conformance/own-service.js';
import { describeOwn } from '../../scripts/conformance/own-target.js';
import { type Exchange, planted, question, record, unnoticed } from '../../scripts/conformance/self-test.js';
import { allTests } from '../../scripts/conformance/specs/specs.js';
import { listFaults, loadSpecifications, statementsOf } from '../../scripts/conformance/statements.js';
import { runTest } from '../../scripts/conformance/suite.js';
import { createSend, type Send, type Target } from '../../scripts/conformance/target.js';
import { faults } from './faults.js';
import { knownFailures } from './known-failures.js';

const { send, close } = createSend({ selfSigned: true });
const parties: Parties = createParties();
let service: OwnService | undefined;
let host: Host;
let target: Target;
const recorded = new Map<string, readonly Exchange[]>();
const failed = new Map<string, readonly string[]>();
const lacking: string[] = [];

/** Everything once against the good server; what follows compares with it. */
async function runBaseline(): Promise<void> {
  for (const [id, test] of Object.entries(allTests)) {
    if (test.lacks(target) !== undefined) {
      lacking.push(id);
      continue;
    }
    const recording = record(send);
    const failures = await runTest(test, { target, parties, host, send: recording.send });
    if (failures.length > 0) failed.set(id, failures);
    else recorded.set(id, recording.exchanges);
  }
}

async function passes(id: string, server: Send): Promise<boolean> {
  const test = allTests[id];
  if (!test) throw new Error(`there is no test ${id}`);
  const failures = await runTest(test, { target, parties, host, send: server, patience: 'one' });
  return failures.length === 0;
}

beforeAll(async () => {
  host = await openOwnHost();
  service = await startOwnService(send, host);
  target = { ...(await describeOwn(service.url, send)), hosting: host.hosting };
  await runBaseline();
}, 120_000);

afterAll(async () => {
  await service?.stop();
  await host?.close();
  await close();
});

describe('the lists of statements', () => {
  test('agree with the tests', () => {
    expect(listFaults(loadSpecifications(), allTests)).toEqual([]);
  });

  test('have words for every statement and a reason for each that no test can decide', () => {
    const statements = loadSpecifications().flatMap(statementsOf);
    expect(statements.filter(({ text }) => text.length < 10)).toEqual([]);
    expect(statements.filter(({ notApplicable }) => notApplicable !== undefined && notApplicable.length < 10)).toEqual(
      [],
    );
  });
});

describe('our own service', () => {
  test('keeps every statement that is tested, but for the known failures', () => {
    const unknown = [...failed].filter(([id]) => !(id in knownFailures));
    expect(unknown).toEqual([]);
  });

  test('still has the failures that are called known', () => {
    expect(Object.keys(knownFailures).filter((id) => !failed.has(id))).toEqual([]);
  });

  test('has what every test asks for, but for lists of messages', () => {
    expect(lacking).toEqual(['BSL-2.2-6', 'BSL-2.2-7']);
  });
});

/** Our own issuer with its suspension told as a message: what a server would answer that has lists of messages. */
function messenger(subject: Document): Send {
  const renamed = (text: string) => text.replaceAll('"suspension"', '"message"');
  return async (request) => {
    const answer = await send(request);
    if (request.method === 'POST') return { ...answer, text: renamed(answer.text) };
    const list = JSON.parse(renamed(answer.text)) as Document;
    return {
      ...answer,
      text: JSON.stringify({ ...list, credentialSubject: { ...list['credentialSubject'], ...subject } }),
    };
  };
}

describe('a server with lists of messages', () => {
  const statusMessages = [
    { status: '0x0', message: 'pending' },
    { status: '0x1', message: 'accepted' },
  ];

  async function failures(id: string, subject: Document): Promise<number> {
    const withMessages = target.issuers.map((issuer) =>
      issuer.status ? { ...issuer, status: { ...issuer.status, purposes: ['revocation', 'message'] } } : issuer,
    );
    const surroundings = { target: { ...target, issuers: withMessages }, parties, host, send: messenger(subject) };
    const test = allTests[id];
    if (!test || test.lacks(surroundings.target) !== undefined) throw new Error(`${id} cannot be asked`);
    return (await runTest(test, surroundings)).length;
  }

  test('passes when its lists define the messages and their size', async () => {
    expect(await failures('BSL-2.2-6', { statusMessages, statusSize: 1 })).toBe(0);
    expect(await failures('BSL-2.2-7', { statusMessages, statusSize: 1 })).toBe(0);
  });

  test('is noticed when they do not', async () => {
    expect(await failures('BSL-2.2-6', { statusSize: 1 })).toBe(1);
    expect(await failures('BSL-2.2-6', { statusMessages: [{ status: '0x0' }], statusSize: 1 })).toBe(1);
    expect(await failures('BSL-2.2-7', { statusMessages })).toBe(1);
    expect(await failures('BSL-2.2-7', { statusMessages, statusSize: 0 })).toBe(1);
  });
});

describe('a server that is wrong', () => {
  test('is noticed by the statement that each planted fault breaks', async () => {
    const broken = faults.flatMap((fault) => fault.statements.map((id) => ({ fault, id })));
    const passing: string[] = [];
    for (const { fault, id } of broken.filter((one) => recorded.has(one.id))) {
      if (await passes(id, planted(send, fault))) passing.push(`a server that ${fault.name} passes ${id}`);
    }
    expect(passing).toEqual([]);
  }, 120_000);

  test('is planted at least once for every statement that is tested', () => {
    const named = new Set(faults.flatMap(({ statements }) => statements));
    expect([...named].filter((id) => !(id in allTests))).toEqual([]);
    const never = Object.keys(allTests).filter((id) => !named.has(id) && !lacking.includes(id));
    expect(never).toEqual([]);
  });

  test('is noticed whichever single answer of it is wrong', async () => {
    const missed: string[] = [];
    for (const [id, exchanges] of recorded) {
      const test = allTests[id];
      if (!test) continue;
      for (const position of await unnoticed(test, exchanges, { target, parties, host })) {
        const exchange = exchanges[position];
        missed.push(`${id} does not notice a wrong answer to ${exchange ? question(exchange) : position}`);
      }
    }
    expect(missed).toEqual([]);
  }, 120_000);

  test('passes nothing when it refuses everything, and nothing when it accepts everything', async () => {
    const always = (status: number, body: object) => async () => ({
      status,
      headers: { 'content-type': 'application/json' },
      text: JSON.stringify(body),
    });
    const servers = { 'refuses all': always(400, { verified: false }), 'accepts all': always(200, { verified: true }) };
    const passing: string[] = [];
    for (const [name, wrong] of Object.entries(servers)) {
      for (const id of recorded.keys()) if (await passes(id, wrong)) passing.push(`a server that ${name} passes ${id}`);
    }
    expect(passing).toEqual([]);
  }, 60_000);
});
