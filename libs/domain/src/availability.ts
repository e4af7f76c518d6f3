import { union } from './interval.js';
import type { Interval } from './interval.js';

/** Time taken of an agenda. */
export interface Occupation {
  readonly interval: Interval;
  /** Seat taken, from 1; `null` takes every seat (closure, remote busy time). Seats can be renumbered: only the count matters. */
  readonly seat: number | null;
}

/** How a motif cuts the time. All in milliseconds; duration and granularity positive, buffers zero or more. */
export interface Visit {
  readonly durationMs: number;
  /** Time kept free before the visit; may stick out of the opening. */
  readonly bufferBeforeMs: number;
  /** Time kept free after the visit; may stick out of the opening. */
  readonly bufferAfterMs: number;
  /** Starts lie at multiples of this from the start of an opening. */
  readonly granularityMs: number;
}

/** The ranges in which no seat is free, sorted and disjoint. */
export function fullRanges(occupied: readonly Occupation[], capacity: number): Interval[] {
  if (capacity <= 0) return [{ start: -Infinity, end: Infinity }];
  const steps: { at: number; change: number }[] = [];
  for (const { interval, seat } of occupied) {
    if (interval.start >= interval.end) continue;
    const weight = seat === null ? capacity : 1;
    steps.push({ at: interval.start, change: weight }, { at: interval.end, change: -weight });
  }
  steps.sort((a, b) => a.at - b.at || a.change - b.change);
  const full: Interval[] = [];
  let use = 0;
  let since: number | null = null;
  for (const { at, change } of steps) {
    use += change;
    if (use >= capacity) since ??= at;
    else if (since !== null) {
      full.push({ start: since, end: at });
      since = null;
    }
  }
  return union(full);
}

/** Throws RangeError when a visit makes no sense. */
export function checkVisit({ durationMs, bufferBeforeMs, bufferAfterMs, granularityMs }: Visit): void {
  const whole = [durationMs, bufferBeforeMs, bufferAfterMs, granularityMs].every((value) =>
    Number.isSafeInteger(value),
  );
  if (!whole || durationMs <= 0 || granularityMs <= 0 || bufferBeforeMs < 0 || bufferAfterMs < 0) {
    throw new RangeError('a visit needs a positive duration and granularity and buffers of zero or more');
  }
}
