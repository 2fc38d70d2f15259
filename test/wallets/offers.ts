/** What HR does: offers documents to a person, and hands her wallet a credential offer. */
import { exampleOf } from '../journeys/client.js';
import type { Member } from './programme.js';

export type WalletFormat = 'jwt_vc' | 'sd_jwt' | 'vc2_jwt' | 'ldp';

/** Documents of one person, and how her wallet gets at them. */
export interface Order {
  readonly types: readonly string[];
  readonly formats: readonly WalletFormat[];
  readonly grant?: 'pre-authorized_code' | 'authorization_code';
  readonly byValue?: boolean;
  /** The `sub` of the person at the provider, for documents that need sign-in. */
  readonly person?: string;
  /** Not ready yet: the wallet is told to come again. */
  readonly pending?: boolean;
}

export interface Offered {
  readonly offerId: string;
  readonly documentIds: readonly string[];
  /** For the wallet: `openid-credential-offer://...`. */
  readonly uri: string;
  readonly txCode: string | undefined;
}

/** The catalogue's example, as HR prepares it: its holder is whoever's wallet comes. */
function documentOf(type: string): object {
  const { credentialSubject, type: types, evidence, validUntil } = exampleOf(type) as Record<string, object>;
  const { id: _holder, ...subject } = credentialSubject as Record<string, unknown>;
  return { type: types, credentialSubject: subject, evidence, validUntil };
}

export async function offer(trust: Member, order: Order): Promise<Offered> {
  const { types, formats, grant = 'pre-authorized_code', byValue = false, person, pending = false } = order;
  const credentials = types.map((type) => ({ credential: documentOf(type), ...(pending ? { pending } : {}) }));
  const created = await trust.post('/admin/offers', {
    credentials,
    ...(person === undefined ? {} : { person: { signInSubject: person } }),
  });
  if (created.status !== 201) throw new Error(`POST /admin/offers: ${created.status} ${created.text}`);
  const { offerId, txCode, documents } = created.body;
  const minted = await trust.post(`/admin/offers/${offerId}/credential-offers`, { walletFormats: formats, grant });
  if (minted.status !== 201) throw new Error(`credential-offers: ${minted.status} ${minted.text}`);
  const uri = byValue ? minted.body.uriByValue : minted.body.uri;
  const documentIds = (documents as { id: string }[]).map(({ id }) => id);
  return { offerId, documentIds, uri, txCode };
}

/** What was not ready is now. */
export async function release(trust: Member, { offerId, documentIds }: Offered): Promise<void> {
  const { status, text } = await trust.post(`/admin/offers/${offerId}/release`, { documentIds });
  if (status !== 200) throw new Error(`release: ${status} ${text}`);
}

/** The state of each document of an offer. */
export async function statesOf(trust: Member, { offerId }: Offered): Promise<string[]> {
  const token = await trust.token();
  const { body } = await trust.get(`/admin/offers/${offerId}`, { authorization: `Bearer ${token}` });
  return (body.documents as { state: string }[]).map(({ state }) => state);
}
