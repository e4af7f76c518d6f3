import type { Interval } from '../interval.js';
import { zoneClock } from '../time-zone.js';
import type { ZoneClock } from '../time-zone.js';
import type { AgendaFacts, Asked, Quota } from './types.js';

export const MINUTE = 60_000;
export const DAY = 86_400_000;
/** Days around a question that quotas (a week) and long reserves (a week) look at, with some to spare. */
const DAYS_AROUND = 20;

const LENGTH: Record<Quota['per'], number> = { day: DAY, 'half-day': DAY / 2, week: 7 * DAY };
/** ISO weeks begin on Monday, and 1970-01-01 was a Thursday. */
const SHIFT: Record<Quota['per'], number> = { day: 0, 'half-day': 0, week: 3 * DAY };

/** The local day, half-day or ISO week in which a local time lies, as local times. */
export function localPeriod(per: Quota['per'], local: number): Interval {
  const start = Math.floor((local + SHIFT[per]) / LENGTH[per]) * LENGTH[per] - SHIFT[per];
  return { start, end: start + LENGTH[per] };
}

/** The agenda's clock, exact for everything that the rules look at around a range of instants. */
export function rulesClock(facts: AgendaFacts, { rules }: Asked, around: Interval): ZoneClock {
  const daysBefore = facts.reserves.flatMap(({ release }) =>
    release.map((rule) => (rule.kind === 'at-time' ? rule.daysBefore : 0)),
  );
  const margin = (daysBefore.reduce((a, b) => Math.max(a, b), rules.gapDays ?? 0) + DAYS_AROUND) * DAY;
  return zoneClock(facts.timeZone, { start: around.start - margin, end: around.end + margin });
}
