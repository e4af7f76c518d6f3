import { all, first, recurrenceOf, textOf, type Component } from './properties.js';
import { Budget, expandRule } from './recurrence-rule.js';
import { readRule } from './rule-parts.js';
import { readTime, timesOf } from './times.js';
import { Unreadable } from './unreadable.js';
import { WINDOWS_ZONES } from './windows-zones.js';
import { ianaZone, offsetFrom, utc, UTC, type Transition, type Zone } from './zones.js';

/** Rules of a file's own zone are followed between these years. */
const [FIRST_YEAR, LAST_YEAR] = [1900, 2100];
const STEPS = 100_000;
const MAX_CACHED = 200;

const cache = new Map<string, Zone>();

/**
 * The zone of a TZID. The tz database wins over the file (also when the name is prefixed as `/vendor/Europe/Paris` or is
 * a Windows name), then the file's own VTIMEZONE counts. Throws {@link Unreadable}: an unknown zone is never floating.
 */
export function findZone(tzid: string, definitions: readonly Component[]): Zone {
  const name = tzid.replace(/^"|"$/g, '').trim();
  const known = wellKnown(name);
  if (known) return known;
  const definition = definitions.find((each) => textOf(each, 'tzid') === tzid);
  if (!definition) throw new Unreadable('an unknown time zone');
  const location = textOf(definition, 'x-lic-location');
  return (location === null ? null : wellKnown(location)) ?? definedZone(name, definition);
}

const names = new Map<string, Zone | null>();
const MAX_NAMES = 1000;

/** The zone of a name without any definition; `null` when the name says nothing. */
export function wellKnown(name: string): Zone | null {
  const known = names.get(name);
  if (known !== undefined) return known;
  const zone = lookUp(name);
  if (names.size >= MAX_NAMES) names.clear();
  names.set(name, zone);
  return zone;
}

function lookUp(name: string): Zone | null {
  const windows = WINDOWS_ZONES.get(name.toLowerCase());
  if (windows !== undefined) return ianaZone(windows);
  if (/^(?:tzone:\/\/Microsoft\/)?(?:utc|z)$/i.test(name)) return UTC;
  const parts = name.split('/').filter((part) => part !== '');
  const candidates = [
    name,
    ...[3, 2].filter((length) => parts.length >= length).map((length) => parts.slice(-length).join('/')),
  ];
  for (const candidate of candidates) {
    const zone = ianaZone(candidate);
    if (zone) return zone;
  }
  return null;
}

function definedZone(name: string, definition: Component): Zone {
  const key = JSON.stringify(definition);
  const cached = cache.get(key);
  if (cached) return cached;
  const zone = build(name, definition);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(key, zone);
  return zone;
}

function build(name: string, definition: Component): Zone {
  const budget = new Budget(STEPS);
  const onsets = definition.components.flatMap((each) => observance(each, budget)).sort((a, b) => a.at - b.at);
  const earliest = onsets[0];
  if (!earliest) throw new Unreadable('a time zone without rules');
  const { before } = earliest;
  return { name: `${name} (own rules)`, offsetAt: (instant) => offsetFrom(onsets, before, instant) };
}

interface Onset extends Transition {
  /** Offset until then. */
  readonly before: number;
}

/** Every onset of a STANDARD or DAYLIGHT part (RFC 5545 3.6.5). */
function observance(part: Component, budget: Budget): Onset[] {
  const before = readOffset(textOf(part, 'tzoffsetfrom'));
  const offset = readOffset(textOf(part, 'tzoffsetto'));
  const start = readTime(first(part, 'dtstart')?.values[0], null, () => UTC).wall;
  const to = utc(LAST_YEAR, 0, 1);
  const walls = new Set([start]);
  for (const property of all(part, 'rrule')) {
    const { rule, until } = readRule(recurrenceOf(property));
    const end = until === null ? Infinity : until.zone === UTC ? until.wall + before : until.wall;
    for (const wall of expandRule(rule, start, { from: utc(FIRST_YEAR, 0, 1), to, budget }))
      if (wall <= end) walls.add(wall);
  }
  for (const property of all(part, 'rdate')) for (const time of timesOf(property, () => UTC)) walls.add(time.wall);
  return [...walls].map((wall) => ({ at: wall - before, offset, before }));
}

function readOffset(value: string | null): number {
  const [, sign, hours, minutes, seconds = '0'] = /^([+-])(\d\d):?(\d\d):?(\d\d)?$/.exec(value ?? '') ?? [];
  if (sign === undefined) throw new Unreadable('a time zone with an unusable offset');
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -size : size;
}
