import { describe, expect, test } from '@jest/globals';
import {
  idempotencyOf,
  isNotModified,
  parsePreferWait,
  requiredIdempotency,
  requiredVersion,
  versionTag,
} from './conventions.js';

describe('Prefer: wait', () => {
  test.each([
    [undefined, null],
    ['', null],
    ['wait=0', 0],
    ['wait=7', 7],
    ['respond-async, wait=3', 3],
    ['WAIT = "4"', 4],
    ['wait=600', 10],
    ['wait=-1', null],
    ['wait=soon', null],
    ['return=minimal', null],
  ])('%j means %j', (header, seconds) => {
    expect(parsePreferWait(header)).toBe(seconds);
  });
});

describe('If-Match', () => {
  test('names a version', () => {
    expect(requiredVersion({ 'if-match': versionTag(12) })).toBe(12);
  });

  test('is required', () => {
    expect(() => requiredVersion({})).toThrow(expect.objectContaining({ slug: 'precondition-required' }));
  });

  test.each(['*', '12', 'W/"12"', '"12", "13"', '"x"', '"99999999999"'])('%j is refused as input', (header) => {
    expect(() => requiredVersion({ 'if-match': header })).toThrow(expect.objectContaining({ slug: 'bad-input' }));
  });
});

test('If-None-Match spares the body of a version that is known', () => {
  expect(isNotModified({ 'if-none-match': '"1", W/"2"' }, 2)).toBe(true);
  expect(isNotModified({ 'if-none-match': '"1"' }, 2)).toBe(false);
  expect(isNotModified({}, 2)).toBe(false);
});

describe('Idempotency-Key', () => {
  test('stands for what was asked', () => {
    const headers = { 'idempotency-key': 'abc' };
    const first = requiredIdempotency(headers, ['POST', { a: 1 }]);
    expect(first).toEqual(idempotencyOf(headers, ['POST', { a: 1 }]));
    expect(first.hash.equals(requiredIdempotency(headers, ['POST', { a: 2 }]).hash)).toBe(false);
  });

  test('may be absent only where it is optional', () => {
    expect(idempotencyOf({}, [])).toBeNull();
    expect(() => requiredIdempotency({}, [])).toThrow(expect.objectContaining({ slug: 'idempotency-key-required' }));
  });

  test.each(['', 'a b', 'é', 'a\u0000', 'x'.repeat(256), ['a', 'b']])('%j is refused', (header) => {
    expect(() => idempotencyOf({ 'idempotency-key': header }, [])).toThrow(
      expect.objectContaining({ slug: 'bad-input' }),
    );
  });
});
