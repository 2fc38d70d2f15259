/**
 * The wallets that a person may choose from. What each takes was observed, or read in its source (protocols.md, section 2):
 * most take only the first configuration of a credential offer, so they get one offer for each document.
 */
import type { WalletFormat } from '../offers/wallet-formats.js';

export interface Wallet {
  readonly id: string;
  readonly name: string;
  readonly hint?: string;
  readonly walletFormat: WalletFormat;
  /** One document for each credential offer, or all documents of one credential offer in turn. */
  readonly takes: 'one' | 'all';
}

export const wallets: readonly Wallet[] = [
  { id: 'paradym', name: 'Paradym Wallet', walletFormat: 'sd_jwt', takes: 'one' },
  {
    id: 'bifold',
    name: 'BC Wallet, or another that is made with Bifold',
    walletFormat: 'sd_jwt',
    takes: 'one',
  },
  { id: 'sphereon', name: 'Sphereon Wallet', walletFormat: 'jwt_vc', takes: 'one' },
  { id: 'learncard', name: 'LearnCard', walletFormat: 'jwt_vc', takes: 'one' },
  {
    id: 'staff-passport',
    name: 'Staff Passport wallet',
    hint: 'The command line program, for demonstrations and tests. It takes everything at once.',
    walletFormat: 'sd_jwt',
    takes: 'all',
  },
  {
    id: 'several',
    name: 'Another wallet that takes several documents at once',
    walletFormat: 'sd_jwt',
    takes: 'all',
  },
  {
    id: 'other',
    name: 'Another wallet, or I do not know',
    hint: 'You take the documents one after the other. This works with most wallets.',
    walletFormat: 'sd_jwt',
    takes: 'one',
  },
];

export function findWallet(id: string | null | undefined): Wallet | undefined {
  return wallets.find((wallet) => wallet.id === id);
}
