/** Veramo's key management on node:crypto: every KeyObject is made once, and signatures need no database. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { ManagedKeyInfo, MinimalImportableKey, TKeyType } from '@veramo/core-types';
import { AbstractKeyManagementSystem, type AbstractPrivateKeyStore } from '@veramo/key-manager';
import { ServiceError } from '../errors.js';
import { fromDer } from '../jose/ecdsa-form.js';

/** What NodeKeyManagementSystem is made of. */
export interface NodeKeyManagementSystemOptions {
  readonly privateKeys: AbstractPrivateKeyStore;
  /** Keys are born here; one from elsewhere has been in more hands. Set only while moving from another agent. */
  readonly allowImport?: boolean;
}

interface KeyTypeFacts {
  readonly algorithms: readonly string[];
  readonly hash: 'sha256' | 'sha384' | null;
  readonly privateKeyLength: number;
  /** DER of PrivateKeyInfo (RFC 5958) up to the bytes of the key; OpenSSL computes the public part. */
  readonly pkcs8Prefix: Buffer;
  generate(): KeyObject;
  publicKeyHex(publicKey: KeyObject): string;
}

const keyTypes: Readonly<Record<string, KeyTypeFacts>> = {
  Ed25519: {
    algorithms: ['EdDSA', 'Ed25519'],
    hash: null,
    privateKeyLength: 32,
    pkcs8Prefix: Buffer.from('302e020100300506032b657004220420', 'hex'),
    generate: () => generateKeyPairSync('ed25519').privateKey,
    publicKeyHex: (key) => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex'),
  },
  Secp256r1: {
    algorithms: ['ES256'],
    hash: 'sha256',
    privateKeyLength: 32,
    pkcs8Prefix: Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex'),
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    publicKeyHex: compressedPoint,
  },
  Secp384r1: {
    algorithms: ['ES384'],
    hash: 'sha384',
    privateKeyLength: 48,
    pkcs8Prefix: Buffer.from('304e020100301006072a8648ce3d020106052b81040022043730350201010430', 'hex'),
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    publicKeyHex: compressedPoint,
  },
};

const kidPattern = /^[0-9a-f]{32}$/;

/** Creates, keeps and uses Ed25519, P-256 and P-384 keys. */
export class NodeKeyManagementSystem extends AbstractKeyManagementSystem {
  readonly #privateKeys: AbstractPrivateKeyStore;
  readonly #allowImport: boolean;
  readonly #opened = new Map<string, Promise<OpenedKey>>();

  constructor({ privateKeys, allowImport = false }: NodeKeyManagementSystemOptions) {
    super();
    this.#privateKeys = privateKeys;
    this.#allowImport = allowImport;
  }

  async createKey({ type, kid }: { type: TKeyType; meta?: unknown; kid?: string }): Promise<ManagedKeyInfo> {
    return this.#keep(kid ?? randomBytes(16).toString('hex'), type, factsOf(type).generate());
  }

  async importKey(args: Omit<MinimalImportableKey, 'kms'>): Promise<ManagedKeyInfo> {
    if (!this.#allowImport) {
      throw new ServiceError('forbidden', 'This agent creates its keys itself; importing one needs allowImport');
    }
    const { privateKeyLength } = factsOf(args.type);
    const secret = Buffer.from(args.privateKeyHex, 'hex');
    if (secret.length !== privateKeyLength || secret.toString('hex') !== args.privateKeyHex.toLowerCase()) {
      throw new ServiceError(
        'invalid_request',
        `A private key of this type is ${privateKeyLength} bytes in hexadecimal`,
      );
    }
    return this.#keep(args.kid ?? randomBytes(16).toString('hex'), args.type, privateKeyOf(args.type, secret));
  }

  async deleteKey({ kid }: { kid: string }): Promise<boolean> {
    this.#opened.delete(kid);
    return this.#privateKeys.deleteKey({ alias: kid });
  }

  async listKeys(): Promise<ManagedKeyInfo[]> {
    const rows = await this.#privateKeys.listKeys({});
    return rows.map(({ alias, type, privateKeyHex }) =>
      keyInfo(alias, type, privateKeyOf(type, Buffer.from(privateKeyHex, 'hex'))),
    );
  }

  /** Signs as JOSE wants it: r || s for ES256 and ES384 (RFC 7518 §3.4), base64url. */
  async sign({ keyRef, algorithm, data }: SignArguments): Promise<string> {
    const { facts, privateKey } = await this.#open(keyRef.kid);
    if (algorithm !== undefined && !facts.algorithms.includes(algorithm)) {
      throw new ServiceError('key_unavailable', `Key ${keyRef.kid} does not sign with ${algorithm}`);
    }
    const signature = sign(facts.hash, data, privateKey);
    const form = facts.hash === null ? signature : fromDer(signature, 2 * facts.privateKeyLength);
    return form.toString('base64url');
  }

  async sharedSecret(): Promise<string> {
    throw new ServiceError('forbidden', 'The keys of this agent sign; they agree on no secrets');
  }

  async #keep(kid: string, type: TKeyType, privateKey: KeyObject): Promise<ManagedKeyInfo> {
    // Wallets match `^did:web:[a-z0-9.#\-_:]+$`, and Veramo's key ids are global: random lower-case hexadecimal.
    if (!kidPattern.test(kid))
      throw new ServiceError('invalid_request', 'A key id is 32 lower-case hexadecimal digits');
    const info = keyInfo(kid, type, privateKey);
    const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
    await this.#privateKeys.importKey({ alias: kid, type, privateKeyHex: secret.toString('hex') });
    secret.fill(0);
    return info;
  }

  async #open(kid: string): Promise<OpenedKey> {
    const known = this.#opened.get(kid);
    if (known !== undefined) return known;
    const opening = this.#unseal(kid);
    this.#opened.set(kid, opening);
    // A failure is not kept: the database may be back at the next call.
    opening.catch(() => this.#opened.delete(kid));
    return opening;
  }

  async #unseal(kid: string): Promise<OpenedKey> {
    const { type, privateKeyHex } = await this.#privateKeys.getKey({ alias: kid });
    return { facts: factsOf(type), privateKey: privateKeyOf(type, Buffer.from(privateKeyHex, 'hex')) };
  }
}

interface OpenedKey {
  readonly facts: KeyTypeFacts;
  readonly privateKey: KeyObject;
}

interface SignArguments {
  readonly keyRef: { readonly kid: string };
  readonly algorithm?: string;
  readonly data: Uint8Array;
}

/** The public key of a managed key; key management systems keep points compressed or not. */
export function publicKeyOf(type: string, publicKeyHex: string): KeyObject {
  const key = Buffer.from(publicKeyHex, 'hex');
  const prefix = spkiPrefixes[`${type} ${key.length}`];
  if (!prefix) throw new ServiceError('key_unavailable', `Keys of type ${type} are not supported in this form`);
  return createPublicKey({ key: Buffer.concat([prefix, key]), format: 'der', type: 'spki' });
}

/** DER of SubjectPublicKeyInfo (RFC 5280) up to the key, by key type and bytes of the key. */
const spkiPrefixes: Readonly<Record<string, Buffer>> = {
  'Ed25519 32': Buffer.from('302a300506032b6570032100', 'hex'),
  'Secp256r1 33': Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
  'Secp256r1 65': Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
  'Secp384r1 49': Buffer.from('3046301006072a8648ce3d020106052b81040022033200', 'hex'),
  'Secp384r1 97': Buffer.from('3076301006072a8648ce3d020106052b81040022036200', 'hex'),
};

function factsOf(type: string): KeyTypeFacts {
  const facts = Object.hasOwn(keyTypes, type) ? keyTypes[type] : undefined;
  if (!facts) throw new ServiceError('invalid_request', `Keys of type ${type} are not supported`);
  return facts;
}

function privateKeyOf(type: string, secret: Buffer): KeyObject {
  const der = Buffer.concat([factsOf(type).pkcs8Prefix, secret]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  secret.fill(0);
  return key;
}

function keyInfo(kid: string, type: string, privateKey: KeyObject): ManagedKeyInfo {
  const facts = factsOf(type);
  const publicKeyHex = facts.publicKeyHex(createPublicKey(privateKey));
  return { kid, kms: '', type, publicKeyHex, meta: { algorithms: [...facts.algorithms] } };
}

function compressedPoint(publicKey: KeyObject): string {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const last = Buffer.from(y, 'base64url').at(-1) ?? 0;
  return (last % 2 === 0 ? '02' : '03') + Buffer.from(x, 'base64url').toString('hex');
}
