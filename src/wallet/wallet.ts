/**
 * A small holder on the command line, for demonstrations and tests: receives an offer (OpenID4VCI 1.0), lists, presents
 * (OpenID4VP 1.0). One file, one P-256 key. It knows of the rest of the product only jose/: what it speaks with our
 * issuer and verifier is what any wallet speaks. Called by the command `wallet`.
 */
import type { Send } from './exchange.js';
import { openHolderKey } from './holder-key.js';
import { type Presented, presentTo } from './presenting.js';
import { type OfferAnswer, receiveOffer } from './receiving.js';
import { type HeldCredential, readWallet, writeWallet } from './wallet-file.js';

export type { Presented } from './presenting.js';
export type { OfferAnswer } from './receiving.js';
export type { HeldCredential } from './wallet-file.js';

/** A wallet in a file. */
export interface Wallet {
  readonly did: string;
  /** Each credential is in the file before the issuer is told that it was accepted. */
  receive(answer: OfferAnswer): Promise<readonly HeldCredential[]>;
  list(): readonly HeldCredential[];
  present(link: string): Promise<Presented>;
}

/** What a wallet takes from outside. */
export interface WalletDependencies {
  readonly file: string;
  readonly send: Send;
  readonly now: () => Date;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** A fresh text of at least 128 bits. */
  readonly nonce: () => string;
}

/** Opens the wallet in a file; an empty one with a new key where there is no file. */
export function openWallet(deps: WalletDependencies): Wallet {
  const holder = openHolderKey(readWallet(deps.file).key);
  const list = () => readWallet(deps.file).credentials;

  function keep(credential: HeldCredential): void {
    const content = readWallet(deps.file);
    writeWallet(deps.file, { ...content, credentials: [...content.credentials, credential] });
  }

  return {
    did: holder.did,
    list,
    async receive(answer) {
      const received: HeldCredential[] = [];
      await receiveOffer({ ...deps, holder }, answer, (credential) => {
        keep(credential);
        received.push(credential);
      });
      return received;
    },
    present: (link) => presentTo({ ...deps, holder }, link, list()),
  };
}
