export interface Source {
  readonly file: string;
  readonly text: string;
}

export interface Planted extends Source {
  /** The rule that must object. */
  readonly rule: string;
}

const imports = (...names: string[]): string =>
  `${names.map((name, index) => `import * as i${String(index)} from '${name}';`).join('\n')}\nexport const all = [${names.map((_, index) => `i${String(index)}`).join(', ')}];\n`;

const typeImport = (name: string): string => `import type { lib } from '${name}';\nexport type Lib = typeof lib;\n`;

const layer = (rule: string, folder: string, name: string): Planted[] => [
  { rule, file: `${folder}/planted-layer-${name.slice(1)}.ts`, text: imports(name) },
  { rule, file: `${folder}/planted-layer-type-${name.slice(1)}.ts`, text: typeImport(name) },
];

const npm = (rule: string, folder: string, name: string): Planted => ({
  rule,
  file: `${folder}/planted-npm.ts`,
  text: imports(name),
});

export const PLANTED: readonly Planted[] = [
  ...layer('domain-layer', 'libs/domain/src', '#connector-sdk'),
  ...layer('connector-sdk-layer', 'libs/connector-sdk/src', '#application'),
  ...layer('connector-testkit-layer', 'libs/connector-testkit/src', '#connectors'),
  ...layer('icalendar-layer', 'libs/icalendar/src', '#connector-sdk'),
  ...layer('connectors-layer', 'libs/connectors/src/one', '#application'),
  ...layer('application-layer', 'libs/application/src', '#persistence'),
  ...layer('persistence-layer', 'libs/persistence/src', '#queue'),
  ...layer('queue-layer', 'libs/queue/src', '#persistence'),
  ...layer('platform-layer', 'libs/platform/src', '#persistence'),
  ...layer('api-layer', 'apps/api/src', '#connector-testkit'),
  ...layer('worker-layer', 'apps/worker/src', '#connector-testkit'),
  ...layer('mock-vendors-layer', 'apps/mock-vendors/src', '#connectors'),
  { rule: 'api-layer', file: 'apps/api/src/planted-app.ts', text: imports('../../worker/src/main.js') },
  { rule: 'worker-layer', file: 'apps/worker/src/planted-app.ts', text: imports('../../api/src/main.js') },
  npm('domain-packages', 'libs/domain/src', 'zod'),
  npm('connector-sdk-packages', 'libs/connector-sdk/src', 'ical.js'),
  npm('connector-testkit-packages', 'libs/connector-testkit/src', 'axios'),
  npm('icalendar-packages', 'libs/icalendar/src', 'axios'),
  npm('connectors-packages', 'libs/connectors/src/one', '@nestjs/common'),
  npm('application-packages', 'libs/application/src', 'typeorm'),
  npm('persistence-packages', 'libs/persistence/src', 'bullmq'),
  npm('queue-packages', 'libs/queue/src', 'typeorm'),
  npm('platform-packages', 'libs/platform/src', 'typeorm'),
  npm('api-packages', 'apps/api/src', 'pg'),
  npm('worker-packages', 'apps/worker/src', 'typeorm'),
  { rule: 'no-circular', file: 'libs/queue/src/planted-cycle-a.ts', text: imports('./planted-cycle-b.js') },
  {
    rule: 'one-door-between-libs',
    file: 'libs/application/src/planted-door.ts',
    text: imports('../../domain/src/inside.js'),
  },
  {
    rule: 'one-door-from-outside',
    file: 'apps/api/src/planted-door.ts',
    text: imports('../../../libs/domain/src/inside.js'),
  },
  { rule: 'one-door-from-tests', file: 'test/planted-door.ts', text: imports('../libs/domain/src/inside.js') },
  { rule: 'own-door', file: 'libs/domain/src/planted-own-door.ts', text: imports('#domain') },
  { rule: 'own-door', file: 'libs/domain/src/planted-own-door-by-path.ts', text: imports('./index.js') },
  {
    rule: 'no-connector-to-connector',
    file: 'libs/connectors/src/one/planted-neighbour.ts',
    text: imports('../two/connector.js'),
  },
  { rule: 'one-door-per-connector', file: 'libs/connectors/src/registry.gen.ts', text: imports('./two/client.js') },
  { rule: 'domain-is-pure', file: 'libs/domain/src/planted-core.ts', text: imports('node:fs') },
  { rule: 'tests-are-not-imported', file: 'libs/queue/src/planted-test.ts', text: imports('./harmless.spec.js') },
  {
    rule: 'tests-are-not-imported',
    file: 'apps/api/src/planted-support.ts',
    text: imports('../../../test/harmless.js'),
  },
  { rule: 'no-development-packages', file: 'apps/mock-vendors/src/planted-dev.ts', text: imports('fast-check') },
  { rule: 'no-unresolvable', file: 'libs/queue/src/planted-nowhere.ts', text: imports('./nowhere.js') },
];

/** A cycle is reported once, at the file that comes first. */
export const OTHER_HALF: Source = {
  file: 'libs/queue/src/planted-cycle-b.ts',
  text: imports('./planted-cycle-a.js'),
};

export const HARMLESS: readonly Source[] = [
  { file: 'libs/domain/src/inside.ts', text: imports('temporal-polyfill') },
  { file: 'libs/connector-sdk/src/harmless.ts', text: imports('#domain', 'axios', 'zod', 'node:http') },
  {
    file: 'libs/connectors/src/two/connector.ts',
    text: imports('#domain', '#connector-sdk', '#icalendar', './client.js', 'ical.js'),
  },
  { file: 'libs/connectors/src/two/client.ts', text: imports('zod') },
  { file: 'libs/icalendar/src/harmless.ts', text: imports('#domain', 'ical.js', 'node:crypto') },
  { file: 'libs/application/src/harmless.ts', text: imports('#domain', '#connector-sdk', 'zod') },
  { file: 'libs/persistence/src/harmless.ts', text: imports('#domain', '#application', 'typeorm', 'pg') },
  { file: 'libs/queue/src/harmless.ts', text: imports('#application', 'bullmq', 'ioredis') },
  { file: 'libs/queue/src/harmless.spec.ts', text: imports('#connector-testkit', '@jest/globals', './harmless.js') },
  { file: 'libs/platform/src/harmless.ts', text: imports('#application', '@nestjs/common', 'pino') },
  { file: 'apps/api/src/main.ts', text: imports('#persistence', '#queue', '#connectors', '#platform', '@nestjs/core') },
  { file: 'apps/worker/src/main.ts', text: imports('#persistence', '#queue', '#connectors', '#platform') },
  { file: 'apps/mock-vendors/src/main.ts', text: imports('fastify', 'node:crypto') },
  { file: 'test/harmless.ts', text: imports('#domain', '#connectors', '../libs/connectors/src/two/connector.js') },
];
