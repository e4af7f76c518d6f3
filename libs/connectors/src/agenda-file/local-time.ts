import { ConnectorError } from '#connector-sdk';
import { zoneClock } from '#domain';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function clock(zone: string, around: number): ReturnType<typeof zoneClock> {
  return zoneClock(zone, { start: around - 2 * DAY_MS, end: around + 2 * DAY_MS });
}

const WRITTEN = /^(\d\d)\/(\d\d)\/((?:19[7-9]|20\d|21\d)\d) ([01]\d|2[0-3]):([0-5]\d)$/;

/** `07/06/2027` and `09:00` in a zone, by RFC 5545 3.3.5; `null` for what is no time. */
export function instantOf(date: string, time: string, zone: string): number | null {
  const numbers = WRITTEN.exec(`${date} ${time}`)?.slice(1).map(Number);
  if (!numbers) return null;
  const [day = 0, month = 0, year = 0, hour = 0, minute = 0] = numbers;
  const wall = Date.UTC(year, month - 1, day, hour, minute);
  const there = new Date(wall);
  return there.getUTCDate() === day && there.getUTCMonth() === month - 1 ? clock(zone, wall).instant(wall) : null;
}

/** Date and time of an instant. Throws `invalid` for one that a local time to the minute cannot tell. */
export function localOf(instant: number, zone: string): readonly [date: string, time: string] {
  const iso = new Date(clock(zone, instant).local(instant)).toISOString();
  const [date, time] = [`${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}`, iso.slice(11, 16)];
  if (instant % MINUTE_MS !== 0 || instantOf(date, time, zone) !== instant)
    throw new ConnectorError('invalid', 'a local time to the minute cannot tell this time');
  return [date, time];
}
