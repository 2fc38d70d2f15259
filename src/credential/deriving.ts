/** What a holder shows of a credential, as a method of the agent: no key is needed, but our contexts are. */
import type { PassportAgent } from '../identity/identity.js';
import type { JsonObject } from '../json.js';
import type { DeriveArgs } from './provider-arguments.js';

/** The method's name, which StaffPassportCredentialPlugin adds to the agent. */
export const deriveMethod = 'deriveVerifiableCredential';

/** A provider that can take less out of a credential than its issuer signed. */
export interface DerivingProvider {
  deriveCredential(args: DeriveArgs): Promise<JsonObject>;
}

export function isDeriving<T extends object>(provider: T): provider is T & DerivingProvider {
  return 'deriveCredential' in provider && typeof provider.deriveCredential === 'function';
}

/**
 * A credential with an ecdsa-sd-2023 base proof, reduced to its mandatory members and those that are pointed at, under
 * a derived proof; throws ServiceError invalid_request for a pointer, invalid_credential for the credential.
 */
export async function deriveCredential(agent: PassportAgent, args: DeriveArgs): Promise<JsonObject> {
  return agent.execute<DeriveArgs, JsonObject>(deriveMethod, args);
}
