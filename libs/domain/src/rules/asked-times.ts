import { subtract } from '../interval.js';
import type { Interval } from '../interval.js';
import { zoneClock } from '../time-zone.js';
import { DAY, localPeriod, MINUTE } from './periods.js';

/** Days of the week as RFC 5545 names them, from Monday on. */
export const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Parts of a local day: before noon, from noon to six, from six on. */
export const DAY_PARTS = ['morning', 'afternoon', 'evening'] as const;
export type DayPart = (typeof DAY_PARTS)[number];

const HOUR = 60 * MINUTE;
const LENGTH_OF: Record<DayPart, Interval> = {
  morning: { start: 0, end: 12 * HOUR },
  afternoon: { start: 12 * HOUR, end: 18 * HOUR },
  evening: { start: 18 * HOUR, end: DAY },
};
/** More than any zone is away from UTC. */
const ZONE_MARGIN = 2 * DAY;

/** When a patient can come, in local time of the agenda; `null` = any. */
export interface AskedTimes {
  readonly weekdays: readonly Weekday[] | null;
  readonly dayParts: readonly DayPart[] | null;
}

/** The instants of a window at which nobody wants a visit to start; sorted, disjoint, epoch milliseconds. */
export function unaskedTimes({ weekdays, dayParts }: AskedTimes, timeZone: string, window: Interval): Interval[] {
  if (weekdays === null && dayParts === null) return [];
  const clock = zoneClock(timeZone, { start: window.start - ZONE_MARGIN, end: window.end + ZONE_MARGIN });
  const parts = dayParts === null ? [{ start: 0, end: DAY }] : dayParts.map((part) => LENGTH_OF[part]);
  const asked: Interval[] = [];
  for (
    let day = localPeriod('day', clock.local(window.start)).start;
    day <= clock.local(window.end) + DAY;
    day += DAY
  ) {
    if (weekdays !== null && !weekdays.includes(weekdayOf(day))) continue;
    asked.push(...parts.flatMap(({ start, end }) => clock.instants({ start: day + start, end: day + end })));
  }
  return subtract([window], asked);
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(localDay: number): Weekday {
  return WEEKDAYS[(((Math.floor(localDay / DAY) + 3) % 7) + 7) % 7] ?? 'MO';
}
