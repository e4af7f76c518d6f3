import { ConnectorError } from '#connector-sdk';
import { zoneClock, type Interval } from '#domain';

const DAY_MS = 86_400_000;
const LOCAL = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/;

/** The instant of a local time as the vendor writes it; `null` for what is none. Read as RFC 5545 3.3.5 says. */
export function instantOf(text: string | undefined, timeZone: string): number | null {
  const [, day, time] = LOCAL.exec(text ?? '') ?? [];
  if (day === undefined || time === undefined) return null;
  const local = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(local)) return null;
  return zoneClock(timeZone, { start: local - DAY_MS, end: local + DAY_MS }).instant(local);
}

/**
 * An interval as the vendor writes it. Refused where it would be read back as another one: in the second of the two hours
 * that look alike in autumn.
 */
export function writtenTimes({ start, end }: Interval, timeZone: string): { Debut: string; Fin: string } {
  const times = { Debut: localOf(start, timeZone), Fin: localOf(end, timeZone) };
  if (instantOf(times.Debut, timeZone) !== start || instantOf(times.Fin, timeZone) !== end)
    throw new ConnectorError('invalid', 'the backend has no way to write this time: its hour occurs twice on that day');
  return times;
}

/** The local days that an interval touches, cut into spans of so many days: `[first, last]`, both included. */
export function spansOf({ start, end }: Interval, timeZone: string, days: number): [string, string][] {
  const first = Date.parse(localOf(start, timeZone).slice(0, 10));
  const last = Date.parse(localOf(end - 1, timeZone).slice(0, 10));
  const spans: [string, string][] = [];
  for (let from = first; from <= last; from += days * DAY_MS)
    spans.push([dayOf(from), dayOf(Math.min(last, from + (days - 1) * DAY_MS))]);
  return spans;
}

/** How many days a span counts. */
export function lengthOf([first, last]: readonly [string, string]): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1;
}

function localOf(instant: number, timeZone: string): string {
  const clock = zoneClock(timeZone, { start: instant - DAY_MS, end: instant + DAY_MS });
  return new Date(clock.local(instant)).toISOString().slice(0, 19).replace('T', ' ');
}

function dayOf(local: number): string {
  return new Date(local).toISOString().slice(0, 10);
}
