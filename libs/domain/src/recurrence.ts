import { overlaps } from './interval.js';
import type { Interval } from './interval.js';
import { isTimeZone, wallClock } from './time-zone.js';

/** A recurring range of local time (plage d'ouverture). */
export interface Opening {
  /** RFC 5545 3.3.10 rule, as far as {@link parseRule} supports it; without the `RRULE:` prefix. */
  readonly rrule: string;
  /**
   * Local start of the first possible occurrence, `YYYY-MM-DDTHH:mm`. It is an occurrence only when it matches the rule
   * (the RFC leaves the other case undefined; here closed is the safer reading).
   */
  readonly start: string;
  /**
   * Length on the wall clock, 1 to 10,080 minutes: an opening of 24 h from midnight covers its local day, be it 23, 24 or
   * 25 hours long (a nominal duration, RFC 5545 3.8.5.3).
   */
  readonly durationMinutes: number;
  /** IANA zone of `start`. */
  readonly timeZone: string;
  /** Local dates `YYYY-MM-DD` on which no occurrence starts. They still count for `COUNT`. */
  readonly except: readonly string[];
}

/** A parsed rule. */
export interface RecurrenceRule {
  readonly frequency: 'DAILY' | 'WEEKLY';
  /** Every how many days or weeks. */
  readonly interval: number;
  /** ISO weekdays, Monday = 1; empty = the weekday of the start (weekly) or every day (daily). */
  readonly byDay: readonly number[];
  /** Number of occurrences from the start on; `null` = unlimited. */
  readonly count: number | null;
  /** Last possible start, inclusive: a local date, a local date-time or an instant; `null` = endless. */
  readonly until: { readonly kind: 'date' | 'local' | 'instant'; readonly value: number } | null;
  /** ISO weekday on which weeks begin. */
  readonly weekStart: number;
}

/** `syntax`: cannot be read; `unsupported`: valid, but not offered here; `range`: a value out of bounds. */
export type RecurrenceErrorCode = 'syntax' | 'unsupported' | 'range';

/** A rule or opening that is refused. */
export class RecurrenceError extends Error {
  override readonly name = 'RecurrenceError';

  constructor(
    readonly code: RecurrenceErrorCode,
    /** The field at fault: `rrule`, `rrule.BYDAY`, `start`, `except.2`, `window` ... */
    readonly path: string,
  ) {
    super(`recurrence: ${path}: ${code}`);
  }
}

const DAY = 86_400_000;
const MINUTE = 60_000;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const SUPPORTED = ['FREQ', 'INTERVAL', 'BYDAY', 'COUNT', 'UNTIL', 'WKST'];
const KNOWN_BUT_REFUSED = /^(BYSECOND|BYMINUTE|BYHOUR|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYMONTH|BYSETPOS|RSCALE|SKIP)$/;
const MAX_INTERVAL = 366;
const MAX_COUNT = 10_000;
const MAX_DURATION_MINUTES = 7 * 24 * 60;
/** Longest window that is expanded at once: ten years. */
const MAX_WINDOW_DAYS = 3660;
const YEAR_10000 = Date.UTC(10_000, 0);

/**
 * Parses `FREQ=DAILY|WEEKLY` with `INTERVAL`, `BYDAY` (no ordinals), `COUNT` or `UNTIL`, and `WKST`.
 * Throws {@link RecurrenceError} for everything else.
 */
export function parseRule(text: string): RecurrenceRule {
  const parts = ruleParts(text);
  const frequency = parts.get('FREQ');
  if (frequency === undefined) throw new RecurrenceError('syntax', 'rrule.FREQ');
  if (frequency !== 'DAILY' && frequency !== 'WEEKLY') {
    const valid = /^(SECONDLY|MINUTELY|HOURLY|MONTHLY|YEARLY)$/.test(frequency);
    throw new RecurrenceError(valid ? 'unsupported' : 'syntax', 'rrule.FREQ');
  }
  if (parts.has('COUNT') && parts.has('UNTIL')) throw new RecurrenceError('syntax', 'rrule.COUNT');
  return {
    frequency,
    interval: positive(parts.get('INTERVAL') ?? '1', 'INTERVAL', MAX_INTERVAL),
    byDay: weekdays(parts.get('BYDAY')),
    count: parts.has('COUNT') ? positive(parts.get('COUNT') ?? '', 'COUNT', MAX_COUNT) : null,
    until: parseUntil(parts.get('UNTIL')),
    weekStart: parts.has('WKST') ? weekday(parts.get('WKST') ?? '', 'WKST') : 1,
  };
}

/**
 * The whole occurrences (never clipped) of an opening that overlap `window`, sorted by start. A local time in a DST gap
 * uses the offset before the gap, a doubled one means the first (RFC 5545 3.3.5); an occurrence that a gap swallows
 * altogether is left out. Throws {@link RecurrenceError} when the opening is invalid or the window is longer than ten
 * years or outside the years 1970 to 9999.
 */
export function expandOpening(opening: Opening, window: Interval): Interval[] {
  const rule = parseRule(opening.rrule);
  const { start, duration, except } = checkOpening(opening);
  const inCalendar = [window.start, window.end].every((at) => Number.isSafeInteger(at) && at >= 0 && at < YEAR_10000);
  if (!inCalendar || window.end - window.start > MAX_WINDOW_DAYS * DAY) throw new RecurrenceError('range', 'window');
  const found: Interval[] = [];
  const time = start - Math.floor(start / DAY) * DAY;
  const around = { start: window.start - duration - 2 * DAY, end: window.end + duration + 2 * DAY };
  const toInstant = wallClock(opening.timeZone, around);
  for (const day of startDays(rule, start, around)) {
    if (except.has(day)) continue;
    const local = day * DAY + time;
    const occurrence = { start: toInstant(local), end: toInstant(local + duration) };
    if (rule.until?.kind === 'instant' && occurrence.start > rule.until.value) break;
    if (occurrence.start < occurrence.end && overlaps(occurrence, window)) found.push(occurrence);
  }
  return found;
}

/** Days (since 1970-01-01) on which an occurrence starts, within the local range given; `start` is local, as if UTC. */
function* startDays(rule: RecurrenceRule, start: number, range: Interval): Generator<number> {
  const firstDay = Math.floor(start / DAY);
  const lastDay = Math.min(Math.floor(range.end / DAY), lastByCount(rule, firstDay), lastByUntil(rule, start));
  for (let day = Math.max(firstDay, Math.floor(range.start / DAY)); day <= lastDay; day++) {
    if (matches(rule, firstDay, day)) yield day;
  }
}

/** Day of the last occurrence that COUNT lets through: the pattern repeats every `interval` weeks. */
function lastByCount(rule: RecurrenceRule, firstDay: number): number {
  if (rule.count === null) return Infinity;
  const period = 7 * rule.interval;
  const pattern: number[] = [];
  for (let offset = 0; offset < period; offset++) if (matches(rule, firstDay, firstDay + offset)) pattern.push(offset);
  const periods = Math.floor((rule.count - 1) / pattern.length);
  const offset = pattern[(rule.count - 1) % pattern.length];
  return offset === undefined ? -Infinity : firstDay + periods * period + offset;
}

function matches(rule: RecurrenceRule, firstDay: number, day: number): boolean {
  if (rule.frequency === 'DAILY') {
    return (day - firstDay) % rule.interval === 0 && (rule.byDay.length === 0 || rule.byDay.includes(isoWeekday(day)));
  }
  const weeks = weekIndex(day, rule.weekStart) - weekIndex(firstDay, rule.weekStart);
  const days = rule.byDay.length > 0 ? rule.byDay : [isoWeekday(firstDay)];
  return weeks % rule.interval === 0 && days.includes(isoWeekday(day));
}

/** 1970-01-01 was a Thursday. */
function isoWeekday(day: number): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

function weekIndex(day: number, weekStart: number): number {
  return Math.floor((day + 3 - (weekStart - 1)) / 7);
}

/** Day of the last start that UNTIL lets through; an instant is compared exactly later, here with a day to spare. */
function lastByUntil({ until }: RecurrenceRule, start: number): number {
  if (until === null) return Infinity;
  const day = Math.floor(until.value / DAY);
  if (until.kind === 'instant') return day + 1;
  const tooLate = until.kind === 'local' && start - Math.floor(start / DAY) * DAY > until.value - day * DAY;
  return tooLate ? day - 1 : day;
}

function checkOpening(opening: Opening): { start: number; duration: number; except: Set<number> } {
  const { durationMinutes } = opening;
  if (!Number.isInteger(durationMinutes) || durationMinutes < 1 || durationMinutes > MAX_DURATION_MINUTES) {
    throw new RecurrenceError('range', 'durationMinutes');
  }
  if (!isTimeZone(opening.timeZone)) throw new RecurrenceError('range', 'timeZone');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(opening.start)) throw new RecurrenceError('syntax', 'start');
  const except = opening.except.map((date, index) => {
    if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new RecurrenceError('syntax', `except.${index}`);
    return Math.floor(localMs(date, `except.${index}`) / DAY);
  });
  return { start: localMs(opening.start, 'start'), duration: durationMinutes * MINUTE, except: new Set(except) };
}

/** A local date or date-time as milliseconds, as if it were UTC. Throws `range` for one that no calendar has. */
function localMs(text: string, path: string): number {
  const full = text.length === 10 ? `${text}T00:00:00` : text.length === 16 ? `${text}:00` : text;
  const ms = Date.parse(`${full}Z`);
  // Date.parse rolls 31 February over.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(full)) throw new RecurrenceError('range', path);
  return ms;
}

function ruleParts(text: string): Map<string, string> {
  if (text.length > 500) throw new RecurrenceError('range', 'rrule');
  const parts = new Map<string, string>();
  for (const part of text.toUpperCase().split(';')) {
    const [, name, value] = /^([A-Z-]+)=([A-Z0-9,+-]+)$/.exec(part) ?? [];
    if (name === undefined || value === undefined) throw new RecurrenceError('syntax', 'rrule');
    if (KNOWN_BUT_REFUSED.test(name)) throw new RecurrenceError('unsupported', `rrule.${name}`);
    if (!SUPPORTED.includes(name) || parts.has(name)) throw new RecurrenceError('syntax', 'rrule');
    parts.set(name, value);
  }
  return parts;
}

function positive(value: string, name: string, max: number): number {
  if (!/^\d+$/.test(value)) throw new RecurrenceError('syntax', `rrule.${name}`);
  const number = Number(value);
  if (number < 1 || number > max) throw new RecurrenceError('range', `rrule.${name}`);
  return number;
}

function weekdays(value: string | undefined): number[] {
  return value === undefined ? [] : [...new Set(value.split(',').map((name) => weekday(name, 'BYDAY')))];
}

function weekday(name: string, part: string): number {
  if (/^[+-]?\d+(MO|TU|WE|TH|FR|SA|SU)$/.test(name)) throw new RecurrenceError('unsupported', `rrule.${part}`);
  const index = WEEKDAYS.indexOf(name);
  if (index === -1) throw new RecurrenceError('syntax', `rrule.${part}`);
  return index + 1;
}

function parseUntil(value: string | undefined): RecurrenceRule['until'] {
  if (value === undefined) return null;
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(value);
  if (!match) throw new RecurrenceError('syntax', 'rrule.UNTIL');
  const [, year, month, day, hour, minute, second, zulu] = match;
  const date = `${year}-${month}-${day}`;
  if (hour === undefined) return { kind: 'date', value: localMs(date, 'rrule.UNTIL') };
  const ms = localMs(`${date}T${hour}:${minute}:${second}`, 'rrule.UNTIL');
  return { kind: zulu === 'Z' ? 'instant' : 'local', value: ms };
}
