import { checkVisit, fullRanges } from '../availability.js';
import type { Occupation } from '../availability.js';
import { common, overlaps, subtract } from '../interval.js';
import type { Interval } from '../interval.js';
import { admits, fitsAge, fitsNewPatients, servesMotif } from './fits.js';
import { DAY, localPeriod, MINUTE, rulesClock } from './periods.js';
import { keptTimes } from './release.js';
import type { AgendaFacts, Asked, OpenTime } from './types.js';

/**
 * The visits (buffers left out) that start in `window` and against which no rule speaks, sorted by start, at most
 * `limit`: exactly those for which `refusalsAt` is empty. Instants are whole epoch milliseconds. Throws RangeError when
 * the visit makes no sense.
 */
export function bookableVisits(facts: AgendaFacts, asked: Asked, window: Interval, limit: number): Interval[] {
  checkVisit(asked.visit);
  const { durationMs, granularityMs } = asked.visit;
  const range = startsInReach(facts, asked, window);
  if (range.start >= range.end || !mayBook(facts, asked)) return [];
  const extent = { start: range.start, end: range.end + durationMs };
  const openings = facts.openings
    .filter((opening) => opening.start < opening.end && overlaps(opening, extent))
    .filter((opening) => servesMotif(opening, asked) && admits(opening.audiences, asked))
    .sort((a, b) => a.start - b.start);
  if (openings.length === 0) return [];
  const visits: Interval[] = [];
  let first = 0;
  for (const free of freeStarts({ facts, asked, openings, range })) {
    const room = limit - visits.length;
    if (room <= 0) break;
    while ((openings[first]?.end ?? Infinity) <= free.start) first++;
    for (const start of gridStarts(openings.slice(first), free, { granularityMs, limit: room })) {
      visits.push({ start, end: start + durationMs });
    }
  }
  return visits;
}

/** Whether anything at all can be booked by who asks. */
function mayBook(facts: AgendaFacts, asked: Asked): boolean {
  return (
    facts.active &&
    facts.offered &&
    admits(asked.rules.audiences, asked) &&
    fitsNewPatients(asked) &&
    fitsAge(asked) &&
    asked.rules.quotas.every(({ max }) => max > 0)
  );
}

/** The starts that notice, horizon and what is opened yet leave of a window. */
function startsInReach({ openedUntil }: AgendaFacts, { rules, visit, now }: Asked, window: Interval): Interval {
  const horizon = rules.horizonDays === null ? Infinity : Math.floor(now + rules.horizonDays * DAY) + 1;
  return {
    start: Math.max(window.start, now + rules.noticeMinutes * MINUTE),
    end: Math.min(window.end, horizon, openedUntil - visit.durationMs + 1),
  };
}

interface Search {
  readonly facts: AgendaFacts;
  readonly asked: Asked;
  /** Those that can be used. */
  readonly openings: readonly OpenTime[];
  readonly range: Interval;
}

/** Half-open ranges of instants at which a visit may start, the grid left aside. */
function freeStarts(search: Search): Interval[] {
  const { facts, asked, openings, range } = search;
  const { durationMs, bufferBeforeMs, bufferAfterMs } = asked.visit;
  const kept = { start: range.start - bufferBeforeMs, end: range.end + durationMs + bufferAfterMs };
  const inOpening = subtract(openings, facts.closures).map(({ start, end }) =>
    common({ start, end: end - durationMs + 1 }, range),
  );
  // A start collides with taken time exactly when it lies strictly between these two instants.
  const around = (before: number, after: number) => (time: Interval) => ({
    start: time.start - durationMs - after + 1,
    end: time.end + before,
  });
  const beside = around(0, 0);
  return subtract(inOpening, [
    ...fullTimes(search, kept).map(around(bufferBeforeMs, bufferAfterMs)),
    ...facts.equipment.flatMap(({ occupied, capacity }) =>
      fullRanges(occupied, capacity).map(around(bufferBeforeMs, bufferAfterMs)),
    ),
    ...ruledOut(search, beside),
  ]);
}

/** When no seat is free, in the agenda or in an opening with fewer seats. */
function fullTimes({ facts, openings }: Search, within: Interval): Interval[] {
  const occupied: Occupation[] = facts.occupied.filter(({ interval }) => overlaps(interval, within));
  const smaller = new Set(openings.map(({ capacity }) => capacity ?? facts.capacity).filter((x) => x < facts.capacity));
  const inSmaller = [...smaller].flatMap((capacity) => {
    const full = fullRanges(occupied, capacity);
    const those = openings.filter((opening) => opening.capacity === capacity);
    return subtract(full, subtract(full, those));
  });
  return [...fullRanges(occupied, facts.capacity), ...inSmaller];
}

/** Starts ruled out by reserves, quotas and the gap between the patient's visits. */
function ruledOut({ facts, asked, range }: Search, beside: (time: Interval) => Interval): Interval[] {
  const { quotas, gapDays } = asked.rules;
  const seen = gapDays === null ? [] : asked.patient.visits;
  if (facts.reserves.length === 0 && quotas.length === 0 && seen.length === 0) return [];
  const clock = rulesClock(facts, asked, range);
  const within = { start: range.start, end: range.end + asked.visit.durationMs };
  const reserved = keptTimes({ facts, asked, clock }, within).map(beside);
  const full = quotas.flatMap(({ per, max }) => {
    const counts = new Map<number, number>();
    for (const start of facts.visits) {
      const period = localPeriod(per, clock.local(start)).start;
      counts.set(period, (counts.get(period) ?? 0) + 1);
    }
    const reached = [...counts].filter(([, count]) => count >= max);
    return reached.flatMap(([local]) => clock.instants(localPeriod(per, local)));
  });
  const near = seen.flatMap((start) => {
    const day = localPeriod('day', clock.local(start));
    const days = (gapDays ?? 0) - 1;
    return days < 0 ? [] : clock.instants({ start: day.start - days * DAY, end: day.end + days * DAY });
  });
  return [...reserved, ...full, ...near];
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
