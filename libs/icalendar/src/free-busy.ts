import { union } from '#domain';
import type { CalendarEvent } from './calendar-object.js';
import { all, parameterOf, textOf, type Component } from './properties.js';
import { instantOf, periodsOf, type EventTime, type ZoneFinder } from './times.js';
import { Unreadable } from './unreadable.js';
import { UTC } from './zones.js';

const DAY = 86_400_000;
const MAX_PERIODS = 5000;

const NOTHING_ELSE: Omit<CalendarEvent, 'uid' | 'start' | 'end' | 'periods'> = {
  ...{ sequence: 0, duration: null, rules: [], excludedRules: [], dates: [], excludedDates: [], recurrenceId: null },
  ...{ andFuture: false, status: '', transparent: false, classification: 'PRIVATE', summary: '', declined: [] },
  ...{ reference: null, modifiedAt: null },
};

/**
 * The periods of VFREEBUSY components (RFC 5545 3.6.4) as one private event; none where they tell of none. What is not called free
 * is busy, be it tentative or of an unknown type (3.2.9). Periods that meet are one. Throws {@link Unreadable}.
 */
export function freeBusy(components: readonly Component[], zoneOf: ZoneFinder): CalendarEvent[] {
  const told = components
    .flatMap((component) => all(component, 'freebusy'))
    .filter((property) => parameterOf(property, 'fbtype')?.toUpperCase() !== 'FREE');
  if (told.some(({ values }) => !values.every(Array.isArray))) throw new Unreadable('a period cannot be read');
  const periods = told.flatMap((property) => periodsOf(property, zoneOf));
  if (periods.length > MAX_PERIODS) throw new Unreadable('the object lists too many periods');
  const [first, ...others] = union(
    periods.map(({ start, length }) => {
      const from = instantOf(start, UTC);
      const to = 'kind' in length ? instantOf(length, UTC) : from + length.days * DAY + length.milliseconds;
      return { start: from, end: to };
    }),
  );
  if (first === undefined) return [];
  // No UID of an event beside it.
  const uid = `free-busy ${components.map((component) => textOf(component, 'uid') ?? '').join(' ')}`;
  const rest = others.map(({ start, end }) => ({ start: utc(start), length: utc(end) }));
  return [{ ...NOTHING_ELSE, uid, start: utc(first.start), end: utc(first.end), periods: rest }];
}

function utc(instant: number): EventTime {
  return { kind: 'time', wall: instant, zone: UTC };
}
