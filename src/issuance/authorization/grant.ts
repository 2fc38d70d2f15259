/** What a wallet may have: what the authorization server needs of offers/, and the names that a wallet asks by. */
import type { Grant, OfferedDocument, Offers } from '../offers/offers.js';

/** Where grants come from. */
export type GrantSource = Pick<
  Offers,
  'redeemPreAuthorizedCode' | 'grantForIssuerState' | 'grantForPerson' | 'documents'
>;

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
export function datasetsOf(
  grant: Grant,
  documents: readonly Pick<OfferedDocument, 'id' | 'type'>[],
  typeOf: TypeOf,
): readonly Dataset[] {
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
