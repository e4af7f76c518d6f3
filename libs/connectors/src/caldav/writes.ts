import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type CreateRequest,
  type InstanceChange,
  type InstanceRequest,
  type SeriesSplit,
  type UpdateRequest,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { newEvent, uidOf, Unreadable } from '#icalendar';
import { readMultistatus, readOne } from './answers.js';
import type { DavAnswer, DavClient } from './client.js';
import { errorOf } from './errors.js';
import { normalPath, pathOf, withSlash } from './hrefs.js';
import { ObjectReader } from './objects.js';
import {
  editIn,
  instanceIn,
  objectIn,
  objectOf,
  splitIn,
  type ObjectReading,
  type SeriesEdit,
  type StoredObject,
} from './reading.js';
import { eventsByUid } from './requests.js';

/** What writing needs beside the request. */
export interface WriteParts {
  readonly client: DavClient;
  reading(body: string, timeZone: string | null): Promise<ObjectReading>;
}

const STORED = new Set([200, 201, 202, 204]);
/** Refusals of a create after which our own earlier attempt may turn out to stand there. */
const MAYBE_OURS = new Set([400, 403, 409, 412]);

/** Creates, changes, removes and finds our events in one calendar. */
export class CollectionWrites {
  readonly #client: DavClient;
  readonly #parts: WriteParts;
  readonly #collection: URL;
  readonly #reader: ObjectReader;

  constructor(parts: WriteParts, agendaId: string) {
    this.#client = parts.client;
    this.#parts = parts;
    this.#collection = parts.client.resolve(withSlash(agendaId));
    this.#reader = new ObjectReader(parts.client, this.#collection);
  }

  async create(request: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const { reference, content } = request;
    const stored = { path: this.#pathOf(reference), reference, timeZone: content.timeZone };
    return (await this.#storeNew(request, options)) ?? this.#readBack(stored, options);
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const stored = { path: normalPath(request.remoteId), reference: null, timeZone: request.content.timeZone };
    return (await this.#storeEdited(request, options)) ?? this.#readBack(stored, options);
  }

  store(request: CreateRequest | UpdateRequest, options: CallOptions): Promise<RemoteObject | null> {
    return 'remoteId' in request ? this.#storeEdited(request, options) : this.#storeNew(request, options);
  }

  /** The object if it stood there before; `null` when it was stored now. */
  async #storeNew({ reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject | null> {
    if (content.end - content.start < 1000) throw new ConnectorError('invalid', 'an event without a length');
    return this.#putNew(reference, newEvent({ reference, content, now: this.#client.now() }), options);
  }

  async #putNew(reference: string, body: string, options: CallOptions): Promise<RemoteObject | null> {
    const put = { path: this.#pathOf(reference), body, headers: { 'If-None-Match': '*' } };
    const failure = await this.#put(put, options);
    if (failure === null) return null;
    const ours = MAYBE_OURS.has(failure.status ?? 0) ? await this.#lookAfter(failure, reference, options) : null;
    if (ours) return ours;
    throw failure;
  }

  /** The same for an event that stands there. */
  async #storeEdited(request: UpdateRequest, options: CallOptions): Promise<RemoteObject | null> {
    const { reference, content } = request;
    const current = await this.#reader.standing(request, options);
    const before = await this.#understood(current, content.timeZone, options);
    if (isSame(before, request)) return before;
    const edit = { body: current.body, writing: { reference, content, now: this.#client.now() } };
    const body = await readOne(editIn, edit, { ...options, characters: current.body.length });
    if (body === null) throw new ConnectorError('invalid', 'the event has become a series');
    return this.#replace(current, body, options);
  }

  async changeInstance(request: InstanceChange, options: CallOptions): Promise<RemoteObject> {
    const { series, edit } = await this.#instanceOf(request, options);
    const { timeZone, version, to } = request;
    const body = await this.#apart(instanceIn, { ...edit, to }, { ...options, characters: edit.body.length });
    if (body === 'done' && version === null) return this.#understood({ ...series, body: edit.body }, timeZone, options);
    if (body === null || body === 'done') throw new ConnectorError('invalid', 'the event has no such instance');
    await this.#replace(series, body, options);
    return this.#readBack({ path: series.path, reference: null, timeZone }, options);
  }

  async splitSeries(
    request: SeriesSplit,
    options: CallOptions,
  ): Promise<{ before: RemoteObject; after: RemoteObject | null }> {
    const { series, edit } = await this.#instanceOf(request, options);
    const { reference, timeZone, version, to } = request;
    const characters = edit.body.length;
    const parts = await this.#apart(splitIn, { ...edit, uid: uidOf(reference), to }, { ...options, characters });
    if (parts === 'done' && version === null) {
      const before = await this.#understood({ ...series, body: edit.body }, timeZone, options);
      const after = to === null ? null : await this.find(reference, options);
      if (to === null || after !== null) return { before, after };
    }
    if (parts === null || parts === 'done') throw new ConnectorError('invalid', 'the event cannot be split there');
    const stored = { path: this.#pathOf(reference), reference, timeZone };
    const after =
      parts.after === null
        ? null
        : ((await this.#putNew(reference, parts.after, options)) ?? (await this.#readBack(stored, options)));
    await this.#replace(series, parts.before, options);
    return { before: await this.#readBack({ path: series.path, reference: null, timeZone }, options), after };
  }

  /** The series as it stands at the version asked for. */
  async #instanceOf(
    { instance, timeZone, ...request }: InstanceRequest,
    options: CallOptions,
  ): Promise<{ series: StoredObject; edit: SeriesEdit }> {
    const series = await this.#reader.standing(request, options);
    return { series, edit: { body: series.body, instance, timeZone, now: this.#client.now() } };
  }

  async #replace({ path, version }: StoredObject, body: string, options: CallOptions): Promise<null> {
    const headers = version === null ? {} : { 'If-Match': version };
    const failure = await this.#put({ path, body, headers }, options);
    if (failure) throw failure;
    return null;
  }

  async cancel({ reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const path = remoteId === null ? (await this.find(reference, options))?.remoteId : normalPath(remoteId);
    if (path === undefined) return;
    // Some servers ignore If-Match on DELETE, and some answer 412 for what is gone: look first.
    if (version !== null && !(await this.#stands(path, version, options))) return;
    const headers = version === null ? {} : { 'If-Match': version };
    const answer = await this.#client.send(
      { method: 'DELETE', url: new URL(path, this.#collection).href, headers },
      options,
    );
    const failure = await this.#failureOf(answer, options);
    if (failure === null || failure.status === 404 || failure.status === 410) return;
    if (failure.kind === 'stale' && (await this.#reader.one(path, options)).body === null) return;
    throw failure;
  }

  /** True when an object stands at this version, false when there is none. Throws `stale`. */
  async #stands(path: string, version: string, options: CallOptions): Promise<boolean> {
    const current = await this.#reader.one(path, options);
    if (current.body === null) return false;
    if (current.version !== version) throw new ConnectorError('stale', 'the event has another version');
    return true;
  }

  async find(reference: string, options: CallOptions): Promise<RemoteObject | null> {
    const stored = await this.#reader.one(this.#pathOf(reference), options);
    const here = stored.body === null ? null : await this.#ours({ ...stored, body: stored.body }, reference, options);
    return here ?? this.#findByUid(reference, options);
  }

  /** The practitioner's own application, or the server, may have moved our event to another address. */
  async #findByUid(reference: string, options: CallOptions): Promise<RemoteObject | null> {
    const listing = await this.#client.multistatus(
      { method: 'REPORT', url: this.#collection.href, depth: '1', body: eventsByUid(uidOf(reference)) },
      options,
    );
    const found = listing.responses
      .flatMap((response) => objectOf(response, listing.url, Infinity) ?? [])
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const object of found) {
      if (!object.body?.includes(uidOf(reference).slice(0, 40))) continue;
      const ours = await this.#ours({ ...object, body: object.body }, reference, options);
      if (ours) return ours;
    }
    return null;
  }

  /** After a refused create: is it our own earlier attempt that stands in the way? */
  async #lookAfter(failure: ConnectorError, reference: string, options: CallOptions): Promise<RemoteObject | null> {
    try {
      return await this.find(reference, options);
    } catch (error) {
      if (ConnectorError.is(error) && error.kind === 'not_found') throw error;
      if (failure.kind !== 'stale') throw failure;
      throw new ConnectorError('unknown', 'the address of the event is taken, and it cannot be read', { cause: error });
    }
  }

  /** Sends an object; `null` when the server says that it stored it. */
  async #put(
    put: { path: string; body: string; headers: Record<string, string> },
    options: CallOptions,
  ): Promise<ConnectorError | null> {
    const answer = await this.#client.send(
      {
        method: 'PUT',
        url: new URL(put.path, this.#collection).href,
        headers: { 'Content-Type': 'text/calendar; charset=utf-8', ...put.headers },
        body: put.body,
      },
      options,
    );
    return this.#failureOf(answer, options);
  }

  async #failureOf(answer: DavAnswer, options: CallOptions): Promise<ConnectorError | null> {
    if (STORED.has(answer.status)) return null;
    if (answer.status !== 207) return this.#client.failure(answer, true);
    // A multistatus for one resource hides a refusal (measured on Xandikos).
    const { responses } = await readMultistatus(answer.content, options).catch(() => ({ responses: [] }));
    const inner = responses.find(({ status }) => status !== null && status >= 400);
    const now = this.#client.now();
    return errorOf(
      { status: inner?.status ?? 207, headers: answer.headers },
      { write: true, now, conditions: inner?.conditions ?? [] },
    );
  }

  /** What the server stored. It stored something, so whatever fails now leaves the outcome open. */
  async #readBack(
    { path, reference, timeZone }: { path: string; reference: string | null; timeZone: string },
    options: CallOptions,
  ): Promise<RemoteObject> {
    try {
      const stored = await this.#reader.one(path, options);
      if (reference === null) {
        if (stored.body !== null) return await this.#understood({ ...stored, body: stored.body }, timeZone, options);
      } else {
        const here =
          stored.body === null ? null : await this.#ours({ ...stored, body: stored.body }, reference, options);
        const ours = here ?? (await this.#findByUid(reference, options));
        if (ours) return ours;
      }
    } catch (error) {
      if (ConnectorError.is(error) && error.kind === 'invalid') throw error;
      throw new ConnectorError('unknown', 'what was written could not be read back', { cause: error });
    }
    throw new ConnectorError('unknown', 'what was written is not there');
  }

  async #ours(
    stored: StoredObject & { readonly body: string },
    reference: string,
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    const object = await this.#understood(stored, null, options);
    return object.reference === reference ? object : null;
  }

  async #understood(
    object: StoredObject & { readonly body: string },
    timeZone: string | null,
    options: CallOptions,
  ): Promise<RemoteObject> {
    const reading = await this.#parts.reading(object.body, timeZone);
    return this.#apart(objectIn, { object, reading }, { ...options, characters: object.body.length });
  }

  async #apart<Input, Value>(
    read: (input: Input) => Generator<Value>,
    input: Input,
    options: CallOptions & { readonly characters: number },
  ): Promise<Value> {
    try {
      return await readOne(read, input, options);
    } catch (error) {
      if (error instanceof Unreadable) throw new ConnectorError('invalid', `an event cannot be read: ${error.message}`);
      throw error;
    }
  }

  #pathOf(reference: string): string {
    if (!/^[a-z0-9-]{1,64}$/.test(reference))
      throw new ConnectorError('invalid', 'a reference that cannot be an address');
    return pathOf(`${reference}.ics`, this.#collection) ?? '';
  }
}

/** True when the event already says what is wanted: a repeated change writes nothing. */
function isSame({ recurring, busy: [busy, ...more], summary }: RemoteObject, { content }: UpdateRequest): boolean {
  if (recurring || more.length > 0 || summary !== content.summary) return false;
  return busy?.start === content.start && busy.end === content.end;
}
