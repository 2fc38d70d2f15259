/** What this room needs of its neighbours: an access token that was checked, and documents that were prepared. */
import type { JsonObject } from '../../json.js';
import type { Tx } from '../../store/store.js';

/** What an access token stands for. */
export interface WalletAccess {
  /** One wallet that redeemed one grant; refreshing keeps it. */
  readonly sessionId: string;
  /** How often the session was refreshed. */
  readonly generation: number;
  readonly grant: {
    readonly offerId: string;
    /** Of the offer when it was granted; a resend counts it up. */
    readonly generation: number;
    readonly documentIds: readonly string[];
    readonly configurationIds: readonly string[];
    readonly signedIn: boolean;
  };
  /** The token response named credential identifiers; then nothing else may be asked for (OpenID4VCI 1.0 8.2). */
  readonly identifiers: boolean;
  readonly clientId?: string;
  /** The thumbprint of the key that it is bound to. */
  readonly jkt?: string;
}

/** A document of somebody's passport, as HR prepared it. */
export interface OfferedDocument {
  readonly id: string;
  readonly type: string;
  readonly state: 'pending' | 'offered' | 'issued' | 'declined' | 'withdrawn';
  readonly signInRequired: boolean;
}

/** The documents that are offered, and their contents. */
export interface Documents {
  /** Throws `not_found` for an unknown offer. */
  read(offerId: string): Promise<{ readonly documents: readonly { readonly id: string }[] }>;
  documents(tx: Tx, ids: readonly string[]): Promise<readonly OfferedDocument[]>;
  /** The credential in the form of the catalogue, without its subject's id. */
  content(tx: Tx, documentId: string): Promise<JsonObject>;
  /** Whether nothing was sent again since it was granted. */
  isCurrent(tx: Tx, grant: WalletAccess['grant']): Promise<boolean>;
  markIssued(tx: Tx, issued: { documentId: string; generation: number }): Promise<void>;
}
