/** An agent in memory with a trust (did:web), a staff member (did:key) and whatever DID documents a test publishes. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Agent } from '@veramo/core';
import type { IAgentPlugin, TKeyType } from '@veramo/core-types';
import { DIDManager, MemoryDIDStore } from '@veramo/did-manager';
import { WebDIDProvider } from '@veramo/did-provider-web';
import { DIDResolverPlugin } from '@veramo/did-resolver';
import { KeyManager, MemoryKeyStore, MemoryPrivateKeyStore } from '@veramo/key-manager';
import {
  type Contexts,
  CoseProvider,
  createContexts,
  DataIntegrityProvider,
  Jwt11Provider,
  SdJwtProvider,
  SdJwtVcProvider,
  type SigningKey,
  StaffPassportCredentialPlugin,
  VcJoseProvider,
} from '../../src/credential/credential.js';
import type { Fetch } from '../../src/http/client.js';
import { createDidResolver, type PassportAgent } from '../../src/identity/identity.js';
import { NodeKeyManagementSystem } from '../../src/identity/key-management-system.js';
import { createKeySigner, signJws } from '../../src/jose/jws.js';
import { importJwk, toMultikey } from '../../src/jose/keys.js';
import type { JsonObject } from '../../src/json.js';

export const now = new Date('2026-11-21T09:00:00Z');
export const baseUrl = 'https://programme.example';
export const trust = 'did:web:rxa.example';

/** A key pair that lives in the agent and outside it, so that a test can sign what the agent never would. */
export interface TestKey extends SigningKey {
  readonly publicKeyMultibase: string;
  readonly jwk: object;
  readonly sign: (data: Uint8Array) => Promise<Uint8Array>;
  /** A token of any header and payload, signed with this key. */
  token(payload: JsonObject, header?: JsonObject): Promise<string>;
}

export interface TestAgent {
  readonly agent: PassportAgent;
  readonly contexts: Contexts;
  readonly documents: Map<string, object>;
  readonly es256: TestKey;
  readonly es384: TestKey;
  readonly ed25519: TestKey;
  readonly holder: { readonly did: string; readonly key: TestKey };
  /** Every DID that was resolved, in order. */
  readonly resolved: string[];
  close(): Promise<void>;
}

const types: Readonly<Record<string, { type: TKeyType; make: () => ReturnType<typeof generate> }>> = {
  ES256: { type: 'Secp256r1', make: () => generate('ES256') },
  ES384: { type: 'Secp384r1', make: () => generate('ES384') },
  EdDSA: { type: 'Ed25519', make: () => generate('EdDSA') },
};

function generate(algorithm: string) {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: algorithm === 'ES384' ? 'P-384' : 'P-256' }).privateKey;
}

/** A key outside every agent. `name` is the DID that it belongs to, or a function of its Multikey. */
export function makeKey(
  algorithm: 'ES256' | 'ES384' | 'EdDSA',
  kidOf: (multikey: string) => string,
  privateKey = generate(algorithm),
): TestKey {
  const signer = createKeySigner(privateKey);
  const publicKeyMultibase = toMultikey(importJwk(signer.publicJwk));
  const kid = kidOf(publicKeyMultibase);
  return {
    keyRef: Buffer.from(publicKeyMultibase).toString('hex').slice(-32),
    kid,
    algorithm,
    publicKeyMultibase,
    jwk: signer.publicJwk,
    sign: signer.sign,
    token: (payload, header) =>
      signJws({ alg: algorithm, typ: 'vc+jwt', cty: 'vc', kid, ...header } as never, payload, signer.sign),
  };
}

/** A DID document as a trust publishes it. */
export function didDocument(did: string, keys: readonly TestKey[], overrides: object = {}): object {
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did,
    verificationMethod: keys.map((key) => ({
      id: key.kid,
      controller: did,
      ...(key.algorithm === 'ES256'
        ? { type: 'JsonWebKey', publicKeyJwk: key.jwk }
        : { type: 'Multikey', publicKeyMultibase: key.publicKeyMultibase }),
    })),
    assertionMethod: keys.map((key) => key.kid),
    ...overrides,
  };
}

export async function createAgent(options: { contexts?: Contexts; plugins?: IAgentPlugin[] } = {}): Promise<TestAgent> {
  const contexts = options.contexts ?? createContexts({ baseUrl });
  const documents = new Map<string, object>();
  const resolved: string[] = [];
  const privateKeys = new MemoryPrivateKeyStore();
  const kms = new NodeKeyManagementSystem({ privateKeys, allowImport: true });
  const keyStore = new MemoryKeyStore();
  const didStore = new MemoryDIDStore();
  const dataIntegrity = new DataIntegrityProvider({ contexts });
  const resolver = createDidResolver({ fetch: serve(documents), loopback: false, now: () => now.getTime() });
  const observed = {
    resolve(did: string) {
      resolved.push(did);
      return resolver.resolve(did);
    },
  };
  const agent = new Agent({
    schemaValidation: false,
    plugins: [
      new KeyManager({ store: keyStore, kms: { node: kms } }),
      new DIDManager({
        store: didStore,
        defaultProvider: 'did:web',
        providers: { 'did:web': new WebDIDProvider({ defaultKms: 'node' }) },
      }),
      new DIDResolverPlugin({ resolver: observed as never }),
      new StaffPassportCredentialPlugin(
        [
          new VcJoseProvider(),
          new SdJwtProvider({ random: randomBytes }),
          new SdJwtVcProvider({ random: randomBytes }),
          new CoseProvider(),
          dataIntegrity,
          new Jwt11Provider(),
        ],
        { now: () => now },
      ),
      ...(options.plugins ?? []),
    ],
  }) as unknown as PassportAgent;

  async function manage(
    did: string,
    algorithm: 'ES256' | 'ES384' | 'EdDSA',
    kidOf: (multikey: string) => string,
  ): Promise<TestKey> {
    const privateKey = generate(algorithm);
    const key = makeKey(algorithm, kidOf, privateKey);
    const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
    const { type } = types[algorithm] as { type: TKeyType };
    const managed = await agent.keyManagerImport({ kms: 'node', kid: key.keyRef, type, privateKeyHex: secret });
    const known = await didStore.listDIDs({}).then((all) => all.find((identifier) => identifier.did === did));
    const keys = [...(known?.keys ?? []), { ...managed, kms: 'node' }];
    await didStore.importDID({ did, provider: did.split(':').slice(0, 2).join(':'), keys, services: [] });
    return key;
  }

  const es256 = await manage(trust, 'ES256', () => `${trust}#a1`);
  const ed25519 = await manage(trust, 'EdDSA', () => `${trust}#b2`);
  const es384 = await manage(trust, 'ES384', () => `${trust}#c3`);
  documents.set(trust, didDocument(trust, [es256, ed25519, es384]));
  const draft = generate('EdDSA');
  const holderKey = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`, draft);
  const holderDid = `did:key:${holderKey.publicKeyMultibase}`;
  const secret = Buffer.from(draft.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
  const managed = await agent.keyManagerImport({
    kms: 'node',
    kid: holderKey.keyRef,
    type: 'Ed25519',
    privateKeyHex: secret,
  });
  await didStore.importDID({ did: holderDid, provider: 'did:key', keys: [{ ...managed, kms: 'node' }], services: [] });
  const holder = { did: holderDid, key: holderKey };
  return { agent, contexts, documents, es256, es384, ed25519, holder, resolved, close: () => dataIntegrity.close() };
}

/** Serves DID documents by the address that did:web gives them. */
function serve(documents: ReadonlyMap<string, object>): Fetch {
  return async (url) => {
    const did = `did:web:${new URL(url).host}`;
    const document = documents.get(did);
    if (document === undefined) throw Object.assign(new Error('not found'), { reason: 'status', status: 404 });
    return { status: 200, body: Buffer.from(JSON.stringify(document)), contentType: 'application/did+json' };
  };
}
