import { senseless } from './errors.js';

/** Longest window the vendor answers, in days. */
export const LONGEST_WINDOW = 15;
const DAY_MS = 86_400_000;

/** Days from one to another, the last one left out, as `YYYY-MM-DD`. */
export interface Days {
  readonly from: string;
  readonly until: string;
}

/** What one window said. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Whether the window held nothing at all, not even what is passed over. */
  readonly isEmpty: boolean;
  /** Day of the next row after an empty window; `null`: there is none. */
  readonly next: string | null;
}

/**
 * Walks window by window. Behind an empty one it goes on where the vendor says that the next row is, and stops where it
 * names none: that is how it says that there is nothing more.
 */
export async function* walk<Row>(
  { from, until }: Days,
  read: (start: string, days: number) => Promise<Page<Row>>,
): AsyncGenerator<readonly Row[]> {
  let at = from;
  while (at < until) {
    const days = Math.min(LONGEST_WINDOW, Math.round((Date.parse(until) - Date.parse(at)) / DAY_MS));
    const { rows, isEmpty, next } = await read(at, days);
    const end = plus(at, days);
    if (rows.length > 0) yield rows;
    if (isEmpty && next === null) return;
    const day = next?.slice(0, 10) ?? end;
    // Back into what was just found to be empty: it would never end.
    if (isEmpty && day < end) throw senseless(false, 200);
    at = isEmpty ? day : end;
  }
}

/** The days that an interval may touch, whatever the zone: the vendor counts days where the practice is. */
export function daysAround({ start, end }: { readonly start: number; readonly end: number }): Days {
  return { from: dayOf(start - DAY_MS), until: dayOf(end + 2 * DAY_MS) };
}

function plus(date: string, days: number): string {
  return dayOf(Date.parse(date) + days * DAY_MS);
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}
