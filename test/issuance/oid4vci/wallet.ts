/** A wallet as small as it can be, on a library of its own (jose): makes keys, proves that it has them, asks. */
import { base58 } from '@scure/base';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

/** How a key is named in a proof. */
export type Naming = 'jwk' | 'did:jwk' | 'did:key';

export interface WalletKey {
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly did: string;
  /** The header members that name it. */
  readonly named: { readonly jwk: JWK } | { readonly kid: string };
}

/** unsigned-varint multicodec prefixes of a P-256 and an Ed25519 public key. */
const multicodec: Readonly<Record<string, readonly [number, number]>> = {
  'P-256': [0x80, 0x24],
  Ed25519: [0xed, 0x01],
};

function didKeyOf({ crv = '', x = '', y }: JWK): string {
  const point = Buffer.from(x, 'base64url');
  const odd = y === undefined ? undefined : (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  const bytes = odd === undefined ? point : Buffer.concat([Buffer.of(2 + odd), point]);
  return `did:key:z${base58.encode(Buffer.concat([Buffer.from(multicodec[crv] ?? []), bytes]))}`;
}

export async function makeKey(naming: Naming = 'jwk', algorithm = 'ES256'): Promise<WalletKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const jwk = (y === undefined ? { crv, kty, x } : { crv, kty, x, y }) as JWK;
  const common = { algorithm, privateKey: privateKey as CryptoKey, jwk };
  if (naming === 'did:key') {
    const did = didKeyOf(jwk);
    return { ...common, did, named: { kid: `${did}#${did.slice('did:key:'.length)}` } };
  }
  const did = `did:jwk:${Buffer.from(JSON.stringify(jwk)).toString('base64url')}`;
  return { ...common, did, named: naming === 'jwk' ? { jwk } : { kid: `${did}#0` } };
}

export interface ProofParts {
  readonly aud: string;
  readonly nonce: string;
  readonly iat: number;
  readonly claims?: JWTPayload;
  readonly header?: Record<string, unknown>;
  /** Members to leave out, of the header or of the claims. */
  readonly without?: readonly string[];
}

function leaveOut<T extends object>(object: T, without: readonly string[] = []): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !without.includes(name))) as T;
}

/** A proof of possession (OpenID4VCI 1.0 appendix F.1), with whatever a test changes. */
export function prove(key: WalletKey, { aud, nonce, iat, claims, header, without }: ProofParts): Promise<string> {
  const protectedHeader = { alg: key.algorithm, typ: 'openid4vci-proof+jwt', ...key.named, ...header };
  return new SignJWT(leaveOut({ aud, nonce, iat, ...claims }, without))
    .setProtectedHeader(leaveOut(protectedHeader, without))
    .sign(key.privateKey, { crit: { urgent: true } });
}

/** The claims of a compact token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
