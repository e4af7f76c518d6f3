import { spend } from './meter.js';

/** A time zone as offsets from UTC. Wall times are written as if they were UTC, in epoch milliseconds. */
export interface Zone {
  /** IANA name, or a name of its own for a zone that only a calendar file defines. */
  readonly name: string;
  /** Milliseconds to add to an instant for the local time there. */
  offsetAt(instant: number): number;
}

/** A change of offset: from `at` (instant) on, `offset` holds. */
export interface Transition {
  readonly at: number;
  readonly offset: number;
}

/** The changes of a stretch of time. */
export interface Changes {
  /** Offset before the first change. */
  readonly initial: number;
  readonly transitions: readonly Transition[];
}

const DAY = 86_400_000;
const PROBE = 7 * DAY;
const MAX_YEARS = 400;
/** What looking up a year, or a zone, costs in steps (see `metered`). */
const YEAR_STEPS = 500;
const ZONE_STEPS = 500;

export const UTC: Zone = { name: 'UTC', offsetAt: () => 0 };

/**
 * The instant of a local time. In a gap the offset before it holds, of a doubled hour the first one counts
 * (RFC 5545 3.3.5).
 */
export function toInstant(zone: Zone, wall: number): number {
  if (zone === UTC) return wall;
  const before = zone.offsetAt(wall - DAY);
  const after = zone.offsetAt(wall + DAY);
  if (before === after) return wall - before;
  const fits = [before, after].filter((offset) => zone.offsetAt(wall - offset) === offset);
  return wall - (fits.length > 0 ? Math.max(...fits) : before);
}

export function toWall(zone: Zone, instant: number): number {
  return instant + zone.offsetAt(instant);
}

/** Offset in force at an instant, given the changes sorted by time and the offset before the first. */
export function offsetFrom(transitions: readonly Transition[], initial: number, instant: number): number {
  let low = 0;
  let high = transitions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((transitions[middle]?.at ?? Infinity) > instant) high = middle;
    else low = middle + 1;
  }
  return transitions[low - 1]?.offset ?? initial;
}

const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/;

function offsetReader(name: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' });
  return (instant) => {
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = OFFSET.exec(format.format(instant)) ?? [];
    const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === '-' ? -size : size;
  };
}

interface Year extends Changes {
  readonly from: number;
  readonly to: number;
}

/** Zones of the tz database as the runtime knows it; each year's changes are looked up once. */
class IanaZone implements Zone {
  readonly name: string;
  readonly #read: (instant: number) => number;
  readonly #years = new Map<number, Year>();
  #latest: Year = { from: 0, to: 0, initial: 0, transitions: [] };

  constructor(name: string) {
    this.name = name;
    this.#read = offsetReader(name);
  }

  offsetAt(instant: number): number {
    const { initial, transitions } = this.#year(instant);
    return offsetFrom(transitions, initial, instant);
  }

  #year(instant: number): Changes {
    if (instant >= this.#latest.from && instant < this.#latest.to) return this.#latest;
    const year = new Date(instant).getUTCFullYear();
    let known = this.#years.get(year);
    if (!known) {
      spend(YEAR_STEPS);
      const [from, to] = [utc(year, 0, 1), utc(year + 1, 0, 1)];
      known = { ...changesOf(this.#read, from, to), from, to };
      if (this.#years.size >= MAX_YEARS) this.#years.clear();
      this.#years.set(year, known);
    }
    return (this.#latest = known);
  }
}

/** Changes of offset in `(from, to]` and the offset before the first; found to the second. */
export function changesOf(offsetAt: (instant: number) => number, from: number, to: number): Changes {
  const initial = offsetAt(from);
  const transitions: Transition[] = [];
  let offset = initial;
  for (let low = from; low < to; low += PROBE) {
    const high = Math.min(low + PROBE, to);
    const next = offsetAt(high);
    if (next !== offset) transitions.push({ at: firstWith(offsetAt, next, { low, high }), offset: next });
    offset = next;
  }
  return { initial, transitions };
}

function firstWith(
  offsetAt: (instant: number) => number,
  offset: number,
  { low, high }: { low: number; high: number },
): number {
  let [before, after] = [low, high];
  for (;;) {
    const middle = Math.floor((before + after) / 2000) * 1000;
    if (middle <= before) return after;
    if (offsetAt(middle) === offset) after = middle;
    else before = middle;
  }
}

/** `Date.UTC` without its reading of the years 0 to 99 as 1900 to 1999. */
export function utc(year: number, month: number, day: number): number {
  return year >= 100 ? Date.UTC(year, month, day) : new Date(0).setUTCFullYear(year, month, day);
}

const cache = new Map<string, Zone | null>();
const MAX_ZONES = 700;

/** The zone of an IANA name in any case; `null` when the runtime does not know it. */
export function ianaZone(name: string): Zone | null {
  const known = cache.get(name);
  if (known !== undefined) return known;
  spend(ZONE_STEPS);
  const zone = load(name);
  if (cache.size >= MAX_ZONES) cache.clear();
  cache.set(name, zone);
  return zone;
}

function load(name: string): Zone | null {
  if (!/^[A-Za-z][A-Za-z0-9+_/-]{1,63}$/.test(name)) return null;
  try {
    const resolved = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    return resolved === 'UTC' ? UTC : new IanaZone(resolved);
  } catch {
    return null;
  }
}
