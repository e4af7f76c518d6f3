import type { Interval, RemoteChange } from '#domain';
import { senseless } from './errors.js';
import { toRemoteObject } from './mapping.js';
import { EVENT_FIELDS, standing, type Reading } from './requests.js';
import { event as eventSchema, events } from './schemas.js';

/** Pages of the instances of one series inside a window of some months. */
const MAX_PAGES = 20;

/**
 * One of ours that the practitioner made a series: one object, with its reference, that is busy at every instance. As
 * single instances it would no longer be ours, and would stand in its own way.
 */
export async function seriesOf(reading: Reading, eventId: string): Promise<RemoteChange> {
  const { client, request, options } = reading;
  const { agendaId: calendarId, window, timeZone } = request;
  const event = await standing(client, { calendarId, eventId }, options);
  if (event === null) return { kind: 'removed', remoteId: eventId };
  const object = toRemoteObject(event, { window, timeZone });
  if (!object.recurring) return { kind: 'upsert', object };
  return { kind: 'upsert', object: { ...object, busy: await instancesOf(reading, eventId) } };
}

async function instancesOf({ client, request, options }: Reading, eventId: string): Promise<Interval[]> {
  const { agendaId: calendarId, window, timeZone } = request;
  const query = {
    calendarId,
    eventId,
    timeMin: new Date(window.start).toISOString(),
    timeMax: new Date(window.end).toISOString(),
    maxAttendees: 1,
    fields: `kind,nextPageToken,items(${EVENT_FIELDS})`,
  };
  const busy: Interval[] = [];
  let pageToken: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const parameters = { ...query, ...(pageToken === undefined ? {} : { pageToken }) };
    const page = await client.read(events, (api, via) => api.events.instances(parameters, via), options);
    for (const item of eventSchema.array().parse(page.items))
      busy.push(...toRemoteObject(item, { window, timeZone }).busy);
    if (page.nextPageToken == null) return busy.sort((a, b) => a.start - b.start);
    pageToken = page.nextPageToken;
  }
  throw senseless(false, 200);
}
