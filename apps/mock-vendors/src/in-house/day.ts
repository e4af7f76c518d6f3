import { Temporal } from 'temporal-polyfill';
import type { Entry } from './model.js';

const HOUR_MS = 3_600_000;
const OPENS = 8;
const CLOSES = 19;

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
  readonly previous: string;
  readonly next: string;
  readonly hours: readonly { readonly label: string; readonly topMinutes: number }[];
  readonly minutes: number;
  readonly entries: readonly PlacedEntry[];
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
export function layDay(date: string, zone: string, entries: readonly Entry[]): Day {
  const plain = Temporal.PlainDate.from(date);
  const midnight = plain.toZonedDateTime(zone).epochMilliseconds;
  const nextMidnight = plain.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds;
  const shown = entries
    .filter(({ start, end }) => start < nextMidnight && midnight < end)
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const opens = instantOf(date, `${pad(OPENS)}:00`, zone);
  const closes = instantOf(date, `${pad(CLOSES)}:00`, zone);
  const first = Math.max(midnight, Math.min(opens, ...shown.map(({ start }) => start)));
  const top = first - ((first - midnight) % HOUR_MS);
  const bottom = Math.min(nextMidnight, Math.max(closes, ...shown.map(({ end }) => end)));
  const hours: { label: string; topMinutes: number }[] = [];
  for (let at = top; at < bottom; at += HOUR_MS)
    hours.push({ label: timeOf(at, zone), topMinutes: (at - top) / 60_000 });
  return {
    date,
    previous: plain.subtract({ days: 1 }).toString(),
    next: plain.add({ days: 1 }).toString(),
    hours,
    minutes: hours.length * 60,
    entries: inColumns(shown).map(({ entry, ...columns }) => {
      const from = Math.max(entry.start, top);
      const to = Math.min(entry.end, bottom);
      return { entry, ...columns, topMinutes: (from - top) / 60_000, heightMinutes: (to - from) / 60_000 };
    }),
  };
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
