import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { ApiRefusal } from './refusal.js';

const input = z.object({
  date: z.string().nullish(),
  dateTime: z.string().nullish(),
  timeZone: z.string().nullish(),
});
export type MomentInput = z.output<typeof input>;
export const momentInput = input;

/** A moment as the API answers it: a day, or a time with the offset of the calendar's zone. */
export type Moment = { readonly date: string } | { readonly dateTime: string; readonly timeZone: string };

const OFFSET = /(?:Z|[+-]\d{2}:\d{2})$/i;

/** Reads a moment the way Google does: offset or zone, never both kinds at once. */
export function normal(given: MomentInput | undefined, zone: string): Moment {
  const { date, dateTime, timeZone } = given ?? {};
  if (date != null && dateTime != null) throw new ApiRefusal(400, 'invalid');
  try {
    if (date != null) return { date: Temporal.PlainDate.from(date).toString() };
    if (dateTime == null) throw new ApiRefusal(400, 'required');
    const named = timeZone ?? zone;
    if (OFFSET.test(dateTime)) return timed(Temporal.Instant.from(dateTime).epochMilliseconds, zone, named);
    if (timeZone == null) throw new ApiRefusal(400, 'invalid');
    return timed(Temporal.PlainDateTime.from(dateTime).toZonedDateTime(timeZone).epochMilliseconds, zone, named);
  } catch (error) {
    throw error instanceof ApiRefusal ? error : new ApiRefusal(400, 'invalid');
  }
}

/** An instant written with the calendar's offset. */
export function timed(instant: number, zone: string, timeZone: string): Moment {
  const local = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
  return { dateTime: local.toString({ smallestUnit: 'second', timeZoneName: 'never' }), timeZone };
}

/** Epoch milliseconds; a day begins in the calendar's zone. */
export function instantOf(moment: Moment, zone: string): number {
  if ('dateTime' in moment) return Date.parse(moment.dateTime);
  return Temporal.PlainDate.from(moment.date).toZonedDateTime(zone).epochMilliseconds;
}

/** The moment moved by whole days or by milliseconds, kept in its own kind. */
export function daysBetween(from: string, to: string): number {
  return Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to)).days;
}

export function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

/** A bound of a listing: an offset is mandatory. */
export function bound(value: string): number {
  if (!/^\d{4}-\d{2}-\d{2}T/.test(value) || !OFFSET.test(value)) throw new ApiRefusal(400, 'badRequest');
  return Temporal.Instant.from(value).epochMilliseconds;
}
