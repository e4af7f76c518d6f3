import type { Visit } from '../availability.js';
import { covers, overlaps } from '../interval.js';
import type { Interval } from '../interval.js';
import { zoneClock } from '../time-zone.js';
import { DAY, MINUTE } from './periods.js';

/** Why a visit is suggested before others, in the order in which they are told. */
export const RANKING_REASONS = [
  /** Touches taken time or the edge of the open time, on one side or on both: no piece is left over. */
  'FILLS_GAP',
  /** Uses no time that was reserved, be it released. */
  'KEEPS_RESERVE',
  /** Lies inside the practitioner's preferred times. */
  'PREFERRED',
  /** With a practitioner whom the patient usually sees. */
  'USUAL_PRACTITIONER',
  /** Within an hour of the local time of an earlier visit of the patient. */
  'USUAL_TIME',
  /** Nothing that was found starts sooner. */
  'SOONEST',
] as const;
export type RankingReason = (typeof RANKING_REASONS)[number];

/** What each reason is worth; FILLS_GAP counts for each side. */
export const RANKING_WEIGHTS: Readonly<Record<RankingReason, number>> = {
  FILLS_GAP: 2,
  KEEPS_RESERVE: 3,
  PREFERRED: 3,
  USUAL_PRACTITIONER: 5,
  USUAL_TIME: 2,
  SOONEST: 1,
};

const USUAL_TIME_MS = 60 * MINUTE;

/** A visit that could be booked, buffers left out. */
export interface Candidate extends Interval {
  readonly agendaId: string;
}

/** What suggestions look at of one agenda, over the days of its candidates. */
export interface RankedAgenda {
  readonly timeZone: string;
  /** Time that can be used for the motif, closures removed and touching pieces merged. */
  readonly open: readonly Interval[];
  readonly taken: readonly Interval[];
  /** Every occurrence of a reserve, released or not. */
  readonly reserves: readonly Interval[];
  readonly preferred: readonly Interval[];
  readonly buffers: Pick<Visit, 'bufferBeforeMs' | 'bufferAfterMs'>;
}

export interface RankingContext {
  /** By agenda id. A candidate whose agenda is missing is judged by the patient and the time alone. */
  readonly agendas: ReadonlyMap<string, RankedAgenda>;
  /** `null` = any patient. */
  readonly patient: {
    /** Agendas of the practitioners whom the patient usually sees. */
    readonly usualAgendaIds: readonly string[];
    /** Starts of earlier visits, epoch milliseconds. */
    readonly visits: readonly number[];
  } | null;
}

export type Ranked<T extends Candidate> = T & {
  /** Sum of {@link RANKING_WEIGHTS}. */
  readonly score: number;
  readonly reasons: readonly RankingReason[];
};

/** Candidates with what speaks for each, best first; ties by start, then by agenda id in code units. */
export function rankVisits<T extends Candidate>(candidates: readonly T[], context: RankingContext): Ranked<T>[] {
  const soonest = candidates.reduce((first, { start }) => Math.min(first, start), Infinity);
  const range = { start: soonest, end: candidates.reduce((last, { end }) => Math.max(last, end), soonest) };
  const judges = new Map([...context.agendas].map(([id, agenda]) => [id, judgeOf(agenda, context.patient, range)]));
  const ranked = candidates.map((candidate) => {
    const times: Partial<Record<RankingReason, number>> = {
      ...judges.get(candidate.agendaId)?.(candidate),
      USUAL_PRACTITIONER: Number(context.patient?.usualAgendaIds.includes(candidate.agendaId) ?? false),
      SOONEST: Number(candidate.start === soonest),
    };
    const reasons = RANKING_REASONS.filter((reason) => (times[reason] ?? 0) > 0);
    const score = reasons.reduce((sum, reason) => sum + (times[reason] ?? 0) * RANKING_WEIGHTS[reason], 0);
    return { ...candidate, score, reasons };
  });
  return ranked.sort((a, b) => b.score - a.score || a.start - b.start || order(a.agendaId, b.agendaId));
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** How many times each reason of its agenda speaks for a candidate. */
type Judge = (candidate: Interval) => Partial<Record<RankingReason, number>>;

function judgeOf(agenda: RankedAgenda, patient: RankingContext['patient'], range: Interval): Judge {
  const { open, taken, reserves, preferred, buffers } = agenda;
  const closesBefore = new Set(open.map(({ start }) => start));
  const closesAfter = new Set(open.map(({ end }) => end));
  const takenUntil = new Set(taken.map(({ end }) => end));
  const takenFrom = new Set(taken.map(({ start }) => start));
  const usual = usualTimes(agenda.timeZone, patient?.visits ?? [], range);
  return (candidate) => {
    const { start, end } = candidate;
    const before = closesBefore.has(start) || takenUntil.has(start - buffers.bufferBeforeMs);
    const after = closesAfter.has(end) || takenFrom.has(end + buffers.bufferAfterMs);
    return {
      FILLS_GAP: Number(before) + Number(after),
      KEEPS_RESERVE: Number(!reserves.some((reserve) => overlaps(reserve, candidate))),
      PREFERRED: Number(preferred.some((time) => covers(time, candidate))),
      USUAL_TIME: Number(usual(start)),
    };
  };
}

/** Whether an instant has about the local time of one of the visits; midnight does not part them. */
function usualTimes(timeZone: string, visits: readonly number[], range: Interval): (instant: number) => boolean {
  if (visits.length === 0) return () => false;
  const all = visits.reduce((span, at) => ({ start: Math.min(span.start, at), end: Math.max(span.end, at) }), range);
  const clock = zoneClock(timeZone, all);
  const timeOf = (instant: number): number => ((clock.local(instant) % DAY) + DAY) % DAY;
  const times = visits.map(timeOf);
  return (instant) =>
    times.some((time) => {
      const apart = Math.abs(time - timeOf(instant));
      return Math.min(apart, DAY - apart) <= USUAL_TIME_MS;
    });
}
