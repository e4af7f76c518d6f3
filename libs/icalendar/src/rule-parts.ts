import type { Frequency, NthWeekday, Rule, Skip } from './rule.js';
import { readTime, type EventTime } from './times.js';
import { Unreadable } from './unreadable.js';

/** A rule with its end, which only means something beside DTSTART. */
export interface BoundedRule {
  readonly rule: Rule;
  readonly until: EventTime | null;
}

const FREQUENCIES: readonly string[] = ['SECONDLY', 'MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
const SKIPS: readonly string[] = ['OMIT', 'BACKWARD', 'FORWARD'];
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const MAX_LIST = 400;
const LEAP_YEAR_DAYS = 366;

type Parts = Readonly<Record<string, unknown>>;

function bad(part: string): Unreadable {
  return new Unreadable(`the recurrence has an unusable ${part}`);
}

function list(parts: Parts, part: string): readonly unknown[] {
  const value = parts[part];
  const values: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
  if (values.length > MAX_LIST) throw bad(part.toUpperCase());
  return values;
}

/** Whole numbers from `low` to `high`, also negated when `signed`. */
function numbers(
  parts: Parts,
  part: string,
  { low, high, signed = false }: { low: number; high: number; signed?: boolean },
): number[] {
  return list(parts, part).map((value) => {
    const number = Number(value);
    const size = signed ? Math.abs(number) : number;
    if (!Number.isInteger(number) || size < low || size > high) throw bad(part.toUpperCase());
    return number;
  });
}

function weekdays(parts: Parts): NthWeekday[] {
  return list(parts, 'byday').map((value) => {
    const [, nth = '', name = ''] = /^([+-]?\d{0,2})([A-Z]{2})$/.exec(String(value).toUpperCase()) ?? [];
    const weekday = WEEKDAYS.indexOf(name);
    if (weekday < 0) throw bad('BYDAY');
    return { weekday, nth: nth === '' ? 0 : Number(nth) };
  });
}

/** ical.js counts weekdays from 1 = Sunday. */
function weekStart(parts: Parts): number {
  const value = parts['wkst'];
  return typeof value === 'number' ? (value + 5) % 7 : 0;
}

function whole(parts: Parts, part: string): number | null {
  const value = parts[part];
  if (value === undefined || value === null) return null;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw bad(part.toUpperCase());
  return number;
}

function word(parts: Parts, part: string, otherwise: string): string {
  const value = parts[part] ?? otherwise;
  return typeof value === 'string' ? value.toUpperCase() : '';
}

/** Checks a recurrence as ical.js hands it out. Throws {@link Unreadable}. */
export function readRule(parts: Parts): BoundedRule {
  const frequency = word(parts, 'freq', '');
  if (!FREQUENCIES.includes(frequency)) throw bad('FREQ');
  // RFC 7529: other calendars would need another arithmetic.
  if (word(parts, 'rscale', 'GREGORIAN') !== 'GREGORIAN') throw bad('RSCALE');
  const skip = word(parts, 'skip', 'OMIT');
  // So would a 366th day moved into a year without one.
  const isByLeapDay = list(parts, 'byyearday').some((day) => Math.abs(Number(day)) === LEAP_YEAR_DAYS);
  if (!SKIPS.includes(skip) || (skip !== 'OMIT' && isByLeapDay)) throw bad('SKIP');
  return {
    until: parts['until'] === undefined ? null : readUntil(parts['until']),
    rule: {
      frequency: frequency as Frequency,
      interval: whole(parts, 'interval') ?? 1,
      // Some exporters write -1 for none.
      count: Number(parts['count']) === -1 ? null : whole(parts, 'count'),
      weekStart: weekStart(parts),
      byMonth: numbers(parts, 'bymonth', { low: 1, high: 12 }),
      byWeek: numbers(parts, 'byweekno', { low: 1, high: 53, signed: true }),
      byYearDay: numbers(parts, 'byyearday', { low: 1, high: 366, signed: true }),
      byMonthDay: numbers(parts, 'bymonthday', { low: 1, high: 31, signed: true }),
      byDay: weekdays(parts),
      byHour: numbers(parts, 'byhour', { low: 0, high: 23 }),
      byMinute: numbers(parts, 'byminute', { low: 0, high: 59 }),
      bySecond: numbers(parts, 'bysecond', { low: 0, high: 60 }),
      byPosition: numbers(parts, 'bysetpos', { low: 1, high: 366, signed: true }),
      skip: skip as Skip,
    },
  };
}

function readUntil(value: unknown): EventTime {
  return readTime(value, null, () => {
    throw bad('UNTIL');
  });
}
