import { Temporal } from 'temporal-polyfill';
import type { DiaryEntry as Entry } from '../diary.js';

const HOUR_MS = 3_600_000;
const DAYS = 7;
/** What is shown of a day in which nothing happens outside of it. */
const WORKING: Hours = { from: 8, to: 19 };

/** From one full hour of the wall clock to another. */
interface Hours {
  readonly from: number;
  readonly to: number;
}

/** An entry placed in the picture of a day: minutes from its top, and one of several columns where entries overlap. */
export interface PlacedEntry {
  readonly entry: Entry;
  readonly topMinutes: number;
  readonly heightMinutes: number;
  readonly column: number;
  readonly columns: number;
}

/** A day of an agenda as it is drawn, in the agenda's zone. */
export interface Day {
  readonly date: string;
  readonly hours: readonly { readonly label: string; readonly topMinutes: number }[];
  readonly minutes: number;
  readonly entries: readonly PlacedEntry[];
}

/** Seven days from a Monday on, all drawn from the same hour on. */
export interface Week {
  /** The day that was asked for. */
  readonly date: string;
  readonly previous: string;
  readonly next: string;
  readonly days: readonly Day[];
}

/** The calendar date of an instant in a zone. */
export function dateOf(ms: number, zone: string): string {
  return local(ms, zone).toPlainDate().toString();
}

/** The wall-clock time of an instant in a zone, `HH:MM`. */
export function timeOf(ms: number, zone: string): string {
  return local(ms, zone).toPlainTime().toString({ smallestUnit: 'minute' });
}

/** The instant of a wall-clock time: the earlier one where the hour occurs twice, the later one in a gap. */
export function instantOf(date: string, time: string, zone: string): number {
  return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(zone).epochMilliseconds;
}

/** Places the entries that touch a day; hours are true hours, so a day of a clock change has 23 or 25. */
export function layDay(date: string, zone: string, entries: readonly Entry[], hoursShown = WORKING): Day {
  const plain = Temporal.PlainDate.from(date);
  const midnight = plain.toZonedDateTime(zone).epochMilliseconds;
  const nextMidnight = plain.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds;
  const shown = entries
    .filter(({ start, end }) => start < nextMidnight && midnight < end)
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const opens = instantOf(date, `${pad(hoursShown.from)}:00`, zone);
  const closes = hoursShown.to === 24 ? nextMidnight : instantOf(date, `${pad(hoursShown.to)}:00`, zone);
  const first = Math.max(midnight, Math.min(opens, ...shown.map(({ start }) => start)));
  const top = first - ((first - midnight) % HOUR_MS);
  const bottom = Math.min(nextMidnight, Math.max(closes, ...shown.map(({ end }) => end)));
  const hours: { label: string; topMinutes: number }[] = [];
  for (let at = top; at < bottom; at += HOUR_MS)
    hours.push({ label: timeOf(at, zone), topMinutes: (at - top) / 60_000 });
  return {
    date,
    hours,
    minutes: hours.length * 60,
    entries: inColumns(shown).map(({ entry, ...columns }) => {
      const from = Math.max(entry.start, top);
      const to = Math.min(entry.end, bottom);
      return { entry, ...columns, topMinutes: (from - top) / 60_000, heightMinutes: (to - from) / 60_000 };
    }),
  };
}

/** The week around a date; the days share their hours, so that the same time stands at the same height. */
export function layWeek(date: string, zone: string, entries: readonly Entry[]): Week {
  const asked = Temporal.PlainDate.from(date);
  const monday = asked.subtract({ days: asked.dayOfWeek - 1 });
  const days = Array.from({ length: DAYS }, (_, n) => monday.add({ days: n }));
  const shown = days.reduce((hours, day) => widened(hours, day, { zone, entries }), WORKING);
  return {
    date,
    previous: asked.subtract({ days: DAYS }).toString(),
    next: asked.add({ days: DAYS }).toString(),
    days: days.map((day) => layDay(day.toString(), zone, entries, shown)),
  };
}

function widened(hours: Hours, day: Temporal.PlainDate, of: { zone: string; entries: readonly Entry[] }): Hours {
  const midnight = day.toZonedDateTime(of.zone).epochMilliseconds;
  const nextMidnight = day.add({ days: 1 }).toZonedDateTime(of.zone).epochMilliseconds;
  const touching = of.entries.filter(({ start, end }) => start < nextMidnight && midnight < end);
  return touching.reduce(({ from, to }, { start, end }) => {
    const last = local(Math.min(end, nextMidnight) - 1, of.zone).hour;
    return { from: Math.min(from, local(Math.max(start, midnight), of.zone).hour), to: Math.max(to, last + 1) };
  }, hours);
}

interface InColumn {
  readonly entry: Entry;
  readonly column: number;
  readonly columns: number;
}

/** Entries that overlap, directly or through others, share the width of the day. */
function inColumns(sorted: readonly Entry[]): InColumn[] {
  const placed: InColumn[] = [];
  let cluster: { entry: Entry; column: number }[] = [];
  let clusterEnd = -Infinity;
  const close = (): void => {
    const columns = Math.max(0, ...cluster.map(({ column }) => column)) + 1;
    placed.push(...cluster.map((one) => ({ ...one, columns })));
    cluster = [];
  };
  for (const entry of sorted) {
    if (entry.start >= clusterEnd) close();
    const used = new Set(cluster.filter((one) => one.entry.end > entry.start).map(({ column }) => column));
    let column = 0;
    while (used.has(column)) column += 1;
    cluster.push({ entry, column });
    clusterEnd = Math.max(clusterEnd, entry.end);
  }
  close();
  return placed;
}

function local(ms: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
