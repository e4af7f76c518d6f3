import { Temporal } from 'temporal-polyfill';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** `2027-06-07T09:00:00.000+02:00`: local time with its offset, to the millisecond. */
export function written(instant: number, zone: string): string {
  const offset = offsetAt(instant, zone);
  const minutes = Math.abs(offset) / MINUTE_MS;
  const hours = `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  return `${new Date(instant + offset).toISOString().slice(0, 23)}${offset < 0 ? '-' : '+'}${hours}`;
}

export function dateOf(instant: number, zone: string): string {
  return new Date(instant + offsetAt(instant, zone)).toISOString().slice(0, 10);
}

export function midnight(date: string, zone: string): number {
  return at(date, '00:00', zone);
}

export function plusDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);
}

/** 0 is Sunday. */
export function weekday(date: string): number {
  return new Date(date).getUTCDay();
}

/** `24:00` is the next midnight. */
export function at(date: string, time: string, zone: string): number {
  if (time.startsWith('24')) return midnight(plusDays(date, 1), zone);
  const naive = Date.parse(`${date}T${time}Z`);
  const offset = steadyOffset(naive, zone);
  if (offset !== null) return naive - offset;
  return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(zone).epochMilliseconds;
}

/** Offsets by zone and UTC day; `null` where it changes around that day. */
const steady = new Map<string, number | null>();

function offsetAt(instant: number, zone: string): number {
  return steadyOffset(instant, zone) ?? exactOffset(instant, zone);
}

/** Thousands of slots are written per answer, and hardly any on a day on which clocks change. */
function steadyOffset(instant: number, zone: string): number | null {
  const day = Math.floor(instant / DAY_MS);
  const key = `${zone} ${String(day)}`;
  const known = steady.get(key);
  if (known !== undefined) return known;
  const [before, after] = [exactOffset((day - 1) * DAY_MS, zone), exactOffset((day + 2) * DAY_MS, zone)];
  const offset = before === after ? before : null;
  steady.set(key, offset);
  return offset;
}

function exactOffset(instant: number, zone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone).offsetNanoseconds / 1_000_000;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
