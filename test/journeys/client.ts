/** A client of a running service: knows it by HTTP alone, with a library of its own (jose) for its assertions. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { importJWK, type JWK, SignJWT } from 'jose';
import type { Deployment } from './deployment.js';

/** What came back; `text` for comparisons byte by byte. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by member name, as any client would
  readonly body: any;
}

export interface StatusEntry {
  readonly statusPurpose: string;
  readonly statusListIndex: string;
  readonly statusListCredential: string;
}

/** One process of a deployment, and the operator's key to it. */
export interface Client {
  /** A fresh access token from the token endpoint. */
  token(): Promise<string>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** POST /credentials/issue; with a key the request may be repeated. */
  issue(credential: unknown, options?: { readonly format?: string; readonly key?: string }): Promise<Answer>;
  revoke(credentialId: string): Promise<Answer>;
  verify(verifiableCredential: unknown): Promise<Answer>;
}

const requestLimit = 45_000;

/** A client that talks to the process at `url`. */
export function createClient(deployment: Deployment, url: string): Client {
  let granted: { readonly token: string; readonly until: number } | undefined;

  async function send(method: string, path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(`${url}${path}`, { method, signal: AbortSignal.timeout(requestLimit), ...init });
    const text = await response.text();
    const isJson = /json|^application\/vc(;|$)/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  const post: Client['post'] = (path, body, headers = {}) =>
    send('POST', path, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });

  async function token(): Promise<string> {
    const { body, status, text } = await send('POST', '/oauth/token', {
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await signAssertion(deployment),
      }),
    });
    if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`);
    granted = { token: body.access_token, until: Date.now() + (body.expires_in - 30) * 1000 };
    return granted.token;
  }

  async function authorised(): Promise<{ authorization: string }> {
    const known = granted !== undefined && granted.until > Date.now() ? granted.token : await token();
    return { authorization: `Bearer ${known}` };
  }

  return {
    token,
    get: async (path, headers = {}) => send('GET', path, { headers }),
    post: async (path, body, headers = {}) => post(path, body, { ...(await authorised()), ...headers }),
    async issue(credential, { format = 'vc+jwt', key } = {}) {
      const headers = { ...(await authorised()), ...(key === undefined ? {} : { 'idempotency-key': key }) };
      return post('/credentials/issue', { credential, options: { format } }, headers);
    },
    async revoke(credentialId) {
      const body = { credentialId, action: 'revoke', reason: 'LeavingOrganisation' };
      return post('/credentials/status', body, await authorised());
    },
    verify: (verifiableCredential) => post('/verify', { verifiableCredential }),
  };
}

/** RFC 7523: the operator's key stands in the state folder, for `staff-passport token`. */
export async function signAssertion({ stateFolder, url }: Pick<Deployment, 'stateFolder' | 'url'>): Promise<string> {
  const jwk = JSON.parse(readFileSync(join(stateFolder, 'operator.jwk.json'), 'utf8')) as JWK;
  return new SignJWT({})
    .setProtectedHeader({ alg: 'EdDSA' })
    .setIssuer('operator')
    .setSubject('operator')
    .setAudience(`${url}/oauth`)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(await importJWK(jwk, 'EdDSA'));
}

const root = join(import.meta.dirname, '../..');

/** The catalogue's own example of a type; each call with another certificate or person behind it is a new issue. */
export function exampleOf(type: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, 'schemas', type, 'example.json'), 'utf8'));
}

/** The status entries inside a vc+jwt answer. */
export function statusOf(answer: Answer): StatusEntry[] {
  const payload = answer.body.verifiableCredential.id.split(',')[1].split('.')[1];
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')).credentialStatus;
}

/** Path of the list that an entry points to. */
export function listPathOf(entry: StatusEntry): string {
  return new URL(entry.statusListCredential).pathname;
}

/** Every index whose bit is set in a published list (Bitstring Status List 3.2), read without our code. */
export async function setBits(client: Client, path: string): Promise<number[]> {
  const { status, text, body } = await client.get(path);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`);
  const list = body ?? JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const bits = gunzipSync(Buffer.from(list.credentialSubject.encodedList.slice(1), 'base64url'));
  return [...bits.entries()].flatMap(([byte, value]) =>
    value === 0 ? [] : [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => value & (0x80 >> bit)).map((bit) => byte * 8 + bit),
  );
}

/** Does work for each item, at most `width` at once; the results in order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
