import { Temporal } from 'temporal-polyfill';
import { LibreRefusal } from './refusal.js';

const SHAPE = /^(\d{2})-(\d{2})-(\d{4})(?: (\d{2}):(\d{2}))?$/;

/** `15-11-2026 10:00`: the practice's own clock, without a word about the zone. */
export function written(instant: number, zone: string): string {
  const at = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(at.day)}-${two(at.month)}-${String(at.year).padStart(4, '0')} ${two(at.hour)}:${two(at.minute)}`;
}

/** Reads it back; of an hour that comes twice the first, of one that is left out the hour after it. */
export function readTime(text: string, zone: string): number {
  const [, day, month, year, hour = '00', minute = '00'] = SHAPE.exec(text) ?? [];
  try {
    const local = Temporal.PlainDateTime.from(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour}:${minute}`);
    return local.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds;
  } catch {
    throw new LibreRefusal(40, 'date invalide');
  }
}
