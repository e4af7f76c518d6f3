// A suite holds cases that several spec files run.
const NOT_TESTS = '\\.(spec|suite)\\.ts$';
const TEST_TOOLS = ['@jest/globals', 'fast-check', 'nock'];

const libFolders = (names) => names.map((name) => `^libs/${name}/`);
const packages = (names) => `^node_modules/(${names.join('|')})`;

/** Code under `from` may import these libs of ours and nothing else of ours. */
const may = (name, from, libs) => ({
  name: `${name}-layer`,
  severity: 'error',
  comment: `${from} may import only: ${libs.join(', ') || 'nothing of ours'}`,
  from: { path: `^${from}/`, pathNot: NOT_TESTS },
  to: { path: '^(libs|apps|test|scripts)/', pathNot: [`^${from}/`, ...libFolders(libs)] },
});

/** Code under `from` may use these npm packages (patterns) and no other. */
const mayUse = (name, from, names) => ({
  name: `${name}-packages`,
  severity: 'error',
  comment: `${from} may use only: ${names.join(', ')}`,
  from: { path: `^${from}/`, pathNot: NOT_TESTS },
  to: { path: '^node_modules/', pathNot: packages(names.map((pattern) => `${pattern}/`)) },
});

const mustNotUse = (name, from, names) => ({
  name: `${name}-packages`,
  severity: 'error',
  comment: `${from} must not use: ${names.join(', ')}`,
  from: { path: `^${from}/`, pathNot: NOT_TESTS },
  to: { path: packages(names.map((pattern) => `${pattern}/`)) },
});

const SERVER_PACKAGES = ['@nestjs/[^/]+', 'fastify', 'typeorm', 'pg', 'bullmq', 'ioredis', 'pino', 'prom-client'];
const NEST = ['@nestjs/[^/]+', '@fastify/[^/]+', 'fastify', 'reflect-metadata', 'rxjs', 'zod', 'pino', 'prom-client'];
const ALL_LIBS = [
  'domain',
  'connector-sdk',
  'icalendar',
  'connectors',
  'application',
  'persistence',
  'queue',
  'platform',
];

const layers = [
  may('domain', 'libs/domain', []),
  may('connector-sdk', 'libs/connector-sdk', ['domain']),
  may('connector-testkit', 'libs/connector-testkit', ['domain', 'connector-sdk']),
  may('icalendar', 'libs/icalendar', ['domain']),
  may('connectors', 'libs/connectors', ['domain', 'connector-sdk', 'icalendar']),
  may('application', 'libs/application', ['domain', 'connector-sdk']),
  may('persistence', 'libs/persistence', ['domain', 'application']),
  may('queue', 'libs/queue', ['domain', 'application']),
  may('platform', 'libs/platform', ['domain', 'application', 'connector-sdk']),
  may('api', 'apps/api', ALL_LIBS),
  may('worker', 'apps/worker', ALL_LIBS),
  may('mock-vendors', 'apps/mock-vendors', ['domain', 'platform']),
];

const npmPackages = [
  mayUse('domain', 'libs/domain', ['temporal-polyfill']),
  mayUse('connector-sdk', 'libs/connector-sdk', ['axios', 'zod']),
  mayUse('connector-testkit', 'libs/connector-testkit', TEST_TOOLS),
  mayUse('icalendar', 'libs/icalendar', ['ical\\.js']),
  // A connector brings its vendor's library, so the list is of what belongs to the hub.
  mustNotUse('connectors', 'libs/connectors', SERVER_PACKAGES),
  mayUse('application', 'libs/application', ['zod']),
  mayUse('persistence', 'libs/persistence', ['typeorm', 'pg', '@types/pg', 'p-limit']),
  mayUse('queue', 'libs/queue', ['bullmq', 'ioredis', 'pg', '@types/pg']),
  mayUse('platform', 'libs/platform', [...NEST, 'nodemailer', 'jose', 'openid-client']),
  mayUse('api', 'apps/api', NEST),
  mayUse('worker', 'apps/worker', NEST),
];

const structure = [
  {
    name: 'no-circular',
    severity: 'error',
    comment: 'A cycle is a missing port.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'one-door-between-libs',
    severity: 'error',
    comment: 'A lib is entered by its index.ts.',
    from: { path: '^libs/([^/]+)/' },
    to: { path: '^libs/[^/]+/', pathNot: ['^libs/$1/', '^libs/[^/]+/src/index\\.ts$'] },
  },
  {
    name: 'one-door-from-outside',
    severity: 'error',
    comment: 'A lib is entered by its index.ts.',
    from: { path: '^apps/' },
    to: { path: '^libs/[^/]+/', pathNot: '^libs/[^/]+/src/index\\.ts$' },
  },
  {
    name: 'one-door-from-tests',
    severity: 'error',
    comment: 'A lib is entered by its index.ts; a single connector, in a test, by its connector.ts.',
    from: { path: '^test/' },
    to: {
      path: '^libs/[^/]+/',
      pathNot: ['^libs/[^/]+/src/index\\.ts$', '^libs/connectors/src/[^/]+/connector\\.ts$'],
    },
  },
  {
    name: 'own-door',
    severity: 'error',
    comment: 'Inside a lib, import the file that holds the thing: its own index.ts leads to cycles.',
    from: { path: '^libs/([^/]+)/' },
    to: { path: '^libs/$1/src/index\\.ts$' },
  },
  {
    name: 'no-connector-to-connector',
    severity: 'error',
    comment: 'A backend is one folder.',
    from: { path: '^libs/connectors/src/([^/]+)/' },
    to: { path: '^libs/connectors/src/', pathNot: '^libs/connectors/src/$1/' },
  },
  {
    name: 'one-door-per-connector',
    severity: 'error',
    comment: 'A connector is entered by its connector.ts.',
    from: { path: '^libs/connectors/src/(registry\\.gen|index)\\.ts$' },
    to: { path: '^libs/connectors/src/[^/]+/', pathNot: '/connector\\.ts$' },
  },
  {
    name: 'domain-is-pure',
    severity: 'error',
    comment: 'The domain touches no clock, disk, network or platform.',
    from: { path: '^libs/domain/', pathNot: NOT_TESTS },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'tests-are-not-imported',
    severity: 'error',
    comment: 'Nothing that runs in production imports a test.',
    from: { path: '^(libs|apps)/', pathNot: NOT_TESTS },
    to: { path: ['^test/', NOT_TESTS] },
  },
  {
    name: 'no-development-packages',
    severity: 'error',
    comment: 'What runs in production finds only the packages installed in production.',
    from: { path: '^(libs|apps)/', pathNot: [NOT_TESTS, '^libs/connector-testkit/'] },
    to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@types/' },
  },
  {
    name: 'no-unresolvable',
    severity: 'error',
    comment: 'The import leads nowhere.',
    from: {},
    to: { couldNotResolve: true },
  },
];

export default {
  forbidden: [...layers, ...npmPackages, ...structure],
  options: {
    // Types count: a type imported against the direction is a dependency against the direction.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['^node_modules/', '^scripts/'] },
    exclude: { path: '^dist/' },
    preserveSymlinks: true,
    enhancedResolveOptions: {
      conditionNames: ['source', 'types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mts', '.d.mts', '.js', '.mjs'],
    },
  },
};
