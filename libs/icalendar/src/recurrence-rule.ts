import { spend } from './meter.js';
import { counted, dayTests, factsOf, lastDayOfMonth, standIn, weekdayOf, type DayFacts } from './rule-days.js';
import type { Frequency, Rule } from './rule.js';
import { Unreadable } from './unreadable.js';
import { utc } from './zones.js';

const DAY = 86_400_000;

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
  const unit = STEP[rule.frequency] ?? DAY;
  const step = unit * rule.interval;
  const tests = dayTests(rule, factsOf(Math.floor(start / DAY) * DAY));
  const within = subdivisions(rule, start);
  const base = Math.floor(start / unit) * unit;
  let at = rule.count === null ? base + Math.max(0, Math.floor((range.from - base) / step)) * step : base;
  let day = NaN;
  let matches = false;
  while (at < range.to) {
    range.budget.spend();
    if (!(at - day < DAY)) {
      day = Math.floor(at / DAY) * DAY;
      const known = factsOf(day);
      matches = tests.every((test) => test(known));
    }
    if (!matches) {
      at = base + Math.ceil((day + DAY - base) / step) * step;
      continue;
    }
    for (const offset of chosen(within(at - day), rule.byPosition)) {
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

/** A day, a week, a month or a year: its first day, and how many it has. */
interface Period {
  readonly first: number;
  readonly days: number;
}

/** The periods of a rule, from the one that holds `from` on. */
function* periods(rule: Rule, start: number, from: number): Generator<Period> {
  const { year, month } = factsOf(start);
  const day = Math.floor(start / DAY) * DAY;
  const late = Math.max(from, day);
  const align = (elapsed: number): number => Math.floor(Math.max(0, elapsed) / rule.interval) * rule.interval;
  if (rule.frequency === 'DAILY' || rule.frequency === 'WEEKLY') {
    const days = rule.frequency === 'DAILY' ? 1 : 7;
    const first = days === 1 ? day : day - ((weekdayOf(day) - rule.weekStart + 7) % 7) * DAY;
    for (let n = align(Math.floor((late - first) / (days * DAY))); ; n += rule.interval)
      yield { first: first + n * days * DAY, days };
  }
  const then = factsOf(late);
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

/** Finds the days of a period that a rule chooses; one may come twice. */
type DayFinder = (period: Period, budget: Budget) => readonly number[];

function dayFinder(rule: Rule, start: DayFacts): DayFinder {
  const weekdays = weekdaysOf(rule, start.wall);
  if (weekdays !== null) {
    return ({ first, days }, budget) => {
      budget.spend(days);
      return Array.from({ length: days }, (_, n) => first + n * DAY).filter((wall) => weekdays.has(weekdayOf(wall)));
    };
  }
  const tests = dayTests(rule, start);
  const months = monthsOf(rule, start);
  return ({ first, days }, budget) => {
    const found: number[] = [];
    for (let n = 0; n < days; n++) {
      budget.spend();
      const day = factsOf(first + n * DAY);
      if (months.length > 0 && !months.includes(day.month)) {
        n += lastDayOfMonth(day.year, day.month - 1) - day.day;
        continue;
      }
      if (tests.every((test) => test(day))) found.push(day.wall);
      const instead = rule.skip === 'OMIT' ? null : standIn(rule, day, tests);
      if (instead !== null) found.push(instead);
    }
    return found;
  };
}

function* longSteps(rule: Rule, start: number, range: Range): Generator<number> {
  const find = dayFinder(rule, factsOf(Math.floor(start / DAY) * DAY));
  const times = timesOfDay(rule, start);
  // A day may stand for one of the month before it, or after it.
  const reach = rule.skip === 'OMIT' ? 0 : DAY;
  for (const period of periods(rule, start, rule.count === null ? range.from - reach : start)) {
    if (!(period.first - reach < range.to)) return;
    range.budget.spend();
    const set: number[] = [];
    for (const day of find(period, range.budget)) {
      range.budget.spend(times.length);
      for (const time of times) set.push(day + time);
    }
    yield* chosen(rule.skip === 'OMIT' ? set : [...new Set(set)], rule.byPosition);
  }
}

/**
 * Wall times of a rule in `[range.from, range.to)`, ascending. DTSTART is always one of them, whether the rule
 * matches it or not, and is the first that COUNT counts (RFC 5545 3.8.5.3, 3.3.10); with `startCounts` false (EXRULE,
 * one of several rules) only if the rule matches it. Throws {@link Unreadable} when the budget is spent.
 */
export function* expandRule(rule: Rule, start: number, range: Range, startCounts = true): Generator<number> {
  const first = Number(startCounts);
  let earliest = start + first;
  let left = (rule.count ?? Infinity) - first;
  if (startCounts && start >= range.from && start < range.to) yield start;
  const steps = STEP[rule.frequency] === undefined ? longSteps : shortSteps;
  for (const wall of steps(rule, start, range)) {
    if (wall < earliest) continue;
    earliest = wall + 1;
    if (left-- <= 0 || wall >= range.to) return;
    if (wall >= range.from) yield wall;
  }
}
