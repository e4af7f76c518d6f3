import { checkVisit, fullRanges } from '../availability.js';
import { common, covers, overlaps, subtract } from '../interval.js';
import type { Interval } from '../interval.js';
import type { ZoneClock } from '../time-zone.js';
import { admits, fitsAge, fitsNewPatients, servesMotif } from './fits.js';
import { DAY, localPeriod, MINUTE, rulesClock } from './periods.js';
import { keptTimes } from './release.js';
import type { AgendaFacts, Asked, OpenTime, RuleCode, RuleRefusal } from './types.js';
import { RULE_CODES } from './types.js';

/** Where a visit lies: inside what it may use, else the first thing that keeps it out. */
type Place = 'inside' | 'beyond' | 'closed' | 'motif' | 'audience';

interface Question {
  readonly visit: Interval;
  readonly facts: AgendaFacts;
  readonly asked: Asked;
  readonly clock: ZoneClock;
  readonly place: Place;
}

/** `false`: nothing against it; `true`: refused; a number: refused until that instant. */
type Answer = boolean | number;

/**
 * Every rule that speaks against a visit at `start` (epoch milliseconds), in the order of {@link RULE_CODES}; empty when
 * it can be booked. A visit beyond what is opened yet is refused for its horizon, and nothing is said of openings there.
 * Throws RangeError when the visit makes no sense.
 */
export function refusalsAt(start: number, facts: AgendaFacts, asked: Asked): RuleRefusal[] {
  checkVisit(asked.visit);
  const visit = { start, end: start + asked.visit.durationMs };
  const question = {
    visit,
    facts,
    asked,
    clock: rulesClock(facts, asked, visit),
    place: placeOf(visit, facts, asked),
  };
  return RULE_CODES.flatMap((code): RuleRefusal[] => {
    const answer = CHECKS[code](question);
    if (answer === false) return [];
    return [answer === true ? { code } : { code, bookableFrom: answer }];
  });
}

const CHECKS: Record<RuleCode, (question: Question) => Answer> = {
  AGENDA_DISABLED: ({ facts }) => !facts.active,
  MOTIF_NOT_ALLOWED: ({ facts, place }) => !facts.offered || place === 'motif',
  AUDIENCE: ({ asked, place }) => !admits(asked.rules.audiences, asked) || place === 'audience',
  NEW_PATIENT: ({ asked }) => !fitsNewPatients(asked),
  AGE: ({ asked }) => !fitsAge(asked),
  NOTICE_TOO_SHORT: ({ visit, asked }) => visit.start < asked.now + asked.rules.noticeMinutes * MINUTE,
  HORIZON: ({ visit, asked: { now, rules }, place }) => {
    if (place === 'beyond') return true;
    if (rules.horizonDays === null || visit.start <= now + rules.horizonDays * DAY) return false;
    return visit.start - rules.horizonDays * DAY;
  },
  CLOSED: ({ place }) => place === 'closed',
  OFF_GRID: ({ visit: { start }, facts, asked, place }) =>
    place === 'inside' &&
    facts.offered &&
    admits(asked.rules.audiences, asked) &&
    !usable(facts, asked).some(
      (opening) =>
        opening.start <= start && start < opening.end && (start - opening.start) % asked.visit.granularityMs === 0,
    ),
  RESERVED_UNTIL: (question) => {
    const kept = keptTimes(question, question.visit).filter((time) => overlaps(time, question.visit));
    if (kept.length === 0) return false;
    const until = Math.max(...kept.map(({ from }) => from ?? Infinity));
    return until === Infinity ? true : until;
  },
  QUOTA_REACHED: ({ visit, facts, asked, clock }) =>
    asked.rules.quotas.some(({ per, max }) => {
      const period = localPeriod(per, clock.local(visit.start));
      const inPeriod = (local: number): boolean => period.start <= local && local < period.end;
      return facts.visits.filter((start) => inPeriod(clock.local(start))).length >= max;
    }),
  GAP_BETWEEN_VISITS: ({ visit, asked: { rules, patient }, clock }) => {
    const dayOf = (instant: number): number => Math.floor(clock.local(instant) / DAY);
    const { gapDays } = rules;
    if (gapDays === null) return false;
    return patient.visits.some((other) => Math.abs(dayOf(other) - dayOf(visit.start)) < gapDays);
  },
  RESOURCE: ({ visit, facts, asked }) => {
    const kept = { start: visit.start - asked.visit.bufferBeforeMs, end: visit.end + asked.visit.bufferAfterMs };
    return facts.equipment.some(({ occupied, capacity }) =>
      fullRanges(occupied, capacity).some((x) => overlaps(x, kept)),
    );
  },
  BUSY: (question) => !seatIsFree(question, ['busy', 'held']) && !seatIsFree(question, ['busy']),
  HELD: (question) => !seatIsFree(question, ['busy', 'held']) && seatIsFree(question, ['busy']),
};

function usable({ openings }: AgendaFacts, asked: Asked): OpenTime[] {
  return openings.filter((opening) => servesMotif(opening, asked) && admits(opening.audiences, asked));
}

function placeOf(visit: Interval, facts: AgendaFacts, asked: Asked): Place {
  const cover = (openings: readonly Interval[]): boolean =>
    subtract(openings, facts.closures).some((open) => covers(open, visit));
  if (visit.end > facts.openedUntil) return 'beyond';
  if (!cover(facts.openings)) return 'closed';
  if (!cover(facts.openings.filter((opening) => servesMotif(opening, asked)))) return 'motif';
  return cover(usable(facts, asked)) ? 'inside' : 'audience';
}

/** Whether the visit with its buffers has a seat, in the agenda and in each opening with fewer seats that it could use. */
function seatIsFree({ visit, facts, asked }: Question, kinds: readonly string[]): boolean {
  const kept = { start: visit.start - asked.visit.bufferBeforeMs, end: visit.end + asked.visit.bufferAfterMs };
  const occupied = facts.occupied.filter(({ kind, interval }) => kinds.includes(kind) && overlaps(interval, kept));
  const isFull = (time: Interval, capacity: number): boolean =>
    time.start < time.end && fullRanges(occupied, capacity).some((full) => overlaps(full, time));
  return (
    !isFull(kept, facts.capacity) &&
    !usable(facts, asked).some(
      (opening) => opening.capacity !== null && isFull(common(kept, opening), opening.capacity),
    )
  );
}
