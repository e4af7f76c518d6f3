import { Temporal } from 'temporal-polyfill';

/** The application runs on one clock, wherever its agents are. */
export const ZONE = 'Europe/Paris';

/** The calendar date of an instant, `YYYY-MM-DD`. */
export function dayOf(ms: number): string {
  return local(ms).toPlainDate().toString();
}

/** The time of day of an instant, `HH:MM:SS`. */
export function timeOf(ms: number): string {
  return local(ms).toPlainTime().toString({ smallestUnit: 'second' });
}

/** The instant of a date and a time: the earlier one where it occurs twice, an hour later where it is left out. */
export function instantOf(day: string, time: string): number {
  return Temporal.PlainDate.from(day).toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(ZONE)
    .epochMilliseconds;
}

/** As the API writes instants: `2022-10-07 10:30:00 +0200`. */
export function stampOf(ms: number): string {
  return `${dayOf(ms)} ${timeOf(ms)} ${local(ms).offset.replace(':', '')}`;
}

/** As a query gives them: with an offset, or as Paris time without. */
export function parsedInstant(text: string): number | null {
  if (/(Z|[+-]\d\d:?\d\d)$/.test(text)) {
    const ms = Date.parse(text.replace(' ', 'T').replace(' ', ''));
    return Number.isNaN(ms) ? null : ms;
  }
  try {
    return Temporal.PlainDateTime.from(text.replace(' ', 'T')).toZonedDateTime(ZONE).epochMilliseconds;
  } catch {
    return null;
  }
}

function local(ms: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(ZONE);
}
