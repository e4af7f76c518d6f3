import { describe, expect, test } from '@jest/globals';
import type { AgendaRules } from './agenda-rules.js';
import { expandRules, expansionWindow, horizonDays } from './rule-expansion.js';
import { ruleFixture } from './rules.suite.js';

const utc = (text: string): number => Date.parse(`${text}Z`);
const year = { start: utc('2027-01-01T00:00'), end: utc('2028-01-01T00:00') };
const holidays = (rules: AgendaRules, window = year): [string, string, string][] =>
  expandRules(rules, window).holidays.map(({ start, end, label }) => [
    new Date(start).toISOString().slice(0, 16),
    new Date(end).toISOString().slice(0, 16),
    label,
  ]);

describe('public holidays', () => {
  test('are whole local days of the place, whatever its clock does', () => {
    const reunion = ruleFixture({ timeZone: 'Indian/Reunion', settings: { holidayCalendar: 'reunion' } });
    expect(holidays(reunion)).toContainEqual(['2027-12-19T20:00', '2027-12-20T20:00', 'Abolition de l’esclavage']);
    const lyon = ruleFixture({ settings: { holidayCalendar: 'metropole' } });
    expect(holidays(lyon)).toContainEqual(['2027-03-28T22:00', '2027-03-29T22:00', 'Lundi de Pâques']);
    // Eleven, and the next New Year’s Day: in Lyon it begins before the year of UTC ends.
    expect(holidays(lyon)).toHaveLength(12);
  });

  test('are worked on the days that the agenda names, and are none without a calendar', () => {
    const worked = { holidayCalendar: 'metropole', workedHolidays: ['2027-05-17'] } as const;
    expect(holidays(ruleFixture({ settings: worked })).map(([, , label]) => label)).not.toContain('Lundi de Pentecôte');
    expect(holidays(ruleFixture({}))).toEqual([]);
  });

  test('at the edges of a window that crosses years are all there', () => {
    const window = { start: utc('2027-12-31T23:30'), end: utc('2028-01-02T00:00') };
    const lyon = ruleFixture({ settings: { holidayCalendar: 'metropole' } });
    expect(holidays(lyon, window).map(([, , label]) => label)).toEqual(['Jour de l’an']);
  });
});

test('openings and reserves carry their rules into every occurrence', () => {
  const recurring = {
    rrule: 'FREQ=WEEKLY',
    start: '2027-03-22T09:00',
    durationMinutes: 60,
    timeZone: 'Europe/Paris',
    except: ['2027-03-29'],
  };
  const opening = { ...recurring, motifIds: ['m'], audiences: null, capacity: 2 };
  const keptFor = { priorities: [], audiences: ['SNP'], motifIds: [] } as const;
  const reserve = { ...recurring, label: 'x', keptFor, release: [], recaptureMinutes: 30 };
  const rules = ruleFixture({
    kept: { opening: [{ id: 'o', version: 1, rule: opening }], reserve: [{ id: 'r', version: 1, rule: reserve }] },
  });
  const window = { start: utc('2027-03-01T00:00'), end: utc('2027-04-06T00:00') };
  const { openings, reserves } = expandRules(rules, window);
  expect(openings).toEqual([
    {
      start: utc('2027-03-22T08:00'),
      end: utc('2027-03-22T09:00'),
      openingId: 'o',
      motifIds: ['m'],
      audiences: null,
      capacity: 2,
    },
    {
      start: utc('2027-04-05T07:00'),
      end: utc('2027-04-05T08:00'),
      openingId: 'o',
      motifIds: ['m'],
      audiences: null,
      capacity: 2,
    },
  ]);
  expect(reserves).toMatchObject([
    { reserveId: 'r', keptFor, release: [], recaptureMinutes: 30, start: utc('2027-03-22T08:00') },
    { reserveId: 'r', start: utc('2027-04-05T07:00') },
  ]);
});

test('the horizon is as far as the furthest motif, at least half a year', () => {
  const motif = (horizon: number) => [{ id: 'm', version: 1, rule: { horizonDays: horizon } }];
  expect(horizonDays(ruleFixture({}))).toBe(180);
  expect(horizonDays(ruleFixture({ kept: { motif: motif(30) } }))).toBe(180);
  const far = ruleFixture({ now: utc('2027-03-01T12:00'), kept: { motif: motif(366) } });
  const { start, end } = expansionWindow(far);
  expect([new Date(start).toISOString().slice(0, 10), end - far.now > 366 * 86_400_000]).toEqual(['2027-02-28', true]);
});
