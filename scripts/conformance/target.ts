/**
 * What is checked: a server described by the addresses of its roles, and the one door through which the checker
 * speaks to it. A foreign server is described by a JSON file of this shape (docs/conformance.md).
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import type { Document } from './inputs/documents.js';
import type { KeyType } from './inputs/keys.js';

/** How a credential or presentation is secured: a Data Integrity cryptosuite, or an enveloping mechanism. */
export type Securing =
  | 'eddsa-rdfc-2022'
  | 'eddsa-jcs-2022'
  | 'ecdsa-rdfc-2019'
  | 'ecdsa-jcs-2019'
  | 'ecdsa-sd-2023'
  | 'Ed25519Signature2020'
  | 'vc+jwt'
  | 'vc+sd-jwt'
  | 'vc+cose';

export type DataModel = '1.1' | '2.0';

export interface IssuerEndpoint {
  /** The address of POST /credentials/issue. */
  readonly url: string;
  /** What stands in `issuer`. */
  readonly issuer: string;
  readonly securing: Securing;
  readonly keyType?: KeyType;
  readonly dataModels?: readonly DataModel[];
  /** The issuer adds a BitstringStatusListEntry to what it issues; the address of POST /credentials/status. */
  readonly status?: { readonly url: string; readonly purposes: readonly string[] };
  /** The address of POST /credentials/derive. */
  readonly derive?: string;
}

export interface VerifierEndpoint {
  /** The address of POST /credentials/verify or /presentations/verify. */
  readonly url: string;
  readonly securing: readonly Securing[];
  readonly keyTypes?: readonly KeyType[];
  readonly dataModels?: readonly DataModel[];
  /** How a failed verification is told: HTTP 400 or 422, or VCALM's 200 with `verified: false`. */
  readonly style?: '400' | '200';
}

export interface ResolverEndpoint {
  /** Ends in a slash; a DID is appended. */
  readonly url: string;
  /** DIDs of methods that the resolver knows. */
  readonly resolvable: readonly string[];
  readonly notFound?: string;
  readonly deactivated?: string;
  /** A DID URL of a service, in the document of a DID that resolves, whose endpoint is a web address. */
  readonly service?: string;
}

/** Where the checker publishes what the server is to fetch; the server recognises the did:web of the origin as an issuer. */
export interface Hosting {
  /** As the server sees it. The verifiers take schemas, status lists and keys from there. */
  readonly origin: string;
  /** Where the checker listens. */
  readonly port: number;
  /** PEM; without them the checker speaks http, behind a proxy or on loopback. */
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

export interface Target {
  readonly name: string;
  /** Sent with every request, for instance an access token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The server's certificate is not checked; only for a server on this machine. */
  readonly selfSigned?: boolean;
  readonly issuers: readonly IssuerEndpoint[];
  readonly verifiers: readonly VerifierEndpoint[];
  readonly presentationVerifiers: readonly VerifierEndpoint[];
  readonly resolvers: readonly ResolverEndpoint[];
  readonly hosting?: Hosting;
}

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The checker's only way to the server; tests plant their faults here. */
export type Send = (request: Request) => Promise<Answer>;

const answerLimit = 20_000;

/** Sends over HTTP, one connection pool for the whole run. */
export function createSend(target: Pick<Target, 'headers' | 'selfSigned'>): { send: Send; close: () => Promise<void> } {
  const dispatcher = new Agent({
    connect: { rejectUnauthorized: !target.selfSigned },
    bodyTimeout: answerLimit,
    headersTimeout: answerLimit,
  });
  async function send({ method, url, headers, body }: Request): Promise<Answer> {
    const answer = await request(url, {
      method,
      headers: { ...target.headers, ...headers },
      dispatcher,
      ...(body !== undefined && { body }),
    });
    const told: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) told[name] = String(value);
    return { status: answer.statusCode, headers: told, text: await answer.body.text() };
  }
  return { send, close: () => dispatcher.close() };
}

const roles = ['issuers', 'verifiers', 'presentationVerifiers', 'resolvers'] as const;

/** Reads the description of a foreign server; every problem is told at once. */
export function readTarget(file: string): Target {
  const read = JSON.parse(readFileSync(file, 'utf8')) as Document;
  const problems: string[] = [];
  if (typeof read['name'] !== 'string') problems.push('name: a string is required');
  const target: Document = { ...read };
  problems.push(...hostingProblems(read['hosting']));
  for (const role of roles) {
    const endpoints: unknown = read[role] ?? [];
    if (!Array.isArray(endpoints)) problems.push(`${role}: must be a list`);
    else problems.push(...endpoints.flatMap((one, index) => endpointProblems(one, `${role}[${index}]`, role)));
    target[role] = endpoints;
  }
  const known = new Set<string>(['name', 'headers', 'selfSigned', 'hosting', ...roles]);
  problems.push(
    ...Object.keys(read)
      .filter((name) => !known.has(name))
      .map((name) => `${name}: is not known`),
  );
  if (problems.length > 0) throw new Error(`${file} does not describe a server:\n  ${problems.join('\n  ')}`);
  return target as unknown as Target;
}

const required: Readonly<Record<(typeof roles)[number], readonly string[]>> = {
  issuers: ['url', 'issuer', 'securing'],
  verifiers: ['url', 'securing'],
  presentationVerifiers: ['url', 'securing'],
  resolvers: ['url', 'resolvable'],
};

function hostingProblems(hosting: Document | undefined): string[] {
  if (hosting === undefined) return [];
  const origin = typeof hosting['origin'] === 'string' && URL.canParse(hosting['origin']);
  const port = Number.isInteger(hosting['port']);
  return [
    ...(origin ? [] : ['hosting.origin: must be a URL']),
    ...(port ? [] : ['hosting.port: must be a whole number']),
  ];
}

function endpointProblems(endpoint: Document, where: string, role: (typeof roles)[number]): string[] {
  const missing = required[role].filter((name) => endpoint?.[name] === undefined);
  return missing.map((name) => `${where}.${name}: is required`);
}
