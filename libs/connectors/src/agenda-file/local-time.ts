import { ConnectorError } from '#connector-sdk';
import { zoneClock } from '#domain';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function clock(zone: string, around: number): ReturnType<typeof zoneClock> {
  return zoneClock(zone, { start: around - 2 * DAY_MS, end: around + 2 * DAY_MS });
}

/** `07/06/2027` and `09:00` in a zone, by RFC 5545 3.3.5; `null` for what is no time. */
export function instantOf(date: string, time: string, zone: string): number | null {
  const [, day = '', month = '', year = ''] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(date) ?? [];
  const [, hour = '', minute = ''] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (year === '' || hour === '') return null;
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  const exists = new Date(wall).getUTCDate() === Number(day) && new Date(wall).getUTCMonth() === Number(month) - 1;
  return exists && Number(year) >= 1970 ? clock(zone, wall).instant(wall) : null;
}

/** Date and time of an instant. Throws `invalid` for one that a local time to the minute cannot tell. */
export function localOf(instant: number, zone: string): readonly [date: string, time: string] {
  const iso = new Date(clock(zone, instant).local(instant)).toISOString();
  const [date, time] = [`${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}`, iso.slice(11, 16)];
  if (instant % MINUTE_MS !== 0 || instantOf(date, time, zone) !== instant)
    throw new ConnectorError('invalid', 'a local time to the minute cannot tell this time');
  return [date, time];
}
