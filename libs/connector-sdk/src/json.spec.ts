import { describe, expect, it } from '@jest/globals';
import { parseJson } from './json.js';

const many = (count: number, item: string): string => `[${Array<string>(count).fill(item).join(',')}]`;

describe('JSON from outside', () => {
  it.each([
    [
      'a page of a large agenda',
      many(3000, '{"id":7,"start":"2027-03-01T09:00:00+01:00","name":"a, [b] \\\\\\" {c}","tags":[]}'),
    ],
    ['one long text', `["${'a\\\\\\"'.repeat(100_000)}"]`],
    ['blanks', `[${' '.repeat(1_000_000)}1]`],
    ['anything small', '['.repeat(500) + ']'.repeat(500)],
  ])('is read as it stands: %s', (_, text) => {
    expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
  });

  it.each([
    ['16 MB', many(1_600_000, '{"a":123}')],
    ['a great many values', many(60_000, '"aaaaaaaaaaaaaaaa"')],
    ['a great many empty objects', many(30_000, '[{}]')],
    ['more than 64 levels', `[${many(20_000, '1')},${'['.repeat(70)}${']'.repeat(70)}]`],
    ['an end that never comes', `["${'a'.repeat(100_000)}`],
    ['no JSON', `[${'x'.repeat(100_000)}]`],
  ])('is refused before it costs anything: %s', (_, text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});
