import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type RemoteContent,
  type Session,
  type SubscribeRequest,
  type Subscription,
  type UpdateRequest,
  proven,
  unproven,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { z } from 'zod';
import { listCalendars } from './calendars.js';
import { parsePush, replace, stop, watch } from './channels.js';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { calendarGone, isKind } from './errors.js';
import { eventIdOf } from './event-ids.js';
import { REFERENCE_PROPERTY, toRemoteObject } from './mapping.js';
import { pull } from './pull.js';
import { describeCalendar, standing, type Place } from './requests.js';
import { calendarListEntry, identified, type Event } from './schemas.js';

/** A conversation with one Google account. */
export class GoogleSession implements Session {
  readonly #client: Client;
  readonly #settings: Settings;
  readonly parsePush = parsePush;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#settings = settings;
    this.#client = new Client(settings, secrets, context);
  }

  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const primary = { calendarId: 'primary', fields: 'id' };
    const { id } = await this.#client.read(
      calendarListEntry.pick({ id: true }),
      (api, via) => api.calendarList.get(primary, via),
      options,
    );
    return { account: id };
  }

  listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    return listCalendars(this.#client, this.#settings.calendarIds ?? [], options);
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, request, options });
  }

  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const place = { calendarId: agendaId, eventId: eventIdOf(reference) };
    const requestBody = {
      id: place.eventId,
      ...shown(content),
      visibility: 'private',
      extendedProperties: { private: { [REFERENCE_PROPERTY]: reference } },
    };
    const parameters = { calendarId: agendaId, sendUpdates: 'none', fields: 'id', requestBody };
    try {
      await this.#client.write(identified, (api, via) => api.events.insert(parameters, via), options);
    } catch (error) {
      if (isKind(error, 'not_found')) throw calendarGone();
      if (!ConnectorError.is(error) || error.status !== 409) throw error;
      return this.#alreadyMade(place, options);
    }
    return this.#readBack(place, options);
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const place = { calendarId: request.agendaId, eventId: request.remoteId };
    const version = request.version ?? (await this.#versionOf(place, options));
    const parameters = { ...place, sendUpdates: 'none', fields: 'id', requestBody: shown(request.content) };
    const headers = { 'If-Match': version };
    try {
      await this.#client.write(identified, (api, via) => api.events.patch(parameters, { ...via, headers }), options);
    } catch (error) {
      // Google refuses a deleted event as changed or as forbidden, too.
      if (!isKind(error, 'stale', 'forbidden', 'not_found')) throw error;
      if ((await standing(this.#client, place, options)) === null) throw gone();
      throw error;
    }
    return this.#readBack(place, options);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const place = { calendarId: agendaId, eventId: remoteId ?? eventIdOf(reference) };
    const parameters = { ...place, sendUpdates: 'none' };
    const headers: Record<string, string> = version === null ? {} : { 'If-Match': version };
    try {
      await this.#client.write(
        z.literal(''),
        (api, via) => api.events.delete(parameters, { ...via, headers }),
        options,
      );
    } catch (error) {
      if (!isKind(error, 'stale', 'forbidden', 'not_found')) throw error;
      if ((await standing(this.#client, place, options)) === null) return;
      throw error;
    }
    const message = 'the event was deleted but this could not be checked';
    const left = await proven(message, standing(this.#client, place, options));
    if (left !== null) throw unproven('the event is still there after its deletion');
  }

  /** By id alone: a copy with our marker is the practitioner's, and must not keep what we remove from being gone. */
  async find(
    { agendaId, reference }: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    const event = await standing(this.#client, { calendarId: agendaId, eventId: eventIdOf(reference) }, options);
    return event === null ? null : this.#asObject(agendaId, event, options);
  }

  subscribe(request: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    return watch(this.#client, request, options);
  }

  renew(request: SubscribeRequest & { readonly subscriptionId: string }, options: CallOptions): Promise<Subscription> {
    return replace(this.#client, request, options);
  }

  unsubscribe({ subscriptionId }: { readonly subscriptionId: string }, options: CallOptions): Promise<void> {
    return stop(this.#client, subscriptionId, options);
  }

  close(): void {
    this.#client.close();
  }

  /** The id is taken: by an earlier attempt of ours, or by what was deleted since, whose id stays taken for ever. */
  async #alreadyMade(place: Place, options: CallOptions): Promise<RemoteObject> {
    const event = await standing(this.#client, place, options);
    if (event !== null) return this.#asObject(place.calendarId, event, options);
    throw new ConnectorError('stale', 'the event made under this reference was deleted');
  }

  async #versionOf(place: Place, options: CallOptions): Promise<string> {
    const event = await standing(this.#client, place, options);
    if (event === null) throw gone();
    if (event.recurrence?.length || event.etag == null)
      throw new ConnectorError('invalid', 'a series, or an event without version, is not overwritten');
    return event.etag;
  }

  /** The write was accepted; whatever now prevents reading it leaves its outcome unproven. */
  async #readBack(place: Place, options: CallOptions): Promise<RemoteObject> {
    const message = 'the event was written but could not be read back';
    const event = await proven(message, standing(this.#client, place, options));
    if (event === null) throw unproven('the event was written but is not there');
    return proven(message, this.#asObject(place.calendarId, event, options));
  }

  /** Outside a pull nobody says where a day without hours begins: in the calendar's own zone. */
  async #asObject(calendarId: string, event: Event, options: CallOptions): Promise<RemoteObject> {
    const days = 'date' in event.start || 'date' in event.end;
    const zone = days ? (await describeCalendar(this.#client, calendarId, options)).timeZone : null;
    return toRemoteObject(event, { window: null, timeZone: zone ?? 'UTC' });
  }
}

/**
 * Instants with the zone they are meant in; whatever day without hours stood there is taken away. Google would keep an
 * event without a length, which takes no time.
 */
function shown({ start, end, timeZone, summary }: RemoteContent): object {
  if (end <= start) throw new ConnectorError('invalid', 'an event without a length');
  const moment = (instant: number): object => ({ date: null, dateTime: new Date(instant).toISOString(), timeZone });
  return { summary, start: moment(start), end: moment(end) };
}

function gone(): ConnectorError {
  return new ConnectorError('not_found', 'the event is gone');
}
