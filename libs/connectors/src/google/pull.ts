import { ConnectorError, type PullItem } from '#connector-sdk';
import { overlaps, type RemoteChange, type RemoteObject } from '#domain';
import { isKind, senseless } from './errors.js';
import { referenceIn, seriesIn } from './event-ids.js';
import { busyOnly } from './free-busy.js';
import { toRemoteObject, type View } from './mapping.js';
import { EVENT_FIELDS, type Reading } from './requests.js';
import { event as eventSchema, events, identified, tombstone, type Event } from './schemas.js';
import { seriesOf } from './series.js';

/** Sync tokens hold only for the parameters they were given with; another number makes older cursors useless. */
const CURSOR = '1:';
const PAGE = 2500;
/** Pages of one pull; an endless listing is a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;
const MAX_RAW = 64 * 1024;
/** Reads the delta since the cursor, or everything in the window. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  const { cursor } = reading.request;
  if (cursor !== null && !cursor.startsWith(CURSOR))
    throw new ConnectorError('cursor_expired', 'the cursor is not one of this backend');
  try {
    yield* new Listing(reading).read();
  } catch (error) {
    // Nothing else in such a request can be wrong but its token.
    if (cursor !== null && isKind(error, 'invalid')) throw new ConnectorError('cursor_expired', error.message);
    if (cursor !== null || !isKind(error, 'forbidden')) throw error;
    yield* busyOnly(reading, error);
  }
}

/** One listing or delta, instances one by one (`singleEvents`), each its own object. */
class Listing {
  readonly #reading: Reading;
  readonly #view: View;
  readonly #delta: boolean;
  readonly #present = new Set<string>();
  /** Series that one of ours was turned into: read as one object each. */
  readonly #ours = new Set<string>();
  readonly #replaced = new Set<string>();
  #known: Promise<ReadonlyMap<string, string | null>> | null = null;

  constructor(reading: Reading) {
    const { window, timeZone, cursor } = reading.request;
    this.#reading = reading;
    this.#view = { window, timeZone };
    this.#delta = cursor !== null;
  }

  async *read(): AsyncGenerator<PullItem> {
    let next: string | null = null;
    for await (const page of this.#pages()) {
      next = page.nextSyncToken ?? null;
      const changes: RemoteChange[] = [];
      for (const item of page.items) changes.push(...(await this.#changesOf(item)));
      if (changes.length > 0) yield { type: 'changes', changes };
    }
    // Without a token after a delta nothing says where it ended.
    if (next === null && this.#delta) throw senseless(false, 200);
    const series = await Promise.all([...this.#ours].map((id) => seriesOf(this.#reading, id)));
    for (const change of series) if (change.kind === 'upsert') this.#present.add(change.object.remoteId);
    if (series.length > 0) yield { type: 'changes', changes: series };
    const complete = this.#delta ? null : { window: this.#reading.request.window, present: this.#present };
    yield { type: 'end', cursor: next === null ? null : CURSOR + next, complete };
  }

  async *#pages(): AsyncGenerator<{ items: unknown[]; nextSyncToken?: string | null | undefined }> {
    const { client, request, options } = this.#reading;
    const { start, end } = request.window;
    const range = this.#delta
      ? { syncToken: (request.cursor ?? '').slice(CURSOR.length) }
      : { timeMin: new Date(start).toISOString(), timeMax: new Date(end).toISOString() };
    const query = {
      calendarId: request.agendaId,
      singleEvents: true,
      maxResults: PAGE,
      maxAttendees: 1,
      fields: `kind,nextPageToken,nextSyncToken,items(${EVENT_FIELDS})`,
    };
    let pageToken: string | undefined;
    for (let count = 0; count < MAX_PAGES; count += 1) {
      const parameters = { ...query, ...range, ...(pageToken === undefined ? {} : { pageToken }) };
      const page = await client.read(events, (api, via) => api.events.list(parameters, via), options);
      yield page;
      if (page.nextPageToken == null) return;
      if (page.nextPageToken === pageToken) throw senseless(false, 200);
      pageToken = page.nextPageToken;
    }
    throw new ConnectorError('unavailable', 'Google sends pages without end');
  }

  async #changesOf(item: unknown): Promise<RemoteChange[]> {
    const gone = tombstone.safeParse(item);
    if (gone.success) return this.#removed(gone.data.id, gone.data.recurringEventId);
    const read = eventSchema.safeParse(item);
    if (!read.success) return [this.#unreadable(item, read.error.issues.map(({ path }) => path.join('.')).join(', '))];
    const series = read.data.recurringEventId ?? null;
    if (series !== null && this.#takeOurs(series)) return [];
    const object = toRemoteObject(read.data, this.#view);
    if (await this.#beyond(object)) return [];
    this.#present.add(object.remoteId);
    return [...(await this.#replacedBy(read.data)), { kind: 'upsert', object }];
  }

  /** Deleting a series need not name its instances (calendar API reference: only `id` is certain). */
  async #removed(id: string, recurringEventId: string | null | undefined): Promise<RemoteChange[]> {
    const series = recurringEventId ?? seriesIn(id);
    if ((series !== null && this.#takeOurs(series)) || !this.#delta) return [];
    const known = await this.#knownIds();
    const instances = [...known.keys()].filter((one) => one.length > id.length && seriesIn(one) === id);
    return [id, ...instances].map((remoteId) => ({ kind: 'removed', remoteId }));
  }

  #takeOurs(series: string): boolean {
    if (referenceIn(series) === null) return false;
    this.#ours.add(series);
    return true;
  }

  /** A single event that was made a series is not named any more: its instances stand for it. */
  async #replacedBy({ recurringEventId: series }: Event): Promise<RemoteChange[]> {
    if (series == null || !this.#delta || this.#replaced.has(series)) return [];
    this.#replaced.add(series);
    return (await this.#knownIds()).has(series) ? [{ kind: 'removed', remoteId: series }] : [];
  }

  /** A delta names far instances and whatever else was touched; outside the window only what is known matters. */
  async #beyond({ when, reference, remoteId }: RemoteObject): Promise<boolean> {
    if (!this.#delta || reference !== null || when === null || overlaps(when, this.#reading.request.window))
      return false;
    return !(await this.#knownIds()).has(remoteId);
  }

  #unreadable(item: unknown, fields: string): RemoteChange {
    const named = identified.safeParse(item);
    // Passing over an event that cannot even be named would make it look deleted.
    if (!named.success) throw senseless(false, 200);
    this.#present.add(named.data.id);
    return {
      kind: 'unreadable',
      remoteId: named.data.id,
      version: named.data.etag ?? null,
      reason: `unreadable: ${fields}`,
      raw: JSON.stringify(item).slice(0, MAX_RAW),
    };
  }

  #knownIds(): Promise<ReadonlyMap<string, string | null>> {
    this.#known ??= this.#reading.request.known();
    return this.#known;
  }
}
