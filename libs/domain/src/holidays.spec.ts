import { describe, expect, test } from '@jest/globals';
import { HOLIDAY_CALENDARS, publicHolidays } from './holidays.js';

const dates = (...[calendar, year]: Parameters<typeof publicHolidays>): string[] =>
  publicHolidays(calendar, year).map(({ date }) => date.slice(5));

describe('public holidays', () => {
  test('of 2026, whole and in order', () => {
    expect(publicHolidays('metropole', 2026).map(({ date, fr }) => `${date} ${fr}`)).toEqual([
      '2026-01-01 Jour de l’an',
      '2026-04-06 Lundi de Pâques',
      '2026-05-01 Fête du Travail',
      '2026-05-08 Victoire 1945',
      '2026-05-14 Ascension',
      '2026-05-25 Lundi de Pentecôte',
      '2026-07-14 Fête nationale',
      '2026-08-15 Assomption',
      '2026-11-01 Toussaint',
      '2026-11-11 Armistice 1918',
      '2026-12-25 Noël',
    ]);
  });

  test.each([
    [1961, '04-03', '05-11', '05-22'],
    [2000, '04-24', '06-01', '06-12'],
    [2008, '03-24', '05-01', '05-12'],
    [2024, '04-01', '05-09', '05-20'],
    [2025, '04-21', '05-29', '06-09'],
    [2026, '04-06', '05-14', '05-25'],
    [2027, '03-29', '05-06', '05-17'],
    [2028, '04-17', '05-25', '06-05'],
    [2038, '04-26', '06-03', '06-14'],
  ])('Easter Monday, Ascension and Whit Monday of %i', (year, ...expected) => {
    const moving = publicHolidays('metropole', year).filter(({ en }) => /Easter Monday|Ascension|Whit Monday/.test(en));
    expect(moving.map(({ date }) => date.slice(5))).toEqual(expected);
  });

  test.each([
    ['alsace-moselle', ['04-03', '12-26']],
    ['guadeloupe', ['05-27']],
    ['martinique', ['05-22']],
    ['guyane', ['06-10']],
    ['reunion', ['12-20']],
    ['mayotte', ['04-27']],
    ['saint-barthelemy', ['10-09']],
    ['saint-martin', ['05-28']],
  ] as const)('%s adds its own to those of metropole', (calendar, own) => {
    expect(dates(calendar, 2026)).toEqual([...dates('metropole', 2026), ...own].sort());
  });

  test('two on one date are one holiday with both names', () => {
    const both = { date: '2008-05-01', fr: 'Fête du Travail et Ascension', en: 'Labour Day and Ascension Day' };
    expect(publicHolidays('metropole', 2008).filter(({ date }) => date === both.date)).toEqual([both]);
    expect(publicHolidays('metropole', 1997)).toContainEqual({
      date: '1997-05-08',
      fr: 'Victoire 1945 et Ascension',
      en: 'Victory in Europe Day and Ascension Day',
    });
    expect(publicHolidays('martinique', 1961).filter(({ date }) => date === '1961-05-22')).toEqual([
      {
        date: '1961-05-22',
        fr: 'Lundi de Pentecôte et Abolition de l’esclavage',
        en: 'Whit Monday and Abolition of Slavery Day',
      },
    ]);
    expect(dates('metropole', 2008)).toHaveLength(10);
  });

  test('every date comes once, in order, and Easter Monday is a Monday between 23 March and 26 April', () => {
    const wrong: string[] = [];
    for (const calendar of HOLIDAY_CALENDARS) {
      for (let year = 1900; year <= 2200; year++) {
        const found = publicHolidays(calendar, year);
        const ordered = found.every(({ date }, i) => i === 0 || (found[i - 1]?.date ?? '') < date);
        const monday = found.find(({ fr }) => fr.includes('Lundi de Pâques'))?.date ?? '';
        const inSeason = monday.slice(5) >= '03-23' && monday.slice(5) <= '04-26';
        if (!ordered || !inSeason || new Date(`${monday}T00:00Z`).getUTCDay() !== 1) wrong.push(`${calendar} ${year}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('a year that the Gregorian calendar does not have is refused', () => {
    expect(() => publicHolidays('metropole', 1582)).toThrow(RangeError);
    expect(() => publicHolidays('metropole', 2026.5)).toThrow(RangeError);
  });
});
