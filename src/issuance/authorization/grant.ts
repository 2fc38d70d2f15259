/**
 * What the authorization server needs of offers/: who may have which documents. The Offers of that room fit.
 */
import type { OAuthError } from '../../http/oauth-errors.js';
import type { Tx } from '../../store/store.js';

/** The documents of one offer, and the configurations that a wallet may receive them in. */
export interface Grant {
  readonly offerId: string;
  readonly documentIds: readonly string[];
  readonly configurationIds: readonly string[];
  readonly signedIn: boolean;
}

/** Returned, not thrown, so that a counted try is committed. */
export type Redeemed = { readonly grant: Grant } | { readonly refused: OAuthError };

/** The part of an offered document that matters here. */
export interface GrantedDocument {
  readonly id: string;
  readonly type: string;
}

/** Where grants come from. */
export interface GrantSource {
  redeemPreAuthorizedCode(tx: Tx, request: { code: string; txCode: string | undefined }): Promise<Redeemed>;
  grantForIssuerState(tx: Tx, request: { issuerState: string; subject: string }): Promise<Redeemed>;
  grantForPerson(tx: Tx, request: { subject: string; configurationIds?: readonly string[] }): Promise<Redeemed>;
  documents(tx: Tx, ids: readonly string[]): Promise<readonly GrantedDocument[]>;
}

/** A document as one configuration would issue it, under the name that a wallet asks for it by. */
export interface Dataset {
  readonly credentialIdentifier: string;
  readonly documentId: string;
  readonly configurationId: string;
}

/**
 * OpenID4VCI 1.0 6.2: a credential_identifier leads to one dataset and one configuration. The document's id does, unless
 * the document is granted in several formats.
 */
export function datasetsOf(grant: Grant, documents: readonly GrantedDocument[], typeOf: TypeOf): readonly Dataset[] {
  return documents.flatMap(({ id, type }) => {
    const configurations = grant.configurationIds.filter((configurationId) => typeOf(configurationId) === type);
    return configurations.map((configurationId) => ({
      credentialIdentifier: configurations.length === 1 ? id : `${id}.${configurationId}`,
      documentId: id,
      configurationId,
    }));
  });
}

/** The catalogue's type that a credential configuration issues; undefined where there is no such configuration. */
export type TypeOf = (configurationId: string) => string | undefined;
