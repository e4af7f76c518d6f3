import type { Rule } from './rule.js';
import { utc } from './zones.js';

const DAY = 86_400_000;

/** Day of the week of a wall time, 0 = Monday. */
export function weekdayOf(wall: number): number {
  return (((Math.floor(wall / DAY) + 3) % 7) + 7) % 7;
}

export function lastDayOfMonth(year: number, month: number): number {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}

/** First day of week 1 of a year: the first week with four of its days in the year (RFC 5545 3.3.10). */
function firstWeek(year: number, weekStart: number): number {
  const fourth = utc(year, 0, 4);
  return fourth - ((weekdayOf(fourth) - weekStart + 7) % 7) * DAY;
}

/** A day as the parts of a rule look at it. */
export interface DayFacts {
  readonly wall: number;
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

export type DayTest = (day: DayFacts) => boolean;

/** True when `value` is in the list, counted from the front or (negative) from the back of `size`. */
export function counted(list: readonly number[], value: number, size: number): boolean {
  return list.includes(value) || list.includes(value - size - 1);
}

function weekTest(rule: Rule): DayTest {
  return ({ wall, year }) => {
    let start = firstWeek(year, rule.weekStart);
    let next = firstWeek(year + 1, rule.weekStart);
    if (wall < start) [start, next] = [firstWeek(year - 1, rule.weekStart), start];
    else if (wall >= next) [start, next] = [next, firstWeek(year + 2, rule.weekStart)];
    const week = DAY * 7;
    return counted(rule.byWeek, Math.floor((wall - start) / week) + 1, (next - start) / week);
  };
}

/** Numbers before a weekday count in the month for MONTHLY and for YEARLY with BYMONTH, else in the year. */
function weekdayTest(rule: Rule): DayTest {
  const numbered = rule.frequency === 'MONTHLY' || rule.frequency === 'YEARLY';
  const inMonth = rule.frequency === 'MONTHLY' || rule.byMonth.length > 0;
  return ({ wall, year, month, day }) => {
    const weekday = weekdayOf(wall);
    return rule.byDay.some((wanted) => {
      if (wanted.weekday !== weekday) return false;
      if (!numbered || wanted.nth === 0) return true;
      const index = inMonth ? day - 1 : Math.round((wall - utc(year, 0, 1)) / DAY);
      const size = inMonth
        ? lastDayOfMonth(year, month - 1)
        : Math.round((utc(year + 1, 0, 1) - utc(year, 0, 1)) / DAY);
      const nth = wanted.nth > 0 ? Math.floor(index / 7) + 1 : -Math.floor((size - 1 - index) / 7) - 1;
      return nth === wanted.nth;
    });
  };
}

/**
 * The parts that choose days, with what DTSTART adds where the rule is silent (RFC 5545 3.3.10). YEARLY with BYMONTHDAY
 * alone means every month; BYWEEKNO alone means DTSTART's weekday.
 */
export function dayTests(rule: Rule, start: DayFacts): DayTest[] {
  const { byMonth, byWeek, byYearDay, byMonthDay, byDay } = rule;
  const tests: DayTest[] = [];
  if (byMonth.length > 0) tests.push(({ month }) => byMonth.includes(month));
  if (byMonthDay.length > 0)
    tests.push(({ year, month, day }) => counted(byMonthDay, day, lastDayOfMonth(year, month - 1)));
  if (byWeek.length > 0) tests.push(weekTest(rule));
  if (byYearDay.length > 0) {
    tests.push(({ wall, year }) => {
      const first = utc(year, 0, 1);
      return counted(byYearDay, Math.round((wall - first) / DAY) + 1, Math.round((utc(year + 1, 0, 1) - first) / DAY));
    });
  }
  if (byDay.length > 0) tests.push(weekdayTest(rule));
  if (byMonthDay.length + byYearDay.length + byDay.length === 0) tests.push(...startTests(rule, start));
  return tests;
}

/** What DTSTART says about the day where the rule says nothing. */
function startTests({ frequency, byMonth, byWeek }: Rule, start: DayFacts): DayTest[] {
  if (byWeek.length > 0 || frequency === 'WEEKLY') return [({ wall }) => weekdayOf(wall) === weekdayOf(start.wall)];
  if (frequency === 'MONTHLY' || (frequency === 'YEARLY' && byMonth.length > 0))
    return [({ day }) => day === start.day];
  return frequency === 'YEARLY' ? [({ day, month }) => day === start.day && month === start.month] : [];
}

export function factsOf(wall: number): DayFacts {
  const date = new Date(wall);
  return { wall, year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** The longest month. */
const MOST_DAYS = 31;

function isByDayOfMonth({ frequency, byMonthDay, byDay, byWeek, byYearDay }: Rule): boolean {
  if (frequency !== 'MONTHLY' && frequency !== 'YEARLY') return false;
  return byMonthDay.length > 0 || byDay.length + byWeek.length + byYearDay.length === 0;
}

/**
 * The day that stands for one which the rule chooses and the month does not have (RFC 7529 4.1): asked of the last day of a
 * month for the days after it, of the first one for those before (`BYMONTHDAY=-31`). `null` when there is none.
 */
export function standIn(rule: Rule, bound: DayFacts, tests: readonly DayTest[]): number | null {
  if (!isByDayOfMonth(rule)) return null;
  const size = lastDayOfMonth(bound.year, bound.month - 1);
  if (bound.day !== 1 && bound.day !== size) return null;
  const isFirst = bound.day === 1;
  const { wall } = bound;
  const instead = rule.skip === 'FORWARD' ? wall + (isFirst ? 0 : DAY) : wall - (isFirst ? DAY : 0);
  const [from, to] = isFirst ? [size - MOST_DAYS + 1, 0] : [size + 1, MOST_DAYS];
  for (let day = from; day <= to; day++)
    if (tests.every((test) => test({ ...bound, wall: instead, day }))) return instead;
  return null;
}
