import { overlaps, type RemoteChange, type RemoteObject } from '#domain';
import {
  inForce,
  quoted,
  readCalendarObject,
  remoteObject,
  Unreadable,
  type CalendarEvent,
  type Reading,
} from '#icalendar';
import { digestOf, type FeedObject } from './feed.js';

/** Parts a UID's id from the start of one of several events that carry it. */
const PART = '#';

/** What the events of one UID mean to the hub. An object's version is the hash of its content: feeds stamp all anew. */
export function changesOf({ id, body }: FeedObject, reading: Reading): RemoteChange[] {
  try {
    return apart(readCalendarObject(body)).map(({ suffix, events }) => {
      const object = remoteObject(events, { remoteId: id + suffix, version: null }, reading);
      return { kind: 'upsert', object: { ...object, version: object.contentHash } };
    });
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return [unreadable({ id, body }, error.message)];
  }
}

export function unreadable({ id, body }: FeedObject, reason: string): RemoteChange {
  return { kind: 'unreadable', remoteId: id, version: digestOf(body), reason, raw: quoted(body) };
}

/**
 * Some exports give one UID to different events. Nothing says then that the last one replaces the others, as it would in
 * a calendar object, and busy is safer than free: each stands for itself, with the overrides that may be its own.
 */
function apart(events: readonly CalendarEvent[]): { suffix: string; events: readonly CalendarEvent[] }[] {
  if (events.length === 0) return [];
  const masters = events.filter(({ recurrenceId }) => recurrenceId === null);
  const latest = Math.max(...masters.map(({ sequence }) => sequence));
  const byTimes = new Map<string, CalendarEvent>();
  for (const master of masters) if (master.sequence === latest) byTimes.set(timesOf(master), master);
  if (byTimes.size < 2) return [{ suffix: '', events }];
  const { overrides } = inForce(events);
  return [...byTimes].map(([times, master]) => ({ suffix: `${PART}${times}`, events: [master, ...overrides] }));
}

function timesOf({ start, end }: CalendarEvent): string {
  const iso = (wall: number): string => new Date(wall).toISOString().replace(/[-:]|\.000Z/g, '');
  return [start, ...(end ? [end] : [])].map(({ wall }) => iso(wall)).join('/');
}

const RECURS = /^(RRULE|RDATE|RECURRENCE-ID)\b/im;
const END = /^DTEND(?:;[^:\r\n]*)?:(\d{4})(\d\d)(\d\d)/gim;
/** More than any two zones can be apart. */
const LONG_MS = 3 * 86_400_000;

/** True when a glance shows that nothing of it can reach the window: most of many a feed is history, and reading is dear. */
export function isHistory({ body }: FeedObject, { window }: Reading): boolean {
  if (RECURS.test(body)) return false;
  const ends = [...body.matchAll(END)].map(([, year, month, day]) =>
    Date.UTC(Number(year), Number(month) - 1, Number(day)),
  );
  const events = body.match(/^BEGIN:VEVENT/gim)?.length ?? 0;
  return events > 0 && ends.length === events && ends.every((end) => end + LONG_MS < window.start);
}

/** True for what a listing of the window must contain. */
export function isInside({ when, busy }: RemoteObject, { window }: Reading): boolean {
  return busy.length > 0 || (when !== null && overlaps(when, window));
}

/** True when the hub has the object already, and its busy time cannot have changed with the window either. */
export function isKnown(
  { version, when, recurring }: RemoteObject,
  known: string | null,
  { window }: Reading,
): boolean {
  const whole = when !== null && when.start >= window.start && when.end <= window.end;
  return version === known && whole && !recurring;
}

/** The UID of which an id names a part; `null` when it names none. */
export function partOf(id: string): string | null {
  const at = id.lastIndexOf(PART);
  return at < 0 ? null : id.slice(0, at);
}
