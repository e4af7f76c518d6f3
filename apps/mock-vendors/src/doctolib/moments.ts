import { Temporal } from 'temporal-polyfill';

/** `2027-06-07T09:00:00.000+02:00`: local time with its offset, to the millisecond. */
export function written(instant: number, zone: string): string {
  return local(instant, zone).toString({ fractionalSecondDigits: 3, timeZoneName: 'never' });
}

export function dateOf(instant: number, zone: string): string {
  return local(instant, zone).toPlainDate().toString();
}

export function midnight(date: string, zone: string): number {
  return Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds;
}

export function plusDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

/** 0 is Sunday. */
export function weekday(date: string): number {
  return Temporal.PlainDate.from(date).dayOfWeek % 7;
}

/** `24:00` is the next midnight. */
export function at(date: string, time: string, zone: string): number {
  if (time.startsWith('24')) return midnight(plusDays(date, 1), zone);
  return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(zone).epochMilliseconds;
}

function local(instant: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
}
