import { parameterOf, type Property } from './properties.js';
import { Unreadable } from './unreadable.js';
import { toInstant, toWall, utc, UTC, type Zone } from './zones.js';

const DAY = 86_400_000;

/** A date or a time as written. `zone` is `null` for a date and for a floating time. */
export interface EventTime {
  readonly kind: 'date' | 'time';
  /** Local time written as if it were UTC, in epoch milliseconds; midnight for a date. */
  readonly wall: number;
  readonly zone: Zone | null;
}

/** A nominal number of days and an exact number of milliseconds (RFC 5545 3.3.6). */
export interface Span {
  readonly days: number;
  readonly milliseconds: number;
}

/** Finds the zone of a TZID; throws {@link Unreadable} for one that nobody knows. */
export type ZoneFinder = (tzid: string) => Zone;

const TIME = /^-?\d{4}-\d\d-\d\d(?:T(?:\d\d:\d\d:\d\dZ?|::))?$/;
/** Characters of a date with a time of day. */
const TIME_LENGTH = 19;

/** Reads `2026-11-21`, `2026-11-21T10:00:00` or `…Z`. Throws {@link Unreadable}. */
export function readTime(value: unknown, tzid: string | null, zoneOf: ZoneFinder): EventTime {
  if (typeof value !== 'string' || !TIME.test(value)) throw new Unreadable('a date cannot be read');
  const sign = value.startsWith('-') ? -1 : 1;
  const text = sign < 0 ? value.slice(1) : value;
  const date = readDate(sign * (pair(text, 0) * 100 + pair(text, 2)), pair(text, 5), pair(text, 8));
  if (text.length < TIME_LENGTH) return { kind: 'date', wall: date, zone: null };
  const wall = date + readTimeOfDay(pair(text, 11), pair(text, 14), pair(text, 17));
  // A UTC time wins over a TZID beside it.
  if (text.length > TIME_LENGTH) return { kind: 'time', wall, zone: UTC };
  return { kind: 'time', wall, zone: tzid === null ? null : zoneOf(tzid) };
}

/** The number that two digits make. */
function pair(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function readDate(year: number, month: number, day: number): number {
  const date = utc(year, month - 1, day);
  const exists = day >= 1 && (day <= 28 || new Date(date).getUTCDate() === day);
  if (!exists || month < 1 || month > 12) throw new Unreadable('a date does not exist');
  return date;
}

/** A leap second, and the midnight that ends a day, roll over. */
function readTimeOfDay(hour: number, minute: number, second: number): number {
  if (hour > 24 || minute > 59 || second > 60) throw new Unreadable('a time does not exist');
  return ((hour * 60 + minute) * 60 + second) * 1000;
}

/** All times of a property such as EXDATE; PERIOD values are left out. */
export function timesOf(property: Property, zoneOf: ZoneFinder): EventTime[] {
  const tzid = parameterOf(property, 'tzid');
  return property.values.filter((value) => !Array.isArray(value)).map((value) => readTime(value, tzid, zoneOf));
}

/** Start and own length of each PERIOD of an RDATE. */
export function periodsOf(property: Property, zoneOf: ZoneFinder): { start: EventTime; length: EventTime | Span }[] {
  const tzid = parameterOf(property, 'tzid');
  return property.values.filter(Array.isArray).map((value: unknown[]) => ({
    start: readTime(value[0], tzid, zoneOf),
    length: /^[+-]?P/.test(String(value[1])) ? readSpan(value[1]) : readTime(value[1], tzid, zoneOf),
  }));
}

const SPAN = /^([+-])?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/;

/** Reads a DURATION (RFC 5545 3.3.6). Throws {@link Unreadable}. */
export function readSpan(value: unknown): Span {
  const parts = typeof value === 'string' && /\d/.test(value) ? SPAN.exec(value) : null;
  if (!parts) throw new Unreadable('a duration cannot be read');
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(2).map((part) => Number(part ?? 0));
  const sign = parts[1] === '-' ? -1 : 1;
  return { days: sign * (weeks * 7 + days), milliseconds: sign * ((hours * 60 + minutes) * 60 + seconds) * 1000 };
}

export function instantOf(time: EventTime, local: Zone): number {
  return toInstant(time.zone ?? local, time.wall);
}

/** Midnight before a wall time. */
export function dayOf(wall: number): number {
  return Math.floor(wall / DAY) * DAY;
}

/**
 * The day an all-day value means that was written as a time. Some clients write local midnight in UTC; any other time
 * means the day it names.
 */
export function dateOf(time: EventTime, local: Zone): number {
  if (time.kind === 'date' || time.zone !== UTC) return dayOf(time.wall);
  const wall = toWall(local, time.wall);
  return wall === dayOf(wall) ? wall : dayOf(time.wall);
}
