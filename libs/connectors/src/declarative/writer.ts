import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type CreateRequest,
  type RemoteContent,
  type UpdateRequest,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { unlike } from './errors.js';
import { idOf, toRemoteObject, versionOf, type Entry, type Named } from './mapping.js';
import type { Writing } from './parts.js';
import { at, objectOf } from './paths.js';
import type { Reader } from './reader.js';
import { fillValue, type Values } from './templates.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Where a reference is looked for when the backend cannot be asked for it: days from today. */
const FIND_BACK = 400;
const FIND_AHEAD = 1_100;
/** A removal of whatever stands is repeated when somebody changed it meanwhile. */
const TRIES = 3;

/** The writing half of a document, carried out. */
export class Writer {
  readonly #reader: Reader;
  readonly #now: () => number;

  constructor(reader: Reader, now: () => number) {
    this.#reader = reader;
    this.#now = now;
  }

  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const { create } = this.#writing();
    const values = { agenda: agendaId, ...this.#contentValues(content, reference) };
    const { client } = this.#reader;
    const call = { ...request(create, values), values };
    const answer = await (create.id === undefined
      ? client.send(call, options)
      : client.json('writing.create', call, options));
    return unprovenUnlessRead('the entry was written but could not be read back', async () => {
      const id = create.id === undefined ? await this.#idOf(agendaId, reference, options) : idOf(at(answer, create.id));
      if (id === null) throw unlike('writing.create.id', { write: true });
      return toRemoteObject(await this.#reader.entry(agendaId, id, options), null);
    });
  }

  async update(asked: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId, reference, content, version } = asked;
    const { update } = this.#writing();
    const contentValues = this.#contentValues(content, reference);
    const before = await this.#reader.entry(agendaId, remoteId, options);
    if (version !== null && version !== versionOf(before)) throw stale();
    const values = { agenda: agendaId, id: remoteId, ...versionValue(before), ...contentValues };
    await this.#reader.client.send({ ...request(update, values), values }, options);
    return unprovenUnlessRead('the entry was changed but could not be read back', async () => {
      const after = await this.#reader.entry(agendaId, remoteId, options);
      const asMeant = after.start === content.start && after.end === content.end;
      if (!asMeant && versionOf(after) === versionOf(before)) throw unlike('writing.update', { write: true });
      return toRemoteObject(after, null);
    });
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const id = remoteId ?? (await this.find(agendaId, reference, options))?.remoteId;
    if (id === undefined) return;
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#remove(agendaId, { id, version, reference }, options);
        return;
      } catch (error) {
        const again = ConnectorError.is(error) && error.kind === 'stale' && version === null && tries < TRIES;
        if (!again) throw error;
      }
    }
  }

  /** The entry under a reference; the whole agenda is read where the backend cannot be asked for it. */
  async find(agendaId: string, reference: string, options: CallOptions): Promise<RemoteObject | null> {
    for (const value of await this.#candidates(agendaId, reference, options))
      if (value.reference === reference) return toRemoteObject(value, null);
    return null;
  }

  async #candidates(agendaId: string, reference: string, options: CallOptions): Promise<Entry[]> {
    const { find } = this.#writing();
    if (find) {
      const call = { method: 'GET', path: find.path, query: find.query, values: { agenda: agendaId, reference } };
      const items = at(await this.#reader.client.json('writing.find', call, options), find.items);
      if (!Array.isArray(items)) throw unlike('writing.find.items', { write: false });
      return items.flatMap((item) => readable(this.#reader.named(item, 'writing.find.items')));
    }
    const today = this.#now() - (this.#now() % DAY_MS);
    const range = { start: today - FIND_BACK * DAY_MS, end: today + FIND_AHEAD * DAY_MS };
    return (await this.#reader.list(agendaId, range, options)).items.flatMap(readable);
  }

  async #idOf(agendaId: string, reference: string, options: CallOptions): Promise<string | null> {
    return (await this.find(agendaId, reference, options))?.remoteId ?? null;
  }

  async #remove(
    agendaId: string,
    { id, version, reference }: { id: string; version: string | null; reference: string },
    options: CallOptions,
  ): Promise<void> {
    const { cancel } = this.#writing();
    const before = await this.#standing(agendaId, id, options);
    if (before === null) return;
    if (version !== null && version !== versionOf(before)) throw stale();
    const values = { agenda: agendaId, id, reference, ...versionValue(before) };
    try {
      await this.#reader.client.send({ ...request(cancel, values), values }, options);
    } catch (error) {
      if (ConnectorError.is(error) && error.kind === 'not_found') return;
      throw error;
    }
    const after = await unprovenUnlessRead('the entry was removed but this could not be checked', () =>
      this.#standing(agendaId, id, options),
    );
    if (after !== null) throw new ConnectorError('unknown', 'the entry is still there after its removal');
  }

  /** `null` for an entry that is gone. */
  async #standing(agendaId: string, id: string, options: CallOptions): Promise<Entry | null> {
    const item = await this.#reader.item(agendaId, id, options);
    if (item.kind === 'gone') return null;
    if (item.kind !== 'entry') throw unlike('reading.get', { write: false });
    return item.entry;
  }

  #writing(): Writing {
    const { writing } = this.#reader.document;
    if (!writing) throw new ConnectorError('forbidden', 'the document describes no writing');
    return writing;
  }

  #contentValues({ start, end, summary }: RemoteContent, reference: string): Values {
    if (end <= start) throw new ConnectorError('invalid', 'a visit must have a length');
    const { times } = this.#reader.mapping;
    return {
      ...{ reference, title: summary, minutes: (end - start) / MINUTE_MS },
      ...{ start: times.write(start), end: times.write(end) },
    };
  }
}

interface Write {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

function request({ method, path, headers, body }: Write, values: Values) {
  const filled = body && Object.fromEntries(Object.entries(body).map(([at, value]) => [at, fillValue(value, values)]));
  return { method, path, headers, body: filled && objectOf(filled) };
}

function versionValue({ version }: Entry): Values {
  return version === null ? {} : { version };
}

function readable(item: Named): Entry[] {
  return item.kind === 'entry' ? [item.entry] : [];
}

function stale(): ConnectorError {
  return new ConnectorError('stale', 'the entry has another version by now');
}

/** The write was accepted; whatever now prevents reading it leaves its outcome unproven. */
async function unprovenUnlessRead<T>(said: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const wait = ConnectorError.is(error) ? { retryAfterMs: error.retryAfterMs } : {};
    throw new ConnectorError('unknown', said, { cause: error, ...wait });
  }
}
