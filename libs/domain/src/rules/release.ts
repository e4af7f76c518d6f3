import { common, overlaps } from '../interval.js';
import type { Interval } from '../interval.js';
import type { ZoneClock } from '../time-zone.js';
import { DAY, localPeriod, MINUTE, rulesClock } from './periods.js';
import type { AgendaFacts, Asked, ReleaseRule, ReservedTime } from './types.js';

/** Whether who asks may book a reserve, time given back aside. */
export interface ReserveState {
  readonly free: boolean;
  /** Instant at which a rule of time frees it for everybody, past or to come; `null` when time alone never does. */
  readonly from: number | null;
}

/** Reserved time that who asks may not book. */
export interface KeptTime extends Interval {
  /** Instant from which time alone frees it; `null` when it never does. */
  readonly from: number | null;
}

/** Says whether a reserve is free for who asks: always for whom it is kept, else by its release rules. */
export function reserveState(reserve: ReservedTime, facts: AgendaFacts, asked: Asked): ReserveState {
  const question = { facts, asked, clock: rulesClock(facts, asked, reserve), shares: new Map<number, number | null>() };
  const from = releasedFrom(reserve, question);
  return { free: lets(reserve, question) || isReleased(reserve, from, question), from };
}

/** The reserved time that overlaps a range and that who asks may not book, with what was given back late. */
export function keptTimes(
  { facts, asked, clock }: { readonly facts: AgendaFacts; readonly asked: Asked; readonly clock: ZoneClock },
  within: Interval,
): KeptTime[] {
  const question = { facts, asked, clock, shares: new Map<number, number | null>() };
  return facts.reserves
    .filter((reserve) => reserve.start < reserve.end && overlaps(reserve, within))
    .flatMap((reserve) => keptOf(reserve, question));
}

interface Question {
  readonly facts: AgendaFacts;
  readonly asked: Asked;
  readonly clock: ZoneClock;
  /** Shares taken, by the local start of the day: the reserves of one day ask the same. */
  readonly shares: Map<number, number | null>;
}

function keptOf(reserve: ReservedTime, question: Question): KeptTime[] {
  if (lets(reserve, question)) return [];
  const from = releasedFrom(reserve, question);
  if (!isReleased(reserve, from, question)) return [{ start: reserve.start, end: reserve.end, from }];
  const { recaptureMinutes } = reserve;
  if (recaptureMinutes === null) return [];
  const { now } = question.asked;
  return question.facts.givenBack.flatMap(({ start, end, at }) => {
    const part = common(reserve, { start, end });
    const early = from !== null && at < from;
    // What was given back before the hour of the release is released with the rest.
    const until = Math.min(part.start - recaptureMinutes * MINUTE, early ? from : Infinity);
    return part.start < part.end && now < until ? [{ ...part, from: until }] : [];
  });
}

/** Whether the reserve is kept for who asks, or a quota lets his secretariat in. */
function lets({ keptFor, release, start }: ReservedTime, { facts, asked, clock }: Question): boolean {
  if (asked.usesReserved === false) return false;
  if (keptFor.priorities.includes(asked.rules.priority)) return true;
  if (keptFor.audiences.includes(asked.audience) || keptFor.motifIds.includes(asked.motifId)) return true;
  const quotas = release.filter((rule) => rule.kind === 'quota');
  if (asked.secretariat === null || quotas.length === 0) return false;
  const day = localPeriod('day', clock.local(start));
  const booked = facts.reservedVisits.filter((visit) => {
    const local = clock.local(visit.start);
    return visit.secretariat === asked.secretariat && day.start <= local && local < day.end;
  }).length;
  return quotas.some(({ perSecretariat }) => booked < perSecretariat);
}

function isReleased(reserve: ReservedTime, from: number | null, question: Question): boolean {
  if (from !== null && from <= question.asked.now) return true;
  const wanted = reserve.release.filter((rule) => rule.kind === 'occupancy').map(({ share }) => share);
  if (wanted.length === 0) return false;
  const day = localPeriod('day', question.clock.local(reserve.start));
  let share = question.shares.get(day.start);
  if (share === undefined) {
    share = takenShare(question.facts, question.clock.instants(day));
    question.shares.set(day.start, share);
  }
  return share !== null && share >= Math.min(...wanted);
}

function releasedFrom({ start, release }: ReservedTime, { clock }: Question): number | null {
  const instants = release.flatMap((rule) => releaseInstant(rule, start, clock));
  return instants.length === 0 ? null : Math.min(...instants);
}

function releaseInstant(rule: ReleaseRule, start: number, clock: ZoneClock): number[] {
  if (rule.kind === 'before') return [start - rule.minutes * MINUTE];
  if (rule.kind !== 'at-time') return [];
  const [hours = NaN, minutes = NaN] = rule.time.split(':').map(Number);
  const day = localPeriod('day', clock.local(start)).start - rule.daysBefore * DAY;
  return [clock.instant(day + (hours * 60 + minutes) * MINUTE)];
}

/** Share of the seats' time of a day, open to all and neither closed nor reserved, that is taken; `null` when there is none. */
function takenShare({ openings, closures, reserves, occupied, capacity }: AgendaFacts, day: readonly Interval[]) {
  const whole = { start: day[0]?.start ?? 0, end: day.at(-1)?.end ?? 0 };
  const touches = (time: Interval): boolean => time.start < time.end && overlaps(time, whole);
  const open = openings.filter(touches);
  const shut = [...closures.filter(touches), ...reserves.filter(touches)];
  const busy = occupied.filter(({ kind, interval }) => kind === 'busy' && touches(interval));
  const times = [...day, ...open, ...shut, ...busy.map(({ interval }) => interval)];
  const edges = [...new Set(times.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  let room = 0;
  let taken = 0;
  for (const [index, at] of edges.entries()) {
    const runs = (time: Interval): boolean => time.start <= at && at < time.end;
    if (!open.some(runs) || !day.some(runs) || shut.some(runs)) continue;
    const running = open.filter(runs);
    const seats = Math.min(...running.map((opening) => opening.capacity ?? capacity), capacity);
    const using = busy.filter(({ interval }) => runs(interval));
    const use = using.reduce((sum, { seat }) => sum + (seat === null ? seats : 1), 0);
    const length = (edges[index + 1] ?? at) - at;
    room += seats * length;
    taken += Math.min(use, seats) * length;
  }
  return room === 0 ? null : taken / room;
}
