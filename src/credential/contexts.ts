/**
 * The JSON-LD contexts that proofs are made and checked against: W3C's from packages, ours from the catalogue,
 * each pinned by digest. There is no way to load one from the network (Data Integrity 1.0 2.4.1): whoever controls
 * a context decides what a signature means. Used by the Data Integrity provider only.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { contexts as credentials } from '@digitalbazaar/credentials-context';
import dataIntegrity from '@digitalbazaar/data-integrity-context';
import multikey from '@digitalbazaar/multikey-context';
import { contexts as bitstringStatusList } from '@digitalbazaar/vc-bitstring-status-list-context';
import did from 'did-context';
import ed25519Signature2020 from 'ed25519-signature-2020-context';
import { isLoopbackHost } from '../config.js';
import { ServiceError } from '../errors.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.js';
import { loadCatalogue } from './catalogue/catalogue.js';

/** Two folders up from the source as well as from what is compiled of it. */
const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/** A closed set of contexts. */
export interface Contexts {
  readonly documents: ReadonlyMap<string, JsonObject>;
  /** SHA-256 in base64url of each context's JCS form. */
  readonly digests: ReadonlyMap<string, string>;
  /** Whether a document may define words of its own; never outside an open test instance. */
  readonly inline: boolean;
}

export interface ContextsOptions {
  readonly baseUrl: string;
  /** The folder with schemas/ and contexts/, else ours. */
  readonly root?: string;
  /**
   * For instances that public test suites run against, and for nothing else: contexts as they stand in the
   * configuration, which may use @vocab, and contexts in line.
   */
  readonly open?: { readonly documents: Readonly<Record<string, object>>; readonly inline: boolean };
}

/**
 * W3C's contexts by URL with the SHA-256 (base64url) of their JCS form. A package that changes one of them stops
 * the service, for every proof ever made under it would then mean something else.
 */
const w3cDigests: ReadonlyMap<string, string> = new Map([
  ['https://www.w3.org/ns/credentials/v2', 'tGPI1qBmIUEj3dmCexNeG1Dh_HMyLMUqmxKk8fx9hs8'],
  ['https://www.w3.org/2018/credentials/v1', 'sB5nHoc5gfGakQKppX9mbbyusxuZ4-EkN40UPnFUkkc'],
  ['https://www.w3.org/ns/credentials/status/v1', 'svzr-69Oa-rivjcP2opfn5nChUDHmKdajNzMD7GhJJI'],
  ['https://w3id.org/security/data-integrity/v1', 'lQW_hTOKTCEhrQOZKskAYbyF1DvPo02dR7d5OBzwi18'],
  ['https://w3id.org/security/data-integrity/v2', 'e6PFCs8midXgeScmc0PrNTJJx8Iqny0AMHzJcOhV4wU'],
  ['https://w3id.org/security/multikey/v1', 'viDD7mr26cQQLmaoXCZheDEhjjIha98FD4cOOJ5zfNw'],
  ['https://w3id.org/security/suites/ed25519-2020/v1', '-1F_CdmQgprtc0ybrYy7sqw9UGO4Zcfj2B8kYHS_VpE'],
  ['https://www.w3.org/ns/did/v1', 'p-FGxA_OwAXT8PFK50VmX0RtpY15FKnY9zN0Zob62Cs'],
]);

const packaged = [
  credentials,
  bitstringStatusList,
  dataIntegrity.contexts,
  multikey.contexts,
  did.contexts,
  ed25519Signature2020.contexts,
];

/** The contexts of W3C and of the catalogue below `baseUrl`. */
export function createContexts({ baseUrl, root = packageRoot, open }: ContextsOptions): Contexts {
  // A context that came from elsewhere may give our words another meaning: for conformance suites, never for people.
  if (open && !isLoopbackHost(new URL(baseUrl).hostname)) {
    throw new ServiceError('configuration', 'Open contexts are for a programme on loopback only.');
  }
  const { contextDocuments } = loadCatalogue({ baseUrl, root });
  for (const [url, document] of contextDocuments) refuseVocab(url, document);
  const opened = Object.entries(open?.documents ?? {});
  return pinContexts(new Map<string, object>([...opened, ...contextDocuments]), { inline: open?.inline ?? false });
}

/** W3C's contexts and the given ones, frozen. Exported for tests, whose published vectors use contexts with @vocab. */
export function pinContexts(
  own: ReadonlyMap<string, object>,
  { inline }: { inline: boolean } = { inline: false },
): Contexts {
  const documents = new Map([...loadW3cContexts(), ...[...own].map(([url, found]) => [url, freeze(found)] as const)]);
  if (documents.size < w3cDigests.size + own.size) {
    throw new ServiceError('configuration', 'The catalogue publishes a context under an address of W3C.');
  }
  return { documents, digests: new Map([...documents].map(([url, document]) => [url, digest(document)])), inline };
}

function loadW3cContexts(): [string, JsonObject][] {
  const found = new Map(packaged.flatMap((contexts) => [...contexts]));
  return [...w3cDigests].map(([url, expected]) => {
    const document = freeze(found.get(url) ?? {});
    if (digest(document) === expected) return [url, document];
    throw new ServiceError('configuration', `The installed context ${url} is not the one this program was made for.`);
  });
}

function digest(document: JsonObject): string {
  return createHash('sha256').update(canonicalJson(document)).digest('base64url');
}

/** A private copy: a package's object could be changed by whoever else imports it. */
function freeze(document: object): JsonObject {
  return deepFreeze(structuredClone(document) as JsonObject);
}

function deepFreeze<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member as Json);
  return Object.freeze(value);
}

/** @vocab gives every unknown word a meaning, so that a typing error, or an addition, counts as signed. */
function refuseVocab(url: string, value: Json): void {
  if (Array.isArray(value)) for (const item of value) refuseVocab(url, item);
  if (!isJsonObject(value)) return;
  if (Object.hasOwn(value, '@vocab')) throw new ServiceError('configuration', `The context ${url} uses @vocab.`);
  for (const member of Object.values(value)) refuseVocab(url, member);
}
