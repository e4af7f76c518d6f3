import { describe, expect, test } from '@jest/globals';
import { narrowed } from './backend-rules.js';
import type { MotifRules } from './types.js';

const OPEN: MotifRules = {
  noticeMinutes: 0,
  horizonDays: null,
  priority: 'routine',
  audiences: null,
  newPatients: 'accepted',
  age: null,
  gapDays: null,
  quotas: [],
};

describe("rules of the hub and of the practitioner's own tool", () => {
  test.each([
    ['accepted', 'accepted', 'accepted'],
    ['accepted', 'refused', 'refused'],
    ['only', 'accepted', 'only'],
    ['only', 'only', 'only'],
    ['refused', 'refused', 'refused'],
  ] as const)('new patients %s here and %s there: %s', (here, there, both) => {
    expect(narrowed({ ...OPEN, newPatients: here }, { newPatients: there, age: null }).newPatients).toBe(both);
  });

  test('new patients alone here, known ones alone there: nobody', () => {
    expect(narrowed({ ...OPEN, newPatients: 'only' }, { newPatients: 'refused', age: null }).audiences).toEqual([]);
  });

  test('of two ages, the narrower', () => {
    const here = { minYears: 6, maxYears: null };
    expect(narrowed({ ...OPEN, age: here }, { newPatients: 'accepted', age: null }).age).toEqual(here);
    const there = { minYears: 3, maxYears: 15 };
    expect(narrowed({ ...OPEN, age: here }, { newPatients: 'accepted', age: there }).age).toEqual({
      minYears: 6,
      maxYears: 15,
    });
    expect(narrowed(OPEN, { newPatients: 'accepted', age: there }).age).toEqual(there);
  });
});
