/**
 * A whole programme in this process: the authority and two trusts as `serve` would build them, each with its own
 * folder, keys, database and port, speaking to each other by HTTP. For tests that look inside (route list, tables);
 * those that kill processes use deployment.ts alone.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { type App, createApp, realSurroundings } from '../../src/app.js';
import { loadConfig, type ServiceConfig } from '../../src/config.js';
import { type Client, createClient } from './client.js';
import { type Deployment, type Field, openField, until } from './deployment.js';

/** One organisation that listens. */
export interface Member extends Client {
  readonly app: App;
  readonly config: ServiceConfig;
  readonly url: string;
  readonly did: string;
  readonly stateFolder: string;
  /** Faults of the background, which must stay empty. */
  readonly faults: unknown[];
  /** How many rows each table of each database has. */
  rows(): Promise<Record<string, number>>;
}

export interface Programme {
  readonly authority: Member;
  readonly rxa: Member;
  readonly rxb: Member;
  close(): Promise<void>;
}

/** Who stands in the registry; both trusts may issue every type. */
const names = { rxa: 'Rexford Acute NHS Trust (invented)', rxb: 'Bexley Moor Community NHS Trust (invented)' } as const;

const root = join(import.meta.dirname, '../..');
const types = readdirSync(join(root, 'schemas')).filter((name) => name.endsWith('Credential'));

export async function openProgramme(): Promise<Programme> {
  const field = await openField();
  const opened: Member[] = [];
  const close = async () => {
    // The trusts first: they ask the authority until the end.
    for (const member of opened.toReversed()) await member.app.drain();
    await field.close();
  };
  try {
    const [authority, rxa, rxb] = await deployAll(field);
    await authority.initialise();
    for (const trust of [rxa, rxb]) {
      await trust.initialise();
      const pin = readFileSync(join(authority.stateFolder, 'registry-pin.json'));
      writeFileSync(join(trust.stateFolder, 'registry-pin.json'), pin);
    }
    for (const deployment of [authority, rxa, rxb]) opened.push(await openMember(deployment));
    const [first, second, third] = opened as [Member, Member, Member];
    return { authority: first, rxa: second, rxb: third, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function deployAll(field: Field): Promise<[Deployment, Deployment, Deployment]> {
  const seedFile = join(field.folder, 'organisations.json');
  const authority = await field.deploy('xga', {
    roles: ['registry'],
    registry: { source: 'self', file: null },
    registryAuthority: { seedFile },
    logging: { level: 'silent' },
  });
  const trustSettings = (name: string) => ({
    name,
    programme: { baseUrl: authority.url },
    registry: { source: 'url', file: null, url: `${authority.url}/registry/list`, pinFile: 'registry-pin.json' },
    signIn: { provider: 'development' },
    logging: { level: 'silent' },
  });
  const rxa = await field.deploy('rxa', trustSettings(names.rxa));
  const rxb = await field.deploy('rxb', trustSettings(names.rxb));
  const organisations = [rxa, rxb].map(({ did }, index) => ({
    odsCode: index === 0 ? 'RXA' : 'RXB',
    name: index === 0 ? names.rxa : names.rxb,
    kind: 'nhs-trust',
    dids: [{ did }],
    issue: types.map((type) => ({ type, from: '2025-01-01T00:00:00Z' })),
  }));
  writeFileSync(seedFile, JSON.stringify({ programmeBaseUrl: authority.url, organisations }));
  return [authority, rxa, rxb];
}

async function openMember(deployment: Deployment): Promise<Member> {
  const faults: unknown[] = [];
  const onFault = (where: string, error: unknown) => void faults.push({ where, error });
  const loaded = loadConfig(deployment.config);
  const app = await createApp(loaded, { ...realSurroundings(), onFault });
  await app.listen();
  const client = createClient(deployment, deployment.url);
  await until(
    () => client.get('/health/ready'),
    ({ status }) => status === 200,
  );
  const { url, did, stateFolder } = deployment;
  return { ...client, app, config: loaded.config, url, did, stateFolder, faults, rows: () => countRows(stateFolder) };
}

/** Read beside the service, by a connection of its own: what is counted is committed. */
async function countRows(stateFolder: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const file of readdirSync(stateFolder).filter((name) => name.endsWith('.sqlite'))) {
    const database = await new Promise<sqlite3.Database>((done, fail) => {
      const opened: sqlite3.Database = new sqlite3.Database(join(stateFolder, file), sqlite3.OPEN_READONLY, (error) =>
        error ? fail(error) : done(opened),
      );
    });
    const query = <T>(sql: string) =>
      new Promise<T[]>((done, fail) => {
        database.all<T>(sql, (error, rows) => (error ? fail(error) : done(rows)));
      });
    for (const { name } of await query<{ name: string }>("select name from sqlite_master where type = 'table'")) {
      const [row] = await query<{ count: number }>(`select count(*) as count from "${name}"`);
      counts[`${file}: ${name}`] = row?.count ?? 0;
    }
    await new Promise<void>((done, fail) => {
      database.close((error) => (error ? fail(error) : done()));
    });
  }
  return counts;
}
