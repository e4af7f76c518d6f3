import { Temporal } from 'temporal-polyfill';
import type { Interval } from './interval.js';

/** True for an IANA zone name that this machine knows; offsets such as `+02:00` are not zones. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Turns local times of one zone (milliseconds, as if they were UTC) into instants (epoch milliseconds), for instants
 * inside `range`. A time in a gap uses the offset before the gap, a doubled one means the first (RFC 5545 3.3.5).
 * The zone's changes are looked up once, so that each call is plain arithmetic. Throws RangeError for an unknown zone.
 */
export function wallClock(timeZone: string, range: Interval): (local: number) => number {
  const periods = offsetPeriods(timeZone, range);
  return (local) => {
    let before = periods[0]?.offset ?? 0;
    for (const { start, end, offset } of periods) {
      const instant = local - offset;
      if (instant < end) return instant >= start ? instant : local - before;
      before = offset;
    }
    return local - before;
  };
}

/** Instants and local times of one zone, both ways; local times are milliseconds as if they were UTC. */
export interface ZoneClock {
  /** The local time at an instant. */
  local(instant: number): number;
  /** The instant of a local time, read like {@link wallClock} reads it. */
  instant(local: number): number;
  /** Every instant whose local time lies in a local range, sorted: an hour that comes twice counts twice, one that is left out not at all. */
  instants(local: Interval): Interval[];
}

/** The clock of a zone, exact for instants inside `range`. Throws RangeError for an unknown zone. */
export function zoneClock(timeZone: string, range: Interval): ZoneClock {
  const periods = offsetPeriods(timeZone, range);
  return {
    local: (instant) => instant + (periods.find(({ end }) => instant < end)?.offset ?? 0),
    instant: wallClock(timeZone, range),
    instants: (local) =>
      periods
        .map(({ start, end, offset }) => ({
          start: Math.max(start, local.start - offset),
          end: Math.min(end, local.end - offset),
        }))
        .filter(({ start, end }) => start < end)
        .sort((a, b) => a.start - b.start),
  };
}

interface OffsetPeriod extends Interval {
  /** Local time minus UTC, milliseconds. */
  readonly offset: number;
}

/** Looking a zone's changes up costs far more than using them, and the same few zones and years come again and again. */
const knownPeriods = new Map<string, readonly OffsetPeriod[]>();
const MOST_KNOWN_PERIODS = 500;

function offsetPeriods(timeZone: string, range: Interval): readonly OffsetPeriod[] {
  const firstYear = new Date(range.start).getUTCFullYear();
  const endYear = new Date(range.end).getUTCFullYear() + 1;
  const key = `${timeZone} ${firstYear} ${endYear}`;
  let periods = knownPeriods.get(key);
  if (periods === undefined) {
    periods = lookUpPeriods(timeZone, { start: Date.UTC(firstYear, 0), end: Date.UTC(endYear, 0) });
    if (knownPeriods.size >= MOST_KNOWN_PERIODS) knownPeriods.clear();
    knownPeriods.set(key, periods);
  }
  return periods;
}

function lookUpPeriods(timeZone: string, range: Interval): OffsetPeriod[] {
  const periods: OffsetPeriod[] = [];
  let at = Temporal.Instant.fromEpochMilliseconds(range.start).toZonedDateTimeISO(timeZone);
  let start = -Infinity;
  for (;;) {
    const next = at.getTimeZoneTransition('next');
    const end = next && next.epochMilliseconds < range.end ? next.epochMilliseconds : Infinity;
    periods.push({ start, end, offset: at.offsetNanoseconds / 1e6 });
    if (!next || end === Infinity) return periods;
    at = next;
    start = end;
  }
}

/** The day on the wall clock of a zone at an instant (epoch milliseconds), as `2031-01-06`: what quotas are counted by. */
export function localDayOf(at: number, timeZone: string): string {
  return new Date(at).toLocaleDateString('sv-SE', { timeZone });
}
