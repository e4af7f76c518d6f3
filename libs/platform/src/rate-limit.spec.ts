import { expect, test } from '@jest/globals';
import { RateLimiter } from './rate-limit.js';

test('a caller has his minute, refilled steadily, and leaves the others alone', () => {
  let now = 0;
  const limiter = new RateLimiter(60, () => now);
  for (let n = 0; n < 60; n++) expect(limiter.take('a').allowed).toBe(true);
  expect(limiter.take('a')).toEqual({ allowed: false, limit: 60, remaining: 0, resetSeconds: 60, retryAfterMs: 1000 });
  expect(limiter.take('b')).toMatchObject({ allowed: true, remaining: 59 });
  now = 999;
  expect(limiter.take('a').allowed).toBe(false);
  now = 1000;
  expect(limiter.take('a').allowed).toBe(true);
  now = 1_000_000;
  expect(limiter.take('a').remaining).toBe(59);
});
