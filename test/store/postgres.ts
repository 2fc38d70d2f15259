/**
 * Databases on a real PostgreSQL. One server serves the whole test run (postgres-server.mjs starts it on the first
 * call); PG_URL names another one to use instead. A suite that asks and gets no server fails.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import pg from 'pg';

/** The URL of a new, empty database. */
export async function postgresUrl(): Promise<string> {
  const server = await serverUrl();
  const name = `staff_passport_test_${randomBytes(8).toString('hex')}`;
  await administer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Removes a database that `postgresUrl` made, with whoever is still connected. */
export async function dropPostgres(url: string): Promise<void> {
  await administer(await serverUrl(), `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
}

/** Runs one statement as an administrator, past the store. */
export async function administer(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function serverUrl(): Promise<string> {
  const { PG_URL, PG_STARTER_PORT } = process.env;
  if (PG_URL) return PG_URL;
  if (!PG_STARTER_PORT) throw new Error('jest.config.mjs must name test/store/postgres-server.mjs as its globalSetup.');
  const answer = await text(connect(Number(PG_STARTER_PORT), '127.0.0.1'));
  if (!answer.startsWith('postgres://')) throw new Error(`PostgreSQL did not start: ${answer}`);
  return answer;
}
