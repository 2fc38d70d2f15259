import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbstractKeyManagementSystem } from '@veramo/key-manager';
import type { DIDDocument } from 'did-resolver';
import { parse } from 'yaml';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer } from '../../src/http/server.js';
import { signedDocument } from '../../src/http/signed-document.js';
import { buildDidDocument } from '../../src/identity/did-document.js';
import { createIdentity, findVerificationKey, loadAgent } from '../../src/identity/identity.js';
import { createKeyEncryptionKey, createKeyEncryptionKeyFile } from '../../src/identity/key-encryption.js';
import { readDidDocument } from '../../src/identity/resolution.js';
import { identityRoutes } from '../../src/identity/routes.js';
import { verifyBytes } from '../../src/jose/jws.js';
import { importJwk } from '../../src/jose/keys.js';
import { createResolver } from '../../src/plugins.js';

const did = 'did:web:trust.example:staff';
const folder = mkdtempSync(join(tmpdir(), 'staff-passport-identity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clock = { now: new Date('2026-11-21T09:00:00Z') };
const baseFile = new URL('../../agent.yml', import.meta.url);

function settings(name: string) {
  return {
    did,
    publicUrl: 'https://trust.example/staff',
    network: { privateHosts: [] },
    development: { loopback: false },
    database: { type: 'sqlite', file: join(folder, name, 'main.sqlite') },
    keys: { keyEncryptionKeyFile: join(folder, name, 'kek') },
    programme: { baseUrl: 'https://programme.example' },
  };
}

const contexts: { shared?: unknown } = {};

/** The agent of agent.yml itself, as another process would load it, over the database of that name. */
async function open(name: string, cacheSeconds = 5) {
  const tree = parse(readFileSync(baseFile, 'utf8'));
  tree.keyStore.$args[0].seconds = cacheSeconds;
  tree.didStore.$args[0].seconds = cacheSeconds;
  // To read the catalogue takes most of the time and differs in nothing: once is enough.
  if (contexts.shared) tree.contexts = { $require: 'once?t=object&p=/shared' };
  const modules = { once: async () => contexts };
  const loaded = await loadAgent({ ...tree, service: settings(name) }, { baseFolder: folder, modules });
  contexts.shared ??= loaded.part('/contexts');
  const identity = createIdentity({ agent: loaded.agent, parts: loaded, did, now: () => clock.now });
  return { identity, loaded, agent: loaded.agent };
}

const opened: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const one of opened) await one.close();
});

async function fresh(name: string) {
  mkdirSync(join(folder, name));
  createKeyEncryptionKeyFile(join(folder, name, 'kek'));
  return again(name);
}

async function again(name: string, cacheSeconds?: number) {
  const all = await open(name, cacheSeconds);
  opened.push(all.loaded);
  return all;
}

describe('an organisation from agent.yml', () => {
  test('requires modules of ours and of Veramo only', () => {
    const text = readFileSync(baseFile, 'utf8');
    const modules = [...text.matchAll(/\$require: "?([^?#"\n]+)/g)].map((match) => match[1]);
    expect(modules.length).toBeGreaterThan(10);
    for (const module of modules) expect(module).toMatch(/^(staff-passport\/plugins|@veramo\/[a-z-]+)$/);
  });

  test('has no keys before init: nothing is published, nothing is signed', async () => {
    const { identity } = await fresh('empty');
    expect(identity.published()).toBeUndefined();
    await expect(identity.refresh()).rejects.toThrow(/run staff-passport init/);
    await expect(identity.signingKey('ES256')).rejects.toThrow(/run staff-passport init/);
    await expect(identity.addKey('EdDSA')).rejects.toThrow(/run staff-passport init/);
    await expect(identity.selfTest()).rejects.toThrow(/run staff-passport init/);
  });

  test('init makes a key for each algorithm, publishes them with absolute ids, and never again', async () => {
    const { identity } = await fresh('initial');
    await identity.initialise();
    const document = identity.document() as unknown as DIDDocument;
    expect(document.id).toBe(did);
    const methods = document.verificationMethod ?? [];
    expect(methods.map((method) => method.type).sort()).toEqual(['JsonWebKey', 'JsonWebKey2020', 'Multikey']);
    for (const method of methods) {
      expect(method.id).toMatch(/^did:web:trust\.example:staff#[0-9a-f]{32}(-2020)?$/);
      expect(method.controller).toBe(did);
    }
    expect(document.assertionMethod).toEqual(document.verificationMethod?.map((method) => method.id));
    // What signs credentials must not be able to sign in as the organisation.
    expect(document.authentication).toBeUndefined();
    expect(identity.deriveKey('a', 32)).toHaveLength(32);
    const before = identity.published()?.bytes.toString();
    await expect(identity.initialise()).rejects.toThrow(/has its keys already/);
    expect(identity.published()?.bytes.toString()).toBe(before);
    await identity.selfTest();
  });

  test('init makes a key of its own for requests, where such are made', async () => {
    const { identity } = await fresh('requests');
    await identity.initialise(['assertionMethod', 'authentication']);
    const { thumbprint, walletKid } = await identity.signingKey('ES256', 'authentication');
    expect(thumbprint).not.toBe((await identity.signingKey('ES256')).thumbprint);
    const { authentication, assertionMethod } = identity.document() as unknown as DIDDocument;
    expect(authentication).toContain(walletKid);
    expect(authentication?.filter((id) => assertionMethod?.includes(id))).toEqual([]);
    await expect(identity.signingKey('EdDSA', 'authentication')).rejects.toThrow(
      /no active EdDSA key for authentication/,
    );
  });

  test('init that was broken off is finished, not repeated', async () => {
    const { identity, agent } = await fresh('broken-off');
    await identity.initialise();
    const { kid } = (await identity.listKeys()).find((key) => key.algorithm === 'EdDSA') ?? { kid: '' };
    await agent.didManagerRemoveKey({ did, kid });
    await agent.keyManagerDelete({ kid });
    const other = await again('broken-off');
    await other.identity.initialise();
    const algorithms = (await other.identity.listKeys()).map((key) => key.algorithm).sort();
    expect(algorithms).toEqual(['ES256', 'EdDSA']);
  });

  test('its document satisfies our own strict reader, and its signatures verify with it', async () => {
    const { identity, agent } = await fresh('signing');
    await identity.initialise();
    const document = readDidDocument(did, identity.published()?.bytes ?? Buffer.alloc(0));
    for (const algorithm of ['ES256', 'EdDSA'] as const) {
      const { keyRef, kid, walletKid = kid, thumbprint } = await identity.signingKey(algorithm);
      const { key } = findVerificationKey(document, kid, 'assertionMethod');
      expect(key.thumbprint).toBe(thumbprint);
      expect(findVerificationKey(document, walletKid, 'assertionMethod').key.thumbprint).toBe(thumbprint);
      const type = document.verificationMethod?.find(({ id }) => id === walletKid)?.type;
      expect(type).toBe(algorithm === 'EdDSA' ? 'Multikey' : 'JsonWebKey2020');
      const data = Buffer.from([0, 255, 128]);
      const signature = await agent.keyManagerSign({ keyRef, algorithm, data: data as unknown as string });
      expect(verifyBytes(key, data, Buffer.from(signature, 'base64url'))).toBe(true);
    }
    await expect(identity.signingKey('ES384')).rejects.toThrow(/no active ES384 key/);
  });

  test('its document names the services that it is configured with, under its own DID', async () => {
    const { agent, loaded } = await fresh('services');
    const services = [{ id: 'files', type: 'LinkedDomains', serviceEndpoint: 'https://trust.example/files/' }];
    const identity = createIdentity({ agent, parts: loaded, did, services, now: () => clock.now });
    await identity.initialise();
    expect(identity.document()['service']).toEqual([{ ...services[0], id: `${did}#files` }]);
    expect(readDidDocument(did, identity.published()?.bytes ?? Buffer.alloc(0)).service).toHaveLength(1);
  });

  test('signing and resolving itself asks the database nothing', async () => {
    const { identity, agent, loaded } = await fresh('quiet');
    await identity.initialise();
    const { keyRef } = await identity.signingKey('ES256');
    await agent.keyManagerSign({ keyRef, algorithm: 'ES256', data: 'warm' });
    const database = loaded.part('/identityDatabase') as { destroy(): Promise<void> };
    await database.destroy();
    opened.pop();
    for (let count = 0; count < 20; count += 1) {
      await identity.signingKey('ES256');
      await agent.keyManagerSign({ keyRef, algorithm: 'ES256', data: `data ${count}` });
    }
    const { didDocument } = await agent.resolveDid({ didUrl: did });
    expect(didDocument).toBe(identity.document());
  });

  test('refuses to start with another key-encryption key', async () => {
    const { identity } = await fresh('wrong-kek');
    await identity.initialise();
    const file = join(folder, 'wrong-kek', 'kek');
    chmodSync(file, 0o600);
    writeFileSync(file, '11'.repeat(32));
    await expect(again('wrong-kek')).rejects.toMatchObject({ code: 'key_unavailable' });
  });

  test('rewrap seals the keys anew; afterwards only the new key-encryption key starts', async () => {
    const { identity } = await fresh('rewrap');
    await identity.initialise();
    const secret = identity.deriveKey('status-list', 32);
    expect(await identity.rewrap(createKeyEncryptionKey(Buffer.alloc(32, 7)))).toBe(2);
    await identity.selfTest();
    await expect(again('rewrap')).rejects.toMatchObject({ code: 'key_unavailable' });
    const file = join(folder, 'rewrap', 'kek');
    chmodSync(file, 0o600);
    writeFileSync(file, '07'.repeat(32));
    const other = await again('rewrap');
    await other.identity.selfTest();
    expect(other.identity.deriveKey('status-list', 32)).toEqual(secret);
  });
});

describe('keys through their lives', () => {
  test('a new key is published before it signs, and the old one stays listed for what it signed', async () => {
    clock.now = new Date('2026-11-21T09:00:00Z');
    const { identity } = await fresh('rotation');
    await identity.initialise();
    const first = await identity.signingKey('ES256');
    const added = await identity.addKey('ES256');
    expect(identity.document().assertionMethod).toContain(`${did}#${added.kid}`);
    expect(await identity.signingKey('ES256')).toEqual(first);
    clock.now = new Date(added.signsFrom);
    const second = await identity.signingKey('ES256');
    expect(second.keyRef).toBe(added.kid);
    await identity.changeKeyState(first.keyRef, 'retired');
    expect(identity.document().assertionMethod).toContain(first.kid);
    expect((await identity.listKeys()).find((key) => key.kid === first.keyRef)?.state).toBe('retired');
    expect(await identity.signingKey('ES256')).toEqual(second);
    await identity.changeKeyState(second.keyRef, 'retired');
    await expect(identity.signingKey('ES256')).rejects.toThrow(/no active ES256 key/);
  });

  test('a stolen key is marked revoked, leaves assertionMethod, and comes back never', async () => {
    const { identity } = await fresh('theft');
    await identity.initialise();
    const { keyRef, kid } = await identity.signingKey('EdDSA');
    await identity.changeKeyState(keyRef, 'compromised');
    const document = identity.document() as unknown as DIDDocument;
    expect(document.assertionMethod).not.toContain(kid);
    expect(document.verificationMethod?.find((method) => method.id === kid)).toHaveProperty('revoked');
    expect(() => findVerificationKey(document, kid, 'assertionMethod')).toThrow();
    await expect(identity.changeKeyState(keyRef, 'active')).rejects.toMatchObject({ code: 'conflict' });
    await expect(identity.changeKeyState('f'.repeat(32), 'retired')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a key for signing in is listed apart from those that sign credentials', async () => {
    const { identity } = await fresh('apart');
    await identity.initialise();
    const added = await identity.addKey('EdDSA', 'authentication');
    const document = identity.document() as unknown as DIDDocument;
    expect(document.authentication).toEqual([`${did}#${added.kid}`]);
    expect(document.assertionMethod).not.toContain(`${did}#${added.kid}`);
    expect((await identity.signingKey('EdDSA')).keyRef).not.toBe(added.kid);
  });

  test("another process's change is seen once the caches are past their time", async () => {
    const { identity } = await fresh('two-processes');
    await identity.initialise();
    const other = await again('two-processes', 0.2);
    await other.identity.refresh();
    const { keyRef } = await identity.signingKey('ES256');
    await identity.changeKeyState(keyRef, 'retired');
    // The caches run on the real clock.
    await new Promise((done) => setTimeout(done, 250));
    clock.now = new Date(clock.now.getTime() + 5100);
    await expect(other.identity.signingKey('ES256')).rejects.toThrow(/no active ES256 key/);
  });
});

describe('another key management system', () => {
  /** Holds its keys itself, as a hardware module does; ids and points are in its own form. */
  class ModuleKeys extends AbstractKeyManagementSystem {
    readonly #keys = new Map<string, KeyObject>();

    async createKey({ type }: { type: string }) {
      const ed25519 = type === 'Ed25519';
      const pair = ed25519 ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const der = pair.publicKey.export({ format: 'der', type: 'spki' });
      const publicKeyHex = der.subarray(ed25519 ? -32 : -65).toString('hex');
      this.#keys.set(publicKeyHex, pair.privateKey);
      return { kid: publicKeyHex, kms: '', type, publicKeyHex };
    }

    async sign({ keyRef, data }: { keyRef: { kid: string }; data: Uint8Array }) {
      const key = this.#keys.get(keyRef.kid);
      if (!key) throw new Error('no such key');
      const hash = key.asymmetricKeyType === 'ec' ? 'sha256' : null;
      return sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    }

    importKey = () => Promise.reject(new Error('not possible'));
    listKeys = () => Promise.resolve([]);
    deleteKey = ({ kid }: { kid: string }) => Promise.resolve(this.#keys.delete(kid));
    sharedSecret = () => Promise.reject(new Error('not possible'));
  }

  test('is exchanged in agent.yml alone', async () => {
    mkdirSync(join(folder, 'module'));
    const tree = parse(readFileSync(baseFile, 'utf8'));
    tree.keyManager.$args[0].kms = { module: { $require: 'hardware#ModuleKeys' } };
    tree.didManager.$args[0].providers['did:web'].$args[0].defaultKms = 'module';
    const modules = { hardware: async () => ({ ModuleKeys }) };
    const loaded = await loadAgent({ ...tree, service: settings('module') }, { baseFolder: folder, modules });
    opened.push(loaded);
    const { deriveKey } = createKeyEncryptionKey(Buffer.alloc(32, 5));
    const identity = createIdentity({ agent: loaded.agent, parts: loaded, did, now: () => clock.now, deriveKey });
    await identity.initialise();
    await identity.selfTest();
    const { kid } = await identity.signingKey('ES256');
    expect(findVerificationKey(identity.document(), kid, 'assertionMethod').key.algorithm).toBe('ES256');
    expect(identity.deriveKey('a', 32)).toEqual(deriveKey('a', 32));
    await expect(identity.rewrap(createKeyEncryptionKey(Buffer.alloc(32, 6)))).rejects.toThrow(/no private key store/);
  });
});

describe('publishing', () => {
  async function serve(publicUrl: string, identity: Parameters<typeof identityRoutes>[0]['identity']) {
    const server = await createServer({
      publicUrl,
      serviceName: 'test',
      version: '1',
      metrics: createMetrics(),
      now: () => clock.now,
      newId: () => 'id',
      authorise: async () => {
        throw new Error('no token is needed');
      },
    });
    await server.register(identityRoutes({ identity }));
    return server;
  }

  test('the document lies where did:web looks, with an ETag and a lifetime', async () => {
    const { identity } = await fresh('publishing');
    await identity.initialise();
    const server = await serve('https://trust.example/staff', identity);
    const response = await server.inject({ url: '/staff/did.json' });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toMatch(/^application\/did\+json/);
    expect(response.headers['cache-control']).toMatch(/max-age=60/);
    expect(response.json()).toEqual(identity.document());
    const headers = { 'if-none-match': String(response.headers.etag) };
    expect((await server.inject({ url: '/staff/did.json', headers })).statusCode).toBe(304);
    await server.close();
  });

  test('another organisation resolves it over HTTP, through the guarded way out, and sees our key', async () => {
    const published = { current: Buffer.alloc(0) };
    const server = await serve('http://localhost/', {
      did: 'did:web:localhost',
      published: () => signedDocument(published.current, { contentType: 'application/did+json', maxAgeSeconds: 1 }),
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const peer = `did:web:localhost%3A${(server.server.address() as AddressInfo).port}`;
    const { publicKey } = generateKeyPairSync('ed25519');
    const key = importJwk(publicKey.export({ format: 'jwk' }));
    const created = new Date(0);
    const managed = { kid: 'ab', type: 'Ed25519', algorithm: key.algorithm, key, created, signsFrom: created } as const;
    const document = buildDidDocument(peer, [{ ...managed, purpose: 'assertionMethod', state: 'active' }]);
    published.current = Buffer.from(JSON.stringify(document));
    const resolver = createResolver({ loopback: true });
    const { didDocument, didResolutionMetadata } = await resolver.resolve(peer);
    expect(didResolutionMetadata.error).toBeUndefined();
    expect(findVerificationKey(didDocument, `${peer}#ab`, 'assertionMethod').key.thumbprint).toBe(key.thumbprint);
    const outside = createResolver({ loopback: false });
    outside.attach({ mayResolve: () => true });
    expect((await outside.resolve(peer)).didResolutionMetadata.error).toBe('invalidDid');
    await Promise.all([resolver.close(), outside.close(), server.close()]);
  });

  test.each([
    ['did:web:trust.example', 'https://trust.example', '/.well-known/did.json'],
    ['did:web:trust.example%3A8443:a:b', 'https://trust.example:8443/a/b', '/a/b/did.json'],
  ])('%s', async (one, publicUrl, url) => {
    const published = signedDocument('{}', { contentType: 'application/did+json', maxAgeSeconds: 1 });
    const server = await serve(publicUrl, { did: one, published: () => published });
    expect((await server.inject({ url })).statusCode).toBe(200);
    await server.close();
    const without = await serve(publicUrl, { did: one, published: () => undefined });
    expect((await without.inject({ url })).statusCode).toBe(404);
    await without.close();
  });
});

test('an identity needs a canonical did:web', async () => {
  const { agent } = await fresh('canonical');
  expect(() => createIdentity({ agent, did: 'did:web:127.0.0.1', now: () => clock.now })).toThrow(/canonical/);
});
