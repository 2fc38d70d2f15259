import type { SecuredCredential, SecureOptions, SigningKey } from '../credential/credential.js';
import type { PassportAgent } from '../identity/identity.js';
import { decodeBase64url } from '../jose/base64url.js';
import type { Json, JsonObject } from '../json.js';
import type { Tx } from '../store/store.js';
import { createBitstring, encodeBitstring } from './bitstring.js';
import type { StatusPurpose } from './model.js';
import {
  findList,
  insertList,
  insertPublication,
  type ListState,
  lockPublication,
  readSetIndexes,
  type StatusListRow,
  type StatusPublicationRow,
  updatePublication,
} from './store.js';

/** What signing a list takes. */
export interface Publishing {
  readonly agent: PassportAgent;
  readonly identity: {
    readonly did: string;
    /** The DID document, for whether others still accept the keys that lists were signed with. */
    document(): JsonObject;
    signingKey(algorithm: 'ES256' | 'EdDSA'): Promise<SigningKey>;
  };
  readonly secure: (agent: PassportAgent, options: SecureOptions) => Promise<SecuredCredential>;
  readonly publicUrl: string;
  readonly config: { readonly ttlSeconds: number; readonly listLength: number; readonly validSeconds: number };
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
}

/** The address of a list, which is also its `id`; `.jwt` holds the same bits, secured as vc+jwt. */
export function listUrl(publishing: Pick<Publishing, 'publicUrl'>, name: string): string {
  return `${publishing.publicUrl}/status-lists/${name}`;
}

/** Whom, where and with what promise a list was signed; a change of configuration makes it due for signing anew. */
export function signedFor({ identity, publicUrl, config }: Publishing): string {
  return [identity.did, publicUrl, config.ttlSeconds, config.validSeconds].join(' ');
}

/** Creates a list of a purpose with all bits clear, and publishes it; answers its id. */
export async function addList(
  publishing: Publishing,
  tx: Tx,
  purpose: StatusPurpose,
  state: ListState,
): Promise<string> {
  const now = publishing.now();
  const list: StatusListRow = {
    id: publishing.random(12).toString('base64url'),
    purpose,
    length: publishing.config.listLength,
    allocated: 0,
    state,
    createdAt: now.toISOString(),
  };
  await insertList(tx, list);
  await insertPublication(tx, { version: 1, ...(await signList(publishing, list, [], now)) });
  return list.id;
}

/**
 * Signs a list from its rows and stores the result; the caller holds the lock of `previous`. Verifiers refuse a list
 * that is older than one they have seen, so validFrom always grows, even when two changes share a millisecond or the
 * clocks of two processes differ.
 */
export async function publish(publishing: Publishing, tx: Tx, previous: StatusPublicationRow): Promise<void> {
  const list = await findList(tx, previous.listId);
  const setIndexes = await readSetIndexes(tx, list.id);
  const validFrom = new Date(Math.max(publishing.now().getTime(), Date.parse(previous.validFrom) + 1));
  const signed = await signList(publishing, list, setIndexes, validFrom);
  await updatePublication(tx, { ...signed, version: previous.version + 1 });
}

/** What decides whether a published list is signed anew. */
export type Due = (publishing: Publishing, publication: PublicationFacts) => boolean;
export type PublicationFacts = Pick<StatusPublicationRow, 'validFrom' | 'validUntil' | 'signedFor'> & {
  readonly signers: readonly string[];
};

/** The verification methods that a list was signed with, one in each securing. */
export function signersOf({ dataIntegrity, jwt }: Pick<StatusPublicationRow, 'dataIntegrity' | 'jwt'>): string[] {
  const { proof } = JSON.parse(dataIntegrity) as { proof: { verificationMethod: string } };
  const header = decodeBase64url(jwt.slice(0, jwt.indexOf('.'))).toString();
  return [proof.verificationMethod, (JSON.parse(header) as { kid: string }).kid];
}

/** Signs a list again if it is still due once its lock is held: another process may have been faster. */
export async function renew(publishing: Publishing, tx: Tx, listId: string, isDue: Due): Promise<void> {
  const publication = await lockPublication(tx, listId);
  if (isDue(publishing, { ...publication, signers: signersOf(publication) }))
    await publish(publishing, tx, publication);
}

/**
 * Half of the validity is left for whatever may go wrong: a store or a key that is away for days. A list whose key is
 * published no longer, since it was stolen, proves nothing to anybody and is signed anew at once.
 */
export function isDue(publishing: Publishing, { validFrom, validUntil, signers }: PublicationFacts): boolean {
  if (publishing.now().getTime() >= (Date.parse(validFrom) + Date.parse(validUntil)) / 2) return true;
  const { assertionMethod } = publishing.identity.document();
  const published: readonly Json[] = Array.isArray(assertionMethod) ? assertionMethod : [];
  return !signers.every((signer) => published.includes(signer));
}

/**
 * Signed before the configuration changed. Asked at the start only: two processes with different configurations,
 * as there are while an upgrade rolls through, would otherwise sign against each other for ever.
 */
export function isOutdated(publishing: Publishing, publication: PublicationFacts): boolean {
  return isDue(publishing, publication) || publication.signedFor !== signedFor(publishing);
}

type Signed = Omit<StatusPublicationRow, 'version'>;

async function signList(
  publishing: Publishing,
  list: StatusListRow,
  setIndexes: number[],
  validFrom: Date,
): Promise<Signed> {
  const { config, identity, agent, secure } = publishing;
  const validUntil = new Date(validFrom.getTime() + config.validSeconds * 1000);
  const encodedList = encodeBitstring(createBitstring(list.length, setIndexes));
  const build = (name: string) =>
    listCredential(publishing, { list, url: listUrl(publishing, name), encodedList, validFrom, validUntil });
  const [edKey, ecKey] = [await identity.signingKey('EdDSA'), await identity.signingKey('ES256')];
  const now = publishing.now();
  const integrity = await secure(agent, { credential: build(list.id), format: 'eddsa-rdfc-2022', key: edKey, now });
  const jose = await secure(agent, { credential: build(`${list.id}.jwt`), format: 'vc+jwt', key: ecKey, now });
  if (jose.compact === undefined) throw new Error('vc+jwt came back without its compact form');
  return {
    listId: list.id,
    validFrom: validFrom.toISOString(),
    validUntil: validUntil.toISOString(),
    signedFor: signedFor(publishing),
    dataIntegrity: JSON.stringify(integrity.verifiableCredential),
    jwt: jose.compact,
  };
}

interface ListFacts {
  readonly list: StatusListRow;
  readonly url: string;
  readonly encodedList: string;
  readonly validFrom: Date;
  readonly validUntil: Date;
}

/** Bitstring Status List 2.2. `type` is an array: some verifiers look for the name with includes(). */
function listCredential({ identity, config }: Publishing, facts: ListFacts): JsonObject {
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: facts.url,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer: identity.did,
    validFrom: facts.validFrom.toISOString(),
    validUntil: facts.validUntil.toISOString(),
    credentialSubject: {
      id: `${facts.url}#list`,
      type: 'BitstringStatusList',
      statusPurpose: facts.list.purpose,
      encodedList: facts.encodedList,
      ttl: config.ttlSeconds * 1000,
    },
  };
}
