import { overlaps } from './interval.js';
import type { Interval } from './interval.js';
import type { KnownObject } from './reconcile-types.js';
import { liesInside } from './reconcile-reading.js';

const WEEK_MS = 7 * 86_400_000;

/** Versions of objects by remote id; `null` = not known, which equals nothing. */
export type Versions = ReadonlyMap<string, string | null>;

/** Cuts a window into pieces of a week, the last one maybe shorter. */
export function weeksOf({ start, end }: Interval): Interval[] {
  const weeks: Interval[] = [];
  for (let at = start; at < end; at += WEEK_MS) weeks.push({ start: at, end: Math.min(at + WEEK_MS, end) });
  return weeks;
}

/**
 * What the hub holds of a week: an object of ours where it stands, one of the practitioner's where its busy time is
 * held. An object that stands there without any time held is left out: it is free, or its time was never read.
 */
export function heldIn(week: Interval, known: readonly KnownObject[]): Versions {
  const holds = ({ appointmentId, when, busy }: KnownObject): boolean =>
    appointmentId === null ? busy.some((time) => overlaps(time, week)) : when !== null && overlaps(when, week);
  return new Map(known.filter(holds).map(({ remoteId, version }) => [remoteId, version]));
}

/** Every object that a listing of the week should find, whether its time is held or not. */
export function expectedIn(week: Interval, known: readonly KnownObject[]): Versions {
  return new Map(known.filter((one) => liesInside(one, week)).map(({ remoteId, version }) => [remoteId, version]));
}

/**
 * Whether a week must be read again: what stands there is not, version by version, what is held of it; or part of it lay
 * beyond `readUntil`, where busy time was not asked for when the objects were read.
 */
export function mustReadWeek(
  week: Interval,
  versions: { readonly there: Versions; readonly held: Versions },
  readUntil: number,
): boolean {
  const { there, held } = versions;
  if (week.end > readUntil || there.size !== held.size) return true;
  return [...there].some(([remoteId, version]) => version === null || held.get(remoteId) !== version);
}
