import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { createHttpClient, type HttpClient } from '../http/client.js';
import { type HeldCredential, openWallet, type Wallet } from '../wallet/wallet.js';
import { say } from './options.js';

/** Where and how the wallet lives. */
interface Place {
  readonly file: string;
  readonly loopback?: boolean;
  readonly authorities?: string;
  readonly privateHost?: string[];
}

/** `wallet`: a holder for demonstrations and tests. */
export function walletCommand(): Command {
  return new Command('wallet')
    .description('Hold credentials on the command line: for demonstrations and tests, not for people')
    .addCommand(receiveCommand())
    .addCommand(listCommand())
    .addCommand(presentCommand());
}

function placed(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('-f, --file <file>', 'the wallet file; made with a new key where there is none')
    .option('--loopback', 'speak to services on this machine, by http too')
    .option('--authorities <file>', "certificate authorities (PEM) beside the system's")
    .option('--private-host <host...>', 'hosts that may have private addresses');
}

function receiveCommand(): Command {
  return placed('receive', 'Take everything that an offer link (openid-credential-offer://) offers')
    .argument('<offer>', 'the link, as in the QR code')
    .option('-t, --tx-code <code>', 'the code that the issuer gave by another way')
    .action((offer: string, { txCode, ...place }: Place & { txCode?: string }) =>
      withWallet(place, async (wallet) => {
        const received = await wallet.receive({ offer, ...(txCode === undefined ? {} : { txCode }) });
        for (const credential of received) say(`received  ${lineOf(credential)}`);
      }),
    );
}

function listCommand(): Command {
  return placed('list', 'List what the wallet holds').action((place: Place) =>
    withWallet(place, async (wallet) => {
      say(`holder ${wallet.did}`);
      for (const credential of wallet.list()) say(lineOf(credential));
    }),
  );
}

function presentCommand(): Command {
  return placed('present', 'Answer a request link (openid4vp://) with what it asks for')
    .argument('<request>', 'the link, as in the QR code')
    .action((request: string, place: Place) =>
      withWallet(place, async (wallet) => {
        const { verifier, names, redirectUri } = await wallet.present(request);
        for (const name of names) say(`presented ${name}`);
        say(`to ${verifier}`);
        if (redirectUri !== undefined) say(`go on at ${redirectUri}`);
      }),
    );
}

function lineOf({ id, name, format, issuer }: HeldCredential): string {
  return `${id}  ${name}  (${format}, from ${issuer})`;
}

async function withWallet(place: Place, work: (wallet: Wallet) => Promise<void>): Promise<void> {
  const client = clientOf(place);
  const nonce = () => randomBytes(16).toString('base64url');
  const send = client.exchangeFor('wallet');
  try {
    await work(openWallet({ file: place.file, send, now: () => new Date(), pause, nonce }));
  } finally {
    await client.close();
  }
}

function clientOf({ loopback = false, authorities, privateHost = [] }: Place): HttpClient {
  const network = {
    privateHosts: privateHost,
    ...(authorities === undefined ? {} : { certificateAuthoritiesFile: authorities }),
  };
  return createHttpClient({ loopback, now: () => new Date(), network });
}
