import { describe, expect, test } from '@jest/globals';
import { checkVisit, fullRanges } from './availability.js';

const occupied = (...seats: readonly (readonly [start: number, end: number, seat: number | null])[]) =>
  seats.map(([start, end, seat]) => ({ interval: { start, end }, seat }));

describe('full ranges', () => {
  test('join where one appointment hands over to the next', () => {
    expect(fullRanges(occupied([0, 10, 1], [10, 20, 1]), 1)).toEqual([{ start: 0, end: 20 }]);
  });

  test('of two seats are where both are taken; a claim without a seat takes all', () => {
    expect(fullRanges(occupied([0, 10, 1], [5, 15, 2], [30, 40, null]), 2)).toEqual([
      { start: 5, end: 10 },
      { start: 30, end: 40 },
    ]);
  });

  test('of no seat are everywhere', () => {
    expect(fullRanges([], 0)).toEqual([{ start: -Infinity, end: Infinity }]);
  });
});

test('a visit without duration, or with a negative buffer, makes no sense', () => {
  const visit = { durationMs: 30, bufferBeforeMs: 0, bufferAfterMs: 0, granularityMs: 5 };
  expect(() => {
    checkVisit(visit);
  }).not.toThrow();
  for (const fault of [{ durationMs: 0 }, { bufferAfterMs: -1 }, { granularityMs: 0.5 }])
    expect(() => {
      checkVisit({ ...visit, ...fault });
    }).toThrow(RangeError);
});
