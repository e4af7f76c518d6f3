import { contentLines, reduced } from './content-lines.js';
import { busyPeriods } from './free-busy.js';
import { isKnownZone, withoutKnownZones } from './known-zones.js';
import { all, first, parameterOf, recurrenceOf, textOf, type Component, type Property } from './properties.js';
import { readRule, type BoundedRule } from './rule-parts.js';
import { periodsOf, readSpan, readTime, timesOf, type EventTime, type Span, type ZoneFinder } from './times.js';
import { Unreadable } from './unreadable.js';
import { findZone } from './vtimezone.js';
import { UTC, type Zone } from './zones.js';

/** One VEVENT: a single event, the master of a series, or an override of some of its instances. */
export interface CalendarEvent {
  readonly uid: string;
  readonly sequence: number;
  readonly start: EventTime;
  readonly end: EventTime | null;
  /** DURATION; counts only without `end`. */
  readonly duration: Span | null;
  readonly rules: readonly BoundedRule[];
  readonly excludedRules: readonly BoundedRule[];
  readonly dates: readonly EventTime[];
  readonly periods: readonly { readonly start: EventTime; readonly length: EventTime | Span }[];
  readonly excludedDates: readonly EventTime[];
  /** RECURRENCE-ID; `null` for a master. */
  readonly recurrenceId: EventTime | null;
  /** True when the override holds for all later instances as well (RANGE=THISANDFUTURE). */
  readonly andFuture: boolean;
  readonly status: string;
  readonly transparent: boolean;
  /** PUBLIC, PRIVATE, CONFIDENTIAL or something unknown, which counts as private (RFC 5545 3.8.1.3). */
  readonly classification: string;
  readonly summary: string;
  /** Addresses of attendees who declined, lower case, without `mailto:`. */
  readonly declined: readonly string[];
  /** The hub's reference when the event carries one. */
  readonly reference: string | null;
  /** LAST-MODIFIED, epoch milliseconds. */
  readonly modifiedAt: number | null;
}

/** Suffix of the UIDs the hub gives, so that no foreign UID can be taken for one. */
const OWN_UID = /^([a-z0-9-]{1,64})@unisson$/;
const REFERENCE = /^[a-z0-9-]{1,64}$/;
/** What an object begins with, even one without events. */
const COMPONENT = /^\uFEFF?\s*BEGIN:V(?:CALENDAR|TODO|JOURNAL|TIMEZONE|ALARM|AVAILABILITY)\b/i;
const MAX_EVENTS = 2000;
const MAX_DATES = 5000;

/** UID of the object written under a reference. */
export function uidOf(reference: string): string {
  return `${reference}@unisson`;
}

/**
 * Reads the events of a calendar object; empty when it holds none (a task, a journal entry). Busy time that is told without
 * events is one more. Throws {@link Unreadable} when one of them cannot be understood: it would be shown as free.
 */
export function readCalendarObject(body: string): CalendarEvent[] {
  const calendar = reduced(contentLines(withoutKnownZones(body)), isKnownZone);
  if (calendar.components.length === 0) {
    if (COMPONENT.test(body)) return [];
    throw new Unreadable('the object is no calendar');
  }
  const events = calendar.components.filter(({ name }) => name === 'vevent');
  if (events.length > MAX_EVENTS) throw new Unreadable('the object holds too many events');
  const definitions = calendar.components.filter(({ name }) => name === 'vtimezone');
  const found = new Map<string, Zone>();
  const zoneOf: ZoneFinder = (tzid) => {
    const zone = found.get(tzid) ?? findZone(tzid, definitions);
    found.set(tzid, zone);
    return zone;
  };
  const told = calendar.components.filter(({ name }) => name === 'vfreebusy');
  return [...inZoneOfSeries(events.map((event) => readEvent(event, zoneOf))), ...freeBusy(told, zoneOf)];
}

/** A floating RECURRENCE-ID is meant in the zone of the series, whatever zone its instance was moved to. */
function inZoneOfSeries(events: readonly CalendarEvent[]): readonly CalendarEvent[] {
  return events.map((event) => {
    if (event.recurrenceId?.kind !== 'time' || event.recurrenceId.zone !== null) return event;
    const master = events.find(({ uid, recurrenceId }) => uid === event.uid && recurrenceId === null);
    return { ...event, recurrenceId: localised(event.recurrenceId, (master ?? event).start) };
  });
}

/** What VFREEBUSY components tell, as one private event; none where they tell of no time. */
function freeBusy(components: readonly Component[], zoneOf: ZoneFinder): CalendarEvent[] {
  const utc = (instant: number): EventTime => ({ kind: 'time', wall: instant, zone: UTC });
  const [earliest, ...others] = busyPeriods(components, zoneOf);
  if (earliest === undefined) return [];
  return [
    {
      ...NO_RECURRENCE,
      // No UID of an event beside it.
      uid: `free-busy ${components.map((component) => textOf(component, 'uid') ?? '').join(' ')}`,
      ...{ sequence: 0, duration: null, recurrenceId: null, andFuture: false, status: '', transparent: false },
      ...{ classification: 'PRIVATE', summary: '', declined: [], reference: null, modifiedAt: null },
      start: utc(earliest.start),
      end: utc(earliest.end),
      periods: others.map(({ start, end }) => ({ start: utc(start), length: utc(end) })),
    },
  ];
}

function readEvent(event: Component, zoneOf: ZoneFinder): CalendarEvent {
  const recurrence = first(event, 'recurrence-id');
  const recurrenceId = recurrence ? oneTime(recurrence, zoneOf) : null;
  const startProperty = first(event, 'dtstart');
  const start = startProperty ? oneTime(startProperty, zoneOf) : recurrenceId;
  if (start === null) throw new Unreadable('an event without a start');
  return {
    ...wordsOf(event),
    ...lengthOf(event, start, zoneOf),
    ...recurrenceSet(event, start, zoneOf),
    sequence: Number(textOf(event, 'sequence') ?? 0) || 0,
    start,
    recurrenceId,
    andFuture: recurrence !== undefined && parameterOf(recurrence, 'range')?.toUpperCase() === 'THISANDFUTURE',
    modifiedAt: modifiedAt(event),
  };
}

function lengthOf(event: Component, start: EventTime, zoneOf: ZoneFinder): Pick<CalendarEvent, 'end' | 'duration'> {
  const end = first(event, 'dtend');
  const span = first(event, 'duration')?.values[0];
  return {
    end: end ? localised(oneTime(end, zoneOf), start) : null,
    duration: span === undefined ? null : readSpan(span),
  };
}

type Recurrence = 'rules' | 'excludedRules' | 'dates' | 'periods' | 'excludedDates';

const RECURRENCE = new Set(['rrule', 'exrule', 'rdate', 'exdate']);
const NO_RECURRENCE: Pick<CalendarEvent, Recurrence> = {
  rules: [],
  excludedRules: [],
  dates: [],
  periods: [],
  excludedDates: [],
};

function recurrenceSet(event: Component, start: EventTime, zoneOf: ZoneFinder): Pick<CalendarEvent, Recurrence> {
  if (!event.properties.some(({ name }) => RECURRENCE.has(name))) return NO_RECURRENCE;
  const rulesOf = (name: string): BoundedRule[] =>
    all(event, name).map((property) => ruleFor(start, readRule(recurrenceOf(property))));
  const datesOf = (name: string): EventTime[] =>
    bounded(all(event, name).flatMap((property) => timesOf(property, zoneOf))).map((time) => localised(time, start));
  return {
    rules: rulesOf('rrule'),
    excludedRules: rulesOf('exrule'),
    dates: datesOf('rdate'),
    periods: bounded(all(event, 'rdate').flatMap((property) => periodsOf(property, zoneOf))),
    excludedDates: datesOf('exdate'),
  };
}

/** Times of day count for nothing beside a DTSTART that is a date (RFC 5545 3.3.10). */
function ruleFor(start: EventTime, { rule, until }: BoundedRule): BoundedRule {
  return { until, rule: start.kind === 'time' ? rule : { ...rule, byHour: [], byMinute: [], bySecond: [] } };
}

type Words = 'uid' | 'status' | 'transparent' | 'classification' | 'summary' | 'declined' | 'reference';

function wordsOf(event: Component): Pick<CalendarEvent, Words> {
  const upper = (name: string): string => (textOf(event, name) ?? '').trim().toUpperCase();
  const uid = textOf(event, 'uid') ?? '';
  return {
    uid,
    status: upper('status'),
    transparent: upper('transp') === 'TRANSPARENT',
    classification: upper('class') || 'PUBLIC',
    summary: textOf(event, 'summary') ?? '',
    declined: all(event, 'attendee')
      .filter((attendee) => parameterOf(attendee, 'partstat')?.toUpperCase() === 'DECLINED')
      .map((attendee) =>
        String(attendee.values[0])
          .toLowerCase()
          .replace(/^mailto:/, ''),
      ),
    reference: referenceOf(uid, textOf(event, 'x-unisson-reference')),
  };
}

/** Our UID counts first; the property also survives in copies that a practitioner makes. */
function referenceOf(uid: string, property: string | null): string | null {
  const own = OWN_UID.exec(uid)?.[1];
  if (own !== undefined) return own;
  return property !== null && REFERENCE.test(property) ? property : null;
}

function oneTime(property: Property, zoneOf: ZoneFinder): EventTime {
  return readTime(property.values[0], parameterOf(property, 'tzid'), zoneOf);
}

/** A floating time beside a zoned start is meant in its zone. */
function localised(time: EventTime, start: EventTime): EventTime {
  return time.kind === 'time' && time.zone === null ? { ...time, zone: start.zone } : time;
}

function bounded<T>(list: readonly T[]): readonly T[] {
  if (list.length > MAX_DATES) throw new Unreadable('an event lists too many dates');
  return list;
}

function modifiedAt(event: Component): number | null {
  const property = first(event, 'last-modified');
  try {
    return property ? readTime(property.values[0], null, () => UTC).wall : null;
  } catch {
    return null;
  }
}

/** True when any part of an object makes it a series. */
export function isRecurring(events: readonly CalendarEvent[]): boolean {
  return events.some(
    ({ rules, dates, periods, recurrenceId }) =>
      rules.length + dates.length + periods.length > 0 || recurrenceId !== null,
  );
}
