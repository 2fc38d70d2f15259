/** What each signature algorithm of the product is made of (RFC 7518, RFC 8037, RFC 9053, Multicodec table): one row, no branches. */

/** The JWS algorithms that the product signs and verifies with. */
export type JwsAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'EdDSA';

/** The key type, curve, hash and lengths that one algorithm demands. */
export interface AlgorithmFacts {
  readonly kty: 'EC' | 'OKP';
  readonly crv: 'P-256' | 'P-384' | 'P-521' | 'Ed25519';
  /** The curve's name in OpenSSL. */
  readonly curve: string;
  /** null: the algorithm hashes by itself (RFC 8032). */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  /** Bytes of a coordinate, and of an Ed25519 public key. */
  readonly coordinateLength: number;
  /** Bytes of r || s (IEEE P1363), or of an Ed25519 signature. */
  readonly signatureLength: number;
  /** What a JWK's `alg` may say: RFC 9864 gives EdDSA on Ed25519 a name of its own. */
  readonly jwkAlgorithms: readonly string[];
  /** The multicodec prefix of a Multikey, as an unsigned varint. */
  readonly multicodec: readonly [number, number];
  /** The labels of COSE (RFC 9053 2.1, 2.2) and of its names that fix the curve as well (RFC 9864). The first is written. */
  readonly cose: readonly [number, number];
}

/** The one table of algorithms. */
export const jwsAlgorithms: Readonly<Record<JwsAlgorithm, AlgorithmFacts>> = {
  ES256: {
    kty: 'EC',
    crv: 'P-256',
    curve: 'prime256v1',
    hash: 'sha256',
    coordinateLength: 32,
    signatureLength: 64,
    jwkAlgorithms: ['ES256'],
    multicodec: [0x80, 0x24],
    cose: [-7, -9],
  },
  ES384: {
    kty: 'EC',
    crv: 'P-384',
    curve: 'secp384r1',
    hash: 'sha384',
    coordinateLength: 48,
    signatureLength: 96,
    jwkAlgorithms: ['ES384'],
    multicodec: [0x81, 0x24],
    cose: [-35, -51],
  },
  ES512: {
    kty: 'EC',
    crv: 'P-521',
    curve: 'secp521r1',
    hash: 'sha512',
    coordinateLength: 66,
    signatureLength: 132,
    jwkAlgorithms: ['ES512'],
    multicodec: [0x82, 0x24],
    cose: [-36, -52],
  },
  EdDSA: {
    kty: 'OKP',
    crv: 'Ed25519',
    curve: 'ed25519',
    hash: null,
    coordinateLength: 32,
    signatureLength: 64,
    jwkAlgorithms: ['EdDSA', 'Ed25519'],
    multicodec: [0xed, 0x01],
    cose: [-8, -19],
  },
};

/** All rows, for loops. */
export const jwsAlgorithmNames = Object.keys(jwsAlgorithms) as readonly JwsAlgorithm[];

/** Whether a header's `alg` is one of ours. `none` and the HMAC family have no row, so nothing can select them. */
export function isJwsAlgorithm(name: unknown): name is JwsAlgorithm {
  return typeof name === 'string' && Object.hasOwn(jwsAlgorithms, name);
}
