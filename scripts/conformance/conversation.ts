/**
 * What a test may say to a server and hear from it. Every question is one HTTP exchange; every answer that is not the
 * one that the specification demands is written down, and the test goes on, so that one run tells everything.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { forgeable } from './endpoints.js';
import type { Host } from './host.js';
import { credentialsV2 } from './inputs/contexts.js';
import { type FoundKey, proofFault } from './inputs/data-integrity.js';
import { asList, changed, type Document, isDocument } from './inputs/documents.js';
import { createSigner, type KeyType, keyTypeOf, readDidKey, readMethodKey, type Signer } from './inputs/keys.js';
import { envelopeCredential, type Secured, secureWith } from './inputs/securing.js';
import type { Answer, IssuerEndpoint, Securing, Send, Target, VerifierEndpoint } from './target.js';

/** The checker's own people, one key for each type; made once for a run. */
export interface Parties {
  readonly issuer: Readonly<Record<KeyType, Signer>>;
  readonly holder: Signer;
  readonly strangers: Readonly<Record<KeyType, Signer>>;
}

export function createParties(): Parties {
  const oneEach = () => ({
    Ed25519: createSigner('Ed25519'),
    'P-256': createSigner('P-256'),
    'P-384': createSigner('P-384'),
  });
  return { issuer: oneEach(), holder: createSigner('Ed25519'), strangers: oneEach() };
}

export interface Reply extends Answer {
  /** The parsed body, or undefined when it is not JSON. */
  readonly json: unknown;
}

export interface Conversation {
  readonly target: Target;
  readonly parties: Parties;
  /** The checker's own pages and did:web; throws where the target has been told of none. */
  readonly host: Host;
  readonly failures: readonly string[];
  get(url: string, headers?: Record<string, string>): Promise<Reply>;
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  expect(condition: unknown, what: string): void;
  /** Lets time pass, for what a server may keep for a while. */
  pause(milliseconds: number): Promise<void>;
  /** A verification method of a did:web as its document has it; throws when it is not listed for assertions. */
  findMethod(verificationMethod: string): Promise<Document>;
  findKey(verificationMethod: string): Promise<FoundKey>;
  /** Why a proof does not hold, or undefined; keys come from did:key itself or from the document of a did:web. */
  proofFault(document: Document, proof: Document): Promise<string | undefined>;
  /** Issues and returns the credential; a refusal is a failure. */
  issued(issuer: IssuerEndpoint, credential: Document, options?: Document): Promise<Document | undefined>;
  refusesToIssue(issuer: IssuerEndpoint, credential: unknown, what: string, options?: Document): Promise<Reply>;
  accepts(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document): Promise<Reply>;
  refuses(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document): Promise<Reply>;
  acceptsPresentation(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document): Promise<Reply>;
  refusesPresentation(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document): Promise<Reply>;
}

const questionLimit = 400;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A verification that found no error, whichever way the server tells it. */
export function isAcceptance({ status, json }: Reply): boolean {
  if (status !== 200 || !isDocument(json)) return false;
  const errors: unknown = json['errors'];
  return json['verified'] !== false && !(Array.isArray(errors) && errors.length > 0);
}

/** A refusal that was meant: 400 or 422, or 200 with `verified: false`. A crash or a missing route is none. */
export function isRefusal({ status, json }: Reply): boolean {
  if (status === 400 || status === 422) return true;
  if (status !== 200 || !isDocument(json)) return false;
  const errors: unknown = json['errors'];
  return json['verified'] === false || (Array.isArray(errors) && errors.length > 0);
}

/** What was issued, wherever the server puts it. */
export function issuedCredential({ status, json }: Reply): Document | undefined {
  if ((status !== 200 && status !== 201) || !isDocument(json)) return undefined;
  const credential: unknown = json['verifiableCredential'] ?? json;
  return isDocument(credential) ? credential : undefined;
}

/** The plainest credential that the data model allows; terms of the base context only, so every server knows them. */
export function plainCredential(issuer: unknown, changes: Document = {}): Document {
  const plain = {
    '@context': [credentialsV2],
    type: ['VerifiableCredential'],
    issuer,
    validFrom: '2024-01-01T00:00:00Z',
    credentialSubject: { id: 'did:example:subject', name: 'Alex Example' },
  };
  return changed(plain, changes);
}

export function plainPresentation(holder: unknown, credentials: readonly unknown[], changes: Document = {}): Document {
  const plain = {
    '@context': [credentialsV2],
    type: ['VerifiablePresentation'],
    holder,
    verifiableCredential: [...credentials],
  };
  return changed(plain, changes);
}

export const presentationOptions = { challenge: 'c2c1f6f2-9d3a-4a67-9a2e-7f0d9c1a4b58', domain: 'verifier.example' };

/** What the plain credential and presentation of a control are secured with. */
export async function control(parties: Parties, securing: Securing, keyType?: KeyType): Promise<Secured> {
  const signer = signerFor(parties, securing, keyType);
  return secureWith(securing, plainCredential(signer.did), signer);
}

export function signerFor(parties: Parties, securing: Securing, keyType?: KeyType): Signer {
  return parties.issuer[keyType ?? keyTypeOf(securing)];
}

/** Whoever keeps the status of a credential needs its id; others are not asked to bear one. */
function identified({ status }: IssuerEndpoint, credential: unknown): unknown {
  if (!status || !isDocument(credential) || 'id' in credential) return credential;
  return { id: `urn:uuid:${randomUUID()}`, ...credential };
}

/** did:web, "Read (Resolve)". */
function didWebUrl(did: string): string {
  const [host = '', ...path] = did.slice('did:web:'.length).split(':').map(decodeURIComponent);
  return path.length === 0 ? `https://${host}/.well-known/did.json` : `https://${host}/${path.join('/')}/did.json`;
}

/** What a conversation is made of. */
export interface Surroundings {
  readonly target: Target;
  readonly parties: Parties;
  readonly send: Send;
  readonly host?: Host | undefined;
  /** How many failures to look for; one is enough to know that there are some. */
  readonly patience?: 'all' | 'one';
  /** Real time, unless the answers come from a record. */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/** Starts a conversation for one test. */
export function converse(surroundings: Surroundings): Conversation {
  const { target, parties, send, patience = 'all', pause = setTimeout } = surroundings;
  const failures: string[] = [];
  /** A self-test wants to know whether there is a failure; a report wants every one. */
  function blame(failure: string): void {
    failures.push(failure);
    if (patience === 'one') throw new Error(failure);
  }
  let questions = 0;
  const controlled = new Map<string, Promise<void>>();

  async function ask(method: 'GET' | 'POST', url: string, headers: Record<string, string>, body?: string) {
    questions += 1;
    if (questions > questionLimit) throw new Error(`a test may ask ${questionLimit} questions`);
    const answer = await send({ method, url, headers, ...(body !== undefined && { body }) });
    return { ...answer, json: parsed(answer.text) };
  }
  const get = (url: string, headers: Record<string, string> = {}) => ask('GET', url, headers);
  const post = (url: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return ask('POST', url, { 'content-type': 'application/json', accept: 'application/json', ...headers }, text);
  };
  function expect(condition: unknown, what: string): void {
    if (!condition) blame(what);
  }
  async function findMethod(verificationMethod: string): Promise<Document> {
    const [did = ''] = verificationMethod.split('#');
    const { json } = await get(didWebUrl(did));
    const document = isDocument(json) ? json : {};
    const listed = asList<unknown>(document['assertionMethod']).includes(verificationMethod);
    const method = asList<Document>(document['verificationMethod']).find(({ id }) => id === verificationMethod);
    if (!listed || !method) throw new Error(`${verificationMethod} is not listed under assertionMethod`);
    return method;
  }
  async function findKey(verificationMethod: string): Promise<FoundKey> {
    if (!verificationMethod.startsWith('did:web:')) return readDidKey(verificationMethod);
    return readMethodKey(await findMethod(verificationMethod));
  }
  const judge = (wanted: boolean, reply: Reply, what: string) => {
    if (wanted ? isAcceptance(reply) : isRefusal(reply)) return;
    blame(`${what}: must be ${wanted ? 'accepted' : 'refused'}, was answered ${told(reply)}`);
  };

  async function issue(issuer: IssuerEndpoint, credential: unknown, options?: Document): Promise<Reply> {
    return post(issuer.url, { credential: identified(issuer, credential), ...(options && { options }) });
  }
  async function issued(issuer: IssuerEndpoint, credential: Document, options?: Document) {
    const reply = await issue(issuer, credential, options);
    const secured = issuedCredential(reply);
    if (!secured) blame(`${issuer.url}: must issue ${brief(credential)}, answered ${told(reply)}`);
    return secured;
  }
  /** A server that refuses everything proves nothing: before the first refusal the same endpoint must accept. */
  function once(key: string, question: () => Promise<void>): Promise<void> {
    const asked = controlled.get(key) ?? question();
    controlled.set(key, asked);
    return asked;
  }
  async function refusesToIssue(issuer: IssuerEndpoint, credential: unknown, what: string, options?: Document) {
    await once(issuer.url, async () => void (await issued(issuer, plainCredential(issuer.issuer))));
    const reply = await issue(issuer, credential, options);
    if (reply.status !== 400 && reply.status !== 422) {
      blame(`${what}: must not be issued (400 or 422), was answered ${told(reply)}`);
    }
    return reply;
  }

  async function verify(verifier: VerifierEndpoint, secured: unknown, options?: Document): Promise<Reply> {
    return post(verifier.url, { verifiableCredential: secured, ...(options && { options }) });
  }
  async function accepts(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document) {
    const reply = await verify(verifier, secured, options);
    judge(true, reply, what);
    return reply;
  }
  async function refuses(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document) {
    await once(verifier.url, async () => {
      const securing = forgeable(verifier);
      const plain = (await control(parties, securing)).wire;
      judge(true, await verify(verifier, plain), `the control (${securing}) at ${verifier.url}`);
    });
    const reply = await verify(verifier, secured, options);
    judge(false, reply, what);
    return reply;
  }

  async function verifyPresentation(verifier: VerifierEndpoint, secured: unknown, options: Document = {}) {
    const body = { verifiablePresentation: secured, options: { ...presentationOptions, ...options } };
    return post(verifier.url, body);
  }
  async function acceptsPresentation(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document) {
    const reply = await verifyPresentation(verifier, secured, options);
    judge(true, reply, what);
    return reply;
  }
  async function refusesPresentation(verifier: VerifierEndpoint, secured: unknown, what: string, options?: Document) {
    await once(verifier.url, async () => {
      const { wire } = await presentationControl(parties, verifier);
      judge(true, await verifyPresentation(verifier, wire), `the control presentation at ${verifier.url}`);
    });
    const reply = await verifyPresentation(verifier, secured, options);
    judge(false, reply, what);
    return reply;
  }

  return {
    target,
    parties,
    get host() {
      if (!surroundings.host) throw new Error('the checker has no host for this target');
      return surroundings.host;
    },
    failures,
    get,
    post,
    expect,
    pause: async (milliseconds) => void (await pause(milliseconds)),
    findMethod,
    findKey,
    proofFault: (document, proof) => proofFault(document, proof, findKey),
    issued,
    refusesToIssue,
    accepts,
    refuses,
    acceptsPresentation,
    refusesPresentation,
  };
}

/** A presentation of one plain credential by the checker's holder, as the verifier's first mechanism has it. */
export async function presentationControl(parties: Parties, verifier: VerifierEndpoint): Promise<Secured> {
  const securing = forgeable(verifier);
  const credential = await presentable(parties, securing);
  const signer = presenter(parties, securing);
  return secureWith(securing, plainPresentation(signer.did, [credential]), signer, presentationProof);
}

/** The proof members that bind a presentation to the question. */
export const presentationProof = { proofPurpose: 'authentication', ...presentationOptions };

/** A plain credential about the presenter in the form in which it stands inside a presentation. */
export async function presentable(parties: Parties, securing: Securing): Promise<Document> {
  const issuer = signerFor(parties, securing);
  const subject = { id: presenter(parties, securing).did, name: 'Alex Example' };
  const secured = await secureWith(securing, plainCredential(issuer.did, { credentialSubject: subject }), issuer);
  return envelopeCredential(secured);
}

export function presenter(parties: Parties, securing: Securing): Signer {
  const keyType = keyTypeOf(securing);
  return keyType === 'Ed25519' ? parties.holder : parties.issuer[keyType];
}

const brief = (value: unknown) => JSON.stringify(value).slice(0, 160);

function told({ status, text }: Reply): string {
  return `${status} ${text.slice(0, 240).replace(/\s+/g, ' ')}`;
}
