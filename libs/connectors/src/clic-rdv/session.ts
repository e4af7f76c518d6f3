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
  orGone,
  proven,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { proveAgenda, proveLogin } from './access.js';
import { Client, type Condition } from './client.js';
import type { Secrets, Settings } from './config.js';
import { senseless } from './errors.js';
import { LocalTime } from './local-time.js';
import { commentsOf, meaningOf, toRemoteObject, versionOf, type Understanding } from './mapping.js';
import { pull } from './pull.js';
import * as schemas from './schemas.js';
import type { Vevent } from './schemas.js';

interface Named {
  readonly agendaId: string;
  readonly reference: string;
}

const UNSEEN = 'it was written and could not be read back';

/** A conversation with one group, as one of its pros. */
export class ClicSession implements Session {
  readonly #client: Client;
  readonly #settings: Settings;
  readonly #understanding: Understanding;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, { http: createHttp(context), context });
    this.#settings = settings;
    this.#understanding = { time: new LocalTime(settings.timeZone), taker: settings.taker };
  }

  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const { email, groupId, interventionId, ficheId } = this.#settings;
    await proveLogin(this.#client, email, options);
    await this.#exists('interventions', interventionId, options);
    await this.#exists('fiches', ficheId, options);
    return { account: `${email} (${String(groupId)})` };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    await proveLogin(this.#client, this.#settings.email, options);
    const calendars = await this.#client.all('calendars', schemas.calendar, options);
    return calendars
      .filter(({ deleted }) => !deleted)
      .map(({ id, name }) => ({ id: String(id), name: name ?? String(id), writable: true, timeZone: null }));
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    const { email } = this.#settings;
    return pull({ client: this.#client, email, understanding: this.#understanding, request, options });
  }

  /** Nothing keeps the API from taking one create twice: what stands twice afterwards is made one. */
  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const vevent = {
      ...this.#shown(content),
      ...{ calendar_id: Number(agendaId), comments: commentsOf(reference) },
      ...{ intervention_id: this.#settings.interventionId, fiche_id: this.#settings.ficheId },
      ...{ taker: this.#settings.taker, from_web: 0 },
    };
    await this.#client.write({ method: 'POST', vevent }, options);
    const [first, ...twins] = await proven(UNSEEN, this.#written({ agendaId, reference }, options));
    if (first === undefined)
      throw new ConnectorError('unknown', 'the backend says that it was written, and does not have it');
    for (const twin of twins.filter(({ start }) => start === first.start))
      await proven(UNSEEN, this.#delete(twin, options));
    return this.#object(first);
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId, version, content } = request;
    const before = await this.#standing(agendaId, remoteId, options);
    if (version !== null && versionOf(before) !== version) throw stale();
    const vevent = this.#shown(content);
    if (isSame(before, vevent)) return this.#object(before);
    await this.#client.write({ method: 'PUT', id: before.id, vevent }, options);
    const after = await proven(UNSEEN, this.#standing(agendaId, remoteId, options));
    if (!isSame(after, vevent)) throw new ConnectorError('unknown', 'the appointment is not as it was written');
    return this.#object(after);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const rows =
      remoteId === null
        ? await this.#written({ agendaId, reference }, options)
        : [await orGone(this.#standing(agendaId, remoteId, options))];
    for (const row of rows) {
      if (row === null) continue;
      if (version !== null && versionOf(row) !== version) throw stale();
      await this.#delete(row, options);
    }
  }

  async find(request: Named, options: CallOptions): Promise<RemoteObject | null> {
    const [first] = await this.#written(request, options);
    return first === undefined ? null : this.#object(first);
  }

  close(): void {
    this.#client.close();
  }

  async #exists(name: 'interventions' | 'fiches', id: number, options: CallOptions): Promise<void> {
    const found = await this.#client.all(name, schemas.named, options, [['id', '=', id]]);
    if (found.some((one) => one.id === id && !one.deleted)) return;
    const setting = name === 'fiches' ? 'fiche_id' : 'intervention_id';
    throw new ConnectorError('invalid', `the group has no ${setting} ${String(id)}: enter one that it has`);
  }

  #shown({ start, end, summary }: RemoteContent): { start: string; end: string; text: string } {
    if (start >= end) throw new ConnectorError('invalid', 'an appointment has a length');
    return { ...this.#understanding.time.write({ start, end }), text: summary };
  }

  /** What we wrote under a reference and still stands, the oldest first. Certainly none, when there is none. */
  async #written({ agendaId, reference }: Named, options: CallOptions): Promise<Vevent[]> {
    const rows = await this.#rows(agendaId, options, [
      ['taker', '=', this.#settings.taker],
      ['comments', 'like', `%${commentsOf(reference)}%`],
    ]);
    return rows
      .filter(({ taker, comments }) => taker === this.#settings.taker && comments?.includes(commentsOf(reference)))
      .sort((a, b) => a.id - b.id);
  }

  /** Throws `not_found` when it is gone. */
  async #standing(agendaId: string, remoteId: string, options: CallOptions): Promise<Vevent> {
    const [row] = await this.#rows(agendaId, options, [['id', '=', remoteId]]);
    if (row === undefined) throw new ConnectorError('not_found', 'the appointment is gone');
    return row;
  }

  /** Rows that stand in the agenda; where there is none, it is proven that somebody is looking. */
  async #rows(agendaId: string, options: CallOptions, conditions: readonly Condition[]): Promise<Vevent[]> {
    const rows = await this.#client.all('vevents', schemas.vevent, options, [
      ['calendar_id', '=', agendaId],
      ...conditions,
    ]);
    if (rows.length === 0) await proveAgenda(this.#client, { email: this.#settings.email, agendaId }, options);
    return rows.filter((row) => String(row.calendar_id) === agendaId && meaningOf(row) === 'busy');
  }

  /** Marks as deleted, as the API's own DELETE does; it stays there, to be restored. */
  async #delete(row: Vevent, options: CallOptions): Promise<void> {
    await orGone(this.#client.write({ method: 'DELETE', id: row.id }, options));
    const left = await proven(UNSEEN, orGone(this.#standing(String(row.calendar_id), String(row.id), options)));
    if (left !== null) throw new ConnectorError('unknown', 'the appointment is still there after its deletion');
  }

  #object(row: Vevent): RemoteObject {
    const object = toRemoteObject(row, this.#understanding, null);
    if ('unreadable' in object) throw senseless(false, 200);
    return object;
  }
}

function isSame(row: Vevent, { start, end, text }: { start: string; end: string; text: string }): boolean {
  return row.start === start && row.end === end && (row.text ?? '') === text;
}

function stale(): ConnectorError {
  return new ConnectorError('stale', 'the appointment has changed since it was read');
}
