import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { connectors } from '#connectors';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CONNECTORS = 'libs/connectors/src';

const sources = ['apps', 'libs']
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
  )
  .filter((file) => file.endsWith('.ts') && !/\.(spec|suite)\.ts$/.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }));

const folders = readdirSync(path.join(ROOT, CONNECTORS), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('the sources', () => {
  it('have one connector per folder, registered under the folder’s name', () => {
    expect([...connectors.keys()].sort()).toEqual(folders.sort());
  });

  it.each(folders)('name the connector %s in its own folder only', (id) => {
    const quoted = new RegExp(`(['"\`])${id}\\1`);
    const elsewhere = sources.filter(
      ({ file, text }) =>
        !file.startsWith(`${CONNECTORS}/${id}/`) &&
        !file.startsWith('apps/mock-vendors/') &&
        !/\/seed[^/]*(\/|\.ts$)/.test(file) &&
        quoted.test(text),
    );
    expect(elsewhere.map(({ file }) => file)).toEqual([]);
  });

  it('read the environment in one file', () => {
    const readers = sources.filter(({ text }) =>
      /process\.env\b|process\[.env.\]|\benv\b[^;]*from '(node:)?process'/.test(text),
    );
    expect(readers.map(({ file }) => file).filter((file) => file !== 'libs/platform/src/env.ts')).toEqual([]);
  });
});
