/** Credo's keys in the memory of this process, on node:crypto: what a phone's keystore is to a real wallet. */
import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
  verify,
  type webcrypto,
} from 'node:crypto';
import { Kms } from '@credo-ts/core';

type Service = Kms.KeyManagementService;
type Options<Name extends keyof Service> = Service[Name] extends (context: never, options: infer T) => unknown
  ? T
  : never;

/** Digest of each algorithm that this keystore can sign with; EdDSA digests by itself. */
const digests: Readonly<Record<string, string | null>> = {
  ES256: 'sha256',
  ES384: 'sha384',
  EdDSA: null,
  Ed25519: null,
};
const curves: readonly string[] = ['P-256', 'P-384', 'Ed25519'];
/** Content encryption of `direct_post.jwt`, with the length of its key. */
const contentKeyBits: Readonly<Record<string, 128 | 256>> = { A128GCM: 128, A256GCM: 256 };

export class NodeKeyService implements Service {
  readonly backend = 'node';
  readonly #keys = new Map<string, KeyObject>();

  isOperationSupported(_context: unknown, request: Kms.KmsOperation): boolean {
    switch (request.operation) {
      case 'createKey':
        return 'crv' in request.type && curves.includes(request.type.crv);
      case 'sign':
      case 'verify':
        return request.algorithm in digests;
      case 'encrypt':
        return request.encryption.algorithm in contentKeyBits && request.keyAgreement?.algorithm === 'ECDH-ES';
      default:
        return request.operation === 'deleteKey' || request.operation === 'randomBytes';
    }
  }

  async getPublicKey(_context: unknown, keyId: string): Promise<Kms.KmsJwkPublic | null> {
    const key = this.#keys.get(keyId);
    return key === undefined ? null : publicJwkOf(key, keyId);
  }

  async createKey<Type extends Kms.KmsCreateKeyType>(_context: unknown, options: Kms.KmsCreateKeyOptions<Type>) {
    const { type, keyId = randomUUID() } = options;
    const curve = 'crv' in type ? type.crv : '';
    const { privateKey } =
      curve === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve });
    this.#keys.set(keyId, privateKey);
    return { keyId, publicJwk: publicJwkOf(privateKey, keyId) } as unknown as Kms.KmsCreateKeyReturn<Type>;
  }

  async deleteKey(_context: unknown, { keyId }: { keyId: string }): Promise<boolean> {
    return this.#keys.delete(keyId);
  }

  async sign(_context: unknown, { keyId, algorithm, data }: Options<'sign'>): Promise<Kms.KmsSignReturn> {
    const key = { key: this.#privateKey(keyId), dsaEncoding: 'ieee-p1363' } as const;
    return { signature: new Uint8Array(sign(digests[algorithm], data as Uint8Array, key)) };
  }

  async verify(
    _context: unknown,
    { key, algorithm, data, signature }: Options<'verify'>,
  ): Promise<Kms.KmsVerifyReturn> {
    const publicJwk = key.publicJwk ?? publicJwkOf(this.#privateKey(key.keyId), key.keyId);
    const publicKey = createPublicKey({ key: publicJwk as webcrypto.JsonWebKey, format: 'jwk' });
    const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    const verified = verify(digests[algorithm], data as Uint8Array, options, signature as Uint8Array);
    return verified ? { verified, publicJwk: publicJwk as Kms.KmsJwkPublic } : { verified: false };
  }

  /** RFC 7518 4.6 in the mode of direct agreement, then 5.3. */
  async encrypt(_context: unknown, { key, data, encryption }: Options<'encrypt'>): Promise<Kms.KmsEncryptReturn> {
    const agreement = key.keyAgreement;
    const bits = contentKeyBits[encryption.algorithm];
    if (agreement?.algorithm !== 'ECDH-ES' || bits === undefined) throw new Error('not in this keystore');
    const publicKey = createPublicKey({ key: agreement.externalPublicJwk as webcrypto.JsonWebKey, format: 'jwk' });
    const secret = diffieHellman({ privateKey: this.#privateKey(agreement.keyId), publicKey });
    const parties = [agreement.apu, agreement.apv].map((party) => Buffer.from((party as Uint8Array) ?? []));
    const contentKey = deriveContentKey(secret, encryption.algorithm, { parties, bits });
    const iv = randomBytes(12);
    const cipher = createCipheriv(`aes-${bits}-gcm`, contentKey, iv);
    if ('aad' in encryption && encryption.aad) cipher.setAAD(encryption.aad as Uint8Array);
    const encrypted = Buffer.concat([cipher.update(data as Uint8Array), cipher.final()]);
    return { encrypted: new Uint8Array(encrypted), iv: new Uint8Array(iv), tag: new Uint8Array(cipher.getAuthTag()) };
  }

  randomBytes(_context: unknown, { length }: { length: number }): Uint8Array {
    return new Uint8Array(randomBytes(length));
  }

  async decrypt(): Promise<never> {
    throw new Error('a holder decrypts nothing here');
  }

  async importKey(): Promise<never> {
    throw new Error('a holder makes its own keys');
  }

  #privateKey(keyId: string | undefined): KeyObject {
    const key = this.#keys.get(keyId ?? '');
    if (key === undefined) throw new Kms.KeyManagementKeyNotFoundError(keyId ?? '', [this.backend]);
    return createPrivateKey({ key: key.export({ format: 'der', type: 'pkcs8' }), format: 'der', type: 'pkcs8' });
  }
}

function publicJwkOf(key: KeyObject, keyId: string | undefined): Kms.KmsJwkPublic {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  return { ...jwk, kid: keyId } as Kms.KmsJwkPublic;
}

/** NIST SP 800-56A 5.8.1 in one round: a SHA-256 is never shorter than the key. */
function deriveContentKey(
  secret: Buffer,
  algorithm: string,
  { parties, bits }: { parties: readonly Buffer[]; bits: number },
): Buffer {
  const info = [Buffer.from(algorithm), ...parties].flatMap((part) => [uint32(part.length), part]);
  const digest = createHash('sha256')
    .update(Buffer.concat([uint32(1), secret, ...info, uint32(bits)]))
    .digest();
  return digest.subarray(0, bits / 8);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
