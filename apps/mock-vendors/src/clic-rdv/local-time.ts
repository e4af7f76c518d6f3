import { Temporal } from 'temporal-polyfill';
import { ClicRefusal } from './refusal.js';

/** `2026-03-12 09:00:00`: the group's own clock, without a word about the zone. */
export function written(instant: number, zone: string): string {
  const at = Temporal.Instant.fromEpochMilliseconds(instant - (((instant % 1000) + 1000) % 1000));
  return at.toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: 'second' }).replace('T', ' ');
}

/** Reads it back; of an hour that comes twice the first, of one that is left out the hour after it. */
export function readTime(text: string, zone: string): number {
  try {
    if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)) throw new RangeError('not a datetime');
    const local = Temporal.PlainDateTime.from(text.replace(' ', 'T'));
    return local.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds;
  } catch {
    throw new ClicRefusal(400, 'start or end is not a datetime');
  }
}
