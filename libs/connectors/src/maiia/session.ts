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
  type UpdateRequest,
  proven,
  unproven,
} from '#connector-sdk';
import type { BackendRules, Interval, RemoteObject } from '#domain';
import { Booking } from './booking.js';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { Directory } from './directory.js';
import { isKind, senseless } from './errors.js';
import { isCancelled, toRemoteObject } from './mapping.js';
import { Motifs, type Motif } from './motifs.js';
import { listAll } from './paging.js';
import { pull } from './pull.js';
import { rules, type RulesParts } from './rules.js';
import * as schemas from './schemas.js';
import { SharedState } from './shared-state.js';

const WRITING = 'appointments:write';

/** A conversation with one partner account. */
export class MaiiaSession implements Session {
  readonly #client: Client;
  readonly #directory: Directory;
  readonly #motifs: Motifs;
  readonly #booking: Booking;
  readonly #rules: RulesParts;
  readonly #asked: string;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    const state = new SharedState(context);
    this.#asked = settings.motif;
    this.#client = new Client(settings, secrets, { http: createHttp(context), context, state });
    this.#directory = new Directory(this.#client, () => context.now());
    this.#motifs = new Motifs(settings.motif, this.#directory, state);
    this.#booking = new Booking(this.#client, this.#directory, this.#motifs);
    this.#rules = {
      ...{ client: this.#client, directory: this.#directory, motifs: this.#motifs },
      now: () => context.now(),
    };
  }

  /** Also that the key may write, and that the motif is there under some agenda; says when it has been renamed. */
  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const { account, scopes } = await this.#account(options);
    if (!mayWrite(scopes))
      throw new ConnectorError('forbidden', `the API key may not write: ask the vendor for the right ${WRITING}`);
    this.#directory.forget();
    const agendas = await this.#directory.agendas(options);
    const motifs: (Motif | null)[] = [];
    for (const { agendaSettingsId } of agendas) motifs.push(await this.#motifs.on(agendaSettingsId, options));
    if (agendas.length > 0 && motifs.every((motif) => motif === null))
      throw new ConnectorError('invalid', 'no agenda has the motif entered in the settings: enter its name or its id');
    const renamed = motifs.find((motif) => motif?.asAsked === false);
    if (!renamed) return { account };
    return { account: `${account} (motif « ${this.#asked} » renommé « ${renamed.name} »)` };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { scopes } = await this.#account(options);
    const found: RemoteAgenda[] = [];
    for (const { agendaSettingsId: id, name, timeZone } of await this.#directory.agendas(options)) {
      const writable = mayWrite(scopes) && (await this.#hasMotif(id, options));
      found.push({ id, name, writable, timeZone: timeZone ?? null });
    }
    return found;
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, request, options });
  }

  rules(
    request: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<BackendRules> {
    return rules(this.#rules, request, options);
  }

  async create(request: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, reference } = request;
    const { id } = await this.#booking.book(request, options);
    const stored = await this.#readBack(id, options);
    if (stored.externalId !== reference || stored.agendaSettingsId !== agendaId)
      throw unproven('what was read back is not what was booked');
    if (isCancelled(stored)) throw new ConnectorError('stale', 'the appointment of this reference was cancelled since');
    return toRemoteObject(stored, null);
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { remoteId, content } = request;
    const version = request.version ?? (await this.#living(remoteId, options)).updateDate;
    const body = { ...shown(content), updateDate: version };
    await this.#change(remoteId, body, options);
    const stored = await this.#readBack(remoteId, options);
    if (isCancelled(stored)) throw new ConnectorError('not_found', 'the appointment was cancelled since');
    if (stored.updateDate === version && !holds(stored, content)) throw unproven('the move was accepted, but not made');
    return toRemoteObject(stored, null);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const id = remoteId ?? (await this.find({ agendaId, reference }, options))?.remoteId;
    if (id === undefined) return;
    try {
      await this.#change(id, { status: 'CANCELLED', ...(version === null ? {} : { updateDate: version }) }, options);
    } catch (error) {
      if (isKind(error, 'not_found')) return;
      throw error;
    }
    if (!isCancelled(await this.#readBack(id, options))) throw unproven('the appointment still stands');
  }

  async find(
    { agendaId, reference }: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    const query = { agendaSettingsId: agendaId, externalId: reference };
    const { items } = await listAll(this.#client, { path: ['appointments'], query }, JSON.stringify, options);
    for (const item of items) {
      const read = schemas.appointment.safeParse(item);
      // It may be the one: then it is not certain that there is none.
      if (!read.success) throw senseless(false, 200);
      if (read.data.externalId === reference && !isCancelled(read.data)) return toRemoteObject(read.data, null);
    }
    return null;
  }

  close(): void {
    this.#client.close();
  }

  #account(options: CallOptions): Promise<{ account: string; scopes?: string[] | null | undefined }> {
    return this.#client.json(schemas.account, { method: 'GET', path: ['me'] }, options);
  }

  async #hasMotif(agendaId: string, options: CallOptions): Promise<boolean> {
    try {
      return (await this.#motifs.on(agendaId, options)) !== null;
    } catch (error) {
      if (isKind(error, 'invalid')) return false;
      throw error;
    }
  }

  #get(id: string, options: CallOptions): Promise<schemas.Appointment> {
    return this.#client.json(schemas.appointment, { method: 'GET', path: ['appointments', id] }, options);
  }

  async #living(id: string, options: CallOptions): Promise<schemas.Appointment> {
    const found = await this.#get(id, options);
    if (isCancelled(found)) throw new ConnectorError('not_found', 'the appointment is cancelled');
    return found;
  }

  async #change(id: string, body: object, options: CallOptions): Promise<void> {
    await this.#client.json(schemas.identified, { method: 'PATCH', path: ['appointments', id], body }, options);
  }

  /** The write was accepted; whatever now prevents reading it leaves its outcome unproven. */
  #readBack(id: string, options: CallOptions): Promise<schemas.Appointment> {
    return proven('the write was accepted but could not be read back', this.#get(id, options));
  }
}

function mayWrite(scopes: readonly string[] | null | undefined): boolean {
  return scopes == null || scopes.includes(WRITING);
}

function shown({ start, end, summary }: RemoteContent): object {
  return {
    startDateTime: new Date(start).toISOString(),
    endDateTime: new Date(end).toISOString(),
    title: summary,
  };
}

function holds(
  { startDateTime, endDateTime, title }: schemas.Appointment,
  { start, end, summary }: RemoteContent,
): boolean {
  return startDateTime === start && endDateTime === end && (title ?? '') === summary;
}
