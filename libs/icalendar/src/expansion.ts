import { overlaps, type Interval } from '#domain';
import type { CalendarEvent } from './calendar-object.js';
import { Budget, expandRule } from './recurrence-rule.js';
import type { BoundedRule } from './rule-parts.js';
import { dateOf, dayOf, instantOf, type EventTime, type Span } from './times.js';
import { Unreadable } from './unreadable.js';
import { toInstant, toWall, UTC, type Zone } from './zones.js';

const DAY = 86_400_000;
/** Steps one object may take: tens of milliseconds, and enough for a daily series of centuries. */
const STEPS = 200_000;
const MAX_INSTANCES = 2000;

/** One occurrence, with the event that describes it (the override where there is one). */
export interface Instance extends Interval {
  readonly event: CalendarEvent;
}

/** What is asked of an expansion. */
export interface ExpansionRequest {
  readonly window: Interval;
  /** Zone in which floating times and all-day events are understood. */
  readonly local: Zone;
}

/** Start, end and the key by which overrides and exclusions name an instance (an instant, or a day's wall time). */
interface Base {
  readonly key: number;
  readonly wall: number;
  readonly start: number;
  readonly end: number;
}

/** Interval of one event taken by itself. An all-day event lasts at least a day, any other at least no time. */
export function intervalOf(event: CalendarEvent, local: Zone): Interval {
  return intervalAt(event, event.start.wall, local);
}

/** The event's interval with its start at another wall time. DTEND means an exact length, DURATION a nominal one. */
function intervalAt(event: CalendarEvent, wall: number, local: Zone): Interval {
  const zone = event.start.zone ?? local;
  const start = toInstant(zone, wall);
  if (event.start.kind === 'date') return { start, end: endOfDays(event, wall, { zone, start }) };
  if (event.end) {
    const length = instantOf(event.end, event.end.kind === 'date' ? zone : local) - instantOf(event.start, local);
    return { start, end: start + Math.max(0, length) };
  }
  return { start, end: event.duration ? Math.max(start, after({ wall, zone, start }, event.duration)) : start };
}

function endOfDays(event: CalendarEvent, wall: number, { zone, start }: { zone: Zone; start: number }): number {
  const next = toInstant(zone, wall + DAY);
  if (event.end?.kind === 'date') return Math.max(next, toInstant(zone, wall + event.end.wall - event.start.wall));
  if (event.end) return Math.max(next, start + instantOf(event.end, zone) - toInstant(zone, event.start.wall));
  if (!event.duration) return next;
  const { days, milliseconds } = event.duration;
  return Math.max(
    next,
    after({ wall, zone, start }, { days: days + Math.trunc(milliseconds / DAY), milliseconds: milliseconds % DAY }),
  );
}

/** Days are nominal, the rest exact (RFC 5545 3.3.6). */
function after({ wall, zone, start }: { wall: number; zone: Zone; start: number }, span: Span): number {
  return (span.days === 0 ? start : toInstant(zone, wall + span.days * DAY)) + span.milliseconds;
}

/** Names instances of one series as EXDATE and RECURRENCE-ID do, in whatever type or zone they are written. */
class Names {
  readonly #keys = new Set<number>();
  readonly #days = new Set<number>();

  constructor(
    private readonly start: EventTime,
    private readonly local: Zone,
    times: readonly EventTime[] = [],
  ) {
    for (const time of times) this.add(time);
  }

  add(time: EventTime): void {
    if (this.start.kind === 'time' && time.kind === 'date') this.#days.add(time.wall);
    else this.#keys.add(this.keyOf(time));
  }

  keyOf(time: EventTime): number {
    return this.start.kind === 'date' ? dateOf(time, this.local) : instantOf(time, this.local);
  }

  has({ key, wall }: Pick<Base, 'key' | 'wall'>): boolean {
    return this.#keys.has(key) || (this.#days.size > 0 && this.#days.has(dayOf(wall)));
  }
}

/** Expands the events of one UID. */
class Series {
  readonly #master: CalendarEvent;
  readonly #request: ExpansionRequest;
  readonly #zone: Zone;
  readonly #names: Names;
  readonly #budget = new Budget(STEPS);
  /** Wall times between which an instance can reach into the window. */
  readonly #from: number;
  readonly #to: number;

  constructor(master: CalendarEvent, overrides: readonly CalendarEvent[], request: ExpansionRequest) {
    this.#master = master;
    this.#request = request;
    this.#zone = master.start.zone ?? request.local;
    this.#names = new Names(master.start, request.local, master.excludedDates);
    const shifts = overrides.filter(({ andFuture }) => andFuture).map((each) => this.#shiftOf(each));
    const lengths = [master, ...overrides].map((each) => {
      const { start, end } = intervalOf(each, request.local);
      return end - start;
    });
    this.#from = request.window.start - Math.max(...lengths) - Math.max(0, ...shifts) - 2 * DAY;
    this.#to = request.window.end - Math.min(0, ...shifts) + 2 * DAY;
  }

  expand(overrides: readonly CalendarEvent[]): Instance[] {
    const named = overrides.map((event) => ({
      event,
      names: new Names(this.#master.start, this.#request.local, event.recurrenceId ? [event.recurrenceId] : []),
    }));
    const futures = named
      .filter(({ event }) => event.andFuture)
      .map(({ event }) => ({ event, key: this.#keyOf(event) }))
      .sort((a, b) => b.key - a.key);
    const kept = this.#bases().filter((base) => !named.some(({ names }) => names.has(base)));
    return [
      ...kept.map((base) => {
        const future = futures.find(({ key }) => base.key > key);
        return future ? this.#shifted(base, future.event) : { ...base, event: this.#master };
      }),
      ...overrides
        .filter((event) => !this.#names.has({ key: this.#keyOf(event), wall: this.#wallOf(event) }))
        .map((event) => ({ ...intervalOf(event, this.#request.local), event })),
    ].map(({ start, end, event }) => ({ start, end, event }));
  }

  #keyOf(override: CalendarEvent): number {
    return this.#names.keyOf(override.recurrenceId ?? override.start);
  }

  /** The wall time, in the series' zone, of the instance that an override replaces. */
  #wallOf(override: CalendarEvent): number {
    const time = override.recurrenceId ?? override.start;
    if (this.#master.start.kind === 'date') return dateOf(time, this.#request.local);
    if (time.kind === 'date') return time.wall + this.#master.start.wall - dayOf(this.#master.start.wall);
    return toWall(this.#zone, instantOf(time, this.#request.local));
  }

  #shiftOf(override: CalendarEvent): number {
    const wall =
      override.start.kind === 'date'
        ? override.start.wall
        : toWall(this.#zone, instantOf(override.start, this.#request.local));
    return wall - this.#wallOf(override);
  }

  /** An instance after an override of this and future ones: moved by as much, and as long (RFC 5545 3.8.4.4). */
  #shifted(base: Base, event: CalendarEvent): Instance {
    const start = toInstant(this.#zone, base.wall + this.#shiftOf(event));
    const own = intervalOf(event, this.#request.local);
    return { start, end: start + own.end - own.start, event };
  }

  /** Instances of the recurrence set near the window, without the excluded ones. */
  #bases(): Base[] {
    const { rules, excludedRules, dates, periods } = this.#master;
    const found = new Map<number, Base>();
    for (const wall of this.#walls(rules)) this.#collect(found, this.#base(wall));
    for (const time of dates) {
      const written = this.#wallOf({ ...this.#master, recurrenceId: time });
      this.#collect(found, {
        ...this.#base(written),
        ...(time.kind === 'time' && this.#master.start.kind === 'time' ? this.#exact(time) : {}),
      });
    }
    for (const period of periods) this.#collect(found, this.#period(period));
    for (const wall of excludedRules.length > 0 ? this.#walls(excludedRules, false) : [])
      found.delete(this.#base(wall).key);
    return [...found.values()].filter((base) => !this.#names.has(base));
  }

  #collect(found: Map<number, Base>, base: Base): void {
    if (base.end < this.#from || base.start > this.#to) return;
    const known = found.get(base.key);
    if (!known || base.end > known.end) found.set(base.key, base);
    if (found.size > MAX_INSTANCES + 200) throw new Unreadable('the series has too many instances');
  }

  #base(wall: number): Base {
    const interval = intervalAt(this.#master, wall, this.#request.local);
    return { ...interval, wall, key: this.#master.start.kind === 'date' ? wall : interval.start };
  }

  /** An RDATE by its instant: in a doubled hour its wall time would name another one. */
  #exact(time: EventTime): Partial<Base> {
    const start = instantOf(time, this.#request.local);
    const own = this.#base(toWall(this.#zone, start));
    return { key: start, start, end: start + own.end - own.start };
  }

  #period({ start, length }: CalendarEvent['periods'][number]): Base {
    const from = instantOf(start, this.#zone);
    const wall = toWall(this.#zone, from);
    const to =
      'kind' in length
        ? instantOf(length, start.zone ?? this.#zone)
        : after({ wall, zone: this.#zone, start: from }, length);
    return { start: from, end: Math.max(from, to), wall, key: this.#master.start.kind === 'date' ? dayOf(wall) : from };
  }

  #walls(rules: readonly BoundedRule[], withStart = true): Set<number> {
    const start = this.#master.start.wall;
    const walls = new Set<number>(withStart && start >= this.#from && start < this.#to ? [start] : []);
    for (const { rule, until } of rules) {
      const last = until === null ? Infinity : this.#lastWall(until);
      const range = { from: this.#from, to: Math.min(this.#to, last + DAY), budget: this.#budget };
      // Of several rules none need be the one that DTSTART belongs to.
      for (const wall of expandRule(rule, start, range, withStart && rules.length === 1)) {
        if (until === null || this.#isBefore(wall, until)) walls.add(wall);
        if (walls.size > MAX_INSTANCES + 200) throw new Unreadable('the series has too many instances');
      }
    }
    return walls;
  }

  #lastWall(until: EventTime): number {
    return until.zone === null ? until.wall + DAY : toWall(this.#zone, until.wall);
  }

  /** UNTIL as a date means the whole local day; a local time is meant in the zone of DTSTART. */
  #isBefore(wall: number, until: EventTime): boolean {
    if (this.#master.start.kind === 'date') return wall <= dateOf(until, this.#request.local);
    if (until.kind === 'date') return dayOf(wall) <= until.wall;
    return until.zone === UTC ? toInstant(this.#zone, wall) <= until.wall : wall <= until.wall;
  }
}

/** Of several masters, or overrides of one instance, the highest SEQUENCE counts, of equals the last. */
function newest(events: readonly CalendarEvent[]): CalendarEvent | undefined {
  return events.reduce<CalendarEvent | undefined>(
    (best, each) => (best && best.sequence > each.sequence ? best : each),
    undefined,
  );
}

/** The master in force, and one override for each instance overridden. */
export function inForce(events: readonly CalendarEvent[]): {
  master: CalendarEvent | undefined;
  overrides: CalendarEvent[];
} {
  if (events.length === 1 && events[0]?.recurrenceId === null) return { master: events[0], overrides: [] };
  const master = newest(events.filter(({ recurrenceId }) => recurrenceId === null));
  const byInstance = new Map<string, CalendarEvent[]>();
  for (const event of events) {
    if (event.recurrenceId === null) continue;
    const { kind, wall, zone } = event.recurrenceId;
    const key = `${kind} ${String(zone === null ? wall : toInstant(zone, wall))}`;
    byInstance.set(key, [...(byInstance.get(key) ?? []), event]);
  }
  return { master, overrides: [...byInstance.values()].flatMap((each) => newest(each) ?? []) };
}

/** The events of an object by UID; those without one belong to nobody else. */
export function byUid(events: readonly CalendarEvent[]): readonly (readonly CalendarEvent[])[] {
  if (events.length === 1) return [events];
  const groups = new Map<string, CalendarEvent[]>();
  for (const [index, event] of events.entries()) {
    const key = event.uid === '' ? `#${String(index)}` : event.uid;
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  return [...groups.values()];
}

function standsAlone({ rules, dates, periods, excludedDates, excludedRules }: CalendarEvent): boolean {
  return rules.length + dates.length + periods.length + excludedDates.length + excludedRules.length === 0;
}

/**
 * All occurrences that reach into the window, sorted, busy or not. Zero-length ones count where they start.
 * Throws {@link Unreadable} when the expansion is too costly.
 */
export function expand(events: readonly CalendarEvent[], request: ExpansionRequest): Instance[] {
  const instances = byUid(events).flatMap((group) => {
    const { master, overrides } = inForce(group);
    if (!master) return overrides.map((event) => ({ ...intervalOf(event, request.local), event }));
    if (overrides.length === 0 && standsAlone(master)) return [{ ...intervalOf(master, request.local), event: master }];
    return new Series(master, overrides, request).expand(overrides);
  });
  const inside = instances.filter(({ start, end }) =>
    start === end
      ? start >= request.window.start && start < request.window.end
      : overlaps({ start, end }, request.window),
  );
  if (inside.length > MAX_INSTANCES) throw new Unreadable('the series has too many instances');
  return inside.sort((a, b) => a.start - b.start || a.end - b.end);
}
