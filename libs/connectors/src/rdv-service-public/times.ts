import { ConnectorError } from '#connector-sdk';
import { zoneClock, type Interval } from '#domain';
import type { Absence } from './schemas.js';

/** The application knows one zone, wherever its agents sit; its calendar files name it too. */
export const ZONE = 'Europe/Paris';
const DAY_MS = 86_400_000;

/** Local dates and times, apart, as absences carry them. */
export type LocalTimes = Pick<Absence, 'first_day' | 'start_time' | 'end_day' | 'end_time'>;

/** First occurrence of an absence; `null` when it has no length. */
export function intervalOf({ first_day, start_time, end_day, end_time }: LocalTimes): Interval | null {
  const [from, to] = [localOf(first_day, start_time), localOf(end_day, end_time)];
  const clock = zoneClock(ZONE, { start: from - DAY_MS, end: to + DAY_MS });
  const when = { start: clock.instant(from), end: clock.instant(to) };
  return when.start < when.end ? when : null;
}

/**
 * An interval as the vendor writes it. Refused where it would be read back as another one: in the second of the two hours
 * that look alike in autumn, and between whole seconds.
 */
export function localTimes({ start, end }: Interval): LocalTimes {
  const clock = zoneClock(ZONE, { start: start - DAY_MS, end: end + DAY_MS });
  const [from, to] = [new Date(clock.local(start)).toISOString(), new Date(clock.local(end)).toISOString()];
  const times = {
    ...{ first_day: from.slice(0, 10), start_time: from.slice(11, 19) },
    ...{ end_day: to.slice(0, 10), end_time: to.slice(11, 19) },
  };
  const back = intervalOf(times);
  if (start < end && (back?.start !== start || back.end !== end))
    throw new ConnectorError('invalid', 'the backend has no way to write this time: its hour occurs twice on that day');
  return times;
}

function localOf(day: string, time: string): number {
  return Date.parse(`${day}T${time}Z`);
}
