import { union, type Interval, type RemoteChange, type RemoteObject } from '#domain';
import { isKind, senseless } from './errors.js';
import { referenceIn } from './event-ids.js';
import { hash, toRemoteObject, type View } from './mapping.js';
import { describeCalendar, EVENT_FIELDS, standing, type Reading } from './requests.js';
import { event as eventSchema, events, type Event } from './schemas.js';

/** Pages of the instances of one series inside a window of some months. */
const MAX_PAGES = 20;

/**
 * A series of somebody's as one object, from its instances in the window: so one deletion is one deletion, however many
 * instances it had. Where it stands is where its first instance in the window stands.
 */
export function asSeries(seriesId: string, instances: readonly Event[], view: View): RemoteObject | null {
  const objects = instances
    .map((instance) => toRemoteObject(instance, view))
    .sort((a, b) => (a.when?.start ?? 0) - (b.when?.start ?? 0));
  const [first] = objects;
  if (first === undefined) return null;
  return {
    remoteId: seriesId,
    version: null,
    contentHash: hash(objects.map(({ contentHash }) => contentHash)),
    reference: null,
    when: first.when,
    recurring: true,
    busy: union(objects.flatMap(({ busy }) => busy)),
    summary: first.summary,
    modifiedAt: first.modifiedAt,
  };
}

/** A series as it stands now. Throws `invalid` when an instance cannot be read. */
export async function readSeries(reading: Reading, seriesId: string): Promise<RemoteChange> {
  const view = { window: reading.request.window, timeZone: reading.request.timeZone };
  if (referenceIn(seriesId) !== null) return readOurs(reading, seriesId, view);
  const object = asSeries(seriesId, await instancesOf(reading, seriesId), view);
  return object === null ? { kind: 'removed', remoteId: seriesId } : { kind: 'upsert', object };
}

/** One of ours that the practitioner made a series: it keeps its reference and its version. */
async function readOurs(reading: Reading, eventId: string, view: View): Promise<RemoteChange> {
  const { client, request, options } = reading;
  const event = await standing(client, { calendarId: request.agendaId, eventId }, options);
  if (event === null) return { kind: 'removed', remoteId: eventId };
  const object = toRemoteObject(event, view);
  if (!object.recurring) return { kind: 'upsert', object };
  const busy: Interval[] = (await instancesOf(reading, eventId)).flatMap((one) => toRemoteObject(one, view).busy);
  return { kind: 'upsert', object: { ...object, busy: union(busy) } };
}

async function instancesOf({ client, request, options }: Reading, eventId: string): Promise<Event[]> {
  const { agendaId: calendarId, window } = request;
  const query = {
    calendarId,
    eventId,
    timeMin: new Date(window.start).toISOString(),
    timeMax: new Date(window.end).toISOString(),
    maxAttendees: 1,
    fields: `kind,nextPageToken,items(${EVENT_FIELDS})`,
  };
  const found: Event[] = [];
  let pageToken: string | undefined;
  try {
    for (let count = 0; count < MAX_PAGES; count += 1) {
      const parameters = { ...query, ...(pageToken === undefined ? {} : { pageToken }) };
      const page = await client.read(
        events.extend({ items: eventSchema.array().default([]) }),
        (api, via) => api.events.instances(parameters, via),
        options,
      );
      found.push(...page.items.filter(({ status }) => status !== 'cancelled'));
      if (page.nextPageToken == null) return found;
      pageToken = page.nextPageToken;
    }
  } catch (error) {
    if (!isKind(error, 'not_found')) throw error;
    await describeCalendar(client, calendarId, options);
    return [];
  }
  throw senseless(false, 200);
}
