import { expandOpening, publicHolidays, wallClock, type Interval, type OpenTime, type ReservedTime } from '#domain';
import type { AgendaRules, ClosureRule } from './agenda-rules.js';

const DAY = 86_400_000;
/** Half a year can be booked whatever the motifs say. */
const LEAST_HORIZON_DAYS = 180;
/** Expanded further than needed, so that it need not be done daily. */
const SPARE_DAYS = 10;

/** Rules as occurrences, which is how search and booking look at them. */
export interface ExpandedRules {
  readonly openings: readonly (OpenTime & { readonly openingId: string })[];
  readonly reserves: readonly ReservedTime[];
  readonly holidays: readonly ClosureRule[];
}

/** How many days ahead an agenda has to be open: as far as the furthest horizon of its motifs, at least half a year. */
export function horizonDays({ kept }: Pick<AgendaRules, 'kept'>): number {
  return kept.motif.reduce((most, { rule }) => Math.max(most, rule.horizonDays ?? 0), LEAST_HORIZON_DAYS);
}

/** From yesterday (UTC) to the agenda's horizon, with some to spare. */
export function expansionWindow(rules: Pick<AgendaRules, 'kept' | 'now'>): Interval {
  const today = rules.now - (rules.now % DAY);
  return { start: today - DAY, end: today + (horizonDays(rules) + SPARE_DAYS) * DAY };
}

/** Every occurrence that overlaps the window, whole. */
export function expandRules(rules: AgendaRules, window: Interval): ExpandedRules {
  return {
    openings: rules.kept.opening.flatMap(({ id, rule }) => {
      const { motifIds, audiences, capacity } = rule;
      return expandOpening(rule, window).map((time) => ({ ...time, openingId: id, motifIds, audiences, capacity }));
    }),
    reserves: rules.kept.reserve.flatMap(({ id, rule }) => {
      const { keptFor, release, recaptureMinutes } = rule;
      return expandOpening(rule, window).map((time) => ({
        ...time,
        reserveId: id,
        keptFor,
        release,
        recaptureMinutes,
      }));
    }),
    holidays: holidaysIn(rules, window),
  };
}

/** The public holidays on which the practitioner does not work: whole local days of the place of consultation. */
function holidaysIn({ settings, timeZone }: AgendaRules, window: Interval): ClosureRule[] {
  const { holidayCalendar, workedHolidays } = settings;
  if (holidayCalendar === null) return [];
  const instant = wallClock(timeZone, { start: window.start - 2 * DAY, end: window.end + 2 * DAY });
  const [first, last] = [window.start - DAY, window.end + DAY].map((at) => new Date(at).getUTCFullYear());
  const found: ClosureRule[] = [];
  for (let year = first ?? 0; year <= (last ?? 0); year++) {
    for (const { date, fr } of publicHolidays(holidayCalendar, year)) {
      const midnight = Date.parse(`${date}T00:00:00Z`);
      const day = { start: instant(midnight), end: instant(midnight + DAY) };
      if (workedHolidays.includes(date) || day.end <= window.start || day.start >= window.end) continue;
      found.push({ ...day, label: fr, source: 'holiday' });
    }
  }
  return found;
}
