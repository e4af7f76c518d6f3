import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assignSeats, bookableStarts, explainStart, fullRanges } from './availability.js';
import type { AvailabilityQuery, Occupation, Visit } from './availability.js';
import { overlaps } from './interval.js';
import type { Interval } from './interval.js';

const MINUTE = 60_000;
const at = (hours: number, minutes = 0): number => (hours * 60 + minutes) * MINUTE;
const span = (start: number, end: number): Interval => ({ start, end });
const visit = (minutes: number, rest: Partial<Visit> = {}): Visit => ({
  durationMs: minutes * MINUTE,
  bufferBeforeMs: 0,
  bufferAfterMs: 0,
  granularityMs: minutes * MINUTE,
  ...rest,
});
const query = (rest: Partial<AvailabilityQuery>): AvailabilityQuery & { limit: number } => ({
  openings: [span(at(9), at(12))],
  occupied: [],
  capacity: 1,
  visit: visit(30),
  window: span(at(0), at(24)),
  from: 0,
  limit: 1000,
  ...rest,
});
const starts = (rest: Partial<AvailabilityQuery & { limit: number }>): number[] =>
  bookableStarts({ ...query(rest), ...rest }).map((slot) => slot.start);

/** Tries every instant, one by one; small numbers stand for milliseconds. */
function slowStarts(input: AvailabilityQuery): number[] {
  const { openings, occupied, capacity, window, from } = input;
  const { durationMs, bufferBeforeMs, bufferAfterMs, granularityMs } = input.visit;
  const found: number[] = [];
  for (let start = window.start; start < window.end; start++) {
    const isOpen = (instant: number) => openings.some((x) => x.start <= instant && instant < x.end);
    const use = (instant: number) =>
      occupied
        .filter(({ interval }) => interval.start <= instant && instant < interval.end)
        .reduce((sum, { seat }) => sum + (seat === null ? capacity : 1), 0);
    const range = (a: number, b: number) => Array.from({ length: b - a }, (_, i) => a + i);
    const inside = range(start, start + durationMs).every(isOpen);
    const onGrid = openings.some((x) => x.start <= start && start < x.end && (start - x.start) % granularityMs === 0);
    const free = range(start - bufferBeforeMs, start + durationMs + bufferAfterMs).every((x) => use(x) < capacity);
    if (start >= from && inside && onGrid && free) found.push(start);
  }
  return found;
}

const interval = (max: number, length: number) =>
  fc
    .record({ start: fc.integer({ min: -5, max }), length: fc.integer({ min: 0, max: length }) })
    .map((x) => span(x.start, x.start + x.length));
const arbitraryQuery: fc.Arbitrary<AvailabilityQuery> = fc.record({
  openings: fc.array(interval(60, 30), { maxLength: 5 }),
  occupied: fc.array(
    fc.record<Occupation>({ interval: interval(70, 12), seat: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 3 }) }),
    { maxLength: 10 },
  ),
  capacity: fc.integer({ min: 0, max: 3 }),
  visit: fc.record({
    durationMs: fc.integer({ min: 1, max: 9 }),
    bufferBeforeMs: fc.integer({ min: 0, max: 4 }),
    bufferAfterMs: fc.integer({ min: 0, max: 4 }),
    granularityMs: fc.integer({ min: 1, max: 7 }),
  }),
  window: interval(60, 70),
  from: fc.integer({ min: -10, max: 60 }),
});

describe('bookableStarts', () => {
  test('an empty morning is cut by the duration', () => {
    expect(starts({})).toEqual([at(9), at(9, 30), at(10), at(10, 30), at(11), at(11, 30)]);
  });

  test('buffers may stick out of the opening but not into an appointment', () => {
    const occupied = [{ interval: span(at(10), at(10, 30)), seat: 1 }];
    const buffered = visit(30, { bufferBeforeMs: 15 * MINUTE, bufferAfterMs: 15 * MINUTE });
    expect(starts({ visit: buffered, occupied })).toEqual([at(9), at(11), at(11, 30)]);
  });

  test('touching openings are one for the length of a visit, a gap is not bridged', () => {
    const touching = [span(at(9), at(9, 30)), span(at(9, 30), at(10))];
    expect(starts({ openings: touching, visit: visit(60) })).toEqual([at(9)]);
    const apart = [span(at(9), at(9, 30)), span(at(9, 31), at(10, 1))];
    expect(starts({ openings: apart, visit: visit(60) })).toEqual([]);
  });

  test('the grid of a round-the-clock opening does not depend on the days that were loaded', () => {
    const days = [0, 24, 48].map((hour) => span(at(hour), at(hour + 24)));
    const window = span(at(48), at(72));
    const odd = visit(50);
    expect(starts({ openings: days, window, visit: odd })).toEqual(
      starts({ openings: days.slice(2), window, visit: odd }),
    );
  });

  test('one of two seats is enough, a closure takes both', () => {
    const busy = span(at(9), at(12));
    const one = [{ interval: busy, seat: 2 }];
    expect(starts({ capacity: 2, occupied: one })).toHaveLength(6);
    expect(starts({ capacity: 2, occupied: [...one, { interval: span(at(9), at(10)), seat: 2 }] })).toHaveLength(4);
    expect(starts({ capacity: 2, occupied: [{ interval: busy, seat: null }] })).toEqual([]);
  });

  test('notice, window and limit', () => {
    expect(starts({ from: at(9, 31) })[0]).toBe(at(10));
    expect(starts({ window: span(at(10), at(11)) })).toEqual([at(10), at(10, 30)]);
    expect(starts({ limit: 2 })).toEqual([at(9), at(9, 30)]);
    expect(starts({ limit: 0 })).toEqual([]);
  });

  test('a visit without duration is refused', () => {
    expect(() => bookableStarts(query({ visit: visit(0) }))).toThrow(RangeError);
    expect(() => bookableStarts(query({ visit: visit(30, { bufferAfterMs: -1 }) }))).toThrow(RangeError);
  });

  test('agrees with trying every instant', () => {
    fc.assert(
      fc.property(arbitraryQuery, fc.integer({ min: 0, max: 20 }), (input, limit) => {
        const expected = slowStarts(input);
        expect(bookableStarts({ ...input, limit: 1000 }).map((x) => x.start)).toEqual(expected);
        expect(bookableStarts({ ...input, limit })).toEqual(
          expected.slice(0, limit).map((start) => span(start, start + input.visit.durationMs)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('three months of a full agenda take milliseconds', () => {
    const days = Array.from({ length: 90 }, (_, day) => day * 24);
    const openings = days.flatMap((day) => [span(at(day + 8), at(day + 12)), span(at(day + 14), at(day + 19))]);
    const occupied = days.flatMap((day) =>
      Array.from({ length: 30 }, (_, i) => ({
        interval: span(at(day + 8, i * 20), at(day + 8, i * 20 + 15)),
        seat: 1,
      })),
    );
    const began = performance.now();
    bookableStarts(query({ openings, occupied, window: span(0, at(90 * 24)), visit: visit(5) }));
    expect(performance.now() - began).toBeLessThan(250);
  });
});

describe('explainStart', () => {
  test('gives every reason', () => {
    const occupied = [{ interval: span(at(10), at(11)), seat: 1 }];
    expect(explainStart(at(9), query({ occupied }))).toEqual([]);
    expect(explainStart(at(10, 30), query({ occupied }))).toEqual(['BUSY']);
    expect(explainStart(at(9, 10), query({ occupied }))).toEqual(['CLOSED']);
    expect(explainStart(at(9), query({ from: at(10) }))).toEqual(['NOTICE_TOO_SHORT']);
    expect(explainStart(at(33), query({}))).toEqual(['CLOSED', 'HORIZON']);
  });

  test('is silent exactly for what is offered', () => {
    fc.assert(
      fc.property(arbitraryQuery, fc.integer({ min: -10, max: 80 }), (input, start) => {
        const offered = bookableStarts({ ...input, limit: 1000 }).some((slot) => slot.start === start);
        expect(explainStart(start, input).length === 0).toBe(offered);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('seats', () => {
  test('full ranges join where one appointment hands over to the next', () => {
    const occupied = [span(0, 10), span(10, 20)].map((x) => ({ interval: x, seat: 1 }));
    expect(fullRanges(occupied, 1)).toEqual([span(0, 20)]);
  });

  test('are assigned without overlap exactly when the peak allows it', () => {
    fc.assert(
      fc.property(
        fc.array(interval(40, 15), { maxLength: 12 }),
        fc.integer({ min: 0, max: 5 }),
        (intervals, capacity) => {
          const real = intervals.filter((x) => x.start < x.end);
          const peak = Math.max(
            0,
            ...real.map((x) => real.filter((y) => y.start <= x.start && x.start < y.end).length),
          );
          const seats = assignSeats(intervals, capacity);
          expect(seats === null).toBe(peak > capacity);
          if (!seats || real.length === 0) return;
          expect(Math.min(...seats)).toBeGreaterThanOrEqual(1);
          expect(Math.max(...seats)).toBeLessThanOrEqual(capacity);
          intervals.forEach((a, i) => {
            intervals.forEach((b, j) => {
              if (i < j && seats[i] === seats[j] && a.start < a.end && b.start < b.end)
                expect(overlaps(a, b)).toBe(false);
            });
          });
        },
      ),
      { numRuns: 2000 },
    );
  });
});
