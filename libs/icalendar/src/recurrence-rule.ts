import { spend } from './meter.js';
import { Unreadable } from './unreadable.js';
import { utc } from './zones.js';

const DAY = 86_400_000;

export type Frequency = 'SECONDLY' | 'MINUTELY' | 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';

/** A weekday (0 = Monday) with the number in front of it (`-1SU`: -1), 0 when there is none. */
export interface NthWeekday {
  readonly weekday: number;
  readonly nth: number;
}

/** A recurrence rule (RFC 5545 3.3.10), checked. An empty list means that the part is absent. */
export interface Rule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number | null;
  /** First day of the week, 0 = Monday. */
  readonly weekStart: number;
  readonly byMonth: readonly number[];
  readonly byWeek: readonly number[];
  readonly byYearDay: readonly number[];
  readonly byMonthDay: readonly number[];
  readonly byDay: readonly NthWeekday[];
  readonly byHour: readonly number[];
  readonly byMinute: readonly number[];
  readonly bySecond: readonly number[];
  readonly byPosition: readonly number[];
}

/** What bounds an expansion: a day looked at and a time produced each cost one step. */
export class Budget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  spend(steps = 1): void {
    spend(steps);
    this.#left -= steps;
    if (this.#left < 0) throw new Unreadable('the recurrence needs too many steps to expand');
  }
}

/** The range of wall times asked for, and what the expansion may cost. */
export interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly budget: Budget;
}

/** Day of the week of a wall time, 0 = Monday. */
export function weekdayOf(wall: number): number {
  return (((Math.floor(wall / DAY) + 3) % 7) + 7) % 7;
}

function lastDayOfMonth(year: number, month: number): number {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}

/** First day of week 1 of a year: the first week with four of its days in the year (RFC 5545 3.3.10). */
function firstWeek(year: number, weekStart: number): number {
  const fourth = utc(year, 0, 4);
  return fourth - ((weekdayOf(fourth) - weekStart + 7) % 7) * DAY;
}

interface DayFacts {
  readonly wall: number;
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

type DayTest = (day: DayFacts) => boolean;

/** True when `value` is in the list, counted from the front or (negative) from the back of `size`. */
function counted(list: readonly number[], value: number, size: number): boolean {
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
function dayTests(rule: Rule, start: DayFacts): DayTest[] {
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

function facts(wall: number): DayFacts {
  const date = new Date(wall);
  return { wall, year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

const STEP: Partial<Record<Frequency, number>> = { HOURLY: 3_600_000, MINUTELY: 60_000, SECONDLY: 1000 };

/** Times of day, in milliseconds, that a rule of days or longer produces. */
function timesOfDay(rule: Rule, start: number): number[] {
  const time = start - Math.floor(start / DAY) * DAY;
  const hours = rule.byHour.length > 0 ? rule.byHour : [Math.floor(time / 3_600_000)];
  const minutes = rule.byMinute.length > 0 ? rule.byMinute : [Math.floor(time / 60_000) % 60];
  const seconds = rule.bySecond.length > 0 ? rule.bySecond : [Math.floor(time / 1000) % 60];
  const all = hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => ((h * 60 + m) * 60 + s) * 1000)));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Walks a rule of hours or less: each interval is one step, days that do not match are skipped whole. */
function* shortSteps(rule: Rule, start: number, range: Range): Generator<number> {
  if (rule.byPosition.length > 0) throw new Unreadable('BYSETPOS within a day is not supported');
  const unit = STEP[rule.frequency] ?? DAY;
  const step = unit * rule.interval;
  const tests = dayTests(rule, facts(Math.floor(start / DAY) * DAY));
  const within = subdivisions(rule, start);
  const base = Math.floor(start / unit) * unit;
  let at = rule.count === null ? base + Math.max(0, Math.floor((range.from - base) / step)) * step : base;
  let day = NaN;
  let matches = false;
  while (at < range.to) {
    range.budget.spend();
    if (!(at - day < DAY)) {
      day = Math.floor(at / DAY) * DAY;
      const known = facts(day);
      matches = tests.every((test) => test(known));
    }
    if (!matches) {
      at = base + Math.ceil((day + DAY - base) / step) * step;
      continue;
    }
    for (const offset of within(at - day)) {
      range.budget.spend();
      yield at + offset;
    }
    at += step;
  }
}

/** What BYHOUR, BYMINUTE and BYSECOND leave of, or put into, one step that starts at a time of day. */
function subdivisions(rule: Rule, start: number): (time: number) => readonly number[] {
  const keeps = (list: readonly number[], value: number): boolean => list.length === 0 || list.includes(value);
  const sorted = (list: readonly number[], otherwise: number): number[] =>
    list.length > 0 ? [...list].sort((a, b) => a - b) : [otherwise];
  const minutes = rule.frequency === 'HOURLY' ? sorted(rule.byMinute, Math.floor(start / 60_000) % 60) : [0];
  const seconds = rule.frequency === 'SECONDLY' ? [0] : sorted(rule.bySecond, Math.floor(start / 1000) % 60);
  const inside = minutes.flatMap((m) => seconds.map((s) => (m * 60 + s) * 1000));
  return (time) => {
    if (!keeps(rule.byHour, Math.floor(time / 3_600_000))) return [];
    if (rule.frequency !== 'HOURLY' && !keeps(rule.byMinute, Math.floor(time / 60_000) % 60)) return [];
    if (rule.frequency === 'SECONDLY' && !keeps(rule.bySecond, Math.floor(time / 1000) % 60)) return [];
    return inside;
  };
}

/** First days of the periods of a rule, from the one that holds `from` on; `length` is its number of days. */
function* periods(rule: Rule, start: number, from: number): Generator<{ first: number; days: number }> {
  const { year, month } = facts(start);
  const day = Math.floor(start / DAY) * DAY;
  const late = Math.max(from, day);
  const align = (elapsed: number): number => Math.floor(Math.max(0, elapsed) / rule.interval) * rule.interval;
  if (rule.frequency === 'DAILY' || rule.frequency === 'WEEKLY') {
    const days = rule.frequency === 'DAILY' ? 1 : 7;
    const first = days === 1 ? day : day - ((weekdayOf(day) - rule.weekStart + 7) % 7) * DAY;
    for (let n = align(Math.floor((late - first) / (days * DAY))); ; n += rule.interval)
      yield { first: first + n * days * DAY, days };
  }
  const then = facts(late);
  if (rule.frequency === 'MONTHLY') {
    for (let n = align((then.year - year) * 12 + then.month - month); ; n += rule.interval) {
      const first = utc(year, month - 1 + n, 1);
      yield { first, days: Math.round((utc(year, month + n, 1) - first) / DAY) };
    }
  }
  for (let n = align(then.year - year); ; n += rule.interval) {
    const first = utc(year + n, 0, 1);
    yield { first, days: Math.round((utc(year + n + 1, 0, 1) - first) / DAY) };
  }
}

function chosen(set: readonly number[], positions: readonly number[]): readonly number[] {
  if (positions.length === 0) return set;
  return set.filter((_, index) => counted(positions, index + 1, set.length));
}

/** The months in which a rule can have days at all; empty: any. */
function monthsOf(
  { frequency, byMonth, byWeek, byYearDay, byMonthDay, byDay }: Rule,
  start: DayFacts,
): readonly number[] {
  const isSilent = [byMonth, byWeek, byYearDay, byMonthDay, byDay].every((list) => list.length === 0);
  return frequency === 'YEARLY' && isSilent ? [start.month] : byMonth;
}

/** The days of the week that a rule has days on, where they are all that it asks of them; `null`: it asks more. */
function weekdaysOf({ frequency, byDay, ...rule }: Rule, start: number): Set<number> | null {
  const asksMore = [rule.byMonth, rule.byWeek, rule.byYearDay, rule.byMonthDay].some((list) => list.length > 0);
  if (frequency !== 'WEEKLY' || asksMore) return null;
  return new Set(byDay.length > 0 ? byDay.map(({ weekday }) => weekday) : [weekdayOf(start)]);
}

function* longSteps(rule: Rule, start: number, range: Range): Generator<number> {
  const startDay = facts(Math.floor(start / DAY) * DAY);
  const tests = dayTests(rule, startDay);
  const months = monthsOf(rule, startDay);
  const times = timesOfDay(rule, start);
  const weekdays = weekdaysOf(rule, start);
  for (const { first, days } of periods(rule, start, rule.count === null ? range.from : start)) {
    if (!(first < range.to)) return;
    range.budget.spend();
    const set: number[] = [];
    for (let n = 0; n < days; n++) {
      range.budget.spend();
      const wall = first + n * DAY;
      if (weekdays?.has(weekdayOf(wall)) === false) continue;
      if (weekdays === null) {
        const day = facts(wall);
        if (months.length > 0 && !months.includes(day.month)) {
          n += lastDayOfMonth(day.year, day.month - 1) - day.day;
          continue;
        }
        if (!tests.every((test) => test(day))) continue;
      }
      range.budget.spend(times.length);
      for (const time of times) set.push(wall + time);
    }
    yield* chosen(set, rule.byPosition);
  }
}

/**
 * Wall times of a rule in `[range.from, range.to)`, ascending. DTSTART is always one of them, whether the rule
 * matches it or not, and is the first that COUNT counts (RFC 5545 3.8.5.3, 3.3.10); with `startCounts` false (EXRULE)
 * only if the rule matches it. Throws {@link Unreadable} when the budget is spent.
 */
export function* expandRule(rule: Rule, start: number, range: Range, startCounts = true): Generator<number> {
  const first = Number(startCounts);
  const earliest = start + first;
  let left = (rule.count ?? Infinity) - first;
  if (startCounts && start >= range.from && start < range.to) yield start;
  const steps = STEP[rule.frequency] === undefined ? longSteps : shortSteps;
  for (const wall of steps(rule, start, range)) {
    if (wall < earliest) continue;
    if (left-- <= 0 || wall >= range.to) return;
    if (wall >= range.from) yield wall;
  }
}
