import { expect, test } from '@jest/globals';
import { unaskedTimes, type AskedTimes } from './asked-times.js';

const at = (text: string): number => Date.parse(text);
const any: AskedTimes = { weekdays: null, dayParts: null };

/** What is left of a window, as UTC. */
function asked(times: AskedTimes, timeZone: string, from: string, to: string): string[] {
  const window = { start: at(from), end: at(to) };
  const text = (instant: number): string => new Date(instant).toISOString().slice(5, 16);
  let start = window.start;
  const left: string[] = [];
  for (const not of [...unaskedTimes(times, timeZone, window), { start: window.end, end: window.end }]) {
    if (start < not.start) left.push(`${text(start)}/${text(not.start)}`);
    start = not.end;
  }
  return left;
}

test.each<[string, AskedTimes, string, string, string, string[]]>([
  [
    'nothing asked leaves everything',
    any,
    'Europe/Paris',
    '2027-03-01T00:00Z',
    '2027-03-02T00:00Z',
    ['03-01T00:00/03-02T00:00'],
  ],
  [
    'mornings end at noon of the agenda',
    { ...any, dayParts: ['morning'] },
    'Europe/Paris',
    '2027-03-01T06:00Z',
    '2027-03-02T06:00Z',
    ['03-01T06:00/03-01T11:00', '03-01T23:00/03-02T06:00'],
  ],
  [
    'complaint 20: an evening in La Réunion is an afternoon in Paris',
    { ...any, dayParts: ['evening'] },
    'Indian/Reunion',
    '2027-03-01T00:00Z',
    '2027-03-02T00:00Z',
    ['03-01T14:00/03-01T20:00'],
  ],
  [
    'two parts that touch are one',
    { ...any, dayParts: ['afternoon', 'evening'] },
    'Europe/Paris',
    '2027-03-01T00:00Z',
    '2027-03-01T23:00Z',
    ['03-01T11:00/03-01T23:00'],
  ],
  [
    'a weekday begins and ends at local midnight',
    { ...any, weekdays: ['TU'] },
    'Europe/Paris',
    '2027-03-01T00:00Z',
    '2027-03-08T00:00Z',
    ['03-01T23:00/03-02T23:00'],
  ],
  [
    'complaint 19: a Sunday of 23 hours, and the morning that is an hour shorter',
    { weekdays: ['SU'], dayParts: ['morning'] },
    'Europe/Paris',
    '2027-03-27T00:00Z',
    '2027-03-30T00:00Z',
    ['03-27T23:00/03-28T10:00'],
  ],
  [
    'complaint 19: a Sunday of 25 hours',
    { ...any, weekdays: ['SU'] },
    'Europe/Paris',
    '2027-10-30T00:00Z',
    '2027-11-02T00:00Z',
    ['10-30T22:00/10-31T23:00'],
  ],
])('%s', (_, times, zone, from, to, left) => {
  expect(asked(times, zone, from, to)).toEqual(left);
});
