import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NAME = 'agenda-neuf';
const COPIED = ['package.json', 'package-lock.json', 'tsconfig.json', 'jest.config.mjs', '.dependency-cruiser.mjs'];
const FOLDERS = [
  ...['scripts', 'libs/domain', 'libs/connector-sdk', 'libs/connector-testkit', 'libs/connectors', 'libs/icalendar'],
  ...['apps/mock-vendors', 'test/contract'],
];
const SUPPORT = [
  ...['setup.mjs', 'jest-environment.mjs', 'jest-runtime.mjs', 'jest-sequencer.mjs'],
  ...['postgres-setup.mjs', 'postgres-teardown.mjs', 'dav-proxy.ts'],
].map((name) => `test/support/${name}`);
const MADE = [`libs/connectors/src/${NAME}`, `apps/mock-vendors/src/${NAME}`];

jest.setTimeout(180_000);

describe('a new connector', () => {
  let folder: string;

  const run = (...command: string[]): { status: number | null; output: string } => {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const result = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env });
    return { status: result.status, output: result.stdout + result.stderr };
  };

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'unisson-new-connector-'));
    for (const name of [...COPIED, ...FOLDERS, ...SUPPORT]) {
      cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    }
    const include = [...MADE.map((made) => `${made}/**/*.ts`), `test/contract/${NAME}.integration.spec.ts`];
    const narrow = { extends: './tsconfig.json', include };
    writeFileSync(path.join(folder, 'tsconfig.new.json'), JSON.stringify(narrow));
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is made from the template, and registered', () => {
    expect(run('scripts/new-connector.mjs', 'Not-A-Name').status).toBe(1);
    expect(run('scripts/new-connector.mjs', NAME)).toMatchObject({ status: 0 });
    expect(run('scripts/new-connector.mjs', NAME).output).toContain('already');
    for (const list of ['libs/connectors/src/registry.gen.ts', 'apps/mock-vendors/src/vendors.ts'])
      expect(readFileSync(path.join(folder, list), 'utf8')).toContain('agendaNeuf');
    expect(run('scripts/gen.mjs', '--check')).toMatchObject({ status: 0 });
  });

  it('passes the type check and the dependency rules as it is', () => {
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(run(tsc, '-p', 'tsconfig.new.json', '--noEmit', '--incremental', 'false')).toEqual({
      status: 0,
      output: '',
    });
    const depcruise = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    expect(run(depcruise, '--config', '.dependency-cruiser.mjs', ...MADE)).toMatchObject({
      status: 0,
    });
  });

  it('keeps the contract as it is', () => {
    const { status, output } = run('scripts/contract.mjs', NAME);
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining('a second pull is empty') });
  });

  it.each(MADE)('is missed by the check when %s is removed', (made) => {
    rmSync(path.join(folder, made), { recursive: true });
    expect(run('scripts/gen.mjs', '--check')).toMatchObject({ status: 1 });
    expect(run('scripts/gen.mjs')).toMatchObject({ status: 0 });
    expect(existsSync(path.join(folder, made))).toBe(false);
    expect(run('scripts/gen.mjs', '--check')).toMatchObject({ status: 0 });
  });
});
