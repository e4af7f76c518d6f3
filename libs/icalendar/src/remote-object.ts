import { createHash } from 'node:crypto';
import type { Interval, RemoteObject } from '#domain';
import { isRecurring, uidOf, type CalendarEvent } from './calendar-object.js';
import { byUid, expand, inForce, intervalOf, type ExpansionRequest } from './expansion.js';
import { detached } from './texts.js';
import type { BoundedRule } from './rule-parts.js';
import { toInstant } from './zones.js';
import type { EventTime, Span } from './times.js';

/** How an object is to be understood. */
export interface Reading extends ExpansionRequest {
  /** The account's own addresses, lower case: an event its owner declined is free. */
  readonly addresses: ReadonlySet<string>;
}

/** Where an object was found. */
export interface Found {
  readonly remoteId: string;
  readonly version: string | null;
}

const LAST_INSTANT = Date.UTC(9999, 11, 31);

/** Maps the events of one calendar object. Throws `Unreadable` when its busy time cannot be told. */
export function remoteObject(events: readonly CalendarEvent[], found: Found, reading: Reading): RemoteObject {
  const leading = leader(events, reading);
  const summary = visibleSummary(leading);
  const busy = expand(events, reading)
    .filter(({ start, end, event }) => start < end && isBusy(event, reading.addresses))
    .map(({ start, end }) => ({
      start: Math.max(start, reading.window.start),
      end: Math.min(end, reading.window.end),
    }));
  return {
    ...found,
    contentHash: contentHash(events, reading.addresses),
    reference: leading.reference,
    when: holdable(intervalOf(leading, reading.local)),
    recurring: isRecurring(events),
    busy: distinct(busy),
    summary: summary === null ? null : detached(summary),
    modifiedAt: events.reduce<number | null>(
      (latest, { modifiedAt }) => (modifiedAt === null ? latest : Math.max(latest ?? modifiedAt, modifiedAt)),
      null,
    ),
  };
}

/** Busy unless transparent, cancelled, or declined by the account itself; tentative counts as busy (RFC 5545 3.8.2.7). */
function isBusy(event: CalendarEvent, addresses: ReadonlySet<string>): boolean {
  if (event.transparent || event.status === 'CANCELLED') return false;
  return !event.declined.some((address) => addresses.has(address));
}

/** The event that stands for the object: the first master, else the earliest override. */
function leader(events: readonly CalendarEvent[], { local }: Reading): CalendarEvent {
  const groups = byUid(events).map(inForce);
  const master = groups.flatMap((group) => group.master ?? [])[0];
  const overrides = groups.flatMap((group) => group.overrides);
  const chosen = master ?? overrides.sort((a, b) => intervalOf(a, local).start - intervalOf(b, local).start)[0];
  if (!chosen) throw new TypeError('an object without events has no place here');
  return chosen;
}

function holdable({ start, end }: Interval): Interval | null {
  return start < end && start > -LAST_INSTANT && end < LAST_INSTANT ? { start, end } : null;
}

/** What we wrote ourselves is ours to read, though it is written as private. A series is the practitioner's. */
function visibleSummary(event: CalendarEvent): string | null {
  if (event.reference !== null && event.uid === uidOf(event.reference) && !isRecurring([event])) return event.summary;
  return event.classification === 'PUBLIC' ? event.summary : null;
}

function distinct(sorted: readonly Interval[]): Interval[] {
  return sorted.filter(({ start, end }, index) => {
    const before = sorted[index - 1];
    return !before || before.start !== start || before.end !== end;
  });
}

/**
 * Hash of what matters to the hub. Independent of window, zone of reading, line folding, property order and of whether
 * a single event's times are written in UTC or in a zone: servers rewrite all of these.
 */
export function contentHash(events: readonly CalendarEvent[], addresses: ReadonlySet<string>): string {
  const recurring = isRecurring(events);
  const counting = byUid(events)
    .map(inForce)
    .flatMap(({ master, overrides }) => [...(master ? [master] : []), ...overrides]);
  const facts = counting.map((event) => JSON.stringify(factsOf(event, { recurring, addresses }))).sort();
  return createHash('sha256').update(facts.join('\n')).digest('base64url');
}

function factsOf(
  event: CalendarEvent,
  { recurring, addresses }: { recurring: boolean; addresses: ReadonlySet<string> },
): unknown[] {
  return [
    timeFact(event.start, recurring),
    event.end ? timeFact(event.end, false) : spanFact(event.duration),
    event.recurrenceId ? [timeFact(event.recurrenceId, false), event.andFuture] : null,
    event.rules.map(ruleFact).sort(),
    event.excludedRules.map(ruleFact).sort(),
    event.dates.map((time) => timeFact(time, false)).sort(),
    event.periods
      .map(({ start, length }) =>
        [timeFact(start, false), 'kind' in length ? timeFact(length, false) : spanFact(length)].join('/'),
      )
      .sort(),
    event.excludedDates.map((time) => timeFact(time, false)).sort(),
    event.status || 'CONFIRMED',
    isBusy(event, addresses),
    visibleSummary(event),
  ];
}

/** An instant where there is one; the zone as well where the local time recurs. */
function timeFact({ kind, wall, zone }: EventTime, zoned: boolean): string {
  if (zone === null) return `${kind} ${String(wall)}`;
  return `${String(toInstant(zone, wall))}${zoned ? ` ${zone.name}` : ''}`;
}

function spanFact(span: Span | null): string | null {
  return span ? `${String(span.days)} ${String(span.milliseconds)}` : null;
}

function ruleFact({ rule, until }: BoundedRule): string {
  return JSON.stringify([rule, until ? timeFact(until, false) : null]);
}
