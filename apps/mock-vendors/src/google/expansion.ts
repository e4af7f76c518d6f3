import ICAL from 'ical.js';
import { Temporal } from 'temporal-polyfill';
import type { StoredEvent } from './events.js';
import { addDays, daysBetween, instantOf, timed, type Moment } from './moments.js';
import { ApiRefusal } from './refusal.js';

const MAX_INSTANCES = 1_000;

/** The instances of a series that begin before `until` (epoch milliseconds), exceptions not considered. */
export function instancesOf(series: StoredEvent, zone: string, until: number): StoredEvent[] {
  const lines = series.recurrence ?? [];
  const rule = lines.find((line) => line.startsWith('RRULE:'))?.slice('RRULE:'.length) ?? 'FREQ=DAILY;COUNT=1';
  const end = /UNTIL=([^;]+)/.exec(rule)?.[1];
  const excluded = lines
    .filter((line) => line.startsWith('EXDATE'))
    .flatMap((line) => (line.split(':')[1] ?? '').split(','));
  const named = 'dateTime' in series.start ? series.start.timeZone : zone;
  const iterator = ICAL.Recur.fromString(rule.replace(/;?UNTIL=[^;]+/, '')).iterator(first(series.start, named));
  const found: StoredEvent[] = [];
  for (let next = iterator.next() as ICAL.Time | null; next && found.length < MAX_INSTANCES; next = iterator.next()) {
    const instance = instanceAt(series, next.toString(), { zone, named });
    const start = instantOf(instance.start, zone);
    if (start >= until || (end !== undefined && stamp(instance.start, zone) > comparable(end))) break;
    if (!excluded.some((one) => matches(one, next.toString(), instance.start, zone))) found.push(instance);
  }
  return found;
}

/** Refuses a rule that cannot be read, or that carries what belongs to start and end. */
export function checkRecurrence(lines: readonly string[]): void {
  for (const line of lines) {
    if (!/^(RRULE|EXRULE|RDATE|EXDATE)[:;]/.test(line)) throw new ApiRefusal(400, 'invalid');
    try {
      if (line.startsWith('RRULE:')) ICAL.Recur.fromString(line.slice('RRULE:'.length));
    } catch {
      throw new ApiRefusal(400, 'invalid');
    }
  }
}

function first(start: Moment, named: string): ICAL.Time {
  if ('date' in start) return ICAL.Time.fromDateString(start.date);
  const { year, month, day, hour, minute, second } = Temporal.Instant.from(start.dateTime).toZonedDateTimeISO(named);
  return new ICAL.Time({ year, month, day, hour, minute, second, isDate: false }, ICAL.Timezone.localTimezone);
}

function instanceAt(series: StoredEvent, local: string, { zone, named }: { zone: string; named: string }): StoredEvent {
  const times = 'date' in series.start ? days(series, local) : hours(series, local, { zone, named });
  const id = `${series.id}_${stamp(times.start, zone)}`;
  return { ...series, ...times, id, recurrence: null, recurringEventId: series.id, originalStart: times.start };
}

function days({ start, end }: StoredEvent, date: string): { start: Moment; end: Moment } {
  const length = 'date' in start && 'date' in end ? daysBetween(start.date, end.date) : 1;
  return { start: { date }, end: { date: addDays(date, length) } };
}

function hours(
  series: StoredEvent,
  local: string,
  { zone, named }: { zone: string; named: string },
): { start: Moment; end: Moment } {
  const length = instantOf(series.end, zone) - instantOf(series.start, zone);
  const start = Temporal.PlainDateTime.from(local).toZonedDateTime(named).epochMilliseconds;
  return { start: timed(start, zone, named), end: timed(start + length, zone, named) };
}

/** `YYYYMMDD`, or `YYYYMMDDTHHMMSSZ` in UTC. */
function stamp(start: Moment, zone: string): string {
  if ('date' in start) return start.date.replaceAll('-', '');
  return new Date(instantOf(start, zone)).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** A date as the end of a rule covers its whole day. */
function comparable(until: string): string {
  return until.includes('T') ? until : `${until}T235959Z`;
}

function matches(excluded: string, local: string, start: Moment, zone: string): boolean {
  return excluded === stamp(start, zone) || excluded === local.replace(/[-:]/g, '');
}
