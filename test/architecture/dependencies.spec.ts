import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HARMLESS, OTHER_HALF, PLANTED } from './planted.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LIBS = [
  'domain',
  'connector-sdk',
  'connector-testkit',
  'icalendar',
  'connectors',
  'application',
  'persistence',
  'queue',
  'platform',
];

interface Report {
  readonly modules: readonly { readonly source: string; readonly dependencies: readonly unknown[] }[];
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

function write(folder: string, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
}

/** A tree with empty libs and one planted file per violation, judged by the project's own configuration. */
function cruise(folder: string): Report {
  for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs']) {
    cpSync(path.join(ROOT, file), path.join(folder, file));
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  for (const lib of LIBS) write(folder, `libs/${lib}/src/index.ts`, `export const lib = '${lib}';\n`);
  for (const { file, text } of [...HARMLESS, ...PLANTED, OTHER_HALF]) write(folder, file, text);
  const cli = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const options = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'apps', 'libs', 'test'];
  const run = spawnSync(process.execPath, [cli, ...options], { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (run.stdout === '') throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Report;
}

describe('the dependency rules', () => {
  let folder: string;
  let rules: string[];
  const broken = new Map<string, string[]>();

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'unisson-rules-'));
    const { default: config } = (await import(pathToFileURL(path.join(ROOT, '.dependency-cruiser.mjs')).href)) as {
      default: { forbidden: { name: string }[] };
    };
    rules = config.forbidden.map(({ name }) => name);
    for (const { from, rule } of cruise(folder).summary.violations) {
      broken.set(from, [...(broken.get(from) ?? []), rule.name]);
    }
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(PLANTED.map(({ file, rule }) => [rule, file]))('%s is broken by %s', (rule, file) => {
    expect(broken.get(file)).toContain(rule);
  });

  it('are all planted against', () => {
    expect(new Set(PLANTED.map(({ rule }) => rule))).toEqual(new Set(rules));
  });

  it('leave alone what is allowed', () => {
    expect(HARMLESS.filter(({ file }) => broken.has(file))).toEqual([]);
  });
});
