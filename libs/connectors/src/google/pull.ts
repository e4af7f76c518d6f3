import { ConnectorError, type PullItem } from '#connector-sdk';
import { overlaps, type RemoteChange, type RemoteObject } from '#domain';
import { isKind, senseless } from './errors.js';
import { referenceIn, seriesIn } from './event-ids.js';
import { busyOnly } from './free-busy.js';
import { toRemoteObject, type View } from './mapping.js';
import { EVENT_FIELDS, type Reading } from './requests.js';
import { event as eventSchema, events, identified, tombstone, type Event } from './schemas.js';
import { asSeries, readSeries } from './series.js';

/** Sync tokens hold only for the parameters they were given with; another number makes older cursors useless. */
const CURSOR = '1:';
/** Half of what may be held by one answer. */
const PAGE = 1000;
/** Pages of one pull; an endless listing is a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;
const MAX_RAW = 64 * 1024;
/** Touched series that are read one by one after a delta. */
const MAX_SERIES = 50;
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

/** One listing or delta. Instances come one by one (`singleEvents`), and are put together by series. */
class Listing {
  readonly #reading: Reading;
  readonly #view: View;
  readonly #delta: boolean;
  readonly #present = new Set<string>();
  /** Instances of a listing, by series; after a delta each touched series is read anew, its other instances were not named. */
  readonly #series = new Map<string, Event[]>();
  readonly #unreadable = new Map<string, RemoteChange>();
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
    const together = await this.#together();
    if (together.length > 0) yield { type: 'changes', changes: together };
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
    if (!read.success) return this.#putAside(item, read.error.issues.map(({ path }) => path.join('.')).join(', '));
    const { recurringEventId } = read.data;
    if (recurringEventId != null) {
      this.#instancesOf(recurringEventId).push(read.data);
      return [];
    }
    const object = toRemoteObject(read.data, this.#view);
    if (await this.#beyond(object)) return [];
    this.#present.add(object.remoteId);
    return [{ kind: 'upsert', object }];
  }

  #removed(id: string, recurringEventId: string | null | undefined): RemoteChange[] {
    if (!this.#delta) return [];
    // Of a cancelled instance nothing but its id is certain.
    const series = recurringEventId ?? seriesIn(id);
    if (series !== null) this.#instancesOf(series);
    return [{ kind: 'removed', remoteId: id }];
  }

  #instancesOf(series: string): Event[] {
    const found = this.#series.get(series) ?? [];
    this.#series.set(series, found);
    return found;
  }

  async #together(): Promise<RemoteChange[]> {
    const ids = [...this.#series.keys()].filter((id) => !this.#unreadable.has(id));
    if (this.#delta && ids.length > MAX_SERIES)
      throw new ConnectorError('cursor_expired', 'so many series changed that a complete listing is less work');
    const changes = await Promise.all(
      ids.map(async (id): Promise<RemoteChange> => {
        const object = this.#delta || referenceIn(id) !== null ? null : asSeries(id, this.#instancesOf(id), this.#view);
        return object === null ? readSeries(this.#reading, id) : { kind: 'upsert', object };
      }),
    );
    for (const change of changes) if (change.kind === 'upsert') this.#present.add(change.object.remoteId);
    return [...changes, ...this.#unreadable.values()];
  }

  /** Whatever is not read of a series makes the whole of it unreadable: half of it would free the other half. */
  #putAside(item: unknown, fields: string): RemoteChange[] {
    const named = identified.safeParse(item);
    // Passing over an event that cannot even be named would make it look deleted.
    if (!named.success) throw senseless(false, 200);
    const { id, etag, recurringEventId } = named.data;
    const series = recurringEventId ?? null;
    const change: RemoteChange = {
      kind: 'unreadable',
      remoteId: series ?? id,
      version: series === null ? (etag ?? null) : null,
      reason: `unreadable: ${fields}`,
      raw: JSON.stringify(item).slice(0, MAX_RAW),
    };
    this.#present.add(change.remoteId);
    if (series === null) return [change];
    this.#unreadable.set(series, change);
    return [];
  }

  /** A delta names whatever was touched; outside the window only what is known matters. */
  async #beyond({ when, reference, remoteId }: RemoteObject): Promise<boolean> {
    if (!this.#delta || reference !== null || when === null || overlaps(when, this.#reading.request.window))
      return false;
    this.#known ??= this.#reading.request.known();
    return !(await this.#known).has(remoteId);
  }
}
