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

function offsetPeriods(timeZone: string, range: Interval): { start: number; end: number; offset: number }[] {
  const periods: { start: number; end: number; offset: number }[] = [];
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
