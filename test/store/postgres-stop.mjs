// Jest's globalTeardown: see postgres-server.mjs.
export default async function teardown() {
  await globalThis.stopPostgres?.();
}
