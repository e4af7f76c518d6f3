import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
  type SubscribeRequest,
  type Subscription,
  type UpdateRequest,
  orGone,
  proven,
  unproven,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { Unreadable } from '#icalendar';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { register, silence } from './endpoints.js';
import { isKind, senseless } from './errors.js';
import { wholeOf } from './listing.js';
import { absenceChange, absenceId, absenceObject, titleOf } from './mapping.js';
import { agentsOf, pull, refuseUnlessMember, type Reading } from './pull.js';
import { parsePush } from './push.js';
import * as schemas from './schemas.js';
import { localTimes, ZONE } from './times.js';

const EVERYTHING = { start: -8e15, end: 8e15 };

interface Named {
  readonly agendaId: string;
  readonly reference: string;
}

/** A conversation in the name of one agent. Rendez-vous are read; absences are read and written. */
export class RdvServicePublicSession implements Session {
  readonly #client: Client;
  readonly #settings: Settings;
  readonly #email: string;
  readonly parsePush = parsePush;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, context);
    this.#settings = settings;
    this.#email = secrets.email;
  }

  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    await refuseUnlessMember(this.#reading(options));
    return { account: this.#email };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const reading = this.#reading(options);
    await refuseUnlessMember(reading);
    const agents = await agentsOf(reading);
    return agents.map(({ id, name }) => ({ id: String(id), name, writable: true, timeZone: ZONE }));
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull(this.#reading(options), request);
  }

  /** The vendor knows no key: a second absence under the same reference is found afterwards, and the later one withdrawn. */
  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const title = titleOf(this.#settings.title, reference);
    const body = { agent_id: Number(agendaId), title, ...localTimes(content) };
    const { absence } = await this.#client.json(
      schemas.oneAbsence,
      { method: 'POST', path: '/absences', body },
      options,
    );
    const made = this.#made({ agendaId, reference }, absence.id, options);
    const standing = await proven('the absence was written but could not be read back', made);
    if (standing === null) throw unproven('the absence was accepted and is not there');
    return standing;
  }

  /** The vendor has no preconditions: what stands is compared just before. */
  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { remoteId, version, content } = request;
    const title = titleOf(this.#settings.title, request.reference);
    const body = { title, ...localTimes(content) };
    const standing = await this.#get(remoteId, options);
    if (version !== null && standing.version !== version)
      throw new ConnectorError('stale', 'the absence was changed meanwhile');
    await this.#client.json(schemas.oneAbsence, { method: 'PATCH', path: this.#path(remoteId), body }, options);
    const now = await proven('the absence was changed but could not be read back', this.#get(remoteId, options));
    if (now.when?.start !== content.start || now.when.end !== content.end)
      throw unproven('the change of the absence was accepted and did not happen');
    return now;
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const ids = remoteId === null ? await this.#carrying({ agendaId, reference }, options) : [{ remoteId }];
    for (const one of ids) {
      if (version !== null) {
        const standing = await this.#versionOf(one.remoteId, options);
        if (standing === null) continue;
        if (standing !== version) throw new ConnectorError('stale', 'the absence was changed meanwhile');
      }
      await this.#remove(one.remoteId, options);
    }
  }

  async find(request: Named, options: CallOptions): Promise<RemoteObject | null> {
    return (await this.#carrying(request, options))[0] ?? null;
  }

  subscribe(request: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    return register(this.#client, this.#settings.organisationIds, request, options);
  }

  renew(request: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    return this.subscribe(request, options);
  }

  unsubscribe({ subscriptionId }: { readonly subscriptionId: string }, options: CallOptions): Promise<void> {
    return silence(this.#client, subscriptionId, options);
  }

  close(): void {
    this.#client.close();
  }

  #reading(options: CallOptions): Reading {
    return { client: this.#client, settings: this.#settings, options };
  }

  /** Every absence of the agent that carries a reference, the oldest first. */
  async #carrying({ agendaId, reference }: Named, options: CallOptions): Promise<RemoteObject[]> {
    const items = await wholeOf(this.#client, { path: '/absences', root: 'absences' }, options);
    return items
      .flatMap((item) => {
        const change = absenceChange(item, Number(agendaId), EVERYTHING);
        return change?.kind === 'upsert' && change.object.reference === reference ? [change.object] : [];
      })
      .sort((a, b) => Number(absenceId(a.remoteId)) - Number(absenceId(b.remoteId)));
  }

  async #get(remoteId: string, options: CallOptions): Promise<RemoteObject> {
    const { absence } = await this.#client.json(
      schemas.oneAbsence,
      { method: 'GET', path: this.#path(remoteId) },
      options,
    );
    try {
      return absenceObject(absence, null);
    } catch (error) {
      if (error instanceof Unreadable) throw new ConnectorError('invalid', error.message);
      throw error;
    }
  }

  /** What a create left: one absence, or a twin of it that is withdrawn. */
  async #made(place: Named, id: string | number, options: CallOptions): Promise<RemoteObject | null> {
    const found = await this.#carrying(place, options);
    if (!found.some(({ remoteId }) => remoteId === `absence_${String(id)}`)) throw senseless(true, 200);
    for (const { remoteId } of found.slice(1)) await this.#remove(remoteId, options);
    return found[0] ?? null;
  }

  /** `null`: it is gone. */
  async #versionOf(remoteId: string, options: CallOptions): Promise<string | null> {
    return (await orGone(this.#get(remoteId, options)))?.version ?? null;
  }

  async #remove(remoteId: string, options: CallOptions): Promise<void> {
    try {
      await this.#client.nothing({ method: 'DELETE', path: this.#path(remoteId) }, options);
    } catch (error) {
      if (isKind(error, 'not_found')) return;
      throw error;
    }
    const message = 'the absence was deleted but this could not be checked';
    if ((await proven(message, this.#versionOf(remoteId, options))) !== null)
      throw unproven('the absence is still there after its deletion');
  }

  /** Only absences are ever written. */
  #path(remoteId: string): string {
    const id = absenceId(remoteId);
    if (id === null)
      throw new ConnectorError('forbidden', 'a rendez-vous can only be changed in the application itself');
    return `/absences/${id}`;
  }
}
