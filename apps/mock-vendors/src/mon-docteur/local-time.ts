import { Temporal } from 'temporal-polyfill';

/** `2027-06-07 09:00:00` in a zone; the two hours that look alike in autumn are written alike. */
export function localOf(ms: number, zone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
  return `${local.toPlainDate().toString()} ${local.toPlainTime().toString({ smallestUnit: 'second' })}`;
}

/** The instant of a local time: the earlier one where it occurs twice. `null` for what is none. */
export function instantOf(text: string, zone: string): number | null {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return null;
  try {
    return Temporal.PlainDateTime.from(text.replace(' ', 'T')).toZonedDateTime(zone).epochMilliseconds;
  } catch {
    return null;
  }
}

/** The local days from one to another, both included; `null` for what are none. */
export function daysFrom(first: string, last: string): string[] | null {
  try {
    const [from, to] = [Temporal.PlainDate.from(first), Temporal.PlainDate.from(last)];
    const days: string[] = [];
    for (let day = from; Temporal.PlainDate.compare(day, to) <= 0; day = day.add({ days: 1 }))
      days.push(day.toString());
    return days;
  } catch {
    return null;
  }
}

/** First and last instant of a local day, `[start, end)`. */
export function dayRange(day: string, zone: string): { start: number; end: number } {
  const date = Temporal.PlainDate.from(day);
  const at = (which: Temporal.PlainDate): number => which.toZonedDateTime(zone).epochMilliseconds;
  return { start: at(date), end: at(date.add({ days: 1 })) };
}

export function hourOf(ms: number, zone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).hour;
}
