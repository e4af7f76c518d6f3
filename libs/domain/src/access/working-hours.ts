import { publicHolidays } from '../holidays.js';
import type { HolidayCalendar } from '../holidays.js';
import { zoneClock } from '../time-zone.js';

/** Times of the week, local: `from` <= t < `to`. `to` may be `24:00`; at or before `from` it is that hour of the next day. */
export interface WorkingPeriod {
  /** ISO weekdays on which it begins: 1 = Monday to 7 = Sunday. */
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

/** When somebody may act. */
export interface WorkingHours {
  readonly periods: readonly WorkingPeriod[];
  /** A public holiday of the agenda's place counts as its weekday, not at all, or from midnight to midnight. */
  readonly holidays: 'as-weekday' | 'never' | 'always';
}

const MINUTE = 60_000;
const DAY = 86_400_000;

const minutesOf = (time: string): number => {
  const [hours = NaN, minutes = NaN] = time.split(':').map(Number);
  return hours * 60 + minutes;
};

const knownHolidays = new Map<string, ReadonlySet<number>>();

function isHoliday(calendar: HolidayCalendar, midnight: number): boolean {
  const year = new Date(midnight).getUTCFullYear();
  const key = `${calendar} ${String(year)}`;
  let days = knownHolidays.get(key);
  if (days === undefined) {
    days = new Set(publicHolidays(calendar, year).map(({ date }) => Date.parse(date)));
    knownHolidays.set(key, days);
  }
  return days.has(midnight);
}

/** Milliseconds since the local midnight that a period begins with, over which it runs: `[start, end)`. */
function span({ from, to }: WorkingPeriod): { readonly start: number; readonly end: number } {
  const [start, end] = [minutesOf(from), minutesOf(to)];
  return { start: start * MINUTE, end: (end <= start ? end + 24 * 60 : end) * MINUTE };
}

/**
 * Whether an instant (epoch milliseconds) lies in the hours, on the wall clock of the place. A period that runs past
 * midnight belongs to the day on which it begins: a holiday that never counts ends none that began the day before.
 */
export function inWorkingHours(
  { periods, holidays }: WorkingHours,
  at: number,
  { timeZone, holidays: calendar }: { readonly timeZone: string; readonly holidays: HolidayCalendar },
): boolean {
  const local = zoneClock(timeZone, { start: at, end: at + 1 }).local(at);
  const today = Math.floor(local / DAY) * DAY;
  if (holidays === 'always' && isHoliday(calendar, today)) return true;
  return [today, today - DAY].some((midnight) => {
    if (holidays === 'never' && isHoliday(calendar, midnight)) return false;
    const weekday = ((new Date(midnight).getUTCDay() + 6) % 7) + 1;
    return periods.some((period) => {
      const { start, end } = span(period);
      return period.days.includes(weekday) && midnight + start <= local && local < midnight + end;
    });
  });
}
