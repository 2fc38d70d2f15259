/**
 * What the nurse does: opens the link that HR sent, signs in, lets her wallet receive, and answers requests with it. Her
 * wallet is the command `staff-passport wallet`; another wallet would speak the same protocols.
 */
import { rmSync } from 'node:fs';
import { linksOf, openBrowser } from './browser.js';
import { command } from './organisation.js';

/** The holder of the passport. */
export interface Nurse {
  /** Opens the passport page, signs in, takes all that is offered; the link for her wallet. */
  choose(link: string): Promise<string>;
  /** Lets the wallet receive an offer; the names of what it received. */
  receive(offer: string, txCode?: string): Promise<string[]>;
  /** Lets the wallet answer a request; the names of what it showed. */
  share(request: string): Promise<string[]>;
}

/** Whom her trust's identity provider knows the nurse as. */
export const staffIdentifier = 'staff-4711';

/** A nurse with an empty wallet. */
export function createNurse(walletFile: string): Nurse {
  rmSync(walletFile, { force: true });

  async function wallet(...args: string[]): Promise<string[]> {
    const [action = '', ...rest] = args;
    const printed = await command(['wallet', action, '--loopback', '--file', walletFile, ...rest]);
    return printed.split('\n');
  }

  return {
    async choose(link) {
      const browser = openBrowser();
      const signIn = await browser.open(`${link}/sign-in`);
      const documents = await browser.submit(signIn, { subject: staffIdentifier });
      const receiving = await browser.submit(documents, { wallet: 'staff-passport' });
      const [offer] = linksOf(receiving, 'openid-credential-offer');
      if (offer === undefined) throw new Error('the passport page shows no link for the wallet');
      return offer;
    },
    async receive(offer, txCode) {
      const lines = await wallet('receive', offer, ...(txCode === undefined ? [] : ['--tx-code', txCode]));
      return namesIn(lines, /^received {2}\S+ {2}(.*) {2}\(/);
    },
    async share(request) {
      return namesIn(await wallet('present', request), /^presented (.*)$/);
    },
  };
}

function namesIn(lines: readonly string[], pattern: RegExp): string[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
}
