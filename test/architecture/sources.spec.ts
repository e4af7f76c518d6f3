import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { connectors } from '#connectors';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CONNECTORS = 'libs/connectors/src';
const SIMULATORS = 'apps/mock-vendors/src';

const sources = ['apps', 'libs']
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
  )
  .filter((file) => file.endsWith('.ts') && !/\.(spec|suite)\.ts$/.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }));

const folders = readdirSync(path.join(ROOT, CONNECTORS), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Names of protocols and of kinds of agendas are words of the language: only the quoted id is looked for. */
const WORDS: ReadonlySet<string> = new Set(['agenda-file', 'caldav', 'declarative', 'ics', 'in-house']);
const brands = folders.filter((id) => !WORDS.has(id));

/** Everything that is written by hand, whatever its kind; what specs say of a vendor is their business. */
const everything = ['apps', 'libs', 'scripts', 'docker', 'test']
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name))),
  )
  .filter((file) => !/(\.spec\.ts|\.md|\.gen\.ts)$/.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }));

/** In any spelling: with dashes, in one word, in camel case, with a space. */
const names = (id: string, text: string): boolean => new RegExp(id.split('-').join("[-_ ’']?"), 'i').test(text);

/** Where a vendor may be named. */
const isAbout = (file: string, id: string): boolean =>
  file.startsWith(`${CONNECTORS}/${id}/`) ||
  file.startsWith(`${SIMULATORS}/${id}/`) ||
  file === `${SIMULATORS}/vendors.ts` ||
  file.startsWith('test/contract/') ||
  file === 'test/support/vendor-rows.ts' ||
  /\/seed[^/]*(\/|\.ts$)/.test(file);

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

  it.each(brands)('know %s by no spelling beyond its own folder, its simulator, its targets and the seed', (id) => {
    const spelling = new RegExp(id.split('-').join("[-_ ’']?"), 'i');
    const mentions = everything.filter(({ file, text }) => !isAbout(file, id) && spelling.test(`${file}\n${text}`));
    expect(mentions.map(({ file }) => file)).toEqual([]);
  });

  it('would find a vendor’s name in a folder, a word or an identifier, but not where it belongs', () => {
    expect(brands.length).toBeGreaterThan(3);
    for (const text of ['class SomeVendorSession', 'some_vendor', 'Some Vendor', "'some-vendor'", 'asSomevendorDoes'])
      expect(names('some-vendor', text)).toBe(true);
    for (const id of brands) {
      expect(isAbout(`${CONNECTORS}/${id}/session.ts`, id)).toBe(true);
      expect(isAbout(`${CONNECTORS}/another/session.ts`, id)).toBe(false);
      expect(isAbout('libs/application/src/sync-link.ts', id)).toBe(false);
      expect(everything.some(({ file }) => isAbout(file, id) && file.startsWith(SIMULATORS))).toBe(true);
    }
  });

  it('read the environment in one file', () => {
    const readers = sources.filter(({ text }) =>
      /process\.env\b|process\[.env.\]|\benv\b[^;]*from '(node:)?process'/.test(text),
    );
    expect(readers.map(({ file }) => file).filter((file) => file !== 'libs/platform/src/env.ts')).toEqual([]);
  });
});
