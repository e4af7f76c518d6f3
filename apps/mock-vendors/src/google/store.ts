import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { etagOf, type EventInput, type Role, type StoredEvent } from './events.js';
import { checkRecurrence, instancesOf } from './expansion.js';
import { instantOf, normal, type MomentInput } from './moments.js';
import { ApiRefusal } from './refusal.js';

const ID = /^[a-v0-9]{5,1024}$/;
const LONGEST = { key: 44, value: 1024 } as const;
/** How far a series is looked at. */
const HORIZON_MS = 2 * 366 * 86_400_000;

export const calendarSeed = z.strictObject({
  id: z.string().min(1),
  summary: z.string().default('Agenda'),
  timeZone: z.string().default('Europe/Paris'),
  acl: z.record(z.string(), z.enum(['freeBusyReader', 'reader', 'writerWithoutPrivateAccess', 'writer', 'owner'])),
  /** Whose calendar lists do not hold it although it is shared with them. */
  unlisted: z.array(z.string()).default([]),
});
export type Calendar = z.output<typeof calendarSeed>;

interface Vanished {
  readonly calendarId: string;
  readonly id: string;
  readonly seq: number;
}

/** Calendars and the log of their events. Every method is one atomic step. Nothing refuses an overlap. */
export class CalendarStore {
  #calendars = new Map<string, Calendar>();
  #events = new Map<string, Map<string, StoredEvent>>();
  /** Instances that a change of their series took away. */
  #vanished: Vanished[] = [];
  /** Deleted for so long that nothing answers any more; their ids stay taken. */
  #spent = new Set<string>();
  #seq: number;
  readonly #now: () => number;
  onChange: (calendarId: string) => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#seq = now();
  }

  reset(): void {
    for (const part of [this.#calendars, this.#events, this.#spent]) part.clear();
    this.#vanished = [];
    this.#seq += 1;
  }

  putCalendar(calendar: Calendar): void {
    this.#calendars.set(calendar.id, calendar);
    if (!this.#events.has(calendar.id)) this.#events.set(calendar.id, new Map());
  }

  calendars(): readonly Calendar[] {
    return [...this.#calendars.values()];
  }

  /** The calendar and what this user may do with it; nobody learns of one that is not shared with him. */
  opened(id: string, user: string): { calendar: Calendar; role: Role } {
    const calendar = this.#calendars.get(id === 'primary' ? user : id);
    const role = calendar?.acl[user];
    if (calendar === undefined || role === undefined) throw new ApiRefusal(404, 'notFound');
    return { calendar, role };
  }

  seq(): number {
    return this.#seq;
  }

  stored(calendarId: string): readonly StoredEvent[] {
    return [...(this.#events.get(calendarId)?.values() ?? [])];
  }

  vanished(calendarId: string, after: number): readonly Vanished[] {
    return this.#vanished.filter((one) => one.calendarId === calendarId && one.seq > after);
  }

  /** All instances of a series up to the horizon, moved and cancelled ones left out. */
  expanded(calendar: Calendar, series: StoredEvent, until = Infinity): StoredEvent[] {
    const known = this.#events.get(calendar.id);
    const limit = Math.min(until, this.#now() + HORIZON_MS);
    return instancesOf(series, calendar.timeZone, limit).filter(({ id }) => known?.has(id) !== true);
  }

  /** Also an instance that nobody touched yet. */
  event(calendar: Calendar, id: string): StoredEvent {
    const found = this.#events.get(calendar.id)?.get(id) ?? this.#instance(calendar, id);
    if (found === undefined) throw new ApiRefusal(404, 'notFound');
    return found;
  }

  insert(calendar: Calendar, input: EventInput): StoredEvent {
    if (input.id != null && input.iCalUID != null) throw new ApiRefusal(400, 'invalid');
    if (input.id != null && !ID.test(input.id)) throw new ApiRefusal(400, 'invalid');
    const id = input.id ?? randomUUID().replaceAll('-', '');
    if (this.#events.get(calendar.id)?.has(id) || this.#spent.has(`${calendar.id} ${id}`))
      throw new ApiRefusal(409, 'duplicate');
    const times = this.#times(calendar, input);
    return this.#commit(calendar, {
      id,
      status: input.status === 'tentative' ? 'tentative' : 'confirmed',
      ...times,
      created: this.#now(),
      recurringEventId: null,
      originalStart: null,
      details: detailsOf(input),
    });
  }

  /** Merges; `null` clears, lists are replaced as a whole. */
  patch(calendar: Calendar, id: string, input: EventInput, ifMatch: string | undefined): StoredEvent {
    const event = this.#expected(calendar, id, ifMatch);
    if (event.status === 'cancelled') throw new ApiRefusal(403, 'forbidden');
    const given = detailsOf(input);
    const properties = { ...event.details.extendedProperties?.private, ...given.extendedProperties?.private };
    const details = { ...event.details, ...given, extendedProperties: { private: properties } };
    const moment = (old: StoredEvent['start'], change: MomentInput | undefined): MomentInput =>
      change === undefined ? old : { ...old, ...change };
    const times = this.#times(calendar, {
      start: moment(event.start, input.start),
      end: moment(event.end, input.end),
      recurrence: input.recurrence === undefined ? event.recurrence && [...event.recurrence] : input.recurrence,
    });
    const changed = { ...event, ...times, details };
    if (event.recurrence !== null) this.#noteVanished(calendar, event, changed);
    return this.#commit(calendar, changed);
  }

  remove(calendar: Calendar, id: string, ifMatch: string | undefined): void {
    if (this.event(calendar, id).status === 'cancelled') throw new ApiRefusal(410, 'deleted');
    const event = this.#expected(calendar, id, ifMatch);
    // Exceptions go with their series, and nothing is said about them.
    for (const other of this.stored(calendar.id))
      if (other.recurringEventId === id) this.#events.get(calendar.id)?.delete(other.id);
    this.#commit(calendar, { ...event, status: 'cancelled' });
  }

  /** Deleted events stop being answered, as they do after some weeks. */
  forgetDeleted(): void {
    for (const [calendarId, events] of this.#events) {
      for (const { id, status, recurringEventId } of [...events.values()]) {
        if (status !== 'cancelled' || recurringEventId !== null) continue;
        events.delete(id);
        this.#spent.add(`${calendarId} ${id}`);
      }
    }
  }

  #instance(calendar: Calendar, id: string): StoredEvent | undefined {
    const series = this.#events.get(calendar.id)?.get(id.slice(0, id.lastIndexOf('_')));
    if (series === undefined || series.recurrence === null || series.status === 'cancelled') return undefined;
    return this.expanded(calendar, series).find((instance) => instance.id === id);
  }

  #expected(calendar: Calendar, id: string, ifMatch: string | undefined): StoredEvent {
    const event = this.event(calendar, id);
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagOf(event))
      throw new ApiRefusal(412, 'conditionNotMet');
    return event;
  }

  #times(
    calendar: Calendar,
    input: Pick<EventInput, 'start' | 'end' | 'recurrence'>,
  ): Pick<StoredEvent, 'start' | 'end' | 'recurrence'> {
    const start = normal(input.start, calendar.timeZone);
    const end = normal(input.end, calendar.timeZone);
    if ('date' in start !== 'date' in end) throw new ApiRefusal(400, 'invalid');
    if (instantOf(end, calendar.timeZone) < instantOf(start, calendar.timeZone))
      throw new ApiRefusal(400, 'timeRangeEmpty');
    const recurrence = input.recurrence?.length ? input.recurrence : null;
    if (recurrence !== null) {
      checkRecurrence(recurrence);
      if ('dateTime' in start && input.start?.timeZone == null) throw new ApiRefusal(400, 'required');
    }
    return { start, end, recurrence };
  }

  #noteVanished(calendar: Calendar, before: StoredEvent, after: StoredEvent): void {
    const left = new Set(after.recurrence === null ? [] : this.expanded(calendar, after).map(({ id }) => id));
    const gone = this.expanded(calendar, before).filter(({ id }) => !left.has(id));
    for (const { id } of gone) this.#vanished.push({ calendarId: calendar.id, id, seq: this.#seq + 1 });
  }

  #commit(calendar: Calendar, content: Omit<StoredEvent, 'seq' | 'updated'>): StoredEvent {
    this.#seq += 1;
    const event: StoredEvent = { ...content, seq: this.#seq, updated: this.#now() };
    this.#events.get(calendar.id)?.set(event.id, event);
    this.onChange(calendar.id);
    return event;
  }
}

/** Property names that are too long are dropped, values that are too long are cut, both without a word. */
function detailsOf(input: EventInput): StoredEvent['details'] {
  const { id: _id, iCalUID: _uid, status: _status, start: _start, end: _end, recurrence: _rule, ...details } = input;
  const given = input.extendedProperties?.private;
  if (given == null) return details;
  const kept = Object.entries(given).filter(([key]) => key.length <= LONGEST.key);
  const cut = kept.map(([key, value]) => [key, value?.slice(0, LONGEST.value) ?? null] as const);
  return { ...details, extendedProperties: { private: Object.fromEntries(cut) } };
}
