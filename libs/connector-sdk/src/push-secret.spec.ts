import { expect, test } from '@jest/globals';
import { hashPushToken, isPushToken } from './push-secret.js';

test('a token is known by its hash, and nothing else is', () => {
  const hash = hashPushToken('a token');
  expect(hash).not.toContain('a token');
  expect([isPushToken('a token', hash), isPushToken('another', hash), isPushToken(undefined, hash)]).toEqual([
    true,
    false,
    false,
  ]);
  expect(isPushToken(hash, hash)).toBe(false);
  expect(isPushToken('a token', '')).toBe(false);
});
