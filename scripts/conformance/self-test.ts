/**
 * Proof that the checker can find fault. A run against a good server is recorded; then every test is told the same
 * again with one answer turned into its opposite, one at a time, and must go red each time. A question whose answer
 * does not matter would be a question that need not be asked.
 */
import { isAcceptance, isRefusal, issuedCredential, type Reply, type Surroundings } from './conversation.js';
import { type Document, isDocument } from './inputs/documents.js';
import { runTest, type Test } from './suite.js';
import type { Answer, Request, Send } from './target.js';

export interface Exchange {
  readonly request: Request;
  readonly answer: Answer;
}

/** Passes everything on and remembers it. */
export function record(send: Send): { readonly send: Send; readonly exchanges: Exchange[] } {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    async send(request) {
      const answer = await send(request);
      exchanges.push({ request, answer });
      return answer;
    },
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const json = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  text: JSON.stringify(body),
});

const refusal = json(400, {
  verified: false,
  type: 'https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR',
  problemDetails: [{ type: 'https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR', title: 'planted' }],
});

const isIssuing = ({ method, url }: Request) => method === 'POST' && /\/(issue|derive)$/.test(url);

/** What a server would say that gets this one question wrong. Where a warning was due there are two ways to err. */
function opposites({ request, answer }: Exchange): readonly Answer[] {
  const reply: Reply = { ...answer, json: parsed(answer.text) };
  if (request.method === 'GET') return [answer.status === 200 ? json(404, {}) : json(200, {})];
  if (isIssuing(request)) return [issuedCredential(reply) ? refusal : issuesAnyway(request)];
  const silence = json(200, { verified: true });
  if (isAcceptance(reply)) return [refusal, silence];
  return [isRefusal(reply) ? silence : json(200, {})];
}

/** A careless issuer: whatever comes in goes out with a proof. */
function issuesAnyway({ body }: Request): Answer {
  const asked = parsed(body);
  const credential: unknown = isDocument(asked) ? (asked['credential'] ?? asked['verifiableCredential']) : undefined;
  const proof = { type: 'DataIntegrityProof', cryptosuite: 'eddsa-rdfc-2022', proofValue: 'z' };
  return json(201, { verifiableCredential: { ...(isDocument(credential) ? credential : {}), proof } });
}

/** Answers from the record, with one answer replaced. Beyond the record it has nothing to say. */
function replay(exchanges: readonly Exchange[], wrong: number, answer: Answer): Send {
  let position = -1;
  return async () => {
    position += 1;
    const exchange = exchanges[position];
    if (!exchange) throw new Error('the test asks more than it did before');
    return position === wrong ? answer : exchange.answer;
  };
}

/** The positions whose opposite answer the test did not notice. */
export async function unnoticed(
  test: Test,
  exchanges: readonly Exchange[],
  surroundings: Omit<Surroundings, 'send'>,
): Promise<readonly number[]> {
  const notices = async (position: number, answer: Answer) => {
    const send = replay(exchanges, position, answer);
    const pause = async () => undefined;
    return (await runTest(test, { ...surroundings, patience: 'one', send, pause })).length > 0;
  };
  const missed: number[] = [];
  for (const [position, exchange] of exchanges.entries()) {
    let noticed = false;
    for (const answer of opposites(exchange)) noticed ||= await notices(position, answer);
    if (!noticed) missed.push(position);
  }
  return missed;
}

/** What was asked at a position, for people. */
export function question({ request, answer }: Exchange): string {
  const told = `${request.method} ${request.url} ${(request.body ?? '').slice(0, 200)}`;
  return `${told} -> ${answer.status} ${answer.text.slice(0, 100)}`;
}

/** A server that is wrong in one respect: it sees each request and may answer in the good server's place. */
export interface Fault {
  readonly name: string;
  /** The statements that must go red. */
  readonly statements: readonly string[];
  readonly plant: (request: Request, answer: () => Promise<Answer>) => Promise<Answer>;
}

export function planted(send: Send, { plant }: Fault): Send {
  return (request) => plant(request, () => send(request));
}

/** A fault on the way in: when the request is of this kind, the server says yes. */
export function accepts(when: (document: Document, request: Document) => boolean): Fault['plant'] {
  return async (request, answer) => {
    const asked = parsed(request.body);
    if (request.method !== 'POST' || !isDocument(asked)) return answer();
    const document: unknown = asked['credential'] ?? asked['verifiableCredential'] ?? asked['verifiablePresentation'];
    if (!when(isDocument(document) ? document : {}, asked)) return answer();
    return isIssuing(request) ? issuesAnyway(request) : json(200, { verified: true });
  };
}

/** A fault on the way out: a JSON answer of one of these endpoints is changed. */
export function tells(where: RegExp, change: (body: Document, answer: Answer) => Answer | Document): Fault['plant'] {
  return async (request, answer) => {
    const good = await answer();
    const body = parsed(good.text);
    if (!where.test(request.url) || !isDocument(body)) return good;
    const wrong = change(structuredClone(body), good);
    return typeof wrong['text'] === 'string' ? (wrong as Answer) : { ...good, text: JSON.stringify(wrong) };
  };
}
