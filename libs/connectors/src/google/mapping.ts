import { createHash } from 'node:crypto';
import { wallClock, type Interval, type RemoteObject } from '#domain';
import { asReference, referenceIn } from './event-ids.js';
import type { Event, Moment } from './schemas.js';

const DAY_MS = 86_400_000;
/** Our marker, private to this calendar's copy of the event; kept when a person edits or copies it, so no more than a hint. */
export const REFERENCE_PROPERTY = 'unissonReference';

/** How events are read. */
export interface View {
  /** Busy time is cut to it; `null` = wherever it is. */
  readonly window: Interval | null;
  /** IANA zone in which a day without hours begins and ends. */
  readonly timeZone: string;
}

/** An event as the hub sees it. The caller has made sure that it is not cancelled. */
export function toRemoteObject(event: Event, view: View): RemoteObject {
  const when = { start: instantOf(event.start, view.timeZone), end: instantOf(event.end, view.timeZone) };
  const reference = referenceOf(event);
  const blocks = isBusy(event);
  const hidden = reference === null && (event.visibility === 'private' || event.visibility === 'confidential');
  const summary = hidden ? null : (event.summary ?? null);
  const recurring = (event.recurrence ?? []).length > 0;
  return {
    remoteId: event.id,
    version: event.etag ?? null,
    contentHash: hash([written(event.start), written(event.end), summary, blocks, recurring]),
    reference,
    when,
    recurring,
    busy: blocks ? cut(when, view.window) : [],
    summary,
    modifiedAt: event.updated == null ? null : Date.parse(event.updated),
  };
}

/** The reference an event was made under. An instance of a series is nobody's, though it inherits the marker. */
export function referenceOf({ id, recurringEventId, extendedProperties }: Event): string | null {
  if (recurringEventId != null) return null;
  return referenceIn(id) ?? asReference(extendedProperties?.private?.[REFERENCE_PROPERTY]);
}

/** What of an interval lies inside the window. */
export function cut({ start, end }: Interval, window: Interval | null): Interval[] {
  const part = { start: Math.max(start, window?.start ?? start), end: Math.min(end, window?.end ?? end) };
  return part.start < part.end ? [part] : [];
}

export function hash(content: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** Out of office and focus time occupy; where somebody works and whose birthday it is does not, nor what he declined. */
function isBusy({ transparency, eventType, attendees }: Event): boolean {
  const declined = attendees?.some(({ self, responseStatus }) => self === true && responseStatus === 'declined');
  return transparency !== 'transparent' && eventType !== 'workingLocation' && eventType !== 'birthday' && !declined;
}

function instantOf(moment: Moment, timeZone: string): number {
  if ('dateTime' in moment) return Date.parse(moment.dateTime);
  const local = Date.parse(`${moment.date}T00:00:00Z`);
  return wallClock(timeZone, { start: local - 2 * DAY_MS, end: local + 2 * DAY_MS })(local);
}

/** Google rewrites offsets, so instants count; a day is the same day wherever it is read. */
function written(moment: Moment): number | string {
  return 'dateTime' in moment ? Date.parse(moment.dateTime) : moment.date;
}
