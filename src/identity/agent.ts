/** The Veramo agent as the rest of the product knows it; nobody above credential/ imports Veramo itself. */
import type { ICredentialPlugin, IDIDManager, IKeyManager, IResolver, TAgent } from '@veramo/core-types';

/** Identifiers, keys, resolution and credentials: what every organisation's agent offers. */
export type PassportAgent = TAgent<IDIDManager & IKeyManager & IResolver & ICredentialPlugin>;

/** Objects that the agent file configures beside the agent itself, by JSON Pointer (RFC 6901). */
export interface AgentParts {
  /** The object at this pointer, or undefined when the agent file has none that the agent uses. */
  part(pointer: string): unknown;
  /** Closes every configured object that has a `close` or `destroy`, in reverse order of creation. */
  close(): Promise<void>;
}

/** What loadAgent returns. */
export interface LoadedAgent extends AgentParts {
  readonly agent: PassportAgent;
}
