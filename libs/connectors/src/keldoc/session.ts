import {
  ConnectorError,
  createHttp,
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
  orGone,
  proven,
  unproven,
} from '#connector-sdk';
import type { BackendRules, Interval, RemoteObject } from '#domain';
import { z } from 'zod';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { isKind, senseless } from './errors.js';
import { commentOf, intervalOf, isCanceled, textOf, toRemoteObject, versionOf } from './mapping.js';
import { Motives } from './motives.js';
import { pull } from './pull.js';
import { parsePush, subscribe, unsubscribe } from './push.js';
import { rules } from './rules.js';
import * as schemas from './schemas.js';
import { parisTime } from './signing.js';

interface Named {
  readonly agendaId: string;
  readonly reference: string;
}

/** A conversation with one partner account. */
export class KeldocSession implements Session {
  readonly #client: Client;
  readonly #motives: Motives;
  readonly parsePush = parsePush;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, { http: createHttp(context), context });
    this.#motives = new Motives(settings.motif, this.#client, () => context.now());
  }

  /** Also that the motif is there. The account has no name but those of its agendas. */
  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    this.#motives.forget();
    const { agendas } = await this.#motives.config(options);
    await this.#motives.required(options);
    return { account: agendas.map(({ name }) => name).join(', ') || 'Keldoc' };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { agendas } = await this.#motives.config(options);
    const writable = (await this.#motives.id(options)) !== null;
    return agendas.map(({ id, name }) => ({ id: String(id), name, writable, timeZone: null }));
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, request, options });
  }

  async rules(
    request: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<BackendRules> {
    const motive = await this.#motives.required(options);
    return rules({ client: this.#client, request, options, motive });
  }

  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const motive = await this.#motives.required(options);
    const body = {
      ...placed(agendaId, content),
      state: 'confirmed',
      motive_id: motive,
      patient_comment: commentOf(reference),
      patient_attributes: { last_name: content.summary },
      // The visit is announced by whoever booked it.
      ...{ skip_sms_confirmation: true, skip_email_confirmation: true },
    };
    try {
      await this.#client.json(z.unknown(), { method: 'POST', path: ['appointments'], body }, options);
    } catch (error) {
      const ours = isKind(error, 'taken') ? (await this.#ours({ agendaId, reference }, options))[0] : undefined;
      // Taken by what an earlier attempt of ours left there.
      if (ours) return toRemoteObject(ours, null);
      throw error;
    }
    const message = 'the appointment was accepted but could not be read back';
    return proven(message, this.#made({ agendaId, reference }, options));
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId, content } = request;
    const before = await this.#living(remoteId, options);
    const version = versionOf(before);
    if (request.version !== null && request.version !== version) throw stale();
    const named = textOf(before) === content.summary ? {} : { patient_attributes: { last_name: content.summary } };
    const body = { ...placed(agendaId, content), state: 'confirmed', ...named };
    await this.#client.json(z.unknown(), { method: 'PUT', path: ['appointments', remoteId], body }, options);
    const stored = await this.#readBack(remoteId, options);
    if (stored === null || isCanceled(stored)) throw new ConnectorError('not_found', 'the appointment is gone by now');
    if (versionOf(stored) === version && !holds(stored, content)) throw unproven('the move was accepted, but not made');
    return toRemoteObject(stored, null);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const id = remoteId ?? (await this.find({ agendaId, reference }, options))?.remoteId;
    if (id === undefined) return;
    try {
      const before = await this.#living(id, options);
      if (version !== null && versionOf(before) !== version) throw stale();
      await this.#client.json(z.unknown(), { method: 'DELETE', path: ['appointments', id] }, options);
    } catch (error) {
      if (isKind(error, 'not_found')) return;
      throw error;
    }
    const left = await this.#readBack(id, options);
    if (left !== null && !isCanceled(left)) throw unproven('the appointment is still there after its deletion');
  }

  async find(named: Named, options: CallOptions): Promise<RemoteObject | null> {
    const [first] = await this.#ours(named, options);
    return first ? toRemoteObject(first, null) : null;
  }

  subscribe(request: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    return subscribe(this.#client, request, options);
  }

  /** A URL does not end; it is replaced, and with it the token. */
  renew(request: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    return subscribe(this.#client, request, options);
  }

  unsubscribe({ subscriptionId }: { readonly subscriptionId: string }, options: CallOptions): Promise<void> {
    return unsubscribe(this.#client, subscriptionId, options);
  }

  close(): void {
    this.#client.close();
  }

  /** What stands under a reference, the oldest first. One that cannot be read may be the one: then nothing is certain. */
  async #ours({ agendaId, reference }: Named, options: CallOptions): Promise<schemas.Appointment[]> {
    const comment = commentOf(reference);
    const query = { agenda_id: agendaId, patient_comment: comment };
    const call = { method: 'GET', path: ['appointments'], query } as const;
    const { appointments } = await this.#client.json(schemas.listing, call, options);
    const read = appointments.map((item) => schemas.appointment.safeParse(item));
    if (read.some(({ success }) => !success)) throw senseless(false, 200);
    return read
      .flatMap(({ data }) => data ?? [])
      .filter((one) => one.patient_comment === comment && !isCanceled(one))
      .sort((a, b) => a.id - b.id);
  }

  /** What a create left: one appointment, or a twin of it that is withdrawn. */
  async #made(named: Named, options: CallOptions): Promise<RemoteObject> {
    const [first, ...twins] = await this.#ours(named, options);
    if (!first) throw senseless(true, 200);
    for (const { id } of twins)
      await this.#client.json(z.unknown(), { method: 'DELETE', path: ['appointments', String(id)] }, options);
    return toRemoteObject(first, null);
  }

  #get(id: string, options: CallOptions): Promise<schemas.Appointment> {
    return this.#client.json(schemas.appointment, { method: 'GET', path: ['appointments', id] }, options);
  }

  async #living(id: string, options: CallOptions): Promise<schemas.Appointment> {
    const found = await this.#get(id, options);
    if (isCanceled(found)) throw new ConnectorError('not_found', 'the appointment is canceled');
    return found;
  }

  /** The write was accepted; whatever now prevents reading it leaves its outcome unproven. `null`: it is gone. */
  #readBack(id: string, options: CallOptions): Promise<schemas.Appointment | null> {
    return proven('the write was accepted but could not be read back', orGone(this.#get(id, options)));
  }
}

function placed(agendaId: string, { start, end }: RemoteContent): object {
  return { agenda_id: Number(agendaId), start_at: parisTime(start), duration: Math.round((end - start) / 1000) };
}

function holds(stored: schemas.Appointment, { start, end, summary }: RemoteContent): boolean {
  const when = intervalOf(stored);
  return when.start === start && when.end === end && textOf(stored) === summary;
}

function stale(): ConnectorError {
  return new ConnectorError('stale', 'the appointment was changed since');
}
