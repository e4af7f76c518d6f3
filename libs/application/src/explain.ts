import { overlaps, refusalsAt, type AgendaFacts, type Asked, type RuleCode, type RuleRefusal } from '#domain';
import type { Freshness } from './model.js';

/** Something that speaks against a start. */
export interface Objection extends Omit<RuleRefusal, 'code'> {
  readonly code: RuleCode | 'AGENDA_STALE' | 'AGENDA_UNREACHABLE';
  /** Who holds the time, where a hold alone is in the way. */
  readonly heldBy?: string;
}

/** What sentences about objections need: the clock by which they were found, and the agenda's zone. */
export interface Told {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly timeZone: string;
}

/** Every rule that speaks against a start (epoch milliseconds), in order; a secretariat is told who holds it. */
export function objectionsAt(start: number, facts: AgendaFacts, asked: Asked): Objection[] {
  const { durationMs, bufferBeforeMs, bufferAfterMs } = asked.visit;
  const kept = { start: start - bufferBeforeMs, end: start + durationMs + bufferAfterMs };
  const holders = facts.occupied.filter(({ kind, interval }) => kind === 'held' && overlaps(interval, kept));
  const isColleague = asked.audience === 'SECRETARIAT';
  const heldBy = isColleague ? holders.find((hold) => hold.heldBy !== undefined)?.heldBy : undefined;
  return refusalsAt(start, facts, asked).map((refusal) =>
    refusal.code === 'HELD' && heldBy !== undefined ? { ...refusal, heldBy } : refusal,
  );
}

/** What the age of a copy adds, right after a disabled agenda. An agenda that queues what it cannot be asked takes bookings all the same. */
export function withFreshness(
  objections: readonly Objection[],
  { certainty }: Freshness,
  whenUnreachable: 'refuse' | 'queue',
): Objection[] {
  if (whenUnreachable === 'queue' || certainty === 'live' || certainty === 'fresh') return [...objections];
  const disabled = objections.filter(({ code }) => code === 'AGENDA_DISABLED');
  const others = objections.filter(({ code }) => code !== 'AGENDA_DISABLED');
  return [...disabled, { code: certainty === 'stale' ? 'AGENDA_STALE' : 'AGENDA_UNREACHABLE' }, ...others];
}
