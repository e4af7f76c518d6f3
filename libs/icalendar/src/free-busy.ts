import { union, type Interval } from '#domain';
import { all, parameterOf, type Component } from './properties.js';
import { instantOf, periodsOf, type ZoneFinder } from './times.js';
import { Unreadable } from './unreadable.js';
import { UTC } from './zones.js';

const DAY = 86_400_000;
const MAX_PERIODS = 5000;

/**
 * The busy periods of VFREEBUSY components (RFC 5545 3.6.4), sorted; those that meet are one. What is not called free is busy, be it
 * tentative or of an unknown type (3.2.9). Throws {@link Unreadable}.
 */
export function busyPeriods(components: readonly Component[], zoneOf: ZoneFinder): Interval[] {
  const told = components
    .flatMap((component) => all(component, 'freebusy'))
    .filter((property) => parameterOf(property, 'fbtype')?.toUpperCase() !== 'FREE');
  if (told.some(({ values }) => !values.every(Array.isArray))) throw new Unreadable('a period cannot be read');
  const periods = told.flatMap((property) => periodsOf(property, zoneOf));
  if (periods.length > MAX_PERIODS) throw new Unreadable('the object lists too many periods');
  return union(
    periods.map(({ start, length }) => {
      const from = instantOf(start, UTC);
      const to = 'kind' in length ? instantOf(length, UTC) : from + length.days * DAY + length.milliseconds;
      return { start: from, end: to };
    }),
  );
}
