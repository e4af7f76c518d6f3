import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');

/** Where connections are made: to backends through the guard, to the mail server, the name servers and the databases of the operator. */
const DOORS = new Set([
  'libs/connector-sdk/src/http.ts',
  'libs/connectors/src/caldav/services.ts',
  'libs/platform/src/mailer.ts',
]);

const OPENS =
  /from '(node:)?(https?|http2|net|tls|dgram|dns|undici|axios|nodemailer)'|(?<!async )(?<![.\w])fetch\(|new (WebSocket|EventSource)\(/;
const TYPES_ONLY = /^import type .*;$/gm;

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/\.(spec|suite)\.ts$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

const RUNS = /\beval\(|new Function\(|from '(node:)?(child_process|vm)'/;
const FOLDERS = [
  ...['libs/connectors', 'libs/connector-sdk', 'libs/application', 'libs/domain', 'libs/platform', 'libs/icalendar'],
  ...['libs/persistence', 'libs/queue', 'apps/api', 'apps/worker'],
];

function filesWith(pattern: RegExp): string[] {
  return FOLDERS.flatMap(sources).filter((file) =>
    pattern.test(readFileSync(path.join(root, file), 'utf8').replace(TYPES_ONLY, '')),
  );
}

it('only the guarded door opens connections to what people name: no address can pass beside it', () => {
  expect(filesWith(OPENS).filter((file) => !DOORS.has(file))).toEqual([]);
});

it('no text is run: not as a program, not by a shell', () => {
  expect(filesWith(RUNS)).toEqual([]);
});
