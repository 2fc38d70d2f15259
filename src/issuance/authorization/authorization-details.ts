/** `authorization_details` of the type openid_credential (RFC 9396, OpenID4VCI 1.0 5.1.1 and 6.2). */
import { OAuthError } from '../../http/oauth-errors.js';
import { isJsonObject, type Json, JsonError, type JsonObject, parseJson } from '../../json.js';
import type { Dataset, TypeOf } from './grant.js';

/** As large as a request for a whole passport, with its claims, may be. */
const limits = { maxBytes: 32 * 1024, maxDepth: 16, maxKeys: 1000 } as const;
const maxDetails = 64;

/** The configurations that a parameter asks for; undefined where there is no parameter. */
export function readAuthorizationDetails(
  text: string | undefined,
  { typeOf, issuer }: { typeOf: TypeOf; issuer: string },
): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const details = parse(text);
  if (!Array.isArray(details) || details.length === 0 || details.length > maxDetails) {
    throw refused(`It must be an array of 1 to ${maxDetails} objects.`);
  }
  return [...new Set(details.map((detail) => configurationOf(detail, { typeOf, issuer })))];
}

function parse(text: string): Json {
  try {
    return parseJson(text, limits);
  } catch (cause) {
    if (cause instanceof JsonError) throw refused('It is not acceptable JSON.', cause);
    throw cause;
  }
}

/** RFC 9396 5: an unknown type is refused; further members of ours are not (OpenID4VCI 1.0 5.1.1). */
function configurationOf(detail: Json, { typeOf, issuer }: { typeOf: TypeOf; issuer: string }): string {
  if (!isJsonObject(detail) || detail.type !== 'openid_credential') {
    throw refused('The only type here is openid_credential.');
  }
  const { credential_configuration_id: id, locations } = detail;
  if (typeof id !== 'string' || typeOf(id) === undefined) {
    throw refused('credential_configuration_id is not one of the credential issuer metadata.');
  }
  if (locations !== undefined && !(Array.isArray(locations) && locations.includes(issuer))) {
    throw refused('locations does not name this credential issuer.');
  }
  return id;
}

/** What the token response says: by which identifiers the wallet asks for the documents of each configuration. */
export function writeAuthorizationDetails(datasets: readonly Dataset[]): JsonObject[] {
  const byConfiguration = new Map<string, string[]>();
  for (const { configurationId, credentialIdentifier } of datasets) {
    byConfiguration.set(configurationId, [...(byConfiguration.get(configurationId) ?? []), credentialIdentifier]);
  }
  return [...byConfiguration].map(([id, identifiers]) => ({
    type: 'openid_credential',
    credential_configuration_id: id,
    credential_identifiers: identifiers,
  }));
}

function refused(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_authorization_details', `authorization_details: ${detail}`, { cause });
}
