// ESM under Jest: swc compiles TypeScript; `cookie` and `content-disposition` are ESM-only packages
// that light-my-request requires with require(), which Node 20 cannot do (decisions.md 23).
const swc = ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }];
const commonjs = ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^staff-passport/plugins$': '<rootDir>/src/plugins.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': swc, '/node_modules/(cookie|content-disposition)/.+\\.js$': commonjs },
  transformIgnorePatterns: ['/node_modules/(?!(cookie|content-disposition)/)'],
  testPathIgnorePatterns: ['/node_modules/', '/test/wallets/', '/test/fixtures/'],
  // PostgreSQL for the suites that ask for it (test/store/postgres.ts).
  globalSetup: '<rootDir>/test/store/postgres-server.mjs',
  globalTeardown: '<rootDir>/test/store/postgres-stop.mjs',
  testTimeout: 30_000,
  maxWorkers: 2,
};
