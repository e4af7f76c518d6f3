import { swcOptions } from './scripts/swc-options.mjs';

const shared = {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testEnvironment: '<rootDir>/test/support/jest-environment.mjs',
  runtime: '<rootDir>/test/support/jest-runtime.mjs',
  injectGlobals: false,
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: {
    '^#([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': ['@swc/jest', swcOptions],
  },
  setupFiles: ['<rootDir>/test/support/setup.mjs'],
};

/** A kind of test is a project: its suffix decides which servers it may count on. */
const project = (displayName, testMatch, options = {}) => ({ ...shared, displayName, testMatch, ...options });

const withPostgres = {
  globalSetup: '<rootDir>/test/support/postgres-setup.mjs',
  globalTeardown: '<rootDir>/test/support/postgres-teardown.mjs',
};

export default {
  // Two processors, and files that often wait: for an answer that does not come, for a lease to run out.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/jest-sequencer.mjs',
  workerIdleMemoryLimit: '700MB',
  testTimeout: 60_000,
  projects: [
    project('unit', ['**/*.spec.ts', '!**/*.{integration,interop,e2e,chaos}.spec.ts']),
    project('integration', ['**/*.integration.spec.ts'], withPostgres),
    project('e2e', ['**/*.e2e.spec.ts'], withPostgres),
    project('interop', ['**/*.interop.spec.ts'], withPostgres),
    project('chaos', ['**/*.chaos.spec.ts'], withPostgres),
  ],
};
