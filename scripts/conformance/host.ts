/**
 * The checker's own web server and did:web: what a server must fetch to answer (keys, schemas, status lists) lies here.
 * A server takes it only from an issuer that it trusts, so whoever runs the checker lets it trust this one.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificate } from './certificate.js';
import type { Document } from './inputs/documents.js';
import { createSigner, type KeyType, type Signer } from './inputs/keys.js';
import type { Hosting } from './target.js';

/** An address at which nothing lies yet: most documents name the address that they lie at. */
export interface Place {
  readonly url: string;
  /** Returns byte for byte what lies there from now on. */
  publish(body: Document | string, mediaType: string): string;
}

export interface Host {
  readonly hosting: Hosting;
  /** The host (with its port) as it stands in configuration. */
  readonly name: string;
  readonly did: string;
  /** The keys of its did:web. */
  readonly signers: Readonly<Record<KeyType, Signer>>;
  /** Each page has an address of its own; `title` is part of it, for people who read a log. */
  reserve(title: string): Place;
  close(): Promise<void>;
}

const keyTypes: readonly KeyType[] = ['Ed25519', 'P-256', 'P-384'];

function ownSigners(did: string): Record<KeyType, Signer> {
  const named = keyTypes.map((keyType) => [keyType, { ...createSigner(keyType), did }] as const);
  return Object.fromEntries(
    named.map(([keyType, signer]) => [keyType, { ...signer, verificationMethod: `${did}#${keyType}` }]),
  ) as Record<KeyType, Signer>;
}

function didDocument(did: string, signers: Readonly<Record<KeyType, Signer>>): Document {
  const methods = Object.values(signers);
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did,
    verificationMethod: methods.map(({ verificationMethod: id, publicKeyMultibase }) => ({
      ...{ id, type: 'Multikey', controller: did },
      publicKeyMultibase,
    })),
    assertionMethod: methods.map(({ verificationMethod }) => verificationMethod),
  };
}

const slug = (title: string) => title.replaceAll(/[^A-Za-z0-9$]+/g, '-');

/** The host for a service on this machine, at a free port of localhost, with a certificate of its own. */
export async function openOwnHost(): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-checker-'));
  const host = await openHost({ origin: 'https://localhost', port: 0, ...(await writeCertificate(folder)) });
  return {
    ...host,
    async close() {
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Opens the server; a port of 0 is any that is free, and stands in the origin then. */
export async function openHost(wanted: Hosting): Promise<Host> {
  const pages = new Map<string, { readonly text: string; readonly mediaType: string }>();
  const server = await listen(wanted, (request, response) => {
    const page = pages.get(request.url ?? '');
    if (!page || request.method !== 'GET') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': page.mediaType }).end(page.text);
  });
  const { port } = server.address() as AddressInfo;
  const origin = wanted.port === 0 ? `${wanted.origin}:${port}` : wanted.origin;
  const { host: name } = new URL(origin);
  const did = `did:web:${encodeURIComponent(name)}`;
  const signers = ownSigners(did);
  const keep = (path: string, text: string, mediaType: string) => void pages.set(path, { text, mediaType });
  keep('/.well-known/did.json', JSON.stringify(didDocument(did, signers)), 'application/did+json');
  let reserved = 0;
  return {
    hosting: { ...wanted, origin, port },
    name,
    did,
    signers,
    reserve(title) {
      reserved += 1;
      const path = `/${reserved}/${slug(title)}`;
      return {
        url: `${origin}${path}`,
        publish(body, mediaType) {
          const text = typeof body === 'string' ? body : JSON.stringify(body);
          keep(path, text, mediaType);
          return text;
        },
      };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function listen({ port, certificateFile, keyFile }: Hosting, answer: RequestListener): Promise<Server> {
  const server =
    certificateFile && keyFile
      ? createHttpsServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) }, answer)
      : createHttpServer(answer);
  await once(server.listen(port), 'listening');
  return server;
}
