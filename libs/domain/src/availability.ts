import { covers, overlaps, subtract, union } from './interval.js';
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

/** What decides whether a visit can start at an instant. */
export interface AvailabilityQuery {
  /**
   * Whole occurrences (not clipped: their starts carry the grid) that overlap `[window.start, window.end + duration)`.
   * Openings that touch or overlap are one for the visit's extent; each keeps its own grid.
   */
  readonly openings: readonly Interval[];
  /** Everything that overlaps `[window.start - bufferBefore, window.end + duration + bufferAfter)`. */
  readonly occupied: readonly Occupation[];
  /** Number of seats, 0 or more. */
  readonly capacity: number;
  readonly visit: Visit;
  /** Range in which visits may start, half-open. */
  readonly window: Interval;
  /** Earliest start (now + notice), epoch milliseconds. */
  readonly from: number;
}

/** Why a visit cannot start at an instant. */
export type StartRefusal =
  /** The visit is not inside an opening, or its start is off the grid. */
  | 'CLOSED'
  /** No seat is free for the whole visit and its buffers. */
  | 'BUSY'
  /** Starts before `from`. */
  | 'NOTICE_TOO_SHORT'
  /** Starts outside `window`. */
  | 'HORIZON';

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

/**
 * The visits that can be booked, sorted by start, at most `limit`: each lies inside an opening, starts on its grid, and
 * keeps a seat free over `[start - bufferBefore, start + duration + bufferAfter)`. Returned without buffers.
 * Throws RangeError when the visit makes no sense.
 */
export function bookableStarts(query: AvailabilityQuery & { readonly limit: number }): Interval[] {
  checkVisit(query.visit);
  const { durationMs, granularityMs } = query.visit;
  const openings = query.openings.filter((opening) => opening.start < opening.end).sort((a, b) => a.start - b.start);
  const visits: Interval[] = [];
  for (const range of startRanges(query)) {
    const room = query.limit - visits.length;
    if (room <= 0) break;
    for (const start of gridStarts(openings, range, { granularityMs, limit: room })) {
      visits.push({ start, end: start + durationMs });
    }
  }
  return visits;
}

/** Every reason why a visit cannot start at `start`; empty exactly when {@link bookableStarts} would offer it. */
export function explainStart(start: number, query: AvailabilityQuery): StartRefusal[] {
  checkVisit(query.visit);
  const { visit, window } = query;
  const end = start + visit.durationMs;
  const open = union(query.openings).some((opening) => covers(opening, { start, end }));
  const onGrid = query.openings.some(
    (opening) => opening.start <= start && start < opening.end && (start - opening.start) % visit.granularityMs === 0,
  );
  const kept = { start: start - visit.bufferBeforeMs, end: end + visit.bufferAfterMs };
  const reasons: StartRefusal[] = [];
  if (!open || !onGrid) reasons.push('CLOSED');
  if (fullRanges(query.occupied, query.capacity).some((full) => overlaps(full, kept))) reasons.push('BUSY');
  if (start < query.from) reasons.push('NOTICE_TOO_SHORT');
  if (start < window.start || start >= window.end) reasons.push('HORIZON');
  return reasons;
}

/**
 * A seat from 1 to `capacity` for each interval, in the order given, so that no two on one seat overlap; `null` when
 * more than `capacity` of them run at once. Greedy by start, which is optimal for intervals. Empty intervals take seat 1.
 */
export function assignSeats(intervals: readonly Interval[], capacity: number): number[] | null {
  const seats = intervals.map(() => 1);
  const freeFrom = Array.from({ length: Math.max(0, capacity) }, () => -Infinity);
  const order = intervals
    .map((interval, index) => ({ interval, index }))
    .filter(({ interval }) => interval.start < interval.end)
    .sort((a, b) => a.interval.start - b.interval.start);
  for (const { interval, index } of order) {
    const seat = freeFrom.findIndex((free) => free <= interval.start);
    if (seat === -1) return null;
    freeFrom[seat] = interval.end;
    seats[index] = seat + 1;
  }
  return seats;
}

/** Half-open ranges of instants at which a visit may start, the grid left aside. */
function startRanges({ openings, occupied, capacity, visit, window, from }: AvailabilityQuery): Interval[] {
  const { durationMs, bufferBeforeMs, bufferAfterMs } = visit;
  const earliest = Math.max(window.start, from);
  const inOpening = union(openings).map((opening) => ({
    start: Math.max(opening.start, earliest),
    end: Math.min(opening.end - durationMs + 1, window.end),
  }));
  // A start collides with a full range exactly when it lies strictly between these two instants.
  const colliding = fullRanges(occupied, capacity).map((full) => ({
    start: full.start - durationMs - bufferAfterMs + 1,
    end: full.end + bufferBeforeMs,
  }));
  return subtract(inOpening, colliding);
}

/** The first `limit` instants of `range` on the grid of an opening that contains them, sorted, without doubles. */
function gridStarts(
  openings: readonly Interval[],
  range: Interval,
  { granularityMs, limit }: { granularityMs: number; limit: number },
): number[] {
  const starts = new Set<number>();
  for (const opening of openings) {
    if (opening.start >= range.end) break;
    const end = Math.min(opening.end, range.end);
    const skipped = Math.max(0, Math.ceil((range.start - opening.start) / granularityMs));
    let start = opening.start + skipped * granularityMs;
    for (let taken = 0; taken < limit && start < end; taken++, start += granularityMs) starts.add(start);
  }
  return [...starts].sort((a, b) => a - b).slice(0, limit);
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
