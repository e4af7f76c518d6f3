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
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { senseless } from './errors.js';
import { LocalTime } from './local-time.js';
import { acceptanceOf, numberOf, remoteIdOf, toRemoteObject, versionOf } from './mapping.js';
import { pull } from './pull.js';
import * as schemas from './schemas.js';
import type { Row } from './schemas.js';

const MINUTE = 60_000;
/** The right without which nothing can be asked for. */
const MAY_ASK = 'demande';
/** Rows that came through the API. */
const OURS = 'PMS';

interface Named {
  readonly agendaId: string;
  readonly reference: string;
}

const UNSEEN = 'it was written and could not be read back';

/** A conversation with one account. What is written is a request that somebody at the practice answers later. */
export class LibreSession implements Session {
  readonly #client: Client;
  readonly #time: LocalTime;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, { http: createHttp(context), context });
    this.#time = new LocalTime(settings.timeZone);
  }

  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const { name, rights } = await this.#client.json(schemas.account, { path: ['account'] }, options);
    if (rights?.includes(MAY_ASK) === true) return { account: name };
    throw new ConnectorError(
      'forbidden',
      'the API key may read and not ask for appointments: its vendor has to add the right « demande »',
    );
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { agendas } = await this.#client.json(schemas.agendas, { path: ['agendas'] }, options);
    return (agendas ?? []).map(({ id, name, writable }) => {
      return { id: String(id), name: name ?? String(id), writable: writable === 1, timeZone: null };
    });
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, time: this.#time, request, options });
  }

  /** Nothing keeps the API from taking one request twice: what stands twice afterwards is made one. */
  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const form = { ...this.#asked(content), reference };
    await this.#client.json(schemas.written, { path: ['appointments'], query: { agenda: agendaId }, form }, options);
    const [first, ...twins] = await proven(UNSEEN, this.#written({ agendaId, reference }, options));
    if (first === undefined)
      throw new ConnectorError('unknown', 'the backend says that it was written, and does not have it');
    if (acceptanceOf(first) === 'declined') throw new ConnectorError('forbidden', 'the request was refused at once');
    for (const twin of twins.filter((row) => row.startDate === first.startDate && acceptanceOf(row) !== 'declined'))
      await proven(UNSEEN, this.#delete(agendaId, twin, options));
    return this.#object(first);
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId, version, content } = request;
    const before = await this.#standing(agendaId, remoteId, options);
    if (version !== null && versionOf(before) !== version) throw stale();
    const form = this.#asked(content);
    if (isAt(before, form) && before.title === content.summary) return this.#object(before);
    const call = { path: ['appointments', numberOf(remoteId)], query: { agenda: agendaId, method: 'PUT' }, form };
    await this.#client.json(schemas.written, call, options);
    const after = await proven(UNSEEN, this.#standing(agendaId, remoteId, options));
    if (!isAt(after, form)) throw new ConnectorError('unknown', 'the appointment is not where it was asked to be');
    return this.#object(after);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const rows =
      remoteId === null
        ? (await this.#written({ agendaId, reference }, options)).filter((row) => acceptanceOf(row) !== 'declined')
        : [await orGone(this.#standing(agendaId, remoteId, options))];
    for (const row of rows) {
      if (row === null) continue;
      if (version !== null && versionOf(row) !== version) throw stale();
      await this.#delete(agendaId, row, options);
    }
  }

  /** A request that was refused is found, too: whoever looks must not ask once more. */
  async find(request: Named, options: CallOptions): Promise<RemoteObject | null> {
    const [first] = await this.#written(request, options);
    return first === undefined ? null : this.#object(first);
  }

  close(): void {
    this.#client.close();
  }

  #asked({ start, end, summary }: RemoteContent): { startDate: string; duration: string; title: string } {
    const minutes = (end - start) / MINUTE;
    if (!Number.isInteger(minutes) || minutes < 1)
      throw new ConnectorError('invalid', 'the backend keeps whole minutes, one at least');
    return { startDate: this.#time.write(start), duration: String(minutes), title: summary };
  }

  /** What we wrote under a reference: what was accepted first, what was refused last. */
  async #written({ agendaId, reference }: Named, options: CallOptions): Promise<Row[]> {
    const query = { agenda: agendaId, reference };
    const { appointments } = await this.#client.json(schemas.some, { path: ['appointments'], query }, options);
    return (appointments ?? [])
      .filter((row) => row.reference === reference && row.deleted !== 1 && (row.origin ?? OURS) === OURS)
      .sort((a, b) => RANK[acceptanceOf(a) ?? 'given'] - RANK[acceptanceOf(b) ?? 'given'] || a.id - b.id);
  }

  /** Throws `not_found` when it is gone, or when another row has its number by now. */
  async #standing(agendaId: string, remoteId: string, options: CallOptions): Promise<Row> {
    const call = { path: ['appointments', numberOf(remoteId)], query: { agenda: agendaId } };
    const { appointment } = await this.#client.json(schemas.one, call, options);
    const gone = appointment.deleted === 1 || acceptanceOf(appointment) === 'declined';
    if (gone || remoteIdOf(appointment) !== remoteId) throw new ConnectorError('not_found', 'the appointment is gone');
    return appointment;
  }

  async #delete(agendaId: string, row: Row, options: CallOptions): Promise<void> {
    const call = { path: ['appointments', String(row.id)], query: { agenda: agendaId, method: 'DELETE' }, form: {} };
    if ((await orGone(this.#client.json(schemas.written, call, options))) === null) return;
    const left = await proven(UNSEEN, orGone(this.#standing(agendaId, remoteIdOf(row), options)));
    if (left !== null) throw new ConnectorError('unknown', 'the appointment is still there after its deletion');
  }

  #object(row: Row): RemoteObject {
    const object = toRemoteObject(row, this.#time, null);
    if (object === null) throw senseless(false, 200);
    return object;
  }
}

const RANK = { given: 0, awaited: 1, declined: 2 };

function isAt(row: Row, { startDate, duration }: { startDate: string; duration: string }): boolean {
  return row.startDate === startDate && String(row.duration) === duration;
}

function stale(): ConnectorError {
  return new ConnectorError('stale', 'the appointment has changed since it was read');
}
