import { z } from 'zod';
import { momentInput, type Moment } from './moments.js';

const text = z.string().nullish();

/** What a caller may write of an event; whatever else he sends is not kept. */
export const eventInput = z.object({
  id: text,
  iCalUID: text,
  status: z.enum(['confirmed', 'tentative', 'cancelled']).nullish(),
  summary: text,
  description: text,
  location: text,
  start: momentInput.optional(),
  end: momentInput.optional(),
  recurrence: z.array(z.string()).nullish(),
  transparency: z.enum(['opaque', 'transparent']).nullish(),
  visibility: z.enum(['default', 'public', 'private', 'confidential']).nullish(),
  eventType: z.enum(['default', 'outOfOffice', 'focusTime', 'workingLocation', 'birthday', 'fromGmail']).nullish(),
  attendees: z
    .array(z.object({ email: z.string(), self: z.boolean().optional(), responseStatus: z.string().optional() }))
    .nullish(),
  extendedProperties: z.object({ private: z.record(z.string(), z.string().nullable()).nullish() }).nullish(),
});
export type EventInput = z.output<typeof eventInput>;

/** An event as the calendar keeps it. */
export interface StoredEvent {
  readonly id: string;
  readonly status: 'confirmed' | 'tentative' | 'cancelled';
  readonly start: Moment;
  readonly end: Moment;
  /** Order of its last change in the calendar's log; also its entity tag. */
  readonly seq: number;
  readonly created: number;
  readonly updated: number;
  readonly recurrence: readonly string[] | null;
  /** An exception: the series it belongs to, and the instance it stands for. */
  readonly recurringEventId: string | null;
  readonly originalStart: Moment | null;
  readonly details: Readonly<Partial<Omit<EventInput, 'id' | 'iCalUID' | 'status' | 'start' | 'end' | 'recurrence'>>>;
}

export type Role = 'freeBusyReader' | 'reader' | 'writerWithoutPrivateAccess' | 'writer' | 'owner';

export function etagOf({ seq }: StoredEvent): string {
  return `"${String(seq * 2000)}"`;
}

/** The event as a caller with this role sees it. */
export function shown(event: StoredEvent, role: Role): Record<string, unknown> {
  const { id, status, start, end, recurringEventId, originalStart, details, recurrence } = event;
  const basic = {
    kind: 'calendar#event',
    etag: etagOf(event),
    id,
    status,
    start,
    end,
    ...(recurringEventId === null ? {} : { recurringEventId, originalStartTime: originalStart }),
  };
  if (role === 'freeBusyReader') return { ...basic, visibility: 'private' };
  const updated = { created: new Date(event.created).toISOString(), updated: new Date(event.updated).toISOString() };
  const { transparency, eventType = 'default', visibility } = details;
  const times = {
    ...basic,
    ...updated,
    eventType,
    ...(recurrence === null ? {} : { recurrence }),
    // The default is not answered.
    ...(transparency === 'transparent' ? { transparency } : {}),
    ...(visibility == null || visibility === 'default' ? {} : { visibility }),
  };
  const hidden = visibility === 'private' || visibility === 'confidential';
  if (hidden && (role === 'reader' || role === 'writerWithoutPrivateAccess')) return times;
  const { summary, description, location, attendees, extendedProperties } = details;
  const all = { ...times, summary, description, location, attendees, extendedProperties };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value != null));
}

/** What is left of a deleted event in a listing: its id, and that it is gone. */
export function tombstone(id: string, seq: number): Record<string, unknown> {
  return { kind: 'calendar#event', etag: `"${String(seq * 2000)}"`, id, status: 'cancelled' };
}
