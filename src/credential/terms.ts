/**
 * Whether the contexts of a credential define every word in it, as a method of the agent: a proof over its graph asks
 * anyhow, a token does not. What no context defines has no meaning for a reader (VCDM 2.0 5.2.1), so an issuer whose
 * credentials no schema describes must not sign it.
 */
import type { PassportAgent } from '../identity/identity.js';
import type { JsonObject } from '../json.js';

/** The method's name, which StaffPassportCredentialPlugin adds to the agent. */
export const termsMethod = 'checkCredentialTerms';

export interface TermsArgs {
  readonly credential: JsonObject;
}

/** A provider that knows contexts. */
export interface TermsProvider {
  checkTerms(args: TermsArgs): Promise<void>;
}

export function knowsTerms<T extends object>(provider: T): provider is T & TermsProvider {
  return 'checkTerms' in provider && typeof provider.checkTerms === 'function';
}

/** Throws ServiceError invalid_credential for a context that is not known, or a word that none defines. */
export async function checkTerms(agent: PassportAgent, credential: JsonObject): Promise<void> {
  await agent.execute<TermsArgs, void>(termsMethod, { credential });
}
