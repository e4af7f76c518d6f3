import type { CallOptions, PullRequest } from '#connector-sdk';
import { z } from 'zod';
import type { Client } from './client.js';
import { calendarGone, isKind } from './errors.js';
import { calendar, event, tombstone, type Event } from './schemas.js';

/** What is asked of an event: no description, no guest, nothing else about a patient. */
export const EVENT_FIELDS = [
  ...[
    'id',
    'etag',
    'status',
    'summary',
    'start',
    'end',
    'recurrence',
    'recurringEventId',
    'transparency',
    'visibility',
  ],
  ...['eventType', 'updated', 'attendees(self,responseStatus)', 'extendedProperties/private'],
].join(',');

/** A pull under way. */
export interface Reading {
  readonly client: Client;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Where an event is. */
export interface Place {
  readonly calendarId: string;
  readonly eventId: string;
}

/** The event as it stands; `null` when it is certainly not in the calendar. A deleted one is still answered for a while. */
export async function standing(client: Client, place: Place, options: CallOptions): Promise<Event | null> {
  const parameters = { ...place, maxAttendees: 1, fields: EVENT_FIELDS };
  try {
    const read = await client.read(z.union([tombstone, event]), (api, via) => api.events.get(parameters, via), options);
    return read.status === 'cancelled' || !('start' in read) ? null : read;
  } catch (error) {
    if (!isKind(error, 'not_found')) throw error;
    await describeCalendar(client, place.calendarId, options);
    return null;
  }
}

/** Title, zone and right of a calendar, with no other right than listing its events. Throws when the calendar is gone. */
export async function describeCalendar(
  client: Client,
  calendarId: string,
  options: CallOptions,
): Promise<z.output<typeof calendar>> {
  const parameters = { calendarId, maxResults: 1, fields: 'kind,summary,timeZone,accessRole' };
  try {
    return await client.read(calendar, (api, via) => api.events.list(parameters, via), options);
  } catch (error) {
    throw isKind(error, 'not_found') ? calendarGone() : error;
  }
}
