import { overlaps } from './interval.js';
import type { Interval } from './interval.js';
import { bookableVisits } from './rules/bookable.js';
import type { DayPart } from './rules/asked-times.js';
import { PRIORITIES } from './rules/types.js';
import type { AgendaFacts, Asked, Priority } from './rules/types.js';
import { zoneClock } from './time-zone.js';
import type { ZoneClock } from './time-zone.js';

/** When a patient can come, in local time of the place of consultation. */
export interface Availability {
  /** ISO weekdays, 1 = Monday; empty = any. */
  readonly weekdays: readonly number[];
  /** Empty = any. */
  readonly parts: readonly DayPart[];
  /** First local day `YYYY-MM-DD`; `null` = from now on. */
  readonly from: string | null;
  /** Last local day, included; `null` = no end. */
  readonly to: string | null;
}

/** Somebody who waits for a visit in one agenda. Instants are epoch milliseconds. */
export interface Waiting {
  readonly id: string;
  readonly priority: Priority;
  /** The visit must have started before; `null` = no deadline. */
  readonly deadline: number | null;
  /** When he began to wait. */
  readonly since: number;
  readonly availability: Availability;
  /** Starts in this agenda that were offered to him and that he is not to be offered again. */
  readonly passed: readonly number[];
  /** One per motif that would do, as the rules ask it for this patient. */
  readonly asks: readonly { readonly facts: AgendaFacts; readonly asked: Asked }[];
}

/** A visit (buffers left out) for somebody who waits. */
export interface PlannedOffer extends Interval {
  readonly entryId: string;
  readonly motifId: string;
}

const DAY = 86_400_000;
const NOON = DAY / 2;
const EVENING = DAY * 0.75;
/** More starts than half a year of full days in quarters of an hour has. */
const MOST_VISITS = 20_000;

/** Whether a patient can come at an instant, read on the clock of the place of consultation. */
export function isAvailable(availability: Availability, start: number, clock: ZoneClock): boolean {
  const { weekdays, parts, from, to } = availability;
  const local = clock.local(start);
  const day = Math.floor(local / DAY);
  const time = local - day * DAY;
  // Day 0 was a Thursday.
  const weekday = ((day + 3) % 7) + 1;
  const part = time < NOON ? 'morning' : time < EVENING ? 'afternoon' : 'evening';
  return (
    (weekdays.length === 0 || weekdays.includes(weekday)) &&
    (parts.length === 0 || parts.includes(part)) &&
    (from === null || day * DAY >= Date.parse(from)) &&
    (to === null || day * DAY <= Date.parse(to))
  );
}

/** Who comes first: the more urgent, then the nearer deadline (none is last), then who waits longest, then by id. */
export function compareWaiting(a: Waiting, b: Waiting): number {
  return (
    PRIORITIES.indexOf(b.priority) - PRIORITIES.indexOf(a.priority) ||
    compareInstants(a.deadline ?? Infinity, b.deadline ?? Infinity) ||
    compareInstants(a.since, b.since) ||
    (a.id < b.id ? -1 : 1)
  );
}

function compareInstants(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/**
 * Who is offered what of one agenda in a window: in order, each the earliest visit against which no rule speaks, that he
 * can come to, that starts before his deadline, that he has not passed up, and that was given to nobody before him. At
 * most one each, and at most `limit`. Throws RangeError for an unknown zone.
 */
export function planOffers(
  waiting: readonly Waiting[],
  timeZone: string,
  window: Interval,
  limit: number,
): PlannedOffer[] {
  const clock = zoneClock(timeZone, { start: window.start - DAY, end: window.end + DAY });
  const bookable = new Map<string, readonly Interval[]>();
  const visitsOf = ({ facts, asked }: Waiting['asks'][number]): readonly Interval[] => {
    const name = JSON.stringify([asked.motifId, asked.audience, asked.patient]);
    const visits = bookable.get(name) ?? bookableVisits(facts, asked, window, MOST_VISITS);
    bookable.set(name, visits);
    return visits;
  };
  const planned: PlannedOffer[] = [];
  for (const entry of [...waiting].sort(compareWaiting)) {
    if (planned.length >= limit) break;
    const fits = (visit: Interval): boolean =>
      (entry.deadline === null || visit.start < entry.deadline) &&
      !entry.passed.includes(visit.start) &&
      isAvailable(entry.availability, visit.start, clock) &&
      !planned.some((other) => overlaps(other, visit));
    const found = entry.asks.flatMap((ask) => {
      const visit = visitsOf(ask).find(fits);
      return visit === undefined ? [] : [{ ...visit, entryId: entry.id, motifId: ask.asked.motifId }];
    });
    const [first] = found.sort((a, b) => a.start - b.start);
    if (first !== undefined) planned.push(first);
  }
  return planned;
}
