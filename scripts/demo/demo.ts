/**
 * `npm start`: brings up the authority and two trusts on loopback ports as separate organisations and plays the story
 * of story.ts. `--once` ends after it, with 0 only when every step was as told.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createNurse } from './nurse.js';
import { type Organisation, openOrganisation } from './organisation.js';
import { readHomeCredentials, readHostCredentials } from './passport.js';
import { play } from './story.js';
import { chapter, step } from './terminal.js';

const root = resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    agents: { type: 'string', default: join(root, 'agents') },
    data: { type: 'string', default: join(root, 'demo') },
  },
});

async function main(): Promise<void> {
  const begin = Date.now();
  process.stdout.write('Staff Passport: a nurse’s passport between three organisations\n');
  const [authority, home, host] = await Promise.all([
    openOrganisation('the authority', join(options.agents, 'registry.yml')),
    openOrganisation('trust A', join(options.agents, 'rxa.yml')),
    openOrganisation('trust B', join(options.agents, 'rxb.yml')),
  ]);
  const cast = [authority, home, host];
  const end = () => Promise.all(cast.map((organisation) => organisation.stop()));
  endOnSignal(end);
  try {
    await bringUp(authority, [home, host]);
    const homeCredentials = await readHomeCredentials(options.data, home.odsCode);
    const hostCredentials = await readHostCredentials(options.data, host.odsCode);
    const walletFile = join(home.stateFolder, '../nurse/wallet.json');
    const nurse = createNurse(walletFile);
    await play({ authority, home, host, homeCredentials, hostCredentials, nurse });
    process.stdout.write(`\nEvery step was as told, in ${((Date.now() - begin) / 1000).toFixed(1)} s.\n`);
  } catch (cause) {
    await end();
    throw cause;
  }
  if (options.once) await end();
  else printAddresses(authority, home, host);
}

async function bringUp(authority: Organisation, trusts: readonly Organisation[]): Promise<void> {
  chapter('Three organisations, each with its own folder, keys and database');
  const all = [authority, ...trusts];
  await step(
    `${namesOf(all)}: keys, did:web and database`,
    () => together(all, (one) => one.initialise()),
    (outcomes) => [...new Set(outcomes)].join(' and '),
  );
  await step('each trust receives the authority’s DID and key thumbprint out of band', async () => {
    for (const trust of trusts) handOverPin(authority, trust);
  });
  await step(`${authority.odsCode} serves`, authority.start, () => authority.url);
  await ensureReinstated(authority, trusts);
  await step(
    `${namesOf(trusts)} serve`,
    () => together(trusts, (trust) => trust.start()),
    () => trusts.map(({ url }) => url).join(' and '),
  );
}

function namesOf(organisations: readonly Organisation[]): string {
  return organisations.map(({ odsCode }) => odsCode).join(', ');
}

/** At once, but not over before the last one is: whoever stops the others must not stop them half begun. */
async function together<T>(cast: readonly Organisation[], work: (one: Organisation) => Promise<T>): Promise<T[]> {
  const begun = cast.map(work);
  await Promise.allSettled(begun);
  return Promise.all(begun);
}

function handOverPin(authority: Organisation, trust: Organisation): void {
  const pin = join(authority.stateFolder, 'registry-pin.json');
  if (!existsSync(pin)) throw new Error(`${pin} is missing: \`init\` of the authority writes it`);
  copyFileSync(pin, join(trust.stateFolder, 'registry-pin.json'));
}

/** A story that was cut off between suspension and reinstatement must not spoil the next one. */
async function ensureReinstated(authority: Organisation, trusts: readonly Organisation[]): Promise<void> {
  const token = await authority.token();
  const { body } = await authority.call('GET', '/registry/organisations', { token });
  for (const { odsCode } of trusts) {
    const listed = body.organisations.find((organisation: { odsCode: string }) => organisation.odsCode === odsCode);
    if (listed?.status !== 'suspended') continue;
    const path = `/registry/organisations/${odsCode}/reinstate`;
    await authority.call('POST', path, { token, body: { reason: 'demonstration: the last story was cut off' } });
  }
}

function endOnSignal(end: () => Promise<unknown>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.stdout.write('\nStopping …\n');
      void end().then(() => process.exit(options.once ? 1 : 0));
    });
  }
}

function printAddresses(authority: Organisation, home: Organisation, host: Organisation): void {
  process.stdout.write(`
The three organisations stay up. Worth opening:
  ${authority.url}/catalogue   the credential types, as pages and as JSON
  ${authority.url}/registry    who may issue what
  ${host.url}/verify      paste a credential, read the verdict
  ${home.url}/docs        the API (OpenAPI 3.1)
  ${home.url}/.well-known/did.json

Press Ctrl+C to stop. State is kept in ./state; delete the folder to begin anew.
`);
}

main().catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
