/**
 * The DID document of an organisation, from the keys that its agent manages. Ids are absolute; each key says in its
 * metadata what it is for, and no key is ever listed under two purposes: what signs credentials never signs in.
 */
import type { ManagedKeyInfo } from '@veramo/core-types';
import { ServiceError } from '../errors.js';
import { isJwsAlgorithm, type JwsAlgorithm } from '../jose/algorithms.js';
import { importJwk, toMultikey, type VerificationKey } from '../jose/keys.js';
import type { JsonObject } from '../json.js';
import { publicKeyOf } from './key-management-system.js';
import type { ProofPurpose } from './verification-key.js';

/**
 * staged: published, signs nothing yet. active: signs. retired: signs no longer, yet what it signed stays good.
 * expired: published for the record only. compromised: nothing that it signed is good.
 */
export type KeyState = 'staged' | 'active' | 'retired' | 'expired' | 'compromised';

/** A managed key with what the document says about it. */
export interface ManagedKey {
  readonly kid: string;
  readonly type: string;
  readonly algorithm: JwsAlgorithm;
  readonly purpose: ProofPurpose;
  readonly state: KeyState;
  /** Active keys sign from here on; published before, so that every cached document has the key by then. */
  readonly signsFrom: Date;
  readonly created: Date;
  readonly changed?: Date;
  readonly key: VerificationKey;
}

interface KeyTypeRow {
  readonly type: string;
  readonly algorithm: JwsAlgorithm;
}

/** Which Veramo key type signs with which algorithm. */
const keyTypes: readonly KeyTypeRow[] = [
  { type: 'Secp256r1', algorithm: 'ES256' },
  { type: 'Secp384r1', algorithm: 'ES384' },
  { type: 'Ed25519', algorithm: 'EdDSA' },
];

/** The Veramo key type for an algorithm, or undefined when own keys do not have it. */
export function keyTypeFor(algorithm: JwsAlgorithm): string | undefined {
  return keyTypes.find((row) => row.algorithm === algorithm)?.type;
}

const publishedFor: Readonly<Record<KeyState, boolean>> = {
  staged: false,
  active: true,
  // Strict verifiers reject a credential whose key is not listed, so a retired one stays until the last has expired.
  retired: true,
  expired: false,
  compromised: false,
};

/** Reads Veramo's row; throws when its metadata is not ours. */
export function toManagedKey(row: ManagedKeyInfo): ManagedKey {
  const { purpose, state, signsFrom, created, changed } = (row.meta ?? {}) as Record<string, unknown>;
  const algorithm = keyTypes.find(({ type }) => type === row.type)?.algorithm;
  const known =
    isJwsAlgorithm(algorithm) &&
    (purpose === 'assertionMethod' || purpose === 'authentication') &&
    typeof state === 'string' &&
    Object.hasOwn(publishedFor, state);
  if (!known) throw new ServiceError('key_unavailable', `Key ${row.kid} has no purpose or state that we know`);
  return {
    kid: row.kid,
    type: row.type,
    algorithm,
    purpose,
    state: state as KeyState,
    signsFrom: readDate(signsFrom, row.kid),
    created: readDate(created, row.kid),
    ...(changed === undefined ? {} : { changed: readDate(changed, row.kid) }),
    key: importJwk(publicKeyOf(row.type, row.publicKeyHex).export({ format: 'jwk' })),
  };
}

function readDate(value: unknown, kid: string): Date {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new ServiceError('key_unavailable', `Key ${kid} has an unreadable date`);
  return date;
}

/** Where this organisation offers something (DID Core 5.4); the id is a fragment. */
export interface DidService {
  readonly id: string;
  readonly type: string;
  readonly serviceEndpoint: string;
}

/** Builds the document. Keys are in the order of their ids, so that the same keys give the same bytes. */
export function buildDidDocument(
  did: string,
  keys: readonly ManagedKey[],
  services: readonly DidService[] = [],
): JsonObject {
  const sorted = [...keys].sort((a, b) => (a.kid < b.kid ? -1 : 1));
  const listed = (purpose: ProofPurpose) =>
    sorted
      .filter((key) => key.purpose === purpose && publishedFor[key.state])
      .flatMap((key) => methodsOf(did, key).map(({ id }) => id as string));
  const authentication = listed('authentication');
  return {
    '@context': [
      'https://www.w3.org/ns/did/v1',
      'https://w3id.org/security/multikey/v1',
      'https://w3id.org/security/jwk/v1',
      'https://w3id.org/security/suites/jws-2020/v1',
    ],
    id: did,
    verificationMethod: sorted.flatMap((key) => methodsOf(did, key)),
    assertionMethod: listed('assertionMethod'),
    ...(authentication.length === 0 ? {} : { authentication }),
    ...(services.length === 0 ? {} : { service: services.map((one) => ({ ...one, id: `${did}#${one.id}` })) }),
  };
}

/**
 * The id of the method that wallets read. They know keys as JWKs by the type of before Controlled Identifiers, and no
 * other (Credo 0.6.3, modules/dids/domain/key-type/keyDidMapping): such a key has a second method, of that type.
 */
export function walletMethodId(did: string, { kid, algorithm }: Pick<ManagedKey, 'kid' | 'algorithm'>): string {
  return algorithm === 'EdDSA' ? `${did}#${kid}` : `${did}#${kid}-2020`;
}

function methodsOf(did: string, managed: ManagedKey): JsonObject[] {
  const id = `${did}#${managed.kid}`;
  const common = { controller: did, ...revocation(managed) };
  if (managed.algorithm === 'EdDSA') {
    return [{ id, type: 'Multikey', publicKeyMultibase: toMultikey(managed.key), ...common }];
  }
  const material = { publicKeyJwk: { ...managed.key.jwk }, ...common };
  return [
    { id, type: 'JsonWebKey', ...material },
    { id: walletMethodId(did, managed), type: 'JsonWebKey2020', ...material },
  ];
}

/** Controlled Identifiers §2.2: `revoked` for a stolen key; `expires` must not be set when a key merely retires. */
function revocation({ state, changed, created }: ManagedKey): JsonObject {
  return state === 'compromised' ? { revoked: dateTimeStamp(changed ?? created) } : {};
}

function dateTimeStamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
