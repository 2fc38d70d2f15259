/**
 * Publishing Token Status Lists (draft-ietf-oauth-status-list). Each is drawn from two lists of bits, one of revocation
 * and one of suspension, in which a copy has the same index: whatever changes a bit signs the token anew, too.
 */
import { type JwsHeader, signJws } from '../jose/jws.js';
import type { Tx } from '../store/store.js';
import { addList, type Due, listUrl, type PublicationFacts, type Publishing, signedFor } from './publishing.js';
import {
  findTokenList,
  findTokenListOf,
  insertTokenList,
  insertTokenPublication,
  type ListState,
  lockTokenPublication,
  readSetIndexes,
  type TokenStatusListRow,
  type TokenStatusPublicationRow,
  updateTokenPublication,
} from './store.js';
import { createTokenList, encodeTokenList, publishedBits } from './token-list.js';

/** The `typ` of a Status List Token. */
export const tokenListType = 'statuslist+jwt';

/** Creates the two lists of bits and the list over them, all clear, and publishes the three. */
export async function addTokenList(publishing: Publishing, tx: Tx, state: ListState): Promise<void> {
  const now = publishing.now();
  const list: TokenStatusListRow = {
    id: publishing.random(12).toString('base64url'),
    // Closed, for their indexes are handed out here.
    revocationListId: await addList(publishing, tx, 'revocation', 'closed'),
    suspensionListId: await addList(publishing, tx, 'suspension', 'closed'),
    length: publishing.config.listLength,
    allocated: 0,
    state,
    createdAt: now.toISOString(),
  };
  await insertTokenList(tx, list);
  await insertTokenPublication(tx, { version: 1, ...(await signTokenList(publishing, tx, list, now)) });
}

/** After a bit of a list changed, within the same transaction: the Token Status List over it, if there is one. */
export async function publishTokenListOf(publishing: Publishing, tx: Tx, listId: string): Promise<void> {
  const list = await findTokenListOf(tx, listId);
  if (list === null) return;
  await publishTokenList(publishing, tx, list, await lockTokenPublication(tx, list.id));
}

/** `iat` has whole seconds and never goes back, even when the clocks of two processes differ. */
async function publishTokenList(
  publishing: Publishing,
  tx: Tx,
  list: TokenStatusListRow,
  previous: TokenStatusPublicationRow,
): Promise<void> {
  const validFrom = new Date(Math.max(publishing.now().getTime(), Date.parse(previous.validFrom)));
  const signed = await signTokenList(publishing, tx, list, validFrom);
  await updateTokenPublication(tx, { ...signed, version: previous.version + 1 });
}

/** Signs a list again if it is still due once its lock is held. */
export async function renewTokenList(publishing: Publishing, tx: Tx, listId: string, isDue: Due): Promise<void> {
  const publication = await lockTokenPublication(tx, listId);
  const facts: PublicationFacts = { ...publication, signers: [signerOf(publication.jwt)] };
  if (!isDue(publishing, facts)) return;
  await publishTokenList(publishing, tx, await findTokenList(tx, listId), publication);
}

/** The verification method that a Status List Token was signed with. */
export function signerOf(jwt: string): string {
  const header = Buffer.from(jwt.slice(0, jwt.indexOf('.')), 'base64url').toString();
  return (JSON.parse(header) as { kid: string }).kid;
}

async function signTokenList(
  publishing: Publishing,
  tx: Tx,
  list: TokenStatusListRow,
  validFrom: Date,
): Promise<Omit<TokenStatusPublicationRow, 'version'>> {
  const { config, identity } = publishing;
  const iat = Math.floor(validFrom.getTime() / 1000);
  const exp = iat + config.validSeconds;
  const revoked = await readSetIndexes(tx, list.revocationListId);
  const suspended = await readSetIndexes(tx, list.suspensionListId);
  const claims = {
    iss: identity.did,
    sub: listUrl(publishing, list.id),
    iat,
    exp,
    ttl: config.ttlSeconds,
    status_list: { bits: publishedBits, lst: encodeTokenList(createTokenList(list.length, { revoked, suspended })) },
  };
  return {
    listId: list.id,
    validFrom: validFrom.toISOString(),
    validUntil: new Date(exp * 1000).toISOString(),
    signedFor: signedFor(publishing),
    jwt: await signToken(publishing, claims),
  };
}

async function signToken({ agent, identity }: Publishing, claims: Parameters<typeof signJws>[1]): Promise<string> {
  const { keyRef, kid, algorithm } = await identity.signingKey('ES256');
  const header: JwsHeader = { alg: algorithm, typ: tokenListType, kid };
  return signJws(header, claims, async (data) => {
    // keyManagerSign takes bytes as they are; its type knows strings only.
    const signing = { keyRef, algorithm, data: data as unknown as string };
    return Buffer.from(await agent.keyManagerSign(signing), 'base64url');
  });
}
