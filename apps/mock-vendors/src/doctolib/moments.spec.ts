import { describe, expect, it } from '@jest/globals';
import { at, dateOf, midnight, plusDays, weekday, written } from './moments.js';

const PARIS = 'Europe/Paris';

describe('times as the vendor writes them', () => {
  it.each([
    ['2027-06-07T07:00:00.000Z', PARIS, '2027-06-07T09:00:00.000+02:00'],
    ['2027-10-31T00:30:00.000Z', PARIS, '2027-10-31T02:30:00.000+02:00'],
    ['2027-10-31T01:30:00.000Z', PARIS, '2027-10-31T02:30:00.000+01:00'],
    ['2027-03-28T01:00:00.000Z', PARIS, '2027-03-28T03:00:00.000+02:00'],
    ['2027-06-07T23:30:00.000Z', 'Indian/Reunion', '2027-06-08T03:30:00.000+04:00'],
    ['2027-06-07T00:30:00.000Z', 'America/Martinique', '2027-06-06T20:30:00.000-04:00'],
  ])('%s in %s', (instant, zone, text) => {
    expect(written(Date.parse(instant), zone)).toBe(text);
    expect(dateOf(Date.parse(instant), zone)).toBe(text.slice(0, 10));
  });

  it.each([
    ['2027-06-07', '09:00', '2027-06-07T07:00:00.000Z'],
    ['2027-06-07', '24:00', '2027-06-07T22:00:00.000Z'],
    ['2027-10-31', '02:30', '2027-10-31T00:30:00.000Z'],
    ['2027-10-31', '24:00', '2027-10-31T23:00:00.000Z'],
    ['2027-03-28', '02:30', '2027-03-28T01:30:00.000Z'],
    ['2027-03-28', '09:00', '2027-03-28T07:00:00.000Z'],
  ])('%s at %s in Paris', (date, time, instant) => {
    expect(new Date(at(date, time, PARIS)).toISOString()).toBe(instant);
  });

  it('counts days', () => {
    expect([plusDays('2027-02-28', 1), plusDays('2027-01-01', -1), weekday('2027-06-06')]).toEqual([
      '2027-03-01',
      '2026-12-31',
      0,
    ]);
    expect(midnight('2027-03-29', PARIS) - midnight('2027-03-28', PARIS)).toBe(23 * 3_600_000);
  });
});
