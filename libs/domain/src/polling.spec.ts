import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextPollMs, type PollConditions } from './polling.js';

const MINUTE = 60_000;
const quiet: PollConditions = {
  wantedMs: null,
  changed: false,
  pushed: false,
  braked: false,
  localHour: 11,
  staleAfterMs: 60 * MINUTE,
  links: 1,
  rateLimit: null,
  throttledMs: null,
  spread: 0.999_999,
};
const poll = (change: Partial<PollConditions>): number => Math.round(nextPollMs({ ...quiet, ...change }) / 1000);

describe('when an agenda is polled next', () => {
  test.each([
    ['while it is being booked', { wantedMs: 10_000 }, 5],
    ['while it is being booked and pushes', { wantedMs: 10_000, pushed: true }, 20],
    ['a while after', { wantedMs: 10 * MINUTE }, 10],
    ['when it changed', { changed: true }, 10],
    ['quiet', {}, 300],
    ['quiet at night', { localHour: 22 }, 900],
    ['quiet before dawn', { localHour: 5 }, 900],
    ['quiet in the morning', { localHour: 6 }, 300],
    ['while deletions wait for a person', { braked: true, wantedMs: 0 }, 300],
    ['quiet, however soon a copy counts as stale', { staleAfterMs: 2 * MINUTE }, 300],
    ['quiet at night, however soon a copy counts as stale', { staleAfterMs: 2 * MINUTE, localHour: 2 }, 900],
    ['quiet and pushes', { pushed: true, staleAfterMs: 2 * MINUTE }, 300],
    ['last asked for half an hour ago', { wantedMs: 30 * MINUTE, staleAfterMs: 2 * MINUTE }, 300],
    ['at night while it is being booked', { wantedMs: 10_000, localHour: 2 }, 5],
    ['at night when it changed', { changed: true, localHour: 2 }, 10],
    ['booked, and stale within seconds', { wantedMs: 10_000, pushed: true, staleAfterMs: 10_000 }, 5],
    ['a while after, and stale within seconds', { wantedMs: 10 * MINUTE, staleAfterMs: 10_000 }, 5],
    ['just after the backend asked for peace', { wantedMs: 0, throttledMs: 1_000 }, 20],
    ['half an hour after', { wantedMs: 0, throttledMs: 30 * MINUTE }, 10],
    ['a day after', { wantedMs: 0, throttledMs: 24 * 60 * MINUTE }, 5],
  ])('%s', (_, change, seconds) => {
    expect(poll(change)).toBe(seconds);
  });

  test('all links of a connection together stay within half of its rate, however wanted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (links, rateLimit, spread) => {
          const everyMs = nextPollMs({ ...quiet, wantedMs: 0, links, rateLimit, spread });
          expect((links * MINUTE) / everyMs).toBeLessThanOrEqual(rateLimit * 0.5 * 1.01);
        },
      ),
    );
  });

  test('what is asked for, or changes, is read before it is stale; nothing waits for more than a quarter of an hour', () => {
    fc.assert(
      fc.property(
        fc.record({
          wantedMs: fc.option(fc.integer({ min: 0, max: 100 * MINUTE })),
          changed: fc.boolean(),
          pushed: fc.boolean(),
          localHour: fc.integer({ min: 0, max: 23 }),
          staleAfterMs: fc.integer({ min: 1_000, max: 24 * 60 * MINUTE }),
        }),
        (change) => {
          const lively = change.changed || (change.wantedMs !== null && change.wantedMs < 30 * MINUTE);
          const most = lively ? change.staleAfterMs : 15 * MINUTE + 1;
          expect(nextPollMs({ ...quiet, ...change })).toBeLessThan(most);
        },
      ),
    );
  });
});
