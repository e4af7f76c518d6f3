import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const FILES = globSync('{apps,libs,test}/**/*.ts').map((file) => `/${file.replaceAll('\\', '/')}`);
/** `matrix.e2e`, `ics/session.spec.ts`, `test/integration/keys`: how a document names a file of tests. */
const NAMED =
  /^(?:(?:[\w.-]+\/)*[\w-]+\.(?:e2e|integration|interop|chaos|property|spec)(?:\.spec)?(?:\.ts)?|test\/[\w/.-]+)$/;

const filesOf = (name: string): string[] => {
  const stem = name.replace(/(?:\.spec)?(?:\.ts)?$/, '');
  return FILES.filter((file) => file.includes(`/${stem}.`) || file.includes(`/${stem}/`));
};

/** Backends whose API is published: each statement of theirs is held by a test. */
const FOLLOWED = ['keldoc', 'clic-rdv', 'rdv-service-public'].map((id) => `libs/connectors/src/${id}/README.md`);

describe.each(['docs/security.md', 'docs/compliance.md', ...FOLLOWED])('%s', (document) => {
  const text = readFileSync(document, 'utf8');

  test('names no file of tests that is not there', () => {
    const named = [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name).filter((name) => NAMED.test(name));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => filesOf(name).length === 0)).toEqual([]);
  });

  test('quotes no test by a name that it does not have', () => {
    const quoted = [...text.matchAll(/`([^`]+)` \(?((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file = '', names = '']) =>
      // Also of files that are named without their suffix.
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
    );
    const missing = quoted.filter(({ file, name }) => {
      const parts = name.split('…').map((part) => part.trim());
      const source = filesOf(file).map((one) => readFileSync(one.slice(1), 'utf8'));
      return !source.some((code) => parts.every((part) => code.replaceAll(/\\'|’/g, "'").includes(part)));
    });
    expect(missing).toEqual([]);
  });
});
