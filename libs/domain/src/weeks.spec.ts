import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KnownObject } from './reconcile-types.js';
import { expectedIn, heldIn, mustReadWeek, weeksOf } from './weeks.js';

const DAY = 86_400_000;
const WEEK = { start: 0, end: 7 * DAY };
const TEN = { start: DAY, end: DAY + 3_600_000 };
const LATER = { start: 10 * DAY, end: 10 * DAY + 3_600_000 };
const known = (change: Partial<KnownObject> = {}): KnownObject => {
  const one = { remoteId: 'a', version: '1', contentHash: 'h', appointmentId: null, when: TEN, summary: null };
  return { ...one, busy: [TEN], ...change };
};

test('weeks cover a window without gap or overlap', () => {
  fc.assert(
    fc.property(fc.nat(1e12), fc.integer({ min: 1, max: 400 * DAY }), (start, length) => {
      const weeks = weeksOf({ start, end: start + length });
      expect([weeks[0]?.start, weeks.at(-1)?.end]).toEqual([start, start + length]);
      weeks.slice(1).forEach((week, index) => expect(week.start).toBe(weeks[index]?.end));
      expect(weeks.every((week) => week.end - week.start <= 7 * DAY)).toBe(true);
    }),
  );
});

describe('what is held of a week', () => {
  test.each([
    ['the practitioner’s own time', known(), ['a'], ['a']],
    ['his free time', known({ busy: [] }), [], ['a']],
    ['what was read while it lay beyond the horizon', known({ busy: [], when: TEN }), [], ['a']],
    ['a series by its busy time', known({ when: LATER, busy: [LATER, TEN] }), ['a'], ['a']],
    ['time elsewhere', known({ when: LATER, busy: [LATER] }), [], []],
    ['an appointment where it stands', known({ appointmentId: 'x', busy: [] }), ['a'], ['a']],
    ['an appointment elsewhere', known({ appointmentId: 'x', when: LATER, busy: [] }), [], []],
    ['what has no time', known({ when: null, busy: [] }), [], []],
  ])('%s', (_, one, held, expected) => {
    expect([...heldIn(WEEK, [one]).keys()]).toEqual(held);
    expect([...expectedIn(WEEK, [one]).keys()]).toEqual(expected);
  });
});

describe('a week is read again', () => {
  const versions = (...list: [string, string | null][]): Map<string, string | null> => new Map(list);
  test.each([
    ['not when all versions are the same', versions(['a', '1']), versions(['a', '1']), 100 * DAY, false],
    ['not when it is empty on both sides', versions(), versions(), 100 * DAY, false],
    ['when a version differs', versions(['a', '2']), versions(['a', '1']), 100 * DAY, true],
    ['when something is not held', versions(['a', '1'], ['b', '1']), versions(['a', '1']), 100 * DAY, true],
    ['when something is gone', versions(), versions(['a', '1']), 100 * DAY, true],
    ['when another stands in its place', versions(['b', '1']), versions(['a', '1']), 100 * DAY, true],
    ['when the backend gives no version', versions(['a', null]), versions(['a', null]), 100 * DAY, true],
    ['when the last read was unreadable', versions(['a', '1']), versions(['a', null]), 100 * DAY, true],
    ['when part of it lay beyond the horizon', versions(['a', '1']), versions(['a', '1']), 7 * DAY - 1, true],
  ])('%s', (_, there, held, readUntil, again) => {
    expect(mustReadWeek(WEEK, { there, held }, readUntil)).toBe(again);
  });
});
