import {
  ConnectorError,
  createHttp,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type HoldRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type RemoteContent,
  type Session,
  type SubscribeRequest,
  type Subscription,
  type UpdateRequest,
  unproven,
} from '#connector-sdk';
import type { BackendRules, Interval, RemoteObject } from '#domain';
import { Booking, isStanding } from './booking.js';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { lacking, refused } from './errors.js';
import { isDeleted, isHold, toRemoteObject } from './mapping.js';
import { Practice } from './practice.js';
import { get, readBack } from './proof.js';
import { rulesOf } from './openings.js';
import { pull } from './pull.js';
import { parsePush } from './push.js';
import * as schemas from './schemas.js';

const PARTNER = '/partner/v1';
const RIGHTS = ['appointments:read', 'appointments:write'];

/** A conversation with one client account of the vendor. */
export class DoctolibSession implements Session {
  readonly #client: Client;
  readonly #practice: Practice;
  readonly #booking: Booking;
  readonly parsePush = parsePush;

  constructor(
    private readonly settings: Settings,
    secrets: Secrets,
    private readonly context: ConnectorContext,
  ) {
    this.#client = new Client({ settings, secrets }, createHttp(context), context);
    this.#practice = new Practice(this.#client, settings, context);
    this.#booking = new Booking(this.#client, settings, () => context.now());
  }

  /** Says which right or setting is missing: a client may be known and still not be able to book. */
  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const { organization, scopes, agenda_ids: agreed } = await this.#account(options);
    for (const right of RIGHTS) if (!scopes.includes(right)) throw refused(lacking(right));
    const directory = await this.#practice.read(options);
    const motif = directory.motif(this.settings.motif);
    const own = directory.agendas().filter(({ agenda }) => agreed.includes(agenda.id));
    if (own.length === 0)
      throw refused('no practitioner of this profile has agreed to this client: each has to, with the vendor (RIGHT)');
    const reasons = own.map(({ agenda }) => directory.refusal(agenda, motif));
    const [reason] = reasons;
    if (reason != null && !reasons.includes(null)) throw reason;
    return { account: organization.name };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { scopes, agenda_ids: agreed } = await this.#account(options);
    const directory = await this.#practice.read(options);
    const motif = directory.motif(this.settings.motif);
    return directory
      .agendas()
      .filter(({ agenda }) => agreed.includes(agenda.id))
      .map(({ id, name, agenda }) => {
        const writable = scopes.includes('appointments:write') && directory.refusal(agenda, motif) === null;
        return { id, name, writable, timeZone: null };
      });
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, practice: this.#practice, request, options });
  }

  /** From now on: what is past can no longer be booked. */
  async rules(
    { agendaId, window }: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<BackendRules> {
    await this.#practice.read(options);
    const ahead = { start: Math.max(window.start, this.context.now()), end: window.end };
    return this.#practice.on(agendaId, options, (directory, agenda) => {
      const motif = directory.motif(this.settings.motif);
      const source = { client: this.#client, practice: this.#practice, options };
      return rulesOf({ ...source, agendaId, window: ahead, directory, agenda, motif });
    });
  }

  hold({ agendaId, reference, when }: HoldRequest, options: CallOptions): Promise<{ readonly until: number }> {
    return this.#practice.on(agendaId, options, (directory, agenda) =>
      this.#booking.hold({ directory, agenda }, { reference, when }, options),
    );
  }

  create(request: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    return this.#practice.on(request.agendaId, options, (directory, agenda) =>
      this.#booking.create({ directory, agenda }, request, options),
    );
  }

  async update({ remoteId, version, content }: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const id = numberOf(remoteId);
    const lock = version === null ? (await this.#standing(id, options)).lock_version : Number(version);
    const appointment = {
      start_date: new Date(content.start).toISOString(),
      end_date: new Date(content.end).toISOString(),
      title: content.summary,
    };
    await this.#put(id, { appointment, lock_version: lock }, options);
    const row = await readBack(this.#client, id, options);
    if (!isStanding(row) || (row.lock_version === lock && !holds(row, content)))
      throw unproven('the move was accepted but does not stand');
    return toRemoteObject(row, null);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const id = remoteId === null ? await this.#named(agendaId, reference, options) : numberOf(remoteId);
    if (id === null) return;
    const appointment = { status: 'deleted', deletion_reason: 'cancelled_by_practice' };
    try {
      await this.#put(id, { appointment, ...(version === null ? {} : { lock_version: Number(version) }) }, options);
    } catch (error) {
      if (isGone(error)) return;
      throw error;
    }
    const left = await readBack(this.#client, id, options);
    if (!isDeleted(left)) throw unproven('the appointment is still there after its cancellation');
  }

  find(
    { agendaId, reference }: { agendaId: string; reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    return this.#practice.on(agendaId, options, async (_directory, agenda) => {
      const found = (await this.#booking.rows(agenda, reference, options)).find(isStanding);
      return found ? toRemoteObject(found, null) : null;
    });
  }

  subscribe(request: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    return this.#register({ method: 'POST', path: `${PARTNER}/webhooks` }, request, options);
  }

  renew(request: SubscribeRequest & { readonly subscriptionId: string }, options: CallOptions): Promise<Subscription> {
    const path = `${PARTNER}/webhooks/${encodeURIComponent(request.subscriptionId)}`;
    return this.#register({ method: 'PUT', path }, request, options);
  }

  async unsubscribe({ subscriptionId }: { readonly subscriptionId: string }, options: CallOptions): Promise<void> {
    const path = `${PARTNER}/webhooks/${encodeURIComponent(subscriptionId)}`;
    try {
      await this.#client.nothing({ method: 'DELETE', path }, options);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  close(): void {
    this.#client.close();
  }

  #account(options: CallOptions) {
    return this.#client.json(schemas.account, { method: 'GET', path: `${PARTNER}/account` }, options);
  }

  #register(
    call: { method: 'POST' | 'PUT'; path: string },
    { agendaId, callbackUrl, secret }: SubscribeRequest,
    options: CallOptions,
  ): Promise<Subscription> {
    return this.#practice.on(agendaId, options, async (_directory, agenda) => {
      const body = { url: callbackUrl, secret, agenda_id: agenda.id };
      const { id } = await this.#client.json(schemas.webhook, { ...call, body }, options);
      return { id, expiresAt: null };
    });
  }

  async #put(id: number, body: object, options: CallOptions): Promise<void> {
    const path = `${PARTNER}/appointments/${String(id)}`;
    await this.#client.json(schemas.done, { method: 'PUT', path, body }, options);
  }

  async #standing(id: number, options: CallOptions): Promise<schemas.Appointment> {
    const row = await get(this.#client, id, options);
    if (!isStanding(row)) throw new ConnectorError('not_found', 'the appointment was cancelled');
    return row;
  }

  /** The appointment under a reference; holds under it are released, so that a confirmation on its way finds none. */
  #named(agendaId: string, reference: string, options: CallOptions): Promise<number | null> {
    return this.#practice.on(agendaId, options, async (_directory, agenda) => {
      const rows = await this.#booking.rows(agenda, reference, options);
      for (const { id } of rows.filter(isHold)) await this.#booking.release(id, options);
      return rows.find(isStanding)?.id ?? null;
    });
  }
}

/** Numbers are what the vendor gives; anything else is none of his. */
function numberOf(remoteId: string): number {
  if (!/^\d{1,15}$/.test(remoteId)) throw new ConnectorError('not_found', 'the vendor has no such appointment');
  return Number(remoteId);
}

/** Whether it already is what is wanted: then nothing had to be written, and no version to be counted. */
function holds(row: schemas.Appointment, { start, end, summary }: RemoteContent): boolean {
  return row.start_date === start && row.end_date === end && row.title === summary;
}

function isGone(error: unknown): boolean {
  return ConnectorError.is(error) && error.kind === 'not_found';
}
